"""Spans and metrics: a real SDK sends to a receiver on loopback while a real notifier sends to the sandbox."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import attrs
import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason='spans need the group "tests"')
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from notifykit import AsyncNotifier, Notifier
from notifykit.integrations.labels import DURATIONS
from notifykit.integrations.opentelemetry import OpenTelemetrySink, observe_jobs
from notifykit.models.job import JobState
from notifykit.pipeline.clock import VirtualClock
from notifykit.transports.stubs import MemoryTransport
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.integrations.otlp import Receiver, attributes, points, receiver

pytestmark = pytest.mark.slow

NUMBER: Final = "96598765432"
TEXT: Final = "Your code is 778899"
#: What no span, metric or label may have: numbers, texts, the account, and the DSN.
SECRETS: Final = (NUMBER, "98765432", "96545", "778899", "Your code", "sandbox-password", "kwtsms://", "secret-tag")


@attrs.frozen
class Telemetry:
    """A program's SDK, its collector, and the gateway."""

    collector: Receiver
    tracers: TracerProvider
    meters: MeterProvider
    sandbox: Sandbox

    def sink(self) -> OpenTelemetrySink:
        return OpenTelemetrySink(self.tracers, self.meters)

    def flush(self) -> Receiver:
        """Export everything, and return the collector; nothing secret may have come over the wire."""
        assert self.tracers.force_flush()
        assert self.meters.force_flush()
        raw = self.collector.raw
        password = self.sandbox.env["KWTSMS_PASSWORD"]
        assert [secret for secret in (*SECRETS, password) if secret.encode() in raw] == []
        return self.collector


@pytest.fixture(name="telemetry")
def _telemetry() -> Iterator[Telemetry]:
    with receiver() as collector, Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        tracers = TracerProvider()
        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{collector.url}/v1/traces")))
        exporter = OTLPMetricExporter(f"{collector.url}/v1/metrics")
        meters = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)])
        yield Telemetry(collector, tracers, meters, sandbox)
        tracers.shutdown()
        meters.shutdown()


@pytest.fixture(name="instrumented")
def _instrumented(telemetry: Telemetry) -> Iterator[Telemetry]:
    """With spans of urllib3's own."""
    instrumentor = URLLib3Instrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracers)
    yield telemetry
    instrumentor.uninstrument()


def _live(sandbox: Sandbox) -> str:
    return sandbox.dsn.replace("test=1", "test=0")


def test_a_send_is_one_trace_from_the_request_to_the_gateway(instrumented: Telemetry) -> None:
    """The caller's span, the send, the attempt, and urllib3's request: each is the parent of the next."""
    tracer = instrumented.tracers.get_tracer("shop")
    with Notifier(_live(instrumented.sandbox), sinks=[instrumented.sink()]) as notifier:
        with tracer.start_as_current_span("POST /login"):
            report = notifier.send(NUMBER, TEXT, tags=["secret-tag"])
    assert report.accepted
    spans = {span.name: span for span in instrumented.flush().spans}
    names = ["POST /login", "notify", "send kwtsms", "POST"]
    assert sorted(spans) == sorted(names)
    for outer, inner in itertools.pairwise(names):
        assert spans[inner].parent_span_id == spans[outer].span_id
        assert spans[inner].trace_id == spans[outer].trace_id
        assert spans[outer].start_time_unix_nano <= spans[inner].start_time_unix_nano
        assert spans[inner].end_time_unix_nano <= spans[outer].end_time_unix_nano
    assert spans["notify"].kind == Span.SPAN_KIND_INTERNAL
    assert spans["send kwtsms"].kind == Span.SPAN_KIND_CLIENT
    assert {spans[name].status.code for name in names} == {Status.STATUS_CODE_UNSET}
    headers = {name.lower(): value for name, value in dict(instrumented.sandbox.messages[0].request.headers).items()}
    assert spans["POST"].span_id.hex() in headers["traceparent"]


