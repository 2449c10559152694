"""The pace of an account: by a clock that needs no time, and over real threads and processes."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pathlib
import threading
import time

import pytest

from notifykit import ConfigError, Pace, SystemClock, VirtualClock
from notifykit.flow.pacing import MemorySlots, Pacer, shared_slots

FAST = Pace(200, "test")


def _take(pacer: Pacer, clock) -> float:
    while wait := pacer.start():
        clock.sleep(wait)
    return clock.monotonic()


def test_the_first_turn_is_at_once_and_the_next_ones_are_spaced():
    """Nobody sleeps longer than the slot needs."""
    clock = VirtualClock()
    pacer = Pacer(Pace(2, "a"), MemorySlots(), clock)
    assert [_take(pacer, clock) for _ in range(4)] == pytest.approx([0, 0.5, 1.0, 1.5])


def test_time_that_passed_anyway_is_not_slept_again():
    """A request that took longer than the slot leaves nothing to wait for."""
    clock = VirtualClock()
    pacer = Pacer(Pace(2, "a"), MemorySlots(), clock)
    _take(pacer, clock)
    clock.advance(0.8)
    assert pacer.start() == 0


def test_a_late_start_pushes_the_next_one_away():
    """Slots count from the last start that really happened: two never come closer than the interval."""
    clock = VirtualClock()
    pacer = Pacer(Pace(2, "a"), MemorySlots(), clock)
    _take(pacer, clock)
    clock.advance(0.9)
    assert pacer.start() == 0
    clock.advance(0.1)
    assert pacer.start() == pytest.approx(0.4)


def test_those_who_wait_and_leave_hold_nobody_up():
    """Fifty who asked and never started change nothing: nothing is reserved."""
    clock = VirtualClock()
    pacer = Pacer(Pace(2, "a"), MemorySlots(), clock)
    _take(pacer, clock)
    assert {pacer.start() for _ in range(50)} == {0.5}
    clock.advance(0.5)
    assert pacer.start() == 0


def test_a_start_from_before_a_restart_is_forgotten():
    """A time ahead of the clock was written by a machine that has been up for longer."""
    clock = VirtualClock()
    slots = MemorySlots()
    with slots.edit() as board:
        board.last = 1e9
    assert Pacer(Pace(2, "a"), slots, clock).start() == 0


def test_all_spellings_of_a_folder_are_one_pace(tmp_path):
    """Two notifiers of one process share it like two processes do, and it survives that the file is deleted."""
    clock = SystemClock()
    slow = Pace(0.01, "slow")
    first = Pacer(slow, shared_slots("a", str(tmp_path)), clock)
    second = Pacer(slow, shared_slots("a", f"{tmp_path}/../{tmp_path.name}"), clock)
    assert first.start() == 0
    assert second.start() > 90
    next(tmp_path.iterdir()).unlink()
    assert second.start() == 0
    assert first.start() > 90


@pytest.mark.parametrize("content", [b"", b"garbage", b"x" * 100, b"\xff" * 8])
def test_a_file_with_anything_in_it_is_put_right(tmp_path, content):
    """Nobody is held up by what somebody else wrote there."""
    pacer = Pacer(Pace(0.01, "a"), shared_slots("a", str(tmp_path)), SystemClock())
    pacer.start()
    next(tmp_path.iterdir()).write_bytes(content)
    assert pacer.start() == 0
    assert pacer.start() > 90


def test_a_stopped_process_that_holds_the_lock_stops_nobody_else(tmp_path, caplog):
    """The lock is waited for a second, and then the request goes out with a warning."""
    slots = shared_slots("a", str(tmp_path))
    with slots.edit():
        began = time.monotonic()
        assert Pacer(Pace(2, "a"), shared_slots("a", str(tmp_path)), SystemClock()).start() == 0
        assert time.monotonic() - began < 3
    assert "not shared for the moment" in caplog.text


def test_looking_leaves_no_descriptor_open(tmp_path):
    """Notifiers of many accounts come and go."""
    before = sum(1 for _ in pathlib.Path("/proc/self/fd").iterdir())
    for index in range(20):
        Pacer(FAST, shared_slots(f"account-{index}", str(tmp_path)), SystemClock()).start()
    assert sum(1 for _ in pathlib.Path("/proc/self/fd").iterdir()) <= before


def test_the_file_says_nothing_about_the_account(tmp_path):
    """The key is only there as a hash, and nobody else can read the file."""
    Pacer(FAST, shared_slots("kwtsms-somebody", str(tmp_path)), SystemClock()).start()
    (file,) = tmp_path.iterdir()
    assert "somebody" not in file.name
    assert file.stat().st_mode & 0o077 == 0


def test_a_folder_that_can_not_be_used_says_what_to_set(tmp_path):
    """The message names the setting, whoever runs it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="NOTIFYKIT_STATE_DIR"):
        shared_slots("a", str(tmp_path / "file" / "folder"))


def _flood(folder: str, threads: int, turns: int, out: str) -> None:
    clock = SystemClock()
    starts: list[float] = []

    def work() -> None:
        pacer = Pacer(FAST, shared_slots("flood", folder), clock)
        for _ in range(turns):
            starts.append(_take(pacer, clock))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    pathlib.Path(out, f"{os.getpid()}").write_text("\n".join(map(repr, starts)))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_threads_and_processes_share_one_pace(tmp_path, method):
    """Whoever starts, no two starts of the machine are closer than the interval."""
    state, out = tmp_path / "state", tmp_path / "out"
    out.mkdir()
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=_flood, args=(str(state), 3, 5, str(out))) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    starts = sorted(float(line) for file in out.iterdir() for line in file.read_text().split())
    assert len(starts) == 45
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    # The start is read after the turn was taken, so a gap may look smaller by what that takes.
    assert sum(gap < 1 / FAST.per_second - 0.004 for gap in gaps) <= 3
    assert starts[-1] - starts[0] >= 44 / FAST.per_second * 0.99
    assert time.monotonic() >= starts[-1]
