"""Requests to the gateway: fields, replies, and the record and the metrics of all of them."""

from __future__ import annotations

import collections
import datetime
import threading
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import attrs

from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.sandbox.clock import Clock
from notifykit_kwtsms.sandbox.faults.catalogue import Firing
from notifykit_kwtsms.sandbox.gateway.rules import Rules
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage, CapturedRequest
from notifykit_kwtsms.sandbox.numbers import split_numbers

_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "x-sandbox-token", "proxy-authorization"})


@attrs.frozen
class Call:
    """A request with its fields as text, as PHP would see them. Its password is compared once and kept nowhere."""

    #: The endpoint it is for.
    endpoint: str
    #: The IP address it came from.
    client: str
    #: The fields as text; None where the body could not be read.
    fields: Mapping[str, str] | None = attrs.field(repr=False)
    #: Its path.
    path: str = ""
    #: Its headers in lower case.
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    #: The fault that is about to happen, as the inbox will show it.
    fault: str | None = None

    def field(self, name: str) -> str:
        """Return a field; a missing one is empty."""
        return (self.fields or {}).get(name, "")

    @property
    def numbers(self) -> list[str]:
        """The numbers of ``mobile``, as they stand."""
        return split_numbers(self.field("mobile"))

    @property
    def test(self) -> bool:
        """Whether ``test`` is set: "1", 1 or true. Anything else is live, which is the gateway's default."""
        return self.field("test").strip().lower() in ("1", "true")

    @property
    def tags(self) -> tuple[str, ...]:
        """The labels of the ``X-Notifykit-Tag`` header."""
        return tuple(tag.strip() for tag in self.headers.get("x-notifykit-tag", "").split(",") if tag.strip())

    def captured(self) -> CapturedRequest:
        """Return what may be kept of it."""
        headers = {name: value for name, value in self.headers.items() if name not in _SECRET_HEADERS}
        return CapturedRequest(self.client, self.path, headers, dict(self.fields or {}))


def as_fields(value: object) -> Mapping[str, str] | None:
    """Return the scalars of a JSON object as text, the way PHP reads them; None where it is no object."""
    if not isinstance(value, dict):
        return None
    return {str(name): _php_text(content) for name, content in value.items() if isinstance(content, (str, int, float))}


def _php_text(value: str | float) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return value if isinstance(value, str) else str(value)


@attrs.frozen
class Reply:
    """The answer of the gateway."""

    #: The HTTP status.
    status: int
    #: The answer.
    body: Mapping[str, Any] = attrs.field(repr=False)
    #: The code of an error.
    code: str | None = None
    #: The gateway's id where a message was accepted.
    msg_id: str | None = None
    #: What a magic number wants done to the answer.
    firing: Firing | None = None


def refusal(status: int, code: str) -> Reply:
    """Return the reply for an error code. Only the words of ERR003 are the real gateway's."""
    words = CODES[code].meaning if code in CODES else "Unknown error."
    return Reply(status, {"result": "ERROR", "code": code, "description": words}, code)


#: Records that are kept; counting goes on.
_KEEP = 100_000


@attrs.frozen
class RequestRecord:
    """One request to the gateway, recorded when it started."""

    #: Its JSON form keeps the names of the fields.
    json_separator: ClassVar[str] = "_"

    #: Counts up from 1.
    number: int
    #: The endpoint it was for, ``send``.
    endpoint: str
    #: When it started: ``time.monotonic()``, real seconds.
    started: float
    #: When it started, in virtual UTC.
    at: datetime.datetime
    #: The IP address it came from.
    client: str
    #: The HTTP status that was answered; None while it runs, and where no answer was sent.
    status: int | None = None
    #: The user name it came with; None where the body could not be read.
    account: str | None = None
    #: The gateway's code where it was refused.
    code: str | None = None
    #: The gateway's id where a message was accepted.
    msg_id: str | None = None
    #: The fault that fired.
    fault: str | None = None
    #: Whether the IP was blocked for asking too fast.
    blocked: bool = False


