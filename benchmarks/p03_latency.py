"""P3: how long one send takes where the gateway is 50 ms away, over TLS, in round trips.

A relay passes everything on 25 ms later, in both directions. The loopback answers the handshake of TCP at once, so the
relay holds the first bytes of a connection back for one round trip more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.bench import Bench, Side
from benchmarks.gateway import running
from benchmarks.model import Goal, Row, Value, same, seconds
from benchmarks.p02_tls import authority

ROUND_TRIPS: Final = Goal("<=", 1.06, " round trips")
_ROUND_TRIP: Final = 0.05


def measure(bench: Bench) -> Iterator[Row]:
    trusted, certificate = authority(bench)
    with (
        running(certificate=str(certificate)) as gateway,
        running(relay=gateway.port, delay=_ROUND_TRIP / 2, tls=True) as far,
    ):
        context, variables = {"url": far.url, "warm": 2}, {"SSL_CERT_FILE": str(trusted)}
        both = [
            Side(environment, "sides", name, "", context, variables)
            for environment, name in (("ours", "ours"), ("peer", "peer"), ("ours", "floor"), ("urllib3", "urllib3"))
        ]
        with bench.workers(*both) as workers:
            gateway.statistics()
            we, they, least, bare = bench.compare(workers, clock="wall", seconds=0.3)
            requests = gateway.statistics()["requests"]
        same("P3: every send is a request", True, requests >= len(both) * bench.rounds)
    round_trips = [each / _ROUND_TRIP for each in we]
    yield Row(
        "P3",
        "one send, 50 ms away, over TLS",
        f"{seconds(Value.of(we).median)}",
        f"{Value.of(they).median / _ROUND_TRIP:.1f} round trips",
        f"{Value.of(least).median / _ROUND_TRIP:.3f} round trips",
        Value.of(round_trips),
        ROUND_TRIPS,
        "time",
        f"urllib3: {Value.of(bare).median / _ROUND_TRIP:.3f} round trips",
    )
