"""Limits in time: between messages to one recipient, of the same text, of messages, and of money."""

from __future__ import annotations

import pytest

from notifykit import AuthFailed, Channel, ConfigError, OutcomeUnknown, OutOfCredit, Plan
from notifykit.guards.options import in_words
from notifykit.settings.fields import duration
from tests.guards.conftest import Live

ONE, TWO = "96550000001", "96550000002"


def test_a_recipient_gets_nothing_between_two_messages(build, clock):
    """For exactly so long, and others are not held up by it."""
    with build(Live(), cool_down="15s") as notifier:
        assert notifier.send(ONE, "a").accepted
        clock.advance(5)
        report = notifier.send([ONE, TWO], "b")
        assert [receipt.outcome for receipt in report] == ["skipped", "accepted"]
        assert report[0].retry_after == pytest.approx(10)
        clock.advance(9.9)
        assert notifier.send(ONE, "c").skipped
        clock.advance(0.1)
        assert notifier.send(ONE, "c").accepted


def test_of_several_times_the_longest_that_applies_decides(build, clock):
    """Those with a tag count messages of that tag only."""
    with build(Live(), cool_down=["15s", "otp=60s"]) as notifier:
        assert notifier.send(ONE, "a", tags="otp").accepted
        clock.advance(20)
        assert notifier.send(ONE, "b", tags="otp").skipped
        assert notifier.send(ONE, "b", tags="news").accepted
        clock.advance(40)
        assert notifier.send(ONE, "b", tags="otp").accepted


def test_the_same_text_goes_to_the_same_person_once(build, clock):
    """As it is after cleaning; another text, another subject or another person is something else."""
    with build(Live(), same_content="10m") as notifier:
        assert notifier.send(ONE, "Cafe\u0301").accepted
        assert notifier.send(ONE, "Caf\u00e9").skipped
        assert notifier.send(ONE, "Cafe").accepted
        assert notifier.send(TWO, "Caf\u00e9").accepted
        assert notifier.send("a@example.com", "x", channel=Channel.EMAIL, subject="1").accepted
        assert notifier.send("a@example.com", "x", channel=Channel.EMAIL, subject="2").accepted
        assert notifier.send("a@example.com", "x", channel=Channel.EMAIL, subject="2").skipped
        clock.advance(600)
        assert notifier.send(ONE, "Caf\u00e9").accepted


def test_a_volume_cap_counts_messages_to_all_recipients(build, clock, numbers):
    """Several limits hold together, and what one of them refuses does not count in another."""
    transport = Live()
    with build(transport, volume_cap=["10/1m", "15/1h"]) as notifier:
        assert len(notifier.send(numbers(30), "Hello").accepted) == 10
        clock.advance(60)
        report = notifier.send(numbers(30), "Hello")
        assert len(report.accepted) == 5
        assert {receipt.veto.reason for receipt in report.skipped} == {
            "The limit of messages is reached: 15 in 1 hour."
        }
        clock.advance(report.skipped[0].retry_after)
        assert notifier.send(ONE, "Hello").accepted


def test_a_spend_cap_counts_points(build, numbers):
    """Two segments cost two."""
    with build(Live(), spend_cap="10/1d") as notifier:
        report = notifier.send(numbers(30), "x" * 200)
    assert len(report.accepted) == 5
    assert report.skipped[0].veto.guard == "spend_cap"


def test_what_costs_more_than_the_whole_cap_never_passes(build):
    """And no time is named when it would."""
    with build(Live(), spend_cap="0.5/1d") as notifier:
        (receipt,) = notifier.send(ONE, "Hello")
    assert (receipt.veto.guard, receipt.retry_after) == ("spend_cap", None)


@pytest.mark.parametrize(("unpriced", "accepted"), [("refuse", 0), ("allow", 1)])
def test_a_message_without_a_price_is_held_back_unless_the_settings_let_it(build, unpriced, accepted):
    """Prices outside Kuwait are not known to this transport."""
    with build(Live(), spend_cap="10/1d", unpriced=unpriced) as notifier:
        report = notifier.send("447000000000", "Hello")
    assert len(report.accepted) == accepted
    assert accepted or "NOTIFYKIT_GUARD_UNPRICED=allow" in report[0].advice


