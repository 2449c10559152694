"""Receipts of answers: one answer gives a receipt to each recipient, and several receipts of a recipient become one."""

from __future__ import annotations

from typing import Final

import attrs

from notifykit.errors import Exhausted, OutcomeUnknown, TransportError
from notifykit.models.plan import Batch
from notifykit.models.receipt import Attempt, Outcome, Receipt

#: The heavier of two outcomes is that of a recipient that was tried twice.
_WEIGHT: Final = {Outcome.SKIPPED: 0, Outcome.REJECTED: 1, Outcome.UNKNOWN: 2, Outcome.ACCEPTED: 3}


def outcome_of(error: TransportError | None) -> Outcome:
    """Return the outcome for the recipients of a request that ended with an error, or without one."""
    if error is None:
        return Outcome.ACCEPTED
    return Outcome.REJECTED if error.safe_to_resend else Outcome.UNKNOWN


def error_of(answer: object) -> TransportError:
    """Return the error of an answer that is no submission; anything but a transport error is an unknown outcome."""
    if isinstance(answer, TransportError):
        return answer
    kind = type(answer if isinstance(answer, BaseException) else TypeError()).__name__
    return OutcomeUnknown(f"The transport broke off with {kind} instead of an answer.", code=kind)


def receipts_of(batch: Batch, attempt: Attempt) -> list[Receipt]:
    """Return the receipt of each recipient of a request."""
    submission, number, attempts = attempt.submission, batch.number, (attempt,)
    refused = submission.refused if submission else {}
    error = None if submission else attempt.error
    outcome = outcome_of(error)
    pairs = zip(batch.positions, batch.recipients, strict=True)
    if not refused:
        return [Receipt(at, who, outcome, error, None, submission, attempts, number) for at, who in pairs]
    receipts = []
    for at, who in pairs:
        error = refused.get(who.address)
        receipts.append(Receipt(at, who, outcome_of(error), error, None, submission, attempts, number))
    return receipts


def merge_receipts(before: Receipt | None, after: Receipt, *, again: bool = False, also: bool = False) -> Receipt:
    """Return the receipt of a recipient that was tried twice: accepted wins over unknown, unknown over rejected.

    :param before: the earlier receipt; None for none.
    :param again: whether the same transport was tried again, so that its later error replaces the earlier one.
    :param also: whether both transports were meant to send, so that the later one does not decide.
    """
    if before is None:
        return after
    attempts = (*before.attempts, *after.attempts)
    if before.outcome is after.outcome is Outcome.REJECTED and before.error and after.error and not again:
        return attrs.evolve(after, error=_exhausted(before, after, also=also), attempts=attempts)
    newer = _WEIGHT[after.outcome] > _WEIGHT[before.outcome] or (again and before.outcome is after.outcome)
    return attrs.evolve(after if newer else before, attempts=attempts)


def _exhausted(before: Receipt, after: Receipt, *, also: bool) -> Exhausted:
    """Return one error for the errors of both receipts. The last transport decides about the recipient."""
    named = [*_causes(before), *_causes(after)]
    causes = tuple(cause for _, cause in named)
    decisive = next((cause for cause in causes if also and not cause.scope.allows_failover), causes[-1])
    sentences = (
        (f"{transport}: " if transport else "") + (f"{cause.code}: " if cause.code else "") + cause.detail
        for transport, cause in named
    )
    return Exhausted(
        f"None of {len(named)} transports took it. {' '.join(sentences)}",
        decisive.code,
        action=" ".join(dict.fromkeys(cause.action for cause in causes)),
        waits=min((cause.waits for cause in causes if cause.waits), default=()),
        scope=decisive.scope,
        causes=causes,
    )


def _causes(receipt: Receipt) -> list[tuple[str, TransportError]]:
    """Return each cause of a receipt's error, with its transport if it made a request."""
    error = receipt.error
    assert error is not None, "only refusals are merged like this"
    causes = error.causes if isinstance(error, Exhausted) else (error,)
    names = {id(attempt.error): attempt.transport for attempt in receipt.attempts if attempt.error}
    return [(names.get(id(cause), ""), cause) for cause in causes]
