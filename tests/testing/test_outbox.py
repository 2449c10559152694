"""An outbox: what lands in it, what it answers, and what a test can ask of it."""

from __future__ import annotations

import datetime
import pickle
import re
import unittest
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from notifykit import (
    AuthFailed,
    Batch,
    Cleaned,
    ConfigError,
    Failover,
    InvalidRecipient,
    Notifier,
    Outcome,
    OutcomeUnknown,
    PluginHost,
    RateLimited,
    Recipient,
    Submission,
    hookimpl,
)
from notifykit.testing import (
    NotifyTestCase,
    Outbox,
    TestClock,
    capture,
)
from notifykit.testing.processes import OPEN
from tests.testing.conftest import ONE, TWO, Real


def test_a_captured_message_passed_the_whole_pipeline(outbox: Outbox) -> None:
    """Normalizers and cleaners ran, the text was measured and has a price, as kwtSMS would have it."""
    report = outbox.notifier.send(
        ["+965 9876 5432", "ada", ONE], "رمزك ١٢٣٤٥٦ 😀", sender="KWT-SMS", tags="otp", idempotency_key="k"
    )
    assert [receipt.outcome for receipt in report] == [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.SKIPPED]
    message = outbox.one(to="+965 9876 5432")
    assert (message.text.strip(), message.otp, message.raw) == ("رمزك 123456", "123456", "+965 9876 5432")
    assert (message.encoding, message.segments, message.cost, message.unit) == ("ucs2", 1, 1.0, "point")
    assert (message.sender, message.tags, message.idempotency_key) == ("KWT-SMS", ("otp",), "k")
    assert (message.country, message.transport, message.attempt) == ("KW", "memory://default", 1)
    assert message.edits == report.edits
    assert {edit.reason for edit in message.edits} >= {"emoji"}
    assert message.message_id == report[0].message_id == "outbox-1"
    assert report.cost == 1.0
    assert repr(message).startswith(f"Sent(to='{ONE}', text='رمزك 123456")


def test_it_captures_the_sends_of_every_notifier(outbox: Outbox, send: Callable[..., Any]) -> None:
    """Also of one that was made before; the sender of its transport is known, and its transport makes no request."""
    real = Real()
    with Notifier(Failover(real, Real("real://second")), host=PluginHost(entry_points=False)) as notifier:
        outbox.script.unavailable()
        report = notifier.send([ONE, TWO], "Hello")
    assert len(report.accepted) == 2
    assert real.batches == []
    assert [(message.transport, message.outcome.value) for message in outbox.attempts] == [
        ("real://default?sender=SHOP", "rejected"),
        ("real://default?sender=SHOP", "rejected"),
        ("real://second", "accepted"),
        ("real://second", "accepted"),
    ]
    assert [message.attempt for message in outbox.attempts] == [1, 1, 2, 2]
    assert outbox.refused[0].sender == "SHOP"
    assert outbox[0].sender is None
    assert outbox[0].test is False
    send(ONE, "Hello")
    assert len(outbox) == 3


def test_no_send_waits_for_real(outbox: Outbox) -> None:
    """Retries, rate limits and slow answers pass in the outbox's own time, which starts at noon in Kuwait."""
    seconds: list[float] = []
    leave = outbox.clock.follow(seconds.append)  # type: ignore[attr-defined]
    outbox.script.queue_full(times=2).delay(5)
    report = outbox.notifier.send(ONE, "Hello")
    assert [str(attempt.error and attempt.error.code) for attempt in report[0].attempts] == [
        "QUEUE_FULL",
        "QUEUE_FULL",
        "None",
    ]
    assert report[0].attempts[-1].elapsed == 5
    assert outbox.clock.sleeps == [30, 60]
    assert sum(seconds) == 95
    leave()
    assert isinstance(outbox.clock, TestClock)
    outbox.clock.move_to(datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC))
    assert outbox.clock.now().day == 2
    assert sum(seconds) == 95
    for wrong in (lambda: outbox.clock.advance(-1), lambda: outbox.clock.move_to(datetime.datetime(2030, 1, 1))):
        with pytest.raises(ValueError, match="time"):
            wrong()


