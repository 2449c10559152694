"""An HTTP answer before it is on the wire, and its bytes."""

from __future__ import annotations

import http
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

import attrs

from notifykit_kwtsms.sandbox.models import show_count

JSON: Final = "application/json; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"


class Stream(Protocol):
    """A body that comes bit by bit."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield it."""
        ...

    def close(self) -> None:
        """End it."""
        ...


@attrs.frozen
class Answer:
    """Status, headers and body."""

    #: The HTTP status.
    status: int
    #: The body.
    body: bytes = attrs.field(default=b"", repr=show_count)
    #: The type of the body.
    content_type: str = JSON
    #: Further headers.
    headers: tuple[tuple[str, str], ...] = ()
    #: The body where it comes bit by bit and nobody knows its end.
    stream: Stream | None = attrs.field(default=None, repr=False)

    @property
    def status_line(self) -> str:
        """Status and its words as WSGI wants them, ``200 OK``."""
        return f"{self.status} {http.HTTPStatus(self.status).phrase}"

    @property
    def all_headers(self) -> list[tuple[str, str]]:
        """The headers, those of the body included."""
        length = [("Content-Length", str(len(self.body)))] if self.stream is None else []
        return [("Content-Type", self.content_type), *length, *self.headers]


def json_answer(status: int, value: Mapping[str, Any], ascii_only: bool = False) -> Answer:
    """Return an answer that carries JSON; ASCII only where a lone surrogate may be in it."""
    text = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
    return Answer(status, text.encode())


def page(status: int, words: str) -> Answer:
    """Return a small web page, such as servers and proxies answer with."""
    title = f"{status} {http.HTTPStatus(status).phrase}"
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{words}</p></body></html>\r\n"
    return Answer(status, body.encode(), HTML)


def head(status_line: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return status line and headers as HTTP/1.1 writes them."""
    lines = [f"HTTP/1.1 {status_line}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def render(answer: Answer) -> bytes:
    """Return a whole answer as it is on the wire."""
    return head(answer.status_line, answer.all_headers) + answer.body
