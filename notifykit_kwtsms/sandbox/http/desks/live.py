"""What is watched: whether it lives, its figures, its requests, its events."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import attrs

from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http import asked, views
from notifykit_kwtsms.sandbox.http.answers import Answer
from notifykit_kwtsms.sandbox.http.desks.desk import Desk, SandboxInfo
from notifykit_kwtsms.sandbox.http.event_stream import EventStreams
from notifykit_kwtsms.sandbox.http.openapi import document
from notifykit_kwtsms.sandbox.http.replies import HEADERS, answer, error, plain
from notifykit_kwtsms.sandbox.http.stats import metrics, stats

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

_EVENTS = "text/event-stream; charset=utf-8"
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class LiveDesk(Desk):
    """Health, figures, requests, events."""

    def __init__(self, gateway: Gateway, site: SandboxInfo, stopping: threading.Event) -> None:
        super().__init__(gateway, site)
        self._stopping = stopping
        self._streams = EventStreams(gateway, site, stopping)

    def livez(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /livez``: the process is there."""
        return plain("ok\n")

    def readyz(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /readyz``: it takes messages, and keeps them where it was told to."""
        trouble = "it is stopping" if self._stopping.is_set() else self._gateway.store.trouble
        return error(503, f"Not ready: {trouble}") if trouble else plain("ok\n")

    def stats(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/stats``: the figures of the strip on top."""
        return answer(stats(self._gateway, self._info, self._streams.readers))

    def metrics(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /metrics``: for Prometheus."""
        return plain(metrics(self._gateway, self._info, self._streams.readers), content_type=_PROMETHEUS)

    def openapi(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /openapi.json``: this interface for programs."""
        return answer(document(request.root_path))

    def requests(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/requests?limit=``: the requests to the gateway, newest first, and who is blocked."""
        limit = asked.limit(request)
        records = self._gateway.traffic.all()
        shown = [views.request(record) for record in reversed(records[-limit:])]
        return answer({"requests": shown, "total": len(records), "blocked": self._gateway.traffic.blocked()})

    def events(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/events?after=``: everything that happens, as it happens."""
        last = request.headers.get("Last-Event-ID", request.args.get("after"))
        if last is not None and not (last.isascii() and last.isdigit() and len(last) < 16):
            raise ValueError("Last-Event-ID and after are the number of an event")
        if not self._streams.enter():
            return error(503, "There are too many readers already.")
        headers = (*HEADERS, ("X-Accel-Buffering", "no"))
        stream = self._streams.stream(None if last is None else int(last))
        return attrs.evolve(Answer(200, b"", _EVENTS, headers), stream=stream)
