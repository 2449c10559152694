"""Several batches of one send under way: where a pace limits the starts, a slow answer holds up only its own batch.

Each batch keeps the road that it has, a generator that decides and never waits. Here is decided which of them goes on,
and when the next one sets out; this does not wait either, so threads and asyncio share it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator, Iterator
from typing import Final, TypeAlias

import attrs

from notifykit.flow.carrying import Abandoned, Exchange, Heard, Try, Wait
from notifykit.models import Receipt
from notifykit.protocols import Clock

#: The most batches of one send that are under way at once: at two a second answers may take four seconds before they
#: slow it down, and where a gateway hangs, no more than these have an unknown outcome at a time.
MOST: Final = 8
#: The part of a slot for which answers are waited for before the next batch is asked for.
_PATIENCE: Final = 0.75
#: Times this close, in seconds, are the same time.
_CLOSE: Final = 1e-6

#: What a driver carries out. An exchange it may answer at once, or with a wait that comes later; receipts go to the
#: caller. A wait ends with the next answer or when its time is over.
Step: TypeAlias = Wait | Exchange | list[Receipt]
Steps: TypeAlias = Generator[Step, Heard | None, None]


class Enough(BaseException):
    """Thrown in by a driver whose caller wants no more: nothing else is sent, and what is out is heard."""


@attrs.define(eq=False)
class _Road:
    """A batch that is under way."""

    #: Its steps.
    steps: Try
    #: The monotonic time at which it goes on; infinity while its request is out.
    wakes: float = -math.inf
    #: Whether it waits for a turn.
    turn: bool = False


class Convoy:
    """The batches of one send.

    :param roads: the road of each batch, or receipts of those who are in none; asked for the next when it may set out.
    :param clock: the time.
    :param slot: seconds between two starts where several batches may be under way; None for one after the other.
    """

    def __init__(self, roads: Iterator[Try | list[Receipt]], clock: Clock, slot: float | None) -> None:
        self._ahead = roads
        self._clock = clock
        self._slot = slot
        self._most = 1 if slot is None else MOST
        self._under_way: list[_Road] = []
        self._out: dict[Exchange, _Road] = {}
        #: When the next batch may be asked for although answers are outstanding.
        self._next = -math.inf
        #: Whether a wait has just ended without an answer.
        self._listened = False
        self._over = False
        self._failure: BaseException | None = None

    def run(self) -> Steps:
        """Take all batches to their outcomes.

        What is out is heard before an exception goes on up, and its receipts come first: one that a road or the list
        of recipients raised, and :class:`Enough`. Only what interrupts the waiting itself ends it at once.
        """
        heard: Heard | None = None
        while True:
            step: Step | None = None
            try:
                step = self._step(heard)
                if step is None:
                    break
                heard = yield step
            except BaseException as error:
                heard = None
                self._fail(step, error)
        if self._failure is not None:
            raise self._failure

    def _step(self, heard: Heard | None) -> Step | None:
        """Return what is to be carried out next; None where every batch has its outcome.

        :param heard: what came of an exchange, where the driver just heard of one.
        """
        road = self._out.pop(heard.exchange) if heard is not None else None
        while True:
            if road is None and self._under_way:
                seconds, road = self._first()
                # What was answered is heard before anything else is sent: it may say that nothing more shall be.
                if seconds or (self._out and not self._listened):
                    self._listened = True
                    return Wait(seconds)
            if road is None:
                if self._over:
                    return None
                ahead = next(self._ahead, None) if self._slot is None else self._ask(self._slot)
                if ahead is None:
                    self._over = True
                    continue
                if isinstance(ahead, list):
                    self._listened = False
                    return ahead
                road = _Road(ahead)
                self._under_way.append(road)
            step = self._go_on(road, heard)
            if step is not None:
                return step
            road = heard = None

    def _first(self) -> tuple[float, _Road | None]:
        """Return the seconds until something is to be done, and which road goes on then; None for the next batch."""
        first = min(self._under_way, key=_wakes)
        room = not self._over and len(self._under_way) < self._most
        if room and not any(road.turn for road in self._under_way):
            if not self._out:
                return 0.0, None
            if self._next < first.wakes:
                return self._until(self._next), None
        return self._until(first.wakes), first

    def _until(self, due: float) -> float:
        """Return the seconds that are missing until a monotonic time; 0 where it is there."""
        seconds = due - self._clock.monotonic()
        return seconds if seconds > _CLOSE else 0.0

    def _ask(self, slot: float) -> Try | list[Receipt] | None:
        """Ask for the next batch; None where there is none."""
        began = self._clock.monotonic()
        ahead = next(self._ahead, None)
        # Whoever brings recipients slowly hears of those before: nothing is heard while the next are asked for.
        self._most = MOST if self._clock.monotonic() - began < slot else 1
        return ahead

    def _go_on(self, road: _Road, heard: Heard | None) -> Exchange | list[Receipt] | None:
        """Let a batch go on, and return its next request, or its receipts; None where it waits."""
        self._listened = False
        try:
            step = road.steps.send(heard)
        except StopIteration as ended:
            self._under_way.remove(road)
            receipts: list[Receipt] = ended.value
            return receipts
        except BaseException:
            self._under_way.remove(road)
            raise
        if self._failure is not None:
            self._interrupt(road, Abandoned())
            return None
        if isinstance(step, Wait):
            road.wakes, road.turn = self._clock.monotonic() + step.seconds, step.turn
            return None
        self._out[step] = road
        road.wakes, road.turn = math.inf, False
        if self._slot is not None:
            self._next = self._clock.monotonic() + self._slot * _PATIENCE
        return step

    def _fail(self, step: Step | None, error: BaseException) -> None:
        """Let nothing more be sent. What interrupts this thread is raised; what is out is told as interrupted.

        :param step: what was to be carried out.
        """
        if isinstance(step, Exchange):
            self._interrupt(self._out.pop(step), error)
        out = list(self._out.values())
        interrupted = not isinstance(error, Exception | Enough)
        for road in list(self._under_way):
            if road not in out:
                self._interrupt(road, Abandoned())
            elif interrupted:
                self._interrupt(road, error)
        if interrupted:
            raise error
        self._over = True
        self._failure = self._failure or error

    def _interrupt(self, road: _Road, error: BaseException) -> None:
        """Throw an exception into a road, which tells of its request. Whatever comes over it, the others are told too."""
        self._under_way.remove(road)
        with contextlib.suppress(BaseException):
            road.steps.throw(error)


def _wakes(road: _Road) -> float:
    return road.wakes
