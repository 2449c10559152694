"""What the stations of the road have to offer: the shapes that plugins fill."""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, runtime_checkable

import attrs

if TYPE_CHECKING:
    import datetime

    from notifykit.errors import TransportError
    from notifykit.events import Event
    from notifykit.models.capabilities import Capabilities
    from notifykit.models.delivery import DeliveryReport
    from notifykit.models.job import Progress, Settlement
    from notifykit.models.message import Channel, Cleaned, Message
    from notifykit.models.plan import Batch
    from notifykit.models.receipt import Receipt, Report, Submission, Veto
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
        """Return the text with the edits made on it; a channel that is not its own is left alone."""
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

        It is called from several threads, paced and retried by the road, and never retries by itself.

        :param batch: at most ``capabilities.batch_size`` recipients.
        :param timeout: seconds for the whole exchange, whatever the server dribbles.
        :raises TransportError: where the provider took nothing. :class:`~notifykit.errors.OutcomeUnknown` where the
            request may have arrived; anything else means that it was certainly not sent. An exception of another
            kind counts as unknown too.
        """
        ...

    def close(self) -> None:
        """Give back connections and files. Called once, at the end."""
        ...


@runtime_checkable
class Connectable(Protocol):
    """A transport that can connect before it sends, so that a request leaves at the moment at which it is counted.

    Where a rate limit holds for it, ``connect`` is called before each request takes its turn. Batches of such a transport
    may be in flight at the same time; those of any other go one after the other, because they would leave together once
    a slow network lets them connect.
    """

    def connect(self, timeout: float) -> None:
        """Open a connection for the next request, unless one is idle.

        :param timeout: seconds.
        :raises NotReached: where no connection could be made.
        """
        ...


@attrs.frozen
class Assignment:
    """A part of a batch, and the transport that shall carry it."""

    #: The transport; it may be a composite too.
    transport: Transport
    #: What it shall carry.
    batch: Batch
    #: The transport that was asked before it and did not take these recipients; None where it is the first.
    instead_of: Transport | None = None
    #: Why that one did not take them.
    because: TransportError | None = None
    #: Whether the recipients get it by other assignments too, so that a failure is a warning beside what the others say.
    also: bool = False


#: What a composite does with a batch: it yields assignments and hears the receipts of each.
Carrying: TypeAlias = "Generator[Assignment, Sequence[Receipt], None]"


@runtime_checkable
class Composite(Transport, Protocol):
    """A transport made of others. It decides who carries what; the road makes the requests, paces and records them."""

    @property
    def parts(self) -> Sequence[Transport]:
        """The transports that it is made of, in order."""
        ...

    def carry(self, batch: Batch, *, after_unknown: bool) -> Carrying:
        """Yield an assignment, be sent the receipts of its recipients, yield the next.

        The road keeps what it heard of each recipient: an acceptance outweighs an unknown outcome, and that a refusal.
        Who is in no assignment is rejected. It is called from several threads at once.

        :param batch: as many recipients as ``capabilities.batch_size``; a part that can take fewer is given pieces.
        :param after_unknown: whether the caller allowed another try of what may have been sent already.
        """
        ...

    def expected(self, batch: Batch) -> Sequence[Assignment]:
        """Return the assignments that there would be if every part took what it is given. Pure: for plans."""
        ...

    def possible(self, batch: Batch) -> Sequence[Assignment]:
        """Return every assignment that there may be for a batch, whatever happens. Pure: for what it may cost at most."""
        ...


def is_composite(transport: Transport) -> TypeGuard[Composite]:
    """Return whether a transport is made of others: it has parts then, and carries a batch instead of sending it."""
    # Asked several times on every send; isinstance would look at every method of the protocol each time.
    return hasattr(transport, "carry") and hasattr(transport, "parts")


def can_connect(transport: Transport) -> TypeGuard[Connectable]:
    """Return whether a transport can connect before it sends."""
    # Asked before each request of a transport with a rate limit; see is_composite.
    return callable(getattr(transport, "connect", None))


@runtime_checkable
class KnowsNumbers(Protocol):
    """A transport whose provider can be asked about addresses without sending to them."""

    def refusals(self, recipients: Sequence[Recipient], timeout: float) -> Mapping[str, TransportError]:
        """Ask about recipients, ``capabilities.batch_size`` at most, and return why some would be refused.

        :return: an error for each canonical address that the provider would not take; nothing about the others.
        :raises TransportError: where there is no answer.
        """
        ...


@runtime_checkable
class KnowsBalance(Protocol):
    """A transport whose provider can be asked what is left on the account."""

    def balance(self, timeout: float) -> float | None:
        """Return what is left, in the provider's unit; None where it does not say.

        :raises TransportError: where there is no answer.
        """
        ...


@runtime_checkable
class KnowsDeliveries(Protocol):
    """A transport whose provider can be asked what became of a message that it took. It paces itself."""

    def deliveries(self, receipts: Sequence[Receipt], timeout: float) -> Sequence[DeliveryReport]:
        """Ask about one request, and return what is known of its recipients.

        Nothing about a recipient means that the provider does not say yet; ``last`` in a report, that it will not say
        more. Reports about others of the same request are welcome. It is called from several threads.

        :param receipts: some of the request's receipts, one at least: all have the same message id.
        :param timeout: seconds for one question.
        :raises TransportError: where there is no answer.
        """
        ...


@runtime_checkable
class ShowsRequests(Protocol):
    """A transport that can show a request instead of making it."""

    def describe(self, batch: Batch) -> str:
        """Return the request that ``send`` would make, as text: secrets as stars, addresses redacted."""
        ...


@attrs.frozen
class Envelope:
    """What a guard looks at: one message on its way to one recipient."""

    #: The message after cleaning.
    message: Message
    #: Who would get it.
    recipient: Recipient
    #: What it would cost in the provider's unit; None where that is not known.
    cost: float | None
    #: Whether it would reach a person; False where the transport pretends.
    live: bool
    #: The time of day, UTC.
    now: datetime.datetime


class Counters(Protocol):
    """What guards write down, shared by all processes that use the same state folder."""

    def reserve(self, key: str, amount: float, most: float, window: float) -> float:
        """Write ``amount`` down under a key, unless more than ``most`` would stand there for the last ``window`` seconds.

        It is one step for everybody who shares the counter store. What is written for a envelope that is then not sent is taken
        out again by the road.

        :param key: what is counted, with the guard's name in front; only a keyed hash of it is stored.
        :return: 0 where it was written down, else the seconds until there may be room; infinity where there never is.
        :raises OSError: where the counter store can't be used. A guard lets it through: the road then holds the envelope back.
        """
        ...


@runtime_checkable
class Guard(Protocol):
    """May hold a message back from a recipient, or send it to somebody else instead."""

    @property
    def name(self) -> str:
        """Its name: people order it and switch it off by it."""
        ...

    def judge(self, envelope: Envelope, counters: Counters) -> Veto | Recipient | None:
        """Return None to let it pass, a veto to hold it back, or the recipient who shall get it instead.

        Plans ask too, with a counter store that forgets: keep nothing elsewhere. A guard that raises holds the envelope back.
        """
        ...


@runtime_checkable
class Sink(Protocol):
    """Hears what happened."""

    @property
    def name(self) -> str:
        """Its name: people order it and switch it off by it."""
        ...

    def handle(self, event: Event) -> None:
        """Take one event. It is called from several threads; raising is noted and changes nothing."""
        ...


class Job(Protocol):
    """A send that is kept on disk: any process that knows its key can look at it and decide over it."""

    @property
    def key(self) -> str:
        """The caller's name for it."""
        ...

    def progress(self) -> Progress:
        """Return how far it is."""
        ...

    def wait(self, timeout: float | None = None) -> Progress:
        """Return when every recipient has an outcome.

        :param timeout: the most seconds to wait.
        :raises TimeoutError: where it is not over by then; it goes on.
        """
        ...

    def receipts(self) -> Iterator[Receipt]:
        """Yield what is known of each recipient, in the caller's order, in constant memory."""
        ...

    def report(self) -> Report:
        """Return what is known of each recipient so far; whoever has no outcome yet is not in it."""
        ...

    def cancel(self) -> Progress:
        """Stop it between two batches; whoever has not been sent to is skipped."""
        ...

    def pause(self) -> Progress:
        """Send nothing more of it until it is resumed."""
        ...

    def resume(self) -> Progress:
        """Go on with it."""
        ...

    def settle(self, decision: Settlement | str) -> Progress:
        """Decide about the recipients whose outcome is unknown.

        :param decision: ``as-sent``: they got it; ``resend``: send to them again, and they may get it twice.
        """
        ...


