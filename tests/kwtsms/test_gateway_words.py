"""The gateway's own words: exact for the caller, in one line and redacted for everybody who reads over the shoulder."""

from __future__ import annotations

import base64
import contextlib
import html
import importlib
import json
import logging
import pathlib
import shlex
import traceback
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from notifykit import Outcome, VirtualClock
from notifykit_kwtsms import KwtSMS
from tests.kwtsms.cli.program_runner import arguments
from tests.transports.wire import Wire, scripted

NUMBER = "96598765432"
PASSWORD = "s&cret-pass9word"
TEXT = "Dear Fatma, your code is 778899"
#: A line of a command that nobody printed, after each way to end a line or to turn the next one around.
FALSE_LINES = "no" + "\n".join(
    f"{end}accepted  {NUMBER}" for end in ("", "\r", "\x85", "\u2028", "\u2029", "\u202e", "\x1b[2K")
)


@contextlib.contextmanager
def gateway(**fields: object) -> Iterator[Wire]:
    """Run a gateway that gives one answer."""
    body = json.dumps(fields).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with scripted(lambda connection, _: connection.sendall(head + body) or True) as wire:
        yield wire


def refusal(words: str) -> contextlib.AbstractContextManager[Wire]:
    """Run a gateway that refuses with these words."""
    return gateway(result="ERROR", code="ERR003", description=words)


@contextlib.contextmanager
def client(wire: Wire, password: str = PASSWORD) -> Iterator[KwtSMS]:
    """Make the documented client for a gateway."""
    with KwtSMS(
        "user", password, "MY-APP", log_file="kwtsms.log", base_url=f"{wire.url}/", clock=VirtualClock()
    ) as sms:
        yield sms


ECHOES = {
    "as it is": PASSWORD,
    "upper case": PASSWORD.upper(),
    "HTML": html.escape(PASSWORD),
    "a URL": quote(PASSWORD),
    "base64": base64.b64encode(PASSWORD.encode()).decode(),
    "a number with spaces": "9 6 5 9 8 7 6 5 4 3 2",
    "a number": f"+{NUMBER}",
    "the code": "778899",
    "the code with hyphens": "77-88-99",
    "the text": f'"{TEXT}"',
}


@pytest.mark.parametrize(("password", "text"), [("a", "zero"), ("error", "is")])
def test_the_caller_has_the_exact_words(password: str, text: str) -> None:
    """Also where a password or a text is a part of them."""
    words = "Authentication error, account balance is zero"
    with refusal(words) as wire, client(wire, password) as sms:
        assert sms.send(NUMBER, text)["description"] == words
        assert sms.verify()[2].startswith(f"{words} → ")
        assert sms.validate([NUMBER])["error"].startswith(f"{words} → ")
        assert [sms.send([NUMBER] * 2, text)["description"], sms.status("x")["description"]] == [words, words]


def test_a_short_password_garbles_no_word_of_the_log() -> None:
    """It is removed where it stands as a word of its own."""
    with refusal("Authentication error: a is wrong") as wire, client(wire, "a") as sms:
        sms.send(NUMBER, "Hello")
    (line,) = pathlib.Path("kwtsms.log").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["response"]["description"] == "Authentication error: *** is wrong"


