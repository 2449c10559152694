"""Which test a request to a web server belongs to: the header that the test's client sends says it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final

from notifykit.testing.owners import HEADER, owned

_ENVIRON: Final = f"HTTP_{HEADER.upper().replace('-', '_')}"
_SCOPE: Final = HEADER.lower().encode()


class OwnerMiddleware:
    """Wraps a WSGI or an ASGI application, or stands in Django's ``MIDDLEWARE``: what a request sends is its test's.

    Needed only where several tests talk to one server at the same time. The client sends ``outbox.headers``. Outside of
    tests the header means nothing.

    :param app: the application; Django gives the next middleware.
    """

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    def __call__(self, *call: Any) -> Any:
        """Answer a request: of Django with one argument, of WSGI with two, of ASGI with three."""
        if len(call) == 1:
            with owned(call[0].headers.get(HEADER)):
                return self._app(*call)
        if len(call) == 2:
            token = call[0].get(_ENVIRON)
            with owned(token):
                answer = self._app(*call)
            return answer if token is None else _Owned(answer, token)
        return self._asgi(*call)

    async def _asgi(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        token = dict(scope.get("headers") or ()).get(_SCOPE)
        with owned(token.decode("latin-1") if token else None):
            await self._app(scope, receive, send)


class _Owned:
    """The body of a WSGI answer, which may be made only while it is read."""

    def __init__(self, body: Iterable[bytes], token: str) -> None:
        self._body = body
        self._rest: Iterator[bytes] | None = None
        self._token = token

    def __iter__(self) -> Iterator[bytes]:
        with owned(self._token):
            self._rest = iter(self._body)
        return self

    def __next__(self) -> bytes:
        assert self._rest is not None, "a body is iterated over before it is asked for a part"
        with owned(self._token):
            return next(self._rest)

    def close(self) -> None:
        """Close the body."""
        close = getattr(self._body, "close", None)
        if close is not None:
            with owned(self._token):
                close()
