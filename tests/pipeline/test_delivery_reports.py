"""Delivery reports: those that a notifier asks for, those that are pushed, and their events."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any

import attrs
import pytest

from notifykit import (
    AsyncNotifier,
    Batch,
    Capabilities,
    Delivery,
    DeliveryReport,
    MemoryTransport,
    Notifier,
    NotReached,
    OutcomeUnknown,
    PluginError,
    PluginHost,
    ProviderUnavailable,
    Receipt,
    Submission,
    TransportError,
    Unclassified,
    VirtualClock,
)
from notifykit.cli.main import main
from notifykit.pipeline.delivery_reports import DeliveryStore
from notifykit.protocols import Assignment

NUMBER, OTHER = "96598765432", "96598765433"
NOBODY = Unclassified("This message ID is missing or wrong.", "ERR029")


class Knowing(MemoryTransport):
    """A provider that can be asked: it says what a test sets."""

    def __init__(self, name: str = "knowing", *, size: int = 200) -> None:
        super().__init__(capabilities=Capabilities(batch_size=size))
        self.name = name
        self.says: list[DeliveryReport] | BaseException | Any = []
        #: What was asked about: the receipts of each question.
        self.asked: list[tuple[Receipt, ...]] = []

    def deliveries(self, receipts: Sequence[Receipt], timeout: float) -> Sequence[DeliveryReport]:
        """Say it."""
        self.asked.append(tuple(receipts))
        if isinstance(self.says, BaseException):
            raise self.says
        return self.says

    def __str__(self) -> str:
        return f"{self.name}://default"


class Together(MemoryTransport):
    """A composite that gives everything to its first part, and then to the next where that did not take it."""

    name = "together"

    def __init__(self, *parts: Any) -> None:
        super().__init__()
        self.parts = parts

    def assign(self, batch: Batch, *, move_unknown: bool) -> Generator[Assignment, Sequence[Receipt], None]:
        """Ask one after the other."""
        for part in self.parts:
            receipts = yield Assignment(part, batch)
            if all(receipt.outcome == "accepted" for receipt in receipts):
                return

    def expected(self, batch: Batch) -> Sequence[Assignment]:
        """Expect the first to take it."""
        return [Assignment(self.parts[0], batch)]

    def possible(self, batch: Batch) -> Sequence[Assignment]:
        """Say that any of them may."""
        return [Assignment(part, batch) for part in self.parts]


class NotifierBase:
    """A notifier of either kind, whose answers are waited for."""

    def __init__(self, notifier: Notifier | AsyncNotifier, runner: asyncio.Runner) -> None:
        self.notifier = notifier
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            result = getattr(self.notifier, name)(*args, **options)
            return self._runner.run(result) if asyncio.iscoroutine(result) else result

        return call


@pytest.fixture(name="build", params=[Notifier, AsyncNotifier])
def _build(request, recorder):
    """Make notifiers of either kind; they are closed at the end."""
    made = []
    with asyncio.Runner() as runner:

        def build(transport, **parts):
            host = parts.pop("host", None) or PluginHost(entry_points=False)
            made.append(
                NotifierBase(
                    request.param(transport, host=host, sinks=[recorder], clock=VirtualClock(), **parts), runner
                )
            )
            return made[-1]

        yield build
        for front in made:
            front.close() if request.param is Notifier else front.aclose()


def _said(
    message_id: str, state: str, to: str | None = NUMBER, words: str | None = None, **more: Any
) -> DeliveryReport:
    return DeliveryReport(message_id, to, state, words, **more)


def _one(front: NotifierBase, **options: Any) -> Receipt:
    (receipt,) = front.send(NUMBER, "Hello", **options)
    return receipt


def test_the_provider_is_asked_and_a_message_goes_forward(build, recorder):
    """Pending, sent, delivered: each question gets more, each step is reported, and after the end nobody is asked."""
    transport = Knowing()
    front = build(transport)
    receipt = _one(front)
    for state, words in (("pending", "queued"), ("sent", None), ("sent", None), ("delivered", "DELIVRD")):
        transport.says = [_said(receipt.message_id, state, words=words)]
        delivery = front.delivery(receipt)
        assert (delivery.state, delivery.words, delivery.address) == (state, words, NUMBER)
    assert len(transport.asked) == 4
    assert front.delivery(receipt) == delivery
    assert len(transport.asked) == 4, "the end was asked about again"
    reported = recorder.named("delivery_changed")
    assert [(event.before, event.state) for event in reported] == [
        (None, "pending"),
        ("pending", "sent"),
        ("sent", "delivered"),
    ]
    last = reported[-1]
    assert (last.id, last.message_id, last.to) == (receipt.message_id, receipt.message_id, "965****5432")
    assert (last.words, last.transport, last.contradicted) == ("DELIVRD", "knowing://default", False)


def test_a_request_is_asked_about_once_for_all_its_recipients(build):
    """However many receipts of it there are; a report about everybody counts for each."""
    transport = Knowing(size=2)
    front = build(transport)
    report = front.send([NUMBER, OTHER, "96598765434"], "Hello")
    first, _, second = (receipt.message_id for receipt in report)
    transport.says = [_said(first, "sent", None), _said(first, "delivered", OTHER), _said(second, "expired", None)]
    deliveries = front.deliveries(report)
    assert [delivery.state for delivery in deliveries] == ["sent", "delivered", "expired"]
    assert [len(receipts) for receipts in transport.asked] == [2, 1]
    assert front.deliveries([]) == ()


@pytest.mark.parametrize("depth", [1, 2])
def test_the_part_that_made_the_request_is_asked(build, depth):
    """A failover's second transport took it, so it knows; the first is not asked, however deep they are."""
    refusing, taking = Knowing("first"), Knowing("second")
    refusing.answer(ProviderUnavailable("No."))
    transport = Together(refusing, taking)
    for _ in range(depth - 1):
        transport = Together(transport)
    front = build(transport)
    receipt = _one(front)
    taking.says = [_said(receipt.message_id, "delivered")]
    assert front.delivery(receipt).state == "delivered"
    assert (len(refusing.asked), len(taking.asked)) == (0, 1)


