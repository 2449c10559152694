"""Transports made of others: who is asked, who is not, and what is known afterwards."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given, strategies as st

from notifykit import (
    Batch,
    Capabilities,
    Channel,
    ConfigError,
    Failover,
    FanOut,
    Measurement,
    MemoryTransport,
    Message,
    Notifier,
    Outcome,
    PluginHost,
    Recipient,
    RoundRobin,
    Route,
    Submission,
    VirtualClock,
    Weighted,
)
from notifykit.errors import (
    AuthFailed,
    ContentRejected,
    Exhausted,
    InvalidRecipient,
    NotReached,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    Scope,
    TransportError,
    Unclassified,
)
from notifykit.events import CircuitOpened, PluginFailed
from notifykit.protocols import Assignment, Assignments, Composite, Transport
from notifykit.transports.composites.base import CompositeTransport
from notifykit.transports.composites.circuit_breaker import Health

ACCEPTED, REJECTED, UNKNOWN = Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN
ONE = "96598765432"
LOST = OutcomeUnknown("No answer came.", "timeout")
#: Errors that another transport may do better with, without waits so that nothing is tried again.
MOVING = [
    AuthFailed("No."),
    ProviderUnavailable("Down."),
    NotReached("Refused.", waits=()),
    RateLimited("Too much.", waits=()),
    Unclassified("Never seen."),
]
#: Errors that are as bad everywhere.
STAYING = [
    ContentRejected("Too long."),
    InvalidRecipient("Not a number."),
    RateLimited("Fifteen seconds.", waits=(), scope=Scope.RECIPIENT),
]


class Named(MemoryTransport):
    """A transport with a name of its own."""

    def __init__(self, name: str, *answers: Any, size: int = 200, **capabilities: Any) -> None:
        channels = capabilities.pop("channels", frozenset({Channel.SMS}))
        super().__init__(answers, Capabilities(channels=channels, batch_size=size, **capabilities))
        self.name = name

    @property
    def got(self) -> list[str]:
        """Every address that it was asked to carry, in order."""
        return [recipient.address for batch in self.batches for recipient in batch.recipients]

    def __str__(self) -> str:
        return f"{self.name}://default"


def twins(*answers: Any) -> tuple[Named, Named]:
    """Return a first transport with these answers, and a second that takes everything."""
    return Named("first", *answers), Named("second")


# --- failover ---


@pytest.mark.parametrize("error", MOVING, ids=lambda error: type(error).__name__)
def test_an_error_of_account_transport_or_network_moves_on(walk, recorder, error: TransportError) -> None:
    """The next one takes it; both attempts are on the receipt, and the log says that it moved."""
    first, second = twins(error)
    (receipt,) = walk.send(Failover(first, second), ONE)
    assert receipt.outcome is ACCEPTED
    assert [(a.transport, a.error) for a in receipt.attempts] == [
        ("first://default", error),
        ("second://default", None),
    ]
    assert [a.number for a in receipt.attempts] == [1, 2]
    (event,) = recorder.named("failed_over")
    assert (event.instead_of, event.transport, event.numbers) == ("first://default", "second://default", 1)
    assert event.error == error.detail


@pytest.mark.parametrize("error", STAYING, ids=lambda error: f"{type(error).__name__}-{error.scope}")
def test_an_error_of_recipient_or_text_stays(walk, recorder, error: TransportError) -> None:
    """It would be as bad elsewhere."""
    first, second = twins(error)
    (receipt,) = walk.send(Failover(first, second), ONE)
    assert (receipt.outcome, receipt.error) == (REJECTED, error)
    assert second.got == []
    assert recorder.named("failed_over") == []


def test_an_unknown_outcome_stays_unless_the_caller_allows_it_for_this_call(walk) -> None:
    """It may have been sent; whoever accepts that it comes twice can say so, and the next call is careful again."""
    first, second = twins(LOST, LOST, LOST)
    failover = Failover(first, second, failures=10)
    (receipt,) = walk.send(failover, ONE)
    assert receipt.outcome is UNKNOWN
    assert second.got == []
    (receipt,) = walk.send(failover, ONE, move_unknown=True)
    assert receipt.outcome is ACCEPTED
    assert [attempt.error for attempt in receipt.attempts] == [LOST, None]
    (receipt,) = walk.send(failover, ONE)
    assert receipt.outcome is UNKNOWN


def test_unknown_then_refused_stays_unknown(walk) -> None:
    """That the second did not take it says nothing about the first."""
    first, second = Named("first", LOST), Named("second", ProviderUnavailable("Down."))
    (receipt,) = walk.send(Failover(first, second), ONE, move_unknown=True)
    assert (receipt.outcome, receipt.error) == (UNKNOWN, LOST)
    assert len(receipt.attempts) == 2


@pytest.mark.parametrize("broken", [RuntimeError("secret"), "no submission"])
def test_a_transport_that_breaks_off_is_unknown_and_not_moved_on_from(walk, broken: Any) -> None:
    """It is not known what it did before it broke."""
    first, second = Named("first", lambda batch: broken), Named("second")
    (receipt,) = walk.send(Failover(first, second), ONE)
    assert receipt.outcome is UNKNOWN
    assert second.got == []


def test_only_those_who_were_not_taken_move_on(walk) -> None:
    """A destination that one provider does not cover may be covered by the next; a bad number is bad everywhere."""
    people = ["96598765431", "96598765432", "96598765433"]
    uncovered = ProviderUnavailable("No route to this network.")
    refused = {people[1]: uncovered, people[2]: InvalidRecipient("Not a number.")}
    first, second = Named("first", Submission("a", refused=refused)), Named("second")
    report = walk.send(Failover(first, second), people)
    assert [receipt.outcome for receipt in report] == [ACCEPTED, ACCEPTED, REJECTED]
    assert second.got == [people[1]]
    assert [receipt.message_id for receipt in report] == ["a", "memory-1", "a"]


def test_where_none_takes_it_every_cause_is_kept(walk) -> None:
    """As Python's group of exceptions, with what to do about each, and after pickling too."""
    causes = (NotReached("Refused.", waits=()), AuthFailed("Wrong password."))
    first, second = Named("first", causes[0]), Named("second", causes[1])
    (receipt,) = walk.send(Failover(first, second), ONE).rejected
    error = pickle.loads(pickle.dumps(receipt.error))
    assert isinstance(error, Exhausted)
    assert list(map(repr, error.causes)) == list(map(repr, causes))
    assert isinstance(error.__cause__, ExceptionGroup)
    matched, _ = error.group.split(AuthFailed)
    assert matched is not None
    for cause in causes:
        assert cause.action in receipt.advice


