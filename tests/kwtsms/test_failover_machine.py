"""Failover, retries, faults and late reports in any order, over real sockets: what must hold whatever happens."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import attrs
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from notifykit import Notifier, Outcome, Receipt, RetryPolicy, Settings, VirtualClock
from notifykit.models.delivery import DeliveryReport, DeliveryState
from notifykit.sinks.jsonl import rows
from notifykit_kwtsms.sandbox import Rules, Sandbox
from notifykit_kwtsms.sandbox.faults.catalogue import KINDS
from tests.kwtsms.conftest import kwtsms_host
from tests.kwtsms.test_wire_faults import LIES

PASSWORD = "sandboxpassword"
SECRET_TEXT = "Zanzibar marmalade"
#: Faults that need no real waiting, at each moment at which they can happen, and the codes that waiting helps with.
FAULTS = [
    (name, point.value)
    for name, kind in KINDS.items()
    for point in kind.points
    if name not in {"hang", "dribble", "dribble-head", "slow"} and (name, point.value) not in LIES
] + [(code, "receive") for code in ("ERR003", "ERR010", "ERR013", "ERR025", "ERR026", "ERR028", "ERR999")]
FINAL = {DeliveryState.DELIVERED, DeliveryState.UNDELIVERED, DeliveryState.EXPIRED}


class Keeper:
    """A sink and a log handler that keep all events and log records."""

    name = "keeper"

    def __init__(self) -> None:
        self.said: list[str] = []

    def handle(self, event: Any) -> None:
        """Keep the event in every form that can be printed."""
        self.said += [repr(event), *map(str, rows(event))]


class Machine(RuleBasedStateMachine):
    """Two gateways behind one failover."""

    def __init__(self) -> None:
        super().__init__()
        free = Rules(rate_limit=None, same_number_gap=0)
        self.gateways = (Sandbox(rules=free).start(), Sandbox(rules=free).start())
        for gateway in self.gateways:
            gateway.account.change(balance=100_000)
        self.clock = VirtualClock()
        self.keeper = Keeper()
        self.handler = logging.Handler()
        self.handler.emit = lambda record: self.keeper.said.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("notifykit").addHandler(self.handler)
        dsns = ", ".join(gateway.dsn for gateway in self.gateways)
        self.notifier = Notifier(
            f"failover({dsns})?failures=2&rest=20",
            host=kwtsms_host(),
            clock=self.clock,
            retry=RetryPolicy(most_tries=3),
            sinks=[self.keeper],
            settings=attrs.evolve(Settings(), timeout=5.0),
        )
        self.numbers = (f"9655{index:07d}" for index in itertools.count())
        self.receipts: list[Receipt] = []
        self.moved: set[str] = set()
        self.states: dict[tuple[str, str], DeliveryState] = {}

    def teardown(self) -> None:
        """Close everything."""
        self.notifier.close()
        logging.getLogger("notifykit").removeHandler(self.handler)
        for gateway in self.gateways:
            gateway.stop()

    @rule(which=st.sampled_from([0, 1]), fault=st.sampled_from(FAULTS), times=st.integers(1, 4))
    def break_a_gateway(self, which: int, fault: tuple[str, str], times: int) -> None:
        """From now on, so many requests meet a fault."""
        name, after = fault
        self.gateways[which].chaos(name, endpoint="send", after=after, times=times, delay=0)

    @rule(which=st.sampled_from([0, 1]))
    def mend_a_gateway(self, which: int) -> None:
        """It works again."""
        self.gateways[which].calm()

    @rule(seconds=st.sampled_from([1, 19, 21, 400]))
    def let_time_pass(self, seconds: int) -> None:
        """Breakers may close again."""
        self.clock.advance(seconds)

    @rule(count=st.sampled_from([1, 2, 201]), move_unknown=st.sampled_from([False, False, True]))
    def send(self, count: int, move_unknown: bool) -> None:
        """Every recipient is new, so that each may be accepted once."""
        people = [next(self.numbers) for _ in range(count)]
        report = self.notifier.send(people, f"{SECRET_TEXT} {count}", move_unknown=move_unknown)
        assert [receipt.to for receipt in report] == people
        assert [receipt.position for receipt in report] == list(range(count))
        self.receipts += report
        if move_unknown:
            self.moved |= set(people)
        self.keeper.said += [repr(report), str(report), *map(repr, report[:3]), *map(str, report[:3])]

    @precondition(lambda self: any(receipt.message_id for receipt in self.receipts))
    @rule(data=st.data(), state=st.sampled_from(DeliveryState), words=st.sampled_from([None, "Blue moon"]))
    def record_a_late_report(self, data: st.DataObject, state: DeliveryState, words: str | None) -> None:
        """In any order, once or again, about any recipient."""
        receipt = data.draw(st.sampled_from([receipt for receipt in self.receipts if receipt.message_id][-5:]))
        assert receipt.message_id
        delivery = self.notifier.record_delivery_report(DeliveryReport(receipt.message_id, receipt.to, state, words))
        key = (receipt.message_id, receipt.to)
        before = self.states.get(key)
        order = [DeliveryState.UNCONFIRMED, DeliveryState.PENDING, DeliveryState.SENT]
        if before in order and delivery.state in order:
            assert order.index(delivery.state) >= order.index(before)
        if before in FINAL:
            assert delivery.state in FINAL
        self.states[key] = delivery.state
        assert receipt.outcome is not None  # what the network says later changes nothing about the sending
        self.keeper.said += [repr(delivery), str(delivery)]

    @invariant()
    def nobody_was_accepted_twice(self) -> None:
        """One message and recipient, over both gateways, unless the caller asked for it."""
        first, second = self.gateways
        for receipt in self.receipts[-250:]:
            counted = first.accepted(receipt.to) + second.accepted(receipt.to)
            assert counted <= (1 if receipt.to not in self.moved else 2)
            if receipt.outcome is Outcome.ACCEPTED:
                assert counted >= 1
            elif receipt.outcome is Outcome.REJECTED:
                assert counted == 0
            assert receipt.outcome is not Outcome.SKIPPED

    @invariant()
    def nothing_secret_got_out(self) -> None:
        """No password, no number, no text: in no event, row, log line, repr or sentence."""
        said, self.keeper.said[:] = "\n".join(self.keeper.said), []
        assert PASSWORD not in said
        assert "marmalade" not in said
        for receipt in self.receipts[-3:]:
            assert receipt.to not in said


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
