"""What a store of codes does, and the store of one process: for tests and virtual clocks.

A store runs one transaction at a time, over all processes that use it. What a transaction reads is still so when it
writes: the rules in :mod:`notifykit.verify.rules` need nothing else to be atomic.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Final, Protocol

import attrs

from notifykit.counters import CounterBucket
from notifykit.errors import NotifyError
from notifykit.verify.codes import Keyring

#: Rows of each kind that one transaction deletes at most: old ones never pile up, and no call waits for all of them.
PRUNED: Final = 20
#: Seconds between two searches for old rows in memory: each goes over all of them.
_PRUNE_PAUSE: Final = 60.0
#: Amounts this close are the same.
_CLOSE: Final = 1e-9


@attrs.frozen(kw_only=True)
class Code:
    """The code of one number for one purpose, as it is stored: neither number nor code can be read from it."""

    #: The keyed hash of number and purpose.
    row: str
    #: The id that the code is derived from.
    id: str = attrs.field(repr=False)
    #: The keyed hash of the code.
    hash: str = attrs.field(repr=False)
    #: Until when it is valid, in seconds since 1970.
    expires: float
    #: Guesses so far.
    guesses: int = 0
    #: Messages that were sent with it, and one that is being sent. Without any it is nobody's, and is never correct.
    sends: int = 0
    #: When the last of them was sent.
    sent: float = 0.0
    #: When it was typed; None if it was not.
    used: float | None = None
    #: When the row may be deleted.
    ends: float


@attrs.frozen
class Count:
    """An amount to add to a bucket, or to subtract from it."""

    #: What is counted.
    key: str
    #: The bucket.
    bucket: int
    #: How much.
    amount: float
    #: When.
    last: float
    #: When the bucket counts no more.
    ends: float


@attrs.frozen
class Hold:
    """A prefix that nothing is sent to until a person releases it."""

    #: The beginning of the numbers.
    prefix: str
    #: ISO code of the country; None if it is not known.
    country: str | None
    #: Since when, in seconds since 1970.
    since: float


class Transaction(Protocol):
    """One transaction: reads first, then writes."""

    def code(self, row: str) -> Code | None:
        """Return a stored code."""
        ...

    def write(self, code: Code) -> None:
        """Store a code in the place of the one in its row."""
        ...

    def buckets(self, keys: Collection[str]) -> Mapping[str, Sequence[CounterBucket]]:
        """Return the buckets of some keys; a key without any may be missing."""
        ...

    def counted(self, beginning: str) -> Mapping[str, Sequence[CounterBucket]]:
        """Return the buckets of all keys with a beginning."""
        ...

    def add(self, counts: Iterable[Count]) -> None:
        """Add amounts to buckets."""
        ...

    def subtract(self, counts: Iterable[Count]) -> None:
        """Subtract what was added; a bucket that is empty then is deleted."""
        ...

    def forget(self, keys: Collection[str]) -> None:
        """Delete all buckets of some keys."""
        ...

    def holds(self, prefix: str | None = None) -> Sequence[Hold]:
        """Return the prefixes that are held, or the one that is named if it is."""
        ...

    def hold(self, hold: Hold) -> None:
        """Hold a prefix; nothing changes where it is held already."""
        ...

    def release(self, prefix: str) -> None:
        """Hold a prefix no more."""
        ...

    def prune(self, now: float) -> None:
        """Delete up to ``PRUNED`` codes and buckets whose ends have passed."""
        ...


class Store(Protocol):
    """Keeps codes and counts."""

    @property
    def shared(self) -> bool:
        """Whether other machines use it too."""
        ...

    def begin(self) -> AbstractContextManager[Transaction]:
        """Return a transaction: committed at the end, rolled back if something raises.

        :raises StoreUnavailable: if the store can't be used.
        """
        ...

    def close(self) -> None:
        """Close connections; a later transaction opens them again."""
        ...


class StoreUnavailable(NotifyError):  # noqa: N818 - it says what happened
    """The store can't be read or written: nothing was checked, and no further message is sent."""


class MemoryStore:
    """The codes of one process. They end with it."""

    #: No other machine has this memory.
    shared = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: The keys of its hashes.
        self.keys = Keyring.temporary()
        #: The codes, by their rows.
        self.codes: dict[str, Code] = {}
        #: The buckets of each key, each with its end.
        self.counts: dict[str, dict[int, tuple[CounterBucket, float]]] = {}
        #: The prefixes that are held.
        self.held: dict[str, Hold] = {}
        #: When old rows were last looked for.
        self.pruned = 0.0

    @contextlib.contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Return a transaction; other threads wait for its end."""
        with self._lock:
            transaction = _MemoryTransaction(self)
            yield transaction
            transaction.commit()

    def close(self) -> None:
        """Do nothing: what is stored stays."""


class _MemoryTransaction:
    """Reads at once, and writes at the end."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._writes: list[Callable[[], object]] = []

    def commit(self) -> None:
        for write in self._writes:
            write()

    def code(self, row: str) -> Code | None:
        return self._store.codes.get(row)

    def write(self, code: Code) -> None:
        self._writes.append(lambda: self._store.codes.__setitem__(code.row, code))

    def buckets(self, keys: Collection[str]) -> Mapping[str, Sequence[CounterBucket]]:
        counts = self._store.counts
        return {key: [bucket for bucket, _ in counts[key].values()] for key in keys if key in counts}

    def counted(self, beginning: str) -> Mapping[str, Sequence[CounterBucket]]:
        return self.buckets([key for key in self._store.counts if key.startswith(beginning)])

    def add(self, counts: Iterable[Count]) -> None:
        self._writes += [partial(self._add, count, count.amount) for count in counts]

    def subtract(self, counts: Iterable[Count]) -> None:
        self._writes += [partial(self._add, count, -count.amount) for count in counts]

    def _add(self, count: Count, amount: float) -> None:
        rows = self._store.counts.setdefault(count.key, {})
        here, ends = rows.get(count.bucket, (CounterBucket(count.bucket, 0.0, count.last), count.ends))
        if here.amount + amount > _CLOSE:
            last = max(here.last, count.last)
            rows[count.bucket] = CounterBucket(count.bucket, here.amount + amount, last), max(ends, count.ends)
        else:
            rows.pop(count.bucket, None)
        if not rows:
            del self._store.counts[count.key]

    def forget(self, keys: Collection[str]) -> None:
        self._writes += [partial(self._store.counts.pop, key, None) for key in keys]

    def holds(self, prefix: str | None = None) -> Sequence[Hold]:
        held = self._store.held
        return tuple(held.values()) if prefix is None else tuple(filter(None, (held.get(prefix),)))

    def hold(self, hold: Hold) -> None:
        self._writes.append(lambda: self._store.held.setdefault(hold.prefix, hold))

    def release(self, prefix: str) -> None:
        self._writes.append(lambda: self._store.held.pop(prefix, None))

    def prune(self, now: float) -> None:
        self._writes.append(lambda: self._prune(now))

    def _prune(self, now: float) -> None:
        if 0 <= now - self._store.pruned < _PRUNE_PAUSE:
            return
        self._store.pruned = now
        for row in [row for row, code in self._store.codes.items() if code.ends <= now]:
            del self._store.codes[row]
        for key, rows in [*self._store.counts.items()]:
            live = {number: (bucket, ends) for number, (bucket, ends) in rows.items() if ends > now}
            if live:
                self._store.counts[key] = live
            else:
                del self._store.counts[key]
