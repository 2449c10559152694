"""The faults that are active in one sandbox, and which of them a request triggers."""

from __future__ import annotations

import fnmatch
import itertools
import random
import threading
from collections.abc import Callable, Iterable

import attrs

from notifykit_kwtsms.sandbox.clock import Clock
from notifykit_kwtsms.sandbox.faults.catalogue import Fault, Firing, firing


@attrs.frozen
class ActiveFault:
    """An active fault with its counters."""

    #: Names it, to end it.
    id: int
    #: The fault.
    fault: Fault
    #: Matching requests so far.
    seen: int
    #: Times it has fired.
    fired: int
    #: Virtual seconds until it expires; None for ever.
    expires_in: float | None


class _Slot:
    """One active fault, while its counters change."""

    def __init__(self, number: int, fault: Fault, now: float, rng: random.Random) -> None:
        self.number = number
        self.fault = fault
        self.rng = random.Random(fault.seed) if fault.seed is not None else rng  # noqa: S311
        self.until = None if fault.ttl is None else now + fault.ttl
        self.seen = 0
        self.fired = 0

    def over(self, now: float) -> bool:
        spent = self.fault.times is not None and self.fired >= self.fault.times
        return spent or (self.until is not None and now >= self.until)

    def matches(self, endpoint: str, numbers: Iterable[str]) -> bool:
        fault = self.fault
        if fault.endpoint is not None and fault.endpoint != endpoint:
            return False
        return fault.to is None or any(fnmatch.fnmatchcase(number, fault.to) for number in numbers)

    def fires(self) -> bool:
        self.seen += 1
        fault = self.fault
        if self.seen <= fault.skip or (fault.nth is not None and self.seen != fault.nth):
            return False
        if fault.probability < 1 and self.rng.random() >= fault.probability:
            return False
        self.fired += 1
        return True


class ActiveFaults:
    """The active faults of one sandbox. The first one that fires wins; all that match count the request."""

    def __init__(self, clock: Clock, rng: random.Random, changed: Callable[[], None] = lambda: None) -> None:
        """Call ``changed`` whenever faults were added or ended."""
        self._changed = changed
        self._clock = clock
        self._rng = rng
        self._lock = threading.Lock()
        self._slots: list[_Slot] = []
        self._numbers = itertools.count(1)

    def add(self, *faults: Fault) -> tuple[ActiveFault, ...]:
        """Activate faults behind those that are active already."""
        with self._lock:
            now = self._clock.time()
            slots = [_Slot(next(self._numbers), fault, now, self._rng) for fault in faults]
            self._slots += slots
            added = tuple(self._view(slot, now) for slot in slots)
        self._changed()
        return added

    def replace(self, *faults: Fault) -> tuple[ActiveFault, ...]:
        """Activate these instead of the active ones."""
        with self._lock:
            self._slots.clear()
        return self.add(*faults)

    def clear(self, number: int | None = None) -> None:
        """End one, or all of them."""
        with self._lock:
            self._slots = [slot for slot in self._slots if number is not None and slot.number != number]
        self._changed()

    def active(self) -> tuple[ActiveFault, ...]:
        """Return the faults that can still fire."""
        with self._lock:
            now = self._clock.time()
            return tuple(self._view(slot, now) for slot in self._slots if not slot.over(now))

    def preset(self) -> str | None:
        """Return the preset that all active faults come from: ``Calm`` where there is none, None for a mixture."""
        names = {item.fault.preset for item in self.active()}
        return next(iter(names)) if len(names) == 1 else None if names else "Calm"

    def fire(self, endpoint: str, numbers: Iterable[str]) -> Firing | None:
        """Count a request for every active fault and return what happens to it, if anything does."""
        numbers = tuple(numbers)
        with self._lock:
            now = self._clock.time()
            self._slots = [slot for slot in self._slots if not slot.over(now)]
            matching = [slot for slot in self._slots if slot.matches(endpoint, numbers)]
            winner: _Slot | None = None
            for slot in matching:
                if winner is not None:
                    slot.seen += 1
                elif slot.fires():
                    winner = slot
            if winner is None:
                return None
            fault = winner.fault
            return firing(fault.do, "armed", fault.after, fault.delay.draw(winner.rng) if fault.delay else None)

    def _view(self, slot: _Slot, now: float) -> ActiveFault:
        rest = None if slot.until is None else max(0.0, slot.until - now)
        return ActiveFault(slot.number, slot.fault, slot.seen, slot.fired, rest)
