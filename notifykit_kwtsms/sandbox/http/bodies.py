"""Reads request bodies whole, so that the connection can be used again, and no further than the limit."""

from __future__ import annotations

from typing import Final

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wrappers import Request

from notifykit_kwtsms.sandbox.http.wire_faults import ConnectionDropped

#: Bytes of a body; more is a 413.
LIMIT: Final = 64 * 1024
#: Set in the WSGI environment where a body was left unread, so that the connection can't be used again.
UNREAD: Final = "notifykit.sandbox.unread"


class LimitedRequest(Request):
    """A request whose body ends at the limit."""

    max_content_length = LIMIT


def is_chunked(request: Request) -> bool:
    """Whether the body comes without its length."""
    return request.content_length is None and "HTTP_TRANSFER_ENCODING" in request.environ


def read(request: Request) -> bytes:
    """Return the body. One that is too long, or of unknown length, raises and is left unread."""
    if is_chunked(request):
        request.environ[UNREAD] = True
        raise RequestEntityTooLarge
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        request.environ[UNREAD] = True
        raise
    except ClientDisconnected as problem:
        raise ConnectionDropped from problem


def skip(request: Request) -> None:
    """Read the body of a request that is refused anyway, if it is short enough for that."""
    if is_chunked(request) or (request.content_length or 0) > LIMIT:
        request.environ[UNREAD] = True
    else:
        read(request)
