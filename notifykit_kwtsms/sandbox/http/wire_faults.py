"""The faults of :mod:`~notifykit_kwtsms.sandbox.faults.catalogue` applied to a response, or to the connection itself."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

import attrs

from notifykit_kwtsms.sandbox.faults.catalogue import Firing
from notifykit_kwtsms.sandbox.gateway.requests import refusal
from notifykit_kwtsms.sandbox.http.wsgi import JSON, ConnectionDropped, Response, html_response, json_response

#: Linux holds the bytes back until more comes, which here is the end.
_MORE: Final[int] = getattr(socket, "MSG_MORE", 0)
#: More than any client should read.
_BIG: Final = 1024 * 1024 + 1
#: What half a response is made of where the gateway was never asked.
_MADE_UP: Final = json_response(200, {"result": "OK", "msg-id": "0" * 32, "numbers": 1, "points-charged": 1})
_MAINTENANCE: Final = "The service is being looked after. Please come back later."


class ResponseWritten(ConnectionError):  # noqa: N818 - it is a signal, not a failure
    """The response is on the wire already; the connection may be used again."""


@attrs.frozen
class Connection:
    """The connection of a request, as far as a fault needs it."""

    #: The socket; None behind a WSGI server that doesn't show it.
    sock: socket.socket | None
    #: Waits so many real seconds, and returns whether the sandbox stops meanwhile.
    wait: Callable[[float], bool]

    def drop(self, data: bytes = b"", flags: int = 0) -> NoReturn:
        """Write bytes, if any, and close the connection in good order."""
        if data:
            self.write(data, flags)
        if self.sock is not None:
            with contextlib.suppress(OSError):  # The client may have closed first, which is as closed as it gets.
                self.sock.shutdown(socket.SHUT_RDWR)
        raise ConnectionDropped

    def reset(self) -> NoReturn:
        """Close the connection with a reset."""
        if self.sock is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The server's files keep the socket open after close(); only the descriptor itself resets now.
            socket.close(self.sock.detach())
        raise ConnectionDropped

    def write(self, data: bytes, flags: int = 0) -> None:
        """Put bytes on the wire; if the client has closed the connection, drop it."""
        if self.sock is not None:
            try:
                self.sock.sendall(data, flags)
            except OSError as error:
                raise ConnectionDropped from error

    def write_slowly(self, data: bytes, seconds: float) -> None:
        """Put bytes on the wire one by one, each after so many seconds."""
        started = time.monotonic()
        for position in range(len(data)):
            self.write(data[position : position + 1])
            # Counted from the start, so that a slow machine doesn't make it slower still.
            if self.wait(max(0.0, started + (position + 1) * seconds - time.monotonic())):
                self.drop()


def apply(fault: Firing, connection: Connection, response: Response | None) -> Response:
    """Apply a fault and return the response that is still to be written.

    :param response: the gateway's own, or None where the fault comes before it.
    :raises ConnectionDropped: if nothing is to be written any more.
    :raises ResponseWritten: likewise, and the connection may be used again.
    """
    response = response or _MADE_UP
    if fault.do not in _TIMED and connection.wait(fault.delay):
        connection.drop()
    if fault.do in ON_CONNECTION:
        return ON_CONNECTION[fault.do](connection, response, fault.delay)
    return ON_RESPONSE[fault.do](response)


def _hang(connection: Connection, response: Response, seconds: float) -> NoReturn:
    connection.wait(seconds)
    connection.drop()


def _dribble(connection: Connection, response: Response, seconds: float) -> NoReturn:
    connection.write(response.head)
    connection.write_slowly(response.body, seconds)
    raise ResponseWritten


def _dribble_head(connection: Connection, response: Response, seconds: float) -> NoReturn:
    connection.write_slowly(response.head + response.body, seconds)
    raise ResponseWritten


def _double(connection: Connection, response: Response, seconds: float) -> NoReturn:
    connection.write((response.head + response.body) * 2)
    raise ResponseWritten


def _edited(response: Response, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Response:
    if response.content_type != JSON:
        return response
    return json_response(response.status, edit(json.loads(response.body)))


def _wrong_count(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"numbers": int(fields["numbers"]) + 1} if "numbers" in fields else fields


def _strings(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, (int, float)) else value for name, value in fields.items()}


def _extra(fields: dict[str, Any]) -> dict[str, Any]:
    return {"api": {"version": [4, 2], "node": None}, **fields, "queue-position": 3, "note": "رسالة"}


def _gzipped(response: Response) -> Response:
    headers = (*response.headers, ("Content-Encoding", "gzip"))
    return attrs.evolve(response, body=gzip.compress(response.body), headers=headers)


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


#: Those that are about time themselves; all others come late by the delay of the fault.
_TIMED: Final = frozenset({"hang", "dribble", "dribble-head"})
#: What a fault does, by its name: to the connection, or to the response.
ON_CONNECTION: Final[dict[str, Callable[[Connection, Response, float], NoReturn]]] = {
    "hang": _hang,
    "dribble": _dribble,
    "dribble-head": _dribble_head,
    "reset": lambda connection, response, _: connection.reset(),
    "close": lambda connection, response, _: connection.drop(),
    "half-head": lambda connection, response, _: connection.drop(response.head[:40]),
    "half-body": lambda connection, response, _: connection.drop(response.head + _half(response.body)),
    # The bytes travel together with the end of the connection where the system can do that, so that the client does
    # not find it open for a moment.
    "stale": lambda connection, response, _: connection.drop(response.head + response.body, _MORE),
    "double-answer": _double,
}
ON_RESPONSE: Final[dict[str, Callable[[Response], Response]]] = {
    "slow": lambda response: response,
    "html-200": lambda response: html_response(200, _MAINTENANCE),
    "empty-200": lambda response: Response(200),
    "broken-json": lambda response: Response(200, _half(response.body)),
    "json-list": lambda response: Response(200, b'["OK"]'),
    "not-utf8": lambda response: Response(200, b'{"result":"\xff\xfe"}'),
    "json-403": lambda response: json_response(403, refusal(403, "ERR003").body),
    "html-403": lambda response: html_response(403, "Your address is not allowed here."),
    "html-502": lambda response: html_response(502, "The upstream server gave no valid answer."),
    "empty-503": lambda response: Response(503, headers=(("Retry-After", "30"),)),
    "html-504": lambda response: html_response(504, "The upstream server did not answer in time."),
    "no-msg-id": lambda response: _edited(
        response, lambda fields: {name: value for name, value in fields.items() if name != "msg-id"}
    ),
    "wrong-count": lambda response: _edited(response, _wrong_count),
    "string-numbers": lambda response: _edited(response, _strings),
    "extra-keys": lambda response: _edited(response, _extra),
    "bom": lambda response: attrs.evolve(response, body=b"\xef\xbb\xbf" + response.body),
    "gzip": _gzipped,
    "redirect": lambda response: Response(301, headers=(("Location", "http://www.kwtsms.example/API/"),)),
    "big-body": lambda response: json_response(200, {"result": "OK", "filler": "x" * _BIG}),
}
