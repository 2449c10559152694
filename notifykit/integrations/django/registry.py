"""The notifiers of the setting ``NOTIFYKIT``, one of each in a process, and the verifiers on them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Generic, TypeVar

from django.core.signals import setting_changed

from notifykit.integrations.django import isolation
from notifykit.integrations.django.configuration import DEFAULT, aliases, settings_of
from notifykit.integrations.django.signals import SignalSink
from notifykit.integrations.per_process import Closable, PerProcess
from notifykit.models.receipt import Report
from notifykit.pipeline.notifier import Notifier
from notifykit.pipeline.stages import Addresses
from notifykit.protocols.engine import Job
from notifykit.settings.dsn import Dsn
from notifykit.settings.sources import Settings
from notifykit.verify.verifier import Verifier

_Item = TypeVar("_Item", bound=Closable)


class ByAlias(Generic[_Item]):
    """One object for each name, made when it is first used in a process and closed when the process ends.

    Servers fork after they loaded the site; an object that the parent made is not used by its children.

    :param make: makes the one of a name.
    """

    def __init__(self, make: Callable[[str], _Item]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: dict[str, PerProcess[_Item]] = {}

    def __getitem__(self, alias: str) -> _Item:
        """Return the object of this process.

        :raises ConfigError: with everything that is wrong with the settings.
        """
        if alias not in self._made:
            # A dict's own method is one step for other threads, and leaves no lock to a child that is forked in it.
            self._made.setdefault(alias, PerProcess(partial(self._make, alias)))
        return self._made[alias].get()

    def close(self) -> None:
        """Close what this process made; it is made anew when it is next used, from the settings of then."""
        for item in list(self._made.values()):
            item.close()


class Notifiers(ByAlias[Notifier]):
    """The notifiers: ``notifiers["default"]``."""

    def __iter__(self) -> Iterator[str]:
        """Yield the names in the settings."""
        return iter(aliases())


def make_notifier(alias: str) -> Notifier:
    """Return a new notifier from the settings; in tests one without an account, that sends nothing.

    :raises ConfigError: with everything that is wrong.
    """
    settings = settings_of(alias)
    transport = None
    if isolation.is_testing():
        settings = settings_of(alias, **isolation.arguments_of_tests(alias))
        transport = _imitation(settings)
    isolation.install()
    return Notifier(transport, settings=settings, sinks=[SignalSink(alias)])


def _imitation(settings: Settings) -> Dsn:
    """Return the transport of tests: it measures, refuses and prices as the one of the settings."""
    from notifykit.cli.dry_run import measuring_scheme
    from notifykit.plugins import PluginHost

    host = PluginHost(disable=settings.disable, allow=settings.allow)
    like = measuring_scheme(settings, host)
    return Dsn("memory", options={"like": like} if like else {})


notifiers: Final = Notifiers(make_notifier)
#: One-time codes for logging in, sent by the notifier of the same name.
verifiers: Final = ByAlias(lambda alias: Verifier(notifiers[alias]))


def send(to: Addresses, text: str, *, using: str = DEFAULT, **options: Any) -> Report:
    """Send a text and return what happened to each recipient.

    :param using: the notifier's name in the settings.
    :param options: those of :meth:`notifykit.Notifier.send`: ``via``, ``tags``, ``deadline``, …
    :raises ConfigError: where the settings can't be used.
    """
    return notifiers[using].send(to, text, **options)


def submit(to: Addresses, text: str, *, using: str = DEFAULT, **options: Any) -> Job:
    """Have a text sent in the background, even if this process ends; see :meth:`notifykit.Notifier.submit`.

    :param using: the notifier's name in the settings.
    :raises ConfigError: where the settings can't be used, or jobs can't be stored.
    """
    return notifiers[using].submit(to, text, **options)


def close_all(*_: Any, setting: str = "NOTIFYKIT", **__: Any) -> None:
    """Close all notifiers of this process; tests that change the setting get new ones."""
    if setting == "NOTIFYKIT":
        verifiers.close()
        notifiers.close()


setting_changed.connect(close_all, dispatch_uid="notifykit")
