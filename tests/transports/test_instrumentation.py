"""What instruments, records or imitates urllib3 sees our requests as everybody's."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import urllib3
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from notifykit import Notifier
from notifykit.http import HttpClient, pool as _  # noqa: F401 - loaded before VCR.py replaces classes of urllib3
from notifykit_kwtsms.sandbox import Sandbox
from tests.transports.wire import answer, scripted

vcr = pytest.importorskip("vcr")


def test_opentelemetry_makes_a_span_of_each_request():
    """A send through the whole pipeline, to the sandbox, and the trace goes along in a header."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    instrumentor = URLLib3Instrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        with Sandbox() as sandbox, Notifier(sandbox.dsn) as notifier:
            with provider.get_tracer("test").start_as_current_span("request"):
                assert notifier.send("96598765432", "Your code is 4711").accepted
            headers = {name.lower(): value for name, value in dict(sandbox.messages[0].request.headers).items()}
    finally:
        instrumentor.uninstrument()
    sent, outer = spans.get_finished_spans()
    assert (sent.name, sent.attributes["http.status_code"]) == ("POST", 200)
    assert sent.parent.span_id == outer.context.span_id
    assert f"{sent.context.trace_id:032x}" in headers["traceparent"]
    assert "4711" not in sent.to_json()


def test_vcr_records_and_plays_back(tmp_path: Path):
    """The second time nobody listens any more."""
    cassette = str(tmp_path / "cassette.json")
    recorder = vcr.VCR(serializer="json", match_on=["method", "path", "body"])
    with scripted(answer(b'{"a": 1}')) as wire:
        url = f"{wire.url}/API/"
        with recorder.use_cassette(cassette):
            assert HttpClient(url).post("send/", b"hello", {}, 5).body == b'{"a": 1}'
        assert len(wire.requests) == 1
    with recorder.use_cassette(cassette, record_mode="none"):
        assert HttpClient(url).post("send/", b"hello", {}, 5).body == b'{"a": 1}'
    assert len(json.loads(Path(cassette).read_text())["interactions"]) == 1


def test_a_stub_in_place_of_urlopen_is_asked(monkeypatch: pytest.MonkeyPatch):
    """As the stubs of urllib3 and requests have it: it answers without a socket."""
    asked = []

    def urlopen(pool, method, url, **options):
        asked.append((pool.host, method, url))
        body = io.BytesIO(b'{"result": "OK", "msg-id": "f4c841ad"}')
        return urllib3.HTTPResponse(body, status=200, headers={"X-A": "1"}, preload_content=False)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", urlopen)
    got = HttpClient("http://nowhere.invalid/API/").post("send/", b"", {}, 5)
    assert (got.status, got.body[:16], got.headers) == (200, b'{"result": "OK",', {"x-a": "1"})
    with Notifier("kwtsms://user:password@nowhere.invalid") as notifier:
        assert notifier.send("96598765432", "Hello").accepted[0].message_id == "f4c841ad"
    assert asked == [("nowhere.invalid", "POST", "/API/send/")] * 2
