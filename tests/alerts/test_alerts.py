"""The sink ``alert``: what it alerts to, how often, through what, and what an alert says."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest

from notifykit import (
    Capabilities,
    Channel,
    ConfigError,
    Failover,
    MemoryTransport,
    Notifier,
    PluginHost,
    Settings,
    Submission,
    VirtualClock,
)
from notifykit.alerts import (
    Alert,
    AlertSink,
    BalanceBelow,
    CircuitOpen,
    ErrorShare,
    Refusals,
    Rule,
    UnknownOutcomes,
)
from notifykit.alerts.counts import Counts
from notifykit.errors import (
    AuthFailed,
    ContentRejected,
    InvalidRecipient,
    NotEnoughCredit,
    NotReached,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    SenderNotAllowed,
    TransportError,
)

NUMBER = "96598765432"
ONCALL = "96550000001"
TEXT = "Your code is 778899"
ACCEPTED = Submission("1")
LOST = OutcomeUnknown("No answer came.", "timeout", action="Look at the queue.")
NOT_LISTED = AuthFailed(
    "This machine's IP address is not on the list.", "ERR024", action="Add the address to the list."
)


class Named(MemoryTransport):
    """A transport with a name of its own."""

    def __init__(self, name: str, answers: Sequence[Any] = (), **capabilities: Any) -> None:
        can = capabilities or {"channels": frozenset(Channel), "subjects": True, "batch_size": 200}
        super().__init__(answers, Capabilities(**can))
        self.name = name

    def __str__(self) -> str:
        return f"{self.name}://account@host?sender=SHOP"


@attrs.define
class Watched:
    """A notifier whose sends fail, and the alerts that this caused."""

    clock: VirtualClock
    ops: Named = attrs.field(factory=lambda: Named("ops"))
    sinks: list[AlertSink] = attrs.field(factory=list)
    notifier: Notifier | None = None
    to: str = "ops@example.com"

    def send(
        self, transport: Any, *rules: Rule, times: int = 1, to: Any = NUMBER, via: Any = None, **more: Any
    ) -> None:
        """Send so many times; the rules are those of the sink."""
        host = PluginHost(entry_points=False)
        if not self.sinks:
            sink = AlertSink(via or self.ops, self.to, rules or None, clock=self.clock, host=host, **more)
            self.sinks.append(sink)
        if self.notifier is None:
            self.notifier = Notifier(transport, sinks=self.sinks, clock=self.clock, host=host)
        for _ in range(times):
            self.notifier.send(to, TEXT, via=transport)

    @property
    def texts(self) -> list[str]:
        """The alerts."""
        return [batch.message.text for batch in self.ops.batches]

    @property
    def titles(self) -> list[str]:
        """The first line of each alert."""
        return [text.splitlines()[0] for text in self.texts]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def watched(clock: VirtualClock) -> Iterator[Watched]:
    watched = Watched(clock)
    yield watched
    if watched.notifier:
        watched.notifier.close()


def test_an_alert_says_what_happened_since_when_how_many_and_what_to_do(watched: Watched) -> None:
    """All that a person at 2 a.m. needs, without a number, a text or an account."""
    watched.send(Named("sms", [NOT_LISTED]))
    (batch,) = watched.ops.batches
    host = batch.message.subject.rpartition("(")[2].rstrip(")")
    assert batch.message.subject == f"sms refuses messages: ERR024 ({host})"
    assert batch.message.text.splitlines() == [
        "sms refuses messages: ERR024",
        "",
        "This machine's IP address is not on the list.",
        "How many: 1 message since 2026-01-01 00:00 UTC.",
        "Do this: Add the address to the list.",
        "",
        f"From {host}, 2026-01-01 00:00 UTC.",
        "The next alert about this comes after 1 hour at the earliest.",
    ]
    assert [recipient.address for recipient in batch.recipients] == ["ops@example.com"]
    assert batch.message.tags == ("alert",)


def test_an_alert_by_sms_is_short(watched: Watched) -> None:
    """Four lines in GSM-7: a long one would be six segments."""
    watched.to = ONCALL
    wordy = AuthFailed("Not on the list.", "ERR024", action="Add it at kwtsms.com → Account.")
    watched.send(Named("sms", [wordy]))
    (text,) = watched.texts
    first, *lines = text.splitlines()
    assert first.startswith("sms refuses messages: ERR024 (")
    assert lines == [
        "Not on the list.",
        "How many: 1 message since 2026-01-01 00:00 UTC.",
        "Do this: Add it at kwtsms.com > Account.",
    ]
    assert text.isascii()


def test_one_thing_is_one_alert_in_a_window_and_the_next_counts_all(watched: Watched, clock: VirtualClock) -> None:
    """A night of failures is not a night of alerts."""
    transport = Named("sms", [NOT_LISTED] * 100)
    watched.send(transport, times=30)
    assert len(watched.texts) == 1
    clock.advance(3500)
    watched.send(transport, times=5)
    assert len(watched.texts) == 1
    clock.advance(200)
    watched.send(transport, times=2)
    assert len(watched.texts) == 2
    assert "How many: 6 messages since 2026-01-01 00:58 UTC." in watched.texts[1]


def test_what_goes_on_for_longer_than_the_window_says_so(watched: Watched, clock: VirtualClock) -> None:
    """The beginning is then unknown, and no time is made up."""
    transport = Named("sms", [NOT_LISTED] * 200)
    for _ in range(70):
        watched.send(transport)
        clock.advance(60)
    assert len(watched.texts) == 2
    assert "in 1 hour, and perhaps before." in watched.texts[1]


@pytest.mark.parametrize(
    ("error", "rules", "title"),
    [
        (NOT_LISTED, (), "sms refuses messages: ERR024"),
        (SenderNotAllowed("Banned.", "ERR008"), (), "sms refuses messages: ERR008"),
        (NotEnoughCredit("Too little."), (), "sms refuses messages: NotEnoughCredit"),
        (ProviderUnavailable("Down."), (), None),
        (ContentRejected("Bad words."), (), None),
        (InvalidRecipient("No."), (), None),
        (
            ProviderUnavailable("Down."),
            (Refusals(["ProviderUnavailable"]),),
            "sms refuses messages: ProviderUnavailable",
        ),
        (ContentRejected("Spam.", "ERR032"), (Refusals(["ERR032"]),), "sms refuses messages: ERR032"),
        (NOT_LISTED, (Refusals(["ERR032"]),), None),
        (NOT_LISTED, (Refusals(["TransportError"]),), "sms refuses messages: ERR024"),
    ],
)
def test_errors_are_known_by_their_class_and_code(
    watched: Watched, error: TransportError, rules: tuple[Rule, ...], title: str | None
) -> None:
    """By default those of the account, which a person has to do something about."""
    watched.send(Named("sms", [error]), *rules)
    assert watched.titles == ([title] if title else [])


def test_an_error_of_a_plugin_counts_as_the_class_that_it_is_derived_from(watched: Watched) -> None:
    """A provider's own class is still a refused account."""

    class Expired(AuthFailed):
        """The password is too old."""

    watched.send(Named("sms", [Expired("Old.")]))
    assert watched.titles == ["sms refuses messages: AuthFailed"]


