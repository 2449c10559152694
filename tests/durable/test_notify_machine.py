"""Notifying a person with any outcomes, delays, preferences and crashes: what must hold whatever happens."""

from __future__ import annotations

import contextlib
import itertools
import pathlib
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from notifykit import (
    Batch,
    Capabilities,
    Channel,
    ContentRejected,
    DeliveryReport,
    DeliveryState,
    Notifier,
    NotReached,
    OutcomeUnknown,
    Submission,
    Veto,
    VirtualClock,
)
from notifykit.durable.engine import DurableEngine
from notifykit.durable.worker import Worker
from notifykit.models.person import ChannelState, Person, PersonReceipt, Verdict
from notifykit.people.steps import decide
from notifykit.protocols import GuardContext
from tests.durable.conftest import host

pytestmark = pytest.mark.slow

CHANNELS = tuple(Channel)
ADDRESSES = {Channel.SMS: "96598765432", Channel.EMAIL: "sara@example.com", Channel.PUSH: "tag:sara"}
FINAL = (DeliveryState.DELIVERED, DeliveryState.UNDELIVERED, DeliveryState.EXPIRED)
#: What the provider of a channel does with the next request.
ANSWERS = ("accept", "accept", "reject", "unknown", "not reached", "dies before", "dies after")
#: What the person chose for a channel.
CHOICES = ("on", "on", "off", "quiet")


class Dies(BaseException):
    """The process is killed."""


@attrs.define
class Sent:
    """One request that may have reached the person."""

    channel: Channel
    at: float
    answer: str
    message_id: str | None


class Provider:
    """All channels of one provider: it answers as the machine says, can be asked, and keeps what it was given."""

    name = "provider"
    capabilities = Capabilities(channels=frozenset(Channel), subjects=True)

    def __init__(self) -> None:
        self.now = 0.0
        self.answers: dict[Channel, str] = {}
        self.sent: list[Sent] = []
        self.reports: dict[str, DeliveryState] = {}
        self.ids = itertools.count()

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Do what the machine says."""
        answer = self.answers.get(batch.message.channel, "accept")
        if answer == "reject":
            raise ContentRejected("It says no.")
        if answer == "not reached":
            raise NotReached("It is not there.")
        if answer == "dies before":
            raise Dies
        message_id = f"id-{next(self.ids)}" if answer == "accept" else None
        self.sent.append(Sent(batch.message.channel, self.now, answer, message_id))
        if answer == "dies after":
            raise Dies
        if answer == "unknown":
            raise OutcomeUnknown("It said nothing.")
        return Submission(message_id)

    def deliveries(self, receipts: Any, timeout: float) -> list[DeliveryReport]:
        """Say what is known."""
        found = [(r.message_id, r.to, self.reports[r.message_id]) for r in receipts if r.message_id in self.reports]
        return [DeliveryReport(*row) for row in found]

    def close(self) -> None:
        """Keep everything."""

    def __str__(self) -> str:
        return "provider://"


class Preferences:
    """A guard that switches channels off, or lets them wait, as a person choices."""

    name = "preferences"

    def __init__(self) -> None:
        self.choices: dict[Channel, str] = {}

    def check(self, context: GuardContext, counters: Any) -> Veto | None:
        """Hold back what the person does not want now."""
        choice = self.choices.get(context.message.channel, "on")
        if choice == "quiet":
            return Veto(self.name, "It is night.", retry_after=3600.0, postpone=True)
        return Veto(self.name, "The person does not want it.") if choice == "off" else None


class Workshop:
    """A notifier with its jobs in a file: what a worker does is done by hand, and time is the machine's."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.provider, self.preferences = Provider(), Preferences()
        state = {"NOTIFYKIT_STATE_DIR": str(folder), "NOTIFYKIT_WORKERS": "separate"}
        self.notifier = Notifier.from_settings(
            self.provider,
            environment=state,
            directory=folder,
            host=host(),
            guards=[self.preferences],
            clock=VirtualClock(),
        )
        engine: Any = self.notifier._components.engine()
        self.engine: DurableEngine = engine
        self.engine.clock = lambda: self.provider.now
        self.provider.now = 1_000_000.0
        components = self.notifier._components
        limits: Any = components.rate_limiters
        self.worker = Worker(components, self.engine.store, limits, self.engine.clock)
        self.keys = itertools.count()


@pytest.fixture(autouse=True, scope="module")
def _workshop() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        Machine.shop = Workshop(pathlib.Path(folder))
        yield
        Machine.shop.notifier.close()


