"""``python -m tests.crash``: run one scenario, print what came out, and fail where a promise was broken."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import signal
import sys
import time
from collections.abc import Sequence

from tests.crash.campaign import campaign
from tests.crash.interrupted import interrupted_submit
from tests.crash.scenarios import Impossible, Plan, clock_jump, full_disk, kills, restart_database
from tests.crash.zombie import zombie

SCENARIOS = {
    "kills": kills,
    "restart-database": restart_database,
    "full-disk": full_disk,
    "clock-jump": clock_jump,
    "interrupted-submit": interrupted_submit,
    "zombie": zombie,
    "campaign": campaign,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 where every promise was kept, 1 where one was broken, 3 where the scenario can't be run here."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--scenario", choices=SCENARIOS, default="kills")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--kills", type=int, default=Plan().kills)
    parser.add_argument("--workers", type=int, default=Plan().workers)
    parser.add_argument("--rate", type=float, default=Plan().rate, help="requests a second")
    parser.add_argument("--pause", type=float, default=Plan().pause, help="the most seconds between two kills")
    parser.add_argument("--requests", type=int, default=Plan().requests, help="that wait when it begins")
    parser.add_argument("--seed", type=int, default=Plan().seed)
    parser.add_argument(
        "--rows",
        type=int,
        default=None,
        help="of a campaign, and recipients of interrupted-submit, of which it takes 100,000 at most",
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    # A process that is asked to end stops the workers and the database.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if given.rows is None:
        given.rows = 100_000 if given.scenario == "interrupted-submit" else Plan().rows
    plan = Plan(
        given.store, given.kills, given.workers, given.rate, given.pause, given.requests, given.seed, given.rows
    )
    began = time.monotonic()
    try:
        verdict = SCENARIOS[given.scenario](plan)
    except Impossible as reason:
        sys.stderr.write(f"{reason}\n")
        return 3
    about = {
        "scenario": given.scenario,
        "store": given.store,
        "workers": given.workers,
        "limit, requests a second": given.rate,
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores, {sys.platform}, Python {sys.version.split()[0]}",
        "took, s": round(time.monotonic() - began),
    }
    verdict.figures = about | verdict.figures
    text = json.dumps(verdict.document(), indent=2) if given.json else verdict.table()
    sys.stdout.write(f"{text}\n")
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
