"""A transport in one line: ``kwtsms://user:password@default?sender=MY-APP&test=1``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import attrs

from notifykit.errors import ConfigError
from notifykit.masking import Secret

_NAME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
#: Options whose names hold one of these are not shown: ``api_key``, ``access_token``, ``sig``.
_SECRET_OPTION: Final = re.compile(r"auth|bearer|cred|key|pass|pwd|secret|sig|token", re.IGNORECASE)


@attrs.frozen
class Dsn:
    """The parts of a DSN. Its ``str`` is a DSN too, without the password, the path and other secrets."""

    #: Which transport: ``kwtsms``, ``memory``, ``webhook+http``.
    scheme: str
    #: The host; ``default`` stands for the transport's own.
    host: str = "default"
    #: The port; None stands for the scheme's own.
    port: int | None = None
    #: The account's user name.
    user: str | None = None
    #: The account's password.
    password: Secret | None = None
    #: The path on the host. It is not shown: webhook addresses keep tokens there.
    path: str = attrs.field(default="", repr=False)
    #: What stands behind the question mark. A mapping has no hash; equality looks at it all the same.
    options: Mapping[str, str] = attrs.field(factory=dict, repr=False, hash=False)

    @classmethod
    def parse(cls, text: str) -> Dsn:
        """Read a DSN, or a bare transport name such as ``memory``.

        :raises ConfigError: where it is neither; the message never repeats the text.
        """
        text = text.strip()
        if _NAME.fullmatch(text):
            return cls(text)
        scheme, separator, _ = text.partition("://")
        if not separator or not _NAME.fullmatch(scheme):
            raise ConfigError(
                "a transport is a name like 'kwtsms' or a DSN like 'kwtsms://user:password@default?test=1'"
            )
        try:
            _refuse_what_would_be_lost(text)
            parts = urlsplit(text)
            port = parts.port
            given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError:
            raise ConfigError(
                f"the {scheme} DSN can't be read: write scheme://user:password@host:port/path?option=value, "
                "with %40 for @, %2F for /, %3A for :, %3F for ? and %23 for # inside a password or another part"
            ) from None
        options = dict(given)
        if len(options) != len(given):
            raise ConfigError(f"the {scheme} DSN has an option twice: leave one of them")
        return cls(
            scheme=scheme,
            host=parts.hostname or "default",
            port=port,
            user=unquote(parts.username) if parts.username else None,
            password=Secret(unquote(parts.password)) if parts.password else None,
            path=parts.path,
            options=options,
        )

    def __str__(self) -> str:
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        shown = {name: value for name, value in self.options.items() if not _SECRET_OPTION.search(name)}
        return f"{self.scheme}://{user}{host}{port}" + (f"?{urlencode(shown)}" if shown else "")


def _refuse_what_would_be_lost(text: str) -> None:
    """Raise for what ``urlsplit`` drops in silence, or takes for the host or an option: most often half a password."""
    _, *behind_host = re.split("[/?]", text.partition("://")[2])
    if not text.isprintable() or "#" in text or any("@" in part for part in behind_host):
        raise ValueError
