"""Which outbox a send belongs to: its owner, a token that threads, pool tasks and requests inherit."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, Final, TypeVar

#: The request header that passes the owner to a server.
HEADER: Final = "X-Notifykit-Owner"
_WSGI_KEY: Final = f"HTTP_{HEADER.upper().replace('-', '_')}"
_ASGI_NAME: Final = HEADER.lower().encode()

_Result = TypeVar("_Result")

_owner: ContextVar[str | None] = ContextVar("notifykit_owner", default=None)


def current_owner() -> str | None:
    """Return the owner of what this thread or task sends; None where it has none."""
    return _owner.get()


def set_owner(token: str | None) -> None:
    """Set the owner of what this thread or task sends from now on."""
    _owner.set(token)


@contextlib.contextmanager
def owned_by(token: str | None) -> Iterator[None]:
    """Set the owner of what is sent in the block; None changes nothing."""
    before = _owner.get()
    _owner.set(token if token is not None else before)
    try:
        yield
    finally:
        _owner.set(before)


@contextlib.contextmanager
def inherited() -> Iterator[None]:
    """Let new threads and pool tasks inherit the owner in the block. Tasks of asyncio do so by themselves."""
    with (
        _wrapped(threading.Thread, "start", _start_with_owner),
        _wrapped(ThreadPoolExecutor, "submit", _submit_with_owner),
        _wrapped(ProcessPoolExecutor, "submit", _submit_with_owner),
    ):
        yield


@contextlib.contextmanager
def _wrapped(kind: type, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    """Wrap a method in the block. Another replacement that was made meanwhile stays."""
    before = getattr(kind, name)
    wrapper = functools.wraps(before)(wrap(before))
    setattr(kind, name, wrapper)
    try:
        yield
    finally:
        if getattr(kind, name) is wrapper:
            setattr(kind, name, before)


def _start_with_owner(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def start_with_owner(thread: threading.Thread) -> None:
        token, run = _owner.get(), thread.run

        def run_with_owner() -> None:
            del thread.run  # the class's own run is used again
            _owner.set(token)
            run()

        if token is not None and "run" not in vars(thread):
            thread.run = run_with_owner  # type: ignore[method-assign]  # of this thread, until it runs
        start(thread)

    return start_with_owner


def _submit_with_owner(submit: Callable[..., Future[_Result]]) -> Callable[..., Future[_Result]]:
    def submit_with_owner(pool: Executor, function: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Any:
        token = _owner.get()
        call = (function,) if token is None else (_call_with_owner, token, function)
        return submit(pool, *call, *args, **kwargs)

    return submit_with_owner


def _call_with_owner(token: str, function: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> _Result:
    with owned_by(token):
        return function(*args, **kwargs)


class OwnerMiddleware:
    """Sets the owner of what a WSGI, ASGI or Django application sends from the header of the request.

    Needed only where several tests use one server at the same time. The client sends ``outbox.headers``. Outside of
    tests the header has no effect.

    :param app: the application; for Django's ``MIDDLEWARE`` the next middleware.
    """

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    def __call__(self, *call: Any) -> Any:
        """Answer a request: of Django with one argument, of WSGI with two, of ASGI with three."""
        if len(call) == 1:
            with owned_by(call[0].headers.get(HEADER)):
                return self._app(*call)
        if len(call) == 2:
            token = call[0].get(_WSGI_KEY)
            with owned_by(token):
                answer = self._app(*call)
            return answer if token is None else _OwnedBody(answer, token)
        return self._asgi(*call)

    async def _asgi(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        token = dict(scope.get("headers") or ()).get(_ASGI_NAME)
        with owned_by(token.decode("latin-1") if token else None):
            await self._app(scope, receive, send)


class _OwnedBody:
    """The body of a WSGI answer: the application may send while the server reads it."""

    def __init__(self, body: Iterable[bytes], token: str) -> None:
        self._body = body
        self._token = token

    def __iter__(self) -> Iterator[bytes]:
        with owned_by(self._token):
            parts = iter(self._body)
        while True:
            with owned_by(self._token):
                part = next(parts, None)
            if part is None:
                return
            yield part

    def close(self) -> None:
        """Close the body."""
        close = getattr(self._body, "close", None)
        if close is not None:
            with owned_by(self._token):
                close()