def test_the_whole_failover_is_tried_again_where_waiting_helps(walk, clock) -> None:
    """Both were unreachable; after the wait the first is asked first again."""
    first, second = Named("first", NotReached("Refused.")), Named("second", NotReached("Refused."))
    (receipt,) = walk.send(Failover(first, second), ONE)
    assert receipt.outcome is ACCEPTED
    assert [a.transport for a in receipt.attempts] == ["first://default", "second://default", "first://default"]
    assert clock.sleeps == [0.5]


def test_a_failover_does_not_wait_while_another_part_can_send(walk, clock) -> None:
    """A queue that is full for 30 seconds is no reason to let a code wait."""
    first, second = twins(RateLimited("The queue is full."))
    (receipt,) = walk.send(Failover(first, second), ONE)
    assert (receipt.outcome, clock.sleeps) == (ACCEPTED, [])


def test_a_deadline_keeps_what_is_known(walk, clock) -> None:
    """The time is over before the second could be asked: the first one's reason is on the receipt."""

    def slowly(batch: Batch) -> TransportError:
        clock.advance(10)
        return NotReached("Refused.")

    first, second = Named("first", slowly), Named("second")
    (receipt,) = walk.send(Failover(first, second), ONE, deadline=5)
    assert (receipt.outcome, second.got) == (REJECTED, [])
    assert isinstance(receipt.error, NotReached)


def test_who_cannot_carry_the_channel_is_passed_over(walk) -> None:
    """Without an attempt, and without a mark against it."""
    mail, sms = Named("mail", channels=frozenset({Channel.EMAIL})), Named("sms")
    failover = Failover(mail, sms)
    (receipt,) = walk.send(failover, ONE)
    assert receipt.outcome is ACCEPTED
    assert len(receipt.attempts) == 1
    assert failover.states[0].failures == 0


# --- the breaker ---