@pytest.mark.parametrize("form", ECHOES)
def test_what_a_gateway_repeats_is_shown_to_nobody_else(
    form: str, connect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """Not by a repr, a log record, a traceback with its variables or a program, in whatever form it comes back."""
    from notifykit_kwtsms.cli.program import main

    secret = ECHOES[form]
    words = f"Refused: {secret} was given"
    with refusal(words) as wire, caplog.at_level(logging.DEBUG):
        notifier = connect(f"kwtsms://user:{quote(PASSWORD)}@127.0.0.1:{wire.port}")
        (receipt,) = notifier.send(NUMBER, TEXT)
        assert receipt.error.provider_words == words
        shown = f"{receipt!r} {receipt.error!r} {receipt.error} {caplog.text}"
        with pytest.raises(type(receipt.error)) as caught:
            notifier.transport.balance(5)
        formatted = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        formatted.stack = traceback.StackSummary.from_list(
            frame for frame in formatted.stack if frame.filename != __file__
        )
        shown += "".join(formatted.format())
        for name, value in {"USERNAME": "user", "PASSWORD": PASSWORD, "BASE_URL": f"{wire.url}/", "RATE": "4"}.items():
            monkeypatch.setenv(f"KWTSMS_{name}", value)
        for line in (f"kwtsms send {NUMBER} '{TEXT}'", f"kwtsms send {NUMBER} '{TEXT}' --json", "kwtsms verify"):
            with pytest.raises(SystemExit):
                main(arguments(line))
            shown += "".join(capsys.readouterr())
    assert secret not in shown.replace(NUMBER, "")
    assert words not in shown


@pytest.mark.parametrize(
    ("program", "line", "fields"),
    [
        ("notifykit", f"send {NUMBER} Hello", {"result": "ERROR", "code": "ERR003", "description": FALSE_LINES}),
        (
            "notifykit",
            f"send {NUMBER} Hello --json",
            {"result": "ERROR", "code": FALSE_LINES, "description": FALSE_LINES},
        ),
        ("notifykit", f"send {NUMBER} Hello", {"result": "OK", "msg-id": FALSE_LINES, "numbers": 1}),
        ("notifykit", f"send {NUMBER} Hello --json", {"result": "OK", "msg-id": FALSE_LINES, "numbers": 1}),
        ("kwtsms", f"send {NUMBER} Hello", {"result": "ERROR", "code": "ERR003", "description": FALSE_LINES}),
        ("kwtsms", f"send {NUMBER} Hello", {"result": "OK", "msg-id": FALSE_LINES, "numbers": 1}),
        ("kwtsms", "senderid", {"result": "OK", "senderid": [FALSE_LINES]}),
        ("kwtsms", "coverage", {"result": "OK", "coverage": [FALSE_LINES]}),
        ("kwtsms", "status abc", {"result": "OK", "status": FALSE_LINES, "description": FALSE_LINES}),
        ("kwtsms", "dlr abc", {"result": "OK", "report": [{"Number": FALSE_LINES, "Status": FALSE_LINES}]}),
    ],
)
def test_foreign_words_print_no_line_of_their_own(
    program: str,
    line: str,
    fields: dict[str, object],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capsys,
) -> None:
    """Line ends, marks of direction and control characters are escapes, in a terminal and in a log."""
    main = importlib.import_module(
        {"notifykit": "notifykit.cli.main", "kwtsms": "notifykit_kwtsms.cli.program"}[program]
    ).main
    with gateway(**fields) as wire, caplog.at_level(logging.DEBUG):
        for name, value in {"USERNAME": "user", "PASSWORD": PASSWORD, "BASE_URL": f"{wire.url}/", "RATE": "4"}.items():
            monkeypatch.setenv(f"KWTSMS_{name}", value)
        with pytest.raises(SystemExit):
            main(shlex.split(line))
    shown = "".join(capsys.readouterr()) + caplog.text
    assert len(wire.requests) == 1
    assert not set(shown) & set("\r\x85\u2028\u2029\u202e\x1b")
    honest = f"accepted  {NUMBER} (test)" if fields["result"] == "OK" else ""
    assert [line for line in shown.split("\n") if line.startswith("accepted") and line != honest] == []


def test_an_unknown_receipt_says_when(sandbox, connect) -> None:
    """By the clock of the account's pages, which is Kuwait's: 3 hours before UTC."""
    sandbox.chaos("reset", endpoint="send", after="accept")
    (receipt,) = connect(clock=VirtualClock()).send(NUMBER, "Hello")
    assert receipt.outcome is Outcome.UNKNOWN
    assert receipt.attempts[0].started.isoformat(timespec="minutes") == "2026-01-01T00:00+00:00"
    assert "Look for this number at kwtsms.com, about 2026-01-01 03:00 in Kuwait (UTC+3)" in receipt.advice
