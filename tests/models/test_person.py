"""A person, and the verdict about a notification."""

from __future__ import annotations

import datetime

import pytest

from notifykit import (
    Channel,
    ChannelReceipt,
    ChannelState,
    Delivery,
    DeliveryReport,
    Person,
    PersonReceipt,
    Verdict,
)

NOW = datetime.datetime(2026, 12, 1, 9, tzinfo=datetime.UTC)
SARA = Person("u17", sms="+965 9876 5432", email="sara@example.com", push="apprise-tag:sara", language="ar")


def row(state: str, delivered: str | None = None, channel: Channel = Channel.PUSH) -> ChannelReceipt:
    """Return the receipt of a channel."""
    delivery = None if delivered is None else Delivery("id", "a").record(DeliveryReport("id", "a", delivered))
    return ChannelReceipt(channel, ChannelState(state), NOW, None, delivery, None, f"order:{channel}")


def receipt(*rows: ChannelReceipt, over: bool = True, cancelled: bool = False) -> PersonReceipt:
    """Return the receipt of a notification."""
    return PersonReceipt("order", "u17", rows, NOW, NOW if over else None, cancelled)


def test_a_person_shows_no_address() -> None:
    """Neither as text nor in a traceback."""
    for shown in (repr(SARA), str(SARA)):
        assert not [secret for secret in ("9876", "sara", "tag") if secret in shown]
    assert SARA.address(Channel.EMAIL) == "sara@example.com"
    assert Person("u18", sms=" ").address(Channel.SMS) is None


@pytest.mark.parametrize("wrong", [{"id": ""}, {"id": "a", "sms": 96598765432}, {"id": None}])
def test_what_is_no_person_is_refused(wrong: dict[str, object]) -> None:
    """At once, with the name of the field."""
    with pytest.raises((TypeError, ValueError), match=r"id|sms"):
        Person(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "more", "verdict"),
    [
        ([row("accepted", "delivered")], {"over": False}, Verdict.DELIVERED),
        ([row("accepted")], {"over": False}, Verdict.PENDING),
        ([row("accepted")], {}, Verdict.ACCEPTED),
        ([row("accepted"), row("unknown")], {}, Verdict.ACCEPTED),
        ([row("rejected"), row("unknown")], {}, Verdict.UNKNOWN),
        ([row("rejected"), row("skipped")], {}, Verdict.FAILED),
        ([row("accepted", "undelivered")], {}, Verdict.FAILED),
        ([row("accepted", "undelivered"), row("accepted", "delivered")], {}, Verdict.DELIVERED),
        ([row("unknown", "delivered")], {}, Verdict.DELIVERED),
        ([row("skipped")], {"cancelled": True}, Verdict.CANCELLED),
        ([row("accepted")], {"cancelled": True}, Verdict.ACCEPTED),
    ],
)
def test_the_verdict(rows: list[ChannelReceipt], more: dict[str, bool], verdict: Verdict) -> None:
    """The best that is known of any channel, with words for whoever reads it."""
    found = receipt(*rows, **more)
    assert found.verdict is verdict
    assert found.advice
    assert verdict.value in str(found)


def test_the_advice_after_unknown_names_the_command() -> None:
    """With the key of the channel's job."""
    found = receipt(row("unknown"))
    assert "notifykit jobs settle order:push --unknown as-sent|resend" in found.advice
    assert found["push"].state is ChannelState.UNKNOWN
    with pytest.raises(KeyError):
        found["sms"]
