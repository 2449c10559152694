"""``notifykit campaign``: a table, each row its own text, and the table of results."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import threading

import pytest

from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run, on_terminal, start, terminal
from tests.durable.conftest import be_fast

pytestmark = pytest.mark.slow

EID = "[templates.eid]\nen = 'Happy Eid {name}'\nar = 'عيد مبارك يا {name}'\n"
#: One row that is sent, in each language; one without a name; one with a wrong number; one that comes again.
PEOPLE = (
    "Name,Mobile,Lang,Card\n"
    "سارة,96598765432,ar,00123\n"
    "Omar,+965 9876 5433,en,=1+1\n"
    ",96598765434,en,\n"
    "Noor,12,en,\n"
    "Twice,96598765432,en,\n"
)
ASKED = ("--to", "Mobile", "--template", "eid", "--var", "name=@Name", "--language", "@Lang")


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch, gateway: Sandbox) -> None:
    """A folder with the template, a quick engine, and an account with credit."""
    be_fast(monkeypatch)
    monkeypatch.setattr("notifykit_kwtsms.transport.SAME_NUMBER_GAP", 0.0)
    pathlib.Path("notifykit.toml").write_text(EID, encoding="utf-8")
    pathlib.Path("people.csv").write_text(PEOPLE, encoding="utf-8")


def texts(gateway: Sandbox) -> list[tuple[str, str]]:
    """Return every number with the text that it got."""
    return [(number, message.text) for message in gateway.messages for number in message.numbers]


def results(name: str = "out.csv") -> list[dict[str, str]]:
    """Return the rows of a file of results."""
    with pathlib.Path(name).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_each_row_is_sent_its_text_and_the_results_are_the_table(gateway: Sandbox, run: Run) -> None:
    """In its order, with what became of each row beside it."""
    answer = run("campaign", "people.csv", *ASKED, "--key", "eid", "--results", "out.csv", "--yes")
    assert answer.code == 3
    assert sorted(texts(gateway)) == [("96598765432", "عيد مبارك يا سارة"), ("96598765433", "Happy Eid Omar")]
    assert "job       eid: done, 2 accepted, 2 rejected, 1 skipped" in answer.out
    found = results()
    assert list(found[0])[:5] == ["Name", "Mobile", "Lang", "Card", "outcome"]
    assert [row["Name"] for row in found] == ["سارة", "Omar", "", "Noor", "Twice"]
    assert [row["outcome"] for row in found] == ["accepted", "accepted", "rejected", "rejected", "skipped"]
    assert [row["Card"] for row in found[:2]] == ['="00123"', "'=1+1"]
    ids = {number: message.msg_id for message in gateway.messages for number in message.numbers}
    assert [row["message_id"].strip('="') for row in found[:2]] == [ids["96598765432"], ids["96598765433"]]
    assert [row["segments"] for row in found[:3]] == ["1", "1", ""]
    assert found[2]["code"] == "variable"
    assert "name (column Name)" in found[2]["advice"]


def test_the_plan_is_shown_before_anything_is_sent(gateway: Sandbox, run: Run) -> None:
    """Texts, requests, time, segments, cost, the account, and each row that can't be sent with its line."""
    answer = run("campaign", "people.csv", *ASKED, "--dry-run")
    assert answer.code == 3
    for words in (
        " line 2 · to 965****5432 · 1 segment",
        "│ Happy Eid Omar │",
        "rows        5: 2 to send, 2 rejected, 1 repeated",
        "would send  2 different texts, 2 requests, 1 s at 4/s",
        "cost        2 points at most",
        "account     150 points: enough",
        "segments     1 ████████████████████ 2 rows",
        "The row has no value for name (column Name).",
        "line 4 → Fill in the cell, or give a default: name=@Name|word",
        "line 5 → Give the whole number",
        "repeated    line 6",
    ):
        assert words in answer.out, words
    assert "Nothing was sent" in answer.err
    assert gateway.messages == ()
    assert "There are no jobs" in run("jobs").err


def test_the_plan_names_the_dearest_rows_and_what_the_account_is_enough_for(gateway: Sandbox, run: Run) -> None:
    """By their lines, without their texts."""
    gateway.account.change(balance=3)
    rows = "".join(f"{'x' * (200 if n == 3 else 5)},9659876500{n}\n" for n in range(5))
    pathlib.Path("people.csv").write_text(f"Name,Mobile\n{rows}", encoding="utf-8")
    answer = run("campaign", "people.csv", "--to", "mobile", "--text", "Dear {Name}", "--dry-run")
    assert "2 different texts, 2 requests" in answer.out
    assert "dearest     line 5 (2 segments)" in answer.out
    assert "account     3 points: enough for the first 3 of 5 rows" in answer.out
    assert "cost        6 points at most" in answer.out


