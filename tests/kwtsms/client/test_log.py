"""The documented log: its shape byte for byte, and that nothing depends on it."""

from __future__ import annotations

import datetime
import json
import logging
import os
import pathlib
import stat
import threading

import pytest

from notifykit import VirtualClock
from notifykit_kwtsms import KwtSMS
from tests.kwtsms.client.conftest import NUMBER, campaign

SAMPLE = (
    '{"ts":"2026-03-04T10:00:00+00:00","endpoint":"send","request":{"username":"sandbox","password":"***",'
    '"sender":"MYAPP","mobile":"96598765432","message":"Your OTP is: 123456","test":"0"},'
    '"response":{"result":"OK","msg-id":"%s","numbers":1,"points-charged":1,"balance-after":149,'
    '"unix-timestamp":%d},"ok":true,"error":null}\n'
)


def read(path: str = "kwtsms.log") -> list[dict]:
    """Return the lines of a log."""
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]


def test_the_sample_line_byte_for_byte(sandbox, connect):
    """Keys, their order, no spaces, seconds in UTC; only what the gateway makes up differs."""
    sandbox.account.change(balance=150, senders=("MYAPP",))
    clock = VirtualClock(datetime.datetime(2026, 3, 4, 10, tzinfo=datetime.UTC))
    sms = connect(log_file="kwtsms.log", sender_id="MYAPP", test_mode=False, clock=clock)
    result = sms.send("96598765432", "Your OTP is: 123456")
    written = pathlib.Path("kwtsms.log").read_bytes()
    assert written == (SAMPLE % (result["msg-id"], result["unix-timestamp"])).encode()


def test_one_line_a_call(sandbox, connect):
    """Questions as well as messages, and each request of a bulk send."""
    sms = connect(log_file="calls.log")
    sms.verify()
    sms.validate([NUMBER])
    sms.send(campaign(401), "Hello")
    sms.send("abc", "Hello")  # asks no gateway
    lines = read("calls.log")
    assert [line["endpoint"] for line in lines] == ["balance", "validate", "send", "send", "send"]
    assert all(list(line) == ["ts", "endpoint", "request", "response", "ok", "error"] for line in lines)
    assert list(lines[0]["request"]) == ["username", "password"]


def test_a_refusal_is_not_ok_and_stands_in_the_response(sandbox, connect):
    """The gateway has answered, so ``error`` is null; the code is in what it said."""
    connect(log_file="kwtsms.log", password="wrongpassword").verify()
    (line,) = read()
    assert (line["ok"], line["error"], line["response"]["code"]) == (False, None, "ERR003")


@pytest.mark.parametrize(("fault", "words"), [("reset", "connection"), ("html-502", "HTTP502"), ("html-200", "read")])
def test_a_failure_on_the_way_is_an_error_without_a_response(sandbox, connect, fault, words):
    """The line is there although no answer came."""
    sandbox.chaos(fault, endpoint="send")
    with pytest.raises(RuntimeError):
        connect(log_file="kwtsms.log").send(NUMBER, "Hello")
    (line,) = read()
    assert (line["ok"], line["response"]) == (False, None)
    assert words in line["error"]


def test_only_the_owner_reads_it(connect):
    """Codes stand in it in clear, so it is made with mode 0600."""
    connect(log_file="kwtsms.log").send(NUMBER, "Your OTP is: 123456 ١")
    assert stat.S_IMODE(pathlib.Path("kwtsms.log").stat().st_mode) == 0o600
    assert read()[0]["request"]["message"] == "Your OTP is: 123456 1"


def test_arabic_is_written_as_it_is(connect):
    """Not as escapes."""
    connect(log_file="kwtsms.log").send(NUMBER, "مرحبا")
    assert "مرحبا" in pathlib.Path("kwtsms.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("log_file", ["", None])
def test_it_can_be_switched_off(sandbox, connect, log_file):
    """Then nothing is written."""
    connect(log_file=log_file).send(NUMBER, "Hello")
    assert list(pathlib.Path().iterdir()) == []
    assert sandbox.accepted(NUMBER) == 1


def test_the_default_is_the_documented_file(sandbox):
    """``kwtsms.log`` in the working folder, made by the first call."""
    with KwtSMS("sandbox", "sandboxpassword", base_url=sandbox.api_url, clock=VirtualClock()) as sms:
        assert not pathlib.Path("kwtsms.log").exists()
        sms.balance()
    assert len(read()) == 1


def test_a_log_that_can_not_be_written_fails_nothing(sandbox, connect, caplog):
    """A missing folder: one warning, and every message is sent and reported as sent."""
    sms = connect(log_file="not/there/kwtsms.log")
    with caplog.at_level(logging.WARNING):
        assert sms.send("96598765432", "Hello")["result"] == "OK"
        assert sms.send("96598765433", "Hello")["result"] == "OK"
        assert sms.send(campaign(201), "Hello")["result"] == "OK"
    (record,) = caplog.records
    assert record.name == "notifykit.kwtsms"
    assert "not/there/kwtsms.log" in record.getMessage()
    assert NUMBER not in caplog.text
    assert sandbox.accepted(NUMBER) == 1


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_fails_nothing(sandbox, connect, caplog):
    """The message is sent, and so the result says."""
    assert connect(log_file="/dev/full").send(NUMBER, "Hello")["result"] == "OK"
    assert [record.name for record in caplog.records] == ["notifykit.kwtsms"]


def test_nothing_else_is_logged(connect, caplog):
    """The client uses no log sink of the framework."""
    with caplog.at_level(logging.DEBUG, logger="notifykit"):
        connect(log_file="kwtsms.log").send(NUMBER, "Hello")
    assert caplog.records == []


def test_it_may_be_moved_away(connect):
    """The next call starts a new file."""
    sms = connect(log_file="kwtsms.log")
    sms.verify()
    pathlib.Path("kwtsms.log").rename("kwtsms.log.1")
    sms.verify()
    assert (len(read("kwtsms.log.1")), len(read())) == (1, 1)


def test_threads_write_whole_lines(sandbox):
    """Eight threads share one client; each send has its line, and each line is JSON."""
    with KwtSMS("sandbox", "sandboxpassword", test_mode=True, base_url=sandbox.api_url, clock=VirtualClock()) as sms:
        results: list[dict] = []

        def send(index: int) -> None:
            for number in campaign(80)[index * 10 : index * 10 + 10]:
                results.append(sms.send(number, "x" * 500))

        threads = [threading.Thread(target=send, args=(index,)) for index in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {result["result"] for result in results} == {"OK"}
    assert len({result["msg-id"] for result in results}) == len(read()) == 80
    assert sms.cached_balance in {result["balance-after"] for result in results}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names")
def test_a_pipe_in_the_place_of_the_log_holds_up_no_answer(sandbox, connect, caplog):
    """Nobody reads it: opening it would wait for ever, although the SMS was sent."""
    sms = connect(log_file="kwtsms.log")
    os.mkfifo("kwtsms.log")
    assert sms.send(NUMBER, "Hello")["result"] == "OK"
    assert "calls to the gateway are not logged" in caplog.text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_an_env_file_of_windows_is_read(tmp_path, monkeypatch, encoding):
    """Its byte order mark is no part of the first name."""
    for name in ("KWTSMS_USERNAME", "KWTSMS_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "windows.env"
    file.write_text("KWTSMS_USERNAME=somebody\r\nKWTSMS_PASSWORD=s3cret\r\n", encoding=encoding, newline="")
    assert KwtSMS.from_env(file).username == "somebody"