@attrs.frozen
class JobSpec:
    """What a job sends, through which transport, and when."""

    #: Who gets it, one by one.
    recipients: Iterable[Recipient | Rejected]
    #: The message, as the caller wrote it.
    message: Message
    #: The caller's name for the job; None for one that nobody chose.
    key: str | None = None
    #: The transport's name in the settings; None for the notifier's own.
    via: str | None = None
    #: When it may begin, UTC; None for now.
    at: datetime.datetime | None = None
    #: Seconds after that in which it may be sent; None for ever.
    expires_in: float | None = None
    #: Whether it goes ahead of what is not; None lets the number of recipients decide.
    urgent: bool | None = None
    #: Whether what may have been sent is sent again, to a provider that recognises a repeated key.
    at_least_once: bool = False
    #: Whether a failover may go on after an unknown outcome.
    move_unknown: bool = False


class Engine(Protocol):
    """Keeps sends on disk, and sends them."""

    def submit(self, spec: JobSpec, connection: Any = None) -> Job:
        """Submit a job: whole or not at all, and safe on disk when this returns.

        :param connection: the caller's transaction that the job takes part in, if the engine can do that.
        :raises ConfigError: another job has the key, with what differs.
        """
        ...

    def job(self, key: str) -> Job:
        """Return a job by its key.

        :raises KeyError: where there is none.
        """
        ...

    def jobs(self) -> Sequence[Progress]:
        """Return how far each job is, the newest first."""
        ...

    def work(self) -> None:
        """Send what there is to send in the background, until :meth:`close`."""
        ...

    def close(self) -> None:
        """Finish what is out, within a bound, and give back connections and files."""
        ...