def test_the_plan_is_a_document(gateway: Sandbox, run: Run) -> None:
    """With the numbers of the screen, and ten messages."""
    data = run("campaign", "people.csv", *ASKED, "--dry-run", "--json").data
    assert (data["rows"], data["recipients"], data["requests"], data["texts"], data["cost"]) == (5, 2, 2, 2, 2)
    assert data["segments"] == {"1": 2}
    assert [(found["rows"], found["lines"]) for found in data["rejected"]] == [(1, [4]), (1, [5])]
    assert [message["line"] for message in data["messages"]] == [2, 3]
    sent = run("campaign", "people.csv", *ASKED, "--yes", "--json")
    assert sent.document["command"] == "campaign"
    assert (sent.data["accepted"], sent.data["plan"]["requests"]) == (2, 2)


def test_the_plan_says_when_it_begins_and_how_long_it_is_spread(gateway: Sandbox, run: Run) -> None:
    """A time that is over is refused where it would be sent."""
    answer = run("campaign", "people.csv", *ASKED, "--at", "2099-01-01T09:00+03:00", "--spread", "2h", "--dry-run")
    assert "begins      2099-01-01 " in answer.out
    assert "2 different texts, 2 requests, 2 h" in answer.out
    over = run("campaign", "people.csv", *ASKED, "--at", "2020-01-01T09:00+03:00", "--yes")
    assert over.code == 2
    assert "is over" in over.err


