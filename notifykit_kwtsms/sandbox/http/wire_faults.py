"""The faults of :mod:`~notifykit_kwtsms.sandbox.faults.catalogue` done to an answer, or to the connection itself."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

import attrs

from notifykit_kwtsms.sandbox.faults.catalogue import Firing
from notifykit_kwtsms.sandbox.gateway.requests import refusal
from notifykit_kwtsms.sandbox.http.answers import JSON, Answer, head, json_answer, page, render

#: Linux holds the bytes back until more comes, which here is the end.
_MORE: Final[int] = getattr(socket, "MSG_MORE", 0)
#: More than any client should read.
_BIG: Final = 1024 * 1024 + 1
#: What half an answer is made of where the gateway was never asked.
_MADE_UP: Final = json_answer(200, {"result": "OK", "msg-id": "0" * 32, "numbers": 1, "points-charged": 1})


class ConnectionDropped(ConnectionError):  # noqa: N818 - it is a signal, not a failure
    """The connection is over: nothing more can be written to it."""


class Answered(ConnectionError):  # noqa: N818 - likewise
    """The answer is on the wire already; the connection may be used again."""


@attrs.frozen
class Connection:
    """The connection that a request came by, as far as a fault needs it."""

    #: The socket; None behind a WSGI server that doesn't show it.
    sock: socket.socket | None
    #: Waits so many real seconds, and says whether the sandbox stops meanwhile.
    wait: Callable[[float], bool]

    def drop(self) -> NoReturn:
        """Close the connection in good order."""
        if self.sock is not None:
            with contextlib.suppress(OSError):  # The client may have left first, which is as closed as it gets.
                self.sock.shutdown(socket.SHUT_RDWR)
        raise ConnectionDropped

    def reset(self) -> NoReturn:
        """Close the connection with a reset."""
        if self.sock is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The server's files keep the socket open after close(); only the descriptor itself resets now.
            socket.close(self.sock.detach())
        raise ConnectionDropped

    def write(self, data: bytes, last: bool = False) -> None:
        """Put bytes on the wire; a client that left drops the connection.

        The last ones travel together with the end of the connection where the system can do that, so that the client
        does not find it open for a moment.
        """
        if self.sock is not None:
            try:
                self.sock.sendall(data, _MORE if last else 0)
            except OSError as error:
                raise ConnectionDropped from error


def perform(firing: Firing, line: Connection, answer: Answer | None) -> Answer:
    """Do a fault and return the answer that is left to be written.

    ``answer`` is the gateway's own, or None where the fault came before it. Raises :class:`ConnectionDropped` or
    :class:`Answered` where nothing is left to be written.
    """
    if firing.do in _TIMED:
        return _TIMED[firing.do](line, answer or _MADE_UP, firing.delay)
    if line.wait(firing.delay):
        line.drop()
    if firing.do in _RAW:
        _RAW[firing.do](line, answer or _MADE_UP)
    return _ANSWERS[firing.do](answer or _MADE_UP)


def _hang(line: Connection, answer: Answer, seconds: float) -> NoReturn:
    line.wait(seconds)
    line.drop()


def _slow(line: Connection, answer: Answer, seconds: float) -> Answer:
    if line.wait(seconds):
        line.drop()
    return answer


def _dribble(line: Connection, answer: Answer, seconds: float) -> NoReturn:
    line.write(head(answer.status_line, answer.all_headers))
    _drop_by_drop(line, answer.body, seconds)
    raise Answered


def _dribble_head(line: Connection, answer: Answer, seconds: float) -> NoReturn:
    _drop_by_drop(line, render(answer), seconds)
    raise Answered


def _drop_by_drop(line: Connection, data: bytes, seconds: float) -> None:
    started = time.monotonic()
    for position in range(len(data)):
        line.write(data[position : position + 1])
        # Counted from the start, so that a slow machine doesn't make it slower still.
        if line.wait(max(0.0, started + (position + 1) * seconds - time.monotonic())):
            line.drop()


def _reset(line: Connection, answer: Answer) -> NoReturn:
    line.reset()


def _close(line: Connection, answer: Answer) -> NoReturn:
    line.drop()


def _half_head(line: Connection, answer: Answer) -> NoReturn:
    line.write(head(answer.status_line, answer.all_headers)[:40])
    line.drop()


def _half_body(line: Connection, answer: Answer) -> NoReturn:
    line.write(head(answer.status_line, answer.all_headers) + answer.body[: len(answer.body) // 2])
    line.drop()


def _stale(line: Connection, answer: Answer) -> NoReturn:
    line.write(render(answer), last=True)
    line.drop()


def _double(line: Connection, answer: Answer) -> NoReturn:
    line.write(render(answer) * 2)
    raise Answered


def _json_of(answer: Answer) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(answer.body)
    return value


def _edited(answer: Answer, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    if answer.content_type != JSON:
        return answer
    return json_answer(answer.status, edit(_json_of(answer)))


def _no_msg_id(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "msg-id"}


def _wrong_count(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"numbers": int(fields["numbers"]) + 1} if "numbers" in fields else fields


def _strings(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, (int, float)) else value for name, value in fields.items()}


def _extra(fields: dict[str, Any]) -> dict[str, Any]:
    return {"api": {"version": [4, 2], "node": None}, **fields, "queue-position": 3, "note": "رسالة"}


def _refused(code: str) -> Answer:
    return json_answer(403, refusal(403, code).body)


def _redirect(answer: Answer) -> Answer:
    return Answer(301, b"", headers=(("Location", "http://www.kwtsms.example/API/"),))


def _big(answer: Answer) -> Answer:
    return json_answer(200, {"result": "OK", "filler": "x" * _BIG})


_MAINTENANCE = "The service is being looked after. Please come back later."
_TIMED: Final[dict[str, Callable[[Connection, Answer, float], Answer]]] = {
    "hang": _hang,
    "slow": _slow,
    "dribble": _dribble,
    "dribble-head": _dribble_head,
}
_RAW: Final[dict[str, Callable[[Connection, Answer], NoReturn]]] = {
    "reset": _reset,
    "close": _close,
    "half-head": _half_head,
    "half-body": _half_body,
    "stale": _stale,
    "double-answer": _double,
}
_ANSWERS: Final[dict[str, Callable[[Answer], Answer]]] = {
    "html-200": lambda answer: page(200, _MAINTENANCE),
    "empty-200": lambda answer: Answer(200),
    "broken-json": lambda answer: Answer(200, answer.body[: len(answer.body) // 2]),
    "json-list": lambda answer: Answer(200, b'["OK"]'),
    "not-utf8": lambda answer: Answer(200, b'{"result":"\xff\xfe"}'),
    "json-403": lambda answer: _refused("ERR003"),
    "html-403": lambda answer: page(403, "Your address is not allowed here."),
    "html-502": lambda answer: page(502, "The upstream server gave no valid answer."),
    "empty-503": lambda answer: Answer(503, headers=(("Retry-After", "30"),)),
    "html-504": lambda answer: page(504, "The upstream server did not answer in time."),
    "no-msg-id": lambda answer: _edited(answer, _no_msg_id),
    "wrong-count": lambda answer: _edited(answer, _wrong_count),
    "string-numbers": lambda answer: _edited(answer, _strings),
    "extra-keys": lambda answer: _edited(answer, _extra),
    "bom": lambda answer: attrs.evolve(answer, body=b"\xef\xbb\xbf" + answer.body),
    "gzip": lambda answer: attrs.evolve(
        answer, body=gzip.compress(answer.body), headers=(*answer.headers, ("Content-Encoding", "gzip"))
    ),
    "redirect": _redirect,
    "big-body": _big,
}


def names() -> Iterable[str]:
    """Return the names of the faults that this module can do."""
    return (*_TIMED, *_RAW, *_ANSWERS)
