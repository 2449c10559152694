"""Read logs: rows of the ``jsonl`` sink and of the documented kwtSMS client, one by one.

Memory is constant. A torn line is skipped and counted; rotated files come first, compressed or not.
"""

from __future__ import annotations

import datetime
import gzip
import json
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from notifykit.analytics.files import find_files, open_log
from notifykit.models.delivery import DeliveryState
from notifykit.models.receipt import Outcome
from notifykit.redaction import redact_address

_DELIVERY: Final = "delivery_changed"
#: Fields of an entry that have the same name in the rows of the ``jsonl`` sink.
_SAME: Final = ("id", "batch", "attempt", "code", "country", "sender", "segments", "balance", "elapsed_ms")


@attrs.frozen
class LogEntry:
    """One row, with the same fields for both formats. Numbers are redacted, texts are left out."""

    #: When, UTC; None if the row does not say.
    at: datetime.datetime | None
    #: What happened: the event's name, or the documented client's endpoint.
    event: str
    #: The message it belongs to; None for the documented client.
    id: str | None = None
    #: The provider's id.
    message_id: str | None = None
    #: The request: message and number of the batch.
    batch: str | None = None
    #: The number of the attempt.
    attempt: int | None = None
    #: How it ended: ``accepted``, ``rejected``, ``unknown``, ``skipped``; None for rows about other things.
    outcome: str | None = None
    #: The state of a delivery report: ``sent``, ``delivered``; None for rows about sending.
    state: str | None = None
    #: The provider's code.
    code: str | None = None
    #: What happened, in words.
    error: str | None = None
    #: The recipient, redacted.
    to: str | None = None
    #: How many recipients the row is about.
    recipients: int = 1
    #: The country, if it is known.
    country: str | None = None
    #: The sender's name.
    sender: str | None = None
    #: Segments of the text.
    segments: int | None = None
    #: What it cost, in the provider's unit.
    cost: float | None = None
    #: The account's balance afterwards.
    balance: float | None = None
    #: How long the request took.
    elapsed_ms: float | None = None
    #: Whether it was a test.
    test: bool = False
    #: ``sent`` for a one-time code that was sent for the first time, ``verified`` for one that was typed.
    code_event: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether something went wrong."""
        if self.state is not None:
            return self.state in (DeliveryState.UNDELIVERED, DeliveryState.EXPIRED)
        return self.outcome in (Outcome.REJECTED, Outcome.UNKNOWN) or self.event == "plugin_failed"

    @property
    def is_result(self) -> bool:
        """Whether it is about what became of a message."""
        about_message = self.outcome or self.state
        return about_message is not None or self.event in ("retry_scheduled", "failed_over", "plugin_failed")

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``, without what is not known."""
        document = {name: value for name, value in attrs.asdict(self).items() if value is not None and name != "at"}
        return {"ts": self.at.isoformat() if self.at else None, **document}

    def __str__(self) -> str:
        time = self.at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if self.at else " " * 19
        state = self.outcome or self.state
        if state is None:
            return f"{time}  {self.event:<20} {self.error or self.id or ''}".rstrip()
        who = self.to or (f"{self.recipients} numbers" if self.recipients > 1 else "")
        what = ": ".join(filter(None, (self.code, self.error)))
        facts = ", ".join(filter(None, (what, f"id {self.message_id}" if self.message_id else None)))
        return f"{time}  {state:<9} {who}  {facts}{' (test)' if self.test else ''}".rstrip()


