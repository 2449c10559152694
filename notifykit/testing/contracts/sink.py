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
from notifykit.testing.contracts.promises import Contract, fragments, on_its_way
from notifykit.transports.memory import MemoryTransport

_CANARY: Final = "canary-of-the-environment-3141"
_TEXT: Final = "Xyzzy-Plugh 778899"
_NUMBER: Final = "96597315264"
_THREADS: Final = 8
_EACH: Final = 40


class SinkContract(Contract):
    """Subclass it, and name your sink and where to hear what it says: ``sink()`` and ``heard()``."""

    #: The kinds of event that come out of it; all that there are where none are named. It has to take the others too.
    shows: ClassVar[Sequence[type[Event]]] = ()
    #: Whether it keeps the events themselves on purpose, as one for tests does.
    keeps_events: ClassVar[bool] = False

    def sink(self) -> Sink | Callable[[Event], None]:
        """Return a new one of your sinks: an object, or a function. Leave :attr:`folder` for its files."""
        raise NotImplementedError("say what is tested: def sink(self): return MySink(…)")

    def heard(self, sink: Any) -> Sequence[str]:
        """Return everything that came out of it so far, in order: a text for each thing that it wrote.

        The ``id`` of an event has to be in what is written about it, or what :meth:`mark` says.

        :param sink: the one that was given events.
        """
        raise NotImplementedError(
            "say what comes out: def heard(self, sink): return self.path.read_text().splitlines()"
        )

    def mark(self, event: Event) -> str:
        """Return what of an event is found in what is written about it; its ``id`` by default."""
        return event.id

    # --- the clauses ---

    def test_it_has_a_name(self) -> None:
        """It is a sink, with a name of one word."""
        sink = self._new()
        self.promise(isinstance(sink, Sink), "it is a sink", "Give it a name and a handle method.", got=sink)
        self.is_a_name(sink.name)

    def test_it_takes_every_kind_of_event(self) -> None:
        """Whatever happened and whatever stands in the fields, it takes the event and does not raise."""
        from notifykit.testing.strategies import event_kinds, events

        sink = self._new()

        def check(event: Event) -> None:
            self.calmly("every kind of event is taken", event, sink.handle, event)

        for kind in event_kinds():
            self.for_all(check, 0.2, event=events(kind))

    def test_it_takes_kinds_that_do_not_exist_yet(self) -> None:
        """A later version tells of more: an event that nobody knows, and one that is a special case of another."""

        @attrs.frozen(kw_only=True)
        class SomethingNew(Event):
            detail: str = "new"

        @attrs.frozen(kw_only=True)
        class AttemptSeen(AttemptFinished):
            more: str = "more"

        sink = self._new()
        (known,) = self._specimens(AttemptFinished)
        fields = {field.name: getattr(known, field.name) for field in attrs.fields(AttemptFinished)}
        for event in (SomethingNew(at=known.at, id=known.id), AttemptSeen(**fields)):
            self.calmly("an event of an unknown kind is taken, or passed over", event.name, sink.handle, event)

    def test_nothing_is_lost(self) -> None:
        """What it is given comes out, every event of the kinds that it shows."""
        sink = self._new()
        events = self._numbered(self._specimens(), 60)
        for event in events:
            self.calmly("every kind of event is taken", event, sink.handle, event)
        said = "\n".join(self._heard(sink))
        lost = [event.name for event in events if self.mark(event) not in said]
        self.promise(
            not lost,
            "every event comes out",
            "Write each; or name the kinds that you write in `shows`, and what is found of one in mark().",
            given=f"{len(events)} events",
            got=lost,
        )

    def test_order_is_kept(self) -> None:
        """Events come out in the order in which they went in."""
        sink = self._new()
        events = self._numbered(self._specimens(), 60)
        for event in events:
            self.calmly("every kind of event is taken", event, sink.handle, event)
        came = self._marks(self._heard(sink), events)
        expected = [place for place in range(len(events)) if place in set(came)]
        self.promise(
            list(dict.fromkeys(came)) == expected and came == sorted(came),
            "events come out in the order in which they went in",
            "Write at once, or through one queue.",
            given=f"{len(events)} events, by their numbers",
            got=came,
        )

    def test_threads_lose_and_tear_nothing(self) -> None:
        """Several threads may hand over events at once: each comes out whole, and those of a thread in their order."""
        sink = self._new()
        events = self._numbered(self._specimens(), _THREADS * _EACH)

        def work(number: int) -> None:
            for event in events[number::_THREADS]:
                self.calmly("several threads can hand over events", event, sink.handle, event)

        self.together("several threads can hand over events", work, _THREADS)
        items = self._heard(sink)
        torn = [item for item in items if len(set(self._marks([item], events))) > 1]
        came = self._marks(items, events)
        lost = len(events) - len(set(came))
        turned = [
            number
            for number in range(_THREADS)
            if (mine := [place for place in came if place % _THREADS == number]) != sorted(mine)
        ]
        self.promise(
            not torn and not lost and not turned,
            "what several threads hand over comes out whole, and in each one's order",
            "Write a whole line with one call, under a lock where what you write to is not safe by itself.",
            given=f"{len(events)} events by {_THREADS} threads",
            got=f"{lost} lost, {len(torn)} mixed up, {len(turned)} threads out of order",
        )

    def test_an_event_is_left_as_it_was(self) -> None:
        """Other sinks are given the same event: it is not changed, and not kept."""
        sink = self._new()
        for event in self._specimens(everything=True):
            before = copy.deepcopy(event)
            self.calmly("every kind of event is taken", event, sink.handle, event)
            self.promise(
                event == before,
                "an event is not changed",
                "Make a copy of what you want to change: dict(event.counts).",
                given=before,
                got=event,
            )
        (event,) = self._specimens(AttemptFinished)
        kept = weakref.ref(event)
        self.calmly("every kind of event is taken", event, sink.handle, event)
        self._heard(sink)
        del event
        gc.collect()
        self.promise(
            self.keeps_events or kept() is None,
            "an event is not kept once it was written: a program runs for months",
            "Keep what you need of it, or say keeps_events = True where keeping them is what your sink is for.",
        )

    def test_nothing_comes_out_that_was_not_in_the_event(self) -> None:
        """Events are redacted; what comes out has no number, no text and nothing of the environment either."""
        sink = self._new()
        usual = os.environ.get("NOTIFYKIT_CANARY")
        os.environ["NOTIFYKIT_CANARY"] = _CANARY
        try:
            host = PluginHost(entry_points=False)
            host.register(_Breaking(), "contract")
            transport = MemoryTransport([Submission("id-1", cost=1), OutcomeUnknown("No answer came.", "timeout")])
            with on_its_way(), Notifier(transport, host=host, clock=VirtualClock(), sinks=[sink]) as notifier:
                notifier.send([_NUMBER, "nobody at all 97315264", _NUMBER], _TEXT)
                notifier.send(_NUMBER, _TEXT)
                said = "\n".join(self._heard(sink))
        finally:
            del os.environ["NOTIFYKIT_CANARY"]
            if usual is not None:
                os.environ["NOTIFYKIT_CANARY"] = usual
        self.hidden(said, "what comes out of the sink", _CANARY, _TEXT, "Xyzzy-Plugh", *fragments(_NUMBER), "97315264")

    def test_it_can_be_closed(self) -> None:
        """Where it can be closed, it can be twice, gives everything back, and what comes later goes nowhere else."""
        before = _open_files()
        sink = self._component()
        for event in self._specimens():
            self.calmly("every kind of event is taken", event, sink.handle, event)
        written = len(self._heard(sink))
        close: Any = getattr(sink, "close", None)
        if close is None:
            return
        for _ in range(2):
            self.calmly("it can be closed, and closed again", None, close)
        left = _open_files() - before
        cure = "Close every file and connection that you opened; remember that you did."
        self.promise(left <= 0, "a closed sink keeps nothing open", cure, got=f"{left} files are left open")
        # It may take the event, drop it, or raise, which the road notes; it may not go astray.
        decoy = self.folder / "decoy"
        with decoy.open("wb"):
            for event in self._specimens():
                try:
                    sink.handle(event)
                except Exception:  # noqa: S112 - the road notes it
                    continue
        astray = decoy.stat().st_size
        self.promise(
            not astray and len(self._heard(sink)) >= written,
            "what comes after closing is written nowhere else, and takes nothing away",
            "Forget the file's descriptor when you close it: its number is somebody else's soon.",
            got=f"{astray} octets in a file that is somebody else's",
        )

    def test_it_shows_no_secret(self) -> None:
        """Its repr and str have no password, and no event."""
        sink = self._new()
        for event in self._specimens(AttemptFinished):
            self.calmly("every kind of event is taken", event, sink.handle, event)
        self.hidden(f"{sink!r} {sink}", "its repr or str")

    # --- for clauses ---

    def _component(self) -> Sink:
        sink: Sink = self.component("sink", self.sink())
        return sink

    def _heard(self, sink: Sink) -> Sequence[str]:
        return self.heard(sink.function if isinstance(sink, FunctionSink) else sink)

    def _new(self) -> Sink:
        sink = self._component()

        def close() -> None:
            with contextlib.suppress(Exception):
                getattr(sink, "close", lambda: None)()

        self._opened.callback(close)
        return sink

    def _specimens(self, *kinds: type[Event], everything: bool = False) -> list[Event]:
        """Return one event of each kind."""
        from notifykit.testing.strategies import event_kinds

        chosen = kinds or (event_kinds() if everything or not self.shows else self.shows)
        return [copy.deepcopy(_specimen(cast("Any", kind))) for kind in chosen]

    def _numbered(self, specimens: Sequence[Event], count: int) -> list[Event]:
        """Return so many events that can be told from each other."""
        return [attrs.evolve(specimens[n % len(specimens)], id=f"contract{n:08d}end") for n in range(count)]

    def _marks(self, items: Sequence[str], events: Sequence[Event]) -> list[int]:
        """Return the number of the event that each item is about, in order; items about none are left out."""
        numbers = {self.mark(event): place for place, event in enumerate(events)}
        found: list[int] = []
        for item in items:
            hits = sorted((item.find(mark), place) for mark, place in numbers.items() if mark in item)
            found += [place for _, place in hits]
        return found


@functools.cache
def _specimen(kind: Any) -> Event:
    """Return the first event of a kind that hypothesis thinks of: the simplest."""
    from hypothesis import HealthCheck, Phase, given, settings

    from notifykit.testing.strategies import events

    found: list[Event] = []

    def keep(event: Event) -> None:
        found.append(event)

    calm = settings(
        max_examples=1,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    calm(given(events(kind))(keep))()
    return found[0]


class _Breaking:
    """A plugin whose cleaner raises with the text in its hands, so that there is a failure to tell of."""

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
