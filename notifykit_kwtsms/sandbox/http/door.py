"""The gateway's door to HTTP: reads a call, lets a fault meet it, and writes the reply in the form that was asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import attrs
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from notifykit_kwtsms.sandbox.faults.catalogue import KINDS, Firing, Point, describe, firing, from_header
from notifykit_kwtsms.sandbox.gateway.requests import Call, Reply, RequestRecord, as_fields
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http import bodies, wire_faults
from notifykit_kwtsms.sandbox.http.answers import JSON, Answer, json_answer, page
from notifykit_kwtsms.sandbox.http.texts import as_text
from notifykit_kwtsms.sandbox.http.wire_faults import Connection
from notifykit_kwtsms.sandbox.text_rules import split_numbers

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

#: The header by which a test that owns the client asks for a fault.
FAULT_HEADER: Final = "X-Sandbox-Fault"


class GatewayApp:
    """Answers requests to ``/API/…``."""

    def __init__(self, gateway: Gateway, stopping: threading.Event) -> None:
        self._gateway = gateway
        self._stopping = stopping

    def answer(self, request: Request, name: str) -> Answer:
        """Answer a request to the endpoint of this name."""
        line = Connection(request.environ.get("werkzeug.socket"), self._stopping.wait)
        record = self._gateway.traffic.start(name, request.remote_addr or "")
        if record.blocked:
            return self._blocked(request, record, line)
        try:
            call = self._read(request, record)
            chosen = self._choose(request, call)
        except RequestEntityTooLarge:
            return self._done(record, page(413, f"A request has at most {bodies.LIMIT} bytes."))
        except UnsupportedMediaType:
            return self._done(record, page(415, "This sandbox takes JSON only; say so in the Content-Type."))
        except ValueError as problem:
            return self._done(record, json_answer(400, {"error": str(problem)}))
        if chosen and chosen.raw and line.sock is None:
            chosen = _without_socket(chosen)
        return self._run(request, record, call, chosen, line)

    def _run(
        self, request: Request, record: RequestRecord, call: Call, chosen: Firing | None, line: Connection
    ) -> Answer:
        if chosen:
            call = attrs.evolve(call, fault=describe(chosen))
            self._note(record, fault=call.fault)
            self._gateway.fired(call, describe(chosen))
        if chosen and chosen.code:
            if line.wait(chosen.delay):
                line.drop()
            return self._done(record, self._encode(request, record, self._gateway.refuse(call, chosen.code)))
        if chosen and chosen.after is Point.RECEIVE:
            self._gateway.cut(call)
            return self._fault(record, chosen, line, None)
        reply = self._gateway.handle(call)
        if reply.firing and not chosen:
            chosen = _without_socket(reply.firing) if line.sock is None else reply.firing
            self._note(record, fault=describe(chosen))
        answer = self._encode(request, record, reply)
        return self._fault(record, chosen, line, answer) if chosen else self._done(record, answer)

    def _blocked(self, request: Request, record: RequestRecord, line: Connection) -> Answer:
        bodies.skip(request)
        if self._gateway.rules.block_answer == "drop" and line.sock is not None:
            line.reset()
        return self._done(record, page(403, "Too many requests. Your address is blocked for a while."))

    def _read(self, request: Request, record: RequestRecord) -> Call:
        call = Call(record.endpoint, record.client, None, request.path, _headers(request))
        if request.content_length is None:
            # The gateway takes a body of unknown length for no body at all (gateway facts, section 1.0).
            bodies.skip(request)
            return call
        body = bodies.read(request)
        if not _is_json(request) and not self._gateway.rules.text_mode:
            raise UnsupportedMediaType
        call = attrs.evolve(call, fields=_fields(request, body))
        self._note(record, account=call.field("username") or None)
        return call

    def _choose(self, request: Request, call: Call) -> Firing | None:
        """Header before magic number before armed fault before the normal rules."""
        wish = request.headers.get(FAULT_HEADER)
        if wish is not None:
            return from_header(wish)
        by_magic, is_magic = self._gateway.wire_fault(call)
        if is_magic:
            return by_magic
        return self._gateway.faults.fire(call.endpoint, split_numbers(call.field("mobile")))

    def _fault(self, record: RequestRecord, chosen: Firing, line: Connection, answer: Answer | None) -> Answer:
        if chosen.raw:
            # Noted before the first byte is out, so that who has seen the answer finds it in the record.
            self._note(record, status=(answer.status if answer else 200) if KINDS[chosen.do].answers else None)
        return self._done(record, wire_faults.perform(chosen, line, answer))

    def _encode(self, request: Request, record: RequestRecord, reply: Reply) -> Answer:
        self._note(record, code=reply.code, msg_id=reply.msg_id)
        # Without any body there is nothing that says how to answer, and JSON is what clients of today read.
        if request.content_length is None or _is_json(request):
            return json_answer(reply.status, reply.body)
        return as_text(record.endpoint, reply)

    def _done(self, record: RequestRecord, answer: Answer) -> Answer:
        self._note(record, status=answer.status)
        return answer

    def _note(self, record: RequestRecord, **fields: object) -> None:
        self._gateway.traffic.note(record.number, **fields)


def _without_socket(chosen: Firing) -> Firing:
    """Return what comes nearest to a wire fault where the wire is out of reach: also an answer that tells nothing."""
    return firing("html-504", chosen.source, chosen.after, 0.0)


def _is_json(request: Request) -> bool:
    return request.mimetype == JSON.partition(";")[0] or request.mimetype.endswith("+json")


def _fields(request: Request, body: bytes) -> Mapping[str, str] | None:
    if not _is_json(request):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return as_fields(json.loads(body))
    except (ValueError, RecursionError):
        # A body that can't be read is an answer of its own, ERR002, which the fields check gives.
        return None


def _headers(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}
