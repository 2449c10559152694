"""The JSON control API below ``/sandbox/``: the inbox, accounts, faults, the clock, delivery and the queue."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from notifykit_kwtsms.api.endpoints import SEND
from notifykit_kwtsms.sandbox.environment import environment
from notifykit_kwtsms.sandbox.faults.catalogue import Fault
from notifykit_kwtsms.sandbox.faults.presets import preset
from notifykit_kwtsms.sandbox.gateway import delivery
from notifykit_kwtsms.sandbox.gateway.accounts import SENDER, USERNAME, AccountHandle
from notifykit_kwtsms.sandbox.gateway.calls import Call, as_fields
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http import views
from notifykit_kwtsms.sandbox.http.answers import TEXT, Answer, json_answer
from notifykit_kwtsms.sandbox.inbox import search
from notifykit_kwtsms.sandbox.inbox.captured import CapturedMessage
from notifykit_kwtsms.sandbox.inbox.store import Matches
from notifykit_kwtsms.sandbox.problems import NotThere

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

#: Real seconds that a long poll lasts at most.
_LONGEST_POLL = 60.0
_LONGEST_LIST = 1000

#: What a browser may do with the answers: nothing but read them.
HEADERS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)


def answer(value: Mapping[str, Any], status: int = 200) -> Answer:
    """Return an answer of the control API."""
    plain = json_answer(status, value, ascii_only=True)
    return Answer(plain.status, plain.body, plain.content_type, HEADERS)


def error(status: int, words: str) -> Answer:
    """Return an error of the control API."""
    return answer({"error": words}, status)


def _guarded(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """Answer what a caller got wrong with 400, and what is not there with 404."""

    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Answer:
        try:
            return method(*args, **kwargs)
        except NotThere as problem:
            return error(404, str(problem))
        except (ValueError, TypeError) as problem:
            return error(400, str(problem))

    return wrapper


class Control:
    """One method a route; each takes the request, its body, and what stands in the path."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @_guarded
    def handle(self, name: str, request: Request, body: bytes, /, **arguments: Any) -> Answer:
        """Answer a request to the route of this name."""
        result: Answer = getattr(self, name)(request, body, **arguments)
        return result

    def livez(self, request: Request, body: bytes) -> Answer:
        """``GET /livez``: the process is there."""
        return Answer(200, b"ok\n", TEXT, HEADERS)

    readyz = livez

    def messages(self, request: Request, body: bytes) -> Answer:
        """``GET /sandbox/messages?q=&limit=&before=``: the newest first."""
        matches = search.parse(request.args.get("q", ""))
        limit = min(max(int(request.args.get("limit", 50)), 1), _LONGEST_LIST)
        before = int(request.args.get("before", 0))
        everything = self._gateway.store.all()
        found = [m for m in reversed(everything) if matches(m) and (not before or m.id < before)]
        shown = found[:limit]
        return answer(
            {
                "messages": [views.message_summary(message) for message in shown],
                "total": len(everything),
                "unread": sum(message.unread for message in everything),
                "next": shown[-1].id if len(found) > limit else None,
                "sequence": self._gateway.store.sequence,
            }
        )

    def inject(self, request: Request, body: bytes) -> Answer:
        """``POST /sandbox/messages``: send as the default account does; ``to`` and ``text`` are needed."""
        given = _object(body)
        account = AccountHandle(self._gateway.accounts, USERNAME).read()
        to = given.get("to", "")
        fields = {
            "username": account.username,
            "password": account.password.reveal(),
            "sender": given.get("sender", SENDER),
            "mobile": ",".join(map(str, to)) if isinstance(to, list) else to,
            "message": given.get("text", ""),
            "test": given.get("test", True),
        }
        headers = {"x-notifykit-tag": ",".join(_tags(given) or ())}
        client = request.remote_addr or ""
        reply = self._gateway.handle(Call(SEND.name, client, as_fields(fields), request.path, headers))
        return answer(reply.body, 201 if reply.msg_id else reply.status)

    def clear(self, request: Request, body: bytes) -> Answer:
        """``DELETE /sandbox/messages?q=``: delete what matches, or everything."""
        return answer({"deleted": self._gateway.store.delete(search.parse(request.args.get("q", "")))})

    def wait(self, request: Request, body: bytes) -> Answer:
        """``GET /sandbox/messages/wait?q=&to=&text=&timeout=``: the newest accepted match, waited for if need be."""
        message = self._await(request, lambda message: True)
        return error(404, "No such message came in time.") if message is None else answer(views.message_detail(message))

    def otp(self, request: Request, body: bytes) -> Answer:
        """``GET /sandbox/otp?to=&timeout=``: the code in the newest accepted message that has one."""
        message = self._await(request, lambda message: message.otp is not None)
        if message is None:
            return error(404, "No message with a code came in time.")
        return answer({"otp": message.otp, "id": message.id, "msg-id": message.msg_id, "at": message.at.isoformat()})

    def message(self, request: Request, body: bytes, name: str) -> Answer:
        """``GET /sandbox/messages/{id}``: all about one, by the inbox's id or the msg-id."""
        return answer(views.message_detail(self._message(name)))

    def change_message(self, request: Request, body: bytes, name: str) -> Answer:
        """``PUT /sandbox/messages/{id}``: ``unread`` and ``tags``."""
        given = _only(_object(body), {"unread", "tags"})
        unread = given.get("unread")
        if not (unread is None or isinstance(unread, bool)):
            raise ValueError("unread is true or false")
        self._gateway.store.update(name, unread=unread, tags=_tags(given))
        return answer(views.message_detail(self._message(name)))

    def delete_message(self, request: Request, body: bytes, name: str) -> Answer:
        """``DELETE /sandbox/messages/{id}``: out of the inbox; credits come back by the queue only."""
        wanted = self._message(name).id
        return answer({"deleted": self._gateway.store.delete(lambda message: message.id == wanted)})

    def account(self, request: Request, body: bytes) -> Answer:
        """``GET /sandbox/account?username=``: the account, and the lines to paste into an ``.env`` file."""
        return self._account(request, self._handle(request))

    def change_account(self, request: Request, body: bytes) -> Answer:
        """``PUT /sandbox/account?username=``: change what is given, leave the rest."""
        handle = self._handle(request)
        handle.change(**_object(body))
        return self._account(request, handle)

    def chaos(self, request: Request, body: bytes) -> Answer:
        """``GET /sandbox/chaos``: what is armed, and what could be."""
        armed = [views.armed(item) for item in self._gateway.faults.armed()]
        return answer({"armed": armed, **views.catalogue()})

    def set_chaos(self, request: Request, body: bytes) -> Answer:
        """``PUT /sandbox/chaos``: a fault, ``{"faults": […]}`` or ``{"preset": "Calm"}`` instead of what is armed."""
        self._gateway.faults.replace(*_faults(body))
        return self.chaos(request, b"")

    def arm(self, request: Request, body: bytes) -> Answer:
        """``POST /sandbox/chaos``: the same, besides what is armed."""
        self._gateway.faults.arm(*_faults(body))
        return self.chaos(request, b"")

    def clear_chaos(self, request: Request, body: bytes, number: int | None = None) -> Answer:
        """``DELETE /sandbox/chaos`` and ``DELETE /sandbox/chaos/{id}``: disarm."""
        self._gateway.faults.clear(number)
        return self.chaos(request, b"")

    def clock(self, request: Request, body: bytes) -> Answer:
        """``GET /sandbox/clock``: the virtual time and how far it is ahead."""
        clock = self._gateway.clock
        return answer({"time": clock.utc().isoformat(), "offset": clock.offset})

    def advance(self, request: Request, body: bytes) -> Answer:
        """``PUT /sandbox/clock``: ``{"advance": 16}`` jumps ahead by 16 seconds."""
        seconds = _only(_object(body), {"advance"}).get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise TypeError("advance is a number of seconds")
        self._gateway.clock.advance(seconds)
        return self.clock(request, b"")

    def deliver(self, request: Request, body: bytes, name: str) -> Answer:
        """``POST /sandbox/dlr/{id}``: the next state, or ``state``; for all numbers, or for ``number``."""
        given = _only(_object(body), {"state", "number"})
        message = self._message(name)
        if not message.accepted:
            raise ValueError("this message was not accepted, so nothing can become of it")
        number = given.get("number")
        current = message.state if number is None else message.state_of(str(number))
        state = given.get("state") or delivery.next_state(current)
        if state not in delivery.STATES:
            raise ValueError(f"no such state: {state}; there are {', '.join(delivery.STATES)}")
        forced = self._gateway.store.force(name, state, None if number is None else str(number))
        return answer(views.message_detail(forced))

    def queue(self, request: Request, body: bytes) -> Answer:
        """``GET /sandbox/queue?username=``: what is in the queue."""
        entries = self._gateway.queue(request.args.get("username"))
        return answer({"queue": [views.queued(entry) for entry in entries], "size": sum(e.size for e in entries)})

    def unqueue(self, request: Request, body: bytes, name: str) -> Answer:
        """``DELETE /sandbox/queue/{msg-id}``: delete a test message and get its credits back."""
        return answer({"refunded": self._gateway.unqueue(name)})

    def requests(self, request: Request, body: bytes) -> Answer:
        """``GET /sandbox/requests?limit=``: the requests to the gateway, newest first, and who is blocked."""
        limit = min(max(int(request.args.get("limit", 50)), 1), _LONGEST_LIST)
        records = self._gateway.traffic.all()
        shown = [views.request(record) for record in reversed(records[-limit:])]
        return answer({"requests": shown, "total": len(records), "blocked": self._gateway.traffic.blocked()})

    def reset(self, request: Request, body: bytes) -> Answer:
        """``POST /sandbox/reset``: everything as it was at the start."""
        self._gateway.reset()
        return answer({"reset": True})

    def _await(self, request: Request, wanted: Matches) -> CapturedMessage | None:
        timeout = min(max(float(request.args.get("timeout", 0)), 0.0), _LONGEST_POLL)
        matches = search.parse(request.args.get("q", ""))
        to, text = request.args.get("to"), request.args.get("text")
        return self._gateway.store.wait(
            lambda message: (
                message.accepted
                and wanted(message)
                and matches(message)
                and (to is None or to in message.numbers)
                and (text is None or text in message.text)
            ),
            timeout,
        )

    def _message(self, name: str) -> CapturedMessage:
        message = self._gateway.store.get(name)
        if message is None:
            raise NotThere("there is no such message")
        return message

    def _handle(self, request: Request) -> AccountHandle:
        return AccountHandle(self._gateway.accounts, request.args.get("username", USERNAME))

    def _account(self, request: Request, handle: AccountHandle) -> Answer:
        env = environment(handle.read(), f"{request.url_root.rstrip('/')}/API/")
        return answer(
            {
                "account": views.account(handle.read()),
                "accounts": list(self._gateway.accounts.names()),
                "env": views.env_block(env),
                "queue": sum(entry.size for entry in self._gateway.queue(handle.username)),
            }
        )


def _object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise ValueError("the body is not JSON") from problem
    if not isinstance(value, dict):
        raise TypeError("the body is a JSON object")
    return value


def _only(given: dict[str, Any], names: set[str]) -> dict[str, Any]:
    unknown = sorted(set(given) - names)
    if unknown:
        raise ValueError(f"there is no {', '.join(unknown)} here, only {', '.join(sorted(names))}")
    return given


def _tags(given: Mapping[str, Any]) -> list[str] | None:
    tags = given.get("tags")
    if not (tags is None or (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags))):
        raise ValueError("tags are a list of texts")
    return tags


def _faults(body: bytes) -> list[Fault] | tuple[Fault, ...]:
    given = _object(body)
    if "preset" in given and "do" not in given:
        return preset(str(_only(given, {"preset"})["preset"]))
    if "faults" in given:
        return [Fault.from_json(item) for item in _only(given, {"faults"})["faults"]]
    return [Fault.from_json(given)]
