"""What ``notifykit doctor``, ``config``, ``explain`` and ``help`` show of this plugin."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import attrs

from notifykit import ConfigError, Dsn, Secret, Settings, SystemClock, TransportError
from notifykit.http.network import Proxy, find_proxy
from notifykit.protocols import About, Check, Health
from notifykit_kwtsms.api.facts import KUWAIT_CODE, SHARED_SENDER
from notifykit_kwtsms.settings import FIELDS, SECTION, KwtSmsSettings, is_configured
from notifykit_kwtsms.text.cleaning import sender_problem

if TYPE_CHECKING:
    from notifykit_kwtsms.api.client import ApiClient

_LOW_BALANCE: Final = 20.0
_MAGIC_NUMBERS: Final = """\
No subscriber has a number of 965 4500 NNNN. The sandbox (`notifykit sandbox`) reads them as commands; the real gateway
does not know them.

  96545000000            accepted, and delivered a second later
  965450000NN            the whole request is refused with ERR0NN: 96545000003 with ERR003
  965450010NN            accepted; only this number is left out, with ERR0NN
  9654500200N            delivery: 0 delivered, 1 failed, 2 expired, 3 blacklisted, 4 switched off and then delivered,
                         5 stuck in the queue, 6 unknown id, 7 report not ready, 8 report twice, 9 report early
  96545003SSS            the answer comes SSS x 100 ms late
  9654500400N            the line breaks: 0 reset before the message is accepted, 1 reset after, 2 close, 3 hang,
                         4 half a body, 5 dribble, 6 an HTML page, 7 broken JSON, 8 an error with 403, 9 an empty 503
  96545005NNN            the first NNN tries find the queue full (ERR013), then it works
  96545006NNN            the first NNN tries are accepted and their answers lost: the outcome is unknown

