"""What every transport promises, whatever it talks to."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

import attrs
import pytest

from notifykit.errors import TransportError
from notifykit.events import Event
from notifykit.hookspecs import hookimpl
from notifykit.models.capabilities import Capabilities, Measurement
from notifykit.models.message import Channel, Message
from notifykit.models.plan import Batch
from notifykit.models.receipt import Outcome, Report, Submission
from notifykit.models.recipient import Recipient
from notifykit.pipeline.clock import VirtualClock
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.protocols import ShowsRequests, Transport
from notifykit.settings.dsn import Dsn
from notifykit.testing.contracts.base import THREADS, THREADS_CURE, Contract, chain, clause, fragments, not_intercepted

#: A text that can be found again in a log.
TEXT: Final = "Xyzzy-Plugh 778899"
#: Recipients of each channel.
_PEOPLE: Final = {
    Channel.SMS: ("96550418273", "96566129384", "96597315264"),
    Channel.EMAIL: ("fatima.alsabah@example.com", "yousef.alrashid@example.com", "maryam.alali@example.com"),
    Channel.PUSH: ("fatimas-phone-0001", "yousefs-phone-0002", "maryams-phone-0003"),
}


class TransportContract(Contract):
    """Subclass it, and name your transport: ``def transport(self): return Mine()``.

    It has to accept what it is given: for one that talks to a server there is
    :class:`~notifykit.testing.contracts.wire.WireContract`, which brings the server.
    """

    #: The medium that it is for.
    channel: ClassVar[Channel] = Channel.SMS
    #: Canonical addresses that it accepts; some of the channel where none are named.
    to: ClassVar[Sequence[str]] = ()
    #: Seconds that a send may take.
    timeout: ClassVar[float] = 10.0

    def transport(self) -> Transport:
        """Return a new one of your transports, which accepts what it is given. Leave :attr:`folder` for its files."""
        raise NotImplementedError("say what is tested: def transport(self): return MyTransport(…)")

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]] | None:
        """Return address and text of everything that arrived, in order; None where that can't be seen.

        :param transport: the one that sent it.
        """
        return None

    # --- the clauses ---

    @clause(
        "Give it name, capabilities, send(batch, timeout) and close(); name its medium in `channel` of the contract."
    )
    def test_it_has_a_name_and_capabilities(self) -> None:
        """It is a transport: a name of one word, and Capabilities that do not change and have the contract's channel."""
        transport = self._new()
        self.promise(isinstance(transport, Transport), got=type(transport).__name__)
        self.must_be_named(transport, transport)
        first: Any = transport.capabilities
        same = isinstance(first, Capabilities) and first == transport.capabilities
        self.promise(same and self.channel in first.channels, got=first)

    @clause("Decide by the argument alone, and return what the protocol says.")
    def test_its_capabilities_answer_for_any_text(self) -> None:
        """``measure``, ``check`` and ``price`` are pure: an answer for every text, the same twice, and no exception."""
        able = self._new().capabilities
        person = self._recipients()[0]

        def check(text: str) -> None:
            message = Message(text, self.channel, id="0" * 32)
            questions: tuple[tuple[str, Callable[..., object] | None, tuple[object, ...], Any], ...] = (
                ("measure", able.measure, (text,), Measurement),
                ("check", able.check, (message,), TransportError | None),
                ("price", able.price, (person, 1), float | int | None),
            )
            for name, function, arguments, kinds in questions:
                if function is not None:
                    promised = f"{name} answers for any text"
                    one, two = (self.must_not_raise(promised, text, function, *arguments) for _ in range(2))
                    self.promise(isinstance(one, kinds) and str(one) == str(two), given=text, got=(name, one, two))

        self.for_all(check, text=_texts())

    @clause('Return what would build it, as notifykit.Dsn writes it: "acme://default?sender=X".')
    def test_it_is_described_by_a_dsn(self) -> None:
        """Its ``str`` is a DSN that means the same when it is read and written: it names the transport in logs."""
        shown = str(self._new())
        again = str(self.must_not_raise("its str is a DSN that can be read", shown, Dsn.parse, shown))
        self.promise(Dsn.parse(again) == Dsn.parse(shown), given=shown, got=again)

    @clause("Leave passwords out of str and repr, and addresses out of describe().")
    def test_it_shows_no_secret(self) -> None:
        """Neither ``str`` nor ``repr`` has a password, and a request that it shows has no address either."""
        transport = self._new()
        self.must_hide(f"{transport} {transport!r} {transport.capabilities!r}", "its str, repr or capabilities")
        if isinstance(transport, ShowsRequests):
            batch = self.batch()
            people = [part for person in batch.recipients for part in fragments(person.address)]
            self.must_hide(transport.describe(batch), "the request that describe() shows", *people)

    @clause("Return Submission(message_id=…), and raise a TransportError for everything that is no yes.")
    def test_an_accepted_batch_is_a_submission(self) -> None:
        """A batch that is accepted is answered by a Submission, with one recipient or as many as it may have."""
        transport = self._new()
        for size in sorted({1, self._most(transport)}):
            batch = self.batch(size=size)
            answer = self._accepted(transport, batch)
            self.promise(isinstance(answer, Submission), given=batch, got=answer)

    @clause("Look for what the provider names among batch.recipients; put other addresses into warnings.")
    def test_refused_recipients_are_of_the_batch(self) -> None:
        """``refused`` names recipients of the batch, by the address that they have there."""
        transport = self._new()
        batch = self.batch(size=self._most(transport))
        strangers = set(self._accepted(transport, batch).refused) - {person.address for person in batch.recipients}
        self.promise(not strangers, given=batch, got=f"{len(strangers)} that are not in the batch")

    @clause("Go through batch.recipients from first to last.")
    def test_order_is_kept(self) -> None:
        """All recipients get the message, in the order in which they were given."""
        transport = self._new()
        size = transport.capabilities.batch_size
        people = self._recipients()[::-1]
        for start in range(0, len(people), size):
            self._accepted(transport, self.batch(people=people[start : start + size]))
        arrived = self.arrived(transport)
        if arrived is None:
            pytest.skip("what arrived can't be seen: write arrived(self, transport) to have it looked at")
        addresses = [address for address, _ in arrived]
        self.promise(addresses == [person.address for person in people], given=people, got=addresses)

    @clause("Return a Submission for a good batch; name addresses that your transport accepts in `to` of the contract.")
    def test_each_recipient_has_one_receipt_in_order(self) -> None:
        """Through a Notifier, each recipient has one receipt, in the caller's order, and is accepted."""
        people = [*self._recipients(), *self._recipients()[::-1]]
        addresses = [person.address for person in people]
        report, _ = self._sent(self._new(), addresses)
        got = [(receipt.position, receipt.to) for receipt in report]
        self.promise(got == list(enumerate(addresses)), given=people, got=got)
        first = report[: len(self._recipients())]
        accepted = all(receipt.outcome is Outcome.ACCEPTED for receipt in first)
        self.promise(accepted, got=[str(receipt) for receipt in first])

    @clause("Leave passwords, addresses and texts out of what you log and raise.")
    def test_nothing_secret_is_shown(self) -> None:
        """No event, log record or receipt has a password, an address in clear or the text."""
        report, shown = self._sent(self._new(), [person.address for person in self._recipients()])
        self._must_hide_people(report, shown)

    @clause("Look at the text before anything is sent, and raise ContentRejected for what you can't send.")
    def test_any_text_is_accepted_or_refused(self) -> None:
        """For any text ``send`` returns a Submission or raises a TransportError: anything else counts as unknown."""
        transport = self._new()

        def check(text: str) -> None:
            answer = self._result(transport, self.batch(text))
            self.promise(isinstance(answer, Submission | TransportError), given=text, got=answer)

        for text in ("", "\ud83d", "\x00", "\r\n.\r\n", "ا" * 2000):
            check(text)
        self.for_all(check, text=_texts())

    @clause(THREADS_CURE)
    def test_it_is_safe_under_threads(self) -> None:
        """Several threads can send at once: each is answered, and each message arrives once and unmixed."""
        transport = self._new()
        people = self._recipients()
        messages = [
            [(people[(number + turn) % len(people)], f"text {number} {turn}.") for turn in range(4)]
            for number in range(THREADS)
        ]

        def work(number: int) -> None:
            for person, text in messages[number]:
                answer = self._accepted(transport, self.batch(text, people=[person]))
                self.promise(isinstance(answer, Submission), got=answer)

        self.in_threads(work)
        arrived = self.arrived(transport)
        if arrived is not None:
            expected = sorted((person.address, text) for some in messages for person, text in some)
            self.promise(
                sorted((address, text.strip()) for address, text in arrived) == expected,
                given=f"{len(expected)} messages",
                got=f"{len(arrived)} messages, {len(set(arrived))} of them different",
            )

    @clause('Raise NotReached("The transport is closed.", waits=()) before anything is sent.')
    def test_it_can_be_closed_twice(self) -> None:
        """It can be closed twice, and a send after that is accepted, or certainly not sent."""
        transport = self._new()
        batch = self.batch()
        self._accepted(transport, batch)
        for _ in range(2):
            self.must_not_raise("it can be closed, and closed again", None, transport.close)
        answer = self._result(transport, batch)
        self.promise(isinstance(answer, Submission) or is_certain(answer), got=answer)

    @clause("Use plain values in submissions and errors.")
    def test_its_answers_pickle(self) -> None:
        """Submissions and errors pickle, and the copies are the same."""
        transport = self._new()
        answers: list[Any] = [self._accepted(transport, self.batch())]
        able = transport.capabilities
        if able.check:
            answers += [able.check(Message(text, self.channel)) for text in ("", "\ud83d", "x" * 100_000)]
        for answer in filter(None, answers):
            copy = self.pickled(answer, "an answer")
            self.promise(repr(copy) == repr(answer), given=answer, got=copy)

    # --- for clauses ---

    def batch(self, text: str = TEXT, *, size: int = 1, people: Sequence[Recipient] | None = None) -> Batch:
        """Return a batch to send."""
        chosen = tuple(people if people is not None else self._recipients()[:size])
        return Batch(Message(text, self.channel), chosen, tuple(range(len(chosen))))

    def _recipients(self) -> list[Recipient]:
        return [Recipient(address, self.channel) for address in self.to or _PEOPLE[self.channel]]

    def _most(self, transport: Transport) -> int:
        return min(len(self._recipients()), transport.capabilities.batch_size)

    def _new(self) -> Transport:
        return self.closing(self.transport())

    def _accepted(self, transport: Transport, batch: Batch) -> Submission:
        return self.must_not_raise("a good batch is accepted", batch, transport.send, batch, self.timeout)

    def _result(self, transport: Transport, batch: Batch, timeout: float | None = None) -> object:
        """Return what a send returns or raises."""
        try:
            return transport.send(batch, timeout or self.timeout)
        except Exception as error:  # the exception is the result
            return error

    def _sent(self, transport: Transport, addresses: Sequence[str], text: str = TEXT) -> tuple[Report, str]:
        """Send through the pipeline, and return the report, and all events and log records as text."""
        events, records = _Events(), _Records()
        root = logging.getLogger()
        before = root.level
        host = PluginHost(entry_points=False)
        host.register(_Verbatim(self.channel), "contract")
        root.addHandler(records)
        root.setLevel(logging.DEBUG)
        try:
            with not_intercepted(), Notifier(transport, host=host, clock=VirtualClock(), sinks=[events]) as notifier:
                report = notifier.send(addresses, text, channel=self.channel, deadline=3600)
        finally:
            root.removeHandler(records)
            root.setLevel(before)
        shown = [f"{event!r} {list(getattr(event, 'recipients', None) or ())!r}" for event in events.all]
        return report, "\n".join((*shown, *records.lines))

    def _must_hide_people(self, report: Report, shown: str) -> None:
        """Look for secrets in everything that a program, a log or a traceback may show of a send."""
        people = [part for person in self._recipients() for part in (*fragments(person.address), *_token(person))]
        self.must_hide(shown, "an event or a log record", TEXT, *people)
        texts = [repr(report), str(report)]
        for receipt in report:
            # The recipient's own address in clear is what the receipt is for; it is in no repr.
            texts += [repr(receipt), str(receipt), receipt.advice, repr(receipt.attempts), repr(receipt.submission)]
            for error in chain(receipt.error):
                # The variables of every frame, as the most verbose tools show them.
                trace = traceback.TracebackException.from_exception(error, capture_locals=True)
                texts += [repr(error), str(error), *trace.format(chain=False)]
        self.must_hide("\n".join(texts), "a receipt, an error or its traceback", TEXT, *people)


