"""The suppression list in a table of a database: a file, PostgreSQL, or any other that SQLAlchemy knows."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from notifykit.durable.any_database import AnyDatabase
from notifykit.durable.grouping import chunks
from notifykit.people.suppressions import ListUnavailable, Suppressed
from notifykit.settings.sources import Settings

#: Rows that one statement reads or deletes.
_CHUNK: Final = 500

METADATA: Final = sa.MetaData()
_suppressed: Final = sa.Table(
    "notifykit_suppressed",
    METADATA,
    sa.Column("address", sa.String(400), primary_key=True),
    sa.Column("added", sa.Double),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
)
#: Asked once for each recipient of a send, so it is made once.
_BY_ADDRESS: Final = sa.select(_suppressed).where(_suppressed.c.address == sa.bindparam("wanted"))


class SuppressionTable:
    """The list in a database.

    :param url: a URL of SQLAlchemy, or ``sqlite`` for a file beside that of jobs.
    :raises ConfigError: if the URL is none. That the database can't be used shows when it is.
    """

    name = "in the database"

    def __init__(self, url: str, settings: Settings) -> None:
        self._database = AnyDatabase(
            url,
            settings,
            METADATA,
            name="suppressed.sqlite3",
            setting="guard.suppression_url",
            unavailable=lambda why: ListUnavailable(
                f"The suppression list in the database can't be used ({why}).",
                "Look whether the database runs, and whether NOTIFYKIT_GUARD_SUPPRESSION_URL is right.",
            ),
        )

    def find(self, address: str) -> Suppressed | None:
        """Return the entry of an address; None where it is not on the list."""
        found = self._database.read(lambda db: db.execute(_BY_ADDRESS, {"wanted": address}).first())
        return _entry(found) if found is not None else None

    def add(self, entries: Sequence[Suppressed]) -> int:
        """Add all entries or none, and return how many are new."""
        wanted = {entry.address: entry for entry in reversed(entries)}

        def work(db: sa.Connection) -> int:
            known: set[str] = set()
            for chunk in chunks(wanted, _CHUNK):
                query = sa.select(_suppressed.c.address).where(_suppressed.c.address.in_(chunk))
                known.update(db.scalars(query))
            new = [_row(entry) for address, entry in wanted.items() if address not in known]
            if new:
                db.execute(_suppressed.insert(), new)
            return len(new)

        return self._database.write(work)

    def remove(self, addresses: Sequence[str]) -> int:
        """Take addresses off the list, and return how many were on it."""

        def work(db: sa.Connection) -> int:
            some = chunks(dict.fromkeys(addresses), _CHUNK)
            return sum(db.execute(_suppressed.delete().where(_suppressed.c.address.in_(one))).rowcount for one in some)

        return self._database.write(work)

    def entries(self) -> Iterator[Suppressed]:
        """Yield all entries, in the order of their addresses."""
        last = ""
        while True:
            query = sa.select(_suppressed).where(_suppressed.c.address > last)
            query = query.order_by(_suppressed.c.address).limit(_CHUNK)
            rows = self._database.read(lambda db, query=query: db.execute(query).all())  # type: ignore[misc]
            yield from map(_entry, rows)
            if len(rows) < _CHUNK:
                return
            last = rows[-1].address

    def close(self) -> None:
        """Close the connections."""
        self._database.close()


def _row(entry: Suppressed) -> dict[str, Any]:
    added = entry.added.timestamp() if entry.added else None
    return {"address": entry.address, "added": added, "by": entry.by, "reason": entry.reason}


def _entry(row: Any) -> Suppressed:
    added = None if row.added is None else datetime.datetime.fromtimestamp(row.added, datetime.UTC)
    return Suppressed(row.address, added, row.by, row.reason)
