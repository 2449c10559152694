"""FastAPI and Starlette: a lifespan that opens one notifier, a dependency that gives it, and a route for reports.

>>> from fastapi import FastAPI
>>> from notifykit.integrations.fastapi import NotifierDep, lifespan
>>> app = FastAPI(lifespan=lifespan("memory"))
>>> @app.post("/hello")
... async def hello(mobile: str, notifier: NotifierDep) -> str:
...     report = await notifier.send([mobile], "Hello")
...     return report[0].outcome
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Any

from notifykit.errors import ConfigError, needs_extra
from notifykit.integrations.delivery_reports import MAX_BODY, SIGNATURE_HEADER, ReportEndpoint, ReportError
from notifykit.models.delivery import DeliveryReport
from notifykit.people.guard import pages_of
from notifykit.pipeline.async_notifier import AsyncNotifier
from notifykit.pipeline.components import Via
from notifykit.pipeline.notifier import Notifier

with needs_extra("fastapi"):
    from fastapi import APIRouter, Depends
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import HTTPConnection, Request  # noqa: TC002 - FastAPI reads the annotations
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route

#: The name of the notifier in the state of the application, which each request has.
_STATE = "notifykit"

#: A lifespan of Starlette: called with the application, it gives the state of its requests, or None.
Lifespan = Callable[[Any], contextlib.AbstractAsyncContextManager[Mapping[str, Any] | None]]


def lifespan(transport: Via | None = None, *, inside: Lifespan | None = None, **settings: Any) -> Lifespan:
    """Return a lifespan that opens one :class:`AsyncNotifier`, and closes it when the last request is out.

    Each process of the server runs it, after it was forked.

    :param transport: as for ``AsyncNotifier.from_settings``, like the ``settings``.
    :param inside: the application's own lifespan. The notifier is open while it runs: it is ``app.state.notifykit`` there.
    :raises ConfigError: at the start, with everything that is wrong; the server then does not start.
    """

    @contextlib.asynccontextmanager
    async def run(app: Any) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncNotifier.from_settings(transport, **settings) as notifier:
            app.state.notifykit = notifier
            async with contextlib.AsyncExitStack() as stack:
                own = await stack.enter_async_context(inside(app)) if inside is not None else None
                yield {**(own or {}), _STATE: notifier}

    return run


def get_notifier(connection: HTTPConnection) -> AsyncNotifier:
    """Return the application's notifier: the dependency to override in ``app.dependency_overrides``.

    :raises ConfigError: if the lifespan does not run.
    """
    found: AsyncNotifier | None = getattr(connection.state, _STATE, None)
    if found is None:
        raise ConfigError(
            "no notifier is open: give the application FastAPI(lifespan=notifykit.integrations.fastapi.lifespan()), and "
            "use the client of a test inside its with statement, which runs the lifespan"
        )
    return found


#: The application's notifier, for ``async def``.
NotifierDep = Annotated[AsyncNotifier, Depends(get_notifier)]


def get_sync_notifier(notifier: NotifierDep) -> Notifier:
    """Return the same notifier for ``def`` endpoints, which FastAPI runs in threads: connections and limits are shared."""
    return notifier.sync()


#: The application's notifier, for ``def``.
SyncNotifierDep = Annotated[Notifier, Depends(get_sync_notifier)]


def report_router(
    secret: str, parse: Callable[[Mapping[str, Any]], DeliveryReport], *, path: str = "/delivery-reports"
) -> APIRouter:
    """Return a router that takes delivery reports: signed ones at ``path``, others at ``path/SECRET``.

    What is known then is recorded in the notifier, and its sinks are given the event. The router stands in no
    documentation of the interface.

    :param secret: what only the provider and this server know: 16 characters at least.
    :param parse: reads the posted fields, as ``notifykit_kwtsms.delivery_report`` does.
    :raises ConfigError: if the secret is too short.
    """
    endpoint = ReportEndpoint(secret, parse)
    router = APIRouter(include_in_schema=False)

    async def take(request: Request, notifier: NotifierDep) -> JSONResponse:
        return await _take(request, endpoint, notifier)

    for route in _paths(path):
        router.add_api_route(route, take, methods=["POST"])
    return router


def report_routes(
    secret: str, parse: Callable[[Mapping[str, Any]], DeliveryReport], *, path: str = "/delivery-reports"
) -> list[Route]:
    """Return the routes of :func:`report_router` for an application of Starlette.

    :raises ConfigError: if the secret is too short.
    """
    endpoint = ReportEndpoint(secret, parse)

    async def take(request: Request) -> JSONResponse:
        return await _take(request, endpoint, get_notifier(request))

    return [Route(route, take, methods=["POST"]) for route in _paths(path)]


def unsubscribe_router(*, path: str = "/unsubscribe") -> APIRouter:
    """Return a router with the page behind the links of ``unsubscribe.url``, which people and mail programs post to.

    The router stands in no documentation of the interface.
    """
    router = APIRouter(include_in_schema=False)

    async def answer(request: Request, notifier: NotifierDep) -> HTMLResponse:
        return await _answer(request, notifier)

    router.add_api_route(f"{path.rstrip('/')}/{{token}}", answer, methods=["GET", "HEAD", "POST"])
    return router


def unsubscribe_routes(*, path: str = "/unsubscribe") -> list[Route]:
    """Return the routes of :func:`unsubscribe_router` for an application of Starlette."""

    async def answer(request: Request) -> HTMLResponse:
        return await _answer(request, get_notifier(request))

    return [Route(f"{path.rstrip('/')}/{{token}}", answer, methods=["GET", "POST"])]


async def _answer(request: Request, notifier: AsyncNotifier) -> HTMLResponse:
    """Return the page; the store may be a database, so it is asked in a thread."""
    pages, token = pages_of(notifier), request.path_params["token"]
    if request.method == "POST":
        kind = request.headers.get("content-type", "")
        page = await run_in_threadpool(pages.post, token, await _body(request), kind)
    else:
        page = await run_in_threadpool(pages.get, token)
    return HTMLResponse(page.html, page.status, dict(page.headers))


def _paths(path: str) -> tuple[str, str]:
    return path, f"{path.rstrip('/')}/{{path_secret}}"


async def _take(request: Request, endpoint: ReportEndpoint, notifier: AsyncNotifier) -> JSONResponse:
    """Check, read and record a report. Sinks may write files, so that is done in a thread."""
    try:
        report = endpoint.read(
            await _body(request),
            content_type=request.headers.get("content-type", ""),
            signature=request.headers.get(SIGNATURE_HEADER),
            path_secret=request.path_params.get("path_secret"),
        )
    except ReportError as error:
        return JSONResponse({"detail": error.reason}, error.status)
    delivery = await run_in_threadpool(notifier.record_delivery_report, report)
    return JSONResponse({"state": delivery.state.value})


async def _body(request: Request) -> bytes:
    """Return the body as far as it is of use: what is longer is refused, and not read to its end."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            break
    return body
