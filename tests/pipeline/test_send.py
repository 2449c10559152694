"""The pipeline from a call to a report, on a transport that keeps everything in memory."""

from __future__ import annotations

import attrs
import pytest

from notifykit import (
    AuthFailed,
    Batch,
    Capabilities,
    Channel,
    Cleaned,
    ConfigError,
    ContentRejected,
    Failover,
    InvalidRecipient,
    MemoryTransport,
    Message,
    Notifier,
    NotReached,
    Outcome,
    OutcomeUnknown,
    OutOfCredit,
    PluginError,
    PluginHost,
    ProviderUnavailable,
    RateLimit,
    RateLimited,
    Recipient,
    Scope,
    SkipReason,
    Submission,
    replay,
)
from notifykit.pipeline.attempts import ProviderRequest, RequestResult, Sleep, attempt_with_retries
from notifykit.pipeline.context import BatchContext, SendState

NUMBER = "96598765432"
QUEUE_FULL = RateLimited("The queue is full.", "ERR013")
TOO_SOON = RateLimited("Too soon.", "ERR028", waits=(16.0, 16.0, 16.0), scope=Scope.RECIPIENT)
LOST = OutcomeUnknown("No answer came.", "timeout")


def test_one_number_ends_as_one_accepted_receipt_with_its_evidence(walk):
    """A report has one receipt a recipient, with the canonical address, the provider's id and the attempt."""
    report = walk.send(MemoryTransport([Submission("id-1", cost=1, balance=149)]), "+965 9876-5432")

    (receipt,) = report.accepted
    assert (receipt.to, receipt.recipient.raw, receipt.message_id) == (NUMBER, "+965 9876-5432", "id-1")
    assert [attempt.number for attempt in receipt.attempts] == [1]
    assert (report.cost, report.balance, report.message_ids) == (1, 149, ("id-1",))
    assert not report.rejected + report.unknown + report.skipped


def test_receipts_stand_in_the_order_of_the_callers_list(walk, numbers):
    """Bad numbers and duplicates stay where the caller put them."""
    good = numbers(5)
    given = [good[0], "abc", good[1], good[0], good[2], "x@example.com", *good[3:]]
    report = walk.send(MemoryTransport(capabilities=Capabilities(batch_size=2)), given)

    assert [receipt.position for receipt in report] == list(range(len(given)))
    assert [receipt.outcome for receipt in report] == [
        Outcome.ACCEPTED,
        Outcome.REJECTED,
        Outcome.ACCEPTED,
        Outcome.SKIPPED,
        Outcome.ACCEPTED,
        Outcome.REJECTED,
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
    ]
    assert report[3].skipped is SkipReason.DUPLICATE


@pytest.mark.parametrize(
    "to",
    ["96598765432,96598765433", "96598765432; 96598765433", "96598765432\n96598765433\n", (96598765432, 96598765433)],
)
def test_several_numbers_come_in_any_form(walk, to):
    """A text with commas, semicolons or lines is several numbers, and whole numbers are numbers too."""
    assert [receipt.to for receipt in walk.send(MemoryTransport(), to).accepted] == ["96598765432", "96598765433"]


def test_a_recipient_is_normalized_like_anything_else(walk):
    """Somebody who made one by hand can't slip past the rules, or be paid for twice."""
    report = walk.send(MemoryTransport(), [Recipient("+96598765432"), NUMBER, Recipient("96598765440,96598765441")])
    assert [receipt.outcome for receipt in report] == [Outcome.ACCEPTED, Outcome.SKIPPED, Outcome.REJECTED]


@pytest.mark.parametrize("to", [None, {"96598765432": "Sara"}, b"96598765432", True])
def test_something_that_holds_no_addresses_is_a_type_error(walk, to):
    """A slip in the call is raised, and says what to give."""
    with pytest.raises(TypeError, match="give an address or an iterable"):
        walk.send(MemoryTransport(), to)


