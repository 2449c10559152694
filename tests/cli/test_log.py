"""``notifykit log``: both shapes of rows, torn lines, rotated files, following, counting."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import signal
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, strategies as st

from notifykit.analytics import parallel
from notifykit.analytics.totals import DIMENSIONS
from notifykit.cli.log_reader import LogReader
from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run, command, environment, start, terminal

#: A row as the documented client writes it.
DOCUMENTED: dict[str, Any] = {
    "ts": "2026-03-04T10:00:00+00:00",
    "endpoint": "send",
    "request": {
        "username": "myuser",
        "password": "***",
        "sender": "MYAPP",
        "mobile": "96598765432,96598765433",
        "message": "Your OTP is: 123456",
        "test": "0",
    },
    "response": {
        "result": "OK",
        "msg-id": "f4c841adee210f31",
        "numbers": 2,
        "points-charged": 2,
        "balance-after": 149,
        "unix-timestamp": 1741082400,
    },
    "ok": True,
    "error": None,
}
LOST = {**DOCUMENTED, "response": None, "ok": False, "error": "timed out"}
REFUSED = {
    **DOCUMENTED,
    "response": {"result": "ERROR", "code": "ERR010", "description": "Account balance is zero."},
    "ok": False,
    "error": None,
}


def write(file: pathlib.Path, rows: Iterable[Mapping[str, Any]]) -> pathlib.Path:
    """Write rows to a file, one a line."""
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture(name="sends")
def _sends(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    """The log of an accepted message, a refused one, and one whose queue was full once."""
    monkeypatch.setenv("NOTIFYKIT_LOG_FILE", str(tmp_path / "sends.jsonl"))
    run("send", "96598765432", "Hello", "--sender", "MY-APP")
    run("send", "96545000010", "Hello")
    return tmp_path / "sends.jsonl"


def test_the_last_entries_are_shown(sends: pathlib.Path, run: Run) -> None:
    """What became of each message, redacted; every row on request."""
    answer = run("log", "tail")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert len(lines) == 2
    assert "accepted  965****5432" in lines[0]
    assert "rejected  965****0010  ERR010" in lines[1]
    assert "message_planned" in run("log", "tail", "-v").out
    assert len(run("log", "tail", "-n", "1").out.splitlines()) == 1


def test_only_what_went_wrong_is_shown_on_request(sends: pathlib.Path, run: Run) -> None:
    """Rejected and unknown."""
    answer = run("log", "tail", "--errors", "--json")
    assert [entry["code"] for entry in answer.data] == ["ERR010"]


@pytest.mark.parametrize(("since", "count"), [("1h", 2), ("30m", 2), ("2099-01-01", 0), ("2000-01-01T00:00", 2)])
def test_entries_can_be_taken_from_a_moment_on(sends: pathlib.Path, run: Run, since: str, count: int) -> None:
    """An age or a date."""
    assert len(run("log", "tail", "--since", since).out.splitlines()) == count


def test_an_age_that_is_none_is_an_error(sends: pathlib.Path, run: Run) -> None:
    """With two that are."""
    answer = run("log", "tail", "--since", "soon")
    assert answer.code == 2
    assert "like 1h or 7d" in answer.err


def test_one_message_is_shown_whole(sends: pathlib.Path, run: Run) -> None:
    """By its own id or the provider's, or the beginning of either."""
    rows = [json.loads(line) for line in sends.read_text().splitlines()]
    attempt = next(row for row in rows if row["event"] == "attempt_finished")
    for name in (attempt["id"], attempt["msg_id"], attempt["msg_id"][:8]):
        data = run("log", "show", name, "--json").data
        assert [entry["event"] for entry in data] == ["message_planned", "attempt_finished", "send_finished"]


