"""What every transport promises, whatever it talks to."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import attrs

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
from notifykit.testing.contracts.promises import Contract, chain, fragments, on_its_way

#: A text that can be found again wherever it turns up.
TEXT: Final = "Xyzzy-Plugh 778899"
_PEOPLE: Final = {
    Channel.SMS: ("96550418273", "96566129384", "96597315264"),
    Channel.EMAIL: ("fatima.alsabah@example.com", "yousef.alrashid@example.com", "maryam.alali@example.com"),
    Channel.PUSH: ("fatimas-phone-0001", "yousefs-phone-0002", "maryams-phone-0003"),
}


class TransportContract(Contract):
    """Subclass it, and name your transport: ``def transport(self): return Mine()``.

    It has to take what it is given: for one that talks to a server there is
    :class:`~notifykit.testing.contracts.on_the_wire.WireContract`, which brings the server.
    """

    #: The medium that it carries.
    channel: ClassVar[Channel] = Channel.SMS
    #: Canonical addresses that it takes; some of the channel where none are named.
    to: ClassVar[Sequence[str]] = ()
    #: Seconds that a send may take.
    timeout: ClassVar[float] = 10.0

    def transport(self) -> Transport:
        """Return a new one of your transports, which takes what it is given. Leave :attr:`folder` for its files."""
        raise NotImplementedError("say what is tested: def transport(self): return MyTransport(…)")

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]] | None:
        """Return address and text of everything that arrived, in order; None where nobody can see that.

        :param transport: the one that was sent by.
        """
        return None

    # --- the clauses ---

    def test_it_has_a_name_and_capabilities(self) -> None:
        """It is a transport: a name of one word, and capabilities that name a channel and do not change."""
        transport = self._connected()
        cure = "Give it name, capabilities, send(batch, timeout) and close()."
        self.promise(isinstance(transport, Transport), "it is a transport", cure, got=type(transport).__name__)
        self.is_a_name(transport.name)
        first: Any = transport.capabilities
        second = transport.capabilities
        self.promise(
            isinstance(first, Capabilities) and first == second and self.channel in first.channels,
            f"its capabilities are Capabilities that stay the same, with {self.channel.value} among their channels",
            "Make them an attribute; name the medium in `channel` of the contract.",
            got=first,
        )

    def test_its_capabilities_answer_for_any_text(self) -> None:
        """``measure``, ``check`` and ``price`` are pure: an answer for every text, the same twice, and no exception."""
        able = self._connected().capabilities
        person = self._recipients()[0]

        def check(text: str) -> None:
            message = Message(text, self.channel, id="0" * 32)
            for name, function, argument, kinds in (
                ("measure", able.measure, (text,), Measurement),
                ("check", able.check, (message,), TransportError | None),
                ("price", able.price, (person, 1), float | int | None),
            ):
                if function is None:
                    continue
                answers = [self.calmly(f"{name} answers for any text", text, function, *argument) for _ in range(2)]
                self.promise(
                    isinstance(answers[0], kinds) and str(answers[0]) == str(answers[1]),
                    f"{name} gives what the protocol says, and the same twice",
                    "Decide by the argument alone.",
                    given=text,
                    got=answers,
                )

        self.for_all(check, text=_texts())

    def test_it_is_described_by_a_dsn(self) -> None:
        """``str`` is a DSN that can be read: it names the transport in logs and receipts."""
        shown = str(self._connected())
        again = self.calmly("its str is a DSN that can be read", shown, Dsn.parse, shown)
        self.promise(
            Dsn.parse(str(again)) == again,
            "its str is a DSN without secrets, which means the same when it is read and written",
            'Return what would build it, as notifykit.Dsn writes it: "acme://default?sender=X".',
            given=shown,
            got=str(again),
        )

    def test_it_shows_no_secret(self) -> None:
        """Neither ``str`` nor ``repr`` has a password, and a request that it shows has no address either."""
        transport = self._connected()
        self.hidden(f"{transport} {transport!r} {transport.capabilities!r}", "its str, repr or capabilities")
        if isinstance(transport, ShowsRequests):
            batch = self.batch()
            people = [part for person in batch.recipients for part in fragments(person.address)]
            self.hidden(transport.describe(batch), "the request that describe() shows", *people)

    def test_what_is_taken_is_answered_by_a_submission(self) -> None:
        """A batch that goes well is answered by a Submission, one recipient or as many as it may have."""
        transport = self._connected()
        for size in sorted({1, min(len(self._recipients()), transport.capabilities.batch_size)}):
            batch = self.batch(size=size)
            answer = self.calmly("a good batch is taken", batch, transport.send, batch, self.timeout)
            self.promise(
                isinstance(answer, Submission),
                "a batch that was taken is answered by a Submission",
                "Return Submission(message_id=…), and raise a TransportError for everything that is no yes.",
                given=batch,
                got=answer,
            )

    def test_whoever_is_refused_is_of_the_batch(self) -> None:
        """``refused`` names recipients of the batch, by the address that they have there."""
        transport = self._connected()
        batch = self.batch(size=min(len(self._recipients()), transport.capabilities.batch_size))
        answer = self.calmly("a good batch is taken", batch, transport.send, batch, self.timeout)
        known = {recipient.address for recipient in batch.recipients}
        self.promise(
            set(answer.refused) <= known,
            "refused addresses are canonical addresses of the batch",
            "Look for what the provider names among batch.recipients; tell of strangers in warnings.",
            given=batch,
            got=f"{len(set(answer.refused) - known)} that are not in the batch",
        )

    def test_order_is_kept(self) -> None:
        """Recipients arrive in the order in which they were given."""
        transport = self._connected()
        size = transport.capabilities.batch_size
        people = self._recipients()[::-1]
        for start in range(0, len(people), size):
            batch = self.batch(people=people[start : start + size])
            self.calmly("a good batch is taken", batch, transport.send, batch, self.timeout)
        arrived = self.arrived(transport)
        if arrived is None:
            import pytest

            pytest.skip("nobody can see what arrived: write arrived(self, transport) to have it looked at")
        self.promise(
            [address for address, _ in arrived] == [person.address for person in people],
            "everybody gets it, in the order in which they were given",
            "Go through batch.recipients from first to last.",
            given=people,
            got=[address for address, _ in arrived],
        )

    def test_everybody_has_one_receipt_in_order(self) -> None:
        """Through a Notifier, each recipient ends with one receipt, in the caller's order, and all are accepted."""
        people = [*self._recipients(), *self._recipients()[::-1]]
        addresses = [person.address for person in people]
        report, _ = self._sent(self._connected(), addresses)
        self.promise(
            [receipt.position for receipt in report] == list(range(len(people)))
            and [receipt.to for receipt in report] == addresses,
            "everybody has one receipt, in the caller's order",
            "Change nothing about the batch.",
            given=people,
            got=[(receipt.position, receipt.recipient) for receipt in report],
        )
        first = report[: len(self._recipients())]
        self.promise(
            all(receipt.outcome is Outcome.ACCEPTED for receipt in first),
            "a good batch is accepted",
            "Return a Submission; name addresses that your transport takes in `to` of the contract.",
            got=[str(receipt) for receipt in first],
        )

    def test_nothing_secret_is_told(self) -> None:
        """No event, log record or receipt has a password, an address in clear or the text."""
        report, told = self._sent(self._connected(), [person.address for person in self._recipients()])
        self._tells_nothing(report, told)

    def test_any_text_is_taken_or_refused(self) -> None:
        """Whatever the text, ``send`` returns a Submission or raises a TransportError: anything else counts as unknown."""
        transport = self._connected()

        def check(text: str) -> None:
            batch = self.batch(text, size=1)
            try:
                answer: object = transport.send(batch, self.timeout)
            except TransportError as error:
                answer = error
            except Exception as error:  # that is the question
                answer = error
            self.promise(
                isinstance(answer, Submission | TransportError),
                "any text is taken, or refused with a TransportError",
                "Look at the text before anything is sent, and raise ContentRejected for what you can't carry.",
                given=text,
                got=answer,
            )

        for text in ("", "\ud83d", "\x00", "\r\n.\r\n", "ا" * 2000):
            check(text)
        self.for_all(check, text=_texts())

    def test_it_is_safe_under_threads(self) -> None:
        """Several threads can send by it at once; nothing is lost, nothing is mixed up."""
        transport = self._connected()
        people = self._recipients()

        def work(number: int) -> list[object]:
            answers: list[object] = []
            for turn in range(4):
                batch = self.batch(f"text {number} {turn}.", people=[people[(number + turn) % len(people)]])
                answers.append(self.calmly("threads can send at once", batch, transport.send, batch, self.timeout))
            return answers

        answers = [answer for some in self.together("several threads can send at once", work) for answer in some]
        self.promise(
            all(isinstance(answer, Submission) for answer in answers),
            "several threads that send at once are all answered",
            "Guard with a lock what threads share.",
            got=answers,
        )
        arrived = self.arrived(transport)
        if arrived is not None:
            expected = sorted(
                (people[(number + turn) % len(people)].address, f"text {number} {turn}.")
                for number in range(8)
                for turn in range(4)
            )
            self.promise(
                sorted((address, text.strip()) for address, text in arrived) == expected,
                "what several threads send arrives once each, and unmixed",
                "Keep nothing of one call on the object where another thread can change it.",
                given=f"{len(expected)} messages",
                got=f"{len(arrived)} messages, {len(set(arrived))} of them different",
            )

    def test_it_can_be_closed_twice(self) -> None:
        """Closing gives everything back; a second time does nothing, and a send after it is refused or goes well."""
        transport = self._connected()
        batch = self.batch(size=1)
        self.calmly("a good batch is taken", batch, transport.send, batch, self.timeout)
        for _ in range(2):
            self.calmly("it can be closed, and closed again", None, transport.close)
        try:
            answer: object = transport.send(batch, self.timeout)
        except Exception as error:  # that is the question
            answer = error
        self.promise(
            isinstance(answer, Submission) or (isinstance(answer, TransportError) and answer.safe_to_resend),
            "a send after close() goes well, or is certainly not sent",
            'Raise NotReached("The transport is closed.", waits=()) before anything is sent.',
            got=answer,
        )

    def test_its_answers_pickle(self) -> None:
        """Submissions and errors travel to other processes, and are the same there."""
        transport = self._connected()
        batch = self.batch(size=1)
        answers: list[Any] = [self.calmly("a good batch is taken", batch, transport.send, batch, self.timeout)]
        able = transport.capabilities
        for text in ("", "\ud83d", "x" * 100_000):
            error = able.check(Message(text, self.channel)) if able.check else None
            answers += [error] if error else []
        for answer in answers:
            copy = self.pickled(answer, "an answer")
            cure = "Use plain values in submissions and errors."
            self.promise(
                repr(copy) == repr(answer), "a copy that was pickled is the same", cure, given=answer, got=copy
            )

    # --- for clauses ---

    def batch(self, text: str = TEXT, *, size: int | None = None, people: Sequence[Recipient] | None = None) -> Batch:
        """Return a batch to send."""
        chosen = tuple(people if people is not None else self._recipients()[: size or 1])
        return Batch(Message(text, self.channel), chosen, tuple(range(len(chosen))))

    def _recipients(self) -> list[Recipient]:
        return [Recipient(address, self.channel) for address in self.to or _PEOPLE[self.channel]]

    def _connected(self) -> Transport:
        return self._closing(self.transport())

    def _closing(self, transport: Transport) -> Transport:
        """See to it that a transport is closed after the test; whether it can be is a clause of its own."""

        def close() -> None:
            with contextlib.suppress(Exception):
                transport.close()

        self._opened.callback(close)
        return transport

    def _sent(self, transport: Transport, addresses: Sequence[str], text: str = TEXT) -> tuple[Report, str]:
        """Send down the real road, and return the report and everything that was told about it."""
        ears, records = _Ears(), _Records()
        root = logging.getLogger()
        before = root.level
        host = PluginHost(entry_points=False)
        host.register(_Verbatim(self.channel), "contract")
        root.addHandler(records)
        root.setLevel(logging.DEBUG)
        try:
            with on_its_way(), Notifier(transport, host=host, clock=VirtualClock(), sinks=[ears]) as notifier:
                report = notifier.send(addresses, text, channel=self.channel, deadline=3600)
        finally:
            root.removeHandler(records)
            root.setLevel(before)
        told = [repr(event) + repr(_opened_up(event)) for event in ears.events] + records.lines
        return report, "\n".join(told)

    def _tells_nothing(self, report: Report, told: str) -> None:
        """Look for secrets in everything that a program, a log or a traceback may show of a send."""
        people = [part for person in self._recipients() for part in (*fragments(person.address), *_token(person))]
        self.hidden(told, "an event or a log record", TEXT, *people)
        shown = [repr(report), str(report)]
        for receipt in report:
            # The recipient's own address in clear is what the receipt is for; it is in no repr.
            shown += [repr(receipt), str(receipt), receipt.advice, repr(receipt.attempts), repr(receipt.submission)]
            for error in chain(receipt.error):
                shown += [repr(error), str(error), "".join(_traceback(error))]
        self.hidden("\n".join(shown), "a receipt, an error or its traceback", TEXT, *people)


