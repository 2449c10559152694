"""The setting that refuses links in HTML, through the real pipeline to the sandbox."""

from __future__ import annotations

import pytest
from hypothesis import given

from notifykit import ConfigError, ContentRejected, Message, Notifier, Settings
from notifykit_kwtsms import KwtSMS
from notifykit_kwtsms.sandbox import Sandbox
from notifykit_kwtsms.text.cleaning import clean, cleaners
from notifykit_kwtsms.text.links import KEEP, LINK_RULES, REFUSE, REFUSE_LOST
from tests.kwtsms.conftest import kwtsms_host
from tests.kwtsms.text.strategies_text import texts

NUMBERS = ["96598765432", "96598765433"]
WHOLE = '<a href="https://pay.example.com/7">Pay</a>'
RELATIVE = '<a href="/7">Pay</a>'
NOWHERE = '<a href="#top">Pay</a>'


def notifier(sandbox: Sandbox, rule: str) -> Notifier:
    """Return one that has the rule in its settings."""
    return Notifier(sandbox.dsn, settings=Settings.load({"kwtsms": {"links": rule}}), host=kwtsms_host())


@pytest.mark.parametrize(
    ("rule", "text", "sent"),
    [
        (KEEP, WHOLE, "Pay https://pay.example.com/7"),
        (KEEP, RELATIVE, "Pay"),
        (REFUSE_LOST, WHOLE, "Pay https://pay.example.com/7"),
        (REFUSE_LOST, RELATIVE, None),
        (REFUSE_LOST, NOWHERE, "Pay"),
        (REFUSE, WHOLE, None),
        (REFUSE, RELATIVE, None),
        (REFUSE, NOWHERE, "Pay"),
        (REFUSE, "https://pay.example.com/7 <b>now</b>", "https://pay.example.com/7 now"),
    ],
)
def test_what_is_refused(sandbox: Sandbox, rule: str, text: str, sent: str | None) -> None:
    """Everybody is rejected and no request is made, or the text goes out; the plan knows it before."""
    with notifier(sandbox, rule) as sender:
        plan, report = sender.plan(NUMBERS, text), sender.send(NUMBERS, text)
    assert [message.text for message in sandbox.messages] == ([sent] if sent else [])
    assert (len(report.accepted), len(report.rejected)) == ((2, 0) if sent else (0, 2))
    assert isinstance(plan.refusal, ContentRejected) is (sent is None)
    assert {str(receipt.error) for receipt in report} == {str(plan.refusal)}
    assert "pay.example" not in f"{plan.refusal}"


def test_an_unknown_rule_is_an_error(sandbox: Sandbox) -> None:
    """A slip of the pen keeps no address by accident."""
    with pytest.raises(ConfigError, match="links"):
        notifier(sandbox, "refused").send(NUMBERS, WHOLE)


def test_the_documented_client_has_it_from_the_environment(
    sandbox: Sandbox, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``from_env`` reads the setting; the error is the documented dict, and nothing is sent."""
    for name, value in {**sandbox.env, "KWTSMS_LOG_FILE": "", "KWTSMS_LINKS": REFUSE}.items():
        monkeypatch.setenv(name, value)
    with KwtSMS.from_env(tmp_path / "none.env") as client:
        result = client.send(NUMBERS[0], WHOLE)
    assert (result["result"], result["code"]) == ("ERROR", "ERR027")
    assert "HTML" in result["description"]
    assert not sandbox.messages


@given(texts)
def test_a_rule_changes_no_text(text: str) -> None:
    """What is not refused is cleaned as without the rule."""
    for rule in LINK_RULES:
        cleaned = text
        try:
            for cleaner in cleaners(rule):
                cleaned = cleaner.clean(cleaned).text
        except ContentRejected:
            assert rule != KEEP
        else:
            assert cleaned == clean(text).text


def test_a_cleaner_refuses_a_text(sandbox: Sandbox) -> None:
    """Any cleaner may: the first refusal counts, and the frames that hold the text are not kept."""

    class NoSecrets:
        name = "no-secrets"

        def clean(self, text: str, channel: object) -> None:
            raise ContentRejected("The text has a password.", "secret")

    with Notifier(sandbox.dsn, host=kwtsms_host(), cleaners=[NoSecrets()]) as sender:  # type: ignore[list-item]
        report = sender.send(NUMBERS, "Your password is hunter2")
    assert [receipt.error.code for receipt in report if receipt.error] == ["secret", "secret"]
    assert {receipt.error.__traceback__ for receipt in report if receipt.error} == {None}
    assert report.message == Message(report.message.text, id=report.message.id)
    assert not sandbox.messages