def test_a_part_that_keeps_failing_rests_and_is_probed_by_one_batch(walk, clock) -> None:
    """Closed, open, half-open, closed."""
    first, second = twins(*[ProviderUnavailable("Down.")] * 3)
    failover = Failover(first, second, failures=2, rest=30, clock=clock)
    walk.send(failover, ONE)
    assert failover.states[0].health is Health.CLOSED
    walk.send(failover, ONE)
    assert (failover.states[0].health, failover.states[0].failures, failover.states[0].rests) == (Health.OPEN, 2, 30)
    walk.send(failover, ONE)
    assert len(first.batches) == 2
    clock.advance(30)
    assert failover.states[0].health is Health.HALF_OPEN
    walk.send(failover, ONE)
    assert len(first.batches) == 3
    assert failover.states[0].health is Health.OPEN
    clock.advance(30)
    (receipt,) = walk.send(failover, ONE)
    assert receipt.attempts[0].transport == "first://default"
    assert (failover.states[0].health, failover.states[0].failures) == (Health.CLOSED, 0)


def test_only_one_batch_probes(clock) -> None:
    """While one batch probes, the others go to a part that works."""
    first, second = twins(AuthFailed("No."))
    failover = Failover(first, second, rest=10, clock=clock)
    batch = Batch(Message("Hello"), (Recipient(ONE),), (0,))
    failover.send(batch, 5)
    clock.advance(10)
    probe, other = failover.assign(batch, move_unknown=False), failover.assign(batch, move_unknown=False)
    assert next(probe).transport is first
    assert next(other).transport is second
    probe.close()
    assert next(failover.assign(batch, move_unknown=False)).transport is first


def test_a_refused_account_rests_at_once(walk, clock) -> None:
    """Asking again does not change a password."""
    first, second = twins(AuthFailed("Wrong password."))
    failover = Failover(first, second, failures=5, clock=clock)
    walk.send(failover, ONE)
    assert failover.states[0].health is Health.OPEN
    assert failover.states[0].last == "Wrong password."


def test_each_opened_circuit_is_one_event(walk, recorder, clock) -> None:
    """Who watches events sees when a part rests, why and what to do, and nothing while it goes on resting."""
    first, second = twins(*[ProviderUnavailable("Down.", "E1", action="Call them.")] * 3)
    failover = Failover(first, second, failures=2, rest=30, clock=clock)
    for _ in range(4):
        walk.send(failover, ONE)
    (opened,) = [event for event in recorder.events if isinstance(event, CircuitOpened)]
    assert (opened.transport, opened.inside) == ("first://default", str(failover))
    assert (opened.failures, opened.rests, opened.code) == (2, 30, "E1")
    assert (opened.error, opened.action) == ("Down.", "Call them.")
    clock.advance(30)
    walk.send(failover, ONE)
    assert [event.failures for event in recorder.events if isinstance(event, CircuitOpened)] == [2, 3]


def test_a_composite_whose_circuits_can_not_be_read_loses_no_outcome(walk, recorder) -> None:
    """What was sent stays accepted."""

    class Odd(Failover):
        def take_opened(self) -> Any:
            raise RuntimeError("no")

    (receipt,) = walk.send(Odd(*twins()), ONE)
    assert receipt.outcome is ACCEPTED
    assert [event.error for event in recorder.events if isinstance(event, PluginFailed)] == ["RuntimeError"]


def test_a_refused_number_is_no_mark_against_the_provider(walk) -> None:
    """It answered, and it was right."""
    first, second = twins(*[InvalidRecipient("No.")] * 9)
    failover = Failover(first, second, failures=2)
    for _ in range(9):
        walk.send(failover, ONE)
    assert failover.states[0].health is Health.CLOSED


def test_where_all_rest_the_least_bad_is_tried_and_not_none(walk, clock) -> None:
    """The one whose rest ends first; one such try is enough."""
    first = Named("first", *[ProviderUnavailable("Down.")] * 2)
    second = Named("second", *[ProviderUnavailable("Down.")] * 2)
    failover = Failover(first, second, failures=1, rest=60, clock=clock)
    walk.send(failover, ONE)
    assert [state.health for state in failover.states] == [Health.OPEN, Health.OPEN]
    clock.advance(1)
    before = len(first.batches) + len(second.batches)
    for tries in (1, 2):
        (receipt,) = walk.send(failover, ONE)
        assert receipt.outcome is REJECTED
        assert len(first.batches) + len(second.batches) == before + tries
    (receipt,) = walk.send(failover, ONE)
    assert receipt.outcome is ACCEPTED