def test_an_error_that_is_tried_again_is_no_alert_until_the_last_try(watched: Watched) -> None:
    """What ends well by itself wakes nobody."""
    full = RateLimited("Full.", "ERR013", waits=(1.0,))
    rule = Refusals(["RateLimited"])
    watched.send(Named("sms", [full]), rule)
    assert watched.texts == []
    watched.send(Named("sms", [full, full]), rule)
    assert watched.titles == ["sms refuses messages: ERR013"]


def test_each_code_is_an_alert_of_its_own(watched: Watched) -> None:
    """A banned sender is not hidden by an address that is not on the list."""
    watched.send(Named("sms", [NOT_LISTED, SenderNotAllowed("Banned.", "ERR008"), NOT_LISTED]), times=3)
    assert watched.titles == ["sms refuses messages: ERR024", "sms refuses messages: ERR008"]


def test_a_low_balance_is_an_alert(watched: Watched) -> None:
    """As the provider said it with the last message."""
    answers = [Submission("1", balance=50), Submission("2", balance=49.5), Submission("3", balance=48)]
    watched.send(Named("sms", answers), BalanceBelow(50), times=3)
    (text,) = watched.texts
    assert "The balance of sms is low" in text
    assert "49.5 left on the account; the limit for this alert is 50." in text
    assert "Do this: Top up the account." in text