def test_an_attempt_has_the_attributes_of_the_conventions(telemetry: Telemetry) -> None:
    """By the messaging conventions, and what a send of SMS has besides."""
    with Notifier(_live(telemetry.sandbox), sinks=[telemetry.sink()]) as notifier:
        report = notifier.send(NUMBER, TEXT, sender="KWT-SMS")
    (span,) = telemetry.flush().named("send kwtsms")
    found = attributes(span)
    port = int(telemetry.sandbox.url.rpartition(":")[2].strip("/").partition("/")[0])
    assert 0.0 <= found.pop("notifykit.rate_limit.wait") < 5.0
    assert found == {
        "messaging.system": "kwtsms",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.template": "sms/KW",
        "messaging.message.id": report.message_ids[0],
        "messaging.message.body.size": 17,
        "server.address": "127.0.0.1",
        "server.port": port,
        "notifykit.outcome": "accepted",
        "notifykit.attempt": 1,
        "notifykit.sms.encoding": "gsm7",
        "notifykit.sms.segments": 1,
        "notifykit.sms.cost": 1.0,
        "notifykit.sms.test_mode": False,
        "notifykit.sms.sender.kind": "name",
    }


def test_the_host_of_a_live_account_is_shown_and_no_credentials(telemetry: Telemetry) -> None:
    """The transport of the settings' default address says which host it is; that of a test server with its port."""
    account = {"KWTSMS_USERNAME": "myuser", "KWTSMS_PASSWORD": "s3cret"}
    for dsn, host in (
        ("kwtsms://default", "www.kwtsms.com"),
        ("kwtsms://myuser:s3cret@a.example:8443", "a.example:8443"),
    ):
        with Notifier.from_settings(dsn, environment=account) as notifier:
            assert notifier._components.transport.server == host

    class Live(MemoryTransport):
        server = "www.kwtsms.com"

    with Notifier(Live(), sinks=[telemetry.sink()]) as notifier:
        notifier.send(NUMBER, TEXT)
    (span,) = telemetry.flush().named("send memory")
    found = attributes(span)
    assert found["server.address"] == "www.kwtsms.com"
    assert "server.port" not in found
    durations = points(telemetry.flush().metrics["messaging.client.operation.duration"])
    assert {dict(labels)["server.address"] for labels in durations} == {"www.kwtsms.com"}


def test_a_batch_says_how_many_it_has_and_names_no_message(telemetry: Telemetry) -> None:
    """A request to one recipient has no count."""
    with Notifier(_live(telemetry.sandbox), sinks=[telemetry.sink()]) as notifier:
        notifier.send([NUMBER, "96598765433"], TEXT)
    (span,) = telemetry.flush().named("send kwtsms")
    assert attributes(span)["messaging.batch.message_count"] == 2
    assert "messaging.message.id" not in attributes(span)
    (notify,) = telemetry.collector.named("notify")
    assert attributes(notify)["notifykit.messages.accepted"] == 2


@pytest.mark.parametrize(
    ("to", "code", "failed"),
    [(NUMBER, None, False), ("96545000010", "ERR010", True), ("96545004002", "connection_lost", True)],
)
def test_only_rejected_and_unknown_are_errors(telemetry: Telemetry, to: str, code: str | None, failed: bool) -> None:
    """With the provider's code as the type; the description has no words of the provider."""
    with Notifier(_live(telemetry.sandbox), sinks=[telemetry.sink()]) as notifier:
        (receipt,) = notifier.send(to, TEXT)
    (span,), (notify,) = telemetry.flush().named("send kwtsms"), telemetry.collector.named("notify")
    assert attributes(span)["notifykit.outcome"] == receipt.outcome
    assert attributes(span).get("error.type") == code == receipt.code
    expected = Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET
    assert span.status.code == notify.status.code == expected
    assert span.status.message == (f"{receipt.outcome} {code}" if failed else "")