# --- sharing out ---


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 3))
def test_every_part_gets_exactly_its_weight(weights: list[int], rounds: int) -> None:
    """After each whole round, and never one after the other more than has to be."""
    parts = [Named(f"p{number}") for number in range(len(weights))]
    weighted = Weighted(*zip(weights, parts, strict=True))
    batch = Batch(Message("Hello"), (Recipient(ONE),), (0,))
    for _ in range(sum(weights) * rounds):
        weighted.send(batch, 5)
    assert [len(part.batches) for part in parts] == [weight * rounds for weight in weights]


def test_round_robin_takes_turns_by_batches(walk) -> None:
    """Each batch stays where it went: a failure is not moved on from."""
    first, second = Named("first", size=1), Named("second", ProviderUnavailable("Down."), size=1)
    report = walk.send(RoundRobin(first, second), ["96598765431", "96598765432", "96598765433"])
    assert [receipt.outcome for receipt in report] == [ACCEPTED, REJECTED, ACCEPTED]
    assert (first.got, second.got) == (["96598765431", "96598765433"], ["96598765432"])


def test_a_failover_of_a_round_robin_takes_over(walk) -> None:
    """Composites are transports: they nest."""
    first, second, third = Named("first"), Named("second", ProviderUnavailable("Down.")), Named("third")
    nested = Failover(RoundRobin(first, second), third)
    outcomes = [walk.send(nested, ONE)[0] for _ in range(2)]
    assert [receipt.attempts[-1].transport for receipt in outcomes] == ["first://default", "third://default"]
    assert str(nested) == "failover(roundrobin(first://default, second://default), third://default)"


@pytest.mark.parametrize("weights", [(0,), (-1,), (True,), (1.5,), ("3",)])
def test_a_weight_that_is_none_is_an_error(weights: Any) -> None:
    """At once, and by its rule."""
    with pytest.raises(ConfigError, match="whole number"):
        Weighted(*((weight, Named("a")) for weight in weights))


# --- routes ---


def test_the_first_rule_that_matches_wins(walk) -> None:
    """Country, prefix, tag, sender and size; the rest goes to the part without a rule."""
    parts = {name: Named(name) for name in ("prefix", "tag", "sender", "rest")}
    route = Route(
        ("prefix=9655", parts["prefix"]),
        ("tag=otp", parts["tag"]),
        ("sender=ME", parts["sender"]),
        (None, parts["rest"]),
    )
    walk.send(route, ["96598765432", "96550000001"], tags="otp", sender="ME")
    walk.send(route, "96598765432", sender="ME")
    walk.send(route, "96598765432", sender="me")
    assert {name: part.got for name, part in parts.items()} == {
        "prefix": ["96550000001"],
        "tag": ["96598765432"],
        "sender": ["96598765432"],
        "rest": ["96598765432"],
    }


def test_whom_no_rule_matches_is_rejected_with_what_to_do(walk) -> None:
    """And no other recipient is held up by it."""
    part = Named("kuwait")
    report = walk.send(Route(("prefix=965", part)), ["96598765432", "971501234567"])
    assert [receipt.outcome for receipt in report] == [ACCEPTED, REJECTED]
    assert report[1].code == "route"
    assert "last part without a rule" in report[1].advice


def test_a_list_is_cut_for_each_part_by_what_it_can_take(walk) -> None:
    """A batch of a route holds what all its parts can take together; small parts get pieces."""
    one, many = Named("one", size=1), Named("many", size=3)
    numbers = [f"965500000{n:02d}" for n in range(4)] + [f"9659000000{n}" for n in range(2)]
    report = walk.send(Route(("prefix=9659", one), (None, many)), numbers)
    assert len(report.accepted) == 6
    assert [len(batch) for batch in one.batches] == [1, 1]
    assert max(len(batch) for batch in many.batches) <= 3
    keys = [batch.idempotency_key for part in (one, many) for batch in part.batches]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (["contry=KW"], "no rule about 'contry'"),
        (["country=Kuwait"], "two letters"),
        (["prefix=abc"], "digits"),
        (["channel=fax"], "no channel"),
        (["size=none"], "2- for two or more"),
        (["size=4-2"], "ends before it begins"),
        (["tag="], "empty"),
        (["country=KW&country=SA"], "twice"),
        (["nonsense"], "country=KW&tag=otp"),
        ([None, "country=KW"], "takes everything"),
    ],
)
def test_a_rule_that_cannot_work_is_an_error(rules: Sequence[str | None], words: str) -> None:
    """Before anything is sent, and saying which part."""
    with pytest.raises(ConfigError, match=words):
        Route(*((rule, Named("a")) for rule in rules))


