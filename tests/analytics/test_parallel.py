"""A log that several processes count says what it says to one: wherever it is cut, and whatever goes wrong."""

from __future__ import annotations

import datetime
import gzip
import itertools
import json
import multiprocessing
import pathlib
import pickle
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from notifykit.analytics import LogFiles, Totals, deliveries, parallel, read_totals
from notifykit.analytics.files import Part
from notifykit.analytics.parallel import count_files, count_parts, deal
from tests.analytics.log_rows import ROWS
from tests.analytics.test_totals import figures

UTC = datetime.UTC
_LINES = st.one_of(
    ROWS.map(lambda rows: [json.dumps(row).encode() for row in rows]),
    st.lists(st.sampled_from([b"", b" ", b"{", b"[1]", b'{"a":"\xff"}', b'{"a":NaN}', b'{"a":1}\r', b"x" * 300])),
)
#: The files of a log: the lines of each, whether it is compressed, and whether its last line ends.
_FILES = st.lists(
    st.tuples(
        st.lists(_LINES, max_size=3).map(lambda parts: list(itertools.chain(*parts))), st.booleans(), st.booleans()
    ),
    max_size=3,
)
_ROW: dict[str, Any] = {"event": "attempt_finished", "outcome": "accepted", "cost": 1, "elapsed_ms": 3}


def _write(folder: pathlib.Path, files: list[tuple[list[bytes], bool, bool]]) -> list[pathlib.Path]:
    paths = []
    for number, (lines, packed, ended) in enumerate(files):
        content = b"\n".join(lines) + b"\n" * ended
        paths.append(folder / f"sends.jsonl.{number}{'.gz' * packed}")
        paths[-1].write_bytes(gzip.compress(content)[: -1 - number] if packed else content)
    return paths


@settings(max_examples=60, deadline=None)
@given(_FILES, st.integers(1, 9))
def test_files_that_are_dealt_out_add_up_to_the_whole(files: list[Any], readers: int) -> None:
    """Each share is counted alone and sent as between processes: totals, lines and torn lines are the same."""
    with tempfile.TemporaryDirectory() as folder:
        paths = _write(pathlib.Path(folder), files)
        whole = LogFiles(paths)
        expected = figures(read_totals(whole, UTC))
        merged, torn, lines = Totals(UTC), 0, 0
        dealt = deal(paths, readers, least=1)
        assert 1 <= len(dealt) <= readers
        for share in pickle.loads(pickle.dumps(dealt)):
            more, missing, read = pickle.loads(pickle.dumps(count_parts(share, UTC)))
            merged.merge(more)
            torn, lines = torn + missing, lines + read
        assert (figures(merged), torn, lines) == (expected, whole.torn, whole.lines)


def _log(file: pathlib.Path, count: int = 500) -> pathlib.Path:
    rows = ({**_ROW, "to": f"9{number % 70}", "ts": f"2026-06-01T{number % 24:02}:00:00Z"} for number in range(count))
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows) + '{"torn', encoding="utf-8")
    return file


