"""The contract of stores, on each of them: transactions follow each other, and what raises leaves nothing."""

from __future__ import annotations

import threading

import attrs
import pytest

from notifykit.counters import CounterBucket
from notifykit.verify.store import PRUNED, Code, Count, Hold, MemoryStore, Store

CODE = Code(
    row="a" * 64, id="b" * 32, hash="c" * 64, expires=600.25, guesses=1, sends=2, sent=3.5, used=None, ends=900.0
)


def count(key: str, amount: float = 1.0, bucket: int = 0, last: float = 10.0, ends: float = 100.0) -> Count:
    return Count(key, bucket, amount, last, ends)


def test_a_code_is_read_as_it_was_written(store: Store) -> None:
    """And another one in its row takes its place."""
    with store.begin() as tx:
        assert tx.code(CODE.row) is None
        tx.write(CODE)
    used = attrs.evolve(CODE, used=7.125, guesses=4, id="d" * 32)
    with store.begin() as tx:
        assert tx.code(CODE.row) == CODE
        tx.write(used)
    with store.begin() as tx:
        assert tx.code(CODE.row) == used
        assert tx.code("x" * 64) is None


def test_amounts_add_up_in_their_buckets(store: Store) -> None:
    """A bucket keeps the latest time and end, whatever came last; what is subtracted to nothing is deleted."""
    with store.begin() as tx:
        tx.add([count("a:1", 2), count("a:2", 1, bucket=3), count("b:1")])
        tx.add([])
    with store.begin() as tx:
        tx.add([count("a:1", 0.5, last=5.0), count("a:1", 1, bucket=1, last=20.0)])
    with store.begin() as tx:
        assert sorted(tx.buckets(["a:1", "missing"])["a:1"], key=lambda b: b.bucket) == [
            CounterBucket(0, 2.5, 10.0),
            CounterBucket(1, 1.0, 20.0),
        ]
        assert set(tx.counted("a:")) == {"a:1", "a:2"}
        tx.subtract([count("a:1", 2.5), count("a:2", 1, bucket=3), count("gone")])
    with store.begin() as tx:
        assert set(tx.counted("")) == {"a:1", "b:1"}
        assert tx.buckets(["a:1"])["a:1"] == [CounterBucket(1, 1.0, 20.0)]
        tx.forget(["a:1"])
    with store.begin() as tx:
        assert set(tx.counted("")) == {"b:1"}


def test_the_beginning_of_a_key_is_no_pattern(store: Store) -> None:
    """``_`` and ``%`` are characters."""
    with store.begin() as tx:
        tx.add([count("a_b:1"), count("axb:1")])
    with store.begin() as tx:
        assert set(tx.counted("a_b")) == {"a_b:1"}


def test_a_prefix_is_held_until_it_is_released(store: Store) -> None:
    """The time of the first hold stays."""
    first = Hold("96598765", "KW", 5.5)
    with store.begin() as tx:
        tx.hold(first)
    with store.begin() as tx:
        tx.hold(Hold("96598765", "KW", 9.0))
        tx.hold(Hold("1415", None, 1.0))
    with store.begin() as tx:
        assert tx.holds("96598765") == [first] or tx.holds("96598765") == (first,)
        assert len(tx.holds()) == 2
        tx.release("96598765")
    with store.begin() as tx:
        assert [hold.prefix for hold in tx.holds()] == ["1415"]


def test_what_raises_leaves_nothing(store: Store) -> None:
    """The transaction is rolled back."""

    def fail() -> None:
        with store.begin() as tx:
            tx.write(CODE)
            tx.add([count("a")])
            tx.hold(Hold("1", None, 0.0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.begin() as tx:
        assert tx.code(CODE.row) is None
        assert not tx.counted("")
        assert not tx.holds()


def test_old_rows_are_deleted_a_few_at_a_time(store: Store) -> None:
    """What has not ended stays; memory looks once in a minute and then deletes everything."""
    with store.begin() as tx:
        for number in range(PRUNED + 5):
            tx.write(attrs.evolve(CODE, row=f"{number:064}"))
        tx.write(attrs.evolve(CODE, ends=2000.0))
        tx.add([count("old"), count("new", ends=2000.0)])
    for now in (1000.0, 1100.0):
        with store.begin() as tx:
            tx.prune(now)
    with store.begin() as tx:
        assert tx.code(CODE.row)
        assert not any(tx.code(f"{number:064}") for number in range(PRUNED + 5))
        assert set(tx.counted("")) == {"new"}


def test_threads_follow_each_other(store: Store) -> None:
    """What a transaction read is still so when it writes."""
    with store.begin() as tx:
        tx.write(attrs.evolve(CODE, guesses=0))

    def guess() -> None:
        for _ in range(25):
            with store.begin() as tx:
                found = tx.code(CODE.row)
                assert found
                tx.write(attrs.evolve(found, guesses=found.guesses + 1))

    threads = [threading.Thread(target=guess) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.begin() as tx:
        found = tx.code(CODE.row)
        assert found
        assert found.guesses == 100


def test_a_store_that_was_closed_opens_again(store: Store) -> None:
    """What is stored stays."""
    with store.begin() as tx:
        tx.write(CODE)
    store.close()
    with store.begin() as tx:
        assert tx.code(CODE.row) == CODE


def test_only_a_database_of_machines_is_shared(kind: str, store: Store) -> None:
    """Then all of them need one key."""
    assert store.shared == (kind == "postgresql")
    assert isinstance(store, MemoryStore) == (kind == "memory")
