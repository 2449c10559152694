"""Delivery reports that are posted to a webhook."""

from __future__ import annotations

import pytest

from notifykit_kwtsms import parse_webhook

PAYLOAD = {"msg-id": "abc123", "mobile": "96598765432", "status": "DELIVERED", "delivered-at": 1700000000}


def test_the_whole_dict():
    """The documented keys, and the payload itself."""
    assert parse_webhook(PAYLOAD) == {
        "ok": True,
        "msg_id": "abc123",
        "phone": "96598765432",
        "status": "DELIVERED",
        "delivered_at": 1700000000,
        "raw": PAYLOAD,
    }


@pytest.mark.parametrize("status", ["DELIVERED", "FAILED", "PENDING", "REJECTED", "UNKNOWN_NEW_STATUS"])
def test_any_status_is_taken(status):
    """There is no documented list."""
    assert parse_webhook({**PAYLOAD, "status": status})["status"] == status


def test_number_and_time_may_be_missing():
    """Only the id and the status are needed."""
    receipt = parse_webhook({"msg-id": "abc123", "status": "FAILED"})
    assert (receipt["ok"], receipt["phone"], receipt["delivered_at"]) == (True, "", None)


@pytest.mark.parametrize("missing", ["msg-id", "status"])
def test_what_is_missing_is_named(missing):
    """And nothing is raised."""
    receipt = parse_webhook({name: value for name, value in PAYLOAD.items() if name != missing})
    assert receipt["ok"] is False
    assert missing in receipt["error"]


@pytest.mark.parametrize("payload", ["text", None, ["a"], 5, {}])
def test_what_is_no_receipt_is_not_ok(payload):
    """Whatever is posted."""
    receipt = parse_webhook(payload)
    assert receipt["ok"] is False
    assert receipt["error"]
