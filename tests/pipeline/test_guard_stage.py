"""The third stage of the pipeline: who is excluded before anything is sent, and why."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import attrs
import pytest

from notifykit import (
    AsyncNotifier,
    Capabilities,
    Channel,
    ConfigError,
    InvalidRecipient,
    MemoryTransport,
    Notifier,
    Outcome,
    PluginError,
    PluginHost,
    Receipt,
    Recipient,
    Settings,
    SkipReason,
    SystemClock,
    Veto,
    hookimpl,
)
from notifykit.counters import CounterStoreUnavailable, MemoryCounterStore
from notifykit.errors import ContentRejected
from notifykit.pipeline.context import GuardCounters, Reservations

ONE, TWO, THREE = "96590000001", "96590000002", "96590000003"


class Says:
    """A guard that answers with what a function of the checked returns or raises, and keeps who it was asked about."""

    def __init__(self, answer, name="says"):
        self.name = name
        self.asked = []
        self._answer = answer

    def check(self, checked, counters):
        """Answer."""
        self.asked.append(checked.recipient.address)
        return self._answer(checked, counters)


def to(address):
    """Return a guard that sends everything to one address."""
    return Says(lambda checked, counters: Recipient(address), f"to {address[-1]}")


def capped(most, name="capped"):
    """Return a guard that lets so many pass in an hour."""

    def answer(checked, counters):
        wait = counters.reserve(name, 1, most, 3600)
        return Veto(name, "Too many.", retry_after=wait) if wait else None

    return Says(answer, name)


def test_a_veto_is_a_receipt_with_its_reason(walk, recorder):
    """Skipped, with the guard's name, words and time; the others go out, and the log knows."""
    guard = Says(lambda p, b: Veto("says", "Not now.", "Ask later.", 30.0) if p.recipient.address == ONE else None)
    report = walk.send(MemoryTransport(), [ONE, TWO], parts={"guards": [guard]})
    first, second = report
    assert (first.outcome, first.skipped) == (Outcome.SKIPPED, SkipReason.GUARD)
    assert (str(first.veto), first.advice, first.retry_after) == ("says: Not now.", "Ask later.", 30.0)
    assert second.outcome is Outcome.ACCEPTED
    (event,) = recorder.named("recipient_excluded")
    assert (event.reason, event.recipient.outcome) == ("says: Not now.", "skipped")


def test_a_guard_sees_the_message_as_it_would_be_sent(walk):
    """Cleaned, with its tags, cost, transport and time."""
    seen = []
    transport = MemoryTransport(
        capabilities=Capabilities(live=True, price=lambda who, segments: 2.0, measure=None, subjects=True)
    )
    guard = Says(lambda checked, counters: seen.append(checked))
    walk.send(transport, ONE, "Cafe\u0301", tags="otp", parts={"guards": [guard]})
    (checked,) = seen
    assert (checked.message.text, checked.message.tags, checked.recipient.address) == ("Caf\u00e9", ("otp",), ONE)
    assert (checked.live, checked.cost, checked.now) == (True, None, walk.clock.now())


def test_guards_are_asked_in_order_and_only_about_those_who_could_be_sent_to(walk):
    """Bad addresses and duplicates need no guard; the first veto is the last question."""
    first = Says(lambda p, b: Veto("first", "No.") if p.recipient.address == ONE else None)
    second = Says(lambda p, b: None)
    report = walk.send(MemoryTransport(), [ONE, "abc", TWO, TWO, ONE], parts={"guards": [first, second]})
    assert (first.asked, second.asked) == ([ONE, TWO], [TWO])
    assert [receipt.skipped for receipt in report] == ["guard", None, None, "duplicate", "duplicate"]


def test_where_the_text_can_not_be_sent_no_guard_is_asked(walk):
    """Nothing is reserved for it."""
    refusal = ContentRejected("No.")
    guard = Says(lambda p, b: None)
    transport = MemoryTransport(capabilities=Capabilities(check=lambda message: refusal))
    report = walk.send(transport, [ONE, TWO], parts={"guards": [guard]})
    assert [receipt.error for receipt in report] == [refusal, refusal]
    assert guard.asked == []


