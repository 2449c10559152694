"""Jobs in a test: carried to the outbox by the worker of the process, without the pauses that phones need."""

from __future__ import annotations

import contextlib
import pathlib
import time

import pytest

from notifykit import JobState, Notifier
from notifykit.testing import capture


@pytest.fixture(name="account")
def _account(tmp_path: pathlib.Path) -> dict[str, str]:
    return {
        "KWTSMS_USERNAME": "user",
        "KWTSMS_PASSWORD": "password",
        "KWTSMS_TEST_MODE": "0",
        "KWTSMS_BASE_URL": "http://127.0.0.1:9/API/",
        "NOTIFYKIT_STATE_DIR": str(tmp_path),
    }


def test_two_jobs_to_one_number_need_no_pause_between_them(account: dict[str, str]) -> None:
    """The provider's fifteen seconds are for phones: a test does not wait for them."""
    with capture() as outbox, Notifier.from_settings(environment=account) as notifier:
        for code in ("111111", "222222"):
            job = notifier.submit("96598765432", f"Your code is {code}", key=f"code-{code}")
            assert job.wait(10).state is JobState.DONE
    assert [message.otp for message in outbox.all()] == ["111111", "222222"]


def test_a_job_of_a_test_is_not_sent_outside(account: dict[str, str]) -> None:
    """A worker outside pauses it, and says so."""
    with capture(), Notifier.from_settings(environment=account, durable={"workers": "separate"}) as notifier:
        notifier.submit("96598765432", "From a test", key="left")
    with Notifier.from_settings(environment=account) as notifier:
        notifier.work()
        _until_paused(notifier, "left")
        assert notifier.job("left").progress().accepted == 0


def test_a_job_from_outside_is_not_swallowed_by_an_outbox(account: dict[str, str]) -> None:
    """A worker inside of a test does not send it: it is meant to reach people."""
    with Notifier.from_settings(environment=account, durable={"workers": "separate"}) as notifier:
        notifier.submit("96598765432", "For real", key="real")
    with capture() as outbox, Notifier.from_settings(environment=account) as notifier:
        notifier.work()
        _until_paused(notifier, "real")
    assert len(outbox) == 0


def _until_paused(notifier: Notifier, key: str) -> None:
    job, ends = notifier.job(key), time.monotonic() + 30
    while job.progress().state is not JobState.PAUSED and time.monotonic() < ends:
        with contextlib.suppress(TimeoutError):
            job.wait(0.05)
    assert job.progress().state is JobState.PAUSED
