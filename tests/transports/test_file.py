"""The file transport: every message is one line that can be read back, and a line that was not written is said."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from notifykit import ConfigError, Notifier, Outcome, PluginHost, Recipient, VirtualClock
from notifykit.errors import OutcomeUnknown, ProviderUnavailable
from notifykit.models.message import Message
from notifykit.models.plan import Batch
from notifykit.transports import file as module
from notifykit.transports.file import FileTransport

BUILTINS = (
    "notifykit.normalizers.phone",
    "notifykit.normalizers.email",
    "notifykit.transports.stubs:memory",
    "notifykit.transports.file",
)
NUMBERS = ["96598765432", "96598765433", "96598765434"]


def host() -> PluginHost:
    return PluginHost(entry_points=False, builtins=BUILTINS)


def rows(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def batch(text: str = "Hi", *addresses: str) -> Batch:
    addresses = addresses or (NUMBERS[0],)
    return Batch(Message(text), tuple(map(Recipient, addresses)), tuple(range(len(addresses))))


def test_a_message_to_three_is_three_lines(tmp_path):
    """Each has everything that was said, and the id that the receipt has."""
    path = tmp_path / "messages.jsonl"
    clock = VirtualClock(datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC))
    with Notifier(f"file://{path}", host=host(), clock=clock) as notifier:
        report = notifier.send(NUMBERS, "مرحبا\n😀", sender="ACME", tags=["otp"], idempotency_key="k")
    assert [row["to"] for row in rows(path)] == NUMBERS
    first = rows(path)[0]
    assert first.pop("id") in first.pop("batch")
    assert first == {
        "v": 1,
        "ts": "2026-05-01T12:00:00.000Z",
        "channel": "sms",
        "sender": "ACME",
        "subject": None,
        "text": "مرحبا\n😀",
        "to": NUMBERS[0],
        "tags": ["otp"],
        "idempotency_key": "k",
    }
    assert report.receipts[0].message_id == rows(path)[0]["batch"]
    assert report.receipts[0].test
    assert "reaches no recipient" in report.receipts[0].advice


def test_any_channel_is_written(tmp_path):
    """It imitates the transport that sends the message later."""
    path = tmp_path / "m.jsonl"
    with Notifier(f"file://{path}", host=host()) as notifier:
        assert len(notifier.send("a@b.example", "Hi", channel="email").accepted) == 1
        assert not notifier.transport.capabilities.live
    assert rows(path)[0]["channel"] == "email"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_other_users_can_not_read_it(tmp_path):
    """A new file is made so, and one that everybody can read becomes so; of one for a group, a plan says so."""
    private, public, shared = (tmp_path / f"{name}.jsonl" for name in ("private", "public", "shared"))
    for file, mode in ((public, 0o644), (shared, 0o640)):
        file.touch()
        file.chmod(mode)
    for file in (private, public):
        with Notifier(f"file://{file}", host=host()) as notifier:
            notifier.send(NUMBERS[0], "Hi")
            assert notifier.plan(NUMBERS[0], "Hi").notices == ()
        assert file.stat().st_mode & 0o777 == 0o600
    with Notifier(f"file://{shared}", host=host()) as notifier:
        assert "Other users of this machine" in notifier.plan(NUMBERS[0], "Hi").notices[0]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes with names")
@pytest.mark.parametrize("make", [os.mkfifo, lambda file: file.symlink_to(file.parent / "victim"), pathlib.Path.mkdir])
def test_only_a_plain_file_is_written_to(tmp_path, make):
    """Neither when it is built nor later: another user may have put a link there, and a pipe would block."""
    (tmp_path / "victim").touch()
    planted, swapped = tmp_path / "planted.jsonl", tmp_path / "swapped.jsonl"
    make(planted)
    with pytest.raises(ConfigError, match="plain file"):
        Notifier(f"file://{planted}", host=host())
    with Notifier(f"file://{swapped}", host=host()) as notifier:
        swapped.unlink()
        make(swapped)
        (receipt,) = notifier.send(NUMBERS[0], "Hi")
    assert receipt.outcome == "rejected"
    assert (tmp_path / "victim").read_text() == ""


@pytest.mark.parametrize("name", ["plain.jsonl", "with space.jsonl", "50%25.jsonl", "q?=&#@.jsonl", "مرحبا.jsonl"])
def test_its_own_name_builds_it_again(tmp_path, monkeypatch, name):
    """Whatever the path holds, and where it starts at the working folder too."""
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / name, pathlib.Path(name)):
        shown = str(FileTransport(path, VirtualClock()))
        with Notifier(shown, host=host()) as notifier:
            notifier.send(NUMBERS[0], "Hi")
            assert str(notifier.transport) == shown
    assert len(rows(tmp_path / name)) == 2


def test_the_path_may_come_from_the_settings(tmp_path):
    """From the environment, so that the DSN is a bare name."""
    path = tmp_path / "m.jsonl"
    environment = {"NOTIFYKIT_FILE_PATH": str(path)}
    with Notifier.from_settings("file", host=host(), environment=environment) as notifier:
        notifier.send(NUMBERS[0], "Hi")
    assert len(rows(path)) == 1


@pytest.mark.parametrize(
    ("dsn", "problem"),
    [
        ("file", "say which file"),
        ("file://messages.jsonl", "three slashes"),
        ("file://user:pw@default/x", "three slashes"),
        ("file:///x?path=y", "given twice"),
        ("file:///nowhere/at/all.jsonl", "can't be written"),
        ("file:///tmp", "can't be written"),
        ("file:///dev/null", "plain file"),
        ("file://default?pth=x", "did you mean path"),
        ("file://default?path=x&like=nobody", "nobody"),
    ],
)
def test_a_file_that_cannot_be_used(dsn, problem, tmp_path, monkeypatch):
    """It is said before anything is sent, and with what to write instead."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=problem):
        Notifier(dsn, host=host())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_without_a_reader_does_not_block(tmp_path):
    """It is no file."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="plain file"):
        Notifier(f"file://{tmp_path}/pipe", host=host())


def test_a_folder_that_disappears_loses_nothing_in_silence(tmp_path):
    """What can't be written is rejected, and can be sent again."""
    folder = tmp_path / "spool"
    folder.mkdir()
    with Notifier(f"file://{folder}/m.jsonl", host=host()) as notifier:
        (folder / "m.jsonl").unlink()
        folder.rmdir()
        (receipt,) = notifier.send(NUMBERS[0], "Hi").receipts
        assert receipt.outcome is Outcome.REJECTED
        assert isinstance(receipt.error, ProviderUnavailable)
        folder.mkdir()
        assert notifier.send(NUMBERS[0], "Hi").accepted
    assert len(rows(folder / "m.jsonl")) == 1