def test_a_cell_of_a_table_is_an_address(walk):
    """Libraries for tables give a number as a float."""
    report = walk.send(MemoryTransport(), [96598765432.0, 96598765433, float("nan")])
    assert [receipt.outcome for receipt in report] == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.REJECTED]


def test_a_hole_in_a_list_costs_only_itself(walk):
    """None in the middle of a long list is a rejected recipient, not the end of the campaign."""
    report = walk.send(MemoryTransport(), [NUMBER, None, "96598765433"])
    assert [len(report.accepted), len(report.rejected)] == [2, 1]


def test_batches_are_as_large_as_the_transport_can_take(walk, numbers):
    """250 numbers are two requests where 200 fit into one."""
    transport = MemoryTransport()
    walk.send(transport, numbers(250))
    assert [len(batch) for batch in transport.batches] == [200, 50]
    assert [batch.number for batch in transport.batches] == [1, 2]


def test_a_full_queue_is_waited_out_and_then_works(walk, recorder):
    """What was certainly not sent is tried again on the provider's schedule."""
    transport = MemoryTransport([QUEUE_FULL, QUEUE_FULL])
    report = walk.send(transport, NUMBER)
    assert len(report.accepted) == 1
    assert len(transport.batches) == 3
    assert walk.clock.sleeps == [30, 60]
    assert [event.wait for event in recorder.named("retry_scheduled")] == [30, 60]
    assert [attempt.error.code if attempt.error else None for attempt in report[0].attempts] == [
        "ERR013",
        "ERR013",
        None,
    ]


def test_a_queue_that_stays_full_ends_as_rejected_after_four_tries(walk):
    """30, 60 and 120 seconds are waited for, then the caller gets the reason."""
    transport = MemoryTransport([QUEUE_FULL] * 9)
    report = walk.send(transport, NUMBER)
    assert walk.clock.sleeps == [30, 60, 120]
    assert len(transport.batches) == 4
    assert (report.rejected[0].code, report.rejected[0].retry_after) == ("ERR013", 30)


def test_an_unknown_outcome_is_never_tried_again(walk):
    """Nobody knows whether it was sent, so sending it again could send it twice."""
    transport = MemoryTransport([LOST])
    report = walk.send(transport, NUMBER)
    assert len(transport.batches) == 1
    assert report.unknown[0].error is LOST
    assert "before you send it again" in report.unknown[0].advice


def test_a_single_send_returns_the_wait_and_a_batch_waits(walk, numbers):
    """The fifteen seconds between messages to one number hold up a campaign, not a web request."""
    alone = walk.send(MemoryTransport([TOO_SOON]), NUMBER)
    assert (alone.rejected[0].code, alone.rejected[0].retry_after, walk.clock.sleeps) == ("ERR028", 16, [])

    many = walk.send(MemoryTransport([TOO_SOON]), numbers(2))
    assert (len(many.accepted), walk.clock.sleeps) == (2, [16])


def test_receipts_before_and_after_a_failure_survive_it(walk, numbers):
    """A lost answer in the middle takes nothing away from the batches around it."""
    transport = MemoryTransport(
        [Submission("first", cost=2), LOST, Submission("third", cost=1)], Capabilities(batch_size=2)
    )
    report = walk.send(transport, numbers(5))
    assert [receipt.outcome for receipt in report] == [Outcome.ACCEPTED] * 2 + [Outcome.UNKNOWN] * 2 + [
        Outcome.ACCEPTED
    ]
    assert report.message_ids == ("first", "third")
    assert report.cost == 3
    assert [receipt.batch for receipt in report] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("error", [AuthFailed, OutOfCredit, ContentRejected])
def test_what_the_next_batch_would_meet_as_well_ends_the_send(walk, numbers, error):
    """A wrong password is asked about once, and everybody behind it is rejected without a request."""
    transport = MemoryTransport([error("No.", "ERR003")], Capabilities(batch_size=2))
    report = walk.send(transport, numbers(6))
    assert len(transport.batches) == 1
    assert [receipt.code for receipt in report.rejected] == ["ERR003"] * 6
    assert [len(receipt.attempts) for receipt in report] == [1, 1, 0, 0, 0, 0]


