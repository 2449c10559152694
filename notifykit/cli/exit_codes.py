"""Exit codes: what a script may rely on, and which code stands for an error or for the receipts of a send."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from notifykit.models.receipt import Receipt, Veto

#: The guard whose vetoes are about money.
_SPENDING: Final = "spend_cap"


class Exit(enum.IntEnum):
    """How a command ended, with what that means in words."""

    #: For people: ``notifykit help exit-codes``.
    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a member that is a plain number and has its meaning as an attribute."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "all accepted, all valid, all well"
    FAILED = 1, "nothing was accepted, or any other failure"
    USAGE = 2, "the command line or the settings can't be used, or a question could not be asked"
    PARTLY = 3, "some were accepted and some not, or some numbers are not valid"
    CREDENTIALS = 4, "the account's user name, password, permission or IP address: wrong or missing"
    NOT_REACHED = 5, "the provider could not be reached: certainly not sent"
    UNKNOWN = 6, "it may have been sent: look before you send again"
    CREDIT = 7, "not enough credit, above --max-cost and not confirmed, or held back by spend_cap"
    RATE = 8, "too much at once: a batch after all tries, a single send that has to wait"
    PLUGIN = 9, "a plugin failed or is missing: none brings the transport that was named"
    HUNG_UP = 129, "the terminal is gone (SIGHUP)"
    INTERRUPTED = 130, "Ctrl-C"
    TERMINATED = 143, "ended from outside (SIGTERM)"


def for_error(error: BaseException | None) -> Exit:
    """Return the code for an error."""
    # Imported here: `--help` needs none of this.
    from notifykit import errors

    codes: tuple[tuple[type[BaseException], Exit], ...] = (
        (errors.MissingCredentials, Exit.CREDENTIALS),
        (errors.ConfigError, Exit.USAGE),
        (errors.PluginError, Exit.PLUGIN),
        (errors.AuthFailed, Exit.CREDENTIALS),
        (errors.NotReached, Exit.NOT_REACHED),
        (errors.OutcomeUnknown, Exit.UNKNOWN),
        (errors.OutOfCredit, Exit.CREDIT),
        (errors.RateLimited, Exit.RATE),
    )
    return next((code for kind, code in codes if isinstance(error, kind)), Exit.FAILED)


def for_veto(veto: Veto) -> Exit:
    """Return the code where a guard held something back."""
    return Exit.CREDIT if veto.guard == _SPENDING else Exit.FAILED


def for_receipts(receipts: Iterable[Receipt]) -> Exit:
    """Return the code for what happened to the recipients of a send.

    An unknown outcome comes before anything else: a script must not repeat it. A duplicate is no failure.
    """
    from notifykit.models.receipt import Outcome

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