# --- fan-out ---


def test_a_fan_out_sends_everything_everywhere(walk) -> None:
    """Both attempts are on the receipt, and both charges in the report."""
    first = Named("first", Submission("a", cost=2.0))
    second = Named("second", Submission("b", cost=3.0))
    report = walk.send(FanOut(first, second), ONE)
    assert report[0].outcome is ACCEPTED
    assert (report.message_ids, report.cost) == (("a", "b"), 5.0)
    assert report[0].message_id == "a"


def test_what_one_part_did_not_take_is_a_warning(walk) -> None:
    """The receipt is accepted, because it was; who did not take it and why is said."""
    first, second = Named("first", ProviderUnavailable("Down.")), Named("second")
    (receipt,) = walk.send(FanOut(first, second), ONE)
    assert receipt.outcome is ACCEPTED
    assert any("first://default" in w and "Down." in w for w in receipt.submission.warnings)
    (receipt,) = walk.send(FanOut(Named("a", LOST), Named("b", ProviderUnavailable("Down."))), ONE)
    assert receipt.outcome is UNKNOWN


# --- composites of plugins ---


class Odd(CompositeTransport):
    """A plugin's composite that makes the assignments of a test."""

    name = "odd"

    def __init__(self, part: Transport, steps: Any) -> None:
        super().__init__(part)
        self._steps = steps

    def assign(self, batch: Batch, *, move_unknown: bool) -> Assignments:
        """Do it."""
        return self._steps(self.parts[0], batch)  # type: ignore[no-any-return]


def _raises_after(part: Transport, batch: Batch) -> Assignments:
    yield Assignment(part, batch)
    raise RuntimeError("secret")


def _yields_rubbish(part: Transport, batch: Batch) -> Assignments:
    yield Assignment(part, batch)
    yield "nonsense"  # type: ignore[misc]


def _chooses_nobody(part: Transport, batch: Batch) -> Assignments:
    yield from ()


@pytest.mark.parametrize("steps", [_raises_after, _yields_rubbish])
def test_a_broken_composite_loses_nothing_that_was_accepted(walk, recorder, steps: Any) -> None:
    """What the part said stands, and the log says who broke."""
    (receipt,) = walk.send(Odd(Named("a"), steps), ONE)
    assert (receipt.outcome, receipt.message_id) == (ACCEPTED, "memory-1")
    assert recorder.named("plugin_failed")


def test_whom_a_composite_forgets_is_rejected(walk) -> None:
    """No message without a receipt."""
    (receipt,) = walk.send(Odd(Named("a"), _chooses_nobody), ONE)
    assert (receipt.outcome, receipt.code) == (REJECTED, "route")


# --- what they look like from outside ---


def test_parts_have_to_be_transports() -> None:
    """Every one that is none is named."""
    with pytest.raises(ConfigError) as caught:
        Failover(Named("a"), "b", 3)  # type: ignore[arg-type]
    assert len(caught.value.problems) == 2
    with pytest.raises(ConfigError, match="at least one"):
        RoundRobin()


@given(
    st.recursive(st.sampled_from(["memory", "null", "console"]), lambda inner: st.lists(inner, min_size=1, max_size=3))
)
def test_print_then_build_is_the_identity(tree: Any) -> None:
    """A composite prints as the DSN that builds it."""

    def written(node: Any, depth: int = 0) -> str:
        if isinstance(node, str):
            return f"{node}://default"
        kind = ("failover", "roundrobin", "fanout")[depth % 3]
        return f"{kind}({', '.join(written(child, depth + 1) for child in node)})"

    with Notifier(written(tree), host=PluginHost(entry_points=False), clock=VirtualClock()) as notifier:
        assert str(notifier.transport) == written(tree)


