"""Observers: they see every notifier of the process, and lose no outcome."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from notifykit import MemoryTransport, Outcome, Submission
from notifykit.pipeline import tracing
from notifykit.pipeline.tracing import observe

NUMBER = "96598765432"


class Watcher:
    """Notes what it sees, and raises where it is asked to."""

    name = "watcher"

    def __init__(self, *raises: str) -> None:
        self.seen: list[str] = []
        self._raises = raises

    def _note(self, what: str) -> None:
        self.seen.append(what)
        if what in self._raises:
            raise RuntimeError(NUMBER)

    def handle(self, event: Any) -> None:
        self._note(event.name)

    @contextlib.contextmanager
    def around_request(self, event: Any) -> Iterator[None]:
        self._note(f"before {event.transport}")
        yield
        self._note("after")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "observers", ())


def test_an_observer_sees_events_and_requests_of_every_notifier(walk: Any) -> None:
    """One that sends in this thread, or awaits; a second one of the same name takes its place."""
    first, second = Watcher(), Watcher()
    observe(first)
    observe(second)
    for _ in range(2):
        walk.send(MemoryTransport([Submission("1")]), NUMBER)
    assert first.seen == []
    assert (
        second.seen == ["message_planned", "before memory://default", "after", "attempt_finished", "send_finished"] * 2
    )


@pytest.mark.parametrize(
    "where", ["message_planned", "before memory://default", "after", "attempt_finished", "send_finished"]
)
def test_an_observer_that_raises_loses_no_outcome(walk: Any, caplog: pytest.LogCaptureFixture, where: str) -> None:
    """Wherever it does; its words are not logged, because they may be those of a message."""
    observe(Watcher(where))
    (receipt,) = walk.send(MemoryTransport([Submission("1")]), NUMBER)
    assert (receipt.outcome, receipt.message_id) == (Outcome.ACCEPTED, "1")
    assert "RuntimeError" in caplog.text
    assert "watcher" in caplog.text
    assert NUMBER not in caplog.text


@pytest.mark.parametrize("where", ["before memory://default", "after"])
def test_an_interrupt_in_an_observer_is_for_the_program(walk: Any, where: str) -> None:
    """Ctrl-C is nobody's to swallow."""

    class Interrupted(Watcher):
        def _note(self, what: str) -> None:
            if what == where:
                raise KeyboardInterrupt

    observe(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        walk.send(MemoryTransport([Submission("1")]), NUMBER)
