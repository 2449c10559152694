"""Signed links with which a person switches a topic off: no address in them, no end of their validity, nothing to store.

A mail program posts to the link with one click (RFC 8058); a browser gets a page with a button, because programs that look
for viruses open every link of a message.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from typing import Final
from urllib.parse import urlsplit

import attrs

from notifykit.errors import ConfigError
from notifykit.http.network import is_loopback
from notifykit.models.message import Channel
from notifykit.people.preferences import SECURITY
from notifykit.protocols import About
from notifykit.settings.fields import Field, names, secret, section_fields, text
from notifykit.settings.sources import Settings

SECTION: Final = "unsubscribe"
#: The shortest key, in characters.
MIN_KEY: Final = 16
#: The first character of a token: how it is made.
_VERSION: Final = "1"
_PURPOSE: Final = b"notifykit unsubscribe 1\0"
#: Characters of the signature: 128 bits.
_SIGNATURE: Final = 22
_URL: Final = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+")


def _url(value: object) -> str:
    found = text(value).rstrip("/")
    host = urlsplit(found).hostname if _URL.fullmatch(found) else None
    if not host or "?" in found or "#" in found:
        raise ValueError("is no address of a page: write https://shop.example/unsubscribe")
    if not found.startswith("https:") and not is_loopback(host):
        raise ValueError("has to begin with https://: mail programs post to nothing else")
    return found


FIELDS: Final = section_fields(
    SECTION,
    Field("url", _url, help="Where the page is: https://shop.example/unsubscribe."),
    Field("key", secret, help="What signs the links: 16 characters at least. Another key makes all links void."),
    Field("topics", names, ("marketing",), help="The topics whose e-mails carry a link."),
)


@attrs.frozen
class Subscription:
    """What a link is about."""

    #: The person, by id.
    person: str
    #: The topic.
    topic: str
    #: The channel; None for all.
    channel: Channel | None = None


@attrs.frozen
class UnsubscribeLinks:
    """Makes links and reads them.

    :raises ConfigError: if the key is too short to be one.
    """

    #: What signs the links; whoever knows it can unsubscribe anybody.
    key: str = attrs.field(repr=False)
    #: Where the page is.
    url: str = ""
    #: The topics whose e-mails carry a link.
    topics: tuple[str, ...] = ("marketing",)

    def __attrs_post_init__(self) -> None:
        if len(self.key) < MIN_KEY:
            raise ConfigError(
                f"unsubscribe.key has {len(self.key)} characters. Give it at least {MIN_KEY}: "
                "python -c 'import secrets; print(secrets.token_urlsafe())' makes one."
            )

    @classmethod
    def of(cls, settings: Settings) -> UnsubscribeLinks | None:
        """Return what the settings say; None where they have no key.

        :raises ConfigError: with every problem.
        """
        values = {name: value.value for name, value in settings.section(SECTION, FIELDS).items()}
        if values["key"] is None and values["url"] is None:
            return None
        missing = [name for name in ("url", "key") if values[name] is None]
        if missing:
            raise ConfigError(
                f"unsubscribe.{missing[0]} is missing: links need url and key, NOTIFYKIT_UNSUBSCRIBE_URL and "
                "NOTIFYKIT_UNSUBSCRIBE_KEY"
            )
        return cls(values["key"].reveal(), values["url"], values["topics"])

    def link(self, person: str, topic: str, channel: Channel | str | None = None) -> str:
        """Return the link with which a person switches a topic off.

        :param channel: the channel that it is switched off on; None for all.
        :raises ValueError: if the topic is ``security``, or the id is an e-mail address: links are seen by others.
        """
        return f"{self.url}/{self.token(person, topic, channel)}"

    def token(self, person: str, topic: str, channel: Channel | str | None = None) -> str:
        """Return the last part of :meth:`link`."""
        if topic == SECURITY:
            raise ValueError(f"the topic {SECURITY} can't be switched off")
        if "@" in person or not person:
            raise ValueError("person is an id, and no address: addresses do not belong into links")
        parts = [person, topic, Channel(channel).value if channel else ""]
        body = _VERSION + _encoded(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode())
        return f"{body}.{self._signature(body)}"

    def read(self, token: str) -> Subscription | None:
        """Return what a token is about; None where this key did not make it."""
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(body).encode()):
            return None
        try:
            person, topic, channel = json.loads(_decoded(body.removeprefix(_VERSION)))
            return Subscription(person, topic, Channel(channel) if channel else None)
        except (ValueError, TypeError, binascii.Error):  # pragma: no cover - this key signs nothing else
            return None

    def _signature(self, body: str) -> str:
        digest = hmac.digest(self.key.encode(), _PURPOSE + body.encode("utf-8", "replace"), hashlib.sha256)
        return _encoded(digest)[:_SIGNATURE]


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text_: str) -> bytes:
    return base64.urlsafe_b64decode(text_ + "=" * (-len(text_) % 4))


def notifykit_about() -> About:
    """Return the settings."""
    return About(section=SECTION, fields=FIELDS)