def test_an_id_that_is_not_there_is_an_error_like_any_other(sends: pathlib.Path, run: Run) -> None:
    """With the next command, and in the document."""
    answer = run("log", "show", "nothing")
    assert answer.code == 1
    assert answer.err == "notifykit: No entry has the id 'nothing'.\nNext: notifykit log tail\n"
    document = run("log", "show", "nothing", "--file", str(sends), "--json").document
    assert document["error"]["message"] == "No entry has the id 'nothing'."
    assert document["error"]["next"] == f"notifykit log tail --file {sends}"


@pytest.mark.parametrize("by", DIMENSIONS)
def test_messages_are_counted(sends: pathlib.Path, run: Run, by: str) -> None:
    """By day, sender, code or country; a test is no cost."""
    rows = run("log", "stats", "--by", by, "--json").data["rows"]
    assert sum(row["messages"] for row in rows) == 2
    assert sum(row["accepted"] for row in rows) == 1
    assert sum(row["test"] for row in rows) == 2
    assert sum(row["cost"] for row in rows) == 0
    assert run("log", "stats", "--by", by).out.splitlines()[0].split()[0] == by


def test_what_stands_out_is_said_below_the_table(tmp_path: pathlib.Path, run: Run) -> None:
    """A burst to a country, what errors are about, and the time to delivery; the same for programs."""
    sent = {"event": "attempt_finished", "to": "447****1234", "country": "GB", "test": False}
    rows: list[dict[str, Any]] = [
        {**sent, "ts": f"2026-06-01T03:{n:02}:00Z", "outcome": "accepted", "msg_id": f"m{n}"} for n in range(30)
    ]
    report = {"event": "delivery_changed", "before": None, "state": "delivered", "ts": "2026-06-01T09:00:00Z"}
    rows += [{**report, "id": f"m{n}", "happened": f"2026-06-01T03:{n:02}:08Z"} for n in range(30)]
    rows.append({**sent, "ts": "2026-06-03T09:00:00Z", "outcome": "rejected", "code": "ERR010"})
    file = write(tmp_path / "sends.jsonl", [*rows, {**rows[-1], "scope": "network", "ts": "none"}])
    shown = run("log", "stats", "--file", str(file)).out
    assert "sudden traffic to GB 447: 30 messages at 2026-06-01 03:00 UTC, where 20 are usual at most\n" in shown
    assert "errors about: account 1, network 1\n" in shown
    data = run("log", "stats", "--file", str(file), "--json").data
    assert data["scopes"] == {"account": 1, "network": 1}
    assert data["delivery_seconds"]["p95"] == pytest.approx(8, rel=0.03)
    (destination,) = data["radar"]
    assert destination["alarms"] == [{"hour": "2026-06-01T03:00Z", "messages": 30}]


def test_rows_of_the_documented_client_are_read(tmp_path: pathlib.Path, run: Run) -> None:
    """A row is a request: its numbers are counted, and neither they nor the text are shown."""
    file = write(tmp_path / "kwtsms.log", [DOCUMENTED, LOST, REFUSED, {**DOCUMENTED, "endpoint": "balance"}])
    rows = run("log", "stats", "--by", "code", "--file", str(file), "--json").data["rows"]
    assert {row["code"]: row["messages"] for row in rows} == {"accepted": 2, "ERR010": 2, "unknown": 2}
    assert sum(row["cost"] for row in rows) == 2
    shown = run("log", "tail", "--file", str(file)).out + run("log", "tail", "--file", str(file), "--json").out
    assert "96598765432" not in shown
    assert "OTP" not in shown
    assert run("log", "show", "f4c8", "--file", str(file)).code == 0


