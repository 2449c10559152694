"""The table, for the terminal, the docs and README."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from benchmarks.environments import ROOT, report
from benchmarks.model import HEAD, Row

RESULTS: Final = ROOT / "benchmarks" / "results.json"
PAGE: Final = ROOT / "docs" / "explanation" / "performance.md"
README: Final = ROOT / "README.md"
#: The rows that README has, by what they measure, and what it calls them.
HEADLINES: Final = {
    "one send, the whole pipeline, against urllib3": "one send ÷ bare urllib3 request",
    "one send over TLS, the system's CAs": "one send over TLS, `kwtsms` ÷ ours",
    "one send, 50 ms away, over TLS": "one send, 50 ms away",
    "normalize and validate: clean": "a number, `kwtsms` ÷ ours",
    "20,000 × '<' only": "a hostile text of 20,000",
    "a million recipients, no network": "a million recipients, `kwtsms` ÷ ours",
    "24 requests, answers after 800 ms": "bulk at 800 ms ÷ ideal rate limit",
    "kwtsms --help, against kwtsms 0.4.0": "`kwtsms --help` ÷ `kwtsms` 0.4.0",
}
BEGIN: Final = "<!-- benchmarks: written by python -m benchmarks --write -->"
END: Final = "<!-- benchmarks: end -->"


def plain(rows: Iterable[Row]) -> str:
    """Return the table for a terminal."""
    table = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(lines)


def write(rows: Sequence[Row], machine: Mapping[str, str]) -> None:
    """Write the results, and the tables of the docs and of README where their markers stand."""
    RESULTS.write_text(as_json({"machine": machine, "rows": [row.as_json() for row in rows]}), encoding="utf-8")
    for page, text in tables(rows, machine).items():
        _between(page, text)


def tables(rows: Sequence[Row], machine: Mapping[str, str]) -> dict[pathlib.Path, str]:
    """Return what stands between the markers of each page."""
    table = _markdown([HEAD, *(row.cells() for row in rows)])
    return {PAGE: f"{_caption(machine)}\n\n{table}", README: _headlines(rows, machine)}


def as_json(results: object) -> str:
    """Return results as they are kept."""
    return json.dumps(results, ensure_ascii=False, indent=1) + "\n"


def _caption(machine: Mapping[str, str]) -> str:
    return (
        f"Measured on {machine['date']} with {machine['python']} on {machine['processor']}, {machine['cores']} cores, "
        f"{machine['system']}; {machine.get('rounds', 'a few')} rounds each, instructions counted by {machine['counts']}."
    )


def _headlines(rows: Iterable[Row], machine: Mapping[str, str]) -> str:
    """Return the short table: two rows of the long one in each line."""
    found = {row.what: row for row in rows}
    cells: list[Any] = [
        (f"{row.benchmark} {name}", row.spread.partition(" (")[0], str(row.goal))
        for what, name in HEADLINES.items()
        if (row := found.get(what))
    ]
    half = (len(cells) + 1) // 2
    right = [*cells[half:], *[("", "", "")] * (2 * half - len(cells))]
    table = [("What", "Is", "Goal") * 2, *(left + other for left, other in zip(cells[:half], right, strict=True))]
    when = f"Measured on {machine['date']}, {machine['python']}, {machine['processor']}, {machine['cores']} cores"
    return f"{when}:\n\n{_markdown(table)}"


def _markdown(table: Sequence[Sequence[str]]) -> str:
    head, *rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table]
    return "\n".join([head, "|" + " --- |" * len(table[0]), *rows])


def _between(page: pathlib.Path, text: str) -> None:
    before = page.read_text(encoding="utf-8")
    if BEGIN not in before or END not in before:
        report(f"{page.name} has no place for the table: {BEGIN} … {END}")
        return
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    page.write_text(pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", before, count=1), encoding="utf-8")
