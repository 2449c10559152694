"""The counter store of the guards: never more than the limit in any window, for all processes, whatever happens to the file."""

from __future__ import annotations

import datetime
import multiprocessing
import os
import pathlib
import sqlite3
import threading

import pytest
from hypothesis import given, strategies as st

from notifykit import SystemClock, VirtualClock
from notifykit.counters import (
    CounterStoreUnavailable,
    DryRunCounterStore,
    FileCounterStore,
    MemoryCounterStore,
    Reservation,
    open_counter_store,
)

WINDOW = 60.0


class Wall(VirtualClock):
    """A time of day that can be set."""

    def jump(self, seconds: float) -> None:
        """Set it forward or back."""
        self._start += datetime.timedelta(seconds=seconds)


@pytest.fixture(name="clock")
def _clock() -> Wall:
    return Wall()


@pytest.fixture(name="store", params=["memory", "file"])
def _store(request, tmp_path, clock):
    store = MemoryCounterStore(clock) if request.param == "memory" else FileCounterStore(str(tmp_path), clock)
    yield store
    store.close()


steps = st.lists(
    st.tuples(st.floats(0, 2 * WINDOW), st.sampled_from([0.5, 1.0, 1.0, 3.0]), st.booleans()), min_size=1, max_size=60
)


def _walk(store, clock, steps, most):
    """Reserve step by step, and hold the counter store to a list of everything that it took."""
    taken: list[tuple[float, float]] = []
    now = 0.0
    for pause, amount, sent in steps:
        clock.advance(pause / 10)
        now += pause / 10
        answer = store.reserve("key", amount, most, WINDOW)
        if isinstance(answer, Reservation) and not sent:
            store.release([answer])
        elif isinstance(answer, Reservation):
            taken.append((now, amount))
            assert sum(a for at, a in taken if at > now - WINDOW) <= most + 1e-6
        elif answer == float("inf"):
            assert amount > most
        else:
            # It is full, or was within the width of a bucket; and there is room when it says so, but for new ones.
            assert 0 < answer <= WINDOW + 1e-6
            assert sum(a for at, a in taken if at > now - WINDOW * (1 + 1 / 30)) + amount > most - 1e-6
    return taken


@given(steps=steps, most=st.sampled_from([1.0, 2.5, 5.0]))
def test_never_more_than_the_limit_in_any_window(steps, most):
    """And never less than it by more than the width of a bucket."""
    clock = VirtualClock()
    _walk(MemoryCounterStore(clock), clock, steps, most)


@given(steps=steps, most=st.sampled_from([1.0, 2.5, 5.0]))
def test_the_file_says_what_memory_says(steps, most, tmp_path_factory):
    """One is the model of the other."""
    clock = VirtualClock()
    file = FileCounterStore(str(tmp_path_factory.mktemp("store")), clock)
    memory = MemoryCounterStore(clock)
    for pause, amount, sent in steps:
        clock.advance(pause / 10)
        both = [store.reserve("key", amount, most, WINDOW) for store in (file, memory)]
        if isinstance(both[0], Reservation):
            assert isinstance(both[1], Reservation)
            if not sent:
                file.release([both[0]])
                memory.release([both[1]])
        else:
            assert both[0] == pytest.approx(both[1])
    file.close()


def test_the_answer_is_when_there_is_room(store, clock):
    """To the moment: a second less is too early."""
    for _ in range(3):
        assert isinstance(store.reserve("key", 1, 3, WINDOW), Reservation)
        clock.advance(10)
    wait = store.reserve("key", 2, 3, WINDOW)
    assert wait == pytest.approx(40)
    clock.advance(wait - 0.01)
    assert store.reserve("key", 2, 3, WINDOW) == pytest.approx(0.01)
    clock.advance(0.01)
    assert isinstance(store.reserve("key", 2, 3, WINDOW), Reservation)
    assert store.reserve("key", 4, 3, WINDOW) == float("inf")


def test_keys_and_windows_count_apart(store):
    """What is written for one is not in the other."""
    for key, window in (("a", 60.0), ("b", 60.0), ("a", 61.0)):
        assert isinstance(store.reserve(key, 1, 1, window), Reservation)
        assert store.reserve(key, 1, 1, window)


