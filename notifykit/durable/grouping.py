"""The batches that a submission is stored as: recipients in turn, or rows whose text is equal.

Groups of rows are open until they are full, and there is a limit to how many are. A batch has the number in whose turn
its group was opened, so whoever reads batches by their numbers needs no more of them at a time than were open here to
give the rows back in the caller's order: :func:`in_order`.
"""

from __future__ import annotations

import heapq
import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Self, TypeAlias, TypeVar

import attrs

from notifykit.durable.forks import SQLITE
from notifykit.durable.serialization import Positioned, digest
from notifykit.models.job import Row
from notifykit.models.receipt import Outcome, Receipt, SkipReason
from notifykit.models.recipient import Recipient, Rejected

_Item = TypeVar("_Item")
#: Text and subject; None for rows that are not sent.
_Content: TypeAlias = tuple[str, str | None] | None

#: The most groups that are open at a time, and the most characters of their rows.
_OPEN: Final = 1000
_CHARACTERS: Final = 8_000_000
#: What a row counts for besides its cells.
_OVERHEAD: Final = 300
#: Batches in one write, so that other processes do not wait long for the database; more of them where they are small,
#: until there are so many rows.
_BATCHES_PER_WRITE: Final = 25
_ROWS_PER_WRITE: Final = 500
#: Hashes of addresses that are kept in memory, and how many are written to a file at a time.
_IN_MEMORY: Final = 10_000
_DIGESTS_PER_WRITE: Final = 200
#: Rows that are not sent, in one batch.
_EXCLUDED: Final = 200


@attrs.frozen
class NewBatch:
    """A batch that is to be stored."""

    #: Its number, from 0.
    number: int
    #: Its recipients.
    recipients: Sequence[Positioned] = attrs.field(repr=False)
    #: The receipts of those that are not sent to.
    excluded: Sequence[Receipt] = attrs.field(default=(), repr=False)
    #: Text and subject, where it has its own.
    body: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    #: The cells of each row; None where there are no rows.
    cells: Sequence[Mapping[str, str]] | None = attrs.field(default=None, repr=False)


def batches_of(recipients: Iterable[Recipient | Rejected], size: int, addresses: AddressSet) -> Iterator[NewBatch]:
    """Yield the batches of recipients who get the same text."""
    for number, some in enumerate(chunks(enumerate(recipients), size)):
        yield NewBatch(number, some, addresses.exclude_all(some))


def batches_of_rows(rows: Iterable[Row], size: int, addresses: AddressSet) -> Iterator[NewBatch]:
    """Yield batches of rows with equal text and subject, in bounded memory.

    Rows that are not sent go together: they need no request.
    """
    groups: dict[_Content, _Group] = {}
    numbers, held = itertools.count(), 0
    for position, row in enumerate(rows):
        receipt = addresses.exclude(position, row.recipient)
        is_sent = receipt is None and isinstance(row.recipient, Recipient)
        content = (row.text, row.subject) if is_sent else None
        group = groups.pop(content, None) or _Group(next(numbers), content)
        groups[content] = group  # the last: the first is the one that has been waiting for a row for longest
        held += group.add(position, row, receipt)
        if len(group.recipients) >= (size if content else _EXCLUDED):
            held -= group.weight
            yield groups.pop(content).batch()
        while len(groups) > _OPEN or held > _CHARACTERS:
            group = groups.pop(next(iter(groups)))
            held -= group.weight
            yield group.batch()
    for group in groups.values():
        yield group.batch()