def test_what_was_certainly_not_sent_does_not_count(build, numbers):
    """A refusal gives its place back; an unknown outcome and an acceptance keep theirs."""
    lost = OutcomeUnknown("No answer.", "timeout")
    with build(Live(OutOfCredit("No.", "ERR010"), lost, size=3), volume_cap="4/1h", cool_down="1h") as notifier:
        assert len(notifier.send(numbers(3), "Hello").rejected) == 3
        assert len(notifier.send(numbers(3), "Hello").unknown) == 3
        report = notifier.send([ONE, TWO, *numbers(3)], "Hello")
    assert [(receipt.outcome, receipt.veto and receipt.veto.guard) for receipt in report] == [
        ("accepted", None),
        ("skipped", "volume_cap"),
        *[("skipped", "cool_down")] * 3,
    ]


def test_what_was_not_tried_at_the_deadline_or_after_an_error_does_not_count(build, numbers, clock):
    """Those batches were not tried."""
    with build(Live(AuthFailed("No."), size=2), volume_cap="10/1h") as notifier:
        assert len(notifier.send(numbers(10), "Hello").rejected) == 10
        assert len(notifier.send(numbers(10), "Hello").accepted) == 10


def test_a_place_that_a_later_guard_refuses_is_given_back(build):
    """The recipient who may not be sent to for the cap has no cool-down for it."""
    with build(Live(), cool_down="1h", volume_cap="1/1m") as notifier:
        report = notifier.send([ONE, TWO], "Hello")
        assert report[1].veto.guard == "volume_cap"
    assert str(report[1].veto) == "volume_cap: The limit of messages is reached: 1 in 1 minute."


def test_a_plan_counts_within_itself_and_leaves_nothing_behind(build, numbers):
    """It sees what was really sent, and what it would send itself."""
    with build(Live(), volume_cap="10/1h", same_content="1h") as notifier:
        notifier.send(numbers(4), "Hello")
        for _ in range(3):
            planned: Plan = notifier.plan(numbers(20), "Hello")
            assert len(planned.recipients) == 6
            assert [receipt.veto.guard for receipt in planned.excluded] == ["same_content"] * 4 + ["volume_cap"] * 10
        assert len(notifier.send(numbers(20), "Hello").accepted) == 6


def test_plans_of_a_long_list_count_from_one_to_the_next(build, numbers):
    """So the sums are those of one send, duplicates and caps included."""
    to = [*numbers(30), *numbers(10)]
    with build(Live(), volume_cap="25/1h") as notifier:
        plans = list(notifier.iter_plans(to, "Hello", size=7))
        assert next(notifier.iter_plans([], "Hello")).recipients == ()
    assert sum(len(plan.recipients) for plan in plans) == 25
    assert len(plans) == 6
    positions = [p for plan in plans for batch in plan.batches for p in batch.positions]
    positions += [receipt.position for plan in plans for receipt in plan.excluded]
    assert sorted(positions) == list(range(40))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15", 15), (15, 15), ("15s", 15), ("2m", 120), ("1h", 3600), ("1d", 86_400), ("1w", 604_800), (0.5, 0.5)],
)
def test_lengths_of_time(text, seconds):
    """Numbers are seconds."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "1y", "soon", True, None, "1e9", "١٥", []])
def test_what_is_no_length_of_time(text):
    """A slip is an error."""
    with pytest.raises(ValueError, match="write 15s"):
        duration(text)


def test_times_are_in_words():
    """In the largest unit that divides them."""
    assert [in_words(s) for s in (1, 15, 60, 90, 3600, 86_400, 0.5)] == [
        "1 second",
        "15 seconds",
        "1 minute",
        "90 seconds",
        "1 hour",
        "1 day",
        "0.5 seconds",
    ]


@pytest.mark.parametrize(
    "guard",
    [
        {"volume_cap": "10"},
        {"volume_cap": "0/1h"},
        {"volume_cap": "x/1h"},
        {"volume_cap": "nan/1h"},
        {"volume_cap": "10/1h,20/60m"},
        {"spend_cap": "10/soon"},
        {"cool_down": "otp="},
        {"cool_down": "=15s"},
        {"cool_down": "15s,20s"},
        {"cool_down": []},
        {"same_content": "no"},
        {"unpriced": "perhaps"},
        {"cooldown": "15s"},
    ],
)
def test_what_can_not_be_understood_is_an_error(build, guard):
    """When the notifier is made."""
    with pytest.raises(ConfigError, match=next(iter(guard))):
        build(Live(), **guard)
