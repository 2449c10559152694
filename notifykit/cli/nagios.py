"""Answers of monitoring plugins, as Nagios, Icinga and their like read them: one line, and an exit code of 0 to 3."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import Final

import click

from notifykit.cli.output import print_line
from notifykit.redaction import one_line

#: Gives a command the option.
nagios_option: Final = click.option(
    "--nagios",
    is_flag=True,
    help="Answer as a monitoring plugin: 0 ok, 1 warning, 2 critical, 3 unknown.",
)


class NagiosState(enum.IntEnum):
    """What a monitoring plugin says with its exit code (Monitoring Plugins Development Guidelines, 2.3)."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def print_state(
    service: str, state: NagiosState, sentence: str, data: Sequence[str] = (), more: Iterable[str] = ()
) -> NagiosState:
    """Print the answer of a monitoring plugin, and return its exit code.

    :param service: what was checked.
    :param sentence: what was found.
    :param data: performance data: ``label=value;warning;critical``.
    :param more: lines of long output.
    """
    figures = f" | {' '.join(data)}" if data else ""
    print_line(f"{service.upper()} {state.name} - {_text(sentence)}{figures}")
    for line in more:
        print_line(_text(line))
    return state


def state_for(error: BaseException) -> NagiosState:
    """Return the state where a check could not be made: an account that is refused can't send either."""
    from notifykit.errors import AuthFailed

    return NagiosState.CRITICAL if isinstance(error, AuthFailed) else NagiosState.UNKNOWN


def _text(sentence: str) -> str:
    """Return a sentence without what begins performance data."""
    return one_line(sentence).replace("|", "/")
