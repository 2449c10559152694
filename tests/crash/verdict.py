"""Holding the gateway's records against the store: what was lost, doubled, unknown, and how fast."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from notifykit import Outcome
from notifykit.durable.database import Database, DurableSettings
from notifykit.durable.tables import requests
from tests.crash.gateway import MOST_IN_A_SECOND, Arrival, most_in_a_second
from tests.crash.load import Load


@attrs.define
class Verdict:
    """What came out of a run."""

    #: The figures, by their names, in the order they are shown.
    figures: dict[str, Any] = attrs.field(factory=dict)
    #: What must not be, and was.
    problems: list[str] = attrs.field(factory=list)

    def require(self, condition: object, problem: str) -> None:
        """Note a problem unless a condition holds."""
        if not condition:
            self.problems.append(problem)

    def table(self) -> str:
        """Return the figures, one a line, and the problems after them."""
        width = max(map(len, self.figures))
        lines = [f"{name:<{width}}  {_shown(value)}" for name, value in self.figures.items()]
        return "\n".join([*lines, "", *(f"FAILED: {problem}" for problem in self.problems or ()), self.word])

    @property
    def word(self) -> str:
        """Whether every promise was kept."""
        return "a promise was broken" if self.problems else "every promise was kept"

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"ok": not self.problems, "problems": self.problems, "figures": self.figures}


def judge(load: Load, verdict: Verdict) -> Verdict:
    """Compare what arrived with what the store says of every recipient, and look at the rate limit."""
    reported = [
        Reported(
            receipt.to,
            receipt.outcome,
            (job.id, receipt.position),  # type: ignore[attr-defined]
            str(receipt.error) if receipt.outcome is Outcome.UNKNOWN else None,
        )
        for job in load.jobs
        for receipt in job.receipts()
    ]
    verdict.figures["jobs"] = len(load.jobs)
    compare(load.addresses, load.gateway.arrivals(), reported, _begun(load), verdict)
    most = most_in_a_second(load.gateway.starts())
    verdict.figures |= {
        "most requests in a second": most,
        **spread("one-time code to arrival, s", load.code_times()),
    }
    verdict.require(most <= MOST_IN_A_SECOND, f"{most} requests came within a second: the gateway would block")
    verdict.problems += [f"submitting failed: {failure}" for failure in load.failures]
    return verdict


@attrs.frozen
class Reported:
    """What the store says of one recipient."""

    #: The address.
    to: str
    #: Its outcome.
    outcome: Outcome
    #: The job, and the position in it.
    place: tuple[str, int]
    #: Why its outcome is unknown.
    reason: str | None = None


def compare(
    addresses: Sequence[str],
    arrivals: Sequence[Arrival],
    reported: Sequence[Reported],
    begun: Mapping[tuple[str, int], str],
    verdict: Verdict,
) -> None:
    """Compare what arrived with what is reported.

    :param addresses: every submitted recipient, each once.
    :param arrivals: every request that the gateway accepted.
    :param reported: what the store says.
    :param begun: the request that was begun and not answered, by job and position.
    :param verdict: where the figures and problems go.
    """
    arrived = collections.Counter(number for arrival in arrivals for number in arrival.numbers)
    outcomes = {one.to: one.outcome for one in reported}
    count = collections.Counter(one.outcome for one in reported)
    unknown = [one for one in reported if one.outcome is Outcome.UNKNOWN]
    unanswered = {one.to for one in unknown}
    silent = [one for one in unknown if not arrived[one.to]]
    unsent = count[Outcome.REJECTED] + count[Outcome.SKIPPED]
    missing = [address for address in addresses if address not in outcomes]
    phantom = [one for one in reported if one.outcome is Outcome.ACCEPTED and not arrived[one.to]]
    doubled = [address for address, times in arrived.items() if times > 1]
    hidden = [address for address in arrived if outcomes.get(address) not in (Outcome.ACCEPTED, Outcome.UNKNOWN)]
    unaccounted = [one for one in unknown if one.place not in begun]
    verdict.figures |= {
        "recipients": len(addresses),
        "requests that arrived": len(arrivals),
        "recipients accepted": count[Outcome.ACCEPTED],
        "recipients unknown": len(unknown),
        "unknown, because": dict(collections.Counter(one.reason for one in unknown)) or None,
        "in so many requests": len({begun.get(one.place) for one in unknown}),
        "unknown, had not arrived": len(silent),
        "in so many requests of these": len({begun.get(one.place) for one in silent}),
        "requests arrived, no answer read": sum(any(n in unanswered for n in arrival.numbers) for arrival in arrivals),
        "recipients rejected or skipped": unsent,
        "lost: no outcome": len(missing),
        "lost: accepted, never arrived": len(phantom),
        "doubled": len(doubled),
        "arrived, called not sent": len(hidden),
        "unknown without a request": len(unaccounted),
    }
    verdict.require(not missing, f"{len(missing)} recipients have no outcome")
    verdict.require(not phantom, f"{len(phantom)} recipients are accepted and never arrived")
    verdict.require(not doubled, f"{len(doubled)} recipients got it twice")
    verdict.require(not hidden, f"{len(hidden)} recipients got it, and the store says that they did not")
    verdict.require(not unaccounted, f"{len(unaccounted)} recipients are unknown, and no request of theirs is open")
    verdict.require(not unsent, f"{unsent} recipients were rejected or skipped for no reason")


def database_of(load: Load) -> Database:
    """Return a way of one's own into the database of a run."""
    return Database(DurableSettings.of(load.notifier.settings))


def _begun(load: Load) -> Mapping[tuple[str, int], str]:
    """Return the request that was begun and not answered in time, for each job and position that had one."""
    database = database_of(load)
    try:
        with database.read() as db:
            rows = db.execute(sa.select(requests.c.job, requests.c.positions, requests.c.id, requests.c.completed))
            return {(row.job, position): row.id for row in rows if row.completed is None for position in row.positions}
    finally:
        database.close()


def spread(name: str, values: Sequence[float]) -> dict[str, Any]:
    """Return how many values there are, and their middle, 95th percentile and largest."""
    if not values:
        return {name: None}
    ordered = sorted(values)
    return {
        name: {
            "count": len(ordered),
            "p50": round(ordered[len(ordered) // 2], 2),
            "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 2),
            "max": round(ordered[-1], 2),
        }
    }


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return "-" if value is None else str(value)