def test_a_batch_that_is_not_reached_does_not_end_the_send(walk, numbers):
    """The network may be back for the next batch."""
    transport = MemoryTransport([NotReached("No.")] * 3, Capabilities(batch_size=2))
    report = walk.send(transport, numbers(4))
    assert [receipt.outcome for receipt in report] == [Outcome.REJECTED] * 2 + [Outcome.ACCEPTED] * 2
    assert walk.clock.sleeps == [0.5, 2.0]


def test_single_recipients_of_a_taken_batch_may_be_refused(walk, numbers):
    """The provider took the batch without one of its numbers."""
    first, second = numbers(2)
    refused = {first: InvalidRecipient("Not here.", "ERR025")}
    report = walk.send(MemoryTransport([Submission("id", refused=refused)]), [first, second])
    assert [receipt.outcome for receipt in report] == [Outcome.REJECTED, Outcome.ACCEPTED]
    assert report.rejected[0].code == "ERR025"


def test_a_transport_that_breaks_leaves_an_unknown_outcome(walk, recorder):
    """Nobody can say how far a transport got before it raised something of its own."""
    report = walk.send(MemoryTransport([ZeroDivisionError("secret 96598765432")]), NUMBER)
    assert report.unknown[0].code == "ZeroDivisionError"
    (failure,) = recorder.named("plugin_failed")
    assert (failure.kind, failure.plugin) == ("transport", "memory")
    assert NUMBER not in failure.traceback


def test_every_recipient_has_a_receipt_after_the_deadline(walk, numbers):
    """A retry that would end after the deadline is not waited for, and who comes later is skipped."""
    transport = MemoryTransport(
        [Submission("a"), QUEUE_FULL], Capabilities(batch_size=1, rate_limit=RateLimit(0.1, "slow"))
    )
    report = walk.send(transport, numbers(4), deadline=25)
    assert [receipt.outcome for receipt in report] == [
        Outcome.ACCEPTED,
        Outcome.REJECTED,
        Outcome.ACCEPTED,
        Outcome.SKIPPED,
    ]
    assert report[3].skipped is SkipReason.DEADLINE
    assert walk.clock.monotonic() <= 25


def test_each_request_gets_no_more_time_than_the_send_has_left(walk):
    """The deadline of the send is a limit for its last request as well."""
    seen = []

    class Timed(MemoryTransport):
        def send(self, batch: Batch, timeout: float) -> Submission:
            seen.append(timeout)
            return super().send(batch, timeout)

    walk.send(Timed(), NUMBER, deadline=4)
    walk.send(Timed(), NUMBER)
    assert seen == [4, 15]


def test_requests_are_spaced_by_the_transports_rate_limit(walk, numbers):
    """Two a second means half a second between two starts, and none before the first."""
    transport = MemoryTransport(capabilities=Capabilities(batch_size=1, rate_limit=RateLimit(2, "account")))
    walk.send(transport, numbers(4))
    assert walk.clock.sleeps == pytest.approx([0.5, 0.5, 0.5])


def test_a_message_that_would_be_refused_is_not_sent(walk, numbers):
    """What the transport knows beforehand costs no request."""
    refusal = ContentRejected("Empty.", "ERR009")
    transport = MemoryTransport(capabilities=Capabilities(check=lambda message: refusal))
    report = walk.send(transport, numbers(2), "🎉")
    assert transport.batches == []
    assert [receipt.code for receipt in report.rejected] == ["ERR009", "ERR009"]


def test_message_fields_reach_the_transport(walk):
    """Sender, tags, channel and key are what the caller said."""
    transport = MemoryTransport()
    walk.send(transport, NUMBER, "Hi", sender="ACME", tags=["otp"], idempotency_key="k-1")
    message = transport.batches[0].message
    assert (message.text, message.sender, message.tags) == ("Hi", "ACME", ("otp",))
    assert (message.channel, message.idempotency_key) == (Channel.SMS, "k-1")