def test_a_clock_that_was_set_back_opens_nothing(store, clock):
    """What stands in the future counts, for one window from when it is found."""
    clock.jump(400 * 86_400)
    assert isinstance(store.reserve("key", 1, 1, WINDOW), Reservation)
    clock.jump(-400 * 86_400)
    assert store.reserve("key", 1, 1, WINDOW) == pytest.approx(WINDOW)
    clock.advance(WINDOW / 2)
    assert store.reserve("key", 1, 1, WINDOW) == pytest.approx(WINDOW / 2)
    clock.advance(WINDOW / 2)
    assert isinstance(store.reserve("key", 1, 1, WINDOW), Reservation)


def test_a_bucket_whose_time_comes_again_begins_at_nothing(store, clock):
    """What a clock that was wrong put into it is over by then."""
    clock.jump(3600)
    assert isinstance(store.reserve("key", 5, 5, WINDOW), Reservation)
    clock.jump(-3600)
    assert store.reserve("key", 1, 5, WINDOW)
    clock.advance(3600)
    assert isinstance(store.reserve("key", 1, 5, WINDOW), Reservation)
    assert isinstance(store.reserve("key", 4, 5, WINDOW), Reservation)


def test_a_million_rows_are_not_kept(store, clock, tmp_path):
    """What no longer counts is dropped as new things are written."""
    for number in range(3000):
        store.reserve(f"key {number}", 1, 1, WINDOW)
        clock.advance(1)
    if isinstance(store, MemoryCounterStore):
        assert len(store._rows) < 70
    else:
        with sqlite3.connect(tmp_path / "guards.sqlite3") as connection:
            assert connection.execute("SELECT count(*) FROM entries").fetchone()[0] < 70
        connection.close()


def test_a_cap_costs_sixty_rows_and_not_a_row_a_message(store, clock):
    """However many messages there are."""
    for _ in range(2000):
        store.reserve("key", 1, 10_000, WINDOW)
        clock.advance(0.05)
    assert len(store.rows("key", WINDOW)) <= 62


def test_a_dry_run_reads_the_store_and_writes_to_memory(store, clock):
    """What a plan writes is seen by the plan only."""
    store.reserve("key", 2, 5, WINDOW)
    plan = DryRunCounterStore(store, clock)
    assert isinstance(plan.reserve("key", 2, 5, WINDOW), Reservation)
    assert plan.reserve("key", 2, 5, WINDOW) == pytest.approx(WINDOW)
    assert isinstance(store.reserve("key", 3, 5, WINDOW), Reservation)
    assert isinstance(plan.reserve("key", 0, 7, WINDOW), Reservation)
    assert plan.reserve("key", 1, 7, WINDOW)


def test_looking_begins_no_file(tmp_path):
    """A plan leaves nothing behind."""
    store = FileCounterStore(str(tmp_path / "state"), SystemClock())
    assert isinstance(DryRunCounterStore(store, SystemClock()).reserve("key", 1, 1, WINDOW), Reservation)
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_for_this_user_only_and_has_no_addresses(tmp_path):
    """Mode 0600, and keys as keyed hashes only: the same key is another hash in another counter store."""
    hashes = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        store = FileCounterStore(str(folder), SystemClock())
        entry = store.reserve("cool_down:sms:96598765432", 1, 1, WINDOW)
        assert isinstance(entry, Reservation)
        hashes.append(entry.key)
        files = list(folder.iterdir())
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        assert not any(b"98765432" in file.read_bytes() for file in files)
        store.close()
    assert hashes[0] != hashes[1]


def test_what_is_written_outlives_the_process_that_wrote_it(tmp_path):
    """And closing the counter store opens nothing."""
    first = FileCounterStore(str(tmp_path), SystemClock())
    assert isinstance(first.reserve("key", 1, 1, WINDOW), Reservation)
    first.close()
    assert first.reserve("key", 1, 1, WINDOW)
    first.close()
    second = FileCounterStore(str(tmp_path), SystemClock())
    assert second.reserve("key", 1, 1, WINDOW)
    second.close()


def test_only_a_clock_that_others_share_has_a_file(tmp_path):
    """A virtual time is nobody else's."""
    assert isinstance(open_counter_store(VirtualClock(), str(tmp_path)), MemoryCounterStore)
    assert isinstance(open_counter_store(SystemClock(), str(tmp_path)), FileCounterStore)


def test_a_deleted_file_is_made_again_and_shared(tmp_path):
    """Nobody goes on writing to a file that the others can't see."""
    one, two = (FileCounterStore(str(tmp_path), SystemClock()) for _ in range(2))
    one.reserve("key", 1, 1, WINDOW)
    two.rows("key", WINDOW)
    for file in tmp_path.iterdir():
        file.unlink()
    assert isinstance(one.reserve("key", 1, 1, WINDOW), Reservation)
    assert two.reserve("key", 1, 1, WINDOW)
    one.close()
    two.close()