def test_unknown_outcomes_are_an_alert_from_so_many_on(watched: Watched, clock: VirtualClock) -> None:
    """One lost answer is life; three in ten minutes are a broken line."""
    rule = UnknownOutcomes(3, 600)
    transport = Named("sms", [LOST] * 9)
    watched.send(transport, rule, times=2)
    clock.advance(700)
    watched.send(transport, rule, times=2)
    assert watched.texts == []
    watched.send(transport, rule)
    (text,) = watched.texts
    assert "How many: 3 messages since 2026-01-01 00:11 UTC." in text
    assert "They may have been sent, or not." in text
    assert "Do this: Look at the queue." in text


def test_a_share_of_errors_needs_enough_messages(watched: Watched) -> None:
    """One of two is no share; refused numbers in an accepted batch count one by one."""
    rule = ErrorShare(0.2, 600, least=20)
    down = ProviderUnavailable("Down.", "E1", action="Call them.")
    watched.send(Named("sms", [ACCEPTED, down]), rule, times=2)
    assert watched.texts == []
    refused = {f"9659876{number:04}": InvalidRecipient("No.") for number in range(4)}
    people = [f"9659876{number:04}" for number in range(18)]
    watched.send(Named("sms", [Submission("1", refused=refused), down]), rule, to=people)
    (text,) = watched.texts
    assert "25% of 20 messages through sms were not accepted." in text
    assert "How many: 5 messages" in text
    assert "Do this: Look at the latest errors: `notifykit log tail --errors`." in text


def test_too_few_errors_are_no_alert(watched: Watched) -> None:
    """19 of 100 are below 20 percent, and the twentieth is not."""
    rule = ErrorShare(0.2, 600, least=20)
    down = ProviderUnavailable("Down.")
    watched.send(Named("sms", [*[ACCEPTED] * 80, *[down] * 19]), rule, times=99)
    assert watched.texts == []
    watched.send(Named("sms", [down]), rule)
    assert watched.titles == ["Many errors through sms"]


def test_an_open_circuit_breaker_is_an_alert(watched: Watched, clock: VirtualClock) -> None:
    """The messages went by the other part, so nobody would notice otherwise."""
    down = ProviderUnavailable("Down.", "E1", action="Call them.")
    failover = Failover(Named("sms", [down] * 3), Named("backup"), failures=3, clock=clock)
    watched.send(failover, CircuitOpen(), times=2)
    assert watched.texts == []
    watched.send(failover, CircuitOpen())
    (text,) = watched.texts
    assert "sms rests: its circuit breaker is open" in text
    assert "3 failures in a row, the last: E1: Down." in text
    assert "Do this: Call them." in text


def test_an_alert_never_goes_through_the_transport_that_is_broken(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """It would only fail as well."""
    transport = Named("sms", [NOT_LISTED] * 3)
    watched.send(transport, via=transport, times=3)
    assert len(transport.batches) == 3, "the messages, and no alert"
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR and "alert" in record.msg]
    assert "sms refuses messages: ERR024" in record.getMessage()
    assert "set NOTIFYKIT_ALERT_VIA to another one" in record.getMessage()


