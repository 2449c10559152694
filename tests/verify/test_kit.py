"""One-time codes in the tests of an application: the outbox has the code, and the clock moves the time."""

from __future__ import annotations

import pathlib

import pytest

from notifykit import Notifier, Verifier
from notifykit.verify import VerifySettings

NUMBER = "+965 9876 5432"


@pytest.fixture(name="verifier")
def _verifier(tmp_path: pathlib.Path) -> Verifier:
    """As an application makes it: with a store on disk, if no test captured its messages."""
    return Verifier(Notifier.from_settings("memory", directory=tmp_path))


def test_the_outbox_has_the_code(verifier, notify_outbox):
    assert verifier.start(NUMBER).status == "sent"
    assert verifier.check(NUMBER, notify_outbox.one(to=NUMBER, tags="verify").otp).ok


def test_the_clock_moves_time(verifier, notify_outbox, verify_clock):
    verifier.start(NUMBER)
    assert verifier.start(NUMBER).retry_after == 30
    verify_clock.advance(600)
    assert verifier.check(NUMBER, notify_outbox.otp()).reason == "expired"
    assert verifier.start(NUMBER).status == "sent"
    assert verifier.check(NUMBER, notify_outbox.otp()).ok


def test_the_script_answers_for_the_provider(verifier, notify_outbox, notify_script):
    notify_script.unknown()
    assert verifier.start(NUMBER).status == "unknown"
    assert verifier.check(NUMBER, notify_outbox.unknown[0].otp).ok


@pytest.mark.parametrize("settings", [
    VerifySettings(app="MYAPP", alphabet="letters", length=8),
    VerifySettings(app="MYAPP", alphabet="letters", length=4, domain="example.com", android_hash="FA+9qCX9VSu"),
    VerifySettings(app="4567 SHOP", length=10, domain="example.com"),
    VerifySettings(app="1234", length=10),
    VerifySettings(alphabet="letters", length=10),
])  # fmt: skip
@pytest.mark.parametrize("language", ["en", "ar"])
def test_codes_of_every_kind_are_found(verifier, notify_outbox, settings, language):
    verifier = Verifier(verifier.notifier, settings=settings)
    verifier.start(NUMBER, language=language)
    assert verifier.check(NUMBER, notify_outbox.one().otp).ok


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_store_of_its_own(verifier, notify_outbox, turn):
    assert verifier.start(NUMBER).status == "sent"
    assert Verifier(verifier.notifier).start(NUMBER).status == "wait"


def test_nothing_is_written_to_the_folder_of_the_user(verifier, notify_outbox, tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFYKIT_STATE_DIR", str(tmp_path / "state"))
    verifier.start(NUMBER)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
