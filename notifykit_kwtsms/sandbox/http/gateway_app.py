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
from notifykit_kwtsms.sandbox.gateway.requests import Call, Reply, as_fields
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http import wire_faults
from notifykit_kwtsms.sandbox.http.wire_faults import Connection
from notifykit_kwtsms.sandbox.http.wsgi import BODY_LIMIT, TEXT, LimitedRequest, Response, html_response, json_response

#: The header by which a test that owns the client asks for a fault.
FAULT_HEADER: Final = "X-Sandbox-Fault"


class GatewayRequest:
    """A request to ``/API/…``, from its start to its response. What becomes known of it goes into its record."""

    def __init__(self, gateway: Gateway, stopping: threading.Event, request: LimitedRequest, endpoint: str) -> None:
        self._gateway = gateway
        self._request = request
        self._connection = Connection(request.environ.get("werkzeug.socket"), stopping.wait)
        self._record = gateway.traffic.start(endpoint, request.remote_addr or "")

    def respond(self) -> Response:
        """Return the response."""
        response = self._refuse_blocked() if self._record.blocked else self._answer()
        self._note(status=response.status)
        return response

    def _answer(self) -> Response:
        try:
            call = self._read()
            chosen = self._choose_fault(call)
        except RequestEntityTooLarge:
            return html_response(413, f"A request has at most {BODY_LIMIT} bytes.")
        except UnsupportedMediaType:
            return html_response(415, "This sandbox takes JSON only; say so in the Content-Type.")
        except ValueError as error:
            return json_response(400, {"error": str(error)})
        if chosen:
            return self._fail(call, self._possible(chosen))
        reply = self._gateway.handle(call)
        response = self._encode(reply)
        return self._apply(self._possible(reply.firing), response) if reply.firing else response

    def _fail(self, call: Call, chosen: Firing) -> Response:
        call = attrs.evolve(call, fault=describe(chosen))
        self._gateway.record_fault(call, describe(chosen))
        if chosen.code:
            if self._connection.wait(chosen.delay):
                self._connection.drop()
            return self._encode(self._gateway.refuse(call, chosen.code))
        if chosen.after is Point.RECEIVE:
            self._gateway.cut(call)
            return self._apply(chosen, None)
        return self._apply(chosen, self._encode(self._gateway.handle(call)))

    def _refuse_blocked(self) -> Response:
        self._request.skip()
        if self._gateway.rules.block_answer == "drop" and self._connection.sock is not None:
            self._connection.reset()
        return html_response(403, "Too many requests. Your address is blocked for a while.")

    def _read(self) -> Call:
        request = self._request
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(self._record.endpoint, self._record.client, None, request.path, headers)
        if request.content_length is None:
            # The gateway takes a body of unknown length for no body at all (gateway facts, section 1.0).
            request.skip()
            return call
        body = request.read()
        if not request.is_json and not self._gateway.rules.text_mode:
            raise UnsupportedMediaType
        call = attrs.evolve(call, fields=_fields(request, body))
        self._note(account=call.field("username") or None)
        return call

    def _choose_fault(self, call: Call) -> Firing | None:
        """Return the fault of the header, else of a magic number, else an active one."""
        asked = self._request.headers.get(FAULT_HEADER)
        if asked is not None:
            return from_header(asked)
        by_magic, is_magic = self._gateway.wire_fault(call)
        return by_magic if is_magic else self._gateway.faults.fire(call.endpoint, call.numbers)

    def _possible(self, chosen: Firing) -> Firing:
        """Return the fault, or where the socket is out of reach the nearest thing: an answer without information either."""
        if chosen.raw and self._connection.sock is None:
            chosen = firing("html-504", chosen.source, chosen.after, 0.0)
        self._note(fault=describe(chosen))
        return chosen

    def _apply(self, chosen: Firing, response: Response | None) -> Response:
        if chosen.raw:
            # Noted before the first byte is sent, so that who has the answer finds it in the record.
            self._note(status=(response.status if response else 200) if KINDS[chosen.do].answers else None)
        return wire_faults.apply(chosen, self._connection, response)

    def _encode(self, reply: Reply) -> Response:
        self._note(code=reply.code, msg_id=reply.msg_id)
        # Without a body the form of the answer is open, and JSON is what clients of today read.
        if self._request.content_length is None or self._request.is_json:
            return json_response(reply.status, reply.body)
        return _text_response(self._record.endpoint, reply)

    def _note(self, **fields: object) -> None:
        self._gateway.traffic.note(self._record.number, **fields)


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
