"""Plots as SVG: their texts are texts, their colours the page's variables, and they are mirrored for Arabic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

import attrs

from notifykit.redaction import one_line
from notifykit.report.words import Words

#: The size of a plot in its own units; the page scales it.
WIDTH: Final = 520
HEIGHT: Final = 230
_LEFT: Final = 46
_RIGHT: Final = 10
_TOP: Final = 12
_BOTTOM: Final = 26


@attrs.frozen
class Series:
    """One row of values."""

    #: The class of its colour: ``accepted``.
    kind: str
    #: One for each place of the axis; None for a gap.
    values: Sequence[float | None]


class Canvas:
    """What a plot draws on, from left to right; a page in Arabic shows it from right to left.

    :param words: the language.
    :param label: what the plot shows, for those who can't see it.
    """

    def __init__(self, words: Words, label: str, height: int = HEIGHT) -> None:
        self.words = words
        self.height = height
        self._label = label
        self._parts: list[str] = []

    def x(self, x: float, width: float = 0) -> float:
        """Return where something begins that is ``width`` wide."""
        return WIDTH - x - width if self.words.rtl else x

    def rect(self, x: float, y: float, width: float, height: float, kind: str, title: str = "", **more: float) -> None:
        """Draw a rectangle; ``title`` is shown under the mouse."""
        extra = "".join(f' {name.replace("_", "-")}="{value:.3g}"' for name, value in more.items())
        inner = f"><title>{escape(title)}</title></rect>" if title else "/>"
        self._parts.append(
            f'<rect class="{kind}" x="{self.x(x, width):.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{extra}{inner}'
        )

    def text(self, x: float, y: float, text: str, anchor: str = "middle", kind: str = "") -> None:
        """Write a text; ``anchor`` is in the direction of reading."""
        named = f' class="{kind}"' if kind else ""
        self._parts.append(f'<text{named} x="{self.x(x):.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>')

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """Draw a line through points."""
        if points:
            path = " ".join(f"{self.x(x):.1f},{y:.1f}" for x, y in points)
            self._parts.append(f'<polyline class="{kind}" points="{path}"/>')

    def dot(self, x: float, y: float, kind: str, title: str = "") -> None:
        """Draw a dot."""
        self._parts.append(
            f'<circle class="{kind}" cx="{self.x(x):.1f}" cy="{y:.1f}" r="4"><title>{escape(title)}</title></circle>'
        )

    def axis(self, most: float, least: float = 0.0) -> None:
        """Draw lines for round values up to ``most``."""
        for value in ticks(least, most):
            self.grid(self.y(value, most, least), self.words.number(value))

    def grid(self, y: float, text: str) -> None:
        """Draw a line over the whole width, with what it stands for."""
        self.line([(_LEFT, y), (WIDTH - _RIGHT, y)], "grid")
        self.text(_LEFT - 6, y + 4, text, "end")

    def y(self, value: float, most: float, least: float = 0.0) -> float:
        """Return the height of a value."""
        share = (value - least) / (most - least) if most > least else 0.0
        return self.height - _BOTTOM - share * (self.height - _BOTTOM - _TOP)

    def names(self, names: Sequence[str]) -> None:
        """Write the names below the axis, as many as fit."""
        longest = max((len(name) for name in names), default=1)
        step = max(1, math.ceil(len(names) * (longest * 7 + 14) / (WIDTH - _LEFT - _RIGHT)))
        for index in range(0, len(names), step):
            self.text(place(index, len(names)), self.height - 8, names[index])

    def done(self) -> str:
        """Return the SVG."""
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{escape(one_line(self._label))}">'
            f"{''.join(self._parts)}</svg>"
        )


def place(index: float, count: int) -> float:
    """Return the middle of a place on the axis."""
    return _LEFT + (index + 0.5) * (WIDTH - _LEFT - _RIGHT) / max(1, count)


def ticks(least: float, most: float, count: int = 4) -> list[float]:
    """Return round values between two."""
    if most <= least:
        return [least]
    raw = (most - least) / count
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    if step < 1 <= most:
        step = 1.0
    first = math.ceil(least / step)
    return [number * step for number in range(first, math.floor(most / step) + 1)]


def stacked_bars(
    words: Words, label: str, names: Sequence[str], series: Sequence[Series], titles: Sequence[str]
) -> str:
    """Draw a bar for each name, with the series above each other."""
    canvas = Canvas(words, label)
    most = max((sum(row.values[i] or 0 for row in series) for i in range(len(names))), default=0) or 1
    canvas.axis(most)
    width = (WIDTH - _LEFT - _RIGHT) / max(1, len(names))
    bar = min(28.0, max(1.0, width - 2))
    for index in range(len(names)):
        below = 0.0
        for row in series:
            if value := row.values[index] or 0:
                top = canvas.y(below + value, most)
                canvas.rect(
                    place(index, len(names)) - bar / 2, top, bar, canvas.y(below, most) - top, row.kind, titles[index]
                )
                below += value
    canvas.names(names)
    return canvas.done()


def lines(words: Words, label: str, names: Sequence[str], series: Sequence[Series]) -> str:
    """Draw a line for each series over a logarithmic axis."""
    canvas = Canvas(words, label)
    values = [value for row in series for value in row.values if value]
    low, high = min(values, default=1.0), max(values, default=10.0)
    bottom, top = math.log10(low) - 0.1, math.log10(high) + 0.1
    for power in range(math.floor(bottom), math.ceil(top) + 1):
        for factor in (1, 2, 5):
            value = factor * 10.0**power
            if bottom <= math.log10(value) <= top:
                canvas.grid(canvas.y(math.log10(value), top, bottom), words.number(value))
    for row in series:
        points: list[tuple[float, float]] = []
        for index, each in enumerate([*row.values, None]):
            if each:
                point = place(index, len(names)), canvas.y(math.log10(each), top, bottom)
                points.append(point)
                canvas.dot(*point, f"dot {row.kind}", f"{names[index]}: {words.number(each)}")
            else:  # a gap: what was between is not known
                canvas.line(points, f"line {row.kind}")
                points = []
    canvas.names(names)
    return canvas.done()


def steps(
    words: Words, label: str, names: Sequence[str], values: Sequence[float], marks: Sequence[tuple[int, str, str]]
) -> str:
    """Draw a staircase, with marks.

    :param marks: the place, the class of the colour, and the words of each.
    """
    canvas = Canvas(words, label)
    most = max(values, default=1) or 1
    canvas.axis(most)
    width = (WIDTH - _LEFT - _RIGHT) / max(1, len(values))
    points: list[tuple[float, float]] = []
    for index, value in enumerate(values):
        y = canvas.y(value, most)
        points += [(_LEFT + index * width, y), (_LEFT + (index + 1) * width, y)]
    base = canvas.y(0, most)
    if points:
        canvas.line([(points[0][0], base), *points, (points[-1][0], base)], "area")
        canvas.line(points, "line balance")
    for index, kind, title in marks:
        canvas.dot(_LEFT + (index + 0.5) * width, canvas.y(values[index], most), f"mark {kind}", title)
    chosen = range(0, len(names), max(1, len(names) // 6))
    for index in chosen:
        canvas.text(_LEFT + (index + 0.5) * width, HEIGHT - 8, names[index])
    return canvas.done()


def heat_map(words: Words, label: str, rows: Sequence[str], cells: Sequence[Sequence[int]]) -> str:
    """Draw a row for each name with 24 cells, darker where the number is higher."""
    left, size, gap = 62, 18.6, 22
    canvas = Canvas(words, label, int(len(rows) * gap + 34))
    most = max((value for row in cells for value in row), default=0) or 1
    for index, name in enumerate(rows):
        y = 6 + index * gap
        canvas.text(left - 8, y + 14, name, "end")
        for hour, value in enumerate(cells[index]):
            title = f"{name} {words.hour(hour)}: {words.number(value)}"
            share = 0.12 + 0.88 * value / most if value else 0.05
            canvas.rect(left + hour * (size + 0.4), y, size - 1, gap - 3, "heat", title, rx=3, fill_opacity=share)
    for hour in range(0, 24, 3):
        canvas.text(left + (hour + 0.5) * (size + 0.4), len(rows) * gap + 24, words.hour(hour))
    return canvas.done()


def curve(words: Words, label: str, points: Sequence[tuple[float, float]], marks: Sequence[tuple[float, str]]) -> str:
    """Draw a share that grows, over a logarithmic axis of time.

    :param points: the seconds and the share from 0 to 1, in order.
    :param marks: the seconds and the words of what may stand below the axis.
    """
    canvas = Canvas(words, label)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        canvas.grid(canvas.y(share, 1), words.percent(share, 1))
    low, high = math.log(points[0][0] / 1.5), math.log(points[-1][0] * 1.5)

    def x(seconds: float) -> float:
        return _LEFT + (math.log(seconds) - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    for seconds, text in marks:
        if low <= math.log(seconds) <= high:
            canvas.line([(x(seconds), canvas.y(0, 1)), (x(seconds), canvas.y(1, 1))], "grid")
            canvas.text(x(seconds), canvas.height - 8, text)
    line, before = [(float(_LEFT), canvas.y(0, 1))], 0.0
    for seconds, share in points:
        line += [(x(seconds), canvas.y(before, 1)), (x(seconds), canvas.y(share, 1))]
        before = share
    line.append((float(WIDTH - _RIGHT), canvas.y(before, 1)))
    canvas.line([*line, (WIDTH - _RIGHT, canvas.y(0, 1))], "area")
    canvas.line(line, "line half")
    return canvas.done()


@attrs.frozen
class Strip:
    """One row of small bars."""

    #: What it is about.
    name: str
    #: The highest of its numbers.
    most: float
    #: Each as a share of its limit: 1 is the limit.
    values: Sequence[float]


def strips(words: Words, label: str, rows: Sequence[Strip]) -> str:
    """Draw strips below each other, each with a line for its limit; what is above it has another colour."""
    height, gap, top = 34.0, 56, 1.6
    canvas = Canvas(words, label, len(rows) * gap + 4)
    for index, strip in enumerate(rows):
        base = index * gap + 18 + height
        canvas.text(_RIGHT, base - height - 5, one_line(strip.name)[:40], "start")
        canvas.text(WIDTH - _RIGHT, base - height - 5, words.number(strip.most), "end")
        canvas.line([(_RIGHT, base), (WIDTH - _RIGHT, base)], "grid")
        canvas.line([(_RIGHT, base - height / top), (WIDTH - _RIGHT, base - height / top)], "grid limit")
        width = (WIDTH - 2 * _RIGHT) / len(strip.values)
        for place_, value in enumerate(strip.values):
            if value:
                tall = max(1.5, height * min(value, top) / top)
                kind = "rejected" if value > 1 else "points"
                canvas.rect(_RIGHT + place_ * width, base - tall, max(1.0, min(12.0, width - 0.8)), tall, kind)
    return canvas.done()
