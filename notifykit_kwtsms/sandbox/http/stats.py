"""The figures of a sandbox: those of the strip on top of the page, and those that Prometheus collects."""

from __future__ import annotations

import functools
import importlib.metadata
import time
from collections.abc import Mapping
from typing import Any, Final

import attrs

from notifykit_kwtsms.sandbox.gateway.accounts import USERNAME
from notifykit_kwtsms.sandbox.gateway.service import Gateway
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

    @property
    def uptime(self) -> float:
        """Real seconds since it began."""
        return round(time.monotonic() - self.started, 3)


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


def _of_account(gateway: Gateway, name: str) -> Any:
    account = gateway.accounts.get(USERNAME)
    return getattr(account, name) if account else 0


#: The figures of the strip on top of the page. Takes the sums over the inbox, the gateway, the setup, and open streams.
STATS: Final = View(
    "Stats",
    {
        "messages": int,
        "accepted": int,
        "rejected": (int, lambda totals, *_: totals.messages - totals.accepted),
        "unread": int,
        "segments": int,
        "points": float,
        "gsm7": (int, lambda totals, *_: totals.messages - totals.ucs2),
        "ucs2": int,
        "faults": (
            Mapping[str, int],
            lambda totals, gateway, *_: {name: int(n) for (name,), n in gateway.metrics.read("faults").items()},
        ),
        "queue": (int, lambda totals, gateway, *_: gateway.queue_size(USERNAME)),
        "queue-limit": (int, lambda totals, gateway, *_: _of_account(gateway, "queue_limit")),
        "balance": (float, lambda totals, gateway, *_: _of_account(gateway, "balance")),
        "requests": (int, lambda totals, gateway, *_: gateway.traffic.total),
        "rate": (RATE, lambda totals, gateway, *_: rate(gateway)),
        "blocked": (Mapping[str, float], lambda totals, gateway, *_: gateway.traffic.blocked()),
        "preset": (str | None, lambda totals, gateway, *_: gateway.faults.preset()),
        "armed": (int, lambda totals, gateway, *_: len(gateway.faults.active())),
        "listeners": (int, lambda totals, gateway, info, listeners: listeners),
        "uptime": (float, lambda totals, gateway, info, _: info.uptime),
        "sequence": int,
        "history": (str, lambda totals, gateway, *_: gateway.store.history),
        "version": (str, lambda *_: version()),
        "label": (str | None, lambda totals, gateway, info, _: info.label),
        "keep": (int, lambda totals, gateway, *_: gateway.store.keep),
        "keep-for": (float | None, lambda totals, gateway, *_: gateway.store.keep_for),
        "stored": (bool, lambda totals, gateway, *_: gateway.store.stored),
        "remote": (bool, lambda totals, gateway, info, _: info.remote),
    },
)


def stats(gateway: Gateway, info: SandboxInfo, listeners: int) -> dict[str, Any]:
    """Return the figures of a sandbox as they are now."""
    return STATS(gateway.store.totals(), gateway, info, listeners)


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
        ("uptime_seconds", "Seconds since the start.", (), {(): info.uptime}),
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
