"""What every command of the program has in common: the form of its answer, and where that goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import click

from notifykit.cli import output
from notifykit.cli.exit_codes import Exit
from notifykit.cli.output import print_json


@attrs.frozen(eq=False)
class Answer:
    """What a command found, for people and for programs."""

    #: For ``--json``: anything that JSON knows.
    data: Any
    #: For people: the lines on standard output.
    lines: Sequence[str] = ()
    #: What else one should know; on standard error, or in the document.
    warnings: Sequence[str] = ()
    #: How it ended.
    exit: Exit = Exit.OK
    #: Why it did not end well.
    error: BaseException | None = None
    #: The command to type now.
    next: str = ""


class Command(click.Command):
    """A command whose function returns an :class:`Answer`. ``--json`` is seen to here."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, print what it found, and return its exit code."""
        as_json = ctx.params.pop("as_json", False)
        found: Answer = super().invoke(ctx)
        if as_json:
            print_json(self.name or "", found.data, found.warnings, ok=found.exit is Exit.OK, error=found.error)
        else:
            # Warnings first: where both go to one terminal, the answer stands last.
            for warning in found.warnings:
                output.warn(f"kwtsms: {warning}")
            if found.error:
                output.warn(f"kwtsms: {found.error}")
            for line in found.lines:
                output.print_line(line)
        if found.next and not as_json:
            output.warn(f"Next: {found.next}")
        return int(found.exit)


def points(number: float | None) -> str:
    """Return points as people write them: ``149``, ``149.5``."""
    return "unknown" if number is None else f"{number:.10g}"