def test_a_send_that_somebody_got_is_no_error(telemetry: Telemetry) -> None:
    """One of two was no number: the send is not an error, and says both."""
    with Notifier(_live(telemetry.sandbox), sinks=[telemetry.sink()]) as notifier:
        notifier.send([NUMBER, "abc"], TEXT)
    (notify,) = telemetry.flush().named("notify")
    assert notify.status.code == Status.STATUS_CODE_UNSET
    assert {attributes(notify)[f"notifykit.messages.{name}"] for name in ("accepted", "rejected")} == {1}


def test_a_retry_is_another_span_below_the_same_send(telemetry: Telemetry) -> None:
    """The first two answers say that the queue is full; the waits are of the notifier's clock."""
    with Notifier(_live(telemetry.sandbox), sinks=[telemetry.sink()], clock=VirtualClock()) as notifier:
        assert notifier.send("96545005002", TEXT).accepted
    spans, (notify,) = telemetry.flush().named("send kwtsms"), telemetry.collector.named("notify")
    assert [attributes(span)["notifykit.attempt"] for span in spans] == [1, 2, 3]
    assert {span.parent_span_id for span in spans} == {notify.span_id}
    codes = [attributes(event)["notifykit.code"] for event in notify.events]
    assert [event.name for event in notify.events] == ["notifykit.retry_scheduled"] * 2
    assert codes == ["ERR013"] * 2
    assert notify.status.code == Status.STATUS_CODE_UNSET


def test_a_request_that_could_not_be_made_has_a_span_too(telemetry: Telemetry) -> None:
    """No connection could be opened: nobody listens."""
    with Sandbox() as gone:
        dsn = _live(gone)
    with Notifier(dsn, sinks=[telemetry.sink()], clock=VirtualClock()) as notifier:
        assert notifier.send(NUMBER, TEXT).rejected
    spans, (notify,) = telemetry.flush().named("send kwtsms"), telemetry.collector.named("notify")
    assert len(spans) == 3
    assert {span.parent_span_id for span in spans} == {notify.span_id}
    assert {span.status.code for span in spans} == {Status.STATUS_CODE_ERROR}
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)


def test_the_span_of_a_send_that_is_stopped_ends(telemetry: Telemetry) -> None:
    """The caller read the first receipt only."""
    with Notifier(MemoryTransport(), sinks=[sink := telemetry.sink()]) as notifier:
        receipts = notifier.stream(iter([NUMBER, "96598765433"]), TEXT)
        next(receipts)
        receipts.close()
    (notify,) = telemetry.flush().named("notify")
    assert attributes(notify)["notifykit.stopped"] == "not read to the end"
    assert (sink._sends, sink._requests) == ({}, {})


def test_an_async_notifier_makes_the_same_trace(instrumented: Telemetry) -> None:
    """Its requests are made in other threads, several at a time."""

    async def main() -> None:
        tracer = instrumented.tracers.get_tracer("shop")
        async with AsyncNotifier(_live(instrumented.sandbox), sinks=[instrumented.sink()]) as notifier:
            with tracer.start_as_current_span("request"):
                await asyncio.gather(*(notifier.send(f"9659876543{n}", TEXT) for n in range(3)))

    asyncio.run(main())
    collector = instrumented.flush()
    (outer,) = collector.named("request")
    sends = {span.span_id for span in collector.named("notify")}
    attempts = {span.span_id: span for span in collector.named("send kwtsms")}
    assert {span.parent_span_id for span in collector.named("notify")} == {outer.span_id}
    assert {span.parent_span_id for span in attempts.values()} == sends
    assert {span.parent_span_id for span in collector.named("POST")} == set(attempts)
    assert len(sends) == len(attempts) == 3