@attrs.define
class LogReader:
    """Reads a log file and the files that it was rotated to."""

    #: The file that is written to.
    path: pathlib.Path
    #: Lines that could not be read.
    torn: int = 0
    #: How far the file has been read.
    _position: int = 0
    #: Which file that was: after a rotation another one has its name.
    _inode: int = 0
    #: The beginning of a line whose end is not written yet.
    _rest: str = ""

    def entries(self) -> Iterator[LogEntry]:
        """Yield the entries, oldest first."""
        for file in self.files():
            with open_log(file) as lines:
                try:
                    yield from self._parse_all(lines)
                except (EOFError, gzip.BadGzipFile):
                    self.torn += 1  # the end of a compressed file is missing: what came before is good
                if file == self.path:
                    self._position, self._inode = lines.tell(), os.fstat(lines.fileno()).st_ino

    def new_entries(self) -> Iterator[LogEntry]:
        """Yield what was written since the last call, also if the file was rotated meanwhile."""
        try:
            with self.path.open(encoding="utf-8", errors="replace") as opened:
                file = os.fstat(opened.fileno())
                if file.st_ino != self._inode or file.st_size < self._position:
                    self._position, self._inode, self._rest = 0, file.st_ino, ""
                opened.seek(self._position)
                text = self._rest + opened.read()
                self._position = opened.tell()
        except FileNotFoundError:
            return
        *lines, self._rest = text.split("\n")
        yield from self._parse_all(lines)

    def _parse_all(self, lines: Iterable[str]) -> Iterator[LogEntry]:
        return (entry for line in lines if (entry := self.parse(line)) is not None)

    def parse(self, line: str) -> LogEntry | None:
        """Return the entry of one line; None if it is empty or torn."""
        if not line.strip():
            return None
        try:
            row = json.loads(line)
            return _documented_entry(row) if "endpoint" in row else _sink_entry(row)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.torn += 1
            return None

    def files(self) -> list[pathlib.Path]:
        """Return the rotated files, oldest first, and the file itself."""
        return find_files(self.path)


def _sink_entry(row: Mapping[str, Any]) -> LogEntry:
    """Read a row of the ``jsonl`` sink."""
    event = str(row["event"])
    # Parts of a composite are not counted: the composite has a row with the final outcome.
    whole_attempt = event == "attempt_finished" and row.get("inside") is None
    counted = whole_attempt or event in ("batch_finished", "recipient_excluded")
    return LogEntry(
        at=_time(row.get("ts")),
        event=event,
        message_id=row.get("msg_id"),
        outcome=row.get("outcome") if counted else None,
        state=row.get("state") if event == _DELIVERY else None,
        error=_error(row),
        to=_redacted(row.get("to")),
        recipients=1 if counted else 0,
        cost=row.get("cost") if counted else None,
        test=row.get("test") is True,
        code_event=_code_event(event, row),
        **{name: row.get(name) for name in _SAME},
    )


def _code_event(event: str, row: Mapping[str, Any]) -> str | None:
    if event == "verification_started" and not row.get("resend") and row.get("status") in ("sent", "unknown"):
        return "sent"
    return "verified" if event == "verification_checked" and row.get("verified") else None


def _error(row: Mapping[str, Any]) -> str | None:
    if row["event"] == _DELIVERY:
        words = str(row.get("words") or "")
        doubt = "reports contradict each other" if row.get("contradicted") else ""
        return "; ".join(filter(None, ("" if words.casefold() == row.get("state") else words, doubt))) or None
    return next((str(row[name]) for name in ("error", "reason", "plugin") if row.get(name)), None)


def _documented_entry(row: Mapping[str, Any]) -> LogEntry:
    """Read a row of the documented client: a row is a request, and one field holds all its numbers."""
    request = row.get("request") or {}
    response = row.get("response") or {}
    sent = row["endpoint"] == "send"
    numbers = [number for number in str(request.get("mobile") or "").split(",") if number.strip()]
    outcome = Outcome.ACCEPTED if row.get("ok") else Outcome.REJECTED if response else Outcome.UNKNOWN
    return LogEntry(
        at=_time(row.get("ts")),
        event=str(row["endpoint"]),
        message_id=response.get("msg-id"),
        outcome=outcome.value if sent else None,
        code=response.get("code"),
        error=response.get("description") or row.get("error"),
        to=_redacted(numbers[0].strip()) if len(numbers) == 1 else None,
        recipients=len(numbers) if sent else 0,
        sender=request.get("sender"),
        cost=_number(response.get("points-charged")),
        balance=_number(response.get("balance-after")),
        test=str(request.get("test")) == "1",
    )


def _redacted(address: Any) -> str | None:
    if not isinstance(address, str):
        return None
    return redact_address(address)


def _time(value: Any) -> datetime.datetime | None:
    try:
        time = datetime.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
