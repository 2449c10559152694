"""The rate limit of an account: by a clock that needs no time, and over real threads and processes."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import math
import multiprocessing
import os
import pathlib
import struct
import threading
import time

import pytest
from hypothesis import given, strategies as st

from notifykit import (
    Capabilities,
    ConfigError,
    MemoryTransport,
    Notifier,
    Outcome,
    RateLimit,
    SystemClock,
    VirtualClock,
)
from notifykit.rate_limit import (
    FileRateLimitStore,
    MemoryRateLimitStore,
    RateLimiter,
    file_rate_limit_store,
    rate_limiter,
)

FAST = RateLimit(100, "test")


def _take(rate_limiter: RateLimiter, clock) -> float:
    while wait := rate_limiter.try_acquire():
        clock.sleep(wait)
    return clock.monotonic()


def test_the_first_turn_is_at_once_and_the_next_ones_are_spaced():
    """Nobody sleeps longer than is needed."""
    clock = VirtualClock()
    turns = rate_limiter(RateLimit(2, "a"), clock)
    assert [_take(turns, clock) for _ in range(4)] == pytest.approx([0, 0.5, 1.0, 1.5])


def test_time_that_passed_anyway_is_not_slept_again():
    """A request that took longer than the interval leaves nothing to wait for."""
    clock = VirtualClock()
    turns = rate_limiter(RateLimit(2, "a"), clock)
    _take(turns, clock)
    clock.advance(0.8)
    assert turns.try_acquire() == 0


def test_a_late_start_pushes_the_next_one_away():
    """Intervals count from the last start that really happened: two never come closer than the interval."""
    clock = VirtualClock()
    turns = rate_limiter(RateLimit(2, "a"), clock)
    _take(turns, clock)
    clock.advance(0.9)
    assert turns.try_acquire() == 0
    clock.advance(0.1)
    assert turns.try_acquire() == pytest.approx(0.4)


def test_a_process_that_stops_waiting_delays_no_other():
    """Fifty who asked and never started change nothing: nothing is reserved."""
    clock = VirtualClock()
    turns = rate_limiter(RateLimit(2, "a"), clock)
    _take(turns, clock)
    assert {turns.try_acquire() for _ in range(50)} == {0.5}
    clock.advance(0.5)
    assert turns.try_acquire() == 0


def test_a_start_from_before_a_restart_is_forgotten():
    """A time ahead of the clock was written by a machine that has been up for longer."""
    clock = VirtualClock()
    store = MemoryRateLimitStore()
    with store.edit() as recent:
        recent.starts = [1e9]
    assert RateLimiter(RateLimit(2, "a"), store, clock).try_acquire() == 0


def test_what_an_older_version_wrote_counts(tmp_path):
    """Its file holds one time: the next start keeps its distance from it."""
    turns = RateLimiter(RateLimit(0.01, "a"), file_rate_limit_store("a", str(tmp_path)), SystemClock())
    turns.try_acquire()
    next(tmp_path.iterdir()).write_bytes(struct.pack("d", time.monotonic() - 30))
    assert 69 < turns.try_acquire() < 71


def test_a_request_that_had_to_connect_counts_from_when_it_left():
    """Else the next ones, over a connection that is there, would catch up with it."""
    clock, store = VirtualClock(), MemoryRateLimitStore()
    turns = RateLimiter(RateLimit(2, "a"), store, clock)
    assert turns.try_acquire() == 0
    clock.advance(0.3)
    turns.acquire_again(0.0)
    with store.edit() as recent:
        assert list(recent.starts) == [0.3]
    assert turns.try_acquire() == pytest.approx(0.5 * 1.005 * 0.75)


def test_a_start_of_another_process_stays_where_it_is():
    """Only the start that was late moves, and takes its turn behind it."""
    clock, store = VirtualClock(), MemoryRateLimitStore()
    turns = RateLimiter(RateLimit(2, "a"), store, clock)
    _take(turns, clock)
    other = _take(turns, clock)
    clock.advance(0.1)
    turns.acquire_again(0.0)
    with store.edit() as recent:
        assert list(recent.starts) == pytest.approx([other, 2 * other])
    assert clock.monotonic() == pytest.approx(2 * other)


def test_a_request_that_left_at_once_is_not_counted_again():
    """The file is not even looked at."""
    clock, store = VirtualClock(), MemoryRateLimitStore()
    turns = RateLimiter(RateLimit(2, "a"), store, clock)
    turns.try_acquire()
    clock.advance(0.0005)
    with store.edit() as recent:  # another look would wait for this one for ever
        turns.acquire_again(0.0)
        assert list(recent.starts) == [0.0]


@given(
    st.sampled_from([0.1, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 7.0, 100.0]) | st.floats(0.05, 300),
    st.lists(st.floats(0, 0.02) | st.floats(0, 3), min_size=20, max_size=120),
)
def test_however_late_a_process_wakes_up_there_are_never_too_many_in_a_row(rate, late):
    """Nobody starts more than the rate limit allows in any second, and neighbours stay apart."""
    clock, store = VirtualClock(), MemoryRateLimitStore()
    turns = RateLimiter(RateLimit(rate, "a"), store, clock)
    starts = []
    for delay in late:
        while wait := turns.try_acquire():
            clock.advance(wait + delay)
        starts.append(clock.monotonic())
    parts = math.ceil(rate / 64) if rate > 1 else 1
    most = max(1, math.ceil(rate / parts))
    for earlier, later in zip(starts, starts[most:], strict=False):
        assert later - earlier >= most / rate * 1.005 - 1e-5
    for earlier, later in itertools.pairwise(starts):
        assert later - earlier >= 0.75 / rate - 1e-5


@given(st.lists(st.floats(0, 0.0049), min_size=24, max_size=24))
def test_a_network_that_is_late_by_less_than_the_guard_bunches_up_no_third(delays):
    """Two arrivals in any second, and no more, though each request takes another time on its way."""
    clock = VirtualClock()
    turns = RateLimiter(RateLimit(2, "a"), MemoryRateLimitStore(), clock)
    arrivals = [_take(turns, clock) + delay for delay in delays]
    assert all(third - first >= 1.0 for first, third in zip(arrivals, arrivals[2:], strict=False))


def test_waking_up_late_is_made_up_for():
    """24 starts, each four milliseconds late: all of it takes hardly longer than 23 half seconds."""
    clock = VirtualClock()
    turns = RateLimiter(RateLimit(2, "a"), MemoryRateLimitStore(), clock)
    for _ in range(24):
        while wait := turns.try_acquire():
            clock.advance(wait + 0.004)
    assert clock.monotonic() <= 11.5 * 1.005


def test_all_spellings_of_a_folder_are_one_rate_limit(tmp_path):
    """Two notifiers of one process share it like two processes do, and it survives that the file is deleted."""
    clock = SystemClock()
    slow = RateLimit(0.01, "slow")
    first = RateLimiter(slow, file_rate_limit_store("a", str(tmp_path)), clock)
    second = RateLimiter(slow, file_rate_limit_store("a", f"{tmp_path}/../{tmp_path.name}"), clock)
    assert first.try_acquire() == 0
    assert second.try_acquire() > 90
    next(tmp_path.iterdir()).unlink()
    assert second.try_acquire() == 0
    assert first.try_acquire() > 90


@pytest.mark.parametrize("content", [b"", b"garbage", b"x" * 100, b"\xff" * 8])
def test_a_file_with_anything_in_it_is_put_right(tmp_path, content):
    """Nobody is held up by what somebody else wrote there."""
    rate_limiter = RateLimiter(RateLimit(0.01, "a"), file_rate_limit_store("a", str(tmp_path)), SystemClock())
    rate_limiter.try_acquire()
    next(tmp_path.iterdir()).write_bytes(content)
    assert rate_limiter.try_acquire() == 0
    assert rate_limiter.try_acquire() > 90


def test_a_stopped_process_that_holds_the_lock_stops_no_other(tmp_path, caplog):
    """The lock is waited for a second, and then all of them go on with a copy, in which they keep the limit."""
    store = file_rate_limit_store("a", str(tmp_path))
    others = [
        RateLimiter(RateLimit(0.01, "a"), file_rate_limit_store("a", str(tmp_path)), SystemClock()) for _ in range(4)
    ]
    with store.edit() as held:
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            waits = sorted(pool.map(RateLimiter.try_acquire, others))
        assert time.monotonic() - began < 10
        held.starts = [0.0]  # what a stopped process writes late changes nothing
    assert waits[0] == 0
    assert min(waits[1:]) > 60
    assert others[0].try_acquire() > 60
    assert "a stopped process holds the lock" in caplog.text


def test_a_stopped_process_that_replaces_the_file_stops_no_other(tmp_path, caplog):
    """Then the limit is not shared, which is said."""
    store = file_rate_limit_store("a", str(tmp_path))
    with store.edit():
        (file,) = tmp_path.iterdir()
        with FileRateLimitStore(file.with_suffix(".lock")).edit():
            assert (
                RateLimiter(RateLimit(2, "a"), file_rate_limit_store("a", str(tmp_path)), SystemClock()).try_acquire()
                == 0
            )
    assert "not shared for the moment" in caplog.text


@given(st.sampled_from([1.0, 2.0, 3.0, 4.0]), st.lists(st.floats(0, 0.003) | st.floats(0, 3), min_size=8, max_size=60))
def test_however_long_a_request_stands_still_before_it_leaves_the_gateway_never_sees_too_many(rate, still):
    """At the gateway no more arrive in any second than the limit allows, with stops between the count and the start."""
    clock = VirtualClock()
    turns = RateLimiter(RateLimit(rate, "a"), MemoryRateLimitStore(), clock)
    arrivals = []
    for delay in still:
        counted = _take(turns, clock)
        clock.advance(delay)
        turns.acquire_again(counted)
        arrivals.append(clock.monotonic())
    for first, later in zip(arrivals, arrivals[int(rate) :], strict=False):
        assert later - first >= 1.0


def test_a_count_that_takes_too_long_is_made_again():
    """A database that is busy says late that it counted: the request would leave with the next one."""
    clock = VirtualClock()

    class Slow(MemoryRateLimitStore):
        takes = [0.3]

        @contextlib.contextmanager
        def edit(self):
            with super().edit() as recent:
                yield recent
            clock.advance(self.takes.pop() if self.takes else 0.0)

    store = Slow()
    assert RateLimiter(RateLimit(2, "a"), store, clock).try_acquire() == 0
    with store.edit() as recent:
        assert list(recent.starts) == [0.3]


def test_a_request_whose_rate_limit_can_not_be_read_was_certainly_not_sent(monkeypatch):
    """The database may go away behind the last look at it: that is no unknown outcome, and the request is made again."""
    acquire_again, failures = RateLimiter.acquire_again, [OSError("the database is away")]

    def fails_once(self, start):
        if failures:
            raise failures.pop()
        acquire_again(self, start)

    monkeypatch.setattr(RateLimiter, "acquire_again", fails_once)
    transport = MemoryTransport(capabilities=Capabilities(rate_limit=FAST))
    with Notifier(transport, clock=VirtualClock()) as notifier:
        (receipt,) = notifier.send("96598765432", "Hello")
    first, second = receipt.attempts
    assert (first.error.code, first.error.safe_to_resend, second.error) == ("rate_limit", True, None)
    assert receipt.outcome is Outcome.ACCEPTED
    assert len(transport.batches) == 1


def test_where_time_stands_still_a_turn_comes_nevertheless(tmp_path, monkeypatch):
    """As freezegun stops it, in all modules."""
    monkeypatch.setattr(time, "monotonic", lambda: 1_764_000_000.0)
    rate_limiter = RateLimiter(RateLimit(20, "a"), file_rate_limit_store("a", str(tmp_path)), SystemClock())
    for _ in range(3):
        rate_limiter.acquire()


def test_looking_leaves_no_descriptor_open(tmp_path):
    """Notifiers of many accounts come and go."""
    before = sum(1 for _ in pathlib.Path("/proc/self/fd").iterdir())
    for index in range(20):
        RateLimiter(FAST, file_rate_limit_store(f"account-{index}", str(tmp_path)), SystemClock()).try_acquire()
    assert sum(1 for _ in pathlib.Path("/proc/self/fd").iterdir()) <= before


def test_the_file_says_nothing_about_the_account(tmp_path):
    """The key is only there as a hash, and nobody else can read the file."""
    RateLimiter(FAST, file_rate_limit_store("kwtsms-somebody", str(tmp_path)), SystemClock()).try_acquire()
    (file,) = tmp_path.iterdir()
    assert "somebody" not in file.name
    assert file.stat().st_mode & 0o077 == 0


def test_a_folder_that_can_not_be_used_says_what_to_set(tmp_path):
    """The message names the setting, whoever runs it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="NOTIFYKIT_STATE_DIR"):
        file_rate_limit_store("a", str(tmp_path / "file" / "folder"))


