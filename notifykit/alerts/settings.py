"""The settings of alerts: the table ``[tool.notifykit.alert]``, or ``NOTIFYKIT_ALERT_…``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from notifykit import errors
from notifykit.alerts.rules import (
    ACCOUNT_ERRORS,
    EVERY,
    NAME,
    BalanceBelow,
    CircuitOpen,
    ErrorShare,
    Refusals,
    Rule,
    UnknownOutcomes,
)
from notifykit.errors import ConfigError
from notifykit.guards.options import Limit
from notifykit.protocols import About, Check, Health
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import Field, boolean, count, dsn, duration, names, section_fields
from notifykit.settings.sources import Settings
from notifykit.suggest import closest

if TYPE_CHECKING:
    from notifykit.alerts.sink import AlertSink

SECTION: Final = "alert"
_NONE: Final = "none"
_SHARE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%\s*/\s*(\S+)")
#: How alike a word and the name of an error are if it is a typing slip of it.
_ALIKE: Final = 0.8
_ERRORS: Final = tuple(
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.TransportError)
)


def amount(value: object) -> float:
    """Read an amount in the provider's unit, above zero."""
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0.0
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise ValueError("is not an amount above zero: write 50")
    return found


def limit(value: object) -> Limit:
    """Read so many in some time: ``3/10m``."""
    if not isinstance(value, str) or "," in value:
        raise ValueError("is not so many in some time: write 3/10m")
    try:
        return Limit.parse(value)
    except ValueError:
        raise ValueError("is not so many in some time: write 3/10m") from None


@attrs.frozen
class Share:
    """A part of the messages of some time."""

    #: The part, above 0 and up to 1.
    part: float
    #: The seconds.
    window: float

    def __str__(self) -> str:
        return f"{self.part:.0%}/{self.window:g}s"


def share(value: object) -> Share:
    """Read a part of the messages of some time: ``20%/15m``."""
    found = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    part = float(found[1]) / 100 if found else 0.0
    if not found or not 0 < part <= 1:
        raise ValueError("is not a share in some time: write 20%/15m")
    return Share(part, duration(found[2]))


def error_names(value: object) -> tuple[str, ...]:
    """Read classes of errors and codes of providers; ``none`` for none of them."""
    found = names(value)
    if found == (_NONE,):
        return ()
    for name in found:
        near = closest(name, _ERRORS, _ALIKE) if name not in _ERRORS else None
        if near:
            raise ValueError(f"has {name!r:.40}, which is no error: did you mean {near}?")
    return found


FIELDS: Final = section_fields(
    SECTION,
    Field("via", dsn, help="What carries alerts: another transport than the messages', a name or a DSN."),
    Field("to", names, (), help="Who gets alerts: addresses that this transport can send to."),
    Field("every", duration, EVERY, help="The shortest time between two alerts about one thing: 1h."),
    Field("balance_below", amount, help="Alert where less is left on the account, in the provider's unit."),
    Field("unknown", limit, help="Alert where so many messages have an unknown outcome: 3/10m."),
    Field("error_share", share, help="Alert where such a part of the messages is not accepted: 20%/15m."),
    Field("error_least", count, 20, help="The least number of messages that error_share judges."),
    Field("errors", error_names, ACCOUNT_ERRORS, help="Errors to alert to: their classes, and codes of providers."),
    Field("circuit", boolean, True, help="Whether to alert where a circuit breaker opens."),
)


def configured(settings: Settings) -> AlertSink | None:
    """Return the sink that the settings describe; None where they describe none.

    :raises ConfigError: with everything that is wrong.
    """
    values = {name: value.value for name, value in settings.section(SECTION, FIELDS).items()}
    via = values["via"]
    if via is None:
        wanted = settings.sinks is not None and NAME in settings.sinks
        if wanted or any(values[field.name] != field.default for field in FIELDS):
            raise ConfigError(
                "alert.via: nothing says what carries the alerts: set NOTIFYKIT_ALERT_VIA to another transport than the "
                "messages', such as smtp or apprise"
            )
        return None
    if settings.transport is not None and set(_requests_of(settings, via)) <= set(
        _requests_of(settings, settings.transport)
    ):
        raise ConfigError(
            "alert.via: this is the transport that sends the messages, so where it is broken no alert could be sent: name "
            "another one"
        )
    from notifykit.alerts.sink import AlertSink  # every notifier looks at these settings, and few have them

    return AlertSink(via, values["to"], _rules(values), every=values["every"], settings=settings)


def _rules(values: Mapping[str, Any]) -> list[Rule]:
    rules: list[Rule] = []
    if values["errors"]:
        rules.append(Refusals(values["errors"]))
    if values["circuit"]:
        rules.append(CircuitOpen())
    if values["balance_below"]:
        rules.append(BalanceBelow(values["balance_below"]))
    if unknown := values["unknown"]:
        rules.append(UnknownOutcomes(unknown.most, unknown.window))
    if part := values["error_share"]:
        rules.append(ErrorShare(part.part, part.window, values["error_least"]))
    return rules


def _requests_of(settings: Settings, transport: Dsn) -> Iterator[Dsn]:
    """Yield the transports that make requests for one, with names of the settings resolved."""
    transport = settings.named(transport)
    if not transport.parts:
        yield transport
    for part in transport.parts:
        yield from _requests_of(settings, part.dsn)


def checks(settings: Settings, *, online: bool) -> Iterator[Check]:
    """Yield the checks of ``doctor``: one line where nothing is set up."""
    try:
        sink = configured(settings)
    except ConfigError as error:
        yield from (Check("alert", Health.FAIL, problem, "notifykit config") for problem in error.problems)
        return
    if sink is None:
        yield Check("alert", Health.OK, "not set up: nobody is alerted; NOTIFYKIT_ALERT_VIA sets it up")
        return
    live = sink.live
    sink.close()
    unused = settings.sinks is not None and NAME not in settings.sinks
    found = f"sent {sink}; `notifykit doctor --alert` sends a test"
    if unused:
        yield Check("alert", Health.WARN, "set up, but not among the sinks", "add alert to NOTIFYKIT_SINKS")
    elif not live:
        yield Check("alert", Health.WARN, f"sent {sink}, in test mode: they reach nobody", "set it to live")
    else:
        yield Check("alert", Health.OK, found)


def send_test(settings: Settings) -> Iterator[Check]:
    """Send a test alert, and yield how that went."""
    try:
        sink = configured(settings)
    except ConfigError:
        return  # the checks have it
    if sink is None:
        cure = "set NOTIFYKIT_ALERT_VIA and NOTIFYKIT_ALERT_TO"
        yield Check("test alert", Health.FAIL, "no alerts are set up, so none was sent", cure)
        return
    try:
        problem = sink.test()
    finally:
        sink.close()
    if problem is None:
        yield Check("test alert", Health.OK, "sent: look whether it arrived")
    else:
        yield Check("test alert", Health.FAIL, f"not sent: {problem}", "notifykit config")


def notifykit_sinks(settings: Settings) -> list[AlertSink]:
    """Bring ``alert`` where the settings say what carries the alerts, and the sinks are not others."""
    if settings.sinks is not None and NAME not in settings.sinks:
        return []
    sink = configured(settings)
    return [sink] if sink else []


def notifykit_about() -> About:
    """Return the settings of ``alert``, and its checks."""
    return About(SECTION, FIELDS, checks=checks)
