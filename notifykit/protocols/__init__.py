"""Protocols that plugins implement, and the objects that they are given or return. Those of jobs are in ``engine``."""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

import attrs

if TYPE_CHECKING:
    import datetime

    from notifykit.errors import TransportError
    from notifykit.events import Event
    from notifykit.models.capabilities import Capabilities
    from notifykit.models.delivery import DeliveryReport
    from notifykit.models.message import Channel, Cleaned, Message
    from notifykit.models.plan import Batch
    from notifykit.models.receipt import Receipt, Submission, Veto
    from notifykit.models.recipient import Recipient, Rejected
    from notifykit.settings.dsn import Dsn
    from notifykit.settings.fields import Field
    from notifykit.settings.sources import Settings


@runtime_checkable
class Normalizer(Protocol):
    """Turns an address as people write it into its canonical form."""

    @property
    def name(self) -> str:
        """Its name: people order it and switch it off by it."""
        ...

    def normalize(self, raw: str, channel: Channel) -> Recipient | Rejected | None:
        """Return the recipient, a rejection with its reason, or None for "not mine, ask the next"."""
        ...


@runtime_checkable
class Cleaner(Protocol):
    """Turns a text into one that the channel can carry, and says what it changed."""

    @property
    def name(self) -> str:
        """Its name: people order it and switch it off by it."""
        ...

    def clean(self, text: str, channel: Channel) -> Cleaned:
        """Return the text with the edits made on it; the same text for a channel that is not its own.

        :raises ContentRejected: if the text can't be sent to anybody; every recipient is then rejected with this error.
        """
        ...


@runtime_checkable
class Transport(Protocol):
    """Code that talks to a provider. Its ``str`` is the DSN that would build it, without secrets."""

    @property
    def name(self) -> str:
        """Its name, as in the DSN's scheme."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Make one request and return what the provider said.

        It is called from several threads. The pipeline keeps the rate limit and retries; ``send`` never retries by itself.

        :param batch: at most ``capabilities.batch_size`` recipients.
        :param timeout: seconds for the whole exchange, however slowly the server sends.
        :raises TransportError: if the provider took nothing. :class:`~notifykit.errors.OutcomeUnknown` where the
            request may have arrived; anything else means that it was certainly not sent. An exception of another
            kind counts as unknown too.
        """
        ...

    def close(self) -> None:
        """Close connections and files. Called once, at the end."""
        ...


@runtime_checkable
class Connectable(Protocol):
    """A transport that can connect before it sends, so that a request is sent at the moment at which it is counted.

    Where it has a rate limit, ``connect`` is called before the limit counts a request. Batches of such a transport may be
    in flight at the same time; those of any other are sent one after the other, because they would all be sent together
    once a slow network lets them connect.
    """

    def connect(self, timeout: float) -> None:
        """Open a connection for the next request, unless one is idle.

        :param timeout: seconds.
        :raises NotReached: if no connection could be made.
        """
        ...


@attrs.frozen
class Assignment:
    """A part of a batch, and the transport that shall send it."""

    #: The transport; it may be a composite too.
    transport: Transport
    #: What it shall send.
    batch: Batch
    #: The transport that was asked before it and did not take these recipients; None where it is the first.
    instead_of: Transport | None = None
    #: Why that one did not take them.
    because: TransportError | None = None
    #: Whether the recipients get it by other assignments too, so that a failure is a warning beside what the others say.
    also: bool = False


#: What a composite does with a batch: it yields assignments and is sent the receipts of each.
Assignments: TypeAlias = "Generator[Assignment, Sequence[Receipt], None]"


