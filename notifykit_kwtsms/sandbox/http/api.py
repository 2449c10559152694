"""The sandbox's own API: the inbox, the switches of the gateway, and what can be watched."""

from __future__ import annotations

import bisect
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs

from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.api.facts import SEND
from notifykit_kwtsms.sandbox.faults.catalogue import KINDS, Fault, FaultKind
from notifykit_kwtsms.sandbox.faults.presets import PRESETS, preset
from notifykit_kwtsms.sandbox.gateway import delivery
from notifykit_kwtsms.sandbox.gateway.accounts import USERNAME, Account, AccountHandle, dsn, environment
from notifykit_kwtsms.sandbox.gateway.requests import Call, RequestRecord, as_fields
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http import schema, stats, views
from notifykit_kwtsms.sandbox.http.event_stream import EventStreams
from notifykit_kwtsms.sandbox.http.schema import (
    ACCOUNT_CHANGES,
    FAULTS,
    GROUPS,
    JSON_LINES,
    PARAMETERS,
    TEXT,
    ClockAdvance,
    DeliveryChange,
    MessageChanges,
    NewMessage,
    Route,
    Undo,
    route,
)
from notifykit_kwtsms.sandbox.http.stats import SandboxInfo
from notifykit_kwtsms.sandbox.http.wsgi import (
    API_HEADERS,
    LimitedRequest,
    Response,
    api_response,
    error_response,
    redirect,
    text_response,
)
from notifykit_kwtsms.sandbox.inbox import search
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage, from_line, to_line
from notifykit_kwtsms.sandbox.inbox.store import UNDO_SECONDS, Deletion, Matches, Snapshot
from notifykit_kwtsms.sandbox.inbox.threads import threads
from notifykit_kwtsms.sandbox.models import NotFoundError, View, from_json

T = TypeVar("T")
#: Seconds that the clock may be ahead: dates end somewhere.
_FARTHEST: Final = 1000 * 365.0 * 86400
_EVENTS: Final = "text/event-stream; charset=utf-8"
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
_BAD: Final = (400,)
_MISSING: Final = (404,)
_BAD_OR_MISSING: Final = (400, 404)

_LIST: Final = {"matched": int, "total": int, "next": int | None, "sequence": int}
_DELETED: Final = {"deleted": int, "undo": str | None, "undo-for": float}
_ACCOUNT: Final = {
    "account": Account,
    "accounts": tuple[str, ...],
    "env": str,
    "dsn": str,
    "queue": int,
    "queue-limit": int,
    "rate": stats.RATE,
}
_CHAOS: Final = View(
    "Chaos",
    {
        "armed": ([{"type": "object"}], lambda faults: [views.active_fault(fault) for fault in faults.active()]),
        "preset": (str | None, lambda faults: faults.preset()),
        "codes": (tuple[str, ...], lambda faults: list(CODES)),
        "faults": (tuple[FaultKind, ...], lambda faults: list(KINDS.values())),
        "presets": (tuple[str, ...], lambda faults: list(PRESETS)),
    },
)
_CLOCK: Final = View("Clock", {"time": (str, lambda clock: clock.utc()), "offset": float})