def test_of_two_accounts_that_look_alike_the_one_that_knows_answers(build):
    """An account without the message says so; what the other says counts."""
    stranger, owner = Knowing(), Knowing()
    stranger.says = NOBODY
    stranger.answer(ProviderUnavailable("No."))
    front = build(Together(stranger, owner))
    receipt = _one(front)
    owner.says = [_said(receipt.message_id, "sent")]
    assert front.delivery(receipt).state == "sent"
    owner.says = NotReached("No connection.")
    with pytest.raises(NotReached):
        front.delivery(receipt)


def test_a_transport_named_for_one_call_is_asked(build):
    """By its object; without it, the advice says that nobody here made the request."""
    transport = Knowing()
    front = build("memory")
    receipt = _one(front, via=transport)
    transport.says = [_said(receipt.message_id, "delivered")]
    lost = front.delivery(receipt)
    assert (lost.state, lost.final) == ("unconfirmed", True)
    assert "via=" in lost.advice
    assert front.delivery(receipt, via=transport).state == "delivered"
    assert front.delivery(receipt).state == "delivered", "what was recorded is known"


def test_a_provider_that_can_not_be_asked_leaves_it_unconfirmed(build, recorder):
    """Final, with the reason; and what is pushed counts all the same."""
    front = build("memory")
    receipt = _one(front)
    silent = front.delivery(receipt)
    assert (silent.state, silent.words, silent.final) == ("unconfirmed", None, True)
    assert "memory" in silent.advice
    assert recorder.named("delivery_changed") == []
    front.record_delivery_report(_said(receipt.message_id, "sent"))
    assert front.delivery(receipt).state == "sent"


def test_a_transport_that_one_call_named_by_its_dsn_is_known(build):
    """The notifier built it, so nobody has to name it again."""
    front = build(Knowing())
    receipt = _one(front, via="memory")
    assert "memory can't be asked" in front.delivery(receipt).advice


def test_what_was_not_sent_is_no_delivery(build):
    """Rejected, skipped and unknown: nobody is asked, nothing is raised, and the advice says which it was."""
    transport = Knowing()
    front = build(transport)
    transport.answer(ProviderUnavailable("No."), OutcomeUnknown("Lost."), Submission(None))
    for outcome, words in (("rejected", "not sent"), ("unknown", "may have been sent"), ("accepted", "no message id")):
        receipt = _one(front)
        assert receipt.outcome == outcome
        delivery = front.delivery(receipt)
        assert (delivery.state, delivery.final, delivery.reports, delivery.message_id) == (
            "unconfirmed",
            True,
            (),
            None,
        )
        assert words in delivery.advice
    _, twice = front.send([NUMBER, NUMBER], "Hello")
    assert "not sent" in front.delivery(twice).advice
    assert transport.asked == []


def test_a_provider_that_does_not_answer_is_an_error_and_can_be_asked_again(build):
    """As it is, with its advice; nothing is forgotten by it."""
    transport = Knowing()
    front = build(transport)
    receipt = _one(front)
    front.record_delivery_report(_said(receipt.message_id, "sent"))
    transport.says = NOBODY
    with pytest.raises(TransportError) as caught:
        front.delivery(receipt)
    assert caught.value.code == "ERR029"
    transport.says = []
    assert front.delivery(receipt).state == "sent"


