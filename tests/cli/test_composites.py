"""The command line where the transport is a name of the settings, or made of others: as with a plain one."""

from __future__ import annotations

import pathlib

import pytest

from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import LONG_TEXT, Run

ONE, TWO = "96598765432", "96598765433"
#: A webhook to a closed port: it is live, it can't be asked anything, and it does not measure.
HOOK = "webhook+http://hooker:hookpassword@127.0.0.1:9/hookpath"
#: Ways to mean the account of the sandbox: by name, in brackets, behind another part, as a name of names.
WAYS = ("kuwait", "safe", "outer", "failover(kuwait, null)", f"failover({HOOK}, kuwait)")


@pytest.fixture(autouse=True, name="folder")
def _folder(gateway: Sandbox, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A folder with names for transports, and no account in the environment: only the DSNs know one."""
    for name in ("KWTSMS_USERNAME", "KWTSMS_PASSWORD", "KWTSMS_SENDER_ID", "KWTSMS_TEST_MODE", "KWTSMS_BASE_URL"):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    locked = gateway.dsn.replace("sandboxpassword", "wrongpassword")
    (tmp_path / "notifykit.toml").write_text(f"""
        transport = "outer"

        [transports]
        kuwait = "{gateway.dsn}"
        locked = "{locked}"
        backup = "{HOOK}"
        safe = {{ failover = ["kuwait", "null"], rest = 60 }}
        outer = {{ route = [{{ country = "KW", via = "safe" }}, {{ via = "null" }}] }}
        both = {{ failover = ["locked", "kuwait"] }}
        moving = {{ failover = ["locked", "memory"] }}
    """)
    return tmp_path


# --- looking, without sending ---


@pytest.mark.parametrize("via", WAYS)
def test_a_text_is_measured_and_priced_as_by_the_plain_transport(gateway: Sandbox, run: Run, via: str) -> None:
    """``preview`` and ``explain`` find the first part that measures, and need no network."""
    for command in (["preview", LONG_TEXT, "--to", ONE], ["explain", LONG_TEXT]):
        plain = run(*command, "--via", gateway.dsn, "--json").data
        found = run(*command, "--via", via, "--json").data
        assert {**found, "mode": None} == {**plain, "mode": None}
        assert (found["encoding"], found["segments"]) == ("ucs2", 2)
    assert gateway.requests == ()


def test_the_setting_itself_may_be_a_name_of_names(run: Run) -> None:
    """Without ``--via`` too."""
    assert run("preview", LONG_TEXT, "--to", ONE, "--json").data["cost"] == 2
    assert "Unicode · 2 segments" in run("preview", LONG_TEXT).out


@pytest.mark.parametrize("via", WAYS)
def test_numbers_are_asked_about_at_the_first_part_that_knows_them(gateway: Sandbox, run: Run, via: str) -> None:
    """``validate --remote``; and where no part does, it says so."""
    assert run("validate", ONE, "966551234567", "--via", via).code == 0
    assert gateway.requests == ()
    answer = run("validate", ONE, "966551234567", "--remote", "--via", via)
    assert (answer.code, len(gateway.requests)) == (3, 1)
    assert "ERR026" in answer.out


def test_it_is_said_where_no_part_can_be_asked_about_numbers(run: Run) -> None:
    """In the words that a plain transport has."""
    answer = run("validate", ONE, "--remote", "--via", "failover(backup, null)")
    assert answer.code == 2
    assert "failover can't be asked about numbers" in answer.err


def test_a_plan_and_the_first_request_can_be_seen(gateway: Sandbox, run: Run) -> None:
    """``--dry-run`` has segments and points; ``--offline`` shows the request of the part that would make it."""
    assert "1 recipient, 1 segment of GSM-7, 1 point, 1 request" in run("send", ONE, "Hello", "--dry-run").out
    shown = run("send", ONE, "Hello", "--offline")
    assert (shown.code, shown.out) == (0, run("send", ONE, "Hello", "--offline", "--via", gateway.dsn).out)
    assert '"mobile": "965****5432"' in shown.out
    answer = run("send", ONE, "Hello", "--offline", "--via", f"failover({HOOK}, kuwait)")
    assert answer.code == 2
    assert "webhook can't show its requests" in answer.err
    assert gateway.requests == ()


# --- what is set up ---


def test_the_program_alone_shows_what_it_is_made_of(run: Run) -> None:
    """It is live where any part is; which one, stands beside it. Nothing is secret."""
    data = run("--json").data
    assert data["mode"] == "TEST"
    assert [part["transport"].partition(":")[0] for part in data["parts"]] == ["kwtsms", "null", "null"]


def test_one_live_part_makes_it_live(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the parts that are not are shown to be in test mode."""
    monkeypatch.setenv("NOTIFYKIT_TRANSPORT", "failover(safe, backup)")
    answer = run()
    assert "mode       LIVE" in answer.out
    assert "made of    TEST  kwtsms://" in answer.out
    assert "           LIVE  webhook+http://127.0.0.1:9" in answer.out
    assert "hookpassword" not in answer.out
    assert "hookpath" not in answer.out


def checks(run: Run, *options: str) -> list[tuple[str, str, str]]:
    """Return name, health and finding of each check."""
    return [(check["name"], check["health"], check["found"]) for check in run("doctor", "--json", *options).data]


def test_the_doctor_finds_the_account_wherever_it_stands(gateway: Sandbox, run: Run) -> None:
    """Behind names and in brackets; the gateway is asked only online."""
    found = checks(run)
    assert ("transport part", "ok", "kwtsms, TEST") in found
    assert ("kwtsms sender", "ok", "MY-APP (names are case sensitive)") in found
    assert gateway.requests == ()
    online = checks(run, "--online")
    assert ("kwtsms balance", "ok", "150 points left") in online
    assert {health for name, health, _ in online if name.startswith(("kwtsms", "transport"))} == {"ok"}


def test_the_doctor_asks_each_account_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several have different names, without the user's name; one that is locked out does not hide the other."""
    monkeypatch.setenv("NOTIFYKIT_TRANSPORT", "failover(both, kuwait)")
    found = checks(run, "--online")
    assert [said.partition(" is ")[0] for name, _, said in found if name == "kwtsms"] == [
        "the transport uses 2; number 1",
        "the transport uses 2; number 2",
    ]
    assert [health for name, health, _ in found if name == "kwtsms account"] == ["fail", "ok"]
    assert not any("sandbox:" in said or "sandbox@" in said for _, _, said in found)


def test_names_that_can_not_be_read_are_one_problem(run: Run, folder: pathlib.Path) -> None:
    """That the transport is then unknown is no second one, for the doctor or for a send."""
    (folder / "notifykit.toml").write_text('transport = "a"\n[transports]\na = "failover(b)"\nb = "failover(a)"\n')
    assert [name for name, health, _ in checks(run) if health == "fail"] == ["settings"]
    for command in (["send", ONE, "Hello"], ["preview", "Hello"]):
        answer = run(*command)
        assert answer.code == 2
        assert "a → b → a is a circle" in answer.err
        assert "no plugin" not in answer.err


@pytest.mark.parametrize("command", [["send", ONE, "Hello"], ["preview", "Hello"], ["validate", ONE]])
def test_a_slip_in_a_name_is_understood(run: Run, command: list[str]) -> None:
    """The names of the settings are among those that may have been meant, inside brackets too."""
    for via, meant in (("kuwiat", "kuwait"), ("failover(bakcup, null)", "backup"), ("failovr(kuwait)", "failover")):
        answer = run(*command, "--via", via)
        assert answer.code == 9
        assert f"did you mean {meant}?" in answer.err
    answer = run(*command, "--via", "kuwait://host")
    assert answer.code == 2
    assert "kuwait is a name in the settings: it stands alone" in answer.err


# --- sending ---


@pytest.mark.parametrize("via", ["kuwait", "outer", "failover(kuwait, null)"])
def test_live_reaches_every_part_that_has_a_test_mode(gateway: Sandbox, run: Run, via: str) -> None:
    """Through names and brackets; a person is asked first, with points and what is on the account."""
    assert run("send", ONE, "Hello", "--via", via).code == 0
    asked = run("send", ONE, "Hello", "--via", via, "--live")
    assert asked.code == 2
    assert "LIVE: 1 recipient, 1 segment of GSM-7, 1 point" in asked.err
    assert "149 points" in asked.err
    assert run("send", ONE, "x" * 161, "--via", via, "--live", "--max-cost", "1").code == 7
    assert run("send", ONE, "Hello", "--via", via, "--live", "--yes").code == 0
    assert [message.test for message in gateway.messages] == [True, False]


def test_live_is_for_the_others_too_where_one_is_live_already(gateway: Sandbox, run: Run) -> None:
    """The word is about the whole, whichever part makes the request; without it, it says which parts reach no phone."""
    via = "failover(kuwait, backup)"
    answer = run("send", ONE, "Hello", "--via", via, "--yes")
    assert "Live: messages reach phones, and are paid for; those through kwtsms://" in answer.err
    assert run("send", ONE, "Hello", "--via", via).code == 2
    answer = run("send", ONE, "Hello", "--via", via, "--live", "--yes")
    assert "reach no phone" not in answer.err
    assert [message.test for message in gateway.messages] == [True, False]


def test_stand_ins_in_brackets_can_not_be_made_live(run: Run) -> None:
    """All of it would pretend; it says so instead."""
    answer = run("send", ONE, "Hello", "--via", "failover(null, roundrobin(memory, null))", "--live")
    assert (answer.code, answer.out) == (2, "")
    assert "failover can't send for real: it is made of test transports" in answer.err
    answer = run("send", ONE, "Hello", "--via", "failover(null, memory)")
    assert answer.code == 0
    assert "failover is made of test transports, and nothing leaves this machine" in answer.err


def test_a_failover_is_shown(run: Run) -> None:
    """While it happens and at the end, in the conversation; each attempt stands in the document."""
    answer = run("send", ONE, TWO, "Hello", "--via", "moving")
    assert answer.code == 0
    move, taken = (line for line in answer.err.splitlines() if "did not take it" in line or line.startswith("Taken"))
    assert move.startswith("kwtsms://")
    assert move.endswith("(ERR003): asking memory://default")
    assert taken == "Taken by memory://default: 2 recipients."
    receipts = run("send", ONE, "Hello", "--via", "moving", "--json").data["receipts"]
    assert [(tried["outcome"], tried["code"]) for tried in receipts[0]["tries"]] == [
        ("rejected", "ERR003"),
        ("accepted", None),
    ]
    assert [tried["transport"].partition(":")[0] for tried in receipts[0]["tries"]] == ["kwtsms", "memory"]


def test_the_same_failover_of_many_requests_is_shown_once(run: Run) -> None:
    """A long list must not fill the screen."""
    many = "\n".join(f"9659{number:07}" for number in range(450))
    answer = run("send", "-", "Hello", "--via", "failover(backup, memory)", "--yes", "--no-progress", stdin=many)
    assert answer.code == 0
    assert answer.err.count("(connection_refused): asking memory://default") == 1
    assert "Taken by memory://default: 450 recipients." in answer.err


def test_the_transports_that_sent_are_shown(run: Run) -> None:
    """Without a failure too: how many went through which."""
    answer = run("send", ONE, "966551234567", "Hello", "--via", "route(country=KW => memory, null)")
    assert answer.code == 0
    assert "Taken by memory://default: 1 recipient; null://default: 1 recipient." in answer.err


def test_a_send_without_a_move_says_nothing_of_one(run: Run) -> None:
    """One try, one transport."""
    answer = run("send", ONE, "Hello")
    assert "did not take it" not in answer.err
    assert "Taken by" not in answer.err
    assert len(run("send", ONE, "Hello", "--json").data["receipts"][0]["tries"]) == 1
