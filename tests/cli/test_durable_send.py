"""``notifykit send --durable``: a send that survives the process, and its output."""

from __future__ import annotations

import datetime
import pathlib
import re
import sqlite3
import subprocess
import sys
import time
import zoneinfo

import click
import pytest

from notifykit.cli.durable_send import parse_time, show_time
from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run, command, environment, terminal
from tests.durable.conftest import be_fast, shorten_delays

pytestmark = pytest.mark.slow

ONE = "96598765432"
TWO = "96598765433"
#: Six requests: at four a second long enough to be interrupted in.
MANY = 1_200


@pytest.fixture(name="people")
def _people(tmp_path: pathlib.Path) -> pathlib.Path:
    """A table with the numbers of six requests."""
    file = tmp_path / "people.csv"
    file.write_text("name,mobile\n" + "".join(f"A,9655{number:07d}\n" for number in range(MANY)), encoding="utf-8")
    return file


@pytest.fixture(name="live")
def _live(gateway: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """An account that is live, with enough credit: the test queue is shorter than the list."""
    gateway.account.change(balance=100_000)
    monkeypatch.setenv("KWTSMS_TEST_MODE", "0")
    return gateway


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll often, and leave no gap between two messages to one number: an interrupted send would wait for it."""
    be_fast(monkeypatch)
    monkeypatch.setattr("notifykit_kwtsms.transport.SAME_NUMBER_GAP", 0.0)


def arrived(gateway: Sandbox) -> list[str]:
    """Return every number that the gateway took, as often as it took it."""
    return [number for message in gateway.messages for number in message.numbers]


def test_a_durable_send_is_made_and_reported_as_any_other(gateway: Sandbox, run: Run) -> None:
    """Its name and its sums first; the exit code is that of a send."""
    answer = run("send", ONE, "abc", "Hello", "--durable", "--key", "opening")
    assert answer.code == 3
    assert answer.out.startswith("job       opening: done, 1 accepted, 1 rejected\naccepted  965****5432 (no. 1)")
    assert "1 point charged, 149 points left" in answer.out
    assert arrived(gateway) == [ONE]
    assert "opening" in run("jobs").out


def test_the_same_again_is_the_same_job(gateway: Sandbox, run: Run) -> None:
    """No recipient is sent to twice, and the answer shows the outcome."""
    first = run("send", ONE, "Hello", "--durable", "--key", "opening")
    again = run("send", ONE, "Hello", "--durable", "--key", "opening")
    assert (first.code, again.code) == (0, 0)
    assert again.out == first.out
    assert "Job opening already exists (created " in again.err
    assert arrived(gateway) == [ONE]


def test_the_key_of_another_job_is_an_error(gateway: Sandbox, run: Run) -> None:
    """With what differs, and without showing either."""
    run("send", ONE, "Hello", "--durable", "--key", "opening")
    answer = run("send", ONE, "Good-bye", "--durable", "--key", "opening")
    assert answer.code == 2
    assert "the text is another one" in answer.err
    assert "Good-bye" not in answer.err
    assert len(gateway.messages) == 1


def test_a_job_without_a_name_gets_one(gateway: Sandbox, run: Run) -> None:
    """One that can be typed, and another each time."""
    first, second = (run("send", ONE, "Hello", "--durable", "--json").data["key"] for _ in range(2))
    assert first != second
    assert run("jobs", first).code == 0
    assert len(gateway.messages) == 2


def test_json_is_the_document_of_the_job(gateway: Sandbox, run: Run) -> None:
    """The one that ``jobs`` prints, with the edits of the text and whether it was interrupted."""
    answer = run("send", ONE, "Hello", "--durable", "--key", "opening", "--json")
    assert answer.code == 0
    shown = run("jobs", "opening", "--json").data
    assert {**answer.data, "rate": None} == {**shown, "rate": None, "interrupted": False, "edits": []}
    assert (answer.data["state"], answer.data["accepted"], answer.data["cost"]) == ("done", 1, 1)
    assert answer.document["warnings"][0].startswith("Test mode")


def test_unknown_outcomes_are_reported_first(gateway: Sandbox, run: Run) -> None:
    """Exit code 6, and how to decide about it."""
    answer = run("send", "96545006001", "Hello", "--durable", "--key", "opening")
    assert answer.code == 6
    assert "notifykit jobs settle opening --unknown as-sent|resend" in answer.err
    assert "It may have been sent" in answer.out


def test_a_template_is_the_text(gateway: Sandbox, run: Run) -> None:
    """Filled as every send fills it."""
    pathlib.Path("notifykit.toml").write_text("[templates]\nopening = 'We open at {hour}'\n", encoding="utf-8")
    answer = run("send", ONE, "--template", "opening", "--var", "hour=nine", "--durable")
    assert answer.code == 0
    assert [message.text for message in gateway.messages] == ["We open at nine"]


def test_a_dry_run_keeps_nothing(gateway: Sandbox, run: Run) -> None:
    """There is no job afterwards."""
    assert run("send", ONE, "Hello", "--durable", "--key", "opening", "--dry-run").code == 0
    assert "There are no jobs" in run("jobs").err
    assert not gateway.messages


# --- what is asked first ---


def test_a_live_send_is_asked_about(live: Sandbox, run: Run, people: pathlib.Path) -> None:
    """With what it costs; nothing is stored before the confirmation."""
    answer = run("send", "--to-file", str(people), "--column", "mobile", "Hello", "--durable", "--key", "opening")
    assert answer.code == 7
    assert "LIVE: 1,200 recipients" in answer.err
    assert "This costs 1,200 points, above --max-cost 10." in answer.err
    assert "There are no jobs" in run("jobs").err
    assert not live.messages


def test_what_is_over_is_not_asked_about(live: Sandbox, run: Run) -> None:
    """Nothing can be sent by it any more."""
    assert run("send", ONE, "Hello", "--durable", "--key", "opening", "--yes").code == 0
    answer = run("send", ONE, "Hello", "--durable", "--key", "opening")
    assert answer.code == 0
    assert "LIVE" not in answer.err


def test_live_is_no_word_that_a_job_can_keep(gateway: Sandbox, run: Run) -> None:
    """The next worker would send the rest as a test: the settings have to say it."""
    answer = run("send", ONE, "Hello", "--durable", "--live", "--yes")
    assert answer.code == 2
    assert "KWTSMS_TEST_MODE=0" in answer.err
    assert not gateway.messages


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--key", "opening"), "--key is about a job: add --durable"),
        (("--at", "09:00", "--urgent"), "--at and --urgent are about a job"),
        (("--expires-in", "2h"), "--expires-in is about a job"),
        (("--durable", "--deadline", "5"), "a job has --expires-in"),
        (("--durable", "--via", "kwtsms://u:p@default"), "[tool.notifykit.transports]"),
        (("--durable", "--at", "tomorrow"), "--at: 'tomorrow' is no time"),
        (("--durable", "--at", "2020-01-01T09:00"), "is over: give a time to come"),
        (("--durable", "--expires-in", "soon"), "--expires-in: 'soon' is not a length of time"),
    ],
)
def test_options_that_do_not_go_together_are_errors(
    gateway: Sandbox, run: Run, options: tuple[str, ...], said: str
) -> None:
    """With what to do instead; nothing is sent."""
    answer = run("send", ONE, "Hello", *options)
    assert answer.code == 2
    assert said in answer.err
    assert not gateway.messages


def test_without_the_extra_it_says_what_to_install(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is asked or sent."""
    monkeypatch.delitem(sys.modules, "notifykit.durable.engine", raising=False)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    monkeypatch.setitem(sys.modules, "sqlalchemy.exc", None)
    answer = run("send", ONE, "Hello", "--durable")
    assert answer.code == 2
    assert 'python -m pip install "notifykit[durable]"' in answer.err
    assert not gateway.messages


# --- who sends it, and when ---


def test_workers_send_it_where_the_settings_say_so(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command returns at once; a worker does the rest."""
    monkeypatch.setenv("NOTIFYKIT_WORKERS", "separate")
    answer = run("send", ONE, "Hello", "--durable", "--key", "opening")
    assert (answer.code, answer.out) == (0, "job       opening: running, 1 left\n")
    assert "`notifykit worker` runs one" in answer.err
    assert not gateway.messages
    worker = subprocess.Popen(command("worker"), stderr=subprocess.DEVNULL, env=environment())
    try:
        assert run("jobs", "wait", "opening", "--timeout", "30").code == 0
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
    assert arrived(gateway) == [ONE]


def test_what_begins_later_waits_here(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, and sends when it is time: here the hour is a second."""
    delays = shorten_delays(monkeypatch, most=1.5)
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    answer = run("send", ONE, "Hello", "--durable", "--at", at.isoformat())
    assert answer.code == 0
    assert "is sent here: leave this running" in answer.err
    assert delays == [pytest.approx(3600, abs=60)]
    assert arrived(gateway) == [ONE]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("2026-12-01T09:00+03:00", "2026-12-01T06:00+00:00"),
        ("2026-12-01 09:00Z", "2026-12-01T09:00+00:00"),
        ("12:31", "2026-11-22T12:31+00:00"),
        ("12:30", "2026-11-23T12:30+00:00"),
        ("9:00", "2026-11-23T09:00+00:00"),
        ("2026-12-01T09:00", "2026-12-01T09:00+00:00"),
    ],
)
def test_a_time_is_the_next_one_of_its_kind(monkeypatch: pytest.MonkeyPatch, words: str, expected: str) -> None:
    """By the clock of this machine where no zone is named."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    now = datetime.datetime(2026, 11, 22, 12, 30, tzinfo=datetime.UTC)
    assert parse_time(words, now) == datetime.datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("09:00", "2026-11-23T09:00+03:00"),
        ("16:00", "2026-11-22T16:00+03:00"),
        ("Tomorrow 9:00", "2026-11-23T09:00+03:00"),
        ("tomorrow 16:00", "2026-11-23T16:00+03:00"),
        ("today 16:00", "2026-11-22T16:00+03:00"),
        ("2026-12-01T09:00", "2026-12-01T09:00+03:00"),
        ("2026-12-01T09:00Z", "2026-12-01T09:00+00:00"),
    ],
)
def test_a_time_is_that_of_the_zone_of_the_settings(monkeypatch: pytest.MonkeyPatch, words: str, expected: str) -> None:
    """On a server whose clock shows another one; a time says both."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    now = datetime.datetime(2026, 11, 22, 12, 30, tzinfo=datetime.UTC)
    zone = zoneinfo.ZoneInfo("Asia/Kuwait")
    assert parse_time(words, now, zone) == datetime.datetime.fromisoformat(expected)
    assert show_time(now, zone) == "2026-11-22 15:30 Asia/Kuwait (here 2026-11-22 12:30 UTC)"
    assert show_time(now) == "2026-11-22 12:30 UTC"