@pytest.mark.parametrize(
    "dsn",
    [
        "weighted(3 => memory://default, 1 => null://default)",
        "route(country=KW&tag=otp => memory://default, sender=ME => null://default, console://default)",
        "failover(memory://default, null://default)?failures=5&rest=60",
        "failover(route(channel=email => memory://default), weighted(2 => null://default))",
    ],
)
def test_labels_and_options_are_printed_too(dsn: str) -> None:
    """Whatever was said differently from the usual."""
    with Notifier(dsn, host=PluginHost(entry_points=False), clock=VirtualClock()) as notifier:
        assert str(notifier.transport) == dsn
        assert isinstance(notifier.transport, Composite)


@pytest.mark.parametrize(
    ("dsn", "words"),
    [
        ("weighted(memory, 1 => null)", "part 1: write its weight"),
        ("roundrobin(2 => memory)", "no labels"),
        ("failover(memory)?rest=soon", "rest"),
        ("failover(memory)?retries=3", "not a setting"),
        ("fanout(memory)?x=1", "not a setting"),
        ("route(a=1 => memory, size=x => null)", "part 1"),
        ("failover(memory, nonsense)", "no plugin brings 'nonsense'"),
    ],
)
def test_a_composite_that_cannot_be_built_says_where(dsn: str, words: str) -> None:
    """Which part, and what is wrong with it."""
    with pytest.raises(ConfigError, match=words):
        Notifier(dsn, host=PluginHost(entry_points=False))


def test_a_plan_names_the_transport_of_each_request_and_its_price(walk) -> None:
    """As it would go if everybody took it."""

    def measured(points: float) -> dict[str, Any]:
        return {"price": lambda recipient, segments: points * segments}

    low, high = Named("low", size=2, **measured(1)), Named("high", size=2, **measured(5))
    route = Route(("prefix=965", low), ("prefix=971", high))
    with Notifier(route, **walk.parts()) as notifier:
        plan = notifier.plan(["96598765431", "96598765432", "96598765433", "971501234567", "447700900123"], "Hello")
    assert [(batch.transport, len(batch)) for batch in plan.batches] == [
        ("low://default", 2),
        ("low://default", 1),
        ("high://default", 1),
    ]
    assert [receipt.code for receipt in plan.excluded] == ["route"]


def test_an_option_that_no_part_can_honour_is_warned_about_dropped_or_refused(walk) -> None:
    """As the setting says; a failover finds a part that can."""
    from notifykit import Settings

    def send(mode: str, transport: Transport) -> Any:
        parts = {"settings": attrs.evolve(Settings(), unsupported=mode)}
        return walk.send(transport, ONE, parts=parts, idempotency_key="k", subject="S")[0]

    warned = send("warn", Named("a"))
    assert len(warned.submission.warnings) == 2
    quiet = Named("a")
    assert send("drop", quiet).submission.warnings == ()
    assert (quiet.batches[0].message.subject, quiet.batches[0].message.idempotency_key) == (None, None)
    refused = send("error", Named("a"))
    assert (refused.outcome, refused.code) == (REJECTED, "option")
    able = Named("able", idempotent=True, subjects=True)
    found = send("error", Failover(Named("a"), able))
    assert found.outcome is ACCEPTED
    assert able.batches[0].message.subject == "S"


def test_sent_by_hand_it_behaves_like_any_transport() -> None:
    """The same interface: a submission, or an error."""
    batch = Batch(Message("Hello"), (Recipient("96598765431"), Recipient("96598765432")), (0, 1))
    failover = Failover(Named("first", ProviderUnavailable("Down.")), Named("second", Submission("x", cost=2.0)))
    said = failover.send(batch, 5)
    assert (said.message_id, said.cost, dict(said.refused)) == ("x", 2.0, {})
    with pytest.raises(Exhausted):
        Failover(Named("a", ProviderUnavailable("Down.")), Named("b", ProviderUnavailable("Down."))).send(batch, 5)
    with pytest.raises(OutcomeUnknown):
        RoundRobin(Named("a", LOST)).send(batch, 5)


# --- what a hostile reader found ---


def priced(name: str, points: float | None, *answers: Any, **more: Any) -> Named:
    """Return a transport with a price, which measures every text as one segment."""
    price = {} if points is None else {"price": lambda recipient, segments: points * segments}
    return Named(name, *answers, measure=lambda text: Measurement("gsm7", len(text), 1), **price, **more)


