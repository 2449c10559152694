"""``notifykit sandbox`` and the commands that talk to one which runs."""

from __future__ import annotations

import json
import pathlib
import subprocess
import threading
from collections.abc import Iterator

import pytest
import urllib3

from notifykit_kwtsms.sandbox import Rules, Sandbox
from notifykit_kwtsms.sandbox.gateway.requests import Call
from tests.cli.conftest import Run, command, environment

pytestmark = pytest.mark.slow

KUWAIT, OTHER = "96598765432", "96599999999"


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that the commands find by the environment."""
    with Sandbox(rules=Rules(rate_limit=None), token="sesame") as sandbox:
        monkeypatch.setenv("NOTIFYKIT_SANDBOX_URL", sandbox.url)
        monkeypatch.setenv("NOTIFYKIT_SANDBOX_TOKEN", "sesame")
        yield sandbox


def arrive(sandbox: Sandbox, text: str, to: str = KUWAIT) -> None:
    """Send a message through the gateway's own API."""
    login = {"username": "sandbox", "password": "sandboxpassword", "sender": "MY-APP", "test": "1"}
    assert sandbox.gateway.handle(Call("send", "127.0.0.1", {**login, "mobile": to, "message": text})).msg_id


def test_the_newest_code_is_the_whole_answer(inbox: Sandbox, run: Run) -> None:
    """To be put into a variable by a shell."""
    arrive(inbox, "code 1111")
    arrive(inbox, "code 2222", OTHER)
    assert run("sandbox", "otp").out == "2222\n"
    assert run("sandbox", "otp", "--to", KUWAIT, "--json").data["otp"] == "1111"
    assert run("sandbox", "otp", "--query", "text:2222").out == "2222\n"
    nothing = run("sandbox", "otp", "--to", "96555555555", "--timeout", "0")
    assert (nothing.code, nothing.out, "came in time" in nothing.err) == (1, "", True)


