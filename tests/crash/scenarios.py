"""What is done to the workers and the database while they work."""

from __future__ import annotations

import contextlib
import pathlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

from notifykit import ConfigError, Notifier
from tests.crash.gateway import Gateway
from tests.crash.load import Load
from tests.crash.stores import NoSmallDisk, Store, store
from tests.crash.verdict import Verdict, judge, spread
from tests.crash.workers import Workers, environment

#: Seconds after the last outcome in which a late request would still be seen.
_QUIET: Final = 2.0
#: Requests that are kept waiting while workers are killed, at most.
_WAITING: Final = 40


@attrs.frozen
class Plan:
    """What a run is to do."""

    #: ``sqlite`` or ``postgres``.
    store: str = "sqlite"
    #: Kills.
    kills: int = 200
    #: Workers that live at once.
    workers: int = 4
    #: Requests a second.
    rate: float = 4.0
    #: Seconds between two kills, at most; on average half of it.
    pause: float = 2.0
    #: Requests that are waiting when it begins.
    requests: int = 60
    #: Makes the same dice fall; what the machine does in between is its own affair.
    seed: int = 0
    #: Rows of a campaign, or recipients of a job that is interrupted.
    rows: int = 50_000


class Impossible(Exception):
    """This scenario can't be run here, and why."""


@attrs.frozen
class Stage:
    """A gateway, a database and a notifier that submits, ready for a scenario."""

    #: The plan.
    plan: Plan
    #: The database.
    store: Store
    #: The gateway.
    gateway: Gateway
    #: What is submitted.
    load: Load
    #: What workers are reported.
    environment: Mapping[str, str] = attrs.field(repr=False)

    def workers(self, count: int | None = None, more: Mapping[str, str] | None = None) -> Workers:
        """Return workers, to be entered."""
        reported = environment(self.environment, more or {})
        return Workers(self.plan.workers if count is None else count, reported, self.store.folder, self.plan.seed)

    def finish(self, workers: Workers, verdict: Verdict) -> Verdict:
        """Let what is left be sent, and judge."""
        left = max(0, self.load.requests - self.gateway.count())
        patience = left / self.plan.rate * 2 + 240
        took = self.load.wait(patience)
        verdict.require(took is not None, f"jobs were not over {patience:.0f} s after the last of it")
        time.sleep(_QUIET)
        verdict.figures["worker kills"] = sum(worker.killed is not None for worker in workers.all)
        verdict.figures |= spread("kill to takeover, s", workers.notice_times())
        judge(self.load, verdict)
        if workers.complaints:
            verdict.figures["workers said"] = workers.complaints
        return verdict


@contextlib.contextmanager
def stage(plan: Plan, *, slowest: float = 0.8, small: bool = False) -> Iterator[Stage]:
    """Set up everything but the workers."""
    try:
        with store(plan.store, small=small) as kept, Gateway(plan.rate, slowest, plan.seed) as gateway:
            reported = {"NOTIFYKIT_TRANSPORT": gateway.dsn, "NOTIFYKIT_WORKERS": "separate", **kept.environment}
            with Notifier.from_settings(environment=reported) as notifier:
                yield Stage(plan, kept, gateway, Load(notifier, gateway, plan.seed), reported)
    except NoSmallDisk as error:
        raise Impossible(f"full-disk: {error.__doc__}") from None


def kills(plan: Plan) -> Verdict:
    """Kill workers at random moments, and replace them at once."""
    return _killing(plan)


def clock_jump(plan: Plan) -> Verdict:
    """Kill workers whose clocks jump by up to an hour, either way, every few seconds."""
    return _killing(plan, {"CRASH_CLOCK_SEED": str(plan.seed)})


def _killing(plan: Plan, more: Mapping[str, str] | None = None) -> Verdict:
    dice = random.Random(plan.seed)
    verdict = Verdict()
    with stage(plan) as on, on.workers(more=more) as workers:
        on.load.mixed(plan.requests)
        workers.wait_ready()
        enough = threading.Event()
        feeding = on.load.kept_up(enough, min(_WAITING, plan.requests))
        while workers_killed(workers) < plan.kills:
            time.sleep(dice.uniform(0.0, plan.pause))
            workers.kill_one()
        enough.set()
        for thread in feeding:
            thread.join()
        return on.finish(workers, verdict)


def workers_killed(workers: Workers) -> int:
    """Return how many were killed so far."""
    return sum(worker.killed is not None for worker in workers.all)


def restart_database(plan: Plan) -> Verdict:
    """Let PostgreSQL crash and come back three times under load."""
    if plan.store != "postgres":
        raise Impossible("restart-database: a file is not a server; use --store postgres")
    verdict = Verdict()
    with stage(plan) as on, on.workers() as workers:
        assert on.store.cluster is not None
        on.load.mixed(plan.requests)
        workers.wait_ready()
        for restart in range(1, 4):
            on.gateway.wait_for(restart * plan.requests // 5, 180)
            on.store.cluster.restart()
        verdict.figures["database restarts"] = 3
        return on.finish(workers, verdict)


def full_disk(plan: Plan) -> Verdict:
    """Fill the disk under load, try to submit, and make room again."""
    if plan.store != "sqlite":
        raise Impossible("full-disk: what a full disk does to a PostgreSQL server is not for this library to say")
    verdict = Verdict()
    with stage(plan, small=True) as on, on.workers() as workers:
        on.load.mixed(plan.requests)
        workers.wait_ready()
        on.gateway.wait_for(10, 180)
        ballast = on.store.folder / "state" / "ballast"
        with _filled(ballast):
            before = on.gateway.count()
            # More than the room that SQLite's log has already.
            many = (f"9659{n:07d}" for n in range(300_000))
            refused = _refused(lambda: on.load.notifier.submit(many, "Too much", key="full"))
            verdict.figures["submit on a full disk says"] = refused
            verdict.require(refused and "disk is full" in refused, "submit on a full disk raised no clear ConfigError")
            time.sleep(10)
            verdict.figures["requests while it was full"] = on.gateway.count() - before
        verdict.require(not _has_job(on.load.notifier, "full"), "a refused order left a job")
        on.load.campaign(500)
        return on.finish(workers, verdict)


@contextlib.contextmanager
def _filled(file: pathlib.Path) -> Iterator[None]:
    """Leave no room on a file system, until the end."""
    stop = threading.Event()

    def fill() -> None:
        # The log of the database gives room back when it begins anew: that is taken too.
        with file.open("ab", buffering=0) as ballast:
            while not stop.wait(0.02):
                with contextlib.suppress(OSError):
                    while ballast.write(b"x" * 1024):
                        pass

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    time.sleep(1.0)
    try:
        yield
    finally:
        stop.set()
        thread.join()
        file.unlink()


def _has_job(notifier: Notifier, key: str) -> bool:
    try:
        notifier.job(key)
    except KeyError:
        return False
    return True


def _refused(work: Callable[[], object]) -> str:
    try:
        work()
    except ConfigError as error:
        return str(error)
    except Exception as error:
        return type(error).__name__
    return ""
