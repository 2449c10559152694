"""The one form of ``--json``: every command answers in the same envelope."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from notifykit.cli import terminal

#: The version of the envelope.
VERSION: Final = 1


def answer(
    command: str, data: Any, warnings: Sequence[str] = (), *, ok: bool = True, error: BaseException | None = None
) -> None:
    """Print one JSON document on standard output: a command's whole answer.

    :param command: the command's name.
    :param data: what it found; anything that JSON knows.
    :param warnings: what a person should know besides.
    :param ok: whether it did what it was asked to.
    :param error: why not.
    """
    document = {
        "ok": ok,
        "v": VERSION,
        "command": command,
        "data": data,
        "warnings": list(warnings),
        "error": None if error is None else as_document(error),
    }
    _print(document, indent=2)


def failure(command: str, error: BaseException, following: str | None = None) -> None:
    """Print the document of a command that could not do what it was asked to.

    :param following: the command to type next.
    """
    document = {
        "ok": False,
        "v": VERSION,
        "command": command,
        "data": None,
        "warnings": [],
        "error": as_document(error) | ({"next": following} if following else {}),
    }
    _print(document, indent=2)


def row(document: Any) -> None:
    """Print one line of a stream of JSON documents."""
    _print(document, indent=None)


def as_document(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON knows it."""
    from notifykit.errors import TransportError

    if isinstance(error, TransportError):
        kind = type(error).__name__
        facts = {"code": error.code, "scope": error.scope.value, "action": error.action}
        return {"kind": kind, "message": error.detail, **facts}
    words = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return {"kind": type(error).__name__, "message": words}


def _print(document: Any, indent: int | None) -> None:
    import json

    # A stream that lacks characters gets JSON's own escapes, which any reader undoes.
    text = json.dumps(document, ensure_ascii=not terminal.speaks_unicode(sys.stdout), indent=indent)
    terminal.answer_line(text)