def test_workers_send_what_this_process_may_not(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The results say which rows wait, and the command ends."""
    monkeypatch.setenv("NOTIFYKIT_WORKERS", "separate")
    answer = run("campaign", "people.csv", *ASKED, "--key", "eid", "--results", "out.csv", "--yes")
    assert answer.code == 0
    assert "Workers send it" in answer.err
    assert [row["outcome"] for row in results()][:2] == ["waiting", "waiting"]
    assert gateway.messages == ()
    monkeypatch.setenv("NOTIFYKIT_WORKERS", "embedded")
    assert run("jobs", "resume", "eid").code == 3
    run("jobs", "results", "eid", "--output", "out.csv")
    assert [row["outcome"] for row in results()][:2] == ["accepted", "accepted"]


def test_equal_texts_are_one_request(gateway: Sandbox, run: Run) -> None:
    """Up to what a request may hold."""
    people = "".join(f"{['Ali', 'Sara'][n % 2]},965987650{n:02}\n" for n in range(20))
    pathlib.Path("people.csv").write_text(f"Name,Mobile\n{people}", encoding="utf-8")
    assert run("campaign", "people.csv", "--to", "Mobile", "--text", "Dear {Name}", "--yes").code == 0
    assert sorted(len(message.numbers) for message in gateway.messages) == [10, 10]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--to", "Mobil", "--template", "eid", "--var", "nam=@Nme", "--language", "@Language"),
            ["did you mean Mobile?", "did you mean name?", "did you mean Lang?"],
        ),
        (("--to", "Mobile", "--template", "eid", "--var", "name=@Nme"), ["name: there is no column 'Nme'"]),
        (("--to", "Mobile", "--template", "edi"), ["there is none called 'edi': did you mean eid?"]),
        (("--to", "Mobile", "--text", "Dear {Shop}"), ["Shop has no value"]),
        (("--to", "Mobile", "--text", "Dear {"), ["is never closed"]),
        (("--to", "Mobile"), ["Give --template, or --text"]),
        ((*ASKED, "--spread", "soon"), ["--spread: 'soon'"]),
        ((*ASKED, "--stop-if", "rejected"), ["--stop-if"]),
        ((*ASKED, "--results", "people.csv"), ["is the table itself"]),
        ((*ASKED, "--results", "nowhere/out.csv"), ["can't be written"]),
        ((*ASKED, "--proof", "12"), ["--proof: A number has at least 7 digits"]),
        ((*ASKED, "--via", "kwtsms://u:p@host"), ["--via: a job keeps no address"]),
        ((*ASKED, "--live"), ["--live can't be kept with a job"]),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(
    gateway: Sandbox, run: Run, arguments: tuple[str, ...], said: list[str]
) -> None:
    """Every problem at once."""
    answer = run("campaign", "people.csv", *arguments, "--yes")
    assert answer.code == 2
    assert all(words in answer.err for words in said), answer.err
    assert gateway.messages == ()
    assert pathlib.Path("people.csv").read_text(encoding="utf-8") == PEOPLE


def test_a_table_with_a_bad_line_is_refused(gateway: Sandbox, run: Run) -> None:
    """With the line."""
    pathlib.Path("people.csv").write_text(PEOPLE + "Ali,1\n", encoding="utf-8")
    answer = run("campaign", "people.csv", *ASKED, "--yes")
    assert answer.code == 2
    assert "line 7 has 2 cells, and the first row has 4" in answer.err
    assert gateway.messages == ()


def test_a_person_is_asked_on_a_terminal(gateway: Sandbox) -> None:
    """A no sends nothing; a yes sends."""
    code, shown = on_terminal("campaign", "people.csv", *ASKED, "--key", "eid", typed="n\n")
    assert (code, gateway.messages) == (1, ())
    assert "Send 2 messages, as a test?" in shown
    assert "2 different texts, 2 requests" in shown
    code, shown = on_terminal("campaign", "people.csv", *ASKED, "--key", "eid", typed="y\n")
    assert code == 3
    assert len(texts(gateway)) == 2


def test_a_table_that_changes_while_a_person_is_asked_is_not_sent(gateway: Sandbox, run: Run) -> None:
    """What was shown is what is sent; nothing is left behind."""
    with terminal("campaign", "people.csv", *ASKED, "--key", "eid") as shown:
        shown.read_until("as a test?")
        pathlib.Path("people.csv").write_text(PEOPLE.replace("Omar", "Somebody"), encoding="utf-8")
        shown.type("y\n")
        assert shown.end() == 2
    assert "people.csv has changed since it was planned, so nothing was submitted" in " ".join(shown.shown.split())
    assert gateway.messages == ()
    assert "There are no jobs" in run("jobs").err


def test_two_columns_of_addresses_are_refused(gateway: Sandbox, run: Run) -> None:
    """Nobody knows which of them is meant."""
    pathlib.Path("people.csv").write_text("Name,Mobile,Mobile\nSara,96598765432,96598765433\n", encoding="utf-8")
    answer = run("campaign", "people.csv", "--to", "Mobile", "--text", "Dear {Name}", "--yes")
    assert (answer.code, gateway.messages) == (2, ())
    assert "has 2 columns 'Mobile': give each a name of its own" in answer.err


def test_without_a_terminal_yes_is_needed(gateway: Sandbox, run: Run) -> None:
    """Nothing waits for an answer that can't come."""
    answer = run("campaign", "people.csv", *ASKED)
    assert answer.code == 2
    assert "give --yes" in answer.err
    assert gateway.messages == ()


def test_a_live_campaign_above_the_limit_says_so(gateway: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a no has the code of money."""
    monkeypatch.setenv("KWTSMS_TEST_MODE", "0")
    code, shown = on_terminal("campaign", "people.csv", *ASKED, "--max-cost", "1", typed="n\n")
    assert code == 7
    assert "This costs 2 points, above --max-cost 1. Send 2 messages for real?" in shown
    assert gateway.messages == ()


def test_a_proof_goes_to_one_number_first(gateway: Sandbox) -> None:
    """The first two and the longest, with a question before the rest."""
    long = "Maryam al-Longest-Of-All,96598765440,en,\n"
    pathlib.Path("people.csv").write_text(PEOPLE + "Ali,96598765439,en,\n" + long, encoding="utf-8")
    code, shown = on_terminal("campaign", "people.csv", *ASKED, "--proof", "96598765499", typed="n\n")
    assert code == 1
    assert [number for number, _ in texts(gateway)] == ["96598765499"] * 3
    assert [text for _, text in texts(gateway)] == [
        "عيد مبارك يا سارة",
        "Happy Eid Omar",
        "Happy Eid Maryam al-Longest-Of-All",
    ]
    assert shown.index("Proof: 3 messages to 965****5499") < shown.index("Send 4 messages")


def test_a_proof_that_is_not_accepted_ends_the_campaign(gateway: Sandbox, run: Run) -> None:
    """Nobody else gets anything."""
    gateway.account.change(balance=0)
    answer = run("campaign", "people.csv", *ASKED, "--proof", "96598765499", "--yes")
    assert answer.code == 7
    assert "The proof was not accepted, so the campaign was not begun" in answer.err
    assert "There are no jobs" in run("jobs").err


def test_the_same_key_is_the_same_campaign(gateway: Sandbox, run: Run) -> None:
    """The results are written again, and no text is sent again, not even the proof."""
    for _ in range(2):
        answer = run(
            "campaign", "people.csv", *ASKED, "--key", "eid", "--results", "out.csv", "--proof", "96598765499", "--yes"
        )
        assert answer.code == 3
        assert [row["outcome"] for row in results()].count("accepted") == 2
        pathlib.Path("out.csv").unlink()
    assert "Job eid already exists" in answer.err
    assert len(texts(gateway)) == 4


def test_the_results_of_a_job_are_written_by_its_key(gateway: Sandbox, run: Run) -> None:
    """To a file, as CSV on standard output, or as JSON Lines."""
    run("campaign", "people.csv", *ASKED, "--key", "eid", "--yes")
    assert run("jobs", "results", "eid", "--output", "out.csv").code == 3
    printed = run("jobs", "results", "eid")
    assert list(csv.DictReader(printed.out.splitlines())) == results()
    lines = [json.loads(line) for line in run("jobs", "results", "eid", "--json").out.splitlines()]
    assert [line["outcome"] for line in lines] == [row["outcome"] for row in results()]
    assert lines[1]["cells"] == {"Name": "Omar", "Mobile": "+965 9876 5433", "Lang": "en", "Card": "=1+1"}


def test_results_that_can_not_be_written_change_no_exit_code(
    gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The messages are sent, and another command writes the results."""

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("notifykit.cli.results_file.write_results", full)
    answer = run("campaign", "people.csv", *ASKED, "--key", "eid", "--results", "out.csv", "--yes")
    assert answer.code == 3
    assert "out.csv can't be written (No space left on device); the campaign goes on." in answer.err
    assert "Next: notifykit jobs results eid --output FILE" in answer.err
    assert len(texts(gateway)) == 2
    assert run("jobs", "results", "eid", "--output", "out.csv").code == 1


def test_a_column_of_the_table_keeps_its_name(gateway: Sandbox, run: Run) -> None:
    """That of the results gets another, and it is said."""
    pathlib.Path("people.csv").write_text("Name,Mobile,Outcome\nAli,96598765432,paid\n", encoding="utf-8")
    answer = run("campaign", "people.csv", "--to", "Mobile", "--text", "Dear {Name}", "--results", "out.csv", "--yes")
    assert "that of notifykit is called 'outcome (notifykit)'" in answer.err
    assert (results()[0]["Outcome"], results()[0]["outcome (notifykit)"]) == ("paid", "accepted")


def test_a_workbook_is_a_table_too(gateway: Sandbox, run: Run) -> None:
    """Its results read back with the library that reads Excel's files."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["Mobile", "Name"], [96598765432.0, "سارة"], ["+965 9876 5433", "Omar"], [9.6598765434e10, "Noor"]):
        book.active.append(row)
    book.save("people.xlsx")
    answer = run("campaign", "people.xlsx", "--to", "Mobile", "--text", "Dear {Name}", "--results", "out.csv", "--yes")
    assert answer.code == 0
    assert ("96598765432", "Dear سارة") in texts(gateway)
    assert [row["Mobile"] for row in results()] == ["96598765432", '="+965 9876 5433"', "96598765434"]


def test_a_number_that_a_spreadsheet_rounded_is_rejected(gateway: Sandbox, run: Run) -> None:
    """With what to do in the spreadsheet; one with all its digits is a number."""
    pathlib.Path("people.csv").write_text("Mobile\n9.65988E+10\n9.6598765432E+10\n96598765433.0\n", encoding="utf-8")
    answer = run("campaign", "people.csv", "--to", "Mobile", "--text", "Hello", "--results", "out.csv", "--yes")
    assert answer.code == 3
    assert sorted(number for number, _ in texts(gateway)) == ["96598765432", "96598765433"]
    assert "Format the column as text" in results()[0]["advice"]


def test_json_lines_come_from_standard_input(gateway: Sandbox, run: Run) -> None:
    """From a pipe of its own, in any process."""
    lines = b'{"mobile": 96598765432, "name": "Ali"}\n{"mobile": "96598765433"}\n'
    done = start(
        "campaign", "-", "--to", "mobile", "--text", "Dear {name}", "--var", "name=@name|friend", "--yes", stdin=lines
    )
    assert done.returncode == 0, done.stderr
    assert sorted(texts(gateway)) == [("96598765432", "Dear Ali"), ("96598765433", "Dear friend")]
    assert run("campaign", "-", "--to", "Mobile", "--text", "Hi", "--yes", stdin="Mobile\n96598765434\n").code == 0


def test_a_pipe_is_read_once(gateway: Sandbox, run: Run) -> None:
    """As a shell makes one of another command."""
    os.mkfifo("pipe")
    writer = threading.Thread(target=pathlib.Path("pipe").write_text, args=[PEOPLE, "utf-8"])
    writer.start()
    assert run("campaign", "pipe", *ASKED, "--yes").code == 3
    writer.join()
    assert len(texts(gateway)) == 2


@pytest.mark.parametrize("command", ["campaign", "send"])
def test_a_guessed_encoding_is_said(gateway: Sandbox, run: Run, command: str) -> None:
    """By every command that reads a table, once."""
    pathlib.Path("people.csv").write_bytes("Name,Mobile\nسارة,96598765432\n".encode("cp1256"))
    arguments = {
        "campaign": ("people.csv", "--to", "Mobile", "--text", "أهلا {Name}", "--yes"),
        "send": ("--to-file", "people.csv", "--column", "Mobile", "Hello"),
    }
    answer = run(command, *arguments[command])
    assert answer.code == 0
    assert answer.err.count("is read as Windows-1256") == 1
    assert texts(gateway)[0][1] in ("أهلا سارة", "Hello")


def test_a_campaign_pauses_by_its_rule(gateway: Sandbox, run: Run) -> None:
    """And says why, with what to do next; the results say which rows wait."""
    rows = "".join(f"y{n},965987651{n:02}\n" for n in range(12))
    pathlib.Path("people.csv").write_text(f"Name,Mobile\n{rows}", encoding="utf-8")
    gateway.account.change(balance=1)
    answer = run(
        "campaign", "people.csv", "--to", "Mobile", "--text", "Dear {Name}", "--key", "eid", "--stop-if", "rejected > 2",
        "--results", "out.csv", "--yes",
    )  # fmt: skip
    assert "It is paused by itself (rejected > 2: " in answer.err
    assert "notifykit jobs resume eid" in answer.err
    assert {"waiting", "rejected"} <= {row["outcome"] for row in results()}


def test_an_interrupted_campaign_has_its_results_and_goes_on(gateway: Sandbox, run: Run) -> None:
    """They are written while it is followed, and at the end; what is left is on disk, and nobody gets it twice."""
    rows = "".join(f"y{n},965987651{n:02}\n" for n in range(40))
    pathlib.Path("people.csv").write_text(f"Name,Mobile\n{rows}", encoding="utf-8")
    arguments = (
        "people.csv",
        "--to",
        "Mobile",
        "--text",
        "Dear {Name}",
        "--key",
        "eid",
        "--results",
        "out.csv",
        "--yes",
    )
    with terminal("campaign", *arguments) as shown:
        shown.read_until("/40 accepted")
        assert pathlib.Path("out.csv").exists()
        shown.interrupt()
        assert shown.end() == 130
    assert "Next: notifykit jobs resume eid" in shown.shown
    outcomes = [row["outcome"] for row in results()]
    assert outcomes.count("accepted") >= 1
    assert outcomes.count("waiting") >= 1
    run("jobs", "cancel", "eid")
    run("jobs", "results", "eid", "--output", "out.csv")
    accepted = [row["Mobile"] for row in results() if row["outcome"] == "accepted"]
    assert {row["outcome"] for row in results()} <= {"accepted", "skipped", "unknown"}
    numbers = [number for number, _ in texts(gateway)]
    assert set(accepted) <= set(numbers)
    assert len(set(numbers)) == len(numbers)


def test_nothing_secret_is_in_the_plan_or_the_log(
    gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """No name, no number: not on the screens without messages, and not in the log."""
    monkeypatch.setenv("NOTIFYKIT_LOG_FILE", str(tmp_path / "log.jsonl"))
    pathlib.Path("people.csv").write_text("Name,Mobile\nZubaida,96598765432\nZubaida,12\n", encoding="utf-8")
    answer = run("campaign", "people.csv", "--to", "Mobile", "--text", "Dear {Name}", "--yes")
    log = (tmp_path / "log.jsonl").read_text(encoding="utf-8")
    assert log
    for shown in (answer.out, answer.err, log):
        assert "Zubaida" not in shown
        assert "98765432" not in shown
