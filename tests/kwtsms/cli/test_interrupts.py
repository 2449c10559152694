"""What ends ``kwtsms send`` from outside: the summary has what was accepted, in flight and not sent."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import Any, Final

import attrs
import pytest

from notifykit_kwtsms.sandbox import Rules, Sandbox

pytestmark = pytest.mark.slow

#: A number whose request is not answered.
SILENT: Final = "96545003900"
#: Three requests: two are accepted, and the answer to the third does not come.
CAMPAIGN: Final = [*(f"9659900{index:04d}" for index in range(400)), SILENT, "96599009999"]
#: The exit code of each signal.
CODES: Final = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
PATIENCE: Final = 30.0


@attrs.frozen
class Ended:
    """What a run printed, and how it ended."""

    #: The exit code.
    code: int
    #: Standard output.
    out: str
    #: Standard error.
    err: str


def interrupted(
    sandbox: Sandbox, folder: pathlib.Path, number: int, *words: str, requests: int, said: str = "", rate: str = "4"
) -> Ended:
    """Send, and send a signal once so many requests came and the program said something on standard error."""
    paths = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, **sandbox.env, "KWTSMS_RATE": rate, "PYTHONPATH": paths}
    errors = folder / "stderr"

    def is_time() -> bool:
        sends = sum(record.endpoint == "send" for record in sandbox.requests)
        return sends >= requests and said in errors.read_text(encoding="utf-8")

    with (
        errors.open("w") as err,
        subprocess.Popen(
            [sys.executable, "-m", "notifykit_kwtsms", "send", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            cwd=folder,
            env=environment,
            text=True,
        ) as process,
    ):
        ends = time.monotonic() + PATIENCE
        while not is_time():
            assert process.poll() is None
            assert time.monotonic() < ends
            time.sleep(0.005)
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE)
    shown = errors.read_text(encoding="utf-8")
    assert "Traceback" not in shown
    return Ended(process.returncode, out, shown)


@pytest.mark.parametrize("number", list(CODES), ids=str)
def test_the_summary_of_a_campaign(sandbox: Sandbox, tmp_path: pathlib.Path, number: signal.Signals) -> None:
    """Ids and points of what was accepted, how many numbers were in flight, and an exit code for each signal."""
    ended = interrupted(sandbox, tmp_path, number, ",".join(CAMPAIGN), "Hello", requests=3)
    assert ended.code == CODES[number]
    ids = [message.msg_id for message in sandbox.messages if SILENT not in message.numbers]
    assert [line.removeprefix("msg-id: ") for line in ended.out.splitlines()[1:]] == ids
    assert ended.out.startswith("PARTIAL: 400 accepted in 2 requests, points charged: 400, balance: ")
    assert "Interrupted: 400 numbers accepted; 2 numbers in flight may have been sent; 0 not sent." in ended.err
    assert "Next: kwtsms balance" in ended.err


@pytest.mark.parametrize("number", list(CODES), ids=str)
def test_the_document_of_a_campaign(sandbox: Sandbox, tmp_path: pathlib.Path, number: signal.Signals) -> None:
    """The numbers in flight and those that were not sent are lists: a program goes on with them."""
    late = [f"9659800{index:04d}" for index in range(300)]
    to = ",".join([*CAMPAIGN, *late])
    ended = interrupted(sandbox, tmp_path, number, to, "<b>Hello</b>", "--json", requests=3, rate="0.5")
    assert ended.code == CODES[number]
    document: dict[str, Any] = json.loads(ended.out)
    data = document["data"]
    assert (document["ok"], document["error"]["kind"]) == (False, "Interrupted")
    assert (data["result"], data["interrupted"], data["numbers"], data["points-charged"]) == ("PARTIAL", True, 400, 400)
    assert len(data["msg-ids"]) == 2
    assert data["in_flight"] == [*CAMPAIGN[400:], *late[:198]]
    assert data["not_sent"] == late[198:]
    assert len(data["edits"]) == 2


def test_a_single_number_in_flight(sandbox: Sandbox, tmp_path: pathlib.Path) -> None:
    """Nothing was accepted, and the one may have been sent."""
    ended = interrupted(sandbox, tmp_path, signal.SIGTERM, SILENT, "Hello", "--json", requests=1)
    assert ended.code == 143
    data = json.loads(ended.out)["data"]
    assert (data["result"], data["bulk"], data["msg-ids"]) == ("ERROR", False, [])
    assert (data["in_flight"], data["not_sent"]) == ([SILENT], [])


def test_numbers_that_wait_for_another_try_were_not_sent(sandbox: Sandbox, tmp_path: pathlib.Path) -> None:
    """After ERR013 nothing is in flight, and the wait is said before it begins."""
    sandbox.chaos("ERR013", endpoint="send")
    to, wait = ",".join(CAMPAIGN[:201]), "trying again in 30 s"
    ended = interrupted(sandbox, tmp_path, signal.SIGINT, to, "Hello", requests=1, said=wait, rate="0.1")
    assert ended.code == 130
    assert "Interrupted: 0 numbers accepted; no request was in flight; 201 not sent." in ended.err
    assert "balance` says" not in ended.err


@pytest.fixture(name="sandbox")
def _sandbox() -> Any:
    with Sandbox(rules=Rules(rate_limit=None)) as sandbox:
        sandbox.account.change(balance=10_000)
        yield sandbox
