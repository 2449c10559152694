"""A sink that is wrong in one way, for each clause of the contract: the clause finds it out."""

from __future__ import annotations

import os
import sys
import time

import pytest

from notifykit.events import AttemptFinished, DeliveryChanged, SendFinished
from notifykit.testing.contracts import SinkContract
from tests.testing.mutants.verdicts import clause_tests, held, verdict

pytestmark = pytest.mark.slow

PASSWORD = "hunter2-hunter2"


class Plain:
    """Right in every way: a line for each event, by one write."""

    name = "plain"

    def __init__(self, path):
        self.path = path
        self.password = PASSWORD
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def handle(self, event):
        self.write(self.line(event))

    def line(self, event):
        return f"{event.name} {event.id}"

    def write(self, line):
        os.write(self.file, f"{line}\n".encode())

    def close(self):
        if self.file >= 0:
            os.close(self.file)
        self.file = -1


class Healthy(SinkContract):
    secrets = (PASSWORD,)
    kind = Plain

    def sink(self):
        self.path = self.folder / "log"
        return self.kind(self.path)

    def output(self, sink):
        return self.path.read_text(errors="replace").splitlines()


class TwoNames(Plain):
    name = "plain, or not"


class Choosy(Plain):
    def handle(self, event):
        if isinstance(event, DeliveryChanged):
            raise TypeError("what is that?")
        super().handle(event)


class Fragile(Plain):
    def line(self, event):
        return super().line(event) + (event.words if isinstance(event, DeliveryChanged) else "")


class Listed(Plain):
    def __init__(self, path):
        super().__init__(path)
        self.known = {}

    def handle(self, event):
        {kind: super(Listed, self).handle for kind in _known()}[type(event)](event)


def _known():
    from notifykit.testing.strategies import event_kinds

    return event_kinds()


class Forgetful(Plain):
    def handle(self, event):
        if not isinstance(event, SendFinished):
            super().handle(event)


class Swaps(Plain):
    waiting = None

    def handle(self, event):
        if self.waiting is None:
            self.waiting = self.line(event)
        else:
            self.write(f"{self.line(event)}\n{self.waiting}")
            self.waiting = None


class Tears(Plain):
    def write(self, line):
        os.write(self.file, line[: len(line) // 2].encode())
        time.sleep(0)
        os.write(self.file, f"{line[len(line) // 2 :]}\n".encode())


class Drops(Plain):
    current = None

    def handle(self, event):
        self.current = event
        time.sleep(1e-6)
        super().handle(self.current)


class Changes(Plain):
    def handle(self, event):
        super().handle(event)
        if isinstance(event, SendFinished):
            event.counts["seen"] = 1


class Hoards(Plain):
    def __init__(self, path):
        super().__init__(path)
        self.events = []

    def handle(self, event):
        super().handle(event)
        self.events.append(event)


class Looks(Plain):
    def line(self, event):
        frame, seen = sys._getframe(), []
        while frame is not None:
            seen += [str(value.text) for value in list(frame.f_locals.values()) if hasattr(value, "text")]
            frame = frame.f_back
        return f"{super().line(event)} {' '.join(seen)}"


class Exports(Plain):
    def line(self, event):
        return f"{super().line(event)} {dict(os.environ)}"


class Once(Plain):
    def close(self):
        os.close(self.file)
        self.file = -1
        if self.name == "closed":
            raise RuntimeError("closed already")
        self.name = "closed"


class Leaks(Plain):
    def close(self):
        pass


class Astray(Plain):
    closed = False

    def close(self):
        if not self.closed:
            os.close(self.file)
        self.closed = True


class Open(Plain):
    def __repr__(self):
        return f"Open({self.password!r})"


def _of(kind, **more):
    return held(Healthy, "unused", kind, kind=kind, **more)


MUTANTS = {
    "test_it_has_a_name": [_of(TwoNames)],
    "test_it_takes_every_kind_of_event": [_of(Choosy), _of(Fragile)],
    "test_it_takes_kinds_that_do_not_exist_yet": [_of(Listed)],
    "test_nothing_is_lost": [_of(Forgetful)],
    "test_order_is_kept": [_of(Swaps)],
    "test_threads_lose_and_mix_nothing": [_of(Tears), _of(Drops)],
    "test_an_event_is_not_changed_or_kept": [_of(Changes), _of(Hoards)],
    "test_nothing_is_written_that_was_not_in_the_event": [_of(Looks), _of(Exports)],
    "test_it_can_be_closed": [_of(Once), _of(Leaks), _of(Astray)],
    "test_it_shows_no_secret": [_of(Open)],
}

test_a_wrong_one_is_found_out, test_a_right_one_passes, test_every_clause_has_a_wrong_one = clause_tests(
    SinkContract, Healthy, MUTANTS
)


def test_a_sink_that_shows_less_says_so():
    """``shows`` names the kinds that come out, and what a sink is for may be to keep events."""
    assert verdict(_of(Forgetful, shows=(AttemptFinished,)), "test_nothing_is_lost") is None
    assert verdict(_of(Hoards, keeps_events=True), "test_an_event_is_not_changed_or_kept") is None