def test_of_a_composite_the_parts_that_work_carry_it(watched: Watched, clock: VirtualClock) -> None:
    """One after the other until one takes it; the broken one is not asked."""
    broken = Named("sms", [NOT_LISTED] * 9)
    second = Named("second", [NotReached("No route.", waits=())] * 9)
    watched.send(broken, via=Failover(broken, second, watched.ops, clock=clock))
    assert (len(broken.batches), len(second.batches), len(watched.ops.batches)) == (1, 1, 1)


def test_an_alert_that_can_not_be_sent_is_logged_once_and_stops_nothing(
    watched: Watched, caplog: pytest.LogCaptureFixture, clock: VirtualClock
) -> None:
    """It is tried again later, and is sent once that works."""
    wrong = AuthFailed("Wrong password.", action="Set the password of the mail server.")
    watched.ops = Named("ops", [wrong, wrong])
    transport = Named("sms", [NOT_LISTED] * 20)
    watched.send(transport, times=5)
    clock.advance(301)
    watched.send(transport, times=5)
    assert len(transport.batches) == 10
    errors = [r.getMessage() for r in caplog.records if r.name == "notifykit.alerts" and r.levelno == logging.ERROR]
    assert errors == [
        "an alert could not be sent (sms refuses messages: ERR024): Wrong password. → Set the password of the mail server."
    ]
    assert len(watched.ops.batches) == 2
    clock.advance(301)
    watched.send(transport)
    assert len(watched.ops.batches) == 3


