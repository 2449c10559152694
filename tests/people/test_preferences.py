"""Preferences: what is switched off is not sent by any way of sending; security always is."""

from __future__ import annotations

import asyncio
import datetime
import pathlib
import threading
import zoneinfo
from typing import Any

import pytest
from hypothesis import given, strategies as st

from notifykit import AsyncNotifier, ConfigError, Notifier
from notifykit.durable.preferences import DatabasePreferences
from notifykit.models.message import Channel, Message
from notifykit.models.receipt import Veto
from notifykit.models.recipient import Recipient
from notifykit.people import Preferences, PreferencesUnavailable, preferences_of
from notifykit.people.guard import PreferenceGuard
from notifykit.people.preferences import SECURITY, TOPICS, dump, load
from notifykit.protocols import GuardContext
from notifykit.settings.sources import Settings
from tests.durable.conftest import Store
from tests.guards.conftest import NOON
from tests.people.conftest import Build, Keeps

SARA = "96550000001"
ZONES = ("Asia/Kuwait", "Europe/London", "America/New_York")

topics = st.sampled_from(TOPICS)
ordinary = st.sampled_from([topic for topic in TOPICS if topic != SECURITY])
channels = st.sampled_from(Channel)


@st.composite
def preferences(draw: st.DrawFn, **fixed: Any) -> Preferences:
    """Return preferences of any kind."""
    found: dict[str, Any] = {
        "language": draw(st.sampled_from([None, "ar", "en"])),
        "topics_off": draw(st.frozensets(ordinary)),
        "channels_off": draw(st.frozensets(channels)),
        "off": draw(st.frozensets(st.tuples(ordinary, channels))),
        "quiet": draw(st.sampled_from([None, "22:00-08:00", "12:00-13:00"])),
        "zone": draw(st.sampled_from([None, *ZONES])),
        **fixed,
    }
    return Preferences("u17", **found)


class One:
    """A store that knows one person."""

    def __init__(self, known: Preferences | None) -> None:
        self.known = known

    def find(self, channel: Channel, address: str) -> list[Preferences]:
        """Return that person, whatever the address."""
        return [self.known] if self.known else []


class Broken:
    """A store that can't be asked."""

    def find(self, channel: Channel, address: str) -> list[Preferences]:
        """Raise."""
        raise PreferencesUnavailable("The disk is gone.", "Put it back.")


class Odd:
    """A store of somebody else, that raises something of its own."""

    def find(self, channel: Channel, address: str) -> list[Preferences]:
        """Raise."""
        raise RuntimeError


def ask(store: Any, tags: tuple[str, ...], channel: Channel, moment: datetime.datetime = NOON) -> Any:
    """Return what the guard says to one message."""
    context = GuardContext(
        Message("Hello", channel, tags=tags), Recipient("x", channel), cost=None, live=False, now=moment
    )
    return PreferenceGuard(store, zone=zoneinfo.ZoneInfo("Asia/Kuwait")).check(context, None)  # type: ignore[arg-type]


# --- the rules ---


@given(preferences(), st.lists(topics, max_size=3), channels, st.datetimes(timezones=st.just(datetime.UTC)))
def test_nothing_that_is_off_is_sent_and_security_always_is(
    known: Preferences, tags: list[str], channel: Channel, moment: datetime.datetime
) -> None:
    """By any mix of topics, channels, hours and zones."""
    answer = ask(One(known), tuple(tags), channel, moment.replace(year=2026, day=1))
    is_off = channel in known.channels_off or any(
        tag in known.topics_off or (tag, channel) in known.off for tag in tags
    )
    if SECURITY in tags:
        assert answer is None
    elif is_off:
        assert isinstance(answer, Veto)
        assert not answer.postpone
        assert "switched" in answer.reason
    elif known.quiet is None:
        assert answer is None
    else:
        local = moment.replace(year=2026, day=1).astimezone(known.zone or zoneinfo.ZoneInfo("Asia/Kuwait"))
        assert isinstance(answer, Veto) is known.quiet.contain(local.time())
        assert answer is None or (answer.postpone and answer.guard == "preferences")


@given(preferences(), ordinary, st.none() | channels, st.booleans())
def test_a_switch_changes_the_topic_where_it_is_switched_and_nothing_else(
    known: Preferences, topic: str, where: Channel | None, on: bool
) -> None:
    """Whatever was off before."""
    changed = known.switch(topic, where, on=on)
    for channel in Channel:
        for other in TOPICS:
            before, after = (
                Preferences("u17", topics_off=one.topics_off, off=one.off).refuses([other], channel)
                for one in (known, changed)
            )
            if other == topic and where in (None, channel):
                assert (after is None) is on
            else:
                assert (after is None) is (before is None)
    assert changed.channels_off == known.channels_off


@given(preferences())
def test_preferences_are_read_as_they_were_written(known: Preferences) -> None:
    """By every store, which keep the same text."""
    assert load("u17", dump(known), {}) == known


