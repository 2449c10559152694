"""The sandbox as a WSGI application: which path leads where, and who may go there."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.routing import Map, Rule

from notifykit_kwtsms.api.endpoints import ENDPOINTS
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http import bodies
from notifykit_kwtsms.sandbox.http.answers import TEXT, Answer, page
from notifykit_kwtsms.sandbox.http.control import Control, error
from notifykit_kwtsms.sandbox.http.door import Door
from notifykit_kwtsms.sandbox.http.guard import Guard

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.wrappers import Request

_GATEWAY: Final = "gateway"
#: What anybody may ask without the token: the gateway itself, and whether the sandbox is there.
_PUBLIC: Final = frozenset({_GATEWAY, "livez", "readyz", "root"})

_ROUTES: Final = (
    ("/", "GET", "root"),
    ("/livez", "GET", "livez"),
    ("/readyz", "GET", "readyz"),
    ("/sandbox/messages", "GET", "messages"),
    ("/sandbox/messages", "POST", "inject"),
    ("/sandbox/messages", "DELETE", "clear"),
    ("/sandbox/messages/wait", "GET", "wait"),
    ("/sandbox/messages/<name>", "GET", "message"),
    ("/sandbox/messages/<name>", "PUT", "change_message"),
    ("/sandbox/messages/<name>", "DELETE", "delete_message"),
    ("/sandbox/otp", "GET", "otp"),
    ("/sandbox/account", "GET", "account"),
    ("/sandbox/account", "PUT", "change_account"),
    ("/sandbox/chaos", "GET", "chaos"),
    ("/sandbox/chaos", "PUT", "set_chaos"),
    ("/sandbox/chaos", "POST", "arm"),
    ("/sandbox/chaos", "DELETE", "clear_chaos"),
    ("/sandbox/chaos/<int:number>", "DELETE", "clear_chaos"),
    ("/sandbox/clock", "GET", "clock"),
    ("/sandbox/clock", "PUT", "advance"),
    ("/sandbox/clock", "POST", "advance"),
    ("/sandbox/dlr/<name>", "POST", "deliver"),
    ("/sandbox/queue", "GET", "queue"),
    ("/sandbox/queue/<name>", "DELETE", "unqueue"),
    ("/sandbox/requests", "GET", "requests"),
    ("/sandbox/reset", "POST", "reset"),
)
_MAP: Final = Map(
    [
        *(Rule(path, endpoint=name, methods=[method]) for path, method, name in _ROUTES),
        *(Rule(f"/API/{name}/", endpoint=f"{_GATEWAY}:{name}", methods=["POST"]) for name in ENDPOINTS),
    ],
    # A redirect would lose the body of a POST: the path without its slash is the same place.
    strict_slashes=False,
    merge_slashes=False,
)


class App:
    """The WSGI application.

    It can be mounted in another one. Faults that need the connection itself then work where the server shows its
    socket, as Werkzeug's does, and are a 504 page otherwise.
    """

    def __init__(self, gateway: Gateway, guard: Guard | None = None, stopping: threading.Event | None = None) -> None:
        self._control = Control(gateway)
        self._door = Door(gateway, stopping or threading.Event())
        self._guard = guard or Guard()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(bodies.LimitedRequest(environ))
        start_response(answer.status_line, answer.all_headers)
        return [answer.body]

    def _answer(self, request: Request) -> Answer:
        route, name = "", ""
        arguments: Mapping[str, Any] = {}
        refusal: Answer | None = None
        try:
            endpoint, arguments = _MAP.bind("localhost").match(request.path, request.method)
            route, _, name = str(endpoint).partition(":")
        except MethodNotAllowed as problem:
            allowed = ("Allow", ", ".join(sorted(problem.valid_methods or ())))
            refusal = attrs.evolve(page(405, "Not by this method."), headers=(allowed,))
        except HTTPException:
            refusal = page(404, "There is nothing of that name.")
        objection = self._guard.objection(request, private=route not in _PUBLIC)
        if objection:
            refusal = error(403, objection)
        if refusal:
            bodies.skip(request)
            return refusal
        if route == _GATEWAY:
            return self._door.answer(request, name)
        try:
            body = bodies.read(request)
        except RequestEntityTooLarge:
            return error(413, f"A body has at most {bodies.LIMIT} bytes, and says how many.")
        if route == "root":
            return Answer(200, b"notifykit sandbox: the gateway is at /API/, the inbox at /sandbox/messages\n", TEXT)
        return self._control.handle(route, request, body, **arguments)


def create_app(gateway: Gateway | None = None) -> WSGIApplication:
    """Return a sandbox to mount in another application, where loopback names on any port are answered."""
    return App(gateway or Gateway())
