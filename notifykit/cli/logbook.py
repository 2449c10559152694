"""Reading logs back: the rows of the ``jsonl`` sink, and those of the documented kwtSMS client.

Lines stream by in constant memory. A torn line is left out and counted; rotated files, packed or not, come first.
"""

from __future__ import annotations

import datetime
import gzip
import json
import os
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TextIO

import attrs

from notifykit.models.delivery import DeliveryState
from notifykit.models.receipt import Outcome
from notifykit.redaction import redact_address

#: ``sends.jsonl.1``, ``sends.jsonl.2.gz``, ``sends.jsonl-20261122``.
_ROTATED: Final = re.compile(r"[.-][0-9][0-9-]*(?:\.gz)?|\.gz")
_ATTEMPT: Final = "attempt_finished"
_FINISHED: Final = "batch_finished"
_DELIVERY: Final = "delivery_changed"


@attrs.frozen
class Entry:
    """One row, in the same words whichever shape it was written in. Numbers are redacted, texts are left out."""

    #: When, UTC; None where the row does not say.
    at: datetime.datetime | None
    #: What happened: the event's name, or the documented client's endpoint.
    event: str
    #: The message it belongs to; None in the documented shape.
    id: str | None = None
    #: The provider's id.
    message_id: str | None = None
    #: The request: message and number of the batch.
    batch: str | None = None
    #: Which try.
    attempt: int | None = None
    #: How it ended: ``accepted``, ``rejected``, ``unknown``, ``skipped``; None for rows about other things.
    outcome: str | None = None
    #: Where the message is, as a delivery report says: ``sent``, ``delivered``; None for rows about sending.
    state: str | None = None
    #: The provider's code.
    code: str | None = None
    #: What happened, in words.
    error: str | None = None
    #: Who it was for, redacted.
    to: str | None = None
    #: How many recipients the row stands for.
    recipients: int = 1
    #: The country, where it is known.
    country: str | None = None
    #: The sender's name.
    sender: str | None = None
    #: Segments of the text.
    segments: int | None = None
    #: What it cost, in the provider's unit.
    cost: float | None = None
    #: What is left on the account.
    balance: float | None = None
    #: How long the request took.
    elapsed_ms: float | None = None
    #: Whether it was a test.
    test: bool = False

    @property
    def is_error(self) -> bool:
        """Whether something went wrong."""
        if self.state is not None:
            return self.state in (DeliveryState.UNDELIVERED, DeliveryState.EXPIRED)
        return self.outcome in (Outcome.REJECTED, Outcome.UNKNOWN) or self.event == "plugin_failed"

    @property
    def matters(self) -> bool:
        """Whether it says what became of somebody's message."""
        told = self.outcome or self.state
        return told is not None or self.event in ("retry_scheduled", "failed_over", "plugin_failed")

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``, without what is not known."""
        document = {name: value for name, value in attrs.asdict(self).items() if value is not None and name != "at"}
        return {"ts": self.at.isoformat() if self.at else None, **document}

    def __str__(self) -> str:
        moment = self.at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if self.at else " " * 19
        told = self.outcome or self.state
        if told is None:
            return f"{moment}  {self.event:<20} {self.error or self.id or ''}".rstrip()
        who = self.to or (f"{self.recipients} numbers" if self.recipients > 1 else "")
        what = ": ".join(filter(None, (self.code, self.error)))
        facts = [what or None, f"id {self.message_id}" if self.message_id else None, "test" if self.test else None]
        return f"{moment}  {told:<9} {who}  {', '.join(filter(None, facts))}".rstrip()


@attrs.define
class Logbook:
    """A log file with what was rotated away from it."""

    #: The file that is written to.
    path: pathlib.Path
    #: Lines that could not be read.
    torn: int = 0
    #: How far the file itself has been read.
    _position: int = 0
    #: Which file that was: another one may have taken its name since.
    _inode: int = 0
    #: The beginning of a line whose end is not written yet.
    _rest: str = ""

    def entries(self) -> Iterator[Entry]:
        """Yield the entries, oldest first."""
        for file in self.files():
            with _opened(file) as lines:
                yield from self.read(lines)
                if file == self.path:
                    self._position, self._inode = lines.tell(), os.fstat(lines.fileno()).st_ino

    def news(self) -> Iterator[Entry]:
        """Yield what was written since the last look, also where the file was rotated away meanwhile."""
        try:
            with self.path.open(encoding="utf-8", errors="replace") as opened:
                about = os.fstat(opened.fileno())
                if about.st_ino != self._inode or about.st_size < self._position:
                    self._position, self._inode, self._rest = 0, about.st_ino, ""
                opened.seek(self._position)
                text = self._rest + opened.read()
                self._position = opened.tell()
        except FileNotFoundError:
            return
        *lines, self._rest = text.split("\n")
        for line in lines:
            entry = self.entry(line)
            if entry is not None:
                yield entry

    def read(self, lines: TextIO) -> Iterator[Entry]:
        """Yield the entries of an open file, up to its end."""
        try:
            for line in lines:
                entry = self.entry(line)
                if entry is not None:
                    yield entry
        except (EOFError, gzip.BadGzipFile):
            self.torn += 1  # half a packed file: what came before is good

    def entry(self, line: str) -> Entry | None:
        """Return what one line says; None where it is empty or torn."""
        if not line.strip():
            return None
        try:
            row = json.loads(line)
            entry = _documented(row) if "endpoint" in row else _own(row)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.torn += 1
            return None
        return entry

    def files(self) -> list[pathlib.Path]:
        """Return the rotated files, oldest first, and the file itself."""
        beside = self.path.parent.glob(f"{self.path.name}*") if self.path.parent.is_dir() else ()
        rotated = [file for file in beside if _ROTATED.fullmatch(file.name[len(self.path.name) :])]
        rotated.sort(key=lambda file: (file.stat().st_mtime, file.name))
        return [*rotated, *([self.path] if self.path.is_file() else [])]


def _opened(file: pathlib.Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", errors="replace")
    return file.open(encoding="utf-8", errors="replace")


def _own(row: Mapping[str, Any]) -> Entry:
    event = str(row["event"])
    # What the parts of a composite said is not the last word: that is told by its own row.
    counted = event in (_FINISHED, "recipient_excluded") or (event == _ATTEMPT and row.get("inside") is None)
    return Entry(
        at=_moment(row.get("ts")),
        event=event,
        id=row.get("id"),
        message_id=row.get("msg_id"),
        batch=row.get("batch"),
        attempt=row.get("attempt"),
        outcome=row.get("outcome") if counted else None,
        state=row.get("state") if event == _DELIVERY else None,
        code=row.get("code"),
        error=_told(row),
        to=_redacted(row.get("to")),
        recipients=1 if counted else 0,
        country=row.get("country"),
        sender=row.get("sender"),
        segments=row.get("segments"),
        cost=row.get("cost") if counted else None,
        balance=row.get("balance"),
        elapsed_ms=row.get("elapsed_ms"),
        test=row.get("test") is True,
    )


def _told(row: Mapping[str, Any]) -> str | None:
    if row["event"] == _DELIVERY:
        words = str(row.get("words") or "")
        doubt = "reports contradict each other" if row.get("contradicted") else ""
        return "; ".join(filter(None, ("" if words.casefold() == row.get("state") else words, doubt))) or None
    return next((str(row[name]) for name in ("error", "reason", "plugin") if row.get(name)), None)


def _documented(row: Mapping[str, Any]) -> Entry:
    """Read a row of the documented client: a row is a request, its numbers stand in one text."""
    request = row.get("request") or {}
    response = row.get("response") or {}
    sent = row["endpoint"] == "send"
    numbers = [number for number in str(request.get("mobile") or "").split(",") if number.strip()]
    outcome = None
    if sent:
        known = Outcome.REJECTED if response else Outcome.UNKNOWN
        outcome = (Outcome.ACCEPTED if row.get("ok") else known).value
    return Entry(
        at=_moment(row.get("ts")),
        event=str(row["endpoint"]),
        message_id=response.get("msg-id"),
        outcome=outcome,
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
    """Return an address redacted, also where the log has it in clear; what is redacted already stays as it is."""
    if not isinstance(address, str):
        return None
    return address if "*" in address else redact_address(address)


def _moment(value: Any) -> datetime.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
