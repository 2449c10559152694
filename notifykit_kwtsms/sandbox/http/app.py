"""The sandbox as a WSGI application: which path leads where, and who may go there."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import attrs
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.routing import Map, Rule

from notifykit_kwtsms.api.endpoints import ENDPOINTS
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http import bodies, pages
from notifykit_kwtsms.sandbox.http.access import AccessControl
from notifykit_kwtsms.sandbox.http.answers import Answer, page
from notifykit_kwtsms.sandbox.http.control import Control
from notifykit_kwtsms.sandbox.http.desks.desk import SandboxInfo
from notifykit_kwtsms.sandbox.http.door import GatewayApp
from notifykit_kwtsms.sandbox.http.replies import error, redirect
from notifykit_kwtsms.sandbox.http.routes import ROUTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.wrappers import Request

_GATEWAY: Final = "gateway"
_INDEX: Final = "index"
_FILE: Final = "file"
#: What anybody may ask without the token: the gateway itself, and whether the sandbox is there.
_PUBLIC: Final = frozenset({_GATEWAY, *(route.name for route in ROUTES if route.public)})
#: What a person's browser opens: a missing token is asked for there.
_ON_SCREEN: Final = frozenset({_INDEX, *(route.name for route in ROUTES if route.on_screen)})
#: Bytes of a body that brings messages of another inbox.
_IMPORT_LIMIT: Final = 1024 * 1024

_MAP: Final = Map(
    [
        *(Rule(route.path, endpoint=route.name, methods=[route.method]) for route in ROUTES),
        Rule("/", endpoint=_INDEX, methods=["GET"]),
        Rule("/page/<path:name>", endpoint=_FILE, methods=["GET"]),
        *(Rule(f"/API/{name}/", endpoint=f"{_GATEWAY}:{name}", methods=["POST"]) for name in ENDPOINTS),
    ],
    # A redirect would lose the body of a POST: the path without its slash is the same place.
    strict_slashes=False,
    merge_slashes=False,
)


class App:
    """The WSGI application.

    It can be mounted in another one, at a prefix too. Faults that need the connection itself then work where the
    server shows its socket, as Werkzeug's does, and are a 504 page otherwise.
    """

    def __init__(
        self,
        gateway: Gateway,
        guard: AccessControl | None = None,
        stopping: threading.Event | None = None,
        site: SandboxInfo | None = None,
    ) -> None:
        stopping = stopping or threading.Event()
        self._control = Control(gateway, site or SandboxInfo(), stopping)
        self._gateway_app = GatewayApp(gateway, stopping)
        self._guard = guard or AccessControl()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = bodies.LimitedRequest(environ)
        answer = self._answer(request)
        start_response(answer.status_line, answer.all_headers)
        if answer.stream is None:
            return [answer.body]
        if request.method == "HEAD":
            answer.stream.close()
            return []
        return answer.stream

    def _answer(self, request: Request) -> Answer:
        route, name = "", ""
        arguments: Mapping[str, Any] = {}
        refusal: Answer | None = None
        try:
            endpoint, arguments = _MAP.bind("localhost").match(request.path, request.method)
            route, _, name = str(endpoint).partition(":")
        except MethodNotAllowed as problem:
            allowed = ("Allow", ", ".join(sorted(problem.valid_methods or ())))
            refusal = _refusal(request, 405, "Not by this method.")
            refusal = attrs.evolve(refusal, headers=(*refusal.headers, allowed))
        except HTTPException:
            refusal = _refusal(request, 404, "There is nothing of that name.")
        refusal = self._denial(request, route) or refusal
        if refusal:
            bodies.skip(request)
            return refusal
        if route == _GATEWAY:
            return self._gateway_app.answer(request, name)
        return self._own(request, route, arguments)

    def _denial(self, request: Request, route: str) -> Answer | None:
        denial = self._guard.denial(request, private=route not in _PUBLIC)
        if denial is None:
            return None
        if denial.status == 401 and route in _ON_SCREEN:
            token = request.args.get("token")
            if route == _INDEX and token is not None and self._guard.admits(token):
                # Away from the address, where it would be seen and remembered.
                cookie = ("Set-Cookie", self._guard.pass_for(request))
                return redirect(f"{quote(request.root_path)}/", 303, (cookie,))
            return pages.door()
        return error(denial.status, denial.words)

    def _own(self, request: Request, route: str, arguments: Mapping[str, Any]) -> Answer:
        if route == "import_":
            request.max_content_length = _IMPORT_LIMIT
        try:
            body = bodies.read(request)
        except RequestEntityTooLarge:
            return error(413, f"A body has at most {request.max_content_length} bytes, and says how many.")
        if route == _INDEX:
            if request.root_path and not request.environ.get("PATH_INFO"):
                # The page's addresses are relative: without the slash they would miss the prefix.
                return redirect(f"{quote(request.root_path)}/", 308)
            if "token" in request.args:
                return redirect(f"{quote(request.root_path)}/", 303)
            return pages.index(request)
        if route == _FILE:
            return pages.file(request, **arguments)
        return self._control.handle(route, request, body, **arguments)


def create_app(gateway: Gateway | None = None) -> WSGIApplication:
    """Return a sandbox to mount in another application, where loopback names on any port are answered."""
    return App(gateway or Gateway())


def _refusal(request: Request, status: int, words: str) -> Answer:
    """Return a refusal in the form of the neighbourhood: pages where the gateway is, JSON elsewhere."""
    return page(status, words) if request.path.startswith("/API") else error(status, words)
