"""``opentelemetry``: spans and metrics of sends, through the OpenTelemetry API; your program configures the SDK.

Switched on by name, ``sinks = ["logging", "opentelemetry"]``, or as an object,
``Notifier(…, sinks=[OpenTelemetrySink()])``. Each send is a span ``notify`` (INTERNAL), and each request below it a span
``send kwtsms`` (CLIENT), by the conventions for messaging; it is current while the request is made, so that the span of
an instrumented urllib3 is its child. No attribute has a number, a text or a DSN.
"""

from __future__ import annotations

import contextlib
import contextvars
import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

import notifykit
from notifykit.errors import ConfigError
from notifykit.events import (
    AttemptFinished,
    Event,
    FailedOver,
    MessagePlanned,
    RecipientsFinished,
    RequestStarted,
    RetryScheduled,
    SendFinished,
    SendStopped,
)
from notifykit.integrations.labels import DURATIONS, INSTRUMENTS, Instrument, Labels, measurements
from notifykit.models.job import Backlog, JobState
from notifykit.models.receipt import Outcome
from notifykit.settings.sources import Settings

try:
    from opentelemetry import metrics, trace
    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TracerProvider
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise ConfigError(
        'opentelemetry: spans and metrics need the library opentelemetry-api: pip install "notifykit[otel]"'
    ) from error

#: The version of the semantic conventions that the names of attributes are from.
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.27.0"
_NAME: Final = "notifykit"
_FAILED: Final = (Outcome.REJECTED, Outcome.UNKNOWN)
#: A host as it is shown: an address, or a name with a dot; ``default`` in a DSN is no host.
_HOST: Final = re.compile(r"localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[0-9a-f:]*:[0-9a-f:.]*", re.ASCII)
#: The context in which the job was submitted that is being sent in this thread.
_submitted_in: Final = contextvars.ContextVar[Context | None]("notifykit_submitted_in", default=None)
#: Only the trace travels with a job: baggage may hold anything.
_PROPAGATOR: Final = TraceContextTextMapPropagator()


@attrs.define(eq=False)
class _Request:
    """The span of a request, from its start until its result is read."""

    span: Span
    #: The provider's host and port, as attributes.
    server: Mapping[str, Any]
    #: When the request ended, in nanoseconds since 1970; None before that.
    ended: int | None = None


