"""Metrics for Prometheus: what real sends count, scraped and read by its own parser, in one process and in several."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest

pytest.importorskip("prometheus_client", reason='metrics need the extra "prometheus"')
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from notifykit import Capabilities, ConfigError, ContentRejected, Failover, Notifier, Submission
from notifykit.errors import NotReached
from notifykit.integrations.labels import MOST_CODES, MOST_TRANSPORTS, OTHER, Labels
from notifykit.integrations.prometheus import JobsCollector, PrometheusSink, served_registry
from notifykit.models.capabilities import RateLimit
from notifykit.models.job import Backlog, JobState
from notifykit.pipeline.clock import VirtualClock
from notifykit.transports.stubs import MemoryTransport
from notifykit_kwtsms.sandbox import Rules, Sandbox

pytestmark = pytest.mark.slow

NUMBER: Final = "96598765432"
TEXT: Final = "Your code is 778899"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(scraped: bytes) -> Samples:
    """Return every sample of a scrape by its name and labels."""
    families = text_string_to_metric_families(scraped.decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """Return one sample."""
    return found[name, tuple(sorted(labels.items()))]


def total(found: Samples, name: str) -> float:
    """Return the sum over all labels."""
    return sum(number for (sample, _), number in found.items() if sample == name)


@pytest.fixture(name="registry")
def _registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        yield sandbox


def _live(sandbox: Sandbox) -> str:
    return sandbox.dsn.replace("test=1", "test=0")


def test_real_sends_are_counted_as_they_ended(registry: CollectorRegistry, sandbox: Sandbox) -> None:
    """Accepted, invalid, tried again, lost: each recipient once, each request once, and nothing secret."""
    sink = PrometheusSink(registry)
    with Notifier(_live(sandbox), sinks=[sink], clock=VirtualClock()) as notifier:
        notifier.send([NUMBER, "abc", NUMBER], "س" * 71, tags=["secret-tag"])
        notifier.send("96545005001", TEXT)
        notifier.send("96545004002", TEXT)
        notifier.send("96545000010", TEXT)
    scraped = generate_latest(registry)
    found = samples(scraped)
    messages = "notifykit_messages_total"
    assert value(found, messages, transport="kwtsms", outcome="accepted", code="", test="false") == 2
    assert value(found, messages, transport="kwtsms", outcome="skipped", code="duplicate", test="false") == 1
    assert value(found, messages, transport="kwtsms", outcome="unknown", code="connection_lost", test="false") == 1
    assert value(found, messages, transport="kwtsms", outcome="rejected", code="ERR010", test="false") == 1
    assert value(found, messages, transport="kwtsms", outcome="rejected", code="InvalidRecipient", test="false") == 1
    assert total(found, messages) == 6
    assert value(found, "notifykit_attempts_total", transport="kwtsms", outcome="rejected", code="ERR013") == 1
    assert total(found, "notifykit_attempts_total") == total(found, "notifykit_attempt_duration_seconds_count") == 5
    assert value(found, "notifykit_unknown_total", transport="kwtsms", test="false") == 1
    assert value(found, "notifykit_segments_total", transport="kwtsms", test="false") == 3
    assert value(found, "notifykit_cost_total", transport="kwtsms", test="false") == 3
    assert value(found, "notifykit_balance", transport="kwtsms") == sandbox.account.balance + 1
    for secret in (NUMBER, "96545", "778899", "Your", "secret-tag", "://", sandbox.env["KWTSMS_PASSWORD"]):
        assert secret.encode() not in scraped


def test_a_test_does_not_look_like_money(registry: CollectorRegistry, sandbox: Sandbox) -> None:
    """What the gateway holds for a test has a label of its own; the number that was never sent to, too."""
    with Notifier(sandbox.dsn, sinks=[PrometheusSink(registry)]) as notifier:
        notifier.send([NUMBER, "abc"], TEXT)
    found = samples(generate_latest(registry))
    assert value(found, "notifykit_cost_total", transport="kwtsms", test="true") == 1
    assert value(found, "notifykit_segments_total", transport="kwtsms", test="true") == 1
    assert total(found, "notifykit_messages_total") == 2
    for name in ("notifykit_messages_total", "notifykit_unknown_total", "notifykit_cost_total"):
        assert {dict(labels)["test"] for found_name, labels in found if found_name == name} == {"true"}


def test_durations_are_those_of_the_requests(registry: CollectorRegistry, sandbox: Sandbox) -> None:
    """The answer comes 300 ms late."""
    with Notifier(_live(sandbox), sinks=[PrometheusSink(registry)]) as notifier:
        notifier.send("96545003003", TEXT)
    found = samples(generate_latest(registry))
    labels = {"transport": "kwtsms", "outcome": "accepted"}
    assert value(found, "notifykit_attempt_duration_seconds_sum", **labels) > 0.3
    assert value(found, "notifykit_attempt_duration_seconds_bucket", le="0.2", **labels) == 0
    assert value(found, "notifykit_attempt_duration_seconds_bucket", le="+Inf", **labels) == 1


def test_an_unknown_outcome_is_zero_before_it_is_one(registry: CollectorRegistry) -> None:
    """So that the increase of the first one is seen."""
    with Notifier("memory", sinks=[PrometheusSink(registry)]) as notifier:
        notifier.send(NUMBER, TEXT)
    assert value(samples(generate_latest(registry)), "notifykit_unknown_total", transport="memory", test="true") == 0


def test_waits_for_the_rate_limit_are_measured(registry: CollectorRegistry) -> None:
    """Those of the second and the third request, by the notifier's clock."""
    limited = MemoryTransport(capabilities=Capabilities(batch_size=1, rate_limit=RateLimit(2.0, "test")))
    with Notifier(limited, sinks=[PrometheusSink(registry)], clock=VirtualClock()) as notifier:
        notifier.send([NUMBER, "96598765433", "96598765434"], TEXT)
    found = samples(generate_latest(registry))
    assert value(found, "notifykit_rate_limit_wait_seconds_count", transport="memory") == 2
    assert value(found, "notifykit_rate_limit_wait_seconds_sum", transport="memory") == pytest.approx(1.0, abs=0.3)


