"""One part of a report: a sentence, a plot, and the table that the plot is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import attrs

from notifykit.redaction import one_line
from notifykit.report.words import Words


@attrs.frozen
class Section:
    """One part of a report."""

    #: Its name in links.
    id: str
    #: Its heading.
    title: str
    #: What it shows, computed.
    sentence: str
    #: The plot, as HTML.
    plot: str
    #: The names of the columns.
    head: Sequence[str]
    #: The table: numbers are written in the page's language, texts are foreign.
    rows: Sequence[Sequence[str | float | None]]
    #: What the colours mean: class and words.
    legend: Sequence[tuple[str, str]] = ()
    #: More to know.
    notes: Sequence[str] = ()

    def as_html(self, words: Words) -> str:
        """Return the HTML."""
        legend = "".join(f'<li><span class="key {kind}"></span>{escape(text)}</li>' for kind, text in self.legend)
        legend = legend and f'<ul class="legend">{legend}</ul>'
        notes = "".join(f'<p class="note">{escape(note)}</p>' for note in self.notes)
        return (
            f'<section id="{self.id}"><h2>{foreign(self.title)}</h2>'
            f'<p class="says">{foreign(self.sentence, 1000)}</p>{self.plot}'
            f"{legend}{notes}"
            f"<details><summary>{escape(words('Table'))}</summary>{table(words, self.title, self.head, self.rows)}</details>"
            "</section>"
        )


def table(words: Words, caption: str, head: Sequence[str], rows: Sequence[Sequence[str | float | None]]) -> str:
    """Return a table as HTML; it scrolls by itself where it is wider than the page."""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        "<tr>" + "".join(_cell(words, value, first=not index) for index, value in enumerate(row)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{foreign(caption)}">'
        f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(words: Words, value: str | float | None, *, first: bool) -> str:
    if isinstance(value, str):
        inner = f"<bdi>{foreign(value)}</bdi>"
    else:
        inner = "–" if value is None else escape(words.number(value))
    return f'<th scope="row">{inner}</th>' if first else f"<td>{inner}</td>"


def foreign(text: str, most: int = 300) -> str:
    """Return a text from a log as HTML: one line, without what turns a terminal or a page around."""
    line = one_line(text)
    return escape(line if len(line) <= most else f"{line[:most]}…")


def bars(words: Words, rows: Sequence[tuple[str, float, str]], kind: str = "accepted", unit: str = "") -> str:
    """Return horizontal bars as a list: a foreign name, a number, and a remark below it."""
    most = max((value for _, value, _ in rows), default=0) or 1
    return f'<ul class="bars">{"".join(_bar(words, row, most, kind, unit) for row in rows)}</ul>'


def _bar(words: Words, row: tuple[str, float, str], most: float, kind: str, unit: str) -> str:
    name, value, remark = row
    below = f'<span class="remark"><bdi>{foreign(remark)}</bdi></span>' if remark else ""
    filled = f'<span class="{kind}" style="width:{100 * value / most:.1f}%"></span>' if value else ""
    return (
        f'<li><span class="name"><bdi>{foreign(name, 60)}</bdi></span>'
        f'<span class="amount">{escape(words.number(value))}{escape(unit)}</span>'
        f'<span class="track">{filled}</span>{below}</li>'
    )