def test_another_recipient_is_checked_by_all_guards(walk):
    """Who gets it has passed all guards, once, whoever stood in the list."""
    before = Says(lambda p, b: None)
    transport = MemoryTransport()
    report = walk.send(transport, [ONE, TWO, THREE], parts={"guards": [before, to(THREE)]})
    assert before.asked == [ONE, THREE, TWO]
    assert [r.address for batch in transport.batches for r in batch.recipients] == [THREE]
    assert [(r.to, r.outcome) for r in report] == [(THREE, "accepted"), (THREE, "skipped"), (THREE, "skipped")]
    assert report[0].recipient.raw == ONE


def test_what_was_reserved_for_one_is_not_kept_for_another(walk):
    """The one in whose place somebody else got it was sent nothing."""
    guard = capped(1)
    report = walk.send(MemoryTransport(), [ONE], parts={"guards": [guard, to(TWO)]})
    assert [receipt.to for receipt in report.accepted] == [TWO]


@pytest.mark.parametrize("kind", ["circle", "chain", "channel"])
def test_guards_that_send_it_nowhere_end_as_a_veto(walk, kind):
    """Back and forth, on and on, or to an address of another channel."""
    guards = {
        "circle": [Says(lambda p, b: Recipient(TWO if p.recipient.address == ONE else ONE))],
        "chain": [Says(lambda p, b: Recipient(str(int(p.recipient.address) + 1)))],
        "channel": [Says(lambda p, b: Recipient("a@example.com", Channel.EMAIL))],
    }[kind]
    (receipt,) = walk.send(MemoryTransport(), ONE, parts={"guards": guards})
    assert (receipt.outcome, receipt.skipped) == (Outcome.SKIPPED, SkipReason.GUARD)


@pytest.mark.parametrize("answer", ["raises", "odd"])
def test_a_guard_that_raises_holds_the_message_back(walk, recorder, answer):
    """Each with a veto that says what to do; the failure itself is reported once a send, without what was sent."""

    def judge(checked, counters):
        if answer == "odd":
            return True
        raise ZeroDivisionError(checked.recipient.address)

    transport = MemoryTransport()
    report = walk.send(transport, [ONE, TWO, THREE], parts={"guards": [Says(judge)]})
    assert transport.batches == []
    assert {receipt.veto.guard for receipt in report.skipped} == {"says"}
    assert "NOTIFYKIT_DISABLE=says" in report[0].advice
    (failure,) = recorder.named("plugin_failed")
    assert (failure.kind, failure.plugin) == ("guard", "says")
    assert ONE not in failure.traceback


def test_in_strict_mode_a_guard_that_raises_is_an_error(walk):
    """As it is for normalizers; and nothing that was reserved for the others counts."""
    counting = capped(3)
    broken = Says(lambda p, b: 1 / 0 if p.recipient.address == THREE else None, "broken")
    host = PluginHost(entry_points=False, strict=True)
    with Notifier(MemoryTransport(), host=host, clock=walk.clock, guards=[counting, broken]) as notifier:
        for _ in range(2):
            with pytest.raises(PluginError, match="guard raised ZeroDivisionError"):
                notifier.send([ONE, TWO, THREE], "Hello")
        assert len(notifier.send([ONE, TWO, "96590000004"], "Hello").accepted) == 3


def test_a_store_that_can_not_be_used_holds_the_message_back(walk, recorder, tmp_path):
    """What to do is said, and a long list does not wait for it again and again."""
    (tmp_path / "guards.sqlite3").mkdir()
    settings = Notifier("null", host=PluginHost(entry_points=False)).settings
    parts = {
        "guards": [capped(5)],
        "clock": SystemClock(),
        "settings": attrs.evolve(settings, state_dir=str(tmp_path)),
    }
    transport = MemoryTransport()
    report = walk.send(transport, [ONE, TWO], parts=parts)
    assert transport.batches == []
    assert [receipt.veto.guard for receipt in report] == ["capped", "capped"]
    assert "NOTIFYKIT_STATE_DIR" in report[0].advice
    assert len(recorder.named("plugin_failed")) == 1