def test_a_composite_counts_messages_and_its_parts_count_requests(registry: CollectorRegistry) -> None:
    """A message is one, however many parts were asked."""
    failover = Failover(MemoryTransport([NotReached("Down.", "connect")]), MemoryTransport([Submission("id", cost=2)]))
    with Notifier(failover, sinks=[PrometheusSink(registry)], clock=VirtualClock()) as notifier:
        notifier.send(NUMBER, TEXT)
    found = samples(generate_latest(registry))
    assert (
        value(found, "notifykit_messages_total", transport="failover", outcome="accepted", code="", test="false") == 1
    )
    assert total(found, "notifykit_messages_total") == 1
    assert value(found, "notifykit_attempts_total", transport="memory", outcome="rejected", code="connect") == 1
    assert value(found, "notifykit_cost_total", transport="memory", test="false") == 2


def test_notifiers_of_one_process_share_the_metrics(registry: CollectorRegistry) -> None:
    """Two sinks of one registry are no error."""
    for _ in range(2):
        with Notifier("memory", sinks=[PrometheusSink(registry)]) as notifier:
            notifier.send(NUMBER, TEXT)
    assert total(samples(generate_latest(registry)), "notifykit_messages_total") == 2


# --- labels ---


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("ERR013", "ERR013"),
        ("connection_lost", "connection_lost"),
        ("21211", "21211"),
        ("5.7.1", "5.7.1"),
        (None, ""),
        ("", ""),
        (NUMBER, OTHER),
        ("to-96598765432", OTHER),
        (TEXT, OTHER),
        ("رمز", OTHER),
        ("x" * 41, OTHER),
        ("a\nb", OTHER),
        ("kwtsms://user:password@host", OTHER),
    ],
)
def test_a_code_is_a_short_word_or_it_is_not_shown(code: str | None, label: str) -> None:
    """It is foreign text, which may hold a number or a sentence."""
    assert Labels().code(code) == label


@pytest.mark.parametrize(
    ("shown", "label"),
    [
        ("kwtsms://default?sender=SHOP&test=0", "kwtsms"),
        ("webhook+http://host/path", "webhook+http"),
        ("failover(kwtsms://default, smtp://host)", "failover"),
        ("memory", "memory"),
        ("<acme.Transport object at 0x7f>", OTHER),
        ("a sentence", OTHER),
        (NUMBER, OTHER),
        ("", OTHER),
    ],
)
def test_a_transport_is_shown_by_its_name_only(shown: str, label: str) -> None:
    """Never as a DSN."""
    assert Labels().transport(shown) == label