@pytest.mark.parametrize("words", ["2026-12-01", "24:00", "09:60", "9", "", "soon"])
def test_what_is_no_time_is_an_error(words: str) -> None:
    """A day alone is not a time."""
    with pytest.raises(click.UsageError, match="is no time"):
        parse_time(words, datetime.datetime(2026, 11, 22, 12, 30, tzinfo=datetime.UTC))


# --- the process ends in the middle ---


def test_a_killed_process_loses_nothing_and_sends_nothing_twice(live: Sandbox, run: Run, people: pathlib.Path) -> None:
    """SIGKILL in the middle; the same command goes on, and says who may have been sent to."""
    words = ("send", "--to-file", str(people), "--column", "mobile", "Hello", "--durable", "--key", "opening", "--yes")
    with subprocess.Popen(command(*words), stderr=subprocess.DEVNULL, env=environment()) as process:
        _wait_for(live, 2)
        process.kill()
    assert 0 < len(arrived(live)) < MANY
    answer = run(*words)
    shown = run("jobs", "opening", "--json").data
    assert shown["left"] == 0
    assert shown["accepted"] + shown["unknown"] == MANY
    assert answer.code == (6 if shown["unknown"] else 0)
    assert len(arrived(live)) == len(set(arrived(live)))
    assert shown["accepted"] <= len(arrived(live)) <= MANY


