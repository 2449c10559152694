"""The crash harness, run for a short while: what `python -m tests.crash` does for as long as one likes."""

from __future__ import annotations

import attrs
import pytest

from notifykit import Outcome
from tests.crash.campaign import campaign
from tests.crash.gateway import Arrival, most_in_a_second
from tests.crash.interrupted import interrupted_submit
from tests.crash.scenarios import Impossible, Plan, clock_jump, full_disk, kills, restart_database
from tests.crash.stores import binaries
from tests.crash.verdict import Reported, Verdict, compare, spread
from tests.crash.zombie import zombie

#: A run that is over in less than twenty seconds.
SHORT = Plan(kills=3, workers=2, requests=10, pause=1.5)

needs_postgres = pytest.mark.skipif(
    binaries() is None, reason="PostgreSQL's initdb and pg_ctl are not here, or runuser, which root needs to run them"
)


def _kept(verdict: Verdict) -> None:
    assert not verdict.problems, verdict.table()


@pytest.mark.crash
def test_killed_workers_lose_nothing_and_send_nothing_twice() -> None:
    """Claim: workers that are killed in the middle of requests leave every recipient with one outcome, a true one."""
    verdict = kills(SHORT)
    _kept(verdict)
    assert verdict.figures["worker kills"] == SHORT.kills
    assert verdict.figures["recipients accepted"] > 0


@pytest.mark.crash
@needs_postgres
def test_killed_workers_lose_nothing_on_postgresql() -> None:
    """Claim: the same holds where workers share a PostgreSQL database."""
    verdict = kills(attrs.evolve(SHORT, store="postgres"))
    _kept(verdict)
    assert verdict.figures["worker kills"] == SHORT.kills


@pytest.mark.crash
@needs_postgres
def test_a_database_that_crashes_is_waited_for() -> None:
    """Claim: PostgreSQL may crash three times under load: no person has to act, and nothing is lost or doubled."""
    _kept(restart_database(attrs.evolve(SHORT, store="postgres", requests=25)))


@pytest.mark.crash
def test_a_full_disk_holds_jobs_up_and_no_more() -> None:
    """Claim: with no room left a submit says so and leaves no job, and the others go on once there is room."""
    try:
        verdict = full_disk(attrs.evolve(SHORT, requests=20))
    except Impossible as reason:
        pytest.skip(str(reason))
    _kept(verdict)
    assert verdict.figures["requests while it was full"] <= SHORT.workers * 4


@pytest.mark.crash
def test_clocks_that_jump_break_neither_the_rate_limit_nor_the_promise() -> None:
    """Claim: workers whose time of day jumps by up to an hour keep the rate limit, and send nothing twice."""
    _kept(clock_jump(attrs.evolve(SHORT, requests=20)))


@pytest.mark.crash
def test_a_killed_submit_leaves_nothing() -> None:
    """Claim: a job is submitted whole or not at all, and what a killed process wrote of it is forgotten later."""
    _kept(interrupted_submit(attrs.evolve(SHORT, rows=10_000)))


@pytest.mark.crash
@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=needs_postgres)])
def test_a_worker_that_wakes_up_late_reports_the_truth(store: str) -> None:
    """Claim: a worker that was stopped and taken for dead sends nothing twice, and its late result replaces the unknown."""
    verdict = zombie(attrs.evolve(SHORT, store=store, requests=40))
    _kept(verdict)
    assert verdict.figures["unknown while they were stopped, at most"] > 0


@pytest.mark.crash
@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=needs_postgres)])
def test_every_row_of_a_campaign_has_a_true_outcome(store: str) -> None:
    """Claim: workers that are killed, and a gateway that fails, leave each row with an outcome, and nobody gets two."""
    verdict = campaign(attrs.evolve(SHORT, store=store, rows=600))
    _kept(verdict)
    assert verdict.figures["worker kills"] == SHORT.kills
    assert verdict.figures["rows accepted"] > 400
    assert verdict.figures["rows unknown"] > 0
    assert verdict.figures["rows rejected"] > 0
    assert verdict.figures["rows skipped"] > 0


@pytest.mark.parametrize(
    ("arrived", "outcome", "begun", "problem"),
    [
        ([["a"]], Outcome.ACCEPTED, False, None),
        ([["a"]], Outcome.UNKNOWN, True, None),
        ([], Outcome.UNKNOWN, True, None),
        ([["a"], ["a"]], Outcome.ACCEPTED, False, "1 recipients got it twice"),
        ([], Outcome.ACCEPTED, False, "1 recipients are accepted and never arrived"),
        ([["a"]], None, False, "1 recipients have no outcome"),
        ([["a"]], Outcome.SKIPPED, False, "1 recipients got it, and the store says that they did not"),
        ([["a"]], Outcome.UNKNOWN, False, "1 recipients are unknown, and no request of theirs is open"),
    ],
)
def test_the_harness_sees_what_is_wrong(
    arrived: list[list[str]], outcome: Outcome | None, begun: bool, problem: str | None
) -> None:
    """Claim: each broken promise is a problem of the verdict, in words and in the document; a kept one is none."""
    verdict = Verdict()
    reported = [] if outcome is None else [Reported("a", outcome, ("job", 0))]
    arrivals = [Arrival(float(at), tuple(numbers)) for at, numbers in enumerate(arrived)]
    compare(["a"], arrivals, reported, {("job", 0): "request"} if begun else {}, verdict)
    assert verdict.document()["ok"] is (problem is None)
    if problem is None:
        assert verdict.table().endswith("every promise was kept")
    else:
        assert problem in verdict.problems
        assert f"FAILED: {problem}" in verdict.table()


def test_the_busiest_second_is_found_wherever_it_begins() -> None:
    """Claim: requests are counted in windows that slide, each of them half open."""
    assert most_in_a_second([]) == 0
    assert most_in_a_second([0.0, 0.5, 1.0]) == 2
    assert most_in_a_second([0.5, 1.0, 1.25, 1.375, 1.5]) == 4
    assert spread("s", [3.0, 1.0, 2.0]) == {"s": {"count": 3, "p50": 2.0, "p95": 3.0, "max": 3.0}}
