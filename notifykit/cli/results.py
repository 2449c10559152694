"""What a send came to: receipts are counted as they come, and shown in a few lines or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from notifykit.cli.exit_codes import Exit, for_receipts
from notifykit.cli.messages import describe_edits, recipient_name, veto_advice
from notifykit.cli.output import plural, print_line
from notifykit.errors import TransportError
from notifykit.models.merge import outcome_of
from notifykit.models.message import Edit
from notifykit.models.receipt import Attempt, Outcome, Receipt, Submission

_STYLES: Final = {Outcome.ACCEPTED: "good", Outcome.REJECTED: "bad", Outcome.UNKNOWN: "care", Outcome.SKIPPED: "faint"}
_EXAMPLES: Final = 3
_INDENT: Final = " " * 10


@attrs.define
class ResultGroup:
    """Receipts with the same outcome and reason."""

    #: How many there are.
    count: int = 0
    #: The first of them.
    examples: list[Receipt] = attrs.field(factory=list)
    #: The provider's ids, each once; the first of them where only some are kept.
    ids: dict[str, None] = attrs.field(factory=dict)
    #: How many more requests there are.
    more_ids: int = 0

    def show(self, *, clear: bool) -> None:
        """Print the group with its advice."""
        first, outcome = self.examples[0], self.examples[0].outcome
        many = self.count > _EXAMPLES
        examples = ", ".join(recipient_name(receipt, clear=clear) for receipt in self.examples)
        names = plural(self.count, "number") if many else examples
        if outcome is Outcome.ACCEPTED:
            count = sum(attempt.transport == first.attempts[-1].transport for attempt in first.attempts)
            tries = f", at try {count}" if count > 1 else ""
            print_line(f"{outcome:<9} {names}{tries}{' (test)' if first.test else ''}", _STYLES[outcome])
            for message_id in self.ids:
                print_line(f"{_INDENT}id {message_id}")
            if self.more_ids:
                print_line(f"{_INDENT}and {self.more_ids:,} more")
        else:
            print_line(f"{outcome:<9} {names}: {_reason(first)}", _STYLES[outcome])
            if many:
                print_line(f"{_INDENT}such as {examples}")
        print_line(f"{_INDENT}→ {veto_advice(first.veto) if first.veto else first.advice}")


@attrs.define
class SendResults:
    """Counts receipts; memory grows with the requests, or with nothing where only some ids are kept."""

    #: Receipts with the same outcome and reason.
    groups: dict[Any, ResultGroup] = attrs.field(factory=dict)
    #: How many receipts came.
    done: int = 0
    #: How many of them were accepted.
    accepted: int = 0
    #: What the provider says it charged; None if it said nothing.
    cost: float | None = None
    #: The balance that the provider gave last; None if it gave none.
    balance: float | None = None
    #: Whether it was a test.
    test: bool = False
    #: How many recipients each transport accepted.
    accepted_by: Counter[str] = attrs.field(factory=Counter)
    #: Whether a transport accepted what another had been asked to send.
    moved: bool = False
    #: The most ids that are kept of a group; None for all.
    most_ids: int | None = None
    _last_id: str | None = None
    _last: Submission | None = None

    def add(self, receipt: Receipt) -> None:
        """Count one receipt."""
        self.done += 1
        self.accepted += receipt.outcome is Outcome.ACCEPTED
        veto = receipt.veto and (receipt.veto.guard, receipt.veto.reason)
        group = self.groups.setdefault((receipt.outcome, receipt.error, receipt.advice, veto), ResultGroup())
        group.count += 1
        if len(group.examples) < _EXAMPLES:
            group.examples.append(receipt)
        if receipt.message_id:
            self._add_id(group, receipt.message_id)
        transport = next((attempt.transport for attempt, error in _attempts(receipt) if error is None), None)
        if transport:
            self.accepted_by[transport] += 1
            self.moved = self.moved or transport != receipt.attempts[0].transport
        submission = receipt.submission
        if submission is not None and submission is not self._last:
            self._last = submission
            self.test = self.test or submission.test
            self.balance = self.balance if submission.balance is None else submission.balance
            if submission.cost is not None:
                self.cost = (self.cost or 0) + submission.cost

    def _add_id(self, group: ResultGroup, message_id: str) -> None:
        if self.most_ids is None or len(group.ids) < self.most_ids:
            group.ids[message_id] = None
        elif message_id not in group.ids and message_id != self._last_id:
            group.more_ids += 1
        self._last_id = message_id

    @property
    def exit_code(self) -> Exit:
        """The exit code of the command."""
        return for_receipts(group.examples[0] for group in self.groups.values())

    @property
    def failed(self) -> Receipt | None:
        """The receipt with the most important error, or None; an unknown outcome comes first."""
        failed = [group.examples[0] for group in self.groups.values() if group.examples[0].error]
        unknown = [receipt for receipt in failed if receipt.error and not receipt.error.safe_to_resend]
        return next(iter((*unknown, *failed)), None)

    @property
    def error(self) -> TransportError | None:
        """The most important error, or None."""
        return self.failed.error if self.failed else None

    def show(self, unit: str, *, clear: bool) -> None:
        """Print every group with its advice, then the account."""
        order = list(Outcome)
        for _, group in sorted(self.groups.items(), key=lambda item: order.index(item[0][0])):
            group.show(clear=clear)
        account = [
            f"{plural(amount, unit)} {word}"
            for amount, word in ((self.cost, "charged"), (self.balance, "left"))
            if amount is not None
        ]
        if account:
            print_line(f"account   {', '.join(account)}")

    def as_document(self) -> dict[str, Any]:
        """Return the totals for ``--json``."""
        counts = {outcome.value: 0 for outcome in Outcome}
        for (outcome, *_), group in self.groups.items():
            counts[outcome.value] += group.count
        ids = dict.fromkeys(message_id for group in self.groups.values() for message_id in group.ids)
        totals = {"cost": self.cost, "balance": self.balance, "test": self.test}
        return {"counts": counts, "message_ids": list(ids), **totals}


def _reason(receipt: Receipt) -> str:
    if receipt.error:
        return f"{receipt.code}: {receipt.error.detail}" if receipt.code else receipt.error.detail
    return f"held back by {receipt.veto}" if receipt.veto else str(receipt.skipped)


def _attempts(receipt: Receipt) -> Iterator[tuple[Attempt, TransportError | None]]:
    """Yield each attempt with why it failed for this recipient; None if the transport accepted it."""
    for attempt in receipt.attempts:
        yield attempt, attempt.submission.refused.get(receipt.to) if attempt.submission else attempt.error


def show_edits(edits: Sequence[Edit]) -> None:
    """Print in one line what the cleaners changed in the text; nothing where they changed nothing."""
    if edits:
        print_line(f"changed   {describe_edits(edits)}")


def attempts_document(receipt: Receipt) -> list[dict[str, Any]]:
    """Return for ``--json`` which transports were asked for a recipient, and what each answered."""
    return [
        {"transport": attempt.transport, "outcome": outcome_of(error).value, "code": error.code if error else None}
        for attempt, error in _attempts(receipt)
    ]


def receipt_document(receipt: Receipt, *, clear: bool) -> dict[str, Any]:
    """Return one receipt for ``--json``."""
    return {
        "position": receipt.position,
        "to": receipt.to if clear else str(receipt.recipient),
        "outcome": receipt.outcome.value,
        "code": receipt.code,
        "reason": receipt.error.detail if receipt.error else receipt.veto.reason if receipt.veto else receipt.skipped,
        "veto": receipt.veto,
        "advice": receipt.advice,
        "message_id": receipt.message_id,
        "attempts": len(receipt.attempts),
        "retry_after": receipt.retry_after,
        "test": receipt.test,
    }
