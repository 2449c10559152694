"""The store file: what survives a restart, and the error where it can't be used."""

from __future__ import annotations

import os
import pathlib
import signal
import sqlite3
import stat
import subprocess
import sys

import pytest
import urllib3

from notifykit.errors import ConfigError
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.sandbox.conftest import Client, eventually
from tests.sandbox.streams import Listener

KUWAIT, OTHER = "96598765432", "96599999999"


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "inbox.sqlite3"


def client_of(sandbox: Sandbox) -> Client:
    return Client(sandbox)


def test_an_inbox_survives_a_restart(file: pathlib.Path) -> None:
    """Messages, tags, read state, what was deleted, the queue, the numbers of events."""
    with Sandbox(store=file) as sandbox:
        client = client_of(sandbox)
        client.send(KUWAIT, "Ωmega \U0001f389 1234")
        client.send(OTHER, "deleted")
        client.send("1", "refused")
        client.request("PUT", "/sandbox/messages/1", {"unread": False, "tags": ["a"]})
        client.request("DELETE", "/sandbox/messages/2")
        before = client.request("GET", "/sandbox/messages").json
        detail = client.request("GET", "/sandbox/messages/1").json
        history = client.request("GET", "/sandbox/stats").json["history"]
        client.pool.close()
    with Sandbox(store=file) as sandbox:
        client = client_of(sandbox)
        assert client.request("GET", "/sandbox/messages").json == before
        assert client.request("GET", "/sandbox/messages/1").json == detail
        assert client.request("GET", "/sandbox/stats").json["history"] == history
        assert [entry.msg_id for entry in sandbox.gateway.queue()] == [detail["msg-id"]]
        with Listener(sandbox.port, headers={"Last-Event-ID": str(before["sequence"])}) as listener:
            msg_id = client.send(OTHER, "new").json["msg-id"]
            received = listener.next("new", "reload")
            assert (received.kind, received.id, received.data["id"]) == ("new", before["sequence"] + 1, 4)
        # The random numbers of a seed begin again, and an id that is taken is not given twice.
        assert msg_id != detail["msg-id"]
        client.pool.close()


def test_the_same_sandbox_can_stop_and_start(file: pathlib.Path) -> None:
    """The file is free in between."""
    sandbox = Sandbox(store=file)
    with sandbox:
        client_of(sandbox).send(KUWAIT, "one")
    with Sandbox(store=file) as other:
        client_of(other).send(KUWAIT, "two")
    with sandbox:
        assert [message.text for message in sandbox.messages] == ["one", "two"]


def test_only_its_owner_can_read_it(file: pathlib.Path) -> None:
    """Numbers and texts of people are in it, the password is not."""
    with Sandbox(store=file) as sandbox:
        client_of(sandbox).send(KUWAIT)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"sandboxpassword" not in file.read_bytes()


def test_pruning_reaches_the_file(file: pathlib.Path) -> None:
    """Also what an older setting left behind."""
    with Sandbox(store=file, keep=3, rules=Rules(rate_limit=None)) as sandbox:
        for number in range(5):
            client_of(sandbox).send(KUWAIT, f"text {number}")
    with Sandbox(store=file, keep=2) as sandbox:
        assert [message.id for message in sandbox.messages] == [4, 5]
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT id FROM messages ORDER BY id").fetchall() == [(4,), (5,)]
    database.close()


def test_two_sandboxes_do_not_share_a_file(file: pathlib.Path) -> None:
    """They would give the same numbers to different things."""
    with Sandbox(store=file), pytest.raises(ConfigError, match="another sandbox is using it"):
        Sandbox(store=file)


def test_a_file_of_something_else_is_left_alone(file: pathlib.Path) -> None:
    """Text, another database, another version, a folder that is not there."""
    file.write_text("these are my notes, and they are long enough to be looked at" * 20)
    with pytest.raises(ConfigError, match="not a store"):
        Sandbox(store=file)
    assert file.read_text().startswith("these")
    file.unlink()
    for statement, words in (
        ("CREATE TABLE mine (x)", "something else"),
        ("PRAGMA user_version = 9", "another version"),
    ):
        if words == "another version":
            Sandbox(store=file).stop()
        with sqlite3.connect(file) as database:
            database.execute(statement)
        database.close()
        with pytest.raises(ConfigError, match=words):
            Sandbox(store=file)
        file.unlink()
    with pytest.raises(ConfigError, match="can't be opened"):
        Sandbox(store=file / "nowhere")


def test_a_row_that_can_not_be_read_is_named(file: pathlib.Path) -> None:
    """Rather than leaving messages out in silence."""
    with Sandbox(store=file) as sandbox:
        client_of(sandbox).send(KUWAIT)
    with sqlite3.connect(file) as database:
        database.execute("UPDATE messages SET body = '{}'")
    database.close()
    with pytest.raises(ConfigError, match="message 1 of the store"):
        Sandbox(store=file)


def test_a_disk_that_fails_shows_in_readyz(file: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway goes on, and what is missing in the file is written as soon as that works."""
    with Sandbox(store=file) as sandbox:
        client = client_of(sandbox)
        archive = sandbox.gateway.store._archive
        assert archive is not None

        def full(*arguments: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(archive, "write", full)
            assert client.send(KUWAIT, "one").status == 200
            response = client.request("GET", "/readyz")
            assert (response.status, "disk is full" in response.json["error"]) == (503, True)
        client.send(OTHER, "two")
        assert client.request("GET", "/readyz").status == 200
        client.pool.close()
    with Sandbox(store=file) as sandbox:
        assert [message.text for message in sandbox.messages] == ["one", "two"]


def test_nothing_is_lost_where_the_process_is_killed(file: pathlib.Path) -> None:
    """What was answered is in the file."""
    program = (
        "import sys, time\n"
        "from notifykit_kwtsms.sandbox import Sandbox, Rules\n"
        "sandbox = Sandbox(store=sys.argv[1], rules=Rules(rate_limit=None)).start()\n"
        "print(sandbox.port, flush=True)\n"
        "time.sleep(60)\n"
    )
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, env=where) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        pool = urllib3.HTTPConnectionPool("127.0.0.1", port, retries=False, timeout=30)
        for number in range(20):
            response = pool.request("POST", "/sandbox/messages", json={"to": KUWAIT, "text": f"text {number}"})
            assert response.status == 201
        process.send_signal(signal.SIGKILL)
        process.wait()
        pool.close()

    def reopened() -> bool:
        with Sandbox(store=file) as sandbox:
            return len(sandbox.messages) == 20

    eventually(reopened)
