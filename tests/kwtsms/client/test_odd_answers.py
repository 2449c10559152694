"""Answers that no gateway should give, from a server of this test."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil

import pytest

from notifykit import VirtualClock
from notifykit_kwtsms import KwtSMS
from tests.kwtsms.client.conftest import NUMBER
from tests.transports.wire import answer, scripted


@pytest.fixture(name="client_for")
def _received(build):
    """Make clients for a server that always says the same; they are done with when the test is."""
    with contextlib.ExitStack() as stack:

        def client_for(body: object, status: str = "200 OK"):
            wire = stack.enter_context(scripted(answer(json.dumps(body).encode(), status)))
            options = {"log_file": "kwtsms.log", "base_url": f"{wire.url}/API/", "clock": VirtualClock()}
            return build(lambda cls: cls("u", "secretpassword", **options))

        yield client_for


@pytest.mark.parametrize("available", [None, "", "many", True, [], float("inf")])
def test_a_balance_that_is_no_number(client_for, available):
    """The credentials may be right, but there is no balance to return; nothing is made up."""
    sms = client_for({"result": "OK", "available": available})
    ok, balance, error = sms.verify()
    assert (ok, balance) == (False, None)
    assert "no balance" in error
    assert (sms.balance(), sms.cached_balance, sms.purchased) == (None, None, None)


@pytest.mark.parametrize(("available", "balance"), [("42.0", 42.0), ("1,042.5", 1042.5), (0, 0.0)])
def test_a_balance_in_another_form(client_for, available, balance):
    """A text that is a number is one; ``purchased`` may be missing."""
    sms = client_for({"result": "OK", "available": available})
    assert sms.verify() == (True, balance, None)
    assert sms.purchased is None


def test_an_error_without_a_code(client_for):
    """It still is a dict with the four keys."""
    result = client_for({"result": "ERROR", "description": "Something."}).send(NUMBER, "Hello")
    assert list(result) == ["result", "code", "description", "action"]
    assert (result["code"], result["description"]) == ("UNKNOWN", "Something.")


def test_an_ok_without_anything(client_for):
    """The message is sent: the documented keys are there."""
    result = client_for({"result": "OK"}).send(NUMBER, "Hello")
    assert result == {
        "result": "OK",
        "msg-id": None,
        "numbers": None,
        "points-charged": None,
        "balance-after": None,
        "unix-timestamp": None,
    }


def test_a_bulk_ok_without_anything(client_for):
    """Every batch was accepted: what was sent is counted, and what was charged is not known."""
    result = client_for({"result": "OK"}).send([f"9659900{index:04d}" for index in range(201)], "Hello")
    assert (result["result"], result["numbers"], result["msg-ids"], result["balance-after"]) == ("OK", 201, [], None)


@pytest.mark.parametrize("mobile", [None, "x", [], {"OK": "96598765432"}, {"OK": [96598765432]}])
def test_a_validation_in_another_form(client_for, mobile):
    """What can't be read is omitted, and the raw answer shows it."""
    report = client_for({"result": "OK", "mobile": mobile}).validate(NUMBER)
    assert report["raw"] == {"result": "OK", "mobile": mobile}
    assert report["ok"] == ([NUMBER] if mobile == {"OK": [96598765432]} else [])
    assert report["error"] is None


def test_the_password_inside_an_answer_is_not_logged(client_for):
    """However deep it lies."""
    client_for({"result": "OK", "you": ["said", {"secretpassword": "secretpassword!"}]}).send(NUMBER, "Hello")
    line = pathlib.Path("kwtsms.log").read_text(encoding="utf-8")
    assert "secretpassword" not in line
    assert json.loads(line)["response"]["you"] == ["said", {"***": "***!"}]


def test_verify_does_not_raise_for_the_machine_either(sandbox, monkeypatch):
    """Where the rate limit can't be shared any more, that is its error."""
    for name, value in {**sandbox.env, "KWTSMS_LOG_FILE": ""}.items():
        monkeypatch.setenv(name, value)
    state = pathlib.Path(os.environ["NOTIFYKIT_STATE_DIR"])
    with KwtSMS.from_env() as sms:
        shutil.rmtree(state)
        state.write_text("in the way", encoding="utf-8")
        ok, balance, error = sms.verify()
    assert (ok, balance) == (False, None)
    assert "state_dir" in error