def test_a_locked_store_is_waited_for_once_and_not_for_each_recipient(monkeypatch, clock):
    """A moment later it is asked again."""
    asked = []

    def reserve(self, *arguments):
        asked.append(arguments)
        raise CounterStoreUnavailable("It is locked.", "Wait.")

    with (
        Notifier(MemoryTransport(), host=PluginHost(entry_points=False), clock=clock, guards=[capped(5)]) as notifier,
        monkeypatch.context() as patch,
    ):
        patch.setattr(MemoryCounterStore, "reserve", reserve)
        numbers = (f"9659{index:07d}" for index in range(2000))
        report = []
        for number, receipt in enumerate(notifier.stream(numbers, "Hello")):
            report.append(receipt)
            if number == 999:
                clock.advance(6)
    assert {str(receipt.veto) for receipt in report} == {"capped: It is locked."}
    assert len(asked) == 2


def test_streams_and_sends_count_in_one_store(walk):
    """Two calls, four recipients, a cap of three."""
    with Notifier(
        MemoryTransport(), host=PluginHost(entry_points=False), clock=walk.clock, guards=[capped(3)]
    ) as notifier:
        outcomes = [receipt.outcome for receipt in notifier.stream([ONE, TWO], "Hello")]
        outcomes += [receipt.outcome for receipt in notifier.send([ONE, THREE], "Hello")]
    assert outcomes == ["accepted"] * 3 + ["skipped"]


def test_what_was_reserved_is_forgotten_once_the_receipt_is_there(clock):
    """Of a million recipients, only those of the batch under way are remembered."""
    store = MemoryCounterStore(clock)
    reservations = Reservations(store, clock)
    for position in range(100):
        counters = GuardCounters(reservations)
        assert counters.reserve("key", 1, 50, 60) == (0 if position < 50 else 60)
        reservations.keep(position, counters)
    for position in range(100):
        reservations.settle([Receipt(position, Recipient(ONE), Outcome.ACCEPTED)])
    assert reservations._open == {}
    reservations.settle([Receipt(0, Recipient(ONE), Outcome.REJECTED)])
    assert sum(row.amount for row in store.rows("key", 60)) == 50


def test_the_callers_guards_are_asked_before_those_of_plugins(walk):
    """And those of plugins in the plugins' order."""

    class Plugin:
        @hookimpl
        def notifykit_guards(self, settings, normalize):
            assert normalize("+965 9000 0001", Channel.SMS).address == ONE
            assert isinstance(normalize("abc", Channel.SMS).error, InvalidRecipient)
            return [Says(lambda p, b: order.append("plugin's"), "plugin's")]

    order = []
    host = PluginHost(entry_points=False, strict=True)
    host.register(Plugin(), "theirs")
    mine = Says(lambda p, b: order.append("mine"), "mine")
    walk.send(MemoryTransport(), ONE, parts={"host": host, "guards": [mine]})
    assert order == ["mine", "plugin's"]
    (info,) = (info for info in host.plugins if info.name == "theirs")
    assert info.brings == ("guard:plugin's",)


def test_something_that_is_no_guard_is_a_problem_at_the_start():
    """Not when the first message is on its way."""
    with pytest.raises(ConfigError, match=r"guards: the guard .* lacks"):
        Notifier(MemoryTransport(), host=PluginHost(entry_points=False), guards=[object()])


@pytest.mark.parametrize(("amount", "window"), [(-1, 60), (float("nan"), 60), (1, 0), (1, float("inf"))])
def test_a_guard_that_reserves_nonsense_holds_the_message_back(walk, amount, window):
    """A mistake in a guard opens nothing."""
    guard = Says(lambda checked, counters: counters.reserve("x", amount, 5, window) and None)
    assert walk.send(MemoryTransport(), ONE, parts={"guards": [guard]}).skipped


