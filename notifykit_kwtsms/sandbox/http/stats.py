"""The figures of a sandbox: those of the strip on top of the page, and those that Prometheus collects."""

from __future__ import annotations

import functools
import importlib.metadata
import time
from collections.abc import Mapping
from typing import Any, Final

import attrs

from notifykit_kwtsms.sandbox.gateway.accounts import USERNAME, Account
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.inbox.store import Totals
from notifykit_kwtsms.sandbox.models import View


@attrs.frozen
class SandboxInfo:
    """How a sandbox is set up, as far as the page shows it."""

    #: Its name beside others, ``staging``.
    label: str | None = None
    #: Whether other machines can reach it.
    remote: bool = False
    #: When it began: ``time.monotonic()``, real seconds.
    started: float = attrs.field(factory=time.monotonic)


@functools.cache
def version() -> str:
    """Return the version that is installed."""
    return importlib.metadata.version("notifykit")


#: How fast the gateway is asked, beside how fast it may be.
RATE: Final = View(
    "Rate",
    {
        "now": (int, lambda seconds, limit: seconds[-1]),
        "limit": (int | None, lambda seconds, limit: limit),
        "peak": (int, lambda seconds, limit: max(seconds)),
        "seconds": (tuple[int, ...], lambda seconds, limit: seconds),
    },
)


def rate(gateway: Gateway) -> dict[str, Any]:
    """Return the rate of a gateway as it is now."""
    return RATE(gateway.traffic.counts(), gateway.rules.rate_limit)


@attrs.frozen
class _Figures:
    """A sandbox at one moment."""

    #: The gateway.
    gateway: Gateway
    #: How the sandbox is set up.
    info: SandboxInfo
    #: Open event streams.
    listeners: int
    #: The newest change that is in the sums, at least.
    sequence: int
    #: The sums over the inbox.
    inbox: Totals
    #: The default account.
    account: Account | None


#: The figures of the strip on top of the page.
STATS: Final = View(
    "Stats",
    {
        "messages": (int, lambda now: now.inbox.messages),
        "accepted": (int, lambda now: now.inbox.accepted),
        "rejected": (int, lambda now: now.inbox.messages - now.inbox.accepted),
        "unread": (int, lambda now: now.inbox.unread),
        "segments": (int, lambda now: now.inbox.segments),
        "points": (float, lambda now: now.inbox.points),
        "gsm7": (int, lambda now: now.inbox.messages - now.inbox.ucs2),
        "ucs2": (int, lambda now: now.inbox.ucs2),
        "faults": (
            Mapping[str, int],
            lambda now: {name: int(n) for (name,), n in now.gateway.metrics.read("faults").items()},
        ),
        "queue": (int, lambda now: now.gateway.queue_size(USERNAME)),
        "queue-limit": (int, lambda now: now.account.queue_limit if now.account else 0),
        "balance": (float, lambda now: now.account.balance if now.account else 0),
        "requests": (int, lambda now: now.gateway.traffic.total),
        "rate": (RATE, lambda now: rate(now.gateway)),
        "blocked": (Mapping[str, float], lambda now: now.gateway.traffic.blocked()),
        "preset": (str | None, lambda now: now.gateway.faults.preset()),
        "armed": (int, lambda now: len(now.gateway.faults.active())),
        "listeners": int,
        "uptime": (float, lambda now: round(time.monotonic() - now.info.started, 3)),
        "sequence": int,
        "history": (str, lambda now: now.gateway.store.history),
        "version": (str, lambda now: version()),
        "label": (str | None, lambda now: now.info.label),
        "keep": (int, lambda now: now.gateway.store.keep),
        "keep-for": (float | None, lambda now: now.gateway.store.keep_for),
        "stored": (bool, lambda now: now.gateway.store.stored),
        "remote": (bool, lambda now: now.info.remote),
    },
)


def stats(gateway: Gateway, info: SandboxInfo, listeners: int) -> dict[str, Any]:
    """Return the figures of a sandbox as they are now."""
    store, account = gateway.store, gateway.accounts.get(USERNAME)
    return STATS(_Figures(gateway, info, listeners, store.sequence, store.totals(), account))


def metrics(gateway: Gateway, info: SandboxInfo, listeners: int) -> str:
    """Return the counters in the text form of Prometheus."""
    read = gateway.metrics.read
    inbox = gateway.store.totals()
    accounts = [account for name in gateway.accounts.names() if (account := gateway.accounts.get(name))]
    queues: dict[tuple[str, ...], float] = {
        (account.username,): gateway.queue_size(account.username) for account in accounts
    }
    balances: dict[tuple[str, ...], float] = {(account.username,): account.balance for account in accounts}
    families: tuple[tuple[str, str, tuple[str, ...], Mapping[tuple[str, ...], float]], ...] = (
        ("messages_total", "Requests to send.", ("encoding", "result"), read("messages")),
        ("segments_total", "Segments that were accepted, for each number.", ("encoding",), read("segments")),
        ("points_total", "Points that were charged.", (), read("points") or {(): 0}),
        ("faults_total", "Faults that fired.", ("fault",), read("faults")),
        ("requests_total", "Requests to the gateway.", (), {(): gateway.traffic.total}),
        ("messages", "Messages in the inbox.", (), {(): inbox.messages}),
        ("messages_unread", "Unread messages.", (), {(): inbox.unread}),
        ("queue_messages", "Places taken in the queue of an account.", ("account",), queues),
        ("balance_points", "Balance of an account in points.", ("account",), balances),
        ("listeners", "Open event streams.", (), {(): listeners}),
        ("uptime_seconds", "Seconds since the start.", (), {(): round(time.monotonic() - info.started, 3)}),
    )
    return "".join(_family(*family) for family in families)


def _family(name: str, words: str, labels: tuple[str, ...], samples: Mapping[tuple[str, ...], float]) -> str:
    full = f"notifykit_sandbox_{name}"
    lines = [f"# HELP {full} {words}", f"# TYPE {full} {'counter' if name.endswith('_total') else 'gauge'}"]
    for values, number in samples.items():
        inside = ",".join(f'{label}="{_escape(value)}"' for label, value in zip(labels, values, strict=True))
        lines.append(f"{full}{{{inside}}} {number:.10g}" if inside else f"{full} {number:.10g}")
    return "".join(f"{line}\n" for line in lines)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