def test_a_script_is_played_in_sequence_and_then_all_is_well(outbox: Outbox, send: Callable[..., Any]) -> None:
    """Everything that a provider may answer: each receipt says what the script said."""
    outbox.script.sequence(
        "unknown",
        "ERR009",
        AuthFailed,
        AuthFailed("No.", "A"),
        99,
        Submission("mine", 2.5, 7.0),
        lambda batch: OutcomeUnknown(f"{len(batch)}", "function"),
        lambda batch: None,
        "reject",
        "unavailable",
        "accept",
    ).accept(cost=4.0)
    assert outbox.script.pending == 12
    said = [send(ONE, "Hello")[0] for _ in range(13)]
    assert [str(receipt.code) for receipt in said] == [
        *("LOST", "ERR009", "None", "A", "timeout", "None", "function", "None", "None", "UNAVAILABLE", "None", "None"),
        "None",
    ]
    assert [receipt.outcome.value[0] for receipt in said] == list("urrruauarraaa")
    assert type(said[1].error).__name__ == "ContentRejected"
    assert isinstance(said[8].error, InvalidRecipient)
    assert said[5].submission is not None
    assert (said[5].message_id, said[5].submission.cost, said[5].submission.balance) == ("mine", 2.5, 7.0)
    assert said[11].submission is not None
    assert said[11].submission.cost == 4.0
    assert (len(outbox), len(outbox.refused), len(outbox.unknown)) == (5, 5, 3)
    assert outbox.script.pending == 0


def test_a_recipient_can_be_refused_while_others_are_taken(outbox: Outbox) -> None:
    """For the whole test, or so often; alone in a request it is the request that is refused."""
    outbox.script.reject("+965 9876 5432", code="ERR025").reject(TWO, error=RateLimited, times=1)
    outbox.script.unknown(to="96511111111")
    report = outbox.notifier.send([ONE, TWO, "96598765434"], "Hello")
    assert [receipt.code for receipt in report] == ["ERR025", None, None]
    assert [receipt.outcome.value for receipt in report] == ["rejected", "accepted", "accepted"]
    assert len(report[1].attempts) == 2
    assert report.cost == 2.0
    assert outbox.notifier.send(ONE, "Again")[0].code == "ERR025"
    assert len(outbox.all(to=[ONE, TWO])) == 1
    assert outbox.script.pending == 1
    outbox.script.clear()
    assert outbox.notifier.send(ONE, "Again").accepted


