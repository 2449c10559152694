"""``notifykit verify``: one-time codes from the shell, over the gateway."""

from __future__ import annotations

import pytest

from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run

NUMBER, OTHER = "96598765432", "96551234567"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sqlalchemy")
    monkeypatch.setenv("NOTIFYKIT_HASH_KEY", "a key for tests, and for nothing else")
    monkeypatch.setenv("NOTIFYKIT_VERIFY_APP", "MYAPP")


def test_a_code_is_sent_and_checked(run: Run, gateway: Sandbox) -> None:
    """In as many processes as there are commands: the store is what they share."""
    answer = run("verify", "start", "+965 9876 5432", "--client", "203.0.113.9", "--language", "ar")
    assert (answer.code, answer.out) == (0, "sent\n")
    code = gateway.otp(NUMBER)
    assert gateway.messages[-1].text.startswith(f"{code} هو رمزك في MYAPP")
    early = run("verify", "start", NUMBER)
    assert (early.code, early.out.partition(":")[0]) == (8, "wait")
    assert "Try again in 30 s" in early.err
    assert run("verify", "check", NUMBER, "1234", "--purpose", "payment").out == "wrong, 4 attempts left\n"
    assert run("verify", "check", NUMBER, "-", stdin=f" {code}\n").out == "correct\n"
    again = run("verify", "check", NUMBER, code)
    assert (again.code, again.out) == (1, "used\n")


def test_the_answers_are_documents_too(run: Run, gateway: Sandbox) -> None:
    """With the same exit codes, and without the code."""
    started = run("verify", "start", NUMBER, "--json")
    assert (started.code, started.data["status"], started.data["resend"]) == (0, "sent", False)
    assert gateway.otp(NUMBER) not in started.out
    blocked = run("verify", "start", "+966551234567", "--json")
    assert (blocked.code, blocked.data["rule"], blocked.data["retry_after"]) == (1, "countries", None)
    checked = run("verify", "check", NUMBER, gateway.otp(NUMBER), "--json")
    assert (checked.code, checked.data["reason"], checked.document["ok"]) == (0, "correct", True)
    status = run("verify", "status", "--json").data
    assert status["countries"] == [{"country": "KW", "sent": 1, "verified": 1, "conversion": 1.0, "held": 0}]
    (line,) = status["prefixes"]
    assert (line["prefix"], line["sent"], line["verified"], line["held"]) == ("96598765", 1, 1, None)


def test_the_outcome_is_the_exit_code(run: Run, gateway: Sandbox) -> None:
    """Unknown is 6: the code may be on its way, and is valid."""
    unknown = run("verify", "start", "96545006001")
    assert (unknown.code, unknown.out.partition(":")[0]) == (6, "unknown")
    assert run("verify", "check", "96545006001", gateway.otp("96545006001")).code == 0
    failed = run("verify", "start", "96545000003")
    assert (failed.code, failed.out.partition(":")[0]) == (4, "failed")
    assert run("verify", "start", "22334455").code == 1


def test_a_held_prefix_is_shown_and_released(run: Run, gateway: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a table of countries and prefixes."""
    from notifykit import Settings
    from notifykit.verify.database import DatabaseStore
    from notifykit.verify.store import Hold

    assert run("verify", "status").err == "No codes were sent in the last 24 hours.\n"
    store = DatabaseStore(Settings.load().check())
    with store.begin() as tx:
        tx.hold(Hold("96598765", "KW", 1_800_000_000.0))
    store.close()
    blocked = run("verify", "start", NUMBER)
    assert (blocked.code, "conversion" in blocked.err) == (1, True)
    assert run("verify", "start", OTHER).code == 0
    shown = run("verify", "status")
    assert [line.split()[:2] for line in shown.out.splitlines()] == [
        ["country", "prefix"],
        ["KW", "all"],
        ["KW", "96551234"],
        ["KW", "96598765"],
    ]
    assert "2027-01-15 08:00" in shown.out
    assert run("verify", "release", "96598765").out == "96598765 is sent to again.\n"
    assert run("verify", "release", "96598765", "--json").code == 1
    assert run("verify", "start", NUMBER).code == 0


@pytest.mark.parametrize("arguments", [(), ("start",), ("check", NUMBER), ("start", NUMBER, "--client", "a proxy")])
def test_what_can_not_be_understood_is_said(run: Run, gateway: Sandbox, arguments: tuple[str, ...]) -> None:
    """With the exit code of the command line, and nothing is sent."""
    assert run("verify", *arguments).code == 2
    assert not gateway.messages


def test_the_log_counts_codes(run: Run, gateway: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent and verified; what was held back is in its rows, and no code is."""
    monkeypatch.setenv("NOTIFYKIT_LOG_FILE", "sends.jsonl")
    for number in (NUMBER, OTHER, NUMBER):
        run("verify", "start", number)
    run("verify", "check", NUMBER, gateway.otp(NUMBER))
    shown = run("log", "stats")
    assert "one-time codes: 2 sent, 1 verified (50%)" in shown.out.splitlines()
    assert run("log", "stats", "--json").data["codes"] == {
        "sent": 2,
        "resent": 0,
        "verified": 1,
        "blocked": 1,
        "failed": 0,
    }
    rows = run("log", "tail", "-v").out
    assert "verification_blocked" in rows
    assert gateway.otp(NUMBER) not in rows
