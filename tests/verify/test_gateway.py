"""One-time codes over the gateway: what arrives on the phone, what it costs, and what its errors become."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from notifykit import Notifier, Verifier
from notifykit.verify import MemoryStore, VerifySettings
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.verify.conftest import NUMBER, OTHER

HASH = "FA+9qCX9VSu"


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    with Sandbox(rules=Rules(rate_limit=None)) as sandbox:
        yield sandbox


def made(sandbox: Sandbox, folder: pathlib.Path, store: MemoryStore, **settings: Any) -> Verifier:
    environment = {**sandbox.env, "KWTSMS_RATE": "4", "NOTIFYKIT_STATE_DIR": str(folder)}
    notifier = Notifier.from_settings(environment=environment, directory=folder)
    return Verifier(notifier, settings=VerifySettings(app="MYAPP", **settings), store=store)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_message_arrives_as_it_was_written_for_one_point(
    sandbox: Sandbox, tmp_path: pathlib.Path, language: str
) -> None:
    """The lines for browsers and apps come through the cleaning of the gateway, and the code in them works."""
    before = sandbox.account.balance
    verifier = made(sandbox, tmp_path, MemoryStore(), domain="example.com", android_hash=HASH)
    started = verifier.start(NUMBER, language=language)
    assert started.status == "sent"
    text, code = sandbox.messages[-1].text, sandbox.otp(NUMBER)
    assert text.splitlines()[1:] == [HASH, f"@example.com #{code}"]
    assert ("رمز" in text) == (language == "ar")
    assert before - sandbox.account.balance == 1
    assert verifier.check(NUMBER, code).ok
    verifier.notifier.close()


def test_the_gateways_own_wait_is_a_wait_and_costs_no_place(sandbox: Sandbox, tmp_path: pathlib.Path) -> None:
    """ERR028, as where another program has just sent to the number."""
    verifier = made(sandbox, tmp_path, MemoryStore())
    started = verifier.start("96545000028")
    assert (started.status, started.http_status) == ("wait", 429)
    assert started.retry_after
    assert started.retry_after >= 15
    assert verifier.traffic() == ()
    assert verifier.start(OTHER).status == "sent"
    verifier.notifier.close()


@pytest.mark.parametrize(
    ("number", "status", "http"),
    [("96545006001", "unknown", 202), ("96545000003", "failed", 503), ("96545000025", "failed", 422)],
)
def test_its_answers_become_outcomes(
    sandbox: Sandbox, tmp_path: pathlib.Path, number: str, status: str, http: int
) -> None:
    """A lost answer, a wrong password, a number that it refuses."""
    verifier = made(sandbox, tmp_path, MemoryStore())
    started = verifier.start(number)
    assert (started.status, started.http_status) == (status, http)
    assert (started.expires is not None) == (status == "unknown")
    if status == "unknown":
        assert sandbox.accepted(number) == 1
        assert verifier.check(number, sandbox.otp(number)).ok
    verifier.notifier.close()
