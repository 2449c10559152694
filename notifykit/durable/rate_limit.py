"""The pace of an account over all workers on all machines: the time of the last start, in the ledger.

Processes of this machine that send without a job keep their pace in a file; that one is looked at and written too.
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
from notifykit.models.capabilities import Pace
from notifykit.pipeline.clock import SystemClock
from notifykit.protocols import Transport
from notifykit.rate_limit import Board, Pacer, shared_slots, until

#: Times this close, in seconds, are the same start, told by two clocks.
_SAME: Final = 0.01


class LedgerSlots:
    """The board of one pace, in the ledger and in this machine's file.

    :param key: what shares the pace.
    :param database: the ledger.
    :param state_dir: where processes of this machine keep the pace.
    """

    def __init__(self, key: str, database: Database, state_dir: str | None) -> None:
        self._key = hashlib.sha256(key.encode()).hexdigest()[:64]
        self._db = database
        self._machine = shared_slots(key, state_dir)
        self._upsert: Any = sqlite.insert if database.file is not None else postgresql.insert

    @contextlib.contextmanager
    def edit(self) -> Iterator[Board]:
        """Give the machine's board, with the ledger's last start where that is another one, and write both."""
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
            known = until(now - behind, here.starts)
            board = Board([*known, last] if last > max(known, default=-math.inf) + _SAME else known)
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
class LedgerPacers:
    """The pacers of all workers together, one for each pace."""

    #: The ledger.
    database: Database
    #: Where processes of this machine keep the pace.
    state_dir: str | None
    _pacers: dict[Pace, Pacer] = attrs.field(factory=dict, init=False)

    def of(self, transport: Transport) -> Pacer | None:
        """Return the pacer of a transport; None where it has no limit."""
        pace = transport.capabilities.pace
        if pace is None:
            return None
        if pace not in self._pacers:
            slots = LedgerSlots(pace.key, self.database, self.state_dir)
            # The ledger knows one start of the other machines, so two neighbours keep the whole distance.
            self._pacers.setdefault(pace, Pacer(pace, slots, SystemClock(), slack=0.0))
        return self._pacers[pace]


def slowest(found: Iterable[Pace | None]) -> Pace | None:
    """Return the slowest of some paces: what a queue is let go at."""
    known = [pace for pace in found if pace is not None]
    return min(known, key=lambda pace: pace.per_second, default=None)