@pytest.mark.parametrize("answer", [ZeroDivisionError(NUMBER), ["delivered"], 5])
def test_a_transport_that_breaks_off_is_a_transport_error(build, answer):
    """Of a known kind, without the words of what it raised; asking again is safe."""
    transport = Knowing()
    front = build(transport)
    receipt = _one(front)
    transport.says = answer
    with pytest.raises(ProviderUnavailable, match="broke off") as caught:
        front.delivery(receipt)
    assert NUMBER not in str(caught.value)
    assert "Ask again" in caught.value.action


def test_a_pushed_report_comes_before_the_receipt_is_known(build, recorder):
    """It is kept, and the receipt finds it; asking changes nothing that is further."""
    transport = Knowing()
    front = build(transport)
    pushed = front.record_delivery_report(_said("memory-1", "delivered", words="DELIVRD"))
    assert (pushed.state, pushed.address) == ("delivered", NUMBER)
    assert recorder.named("delivery_changed")[0].transport is None
    receipt = _one(front)
    assert receipt.message_id == "memory-1"
    assert front.delivery(receipt) == pushed


def test_several_reports_at_once(build):
    """A delivery for each, as it is known then."""
    front = build("memory")
    deliveries = front.record_delivery_report([_said("a", "delivered"), _said("a", "sent"), _said("b", "sent", OTHER)])
    assert [(d.message_id, d.state) for d in deliveries] == [("a", "delivered"), ("a", "delivered"), ("b", "sent")]
    assert front.record_delivery_report([]) == ()


def test_a_report_about_everybody(build, recorder):
    """Recipients with a report, now or later, get it; nobody goes back by it."""
    front = build("memory")
    front.record_delivery_report([_said("a", "delivered", NUMBER), _said("a", "pending", OTHER)])
    assert front.record_delivery_report(_said("a", "sent", None)).address is None
    assert front.record_delivery_report(_said("a", "unconfirmed", NUMBER)).state == "delivered"
    assert front.record_delivery_report(_said("a", "pending", OTHER)).state == "sent"
    assert front.record_delivery_report(_said("a", "pending", "96598765434")).state == "sent"
    reported = [(event.to, event.state) for event in recorder.named("delivery_changed")]
    assert reported == [("965****5432", "delivered"), ("965****5433", "pending"), ("965****5433", "sent")]
    front.record_delivery_report(_said("b", "sent", None))
    assert recorder.named("delivery_changed")[-1].to is None


def test_duplicates_and_late_reports_are_no_events(build, recorder):
    """A contradiction is: once."""
    front = build("memory")
    for state in ("sent", "sent", "delivered", "sent", "pending", "undelivered", "undelivered"):
        front.record_delivery_report(_said("a", state))
    reported = [(event.state, event.contradicted) for event in recorder.named("delivery_changed")]
    assert reported == [("sent", False), ("delivered", False), ("delivered", True)]


@pytest.mark.parametrize("posted", [{"ok": True, "msg_id": "a"}, "delivered", b"x", 5, None, [{"ok": True}]])
def test_what_was_posted_is_not_recorded_as_it_is(build, recorder, posted):
    """The provider's package reads it; the error says so, and nothing is half recorded."""
    front = build("memory")
    with pytest.raises(TypeError, match="DeliveryReport"):
        front.record_delivery_report(posted)
    with pytest.raises(TypeError):
        front.record_delivery_report([_said("a", "sent"), posted])
    assert recorder.named("delivery_changed") == []


def test_a_closed_notifier_records_no_report(build):
    """Its sinks are closed, so it would be lost: an error, and whoever pushes it comes again."""
    front = build(Knowing())
    receipt = _one(front)
    front.close() if isinstance(front.notifier, Notifier) else front.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        front.record_delivery_report(_said("a", "sent"))
    with pytest.raises(RuntimeError, match="closed"):
        front.delivery(receipt)


def test_strict_mode_raises_what_a_sink_raised_when_everything_is_recorded(build, recorder):
    """Nothing is lost by it."""
    front = build("memory", host=PluginHost(entry_points=False, strict=True))
    recorder.handle = lambda event: 1 / 0
    with pytest.raises(PluginError, match="recorder"):
        front.record_delivery_report([_said("a", "sent"), _said("b", "delivered")])
    del recorder.handle
    assert front.record_delivery_report(_said("b", "sent")).state == "delivered"


def test_words_from_outside_carry_no_number_into_the_log(build, recorder):
    """Providers write what they like."""
    front = build("memory")
    front.record_delivery_report(_said("a", "undelivered", words=f"no route to {NUMBER}"))
    assert NUMBER not in repr(recorder.events)


