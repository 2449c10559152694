"""Requests with a limited body, and responses, as every part of the sandbox reads and writes them."""

from __future__ import annotations

import http
import json
from collections.abc import Generator, Iterable, Mapping
from typing import Any, Final

import attrs
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wrappers import Request

from notifykit_kwtsms.sandbox.models import encode, show_count

JSON: Final = "application/json; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"
#: Bytes of a body; more is a 413.
BODY_LIMIT: Final = 64 * 1024
#: Set in the WSGI environment where a body was not read, so that the connection can't be used again.
UNREAD: Final = "notifykit.sandbox.unread"
#: Holds a function in the WSGI environment that is called when the body was read.
ARRIVED: Final = "notifykit.sandbox.arrived"
#: What holds for everything that is not the gateway itself.
BASE_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
#: What a browser may do with data: nothing but read it.
API_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    *BASE_HEADERS,
)


class ConnectionDropped(ConnectionError):  # noqa: N818 - it is a signal, not a failure
    """The connection is over: nothing more can be written to it."""


class LimitedRequest(Request):
    """A request whose body ends at the limit and is read whole, so that the connection can be used again."""

    max_content_length = BODY_LIMIT

    def read(self) -> bytes:
        """Return the body.

        :raises RequestEntityTooLarge: if it is too long or has no length; it is not read then.
        :raises ConnectionDropped: if the client leaves before the end.
        """
        try:
            if self._is_chunked:
                raise RequestEntityTooLarge
            body = self.get_data()
        except RequestEntityTooLarge:
            self.environ[UNREAD] = True
            raise
        except ClientDisconnected as error:
            raise ConnectionDropped from error
        if ARRIVED in self.environ:
            self.environ[ARRIVED]()
        return body

    def skip(self) -> None:
        """Read the body of a request that is refused anyway, if it is short enough for that."""
        if self._is_chunked or (self.content_length or 0) > BODY_LIMIT:
            self.environ[UNREAD] = True
        else:
            self.read()

    @property
    def _is_chunked(self) -> bool:
        return self.content_length is None and "HTTP_TRANSFER_ENCODING" in self.environ


@attrs.frozen
class Response:
    """Status, headers and body. Werkzeug's own would not write them byte for byte as the gateway does."""

    #: The HTTP status.
    status: int
    #: The body.
    body: bytes = attrs.field(default=b"", repr=show_count)
    #: The type of the body.
    content_type: str = JSON
    #: Further headers.
    headers: tuple[tuple[str, str], ...] = ()
    #: The body where it comes piece by piece; closing it ends it.
    stream: Generator[bytes, None, None] | None = attrs.field(default=None, repr=False)

    @property
    def status_line(self) -> str:
        """Status and its phrase as WSGI wants them, ``200 OK``."""
        return f"{self.status} {http.HTTPStatus(self.status).phrase}"

    @property
    def all_headers(self) -> list[tuple[str, str]]:
        """The headers, those of the body included."""
        length = [("Content-Length", str(len(self.body)))] if self.stream is None else []
        return [("Content-Type", self.content_type), *length, *self.headers]

    @property
    def head(self) -> bytes:
        """Status line and headers as they are on the wire."""
        return encode_head(self.status_line, self.all_headers)


def encode_head(status_line: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return status line and headers as HTTP/1.1 writes them."""
    lines = [f"HTTP/1.1 {status_line}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def json_response(status: int, value: Mapping[str, Any]) -> Response:
    """Return a response of the gateway that carries JSON."""
    return Response(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def html_response(status: int, words: str) -> Response:
    """Return a small web page, such as servers and proxies answer with."""
    title = f"{status} {http.HTTPStatus(status).phrase}"
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{words}</p></body></html>\r\n"
    return Response(status, body.encode(), HTML)


def api_response(value: Mapping[str, Any], status: int = 200) -> Response:
    """Return a response of the sandbox's API."""
    return Response(status, encode(value).encode(), JSON, API_HEADERS)


def text_response(words: str, content_type: str = TEXT) -> Response:
    """Return a response of the sandbox's API that is no JSON."""
    return Response(200, words.encode("utf-8", "backslashreplace"), content_type, API_HEADERS)


def error_response(status: int, words: str) -> Response:
    """Return an error of the sandbox's API with a sentence for a person."""
    return api_response({"error": words}, status)


def redirect(to: str, status: int = 302, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Return a redirect to another path."""
    return Response(status, b"", TEXT, (*API_HEADERS, ("Location", to), *headers))
