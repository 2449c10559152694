"""``notifykit balance`` and ``notifykit doctor`` as cron and Nagios call them, with a real gateway."""

from __future__ import annotations

import json
import pathlib
import re

import pytest

from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run, run_here, start
from tests.transports.wire import answer, scripted


def _start(*arguments: str, **environment: str) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        answer = run_here(*arguments)
    return answer.code, answer.out, answer.err


@pytest.mark.parametrize(
    ("options", "code", "out", "err"),
    [
        ((), 0, "kwtsms 150 points\n", ""),
        (("--min", "150"), 0, "kwtsms 150 points\n", ""),
        (
            ("--min", "151"),
            7,
            "kwtsms 150 points\n",
            "notifykit: kwtsms 150 points: less than 151. → Top up the account.\n",
        ),
        (("--min", "151", "-q"), 7, "", "notifykit: kwtsms 150 points: less than 151. → Top up the account.\n"),
        (("--min", "100", "--warn", "200"), 0, "kwtsms 150 points\n", "kwtsms 150 points: less than 200.\n"),
        (("--min", "100", "-q"), 0, "", ""),
    ],
)
def test_the_balance_for_cron(gateway: Sandbox, options: tuple[str, ...], code: int, out: str, err: str) -> None:
    """It mails what is printed: with ``-q`` nothing, unless something is wrong."""
    gateway.account.change(balance=150)
    assert _start("balance", *options) == (code, out, err)


def test_the_balance_in_json(gateway: Sandbox, run: Run) -> None:
    """The exit code is that of the text."""
    gateway.account.change(balance=150)
    answer = run("balance", "--min", "200", "--json")
    assert answer.code == 7
    (account,) = answer.data["accounts"]
    assert (account["balance"], account["unit"], answer.data["minimum"]) == (150, "point", 200)
    assert answer.document["error"]["kind"] == "OutOfCredit"
    assert answer.document["ok"] is False


@pytest.mark.parametrize(
    ("options", "code", "line"),
    [
        ((), 0, "BALANCE OK - kwtsms 150 points | kwtsms=150;;;0"),
        (("--warn", "200", "--min", "100"), 1, "BALANCE WARNING - kwtsms 150 points | kwtsms=150;200:;100:;0"),
        (("--warn", "200", "--min", "160"), 2, "BALANCE CRITICAL - kwtsms 150 points | kwtsms=150;200:;160:;0"),
    ],
)
def test_the_balance_for_nagios(gateway: Sandbox, options: tuple[str, ...], code: int, line: str) -> None:
    """One line with performance data; thresholds are ranges that the value must not be below."""
    gateway.account.change(balance=150)
    assert _start("balance", *options, "--nagios") == (code, f"{line}\n", "")


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        (("balance", "--min", "x"), {}, 3, "BALANCE UNKNOWN - "),
        (("balance",), {"KWTSMS_PASSWORD": "wrong-words"}, 2, "BALANCE CRITICAL - ERR003"),
        (("balance",), {"KWTSMS_BASE_URL": "http://127.0.0.1:1/API/"}, 3, "BALANCE UNKNOWN - "),
        (("balance",), {"NOTIFYKIT_TIMEOUT": "soon"}, 3, "BALANCE UNKNOWN - NOTIFYKIT_TIMEOUT"),
        (("balance", "--via", "console"), {}, 3, "BALANCE UNKNOWN - console has no account"),
        (("doctor", "--onlin"), {}, 3, "DOCTOR UNKNOWN - "),
    ],
)
def test_what_can_not_be_checked_is_unknown_to_nagios(
    gateway: Sandbox, arguments: tuple[str, ...], environment: dict[str, str], code: int, words: str
) -> None:
    """1 and 2 would say that a check found something; a refused account has been found."""
    found, out, err = _start(*arguments, "--nagios", **environment)
    assert (found, err) == (code, "")
    assert out.startswith(words)
    assert out.count("\n") == 1
    assert "wrong-words" not in out


def test_without_the_option_the_exit_codes_stay(gateway: Sandbox) -> None:
    """Scripts rely on them: those of a process of its own."""
    assert start("balance", KWTSMS_PASSWORD="wrong-words").returncode == 4
    assert start("balance", KWTSMS_BASE_URL="http://127.0.0.1:1/API/").returncode == 5
    assert start("balance", "--min", "x").returncode == 2


def test_the_doctor_for_nagios(gateway: Sandbox) -> None:
    """The worst finding is in the first line, and what to do below it."""
    gateway.account.change(balance=150, senders=("KWT-SMS", "MYAPP"))
    code, out, err = _start("doctor", "--online", "--nagios", KWTSMS_SENDER_ID="MYAPP")
    first = out.splitlines()[0]
    assert (code, err) == (0, "")
    assert re.fullmatch(r"NOTIFYKIT OK - \d+ checks, 0 failed, 0 warnings \| failed=0;;1 warnings=0;1", first)
    gateway.account.change(balance=3)
    code, out, err = _start("doctor", "--online", "--nagios", KWTSMS_SENDER_ID="MYAPP")
    first, *more = out.splitlines()
    assert code == 1
    assert "1 warning: kwtsms balance: 3 points left | failed=0;;1 warnings=1;1" in first
    assert more == ["kwtsms balance: 3 points left → top up at kwtsms.com"]
    code, out, err = _start("doctor", "--online", "--nagios", KWTSMS_PASSWORD="wrong-words")
    assert code == 2
    assert out.startswith("NOTIFYKIT CRITICAL - ")


