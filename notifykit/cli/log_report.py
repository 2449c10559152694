"""``notifykit log report``: what a log says, as one page for the person who pays the bill."""

from __future__ import annotations

import os
import pathlib
import tempfile

import click

from notifykit.cli.dry_run import provider_codes
from notifykit.cli.exit_codes import Exit
from notifykit.cli.log_stats import Counted, unwritable
from notifykit.cli.output import note, plural, print_json, print_text, warn
from notifykit.report import render_page


def write_report(counted: Counted, output: str, language: str, *, show_numbers: bool, as_json: bool) -> int:
    """Write the page of a report, to a file that only its owner may read.

    :param output: the file; ``-`` is standard output.
    :param language: ``en`` or ``ar``.
    :raises click.UsageError: where the file can't be written.
    """
    if as_json and output == "-":
        raise click.UsageError("Name a file with -o: with --json, standard output has the JSON document.")
    known = provider_codes()
    page = render_page(
        counted.totals,
        language=language,
        cures={code: error.action for code, error in known.items() if error.action},
        scopes={code: error.scope.value for code, error in known.items()},
        show_numbers=show_numbers,
        warnings=counted.warnings,
    )
    if output == "-":
        print_text(page.rstrip("\n"))
    else:
        _write(pathlib.Path(output), page)
    messages = counted.totals.whole.messages
    if as_json:
        print_json("log", {"file": output, "messages": messages, "language": language}, counted.warnings)
        return Exit.OK
    if output != "-":
        note(f"{output}: {plural(messages, 'message')}", "good" if messages else "care")
    for warning in counted.warnings:
        warn(f"warning: {warning}")
    return Exit.OK


def _write(file: pathlib.Path, page: str) -> None:
    """Write a page whole or not at all: a report that was half written looks like a report."""
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8", newline="\n") as opened:  # noqa: PTH123 - mode 0600 is mkstemp's
                opened.write(page)
            os.replace(name, file)  # noqa: PTH105 - the name is a text
        except BaseException:
            pathlib.Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise unwritable(str(file), error) from None
