"""What a send came to: receipts counted as they come, and told in a few lines."""

from __future__ import annotations

from typing import Any, Final

import attrs

from notifykit.cli.exit_codes import Exit, for_receipts
from notifykit.cli.messages import recipient_name, veto_advice
from notifykit.cli.output import plural, print_line
from notifykit.errors import TransportError
from notifykit.models.receipt import Outcome, Receipt, Submission

_STYLES: Final = {Outcome.ACCEPTED: "good", Outcome.REJECTED: "bad", Outcome.UNKNOWN: "care", Outcome.SKIPPED: "faint"}
_EXAMPLES: Final = 3


@attrs.define
class Group:
    """Receipts that ended alike."""

    #: How many there are.
    count: int = 0
    #: The first of them.
    examples: list[Receipt] = attrs.field(factory=list)
    #: The provider's ids, each once.
    ids: dict[str, None] = attrs.field(factory=dict)


@attrs.define
class Outcomes:
    """Counts receipts; memory grows with the requests and not with the recipients."""

    #: Receipts that ended alike, by how they ended.
    groups: dict[Any, Group] = attrs.field(factory=dict)
    #: How many came.
    done: int = 0
    #: How many of them were accepted.
    accepted: int = 0
    #: What the provider says it charged; None where it said nothing.
    cost: float | None = None
    #: What is left; None where nobody said.
    balance: float | None = None
    #: Whether it was a test.
    test: bool = False
    _last: Submission | None = None

    def add(self, receipt: Receipt) -> None:
        """Count one."""
        self.done += 1
        self.accepted += receipt.outcome is Outcome.ACCEPTED
        veto = receipt.veto and (receipt.veto.guard, receipt.veto.reason)
        group = self.groups.setdefault((receipt.outcome, receipt.error, receipt.advice, veto), Group())
        group.count += 1
        if len(group.examples) < _EXAMPLES:
            group.examples.append(receipt)
        if receipt.message_id:
            group.ids[receipt.message_id] = None
        submission = receipt.submission
        if submission is not None and submission is not self._last:
            self._last = submission
            self.test = self.test or submission.test
            self.balance = self.balance if submission.balance is None else submission.balance
            if submission.cost is not None:
                self.cost = (self.cost or 0) + submission.cost

    @property
    def exit_code(self) -> Exit:
        """How the command ends."""
        return for_receipts(group.examples[0] for group in self.groups.values())

    @property
    def failed(self) -> Receipt | None:
        """The receipt that stands for what went wrong; None where nothing did."""
        failed = [group.examples[0] for group in self.groups.values() if group.examples[0].error]
        unknown = [receipt for receipt in failed if receipt.error and not receipt.error.safe_to_resend]
        return next(iter((*unknown, *failed)), None)

    @property
    def error(self) -> TransportError | None:
        """The error that stands for what went wrong; None where nothing did."""
        return self.failed.error if self.failed else None

    def counts(self) -> dict[str, int]:
        """Return how many ended how."""
        return {
            wanted.value: sum(group.count for (outcome, *_), group in self.groups.items() if outcome is wanted)
            for wanted in Outcome
        }

    def show(self, unit: str, *, clear: bool) -> None:
        """Show every kind of ending with its advice, then the account."""
        order = list(Outcome)
        for (outcome, *_), group in sorted(self.groups.items(), key=lambda item: order.index(item[0][0])):
            _show(group, outcome, clear=clear)
        if self.cost is not None or self.balance is not None:
            charged = "" if self.cost is None else f"{plural(self.cost, unit)} charged"
            left = "" if self.balance is None else f"{plural(self.balance, unit)} left"
            print_line(f"account   {', '.join(filter(None, (charged, left)))}")

    def as_document(self) -> dict[str, Any]:
        """Return the sums for ``--json``."""
        ids = [message_id for group in self.groups.values() for message_id in group.ids]
        return {
            "counts": self.counts(),
            "message_ids": list(dict.fromkeys(ids)),
            "cost": self.cost,
            "balance": self.balance,
            "test": self.test,
        }


def _show(group: Group, outcome: Outcome, *, clear: bool) -> None:
    first = group.examples[0]
    names = (
        plural(group.count, "number")
        if group.count > _EXAMPLES
        else ", ".join(recipient_name(receipt, clear=clear) for receipt in group.examples)
    )
    if outcome is Outcome.ACCEPTED:
        count = sum(attempt.transport == first.attempts[-1].transport for attempt in first.attempts)
        tries = f", at try {count}" if count > 1 else ""
        test = " (test)" if first.test else ""
        print_line(f"{outcome:<9} {names}{tries}{test}", _STYLES[outcome])
        for message_id in group.ids:
            print_line(f"          id {message_id}")
    else:
        print_line(f"{outcome:<9} {names}: {_reason(first)}", _STYLES[outcome])
        if group.count > _EXAMPLES:
            print_line(
                f"          such as {', '.join(recipient_name(receipt, clear=clear) for receipt in group.examples)}"
            )
    print_line(f"          → {veto_advice(first.veto) if first.veto else first.advice}")


def _reason(receipt: Receipt) -> str:
    if receipt.error:
        return f"{receipt.code}: {receipt.error.detail}" if receipt.code else receipt.error.detail
    return f"held back by {receipt.veto}" if receipt.veto else str(receipt.skipped)


def receipt_document(receipt: Receipt, *, clear: bool) -> dict[str, Any]:
    """Return one receipt for ``--json``."""
    return {
        "position": receipt.position,
        "to": receipt.to if clear else str(receipt.recipient),
        "outcome": receipt.outcome.value,
        "code": receipt.code,
        "reason": receipt.error.detail if receipt.error else receipt.veto.reason if receipt.veto else receipt.skipped,
        "veto": attrs.asdict(receipt.veto) if receipt.veto else None,
        "advice": receipt.advice,
        "message_id": receipt.message_id,
        "attempts": len(receipt.attempts),
        "retry_after": receipt.retry_after,
        "test": receipt.test,
    }
