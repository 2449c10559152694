"""The batches of rows: whatever the table, every row is in one of them once, and they give the table back in its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings, strategies as st

from notifykit import Recipient, Rejected
from notifykit.durable import grouping
from notifykit.durable.grouping import AddressSet, NewBatch, batches_of_rows, in_order
from notifykit.errors import InvalidRecipient
from notifykit.models.job import Row
from tests.durable.conftest import FIRST

BAD = Rejected("12", InvalidRecipient("It has two digits.", action="Give all of them."))
#: A text, a subject, and a recipient: one of few, so that some come twice; None is no number.
CELLS = st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([None, "x"]), st.none() | st.integers(0, 40))


@pytest.fixture(name="few_open", autouse=True)
def _few_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "_OPEN", 3)
    monkeypatch.setattr(grouping, "_EXCLUDED", 4)


def table(cells: Sequence[tuple[str, str | None, int | None]]) -> list[Row]:
    """Return the rows of a table."""
    return [
        Row(BAD if who is None else Recipient(str(FIRST + who)), text, subject, {"n": str(number)})
        for number, (text, subject, who) in enumerate(cells)
    ]


def grouped(rows: Sequence[Row], size: int) -> list[NewBatch]:
    """Return the batches, in the order in which they would be stored."""
    with AddressSet() as addresses:
        return list(batches_of_rows(rows, size, addresses))


@settings(max_examples=200, deadline=None)
@given(st.lists(CELLS, max_size=60), st.integers(1, 5))
def test_every_row_is_in_one_batch_once_and_comes_back_in_order(
    cells: list[tuple[str, str | None, int | None]], size: int
) -> None:
    """With its own text, and its cells beside it; the first of an address is sent, and the others are skipped."""
    rows = table(cells)
    batches = grouped(rows, size)
    assert sorted(batch.number for batch in batches) == list(range(len(batches)))
    by_number = {batch.number: batch for batch in batches}

    def read() -> Iterator[list[tuple[int, tuple[int, str]]]]:
        for number in range(len(batches)):
            cells_of = by_number[number].cells
            assert cells_of is not None
            pairs = zip(by_number[number].recipients, cells_of, strict=True)
            yield [(position, (position, row["n"])) for (position, _), row in pairs]

    assert list(in_order(read())) == [(n, str(n)) for n in range(len(rows))]
    sent: list[str] = []
    for batch in batches:
        skipped = {receipt.position for receipt in batch.excluded}
        for position, who in batch.recipients:
            row = rows[position]
            assert who == row.recipient
            if position not in skipped and isinstance(who, Recipient):
                assert batch.body == {"text": row.text, "subject": row.subject}
                sent.append(who.address)
        assert batch.body is None or len(batch.recipients) <= size
        assert not (batch.body and skipped), "what is not sent needs no request"
    assert sorted(sent) == sorted({row.recipient.address for row in rows if isinstance(row.recipient, Recipient)})


def test_few_rows_are_held_at_a_time_when_read_and_written() -> None:
    """A table whose texts alternate takes no more memory than its open groups."""
    rows = table([("abcdefgh"[n % 8], None, n) for n in range(400)])
    taken = 0

    def counting() -> Iterator[Row]:
        nonlocal taken
        for row in rows:
            taken += 1
            yield row

    most, stored = 0, 0
    batches: dict[int, NewBatch] = {}
    with AddressSet() as addresses:
        for batch in batches_of_rows(counting(), 5, addresses):
            most = max(most, taken - stored)
            stored += len(batch.recipients)
            batches[batch.number] = batch
    assert most <= 4 * 5
    read, given_back = 0, 0

    def read_all() -> Iterator[list[tuple[int, int]]]:
        nonlocal read
        for number in range(len(batches)):
            read += len(batches[number].recipients)
            yield [(position, position) for position, _ in batches[number].recipients]

    for position in in_order(read_all()):
        assert position == given_back
        given_back += 1
        assert read - given_back <= 4 * 5
    assert given_back == 400


def test_long_texts_and_cells_are_stored_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few groups there are."""
    monkeypatch.setattr(grouping, "_CHARACTERS", 10_000)
    rows = table([(letter * 4000, None, n) for n, letter in enumerate("abab")])
    assert [batch.number for batch in grouped(rows, 5)] == [0, 1]
    monkeypatch.setattr(grouping, "_CHARACTERS", 5_000)
    assert [batch.number for batch in grouped(rows, 5)] == [0, 1, 2, 3]


def test_texts_that_come_often_stay_together_among_many_others() -> None:
    """The group that is stored first is the one that has been without a row for longest."""
    cells = [("common", None, 2 * n) if n % 2 else (f"other {n}", None, 2 * n) for n in range(20)]
    sizes = sorted(len(batch.recipients) for batch in grouped(table(cells), 5))
    assert sizes == [1] * 10 + [5, 5]
