"""``notifykit send``: what it sends, what it says, and when it refuses."""

from __future__ import annotations

import pathlib
import re
import shlex
import signal
import subprocess

import pytest

from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run, command, environment, on_terminal, start, terminal

ONE = "96598765432"
TWO = "96598765433"


def texts(gateway: Sandbox) -> list[str]:
    """Return the texts that the gateway took."""
    return [message.text for message in gateway.messages]


def test_a_text_is_sent_and_what_became_of_it_is_the_answer(gateway: Sandbox, run: Run) -> None:
    """The id, the points and the balance on standard output; that it is a test on standard error."""
    answer = run("send", "+965 9876 5432", "Your code is 123456")
    message = gateway.messages[0]
    assert answer.code == 0
    assert answer.out.startswith(f"accepted  {ONE} (test)\n          id {message.msg_id}\n")
    assert "1 point charged, 149 points left" in answer.out
    assert answer.err.startswith("Test mode: ")
    assert (message.text, list(message.numbers), message.test) == ("Your code is 123456", [ONE], True)


def test_numbers_are_redacted_where_there_are_several(gateway: Sandbox, run: Run) -> None:
    """Unless they are asked for; a rejected one is known by its place."""
    answer = run("send", f"{ONE}, {TWO}", "abc", "Hello")
    assert answer.code == 3
    assert "965****5432 (no. 1), 965****5433 (no. 2)" in answer.out
    assert "rejected  **** (no. 3): There are no digits in this address." in answer.out
    assert ONE not in answer.out
    assert ONE in run("send", ONE, TWO, "Hello", "--show-numbers").out


def test_json_has_every_receipt_and_the_error(gateway: Sandbox, run: Run) -> None:
    """In the caller's order, under the exit code that there is without it."""
    answer = run("send", ONE, "abc", "Hello", "--json")
    assert answer.code == 3
    assert answer.document["ok"] is False
    assert answer.document["error"]["kind"] == "InvalidRecipient"
    assert [receipt["outcome"] for receipt in answer.data["receipts"]] == ["accepted", "rejected"]
    assert answer.data["message_ids"] == [gateway.messages[0].msg_id]
    assert (answer.data["cost"], answer.data["balance"], answer.data["test"]) == (1, 149, True)
    assert answer.document["warnings"][0].startswith("Test mode")


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        ("96545000003", 4, "ERR003"),
        ("96545000024", 4, "ERR024"),
        ("96545000010", 7, "ERR010"),
        ("96545000008", 1, "ERR008"),
        ("96545006001", 6, "It may have been sent"),
        ("123", 1, "at least 7 digits"),
    ],
)
def test_the_exit_code_says_what_to_do(gateway: Sandbox, run: Run, number: str, code: int, said: str) -> None:
    """With the reason, the cure, and the next command to type."""
    answer = run("send", number, "Hello")
    assert answer.code == code
    assert said in answer.out
    assert "→" in answer.out
    assert answer.err.splitlines()[-1].startswith("Next: notifykit ")


