"""Jobs in a test: carried to the outbox by the worker of the process, without the pauses that phones need."""

from __future__ import annotations

from notifykit import JobState, Notifier
from notifykit.testing import capture


def test_two_jobs_to_one_number_need_no_pause_between_them() -> None:
    """The provider's fifteen seconds are for phones: nobody waits for them in a test."""
    account = {"KWTSMS_USERNAME": "user", "KWTSMS_PASSWORD": "password", "KWTSMS_TEST_MODE": "0"}
    with capture() as outbox, Notifier.from_settings(environment=account) as notifier:
        for code in ("111111", "222222"):
            job = notifier.submit("96598765432", f"Your code is {code}", key=f"code-{code}")
            assert job.wait(10).state is JobState.DONE
    assert [message.otp for message in outbox.all()] == ["111111", "222222"]