def test_the_logs_say_it(tmp_path, caplog):
    """A row in the JSONL file, a line in logging; an end that is bad is a warning."""
    log = tmp_path / "sends.jsonl"
    parts = {"host": PluginHost(entry_points=False), "clock": VirtualClock(), "environment": {}, "directory": tmp_path}
    with caplog.at_level(logging.INFO), Notifier.from_settings("memory", log_file=str(log), **parts) as notifier:
        notifier.record_delivery_report(
            [_said("a", "sent", words="sent"), _said("a", "undelivered", words="Blacklisted")]
        )
    (first, second) = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    assert first.pop("to_hash") == second["to_hash"]
    assert first == {
        "v": 1,
        "ts": "2026-01-01T00:00:00.000Z",
        "event": "delivery_changed",
        "id": "a",
        "msg_id": "a",
        "before": None,
        "state": "sent",
        "words": "sent",
        "to": "965****5432",
        "contradicted": False,
        "transport": None,
        "happened": None,
    }
    assert (second["before"], second["state"]) == ("sent", "undelivered")
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if "delivery" in record.getMessage()]
    assert lines == [
        ("INFO", "delivery_changed 965****5432 sent"),
        ("WARNING", "delivery_changed 965****5432 undelivered (Blacklisted)"),
    ]


def test_the_log_is_read_back(tmp_path, capsys, monkeypatch):
    """Tail shows where messages are, show puts them beside the send, stats count messages and no reports."""
    monkeypatch.chdir(tmp_path)
    log = str(tmp_path / "sends.jsonl")
    parts = {"host": PluginHost(entry_points=False), "environment": {}, "directory": tmp_path}
    with Notifier.from_settings("memory", log_file=log, **parts) as notifier:
        report = notifier.send(NUMBER, "Hello")
        for state, words in (("sent", "sent"), ("undelivered", "Blacklisted"), ("delivered", "DELIVRD")):
            notifier.record_delivery_report(_said("memory-1", state, words=words))

    def lines(*arguments: str) -> list[str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--file", log])
        assert ended.value.code in (0, None)
        return [line[21:] for line in capsys.readouterr().out.splitlines()]

    steps = [
        "sent      965****5432  id memory-1",
        "undelivered 965****5432  Blacklisted, id memory-1",
        "delivered 965****5432  DELIVRD; reports contradict each other, id memory-1",
    ]
    assert lines("log", "tail") == ["accepted  965****5432  id memory-1 (test)", *steps]
    assert lines("log", "tail", "--errors") == steps[1:2]
    assert lines("log", "show", report.message.id[:8])[-3:] == steps
    assert lines("log", "show", "memory-1")[-3:] == steps
    with pytest.raises(SystemExit):
        main(["log", "stats", "--json", "--file", log])
    assert [row["messages"] for row in json.loads(capsys.readouterr().out)["data"]["rows"]] == [1]


def test_the_store_drops_the_oldest_deliveries():
    """It is bounded, and so are the addresses that it keeps of a message."""
    store = DeliveryStore(most=3)
    for message in "abc":
        store.record(_said(message, "delivered"))
    store.record(_said("a", "sent"))
    store.record(_said("d", "sent", None))
    assert len(store) == 3
    assert [store.known(message, NUMBER).state for message in "abcd"] == [
        "delivered",
        "unconfirmed",
        "delivered",
        "sent",
    ]
    for index in range(100):
        store.record(_said(f"m{index}", "sent"))
    assert (len(store), len(store._addresses)) == (3, 3)


def test_many_threads_push_at_once():
    """Nothing is lost between them: everybody ends where the furthest report says."""
    states = ("pending", "sent", "expired", "undelivered", "delivered")
    with Notifier("memory", host=PluginHost(entry_points=False), clock=VirtualClock()) as notifier:

        def push(offset: int) -> None:
            for index in range(200):
                notifier.record_delivery_report(_said("a", states[(index + offset) % 5], f"9659876{index % 40:04d}"))

        threads = [threading.Thread(target=push, args=(offset,)) for offset in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        deliveries = notifier.record_delivery_report(
            [_said("a", "pending", f"9659876{index:04d}") for index in range(40)]
        )
    assert {delivery.state.value for delivery in deliveries} == {"delivered"}


def test_a_receipt_of_another_process_can_be_asked_about(build):
    """What counts is what is on the receipt."""
    transport = Knowing()
    front = build(transport)
    receipt = attrs.evolve(_one(front), position=7)
    other = build(transport)
    transport.says = [_said(receipt.message_id, "delivered")]
    assert other.delivery(receipt) == Delivery(receipt.message_id, NUMBER).record(transport.says[0])
