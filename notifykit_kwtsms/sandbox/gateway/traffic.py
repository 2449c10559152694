"""Who asked what and when: the record of every request that started, and the rule of five a second."""

from __future__ import annotations

import collections
import datetime
import threading
import time

import attrs

from notifykit_kwtsms.sandbox.clock import Clock
from notifykit_kwtsms.sandbox.gateway.rules import Rules

#: Records that are kept; counting goes on.
_KEEP = 100_000


@attrs.frozen
class RequestRecord:
    """One request to the gateway, recorded when it started."""

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
    #: The HTTP status that was answered; None while it runs, and where no answer left.
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
            record = RequestRecord(
                number=self._count + 1,
                endpoint=endpoint,
                started=time.monotonic(),
                at=self._clock.utc(),
                client=client,
            )
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
        """Requests since the start, those included that are no longer on record."""
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