class _Ears:
    """A sink that keeps what it hears."""

    name = "contract-ears"

    def __init__(self) -> None:
        self.events: list[Event] = []

    def handle(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)


class _Records(logging.Handler):
    """Keeps what is logged, with its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        extras = {name: value for name, value in vars(record).items() if name.startswith("nk_")}
        self.lines.append(f"{self.format(record)} {extras}")


@attrs.frozen
class _AsGiven:
    """A normalizer that takes canonical addresses for what they are."""

    name = "as-given"

    channel: Channel

    def normalize(self, raw: str, channel: Channel) -> Recipient | None:
        return Recipient(raw, channel, raw=raw) if channel is self.channel else None


@attrs.frozen
class _Verbatim:
    """A plugin that brings it."""

    _channel: Channel

    @hookimpl(tryfirst=True)
    def notifykit_normalizers(self) -> list[_AsGiven]:
        return [_AsGiven(self._channel)]


def _texts() -> Any:
    from hypothesis import strategies as st

    from notifykit.testing.strategies import any_text, texts

    return st.one_of(any_text(), texts())


def _token(person: Recipient) -> tuple[str, ...]:
    return (person.address,) if person.channel is Channel.PUSH and len(person.address) > 7 else ()


def _opened_up(event: Event) -> object:
    """Return an event with its lazy parts looked at."""
    people = getattr(event, "recipients", None)
    return list(people) if people is not None else None


def _traceback(error: BaseException) -> list[str]:
    """Return a traceback as the most talkative tool would print it: with the variables of every frame."""
    return list(traceback.TracebackException.from_exception(error, capture_locals=True).format(chain=False))
