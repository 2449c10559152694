"""Every command line of the documentation, in a pipe and on a terminal."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator

import attrs
import pytest

from notifykit.cli.exit_codes import Exit
from notifykit_kwtsms.cli.program import COMMANDS
from notifykit_kwtsms.sandbox import Rules, Sandbox

pytestmark = pytest.mark.slow

#: The command lines as they are documented, with their comments.
DOCUMENTED = r"""
kwtsms setup                                          # first-time wizard
kwtsms verify                                         # test credentials + show balance
kwtsms balance                                        # check balance
kwtsms send 96598765432 "Your OTP is: 123456"        # send SMS
kwtsms send 96598765432,96512345678 "Hello!"          # multiple numbers (no spaces around commas)
kwtsms send "96598765432, 96512345678" "Hello!"       # or quote the list (spaces OK inside quotes)
kwtsms send 96598765432 "Hello" --sender MY-APP       # override sender ID
kwtsms send 96598765432 "Hello" --sender "kwt sms"   # sender ID with spaces — quote it
kwtsms validate 96598765432 +96512345678 0096511111111
""".strip().splitlines()
PAGE = pathlib.Path(__file__).parents[3] / "docs" / "reference" / "kwtsms-program.md"
TEST_WARNING = "Test mode: messages are queued"


@attrs.frozen
class Expected:
    """What a line does."""

    #: The endpoint that it asks, and what it asks with.
    request: tuple[str, dict[str, str]]
    #: What it prints, as a pattern.
    shown: str


def _send(mobile: str, message: str, sender: str = "MY-APP") -> Expected:
    asked = {"mobile": mobile, "message": message, "sender": sender, "test": "1"}
    count = len(mobile.split(","))
    summary = f"^OK: {count} accepted, points charged: {count}, balance: {150 - count}"
    return Expected(("send", asked), rf"(?m){summary}\s+msg-id: [0-9a-f]{{32}}")


BOTH = "96598765432,96512345678"
ASKED = f"{BOTH},96511111111"
EXPECTED = dict(
    zip(
        DOCUMENTED[1:],
        [
            Expected(("balance", {}), r"The credentials are right\.(?s:.*)Mode: +TEST(?s:.*)Balance: +150 points"),
            Expected(("balance", {}), r"^150\s*$"),
            _send("96598765432", "Your OTP is: 123456"),
            _send(BOTH, "Hello!"),
            _send(BOTH, "Hello!"),
            _send("96598765432", "Hello"),
            _send("96598765432", "Hello", "kwt sms"),
            Expected(
                ("validate", {"mobile": ASKED}),
                r"^OK  96598765432\s+OK  96512345678 \(\+96512345678\)\s+OK  96511111111 \(0096511111111\)\s*$",
            ),
        ],
        strict=True,
    )
)


@pytest.fixture(name="gateway", scope="module")
def _gateway() -> Iterator[Sandbox]:
    """A gateway that accepts the documentation's numbers: some of them are not assigned in Kuwait."""
    with Sandbox(rules=Rules(rate_limit=None, kuwait_rule=False)) as sandbox:
        yield sandbox


def _check(shell, expected, code, out):
    assert code == 0, out
    assert re.search(expected.shown, out), out
    [(endpoint, asked)] = shell.asked()
    expected_endpoint, fields = expected.request
    assert endpoint == expected_endpoint
    assert {name: asked[name] for name in fields} == fields


@pytest.mark.parametrize("line", EXPECTED)
def test_it_does_in_a_pipe_what_is_documented(shell, line):
    """One request with exactly these fields, the answer on standard output, the warning on standard error."""
    ended = shell.run(line)
    _check(shell, EXPECTED[line], ended.code, ended.out)
    assert (TEST_WARNING in ended.err) == (" send " in line)
    assert TEST_WARNING not in ended.out


@pytest.mark.parametrize("line", EXPECTED)
def test_it_does_on_a_terminal_what_is_documented(shell, line):
    """The same; and it never asks anything."""
    with shell.terminal(line) as terminal:
        ended = terminal.end()
    _check(shell, EXPECTED[line], ended.code, ended.out)
    assert (TEST_WARNING in ended.out) == (" send " in line)


def test_setup_asks_nothing_where_nobody_can_answer(shell):
    """In a pipe the first line of the documentation says what to give instead, and writes nothing."""
    ended = shell.run(DOCUMENTED[0])
    assert (ended.code, ended.out) == (2, "")
    assert "--non-interactive" in ended.err
    assert ended.err.endswith("Next: kwtsms setup --help\n")
    assert list(shell.folder.iterdir()) == []


def test_live_mode_sends_without_asking(shell):
    """Its documented behaviour, without the warning of test mode."""
    shell.environment["KWTSMS_TEST_MODE"] = "0"
    with shell.terminal(DOCUMENTED[3]) as terminal:
        ended = terminal.end()
    assert ended.code == 0
    assert "Test mode" not in ended.out
    assert [message.test for message in shell.sandbox.messages] == [False]
    assert "Mode:     LIVE" in shell.run("kwtsms verify").out


def test_each_call_leaves_a_line_in_the_log(shell):
    """Questions too; the password is redacted."""
    shell.run("kwtsms balance")
    shell.run(DOCUMENTED[3])
    assert [endpoint for endpoint, _ in shell.asked()] == ["balance", "send"]
    assert shell.password not in (shell.folder / "kwtsms.log").read_text(encoding="utf-8")


# --- our own page ---


def _blocks() -> list[list[tuple[str, str]]]:
    """Return the command lines of each example of the page, and what the page says they print."""
    blocks = re.findall("```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [[tuple(part.split("\n", 1)) for part in block.split("$ ")[1:]] for block in blocks]


@pytest.mark.parametrize("block", _blocks(), ids=lambda block: block[0][0])
def test_the_page_shows_what_the_program_prints(block, shell):
    """Line by line; three dots stand for whatever comes there."""
    with Sandbox(rules=Rules(rate_limit=None)) as strict:
        shell.environment |= strict.env
        for line, shown in block:
            pattern = "".join(re.escape(part).replace("…", ".*") for part in shown.splitlines(keepends=True))
            out = shell.run(line).out
            kept = "".join(row for row in out.splitlines(keepends=True) if not row.startswith("Gateway:"))
            assert re.fullmatch(pattern, kept), out


def test_the_page_lists_every_command():
    """And every exit code that the program has."""
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"| `kwtsms {name}" not in text] == []
    assert [code for code in Exit if code is not Exit.PLUGIN and f"| {int(code)} |" not in text] == []