@pytest.mark.parametrize(
    "wrong",
    [
        {"topics_off": {SECURITY}},
        {"off": {(SECURITY, "sms")}},
        {"channels_off": {"pigeon"}},
        {"quiet": "at night"},
        {"zone": "Mars/Olympus"},
    ],
)
def test_preferences_that_can_not_be_are_an_error(wrong: dict[str, Any]) -> None:
    """Security among what is switched off, or something that does not exist."""
    with pytest.raises((ValueError, zoneinfo.ZoneInfoNotFoundError)):
        Preferences("u17", **wrong)
    for person in ("", "x" * 201):
        with pytest.raises(ValueError, match="1 to 200"):
            Preferences(person)


def test_no_address_is_shown() -> None:
    """In a repr."""
    assert SARA not in repr(Preferences("u17", addresses={"sms": SARA}))


@pytest.mark.parametrize("store", [Broken(), Odd()])
def test_a_store_that_fails_holds_back_all_but_security(build: Build, store: Any) -> None:
    """Nobody knows what the recipient switched off; a code to sign in arrives all the same."""
    transport = Keeps()
    with build(transport, None, parts={"guards": [PreferenceGuard(store)]}) as notifier:
        for tags in ("marketing", "orders", ()):
            (receipt,) = notifier.send(SARA, "Hello", tags=tags).skipped
            assert receipt.veto is not None
            assert receipt.veto.guard == "preferences"
            assert receipt.veto.action
        assert notifier.send(SARA, "123456", tags="security").accepted
    assert transport.reached == [SARA]


# --- the stores ---


@pytest.fixture(name="url")
def _url(each_store: Store) -> str:
    return each_store.environment.get("NOTIFYKIT_DATABASE_URL", f"sqlite:///{each_store.folder}/people.sqlite3")


def test_a_store_keeps_changes_finds_and_deletes(url: str) -> None:
    """In a file and in PostgreSQL."""
    store = DatabasePreferences(url, Settings())
    known = Preferences("u17", language="ar", topics_off={"marketing"}, addresses={"sms": SARA, "email": "s@x.example"})
    assert store.get("u17") is None
    assert store.find(Channel.SMS, SARA) == []
    store.set(known)
    assert store.get("u17") == known
    assert store.find(Channel.EMAIL, "s@x.example") == [known]
    assert store.find(Channel.SMS, "s@x.example") == []
    store.set(Preferences("u18", addresses={"sms": SARA}))
    assert {one.person for one in store.find(Channel.SMS, SARA)} == {"u17", "u18"}
    changed = store.change("u17", lambda before: before.switch("marketing", on=True))
    assert changed == store.get("u17")
    assert not changed.topics_off
    assert store.change("new", lambda before: before.switch("orders", on=False)).topics_off == {"orders"}
    assert store.delete("u17")
    assert not store.delete("u17")
    assert [one.person for one in store.find(Channel.SMS, SARA)] == ["u18"]
    store.close()


