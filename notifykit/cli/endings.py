"""Which exit code stands for what happened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from notifykit.cli.exits import Exit
from notifykit.errors import (
    AuthFailed,
    ConfigError,
    MissingCredentials,
    NotReached,
    OutcomeUnknown,
    OutOfCredit,
    PluginError,
    RateLimited,
)
from notifykit.models.receipt import Outcome, Receipt, Veto

#: The guard whose vetoes are about money.
_SPENDING: Final = "spend_cap"

_BY_ERROR = (
    (MissingCredentials, Exit.CREDENTIALS),
    (ConfigError, Exit.USAGE),
    (PluginError, Exit.PLUGIN),
    (AuthFailed, Exit.CREDENTIALS),
    (NotReached, Exit.NOT_REACHED),
    (OutcomeUnknown, Exit.UNKNOWN),
    (OutOfCredit, Exit.CREDIT),
    (RateLimited, Exit.RATE),
)


def for_error(error: BaseException | None) -> Exit:
    """Return the code for an error."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.FAILED)


def for_veto(veto: Veto) -> Exit:
    """Return the code where a guard held something back."""
    return Exit.CREDIT if veto.guard == _SPENDING else Exit.FAILED


def for_receipts(receipts: Iterable[Receipt]) -> Exit:
    """Return the code for what happened to the recipients of a send.

    An unknown outcome is told before anything else: it is the one that a script must not repeat. A duplicate is no
    failure.
    """
    known = [r for r in receipts if not (r.outcome is Outcome.SKIPPED and r.skipped == "duplicate")]
    outcomes = {receipt.outcome for receipt in known}
    if Outcome.UNKNOWN in outcomes:
        return Exit.UNKNOWN
    if outcomes == {Outcome.ACCEPTED}:
        return Exit.OK
    if Outcome.ACCEPTED in outcomes:
        return Exit.PARTLY
    codes = {
        for_veto(receipt.veto) if receipt.veto else for_error(receipt.error)
        for receipt in known
        if receipt.veto or receipt.error
    }
    return codes.pop() if len(codes) == 1 else Exit.FAILED
