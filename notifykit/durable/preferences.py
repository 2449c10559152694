"""The store of preferences in a database: a file, PostgreSQL, or any other that SQLAlchemy knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa

from notifykit.durable.any_database import AnyDatabase
from notifykit.models.message import Channel
from notifykit.people.preferences import MAX_ID, Preferences, PreferencesUnavailable, dump, load
from notifykit.settings.sources import Settings

METADATA: Final = sa.MetaData()
_people: Final = sa.Table(
    "notifykit_preferences",
    METADATA,
    sa.Column("person", sa.String(MAX_ID), primary_key=True),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("changed", sa.Double, nullable=False),
)
_addresses: Final = sa.Table(
    "notifykit_preference_addresses",
    METADATA,
    sa.Column("channel", sa.String(10), primary_key=True),
    sa.Column("address", sa.String(320), primary_key=True),
    sa.Column("person", sa.String(MAX_ID), primary_key=True),
)
sa.Index("notifykit_preference_addresses_person", _addresses.c.person)
#: Asked once for each recipient of a send, so it is made once.
_BY_ADDRESS: Final = sa.select(_addresses.c.person).where(
    _addresses.c.channel == sa.bindparam("channel"), _addresses.c.address == sa.bindparam("address")
)


class DatabasePreferences:
    """Preferences in a database.

    :param url: a URL of SQLAlchemy, or ``sqlite`` for a file beside that of jobs.
    :raises ConfigError: if the URL is none. That the database can't be used shows when it is.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self._database = AnyDatabase(
            url,
            settings,
            METADATA,
            name="preferences.sqlite3",
            setting="guard.preferences",
            unavailable=lambda why: PreferencesUnavailable(
                f"The database of preferences can't be used ({why}).",
                "Look whether it runs, and whether address, user, password and folder in NOTIFYKIT_GUARD_PREFERENCES are right.",
            ),
        )

    def get(self, person: str) -> Preferences | None:
        """Return the preferences of a person by their id; None where nothing is stored."""
        return self._database.read(lambda db: next(iter(_load(db, [person])), None))

    def find(self, channel: Channel, address: str) -> Sequence[Preferences]:
        """Return the preferences of everybody who has this address."""
        wanted = {"channel": channel.value, "address": address}
        return self._database.read(lambda db: _load(db, db.scalars(_BY_ADDRESS, wanted).all()))

    def set(self, preferences: Preferences) -> None:
        """Store preferences in the place of those that the person had."""
        self._database.write(lambda db: _write(db, preferences))

    def change(self, person: str, change: Callable[[Preferences], Preferences]) -> Preferences:
        """Change the preferences of a person in one atomic step, and return the new ones."""

        def work(db: sa.Connection) -> Preferences:
            # Where there is no row to lock, the second of two inserts fails and is tried again.
            db.execute(sa.select(_people.c.person).where(_people.c.person == person).with_for_update())
            changed = change(next(iter(_load(db, [person])), Preferences(person)))
            _write(db, changed)
            return changed

        return self._database.write(work)

    def delete(self, person: str) -> bool:
        """Delete all that is stored of a person, and return whether anything was."""
        return self._database.write(lambda db: _delete(db, person))

    def close(self) -> None:
        """Close the connections."""
        self._database.close()


def _load(db: sa.Connection, people: Sequence[str]) -> list[Preferences]:
    if not people:
        return []
    rows = db.execute(sa.select(_people.c.person, _people.c.data).where(_people.c.person.in_(people))).all()
    found: dict[str, dict[str, str]] = {person: {} for person, _ in rows}
    c = _addresses.c
    for person, channel, address in db.execute(sa.select(c.person, c.channel, c.address).where(c.person.in_(found))):
        found[person][channel] = address
    return [load(person, data, found[person]) for person, data in rows]


def _write(db: sa.Connection, preferences: Preferences) -> None:
    row = {"data": dump(preferences), "changed": time.time()}
    written = db.execute(_people.update().where(_people.c.person == preferences.person).values(row))
    if not written.rowcount:
        db.execute(_people.insert().values(person=preferences.person, **row))
    db.execute(_addresses.delete().where(_addresses.c.person == preferences.person))
    for channel, address in preferences.addresses.items():
        db.execute(_addresses.insert().values(channel=channel.value, address=address, person=preferences.person))


def _delete(db: sa.Connection, person: str) -> bool:
    db.execute(_addresses.delete().where(_addresses.c.person == person))
    return bool(db.execute(_people.delete().where(_people.c.person == person)).rowcount)