@runtime_checkable
class Composite(Transport, Protocol):
    """A transport made of others. It decides which of them sends what; the pipeline makes the requests."""

    @property
    def parts(self) -> Sequence[Transport]:
        """The transports that it is made of, in order."""
        ...

    def assign(self, batch: Batch, *, move_unknown: bool) -> Assignments:
        """Yield an assignment, be sent the receipts of its recipients, yield the next.

        The pipeline merges the results for each recipient: accepted wins over unknown, and unknown over rejected. A
        recipient in no assignment is rejected. It is called from several threads at once.

        :param batch: as many recipients as ``capabilities.batch_size``; a part that can take fewer is given pieces.
        :param move_unknown: whether the caller allowed another try of what may have been sent already.
        """
        ...

    def expected(self, batch: Batch) -> Sequence[Assignment]:
        """Return the assignments that there would be if every part took what it is given. Pure: for plans."""
        ...

    def possible(self, batch: Batch) -> Sequence[Assignment]:
        """Return every assignment that there may be for a batch, whatever happens. Pure: for what it may cost at most."""
        ...


@attrs.frozen
class OpenedCircuit:
    """A part of a composite that rests, because it failed."""

    #: The part.
    transport: Transport
    #: Failures in a row.
    failures: int
    #: Seconds until it is probed.
    rests: float
    #: Its last error.
    error: TransportError | None


@runtime_checkable
class OpensCircuits(Protocol):
    """A composite with circuit breakers: the pipeline emits an event for each that opens."""

    def take_opened(self) -> Sequence[OpenedCircuit]:
        """Return the circuits that opened since the last call, each once. It is called from several threads."""
        ...


@runtime_checkable
class KnowsNumbers(Protocol):
    """A transport whose provider can be asked about addresses without sending to them."""

    def refusals(self, recipients: Sequence[Recipient], timeout: float) -> Mapping[str, TransportError]:
        """Ask about recipients, ``capabilities.batch_size`` at most, and return why some would be refused.

        :return: an error for each canonical address that the provider would not take; nothing about the others.
        :raises TransportError: if there is no answer.
        """
        ...


@runtime_checkable
class KnowsBalance(Protocol):
    """A transport whose provider can be asked for the balance of the account."""

    def balance(self, timeout: float) -> float | None:
        """Return the balance, in the provider's unit; None where the answer has none.

        :raises TransportError: if there is no answer.
        """
        ...


@runtime_checkable
class KnowsDeliveries(Protocol):
    """A transport whose provider can be asked about the delivery of a message that it took. It keeps its own rate limit."""

    def deliveries(self, receipts: Sequence[Receipt], timeout: float) -> Sequence[DeliveryReport]:
        """Ask about one request, and return what is known of its recipients.

        No report about a recipient means that the provider knows nothing yet; ``last`` in a report, that it will not know
        more. Reports about other recipients of the request are recorded too. It is called from several threads.

        :param receipts: some of the request's receipts, one at least: all have the same message id.
        :param timeout: seconds for one question.
        :raises TransportError: if there is no answer.
        """
        ...


@runtime_checkable
class ShowsRequests(Protocol):
    """A transport that can show a request instead of making it."""

    def describe(self, batch: Batch) -> str:
        """Return the request that ``send`` would make, as text: secrets as stars, addresses redacted."""
        ...


@attrs.frozen
class GuardContext:
    """What a guard checks: one message to one recipient."""

    #: The message after cleaning.
    message: Message
    #: The recipient.
    recipient: Recipient
    #: What it would cost in the provider's unit; None where that is not known.
    cost: float | None
    #: Whether it would reach a person; False in test mode.
    live: bool
    #: The time of day, UTC.
    now: datetime.datetime


class Counters(Protocol):
    """What guards count, shared by all processes that use the same state folder."""

    def reserve(self, key: str, amount: float, most: float, window: float) -> float:
        """Count ``amount`` under a key, unless the last ``window`` seconds would then have more than ``most``.

        It is one atomic step for all who share the store. What is counted for a message that is then not sent is released
        by the pipeline.

        :param key: what is counted, with the guard's name in front; only a keyed hash of it is stored.
        :return: 0 where it was counted, else the seconds until there may be room; infinity where there never is.
        :raises OSError: if the store can't be used. A guard does not catch it: the message is then held back.
        """
        ...