def test_another_transport_may_be_named_for_one_call(walk):
    """``via`` wins over the notifier's own transport for that call."""
    own, other = MemoryTransport(), MemoryTransport()
    walk.send(own, NUMBER, via=other)
    assert (len(own.batches), len(other.batches)) == (0, 1)


def test_a_channel_without_a_normalizer_says_so(walk):
    """An e-mail address without an e-mail plugin is rejected with what to install."""
    host = PluginHost(entry_points=False, disable=["email"])
    report = walk.send(MemoryTransport(), "a@example.com", channel="email", parts={"host": host})
    assert "Install a plugin for this channel" in report.rejected[0].advice


def test_streamed_receipts_come_as_they_are_known(walk, numbers):
    """Every recipient has exactly one receipt, whatever the order."""
    receipts = walk.stream(MemoryTransport(capabilities=Capabilities(batch_size=3)), ["abc", *numbers(7)])
    assert sorted(receipt.position for receipt in receipts) == list(range(8))


def test_a_stream_looks_back_over_a_window_for_duplicates(walk, numbers):
    """Constant memory has a price: a duplicate further away than the window is sent to again."""
    first, second, third = numbers(3)
    settings = {
        "settings": attrs.evolve(Notifier("null", host=PluginHost(entry_points=False)).settings, dedupe_window=2)
    }
    receipts = walk.stream(MemoryTransport(), [first, first, second, third, first], parts=settings)
    outcomes = [r.outcome for r in sorted(receipts, key=lambda r: r.position)]
    assert outcomes == [Outcome.ACCEPTED, Outcome.SKIPPED, Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.ACCEPTED]


def test_sending_stops_when_the_caller_stops_iterating(numbers):
    """A consumer that breaks off after the first receipt gets no second request."""
    transport = MemoryTransport(capabilities=Capabilities(batch_size=1))
    with Notifier(transport, host=PluginHost(entry_points=False)) as notifier:
        for _ in notifier.stream(numbers(3), "Hello"):
            break
    assert len(transport.batches) == 1


def test_a_plan_says_everything_and_sends_nothing(numbers):
    """Recipients, batches and those excluded, without a request."""
    transport = MemoryTransport(capabilities=Capabilities(batch_size=2))
    with Notifier(transport, host=PluginHost(entry_points=False)) as notifier:
        plan = notifier.plan([*numbers(3), "abc", numbers(1)[0]], "Hello")
    assert transport.batches == []
    assert [recipient.address for recipient in plan.recipients] == numbers(3)
    assert [len(batch) for batch in plan.batches] == [2, 1]
    assert [receipt.outcome for receipt in plan.excluded] == [Outcome.REJECTED, Outcome.SKIPPED]


class Shouting:
    """A cleaner that puts a text into capitals."""

    name = "shouting"

    def clean(self, text: str, channel: Channel) -> Cleaned:
        """Shout."""
        from notifykit import Edit

        return Cleaned(text.upper(), (Edit(0, len(text), text, text.upper(), "shouting", self.name),))


class Broken:
    """A normalizer, cleaner and sink that never works."""

    name = "broken"

    def normalize(self, raw: str, channel: Channel) -> None:
        """Break."""
        raise LookupError(f"can't stand {raw}")

    def clean(self, text: str, channel: Channel) -> Cleaned:
        """Break."""
        raise LookupError(f"can't stand {text}")

    def handle(self, event: object) -> None:
        """Break."""
        raise LookupError("can't stand it")


def _host_with(strict: bool = False, **brought: object) -> PluginHost:
    from notifykit import hookimpl

    class Plugin:
        """A plugin made of what it is given."""

        def __init__(self) -> None:
            for kind, item in brought.items():
                setattr(self, f"notifykit_{kind}", hookimpl(lambda settings, item=item: [item]))

    host = PluginHost(entry_points=False, strict=strict)
    host.register(Plugin(), "brought")
    return host


