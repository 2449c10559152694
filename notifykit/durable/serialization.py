"""What the store keeps of a job, as JSON, and back.

No pickle: write access to the database must not run code in a worker.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from notifykit import errors
from notifykit.errors import ConfigError, InvalidRecipient, Scope, TransportError
from notifykit.models.job import JobSpec, Row
from notifykit.models.message import Channel, Message
from notifykit.models.receipt import Attempt, Outcome, Receipt, SkipReason, Submission, Veto
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.intercept import intercept
from notifykit.protocols import Transport

#: A recipient with its position in the job.
Positioned: TypeAlias = tuple[int, Recipient | Rejected]


#: Levels of an answer that are kept, and digits of a number: JSON with more is written and can't be read again.
_DEPTH: Final = 20
_DIGITS: Final = 10**400


def dump(value: Any) -> str:
    """Return a value as JSON; what JSON does not know becomes text."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: a database takes it as an escape only
        text = json.dumps(value, separators=(",", ":"), default=str)
    return text


def digest(text: str) -> bytes:
    """Return the hash of a text or an address, which may hold half of a surrogate pair."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def storable(value: Any, depth: int = _DEPTH) -> Any:
    """Return what a plugin returned as something that JSON keeps, whatever it is: an answer is never lost for it."""
    if value is None or isinstance(value, str | float | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < _DIGITS else "a number of more than 400 digits"
    if depth and isinstance(value, Mapping):
        return {str(storable(key, 0)): storable(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [storable(item, depth - 1) for item in value]
    try:
        return str(value) if depth else f"a {type(value).__name__} that is nested too deep"
    except Exception:
        return f"a {type(value).__name__}"


def dump_recipients(recipients: Iterable[Positioned]) -> str:
    """Return recipients and their positions as JSON."""
    return dump([[position, *_recipient_row(recipient)] for position, recipient in recipients])


def load_recipients(text: str) -> list[Positioned]:
    """Return what :func:`dump_recipients` wrote."""
    return [(row[0], _read_recipient(row[1:])) for row in json.loads(text)]


def dump_receipts(receipts: Iterable[Receipt]) -> str:
    """Return receipts as JSON; an error, submission or attempt that several of them share is written once."""
    errors_, submissions = _Table(_error_row), _Table(_submission_row)
    attempts = _Table(
        lambda attempt: [
            attempt.number,
            attempt.transport,
            attempt.started.isoformat(),
            attempt.elapsed,
            errors_.index(attempt.error),
            submissions.index(attempt.submission),
        ]
    )
    rows = [
        [
            receipt.position,
            _recipient_row(receipt.recipient),
            receipt.outcome.value,
            errors_.index(receipt.error),
            receipt.skipped and receipt.skipped.value,
            receipt.veto and attrs.astuple(receipt.veto),
            submissions.index(receipt.submission),
            [attempts.index(attempt) for attempt in receipt.attempts],
            receipt.batch,
        ]
        for receipt in receipts
    ]
    return dump({"errors": errors_.rows, "submissions": submissions.rows, "attempts": attempts.rows, "rows": rows})


def load_receipts(text: str) -> list[Receipt]:
    """Return what :func:`dump_receipts` wrote."""
    found = json.loads(text)
    # None is the index of what is absent.
    errors_ = dict(enumerate(map(_read_error, found["errors"]))).get
    submissions = dict(enumerate(map(_read_submission, found["submissions"]))).get
    attempts = [
        Attempt(
            number,
            transport,
            datetime.datetime.fromisoformat(started),
            elapsed,
            errors_(error),
            submissions(submission),
        )
        for number, transport, started, elapsed, error, submission in found["attempts"]
    ]
    return [
        Receipt(
            position,
            _read_recipient(recipient),
            Outcome(outcome),
            errors_(error),
            SkipReason(skipped) if skipped else None,
            submissions(submission),
            tuple(attempts[index] for index in tries),
            batch,
            veto=Veto(*veto) if veto else None,
        )
        for position, recipient, outcome, error, skipped, veto, submission, tries, batch in found["rows"]
    ]


class _Table:
    """The rows of objects that receipts share, each with its index."""

    def __init__(self, row: Callable[[Any], Any]) -> None:
        self.rows: list[Any] = []
        self._row = row
        self._indexes: dict[int, int] = {}
        self._objects: list[object] = []  # keeps them, so that no other object gets the same id

    def index(self, thing: object | None) -> int | None:
        if thing is None:
            return None
        if id(thing) not in self._indexes:
            row = self._row(thing)
            self._objects.append(thing)
            self._indexes[id(thing)] = len(self.rows)
            self.rows.append(row)
        return self._indexes[id(thing)]


def _recipient_row(recipient: Recipient | Rejected) -> list[Any]:
    if isinstance(recipient, Rejected):
        meant = recipient.suggestion
        return ["", recipient.raw, _error_row(recipient.error), None if meant is None else _recipient_row(meant)]
    raw = recipient.raw if recipient.raw != recipient.address else None
    kept = (recipient.address, recipient.channel.value, recipient.country, recipient.language, raw)
    return [*kept, *recipient.notices]


def _read_recipient(row: Sequence[Any]) -> Recipient | Rejected:
    if row[0] == "":
        error, meant = _read_error(row[2]), row[3] and _read_recipient(row[3])
        return Rejected(
            row[1],
            error if isinstance(error, InvalidRecipient) else InvalidRecipient(error.detail),
            meant if isinstance(meant, Recipient) else None,
        )
    address, channel, country, language, raw, *notices = row
    return Recipient(address, Channel(channel), country, language=language, raw=raw or address, notices=tuple(notices))


def _error_row(error: TransportError) -> dict[str, Any]:
    fields = attrs.asdict(error, recurse=False)
    causes = [_error_row(cause) for cause in fields.pop("causes", ())]
    return {"kind": type(error).__name__, "safe": error.safe_to_resend, **storable(fields), "causes": causes}


def _read_error(row: Mapping[str, Any]) -> TransportError:
    fields = dict(row)
    name, safe = fields.pop("kind"), fields.pop("safe")
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, TransportError)):
        # A class of a plugin: only what it means for the recipient is kept.
        kind = TransportError if safe else errors.OutcomeUnknown
    fields["waits"] = tuple(fields["waits"])
    fields["scope"] = Scope(fields["scope"])
    fields["causes"] = tuple(_read_error(cause) for cause in fields["causes"])
    known = {field.name for field in attrs.fields(kind)}
    return kind(**{name: value for name, value in fields.items() if name in known})


def _submission_row(submission: Submission) -> dict[str, Any]:
    fields = attrs.asdict(submission, recurse=False)
    refused = {address: _error_row(error) for address, error in fields.pop("refused").items()}
    return {**storable(fields), "refused": refused}


def _read_submission(row: Mapping[str, Any]) -> Submission:
    refused = {address: _read_error(error) for address, error in row["refused"].items()}
    return Submission(**{**row, "refused": refused, "warnings": tuple(row["warnings"])})


# --- jobs ---


def options_of(spec: JobSpec, *, live: bool) -> dict[str, Any]:
    """Return everything about a job but text and recipients.

    :param live: whether its transport reaches people.
    """
    message = spec.message
    # What most jobs have not is left out, so that fingerprints of jobs that are stored already stay the same.
    rare = {
        "rows": spec.rows is not None or None,
        "spread": spec.spread,
        "stop_if": None if spec.stop_if is None else str(spec.stop_if),
    }
    return {
        "live": live,
        "channel": message.channel.value,
        "sender": message.sender,
        "tags": list(message.tags),
        "via": spec.via,
        "idempotency_key": message.idempotency_key,
        "at_least_once": spec.at_least_once,
        "move_unknown": spec.move_unknown,
        **{name: value for name, value in rare.items() if value is not None},
    }


def is_intercepted(transport: Transport) -> bool:
    """Return whether a test intercepts what this transport sends now; the worker has to be in the same test."""
    return intercept(transport) is not None


def body_of(spec: JobSpec) -> dict[str, Any]:
    """Return text and subject."""
    return {"text": spec.message.text, "subject": spec.message.subject}


def message_of(row: Mapping[str, Any], number: int, body: Mapping[str, Any] | None = None) -> Message:
    """Return the message of one batch. Its ids are the same at every try, so that providers can recognise it.

    :param row: the job's row.
    :param number: the batch's number, from 0.
    :param body: text and subject of the batch; None for those of the job.
    """
    options, body = row["options"], body or row["body"]
    batch = f"{row['id']}-{number + 1}"
    key = options["idempotency_key"]
    return Message(
        body["text"],
        Channel(options["channel"]),
        options["sender"],
        tuple(options["tags"]),
        f"{key}-{number + 1}" if key is not None else batch if options["at_least_once"] else None,
        subject=body["subject"],
        id=batch,
    )


class Fingerprint:
    """Hashes of a submission: enough to say where two of them differ, without showing either."""

    def __init__(self, spec: JobSpec, *, live: bool) -> None:
        self._parts = {
            "text": digest(spec.message.text).hex(),
            "subject": digest(spec.message.subject or "").hex(),
            **{name: value for name, value in options_of(spec, live=live).items() if name != "idempotency_key"},
        }
        self._addresses = hashlib.blake2b(digest_size=16)
        #: Recipients so far.
        self.count = 0

    def add_all(self, recipients: Iterable[Recipient | Rejected]) -> Iterator[Recipient | Rejected]:
        """Yield recipients, adding each to the fingerprint."""
        for recipient in recipients:
            address = recipient.raw if isinstance(recipient, Rejected) else recipient.address
            self._addresses.update(address.encode("utf-8", "replace") + b"\0")
            self.count += 1
            yield recipient

    def add_rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield rows, adding each to the fingerprint: the address, what is sent to it, and the cells."""
        for row in rows:
            who = row.recipient
            address = who.raw if isinstance(who, Rejected) else who.address
            content = dump([address, row.text, row.subject, dict(row.cells)])
            self._addresses.update(content.encode("utf-8", "replace") + b"\0")
            self.count += 1
            yield row

    def as_dict(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        return {**self._parts, "recipients": self.count, "list": self._addresses.hexdigest()}


def key_conflict(key: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> ConfigError:
    """Return the error for a key that another job has, with every difference between their fingerprints."""
    differences = []
    for name in now:
        if before.get(name) == now[name]:
            continue
        if name in ("text", "subject"):
            differences.append(f"the {name} is another one")
        elif name == "list":
            rows = now.get("rows") or before.get("rows")
            what = "the rows are others: an address, a text or a cell differs" if rows else "the recipients are others"
            differences.append(f"{what}, or in another order")
        else:
            differences.append(f"{name}: {before.get(name)!r} then, {now[name]!r} now")
    return ConfigError(
        f"key: {key!r} is the key of another job: {'; '.join(differences)}. Give this one another key, or look at the "
        f"other: notifykit jobs {key}"
    )