class _Group:
    """Rows with the same text that are not stored yet."""

    def __init__(self, number: int, content: _Content) -> None:
        self._number, self._content = number, content
        self.weight = len(content[0]) if content else 0
        self.recipients: list[Positioned] = []
        self._cells: list[Mapping[str, str]] = []
        self._excluded: list[Receipt] = []

    def add(self, position: int, row: Row, receipt: Receipt | None) -> int:
        """Add a row, and return by how many characters the group counts for more."""
        before = self.weight if self.recipients else 0
        self.recipients.append((position, row.recipient))
        self._cells.append(row.cells)
        if receipt is not None:
            self._excluded.append(receipt)
        self.weight += _OVERHEAD + sum(len(name) + len(cell) for name, cell in row.cells.items())
        return self.weight - before

    def batch(self) -> NewBatch:
        """Return it as a batch."""
        body = dict(zip(("text", "subject"), self._content, strict=True)) if self._content else None
        return NewBatch(self._number, self.recipients, self._excluded, body, self._cells)


def in_order(batches: Iterable[Iterable[tuple[int, _Item]]]) -> Iterator[_Item]:
    """Yield what batches hold in the order of its positions.

    :param batches: the items of each batch with their positions, in the order of the batches' numbers.
    """
    waiting: list[tuple[int, _Item]] = []
    expected = 0
    for some in batches:
        for item in some:
            heapq.heappush(waiting, item)
        while waiting and waiting[0][0] == expected:
            yield heapq.heappop(waiting)[1]
            expected += 1
    while waiting:
        yield heapq.heappop(waiting)[1]


def portions(batches: Iterable[NewBatch]) -> Iterator[list[NewBatch]]:
    """Yield as many batches as are written at a time."""
    some: list[NewBatch] = []
    rows = 0
    for batch in batches:
        some.append(batch)
        rows += len(batch.recipients)
        if rows >= _ROWS_PER_WRITE and len(some) >= _BATCHES_PER_WRITE:
            yield some
            some, rows = [], 0
    if some:
        yield some


class AddressSet:
    """The hashed addresses of one job: any number of them in constant memory.

    A few are kept in memory, more in a temporary SQLite file.
    """

    def __init__(self) -> None:
        self._few: set[bytes] = set()
        self._file: sqlite3.Connection | None = None

    def exclude(self, position: int, recipient: Recipient | Rejected) -> Receipt | None:
        """Add the address of a recipient; return the receipt of one whose address is in the set already."""
        return next(iter(self.exclude_all([(position, recipient)])), None)

    def exclude_all(self, recipients: Sequence[Positioned]) -> list[Receipt]:
        """Add the addresses of recipients; return the receipts of those whose address is in the set already."""
        sent = [(position, who) for position, who in recipients if isinstance(who, Recipient)]
        digests = [digest(who.address) for _, who in sent]
        added = self._add(digests)
        excluded = []
        for hashed, (position, who) in zip(digests, sent, strict=True):
            if hashed in added:
                added.remove(hashed)
            else:
                excluded.append(Receipt(position, who, Outcome.SKIPPED, skipped=SkipReason.DUPLICATE))
        return excluded

    def _add(self, digests: Sequence[bytes]) -> set[bytes]:
        """Add digests, and return those that are new."""
        new = set(digests) - self._few
        if self._file is None:
            self._few |= new
            if len(self._few) > _IN_MEMORY:
                self._move()
            return new
        return {hashed for some in chunks(new, _DIGESTS_PER_WRITE) for hashed in self._insert(self._file, some)}

    def _move(self) -> None:
        """Move the digests from memory into a file."""
        with SQLITE.inside():
            self._file = file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-16384"):
                file.execute(f"PRAGMA {setting}")
            file.execute("CREATE TABLE addresses (hash BLOB PRIMARY KEY) WITHOUT ROWID")
            file.execute("BEGIN")
            for some in chunks(self._few, _DIGESTS_PER_WRITE):
                self._insert(file, some)
        self._few = set()

    def _insert(self, file: sqlite3.Connection, digests: Sequence[bytes]) -> list[bytes]:
        values = ",".join(["(?)"] * len(digests))
        with SQLITE.inside():
            rows = file.execute(f"INSERT OR IGNORE INTO addresses VALUES {values} RETURNING hash", digests)  # noqa: S608 - question marks
            return [row[0] for row in rows]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._file is not None:
            with SQLITE.inside():
                self._file.close()


def chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield lists of so many items, the last one of fewer."""
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk
