"""The commands, and how they end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from importlib import import_module

import pytest

from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.cli.program import COMMANDS, next_command
from tests.kwtsms.cli.program_runner import Terminal

#: The rest of a line that runs a command again and does not what failed.
HARMLESS = (["--help"], ["--no-verify"])
DOCUMENT_KEYS = ["ok", "v", "command", "data", "warnings", "error"]


def _process(shell, *arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program in a process of its own, whose streams are real pipes."""
    return subprocess.run(
        [sys.executable, "-c", "from notifykit_kwtsms.cli.program import main; main()", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        cwd=shell.folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **shell.environment,
            **environment,
        },
    )


# --- questions ---


def test_balance_is_one_number(shell):
    """A whole one without a point, a broken one as it is."""
    assert shell.run("kwtsms balance").out == "150\n"
    shell.sandbox.account.change(balance=12.5)
    assert shell.run("kwtsms balance").out == "12.5\n"


@pytest.mark.parametrize(("least", "code"), [("150", 0), ("150.5", 7), ("1000", 7)])
def test_a_low_balance_has_an_exit_code_of_its_own(shell, least, code):
    """For cron; the number is printed all the same."""
    ended = shell.run(f"kwtsms balance --min {least}")
    assert (ended.code, ended.out) == (code, "150\n")
    assert ("top up" in ended.err.lower()) == (code == 7)


def test_senderid_lists_names_one_a_line(shell):
    """And says beside it where the configured one is not among them, and which was probably meant."""
    assert shell.run("kwtsms senderid").out.split("\n") == ["KWT-SMS", "MY-APP", ""]
    assert "did you mean MY-APP?" in shell.run("kwtsms senderid", KWTSMS_SENDER_ID="my-app").err
    assert "for testing only" in shell.run("kwtsms senderid", KWTSMS_SENDER_ID="KWT-SMS").err
    assert "not registered" in shell.run("kwtsms senderid", KWTSMS_SENDER_ID="OTHER").err


def test_coverage_lists_country_codes(shell):
    """With the names of the countries that have a rule."""
    shell.sandbox.account.change(prefixes=["965", "966", "999"])
    assert shell.run("kwtsms coverage").out.split("\n") == ["965   Kuwait", "966   Saudi Arabia", "999", ""]


def test_a_message_can_be_looked_up(shell):
    """A test message ends as ERR030, with its action; an id that is none is ERR029."""
    sent = json.loads(shell.run('kwtsms send 96598765432 "Hello" --json').out)
    stuck = shell.run(f"kwtsms status {sent['data']['msg-id']}")
    assert (stuck.code, stuck.out) == (1, "")
    assert "ERR030" in stuck.err
    assert shell.run("kwtsms status 1234").err.endswith("Next: kwtsms errors ERR029\n")
    live = json.loads(shell.run('kwtsms send 96598765432 "Hello" --json', KWTSMS_TEST_MODE="0").out)
    assert shell.run(f"kwtsms status {live['data']['msg-id']}").code == 0


def test_delivery_reports_are_lines(shell):
    """One a number outside Kuwait; inside there are none, and the error says so."""
    shell.sandbox.account.change(prefixes=["965", "966"])
    sent = json.loads(shell.run('kwtsms send 966559123456 "Hello" --json', KWTSMS_TEST_MODE="0").out)
    shell.sandbox.clock.advance(86400)
    ended = shell.run(f"kwtsms dlr {sent['data']['msg-id']}")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("966559123456  ")
    assert "no delivery reports" in shell.run("kwtsms dlr 1234").err or shell.run("kwtsms dlr 1234").code == 1


# --- validate ---


def test_validate_says_why_a_number_is_not_ok(shell):
    """Its documented words, the rule of its country, or the number that was probably meant."""
    shell.sandbox.account.change(prefixes=["965"])
    ended = shell.run("kwtsms validate 96598765432 abc 123 98765432 966559123456 user@gmail.com +965-9876-5433")
    assert ended.code == 3
    lines = ended.out.splitlines()
    assert lines[0] == "OK  96598765432"
    assert lines[1] == "ER  abc  'abc' is not a valid phone number — no digits found"
    assert "too short" in lines[2]
    assert lines[3].endswith("Did you mean 96598765432 (Kuwait)?")
    assert lines[4].startswith("NR  966559123456  no route")
    assert "is an email address" in lines[5]
    assert lines[6] == "OK  96598765433 (+965-9876-5433)"


def test_validate_reads_standard_input_for_a_dash(shell):
    """One number a line, beside those of the command line."""
    ended = shell.run("kwtsms validate 96598765432 -", stdin="96598765433\r\n\n٩٦٥٩٨٧٦٥٤٣٤\n")
    assert ended.code == 0
    assert ended.out.splitlines() == ["OK  96598765432", "OK  96598765433", "OK  96598765434 (٩٦٥٩٨٧٦٥٤٣٤)"]
    assert shell.run("kwtsms validate -").code == 2


def test_validate_asks_about_two_hundred_numbers_at_a_time(shell):
    """And about none twice."""
    numbers = [f"9659{number:07}" for number in range(250)]
    ended = shell.run("kwtsms validate -", stdin="\n".join([*numbers, *numbers]))
    assert (ended.code, len(ended.out.splitlines())) == (0, 500)
    assert [len(fields["mobile"].split(",")) for _, fields in shell.asked()] == [200, 50]


def test_validate_has_the_documented_lists_for_programs(shell):
    """And beside them each number with its reason."""
    document = json.loads(shell.run("kwtsms validate 96598765432 abc --json").out)
    assert list(document) == DOCUMENT_KEYS
    data = document["data"]
    assert (data["ok"], data["er"], data["nr"]) == (["96598765432"], ["abc"], [])
    assert data["rejected"] == [{"input": "abc", "error": "'abc' is not a valid phone number — no digits found"}]
    assert [number["status"] for number in data["numbers"]] == ["OK", "ER"]


# --- send ---


def test_numbers_that_are_none_are_listed_and_the_others_are_sent_to(shell):
    """Exit code 3: some were accepted."""
    ended = shell.run('kwtsms send 96598765432,abc,user@gmail.com "Hello"')
    assert ended.code == 3
    assert "OK: 1 accepted" in ended.out
    assert "'abc' is not a valid phone number" in ended.err
    assert "'user@gmail.com' is an email address" in ended.err
    assert shell.sandbox.messages[0].numbers == ("96598765432",)


def test_a_message_without_quotes_is_not_sent_by_its_last_word(shell):
    """A word among the numbers without a digit is a slip; nothing is sent."""
    ended = shell.run("kwtsms send 96598765432 Hello world")
    assert ended.code == 2
    assert "quotes" in ended.err
    assert shell.sandbox.requests == ()


def test_numbers_or_message_come_from_standard_input(shell):
    """But not both."""
    assert shell.run('kwtsms send - "Hello"', stdin="96598765432\n96598765433\n").code == 0
    assert shell.run("kwtsms send 96598765432 -", stdin="مرحبا\n").code == 0
    assert [message.text for message in shell.sandbox.messages] == ["Hello", "مرحبا"]
    assert shell.sandbox.messages[0].numbers == ("96598765432", "96598765433")
    assert shell.run("kwtsms send - -", stdin="96598765432").code == 2


def test_many_numbers_are_several_requests(shell):
    """The documented bulk dict for programs, a line for people."""
    shell.sandbox.account.change(balance=1000)
    numbers = ",".join(f"9659{number:07}" for number in range(250))
    document = json.loads(shell.run(f'kwtsms send {numbers} "Hello" --json').out)
    assert document["data"]["bulk"] is True
    assert (document["data"]["batches"], document["data"]["numbers"]) == (2, 250)
    ended = shell.run(f'kwtsms send {numbers} "Hello"')
    assert "OK: 250 accepted in 2 requests, points charged: 250, balance: 500" in ended.out
    assert ended.out.count("msg-id: ") == 2


@pytest.mark.parametrize(
    ("number", "code", "following"),
    [
        ("96545000003", 4, "kwtsms setup"),
        ("96545000008", 1, "kwtsms senderid"),
        ("96545000010", 7, "kwtsms balance"),
        ("96545000013", 8, "kwtsms errors ERR013"),
        ("96545000024", 4, "kwtsms errors ERR024"),
        ("96545000026", 1, "kwtsms coverage"),
        ("96545000028", 8, "kwtsms errors ERR028"),
        ("abc,123", 1, "kwtsms validate NUMBER"),
    ],
)
def test_a_refusal_ends_with_its_exit_code_and_the_command_to_type(shell, number, code, following):
    """Standard output stays empty; the document for programs has the documented dict and the error."""
    ended = shell.run(f'kwtsms send {number} "Hello"')
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.endswith(f"Next: {following}\n")
    document = json.loads(shell.run(f'kwtsms send {number} "Hello" --json').out)
    assert document["ok"] is False
    assert document["data"]["result"] == "ERROR"
    assert document["data"]["action"]
    assert document["error"]["message"]


def test_an_empty_text_is_refused_here(shell):
    """It is empty after cleaning, and the gateway is not asked."""
    ended = shell.run('kwtsms send 96598765432 "🎉"')
    assert (ended.code, ended.out) == (1, "")
    assert "ERR009" in ended.err
    assert shell.sandbox.requests == ()


def test_an_unknown_outcome_differs_from_one_that_was_certainly_not_sent(shell):
    """6 says look before you send again; 5 says that nothing was sent."""
    shell.sandbox.chaos("reset", endpoint="send", after="accept")
    lost = shell.run('kwtsms send 96598765432 "Hello"')
    assert lost.code == 6
    assert "may have been sent" in lost.err
    refused = shell.run('kwtsms send 96598765432 "Hello"', KWTSMS_BASE_URL="http://127.0.0.1:9/API/")
    assert refused.code == 5
    assert refused.err.endswith("Next: kwtsms verify\n")


def test_a_lost_batch_of_many_is_unknown(shell):
    """What a script must not repeat wins over what was accepted."""
    shell.sandbox.account.change(balance=1000)
    shell.sandbox.chaos("reset", endpoint="send", after="accept", nth=2)
    numbers = ",".join(f"9659{number:07}" for number in range(250))
    ended = shell.run(f'kwtsms send {numbers} "Hello"')
    assert ended.code == 6
    assert "PARTIAL: 200 accepted in 2 requests" in ended.out
    assert "batch 2" in ended.err


# --- errors, and errors ---


def test_errors_lists_every_code(bare):
    """Without an account."""
    ended = bare.run("kwtsms errors")
    assert ended.code == 0
    assert [line.split()[0] for line in ended.out.splitlines()] == list(CODES)


@pytest.mark.parametrize("spelling", ["ERR013", "err013", "13", "013"])
def test_a_code_is_explained(bare, spelling):
    """Its meaning, what to do, and the exit code of a send that ends with it."""
    out = bare.run(f"kwtsms errors {spelling}").out
    assert out.startswith("ERR013  ")
    assert CODES["ERR013"].action in out
    assert out.endswith("Exit:    8\n")


def test_a_code_that_is_none_gets_a_guess(bare):
    """As a command does."""
    ended = bare.run("kwtsms errors ERR014")
    assert ended.code == 2
    assert "Did you mean `kwtsms errors ERR0" in ended.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("kwtsms verfy", "Did you mean `kwtsms verify`?"),
        ("kwtsms send 96598765432 Hello --sendr X", "--sender"),
        ("kwtsms send 96598765432", "message in quotes"),
        ("kwtsms status", "ID"),
        ("kwtsms balance --min much", "much"),
    ],
)
def test_a_slip_of_the_fingers_ends_with_a_command_to_type(shell, line, said):
    """Exit code 2, on standard error; with ``--json`` as a document too."""
    ended = shell.run(line)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.splitlines()[-1].startswith("Next: kwtsms ")
    document = json.loads(shell.run(f"{line} --json").out)
    assert (document["ok"], document["data"]) == (False, None)
    assert document["error"]["next"].startswith("kwtsms ")


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("setup", "sandbox", "errors")])
def test_without_credentials_every_command_names_the_three_ways(bare, command):
    """Exit code 4, and nothing is asked."""
    needed = {"send": ' 96598765432 "Hello"', "validate": " 96598765432", "status": " 1", "dlr": " 1"}
    ended = bare.run(f"kwtsms {command}{needed.get(command, '')}")
    assert (ended.code, ended.out) == (4, "")
    for way in ("kwtsms setup", "export KWTSMS_USERNAME", "--env-file"):
        assert way in ended.err
    assert ended.err.endswith("Next: kwtsms setup\n")
    assert bare.sandbox.requests == ()


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("setup", "sandbox", "errors")])
def test_a_wrong_password_is_not_shown(shell, command):
    """Exit code 4; the advice says which credentials are meant."""
    needed = {"send": ' 96598765432 "Hello"', "validate": " 96598765432", "status": " 1", "dlr": " 1"}
    ended = shell.run(f"kwtsms {command}{needed.get(command, '')}", KWTSMS_PASSWORD="hunter2hunter2")
    assert ended.code == 4
    assert "not the website login" in ended.err
    assert "hunter2" not in ended.out + ended.err


def test_settings_that_cannot_be_read_are_all_listed(shell):
    """Exit code 2; a typing slip must not decide what is sent."""
    ended = shell.run('kwtsms send 96598765432 "Hello"', KWTSMS_TEST_MODE="maybe", NOTIFYKIT_TIMEOUT="soon")
    assert ended.code == 2
    assert "KWTSMS_TEST_MODE" in ended.err
    assert "NOTIFYKIT_TIMEOUT" in ended.err
    assert shell.sandbox.requests == ()


def test_another_env_file_can_be_named(bare):
    """Before or behind the command; one that is not there is an error."""
    (bare.folder / "my.env").write_text("".join(f"{name}={value}\n" for name, value in bare.sandbox.env.items()))
    assert bare.run("kwtsms --env-file my.env balance").out == "150\n"
    assert bare.run("kwtsms balance --env-file my.env").out == "150\n"
    assert bare.run('kwtsms send 96598765432 "Hello" --env-file my.env').code == 0
    missing = bare.run("kwtsms balance --env-file no.env")
    assert missing.code == 2
    assert "no.env does not exist" in missing.err


# --- the program ---


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "sandbox"])
def test_every_command_has_help_and_json(shell, command):
    """And the one document has the form that all documents have."""
    assert "--json" in shell.run(f"kwtsms {command} --help").out
    needed = {
        "send": ' 96598765432 "Hello"',
        "validate": " 96598765432",
        "status": " 1",
        "dlr": " 1",
        "setup": " --non-interactive",
    }
    ended = shell.run(f"kwtsms {command}{needed.get(command, '')} --json")
    document = json.loads(ended.out)
    assert list(document) == DOCUMENT_KEYS
    assert (document["v"], document["command"], document["ok"]) == (1, command, ended.code == 0)


def test_the_help_fits_on_a_screen(shell):
    """Every command, and three examples."""
    out = shell.run("kwtsms -h").out
    assert len(out.splitlines()) <= 42
    assert out.count("  kwtsms ") == 3
    assert all(f"\n  {command} " in out for command in COMMANDS)


def test_a_program_without_a_command_shows_its_help(shell):
    """With the exit code of a command line that can't be used."""
    ended = shell.run("kwtsms")
    assert (ended.code, ended.out) == (2, "")
    assert "Usage: kwtsms" in ended.err


def test_the_version_says_what_a_bug_report_needs(shell):
    """Its own, Python's and urllib3's."""
    assert shell.run("kwtsms --version").out.startswith("kwtsms ")


def test_arabic_survives_a_pipe(shell):
    """As UTF-8, whatever the locale says."""
    locale = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = _process(shell, "validate", "-", stdin="٩٦٥٩٨٧٦٥٤٣٢".encode(), **locale)
    assert done.stdout.decode("utf-8") == "OK  96598765432 (٩٦٥٩٨٧٦٥٤٣٢)\n"


def test_an_ascii_console_gets_something_legible(shell):
    """Arrows as ASCII, other characters as their codes, and never a traceback."""
    done = _process(shell, "send", "٩٦٥", "Hello", PYTHONIOENCODING="ascii")
    assert b"->" in done.stderr
    assert b"\\u0669" in done.stderr
    assert done.returncode == 1


def test_a_reader_that_had_enough_is_no_error(shell):
    """``| head``: the exit code is that of what was done, and nothing is complained about."""
    command = "from notifykit_kwtsms.cli.program import main; main()"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", command, "errors"], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_live_send_as_the_shared_sender_warns_once(shell):
    """Before the send and behind it would be the same words."""
    line = 'kwtsms send 96598765432 "Hello"'
    settings = {"KWTSMS_TEST_MODE": "0", "KWTSMS_SENDER_ID": "KWT-SMS"}
    ended = shell.run(line, **settings)
    assert (ended.code, ended.err.count("shared sender")) == (0, 1)
    document = json.loads(shell.run(f"{line.replace('5432', '5433')} --json", **settings).out)
    assert sum("shared sender" in warning for warning in document["warnings"]) == 1


def test_many_numbers_that_are_none_are_ten_on_the_screen(shell):
    """And all of them for programs."""
    bad = ",".join(f"abc{number}" for number in range(1, 31))
    ended = shell.run(f'kwtsms send 96598765432,{bad} "Hello"')
    assert ended.code == 3
    assert ended.err.count("is too short") == 10
    assert "20 more numbers can't be sent to: --json has them" in ended.err
    document = json.loads(shell.run(f'kwtsms send 96598765433,{bad} "Hello" --json').out)
    assert len(document["data"]["invalid"]) == 30


def test_an_early_stop_counts_the_requests_that_were_made(shell):
    """The batches behind the refusal were no requests."""
    shell.sandbox.account.change(balance=0)
    numbers = ",".join(f"9659{number:07}" for number in range(401))
    document = json.loads(shell.run(f'kwtsms send {numbers} "Hello" --json').out)
    assert document["data"]["batches"] == len(shell.sandbox.requests) == 1
    assert "0 accepted in 1 request, " in shell.run(f'kwtsms send {numbers} "Hello"').out


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("setup", "sandbox", "errors")])
def test_the_next_command_is_never_the_one_that_failed(shell, command):
    """It would fail again."""
    needed = {"send": ' 96598765432 "Hello"', "validate": " 96598765432", "status": " 1", "dlr": " 1"}
    line = f"kwtsms {command}{needed.get(command, '')}"
    ended = shell.run(line, KWTSMS_BASE_URL="http://127.0.0.1:9/API/")
    assert ended.code != 0
    assert ended.err.splitlines()[-1] not in (f"Next: kwtsms {command}", f"Next: {line}")


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "errors"])  # it asks no gateway
def test_no_refusal_of_the_gateway_leads_back_to_the_same_command(command):
    """Whichever code it answers with, to whichever command."""
    following = {next_command(code.as_error(), command) for code in CODES.values()}
    repeated = [line for line in following if line.split()[1] == command and line.split()[2:] not in HARMLESS]
    assert repeated == []


def test_advice_about_the_command_line_can_be_typed_without_paying(shell):
    """Its number is a word, which is refused: a sample number would belong to a stranger."""
    shown = shell.run("kwtsms send 96598765432", KWTSMS_TEST_MODE="0").err
    [line] = re.findall(r'kwtsms send .*"', shown)
    assert shell.run(line, KWTSMS_TEST_MODE="0").code == 2
    assert shell.sandbox.requests == ()


@pytest.mark.parametrize("columns", ["60", "80", "100", "200"])
def test_no_text_of_the_list_of_commands_is_cut(shell, columns):
    """However narrow the terminal is."""
    out = shell.run("kwtsms --help", COLUMNS=columns).out
    listed = " ".join(out.split())
    assert all(summary in listed for _, summary in COMMANDS.values())
    assert "..." not in out.partition("Commands:")[2]


def test_the_examples_of_send_go_to_numbers_that_exist(shell):
    """Each of them is accepted by the sandbox."""
    numbers = re.findall(r"\b965\d+", shell.run("kwtsms send --help").out)
    assert numbers
    assert shell.run(f"kwtsms validate {' '.join(numbers)}").code == 0


def test_an_interrupted_send_says_where_to_look(shell):
    """Exit code 130: the request may have arrived."""
    shell.sandbox.chaos("ERR013", endpoint="send", delay=20)
    with shell.terminal('kwtsms send 96598765432 "Hello"') as terminal:
        terminal.expect("Test mode")
        ends = time.monotonic() + 20
        while not shell.sandbox.requests and time.monotonic() < ends:
            time.sleep(0.01)
        ended = terminal.interrupt()
    assert ended.code == 130
    assert "Interrupted: 0 numbers accepted; 1 number in flight may have been sent; 0 not sent." in ended.out
    assert "kwtsms.log says which requests were made" in ended.out