class _Events:
    """A sink that keeps the events."""

    name = "contract-events"

    def __init__(self) -> None:
        self.all: list[Event] = []

    def handle(self, event: Event) -> None:
        self.all.append(event)


class _Records(logging.Handler):
    """Keeps what is logged, with its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        extras = {name: value for name, value in vars(record).items() if name.startswith("nk_")}
        self.lines.append(f"{self.format(record)} {extras}")


@attrs.frozen
class _Verbatim:
    """A plugin with one normalizer, itself, that takes canonical addresses as they are."""

    channel: Channel
    name = "as-given"

    @hookimpl(tryfirst=True)
    def notifykit_normalizers(self) -> list[_Verbatim]:
        return [self]

    def normalize(self, raw: str, channel: Channel) -> Recipient | None:
        return Recipient(raw, channel, raw=raw) if channel is self.channel else None


def is_certain(answer: object) -> bool:
    """Return whether an answer says that nothing was sent."""
    return isinstance(answer, TransportError) and answer.safe_to_resend


def _texts() -> Any:
    from hypothesis import strategies as st

    from notifykit.testing.strategies import any_text, texts

    return st.one_of(any_text(), texts())


def _token(person: Recipient) -> tuple[str, ...]:
    return (person.address,) if person.channel is Channel.PUSH and len(person.address) > 7 else ()
