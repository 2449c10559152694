"""The password is on the wire and nowhere else."""

from __future__ import annotations

import pathlib
import traceback

import pytest

from notifykit_kwtsms.sandbox import Sandbox
from tests.kwtsms.client.conftest import NUMBER, campaign

PASSWORD = "sandboxpassword"


def shown(error: BaseException) -> str:
    """Return everything that a traceback with its variables shows, but not this test's own frame."""
    formatted = traceback.TracebackException.from_exception(error, capture_locals=True)
    formatted.stack = traceback.StackSummary.from_list(frame for frame in formatted.stack if frame.filename != __file__)
    return f"{error!r} {error} {''.join(formatted.format())} {vars(error)}"


def test_a_repr_shows_neither_account_nor_password(sms):
    """Where it sends, under which sender, and whether it is a test."""
    assert PASSWORD not in repr(sms)
    assert repr(sms).endswith("?sender=MY-APP&test=1>")
    assert PASSWORD not in repr(vars(getattr(sms, "client", sms)))


@pytest.mark.parametrize(
    "fault", ["reset", "close", "half-body", "html-200", "html-403", "html-502", "empty-200", "redirect", "big-body"]
)
def test_an_error_shows_nothing_secret_with_all_its_variables(sandbox, connect, fault):
    """Neither do its causes; the number and the text are the caller's own, and only in the caller's own frames."""
    sandbox.chaos(fault, endpoint="send")
    with pytest.raises(RuntimeError) as caught:
        connect(log_file="kwtsms.log").send(NUMBER, "secret text")
    assert PASSWORD not in shown(caught.value)
    assert NUMBER not in f"{caught.value!r} {caught.value}"
    assert "secret text" not in f"{caught.value!r} {caught.value}"
    assert PASSWORD not in pathlib.Path("kwtsms.log").read_text(encoding="utf-8")


def test_a_refused_connection_shows_nothing_secret(sandbox, sms):
    """Nothing was sent, and nothing secret is shown."""
    sandbox.stop()
    with pytest.raises(RuntimeError) as caught:
        sms.send(NUMBER, "secret text")
    assert PASSWORD not in shown(caught.value)


def test_no_answer_and_no_log_shows_the_password(sandbox, connect):
    """Whatever is asked, and whatever comes back."""
    sms = connect(log_file="kwtsms.log")
    answers = [sms.verify(), sms.balance(), sms.senderids(), sms.coverage(), sms.validate([NUMBER, "abc"])]
    answers += [sms.status("x"), sms.dlr("x"), sms.send(NUMBER, "Hello"), sms.send(campaign(201), "Hello")]
    for fault in ("ERR003", "reset", "html-200"):
        sandbox.chaos(fault, times=None)
        answers += [sms.verify(), sms.status("x"), sms.validate([NUMBER]), sms.send(campaign(201), "Hello")]
        sandbox.calm()
    assert PASSWORD not in repr(answers)
    assert PASSWORD not in pathlib.Path("kwtsms.log").read_text(encoding="utf-8")


def test_a_gateway_that_repeats_the_password_is_not_quoted(sandbox, connect):
    """Not in the log; the dict has the words as they came. Here they happen to contain it."""
    sms = connect(log_file="kwtsms.log", password="username")
    assert sms.verify()[2].startswith("Authentication error, username or password are not correct.")
    assert '"description":"Authentication error, *** or password' in pathlib.Path("kwtsms.log").read_text("utf-8")


def test_nothing_is_printed(sandbox, connect, capsys):
    """The client prints nothing: its results say everything."""
    sms = connect()
    sms.send(NUMBER, "Hello")
    sms.verify()
    assert capsys.readouterr() == ("", "")


def test_what_is_fixed_can_not_be_changed_by_accident(sms):
    """Setting ``test_mode`` afterwards would change nothing, so it is an error."""
    client = getattr(sms, "client", sms)
    for name in ("test_mode", "sender_id", "log_file", "base_url", "username"):
        with pytest.raises(AttributeError):
            setattr(client, name, "other")


def test_a_closed_client_says_so(sandbox: Sandbox, connect):
    """Closing twice is fine."""
    sms = connect()
    sms.close()
    sms.close()
    with pytest.raises(RuntimeError, match="closed"):
        sms.send(NUMBER, "Hello")