DOWN = ProviderUnavailable("Down.")


@pytest.mark.parametrize(
    ("composite", "most"),
    [
        (lambda: Failover(priced("low", 1, *[DOWN] * 20, size=1), priced("high", 100, size=1)), 0),
        (lambda: Route(("country=SA", priced("low", 1)), (None, priced("high", 100))), 0),
        (lambda: Route(("prefix=965", priced("low", 1)), (None, priced("high", 100))), 10),
        (lambda: FanOut(priced("low", 1), priced("high", 4)), 2),
        (lambda: Weighted((1, priced("low", 1)), (9, priced("high", 100))), 0),
        (lambda: Failover(priced("unknown", None), priced("known", 5)), 2),
        (lambda: Route(("country=SA", priced("unknown", None)), (None, priced("known", 1))), 10),
    ],
)
def test_a_spend_cap_holds_whatever_part_carries_it(walk, numbers, composite: Any, most: int) -> None:
    """Ten points an hour: the dearest way that a message may go counts, and no other."""
    from notifykit.guards.limits import SpendCap
    from notifykit.guards.options import Limit

    guard = SpendCap((Limit(10, 3600),))
    assert len(walk.send(composite(), numbers(12), parts={"guards": [guard]}).accepted) == most


def test_a_dead_part_is_given_up_after_its_breakers_patience(walk, clock, numbers) -> None:
    """Two hundred people don't wait for two hundred failures of a part that takes one at a time."""

    def slowly(batch: Batch) -> TransportError:
        clock.advance(10)
        return NotReached("Refused.", waits=())

    first, second = Named("first", *[slowly] * 200, size=1), Named("second")
    report = walk.send(Failover(first, second, clock=clock), numbers(200))
    assert len(report.accepted) == 200
    assert len(first.batches) == 3
    hanging, spare = Named("first", *[LOST] * 200, size=1), Named("second")
    report = walk.send(Failover(hanging, spare, clock=clock), numbers(200))
    assert (len(report.unknown), len(report.accepted)) == (3, 197)


