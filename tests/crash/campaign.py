"""A campaign of rows, each with its own text, through workers that are killed and a gateway that fails."""

from __future__ import annotations

import collections
import contextlib
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from notifykit import Message, Outcome, Recipient, Rejected, SkipReason
from notifykit.errors import InvalidRecipient
from notifykit.models.job import JobRow, JobSpec, Row
from notifykit.protocols.engine import Job
from notifykit_kwtsms import settings
from tests.crash.scenarios import Plan, Stage, stage, workers_killed
from tests.crash.verdict import Verdict, spread

#: Requests a second: what the gateway would block is no subject here, and thousands of texts take thousands of requests.
_RATE: Final = 100.0
#: How many requests fail, of all, and how: before the gateway has accepted them, and after.
_FAULTS: Final = 0.03
_FAULTS_OF_A_SHORT_RUN: Final = 0.1
_KINDS: Final = (("reset", "receive"), ("html-502", "receive"), ("close", "accept"), ("half-body", "accept"))
#: A refusal that is tried again half a minute later: where a run takes minutes.
_BUSY: Final = ("ERR013", None)
_LONG_RUN: Final = 10_000
#: Texts that many people get.
_COMMON: Final = ("Happy Eid from the shop", "Eid Mubarak, we open at nine", "Eid offers end on Friday")


def campaign(plan: Plan) -> Verdict:
    """Kill workers that send a campaign of rows: each row has its outcome in the table, and arrived once at most."""
    verdict = Verdict()
    dice = random.Random(plan.seed)
    rows = list(_table(plan.rows, dice))
    raised = {"CRASH_RATE": f"{_RATE:g}"}
    with (
        _higher_rate(),
        stage(attrs.evolve(plan, rate=_RATE), slowest=0.05) as on,
        on.workers(more=raised) as workers,
    ):
        if plan.rows >= _LONG_RUN:
            on.gateway.fail((*_KINDS, _BUSY), _FAULTS)
        else:
            on.gateway.fail(_KINDS, _FAULTS_OF_A_SHORT_RUN)
        began = time.monotonic()
        spec = JobSpec((), Message(""), "campaign", urgent=False, rows=iter(rows))
        job = on.load.notifier._components.engine().submit(spec)
        verdict.figures |= {
            "limit, requests a second": _RATE,
            "rows": len(rows),
            "stored in, s": round(time.monotonic() - began, 1),
        }
        on.load.jobs.append(job)
        workers.wait_ready()
        began = time.monotonic()
        while workers_killed(workers) < plan.kills and job.progress().finished is None:
            time.sleep(dice.uniform(0.0, plan.pause))
            workers.kill_one()
        verdict.require(on.load.wait(_patience(plan)) is not None, f"the job was not over in time: {job.progress()}")
        verdict.figures |= {
            "sent in, s": round(time.monotonic() - began, 1),
            "worker kills": workers_killed(workers),
            **spread("kill to takeover, s", workers.notice_times()),
        }
        _judge(on, job, rows, verdict)
        return verdict


@contextlib.contextmanager
def _higher_rate() -> Iterator[None]:
    """Let this process name a rate that the real gateway would block, as the workers may in this run."""
    before = settings._MOST_PER_SECOND
    setattr(settings, "_MOST_PER_SECOND", _RATE)  # noqa: B010 - a constant everywhere else
    try:
        yield
    finally:
        setattr(settings, "_MOST_PER_SECOND", before)  # noqa: B010


def _patience(plan: Plan) -> float:
    """Return the seconds after the last kill in which the rest has to be sent, on a busy machine."""
    return 240.0 + plan.rows * 0.05


def _table(count: int, dice: random.Random) -> Iterator[Row]:
    """Yield rows: most get one of a few texts, a tenth their own; some have no number, or one that came before."""
    for n in range(count):
        who: Recipient | Rejected = Recipient(f"9655{n:07d}", country="KW")
        kind = dice.random()
        text = dice.choice(_COMMON) if kind > 0.1 else f"Dear customer {n}, your Eid gift waits at the shop"
        if kind > 0.99:
            who = Rejected(f"{n}", InvalidRecipient("It is no number.", action="Repair the row."))
        elif kind > 0.98 and n:
            who = Recipient(f"9655{dice.randrange(n):07d}", country="KW")
        yield Row(who, "" if isinstance(who, Rejected) else text, None, {"row": str(n), "text": text})


def _judge(on: Stage, job: Job, rows: Sequence[Row], verdict: Verdict) -> None:
    """Hold the table of results against the one that came in, and against what the gateway accepted."""
    found = list(job.rows())
    arrived = on.gateway.texts()
    in_order = [(row.position, dict(row.cells)) for row in found] == [(n, row.cells) for n, row in enumerate(rows)]
    verdict.require(in_order, "the rows that came out are not those that went in")
    missing = [row for row in found if row.receipt is None]
    verdict.require(not missing, f"{len(missing)} rows have no outcome")
    doubled = [number for number, texts in arrived.items() if len(texts) > 1]
    verdict.require(not doubled, f"{len(doubled)} people got it twice")
    seen: set[str] = set()
    wrong: collections.Counter[str] = collections.Counter()
    for row, result in zip(rows, found, strict=False):
        if result.receipt is not None:
            wrong.update(_wrongs(row, result, arrived, seen))
    verdict.problems += [f"{count} rows: {what}" for what, count in wrong.items()]
    outcomes = collections.Counter(str(row.receipt.outcome) for row in found if row.receipt)
    unknown = collections.Counter(
        str(row.receipt.error and row.receipt.error.code)
        for row in found
        if row.receipt and row.receipt.outcome is Outcome.UNKNOWN
    )
    progress = job.progress()
    verdict.require(
        all(getattr(progress, name) == outcomes[name] for name in Outcome), f"the counts are others: {progress}"
    )
    verdict.figures |= {
        "requests that came": on.gateway.count(),
        "requests that failed": on.gateway.failed(),
        "different texts sent": len({text for texts in arrived.values() for text in texts}),
        **{f"rows {name}": outcomes[name] for name in Outcome},
        "unknown, because": dict(unknown) or None,
        "people whom it reached": len(arrived),
        "lost: no outcome": len(missing),
        "doubled": len(doubled),
    }


def _wrongs(row: Row, result: JobRow, arrived: Mapping[str, Sequence[str]], seen: set[str]) -> Iterator[str]:
    """Yield what of a result is not true."""
    receipt = result.receipt
    assert receipt is not None
    if isinstance(row.recipient, Rejected):
        if receipt.outcome is not Outcome.REJECTED or receipt.attempts:
            yield "have no number, and are not rejected for it"
        return
    address = row.recipient.address
    if address in seen:
        if receipt.skipped is not SkipReason.DUPLICATE:
            yield "have a number that came before, and are not skipped for it"
        return
    seen.add(address)
    texts = arrived.get(address, ())
    if receipt.outcome is Outcome.ACCEPTED and not texts:
        yield "are accepted and never arrived"
    if receipt.outcome in (Outcome.REJECTED, Outcome.SKIPPED):
        yield "were sent, and the table says that they were not" if texts else "were not sent for no reason"
    if any(text != row.text for text in texts):
        yield "got the text of another row"