def test_changes_at_the_same_time_are_all_kept(url: str) -> None:
    """Also those of a person of whom nothing was stored."""
    stores = [DatabasePreferences(url, Settings()) for _ in range(4)]
    stores[0].get("u17")  # the tables are there
    start = threading.Barrier(4)

    def switch(number: int) -> None:
        start.wait(30)
        stores[number].change("u17", lambda before: before.switch(f"topic{number}", on=False))

    threads = [threading.Thread(target=switch, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = stores[0].get("u17")
    assert found is not None
    assert found.topics_off == {f"topic{number}" for number in range(4)}
    for store in stores:
        store.close()


def test_a_database_that_is_not_there_is_said_without_its_password() -> None:
    """And is not asked again at once: a campaign would wait for it at each recipient."""
    store = DatabasePreferences("postgresql://x:s3cr3t@127.0.0.1:1/none", Settings())
    for _ in range(2):
        with pytest.raises(PreferencesUnavailable, match="NOTIFYKIT_GUARD_PREFERENCES") as caught:
            store.get("u17")
        assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["oracle", "nothing://host/database", "pigeon+post://x"])
def test_a_store_that_does_not_exist_is_an_error_at_the_start(build: Build, wrong: str) -> None:
    """Not at the first message."""
    with pytest.raises(ConfigError, match=r"guard\.preferences.*sqlite"):
        build(Keeps(), wrong)


def test_addresses_are_stored_as_they_are_sent_to(build: Build) -> None:
    """In whichever way a person wrote them; what is no address is an error, and shown to nobody."""
    with build(Keeps()) as notifier:
        store = preferences_of(notifier).store
        store.set(Preferences("u17", addresses={"sms": "+965 5000-0001", "email": "Sara@Example.COM"}))
        assert store.find(Channel.SMS, "0096550000001")[0].addresses == {"sms": SARA, "email": "sara@example.com"}
        with pytest.raises(ValueError, match="address for sms") as caught:
            store.set(Preferences("u17", addresses={"sms": "not-a-number-77"}))
        assert "77" not in str(caught.value)
        assert notifier.send("sara@example.com", "Hello", channel="email").accepted


# --- every way of sending ---


@pytest.fixture(name="transport")
def _transport() -> Keeps:
    return Keeps()


@pytest.fixture(name="notifier")
def _notifier(build: Build, transport: Keeps) -> Any:
    with build(transport, unsubscribe={}) as notifier:
        preferences_of(notifier).store.set(
            Preferences(
                "u17", topics_off={"marketing"}, channels_off={"email"}, addresses={"sms": SARA, "email": "s@x.example"}
            )
        )
        yield notifier


def test_send_stream_and_submit_obey(notifier: Notifier, transport: Keeps) -> None:
    """Each asks the guard; the plan says so before."""
    other = "96550000002"
    assert notifier.plan([SARA, other], "News", tags="marketing").recipients == (Recipient(other, country="KW"),)
    notifier.send([SARA, other], "News 1", tags="marketing")
    list(notifier.stream([SARA, other], "News 2", tags="marketing"))
    job = notifier.submit([SARA, other], "News 3", tags="marketing")
    job.wait(60)
    assert [receipt.veto.guard for receipt in job.receipts() if receipt.veto] == ["preferences"]
    assert transport.reached == [other] * 3
    assert notifier.send(SARA, "Order 17", tags="orders").accepted
    assert notifier.send("s@x.example", "Order 17", channel="email", tags="orders").skipped
    assert notifier.send("s@x.example", "Sign in", channel="email", tags="security").accepted


def test_asyncio_obeys(build: Build, notifier: Notifier) -> None:
    """It uses the same stages."""
    transport = Keeps()

    async def main() -> None:
        async with AsyncNotifier(transport, settings=notifier.settings) as other:
            assert (await other.send(SARA, "News", tags="marketing")).skipped
            assert (await other.send(SARA, "Code", tags="security")).accepted

    asyncio.run(main())


def test_a_job_waits_for_the_end_of_a_persons_quiet_hours(build: Build, transport: Keeps) -> None:
    """A plain send skips the recipient, and says in how many seconds it would pass."""
    with build(transport) as notifier:
        store = preferences_of(notifier).store
        # Half past nine in London, noon in Kuwait.
        store.set(Preferences("u17", quiet="09:00-10:00", zone="Europe/London", addresses={"sms": SARA}))
        (receipt,) = notifier.send(SARA, "News").skipped
        assert receipt.veto is not None
        assert (receipt.retry_after, receipt.veto.postpone) == (1800.0, True)
        assert "chose" in receipt.veto.reason
        store.set(Preferences("u17", quiet="09:00-10:00", zone="Asia/Kuwait", addresses={"sms": SARA}))
        assert notifier.send(SARA, "News").accepted


def test_one_time_codes_are_sent_to_who_switched_everything_off(
    build: Build, notifier: Notifier, transport: Keeps
) -> None:
    """Their messages have the tag security."""
    from notifykit.verify.verifier import Verifier

    preferences_of(notifier).store.set(Preferences("u17", channels_off=set(Channel), addresses={"sms": SARA}))
    assert notifier.send(SARA, "News").skipped
    with Verifier(notifier) as verifier:
        assert verifier.start(SARA).status == "sent"
    assert transport.reached == [SARA]


def test_topics_are_a_setting(build: Build, transport: Keeps) -> None:
    """A tag that is no topic can't be switched off; security stays one."""
    with build(transport, guard={"topics": "news"}) as notifier:
        store = preferences_of(notifier).store
        store.set(Preferences("u17", topics_off={"news", "marketing"}, addresses={"sms": SARA}))
        assert notifier.send(SARA, "1", tags="news").skipped
        assert notifier.send(SARA, "2", tags=["news", "security"]).accepted
        assert notifier.send(SARA, "3", tags="marketing").accepted


def test_any_database_of_sqlalchemy_will_do(tmp_path: pathlib.Path) -> None:
    """Shown with a driver that is none of the two built-in ones."""
    store = DatabasePreferences(f"sqlite+pysqlite:///{tmp_path}/other.sqlite3", Settings())
    store.set(Preferences("u17", addresses={"sms": SARA}))
    assert store.find(Channel.SMS, SARA)
    store.close()


@pytest.mark.parametrize("tag", ["Marketing", "MARKETING", " marketing ", "new, marketing"])
def test_a_topic_is_off_in_any_letters(tag: str) -> None:
    """Of the message, and of the store; only the exact word security is never off."""
    for known in (Preferences("u1", topics_off=["marketing"]), Preferences("u1", off=[("Marketing", "sms")])):
        assert isinstance(ask(One(known), (tag,), Channel.SMS), Veto)
    assert ask(One(Preferences("u1", topics_off=["orders"])), (tag,), Channel.SMS) is None
    off = Preferences("u1", channels_off=["sms"])
    assert isinstance(ask(One(off), ("Security",), Channel.SMS), Veto)