def test_the_log_of_the_documented_client_is_found_by_its_setting(
    tmp_path: pathlib.Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the framework has no log of its own."""
    write(tmp_path / "kwtsms.log", [DOCUMENTED])
    monkeypatch.setenv("KWTSMS_LOG_FILE", str(tmp_path / "kwtsms.log"))
    assert "2 numbers" in run("log", "tail").out


def test_a_log_that_is_not_there_is_an_error(run: Run) -> None:
    """With the way to have one."""
    answer = run("log", "tail", "--file", "nowhere.jsonl")
    assert answer.code == 2
    assert "NOTIFYKIT_LOG_FILE" in answer.err
    assert run("log").code == 2


def test_a_torn_line_is_left_out_and_counted(sends: pathlib.Path, run: Run) -> None:
    """Whatever half a row looks like."""
    with sends.open("a") as opened:
        opened.write('[1]\n{"v":1}\nnull\n{"v":1,"ts":"2026-')
    answer = run("log", "tail", "--json")
    assert [entry["outcome"] for entry in answer.data if "outcome" in entry] == ["accepted", "rejected"]
    assert answer.document["warnings"] == ["4 lines could not be read"]
    warnings = run("log", "stats").err
    assert "warning: 3 lines could not be read" in warnings
    assert "warning: 1 row of another program left out" in warnings


def test_rotated_files_come_first(sends: pathlib.Path, run: Run) -> None:
    """Packed or not; files with other names stay out."""
    old = {**DOCUMENTED, "request": {**DOCUMENTED["request"], "mobile": "96550000001"}}
    with gzip.open(f"{sends}.2.gz", "wt") as opened:
        opened.write(json.dumps(old) + "\n")
    write(sends.with_name(f"{sends.name}.1"), [old])
    write(sends.with_name(f"{sends.name}.bak"), [old])
    lines = run("log", "tail").out.splitlines()
    assert len(lines) == 4
    assert all("965****0001" in line for line in lines[:2])


def test_half_a_packed_file_is_read_as_far_as_it_goes(sends: pathlib.Path, run: Run) -> None:
    """A rotation that was cut off is no reason to see nothing."""
    packed = gzip.compress(json.dumps(DOCUMENTED).encode())
    sends.with_name(f"{sends.name}.1.gz").write_bytes(packed[:-9])
    assert run("log", "tail").code == 0


def test_a_table_can_go_to_a_spreadsheet(tmp_path: pathlib.Path, run: Run) -> None:
    """Foreign words never become formulas, in CSV or in Excel."""
    openpyxl = pytest.importorskip("openpyxl")
    senders = ["=1+1", "+CMD", "-2", "@SUM(A1)", "\t=1", "MYAPP"]
    rows = [{**DOCUMENTED, "request": {**DOCUMENTED["request"], "sender": sender}} for sender in senders]
    file = write(tmp_path / "kwtsms.log", rows)
    lines = run("log", "stats", "--by", "sender", "--csv", "--file", str(file)).out.splitlines()
    assert lines[0] == "sender,messages,accepted,rejected,unknown,skipped,test,cost"
    assert {line.split(",")[0] for line in lines[1:]} == {"'=1+1", "'+CMD", "'-2", "'@SUM(A1)", "'\\t=1", "MYAPP"}
    assert run("log", "stats", "--by", "sender", "--xlsx", str(tmp_path / "june.xlsx"), "--file", str(file)).code == 0
    cells = [row[0] for row in openpyxl.load_workbook(tmp_path / "june.xlsx").active.iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.value for cell in cells} == set(senders)
    assert run("log", "stats", "--csv", "--json", "--file", str(file)).code == 2
    assert run("log", "stats", "--xlsx", str(tmp_path / "no" / "x.xlsx"), "--file", str(file)).code == 2


def test_several_logs_are_counted_together(tmp_path: pathlib.Path, run: Run) -> None:
    """Each with its rotated files."""
    files = [write(tmp_path / name, [DOCUMENTED]) for name in ("a.log", "b.log")]
    write(tmp_path / "b.log.1", [REFUSED])
    options = [word for file in files for word in ("--file", str(file))]
    rows = run("log", "stats", "--json", *options).data["rows"]
    assert [(row["accepted"], row["rejected"]) for row in rows] == [(4, 2)]


@given(st.text())
def test_no_line_breaks_the_reader(line: str) -> None:
    """Anything may stand in a file."""
    reader = LogReader(pathlib.Path("nowhere"))
    entry = reader.parse(line)
    assert entry is None or isinstance(str(entry), str)


def test_a_log_is_followed_until_ctrl_c(sends: pathlib.Path) -> None:
    """Rows appear as they are written, one JSON object a line; also after the file was rotated away."""
    with terminal("log", "tail", "-f", "--json", "-n", "1") as shown:
        shown.read_until("send_finished")
        with sends.open("a") as opened:
            opened.write(json.dumps({**DOCUMENTED, "ok": True}) + "\n")
        shown.read_until("f4c841adee210f31")
        sends.rename(sends.with_name(f"{sends.name}.1"))
        write(sends, [REFUSED])
        shown.read_until("Account balance is zero")
        shown.interrupt()
        assert shown.end() == 130
    assert "Traceback" not in shown.shown


def test_a_closed_pipe_is_no_error(sends: pathlib.Path) -> None:
    """``| head`` closes the pipe."""
    write(sends, [DOCUMENTED] * 20_000)
    with start_piped("log", "tail", "-n", "20000") as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == b""


def start_piped(*arguments: str) -> Any:
    """Start the program with pipes that a test reads itself."""
    return subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())


def test_a_log_in_a_pipe_is_utf_8(sends: pathlib.Path) -> None:
    """Whatever the locale."""
    write(sends, [{**REFUSED, "response": {"code": "ERR010", "description": "الرصيد صفر"}}])
    assert "الرصيد صفر" in start("log", "tail", LC_ALL="C").stdout.decode("utf-8")


def test_prune_deletes_renamed_files_that_are_older(run: Run, tmp_path: pathlib.Path) -> None:
    """Never the one that is written to; --dry-run only says which."""
    log = write(tmp_path / "sends.jsonl", [DOCUMENTED])
    old, new = write(tmp_path / "sends.jsonl.2", [DOCUMENTED]), write(tmp_path / "sends.jsonl.1", [DOCUMENTED])
    for file in (old, log):
        os.utime(file, (0, 0))
    assert run("log", "prune", "--older", "1d", "--file", str(log), "--dry-run").out == f"would delete {old}\n"
    assert old.exists()
    answer = run("log", "prune", "--older", "1d", "--file", str(log))
    assert answer.out == f"deleted {old}\n"
    assert "NOTIFYKIT_LOG_SIZE" in answer.err
    assert (old.exists(), new.exists(), log.exists()) == (False, True, True)
    assert run("log", "prune", "--older", "1d", "--file", str(log)).out == "nothing to delete\n"


@pytest.mark.skipif(not pathlib.Path("/proc/self/task").exists(), reason="children are looked up in /proc")
@pytest.mark.skipif(parallel.cores() < 2, reason="one core starts no process")
@pytest.mark.parametrize("group", [False, True])
def test_ctrl_c_ends_all_processes_that_count(tmp_path: pathlib.Path, group: bool) -> None:
    """Whether every process gets the signal or only the first; none goes on, and none prints a traceback."""
    row = {"ts": "2026-06-01T10:00:00Z", "event": "attempt_finished", "outcome": "accepted", "to": "9", "cost": 1}
    file = tmp_path / "large.jsonl"
    file.write_bytes((json.dumps(row) + "\n").encode() * 600_000)
    program = command("log", "stats", "--file", str(file))
    with subprocess.Popen(program, stderr=subprocess.PIPE, env=environment(), start_new_session=True) as process:
        children: list[int] = []
        while len(children) < 2:  # one that counts, and the one that multiprocessing starts to clean up after it
            assert process.poll() is None
            listed = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
            children = [int(number) for number in listed.split()]
        # The one that counts reads the log once it has begun.
        while not any(_has_open(child, file) for child in children):
            assert process.poll() is None
        (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert not any(_has_open(child, file) for child in children)


def _has_open(process: int, file: pathlib.Path) -> bool:
    try:
        return any(one.resolve() == file for one in pathlib.Path(f"/proc/{process}/fd").iterdir())
    except OSError:  # it has ended
        return False
