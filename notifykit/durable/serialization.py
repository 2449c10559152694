"""Models as JSON for the store, and back: no pickles, so that whoever can write the database runs no code."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from notifykit import errors
from notifykit.errors import InvalidRecipient, Scope, TransportError
from notifykit.models.message import Channel
from notifykit.models.receipt import Attempt, Outcome, Receipt, SkipReason, Submission, Veto
from notifykit.models.recipient import Recipient, Rejected

Placed = tuple[int, Recipient | Rejected]


def dump(value: Any) -> str:
    """Return JSON; what it does not know becomes a text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def pack_people(people: Iterable[Placed]) -> str:
    """Return recipients with their positions."""
    return dump([[position, *_person(who)] for position, who in people])


def unpack_people(text: str) -> list[Placed]:
    """Return what :func:`pack_people` packed."""
    return [(row[0], _read_person(row[1:])) for row in json.loads(text)]


def pack_receipts(receipts: Iterable[Receipt]) -> str:
    """Return receipts; what several of them share is written once."""
    shared = _Shared()
    rows = [
        [
            receipt.position,
            _person(receipt.recipient),
            receipt.outcome.value,
            shared.error(receipt.error),
            receipt.skipped and receipt.skipped.value,
            receipt.veto and attrs.astuple(receipt.veto),
            shared.submission(receipt.submission),
            [shared.attempt(attempt) for attempt in receipt.attempts],
            receipt.batch,
        ]
        for receipt in receipts
    ]
    return dump({"errors": shared.errors, "submissions": shared.submissions, "attempts": shared.attempts, "rows": rows})


def unpack_receipts(text: str) -> list[Receipt]:
    """Return what :func:`pack_receipts` packed."""
    found = json.loads(text)
    errors_ = [_read_error(row) for row in found["errors"]]
    said = [_read_submission(row) for row in found["submissions"]]
    attempts = [_read_attempt(row, errors_, said) for row in found["attempts"]]
    return [
        Receipt(
            position,
            _read_person(who),
            Outcome(outcome),
            None if error is None else errors_[error],
            SkipReason(skipped) if skipped else None,
            None if submission is None else said[submission],
            tuple(attempts[number] for number in tries),
            batch,
            veto=Veto(*veto) if veto else None,
        )
        for position, who, outcome, error, skipped, veto, submission, tries, batch in found["rows"]
    ]


class _Shared:
    """What the receipts of a batch have in common, each by its number."""

    def __init__(self) -> None:
        self.errors: list[Any] = []
        self.submissions: list[Any] = []
        self.attempts: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._kept: list[object] = []

    def error(self, error: TransportError | None) -> int | None:
        return self._number(error, self.errors, _pack_error)

    def submission(self, submission: Submission | None) -> int | None:
        return self._number(submission, self.submissions, _pack_submission)

    def attempt(self, attempt: Attempt) -> int | None:
        def pack(one: Attempt) -> list[Any]:
            error, said = self.error(one.error), self.submission(one.submission)
            return [one.number, one.transport, one.started.isoformat(), one.elapsed, error, said]

        return self._number(attempt, self.attempts, pack)

    def _number(self, thing: Any, table: list[Any], pack: Any) -> int | None:
        if thing is None:
            return None
        if id(thing) not in self._numbers:
            packed = pack(thing)
            self._kept.append(thing)  # so that nothing else gets its id
            self._numbers[id(thing)] = len(table)
            table.append(packed)
        return self._numbers[id(thing)]


def _person(who: Recipient | Rejected) -> list[Any]:
    if isinstance(who, Rejected):
        return ["", who.raw, _pack_error(who.error)]
    raw = who.raw if who.raw != who.address else None
    return [who.address, who.channel.value, who.country, who.language, raw, *who.notices]


def _read_person(row: Sequence[Any]) -> Recipient | Rejected:
    if row[0] == "":
        error = _read_error(row[2])
        return Rejected(row[1], error if isinstance(error, InvalidRecipient) else InvalidRecipient(error.detail))
    address, channel, country, language, raw, *notices = row
    return Recipient(address, Channel(channel), country, language=language, raw=raw or address, notices=tuple(notices))


def _pack_error(error: TransportError) -> dict[str, Any]:
    fields = attrs.asdict(error, recurse=False)
    fields["causes"] = [_pack_error(cause) for cause in fields.get("causes", ())]
    return {"kind": type(error).__name__, "safe": error.safe_to_resend, **fields}


def _read_error(row: Mapping[str, Any]) -> TransportError:
    fields = dict(row)
    name, safe = fields.pop("kind"), fields.pop("safe")
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, TransportError)):
        # A stranger's kind of error: what it means for the recipient is what has to survive.
        kind = TransportError if safe else errors.OutcomeUnknown
    fields["waits"] = tuple(fields["waits"])
    fields["scope"] = Scope(fields["scope"])
    fields["causes"] = tuple(_read_error(cause) for cause in fields["causes"])
    known = {field.name for field in attrs.fields(kind)}
    return kind(**{name: value for name, value in fields.items() if name in known})


def _pack_submission(said: Submission) -> dict[str, Any]:
    fields = attrs.asdict(said, recurse=False)
    fields["refused"] = {address: _pack_error(error) for address, error in said.refused.items()}
    return fields


def _read_submission(row: Mapping[str, Any]) -> Submission:
    fields = dict(row)
    fields["refused"] = {address: _read_error(error) for address, error in fields["refused"].items()}
    fields["warnings"] = tuple(fields["warnings"])
    return Submission(**fields)


def _read_attempt(row: Sequence[Any], errors_: Sequence[TransportError], said: Sequence[Submission]) -> Attempt:
    number, transport, started, elapsed, error, submission = row
    return Attempt(
        number,
        transport,
        datetime.datetime.fromisoformat(started),
        elapsed,
        None if error is None else errors_[error],
        None if submission is None else said[submission],
    )
