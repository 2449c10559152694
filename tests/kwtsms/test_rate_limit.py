"""Questions count against the same five a second as sends, so they wait for the same turn."""

from __future__ import annotations

import pytest

from notifykit import ConfigError, Notifier, Settings, VirtualClock
from notifykit_kwtsms import KwtSMS, validate_phone_input
from notifykit_kwtsms.diagnostics import checks
from notifykit_kwtsms.sandbox import Sandbox
from tests.kwtsms.conftest import kwtsms_host


def test_questions_of_a_notifier_wait_for_their_turn():
    """Four queries in a row wait, by the notifier's own clock."""
    clock = VirtualClock()
    with Sandbox() as sandbox, Notifier(sandbox.dsn, host=kwtsms_host(), clock=clock) as notifier:
        for _ in range(4):
            notifier.transport.api.balance(5)
        assert clock.sleeps == pytest.approx([0.5] * 3)


def test_the_doctor_can_be_called_twice(monkeypatch):
    """Its three questions are spaced like everything else of the account."""
    with Sandbox() as sandbox:
        environment = {**sandbox.env, "KWTSMS_RATE": "4"}
        settings = Settings.load(environment=environment)
        for _ in range(2):
            assert all(check.health != "fail" for check in checks(settings, online=True))
        assert not any(request.blocked for request in sandbox.requests)


def test_missing_credentials_of_the_client_name_its_own_ways(tmp_path):
    """A program with KwtSMS has no DSN."""
    with pytest.raises(ConfigError, match="give username, or KWTSMS_USERNAME") as raised:
        KwtSMS("", "")
    assert "DSN" not in str(raised.value)
    assert "kwtsms://" not in str(raised.value)


@pytest.mark.parametrize(("given", "answer"), [(96598765432, (True, None, "96598765432"))])
def test_a_number_may_be_given_as_one(given, answer):
    """Spreadsheets and databases have it as an int; nothing crashes on what is none at all."""
    assert validate_phone_input(given) == answer
    assert validate_phone_input(None)[0] is False
