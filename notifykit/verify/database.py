"""The store of codes in a database: a SQLite file of this user, or the PostgreSQL database that jobs are kept in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from notifykit.counters import CounterBucket
from notifykit.durable.database import Database, DurableSettings
from notifykit.settings.sources import Settings
from notifykit.verify.store import PRUNED, Code, Count, Hold, StoreUnavailable, Transaction

#: The file of codes, beside that of jobs.
_FILE: Final = "codes.sqlite3"
#: The advisory lock that makes transactions on PostgreSQL follow each other.
_LOCK: Final = 7203166
_CLOSE: Final = 1e-9

METADATA: Final = sa.MetaData()
_codes: Final = sa.Table(
    "notifykit_codes",
    METADATA,
    sa.Column("row", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(32), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("expires", sa.Double, nullable=False),
    sa.Column("guesses", sa.Integer, nullable=False),
    sa.Column("sends", sa.Integer, nullable=False),
    sa.Column("sent", sa.Double, nullable=False),
    sa.Column("used", sa.Double),
    sa.Column("ends", sa.Double, nullable=False),
)
sa.Index("notifykit_codes_ends", _codes.c.ends)
_counts: Final = sa.Table(
    "notifykit_code_counts",
    METADATA,
    sa.Column("key", sa.String(120), primary_key=True),
    sa.Column("bucket", sa.BigInteger, primary_key=True),
    sa.Column("amount", sa.Double, nullable=False),
    sa.Column("last", sa.Double, nullable=False),
    sa.Column("ends", sa.Double, nullable=False),
)
sa.Index("notifykit_code_counts_ends", _counts.c.ends)
_held: Final = sa.Table(
    "notifykit_code_holds",
    METADATA,
    sa.Column("prefix", sa.String(20), primary_key=True),
    sa.Column("country", sa.String(2)),
    sa.Column("since", sa.Double, nullable=False),
)


class DatabaseStore:
    """Codes in a database that processes, and with PostgreSQL machines, share.

    :param settings: where it is: ``database_url`` or ``state_dir``, as for jobs.
    :raises ConfigError: if it can't be used.
    """

    def __init__(self, settings: Settings) -> None:
        durable = DurableSettings.of(settings)
        if durable.file is not None:
            durable = durable.at(durable.file.with_name(_FILE))
        #: Whether other machines use it too.
        self.shared = durable.file is None
        self._database = Database(durable, METADATA, "codes")
        self._process = os.getpid()

    @property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's engine."""
        return self._database.engine

    @contextlib.contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Return a transaction; those of other threads, processes and machines wait for its end."""
        if self._process != os.getpid():
            # The connections are the parent's.
            self._database.engine.dispose(close=False)
            self._process = os.getpid()
        try:
            with self._database.begin() as connection:
                if self.shared:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                yield _DatabaseTransaction(connection, self._database.insert)
        except SQLAlchemyError as error:
            kind = type(getattr(error, "orig", None) or error).__name__
            raise StoreUnavailable(
                f"the database of codes can't be used ({kind}): nothing was sent or checked"
            ) from None

    def close(self) -> None:
        """Close the connections."""
        if self._process == os.getpid():
            self._database.close()


@attrs.frozen(eq=False)
class _DatabaseTransaction:
    _connection: sa.Connection
    #: ``INSERT`` in the database's dialect.
    _insert: Any

    def code(self, row: str) -> Code | None:
        found = self._connection.execute(sa.select(_codes).where(_codes.c.row == row)).mappings().first()
        return Code(**found) if found else None

    def write(self, code: Code) -> None:
        values = attrs.asdict(code)
        statement = self._insert(_codes).values(values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=[_codes.c.row], set_=values))

    def buckets(self, keys: Collection[str]) -> Mapping[str, Sequence[CounterBucket]]:
        return self._buckets(_counts.c.key.in_(keys))

    def counted(self, beginning: str) -> Mapping[str, Sequence[CounterBucket]]:
        return self._buckets(_counts.c.key.startswith(beginning, autoescape=True))

    def _buckets(self, where: sa.ColumnElement[bool]) -> Mapping[str, Sequence[CounterBucket]]:
        found: dict[str, list[CounterBucket]] = {}
        c = _counts.c
        for key, *row in self._connection.execute(sa.select(c.key, c.bucket, c.amount, c.last).where(where)):
            found.setdefault(key, []).append(CounterBucket(*row))
        return found

    def add(self, counts: Iterable[Count]) -> None:
        rows = [attrs.asdict(count) for count in counts]
        if not rows:
            return
        added = self._insert(_counts)
        # Both databases read a condition here; only one of them has max() of two values, and calls it greatest.
        later = {
            name: sa.case((added.excluded[name] > _counts.c[name], added.excluded[name]), else_=_counts.c[name])
            for name in ("last", "ends")
        }
        update = {"amount": _counts.c.amount + added.excluded.amount, **later}
        statement = added.on_conflict_do_update(index_elements=[_counts.c.key, _counts.c.bucket], set_=update)
        self._connection.execute(statement, rows)

    def subtract(self, counts: Iterable[Count]) -> None:
        for count in counts:
            this = sa.and_(_counts.c.key == count.key, _counts.c.bucket == count.bucket)
            self._connection.execute(_counts.update().where(this).values(amount=_counts.c.amount - count.amount))
            self._connection.execute(_counts.delete().where(this, _counts.c.amount <= _CLOSE))

    def forget(self, keys: Collection[str]) -> None:
        self._connection.execute(_counts.delete().where(_counts.c.key.in_(keys)))

    def holds(self, prefix: str | None = None) -> Sequence[Hold]:
        query = sa.select(_held.c.prefix, _held.c.country, _held.c.since)
        if prefix is not None:
            query = query.where(_held.c.prefix == prefix)
        return [Hold(*row) for row in self._connection.execute(query)]

    def hold(self, hold: Hold) -> None:
        self._connection.execute(self._insert(_held).values(attrs.asdict(hold)).on_conflict_do_nothing())

    def release(self, prefix: str) -> None:
        self._connection.execute(_held.delete().where(_held.c.prefix == prefix))

    def prune(self, now: float) -> None:
        for table in (_codes, _counts):
            key = sa.tuple_(*table.primary_key.columns)
            old = sa.select(*table.primary_key.columns).where(table.c.ends <= now).limit(PRUNED)
            self._connection.execute(table.delete().where(key.in_(old)))