A sender called ERR008 is refused with ERR008, and so on.
"""


def _codes() -> Sequence[TransportError]:
    from notifykit_kwtsms.api.codes import CODES

    return [code.as_error() for code in CODES.values()]


def checks(settings: Settings, *, online: bool) -> Iterator[Check]:
    """Yield the checks of ``doctor``: settings, and with ``online`` the account. One line where nothing is set up."""
    dsns = _dsns(settings)
    if not (dsns or is_configured(settings)):
        yield Check("kwtsms", Health.OK, "not set up: no API user is configured")
        return
    if len(dsns) < 2:
        yield from _account_checks(settings, next(iter(dsns), None), online=online)
        return
    for number, dsn in enumerate(dsns, 1):
        # Without the account: people paste this output.
        shown = attrs.evolve(dsn, user=None, password=None)
        yield Check("kwtsms", Health.OK, f"the transport uses {len(dsns)}; number {number} is {shown}")
        yield from _account_checks(settings, dsn, online=online)


def _dsns(settings: Settings) -> list[Dsn]:
    """Return the DSNs of this plugin that the transport uses, at any depth, each once."""
    from notifykit.cli.options import nested_dsns

    if settings.transport is not None:
        with contextlib.suppress(ConfigError):  # a loop of names is reported when the transport is built
            return list(
                dict.fromkeys(dsn for dsn in nested_dsns(settings, settings.transport) if dsn.scheme == "kwtsms")
            )
    return []


def _account_checks(settings: Settings, dsn: Dsn | None, *, online: bool) -> Iterator[Check]:
    try:
        own = KwtSmsSettings.of(settings, dsn)
    except ConfigError as error:
        yield from (Check("kwtsms settings", Health.FAIL, problem, "notifykit config") for problem in error.problems)
        return
    try:
        account = own.credentials()
    except ConfigError as error:
        yield from (Check("kwtsms credentials", Health.FAIL, problem) for problem in error.problems)
        return
    yield Check("kwtsms credentials", Health.OK, "an API user and a password are set; --online tries them")
    yield _mode_check(own)
    yield _sender_check(own)
    parts = urlsplit(own.base_url)
    try:
        proxy = find_proxy(parts.scheme, parts.hostname or "", parts.port or 443, own.network)
    except ConfigError as error:
        yield Check("kwtsms connection", Health.FAIL, str(error), "notifykit config")
        return
    route = f"through the proxy {proxy}" if proxy else "directly"
    yield Check("kwtsms connection", Health.OK, f"to {parts.hostname} {route}")
    if online:
        yield from _online_checks(account, own, proxy, settings)


def _mode_check(own: KwtSmsSettings) -> Check:
    test = "TEST: messages are queued and reach no phone; KWTSMS_TEST_MODE=0 is live"
    return Check("kwtsms mode", Health.OK, test if own.test else "LIVE: messages reach phones and cost points")


def _sender_check(own: KwtSmsSettings) -> Check:
    if problem := sender_problem(own.sender):
        return Check(
            "kwtsms sender",
            Health.WARN if own.test else Health.FAIL,
            problem,
            "notifykit doctor --online lists the registered ones",
        )
    if own.sender != SHARED_SENDER:
        return Check("kwtsms sender", Health.OK, f"{own.sender} (names are case sensitive)")
    return Check(
        "kwtsms sender",
        Health.WARN,
        "KWT-SMS is the shared sender: slow, and blocked on some Kuwaiti networks",
        "register a sender of your own at kwtsms.com and set KWTSMS_SENDER_ID",
    )


def _online_checks(
    account: tuple[str, Secret], own: KwtSmsSettings, proxy: Proxy | None, settings: Settings
) -> Iterator[Check]:
    from notifykit_kwtsms.transport import KwtSmsTransport

    parts = urlsplit(own.base_url)
    host = parts.hostname or ""
    if proxy is None:  # a proxy resolves the name itself
        try:
            socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
        except OSError as error:
            cure = "check DNS and KWTSMS_BASE_URL; where a proxy is needed, set HTTPS_PROXY"
            yield Check("kwtsms DNS", Health.FAIL, f"{host} has no address: {type(error).__name__}", cure)
            return
        yield Check("kwtsms DNS", Health.OK, f"{host} has an address")
    transport = KwtSmsTransport(*account, own, clock=SystemClock(), state_dir=settings.state_dir)
    with contextlib.closing(transport):
        try:
            balance = transport.balance(settings.timeout)
        except TransportError as error:
            yield Check("kwtsms account", Health.FAIL, _error_text(error), error.action)
            return
        how = "TLS" if parts.scheme == "https" else "plain HTTP on this machine"
        yield Check("kwtsms account", Health.OK, f"the gateway takes the credentials ({how})")
        yield _balance_check(balance)
        yield from _registration_checks(transport.api, own, settings.timeout)


def _balance_check(points: float | None) -> Check:
    if points is None:
        return Check("kwtsms balance", Health.WARN, "the gateway did not say")
    low = points < _LOW_BALANCE
    found = f"{points:g} points left"
    return Check("kwtsms balance", Health.WARN if low else Health.OK, found, "top up at kwtsms.com" if low else None)


def _registration_checks(api: ApiClient, own: KwtSmsSettings, timeout: float) -> Iterator[Check]:
    try:
        senders = api.senderids(timeout)
        prefixes = api.coverage(timeout)
    except TransportError as error:
        yield Check("kwtsms account", Health.WARN, _error_text(error), error.action)
        return
    if own.sender in senders:
        yield Check("kwtsms sender ID", Health.OK, f"{own.sender} is registered for this account")
    else:
        cure = f"set KWTSMS_SENDER_ID to one of: {', '.join(senders) or 'none'}"
        yield Check("kwtsms sender ID", Health.FAIL, f"{own.sender} is not registered for this account", cure)
    if KUWAIT_CODE in prefixes:
        yield Check("kwtsms coverage", Health.OK, f"Kuwait and {len(prefixes) - 1} other countries are active")
    else:
        cure = "ask kwtSMS support to activate coverage"
        yield Check("kwtsms coverage", Health.WARN, "Kuwait (965) is not active", cure)


def _error_text(error: TransportError) -> str:
    return f"{error.code}: {error.detail}" if error.code else error.detail


ABOUT: Final = About(
    section=SECTION, fields=FIELDS, codes=_codes, checks=checks, topics={"magic-numbers": lambda: _MAGIC_NUMBERS}
)