class OpenTelemetrySink:
    """Makes a span of each send and of each request, and counts.

    :param tracer_provider: the process's own by default.
    :param meter_provider: the process's own by default.
    """

    name = "opentelemetry"
    #: Spans are children of the span that is current where the message is sent.
    background = False
    final_outcomes = True

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer = trace.get_tracer(_NAME, notifykit.__version__, tracer_provider, SCHEMA_URL)
        self._metrics = _Metrics(meter_provider)
        self._labels = self._metrics.labels
        self._sends: dict[str, Span] = {}
        self._requests: dict[tuple[str, int], _Request] = {}
        self._lock = threading.Lock()

    def handle(self, event: Event) -> None:
        """Begin, fill or end the span that an event is about, and count the event."""
        handle = self._HANDLERS.get(type(event))
        if handle is not None:
            handle(self, event)

    @contextlib.contextmanager
    def around_request(self, event: RequestStarted) -> Iterator[None]:
        """Make a span of a request, current while it is made."""
        server = _server(f"//{event.server}" if event.server else event.transport)
        request = _Request(self._start_request(event.id, event.transport, server), server)
        with self._lock:
            self._requests[event.batch, event.attempt] = request
        try:
            with trace.use_span(request.span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
                yield
        finally:
            request.ended = time.time_ns()

    def job_context(self) -> Mapping[str, str]:
        """Return the span that is current where a job is submitted, as W3C header fields."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return carrier

    @contextlib.contextmanager
    def around_job(self, context: Mapping[str, str]) -> Iterator[None]:
        """Have the sends inside linked to the span in which their job was submitted."""
        token = _submitted_in.set(_PROPAGATOR.extract(context))
        try:
            yield
        finally:
            _submitted_in.reset(token)

    def close(self) -> None:
        """End the spans that are open."""
        with self._lock:
            spans = [*(request.span for request in self._requests.values()), *self._sends.values()]
            self._requests.clear()
            self._sends.clear()
        for span in spans:
            span.end()

    def _planned(self, event: MessagePlanned) -> None:
        submitted_in = _submitted_in.get()
        origin = trace.get_current_span(submitted_in).get_span_context() if submitted_in else None
        links = [Link(origin)] if origin and origin.is_valid else []
        span = self._tracer.start_span(
            "notify",
            kind=SpanKind.INTERNAL,
            links=links,
            attributes={"notifykit.transport": self._labels.transport(event.transport)},
        )
        with self._lock:
            self._sends[event.id] = span

    def _start_request(
        self, message_id: str, transport: str, server: Mapping[str, Any], start: int | None = None
    ) -> Span:
        parent = self._sends.get(message_id)
        name = self._labels.transport(transport)
        attributes: dict[str, Any] = {
            "messaging.system": name,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            **server,
        }
        context = None if parent is None else trace.set_span_in_context(parent)
        return self._tracer.start_span(
            f"send {name}", context, kind=SpanKind.CLIENT, attributes=attributes, start_time=start
        )

    def _attempted(self, event: AttemptFinished) -> None:
        with self._lock:
            request = self._requests.pop((event.batch, event.attempt), None)
        if request is None or request.ended is None:  # no connection could be opened, so no request was made
            ended = time.time_ns()
            span = request.span if request else None
            started = ended - round(event.elapsed_ms * 1e6)
            server = request.server if request else _server(event.transport)
            request = _Request(span or self._start_request(event.id, event.transport, server, started), server, ended)
        span = request.span
        if span.is_recording():
            span.set_attributes(_attributes(event, self._labels))
            if event.outcome in _FAILED:
                span.set_status(Status(StatusCode.ERROR, f"{event.outcome} {self._labels.code(event.code)}".rstrip()))
        span.end(request.ended)
        self._metrics.count(event)
        self._metrics.count_operation(event, request.server)

    def _retried(self, event: RetryScheduled) -> None:
        code = self._labels.code(event.code)
        self._add_event(event, {"notifykit.retry.wait": event.wait, "notifykit.code": code})

    def _failed_over(self, event: FailedOver) -> None:
        names = {"transport": event.transport, "instead_of": event.instead_of}
        attributes = {f"notifykit.{name}": self._labels.transport(shown) for name, shown in names.items()}
        self._add_event(event, {**attributes, "notifykit.code": self._labels.code(event.code)})

    def _add_event(self, event: Event, attributes: Mapping[str, Any]) -> None:
        span = self._sends.get(event.id)
        if span is not None:
            span.add_event(f"notifykit.{event.name}", attributes)

    def _finished(self, event: SendFinished | SendStopped) -> None:
        with self._lock:
            span = self._sends.pop(event.id, None)
        if span is None:
            return
        for outcome, count in event.counts.items():
            span.set_attribute(f"notifykit.messages.{outcome}", count)
        if isinstance(event, SendStopped):
            span.set_attribute("notifykit.stopped", event.error or "not read to the end")
        elif event.cost is not None:
            span.set_attribute("notifykit.cost", event.cost)
        failed = [outcome.value for outcome in _FAILED if event.counts.get(outcome)]
        if failed and not event.counts.get(Outcome.ACCEPTED):
            span.set_status(Status(StatusCode.ERROR, " and ".join(failed)))
        span.end()

    def _counted(self, event: RecipientsFinished) -> None:
        self._metrics.count(event)

    _HANDLERS: Final[dict[type[Event], Callable[[Any, Any], None]]] = {
        MessagePlanned: _planned,
        AttemptFinished: _attempted,
        RetryScheduled: _retried,
        FailedOver: _failed_over,
        SendFinished: _finished,
        SendStopped: _finished,
        RecipientsFinished: _counted,
    }


class _Metrics:
    """The instruments: those of notifykit, and two of the conventions for messaging."""

    def __init__(self, meter_provider: MeterProvider | None) -> None:
        self.labels = Labels()
        meter = metrics.get_meter(_NAME, notifykit.__version__, meter_provider, SCHEMA_URL)
        self._record = {instrument.name: _recorder(meter, instrument) for instrument in INSTRUMENTS}
        self._sent = meter.create_counter(
            "messaging.client.sent.messages", "{message}", "Messages in requests to providers."
        )
        self._operation = meter.create_histogram(
            "messaging.client.operation.duration",
            "s",
            "Duration of messaging operations.",
            explicit_bucket_boundaries_advisory=DURATIONS,
        )

    def count(self, event: AttemptFinished | RecipientsFinished) -> None:
        """Count one event by the metrics that notifykit has for Prometheus too."""
        for name, amount, labels in measurements(event, self.labels):
            self._record[name](amount, labels)

    def count_operation(self, event: AttemptFinished, server: Mapping[str, Any]) -> None:
        """Count one request by the conventions for messaging.

        :param server: the attributes of the provider's host.
        """
        code = self.labels.code(event.code)
        attributes: dict[str, Any] = {
            "messaging.system": self.labels.transport(event.transport),
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            **server,
            **({"error.type": code} if code else {}),
        }
        self._sent.add(len(event.recipients), attributes)
        self._operation.record(event.elapsed_ms / 1000, attributes)


def _recorder(meter: metrics.Meter, instrument: Instrument) -> Callable[[float, Mapping[str, str]], None]:
    """Return what records an amount under its labels."""
    about = f"notifykit.{instrument.name}", instrument.unit, instrument.description
    if instrument.buckets:
        return meter.create_histogram(*about, explicit_bucket_boundaries_advisory=instrument.buckets).record
    return meter.create_gauge(*about).set if instrument.gauge else meter.create_counter(*about).add


def observe_jobs(backlog: Callable[[], Backlog], meter_provider: MeterProvider | None = None) -> None:
    """Measure the jobs in the database whenever metrics are read: ``notifykit.jobs`` and ``notifykit.job.oldest``.

    ``notifykit worker`` does so where the settings name the sink ``opentelemetry``.

    :param backlog: returns what there is to do, as ``Notifier.backlog`` does. While it raises, nothing is measured.
    """
    meter = metrics.get_meter(_NAME, notifykit.__version__, meter_provider, SCHEMA_URL)

    def states(options: CallbackOptions) -> Iterable[Observation]:
        with contextlib.suppress(ConfigError, RuntimeError):
            counts = backlog().states
            yield from (Observation(counts.get(state, 0), {"state": state.value}) for state in JobState)

    def oldest(options: CallbackOptions) -> Iterable[Observation]:
        with contextlib.suppress(ConfigError, RuntimeError):
            yield Observation(backlog().oldest or 0.0)

    meter.create_observable_gauge("notifykit.jobs", [states], "{job}", "Jobs in the database by state.")
    meter.create_observable_gauge(
        "notifykit.job.oldest", [oldest], "s", "Seconds since the oldest running job could start."
    )


def _attributes(event: AttemptFinished, labels: Labels) -> dict[str, Any]:
    """Return what the span of a request says about its result."""
    found: dict[str, Any] = {
        "notifykit.outcome": event.outcome.value,
        "notifykit.attempt": event.attempt,
        "notifykit.sms.test_mode": event.test,
        "notifykit.sms.sender.kind": _sender_kind(event.sender),
        "notifykit.rate_limit.wait": event.waited,
        "notifykit.sms.encoding": event.encoding,
        "notifykit.sms.segments": event.segments,
        "notifykit.sms.cost": event.cost,
    }
    if event.units is not None and event.encoding is not None:
        bits = 7 if event.encoding == "gsm7" else 16
        found["messaging.message.body.size"] = math.ceil(event.units * bits / 8)
    countries = {recipient.country for recipient in event.recipients}
    country = countries.pop() if len(countries) == 1 else None
    if country:
        found["messaging.destination.template"] = f"sms/{country}"
    if len(event.recipients) > 1:
        found["messaging.batch.message_count"] = len(event.recipients)
    elif event.message_id is not None and event.message_id.isprintable():
        found["messaging.message.id"] = event.message_id[:128]
    if event.outcome in _FAILED:
        found["error.type"] = labels.code(event.code) or "_OTHER"
    return {name: value for name, value in found.items() if value is not None}


def _sender_kind(sender: str | None) -> str:
    """Return what kind of sender it is: a name may be that of a customer, and a number that of a person."""
    if sender is None:
        return "default"
    return "number" if sender.lstrip("+").isdigit() else "name"


def _server(url: str) -> dict[str, Any]:
    """Return the host and port of a DSN or a URL as attributes, where it names them; an account in it is left out."""
    try:
        address = urlsplit(url)
        host, port = address.hostname, address.port
    except ValueError:
        return {}
    if host is None or not _HOST.fullmatch(host):
        return {}
    return {"server.address": host, **({"server.port": port} if port else {})}


def notifykit_sinks(settings: Settings) -> list[OpenTelemetrySink]:
    """Bring ``opentelemetry``."""
    return [OpenTelemetrySink()]