class Watched(SystemClock):
    """The machine's clock, which remembers what it said to each thread before the last time: when a start was counted."""

    def __init__(self) -> None:
        self.said = threading.local()

    def monotonic(self) -> float:
        """Return the time, and remember it."""
        self.said.counted, self.said.last = getattr(self.said, "last", 0.0), super().monotonic()
        return self.said.last


def _flood(folder: str, threads: int, turns: int, out: str) -> None:
    clock = Watched()
    starts: list[float] = []

    def work() -> None:
        rate_limiter = RateLimiter(FAST, file_rate_limit_store("flood", folder), clock)
        for _ in range(turns):
            while wait := rate_limiter.try_acquire():
                clock.sleep(wait)
            starts.append(clock.said.counted)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    pathlib.Path(out, f"{os.getpid()}").write_text("\n".join(map(repr, starts)))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_threads_and_processes_share_one_rate_limit(tmp_path, method):
    """Whoever starts, the machine as a whole never starts more than the rate limit allows."""
    state, out = tmp_path / "state", tmp_path / "out"
    out.mkdir()
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=_flood, args=(str(state), 3, 8, str(out))) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    starts = sorted(float(line) for file in out.iterdir() for line in file.read_text().split())
    assert len(starts) == 72
    # A hundred a second are kept as fifty in half a second.
    assert all(later - earlier >= 0.5 for earlier, later in zip(starts, starts[50:], strict=False))
    assert all(later - earlier >= 0.75 / FAST.per_second for earlier, later in itertools.pairwise(starts))