def test_cleaners_change_the_text_and_the_report_says_how(walk):
    """The edits replayed on what the caller wrote give what was sent."""
    transport = MemoryTransport()
    report = walk.send(transport, NUMBER, "hi", parts={"host": _host_with(cleaners=Shouting())})
    assert transport.batches[0].message.text == report.message.text == "HI"
    assert replay("hi", report.edits) == "HI"


@pytest.mark.parametrize("kind", ["normalizers", "cleaners", "sinks"])
def test_something_broken_is_passed_over_and_the_message_goes_on(walk, recorder, kind):
    """A plugin that raises on the way can't stop a good message, and nothing of the message is in what is noted."""
    report = walk.send(MemoryTransport(), NUMBER, "A code 1234567", parts={"host": _host_with(**{kind: Broken()})})
    assert len(report.accepted) == 1
    for event in recorder.named("plugin_failed"):
        assert "LookupError" in event.traceback
        assert NUMBER not in event.traceback
        assert "1234567" not in event.traceback
    assert len(recorder.named("plugin_failed")) == (0 if kind == "sinks" else 1)


@pytest.mark.parametrize("kind", ["normalizers", "cleaners", "sinks"])
def test_strict_makes_something_broken_an_error(walk, kind):
    """In strict mode the same is a PluginError that names what raised."""
    transport = MemoryTransport()
    with pytest.raises(PluginError, match="LookupError"):
        walk.send(transport, NUMBER, parts={"host": _host_with(strict=True, **{kind: Broken()})})
    assert transport.batches == []


def test_a_report_refuses_to_be_true_or_false(walk):
    """``if notifier.send(…)`` would hide an unknown outcome, so it says what to ask instead."""
    with pytest.raises(TypeError, match=r"report\.accepted"):
        bool(walk.send(MemoryTransport(), NUMBER))


def test_no_transport_at_all_says_what_to_set(walk):
    """A person who has configured nothing reads the three ways out."""
    with pytest.raises(ConfigError, match="NOTIFYKIT_TRANSPORT") as raised:
        Notifier.from_settings(host=PluginHost(entry_points=False))
    assert "notifykit demo" in str(raised.value)


def test_every_problem_is_in_one_error(tmp_path):
    """A wrong setting, an unknown transport and an unusable log file are reported together."""
    (tmp_path / "notifykit.toml").write_text('timeout = "soon"\ncolour = "red"\n')
    with pytest.raises(ConfigError) as raised:
        Notifier.from_settings(
            "pigeon",
            directory=tmp_path,
            environment={"NOTIFYKIT_STRICT": "perhaps"},
            log_file=str(tmp_path / "no" / "log"),
        )
    reported = str(raised.value)
    for word in ("timeout", "colour", "pigeon", "NOTIFYKIT_STRICT", "log_file"):
        assert word in reported


def test_one_notifier_serves_many_threads(numbers):
    """Eight threads at once: every message arrives once."""
    import concurrent.futures

    transport = MemoryTransport()
    with Notifier(transport, host=PluginHost(entry_points=False)) as notifier:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            reports = list(pool.map(lambda number: notifier.send(number, "Hello"), numbers(200)))
    assert sorted(batch.recipients[0].address for batch in transport.batches) == numbers(200)
    assert all(len(report.accepted) == 1 for report in reports)


def test_nothing_secret_is_in_what_travels():
    """No repr of message, recipient, batch, receipt, plan or report shows a number or the text."""
    with Notifier(MemoryTransport(), host=PluginHost(entry_points=False)) as notifier:
        report = notifier.send([NUMBER, "call me"], "The code is 778899")
        plan = notifier.plan([NUMBER, "call me"], "The code is 778899")
    for thing in (report, plan, *report, *plan.batches, report.message, Message("The code is 778899"), plan.recipients):
        for shown in (repr(thing), str(thing)):
            assert NUMBER not in shown
            assert "778899" not in shown
            assert "call me" not in shown


