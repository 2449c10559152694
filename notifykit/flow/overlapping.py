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

from notifykit.flow.carrying import Common, Connect, Exchange, Heard, Try, Wait
from notifykit.flow.pacing import SAME_TIME
from notifykit.models import Receipt
from notifykit.protocols import Clock

#: The most batches of one send that are under way at once: at two a second answers may take four seconds before they
#: slow it down, and where a gateway hangs, no more than these have an unknown outcome at a time.
MOST: Final = 8

#: What a driver carries out. An exchange it may answer at once, or with a wait that comes later; receipts go to the
#: caller. A wait ends with the next answer or when its time is over.
Step: TypeAlias = Wait | Connect | Exchange | list[Receipt]
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
    :param common: what the roads know together.
    """

    def __init__(self, roads: Iterator[Try | list[Receipt]], clock: Clock, common: Common) -> None:
        self._ahead = roads
        self._clock = clock
        self._common = common
        self._most = MOST if common.apart else 1
        self._under_way: list[_Road] = []
        self._out: dict[Exchange | Connect, _Road] = {}
        #: Whether there are no more batches.
        self._all_asked_for = False
        #: Whether a wait has just ended without an answer, so that no road has still to hear one.
        self._all_heard = False

    def run(self) -> Steps:
        """Take all batches to their outcomes.

        What is out is heard before an exception goes on up, and its receipts come first: one that a road or the list
        of recipients raised, and :class:`Enough`. What interrupts this thread waits for nothing: answers that are
        there are heard, and what is out is told as interrupted.
        """
        failure: BaseException | None = None
        try:
            while True:
                try:
                    yield from self._steps(patient=not _interrupts(failure))
                    break
                except GeneratorExit:
                    raise
                except BaseException as error:
                    if failure is None or (_interrupts(error) and not _interrupts(failure)):
                        failure = error
                    self._end()
        except BaseException as error:
            failure = error
            raise
        finally:
            for road in list(self._under_way):
                self._break_off(road, failure or GeneratorExit())
        if failure is not None:
            raise failure

    def _steps(self, *, patient: bool) -> Steps:
        """Yield what is to be carried out, as long as nothing is raised.

        :param patient: whether answers are waited for that are not there.
        """
        heard: Heard | None = None
        while (step := self._step(heard)) is not None:
            only_there = not patient and isinstance(step, Wait) and step.seconds > 0
            try:
                heard = yield Wait(0.0) if only_there else step
            except BaseException as error:
                if isinstance(step, Exchange | Connect):
                    self._break_off(self._out.pop(step), error)
                raise
            if only_there and heard is None:
                return

    def _step(self, heard: Heard | None) -> Step | None:
        """Return what is to be carried out next; None where every batch has its outcome.

        :param heard: what came of an exchange, where the driver just heard of one.
        """
        road = self._out.pop(heard.exchange) if heard is not None else None
        while True:
            if road is None:
                self._common.raise_interrupt()
                if not self._may_ask():
                    if not self._under_way:
                        return None
                    road = min(self._under_way, key=_wakes)
                # What was answered is heard before anything else is sent: it may say that nothing more shall be.
                # Cutting the next batch would keep a request in another thread from leaving in time.
                seconds = self._until(road.wakes) if road else 0.0
                if seconds or (self._out and not self._all_heard):
                    self._all_heard = True
                    return Wait(seconds)
            if road is None:
                ahead = next(self._ahead, None)
                if ahead is None:
                    self._all_asked_for = True
                    continue
                if isinstance(ahead, list):
                    self._all_heard = False
                    return ahead
                road = _Road(ahead)
                self._under_way.append(road)
            step = self._go_on(road, heard)
            if step is not None:
                return step
            road = heard = None

    def _may_ask(self) -> bool:
        """Return whether the next batch may be asked for: there is room, and none is there that waits for its turn."""
        if self._all_asked_for or self._common.over or len(self._under_way) >= self._most:
            return False
        return not any(road.turn for road in self._under_way)

    def _until(self, due: float) -> float:
        """Return the seconds that are missing until a monotonic time; 0 where it is there."""
        seconds = due - self._clock.monotonic()
        return seconds if seconds > SAME_TIME else 0.0

    def _go_on(self, road: _Road, heard: Heard | None) -> Connect | Exchange | list[Receipt] | None:
        """Let a batch go on, and return its next request, or its receipts; None where it waits."""
        self._all_heard = False
        try:
            step = road.steps.send(heard)
        except StopIteration as ended:
            self._under_way.remove(road)
            receipts: list[Receipt] = ended.value
            return receipts
        except BaseException:
            self._under_way.remove(road)
            raise
        if isinstance(step, Wait):
            road.wakes, road.turn = self._clock.monotonic() + step.seconds, step.turn
            return None
        self._out[step] = road
        # While one connects, no other batch sets out: all of them would leave together once the network is back.
        road.wakes, road.turn = math.inf, isinstance(step, Connect)
        return step

    def _end(self) -> None:
        """Let nothing more be sent: roads that wait go on at once, and end with what they know."""
        self._common.over = True
        waiting = set(self._under_way).difference(self._out.values())
        for road in waiting:
            road.wakes = -math.inf

    def _break_off(self, road: _Road, error: BaseException) -> None:
        """Throw an exception into a road, which tells of its request. Whatever comes over it, the others are told too."""
        self._under_way.remove(road)
        with contextlib.suppress(BaseException):
            road.steps.throw(error)


def _interrupts(error: BaseException | None) -> bool:
    return not isinstance(error, Exception | Enough | None)


def _wakes(road: _Road) -> float:
    return road.wakes
