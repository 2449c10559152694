"""A receiver of OTLP over HTTP on loopback: it decodes what a real exporter sends."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None


def attributes(thing: Any) -> dict[str, Any]:
    """Return the attributes of a span, a data point or an event."""
    return {pair.key: _value(pair.value) for pair in thing.attributes}


@attrs.define
class Receiver:
    """What was received."""

    #: The address for ``OTEL_EXPORTER_OTLP_ENDPOINT``.
    url: str
    #: The path and the bytes of each request.
    bodies: list[tuple[str, bytes]] = attrs.field(factory=list)

    @property
    def raw(self) -> bytes:
        """Everything that came over the wire."""
        return b"\n".join(body for _, body in self.bodies)

    @property
    def spans(self) -> list[Any]:
        """Every span, in the order of their starts."""
        found: list[Any] = []
        for path, body in self.bodies:
            if path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    found += [span for scope in resource.scope_spans for span in scope.spans]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    @property
    def metrics(self) -> dict[str, Any]:
        """The newest value of each metric, by name."""
        found: dict[str, Any] = {}
        for path, body in self.bodies:
            if path == "/v1/metrics":
                for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                    found |= {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}
        return found

    def named(self, name: str) -> list[Any]:
        """Return the spans of a name."""
        return [span for span in self.spans if span.name == name]


def points(metric: Any) -> dict[tuple[tuple[str, Any], ...], Any]:
    """Return the data points of a metric by their attributes: a number, or sum and count of a histogram."""
    data = getattr(metric, metric.WhichOneof("data"))
    return {
        tuple(sorted(attributes(point).items())): (point.count, point.sum)
        if hasattr(point, "bucket_counts")
        else getattr(point, point.WhichOneof("value"))
        for point in data.data_points
    }


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """Receive while this is open."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers.get("Content-Encoding") is None, "the bytes are searched for secrets"
            found.bodies.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