def test_the_last_recipient_of_a_campaign_is_no_single_send(walk, numbers):
    """Its fifteen seconds are waited for, although it is alone in its batch."""
    transport = MemoryTransport([Submission("a"), TOO_SOON], Capabilities(batch_size=2))
    assert len(walk.send(transport, numbers(3)).accepted) == 3
    assert walk.clock.sleeps == [16]


def test_a_provider_that_is_not_available_is_left_to_the_caller(walk):
    """Something between us and the provider may have said so after the request went through."""
    transport = MemoryTransport([ProviderUnavailable("Busy.", "HTTP503", waits=(2.0,))])
    (receipt,) = walk.send(transport, NUMBER).rejected
    assert (receipt.retry_after, len(transport.batches)) == (2.0, 1)


def test_what_was_confirmed_survives_an_interrupt(walk, numbers):
    """Ctrl-C in the second batch takes the report of the first along."""

    def interrupt(batch: Batch) -> Submission:
        raise KeyboardInterrupt

    transport = MemoryTransport([Submission("first"), interrupt], Capabilities(batch_size=2))
    with pytest.raises(KeyboardInterrupt) as raised:
        walk.send(transport, numbers(4))
    assert raised.value.report.message_ids == ("first",)


def test_recipients_that_break_off_half_way_send_nothing(walk, numbers):
    """A list that can't be read to its end is no list: nobody is sent to, so sending again is safe."""

    def broken():
        yield from numbers(3)
        raise OSError("the file is gone")

    transport = MemoryTransport(capabilities=Capabilities(batch_size=1))
    with pytest.raises(OSError, match="the file is gone"):
        walk.send(transport, broken())
    assert transport.batches == []


class Careless:
    """A normalizer and cleaner that returns something of the wrong kind, and a sink that raises."""

    name = "careless"

    def normalize(self, raw: str, channel: Channel) -> str:
        """Return the wrong thing."""
        return raw

    def clean(self, text: str, channel: Channel) -> str:
        """Return the wrong thing."""
        return text

    def handle(self, event: object) -> None:
        """Raise."""
        raise LookupError


@pytest.mark.parametrize("kind", ["normalizers", "cleaners", "sinks"])
def test_a_wrong_answer_is_passed_over_like_an_exception(walk, kind):
    """Neither a str where a model belongs nor an exception stops a good message."""
    assert len(walk.send(MemoryTransport(), NUMBER, parts={"host": _host_with(**{kind: Careless()})}).accepted) == 1


def test_strict_loses_nothing_that_was_sent(walk):
    """What a sink raises after the message is out comes with the report."""

    class Late(Careless):
        def handle(self, event: object) -> None:
            if event.name == "attempt_finished":
                raise LookupError

    with pytest.raises(PluginError) as raised:
        walk.send(MemoryTransport([Submission("id")]), NUMBER, parts={"host": _host_with(strict=True, sinks=Late())})
    assert raised.value.report.message_ids == ("id",)


def test_strict_records_a_transport_that_broke_before_it_raises(walk, recorder):
    """The log has the unknown outcome, and the report too."""
    with pytest.raises(PluginError) as raised:
        walk.send(MemoryTransport([ZeroDivisionError()]), NUMBER, parts={"host": _host_with(strict=True)})
    assert len(raised.value.report.unknown) == 1
    assert [event.outcome for event in recorder.named("attempt_finished")] == ["unknown"]


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"text": None}, TypeError, "text is a NoneType"),
        ({"text": b"x"}, TypeError, "text is a bytes"),
        ({"sender": 12}, TypeError, "sender is a int"),
        ({"tags": [1]}, TypeError, "a tag is a int"),
        ({"deadline": "5"}, TypeError, "deadline is a str"),
        ({"channel": "SMS"}, ValueError, "sms, email, push"),
        ({"via": 5}, ConfigError, "a int carries nothing"),
        ({"via": MemoryTransport}, ConfigError, "the class MemoryTransport"),
        ({"via": "pigeon"}, ConfigError, "no plugin brings 'pigeon'"),
    ],
)
def test_mistakes_in_the_call_are_raised_before_anything_is_sent(walk, options, kind, said):
    """Each says what it is and what to give."""
    transport = MemoryTransport()
    options = {"text": "Hello", **options}
    with pytest.raises(kind, match=said):
        walk.send(transport, NUMBER, **options)
    assert transport.batches == []