def test_what_a_script_can_not_play_is_said_at_once(outbox: Outbox) -> None:
    """A mistake in a test must not look like one in the program."""
    for wrong, words in (
        (lambda: outbox.script.sequence(object()), "can't answer with a object"),  # type: ignore[arg-type]
        (lambda: outbox.script.answer(int), "int is no TransportError"),  # type: ignore[arg-type]
        (lambda: outbox.script.unknown(times=0), "above zero"),
        (lambda: capture(script="accept"), "a list of answers"),
        (lambda: outbox.script.answer(lambda batch: 5).play(a_batch()), "can't answer with a int"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            wrong()


def a_batch() -> Batch:
    with capture() as outbox:
        outbox.notifier.send(ONE, "Hello")
        return Batch(outbox.notifier._components.message("x", None, "sms", (), None), (Recipient(ONE),), (0,))


def test_methods_return_what_matches_or_fail_with_a_table(outbox: Outbox) -> None:
    """Each in its own words."""
    for to, text in ((ONE, "First 1111"), (TWO, "Second 2222"), (ONE, "Third")):
        outbox.notifier.send(to, text)
    assert outbox.one(to=TWO).text == "Second 2222"
    assert [message.text for message in outbox.all(to=ONE)] == ["First 1111", "Third"]
    assert outbox.all(to="1") == ()
    assert (outbox.first(to=ONE).text, outbox.last(to=ONE).text) == ("First 1111", "Third")
    assert outbox.otp() == "2222"
    assert outbox.otp(to=ONE) == "1111"
    assert outbox.none(to="1")
    outbox.assert_sent(text=re.compile("Sec"))
    outbox.assert_none(sender="X")
    outbox.assert_count(2, to=ONE)
    outbox.assert_count(0, to="1")
    outbox.assert_in_order("First 1111", {"to": ONE, "text": re.compile("T")})
    assert outbox.wait(to=TWO).otp == "2222"
    for fails, words in (
        (lambda: outbox.one(to=ONE), "exactly one message was expected, 2 of the 3 that were sent match with"),
        (outbox.one, "exactly one message was expected, 3 of the 3 that were sent match."),
        (lambda: outbox.first(to="1"), "a message was expected, 0 of the 3"),
        (lambda: outbox.last(to="1"), "a message was expected, 0 of the 3"),
        (lambda: outbox.otp(text="Third"), "a message was expected, 0 of the 3"),
        (lambda: outbox.none(to=TWO), "no message was expected, 1 of the 3 that were sent matches"),
        (lambda: outbox.assert_sent(to="1"), "at least one message was expected"),
        (lambda: outbox.assert_count(2, to=TWO), "exactly 2 messages were expected, 1 of the 3"),
        (lambda: outbox.assert_in_order("Third", "First 1111"), "number 2 of 2 was expected, and is not there behind"),
        (lambda: outbox.assert_in_order("Fourth"), "number 1 of 1 was expected, and is not there at all"),
        (lambda: outbox.wait(to="1", timeout=0.01), "1 expected within 0.01 s, 0 of the 3"),
    ):
        with pytest.raises(AssertionError) as caught:
            fails()
        assert words in str(caught.value)
        assert "Second 2222" in str(caught.value)


def test_a_failure_names_a_send_that_reached_no_transport(outbox: Outbox) -> None:
    """Nothing to see in the table, and yet something was sent: to an address that is none."""
    outbox.notifier.send("12345678", "Hello")
    with pytest.raises(AssertionError, match=r"Nothing was sent\.\n\n1 send reached no transport"):
        outbox.one()
    outbox.notifier.send(["1", TWO], "Hello")
    with outbox.expect(0), pytest.raises(AssertionError) as caught:
        outbox.one(to=ONE)
    assert "1 send reached" in str(caught.value)


def test_it_is_a_list(outbox: Outbox) -> None:
    """Of what was taken."""
    assert outbox == []
    assert not outbox
    assert str(outbox) == "Nothing was sent."
    outbox.notifier.send([ONE, TWO], "Hello")
    assert [message.to for message in outbox] == [ONE, TWO]
    assert outbox[-1].to == TWO
    assert [message.to for message in outbox[:1]] == [ONE]
    assert outbox == list(outbox)
    assert outbox != "Hello"
    assert TWO in str(outbox)
    assert repr(outbox).startswith("<Outbox [Sent(to='96598765432', text='Hello'")
    assert pickle.loads(pickle.dumps(outbox[0])) == outbox[0]
    outbox.clear()
    assert len(outbox.attempts) == 0


def test_a_block_has_to_send_so_many(outbox: Outbox) -> None:
    """What came before does not count, and its messages can be asked for; an error in it is not covered up."""
    outbox.notifier.send(ONE, "Before")
    with outbox.expect(1, to=ONE) as sent:
        assert sent.all() == ()
        outbox.notifier.send(ONE, "Inside")
    outbox.notifier.send(ONE, "After")
    assert sent.one().text == "Inside"
    with pytest.raises(AssertionError, match="exactly 2 messages were expected, 1 of the 1 that were sent"):
        with outbox.expect(2):
            outbox.notifier.send(ONE, "Inside")
    with pytest.raises(ZeroDivisionError):
        with outbox.expect(2):
            raise ZeroDivisionError


def test_strict_a_message_that_was_not_asserted_is_a_failure() -> None:
    """Whatever a method returned or matched is asserted, and so is what was indexed or looped over."""
    with capture(strict=True) as outbox:
        for number in range(6):
            outbox.notifier.send(ONE, f"{number}")
        outbox.one(text="0")
        outbox.assert_sent(text="1")
        outbox.assert_in_order("2")
        assert outbox[3].text == "3"
        assert [message.text for message in outbox.unasserted] == ["4", "5"]
        assert list(outbox)

    def surprise(error: Exception | None) -> None:
        with capture(strict=True) as outbox:
            outbox.notifier.send(ONE, "Surprise")
            outbox.assert_none(to=TWO)
            if error:
                raise error

    with pytest.raises(AssertionError, match=r"1 message was sent that the test did not assert[\s\S]*Surprise"):
        surprise(None)
    with pytest.raises(ZeroDivisionError):
        surprise(ZeroDivisionError())


class _Shout:
    """A plugin of a test."""

    name = "shout"

    @hookimpl
    def notifykit_cleaners(self) -> list[Any]:
        return [self]

    def clean(self, text: str, channel: object) -> Cleaned:
        return Cleaned(text.upper())


def test_plugins_are_the_tests_own(outbox: Outbox) -> None:
    """They can be chosen until the first send, also where the notifier is there already."""
    notifier = outbox.notifier
    outbox.plugins.register(_Shout(), "shout")
    outbox.plugins.only()
    outbox.plugins.without("notifykit.normalizers.email")
    notifier.send("+965 9876 5432", "hello")
    assert outbox.one().text == "HELLO"
    assert outbox.one().segments is None
    assert notifier.host is outbox.plugins.host
    with pytest.raises(RuntimeError, match="comes too late"):
        outbox.plugins.register(_Shout())
    with capture() as other:
        other.plugins.only("kwtsm")
        with pytest.raises(ConfigError, match="no plugin is called 'kwtsm'"):
            other.notifier.send(ONE, "x")
    with pytest.raises(AttributeError):
        outbox.notifier.nothing  # type: ignore[attr-defined]  # noqa: B018


@settings(max_examples=5)
@given(st.integers(1, 5))
def test_it_works_in_examples_of_hypothesis(count: int) -> None:
    """Each has its own."""
    with capture() as outbox, Notifier("memory", host=PluginHost(entry_points=False)) as notifier:
        for _ in range(count):
            notifier.send(ONE, "Hello")
    outbox.assert_count(count)


def login() -> type[NotifyTestCase]:
    """Return a user's tests in a class, where pytest does not see them."""

    class Login(NotifyTestCase):
        """A user's tests in a class."""

        notify_strict = True
        notify_script = ("queue_full",)

        def setUp(self) -> None:  # without super(): the outbox is there all the same
            self.addCleanup(lambda: (self.notifier.send(TWO, "cleanup"), self.outbox.one(to=TWO)))

        def test_asserts(self) -> None:
            self.script.unknown(to=TWO)
            with Notifier(Real(), host=self.plugins.host) as notifier:
                notifier.send(ONE, "Hello")
            assert self.outbox.one().to == ONE
            assert self.clock.sleeps == [30.0]
            self.script.clear()

        def test_forgets(self) -> None:
            self.notifier.send(ONE, "Surprise")

        def test_fails(self) -> None:
            self.notifier.send(ONE, "Surprise")
            self.fail("on purpose")

    return Login


def test_a_class_of_unittest_gets_an_outbox_for_each_test() -> None:
    """Strict at the end of it, and never on top of another failure."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(login()).run(result)
    assert result.testsRun == 3
    assert result.errors == []
    failures = {test.id().rpartition(".")[2]: words for test, words in result.failures}
    assert set(failures) == {"test_forgets", "test_fails"}
    assert "1 message was sent that the test did not assert" in failures["test_forgets"]
    assert "did not assert" not in failures["test_fails"]
    assert OPEN.find(None) is None


def test_what_a_function_of_the_script_raises_fails_the_test(send: Callable[..., Any]) -> None:
    """The pipeline takes it for a broken transport and goes on; a raised error of the provider is the answer."""

    def look(batch: Batch) -> None:
        assert batch.message.text == "Hello", "not what was expected"

    def refuse(batch: Batch) -> None:
        raise RateLimited("Not now.", "X", waits=())

    outbox = capture(script=[look, look, refuse])

    def sends() -> None:
        with outbox:
            assert send(ONE, "Hello").accepted
            assert send(ONE, "Goodbye").unknown
            assert send(ONE, "Hello").rejected

    def fails() -> None:
        with capture(script=[look]):
            send(ONE, "Goodbye")
            raise ZeroDivisionError

    with pytest.raises(AssertionError, match="not what was expected"):
        sends()
    assert [message.code for message in outbox.attempts] == [None, "AssertionError", "X"]
    with pytest.raises(ZeroDivisionError):
        fails()

    class Looking(NotifyTestCase):
        notify_script = [look]

        def test(self) -> None:
            send(ONE, "Goodbye")

    result = unittest.TestResult()
    Looking("test").run(result)
    assert len(result.failures) == 1
