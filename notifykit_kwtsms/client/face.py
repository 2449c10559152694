"""What both clients are: one account, put together once, and the same words in and out."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

import attrs

from notifykit import ConfigError, Plan, Report, RetryPolicy, Secret, Settings, SystemClock
from notifykit.http.network import Network
from notifykit.pipeline.notifier import NotifierBase
from notifykit.protocols import Clock
from notifykit.settings.fields import boolean, path, seconds, secret, text
from notifykit_kwtsms.api.limits import ADVISED_PER_SECOND, BASE_URL, SHARED_SENDER
from notifykit_kwtsms.client.calllog import CallLog
from notifykit_kwtsms.client.lookups import Lookups
from notifykit_kwtsms.client.numbers import Mobile, several
from notifykit_kwtsms.client.retries import QueueFullOnly
from notifykit_kwtsms.client.shapes import Shape, bulk, invalid_numbers, local_refusal, single
from notifykit_kwtsms.client.stations import documented_host
from notifykit_kwtsms.settings import KwtSmsSettings, base_url as read_base_url
from notifykit_kwtsms.transport import KwtSmsTransport

_Notifier = TypeVar("_Notifier", bound=NotifierBase)


@attrs.frozen
class Errand:
    """One call of ``send``, looked at before anything is sent."""

    #: What would be sent, and to whom.
    plan: Plan
    #: The numbers that can't be sent to, as documented.
    invalid: list[Shape] = attrs.field(repr=False)

    @property
    def recipients(self) -> list[str]:
        """Everyone who gets the message, each once and as given: reading a number twice can complete it twice."""
        return [recipient.raw for recipient in self.plan.recipients]

    @property
    def refusal(self) -> Shape | None:
        """The ERROR dict where nobody would get it, so that the gateway need not be asked."""
        return None if self.plan.batches else self._with_invalid(local_refusal(self.plan, self.invalid))

    @property
    def is_bulk(self) -> bool:
        """Whether it takes more than one request."""
        return len(self.plan.batches) > 1

    def answer(self, report: Report) -> Shape:
        """Return the documented dict for what happened.

        :raises RuntimeError: where the one request failed on the way.
        """
        return self._with_invalid(bulk(report, len(self.plan.batches)) if self.is_bulk else single(report))

    def _with_invalid(self, shape: Shape) -> Shape:
        return {**shape, "invalid": self.invalid} if self.invalid else shape


class Face(Generic[_Notifier]):
    """The documented client before anything is asked or sent.

    The constructor takes what it is given and reads no environment; :meth:`from_env` does. Nothing has to be closed.

    :param username: the API user, not the login of the website.
    :param password: the API password.
    :param sender_id: the sender ID where a call gives none; ``KWT-SMS`` is for trying things out.
    :param test_mode: True queues messages at the gateway without delivering them.
    :param log_file: where each API call leaves a line, with texts and numbers in clear; empty for no log.
    :param base_url: another gateway, the sandbox for one.
    :param timeout: seconds for one request.
    :param clock: the time, for tests.
    :raises ValueError: where something is missing or can't be understood.
    """

    _front: Callable[..., _Notifier]

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
        )
        self._open(own, Settings(timeout=_read("timeout", seconds, timeout)), clock)

    @classmethod
    def from_env(cls, env_file: str | os.PathLike[str] = ".env", *, clock: Clock | None = None) -> Self:
        """Build a client from the environment and a ``.env`` file; the environment wins.

        Where nothing sets ``KWTSMS_TEST_MODE``, it is test mode: live is something you choose.

        :param env_file: the file; one that is not there says nothing.
        :param clock: the time, for tests.
        :raises ValueError: with everything that is missing or can't be understood.
        """
        found = Settings.load(env_file=env_file if pathlib.Path(env_file).exists() else os.devnull).check()
        client = cls.__new__(cls)
        settings = Settings(timeout=found.timeout, state_dir=found.state_dir)
        client._open(KwtSmsSettings.of(found), settings, clock)  # noqa: SLF001 - a constructor fills its own new instance
        return client

    def _open(self, own: KwtSmsSettings, settings: Settings, clock: Clock | None) -> None:
        username, password = _credentials(own)
        clock = clock or SystemClock()
        log = CallLog(own.log_file, password, clock) if own.log_file else None
        host = documented_host(own.default_country)
        self._own = own
        self._clock = clock
        self._transport = KwtSmsTransport(username, password, own, log, clock, settings.state_dir)
        self._lookups = Lookups(self._transport.gateway, settings.timeout)
        parts: dict[str, Any] = {"settings": settings, "host": host, "clock": clock}
        # A single send is not held up: its caller is told what to wait for. A bulk send waits for a full queue.
        self._single = self._front(self._transport, retry=RetryPolicy.never(), **parts)
        self._bulk = self._front(self._transport, retry=QueueFullOnly(), **parts)

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
        """Where each API call leaves a line; empty for no log."""
        return self._own.log_file

    @property
    def base_url(self) -> str:
        """The gateway's address."""
        return self._own.base_url

    @property
    def cached_balance(self) -> float | None:
        """The points that were left when the gateway last said so; None before."""
        return self._lookups.purse.balance

    @property
    def purchased(self) -> float | None:
        """The points ever bought, as ``verify()`` or ``balance()`` last heard; None before."""
        return self._lookups.purse.purchased

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._transport}>"

    def _errand(self, mobile: Mobile, message: str) -> Errand:
        given = several(mobile)
        plan = self._single.plan(given, message)
        return Errand(plan, invalid_numbers(plan, given))

    def _notifier(self, errand: Errand) -> _Notifier:
        return self._bulk if errand.is_bulk else self._single

    def _answer(self, errand: Errand, report: Report) -> Shape:
        self._lookups.purse.note(report.balance)
        return errand.answer(report)

    def _validate(self, phones: Mobile) -> Shape:
        # The text stands for any: only the numbers are looked at.
        errand = self._errand(phones, "?")
        return self._lookups.validate([recipient.address for recipient in errand.plan.recipients], errand.invalid)


def _credentials(own: KwtSmsSettings) -> tuple[str, Secret]:
    missing = [
        f"{name} is missing: give {argument}, or {name} in the environment or .env for from_env(). It is that of the API "
        "(kwtsms.com → Account → API), not of the website."
        for name, argument, value in (
            ("KWTSMS_USERNAME", "username", own.username),
            ("KWTSMS_PASSWORD", "password", own.password),
        )
        if not value
    ]
    if missing or not own.username or not own.password:
        raise ConfigError(missing)
    return own.username, own.password


def _read(name: str, read: Callable[[Any], Any], value: object) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise ConfigError(f"{name} {error}") from None
