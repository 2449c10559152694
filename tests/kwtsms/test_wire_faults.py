"""Every fault of the catalogue, over a real socket: the outcome is honest, and nothing is sent twice."""

from __future__ import annotations

import socket

import pytest

from notifykit import Outcome, VirtualClock
from notifykit_kwtsms.sandbox import FAULTS
from notifykit_kwtsms.sandbox.faults.catalogue import KINDS

ACCEPTED, REJECTED, UNKNOWN = Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN

#: What each fault looks like from here: its outcome, and the code of its error.
EXPECTED = {
    "reset": (UNKNOWN, "connection_lost"),
    "close": (UNKNOWN, "connection_lost"),
    "hang": (UNKNOWN, "timeout"),
    "half-head": (UNKNOWN, None),
    "half-body": (UNKNOWN, "incomplete"),
    "dribble": (UNKNOWN, "timeout"),
    "dribble-head": (UNKNOWN, "timeout"),
    "slow": (ACCEPTED, None),
    "html-200": (UNKNOWN, "unreadable"),
    "empty-200": (UNKNOWN, "unreadable"),
    "broken-json": (UNKNOWN, "unreadable"),
    "json-list": (UNKNOWN, "unreadable"),
    "not-utf8": (UNKNOWN, "unreadable"),
    "json-403": (REJECTED, "ERR003"),
    "html-403": (REJECTED, "HTTP403"),
    "html-502": (UNKNOWN, "HTTP502"),
    "empty-503": (REJECTED, "HTTP503"),
    "html-504": (UNKNOWN, "HTTP504"),
    "no-msg-id": (ACCEPTED, None),
    "wrong-count": (ACCEPTED, None),
    "string-numbers": (ACCEPTED, None),
    "extra-keys": (ACCEPTED, None),
    "bom": (ACCEPTED, None),
    "gzip": (ACCEPTED, None),
    "redirect": (REJECTED, "HTTP301"),
    "big-body": (UNKNOWN, "oversized"),
    "stale": (ACCEPTED, None),
    "double-answer": (ACCEPTED, None),
}
#: A server that refuses what it has accepted: no client can know that, but nothing is sent twice because of it.
LIES = {("html-403", "accept"), ("empty-503", "accept")}
CASES = [
    pytest.param(name, point.value, id=f"{name}-after-{point.value}")
    for name, kind in KINDS.items()
    for point in kind.points
]
#: An error that the next batch would meet as well.
ENDS_THE_SEND = {"json-403", "html-403"}
THREE_BATCHES = [f"9659900{index:04d}" for index in range(401)]


def test_the_table_has_every_fault():
    """A fault that the sandbox learns has to be judged here."""
    assert set(EXPECTED) == set(FAULTS)


@pytest.mark.parametrize(("fault", "after"), CASES)
def test_the_outcome_is_honest_and_nothing_is_lost_or_sent_twice(sandbox, connect, fault, after):
    """The second of three batches meets the fault: the first keeps its receipts, and the gateway counts each once."""
    expected, code = EXPECTED[fault]
    sandbox.chaos(fault, endpoint="send", nth=2, after=after, delay={"hang": 20.0, "slow": 0.05}.get(fault, 0.02))
    report = connect(timeout=1.5 if fault in {"hang", "dribble", "dribble-head"} else 30.0).send(THREE_BATCHES, "Hello")

    first, second, third = report[:200], report[200:400], report[400:]
    assert {receipt.outcome for receipt in first} == {ACCEPTED}
    assert first[0].message_id
    assert {receipt.outcome for receipt in second} == {expected}
    if code:
        assert {receipt.code for receipt in second} == {code}
    assert {receipt.outcome for receipt in third} == {REJECTED if fault in ENDS_THE_SEND else ACCEPTED}
    for batch in (first, second, third):
        for receipt in batch:
            assert receipt.advice
            sent = sandbox.accepted(receipt.to)
            assert sent <= 1
            if receipt.outcome is ACCEPTED:
                assert sent == 1
            elif receipt.outcome is REJECTED:
                assert sent == 0 or (fault, after) in LIES
            else:
                assert sent == (after == "accept")


def test_a_refused_port_is_certain_and_tried_again_in_vain(connect):
    """Nothing was sent; the receipts say that sending again is safe."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    clock = VirtualClock()
    (receipt,) = connect(f"kwtsms://u:p@127.0.0.1:{port}?test=1", clock=clock).send("96598765432", "Hello").rejected
    assert (receipt.code, receipt.error.safe_to_resend) == ("connection_refused", True)
    assert clock.sleeps == [0.5, 2.0]
    assert "nothing was sent" in receipt.advice


@pytest.mark.parametrize("fault", ["no-msg-id", "wrong-count"])
def test_a_broken_contract_is_accepted_with_a_warning(sandbox, connect, fault):
    """The gateway said OK; what its answer lacks is a warning."""
    sandbox.chaos(fault, endpoint="send")
    report = connect().send("96598765432", "Hello")
    assert len(report.accepted) == 1
    assert report.submissions[0].warnings


def test_numbers_are_read_in_any_form(sandbox, connect):
    """A balance that comes as a text is a number all the same."""
    sandbox.chaos("string-numbers", endpoint="send")
    report = connect().send("96598765432", "Hello")
    assert (report.cost, report.balance) == (1, 9999)


def test_a_second_answer_is_not_taken_for_the_next_one(sandbox, connect):
    """Unread bytes on a connection are discarded: the next message gets its own id."""
    sandbox.chaos("double-answer", endpoint="send")
    notifier = connect()
    first = notifier.send("96598765432", "Hello")
    second = notifier.send("96598765433", "Hello")
    assert first.message_ids != second.message_ids
    assert [message.msg_id for message in sandbox.messages] == [*first.message_ids, *second.message_ids]


def test_a_lost_answer_is_counted_once_at_the_gateway(sandbox, connect):
    """The gateway accepted it and its answer was lost: unknown here, one message there, and no retry."""
    (receipt,) = connect().send("96545006003", "Hello").unknown
    assert len(receipt.attempts) == 1
    assert sandbox.accepted("96545006003") == 1
    assert len(sandbox.requests) == 1
