"""The page of a report: the figures first, then its parts, all in one file that asks for nothing else."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from html import escape

from notifykit.analytics import Totals
from notifykit.analytics.balance import forecast
from notifykit.report import contents, flow, trouble, watch
from notifykit.report.cures import ARABIC_CURES
from notifykit.report.section import Section, foreign
from notifykit.report.words import Words

#: Nothing is loaded and nothing runs: the browser holds the page to that.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render_page(
    totals: Totals,
    *,
    language: str = "en",
    cures: Mapping[str, str] | None = None,
    scopes: Mapping[str, str] | None = None,
    show_numbers: bool = False,
    warnings: Sequence[str] = (),
) -> str:
    """Return the report of a log as one HTML page.

    :param totals: what was counted.
    :param language: ``en`` or ``ar``.
    :param cures: what to do about each error code.
    :param scopes: what each error code is about, for rows that do not say: ``account``.
    :param show_numbers: whether numbers are shown as the log has them.
    :param warnings: what is missing from the totals.
    """
    words = Words(language)
    known = {**(cures or {}), **(ARABIC_CURES if words.rtl else {})}
    sections = _sections(totals, words, known, scopes or {}, show_numbers=show_numbers)
    title = words("Report of messages")
    period = ""
    if days := list(totals.days):
        period = words("{first} to {last}", first=words.date(days[0]), last=words.date(days[-1]))
    body = "".join(section.as_html(words) for section in sections)
    if not sections:
        empty = words("There is nothing to show: the log has no message of this time.")
        body = f'<section class="empty"><p>{escape(empty)}</p></section>'
    noted = "".join(f"<li>{foreign(warning)}</li>" for warning in warnings)
    missing = f'<aside><h2>{escape(words("Not in these figures"))}</h2><ul dir="ltr" lang="en">{noted}</ul></aside>'
    return (
        f'<!DOCTYPE html><html lang="{words.language}" dir="{"rtl" if words.rtl else "ltr"}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f'<meta name="referrer" content="no-referrer"><title>{escape(f"{title} {period}".strip())}</title>'
        f"<style>{_style()}</style></head><body><header><h1>{escape(title)}</h1><p>{escape(period)}</p>"
        f"{_figures(totals, words)}</header><main>{body}</main>"
        f"{missing if warnings else ''}<footer><p>notifykit log report</p></footer></body></html>\n"
    )


def _style() -> str:
    text = importlib.resources.files("notifykit.report").joinpath("report.css").read_text("utf-8")
    return " ".join(text.split())


def _sections(
    totals: Totals, words: Words, cures: Mapping[str, str], scopes: Mapping[str, str], *, show_numbers: bool
) -> list[Section]:
    found = [
        flow.messages(totals, words),
        flow.points(totals, words),
        *flow.balances(totals, words),
        trouble.errors(totals, words, cures),
        watch.errors_by_scope(totals, words, scopes),
        flow.week(totals, words),
        trouble.latency(totals, words),
        contents.segments(totals, words),
        contents.forced(totals, words),
        *contents.groups(totals, words),
        trouble.delivery(totals, words),
        watch.delivery_times(totals, words),
        trouble.codes(totals, words),
        watch.radar(totals, words),
        contents.recipients(totals, words, show_numbers=show_numbers),
    ]
    return [section for section in found if section is not None]


def _figures(totals: Totals, words: Words) -> str:
    """Return the most important figures."""
    whole = totals.whole
    if not whole.messages:
        return ""
    live = whole.live.total()
    figures = [
        (words("Messages"), words.number(live)),
        (words("Accepted"), words.percent(whole.live["accepted"], live) if live else "–"),
        (words("Points"), words.number(round(whole.cost, 2))),
    ]
    if steps := list(totals.balance.steps()):
        latest = max(steps, key=lambda step: step.hour)
        figures.append((words("Balance"), words.number(latest.balance)))
        ahead = forecast(latest.balance, {day: counts.cost for day, counts in totals.days.items()})
        days = ahead.lasts(ahead.daily) if ahead else None
        if days is not None:
            figures.append((words("It lasts"), words.count(round(days), "day")))
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in figures)
    return f'<dl class="figures">{items}</dl>'