@attrs.frozen
class EngineFactory:
    """Builds the engine that a plugin brings."""

    #: Its name: people switch it off by it.
    name: str
    #: Builds one for a notifier. The road takes what a batch needs from it.
    build: Callable[[Settings, Any], Engine]


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
        """Let that many seconds pass."""
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
    #: What another transport could do, by scheme; without one, the first that can measure texts. For stand-ins.
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
    #: Whether the settings are plainly meant for it, so that nobody has to name it.
    configured: Callable[[Settings], bool] = _never
    #: What its transports can do, known without building one; stand-ins imitate it.
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
    """One thing that ``notifykit doctor`` looked at. Nothing in it is secret: people paste it into bug reports."""

    #: What was looked at.
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
    """Looks at a plugin's own affairs."""

    def __call__(self, settings: Settings, *, online: bool) -> Iterable[Check]:
        """Yield what was found; only where ``online`` is true may the network be asked."""
        ...


@attrs.frozen
class About:
    """What the program can tell of a plugin: in ``config``, ``doctor``, ``explain`` and ``help``."""

    #: The table of its settings below ``[tool.notifykit]``; None where it has none.
    section: str | None = None
    #: Its settings.
    fields: tuple[Field, ...] = ()
    #: The provider's error codes, each as the error that it becomes.
    codes: Callable[[], Sequence[TransportError]] = _no_codes
    #: Looks whether everything is as it should be.
    checks: Checks = _no_checks
    #: Pages for ``notifykit help``, by their names.
    topics: Mapping[str, Callable[[], str]] = attrs.field(factory=dict)
