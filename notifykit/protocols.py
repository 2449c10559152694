"""What the stations of the road have to offer: the shapes that plugins fill."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

import attrs

from notifykit.dsn import Dsn
from notifykit.events import Event
from notifykit.models import Batch, Capabilities, Channel, Cleaned, Recipient, Rejected, Submission
from notifykit.settings import Settings


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