def test_the_doctor_for_cron(gateway: Sandbox) -> None:
    """The exit code says it in JSON too, and ``-q`` prints only what is not well."""
    gateway.account.change(balance=3, senders=("KWT-SMS", "MYAPP"))
    arguments = ("doctor", "--online", "--json")
    code, out, _ = _start(*arguments, KWTSMS_SENDER_ID="MYAPP")
    document = json.loads(out)
    assert (code, document["ok"]) == (0, True)
    assert "warn" in {check["health"] for check in document["data"]}
    assert _start(*arguments, "--strict", KWTSMS_SENDER_ID="MYAPP")[0] == 3
    code, out, _ = _start(*arguments, KWTSMS_PASSWORD="wrong-words")
    assert (code, json.loads(out)["ok"]) == (1, False)
    code, out, _ = _start("doctor", "--online", "-q", "--strict", KWTSMS_SENDER_ID="MYAPP")
    assert code == 3
    assert [line.split()[0] for line in out.splitlines()] == ["warn", "→"]


# --- alerts ---


def _alert_checks(run: Run, *options: str) -> list[tuple[str, str, str]]:
    checks = run("doctor", "--json", *options).data
    return [(check["name"], check["health"], check["found"]) for check in checks if "alert" in check["name"]]


def test_the_doctor_looks_at_alerts(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """That there are none, that they are well, and what is wrong."""
    ((_, health, found),) = _alert_checks(run)
    assert (health, found.partition(":")[0]) == ("ok", "not set up")
    monkeypatch.setenv("NOTIFYKIT_ALERT_VIA", "kwtsms")
    monkeypatch.setenv("NOTIFYKIT_ALERT_TO", "96598765432")
    monkeypatch.setenv("NOTIFYKIT_TRANSPORT", "kwtsms")
    ((_, health, found),) = _alert_checks(run)
    assert health == "fail"
    assert "this is the transport that sends the messages" in found
    monkeypatch.setenv("NOTIFYKIT_ALERT_VIA", "webhook://alerts.example/hook/s3cret")
    ((_, health, found),) = _alert_checks(run)
    assert health == "ok"
    assert "each at most once in 1 hour" in found
    assert "s3cret" not in found
    monkeypatch.setenv("NOTIFYKIT_SINKS", "logging")
    ((_, health, found),) = _alert_checks(run)
    assert (health, found) == ("warn", "set up, but not among the sinks")
    monkeypatch.delenv("NOTIFYKIT_SINKS")
    monkeypatch.setenv("NOTIFYKIT_ALERT_UNKNOWN", "many")
    monkeypatch.setenv("NOTIFYKIT_ALERT_EVERY", "often")
    assert [health for _, health, _ in _alert_checks(run)] == ["fail", "fail"]


def test_the_doctor_warns_of_alerts_that_reach_nobody(
    gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transport in test mode takes them and delivers none."""
    monkeypatch.setenv("NOTIFYKIT_TRANSPORT", "null")
    monkeypatch.setenv("NOTIFYKIT_ALERT_VIA", "kwtsms")
    monkeypatch.setenv("NOTIFYKIT_ALERT_TO", "96598765432")
    ((_, health, found),) = _alert_checks(run)
    assert health == "warn"
    assert "reach nobody" in found


def test_a_test_alert_is_sent(gateway: Sandbox, tmp_path: pathlib.Path) -> None:
    """The whole way, as often as is asked for."""
    with scripted(answer()) as wire:
        environment = {"NOTIFYKIT_ALERT_VIA": f"webhook+http://127.0.0.1:{wire.port}/hook"}
        for _ in range(2):
            code, out, _ = _start("doctor", "--alert", "-q", **environment)
            assert (code, "test alert" in out) == (0, False)
        bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in wire.requests]
    assert [body["text"].splitlines()[:3] for body in bodies] == [
        ["Test alert", "", "This is a test: nothing is wrong."]
    ] * 2


def test_a_test_alert_that_is_not_taken_is_a_failure(gateway: Sandbox) -> None:
    """With the reason and what to do."""
    with scripted(answer(b"", "403 Forbidden")) as wire:
        code, out, _ = _start("doctor", "--alert", NOTIFYKIT_ALERT_VIA=f"webhook+http://127.0.0.1:{wire.port}/hook")
    assert code == 1
    assert re.search(r"fail +test alert +not sent: ", out)
    code, out, _ = _start("doctor", "--alert")
    assert code == 1
    assert "no alerts are set up" in out