def test_a_file_that_was_moved_away_is_made_anew(tmp_path):
    """A program that reads the messages can move the file away."""
    path = tmp_path / "m.jsonl"
    with Notifier(f"file://{path}", host=host()) as notifier:
        notifier.send(NUMBERS[0], "one")
        path.rename(tmp_path / "taken")
        notifier.send(NUMBERS[0], "two")
    assert [row["text"] for row in rows(path)] == ["two"]


@pytest.mark.parametrize("room", ["none", "half a line", "one line", "a line and a half", "two lines and no end"])
def test_a_full_disk_is_an_error_for_each_line(tmp_path, monkeypatch, room):
    """Whole lines were taken, a torn one is unknown, the rest was certainly not written."""
    path = tmp_path / "m.jsonl"
    transport = FileTransport(path, VirtualClock())
    three = batch("Hi", *NUMBERS)
    line = len(transport._line(three, NUMBERS[0]))
    space = {"none": 0, "half a line": 9, "one line": line, "a line and a half": line + 9}.get(room, 2 * line - 1)
    real = os.write
    monkeypatch.setattr(module.os, "write", lambda descriptor, octets: real(descriptor, octets[:space]))
    submission = transport.send(three, 5)
    monkeypatch.undo()
    kinds = [type(submission.refused.get(number)) for number in NUMBERS]
    taken, torn, rest = type(None), OutcomeUnknown, ProviderUnavailable
    assert (
        kinds
        == {
            "none": [rest, rest, rest],
            "half a line": [torn, rest, rest],
            "one line": [taken, rest, rest],
            "a line and a half": [taken, torn, rest],
            "two lines and no end": [taken, torn, rest],
        }[room]
    )
    transport.send(batch("after"), 5)
    assert json.loads(path.read_text().splitlines()[-1])["text"] == "after"


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="there is no full device here")
def test_no_room_at_all(tmp_path, monkeypatch):
    """The error of the operating system becomes a rejection."""
    transport = FileTransport(tmp_path / "m.jsonl", VirtualClock())
    monkeypatch.setattr(module, "open_file", lambda path, flags: os.open("/dev/full", os.O_RDWR))
    with pytest.raises(ProviderUnavailable):
        transport.send(batch(), 5)


def test_threads_and_processes_share_it(tmp_path):
    """No line is lost, torn or twice."""
    path = tmp_path / "m.jsonl"
    script = (
        "import sys\n"
        "from notifykit import Notifier, PluginHost\n"
        f"with Notifier('file://{path}', host=PluginHost(entry_points=False, builtins={BUILTINS!r})) as notifier:\n"
        "    for number in range(40):\n"
        "        notifier.send('96598765432', f'{sys.argv[1]}-{number} ' + 'x' * 3000)\n"
    )
    others = [subprocess.Popen([sys.executable, "-c", script, f"p{index}"]) for index in range(2)]
    transport = FileTransport(path, VirtualClock())

    def write(name: str) -> None:
        for number in range(40):
            transport.send(batch(f"{name}-{number} " + "x" * 3000), 5)

    threads = [threading.Thread(target=write, args=(f"t{index}",)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(60) for other in others] == [0, 0]
    texts = [row["text"] for row in rows(path)]
    assert len(texts) == len(set(texts)) == 5 * 40


@given(st.text(st.characters(categories=None), max_size=60))
@hypothesis_settings(deadline=None)
def test_any_text_is_one_line_that_reads_back(tmp_path_factory, text):
    """Half surrogates, line separators and all."""
    path = tmp_path_factory.mktemp("file") / "m.jsonl"
    FileTransport(path, VirtualClock()).send(batch(text), 5)
    assert path.read_bytes().count(b"\n") == 1
    assert json.loads(path.read_bytes())["text"] == text