class Api:
    """The handlers of one sandbox."""

    def __init__(self, gateway: Gateway, info: SandboxInfo, stopping: threading.Event) -> None:
        self._gateway = gateway
        self._store = gateway.store
        self._info = info
        self._stopping = stopping
        self._streams = EventStreams(gateway, info, stopping)

    def handle(self, found: Route, request: LimitedRequest, body: bytes, in_path: Mapping[str, Any]) -> Response:
        """Return the response of a route: 400 for what the caller got wrong, 404 for what is not there."""
        try:
            needed = self._arguments(found, request, body)
            result = found.handler(
                self, **{name: needed[name] for name in found.arguments if name in needed}, **in_path
            )
        except NotFoundError as error:
            return error_response(404, str(error))
        except (ValueError, TypeError) as error:
            return error_response(400, str(error))
        return result if isinstance(result, Response) else api_response(result, found.status)

    def _arguments(self, found: Route, request: LimitedRequest, body: bytes) -> dict[str, Any]:
        values = {name: PARAMETERS[name].read(name, request.args.get(name)) for name in found.parameters}
        for group in GROUPS:
            if group in found.arguments:
                values[group] = self._matches(**{name: values[name] for name in GROUPS[group]})
        if found.body is not None:
            values["body"] = body if found.body is bytes else _read_body(found.body, body)
        return values | {"request": request}

    def _matches(self, q: str, to: str | None, text: str | None, ids: str | None = None) -> Matches:
        """Return whether a message has one of the ids, or else is what the search looks for."""
        if ids is not None:
            wanted = frozenset(ids.split(","))
            if not all(name.isascii() and name.isalnum() for name in wanted):
                raise ValueError("ids are numbers with commas between them")
            return lambda message: str(message.id) in wanted or message.msg_id in wanted
        found = search.parse(q, self._gateway.clock.utc())
        if to is None and text is None:
            return found
        return lambda message: (
            found(message) and (to is None or to in message.numbers) and (text is None or text in message.text)
        )

    @route("GET /livez", content_type=TEXT, public=True)
    def livez(self) -> Response:
        """Say that the process runs."""
        return text_response("ok\n")

    @route("GET /readyz", content_type=TEXT, errors=(503,), public=True)
    def readyz(self) -> Response:
        """Say whether it takes messages and keeps them where it should."""
        trouble = "it is stopping" if self._stopping.is_set() else self._store.trouble
        return error_response(503, f"Not ready: {trouble}") if trouble else text_response("ok\n")

    @route("GET /metrics", content_type=TEXT)
    def metrics(self) -> Response:
        """Return the counters in the text form of Prometheus."""
        return text_response(stats.metrics(self._gateway, self._info, self._streams.readers), _PROMETHEUS)

    @route("GET /openapi.json", gives={"openapi": str})
    def openapi(self, request: LimitedRequest) -> dict[str, Any]:
        """Return this document."""
        return schema.document(stats.version(), request.root_path)

    @route("GET /latest", content_type=TEXT, status=302, errors=_BAD_OR_MISSING, on_screen=True)
    def latest(self, request: LimitedRequest, search: Matches) -> Response:
        """Redirect to the newest match on the page, or to its JSON if that is what is accepted."""
        if request.accept_mimetypes.best_match(("text/html", "application/json"), "text/html") == "application/json":
            return self.latest_message(request, search)
        return redirect(f"{request.root_path}/#/m/{self._latest(search).id}")

    @route("GET /m/<name>", content_type=TEXT, status=302, errors=_MISSING, on_screen=True)
    def on_page(self, request: LimitedRequest, name: str) -> Response:
        """Redirect to a message on the page."""
        return redirect(f"{request.root_path}/#/m/{self._message(name).id}")

    @route(
        "GET /sandbox/messages",
        gives={"messages": [views.SUMMARY], "unread": int, **_LIST},
        errors=_BAD,
    )
    def messages(self, search: Matches, limit: int, before: int) -> dict[str, Any]:
        """List messages, the newest first."""
        inbox = self._store.snapshot()
        found = list(filter(search, reversed(inbox.messages)))
        shown, listed = _window(found, lambda message: message.id, limit, before, inbox)
        summaries = [views.SUMMARY(message, self._account_of(message)) for message in shown]
        return {"messages": summaries, "unread": inbox.totals.unread, **listed}

    @route("POST /sandbox/messages", gives={"result": str}, status=201, errors=(400, 403))
    def inject(self, request: LimitedRequest, body: NewMessage) -> Response:
        """Send a message as the default account does."""
        account = self._handle(USERNAME).read()
        fields = {
            "username": account.username,
            "password": account.password.reveal(),
            "sender": body.sender,
            "mobile": ",".join(map(str, body.to)) if isinstance(body.to, tuple) else body.to,
            "message": body.text,
            "test": body.test,
        }
        headers = {"x-notifykit-tag": ",".join(body.tags or ())}
        call = Call(SEND.name, request.remote_addr or "", as_fields(fields), request.path, headers)
        reply = self._gateway.handle(call)
        return api_response(reply.body, 201 if reply.msg_id else reply.status)

    @route("PUT /sandbox/messages", gives={"changed": int}, errors=_BAD)
    def change_messages(self, request: LimitedRequest, selection: Matches, body: MessageChanges) -> dict[str, Any]:
        """Mark and tag many messages; q or ids is needed."""
        if "q" not in request.args and "ids" not in request.args:
            raise ValueError("say which messages: q or ids; an empty q is all of them")
        return {"changed": self._store.update_all(selection, unread=body.unread, retag=body.retag)}

    @route("DELETE /sandbox/messages", gives=_DELETED, errors=_BAD)
    def clear(self, selection: Matches) -> dict[str, Any]:
        """Delete what matches, or everything."""
        return _deleted(self._store.discard(selection))

    @route("POST /sandbox/messages/restore", gives={"restored": int}, errors=_BAD_OR_MISSING)
    def restore(self, body: Undo) -> dict[str, Any]:
        """Undo a deletion of the last seconds."""
        return {"restored": self._store.restore(body.undo)}

    @route("GET /sandbox/messages/wait", gives=views.DETAIL, errors=_BAD_OR_MISSING)
    def wait(self, search: Matches, timeout: float) -> dict[str, Any] | Response:
        """Wait for the newest accepted match."""
        message = self._store.wait(lambda message: message.accepted and search(message), timeout)
        return error_response(404, "No such message came in time.") if message is None else self._detail(message)

    @route("GET /sandbox/messages/latest", content_type=TEXT, status=302, errors=_BAD_OR_MISSING)
    def latest_message(self, request: LimitedRequest, search: Matches) -> Response:
        """Redirect to the newest match."""
        return redirect(f"{request.root_path}/sandbox/messages/{self._latest(search).id}")

    @route("GET /sandbox/messages/<name>", gives=views.DETAIL, errors=_MISSING)
    def message(self, name: str) -> dict[str, Any]:
        """Return everything about one message, by the inbox's id or the msg-id."""
        return self._detail(self._message(name))

    @route("PUT /sandbox/messages/<name>", gives=views.DETAIL, errors=_BAD_OR_MISSING)
    def change_message(self, name: str, body: MessageChanges) -> dict[str, Any]:
        """Mark and tag one message."""
        return self._detail(self._store.update(name, unread=body.unread, retag=body.retag))

    @route("DELETE /sandbox/messages/<name>", gives=_DELETED, errors=_MISSING)
    def delete_message(self, name: str) -> dict[str, Any]:
        """Delete one message; credits come back by the queue only."""
        wanted = self._message(name).id
        return _deleted(self._store.discard(lambda message: message.id == wanted))

    @route("GET /sandbox/threads", gives={"threads": [views.THREAD], **_LIST}, errors=_BAD)
    def threads(self, search: Matches, limit: int, before: int, batches: str) -> dict[str, Any]:
        """List conversations, the newest first."""
        inbox = self._store.snapshot()
        found = threads(filter(search, reversed(inbox.messages)), fold=batches == "fold")
        shown, listed = _window(found, lambda row: row.last.id, limit, before, inbox)
        return {"threads": [views.THREAD(row, self._account_of(row.last)) for row in shown], **listed}

    @route("GET /sandbox/otp", gives={"otp": str, "id": int, "msg-id": str, "at": str}, errors=_BAD_OR_MISSING)
    def otp(self, search: Matches, timeout: float) -> dict[str, Any] | Response:
        """Return the code in the newest accepted message that has one."""
        message = self._store.wait(
            lambda message: message.accepted and message.otp is not None and search(message), timeout
        )
        if message is None:
            return error_response(404, "No message with a code came in time.")
        return {"otp": message.otp, "id": message.id, "msg-id": message.msg_id, "at": message.at}

    @route("GET /sandbox/export", content_type=JSON_LINES, errors=_BAD)
    def export(self, search: Matches) -> Response:
        """Return messages as JSON Lines, the oldest first."""
        lines = (to_line(message) for message in self._store.all() if search(message))
        return text_response("".join(f"{line}\n" for line in lines), JSON_LINES)

    @route("POST /sandbox/import", gives={"imported": int, "skipped": int}, errors=_BAD)
    def import_(self, body: bytes) -> dict[str, Any]:
        """Take in exported messages under new ids; those whose msg-id is here already are skipped."""
        messages = []
        for number, line in enumerate(body.decode().split("\n"), start=1):
            if line.strip():
                try:
                    messages.append(from_line(line))
                except ValueError as error:
                    raise ValueError(f"line {number}: {error}") from error
        taken = self._store.adopt(messages)
        return {"imported": len(taken), "skipped": len(messages) - len(taken)}

    @route("GET /sandbox/account", gives=_ACCOUNT, errors=_MISSING)
    def account(self, request: LimitedRequest, username: str | None) -> dict[str, Any]:
        """Return an account, and the lines to paste."""
        now = self._handle(username).read()
        root = request.url_root.rstrip("/")
        env = environment(now, f"{root}/API/")
        return {
            "account": now,
            "accounts": self._gateway.accounts.names(),
            "env": "".join(f"{name}={value}\n" for name, value in env.items()),
            "dsn": dsn(now, root),
            "queue": self._gateway.queue_size(now.username),
            "queue-limit": now.queue_limit,
            "rate": stats.rate(self._gateway),
        }

    @route("PUT /sandbox/account", takes=ACCOUNT_CHANGES, gives=_ACCOUNT, errors=_BAD_OR_MISSING)
    def change_account(self, request: LimitedRequest, username: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change what is given of an account."""
        self._handle(username).change(**body)
        return self.account(request, username)

    @route("GET /sandbox/chaos", gives=_CHAOS)
    def chaos(self) -> dict[str, Any]:
        """Return the active faults, and those that there are."""
        return _CHAOS(self._gateway.faults)

    @route("PUT /sandbox/chaos", takes=FAULTS, gives=_CHAOS, errors=_BAD)
    def set_chaos(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Activate a fault, faults or a preset instead of the active ones."""
        self._gateway.faults.replace(*_faults(body))
        return self.chaos()

    @route("POST /sandbox/chaos", takes=FAULTS, gives=_CHAOS, errors=_BAD)
    def add_chaos(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Activate a fault, faults or a preset besides the active ones."""
        self._gateway.faults.add(*_faults(body))
        return self.chaos()

    @route("DELETE /sandbox/chaos", gives=_CHAOS)
    def clear_chaos(self) -> dict[str, Any]:
        """End every fault."""
        self._gateway.faults.clear()
        return self.chaos()

    @route("DELETE /sandbox/chaos/<int:number>", gives=_CHAOS, errors=_MISSING)
    def end_fault(self, number: int) -> dict[str, Any]:
        """End one fault."""
        self._gateway.faults.clear(number)
        return self.chaos()

    @route("GET /sandbox/clock", gives=_CLOCK)
    def clock(self) -> dict[str, Any]:
        """Return the virtual time, and the seconds that it is ahead."""
        return _CLOCK(self._gateway.clock)

    @route("PUT /sandbox/clock", gives=_CLOCK, errors=_BAD)
    @route("POST /sandbox/clock", gives=_CLOCK, errors=_BAD)
    def advance(self, body: ClockAdvance) -> dict[str, Any]:
        """Jump ahead by seconds."""
        if self._gateway.clock.offset + body.advance > _FARTHEST:
            raise ValueError("the clock goes ahead by a thousand years at most")
        self._gateway.clock.advance(body.advance)
        return self.clock()

    @route("POST /sandbox/dlr/<name>", gives=views.DETAIL, errors=_BAD_OR_MISSING)
    def deliver(self, name: str, body: DeliveryChange) -> dict[str, Any]:
        """Bring a message into its next state, or into the one given."""
        message = self._message(name)
        if not message.accepted:
            raise ValueError("this message was not accepted, so nothing can become of it")
        number = None if body.number is None else str(body.number)
        current = message.state if number is None else message.state_of(number)
        state = body.state or delivery.next_state(current)
        if state is None:
            raise ValueError(f"nothing follows {current}")
        if state not in delivery.STATES:
            raise ValueError(f"no such state: {state}; there are {', '.join(delivery.STATES)}")
        return self._detail(self._store.force(name, state, number))

    @route("GET /sandbox/queue", gives={"queue": [views.QUEUED], "size": int, "limit": int | None})
    def queue(self, username: str | None) -> dict[str, Any]:
        """Return what is in the queue."""
        entries = self._gateway.queue(username)
        account = self._gateway.accounts.get(username or "")
        return {
            "queue": [views.QUEUED(entry, self._store.get(entry.msg_id)) for entry in entries],
            "size": sum(entry.size for entry in entries),
            "limit": account.queue_limit if account else None,
        }

    @route("DELETE /sandbox/queue", gives={"deleted": int, "refunded": float})
    def empty_queue(self, username: str | None) -> dict[str, Any]:
        """Delete every test message from the queue and recover the credits."""
        deleted, refunded = self._gateway.empty_queue(username)
        return {"deleted": deleted, "refunded": refunded}

    @route("DELETE /sandbox/queue/<name>", gives={"refunded": float}, errors=_MISSING)
    def unqueue(self, name: str) -> dict[str, Any]:
        """Delete a test message from the queue and recover its credits."""
        message = self._store.get(name)
        return {"refunded": self._gateway.unqueue((message and message.msg_id) or name)}

    @route(
        "GET /sandbox/requests",
        gives={"requests": tuple[RequestRecord, ...], "total": int, "blocked": Mapping[str, float]},
        errors=_BAD,
    )
    def requests(self, limit: int) -> dict[str, Any]:
        """Return the requests to the gateway, the newest first, and the blocked addresses with their seconds."""
        records = self._gateway.traffic.all()
        newest = list(reversed(records[-limit:]))
        return {"requests": newest, "total": len(records), "blocked": self._gateway.traffic.blocked()}

    @route("GET /sandbox/stats", gives=stats.STATS)
    def stats(self) -> dict[str, Any]:
        """Return the figures of the sandbox."""
        return stats.stats(self._gateway, self._info, self._streams.readers)

    @route("GET /sandbox/events", content_type="text/event-stream", errors=(400, 503))
    def events(self, request: LimitedRequest, after: str | None) -> Response:
        """Stream everything that happens, as server-sent events."""
        last = request.headers.get("Last-Event-ID", after)
        if last is not None and not (last.isascii() and last.isdigit() and len(last) < 16):
            raise ValueError("Last-Event-ID and after are the number of an event")
        if not self._streams.reserve():
            return error_response(503, "There are too many readers already.")
        headers = (*API_HEADERS, ("X-Accel-Buffering", "no"))
        return Response(200, b"", _EVENTS, headers, self._streams.stream(None if last is None else int(last)))

    @route("POST /sandbox/reset", gives={"reset": bool})
    def reset(self) -> dict[str, Any]:
        """Put everything back to the start."""
        self._gateway.reset()
        return {"reset": True}

    def _handle(self, username: str | None) -> AccountHandle:
        return AccountHandle(self._gateway.accounts, USERNAME if username is None else username)

    def _account_of(self, message: CapturedMessage) -> Account | None:
        return self._gateway.accounts.get(message.account)

    def _detail(self, message: CapturedMessage) -> dict[str, Any]:
        return views.DETAIL(message, self._account_of(message))

    def _message(self, name: str) -> CapturedMessage:
        message = self._store.get(name)
        if message is None:
            raise NotFoundError("there is no such message")
        return message

    def _latest(self, search: Matches) -> CapturedMessage:
        message = self._store.wait(search, 0)
        if message is None:
            raise NotFoundError("there is no such message")
        return message


def _read_body(kind: Any, body: bytes) -> Any:
    """Return a body, which is a JSON object or nothing: a model, or the object where its schema is all there is."""
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise ValueError("the body is not JSON") from error
    if not isinstance(value, dict):
        raise TypeError("the body is a JSON object")
    return value if isinstance(kind, dict) else from_json(kind, value)


def _window(
    found: list[T], newest: Callable[[T], int], limit: int, before: int, inbox: Snapshot
) -> tuple[list[T], dict[str, Any]]:
    """Return the rows behind a message, and what the answer says of them; ``newest`` is the id of a row."""
    start = bisect.bisect_right(found, -before, key=lambda row: -newest(row)) if before else 0
    end = start + limit
    # Rows that share their newest message stay together: a window begins at a message.
    while end < len(found) and newest(found[end]) == newest(found[end - 1]):
        end += 1
    return found[start:end], {
        "matched": len(found),
        "total": inbox.totals.messages,
        "next": newest(found[end - 1]) if end < len(found) else None,
        "sequence": inbox.totals.sequence,
    }


def _deleted(deletion: Deletion) -> dict[str, Any]:
    return {"deleted": deletion.count, "undo": deletion.undo, "undo-for": UNDO_SECONDS}


def _faults(body: Mapping[str, Any]) -> list[Fault]:
    """Return one fault, those of ``faults``, or those of a ``preset``."""
    if "preset" in body and "do" not in body:
        _only(body, "preset", "seed")
        return _seeded(preset(str(body["preset"])), body.get("seed"))
    if "faults" in body:
        _only(body, "faults", "seed")
        listed = body["faults"]
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise TypeError("faults is a list of objects")
        return _seeded(map(Fault.from_json, listed), body.get("seed"))
    return [Fault.from_json(body)]


def _only(body: Mapping[str, Any], *allowed: str) -> None:
    unknown = sorted(set(body) - set(allowed))
    if unknown:
        raise ValueError(f"there is no {', '.join(unknown)} here, only {', '.join(sorted(allowed))}")


def _seeded(faults: Any, seed: object) -> list[Fault]:
    """Give each fault random numbers of its own that are the same each time; with one seed all would draw alike."""
    if seed is None:
        return list(faults)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError("seed is a whole number")
    return [
        fault if fault.seed is not None else attrs.evolve(fault, seed=seed + place)
        for place, fault in enumerate(faults)
    ]