def test_an_address_without_a_server_is_certainly_not_sent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 5, after the tries that are safe."""
    for name, value in {"USERNAME": "u", "PASSWORD": "p", "BASE_URL": "http://127.0.0.1:9/API/", "RATE": "4"}.items():
        monkeypatch.setenv(f"KWTSMS_{name}", value)
    answer = run("send", ONE, "Hello", "--deadline", "0.5")
    assert answer.code == 5
    assert "nothing was sent" in answer.out


# --- where recipients and texts come from ---


def test_numbers_come_from_standard_input(gateway: Sandbox, run: Run) -> None:
    """One a line, where - says so."""
    assert run("send", "-", "Hello", stdin=f"{ONE}\n\n{TWO}\n").code == 0
    assert list(gateway.messages[0].numbers) == [ONE, TWO]


def test_the_text_comes_from_standard_input(gateway: Sandbox, run: Run) -> None:
    """Arabic as well, without the line end behind it."""
    assert run("send", ONE, "-", stdin="رمز 1\n").code == 0
    assert run("send", TWO, "--message-file", "-", stdin="رمز 2\n").code == 0
    assert texts(gateway) == ["رمز 1", "رمز 2"]


def test_standard_input_is_not_read_unless_it_is_asked_for(gateway: Sandbox) -> None:
    """A script that has something else there keeps it."""
    done = start("send", ONE, "Hello", stdin=b"secret")
    assert done.returncode == 0
    assert texts(gateway) == ["Hello"]


def test_numbers_and_text_can_not_both_come_from_standard_input(run: Run) -> None:
    """It would not be clear where one ends."""
    assert run("send", "-", "-").code == 2
    assert run("send", "-", "--message-file", "-").code == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_gives_its_column(gateway: Sandbox, run: Run, tmp_path: pathlib.Path, delimiter: str) -> None:
    """Whatever a spreadsheet separates by; a duplicate is sent to once."""
    table = tmp_path / "people.csv"
    rows = [["name", "Mobile"], ["A", ONE], ["B", f"+{TWO}"], ["B again", TWO], ["C", ""]]
    table.write_text("\ufeff" + "\n".join(delimiter.join(row) for row in rows) + "\n", encoding="utf-8")
    answer = run("send", "--to-file", str(table), "--column", "mobile", "Hello", "--json")
    assert answer.code == 3
    assert [receipt["outcome"] for receipt in answer.data["receipts"]] == [
        "accepted",
        "accepted",
        "skipped",
        "rejected",
    ]
    assert list(gateway.messages[0].numbers) == [ONE, TWO]


def test_a_file_of_lines_needs_no_column(gateway: Sandbox, run: Run, tmp_path: pathlib.Path) -> None:
    """One number a line; empty lines are nothing."""
    (tmp_path / "people.txt").write_text(f"{ONE}\n\n{TWO}\n")
    assert run("send", "--to-file", str(tmp_path / "people.txt"), "Hello").code == 0
    assert list(gateway.messages[0].numbers) == [ONE, TWO]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--column", "mobil"], "there are: name, mobile. Did you mean mobile?"),
        ([], "say with --column which column has the numbers. There are: name, mobile."),
    ],
)
def test_a_column_that_is_not_there_is_answered_with_those_that_are(
    run: Run, tmp_path: pathlib.Path, options: list[str], said: str
) -> None:
    """Before anything is sent."""
    (tmp_path / "people.csv").write_text(f"name,mobile\nA,{ONE}\n")
    answer = run("send", "--to-file", str(tmp_path / "people.csv"), *options, "Hello")
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["send"], "Give the numbers and then the text"),
        (["send", ONE], "Give the numbers and then the text"),
        (["send", "Hello", ONE], "The text comes last"),
        (["send", "--to-file", "nowhere.txt", "Hello"], "nowhere.txt can't be read"),
        (["send", ONE, "--message-file", "nowhere.txt"], "nowhere.txt can't be read"),
        (["send", ONE, "Hello", "--column", "x"], "give the file with --to-file"),
        (["send", ONE, "Hello", "--dry-rum"], "--dry-run"),
    ],
)
def test_a_command_line_that_can_not_be_used_gets_advice(run: Run, words: list[str], said: str) -> None:
    """With the next command to type, and in the document where one is asked for."""
    answer = run(*words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.endswith("Next: notifykit send --help\n")
    document = run(*words, "--json").document
    assert said in document["error"]["message"]
    assert document["error"]["next"] == "notifykit send --help"


# --- looking first ---


def test_a_dry_run_sends_nothing_and_says_what_would_be_done(gateway: Sandbox, run: Run) -> None:
    """Recipients, segments, points, requests, edits, and who would be left out."""
    answer = run("send", ONE, TWO, ONE, "abc", "Hi 🎉", "--dry-run")
    assert answer.code == 3
    assert "would send  2 recipients, 1 segment of GSM-7 each, 2 points, 1 request" in answer.out
    assert "🎉 removed (emoji)" in answer.out
    assert "duplicates  1, each sent to once only" in answer.out
    assert "no. 4" in answer.out
    assert gateway.messages == ()
    assert run("send", ONE, "Hi", "--dry-run", "--json").data["cost"] == 1


def test_a_dry_run_says_what_to_know_about_the_numbers(gateway: Sandbox, run: Run) -> None:
    """Once for all numbers that it is true of."""
    notice = "This number of +39 (IT) is a landline: it may not be able to receive SMS."
    numbers = ["+39 06 1234 5678", ONE, "+39 06 1234 5679"]
    assert f"notice      {notice} (2 recipients)" in run("send", *numbers, "Hi", "--dry-run").out.splitlines()
    assert run("send", *numbers[:2], "Hi", "--dry-run", "--json").document["warnings"][-1] == notice


def test_a_large_file_is_planned_in_sums(gateway: Sandbox, run: Run, tmp_path: pathlib.Path) -> None:
    """Duplicates far apart are still found, and the requests are counted over all of it."""
    numbers = [f"9659{index:07d}" for index in range(12_000)]
    (tmp_path / "many.txt").write_text("\n".join([*numbers, numbers[0], "abc"]))
    data = run("send", "--to-file", str(tmp_path / "many.txt"), "Hello", "--dry-run", "--json").data
    assert (data["recipients"], data["duplicates"], data["rejected"], data["requests"]) == (12_000, 1, 1, 60)
    assert data["excluded"][0]["position"] == 12_001


def test_a_text_that_would_be_refused_is_reported_before(gateway: Sandbox, run: Run) -> None:
    """And nothing leaves for it."""
    answer = run("send", ONE, " ", "--dry-run")
    assert answer.code == 1
    assert "ERR009" in answer.out
    assert gateway.requests == ()


def test_offline_shows_the_request_without_secrets(gateway: Sandbox, run: Run) -> None:
    """As it would leave: address, head and body; account and number redacted."""
    answer = run("send", ONE, "رمز", "--offline")
    assert answer.code == 0
    assert answer.out.startswith("POST /API/send/ HTTP/1.1\n")
    assert '"message": "رمز"' in answer.out
    assert "965****5432" in answer.out
    assert "sandbox" not in answer.out
    assert gateway.requests == ()
    assert run("send", ONE, "x", "--offline", "--via", "memory").code == 2


# --- live ---


def test_one_message_goes_live_when_it_is_said_and_confirmed(gateway: Sandbox, run: Run) -> None:
    """``--live`` where the settings say test, and ``--yes``: a single one is paid for as well."""
    assert run("send", ONE, "Hello", "--live").code == 2
    assert gateway.messages == ()
    answer = run("send", ONE, "Hello", "--live", "--yes")
    assert (answer.code, gateway.messages[0].test) == (0, False)
    assert "(test)" not in answer.out
    assert "Live:" in answer.err


def test_live_settings_send_live(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """``KWTSMS_TEST_MODE=0`` is the word."""
    monkeypatch.setenv("KWTSMS_TEST_MODE", "0")
    assert run("send", ONE, "Hello").code == 2
    assert run("send", ONE, "Hello", "--yes").code == 0
    assert gateway.messages[0].test is False


def test_a_transport_that_is_named_by_its_dsn_goes_live_as_well(gateway: Sandbox, run: Run) -> None:
    """Whatever the DSN says about tests: the word on the command line is the later one."""
    assert run("send", ONE, "Hello", "--via", gateway.dsn).code == 0
    assert run("send", ONE, "Hello", "--via", gateway.dsn, "--live", "--yes").code == 0
    assert [message.test for message in gateway.messages] == [True, False]


def test_several_live_messages_are_refused_without_a_terminal(gateway: Sandbox, run: Run) -> None:
    """The option that answers is named; nothing was sent."""
    answer = run("send", ONE, TWO, "Hello", "--live")
    assert (answer.code, answer.out) == (2, "")
    assert "give --yes" in answer.err
    assert "Next: the same command with --yes" in answer.err
    assert "2 recipients" in answer.err
    assert "150 points, 148 points after it" in answer.err
    assert gateway.messages == ()
    assert run("send", ONE, TWO, "Hello", "--live", "--yes").code == 0


def test_a_cost_above_the_limit_is_refused_with_its_own_exit_code(gateway: Sandbox, run: Run) -> None:
    """Seven is "credit"; with a higher limit it is a question like any other, and a yes lets it through."""
    long = "x" * 161
    answer = run("send", ONE, long, "--live", "--max-cost", "1")
    assert answer.code == 7
    assert "This costs 2 points, above --max-cost 1" in answer.err
    assert gateway.messages == ()
    assert run("send", ONE, long, "--live", "--max-cost", "2").code == 2
    assert run("send", ONE, long, "--live", "--max-cost", "1", "--yes").code == 0


def test_a_no_to_a_cost_above_the_limit_is_about_credit_too(gateway: Sandbox) -> None:
    """The exit code is seven, as without a terminal."""
    code, shown = on_terminal("send", ONE, "x" * 161, "--live", "--max-cost", "1", typed="n\n")
    assert code == 7
    assert "[y/N]" in shown
    assert gateway.messages == ()


def test_a_price_that_is_not_known_is_asked_about(gateway: Sandbox, run: Run) -> None:
    """Abroad it may be anything."""
    assert run("send", "966551234567", "Hello", "--live").code == 2


def test_a_stand_in_can_not_be_made_live(run: Run) -> None:
    """It says so instead of pretending; and without --live it says that nothing leaves."""
    answer = run("send", ONE, "Hello", "--via", "memory", "--live")
    assert (answer.code, answer.out) == (2, "")
    assert "a test transport" in answer.err
    answer = run("send", ONE, "Hello", "--via", "memory")
    assert answer.code == 0
    assert "nothing leaves this machine" in answer.err


@pytest.mark.parametrize(("typed", "code", "sent"), [("y\n", 0, 1), ("n\n", 1, 0)])
def test_a_person_is_asked_on_a_terminal(gateway: Sandbox, typed: str, code: int, sent: int) -> None:
    """With recipients, segments, points and what would be left; and the answer counts."""
    found, shown = on_terminal("send", ONE, TWO, "Hello", "--live", typed=typed)
    question, _, _ = shown.partition("[y/N]")
    assert "2 recipients, 1 segment of GSM-7 each, 2 points" in question
    assert "148 points after it" in question
    assert (found, len(gateway.messages)) == (code, sent)


# --- while it runs ---


def test_progress_is_plain_lines_in_a_pipe(gateway: Sandbox, run: Run, tmp_path: pathlib.Path) -> None:
    """At least the last; none with --no-progress, --quiet or --json; the answer is not mixed with it."""
    (tmp_path / "many.txt").write_text("\n".join(f"9659{index:07d}" for index in range(201)))
    gateway.account.change(balance=10_000)
    words = ["send", "--to-file", str(tmp_path / "many.txt"), "Hello"]
    answer = run(*words)
    assert "201/201 accepted 201" in answer.err
    assert "201/201" not in answer.out
    assert "accepted  201 numbers (test)" in answer.out
    assert answer.out.count("          id ") == 2
    for option in ("--no-progress", "--quiet", "--json"):
        assert "201/201" not in run(*words, option).err


def test_progress_is_a_bar_on_a_terminal(gateway: Sandbox) -> None:
    """Of blocks, that ends full."""
    code, shown = on_terminal("send", ONE, TWO, "Hello")
    assert code == 0
    assert "█" * 20 + " 2/2 accepted 2" in shown


def test_an_interrupt_says_what_was_sent(gateway: Sandbox) -> None:
    """One line, and exit code 130; a request that is out may have been sent."""
    gateway.account.change(balance=10_000)
    first = [f"9659{index:07d}" for index in range(200)]
    with terminal("send", *first, "96545003100", "Hello") as shown:
        shown.read_until("200/201")
        while len(gateway.requests) < 2:
            assert shown.process.poll() is None
        shown.interrupt()
        assert shown.end() == 130
    assert "Interrupted: 200 done, 200 accepted; the request in flight may have been sent." in shown.shown
    assert "Traceback" not in shown.shown


def test_a_wait_is_shown_and_an_interrupt_during_it_is_reported_correctly(gateway: Sandbox) -> None:
    """The wait for a full queue is shown; its answer is known, and no request was in flight."""
    with terminal("send", "96545000013", "Hello") as shown:
        shown.read_until("(ERR013): trying again in 30 s")
        shown.interrupt()
        assert shown.end() == 130
    assert "Interrupted: 1 done, 0 accepted; no request was in flight." in shown.shown
    assert "may have been sent" not in shown.shown


@pytest.mark.parametrize(
    ("number", "log", "then"),
    [
        ("96545006001", None, "notifykit explain connection_lost"),
        ("96545006001", "sends.jsonl", "notifykit log tail --errors"),
        ("it's", None, """notifykit explain --as number 'it'"'"'s'"""),
        ("96545000003", None, "notifykit explain ERR003"),
    ],
)
def test_the_next_command_can_be_typed(
    gateway: Sandbox,
    run: Run,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    number: str,
    log: str | None,
    then: str,
) -> None:
    """And leads somewhere: there is a log only where one is written."""
    monkeypatch.chdir(tmp_path)
    if log:
        monkeypatch.setenv("NOTIFYKIT_LOG_FILE", log)
    line = run("send", number, "Hello").err.splitlines()[-1]
    assert line == f"Next: {then}"
    assert run(*shlex.split(then)[1:]).code in (0, 3)


def test_an_empty_cell_leads_to_no_empty_command(gateway: Sandbox, run: Run, tmp_path: pathlib.Path) -> None:
    """There is nothing in it to explain."""
    (tmp_path / "people.csv").write_text("name,mobile\nA,\n")
    answer = run("send", "--to-file", str(tmp_path / "people.csv"), "--column", "mobile", "Hello")
    assert "The address is empty" in answer.out + answer.err
    assert "''" not in answer.err
    assert answer.err.splitlines()[-1] == "Next: the same command with --dry-run --show-numbers"


def test_the_next_command_shows_no_number_that_is_redacted(gateway: Sandbox, run: Run) -> None:
    """Among several a bad number is known by its place only."""
    answer = run("send", ONE, "98765432", "Hello")
    assert "98765432" not in answer.err + answer.out
    assert answer.err.endswith("Next: the same command with --dry-run --show-numbers\n")


def test_credentials_that_are_missing_have_their_exit_code(run: Run) -> None:
    """Four, as where they are wrong."""
    answer = run("send", ONE, "Hello", "--via", "kwtsms")
    assert answer.code == 4
    assert "KWTSMS_USERNAME is missing" in answer.err
    assert run("send", ONE, "Hello", "--via", "kwtsms", "--json").document["error"]["kind"] == "MissingCredentials"


def test_progress_is_shown_after_each_request(gateway: Sandbox) -> None:
    """Not after its first receipt: the bar shows 200, 400, 450."""
    gateway.account.change(balance=10_000)
    numbers = [f"9659{index:07d}" for index in range(450)]
    code, shown = on_terminal("send", *numbers, "Hello")
    assert code == 0
    counts = [int(count) for count in re.findall(r"(\d+)/450", shown)]
    assert list(dict.fromkeys(counts)) == [200, 400, 450]


def test_an_interrupt_is_a_document_where_one_is_asked_for(gateway: Sandbox) -> None:
    """With every id that is known by then."""
    process = subprocess.Popen(
        command("send", "96545003100", "Hello", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    with process:
        while not gateway.requests:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b'"interrupted": true' in out


def test_what_was_changed_in_the_text_is_said(gateway: Sandbox, run: Run) -> None:
    """In one line, each change once; in JSON as edits; of a job and of a plan too."""
    text = "<p>Code ٤٧١١</p>🎉🎉🎉"
    line = "changed   🎉 removed (emoji) × 3, ٤٧١١ → 4711 (Arabic-Indic digits), <p> removed (HTML tag), "
    answer = run("send", ONE, text)
    assert answer.out.startswith(f"{line}</p> removed (HTML tag)\naccepted")
    assert texts(gateway) == ["Code 4711"]
    edits = run("send", ONE, text, "--json").data["edits"]
    assert [edit["before"] for edit in edits] == ["🎉", "🎉", "🎉", "٤٧١١", "<p>", "</p>"]
    assert f"\nchanged     {line[10:]}" in run("send", ONE, text, "--dry-run").out
    assert "changed" not in run("send", ONE, "Hello").out
    assert run("send", ONE, "Hello", "--json").data["edits"] == []
    many = run("send", ONE, "✓✗★♥➜❶ ok").out.splitlines()[0]
    assert (many.startswith("changed   ✓ → √ (emoji), "), many.endswith(", and 1 more")) == (True, True)


@pytest.mark.parametrize(
    ("sender", "problem"),
    [
        ("TWELVE-CHARS", "'TWELVE-CHARS' has 12 characters, and 11 are allowed"),
        ("متجر", "'متجر' has characters outside of A to Z, digits and signs"),
        (" ", "' ' is blank"),
        ("SHOP ", "'SHOP ' begins or ends with a space"),
    ],
)
def test_a_sender_that_no_live_send_can_have_is_said_at_once(
    gateway: Sandbox, run: Run, sender: str, problem: str
) -> None:
    """By a test send, which the gateway accepts, a dry run, a preview and a plan: not first by ERR008 when it is live."""
    said = f"The sender ID {problem}: a live send is refused with ERR008."
    answer = run("send", ONE, "Hello", "--sender", sender)
    assert (answer.code, gateway.messages[0].sender) == (0, sender)
    assert said in answer.err
    assert said in run("send", ONE, "Hello", "--sender", sender, "--dry-run").err
    assert said in run("preview", "Hello", "--sender", sender).out
    assert "ERR008" not in run("send", ONE, "Hello", "--sender", "MY-APP").err


def test_a_configured_sender_is_checked_too(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By doctor and preview as by a send; where messages are live it is a failure."""
    monkeypatch.setenv("KWTSMS_SENDER_ID", "TWELVE-CHARS")
    said = "The sender ID 'TWELVE-CHARS' has 12 characters"
    for words in (("send", ONE, "Hello"), ("preview", "Hello"), ("doctor",)):
        answer = run(*words)
        assert said in answer.out + answer.err
    assert f"warn  kwtsms sender        {said}" in run("doctor").out
    monkeypatch.setenv("KWTSMS_TEST_MODE", "0")
    assert f"fail  kwtsms sender        {said}" in run("doctor").out


def test_a_letter_that_was_lost_is_said(gateway: Sandbox, run: Run) -> None:
    """U+FFFD is sent, because the gateway carries it; a person should know before a campaign."""
    answer = run("send", ONE, "Fatma\ufffd")
    assert texts(gateway) == ["Fatma\ufffd"]
    assert "The text has U+FFFD, which stands for a letter that was lost" in answer.err
