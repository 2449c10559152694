"""Quiet hours by the recipient's clock: over midnight, over changes of the clocks, over several zones."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from hypothesis import given, strategies as st

from notifykit import ConfigError
from notifykit.guards.options import Hours, hours
from notifykit.guards.quiet_hours import QuietHours, zones_of
from tests.guards.conftest import NOON, Live

KUWAIT, LONDON, NEW_YORK = map(zoneinfo.ZoneInfo, ("Asia/Kuwait", "Europe/London", "America/New_York"))
NIGHT = hours("22:00-08:00")


def utc(*parts: int) -> datetime.datetime:
    """Return a moment in UTC."""
    return datetime.datetime(*parts, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("moment", "ends"),
    [
        (utc(2026, 3, 1, 18, 59, 59), None),
        (utc(2026, 3, 1, 19), utc(2026, 3, 2, 5)),
        (utc(2026, 3, 1, 21, 30), utc(2026, 3, 2, 5)),
        (utc(2026, 3, 2, 4, 59, 59), utc(2026, 3, 2, 5)),
        (utc(2026, 3, 2, 5), None),
    ],
)
def test_the_night_in_kuwait(build, clock, moment, ends):
    """Held back from ten to eight, with the seconds until then."""
    clock.advance((moment - NOON).total_seconds())
    with build(Live(), quiet_hours="22:00-08:00", quiet_zone="Europe/London") as notifier:
        (receipt,) = notifier.send("96550000001", "Hello")
    assert receipt.retry_after == (ends and (ends - moment).total_seconds())
    assert (receipt.veto is None) == (ends is None)


def test_tags_may_wake_people(build, clock):
    """The recipient has asked for a one-time code."""
    clock.advance(12 * 3600)
    with build(Live(), quiet_hours="22-8", quiet_zone="Asia/Kuwait", quiet_except=["otp"]) as notifier:
        assert notifier.send("96550000001", "Hello", tags="news").skipped
        assert notifier.send("96550000001", "Hello", tags=("news", "otp")).accepted


def test_whose_country_is_not_known_lives_in_the_zone_of_the_settings(build, clock):
    """An address without a known country."""
    with build(Live(), quiet_hours="12:00-13:00", quiet_zone="Asia/Kuwait") as notifier:
        assert notifier.send("33600000000", "Hello").skipped
        assert notifier.send("447000000000", "Hello").accepted


def test_without_a_zone_only_those_of_an_unknown_country_are_held_back(build, clock):
    """It may be night there; nothing else is stopped by a setting that is missing."""
    with build(Live(), quiet_hours="22:00-08:00") as notifier:
        assert notifier.send("447000000000", "Hello").accepted
        (receipt,) = notifier.send("33600000000", "Hello")
    assert "NOTIFYKIT_GUARD_QUIET_ZONE" in receipt.veto.action


def test_a_country_of_several_zones_is_quiet_while_any_zone_is(build, clock):
    """From ten in New York until eight on the last of its islands."""
    clock.advance((utc(2026, 3, 2, 13, 30) - NOON).total_seconds())  # 8:30 in New York, 3:30 in Honolulu
    with build(Live(), quiet_hours="22:00-08:00", quiet_zone="Asia/Kuwait") as notifier:
        (receipt,) = notifier.send("12125550100", "Hello")
    assert receipt.retry_after == (utc(2026, 3, 2, 18) - clock.now()).total_seconds()


@pytest.mark.parametrize(
    ("span", "zone", "moment", "ends"),
    [
        # The clocks jump from 2 to 3: half past two never comes, and at three it is over.
        ("00:00-02:30", NEW_YORK, utc(2026, 3, 8, 6), utc(2026, 3, 8, 7)),
        # The night of the jump is an hour shorter.
        ("22:00-08:00", NEW_YORK, utc(2026, 3, 8, 4), utc(2026, 3, 8, 12)),
        # The clocks go back from 2 to 1: half past one comes twice, and between them it is quiet again.
        ("00:00-01:30", NEW_YORK, utc(2026, 11, 1, 5), utc(2026, 11, 1, 5, 30)),
        ("00:00-01:30", NEW_YORK, utc(2026, 11, 1, 6, 10), utc(2026, 11, 1, 6, 30)),
        # It would end at two; the clock goes back to one before, which is not quiet.
        ("01:30-02:00", NEW_YORK, utc(2026, 11, 1, 5, 45), utc(2026, 11, 1, 6)),
        ("22:00-08:00", LONDON, utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 8)),
    ],
)
def test_when_the_clocks_are_changed(span, zone, moment, ends):
    """The end is the first moment at which the clock on the wall shows another time."""
    guard = QuietHours(hours(span), KUWAIT)
    assert guard.end(moment, [zone]) == ends


minutes = st.integers(0, 1439).map(lambda number: datetime.time(number // 60, number % 60))
spans = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Hours(*pair))
moments = st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2027, 1, 1), timezones=st.just(datetime.UTC))
around = st.sampled_from([utc(2026, 3, 8, 7), utc(2026, 11, 1, 6), utc(2026, 3, 29, 1), utc(2026, 10, 25, 1)]).flatmap(
    lambda change: st.integers(-200_000, 200_000).map(lambda seconds: change + datetime.timedelta(seconds=seconds))
)
zones = st.lists(
    st.sampled_from([KUWAIT, LONDON, NEW_YORK, zoneinfo.ZoneInfo("Australia/Lord_Howe")]), min_size=1, unique=True
)


@given(span=spans, moment=moments | around, zones=zones)
def test_the_end_is_the_first_moment_that_is_not_quiet(span, moment, zones):
    """Nothing before it is loud, minute by minute, and it is loud itself; none is named where there is none."""
    guard = QuietHours(span, KUWAIT)
    ends = guard.end(moment, zones)
    limit = ends or moment + datetime.timedelta(days=2)
    step = moment
    while step < limit:
        assert any(guard.is_quiet(step, zone) for zone in zones)
        step += datetime.timedelta(minutes=1)
    if ends is not None:
        assert not any(guard.is_quiet(ends, zone) for zone in zones)


def test_every_country_has_zones():
    """By the table that comes with the time zone database."""
    assert [zone.key for zone in zones_of("KW")] == ["Asia/Kuwait"]
    assert len(zones_of("US")) > 10
    assert zones_of("XX") == ()


@pytest.mark.parametrize(
    ("guard", "reported"),
    [
        ({"quiet_hours": "22:00-08:00", "quiet_zone": "Asia/Kuwayt"}, "did you mean Asia/Kuwait"),
        ({"quiet_hours": "22:00-08:00", "quiet_zone": "../etc"}, "no time zone"),
        ({"quiet_hours": "night", "quiet_zone": "Asia/Kuwait"}, "write 22:00-08:00"),
        ({"quiet_hours": "25:00-08:00", "quiet_zone": "Asia/Kuwait"}, "write 22:00-08:00"),
        ({"quiet_hours": "8-8", "quiet_zone": "Asia/Kuwait"}, "begins when it ends"),
    ],
)
def test_problems_are_raised_when_the_notifier_is_created(build, guard, reported):
    """And not when the first message is on its way."""
    with pytest.raises(ConfigError, match=reported):
        build(Live(), **guard)
