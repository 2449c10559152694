"""The gateway over HTTP: reads a call, applies a fault, and writes the reply in the form that was asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import attrs
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from notifykit_kwtsms.sandbox.faults.catalogue import KINDS, Firing, Point, describe, firing, from_header
from notifykit_kwtsms.sandbox.gateway.requests import Call, Reply, RequestRecord, as_fields
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http import wire_faults
from notifykit_kwtsms.sandbox.http.wire_faults import Connection
from notifykit_kwtsms.sandbox.http.wsgi import BODY_LIMIT, TEXT, LimitedRequest, Response, html_response, json_response

#: The header by which a test that owns the client asks for a fault.
FAULT_HEADER: Final = "X-Sandbox-Fault"


class GatewayApp:
    """Handles requests to ``/API/…``."""

    def __init__(self, gateway: Gateway, stopping: threading.Event) -> None:
        self._gateway = gateway
        self._stopping = stopping

    def handle(self, request: LimitedRequest, name: str) -> Response:
        """Return the response to a request to the endpoint of this name."""
        connection = Connection(request.environ.get("werkzeug.socket"), self._stopping.wait)
        record = self._gateway.traffic.start(name, request.remote_addr or "")
        if record.blocked:
            return self._refuse_blocked(request, record, connection)
        try:
            call = self._read(request, record)
            chosen = self._choose_fault(request, call)
        except RequestEntityTooLarge:
            return self._finish(record, html_response(413, f"A request has at most {BODY_LIMIT} bytes."))
        except UnsupportedMediaType:
            response = html_response(415, "This sandbox takes JSON only; say so in the Content-Type.")
            return self._finish(record, response)
        except ValueError as error:
            return self._finish(record, json_response(400, {"error": str(error)}))
        if chosen and chosen.raw and connection.sock is None:
            chosen = _without_socket(chosen)
        return self._run(request, record, call, chosen, connection)

    def _run(
        self, request: LimitedRequest, record: RequestRecord, call: Call, chosen: Firing | None, connection: Connection
    ) -> Response:
        if chosen:
            call = attrs.evolve(call, fault=describe(chosen))
            self._note(record, fault=call.fault)
            self._gateway.record_fault(call, describe(chosen))
        if chosen and chosen.code:
            if connection.wait(chosen.delay):
                connection.drop()
            return self._finish(record, self._encode(request, record, self._gateway.refuse(call, chosen.code)))
        if chosen and chosen.after is Point.RECEIVE:
            self._gateway.cut(call)
            return self._apply(record, chosen, connection, None)
        reply = self._gateway.handle(call)
        if reply.firing and not chosen:
            chosen = _without_socket(reply.firing) if connection.sock is None else reply.firing
            self._note(record, fault=describe(chosen))
        response = self._encode(request, record, reply)
        return self._apply(record, chosen, connection, response) if chosen else self._finish(record, response)

    def _refuse_blocked(self, request: LimitedRequest, record: RequestRecord, connection: Connection) -> Response:
        request.skip()
        if self._gateway.rules.block_answer == "drop" and connection.sock is not None:
            connection.reset()
        return self._finish(record, html_response(403, "Too many requests. Your address is blocked for a while."))

    def _read(self, request: LimitedRequest, record: RequestRecord) -> Call:
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(record.endpoint, record.client, None, request.path, headers)
        if request.content_length is None:
            # The gateway takes a body of unknown length for no body at all (gateway facts, section 1.0).
            request.skip()
            return call
        body = request.read()
        if not request.is_json and not self._gateway.rules.text_mode:
            raise UnsupportedMediaType
        call = attrs.evolve(call, fields=_fields(request, body))
        self._note(record, account=call.field("username") or None)
        return call

    def _choose_fault(self, request: LimitedRequest, call: Call) -> Firing | None:
        """Return the fault of the header, else of a magic number, else an active one."""
        asked = request.headers.get(FAULT_HEADER)
        if asked is not None:
            return from_header(asked)
        by_magic, is_magic = self._gateway.wire_fault(call)
        if is_magic:
            return by_magic
        return self._gateway.faults.fire(call.endpoint, call.numbers)

    def _apply(
        self, record: RequestRecord, chosen: Firing, connection: Connection, response: Response | None
    ) -> Response:
        if chosen.raw:
            # Noted before the first byte is sent, so that who has the answer finds it in the record.
            self._note(record, status=(response.status if response else 200) if KINDS[chosen.do].answers else None)
        return self._finish(record, wire_faults.apply(chosen, connection, response))

    def _encode(self, request: LimitedRequest, record: RequestRecord, reply: Reply) -> Response:
        self._note(record, code=reply.code, msg_id=reply.msg_id)
        # Without a body the form of the answer is open, and JSON is what clients of today read.
        if request.content_length is None or request.is_json:
            return json_response(reply.status, reply.body)
        return _text_response(record.endpoint, reply)

    def _finish(self, record: RequestRecord, response: Response) -> Response:
        self._note(record, status=response.status)
        return response

    def _note(self, record: RequestRecord, **fields: object) -> None:
        self._gateway.traffic.note(record.number, **fields)


def _without_socket(chosen: Firing) -> Firing:
    """Return the nearest thing to a wire fault where the socket is out of reach: an answer without information either."""
    return firing("html-504", chosen.source, chosen.after, 0.0)


def _fields(request: LimitedRequest, body: bytes) -> Mapping[str, str] | None:
    if not request.is_json:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return as_fields(json.loads(body))
    except (ValueError, RecursionError):
        # A body that can't be read is an answer of its own, ERR002, which the fields check gives.
        return None


def _text_response(endpoint: str, reply: Reply) -> Response:
    """Return a reply in the old text form, for requests that are not JSON (gateway facts, section 10).

    That of errors is not published; this one puts the code first.
    """
    body = reply.body
    words = f"{body['code']}:{body['description']}" if reply.code else _TEXT_FORMS[endpoint](body)
    return Response(reply.status, words.encode(), TEXT)


def _points(value: Any) -> str:
    return f"{float(value):.2f}"


def _lines(rows: Iterable[str]) -> str:
    return "\n".join(rows)


def _send_text(body: Mapping[str, Any]) -> str:
    charged, balance = _points(body["points-charged"]), _points(body["balance-after"])
    return f"OK:{body['msg-id']}:{body['numbers']}:{charged}:{balance}:{body['unix-timestamp']}"


_TEXT_FORMS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "balance": lambda body: f"{_points(body['available'])}/{_points(body['purchased'])}",
    "senderid": lambda body: _lines(body["senderid"]),
    # Coverage, validate and status are younger than the text form; these three are our guess.
    "coverage": lambda body: _lines(body.get("prefixes") or body["coverage"]),
    "validate": lambda body: _lines(f"{name}:{','.join(found)}" for name, found in body["mobile"].items()),
    "status": lambda body: str(body["status"]),
    "dlr": lambda body: _lines(f"{row['Number']},{row['Status']}" for row in body["report"]),
    "send": _send_text,
}