def test_an_alert_transport_that_raises_stops_nothing(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """Even one that breaks every rule."""

    class Broken(Named):
        @property
        def capabilities(self) -> Capabilities:  # type: ignore[override]
            if self.armed:
                raise RuntimeError(NUMBER)
            return Capabilities()

        @capabilities.setter
        def capabilities(self, given: object) -> None: ...

        armed = False

    broken = Broken("ops")
    sink = AlertSink(broken, ONCALL, clock=watched.clock, host=PluginHost(entry_points=False))
    broken.armed = True
    watched.sinks.append(sink)
    transport = Named("sms", [NOT_LISTED])
    watched.send(transport)
    assert len(transport.batches) == 1
    assert NUMBER not in caplog.text
    assert "an alert could not be sent" in caplog.text


def test_no_event_is_about_an_alert(watched: Watched, clock: VirtualClock) -> None:
    """Neither for this sink, nor for others: a failed alert would be an alert, and costs would be those of customers."""
    seen: list[str] = []

    def other(event: Any) -> None:
        seen.append(event.id)

    watched.ops = Named("ops", [NOT_LISTED])
    sink = AlertSink(watched.ops, ONCALL, clock=clock, host=PluginHost(entry_points=False))
    with Notifier(Named("sms", [NOT_LISTED]), sinks=[sink, other], clock=clock) as notifier:
        receipt_id = notifier.send(NUMBER, TEXT).message.id
    assert {*seen} == {receipt_id}
    assert len(watched.ops.batches) == 1


def test_no_number_and_no_text_is_in_an_alert(watched: Watched) -> None:
    """Also where a plugin puts a number into the words of its error."""
    wordy = AuthFailed(f"{NUMBER} is not yours.", "E9", action=f"Ask +{NUMBER}\nnow.")
    watched.send(Named("sms", [wordy]), via=watched.ops)
    (batch,) = watched.ops.batches
    for secret in (NUMBER, "778899", "Your code", "account@host", "SHOP"):
        assert secret not in f"{batch.message.subject}{batch.message.text}"
    assert "**** is not yours." in batch.message.text


def test_the_time_is_that_of_the_settings(watched: Watched) -> None:
    """An on-call person should not have to convert it."""
    settings = Settings.load({"zone": "Asia/Kuwait"}, environment={}).check()
    watched.send(Named("sms", [NOT_LISTED]), settings=settings)
    assert "since 2026-01-01 03:00 +03." in watched.texts[0]


def test_quiet_hours_and_an_environment_hold_no_alert_back(watched: Watched) -> None:
    """They protect customers, and not whoever is on call."""
    settings = Settings.load(
        {"guard": {"quiet_hours": "00:00-23:59", "allow": ["96551111111"]}, "environment": "staging"}, environment={}
    )
    watched.send(Named("sms", [NOT_LISTED]), settings=settings.check())
    assert len(watched.texts) == 1


@pytest.mark.parametrize(
    ("channels", "to", "channel"),
    [
        ({Channel.EMAIL}, ["ops@example.com"], Channel.EMAIL),
        ({Channel.SMS}, [ONCALL], Channel.SMS),
        ({Channel.PUSH}, [], Channel.PUSH),
        ({*Channel}, ["ops@example.com"], Channel.EMAIL),
        ({*Channel}, [ONCALL], Channel.SMS),
        ({*Channel}, [], Channel.PUSH),
    ],
)
def test_the_channel_follows_from_the_addresses(
    clock: VirtualClock, channels: Any, to: list[str], channel: str
) -> None:
    """Nobody has to say it."""
    ops = Named("ops", channels=frozenset(channels))
    sink = AlertSink(ops, to, clock=clock, host=PluginHost(entry_points=False))
    assert sink.test() is None
    assert [batch.message.channel for batch in ops.batches] == [channel]


@pytest.mark.parametrize(
    ("channels", "to", "words"),
    [
        ({Channel.SMS}, [], "NOTIFYKIT_ALERT_TO"),
        ({Channel.EMAIL}, [], "NOTIFYKIT_ALERT_TO"),
        ({Channel.SMS}, ["12"], "alert.to"),
        ({Channel.EMAIL}, ["ops at example"], "alert.to"),
    ],
)
def test_who_can_not_be_reached_is_an_error_at_once(channels: Any, to: list[str], words: str) -> None:
    """At night it would be too late."""
    ops = Named("ops", channels=frozenset(channels))
    with pytest.raises(ConfigError, match=words):
        AlertSink(ops, to, host=PluginHost(entry_points=False))


def test_a_rule_of_ones_own_needs_one_method(watched: Watched) -> None:
    """It sees every event."""

    class Slow:
        def check(self, event: Any, counts: Counts) -> Alert | None:
            if event.name != "send_finished":
                return None
            return Alert("slow", "Slow", "It took long.", "Look at the network.", event.transport)

    watched.send(Named("sms"), Slow(), times=2)
    assert watched.titles == ["Slow"]


def test_a_counter_store_that_can_not_be_used_is_logged_and_memory_is_used(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """An alert in every process is better than none."""
    (tmp_path / "state").write_text("a file, and no folder")
    settings = Settings.load({"state_dir": str(tmp_path / "state")}, environment={}).check()
    ops = Named("ops")
    sink = AlertSink(ops, ONCALL, settings=settings, host=PluginHost(entry_points=False))
    with Notifier(Named("sms", [NOT_LISTED] * 3), sinks=[sink], host=PluginHost(entry_points=False)) as notifier:
        for _ in range(3):
            notifier.send(NUMBER, TEXT)
    assert len(ops.batches) == 1
    assert caplog.text.count("alerts are counted in this process alone") == 1


def test_counts_forget_what_is_older_than_the_window(clock: VirtualClock) -> None:
    """And know since when there is something."""
    counts = Counts(clock, None)
    assert counts.add("a", 2, 600).amount == 2
    clock.advance(300)
    count = counts.add("a", 1, 600)
    assert (count.amount, count.longer) == (3, False)
    assert count.since == datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    clock.advance(301)
    assert counts.add("a", 1, 600).amount == 2
    assert counts.add("b", 1, 600).amount == 1
