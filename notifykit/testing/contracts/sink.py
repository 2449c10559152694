"""What every sink promises."""

from __future__ import annotations

import contextlib
import copy
import functools
import gc
import os
import pathlib
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, cast

import attrs

from notifykit.errors import OutcomeUnknown
from notifykit.events import AttemptFinished, Event
from notifykit.hookspecs import hookimpl
from notifykit.models.message import Channel, Cleaned
from notifykit.models.receipt import Submission
from notifykit.pipeline.clock import VirtualClock
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.plugins.functions import FunctionSink
from notifykit.protocols import Sink
from notifykit.testing.contracts.base import THREADS, Contract, clause, fragments, not_intercepted
from notifykit.transports.stubs import MemoryTransport

_CANARY: Final = "canary-of-the-environment-3141"
_TEXT: Final = "Xyzzy-Plugh 778899"
_NUMBER: Final = "96597315264"
#: How many events each thread passes to the sink.
_EACH: Final = 40


class SinkContract(Contract):
    """Subclass it, and name your sink and what it wrote: ``sink()`` and ``output()``."""

    #: The kinds of event that it writes; all where none are named. It has to take the others too.
    shows: ClassVar[Sequence[type[Event]]] = ()
    #: Whether it keeps the events themselves on purpose, as one for tests does.
    keeps_events: ClassVar[bool] = False

    def sink(self) -> Sink | Callable[[Event], None]:
        """Return a new one of your sinks: an object, or a function. Leave :attr:`folder` for its files."""
        raise NotImplementedError("say what is tested: def sink(self): return MySink(…)")

    def output(self, sink: Any) -> Sequence[str]:
        """Return everything that it wrote so far, in order: a text for each item.

        The ``id`` of an event has to be in what is written about it, or what :meth:`mark` returns.

        :param sink: the one that was given events.
        """
        raise NotImplementedError(
            "say what it wrote: def output(self, sink): return self.path.read_text().splitlines()"
        )

    def mark(self, event: Event) -> str:
        """Return what of an event is found in what is written about it; its ``id`` by default."""
        return event.id

    # --- the clauses ---

    @clause("Give it a name and a handle method.")
    def test_it_has_a_name(self) -> None:
        """It is a sink, with a name of one word."""
        sink = self._new()
        self.promise(isinstance(sink, Sink), got=sink)
        self.must_be_named(sink, sink)

    @clause("Write what you know of an event, and pass over the rest.")
    def test_it_takes_every_kind_of_event(self) -> None:
        """It takes every kind of event, whatever is in the fields, and does not raise."""
        from notifykit.testing.strategies import event_kinds, events

        sink = self._new()

        def check(event: Event) -> None:
            self._handle(sink, event)

        for kind in event_kinds():
            self.for_all(check, 0.2, event=events(kind))

    @clause("Pass over events of unknown kinds.")
    def test_it_takes_kinds_that_do_not_exist_yet(self) -> None:
        """It takes events of later versions: of an unknown kind, and of a kind that extends another."""

        @attrs.frozen(kw_only=True)
        class SomethingNew(Event):
            detail: str = "new"

        @attrs.frozen(kw_only=True)
        class AttemptExtended(AttemptFinished):
            more: str = "more"

        (known,) = self._specimens(AttemptFinished)
        fields = {field.name: getattr(known, field.name) for field in attrs.fields(AttemptFinished)}
        self._handle(self._new(), SomethingNew(at=known.at, id=known.id), AttemptExtended(**fields))

    @clause("Write each; or name the kinds that you write in `shows`, and what is found of one in mark().")
    def test_nothing_is_lost(self) -> None:
        """It writes every event of the kinds that it shows."""
        sink = self._new()
        events = self._numbered(60)
        self._handle(sink, *events)
        written = "\n".join(self._output(sink))
        lost = [event.name for event in events if self.mark(event) not in written]
        self.promise(not lost, given=f"{len(events)} events", got=lost)

    @clause("Write at once, or through one queue.")
    def test_order_is_kept(self) -> None:
        """Events are written in the order in which they were given."""
        sink = self._new()
        events = self._numbered(60)
        self._handle(sink, *events)
        written = self._marks(self._output(sink), events)
        self.promise(written == sorted(written), given=f"{len(events)} events, by their numbers", got=written)

    @clause("Write a whole line with one call, under a lock where what you write to is not safe by itself.")
    def test_threads_lose_and_mix_nothing(self) -> None:
        """Of events from several threads each is written whole, and those of a thread in their order."""
        sink = self._new()
        events = self._numbered(THREADS * _EACH)
        self.in_threads(lambda number: self._handle(sink, *events[number::THREADS]))
        items = self._output(sink)
        mixed = [item for item in items if len(set(self._marks([item], events))) > 1]
        written = self._marks(items, events)
        lost = len(events) - len(set(written))
        by_thread = [[place for place in written if place % THREADS == number] for number in range(THREADS)]
        disordered = [places for places in by_thread if places != sorted(places)]
        self.promise(
            not mixed and not lost and not disordered,
            given=f"{len(events)} events by {THREADS} threads",
            got=f"{lost} lost, {len(mixed)} mixed up, {len(disordered)} threads out of order",
        )

    @clause("Make a copy of what you want to change, and keep what you need of an event, not the event.")
    def test_an_event_is_not_changed_or_kept(self) -> None:
        """It does not change an event, which other sinks get too, and does not keep it: a program runs for months."""
        sink = self._new()
        for event in self._specimens(everything=True):
            before = copy.deepcopy(event)
            self._handle(sink, event)
            self.promise(event == before, given=before, got=event)
        (event,) = self._specimens(AttemptFinished)
        kept = weakref.ref(event)
        self._handle(sink, event)
        self._output(sink)
        del event
        gc.collect()
        released = self.keeps_events or kept() is None
        self.promise(
            released, cure="Keep what you need of it; or say keeps_events = True where keeping is its purpose."
        )

    @clause("Write the fields of the event, and nothing else.")
    def test_nothing_is_written_that_was_not_in_the_event(self) -> None:
        """Events are redacted, and it adds no number, no text and nothing of the environment."""
        sink = self._new()
        usual = os.environ.get("NOTIFYKIT_CANARY")
        os.environ["NOTIFYKIT_CANARY"] = _CANARY
        try:
            host = PluginHost(entry_points=False)
            host.register(_Breaking(), "contract")
            transport = MemoryTransport([Submission("id-1", cost=1), OutcomeUnknown("No answer came.", "timeout")])
            with not_intercepted(), Notifier(transport, host=host, clock=VirtualClock(), sinks=[sink]) as notifier:
                notifier.send([_NUMBER, "no number 97315264", _NUMBER], _TEXT)
                notifier.send(_NUMBER, _TEXT)
                written = "\n".join(self._output(sink))
        finally:
            del os.environ["NOTIFYKIT_CANARY"]
            if usual is not None:
                os.environ["NOTIFYKIT_CANARY"] = usual
        hidden = (_CANARY, _TEXT, "Xyzzy-Plugh", *fragments(_NUMBER), "97315264")
        self.must_hide(written, "what the sink writes", *hidden)

    @clause("Close every file and connection that you opened, and forget their descriptors: they are soon used again.")
    def test_it_can_be_closed(self) -> None:
        """It can be closed twice and then keeps nothing open; an event after that is written nowhere else."""
        before = _open_files()
        sink = self.component("sink", self.sink())
        self._handle(sink, *self._specimens())
        written = len(self._output(sink))
        close: Any = getattr(sink, "close", None)
        if close is None:
            return
        for _ in range(2):
            self.must_not_raise("it can be closed, and closed again", None, close)
        open_files = _open_files() - before
        self.promise(open_files <= 0, "a closed sink keeps nothing open", got=f"{open_files} files are still open")
        # It may take the event, drop it, or raise, which is noted; it may not write it elsewhere.
        decoy = self.folder / "decoy"
        with decoy.open("wb"):
            for event in self._specimens():
                with contextlib.suppress(Exception):
                    sink.handle(event)
        size = decoy.stat().st_size
        kept = len(self._output(sink)) >= written
        self.promise(not size and kept, got=f"{size} octets in another file")

    @clause("Leave them out of its repr.")
    def test_it_shows_no_secret(self) -> None:
        """Its repr and str have no password, and no event."""
        sink = self._new()
        self._handle(sink, *self._specimens(AttemptFinished))
        self.must_hide(f"{sink!r} {sink}", "its repr or str")

    # --- for clauses ---

    def _new(self) -> Sink:
        sink: Sink = self.closing(self.component("sink", self.sink()))
        return sink

    def _output(self, sink: Sink) -> Sequence[str]:
        return self.output(sink.function if isinstance(sink, FunctionSink) else sink)

    def _handle(self, sink: Sink, *events: Event) -> None:
        for event in events:
            self.must_not_raise(f"it takes the event {event.name}", event, sink.handle, event)

    def _specimens(self, *kinds: type[Event], everything: bool = False) -> list[Event]:
        from notifykit.testing.strategies import event_kinds

        chosen = kinds or (event_kinds() if everything or not self.shows else self.shows)
        return [copy.deepcopy(_specimen(cast("Any", kind))) for kind in chosen]

    def _numbered(self, count: int) -> list[Event]:
        specimens = self._specimens()
        return [attrs.evolve(specimens[n % len(specimens)], id=f"contract{n:08d}end") for n in range(count)]

    def _marks(self, items: Sequence[str], events: Sequence[Event]) -> list[int]:
        """Return the number of the event that each item is about, in order; items about none are left out."""
        numbers = {self.mark(event): place for place, event in enumerate(events)}
        found: list[int] = []
        for item in items:
            found += [
                number for _, number in sorted((item.find(mark), n) for mark, n in numbers.items() if mark in item)
            ]
        return found


@functools.cache
def _specimen(kind: Any) -> Event:
    """Return the simplest event of a kind: the first that hypothesis draws."""
    from hypothesis import HealthCheck, Phase, given, settings

    from notifykit.testing.strategies import events

    found: list[Event] = []
    simplest = settings(
        max_examples=1,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )

    @simplest
    @given(events(kind))
    def keep(event: Event) -> None:
        found.append(event)

    keep()
    return found[0]


class _Breaking:
    """A plugin whose cleaner raises with the text in its message, so that there is a failure to write about."""

    name = "breaking"

    @hookimpl
    def notifykit_cleaners(self) -> list[_Breaking]:
        return [self]

    def clean(self, text: str, channel: Channel) -> Cleaned:
        raise ValueError(f"can't clean {text}")


def _open_files() -> int:
    """Return how many files this process has open; 0 where the system does not say."""
    folder = pathlib.Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0
