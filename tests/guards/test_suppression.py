"""Suppressed recipients: by a file, and by a callable."""

from __future__ import annotations

import os

import pytest

from notifykit.guards.suppression import Suppression
from tests.guards.conftest import Live


def test_no_address_in_the_file_is_sent_to_in_any_written_form(build, tmp_path):
    """Comments, empty lines, and numbers as people write them."""
    (tmp_path / "suppressed.txt").write_text(
        "# unsubscribed\n\n+965 5000-0001  # Monday\n0096550000002;\nX@Example.com\n"
    )
    transport = Live()
    with build(transport, suppression_file="suppressed.txt") as notifier:
        report = notifier.send(["96550000001", "96550000002", "96550000003"], "Hello")
        assert notifier.send("x@example.com", "Hello", channel="email").skipped
    assert transport.reached == ["96550000003"]
    assert [receipt.veto.guard for receipt in report.skipped] == ["suppression"] * 2


def test_the_file_is_read_again_when_it_changes(build, tmp_path):
    """Between two messages of one notifier."""
    file = tmp_path / "suppressed.txt"
    file.write_text("")
    transport = Live()
    with build(transport, suppression_file=str(file)) as notifier:
        assert notifier.send("96550000001", "Hello").accepted
        file.write_text("96550000001\n")
        assert notifier.send("96550000001", "Hello").skipped
        file.write_text("")
        os.utime(file, ns=(1, 1))
        assert notifier.send("96550000001", "Hello").accepted


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"96550000009\nsomebody\n"])
def test_a_file_that_can_not_be_read_holds_all_messages_back(build, tmp_path, content):
    """A suppressed recipient may be on the line that can't be read."""
    if content is not None:
        (tmp_path / "suppressed.txt").write_bytes(content)
    transport = Live()
    with build(transport, suppression_file="suppressed.txt") as notifier:
        report = notifier.send(["96550000001"], "Hello")
        assert transport.reached == []
        assert "suppressed.txt" in report[0].advice
        (tmp_path / "suppressed.txt").write_text("96550000009\n")
        assert notifier.send(["96550000001"], "Hello").accepted


def test_a_callable_may_know_who_they_are(build):
    """It is given the canonical address; if it raises, or returns no bool, nothing is sent."""
    answers = {"96550000001": True, "96550000002": False, "96550000003": None}
    transport = Live()
    with build(transport, parts={"guards": [Suppression(lambda address: answers[address])]}) as notifier:
        report = notifier.send([*answers, "96550000004"], "Hello")
    assert transport.reached == ["96550000002"]
    assert ["raised" in receipt.veto.reason for receipt in report.skipped] == [False, True, True]


def test_something_else_is_a_type_error():
    """A list is none."""
    with pytest.raises(TypeError, match="takes a callable"):
        Suppression(["96550000001"])
