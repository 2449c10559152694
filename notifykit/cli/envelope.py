"""The one form of ``--json``: every command answers in the same envelope."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import click

#: The version of the envelope.
VERSION: Final = 1


def answer(command: str, data: Any, warnings: Sequence[str] = (), *, ok: bool = True) -> None:
    """Print one JSON document on standard output: a command's whole answer.

    :param command: the command's name.
    :param data: what it found; anything that JSON knows.
    :param warnings: what a person should know besides.
    :param ok: whether it did what it was asked to.
    """
    document = {
        "ok": ok,
        "v": VERSION,
        "command": command,
        "data": data,
        "warnings": list(warnings),
        "error": None,
    }
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def failure(command: str, error: Exception) -> None:
    """Print the document of a command that could not do what it was asked to."""
    document = {
        "ok": False,
        "v": VERSION,
        "command": command,
        "data": None,
        "warnings": [],
        "error": {"kind": type(error).__name__, "message": str(error)},
    }
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))
