"""What the stations of the road have to offer: the shapes that plugins fill."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import attrs

from notifykit.deliveries import DeliveryReport
from notifykit.dsn import Dsn
from notifykit.errors import TransportError
from notifykit.events import Event
from notifykit.models import (
    Batch,
    Capabilities,
    Channel,
    Cleaned,
    Message,
    Receipt,
    Recipient,
    Rejected,
    Submission,
    Veto,
)
from notifykit.settings import Field, Settings


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


@attrs.frozen
class Leg:
    """A part of a batch, and the transport that shall carry it."""

    #: The transport; it may be a composite too.
    transport: Transport
    #: What it shall carry.
    batch: Batch
    #: The transport that was asked before it and did not take these recipients; None where it is the first.
    instead_of: Transport | None = None
    #: Why that one did not take them.
    because: TransportError | None = None


#: What a composite does with a batch: it yields legs, hears the receipts of each, and returns those of the batch.
Carrying = Generator[Leg, Sequence[Receipt], Sequence[Receipt]]


@runtime_checkable
class Composite(Transport, Protocol):
    """A transport made of others. It decides who carries what; the road makes the requests, paces and records them."""

    @property
    def parts(self) -> Sequence[Transport]:
        """The transports that it is made of, in order."""
        ...

    def carry(self, batch: Batch, *, after_unknown: bool) -> Carrying:
        """Yield a leg, be sent the receipts of its recipients, yield the next; return one receipt for each recipient.

        It is called from several threads at once.

        :param batch: as many recipients as ``capabilities.batch_size``; a part that can take fewer is given pieces.
        :param after_unknown: whether the caller allowed another try of what may have been sent already.
        """
        ...

    def expected(self, batch: Batch) -> Sequence[Leg]:
        """Return the legs that there would be if every part took what it is given. Pure: for plans."""
        ...


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
    """A transport whose provider can be asked what became of a message that it took."""

    def deliveries(self, receipt: Receipt, timeout: float) -> Sequence[DeliveryReport]:
        """Ask about the request that a receipt is from, and return what is known of its recipients.

        Nothing about a recipient means that the provider does not say.

        :raises TransportError: where there is no answer.
        """
        ...


@runtime_checkable
class ShowsRequests(Protocol):
    """A transport that can show a request instead of making it."""

    def describe(self, batch: Batch) -> str:
        """Return the request that ``send`` would make, as text: secrets as stars, addresses masked."""
        ...


@attrs.frozen
class Parcel:
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


class Book(Protocol):
    """What guards write down, shared by all processes that use the same state folder."""

    def reserve(self, key: str, amount: float, most: float, window: float) -> float:
        """Write ``amount`` down under a key, unless more than ``most`` would stand there for the last ``window`` seconds.

        It is one step for everybody who shares the book. What is written for a parcel that is then not sent is taken
        out again by the road.

        :param key: what is counted, with the guard's name in front; only a keyed hash of it is stored.
        :return: 0 where it was written down, else the seconds until there may be room; infinity where there never is.
        :raises OSError: where the book can't be used. A guard lets it through: the road then holds the parcel back.
        """
        ...


@runtime_checkable
class Guard(Protocol):
    """May hold a message back from a recipient, or send it to somebody else instead."""

    @property
    def name(self) -> str:
        """Its name: people order it and switch it off by it."""
        ...

    def judge(self, parcel: Parcel, book: Book) -> Veto | Recipient | None:
        """Return None to let it pass, a veto to hold it back, or the recipient who shall get it instead.

        Plans ask too, with a book that forgets: keep nothing elsewhere. A guard that raises holds the parcel back.
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


class Clock(Protocol):
    """Time, as something that a test can replace."""

    @property
    def shared(self) -> bool:
        """Whether other processes see the same time, so that a pace can be shared with them."""
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
