"""What customers get, on which channel, and what they do not get."""

import pathlib

import pytest

import shop
from notifykit import ConfigError, DeliveryReport

TABLE = str(pathlib.Path(__file__).parents[1] / "customers.csv")


@pytest.fixture(name="people")
def _people():
    return shop.customers(TABLE)


def deliver(notifier, message):
    """Let the provider report that a message arrived."""
    notifier.record_delivery_report(DeliveryReport(message.message_id, message.to, "delivered"))


def test_each_customer_gets_their_own_words(notifier, notify_outbox):
    job = shop.announce(notifier, TABLE, "eid-2026", over=None)
    progress = job.wait(timeout=30)
    assert (progress.accepted, progress.rejected) == (4, 1)
    assert "يا سارة" in notify_outbox.one(to="96598765432").text
    assert notify_outbox.one(to="96598765433").text.startswith("Happy Eid, Omar!")
    assert notify_outbox.one(to="96598765434").text.startswith("Happy Eid, friend!")
    assert all("96500" in message.text for message in notify_outbox.messages)
    *_, wrong = job.rows()
    assert (wrong.cells["Id"], wrong.receipt.outcome) == ("u5", "rejected")


def test_the_same_campaign_is_sent_once(notifier, notify_outbox, tmp_path):
    shop.announce(notifier, TABLE, "eid-2026", over=None).wait(timeout=30)
    assert shop.announce(notifier, TABLE, "eid-2026", over=None).wait(timeout=30).accepted == 4
    notify_outbox.assert_count(4)
    other = tmp_path / "others.csv"
    other.write_text("Id,Name,Mobile,Lang\nu9,Ali,96598765439,en\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="eid-2026"):
        shop.announce(notifier, str(other), "eid-2026", over=None)


def test_who_has_no_app_gets_an_sms(notifier, notify_outbox, people):
    notification = shop.order_ready(notifier, people["u3"], 17)
    message = notify_outbox.wait(to="96598765434")
    assert message.text == "Order 17 is ready."
    deliver(notifier, message)
    assert notification.wait(timeout=30).verdict == "delivered"
    notify_outbox.assert_count(1)


def test_what_arrived_in_the_app_costs_no_sms(notifier, notify_outbox, people):
    notification = shop.order_ready(notifier, people["u1"], 18)
    deliver(notifier, notify_outbox.wait(channel="push"))
    receipt = notification.wait(timeout=30)
    assert receipt.verdict == "delivered"
    assert receipt["sms"].state == "not tried"
    notify_outbox.assert_count(1)


def test_an_answer_that_was_lost_does_not_move_on(notifier, notify_outbox, notify_script, people):
    notify_script.unknown()
    receipt = shop.order_ready(notifier, people["u1"], 19).wait(timeout=30)
    assert receipt.verdict == "unknown"
    assert [row.state for row in receipt.channels] == ["unknown", "not tried", "not tried"]
    assert len(notify_outbox.attempts) == 1


def test_who_unsubscribed_gets_no_marketing_and_still_news_of_orders(notifier, notify_outbox, people):
    shop.unsubscribe(notifier, people["u2"], "marketing")
    progress = shop.announce(notifier, TABLE, "eid-2026", over=None).wait(timeout=30)
    assert (progress.accepted, progress.skipped) == (3, 1)
    notify_outbox.assert_none(to="96598765433")
    shop.order_ready(notifier, people["u2"], 20)
    assert notify_outbox.wait(tags="orders").to == "96598765433"