def test_a_text_is_measured_by_a_part_that_can(walk) -> None:
    """Also where the first part carries the channel and measures nothing."""
    many = Named("many", measure=lambda text: Measurement("gsm7", len(text), 1 + len(text) // 160))
    short, long = Named("short"), many
    walk.send(Route(("size=2-", long), (None, short)), ONE, "x" * 200)
    assert (len(long.batches), len(short.batches)) == (1, 0)
    with pytest.raises(ConfigError, match="no part measures"):
        Route(("size=2-", Named("a")), (None, Named("b")))


def test_a_fan_out_never_says_that_sending_again_is_safe_where_one_took_it(walk) -> None:
    """The one thing that a person must not do at two in the morning."""
    for failing in (NotReached("Refused.", waits=()), LOST):
        (receipt,) = walk.send(FanOut(Named("a"), Named("b", failing)), ONE)
        assert "again is safe" not in receipt.advice
        assert "don't send it to everybody again" in receipt.advice


def test_each_part_of_a_fan_out_has_its_own_tries(walk, clock) -> None:
    """A blip at one is no reason to ask the other again, and no reason to give up either."""
    first, second = Named("a", InvalidRecipient("No.")), Named("b", NotReached("Refused."))
    (receipt,) = walk.send(FanOut(first, second), ONE)
    assert (receipt.outcome, len(first.batches), len(second.batches)) == (ACCEPTED, 1, 2)


@pytest.mark.parametrize("turned", [False, True])
def test_a_refused_recipient_is_refused_in_any_order(walk, turned: bool) -> None:
    """A failover does not go on where one part of a fan-out said that the number is no good."""
    parts = [Named("a", InvalidRecipient("No.")), Named("b", *[NotReached("Refused.")] * 9)]
    third = Named("c")
    (receipt,) = walk.send(Failover(FanOut(*(reversed(parts) if turned else parts)), third), ONE)
    assert (receipt.outcome, third.got) == (REJECTED, [])


def test_the_log_has_the_attempts_of_parts_and_the_result_of_the_batch(walk, recorder) -> None:
    """Attempts inside a composite say so, and the result of each recipient is logged once."""
    first, second = twins(DOWN)
    walk.send(Failover(first, second), ONE)
    assert [event.inside for event in recorder.named("attempt_finished")] == [str(Failover(first, second))] * 2
    (finished,) = recorder.named("batch_finished")
    assert [recipient.outcome for recipient in finished.recipients] == [ACCEPTED]
    assert recorder.named("batch_excluded") == []


def _twice(part: Transport, batch: Batch) -> Assignments:
    yield Assignment(part, batch)
    yield Assignment(part, batch)


def _for_a_stranger(part: Transport, batch: Batch) -> Assignments:
    yield Assignment(part, attrs.evolve(batch, recipients=(Recipient("96590000009"),)))


def _breaks(part: Transport, batch: Batch) -> Assignments:
    raise RuntimeError("secret")
    yield


def test_a_composite_can_not_send_twice_or_outside_of_the_batch(walk) -> None:
    """An accepted recipient is not in the next assignment; one that is not in the batch gets nothing."""
    part = Named("a")
    (receipt,) = walk.send(Odd(part, _twice), ONE)
    assert (receipt.outcome, part.got) == (ACCEPTED, [ONE])
    part = Named("a")
    (receipt,) = walk.send(Odd(part, _for_a_stranger), ONE)
    assert (receipt.outcome, receipt.code, part.got) == (REJECTED, "composite", [])
    (receipt,) = walk.send(Odd(Named("a"), _breaks), ONE)
    assert "broke off with RuntimeError" in str(receipt.error)


def test_each_cause_is_named_with_its_transport(walk) -> None:
    """A person can see which password is wrong."""
    first, second = Named("first", AuthFailed("Wrong password.", "ERR003")), Named("second", DOWN)
    (receipt,) = walk.send(Failover(first, second), ONE)
    assert "first://default: ERR003: Wrong password. second://default: Down." in str(receipt.error)


def test_a_refusal_of_one_mailbox_does_not_end_the_send(walk, numbers) -> None:
    """What a mail server says of a text is about that mailbox."""
    transport = Named("mail", ContentRejected("Policy."), size=1, personal=True)
    assert [r.outcome for r in walk.send(transport, numbers(3))] == [REJECTED, ACCEPTED, ACCEPTED]


def test_the_first_of_several_is_tried_again_like_the_others(walk, numbers) -> None:
    """Only a send of one recipient is not held up."""
    busy = RateLimited("Later.", waits=(5.0,), scope=Scope.RECIPIENT)
    assert len(walk.send(Named("a", busy, size=1), numbers(2)).accepted) == 2
    assert len(walk.send(Named("a", busy, size=1), ONE).rejected) == 1


def test_what_was_never_sent_does_not_go_on_counting(walk, clock, numbers) -> None:
    """A send that is broken off: whoever was in no request is free again, whoever may have got it is not."""
    from notifykit.guards.limits import VolumeCap
    from notifykit.guards.options import Limit

    def stop(batch: Batch) -> TransportError:
        raise KeyboardInterrupt

    guard = VolumeCap((Limit(100, 3600),))
    transport = Named("a", stop, size=10)
    with Notifier(transport, **walk.parts(guards=[guard])) as notifier:
        with pytest.raises(KeyboardInterrupt):
            notifier.send(numbers(100), "Hello")
        assert len(notifier.send([f"9655{n:07d}" for n in range(100)], "Hello").accepted) == 90


def test_outside_of_a_pipeline_an_unassigned_recipient_is_rejected() -> None:
    """Whom no part was chosen for is among the refused."""
    batch = Batch(Message("Hello"), (Recipient("96590000001"), Recipient("97190000001")), (0, 1))
    assert dict(Route(("prefix=965", Named("a"))).send(batch, 5).refused).keys() == {"97190000001"}


def test_what_a_provider_charged_is_counted_once_where_another_failed(walk, recorder) -> None:
    """A warning on the receipt makes no second request of the one that was taken."""
    taken = Submission("m-1", cost=3.0, balance=7.0)
    report = walk.send(
        FanOut(Named("first", taken), Named("second", ProviderUnavailable("Down."))), [ONE, "96598765433"]
    )
    assert (report.cost, report.balance, report.message_ids, report.submissions) == (3.0, 7.0, ("m-1",), (taken,))
    assert "was not carried by" in report[0].advice
    assert [event.cost for event in recorder.named("batch_finished")] == [3.0]
    assert [event.cost for event in recorder.named("send_finished")] == [3.0]