def test_an_interrupt_leaves_the_rest_on_disk(live: Sandbox, run: Run, people: pathlib.Path) -> None:
    """What is out is finished; the command says how to go on, and that works."""
    words = ("send", "--to-file", str(people), "--column", "mobile", "Hello", "--durable", "--key", "opening", "--yes")
    with terminal(*words) as person:
        person.read_until("a second")
        assert "/1200 accepted" in person.shown
        person.interrupt()
        assert person.end(30) == 130
        assert "notifykit jobs resume opening" in person.shown
    left = run("jobs", "opening", "--json").data
    assert 0 < left["left"] < MANY
    assert left["unknown"] == 0
    assert run("jobs", "resume", "opening").code == 0
    assert sorted(arrived(live)) == [f"9655{number:07d}" for number in range(MANY)]


def test_a_list_that_can_not_be_read_to_its_end_is_not_sent_at_all(
    gateway: Sandbox, run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing: no job is left, also where the file broke after the plan."""
    file = tmp_path / "people.txt"
    file.write_text(f"{ONE}\n{TWO}\n", encoding="utf-8")
    rows = iter([[ONE, TWO], None])

    def read(*_: object) -> object:
        found = next(rows)
        if found is not None:
            return iter(found)
        return _breaking()

    monkeypatch.setattr("notifykit.cli.inputs.read_addresses", read)
    answer = run("send", "--to-file", str(file), "Hello", "--durable", "--key", "opening")
    assert answer.code == 2
    assert "the file was deleted" in answer.err
    assert not gateway.messages
    with sqlite3.connect(state() / "jobs.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM notifykit_jobs").fetchone() == (0,)
    database.close()


def _breaking() -> object:
    yield ONE
    raise click.UsageError("the file was deleted")


def state() -> pathlib.Path:
    """Return the folder that this test keeps its state in."""
    return pathlib.Path(environment()["NOTIFYKIT_STATE_DIR"])


def _wait_for(gateway: Sandbox, messages: int) -> None:
    ends = time.monotonic() + 30
    while len(gateway.messages) < messages:
        assert time.monotonic() < ends, "nothing arrived"
        time.sleep(0.02)


# --- what every send can say ---


def test_the_medium_and_the_line_above_are_said(run: Run, tmp_path: pathlib.Path) -> None:
    """An e-mail address is one where the channel says so; the dry run and the send agree."""
    via = ("--via", f"file://{tmp_path}/out.jsonl")
    words = ("send", "ada@example.com", "We open at nine", "--channel", "email", "--subject", "Opening")
    assert "1 recipient" in run(*words, *via, "--dry-run").out
    assert run(*words, *via).code == 0
    assert '"Opening"' in (tmp_path / "out.jsonl").read_text(encoding="utf-8")


def test_an_unknown_outcome_can_be_moved_on(gateway: Sandbox, run: Run) -> None:
    """Only with --move-unknown the next transport is asked."""
    words = ("send", "96545006001", "Hello", "--via", "failover(kwtsms, memory)")
    assert run(*words).code == 6
    gateway.reset()
    answer = run(*words, "--move-unknown", "--json")
    assert answer.code == 0
    assert [attempt["outcome"] for attempt in answer.data["receipts"][0]["tries"]] == ["unknown", "accepted"]


def test_a_job_can_go_through_a_transport_with_a_name(gateway: Sandbox, run: Run) -> None:
    """The name is kept with it; the settings say what it stands for."""
    pathlib.Path("notifykit.toml").write_text('[transports]\nquiet = "null"\n', encoding="utf-8")
    answer = run("send", ONE, "Hello", "--durable", "--via", "quiet")
    assert answer.code == 0
    assert not gateway.messages


def test_a_duplicate_is_sent_to_once(live: Sandbox, run: Run, tmp_path: pathlib.Path) -> None:
    """Also where another request would carry the second; a duplicate is no failure."""
    file = tmp_path / "people.txt"
    file.write_text("".join(f"9655{number:07d}\n" for number in (*range(300), 0, 1)), encoding="utf-8")
    answer = run("send", "--to-file", str(file), "Hello", "--durable", "--key", "opening", "--yes", "--max-cost", "300")
    assert answer.code == 0
    assert "opening: done, 300 accepted, 2 skipped" in answer.out
    assert "300 points charged" in answer.out
    assert len(arrived(live)) == len(set(arrived(live))) == 300


def test_progress_names_the_rate_and_the_time_that_is_left(live: Sandbox, run: Run, people: pathlib.Path) -> None:
    """In a pipe as lines, on standard error; not with --json and not with --no-progress."""
    words = ("send", "--to-file", str(people), "--column", "mobile", "--durable", "--yes")
    line = r"^\d+/1200 accepted \d+, [\d,.]+ a second, \d+ s left$"
    assert re.search(line, run(*words, "Hello", "--key", "a").err, re.MULTILINE)
    for number, quiet in ((ONE, "--no-progress"), (TWO, "--json")):
        assert "accepted" not in run("send", number, "Hello", "--durable", "--yes", quiet).err


def test_what_is_paused_is_not_waited_for(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command says how to go on, and nothing is sent."""
    monkeypatch.setenv("NOTIFYKIT_WORKERS", "separate")
    run("send", ONE, "Hello", "--durable", "--key", "opening")
    run("jobs", "pause", "opening")
    monkeypatch.setenv("NOTIFYKIT_WORKERS", "embedded")
    answer = run("send", ONE, "Hello", "--durable", "--key", "opening")
    assert "It is paused. Next: notifykit jobs resume opening" in answer.err
    assert not gateway.messages
    assert run("jobs", "resume", "opening").code == 0
    assert arrived(gateway) == [ONE]


def test_what_came_too_late_is_skipped(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """--expires-in counts from when it may begin; nothing is sent after that."""
    monkeypatch.setenv("NOTIFYKIT_WORKERS", "separate")
    run("send", ONE, "Hello", "--durable", "--key", "opening", "--expires-in", "0.01s")
    monkeypatch.setenv("NOTIFYKIT_WORKERS", "embedded")
    answer = run("send", ONE, "Hello", "--durable", "--key", "opening", "--expires-in", "0.01s")
    assert answer.code == 1
    assert "opening: done, 1 skipped" in answer.out
    assert not gateway.messages


@pytest.mark.parametrize(("at", "waits"), [("23:30", True), ("09:30", False)])
def test_a_dry_run_of_a_job_judges_quiet_hours_by_its_start(gateway: Sandbox, run: Run, at: str, waits: bool) -> None:
    """Recipients wait then: they are neither left out nor an error, whatever the time is now."""
    settings = '[tool.notifykit]\nzone = "Asia/Kuwait"\n[tool.notifykit.guard]\nquiet_hours = "22:00-08:00"\n'
    pathlib.Path("pyproject.toml").write_text(settings, encoding="utf-8")
    answer = run("send", ONE, "Hello", "--durable", "--at", f"tomorrow {at}", "--dry-run")
    assert answer.code == 0
    assert ("waits       1 recipient for quiet_hours" in answer.out) is waits
    assert "held back" not in answer.out
    assert gateway.messages == ()


def test_more_test_messages_than_the_queue_holds_are_warned_of(
    gateway: Sandbox, run: Run, people: pathlib.Path
) -> None:
    """Before anything is sent: the gateway refuses the rest."""
    sentence = "1,200 messages do not fit into the provider's queue, which holds 1,000"
    arguments = ("send", "--to-file", str(people), "--column", "mobile", "Hello", "--dry-run")
    assert sentence in run(*arguments).err
    assert any(sentence in warning for warning in run(*arguments, "--json").document["warnings"])
    assert sentence not in run("send", ONE, "Hello", "--dry-run").err


def test_a_job_that_waits_says_so(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why, and for how long, before the wait."""
    shorten_delays(monkeypatch, 0.05)
    gateway.chaos("ERR013")
    answer = run("send", ONE, "Hello", "--durable")
    assert answer.code == 0
    assert "ERR013" in answer.err
    assert "trying again in" in answer.err
