"""Outboxes for tests in classes of :mod:`unittest`."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterable
from typing import Any

from notifykit.pipeline.clock import VirtualClock
from notifykit.pipeline.notifier import Notifier
from notifykit.testing.outbox import Outbox
from notifykit.testing.plugging import Plugins
from notifykit.testing.script import Played, Script


class NotifyTestCase(unittest.TestCase):
    """Gives each test an outbox. With Django: ``class LoginTests(NotifyTestCase, django.test.TestCase)``.

    The outbox is open from before ``setUp`` until behind the last cleanup.
    """

    #: Whether a message that nobody asserted fails the test.
    notify_strict: bool = False
    #: What the provider answers in every test of the class, as :meth:`Script.sequence` takes it.
    notify_script: Iterable[Played] | Callable[[Script], object] = ()
    #: The messages of the test.
    outbox: Outbox

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test with an outbox."""
        # Asked of the class: a function there is no method here.
        self.outbox = Outbox(script=_held(type(self), "notify_script"), strict=self.notify_strict)
        self.outbox.open()
        try:
            # Cleanups run in reverse order, so that this one comes last.
            self.addCleanup(self._settle)
            return super().run(result)
        finally:
            self.outbox.close()

    @property
    def notifier(self) -> Notifier:
        """A notifier that sends into the outbox."""
        return self.outbox.notifier

    @property
    def script(self) -> Script:
        """What the provider answers."""
        return self.outbox.script

    @property
    def clock(self) -> VirtualClock:
        """The time of the test."""
        return self.outbox.clock

    @property
    def plugins(self) -> Plugins:
        """The plugins of the notifier."""
        return self.outbox.plugins

    def _settle(self) -> None:
        if self.outbox.broken and not _has_failed(self):
            raise self.outbox.broken[0]
        if self.notify_strict and not _has_failed(self):
            self.outbox.assert_all_known()


def _has_failed(test: unittest.TestCase) -> bool:
    """Return whether a test has failed so far: the results of unittest know it, and in its own way that of pytest."""
    result = getattr(getattr(test, "_outcome", None), "result", None)
    known = (*getattr(result, "failures", ()), *getattr(result, "errors", ()))
    return any(failed is test for failed, _ in known) or bool(getattr(result, "_excinfo", None))


def _held(kind: type, name: str) -> Any:
    """Return what a class or one of its bases holds under a name, as it stands there."""
    found = next(vars(base)[name] for base in kind.__mro__ if name in vars(base))
    return found.__func__ if isinstance(found, staticmethod) else found
