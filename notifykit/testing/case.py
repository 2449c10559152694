"""Outboxes for tests in classes of :mod:`unittest`."""

from __future__ import annotations

import itertools
import unittest
from collections.abc import Callable, Iterable
from typing import Any

from notifykit.pipeline.clock import VirtualClock
from notifykit.pipeline.notifier import Notifier
from notifykit.testing.notifier import Plugins
from notifykit.testing.outbox import Outbox
from notifykit.testing.script import Played, Script


class NotifyTestCase(unittest.TestCase):
    """Gives each test an outbox. With Django: ``class LoginTests(NotifyTestCase, django.test.TestCase)``.

    The outbox is open from before ``setUp`` until after the last cleanup.
    """

    #: Whether a message that was not asserted fails the test.
    notify_strict: bool = False
    #: What the provider answers in every test of the class, as :meth:`Script.sequence` takes it.
    notify_script: Iterable[Played] | Callable[[Script], object] = ()
    #: The messages of the test.
    outbox: Outbox

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test with an outbox."""
        self.outbox = Outbox(script=_attribute(type(self), "notify_script"), strict=self.notify_strict)
        self.outbox.open()
        try:
            # Cleanups run in reverse order: this one is the last.
            self.addCleanup(self._check_outbox)
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

    def _check_outbox(self) -> None:
        # The results of unittest and pytest each know in their own way whether the test has failed already.
        result = getattr(getattr(self, "_outcome", None), "result", None)
        lists = (getattr(result, name, ()) for name in ("failures", "errors"))
        # In Django's parallel workers they are placeholders that can't be iterated over.
        failures = itertools.chain.from_iterable(found for found in lists if isinstance(found, Iterable))
        if any(test is self for test, _ in failures) or getattr(result, "_excinfo", None):
            return
        if self.outbox.script_errors:
            raise self.outbox.script_errors[0]
        if self.notify_strict and self.outbox.unasserted:
            self.fail(self.outbox.unasserted_failure())


def _attribute(kind: type, name: str) -> Any:
    """Return an attribute of a class or one of its bases as it was assigned: a function is no method."""
    found = next(vars(base)[name] for base in kind.__mro__ if name in vars(base))
    return found.__func__ if isinstance(found, staticmethod) else found