class Traffic:
    """The requests of one sandbox."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._lock = threading.Lock()
        self._records: collections.OrderedDict[int, RequestRecord] = collections.OrderedDict()
        self._count = 0
        self._starts: dict[str, collections.deque[float]] = {}
        self._blocked_until: dict[str, float] = {}

    def start(self, endpoint: str, client: str) -> RequestRecord:
        """Record that a request started, and whether its IP is blocked now."""
        with self._lock:
            # The time is read under the lock: records are in the order of their starts.
            record = RequestRecord(self._count + 1, endpoint, time.monotonic(), self._clock.utc(), client)
            record = attrs.evolve(record, blocked=self._blocks(record))
            self._count += 1
            self._records[record.number] = record
            while len(self._records) > _KEEP:
                self._records.popitem(last=False)
            return record

    def note(self, number: int, **fields: object) -> None:
        """Add to a record what became known later."""
        with self._lock:
            if number in self._records:
                self._records[number] = attrs.evolve(self._records[number], **fields)  # type: ignore[arg-type]

    def all(self) -> tuple[RequestRecord, ...]:
        """Return the records in the order they started."""
        with self._lock:
            return tuple(self._records.values())

    def counts(self, seconds: int = 60) -> list[int]:
        """Return how many requests started in each of the last real seconds, the oldest second first."""
        now = time.monotonic()
        found = [0] * seconds
        with self._lock:
            for record in reversed(self._records.values()):
                ago = int(now - record.started)
                if ago >= seconds:
                    break
                found[-1 - ago] += 1
        return found

    @property
    def total(self) -> int:
        """Requests since the start, also those whose records are dropped."""
        with self._lock:
            return self._count

    def blocked(self) -> dict[str, float]:
        """Return the blocked IP addresses and the virtual seconds that each stays so."""
        with self._lock:
            now = self._clock.time()
            return {client: until - now for client, until in self._blocked_until.items() if until > now}

    def reset(self) -> None:
        """Forget the records and lift every block."""
        with self._lock:
            self._records.clear()
            self._starts.clear()
            self._blocked_until.clear()

    def _blocks(self, record: RequestRecord) -> bool:
        """Count a start in real time; a block lasts in virtual time, so that tests can wait for its end."""
        limit = self._rules.rate_limit
        if limit is None:
            return False
        now = self._clock.time()
        if self._blocked_until.get(record.client, now) > now:
            return True
        self._blocked_until.pop(record.client, None)
        starts = self._starts.setdefault(record.client, collections.deque())
        while starts and record.started - starts[0] >= 1.0:
            starts.popleft()
        starts.append(record.started)
        if len(starts) <= limit:
            return False
        starts.clear()
        self._blocked_until[record.client] = now + self._rules.block_seconds
        return True


class Metrics:
    """Counters of one sandbox since it started: they outlive what is deleted from the inbox."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], float] = collections.defaultdict(float)

    def count_message(self, message: CapturedMessage) -> None:
        """Count a request to send, and where it was accepted its segments for each number and its points."""
        result = "accepted" if message.accepted else message.code or "cut"
        with self._lock:
            self._counts["messages", message.encoding, result] += 1
            if message.accepted:
                self._counts["segments", message.encoding] += message.segments * len(message.numbers)
                self._counts["points",] += message.points

    def count_fault(self, described: str) -> None:
        """Count a fault that fired."""
        with self._lock:
            self._counts["faults", described.partition(" ")[0]] += 1

    def read(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the counters of a name by their labels.

        ``messages`` have encoding and result (``accepted``, the code, or ``cut`` where there was no reply), ``segments``
        the encoding, ``faults`` what they do, ``points`` nothing.
        """
        with self._lock:
            return {tuple(labels): round(n, 4) for (found, *labels), n in sorted(self._counts.items()) if found == name}
