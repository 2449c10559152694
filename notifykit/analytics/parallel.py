"""Large logs are counted by several processes, each a part of the bytes, and their totals are added up.

Python runs the counting of one process on one core. The processes are spawned and never forked: that is the same on every
system, and safe where the program has threads.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import multiprocessing
import os
import pathlib
import signal
import stat
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime, tzinfo
from typing import Final

from notifykit.analytics.files import LogFiles, Part
from notifykit.analytics.totals import Totals, read_totals

#: Bytes that one process reads at least: to start one takes as long as to count some thousand rows.
_LEAST: Final = 16 * 1024 * 1024
#: Processes at most, however many cores there are: each has totals of its own in memory.
_MOST_PROCESSES: Final = 8
#: A compressed file has so many times as many bytes as it takes, roughly.
_PACKED: Final = 6


def count_files(
    files: LogFiles, zone: tzinfo | None = None, since: datetime | None = None, *, least: int = _LEAST
) -> Totals:
    """Count the rows of files as :func:`read_totals` does; large ones in as many processes as there are cores.

    A program that calls it needs ``if __name__ == "__main__":`` around what it starts, as for all spawned processes.

    :param files: the files; what can't be read of them is counted there.
    :param zone: the zone of days and hours; None for this machine's.
    :param since: rows before it are left out.
    :param least: bytes that a process is started for.
    :raises OSError: where a file can't be read.
    """
    try:
        dealt = deal(files.files, min(cores(), _MOST_PROCESSES), least)
        if len(dealt) > 1:
            return _count_dealt(files, dealt, zone, since)
    except (OSError, ImportError, NotImplementedError, BrokenProcessPool):
        # No process can be started here, one was killed, or a file was renamed meanwhile. One process can do all of
        # it, and says which file can't be read.
        files.torn = files.lines = 0
    return read_totals(files, zone, since)


def deal(files: Iterable[pathlib.Path | Part], readers: int, least: int) -> list[list[Part]]:
    """Deal the lines of files out to readers, in their order; to fewer readers where there is too little to read.

    Uncompressed files are cut where a line ends.

    :param least: bytes for one reader.
    :raises OSError: where a file can't be read.
    """
    parts = [file if isinstance(file, Part) else Part(file) for file in files]
    sizes = [_size(part) for part in parts]
    readers = max(1, min(readers, sum(sizes) // max(1, least)))
    share = max(1, -(-sum(sizes) // readers))
    dealt: list[list[Part]] = [[] for _ in range(readers)]
    begin = 0
    for part, size in zip(parts, sizes, strict=True):
        first, last = (min(position // share, readers - 1) for position in (begin, max(begin, begin + size - 1)))
        places = [number * share - begin for number in range(first + 1, last + 1)]
        for number, piece in enumerate(_cut(part, places), first):
            dealt[number].append(piece)
        begin += size
    return dealt


def _size(part: Part) -> int:
    status = part.file.stat()
    if not stat.S_ISREG(status.st_mode) or part.inode is not None:
        return 0
    return status.st_size * (_PACKED if part.file.suffix == ".gz" else 1)


def _cut(part: Part, places: Sequence[int]) -> list[Part]:
    """Cut a file after the lines that are at some places."""
    if not places or part.file.suffix == ".gz":
        return [part]
    with part.file.open("rb") as opened:
        status = os.fstat(opened.fileno())
        ends: list[int | None] = []
        for place in places:
            opened.seek(place - 1)
            opened.readline()
            ends.append(opened.tell())
    bounds = itertools.pairwise([0, *ends, None])
    return [Part(part.file, start or 0, end, (status.st_dev, status.st_ino)) for start, end in bounds]


def cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no such limit
        return os.cpu_count() or 1


def count_parts(
    parts: Sequence[Part], zone: tzinfo | None = None, since: datetime | None = None
) -> tuple[Totals, int, int]:
    """Count the rows of parts; return their totals, the lines that could not be read, and the lines."""
    files = LogFiles(parts)
    totals = read_totals(files, zone, since)
    return totals, files.torn, files.lines


def _count_dealt(
    files: LogFiles, dealt: Sequence[Sequence[Part]], zone: tzinfo | None, since: datetime | None
) -> Totals:
    """Count the first share here and each of the others in a process of its own."""
    before = multiprocessing.active_children()
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(len(dealt) - 1, spawn, initializer=_begin) as executor:
        try:
            others = [executor.submit(count_parts, parts, zone, since) for parts in dealt[1:]]
            totals, files.torn, files.lines = count_parts(dealt[0], zone, since)
            while others:
                more, torn, lines = others.pop(0).result()
                totals.merge(more)
                files.torn += torn
                files.lines += lines
        except BaseException:
            # Who presses Ctrl-C does not wait until the others have counted their share.
            for process in multiprocessing.active_children():
                if process not in before:
                    process.kill()
            raise
    return totals


def _begin() -> None:
    """Let a signal end this process at once and silently, and the end of its parent too."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
