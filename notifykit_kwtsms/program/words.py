"""The numbers on a command line."""

from __future__ import annotations

from collections.abc import Sequence

import click
from notifykit_kwtsms.client.numbers import several

from notifykit.cli.options import read_stdin


def numbers(words: Sequence[str]) -> list[str]:
    """Return the numbers that these arguments hold: commas separate them, ``-`` is standard input.

    :raises click.UsageError: where there are none.
    """
    found: list[str] = []
    for word in words:
        text = read_stdin() if word == "-" else word
        found += [str(number) for number in several(text) if str(number).strip()]
    if not found:
        raise click.UsageError("There is no number: give some, or - to read them from standard input, one a line.")
    return found