class Machine(RuleBasedStateMachine):
    """One notification, the worker's steps one by one, and everything that may happen in between."""

    shop: Workshop

    @initialize(
        order=st.permutations(CHANNELS),
        known=st.sets(st.sampled_from(CHANNELS), min_size=2),
        until=st.sampled_from(["accepted", "delivered"]),
        within=st.sampled_from([None, 30.0, 120.0]),
        at_once=st.sampled_from([False, False, False, True]),
        move_unknown=st.booleans(),
        choices=st.dictionaries(st.sampled_from(CHANNELS), st.sampled_from(CHOICES), max_size=1),
        answers=st.fixed_dictionaries({channel: st.sampled_from(ANSWERS) for channel in CHANNELS}),
    )
    def notify(
        self,
        order: list[Channel],
        known: set[Channel],
        until: str,
        within: float | None,
        at_once: bool,
        move_unknown: bool,
        choices: dict[Channel, str],
        answers: dict[Channel, str],
    ) -> None:
        """Notify somebody."""
        shop = self.shop
        shop.provider.sent, shop.provider.reports, shop.provider.answers = [], {}, dict(answers)
        shop.preferences.choices = dict(choices)
        self.order, self.until, self.at_once, self.move_unknown = order, until, at_once, move_unknown
        self.within = within if until == "accepted" or within else 60.0
        self.key = f"order-{next(shop.keys)}"
        self.addresses: Mapping[str, str] = {c.value: ADDRESSES[c] for c in known}
        self.stale: Any = None
        self.cancelled_after: int | None = None
        self.submit()

    def submit(self) -> None:
        """Submit it; again it is the same one."""
        self.handle = self.shop.notifier.notify(
            Person("u17", **self.addresses),
            text="Your order is ready",
            order=self.order,
            until=self.until,
            within=self.within,
            all=self.at_once,
            move_unknown=self.move_unknown,
            key=self.key,
        )

    @rule()
    def again(self) -> None:
        """The caller was not sure, and submits it again."""
        self.submit()

    @rule(channel=st.sampled_from(CHANNELS), answer=st.sampled_from(ANSWERS))
    def answers(self, channel: Channel, answer: str) -> None:
        """The provider of a channel behaves in another way."""
        self.shop.provider.answers[channel] = answer

    @rule(channel=st.sampled_from(CHANNELS), choice=st.sampled_from(CHOICES))
    def prefers(self, channel: Channel, choice: str) -> None:
        """The person wants something else."""
        self.shop.preferences.choices[channel] = choice

    @rule(seconds=st.sampled_from([0.5, 20.0, 40.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        """The clock goes on."""
        self.shop.provider.now += seconds

    @rule()
    def send(self) -> None:
        """A worker takes the batches that are in the queue; it may die."""
        before = len(self.shop.provider.sent)
        for channel in self.order:
            with contextlib.suppress(KeyError, Dies):
                job: Any = self.shop.notifier.job(f"{self.key}:{channel.value}")
                for task in self.shop.engine.store.open_tasks(job.id):
                    self.shop.worker.run(task)
        for sent in self.shop.provider.sent[before:]:
            choice = self.shop.preferences.choices.get(sent.channel, "on")
            assert choice == "on", f"sent by {sent.channel}, which is {choice}"

    @rule()
    def step(self) -> None:
        """A worker looks at what is due."""
        self.shop.engine.notifications.advance_due()

    @rule(statement=st.integers(1, 40))
    def die_in_a_step(self, statement: int) -> None:
        """A worker dies at some statement of a step."""
        count = itertools.count(1)

        def strike(*_: Any) -> None:
            if next(count) == statement:
                raise Dies

        database = self.shop.engine._database.engine
        event.listen(database, "before_cursor_execute", strike)
        try:
            # SQLAlchemy may replace what is raised where it rolls back.
            with contextlib.suppress(Dies, SQLAlchemyError):
                self.shop.engine.notifications.advance(self.key)
        finally:
            event.remove(database, "before_cursor_execute", strike)

    @rule()
    def another_worker_reads(self) -> None:
        """It decides, and stands still before it writes."""
        notifications = self.shop.engine.notifications
        found = notifications.store.read(self.key)
        if found is not None and found.finished is None:
            self.stale = (found, decide(notifications._with_deliveries(found.course), self.shop.provider.now))

    @precondition(lambda self: self.stale is not None)
    @rule()
    def that_worker_writes(self) -> None:
        """What it read may be old by now."""
        found, decision = self.stale
        self.stale = None
        if not decision.ask:
            self.shop.engine.notifications._take(found, decision)

    @precondition(lambda self: any(sent.message_id for sent in self.shop.provider.sent))
    @rule(state=st.sampled_from([*FINAL, DeliveryState.SENT]), pushed=st.booleans(), data=st.data())
    def reports(self, state: DeliveryState, pushed: bool, data: st.DataObject) -> None:
        """The provider knows what became of a message, and says so at once or when it is asked."""
        sent = data.draw(st.sampled_from([sent for sent in self.shop.provider.sent if sent.message_id]))
        message_id = sent.message_id or ""
        if self.shop.provider.reports.get(message_id) in FINAL:
            return
        self.shop.provider.reports[message_id] = state
        if pushed:
            address = self.receipt()[sent.channel].receipt
            if address is not None:
                self.shop.notifier.record_delivery_report(DeliveryReport(message_id, address.to, state))

    @rule(really=st.sampled_from([False, False, False, True]))
    def cancel(self, really: bool) -> None:
        """A person cancels it, which is rare."""
        if not really:
            return
        self.handle.cancel()
        if self.cancelled_after is None:
            self.cancelled_after = len(self.shop.provider.sent)

    def receipt(self) -> PersonReceipt:
        """Return what the caller sees."""
        return self.handle.receipt()

    # --- what must hold ---

    @invariant()
    def nobody_gets_it_twice_but_by_words(self) -> None:
        """Never two messages of one channel; two channels only by ``all``, by a report or a time, or after unknown by words."""
        sent = self.shop.provider.sent
        assert len({one.channel for one in sent}) == len(sent)
        if self.at_once:
            return
        for before, after in itertools.pairwise(sent):
            if before.answer != "accept":
                assert self.move_unknown, f"{after} after {before}"
                continue
            assert self.until == "delivered", f"{after} after {before}"
            lost = self.shop.provider.reports.get(before.message_id or "") in FINAL[1:]
            row = self.receipt()[before.channel]
            assert row.since is not None
            late = self.within is not None and after.at >= row.since.timestamp() + self.within
            assert lost or late, f"{after} after {before}, which was neither lost nor late"

    @invariant()
    def nothing_is_sent_after_it_was_cancelled(self) -> None:
        """What a worker had not begun by then is not sent."""
        if self.cancelled_after is not None:
            assert len(self.shop.provider.sent) == self.cancelled_after

    @invariant()
    def the_receipt_claims_nothing_that_is_not_so(self) -> None:
        """A row that is accepted was sent; one that was not tried, rejected or skipped was not."""
        receipt = self.receipt()
        sent = {one.channel: one for one in self.shop.provider.sent}
        for row in receipt.channels:
            if row.state is ChannelState.ACCEPTED:
                assert sent[row.channel].answer == "accept"
            if row.state in (ChannelState.NOT_TRIED, ChannelState.REJECTED, ChannelState.SKIPPED):
                assert row.channel not in sent
        if receipt.verdict is Verdict.DELIVERED:
            assert DeliveryState.DELIVERED in self.shop.provider.reports.values()
        assert "98765432" not in f"{receipt}{receipt!r}{receipt.advice}"

    def teardown(self) -> None:
        """Left alone, it ends, and every channel that it should have taken was taken."""
        if not hasattr(self, "handle"):
            return
        self.shop.provider.answers = {c: a for c, a in self.shop.provider.answers.items() if "dies" not in a}
        for turn in range(60):
            if self.receipt().finished is not None:
                break
            if turn == 20:  # the night is over
                self.shop.preferences.choices = {c: w for c, w in self.shop.preferences.choices.items() if w == "off"}
            self.send()
            self.shop.provider.now += 31.0
            self.step()
            self.nobody_gets_it_twice_but_by_words()
            self.nothing_is_sent_after_it_was_cancelled()
        receipt = self.receipt()
        assert receipt.finished is not None, f"{receipt} does not end"
        self.the_receipt_claims_nothing_that_is_not_so()
        states = {row.state for row in receipt.channels}
        assert receipt.verdict is not Verdict.PENDING
        if receipt.verdict is Verdict.FAILED:
            lost = {one.channel for one in self.shop.provider.sent}
            assert all(row.is_lost for row in receipt.channels if row.channel in lost)
            # A report may say that it is lost after it ended, because the provider took it.
            assert ChannelState.NOT_TRIED not in states or any(row.is_lost for row in receipt.channels)
        if receipt.verdict is Verdict.UNKNOWN and not self.move_unknown and not self.at_once:
            assert [row.state for row in receipt.channels].count(ChannelState.UNKNOWN) == 1


TestNotify = pytest.mark.filterwarnings("ignore")(Machine.TestCase)
TestNotify.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
