"""The sandbox as a WSGI application: routing, access, and the files of the page."""

from __future__ import annotations

import pathlib
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import attrs
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.http import generate_etag
from werkzeug.routing import Map, Rule

from notifykit_kwtsms.api.facts import ENDPOINTS
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.http.access import AccessControl
from notifykit_kwtsms.sandbox.http.api import Api
from notifykit_kwtsms.sandbox.http.gateway_app import GatewayRequest
from notifykit_kwtsms.sandbox.http.schema import ROUTES, Route
from notifykit_kwtsms.sandbox.http.stats import SandboxInfo
from notifykit_kwtsms.sandbox.http.wsgi import (
    BASE_HEADERS,
    HTML,
    LimitedRequest,
    Response,
    error_response,
    html_response,
    redirect,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The files of the page.
PAGE: Final = pathlib.Path(__file__).parent.parent / "page"
_TYPES: Final = {
    ".html": HTML,
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: What a page may do: nothing but what comes from here. Pictures may be made on the spot, for the dot on the icon.
_PAGE_POLICY: Final = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_LOGIN_POLICY: Final = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_LOGIN: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>notifykit sandbox</title>
<meta name="viewport" content="width=device-width"></head>
<body><h1>notifykit sandbox</h1>
<form method="get" action="./"><p><label>Token <input type="password" name="token" required autofocus
autocomplete="current-password"></label> <button>Open</button></p></form></body></html>
"""
_GATEWAY: Final = "gateway"
_INDEX: Final = "index"
_FILE: Final = "file"
#: Bytes of a body that brings messages of another inbox.
_IMPORT_LIMIT: Final = 1024 * 1024


#: Where a path leads: to a route of the API, to the page or one of its files, to an endpoint of the gateway.
MAP: Final = Map(
    [
        *(Rule(route.path, endpoint=route, methods=[route.method]) for route in ROUTES),
        Rule("/", endpoint=_INDEX, methods=["GET"]),
        Rule("/page/<path:name>", endpoint=_FILE, methods=["GET"]),
        Rule(f"/API/<any({','.join(ENDPOINTS)}):endpoint>/", endpoint=_GATEWAY, methods=["POST"]),
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
        access: AccessControl | None = None,
        stopping: threading.Event | None = None,
        info: SandboxInfo | None = None,
    ) -> None:
        stopping = stopping or threading.Event()
        self._api = Api(gateway, info or SandboxInfo(), stopping)
        self._gateway = gateway
        self._stopping = stopping
        self._access = access or AccessControl()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        request = LimitedRequest(environ)
        response = self._respond(request)
        start_response(response.status_line, response.all_headers)
        if response.stream is None:
            return [response.body]
        if request.method == "HEAD":
            response.stream.close()
            return []
        return response.stream

    def _respond(self, request: LimitedRequest) -> Response:
        target: object = None
        in_path: Mapping[str, Any] = {}
        refusal: Response | None = None
        try:
            target, in_path = MAP.bind("localhost").match(request.path, request.method)
        except MethodNotAllowed as error:
            allowed = ("Allow", ", ".join(sorted(error.valid_methods or ())))
            refusal = _refusal(request, 405, "Not by this method.")
            refusal = attrs.evolve(refusal, headers=(*refusal.headers, allowed))
        except HTTPException:
            refusal = _refusal(request, 404, "There is nothing of that name.")
        refusal = self._denial(request, target) or refusal
        if refusal:
            request.skip()
            return refusal
        if target == _GATEWAY:
            return GatewayRequest(self._gateway, self._stopping, request, **in_path).respond()
        return self._own(request, target, in_path)

    def _denial(self, request: LimitedRequest, target: object) -> Response | None:
        # The gateway and the health checks need no token.
        public = target == _GATEWAY or (isinstance(target, Route) and target.public)
        denial = self._access.denial(request, private=not public)
        if denial is None:
            return None
        if denial.status == 401 and (target == _INDEX or (isinstance(target, Route) and target.on_screen)):
            token = request.args.get("token")
            if target == _INDEX and token is not None and self._access.admits(token):
                # Out of the address, where it would be visible and kept in the history.
                cookie = ("Set-Cookie", self._access.cookie_for(request))
                return redirect(f"{quote(request.root_path)}/", 303, (cookie,))
            headers = (*BASE_HEADERS, ("Cache-Control", "no-store"), ("Content-Security-Policy", _LOGIN_POLICY))
            return Response(401, _LOGIN.encode(), HTML, headers)
        return error_response(denial.status, denial.words)

    def _own(self, request: LimitedRequest, target: object, in_path: Mapping[str, Any]) -> Response:
        if isinstance(target, Route) and target.body is bytes:
            request.max_content_length = _IMPORT_LIMIT
        try:
            body = request.read()
        except RequestEntityTooLarge:
            return error_response(413, f"A body has at most {request.max_content_length} bytes, and a Content-Length.")
        if isinstance(target, Route):
            return self._api.handle(target, request, body, in_path)
        if target == _FILE:
            return _page_file(request, **in_path)
        if request.root_path and not request.environ.get("PATH_INFO"):
            # The page's addresses are relative: without the slash they would miss the prefix.
            return redirect(f"{quote(request.root_path)}/", 308)
        if "token" in request.args:
            return redirect(f"{quote(request.root_path)}/", 303)
        return _page_file(request, "index.html")


def create_app(gateway: Gateway | None = None) -> WSGIApplication:
    """Return a sandbox to mount in another application, where loopback names on any port are answered."""
    return App(gateway or Gateway())


def _refusal(request: LimitedRequest, status: int, words: str) -> Response:
    """Return a refusal: a web page where the gateway is, JSON elsewhere."""
    return html_response(status, words) if request.path.startswith("/API") else error_response(status, words)


def _page_file(request: LimitedRequest, name: str) -> Response:
    """Return a file of the page. Only what is found in the folder can be asked for."""
    files = {path.relative_to(PAGE).as_posix(): path for path in PAGE.rglob("*") if path.suffix in _TYPES}
    if name not in files:
        return error_response(404, "there is no such file")
    content = files[name].read_bytes()
    etag = generate_etag(content)
    policy = ("Content-Security-Policy", _PAGE_POLICY)
    headers = (*BASE_HEADERS, ("Cache-Control", "no-cache"), policy, ("ETag", f'"{etag}"'))
    if request.if_none_match.contains_weak(etag):
        return Response(304, b"", _TYPES[files[name].suffix], headers)
    return Response(200, content, _TYPES[files[name].suffix], headers)