def test_an_interrupted_send_is_a_document_for_programs(shell):
    """With the message and the warnings that a person gets."""
    shell.sandbox.chaos("ERR013", endpoint="send", delay=20)
    with shell.terminal('kwtsms send 96598765432 "Hello" --json') as terminal:
        ends = time.monotonic() + 20
        while not shell.sandbox.requests and time.monotonic() < ends:
            time.sleep(0.01)
        ended = terminal.interrupt()
    assert ended.code == 130
    document = json.loads(ended.out[ended.out.index("{") : ended.out.rindex("}") + 1])
    assert "kwtsms.log says which requests were made" in document["error"]["message"]
    assert any("Test mode" in warning for warning in document["warnings"])


def test_colour_is_for_terminals_that_want_it(shell):
    """NO_COLOR is honoured, and a pipe never gets any."""
    with shell.terminal("kwtsms nothing") as terminal:
        assert "\x1b[" in terminal.end().out
    with shell.terminal("kwtsms nothing", NO_COLOR="1") as terminal:
        assert "\x1b[" not in terminal.end().out
    assert "\x1b[" not in shell.run("kwtsms nothing").err


def test_a_gateways_words_cannot_steer_a_terminal(shell):
    """Control characters are shown as what they are."""
    shell.sandbox.account.change(senders=["\x1b[2JEVIL", "MY-APP"])
    assert "\x1b" not in shell.run("kwtsms senderid").out


def test_the_sandbox_is_a_command_too(bare):
    """It runs until Ctrl-C; what it prints to paste is an account that opens nothing else."""
    terminal = Terminal(["sandbox", "--port", "0"], bare.folder, {})
    try:
        terminal.expect("KWTSMS_BASE_URL=http://127.0.0.1:")
        terminal.expect("Ctrl-C ends it")
        assert terminal.interrupt().code == 0
    finally:
        terminal.close()


def test_balance_loads_only_what_it_needs():
    """Neither plugins nor a server nor the machinery of sending."""
    code = (
        "import sys, notifykit_kwtsms.cli.program, notifykit_kwtsms.cli.account;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}));"
        "print(*[name for name in sys.modules if name.startswith('notifykit')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    roots, ours = (set(line.split()) for line in done.stdout.splitlines())
    assert {"pluggy", "asyncio", "werkzeug"} & roots == set()
    assert {"notifykit_kwtsms.client.sync", "notifykit_kwtsms.sandbox", "notifykit.pipeline.notifier"} & ours == set()


def test_a_number_that_the_gateway_left_out_is_no_full_success(shell):
    """It counts one of two and does not say which: neither do we call that OK."""
    done = shell.run("kwtsms send 96598765432,96545001025 Hello")
    assert done.code == 3
    assert "1 of 2 accepted" in done.out
    assert "does not say which" in done.err


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    """It is written down a second time, so that `--help` loads no command."""
    modules = {name: import_module(f"notifykit_kwtsms.cli.{module}") for name, (module, _) in COMMANDS.items()}
    own = {name: getattr(module, name).get_short_help_str(200) for name, module in modules.items()}
    assert own == {name: words for name, (_, words) in COMMANDS.items()}


def test_what_was_changed_in_the_text_is_said(shell):
    """In one line, and in JSON as edits; with what the gateway would refuse in a live send."""
    found = shell.run("kwtsms send 96598765432 '<b>Hi</b> {name} 🎉' --sender TWELVE-CHARS")
    assert found.out.splitlines()[0] == ("changed: 🎉 removed (emoji), <b> removed (HTML tag), </b> removed (HTML tag)")
    assert "{name} stands in the text" in found.err
    assert found.err.count("has 12 characters, and 11 are allowed") == 1
    edits = json.loads(shell.run("kwtsms send 96598765432 'Hi 🎉' --json").out)["data"]["edits"]
    assert [(edit["before"], edit["reason"]) for edit in edits] == [("🎉", "emoji")]


def test_the_module_is_the_program_too(shell):
    """For machines where another package owns, or took away, ``bin/kwtsms``."""
    done = subprocess.run(
        [sys.executable, "-m", "notifykit_kwtsms", "errors", "ERR011"],
        capture_output=True,
        check=False,
        timeout=60,
        cwd=shell.folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"ERR011  ")