@pytest.fixture(name="shares")
def _shares(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two cores; the list gets how many shares were counted at a time."""
    shares: list[int] = []
    real = parallel._count_dealt

    def noted(files: LogFiles, dealt: Sequence[Sequence[Part]], *more: Any) -> Totals:
        shares.append(len(dealt))
        return real(files, dealt, *more)

    monkeypatch.setattr(parallel, "cores", lambda: 2)
    monkeypatch.setattr(parallel, "_count_dealt", noted)
    return shares


def _agrees(paths: list[pathlib.Path], since: datetime.datetime | None = None) -> None:
    one, several = LogFiles(paths), LogFiles(paths)
    assert figures(count_files(several, UTC, since, least=1)) == figures(read_totals(one, UTC, since))
    assert (several.torn, several.lines) == (one.torn, one.lines)
    assert not multiprocessing.active_children()


def test_two_processes_say_what_one_says(tmp_path: pathlib.Path, shares: list[int]) -> None:
    """A rotated, a compressed and the current file, from a moment on."""
    old, new = _log(tmp_path / "a.jsonl.1"), _log(tmp_path / "a.jsonl")
    packed = tmp_path / "a.jsonl.2.gz"
    packed.write_bytes(gzip.compress(old.read_bytes()))
    _agrees([packed, old, new], datetime.datetime(2026, 6, 1, 12, tzinfo=UTC))
    assert shares == [2]


def test_one_core_or_a_small_log_starts_no_process(
    tmp_path: pathlib.Path, shares: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a log without files."""
    file = _log(tmp_path / "a.jsonl")
    _agrees([])
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    _agrees([file])
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    count_files(LogFiles([file]), UTC)
    assert shares == []


def _between(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Let something happen after a log was dealt out and before it is counted."""
    real = parallel._count_dealt

    def late(*arguments: Any) -> Totals:
        happens()
        return real(*arguments)

    monkeypatch.setattr(parallel, "_count_dealt", late)


def test_a_file_that_is_renamed_meanwhile_is_read_anew(
    tmp_path: pathlib.Path, shares: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places in one file mean nothing in the one that has its name now."""
    file = _log(tmp_path / "a.jsonl")

    def rename() -> None:
        file.rename(tmp_path / "a.jsonl.1")
        _log(file, 20)

    _between(monkeypatch, rename)
    files = LogFiles([file])
    assert count_files(files, UTC, least=1).rows == 20
    assert (files.lines, files.torn, shares) == (21, 1, [2])


def test_rows_that_are_written_meanwhile_are_read(
    tmp_path: pathlib.Path, shares: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last share ends where the file ends when it is read."""
    file = _log(tmp_path / "a.jsonl")

    def append() -> None:
        with file.open("a") as opened:
            opened.write(f"\n{json.dumps(_ROW)}\n")

    _between(monkeypatch, append)
    assert count_files(LogFiles([file]), UTC, least=1).rows == 501
    assert shares == [2]


def test_a_process_that_is_killed_loses_nothing(tmp_path: pathlib.Path, shares: list[int]) -> None:
    """This one counts all rows instead."""
    file = _log(tmp_path / "a.jsonl")
    ended = threading.Event()

    def kill() -> None:
        while not (children := multiprocessing.active_children()) and not ended.wait(0.001):
            pass
        for child in children:
            child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        _agrees([file])
    finally:
        ended.set()
        killer.join()
    assert shares == [2]


def test_a_file_that_is_missing_is_said(tmp_path: pathlib.Path, shares: list[int]) -> None:
    """By its name, also where it went while the others were counted."""
    with pytest.raises(FileNotFoundError, match="gone"):
        count_files(LogFiles([_log(tmp_path / "a.jsonl"), tmp_path / "gone.jsonl"]), UTC, least=1)
    assert shares == []


def test_shares_are_about_equal_and_cut_where_lines_end(tmp_path: pathlib.Path) -> None:
    """Every line is in one of them."""
    file = _log(tmp_path / "a.jsonl", 4000)
    dealt = deal([file], 4, least=1)
    sizes = [(part.end or file.stat().st_size) - part.start for (part,) in dealt]
    assert max(sizes) < 1.01 * min(sizes)
    content = file.read_bytes()
    assert all(content[part.start - 1] == ord("\n") for (part,) in dealt[1:])
    assert all(first.end == second.start for (first,), (second,) in itertools.pairwise(dealt))


def test_a_report_in_the_next_share_finds_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where both shares together have more requests than are kept."""
    monkeypatch.setattr(deliveries, "_MOST_REQUESTS", 10)
    first, second = Totals(UTC), Totals(UTC)
    for number in range(16):
        ts = f"2026-06-01T10:00:{number:02}.000Z"
        (first if number < 8 else second).add({**_ROW, "to": "9", "msg_id": f"m{number}", "ts": ts})
    report = {"event": "delivery_changed", "id": "m7", "before": None, "state": "delivered"}
    second.add({**report, "ts": "2026-06-01T10:00:09.000Z"})
    merged = first.merge(second)
    assert merged.deliveries.times.total() == 1
    assert merged.deliveries.full
