"""The store of preferences in the site's own database: ``guard.preferences = "django"``, after ``manage.py migrate``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final, ParamSpec, TypeVar

from django.db import DatabaseError, IntegrityError, InterfaceError, connections, router, transaction

from notifykit.models.message import Channel
from notifykit.people.preferences import Preferences, PreferencesUnavailable, dump, load

_Result = TypeVar("_Result")
_Given = ParamSpec("_Given")
#: How often a change is tried that met another one.
_TRIES: Final = 5


def _available(method: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Return a method whose errors of the database are :class:`PreferencesUnavailable`."""

    @functools.wraps(method)
    def run(*given: _Given.args, **more: _Given.kwargs) -> _Result:
        try:
            return method(*given, **more)
        except (DatabaseError, InterfaceError) as error:
            # The next question gets a new connection: this one may have been closed by the server.
            connection = connections[_database()]
            if not connection.in_atomic_block:
                connection.close()
            raise PreferencesUnavailable(
                f"The site's database can't be used ({type(error).__name__}).",
                "Look whether it runs, and whether `manage.py migrate notifykit` was run.",
            ) from None

    return run


def _models() -> Any:
    # Imported here: models can be used when Django has loaded all apps.
    from notifykit.integrations.django import models

    return models


def _database() -> str:
    return str(router.db_for_write(_models().PersonPreferences))


class DjangoPreferences:
    """Preferences in the site's database."""

    @_available
    def get(self, person: str) -> Preferences | None:
        """Return the preferences of a person by their id; None where nothing is stored."""
        row = _rows().filter(person=person).first()
        return _read(row) if row else None

    @_available
    def find(self, channel: Channel, address: str) -> Sequence[Preferences]:
        """Return the preferences of everybody who has this address."""
        return [*map(_read, _rows().filter(addresses__channel=channel.value, addresses__address=address))]

    @_available
    def set(self, preferences: Preferences) -> None:
        """Store preferences in the place of those that the person had."""
        with transaction.atomic(using=_database()):
            _write(preferences)

    @_available
    def change(self, person: str, change: Callable[[Preferences], Preferences]) -> Preferences:
        """Change the preferences of a person in one atomic step, and return the new ones."""
        for attempt in range(1, _TRIES + 1):
            try:
                with transaction.atomic(using=_database()):
                    row = _rows().select_for_update().filter(person=person).first()
                    changed = change(_read(row) if row else Preferences(person))
                    _write(changed)
                    return changed
            except IntegrityError:  # two that inserted at once
                if attempt == _TRIES:
                    raise
        raise AssertionError("the loop returns or raises")

    @_available
    def delete(self, person: str) -> bool:
        """Delete all that is stored of a person, and return whether anything was."""
        deleted, _ = _models().PersonPreferences.objects.using(_database()).filter(person=person).delete()
        return bool(deleted)


def _rows() -> Any:
    return _models().PersonPreferences.objects.using(_database()).prefetch_related("addresses")


def _read(row: Any) -> Preferences:
    return load(row.person, row.data, {one.channel: one.address for one in row.addresses.all()})


def _write(preferences: Preferences) -> None:
    models, database = _models(), _database()
    people, addresses = models.PersonPreferences.objects.using(database), models.PersonAddress.objects.using(database)
    row, _ = people.update_or_create(person=preferences.person, defaults={"data": dump(preferences)})
    addresses.filter(preferences=row).delete()
    addresses.bulk_create(
        models.PersonAddress(preferences=row, channel=channel.value, address=address)
        for channel, address in preferences.addresses.items()
    )
