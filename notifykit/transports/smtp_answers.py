"""What a mail server's refusals mean, by what it was asked and by the code it gave.

The codes are those of RFC 5321, section 4.2.3, and behind them the enhanced ones of RFC 3463: ``550 5.1.1``.
"""

from __future__ import annotations

import enum
import re
from typing import Any, Final

from notifykit.errors import (
    AuthFailed,
    ContentRejected,
    DestinationNotCovered,
    InvalidRecipient,
    ProviderUnavailable,
    RateLimited,
    Scope,
    SenderNotAllowed,
    TransportError,
)
from notifykit.masking import STARS, scrub

#: The most characters of a server's words that are kept.
MOST_WORDS: Final = 300

_ENHANCED: Final = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_ADDRESS: Final = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+")
_UNSEEN: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_QUEUE_ID: Final = (
    re.compile(r"\bqueued(?: mail)? as ([\w.=+-]{4,80})", re.IGNORECASE),
    re.compile(r"\b(?:queue[- ]?)?id[=:]\s*<?([\w.=+@-]{4,80})>?", re.IGNORECASE),
    re.compile(r"\A(?:2\.\d\.\d )?([A-Za-z0-9]{8,40}) message accepted", re.IGNORECASE),
    re.compile(r"\A(?:2\.\d\.\d )?ok:?\s+((?=\S*\d)[\w.=+-]{10,80})\Z", re.IGNORECASE),
)


class Stage(enum.Enum):
    """What a mail server was asked when it refused."""

    GREETING = "the connection"
    HELLO = "the greeting"
    STARTTLS = "encryption"
    #: It does not offer encryption.
    NO_STARTTLS = "encryption, which it does not offer"
    AUTH = "the credentials"
    #: It offers no way to log in that is known here.
    NO_AUTH = "logging in"
    #: It does not offer addresses outside ASCII.
    UTF8 = "an address that is not ASCII"
    MAIL = "the sender"
    RCPT = "the recipient"
    DATA = "to hear the message"
    #: The whole message was handed over.
    TEXT = "the message"


def refusal(stage: Stage, code: int, words: bytes, *secrets: str) -> TransportError:
    """Return the error that an answer means.

    Each says that the message was certainly not taken: a server that answers 4xx or 5xx has not taken responsibility
    for it (RFC 5321, section 4.2.1).

    :param stage: what the server was asked.
    :param code: its code of three digits; 0 where it did not answer.
    :param words: its words, as they came.
    :param secrets: what must not be seen in the words.
    """
    said = readable(words)
    enhanced = _ENHANCED.match(said)
    named = f"{code}{f' {enhanced[1]}' if enhanced else ''}" if 100 <= code <= 999 else None
    own: dict[str, Any] = {"code": named, "provider_words": hidden(said, *secrets) or None}
    if stage in _WITHOUT_ANSWER:
        return _without_answer(stage)
    if 400 <= code < 500:
        return _later(stage, code, own)
    if 500 <= code < 600:
        return _never(stage, code, enhanced[1].split(".")[1] if enhanced else "", own)
    return ProviderUnavailable(
        f"The mail server's answer to {stage.value} can't be understood.",
        **own,
        action="Check that host and port are those of a mail server. Nothing was sent, so sending again is safe.",
    )


def readable(words: bytes) -> str:
    """Return a server's words as one line without control characters."""
    return _UNSEEN.sub(" ", words.decode("utf-8", "replace")).strip()


def hidden(said: str, *secrets: str) -> str:
    """Return a server's words without secrets, without addresses and without what looks like a number."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", STARS, said, flags=re.IGNORECASE)
    return scrub(_ADDRESS.sub(STARS, said))[:MOST_WORDS]


def queue_id(words: bytes) -> str | None:
    """Return what the server calls the message in its queue, None where it does not say."""
    said = readable(words)
    found = (pattern.search(said) for pattern in _QUEUE_ID)
    return next((match[1].rstrip(".") for match in found if match), None)


_WITHOUT_ANSWER: Final = frozenset({Stage.NO_STARTTLS, Stage.NO_AUTH, Stage.UTF8})
_CHECK_CREDENTIALS: Final = (
    "Check user name and password of the mail account; some providers want a password made for programs."
)
_GIVE_CREDENTIALS: Final = (
    "Give a user name and a password: smtp://user:password@host, or NOTIFYKIT_SMTP_USER and …_PASSWORD."
)
_CHECK_SENDER: Final = "Send from an address that this account may use: from= in the DSN, or NOTIFYKIT_SMTP_FROM."

_CHECK_RELAYING: Final = "Log in, or use a mail server that relays for this sender; its words say what it minds."
#: What a refusal for good means, by what the server was asked, and what to do where the error's own advice is too little.
_MEANINGS: Final[dict[Stage, tuple[type[TransportError], str | None]]] = {
    Stage.AUTH: (AuthFailed, _CHECK_CREDENTIALS),
    Stage.MAIL: (SenderNotAllowed, _CHECK_SENDER),
    Stage.RCPT: (InvalidRecipient, None),
    Stage.TEXT: (ContentRejected, None),
}


def _later(stage: Stage, code: int, own: dict[str, Any]) -> TransportError:
    detail = f"The mail server refused {stage.value} for now."
    advice = "Nothing was sent; send again later. The mail server's words say what it minds."
    if stage is Stage.RCPT and code not in (421, 452):
        # A server that makes strangers wait before it takes mail to somebody, or a mailbox that is busy.
        return RateLimited(detail, **own, action=advice, scope=Scope.RECIPIENT)
    return RateLimited(detail, **own, action=advice)


def _never(stage: Stage, code: int, about: str, own: dict[str, Any]) -> TransportError:
    """Return what a refusal for good means; ``about`` is the middle of the enhanced code, where there is one."""
    detail = f"The mail server refused {stage.value}."
    if code == 530 and stage is not Stage.TEXT:
        return AuthFailed("The mail server wants a user name and a password.", **own, action=_GIVE_CREDENTIALS)
    if stage is Stage.RCPT and about == "7":
        return DestinationNotCovered(
            "The mail server does not carry mail to this recipient.", **own, action=_CHECK_RELAYING
        )
    if stage is Stage.MAIL and code == 552:
        return ContentRejected("The mail server says that the message is too large.", **own)
    if stage is Stage.TEXT and about in ("1", "2"):
        return InvalidRecipient("The mail server refused the recipient.", **own)
    kind, action = _MEANINGS.get(stage, (ProviderUnavailable, None))
    return kind(detail, **own) if action is None else kind(detail, **own, action=action)


def _without_answer(stage: Stage) -> TransportError:
    if stage is Stage.UTF8:
        return InvalidRecipient(
            "This mail server takes only addresses that are ASCII.",
            "no_smtputf8",
            action="Ask the person for an ASCII address, or use a mail server with SMTPUTF8.",
        )
    if stage is Stage.NO_AUTH:
        return AuthFailed(
            "The mail server offers no way to log in that is known here.",
            "no_auth",
            action="Check host and port: the port for programs that submit mail is 587 or 465. Known are PLAIN and LOGIN.",
        )
    return ProviderUnavailable(
        "The mail server does not offer encryption, so nothing was said to it.",
        "no_starttls",
        action="Check the port: 587 offers STARTTLS, 465 is smtps://. On this machine itself, tls=none goes without.",
    )
