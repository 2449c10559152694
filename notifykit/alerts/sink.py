"""The sink ``alert``: asks the rules about each event, and sends what they return, each once in a while.

It sends through a notifier of its own, without sinks and without guards: quiet hours and caps are for customers.
"""

from __future__ import annotations

import datetime
import logging
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from notifykit.alerts.counts import Count, Counts
from notifykit.alerts.rules import EVERY, NAME, Alert, CircuitOpen, Refusals, Rule
from notifykit.counters import Reservation
from notifykit.errors import ConfigError, raise_interrupt
from notifykit.events import Event
from notifykit.guards.options import in_words
from notifykit.models.message import Channel
from notifykit.models.receipt import Outcome, Receipt
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.clock import SystemClock
from notifykit.pipeline.components import Via
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.protocols import Clock, Transport, shown
from notifykit.redaction import without_numbers
from notifykit.settings.sources import Settings

if TYPE_CHECKING:
    import zoneinfo

_log = logging.getLogger("notifykit.alerts")

#: The label of alerts.
TAG: Final = "alert"
#: The recipient of push notifications where none is named: every target of Apprise.
EVERYBODY: Final = "all"
#: Seconds for one alert.
_DEADLINE: Final = 30.0
#: Seconds after which an alert that could not be sent is tried again, where there is still a reason.
_RETRY: Final = 300.0


class AlertSink:
    """Sends alerts through a transport of its own.

    An alert that can't be sent is logged by ``notifykit.alerts``, once, with what to do; no send is stopped by it.

    :param via: what carries the alerts: a name, a DSN or an object. It is another transport than the messages'.
    :param to: who gets them; for push notifications everybody if nobody is named.
    :param rules: what is alerted to; by default what :class:`Refusals` and :class:`CircuitOpen` find.
    :param every: the least seconds between two alerts about one thing, over all processes.
    :param settings: the settings that ``via`` may need: names of transports, proxies, the state folder.
    :param host: the plugins; without one, everything that is installed.
    :param clock: the time, for tests.
    :raises ConfigError: where ``via`` can't be built, or can't send to ``to``.
    """

    name = NAME

    def __init__(
        self,
        via: Via,
        to: Sequence[str] = (),
        rules: Sequence[Rule] | None = None,
        *,
        every: float = EVERY,
        settings: Settings | None = None,
        host: PluginHost | None = None,
        clock: Clock | None = None,
    ) -> None:
        settings = settings or Settings()
        self._rules = (Refusals(), CircuitOpen()) if rules is None else tuple(rules)
        self._every = every
        self._zone = settings.zone
        self._clock = clock or SystemClock()
        self._counts = Counts(self._clock, settings.state_dir)
        self._notifier = _notifier(via, settings, host, clock)
        self._channel, self._to = _address(self._notifier.transport, [to] if isinstance(to, str) else list(to))
        wrong = self._notifier.plan(self._to, "Test", channel=self._channel).excluded
        if wrong:
            self._notifier.close()
            raise ConfigError(f"alert.to: {_words(receipt)}" for receipt in wrong)
        #: The monotonic time before which an alert that could not be sent is not tried again, by its key.
        self._failed: dict[str, float] = {}

    def handle(self, event: Event) -> None:
        """Ask every rule about an event, and send the alerts that are due."""
        for rule in self._rules:
            alert = rule.check(event, self._counts)
            if alert is not None:
                self._handle(alert)

    @property
    def live(self) -> bool:
        """Whether alerts may reach people: a transport in test mode takes them and delivers none."""
        return self._notifier.transport.capabilities.live

    def test(self) -> str | None:
        """Send a test alert, and return why that was not possible; None where it was."""
        detail = "This is a test: nothing is wrong."
        alert = Alert("test", "Test alert", detail, "Nothing: alerts arrive here.", transport="")
        return self._send(alert, Count(0, self._clock.now(), self._every))

    def close(self) -> None:
        """Close connections and files."""
        self._notifier.close()
        self._counts.close()

    def __str__(self) -> str:
        return f"through {shown(self._notifier.transport)}, each at most once in {in_words(self._every)}"

    def _handle(self, alert: Alert) -> None:
        count = alert.count or self._counts.add(f"alert:count:{alert.key}", alert.messages, self._every)
        if self._failed.get(alert.key, 0.0) > self._clock.monotonic():
            return
        reservation = self._counts.once(f"alert:{alert.key}", self._every)
        if reservation is not None:
            self._send_or_log(alert, count, reservation)

    def _send_or_log(self, alert: Alert, count: Count, reservation: Reservation) -> None:
        problem = self._send(alert, count)
        if problem is None:
            self._failed.pop(alert.key, None)
            _log.info("alert sent: %s", alert.title)
            return
        level = logging.DEBUG if alert.key in self._failed else logging.ERROR
        self._failed[alert.key] = self._clock.monotonic() + min(_RETRY, self._every)
        self._counts.release(reservation)
        _log.log(level, "an alert could not be sent (%s): %s", alert.title, problem)

    def _send(self, alert: Alert, count: Count) -> str | None:
        """Send an alert, and return why that was not possible."""
        problem = "alert.via is the transport that the alert is about: set NOTIFYKIT_ALERT_VIA to another one, or to a failover"
        outer = sys.exception()
        for transport in self._working(alert.transport):
            try:
                report = self._notifier.send(
                    self._to,
                    self._text(alert, count),
                    via=transport,
                    channel=self._channel,
                    subject=f"{alert.title} ({socket.gethostname()})",
                    tags=TAG,
                    deadline=_DEADLINE,
                )
            except Exception as error:  # whatever it is, the send that caused the alert goes on
                raise_interrupt(error, outer)
                problem = f"{type(error).__name__} was raised: try it with `notifykit doctor --alert`"
                continue
            if any(receipt.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN) for receipt in report):
                return None
            problem = _words(report[0])
        return problem

    def _working(self, broken: str) -> Iterator[Transport]:
        """Yield what may carry an alert about a transport: the whole, or its other parts one after the other."""
        whole = self._notifier.transport
        parts = list(leaves(whole))
        others = [part for part in parts if shown(part) != broken]
        yield from others if len(others) < len(parts) else [whole]

    def _text(self, alert: Alert, count: Count) -> str:
        how_many = []
        if count.amount:
            many = f"{count.amount:,g} message{'' if count.amount == 1 else 's'}"
            since = (
                f"in {in_words(count.window)}, and perhaps before"
                if count.longer
                else f"since {_time(count.since, self._zone)}"
            )
            how_many = [f"How many: {many} {since}."]
        do_this, host = f"Do this: {alert.action}", socket.gethostname()
        if self._channel is Channel.SMS:
            # Few segments, and no arrow that would make it Unicode.
            lines = [f"{alert.title} ({host})", alert.detail, *how_many, do_this.replace("\N{RIGHTWARDS ARROW}", ">")]
        else:
            lines = [alert.title, "", alert.detail, *how_many, do_this, "", f"From {host}, {self._now()}."]
            if count.amount:
                lines.append(f"The next alert about this comes after {in_words(self._every)} at the earliest.")
        return "\n".join(map(without_numbers, lines))

    def _now(self) -> str:
        return _time(self._clock.now(), self._zone)