@runtime_checkable
class Guard(Protocol):
    """May hold a message back from a recipient, or send it to another recipient instead."""

    @property
    def name(self) -> str:
        """Its name: people order it and switch it off by it."""
        ...

    def check(self, context: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Return None to let it pass, a veto to hold it back, or the recipient who shall get it instead.

        The same recipient lets it pass too, with the link to unsubscribe that it has.
        Plans ask too, with counters that are forgotten: keep nothing elsewhere. A guard that raises holds the message back.
        """
        ...


@runtime_checkable
class Sink(Protocol):
    """Is given each event.

    It runs in a thread of its own behind a queue, so that it holds up no send, unless it has an attribute ``background``
    that is false: then it runs in the thread that sends.
    """

    @property
    def name(self) -> str:
        """Its name: people order it and switch it off by it."""
        ...

    def handle(self, event: Event) -> None:
        """Log one event. It is called from several threads; raising is logged and changes nothing."""
        ...


class Clock(Protocol):
    """Time, as something that a test can replace."""

    @property
    def shared(self) -> bool:
        """Whether other processes see the same time, so that a rate limit can be shared with them."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only go forward."""
        ...

    def now(self) -> datetime.datetime:
        """Return the time of day, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Sleep for that many seconds."""
        ...


@attrs.frozen
class BuildContext:
    """What a transport may need while it is built."""

    #: The settings.
    settings: Settings
    #: The time of the notifier that it is built for.
    clock: Clock
    #: Builds another transport: composites need it.
    build: Callable[[Dsn], Transport]
    #: The capabilities of another transport, by scheme; without one, those of the first that measures texts.
    imitate: Callable[[str | None], Capabilities | None]


def _as_schemes(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _never(settings: Settings) -> bool:
    return False


@attrs.frozen
class TransportFactory:
    """Builds transports for the schemes that a plugin owns."""

    #: Its name: people switch it off by it.
    name: str
    #: Builds one; a ConfigError says what is missing.
    build: Callable[[Dsn, BuildContext], Transport]
    #: The DSN schemes it owns; its name where none are given.
    schemes: tuple[str, ...] = attrs.field(
        default=attrs.Factory(lambda self: (self.name,), takes_self=True), converter=_as_schemes
    )
    #: Whether its own settings are there, so that it is used where no transport is named.
    configured: Callable[[Settings], bool] = _never
    #: What its transports can do, known without building one.
    capabilities: Callable[[], Capabilities] | None = None
    #: Whether its transports are made of others, in the brackets of the DSN: then there has to be one at least.
    takes_parts: bool = False


class Health(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@attrs.frozen
class Check:
    """One check of ``notifykit doctor``. Nothing in it is secret: people paste it into bug reports."""

    #: What was checked.
    name: str
    #: How it ended.
    health: Health
    #: What was found, in one sentence.
    found: str
    #: What a person does about it; None where nothing has to be done.
    fix: str | None = None


def _no_codes() -> Sequence[TransportError]:
    return ()


def _no_checks(settings: Settings, *, online: bool) -> Iterable[Check]:
    return ()


class Checks(Protocol):
    """Checks the settings and the provider of a plugin."""

    def __call__(self, settings: Settings, *, online: bool) -> Iterable[Check]:
        """Yield the results; only where ``online`` is true may they use the network."""
        ...


@attrs.frozen
class About:
    """What the commands ``config``, ``doctor``, ``explain`` and ``help`` show of a plugin."""

    #: The table of its settings below ``[tool.notifykit]``; None where it has none.
    section: str | None = None
    #: Its settings.
    fields: tuple[Field, ...] = ()
    #: The provider's error codes, each as the error that it becomes.
    codes: Callable[[], Sequence[TransportError]] = _no_codes
    #: Its checks for ``doctor``.
    checks: Checks = _no_checks
    #: Pages for ``notifykit help``, by their names.
    topics: Mapping[str, Callable[[], str]] = attrs.field(factory=dict)


def shown(transport: Transport) -> str:
    """Return the ``str`` of a transport, its DSN without secrets; its name where that raises."""
    try:
        return str(transport)
    except Exception:  # a plugin may raise anything
        return transport.name