def test_requests_that_are_in_flight_together_have_a_span_each(instrumented: Telemetry) -> None:
    """The second batch starts in its turn, while the answer to the first, which is late, is waited for."""
    instrumented.sandbox.account.change(balance=10_000)
    people = ["96545003005", *(f"9655{number:07d}" for number in range(201))]
    with Notifier(f"{_live(instrumented.sandbox)}&rate=4", sinks=[instrumented.sink()]) as notifier:
        assert len(notifier.send(people, TEXT).accepted) == 202
    collector = instrumented.flush()
    (notify,) = collector.named("notify")
    attempts = {span.span_id: span for span in collector.named("send kwtsms")}
    assert {span.parent_span_id for span in attempts.values()} == {notify.span_id}
    assert sorted(attributes(span)["messaging.batch.message_count"] for span in attempts.values()) == [2, 200]
    assert sorted(span.parent_span_id for span in collector.named("POST")) == sorted(attempts)


def test_a_code_that_may_be_a_number_is_not_shown(telemetry: Telemetry) -> None:
    """A provider's code is foreign text, and the words of an error may be anything."""
    from notifykit import ContentRejected

    error = ContentRejected(f"No route to {NUMBER}: {TEXT}", NUMBER)
    with Notifier(MemoryTransport([error]), sinks=[telemetry.sink()]) as notifier:
        assert notifier.send(NUMBER, TEXT).rejected
    (span,) = telemetry.flush().named("send memory")
    assert attributes(span)["error.type"] == "other"


# --- metrics ---


def _as_prometheus(metric: Any) -> str:
    """Return the name that a collector gives a metric for Prometheus: units in braces are left out."""
    assert metric.unit == "s" or metric.unit.startswith("{")
    unit = "_seconds" if metric.unit == "s" else ""
    return metric.name.replace(".", "_") + unit + ("_total" if metric.sum.is_monotonic else "")


