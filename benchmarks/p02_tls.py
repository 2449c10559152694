"""P2: the same send over TLS: with one certificate to trust, and with the system's list of them.

The peer opens a connection, reads the list of certificates and makes a TLS handshake for every send.
"""

from __future__ import annotations

import pathlib
import ssl
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks import sides
from benchmarks.bench import Bench, Side
from benchmarks.environments import report
from benchmarks.gateway import running
from benchmarks.model import Goal, Row, Value, same, seconds

CASES: Final = {"one test CA": None, "the system's CAs": Goal(">=", 50)}
CONNECTIONS: Final = Goal("<=", 1, " connections")
CONTEXTS: Final = Goal("<=", 1, " contexts")
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_MAKE: Final = """\
import pathlib, sys, trustme
authority = trustme.CA()
authority.cert_pem.write_to_path(sys.argv[1])
authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(sys.argv[2])
"""
_SENDS: Final = 50


def contexts(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Return how many TLS contexts some sends make."""
    made = 0
    original = ssl.create_default_context

    def counted(*arguments: Any, **options: Any) -> ssl.SSLContext:
        nonlocal made
        made += 1
        return original(*arguments, **options)

    ssl.create_default_context = counted
    work, _ = sides.ours("", context)
    work(_SENDS)
    return (lambda times: None), lambda: made


def authority(bench: Bench) -> tuple[pathlib.Path, pathlib.Path]:
    """Make a certificate authority for this run, and return its certificate, and one of a server with its key."""
    trusted, certificate = bench.scratch / "ca.pem", bench.scratch / "server.pem"
    if not certificate.exists():
        bench.run("tools", _MAKE, trusted, certificate)
    return trusted, certificate


def measure(bench: Bench) -> Iterator[Row]:
    trusted, certificate = authority(bench)
    for case, goal in CASES.items():
        file = trusted if case == "one test CA" else _with_the_systems(bench, trusted)
        if file is None:
            report("P2: this machine has no list of certificates where systems have theirs: left out")
            continue
        with running(certificate=str(certificate)) as gateway:
            context, variables = {"url": gateway.url, "warm": 3}, {"SSL_CERT_FILE": str(file)}
            both = [
                Side(environment, "sides", name, "no rate limit" if name == "ours" else "", context, variables)
                for environment, name in (("ours", "ours"), ("peer", "peer"), ("ours", "floor"), ("urllib3", "urllib3"))
            ]
            for side in both[:2]:
                with bench.workers(side) as (worker,):
                    gateway.statistics()
                    before = worker.evidence
                    worker.work(5)
                    stats = gateway.statistics()
                    same("P2: accepted", 5, worker.evidence - before, stats["requests"])
            with bench.workers(*both) as workers:
                we, they, least, bare = bench.compare(workers, seconds=0.1)
        yield Row(
            "P2",
            f"one send over TLS, {case}",
            seconds(Value.of(we).median),
            seconds(Value.of(they).median),
            f"{Value.ratio(they, least).median:.1f} ×",
            Value.ratio(they, we),
            goal,
            "CPU",
        )
        yield Row(
            "P2",
            f"one send over TLS, {case}, against urllib3",
            seconds(Value.of(we).median),
            seconds(Value.of(bare).median),
            f"{Value.ratio(least, bare).median:.2f} ×",
            Value.ratio(we, bare),
            None,
            "CPU",
        )
    with running(certificate=str(certificate)) as gateway:
        context, variables = {"url": gateway.url, "warm": 0}, {"SSL_CERT_FILE": str(trusted)}
        with bench.workers(Side("ours", "p02_tls", "contexts", "", context, variables)) as (worker,):
            stats, made = gateway.statistics(), worker.evidence
    same("P2: sends", _SENDS, stats["requests"])
    connections = stats["connections"]
    yield Row(
        "P2",
        f"connections for {_SENDS} sends",
        str(connections),
        f"{_SENDS}",
        "1",
        Value.exactly(connections),
        CONNECTIONS,
        "count",
    )
    yield Row(
        "P2", f"TLS contexts for {_SENDS} sends", str(made), f"{_SENDS}", "1", Value.exactly(made), CONTEXTS, "count"
    )


def _with_the_systems(bench: Bench, trusted: pathlib.Path) -> pathlib.Path | None:
    for name in (ssl.get_default_verify_paths().cafile, *_BUNDLES):
        if name and pathlib.Path(name).is_file():
            together = bench.scratch / "cas.pem"
            together.write_bytes(pathlib.Path(name).read_bytes() + b"\n" + trusted.read_bytes())
            return together
    return None