# --- where it can't be used ---


def _damage(file: pathlib.Path) -> None:
    file.write_bytes(b"this is no database at all, " * 100)


def _strange(file: pathlib.Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    ("harm", "reported"),
    [(_damage, "Delete"), (lambda file: file.mkdir(), "NOTIFYKIT_STATE_DIR"), (_strange, "one version")],
)
def test_a_file_that_is_no_counter_store_says_what_to_do(tmp_path, harm, reported):
    """It is an OSError, with an action."""
    harm(tmp_path / "guards.sqlite3")
    store = FileCounterStore(str(tmp_path), SystemClock())
    with pytest.raises(CounterStoreUnavailable) as caught:
        store.reserve("key", 1, 1, WINDOW)
    assert reported in caught.value.action
    with pytest.raises(CounterStoreUnavailable):
        store.rows("key", WINDOW)


def test_a_folder_that_is_none_says_what_to_do(tmp_path):
    """The setting is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CounterStoreUnavailable) as caught:
        FileCounterStore(str(tmp_path / "file" / "state"), SystemClock()).reserve("key", 1, 1, WINDOW)
    assert "NOTIFYKIT_STATE_DIR" in caught.value.action


def test_a_store_that_another_process_locks_is_waited_for_a_second(tmp_path, monkeypatch):
    """And no longer."""
    monkeypatch.setattr("notifykit.counters._LOCK_TIMEOUT", 0.05)
    store = FileCounterStore(str(tmp_path), SystemClock())
    store.reserve("key", 1, 5, WINDOW)
    connection = sqlite3.connect(tmp_path / "guards.sqlite3", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(CounterStoreUnavailable, match="longer than a second"):
        store.reserve("key", 1, 5, WINDOW)
    connection.execute("ROLLBACK")
    connection.close()
    assert isinstance(store.reserve("key", 1, 5, WINDOW), Reservation)
    store.close()


def test_a_full_disk_says_so(tmp_path):
    """SQLite's own word for it, from a file that may not grow."""
    store = FileCounterStore(str(tmp_path), SystemClock())
    store.reserve("key", 1, 5, WINDOW)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(CounterStoreUnavailable, match="no room left"):
        _fill(store)
    store.close()


def _fill(store: FileCounterStore) -> None:
    for number in range(10_000):
        store.reserve(f"key {number}", 1, 5, WINDOW)


# --- threads and processes ---


def _storm(folder: str, threads: int, tries: int, out: str, most: float) -> None:
    store = FileCounterStore(folder, SystemClock())
    passed = []
    answered = []

    def work() -> None:
        for _ in range(tries):
            if isinstance(store.reserve("cap", 1, most, 3600), Reservation):
                passed.append(1)
            answered.append(1)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    store.close()
    pathlib.Path(out, str(os.getpid())).write_text(f"{len(passed)} {len(answered)}")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_of_many_processes_and_threads_exactly_so_many_pass(tmp_path, method):
    """Four processes of four threads each want four times as much as there is."""
    out = tmp_path / "out"
    out.mkdir()
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=_storm, args=(str(tmp_path / "state"), 4, 25, str(out), 100)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    counts = [tuple(map(int, file.read_text().split())) for file in out.iterdir()]
    assert [answered for _, answered in counts] == [100] * 4
    assert sum(passed for passed, _ in counts) == 100


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_shares_the_file_and_not_the_connection(tmp_path):
    """Parent and child go on counting together, while a thread of the parent is at it."""
    store = FileCounterStore(str(tmp_path), SystemClock())
    taken = [isinstance(store.reserve("cap", 1, 60, 3600), Reservation) for _ in range(10)]
    busy = threading.Thread(target=lambda: taken.extend(_take(store, 20)))
    busy.start()
    child = os.fork()
    if child == 0:
        os._exit(sum(_take(store, 20)))
    taken += _take(store, 30)
    _, status = os.waitpid(child, 0)
    busy.join()
    assert sum(taken) + os.waitstatus_to_exitcode(status) == 60
    store.close()


def _take(store: FileCounterStore, tries: int) -> list[bool]:
    return [isinstance(store.reserve("cap", 1, 60, 3600), Reservation) for _ in range(tries)]
