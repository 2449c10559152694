"""What the guards of one send have written in their book, until it is known what was sent."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from typing import Final

from notifykit.counters import BookUnusable, Entry, Ledger
from notifykit.models.receipt import Outcome, Receipt
from notifykit.protocols import Clock

_log = logging.getLogger("notifykit.guards")

#: Seconds for which a book that could not be used is not asked again: each question may take one.
_PATIENCE: Final = 5.0


class Page:
    """The book as guards see it while they look at one parcel: what they write is noted.

    :param ledger: the book.
    :param fuse: keeps a book that could not be used from being asked again and again.
    """

    def __init__(self, ledger: Ledger, fuse: Fuse) -> None:
        self._ledger = ledger
        self._fuse = fuse
        #: What was written.
        self.entries: list[Entry] = []

    def reserve(self, key: str, amount: float, most: float, window: float) -> float:
        """Write an amount down under a key, or return the seconds until there may be room for it.

        :raises ValueError: where the window is no length of time, or the amount no number of zero or more.
        :raises BookUnusable: where the book can't be used.
        """
        if not 0 < window < math.inf:
            raise ValueError("a window is a number of seconds above zero")
        if not 0 <= amount < math.inf:
            raise ValueError("an amount is a number of zero or more")
        self._fuse.check()
        try:
            entered = self._ledger.enter(key, amount, most, window)
        except BookUnusable as error:
            self._fuse.blow(error)
            raise
        if isinstance(entered, Entry):
            self.entries.append(entered)
            return 0.0
        return entered


class Fuse:
    """Remembers for a moment that the book can't be used, so that a long list does not wait for it each time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failure: BookUnusable | None = None
        self._until = 0.0

    def blow(self, failure: BookUnusable) -> None:
        """Note that the book could not be used."""
        self._failure = failure
        self._until = self._clock.monotonic() + _PATIENCE

    def check(self) -> None:
        """Raise what the book raised a moment ago.

        :raises BookUnusable: where it did.
        """
        if self._failure and self._clock.monotonic() < self._until:
            raise self._failure.with_traceback(None)


class Reservations:
    """What one send has written down; what is certainly not sent is taken out again.

    :param ledger: the book.
    :param clock: the time.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._fuse = Fuse(clock)
        self._open: dict[int, tuple[Entry, ...]] = {}
        self._begun: dict[int, tuple[Entry, ...]] = {}
        self._told: set[tuple[str, type[BaseException]]] = set()

    def page(self) -> Page:
        """Return the book for one parcel."""
        return Page(self._ledger, self._fuse)

    def keep(self, position: int, page: Page) -> None:
        """Keep what was written for a recipient until its receipt is there."""
        if page.entries:
            self._open[position] = tuple(page.entries)

    def drop(self, page: Page) -> None:
        """Take out what was written for somebody who will not be sent to."""
        self._take_out(page.entries)

    def settle(self, receipts: Iterable[Receipt]) -> None:
        """Hear how recipients ended: what was certainly not sent does not count. Never raises."""
        for receipt in receipts if self._open or self._begun else ():
            entries = self._begun.pop(receipt.position, None) or self._open.pop(receipt.position, ())
            if receipt.outcome in (Outcome.REJECTED, Outcome.SKIPPED):
                self._take_out(entries)

    def begin(self, positions: Iterable[int]) -> None:
        """Hear that these recipients may be sent to from now on: they count until a receipt says otherwise."""
        if self._open:
            for position in positions:
                entries = self._open.pop(position, None)
                if entries is not None:
                    self._begun[position] = entries

    def abandon(self) -> None:
        """Take out what was written for whoever may not have been sent to: none of it will be sent."""
        for entries in self._open.values():
            self._take_out(entries)
        self._open.clear()

    def first(self, name: str, error: BaseException) -> bool:
        """Return whether a guard fails in this way for the first time in this send: nobody reads it a thousand times."""
        seen = (name, type(error)) in self._told
        self._told.add((name, type(error)))
        return not seen

    def _take_out(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        try:
            self._ledger.take_out(entries)
        except BookUnusable as error:
            _log.warning("what was not sent goes on counting: %s %s", error.detail, error.action)