def _documented() -> set[str]:
    page = pathlib.Path(__file__).parents[2] / "docs" / "how-to" / "metrics-and-traces.md"
    return set(re.findall(r"^\| `(notifykit_[a-z_]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE))


def test_metrics_have_the_names_and_labels_of_prometheus(telemetry: Telemetry) -> None:
    """And the conventions' own beside them; each is what the sends were."""
    with Notifier(_live(telemetry.sandbox), sinks=[telemetry.sink()], clock=VirtualClock()) as notifier:
        notifier.send([NUMBER, "abc"], "س" * 71)
        notifier.send("96545005001", TEXT)
        notifier.send("96545004002", TEXT)
    found = telemetry.flush().metrics
    kwtsms = ("transport", "kwtsms")

    def of(name: str, **labels: str) -> Any:
        return points(found[name])[tuple(sorted([kwtsms, *labels.items()]))]

    assert of("notifykit.messages", outcome="accepted", code="", test="false") == 2
    assert of("notifykit.messages", outcome="unknown", code="connection_lost", test="false") == 1
    assert of("notifykit.messages", outcome="rejected", code="InvalidRecipient", test="false") == 1
    assert sum(points(found["notifykit.messages"]).values()) == 4
    assert of("notifykit.attempts", outcome="rejected", code="ERR013") == 1
    assert sum(points(found["notifykit.attempts"]).values()) == 4
    assert of("notifykit.unknown", test="false") == 1
    assert of("notifykit.segments", test="false") == 3
    assert of("notifykit.cost", test="false") == 3.0
    assert of("notifykit.balance") == telemetry.sandbox.account.balance + 1  # the lost answer had the last one
    assert sum(count for count, _ in points(found["notifykit.attempt.duration"]).values()) == 4
    assert sum(points(found["messaging.client.sent.messages"]).values()) == 4
    durations = points(found["messaging.client.operation.duration"])
    assert sum(count for count, _ in durations.values()) == 4
    assert {_as_prometheus(metric) for name, metric in found.items() if name.startswith("notifykit.")} <= _documented()
    bounds = {tuple(point.explicit_bounds) for point in found["notifykit.attempt.duration"].histogram.data_points}
    assert bounds == {DURATIONS}
    assert {dict(labels).get("error.type") for labels in durations} == {None, "ERR013", "connection_lost"}


# --- jobs ---


def test_a_workers_span_links_to_the_request_that_submitted(instrumented: Telemetry, tmp_path: pathlib.Path) -> None:
    """Submitted here, sent by a notifier that has its own sink: another trace, with a link back."""
    pytest.importorskip("dbos", reason='durable sending needs the extra "durable"')
    environment = {"NOTIFYKIT_STATE_DIR": str(tmp_path / "state"), "NOTIFYKIT_WORKERS": "separate"}
    parts: dict[str, Any] = {"environment": environment, "directory": tmp_path}
    dsn = _live(instrumented.sandbox)
    tracer = instrumented.tracers.get_tracer("shop")
    with Notifier.from_settings(dsn, sinks=[instrumented.sink()], **parts) as submitting:
        with tracer.start_as_current_span("POST /campaign") as request:
            submitting.submit([NUMBER, "96598765433"], TEXT, key="ramadan")
        again = submitting.submit([NUMBER, "96598765433"], TEXT, key="ramadan")  # in no span: it is the same job
        submitting.submit("96598765434", TEXT, key="in no request")
        assert again.key == "ramadan"
    with Notifier.from_settings(dsn, sinks=[instrumented.sink()], **parts) as worker:
        observe_jobs(worker.backlog, instrumented.meters)
        worker.work()
        for key in ("ramadan", "in no request"):
            worker.job(key).wait(60)
        collector = instrumented.flush()
    sends = collector.named("notify")
    linked = [span for span in sends if span.links]
    assert len(sends) == 2
    context = request.get_span_context()
    (link,) = linked[0].links
    assert (link.trace_id.hex(), link.span_id.hex()) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert linked[0].trace_id != link.trace_id
    assert len(linked) == 1
    names = {_as_prometheus(metric) for name, metric in collector.metrics.items() if name.startswith("notifykit.job")}
    assert names == {"notifykit_jobs", "notifykit_job_oldest_seconds"} <= _documented()
    assert points(collector.metrics["notifykit.jobs"])[("state", JobState.DONE.value),] == 2
    assert points(collector.metrics["notifykit.job.oldest"]) == {(): 0.0}


# --- switched on by name ---

_PROGRAM: Final = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from notifykit import Notifier
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
with Notifier.from_settings() as notifier:
    assert notifier.send(sys.argv[1], sys.argv[2]).accepted
provider.shutdown()
"""


def _run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(pathlib.Path(__file__).parents[2]), *filter(None, sys.path)])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


def test_a_name_in_the_settings_switches_it_on(telemetry: Telemetry, tmp_path: pathlib.Path) -> None:
    """With the providers that the program configured, in a process of its own."""
    environment = {
        **telemetry.sandbox.env,
        "NOTIFYKIT_STATE_DIR": str(tmp_path),
        "NOTIFYKIT_SINKS": "logging,opentelemetry",
        "OTEL_EXPORTER_OTLP_ENDPOINT": telemetry.collector.url,
    }
    done = _run(_PROGRAM, NUMBER, TEXT, **environment)
    assert done.returncode == 0, done.stderr
    assert [span.name for span in telemetry.flush().spans] == ["notify", "send kwtsms"]


@pytest.mark.parametrize("code", ["import notifykit", "from notifykit import Notifier; Notifier('memory')"])
def test_it_is_not_loaded_where_it_is_not_named(code: str) -> None:
    """Neither the module nor the library."""
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(_run(script).stdout)
    assert [name for name in loaded if name.startswith(("opentelemetry", "notifykit.integrations"))] == []


def test_without_the_library_the_error_says_what_to_install() -> None:
    """Where it is named, and where it is imported."""
    missing = "import sys; sys.modules['opentelemetry'] = None\n"
    named = "from notifykit import Notifier, Settings; Notifier('memory', settings=Settings(sinks=('opentelemetry',)))"
    for code in ("import notifykit.integrations.opentelemetry", named):
        said = _run(missing + code).stderr.rpartition("notifykit.errors.ConfigError: ")[2]
        assert 'pip install "notifykit[otel]"' in said
        assert len(said.splitlines()) == 1
