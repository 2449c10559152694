"""The preferences of people, and what the admin shows: jobs and one-time codes, read when the page is opened.

The model of the page is there for its permission, which Django makes for it, and for its line in the admin.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import attrs
from django.db import models

from notifykit.errors import ConfigError, NotifyError
from notifykit.integrations.django.configuration import aliases
from notifykit.integrations.django.registry import notifiers, verifiers
from notifykit.models.job import Progress
from notifykit.redaction import redact_address
from notifykit.verify.results import Traffic

_log = logging.getLogger("notifykit.django")
_Row = TypeVar("_Row")


class Notification(models.Model):  # type: ignore[misc]
    """Stands for the page in the admin. The permission ``notifykit.view_notification`` opens it."""

    class Meta:
        """There is no table, and nothing to add, change or delete."""

        managed = False
        app_label = "notifykit"
        default_permissions = ("view",)
        verbose_name = "jobs and one-time codes"
        verbose_name_plural = verbose_name


class PersonPreferences(models.Model):  # type: ignore[misc]
    """What one person wants to get, where ``guard.preferences`` is ``django``; see ``preferences_of``."""

    person = models.CharField(max_length=200, primary_key=True)
    data = models.TextField()
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        """It is written by the store, and not by forms."""

        app_label = "notifykit"
        verbose_name = verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return str(self.person)


class PersonAddress(models.Model):  # type: ignore[misc]
    """An address by which preferences are found."""

    preferences = models.ForeignKey(PersonPreferences, models.CASCADE, related_name="addresses")
    channel = models.CharField(max_length=10)
    address = models.CharField(max_length=320)

    class Meta:
        """Several people may have one address."""

        app_label = "notifykit"
        constraints = (models.UniqueConstraint(fields=("channel", "address", "preferences"), name="notifykit_address"),)

    def __str__(self) -> str:
        return redact_address(self.address)


@attrs.frozen
class Overview:
    """The state of one notifier. Nothing in it is secret: counts, names of jobs, and beginnings of numbers."""

    #: Its name in the settings.
    alias: str
    #: Its transport, without secrets; empty where the settings can't be used.
    transport: str = ""
    #: Whether messages reach people.
    live: bool = False
    #: Its jobs, the newest first.
    jobs: Sequence[Progress] = ()
    #: The codes of the last 24 hours by country and prefix.
    verifications: Sequence[Traffic] = ()
    #: What could not be read, and why.
    problems: tuple[str, ...] = ()


def overviews() -> list[Overview]:
    """Return the state of each notifier; what can't be read is a problem of it, and no error."""
    try:
        return [_overview(alias) for alias in aliases()]
    except ConfigError as error:
        return [Overview("NOTIFYKIT", problems=tuple(error.problems))]


def _overview(alias: str) -> Overview:
    try:
        notifier = notifiers[alias]
    except ConfigError as error:
        return Overview(alias, problems=tuple(error.problems))
    problems: list[str] = []
    jobs: Sequence[Progress] = _read("jobs", problems, notifier.jobs)
    codes: Sequence[Traffic] = _read("one-time codes", problems, partial(_codes, alias))
    live = notifier.transport.capabilities.live
    return Overview(alias, notifier.transport.name, live, jobs, codes, tuple(problems))


def _codes(alias: str) -> Sequence[Traffic]:
    return verifiers[alias].traffic()


def _read(what: str, problems: list[str], read: Callable[[], Sequence[_Row]]) -> Sequence[_Row]:
    """Return what was read, or nothing and the reason. Words of a database may have its address in them."""
    try:
        return read()
    except NotifyError as error:
        problems.append(f"The {what} can't be read: {error}")
    except Exception as error:  # whatever a database raises
        _log.warning("the admin can't read the %s: %s", what, type(error).__name__)
        problems.append(f"The {what} can't be read: {type(error).__name__}.")
    return ()
