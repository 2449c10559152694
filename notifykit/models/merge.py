"""What answers mean: one makes receipts, and several about one recipient make one receipt, with every attempt."""

from __future__ import annotations

from typing import Final

import attrs

from notifykit.errors import Exhausted, OutcomeUnknown, TransportError
from notifykit.models.plan import Batch
from notifykit.models.receipt import Attempt, Outcome, Receipt

#: Which of two outcomes is the truth about a recipient who was tried twice.
_WEIGHT: Final = {Outcome.SKIPPED: 0, Outcome.REJECTED: 1, Outcome.UNKNOWN: 2, Outcome.ACCEPTED: 3}


def outcome_of(error: TransportError | None) -> Outcome:
    """Return what an error says about the recipients of a request; none is an acceptance."""
    if error is None:
        return Outcome.ACCEPTED
    return Outcome.REJECTED if error.safe_to_resend else Outcome.UNKNOWN


def error_of(answer: object) -> TransportError:
    """Return the error that an answer is where it is no submission; what nobody understands is unknown."""
    if isinstance(answer, TransportError):
        return answer
    kind = type(answer if isinstance(answer, BaseException) else TypeError()).__name__
    return OutcomeUnknown(f"The transport broke off with {kind} instead of an answer.", code=kind)


def receipts_of(batch: Batch, attempt: Attempt) -> list[Receipt]:
    """Return what a request that came to an end means for each recipient."""
    said, number, attempts = attempt.submission, batch.number, (attempt,)
    refused = said.refused if said else {}
    error = None if said else attempt.error
    outcome = outcome_of(error)
    people = zip(batch.positions, batch.recipients, strict=True)
    if not refused:
        return [Receipt(at, who, outcome, error, None, said, attempts, number) for at, who in people]
    receipts = []
    for at, who in people:
        why = refused.get(who.address)
        receipts.append(Receipt(at, who, outcome_of(why), why, None, said, attempts, number))
    return receipts


def merge_receipts(before: Receipt | None, after: Receipt, *, again: bool = False, also: bool = False) -> Receipt:
    """Return the receipt of a recipient who was tried twice: an acceptance outweighs an unknown outcome, and that a refusal.

    :param before: what is known already; None for nothing.
    :param after: what was heard now.
    :param again: whether the same way was tried again, so that its later error takes the place of the earlier.
    :param also: whether both ways were meant to be gone, so that neither has the last word.
    """
    if before is None:
        return after
    attempts = (*before.attempts, *after.attempts)
    if before.outcome is after.outcome is Outcome.REJECTED and before.error and after.error and not again:
        return attrs.evolve(after, error=_exhausted(before, after, also=also), attempts=attempts)
    newer = _WEIGHT[after.outcome] > _WEIGHT[before.outcome] or (again and before.outcome is after.outcome)
    return attrs.evolve(after if newer else before, attempts=attempts)


def _exhausted(before: Receipt, after: Receipt, *, also: bool) -> Exhausted:
    """Return one error for what two said, or more. Who was asked last has the last word about the recipient."""
    told = [*_told(before), *_told(after)]
    causes = tuple(cause for _, cause in told)
    decisive = next((cause for cause in causes if also and not cause.scope.moves_traffic), causes[-1])
    return Exhausted(
        f"None of {len(told)} transports took it. "
        + " ".join(f"{who + ': ' if who else ''}{_sentence(cause)}" for who, cause in told),
        decisive.code,
        action=" ".join(dict.fromkeys(cause.action for cause in causes)),
        waits=min((cause.waits for cause in causes if cause.waits), default=()),
        scope=decisive.scope,
        causes=causes,
    )


def _told(receipt: Receipt) -> list[tuple[str, TransportError]]:
    """Return each cause of a receipt's error, with the transport that it came from where that was asked."""
    error = receipt.error
    assert error is not None, "only refusals are merged like this"
    causes = error.causes if isinstance(error, Exhausted) else (error,)
    names = {id(attempt.error): attempt.transport for attempt in receipt.attempts if attempt.error}
    return [(names.get(id(cause), ""), cause) for cause in causes]


def _sentence(error: TransportError) -> str:
    return f"{error.code}: {error.detail}" if error.code else error.detail