def test_one_tag_may_be_a_plain_text(walk, recorder):
    """``tags="otp"`` is one tag, not three letters."""
    walk.send(MemoryTransport(), NUMBER, tags="otp")
    assert recorder.named("message_planned")[0].tags == ("otp",)


def test_objects_that_are_no_sinks_are_reported_at_once():
    """Not with the first message."""
    with pytest.raises(ConfigError, match=r"sinks: the sink .* lacks"):
        Notifier("null", host=PluginHost(entry_points=False), sinks=[object()])


def test_a_channel_that_the_transport_does_not_carry_is_refused(walk):
    """A push message does not go out as an SMS."""
    transport = MemoryTransport(capabilities=Capabilities())
    (receipt,) = walk.send(transport, NUMBER, channel="push").rejected
    assert transport.batches == []
    assert receipt.advice


def test_a_closed_notifier_says_so():
    """And not that the message may have been sent."""
    notifier = Notifier("null", host=PluginHost(entry_points=False))
    notifier.close()
    with pytest.raises(RuntimeError, match="this notifier is closed"):
        notifier.send(NUMBER, "Hello")


def test_events_travel_to_other_processes_redacted(walk, recorder):
    """A pickled event has the redacted recipients, and not the others."""
    import pickle

    walk.send(MemoryTransport(), [NUMBER, "96598765433"])
    (event,) = recorder.named("attempt_finished")
    packed = pickle.dumps(event)
    assert [recipient.to for recipient in pickle.loads(packed).recipients] == ["965****5432", "965****5433"]
    assert NUMBER.encode() not in packed


def test_errors_on_receipts_hold_no_frames(walk):
    """The variables of a frame are what was sent: a receipt's error has no traceback to show them."""
    (receipt,) = walk.send(MemoryTransport([LOST]), NUMBER).unknown
    assert receipt.error.__traceback__ is None


def test_an_interrupt_when_a_retry_starts_to_wait_keeps_the_rejection(clock):
    """What the provider answered is handed over before the interrupt is raised."""
    with Notifier(MemoryTransport(), host=PluginHost(entry_points=False), clock=clock) as notifier:
        components = notifier._components
        send = components.context(None, None, window=None)
        batch = Batch(components.message("Hello", None, "sms", (), None), (Recipient("96598765432"),), (0,))
        context = BatchContext(send, SendState({}))
        attempts = attempt_with_retries(send.transport, batch, context)
        request = next(attempts)
        assert isinstance(request, ProviderRequest)
        wait = attempts.send(RequestResult(request, RateLimited("The queue is full.", "ERR013"), clock.monotonic()))
        assert isinstance(wait, Sleep)
        with pytest.raises(StopIteration) as ended:
            attempts.throw(KeyboardInterrupt())
    assert [(receipt.outcome, receipt.code) for receipt in ended.value.value] == [("rejected", "ERR013")]
    assert isinstance(context.state.interrupt, KeyboardInterrupt)


class Speechless(MemoryTransport):
    """A transport that can't be printed."""

    def __repr__(self) -> str:
        raise ZeroDivisionError

    __str__ = __repr__


def test_a_transport_that_can_not_be_printed_breaks_no_receipt_and_no_event(walk, recorder):
    """Its name stands for it."""
    (receipt,) = walk.send(Speechless(), NUMBER)
    assert receipt.outcome is Outcome.ACCEPTED
    assert [attempt.transport for attempt in receipt.attempts] == ["memory"]
    assert [event.transport for event in recorder.named("attempt_finished")] == ["memory"]
    (receipt,) = walk.send(Failover(Speechless([ZeroDivisionError()]), MemoryTransport()), NUMBER, move_unknown=True)
    assert receipt.outcome is Outcome.ACCEPTED
