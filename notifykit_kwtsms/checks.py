"""What ``notifykit doctor`` looks at for this plugin: the settings of the account, and with ``--online`` the account."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import attrs

from notifykit import ConfigError, Dsn, Secret, Settings, SystemClock, TransportError
from notifykit.cli.rehearsal import inside
from notifykit.http.network import Proxy, find_proxy
from notifykit.protocols import Check, Health
from notifykit_kwtsms.api.gateway import Gateway
from notifykit_kwtsms.api.limits import SHARED_SENDER
from notifykit_kwtsms.settings import KwtSmsSettings, is_configured
from notifykit_kwtsms.transport import KwtSmsTransport

#: Below this many points somebody should top up.
_LOW_BALANCE: Final = 20.0
_KUWAIT: Final = "965"


def checks(settings: Settings, *, online: bool) -> Iterator[Check]:
    """Yield what was found; nothing at all where nobody uses this plugin."""
    named = _named(settings)
    if not (named or is_configured(settings)):
        yield Check("kwtsms", Health.OK, "not set up: no API user is configured")
        return
    if len(named) < 2:
        yield from _each(settings, next(iter(named), None), online=online)
        return
    for number, dsn in enumerate(named, 1):
        # Whose account it is stands nowhere here: people paste it.
        shown = attrs.evolve(dsn, user=None, password=None)
        yield Check("kwtsms", Health.OK, f"the transport uses {len(named)}; number {number} is {shown}")
        yield from _each(settings, dsn, online=online)


def _named(settings: Settings) -> list[Dsn]:
    """Return the DSNs of this plugin that the transport uses, at any depth, each once."""
    if settings.transport is None:
        return []
    with contextlib.suppress(ConfigError):  # names that lead round in a circle are told by whoever builds them
        return list(dict.fromkeys(dsn for dsn in inside(settings, settings.transport) if dsn.scheme == "kwtsms"))
    return []


def _each(settings: Settings, dsn: Dsn | None, *, online: bool) -> Iterator[Check]:
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
    yield from _usage(own)
    parts = urlsplit(own.base_url)
    try:
        proxy = find_proxy(parts.scheme, parts.hostname or "", parts.port or 443, own.network)
    except ConfigError as error:
        yield Check("kwtsms connection", Health.FAIL, str(error), "notifykit config")
        return
    way = f"through the proxy {proxy}" if proxy else "directly"
    yield Check("kwtsms connection", Health.OK, f"to {parts.hostname} {way}")
    if online:
        yield from _online(account, own, proxy, settings)


def _usage(own: KwtSmsSettings) -> Iterator[Check]:
    if own.test:
        yield Check(
            "kwtsms mode", Health.OK, "TEST: messages are queued and reach no phone; KWTSMS_TEST_MODE=0 is live"
        )
    else:
        yield Check("kwtsms mode", Health.OK, "LIVE: messages reach phones and cost points")
    if own.sender == SHARED_SENDER:
        yield Check(
            "kwtsms sender",
            Health.WARN,
            "KWT-SMS is the shared sender: slow, and blocked on some Kuwaiti networks",
            "register a sender of your own at kwtsms.com and set KWTSMS_SENDER_ID",
        )
    else:
        yield Check("kwtsms sender", Health.OK, f"{own.sender} (names are case sensitive)")


def _online(
    account: tuple[str, Secret], own: KwtSmsSettings, proxy: Proxy | None, settings: Settings
) -> Iterator[Check]:
    timeout = settings.timeout
    parts = urlsplit(own.base_url)
    host = parts.hostname or ""
    if proxy is None:  # a proxy looks up the name itself
        try:
            socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
        except OSError as error:
            cure = "check DNS and KWTSMS_BASE_URL; where a proxy is needed, set HTTPS_PROXY"
            yield Check("kwtsms DNS", Health.FAIL, f"{host} has no address: {type(error).__name__}", cure)
            return
        yield Check("kwtsms DNS", Health.OK, f"{host} has an address")
    transport = KwtSmsTransport(*account, own, clock=SystemClock(), state_dir=settings.state_dir)
    with contextlib.closing(transport):
        gateway = transport.gateway
        try:
            balance = gateway.balance(timeout).available
        except TransportError as error:
            yield Check("kwtsms account", Health.FAIL, _words(error), error.action)
            return
        how = "TLS" if parts.scheme == "https" else "plain HTTP on this machine"
        yield Check("kwtsms account", Health.OK, f"the gateway takes the credentials ({how})")
        yield _balance(balance)
        yield from _lists(gateway, own, timeout)


def _balance(points: float | None) -> Check:
    if points is None:
        return Check("kwtsms balance", Health.WARN, "the gateway did not say")
    low = points < _LOW_BALANCE
    found = f"{points:g} points left"
    return Check("kwtsms balance", Health.WARN if low else Health.OK, found, "top up at kwtsms.com" if low else None)


def _lists(gateway: Gateway, own: KwtSmsSettings, timeout: float) -> Iterator[Check]:
    try:
        senders = gateway.senderids(timeout)
        prefixes = gateway.coverage(timeout)
    except TransportError as error:
        yield Check("kwtsms account", Health.WARN, _words(error), error.action)
        return
    if own.sender in senders:
        yield Check("kwtsms sender ID", Health.OK, f"{own.sender} is registered for this account")
    else:
        there = ", ".join(senders) or "none"
        yield Check(
            "kwtsms sender ID",
            Health.FAIL,
            f"{own.sender} is not registered for this account",
            f"set KWTSMS_SENDER_ID to one of: {there}",
        )
    if _KUWAIT in prefixes:
        yield Check("kwtsms coverage", Health.OK, f"Kuwait and {len(prefixes) - 1} other countries are active")
    else:
        yield Check(
            "kwtsms coverage", Health.WARN, "Kuwait (965) is not active", "ask kwtSMS support to activate coverage"
        )


def _words(error: TransportError) -> str:
    return f"{error.code}: {error.detail}" if error.code else error.detail
