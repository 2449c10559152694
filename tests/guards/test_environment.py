"""Outside production: allowed recipients, redirected messages, and that nothing else is sent."""

from __future__ import annotations

import random

import pytest

from notifykit import ConfigError, Dsn, Notifier, PluginHost, Settings, SkipReason
from tests.guards.conftest import Live

DEVELOPER = "96550000001"


def customers(count: int) -> list[str]:
    """Return so many numbers of customers, all different, in several written forms."""
    numbers = random.Random(1).sample(range(60_000_000, 69_999_999), count)
    forms = ("965{}", "+965 {}", "00965{}")
    return [forms[index % 2].format(number) for index, number in enumerate(numbers)]


def test_of_ten_thousand_customers_none_is_reached_who_is_not_on_the_list(build):
    """Counted where it matters: at the transport."""
    transport = Live()
    people = customers(10_000)
    to = [*people[:5000], "+965 5000 0001", *people[5000:], "96550000099", "96550000002"]
    with build(transport, "staging", allow=["+965-5000-0001", "9655000009*"]) as notifier:
        report = notifier.send(to, "Hello")
    assert sorted(transport.reached) == ["96550000001", "96550000099"]
    assert len(report.skipped) == 10_001
    assert {(receipt.skipped, receipt.veto.guard) for receipt in report.skipped} == {(SkipReason.GUARD, "environment")}
    assert "NOTIFYKIT_GUARD_ALLOW" in report.skipped[0].advice


def test_a_thousand_customers_are_one_message_to_the_developer(build):
    """All after the first are duplicates, and the first receipt says who got it."""
    transport = Live()
    with build(transport, "staging", redirect="+965 5000 0001") as notifier:
        report = notifier.send(customers(1000), "Hello")
    assert transport.reached == [DEVELOPER]
    assert [receipt.to for receipt in report.accepted] == [DEVELOPER]
    assert report.accepted[0].recipient.raw == customers(1)[0]
    assert {receipt.skipped for receipt in report.skipped} == {SkipReason.DUPLICATE}
    assert len(report.skipped) == 999


@pytest.mark.parametrize("first", [True, False])
def test_the_developer_gets_it_once_even_where_they_are_in_the_list(build, first):
    """Their own message, or that of the customer before them."""
    transport = Live()
    to = [DEVELOPER, *customers(3)] if first else [*customers(3), DEVELOPER]
    with build(transport, "staging", redirect=DEVELOPER) as notifier:
        notifier.send(to, "Hello")
    assert transport.reached == [DEVELOPER]


def test_with_a_list_and_a_redirection_both_hold(build):
    """Who is allowed gets their own; what others would get is redirected."""
    transport = Live()
    with build(transport, "staging", allow=["96550000002"], redirect=DEVELOPER) as notifier:
        notifier.send(["96550000002", *customers(5)], "Hello")
    assert transport.reached == ["96550000002", DEVELOPER]


def test_a_message_of_another_channel_is_not_redirected_to_a_telephone(build):
    """It is held back, with the reason."""
    transport = Live()
    with build(transport, "staging", redirect=DEVELOPER) as notifier:
        report = notifier.send("someone@example.com", "Hello", channel="email")
    assert transport.reached == []
    assert "not email" in report.skipped[0].veto.reason


def test_addresses_and_domains_may_be_allowed(build):
    """In any case; an address of another domain is not."""
    transport = Live()
    with build(transport, "test", allow=["Dev@Example.org", "*@example.com"]) as notifier:
        to = ["dev@example.org", "a@EXAMPLE.com", "b@notexample.com", "c@example.com.evil.org"]
        notifier.send(to, "Hello", channel="email")
    assert [address.lower() for address in transport.reached] == ["dev@example.org", "a@example.com"]


def test_an_environment_without_a_list_reaches_no_recipient(build):
    """Through a live transport; a stub is what such an environment is for."""
    live, pretending = Live(), Live(live=False)
    with build(live, "staging") as notifier:
        report = notifier.send([DEVELOPER], "Hello")
        assert (live.reached, str(report[0].veto)) == (
            [],
            "environment: This is staging, and no recipient is allowed.",
        )
    with build(pretending, "staging") as notifier:
        assert len(notifier.send([DEVELOPER], "Hello").accepted) == 1


@pytest.mark.parametrize("environment", [None, "production", "Production", " PROD "])
def test_production_and_no_settings_hold_nothing_back(build, environment):
    """The list of a staging environment does not count in production."""
    transport = Live()
    guard = {"allow": [DEVELOPER]} if environment else {}
    with build(transport, environment, **guard) as notifier:
        notifier.send("96560000001", "Hello")
    assert transport.reached == ["96560000001"]


def test_a_list_counts_if_the_environment_is_not_set(build):
    """It was written to be used."""
    transport = Live()
    with build(transport, allow=[DEVELOPER]) as notifier:
        notifier.send([DEVELOPER, "96560000001"], "Hello")
    assert transport.reached == [DEVELOPER]


@pytest.mark.parametrize("slip", ["prodution", "prodcution", "productoin", "producton", "production1", "roduction"])
def test_a_slip_for_production_is_an_error_and_never_production(build, slip):
    """It says what to write."""
    with pytest.raises(ConfigError, match="looks like production"):
        build(Live(), slip)


@pytest.mark.parametrize(
    "name", ["staging", "preproduction", "pre-prod", "non-production", "dev", "test", "qa", "live"]
)
def test_every_other_word_is_another_environment(build, name):
    """Whatever the name, no recipient is reached by accident."""
    transport = Live()
    with build(transport, name) as notifier:
        notifier.send(DEVELOPER, "Hello")
    assert transport.reached == []


def test_all_problems_are_reported_at_once(build):
    """Entries by their place, not in clear."""
    with pytest.raises(ConfigError) as caught:
        build(Live(), "staging", allow=["abc", DEVELOPER, "*@x", "9*6"], redirect="abc", volume_cap="10")
    reported = "\n".join(caught.value.problems)
    for part in ("entry 1", "entry 3", "entry 4", "guard.redirect", "volume_cap"):
        assert part in reported
    assert "abc" not in reported


def test_a_list_of_guards_can_not_leave_it_out_by_accident(tmp_path):
    """The setting ``guards`` says which run, and forgetting this one would send as production does."""
    settings = Settings.load({"environment": "staging", "guards": ["cool_down"]}, environment={}, directory=tmp_path)
    with pytest.raises(ConfigError, match="environment is not in the list"):
        Notifier(Live(), settings=settings, host=PluginHost(entry_points=False))


def test_a_word_where_the_variables_belong_is_a_type_error():
    """``environment=`` has always been the mapping of variables."""
    with pytest.raises(TypeError, match="NOTIFYKIT_ENVIRONMENT"):
        Notifier.from_settings(Dsn("memory"), environment="staging")