def test_a_sandbox_may_start_with_the_messages_of_the_demo() -> None:
    """So that its page has something to look at; it is ready when it prints its addresses."""
    line = command("sandbox", "--demo", "--port", "0", "--json")
    with subprocess.Popen(line, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        try:
            document = "".join(iter(lambda: process.stdout.readline().decode().rstrip("\n"), "}")) + "}"
            url = json.loads(document)["data"]["url"]
            found = urllib3.request("GET", f"{url}/sandbox/messages").json()
        finally:
            process.terminate()
    assert any("Eid Mubarak" in message["text"] for message in found["messages"])
    assert process.returncode == 0


def test_a_message_is_waited_for(inbox: Sandbox, run: Run) -> None:
    """It is shown when it comes."""
    timer = threading.Timer(0.05, arrive, (inbox, "Hello there"))
    timer.start()
    said = run("sandbox", "wait", "--text", "there", "--timeout", "20")
    timer.join()
    assert (said.code, "'Hello there'" in said.out, KUWAIT in said.out) == (0, True, True)
    assert run("sandbox", "wait", "--to", KUWAIT, "--json").data["text"] == "Hello there"
    assert run("sandbox", "wait", "--query", "colour:red").code == 2


def test_the_feed_shows_what_arrives(inbox: Sandbox) -> None:
    """As a process of its own, in a pipe; every event as a line of JSON."""
    arrive(inbox, "before")
    line = command("sandbox", "tail", "-n", "1", "--json", "--count", "2")
    with subprocess.Popen(line, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["data"]["text"] == "before"
        arrive(inbox, "one")
        inbox.account.balance = 5
        arrive(inbox, "two", OTHER)
        events = [json.loads(line) for line in process.stdout]
        assert process.wait(20) == 0
    assert [event["event"] for event in events] == ["new", "account", "new"]
    assert [event["id"] for event in events] == [2, 3, 4]


def test_the_feed_is_taken_up_again_after_a_restart(tmp_path: pathlib.Path) -> None:
    """Where the inbox survives, nothing is missed."""
    store = tmp_path / "inbox.sqlite3"
    with Sandbox(store=store) as sandbox:
        port, url = sandbox.port, sandbox.url
        arrive(sandbox, "before")
        line = command("sandbox", "tail", "-n", "1", "--count", "1", "--url", url)
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
        assert process.stdout is not None
        assert b"'before'" in process.stdout.readline()
    with process, Sandbox(port=port, store=store) as sandbox:
        arrive(sandbox, "after")
        assert b"'after'" in process.stdout.read()
        assert process.wait(20) == 0


def test_faults_are_armed_shown_and_cleared(inbox: Sandbox, run: Run) -> None:
    """A preset by its name, a fault as JSON."""
    assert "Calm" in run("sandbox", "chaos").out
    assert run("sandbox", "chaos", "flaky-wifi", "--seed", "7", "--json").data["preset"] == "Flaky Wi-Fi"
    assert [armed.fault.seed for armed in inbox.faults] == [7, 8, 9, 10]
    said = run("sandbox", "chaos", '{"do": "reset", "match": {"endpoint": "send"}, "times": 2}')
    assert "reset endpoint=send  2 times more, fired 0" in said.out
    assert run("sandbox", "chaos", '[{"do": "reset"}, {"do": "close"}]').code == 0
    assert [armed.fault.do for armed in inbox.faults] == ["reset", "close"]
    assert run("sandbox", "chaos", "clear").code == 0
    assert inbox.faults == ()
    assert run("sandbox", "chaos", "storm").code == 2
    assert run("sandbox", "chaos", "{").code == 2


def test_the_account_is_shown_and_changed(inbox: Sandbox, run: Run) -> None:
    """Points by an option, anything else as JSON."""
    assert "balance      150" in run("sandbox", "account").out
    changed = run("sandbox", "account", "--balance", "3", "--set", 'senders=["A"]', "--set", "blocked=true", "--json")
    assert (inbox.account.balance, inbox.account.senders, inbox.account.blocked) == (3, ("A",), True)
    assert changed.code == 0
    assert run("sandbox", "account", "--username", "unknown").code == 1
    assert run("sandbox", "account", "--set", "colour=red").code == 2
    assert run("sandbox", "account", "--set", "colour").code == 2


def test_an_inbox_is_written_and_read_back(inbox: Sandbox, run: Run, tmp_path: pathlib.Path) -> None:
    """As JSON Lines."""
    arrive(inbox, "one")
    arrive(inbox, "two", OTHER)
    file = tmp_path / "inbox.jsonl"
    assert run("sandbox", "export", str(file), "--query", "two", "--json").data["exported"] == 1
    assert run("sandbox", "export").out.count("\n") == 2
    inbox.reset()
    assert run("sandbox", "import", str(file)).out == "1 message imported, 0 skipped\n"
    assert [message.text for message in inbox.messages] == ["two"]
    assert run("sandbox", "import", str(file), "--json").data == {"imported": 0, "skipped": 1}
    assert run("sandbox", "export", str(tmp_path / "no" / "where")).code == 1


def test_whether_it_is_there(inbox: Sandbox, run: Run) -> None:
    """At once, or waited for; without one, the next command starts one."""
    assert run("sandbox", "ready", "--json").data == {"ready": True, "url": inbox.url}
    inbox.stop()
    for line in (("ready",), ("ready", "--wait", "--timeout", "0.01"), ("otp",), ("tail",)):
        said = run("sandbox", *line)
        assert (said.code, said.err.splitlines()[-1]) == (5, "Next: notifykit sandbox")
    assert run("sandbox", "ready", "--url", "nowhere").code == 2


def test_a_wrong_token_is_reported(inbox: Sandbox, run: Run) -> None:
    """With the exit code of credentials."""
    assert run("sandbox", "otp", "--token", "wrong").code == 4
    assert run("sandbox", "tail", "--token", "wrong").code == 4


def test_options_of_the_server_stand_before_no_other_command(run: Run) -> None:
    """They would be ignored there."""
    said = run("sandbox", "--port", "9", "otp")
    assert (said.code, "--port" in said.err) == (2, True)
    assert run("sandbox", "--keep-for", "soon").code == 2


def test_the_program_keeps_its_inbox_in_a_file(tmp_path: pathlib.Path) -> None:
    """From one run to the next."""
    line = command(
        "sandbox", "--port", "0", "--json", "--store", str(tmp_path / "i.db"), "--keep-for", "7d", "--label", "x"
    )
    for total in (1, 2):
        with subprocess.Popen(line, stdout=subprocess.PIPE, env=environment()) as process:
            assert process.stdout is not None
            shown = ""
            while not shown.endswith("}\n") or shown.count("{") != shown.count("}"):
                shown += process.stdout.readline().decode()
            url = json.loads(shown)["data"]["url"]
            assert urllib3.request("POST", f"{url}/sandbox/messages", json={"to": KUWAIT, "text": "Hi"}).status == 201
            figures = urllib3.request("GET", f"{url}/sandbox/stats").json()
            assert (figures["messages"], figures["label"], figures["keep-for"]) == (total, "x", 7 * 86400)
            process.terminate()
            assert process.wait(20) == 0
