"""Answers of the sandbox's own interface, with what a browser may do with them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from notifykit_kwtsms.sandbox.http.answers import TEXT, Answer, json_answer
from notifykit_kwtsms.sandbox.models import NotFoundError

#: What holds for everything that is not the gateway itself.
GUARDED: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
#: What a browser may do with data: nothing but read it.
HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    *GUARDED,
)


def answer(value: Mapping[str, Any], status: int = 200) -> Answer:
    """Return a JSON answer."""
    plain = json_answer(status, value, ascii_only=True)
    return Answer(plain.status, plain.body, plain.content_type, HEADERS)


def plain(words: str, status: int = 200, content_type: str = TEXT) -> Answer:
    """Return an answer of text."""
    return Answer(status, words.encode("utf-8", "backslashreplace"), content_type, HEADERS)


def error(status: int, words: str) -> Answer:
    """Return an error with a sentence for a person."""
    return answer({"error": words}, status)


def redirect(to: str, status: int = 302, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return the way to another path."""
    return Answer(status, b"", TEXT, (*HEADERS, ("Location", to), *headers))


def excused(method: Callable[..., Answer]) -> Callable[..., Answer]:
    """Answer what a caller got wrong with 400, and what is not there with 404."""

    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Answer:
        try:
            return method(*args, **kwargs)
        except NotFoundError as problem:
            return error(404, str(problem))
        except (ValueError, TypeError) as problem:
            return error(400, str(problem))

    return wrapper