def test_the_settings_may_give_the_order(tmp_path):
    """Exactly the named ones, of those that are configured; a name that nobody brings is a problem."""
    guard = {"cool_down": "15s", "same_content": "1m", "volume_cap": "5/1h"}
    for names, wanted in ((None, ["cool_down", "same_content", "volume_cap"]), (["volume_cap", "cool_down"],) * 2):
        settings = Settings.load({"guard": guard, "guards": names}, environment={}, directory=tmp_path)
        registry = PluginHost(entry_points=False).registry(settings)
        assert [component.name for component in registry.guards] == wanted
    with pytest.raises(ConfigError, match="guards: there is no guard named cooldown: did you mean cool_down"):
        PluginHost(entry_points=False).registry(attrs.evolve(settings, guards=("cooldown",)))


def test_a_plugin_whose_guards_break_brings_nothing_at_all():
    """Half of a plugin would be something that nobody tried."""

    class Plugin:
        @hookimpl
        def notifykit_sinks(self, settings):
            return [recorder]

        @hookimpl
        def notifykit_guards(self, settings):
            raise ZeroDivisionError

    recorder = Says(None, "recorder")
    recorder.handle = print
    host = PluginHost(entry_points=False)
    host.register(Plugin(), "theirs")
    registry = host.registry(Settings())
    assert (recorder in registry.sinks, registry.guards) == (False, ())
    (info,) = (info for info in host.plugins if info.name == "theirs")
    assert (info.status, info.brings) == ("broken", ())


def test_a_task_that_is_cancelled_while_guards_look_sends_nothing_and_counts_nothing(clock):
    """They look in a thread, so that the event loop goes on; what they reserved is given back."""
    looking, go_on = threading.Event(), threading.Event()

    def slow(checked, counters):
        looking.set()
        assert go_on.wait(30)

    transport = MemoryTransport()

    async def main():
        host = PluginHost(entry_points=False)
        async with AsyncNotifier(transport, host=host, clock=clock, guards=[capped(1), Says(slow, "slow")]) as notifier:
            task = asyncio.create_task(notifier.send(ONE, "Hello"))
            while not looking.is_set():
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            go_on.set()
            while True:
                report = await notifier.send(TWO, "Hello")
                if report.accepted:
                    return

    asyncio.run(asyncio.wait_for(main(), 10))
    assert [r.address for batch in transport.batches for r in batch.recipients] == [TWO]


_SCRIPT = """
import itertools, resource
from notifykit import Capabilities, Notifier, Outcome, PluginHost, Submission, VirtualClock

class Stub:
    name = "stub"
    capabilities = Capabilities(batch_size=200)
    def send(self, batch, timeout):
        return Submission(batch.id, cost=len(batch))
    def close(self):
        pass
    def __str__(self):
        return "stub://default"

class Guard:
    name = "guard"
    def check(self, checked, counters):
        assert counters.reserve("all", 1, 1e9, 60) == 0
        clock.advance(0.001)
        assert counters.reserve(f"one {checked.recipient.address}", 1, 1, 1) == 0

def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

clock = VirtualClock()
numbers = (f"9659{index:07d}" for index in range(25_000))
with Notifier(Stub(), host=PluginHost(entry_points=False), clock=clock, guards=[Guard()]) as notifier:
    receipts = notifier.stream(numbers, "Hello")
    accepted = sum(r.outcome is Outcome.ACCEPTED for r in itertools.islice(receipts, 5000))
    before = used()
    accepted += sum(r.outcome is Outcome.ACCEPTED for r in receipts)
print(accepted, used() - before)
"""


def test_a_long_list_passes_the_guards_in_constant_memory():
    """What was reserved for each is forgotten once its receipt is there, and what no longer counts is dropped."""
    answer = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=300)
    accepted, kibibytes = map(int, answer.stdout.split())
    assert accepted == 25_000
    assert kibibytes < 3 * 1024
