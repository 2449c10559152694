"""Rules: which events need a person, and what that person is asked to do.

A rule knows errors by their class and their code, as the event has them: no provider is named here.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from notifykit import errors
from notifykit.alerts.counts import Count, Counts
from notifykit.events import AttemptFinished, CircuitOpened, Event
from notifykit.models.receipt import Outcome

#: What settings call the sink.
NAME: Final = "alert"
#: Seconds between two alerts about one thing, unless the settings say otherwise.
EVERY: Final = 3600.0
#: What an account is refused for, where nothing else is set: the password or the IP address, the sender, the credit.
ACCOUNT_ERRORS: Final = ("AuthFailed", "SenderNotAllowed", "OutOfCredit")
_LOOK_AT_THE_LOG: Final = "Look at the latest errors: `notifykit log tail --errors`."


@attrs.frozen
class Alert:
    """What a person is alerted to. It has no number and no text of a message."""

    #: What it is about: alerts with the same key are one alert a window.
    key: str
    #: What happened, in a few words, for a subject.
    title: str
    #: What happened, in one sentence.
    detail: str
    #: What a person does about it.
    action: str
    #: The transport that it is about, as events name it: the alert does not go through it.
    transport: str
    #: How many messages it is about now.
    messages: float = 1
    #: How many there were and since when, where the rule counted them itself.
    count: Count | None = None


class Rule(Protocol):
    """Looks at each event, and returns an alert where one is due."""

    def check(self, event: Event, counts: Counts) -> Alert | None:
        """Return an alert, or None. How often it is sent is not the rule's business.

        :param counts: counts over all processes, for rules that need more than one event.
        """
        ...


def short_name(transport: str) -> str:
    """Return the name of a transport without the rest of its DSN, which may name an account or a host."""
    return transport.partition(":")[0].partition("(")[0]


@attrs.frozen
class BalanceBelow:
    """The provider says that less than ``least`` is left, in its unit."""

    #: The least that should be left.
    least: float

    def check(self, event: Event, counts: Counts) -> Alert | None:
        """Return an alert where an answer had a lower balance."""
        if not isinstance(event, AttemptFinished) or event.balance is None or event.balance >= self.least:
            return None
        name = short_name(event.transport)
        detail = f"{event.balance:,g} left on the account; the limit for this alert is {self.least:,g}."
        return _alert(event, "balance", f"The balance of {name} is low", detail, errors.OutOfCredit.advice)


@attrs.frozen
class Refusals:
    """A request was refused with one of these errors, and is not tried again.

    The default is what an account is refused for: its password, a banned sender, an IP address that is not on its list, no
    credit. Each code is an alert of its own.
    """

    #: Classes of :mod:`notifykit.errors`, with their subclasses, and codes of providers.
    errors: Sequence[str] = ACCOUNT_ERRORS

    def check(self, event: Event, counts: Counts) -> Alert | None:
        """Return an alert where an attempt ended with one of the errors."""
        if not isinstance(event, AttemptFinished) or event.error is None or event.again is not None:
            return None
        if event.code not in self.errors and not (_with_bases(event.error_type) & {*self.errors}):
            return None
        what = event.code or event.error_type or ""
        return _alert(
            event,
            f"refused:{what}",
            f"{short_name(event.transport)} refuses messages: {what}",
            event.error,
            event.action,
        )


@attrs.frozen
class UnknownOutcomes:
    """There were ``least`` messages or more with an unknown outcome through one transport in ``window`` seconds."""

    #: How many.
    least: float
    #: In how many seconds.
    window: float

    def check(self, event: Event, counts: Counts) -> Alert | None:
        """Count unknown outcomes, and return an alert where there are too many."""
        if not isinstance(event, AttemptFinished) or event.outcome is not Outcome.UNKNOWN:
            return None
        count = counts.add(f"alert:unknown:{event.transport}", len(event.recipients), self.window)
        if count.amount < self.least:
            return None
        name = short_name(event.transport)
        detail = f"No readable answer came back from {name}: {event.error} They may have been sent, or not."
        return _alert(event, "unknown", f"Unknown outcomes through {name}", detail, event.action, count)


@attrs.frozen
class ErrorShare:
    """A part of the messages through one transport was not accepted, of ``least`` messages or more in ``window`` seconds."""

    #: The part, above 0 and up to 1.
    share: float
    #: The seconds.
    window: float
    #: The least number of messages: one error of two says nothing.
    least: int = 20

    def check(self, event: Event, counts: Counts) -> Alert | None:
        """Count messages and errors, and return an alert where the share is too high."""
        if not isinstance(event, AttemptFinished) or event.again is not None:
            return None
        failed = sum(one.outcome is not Outcome.ACCEPTED for one in event.recipients)
        every = counts.add(f"alert:messages:{event.transport}", len(event.recipients), self.window).amount
        if not failed:
            return None
        count = counts.add(f"alert:errors:{event.transport}", failed, self.window)
        if every < self.least or count.amount < self.share * every:
            return None
        name = short_name(event.transport)
        last = f"; the last error: {f'{event.code}: ' if event.code else ''}{event.error}" if event.error else "."
        detail = f"{min(1, count.amount / every):.0%} of {every:,g} messages through {name} were not accepted{last}"
        return _alert(event, "errors", f"Many errors through {name}", detail, event.action or _LOOK_AT_THE_LOG, count)


@attrs.frozen
class CircuitOpen:
    """A part of a failover failed so often that it rests."""

    def check(self, event: Event, counts: Counts) -> Alert | None:
        """Return an alert where a circuit breaker opened."""
        if not isinstance(event, CircuitOpened):
            return None
        name = short_name(event.transport)
        code = f"{event.code}: " if event.code else ""
        detail = (
            f"{event.failures} failures in a row, the last: {code}{event.error} It is probed every {event.rests:g} "
            "seconds; meanwhile the other parts are asked."
        )
        title = f"{name} rests: its circuit breaker is open"
        return Alert(f"circuit:{event.transport}", title, detail, event.action or _LOOK_AT_THE_LOG, event.transport)


def _alert(
    event: AttemptFinished, about: str, title: str, detail: str, action: str | None, count: Count | None = None
) -> Alert:
    """Return an alert about the transport of an attempt."""
    key, messages = f"{about}:{event.transport}", len(event.recipients)
    return Alert(key, title, detail, action or _LOOK_AT_THE_LOG, event.transport, messages, count)


@functools.cache
def _with_bases(error_type: str | None) -> frozenset[str]:
    """Return the names of an error's class and of those that it is derived from."""
    kind = getattr(errors, error_type or "", None)
    return frozenset(base.__name__ for base in kind.__mro__) if isinstance(kind, type) else frozenset()
