"""The rate limit of an account over all workers on all machines: the time of the last start, in the store.

Processes of this machine that send without a job keep their rate limit in a file; that one is looked at and written too.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from notifykit.durable.database import Database
from notifykit.durable.tables import paces
from notifykit.models.capabilities import RateLimit
from notifykit.pipeline.clock import SystemClock
from notifykit.protocols import Transport
from notifykit.rate_limit import RateLimiter, RecentStarts, file_rate_limit_store, past_starts

#: Times this close, in seconds, are the same start, told by two clocks.
_SAME: Final = 0.01


class DatabaseRateLimitStore:
    """The board of one rate limit, in the store and in this machine's file.

    :param key: what shares the rate limit.
    :param database: the store.
    :param state_dir: where processes of this machine keep the rate limit.
    """

    def __init__(self, key: str, database: Database, state_dir: str | None) -> None:
        self._key = hashlib.sha256(key.encode()).hexdigest()[:64]
        self._db = database
        self._machine = file_rate_limit_store(key, state_dir)
        self._upsert: Any = sqlite.insert if database.file is not None else postgresql.insert

    @contextlib.contextmanager
    def edit(self) -> Iterator[RecentStarts]:
        """Give the machine's board, with the store's last start where that is another one, and write both."""
        this = paces.c.key == self._key
        with self._machine.edit() as here, self._db.begin() as db:
            row = db.execute(sa.select(paces.c.last).where(this).with_for_update()).first()
            if row is None:
                nobody = self._upsert(paces).values(key=self._key, last=0.0).on_conflict_do_nothing()
                db.execute(nobody)
                row = db.execute(sa.select(paces.c.last).where(this).with_for_update()).one()
            now = self._now(db)
            behind = now - time.monotonic()
            # A start in the future was written before a clock was put right: it says nothing.
            last = row.last - behind if row.last <= now else -math.inf
            known = past_starts(here.starts, now - behind)
            board = RecentStarts([*known, last] if last > max(known, default=-math.inf) + _SAME else known)
            before = board.starts
            yield board
            if board.starts is before:
                return
            here.starts = board.starts
            db.execute(paces.update().where(this).values(last=board.starts[-1] + behind))

    def _now(self, db: sa.Connection) -> float:
        """Return seconds since 1970 by the one clock that all workers share: PostgreSQL's, or this machine's."""
        if self._db.file is not None:
            return time.time()
        return float(db.execute(sa.select(sa.extract("epoch", sa.func.clock_timestamp()))).scalar_one())


@attrs.define(eq=False)
class DatabaseRateLimiters:
    """The rate limiters of all workers together, one for each rate limit."""

    #: The store.
    database: Database
    #: Where processes of this machine keep the rate limit.
    state_dir: str | None
    _rate_limiters: dict[RateLimit, RateLimiter] = attrs.field(factory=dict, init=False)

    def of(self, transport: Transport) -> RateLimiter | None:
        """Return the rate limiter of a transport; None where it has no limit."""
        rate_limit = transport.capabilities.rate_limit
        if rate_limit is None:
            return None
        if rate_limit not in self._rate_limiters:
            slots = DatabaseRateLimitStore(rate_limit.key, self.database, self.state_dir)
            # The store knows one start of the other machines, so two neighbours keep the whole distance.
            self._rate_limiters.setdefault(rate_limit, RateLimiter(rate_limit, slots, SystemClock(), slack=0.0))
        return self._rate_limiters[rate_limit]


def slowest(found: Iterable[RateLimit | None]) -> RateLimit | None:
    """Return the slowest of some paces: what a queue is let go at."""
    known = [rate_limit for rate_limit in found if rate_limit is not None]
    return min(known, key=lambda rate_limit: rate_limit.per_second, default=None)
