"""The rate limit of an account over all workers on all machines: the time of the last start, in the database.

Processes of this machine that send without a job keep the limit in a file; it is read and written too.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from collections.abc import Iterable, Iterator
from typing import Final

import attrs
import sqlalchemy as sa

from notifykit.durable.database import Database
from notifykit.durable.tables import rate_limits
from notifykit.models.capabilities import RateLimit
from notifykit.pipeline.clock import SystemClock
from notifykit.protocols import Transport
from notifykit.rate_limit import RateLimiter, RecentStarts, file_rate_limit_store, past_starts

#: Times this close, in seconds, are one start, read from two clocks.
_SAME: Final = 0.01


class DatabaseRateLimitStore:
    """The recent starts of one rate limit, from the database and from this machine's file.

    :param key: what shares the rate limit.
    :param database: the database.
    :param state_dir: the folder of this machine's file.
    """

    def __init__(self, key: str, database: Database, state_dir: str | None) -> None:
        self._key = hashlib.sha256(key.encode()).hexdigest()[:64]
        self._db = database
        self._machine = file_rate_limit_store(key, state_dir)

    @contextlib.contextmanager
    def edit(self) -> Iterator[RecentStarts]:
        """Give the recent starts under a lock, and write them to both places if they change."""
        this = rate_limits.c.key == self._key
        query = sa.select(rate_limits.c.last).where(this).with_for_update()
        with self._machine.edit() as here, self._db.begin() as db:
            db.execute(self._db.insert(rate_limits).values(key=self._key, last=0.0).on_conflict_do_nothing())
            stored = db.execute(query).scalar_one()
            now = self._now(db)
            behind = now - time.monotonic()
            # A start in the future comes from a clock that has been corrected since.
            last = stored - behind if stored <= now else -math.inf
            known = past_starts(here.starts, now - behind)
            recent = RecentStarts([*known, last] if last > max(known, default=-math.inf) + _SAME else known)
            before = recent.starts
            yield recent
            if recent.starts is before:
                return
            here.starts = recent.starts
            db.execute(rate_limits.update().where(this).values(last=recent.starts[-1] + behind))

    def _now(self, db: sa.Connection) -> float:
        """Return seconds since 1970 by the clock that all workers share: PostgreSQL's, or this machine's."""
        if self._db.file is not None:
            return time.time()
        return float(db.execute(sa.select(sa.extract("epoch", sa.func.clock_timestamp()))).scalar_one())


@attrs.define(eq=False)
class DatabaseRateLimiters:
    """The rate limiters of all workers together, one for each rate limit."""

    #: The database.
    database: Database
    #: The folder of this machine's files.
    state_dir: str | None
    _rate_limiters: dict[RateLimit, RateLimiter] = attrs.field(factory=dict, init=False)

    def of(self, transport: Transport) -> RateLimiter | None:
        """Return the rate limiter of a transport; None if it has no limit."""
        rate_limit = transport.capabilities.rate_limit
        if rate_limit is None:
            return None
        if rate_limit not in self._rate_limiters:
            store = DatabaseRateLimitStore(rate_limit.key, self.database, self.state_dir)
            # The database knows only the last start of other machines, so two neighbours keep the whole distance.
            self._rate_limiters.setdefault(rate_limit, RateLimiter(rate_limit, store, SystemClock(), slack=0.0))
        return self._rate_limiters[rate_limit]


def slowest(found: Iterable[RateLimit | None]) -> RateLimit | None:
    """Return the slowest of some rate limits, None if there is none."""
    return min(filter(None, found), key=lambda rate_limit: rate_limit.per_second, default=None)
