"""The command to type after an error."""

from __future__ import annotations

from typing import Final

from notifykit.errors import (
    AuthFailed,
    ConfigError,
    ContentRejected,
    DestinationNotCovered,
    InvalidRecipient,
    NotReached,
    OutcomeUnknown,
    OutOfCredit,
    ProviderUnavailable,
    SenderNotAllowed,
    TransportError,
)
from notifykit_kwtsms.api.codes import CODES

_BY_ERROR: Final = (
    (SenderNotAllowed, "kwtsms senderid"),
    (DestinationNotCovered, "kwtsms coverage"),
    (OutOfCredit, "kwtsms balance"),
    (OutcomeUnknown, "kwtsms balance"),  # points that are gone say that it was sent
    (InvalidRecipient, "kwtsms validate NUMBER"),
    (ContentRejected, "kwtsms send --help"),
    (NotReached, "kwtsms verify"),
    (ProviderUnavailable, "kwtsms verify"),
    (ConfigError, "kwtsms setup"),
)
_WRONG_PASSWORD: Final = "ERR003"  # noqa: S105 - a code


def next_command(error: BaseException, command: str = "") -> str:
    """Return the command to type after an error of a command."""
    if command == "setup":
        unheard = isinstance(error, NotReached | ProviderUnavailable)
        return "kwtsms setup --no-verify" if unheard else "kwtsms setup --help"
    code = error.code if isinstance(error, TransportError) else None
    if isinstance(error, AuthFailed):
        return f"kwtsms errors {code}" if code in CODES and code != _WRONG_PASSWORD else "kwtsms setup"
    found = next((following for kind, following in _BY_ERROR if isinstance(error, kind)), None)
    return found or (f"kwtsms errors {code}" if code in CODES else f"kwtsms {command} --help".replace("  ", " "))