def _notifier(via: Via, settings: Settings, host: PluginHost | None, clock: Clock | None) -> Notifier:
    """Return a notifier that sends alerts, and does nothing else with them."""
    quiet = attrs.evolve(
        settings,
        transport=None,
        sender=None,
        sinks=(),
        guards=(),
        environment="production",  # no guard holds an alert back
        log_file=None,
        strict=False,
        templates=Settings().templates,
        problems=(),
    )
    host = host or PluginHost(disable=settings.disable, allow=settings.allow)
    try:
        return Notifier(via, settings=quiet, host=host, clock=clock)
    except ConfigError as error:
        raise ConfigError(re.sub(r"^transport: ", "alert.via: ", problem) for problem in error.problems) from None


def _address(transport: Transport, to: list[str]) -> tuple[Channel, list[str]]:
    """Return the channel of alerts and who gets them.

    :raises ConfigError: where nobody is named.
    """
    channels = transport.capabilities.channels
    wanted = Channel.PUSH
    if to:
        wanted = (
            Channel.EMAIL if all("@" in one for one in to) else Channel.SMS if to[0][-1:].isdigit() else Channel.PUSH
        )
    channel = next(one for one in (wanted, *Channel) if one in channels)
    if not to and channel is not Channel.PUSH:
        raise ConfigError(f"alert.to: nobody is named: set NOTIFYKIT_ALERT_TO to addresses of the channel {channel}")
    return channel, to or [EVERYBODY]


def _words(receipt: Receipt) -> str:
    """Return why a recipient did not get an alert, and what to do."""
    if receipt.error is not None:
        return without_numbers(str(receipt.error))
    return "the alert was not sent before its time was over"


def _time(at: datetime.datetime, zone: zoneinfo.ZoneInfo | None) -> str:
    local = at.astimezone(zone or datetime.UTC)
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"
