"""What the two documented clients share: the account, its plugins, and the documented arguments and dicts."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

import attrs

from notifykit import (
    Channel,
    Cleaner,
    ConfigError,
    Normalizer,
    Plan,
    PluginHost,
    Recipient,
    Rejected,
    Report,
    RetryPolicy,
    Settings,
    Sink,
    SystemClock,
    TransportError,
    hookimpl,
)
from notifykit.errors import InvalidRecipient
from notifykit.http.network import Network
from notifykit.protocols import Clock
from notifykit.settings.fields import boolean, path, seconds, secret, text
from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.api.facts import ADVISED_PER_SECOND, BASE_URL, SHARED_SENDER
from notifykit_kwtsms.client.call_log import CallLog
from notifykit_kwtsms.client.results import (
    Mobile,
    Queries,
    Result,
    bulk_result,
    invalid_numbers,
    nothing_to_send,
    single_result,
    split_numbers,
)
from notifykit_kwtsms.phone.documented import validate_phone_input
from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer
from notifykit_kwtsms.settings import KwtSmsSettings, base_url as read_base_url
from notifykit_kwtsms.text.cleaning import cleaners
from notifykit_kwtsms.text.links import KEEP
from notifykit_kwtsms.transport import KwtSmsTransport

if TYPE_CHECKING:
    from notifykit import AsyncNotifier, Notifier

#: The same number was sent to less than 15 seconds ago: ``send_with_retry`` waits.
SAME_NUMBER: Final = "ERR028"
SAME_NUMBER_WAIT: Final = CODES[SAME_NUMBER].waits[0]
_QUEUE_FULL: Final = "ERR013"
_Notifier = TypeVar("_Notifier", bound="Notifier | AsyncNotifier")


@attrs.frozen
class RetryQueueFull(RetryPolicy):
    """Retries after a full queue, in 30, 60 and 120 seconds; never after another error."""

    def wait(self, error: TransportError, tries: int, *, alone: bool) -> float | None:
        """Return the seconds before the next attempt, or None for no retry."""
        return super().wait(error, tries, alone=alone) if error.code == _QUEUE_FULL else None


@attrs.frozen
class DocumentedNormalizer:
    """Accepts any 7 to 15 digits, with anything between them, as the samples of the documentation need."""

    #: The name in settings and lists.
    name = "kwtsms-documented"

    #: The country of local numbers, ``965`` or ``KW``; None completes none.
    default_country: str | None = None
    _local: KwtSmsNormalizer | None = attrs.field(init=False, repr=False, eq=False)

    @_local.default
    def _(self) -> KwtSmsNormalizer | None:
        if not self.default_country:
            return None
        return KwtSmsNormalizer(default_country=self.default_country, kuwait_rule="relaxed")

    def normalize(self, raw: str, channel: Channel) -> Recipient | Rejected | None:
        """Return the number, or a rejection without the number in its words; the documented words come later."""
        valid, _, digits = validate_phone_input(raw)
        if not valid:
            return Rejected(raw, InvalidRecipient("This is not a phone number."))
        completed = self._local.normalize(raw, channel) if self._local else None
        return completed if isinstance(completed, Recipient) else Recipient(digits, channel, raw=raw)


class _DocumentedPlugin:
    def __init__(self, own: KwtSmsSettings) -> None:
        self._normalizer = DocumentedNormalizer(own.default_country)
        self._cleaners = cleaners(own.links)

    @hookimpl
    def notifykit_normalizers(self, settings: Settings) -> Sequence[Normalizer]:
        """Provide the documented normalizer."""
        return [self._normalizer]

    @hookimpl
    def notifykit_cleaners(self, settings: Settings) -> Sequence[Cleaner]:
        """Provide the kwtSMS cleaners."""
        return self._cleaners


@attrs.frozen
class PreparedSend:
    """One call of ``send``, planned."""

    #: Who would receive it, and in which requests.
    plan: Plan
    #: The numbers that cannot be sent to, as documented.
    invalid: list[Result] = attrs.field(repr=False)

    @property
    def recipients(self) -> list[str]:
        """Every recipient once, as given: a number that is normalized twice may be completed twice."""
        return [recipient.raw for recipient in self.plan.recipients]

    @property
    def refusal(self) -> Result | None:
        """The ERROR dict where there is nothing to send; None otherwise."""
        return None if self.plan.batches else self._with_invalid(nothing_to_send(self.plan, self.invalid))

    @property
    def is_bulk(self) -> bool:
        """Whether it takes more than one request."""
        return len(self.plan.batches) > 1

    def result(self, report: Report) -> Result:
        """Return the documented dict of a report.

        :raises RuntimeError: where the single request failed in the network.
        """
        return self._with_invalid(bulk_result(report) if self.is_bulk else single_result(report))

    def _with_invalid(self, result: Result) -> Result:
        return {**result, "invalid": self.invalid} if self.invalid else result


class ClientBase(Generic[_Notifier]):
    """The documented client without its methods that ask or send.

    The constructor takes its arguments and reads no environment; :meth:`from_env` does. Closing is optional.

    :param username: the API user, not the login of the website.
    :param password: the API password.
    :param sender_id: the sender ID where a call gives none; ``KWT-SMS`` is for tests.
    :param test_mode: True queues messages at the gateway without delivering them.
    :param log_file: the file for one line per API call, with texts and numbers in clear; empty for no log.
    :param base_url: another gateway, such as the sandbox.
    :param timeout: seconds for one request.
    :param clock: the time, for tests.
    :raises ValueError: where an argument is missing or invalid.
    """

    _notifier_class: Callable[..., _Notifier]

    def __init__(
        self,
        username: str,
        password: str,
        sender_id: str = SHARED_SENDER,
        test_mode: bool = False,
        log_file: str | os.PathLike[str] | None = "kwtsms.log",
        base_url: str = BASE_URL,
        *,
        timeout: float = 15.0,
        clock: Clock | None = None,
    ) -> None:
        own = KwtSmsSettings(
            username=_read("username", text, username),
            password=_read("password", secret, password),
            sender=_read("sender_id", text, sender_id),
            test=_read("test_mode", boolean, test_mode),
            log_file=_read("log_file", path, log_file or ""),
            base_url=_read("base_url", read_base_url, base_url),
            rate=ADVISED_PER_SECOND,
            default_country=None,
            kuwait_rule="relaxed",
            network=Network(),
            strict_countries=(),
            links=KEEP,
        )
        self._open(own, Settings(timeout=_read("timeout", seconds, timeout)), clock)

    @classmethod
    def from_env(cls, env_file: str | os.PathLike[str] = ".env", *, clock: Clock | None = None) -> Self:
        """Return a client with the settings of the environment and of a ``.env`` file; the environment wins.

        Without ``KWTSMS_TEST_MODE`` it is test mode: live mode has to be chosen.

        :param env_file: the file; it may be missing.
        :param clock: the time, for tests.
        :raises ValueError: with every setting that is missing or invalid.
        """
        found = Settings.load(env_file=env_file if pathlib.Path(env_file).exists() else os.devnull).check()
        client = cls.__new__(cls)
        settings = Settings(timeout=found.timeout, state_dir=found.state_dir)
        client._open(KwtSmsSettings.of(found), settings, clock)  # noqa: SLF001 - a constructor fills its own new instance
        return client

    def _open(self, own: KwtSmsSettings, settings: Settings, clock: Clock | None) -> None:
        username, password = own.credentials("give {name}, or {variable} in the environment or .env for from_env()")
        clock = clock or SystemClock()
        log = CallLog(own.log_file, password, clock) if own.log_file else None
        # Only what is documented: no installed plugin changes this client.
        host = PluginHost(entry_points=False, builtins=())
        host.register(_DocumentedPlugin(own), "kwtsms-documented")
        self._own = own
        self._clock = clock
        self._transport = KwtSmsTransport(username, password, own, log, clock, settings.state_dir)
        self._queries = Queries(self._transport.api, settings.timeout)
        parts: dict[str, Any] = {"settings": settings, "host": host, "clock": clock, "sinks": self._sinks()}
        # A single send returns the error at once, with the wait in its words. A bulk send waits for a full queue.
        self._single = self._notifier_class(self._transport, retry=RetryPolicy.never(), **parts)
        self._bulk = self._notifier_class(self._transport, retry=RetryQueueFull(), **parts)

    def _sinks(self) -> Sequence[Sink]:
        """Return what gets the events of each send."""
        return ()

    @property
    def username(self) -> str:
        """The API user."""
        return self._own.username or ""

    @property
    def sender_id(self) -> str:
        """The sender ID where a call gives none."""
        return self._own.sender

    @property
    def test_mode(self) -> bool:
        """Whether messages are queued without being delivered."""
        return self._own.test

    @property
    def log_file(self) -> str:
        """The log of API calls; empty for no log."""
        return self._own.log_file

    @property
    def base_url(self) -> str:
        """The gateway's address."""
        return self._own.base_url

    @property
    def cached_balance(self) -> float | None:
        """Points left, by the gateway's last answer; None before the first."""
        return self._queries.balance

    @property
    def purchased(self) -> float | None:
        """Points bought in all, by the last ``verify()`` or ``balance()``; None before the first."""
        return self._queries.purchased

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._transport}>"

    def _prepare(self, mobile: Mobile, message: str) -> PreparedSend:
        given = split_numbers(mobile)
        plan = self._single.plan(given, message)
        return PreparedSend(plan, invalid_numbers(plan, given))

    def _notifier(self, prepared: PreparedSend) -> _Notifier:
        return self._bulk if prepared.is_bulk else self._single

    def _result(self, prepared: PreparedSend, report: Report) -> Result:
        self._queries.remember(report.balance)
        return prepared.result(report)

    def _validate(self, phones: Mobile) -> Result:
        prepared = self._prepare(phones, "?")  # any text will do: only the numbers matter
        return self._queries.validate([recipient.address for recipient in prepared.plan.recipients], prepared.invalid)


def _read(name: str, read: Callable[[Any], Any], value: object) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise ConfigError(f"{name} {error}") from None
