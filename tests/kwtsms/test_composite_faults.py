"""Faults through composites: two gateways, counted together, and no number gets it twice.

Every fault goes through one composite, and every composite meets each kind of result, before and after the gateway
accepted the message.
"""

from __future__ import annotations

import collections
import itertools
import time
from collections.abc import Iterator

import attrs
import pytest

from notifykit import Notifier, Outcome, Settings, VirtualClock
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.kwtsms.conftest import kwtsms_host
from tests.kwtsms.test_wire_faults import CASES, EXPECTED, LIES

ACCEPTED, REJECTED, UNKNOWN = Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN
EXPECTED_KINDS = (ACCEPTED, REJECTED, UNKNOWN)
NUMBERS = [f"9659900{index:04d}" for index in range(3)]
#: Whether the second gateway may get the message when the first one fails.
COMPOSITES = {
    "failover({a}, {b})": True,
    "roundrobin({a}, {b})": False,
    "weighted(2 => {a}, 1 => {b})": False,
    "route(country=KW => {a}, {b})": False,
    "failover(roundrobin({a}), route(country=KW => {b}))": True,
}


def _pairs() -> Iterator[tuple[str, str, str]]:
    """Yield composite, fault and point: faults of one kind take the composites in turn; those that lie take all."""
    counts: collections.Counter[tuple[Outcome, str]] = collections.Counter()
    names = list(COMPOSITES)
    for fault, after in (case.values for case in CASES):
        kind = (EXPECTED[fault][0], after)
        for name in names if (fault, after) in LIES else [names[counts[kind] % len(names)]]:
            yield name, fault, after
        counts[kind] += 1


PAIRS = list(_pairs())
#: One fault for each result that a fan-out can get from its first gateway.
FAN_OUT = list({(*EXPECTED[fault], after): (fault, after) for fault, after in (c.values for c in CASES)}.values())


def test_the_pairs_cover_every_fault_and_every_kind_of_result() -> None:
    """So that no composite and no fault can be forgotten."""
    assert {pair[1:] for pair in PAIRS} == {tuple(case.values) for case in CASES}
    assert {(name, EXPECTED[fault][0]) for name, fault, _ in PAIRS} == set(
        itertools.product(COMPOSITES, EXPECTED_KINDS)
    )
    assert {(name, fault) for name, fault, after in PAIRS if (fault, after) in LIES} == {
        (name, fault) for name in COMPOSITES for fault, _ in LIES
    }


@pytest.fixture(name="pair", scope="module")
def _pair() -> Iterator[tuple[Sandbox, Sandbox]]:
    rules = Rules(rate_limit=None, same_number_gap=0)
    with Sandbox(rules=rules) as first, Sandbox(rules=rules) as second:
        yield first, second


def _counted(pair: tuple[Sandbox, Sandbox], number: str, *, at_least: bool) -> int:
    """Return how often a number was accepted; a gateway may still be busy after the client's timeout."""
    ends = time.monotonic() + 5
    while True:
        counted = sum(sandbox.accepted(number) for sandbox in pair)
        if counted >= at_least or time.monotonic() > ends:
            return counted
        time.sleep(0.01)


@pytest.mark.parametrize(("composite", "fault", "after"), PAIRS)
def test_no_number_gets_it_twice(pair: tuple[Sandbox, Sandbox], composite: str, fault: str, after: str) -> None:
    """The first gateway has the fault: the receipts are honest about both, and each number was accepted once at most."""
    first, second = pair
    for sandbox in pair:
        sandbox.reset()
        sandbox.account.change(balance=10_000)
    first.chaos(fault, endpoint="send", after=after, times=None, delay={"hang": 20.0, "slow": 0.02}.get(fault, 0.02))
    settings = attrs.evolve(Settings(), timeout=1.5 if fault in {"hang", "dribble", "dribble-head"} else 30.0)
    dsn = composite.format(a=first.dsn, b=second.dsn)
    with Notifier(dsn, settings=settings, host=kwtsms_host(), clock=VirtualClock()) as notifier:
        report = notifier.send(NUMBERS, "Hello")
    expected, code = EXPECTED[fault]
    moved = COMPOSITES[composite] and expected is REJECTED
    for number, receipt in zip(NUMBERS, report, strict=True):
        assert receipt.outcome is (ACCEPTED if moved else expected)
        assert receipt.advice
        assert receipt.attempts
        if not moved and code:
            assert receipt.code == code
        counted = _counted(pair, number, at_least=expected is UNKNOWN and after == "accept")
        if (fault, after) in LIES:
            assert counted == 1 + moved  # the gateway denied what it had done: no client can know that
        elif receipt.outcome is ACCEPTED:
            assert counted == 1
        elif receipt.outcome is REJECTED:
            assert counted == 0
        else:
            assert counted == (after == "accept")
    assert second.accepted(NUMBERS[0]) == moved


@pytest.mark.parametrize(("fault", "after"), FAN_OUT)
def test_a_fan_out_reports_what_each_gateway_did(pair: tuple[Sandbox, Sandbox], fault: str, after: str) -> None:
    """Both are asked on purpose, each once; a failure of the first is a warning."""
    first, second = pair
    for sandbox in pair:
        sandbox.reset()
    first.chaos(fault, endpoint="send", after=after, times=None, delay={"hang": 20.0, "slow": 0.02}.get(fault, 0.02))
    settings = attrs.evolve(Settings(), timeout=1.5 if fault in {"hang", "dribble", "dribble-head"} else 30.0)
    dsn = f"fanout({first.dsn}, {second.dsn})"
    with Notifier(dsn, settings=settings, host=kwtsms_host(), clock=VirtualClock()) as notifier:
        (receipt,) = notifier.send(NUMBERS[0], "Hello")
    assert receipt.outcome is ACCEPTED
    assert len(receipt.attempts) == 2
    assert (first.accepted(NUMBERS[0]) <= 1, second.accepted(NUMBERS[0])) == (True, 1)
    assert any("carried by" in w for w in receipt.submission.warnings) == (EXPECTED[fault][0] is not ACCEPTED)
