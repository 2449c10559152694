"""An account that does not exist, and a state folder of its own for each test."""

import pathlib

import pytest

from notifykit import Notifier

SHOP = pathlib.Path(__file__).parents[1]


@pytest.fixture
def notifier(tmp_path, monkeypatch, notify_outbox) -> Notifier:
    monkeypatch.setenv("KWTSMS_USERNAME", "test")
    monkeypatch.setenv("KWTSMS_PASSWORD", "test")
    monkeypatch.setenv("KWTSMS_SENDER_ID", "MYAPP")
    # A live account, so that pytest stops whatever no outbox takes.
    monkeypatch.setenv("KWTSMS_TEST_MODE", "0")
    monkeypatch.setenv("NOTIFYKIT_STATE_DIR", str(tmp_path))
    with Notifier.from_settings(directory=SHOP) as notifier:
        yield notifier