def test_a_provider_that_makes_up_codes_fills_no_memory(registry: CollectorRegistry) -> None:
    """What comes after so many different ones is one label."""
    answers = [ContentRejected("No.", f"CODE{n}") for n in range(MOST_CODES + 50)]
    with Notifier(MemoryTransport(answers), sinks=[PrometheusSink(registry)]) as notifier:
        for _ in answers:
            notifier.send(NUMBER, TEXT)
    found = samples(generate_latest(registry))
    codes = {dict(labels)["code"] for name, labels in found if name == "notifykit_messages_total"}
    assert len(codes) == MOST_CODES + 1
    assert (
        value(found, "notifykit_messages_total", transport="memory", outcome="rejected", code=OTHER, test="true") == 50
    )
    labels = Labels()
    assert len({labels.transport(f"t{n}x") for n in range(99)}) == MOST_TRANSPORTS + 1


# --- jobs and registries ---


def test_jobs_are_read_when_they_are_scraped(registry: CollectorRegistry) -> None:
    """Each state has a sample; without the database there are none, and the scrape succeeds."""
    backlog: list[Any] = [Backlog({JobState.RUNNING: 3, JobState.DONE: 5}, 12.5)]

    def read() -> Backlog:
        if not backlog:
            raise ConfigError("database_url: it can't be used")
        return backlog[0]

    registry.register(JobsCollector(read))
    found = samples(generate_latest(registry))
    assert {dict(labels)["state"]: number for (name, labels), number in found.items() if name == "notifykit_jobs"} == {
        "scheduled": 0, "running": 3, "paused": 0, "done": 5, "cancelled": 0
    }  # fmt: skip
    assert value(found, "notifykit_job_oldest_seconds") == 12.5
    backlog.clear()
    assert samples(generate_latest(registry)) == {}


_PROGRAM: Final = """
import os, sys
from notifykit import Notifier
numbers, text = sys.argv[1:3]
def send():
    with Notifier.from_settings("memory") as notifier:
        for number in numbers.split(","):
            assert notifier.send(number, text).accepted
    sys.stdout.flush()
children = []
for _ in range(2):
    child = os.fork()
    if not child:
        send()
        os._exit(0)
    children.append(child)
send()
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
"""
_SCRAPE: Final = """
import sys
from prometheus_client import generate_latest
from notifykit.integrations.prometheus import served_registry
sys.stdout.buffer.write(generate_latest(served_registry()))
"""


def _run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    path = os.pathsep.join([str(pathlib.Path(__file__).parents[2]), *filter(None, sys.path)])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


def test_several_processes_are_scraped_as_one(tmp_path: pathlib.Path) -> None:
    """Six of them, four forked from others, two numbers each; what the scraping process adds is nothing."""
    shared = tmp_path / "shared"
    shared.mkdir()
    environment = {
        "PROMETHEUS_MULTIPROC_DIR": str(shared),
        "NOTIFYKIT_SINKS": "prometheus",
        "NOTIFYKIT_STATE_DIR": str(tmp_path),
    }
    for _ in range(2):
        done = _run(_PROGRAM, f"{NUMBER},96598765433", TEXT, **environment)
        assert done.returncode == 0, done.stderr.decode()
    scraped = _run(_SCRAPE, **environment)
    assert scraped.returncode == 0, scraped.stderr.decode()
    found = samples(scraped.stdout)
    assert value(found, "notifykit_messages_total", transport="memory", outcome="accepted", code="", test="true") == 12
    assert total(found, "notifykit_attempt_duration_seconds_count") == 12
    for secret in (NUMBER, "778899", "Your"):
        assert secret.encode() not in scraped.stdout
        assert not any(secret.encode() in file.read_bytes() for file in shared.iterdir())


def test_a_folder_that_is_not_there_is_said_to_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """Before anything is served."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="absent is no folder: make it"):
        served_registry()


def test_it_is_not_loaded_where_it_is_not_named() -> None:
    """Neither the module nor the library."""
    code = (
        "import json, sys\nfrom notifykit import Notifier; Notifier('memory')\nprint(json.dumps(sorted(sys.modules)))"
    )
    loaded = json.loads(_run(code).stdout)
    assert [name for name in loaded if name.startswith(("prometheus", "notifykit.integrations"))] == []


def test_without_the_library_the_error_says_what_to_install() -> None:
    """Where it is named, and where it is imported; the name is not said to be wrong."""
    missing = "import sys; sys.modules['prometheus_client'] = None\n"
    named = "from notifykit import Notifier, Settings; Notifier('memory', settings=Settings(sinks=('prometheus',)))"
    for code in ("import notifykit.integrations.prometheus", named):
        said = _run(missing + code).stderr.decode().rpartition("notifykit.errors.ConfigError: ")[2]
        assert 'pip install "notifykit[prometheus]"' in said
        assert len(said.splitlines()) == 1
