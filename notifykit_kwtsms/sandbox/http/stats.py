"""The figures of the strip on top of the page, and those that Prometheus collects."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping
from typing import Any

from notifykit_kwtsms.sandbox.gateway.accounts import USERNAME
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http.desks.desk import SandboxInfo
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage


def rate(gateway: Gateway) -> dict[str, Any]:
    """Return how fast the gateway is asked, beside how fast it may be."""
    seconds = gateway.traffic.counts()
    return {"now": seconds[-1], "limit": gateway.rules.rate_limit, "peak": max(seconds), "seconds": seconds}


def stats(gateway: Gateway, site: SandboxInfo, listeners: int) -> dict[str, Any]:
    """Return the figures of a sandbox as they are now."""
    inbox = gateway.store.snapshot()
    account = gateway.accounts.get(USERNAME)
    accepted = [message for message in inbox.messages if message.accepted]
    return {
        "messages": len(inbox.messages),
        "accepted": len(accepted),
        "rejected": len(inbox.messages) - len(accepted),
        "unread": sum(message.unread for message in inbox.messages),
        "segments": sum(message.segments * len(message.numbers) for message in accepted),
        "points": round(sum(message.points for message in accepted), 4),
        "gsm7": sum(message.encoding == "gsm7" for message in inbox.messages),
        "ucs2": sum(message.encoding == "ucs2" for message in inbox.messages),
        "faults": dict(gateway.metrics.read().faults),
        "queue": sum(entry.size for entry in gateway.queue(USERNAME)),
        "queue-limit": account.queue_limit if account else 0,
        "balance": account.balance if account else 0,
        "requests": gateway.traffic.total,
        "rate": rate(gateway),
        "blocked": gateway.traffic.blocked(),
        "preset": gateway.faults.preset(),
        "armed": len(gateway.faults.armed()),
        "listeners": listeners,
        "uptime": round(time.monotonic() - site.started, 3),
        "sequence": inbox.sequence,
        "history": gateway.store.history,
        "version": version(),
        "label": site.label,
        "keep": gateway.store.keep,
        "keep-for": gateway.store.keep_for,
        "stored": gateway.store.stored,
        "remote": site.remote,
    }


@functools.cache
def version() -> str:
    """Return the version that is installed."""
    import importlib.metadata

    return importlib.metadata.version("notifykit")


def metrics(gateway: Gateway, site: SandboxInfo, listeners: int) -> str:
    """Return the counters in the text form of Prometheus."""
    return "".join(f"{line}\n" for line in _metrics(gateway, site, listeners))


def _metrics(gateway: Gateway, site: SandboxInfo, listeners: int) -> Iterator[str]:
    counters = gateway.metrics.read()
    now = gateway.store.all()
    yield from _family(
        "messages_total",
        "counter",
        "Requests to send.",
        {_labels(encoding=encoding, result=result): n for (encoding, result), n in sorted(counters.messages.items())},
    )
    yield from _family(
        "segments_total",
        "counter",
        "Segments that were accepted, for each number.",
        {_labels(encoding=encoding): count for encoding, count in sorted(counters.segments.items())},
    )
    yield from _family("points_total", "counter", "Points that were charged.", {"": counters.points})
    yield from _family(
        "faults_total",
        "counter",
        "Faults that fired.",
        {_labels(fault=fault): count for fault, count in sorted(counters.faults.items())},
    )
    yield from _family("requests_total", "counter", "Requests to the gateway.", {"": gateway.traffic.total})
    yield from _family("messages", "gauge", "Messages in the inbox.", {"": len(now)})
    yield from _family("messages_unread", "gauge", "Messages nobody looked at.", {"": _unread(now)})
    queues = {_labels(account=name): _queued(gateway, name) for name in gateway.accounts.names()}
    yield from _family("queue_messages", "gauge", "Places taken in the queue of an account.", queues)
    balances = {_labels(account=name): _balance(gateway, name) for name in gateway.accounts.names()}
    yield from _family("balance_points", "gauge", "Points left on an account.", balances)
    yield from _family("listeners", "gauge", "Open event streams.", {"": listeners})
    uptime = round(time.monotonic() - site.started, 3)
    yield from _family("uptime_seconds", "gauge", "Seconds since the start.", {"": uptime})


def _family(name: str, kind: str, words: str, samples: Mapping[str, float]) -> Iterator[str]:
    full = f"notifykit_sandbox_{name}"
    yield f"# HELP {full} {words}"
    yield f"# TYPE {full} {kind}"
    for labels, value in samples.items():
        yield f"{full}{labels} {value:.10g}"


def _labels(**labels: str) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inside}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _unread(messages: tuple[CapturedMessage, ...]) -> int:
    return sum(message.unread for message in messages)


def _queued(gateway: Gateway, username: str) -> int:
    return sum(entry.size for entry in gateway.queue(username))


def _balance(gateway: Gateway, username: str) -> float:
    account = gateway.accounts.get(username)
    return account.balance if account else 0
