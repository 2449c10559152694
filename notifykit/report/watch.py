"""Parts of the report to watch: what errors are about, where suddenly many messages go, and how long deliveries take."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Final

from notifykit.analytics import Totals
from notifykit.analytics.radar import DEVIATIONS, LEAST, Destination
from notifykit.report.flow import by_time
from notifykit.report.section import Section
from notifykit.report.svg import Series, Strip, curve, stacked_bars, strips
from notifykit.report.words import Words

#: What an error is about, and the class of its colour.
_SCOPES: Final = {
    "account": "rejected",
    "content": "unknown",
    "recipient": "skipped",
    "transport": "points",
    "network": "most",
    "other": "test",
}
_STRIPS: Final = 5
#: The most bars of one strip.
_BARS: Final = 120
_SHOWN: Final = 40
_SHARES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


def errors_by_scope(totals: Totals, words: Words, scopes: Mapping[str, str]) -> Section | None:
    """Return the share of live messages that failed, by day and by what the errors are about.

    :param scopes: what each code is about; for rows that do not say.
    """
    days = by_time(totals)
    failed: dict[str, dict[str, int]] = {day: dict.fromkeys(_SCOPES, 0) for day in days}
    for name, counts in totals.tables["scope"].sorted().items():
        day, about = name[:10], name[11:]
        day = day if day in failed else day[:7]
        if about != "none" and day in failed:
            about = scopes.get(about[1:], "other") if about.startswith("?") else about
            failed[day][about if about in _SCOPES else "other"] += counts.live.total()
    sums = {about: sum(max(0, row[about]) for row in failed.values()) for about in _SCOPES}
    whole, live = sum(sums.values()), sum(counts.live.total() for counts in days.values())
    if not whole or not live:
        return None
    shares = {
        day: {about: 100 * max(0, count) / max(1, days[day].live.total()) for about, count in row.items()}
        for day, row in failed.items()
    }
    worst = max(shares, key=lambda day: sum(shares[day].values()))
    most = max(sums, key=lambda about: sums[about])
    sentence = words(
        "{share} of the messages failed; most of the errors are about the {scope}. The worst day was {day}: {most}.",
        share=words.percent(whole, live),
        scope=words(most),
        day=words.date(worst),
        most=words.percent(sum(shares[worst].values()), 100),
    )
    shown = [about for about in _SCOPES if sums[about]]
    series = [Series(_SCOPES[about], [shares[day][about] for day in days]) for about in shown]
    titles = [f"{words.date(day)}: {words.percent(sum(shares[day].values()), 100)}" for day in days]
    return Section(
        "scopes",
        words("Share of errors by what they are about"),
        sentence,
        stacked_bars(words, sentence, [words.day(day) for day in days], series, titles),
        [words("Day"), words("Messages"), *(words(about) for about in shown), words("Share")],
        [
            (
                words.date(day),
                days[day].live.total(),
                *(failed[day][about] for about in shown),
                words.percent(sum(shares[day].values()), 100),
            )
            for day in days
        ],
        [(_SCOPES[about], words(about)) for about in shown],
        [words("The axis is in percent of the day's messages. Errors about the account need somebody at once.")],
    )


def radar(totals: Totals, words: Words) -> Section | None:
    """Return the destinations to which suddenly many messages go."""
    found = totals.radar.destinations(totals.span)
    if not found:
        return None
    alarms = sum(len(one.alarms) for one in found)
    first = found[0]
    if first.alarms:
        day, hour = _local(first.alarms[0], totals.zone)
        sentence = words(
            "Hours that stand out: {alarms}. The most: {name} on {day} at {hour}:00, with {messages}; above {limit} an hour stands out.",
            alarms=alarms,
            name=words.digits(first.name),
            day=words.date(day),
            hour=words.hour(hour),
            messages=words.count(first.hours[first.alarms[0]], "message"),
            limit=first.limit,
        )
    else:
        sentence = words("No hour stands out. Destinations that were compared: {count}.", count=len(found))
    return Section(
        "radar",
        words("Sudden traffic"),
        sentence,
        strips(words, sentence, _strips(found[:_STRIPS], words)),
        [
            *(words("Destination"), words("Messages"), words("Most in an hour"), words("When")),
            *(words("Usual"), words("Stands out above"), words("Codes sent"), words("Codes typed")),
        ],
        [_row(one, totals, words) for one in found[:_SHOWN]],
        [("points", words("Messages in an hour")), ("rejected", words("stands out"))],
        [
            words(
                "Each country and first digits are compared with their own hours: the median, {deviations} median absolute deviations more, and {least} messages at least. Few typed codes there mean that somebody pumps messages through a form.",
                deviations=DEVIATIONS,
                least=LEAST,
            )
        ],
    )


def _row(one: Destination, totals: Totals, words: Words) -> tuple[str | float | None, ...]:
    most = max(one.hours, key=lambda hour: (one.hours[hour], hour))
    day, hour = _local(most, totals.zone)
    sent, typed = (totals.countries[one.country, step] for step in ("sent", "verified"))
    return (
        words.digits(one.name),
        one.messages,
        one.hours[most],
        f"{words.date(day)} {words.hour(hour)}:{words.hour(0)}",
        one.median,
        one.limit,
        sent or None,
        words.percent(typed, sent) if sent else None,
    )


def _local(hour: str, zone: datetime.tzinfo | None) -> tuple[str, int]:
    at = datetime.datetime.fromisoformat(f"{hour}:00+00:00").astimezone(zone)
    return at.date().isoformat(), at.hour


def _strips(found: list[Destination], words: Words) -> list[Strip]:
    """Return a strip for each destination: each bar has the highest hour of its time, as a share of the limit."""
    stamps = [_stamp(hour) for one in found for hour in one.hours]
    first, last = min(stamps), max(stamps)
    width = max(1, math.ceil((last - first + 1) / _BARS))
    strips = []
    for one in found:
        values = [0.0] * ((last - first) // width + 1)
        for hour, count in one.hours.items():
            place = (_stamp(hour) - first) // width
            values[place] = max(values[place], count / one.limit)
        strips.append(Strip(words.digits(one.name), max(one.hours.values()), values))
    return strips


def _stamp(hour: str) -> int:
    """Return the number of an hour since 1970."""
    return int(datetime.datetime.fromisoformat(f"{hour}:00+00:00").timestamp()) // 3600


def delivery_times(totals: Totals, words: Words) -> Section | None:
    """Return how the share of delivered messages grows with time."""
    found = totals.deliveries.curve(f"{totals.span[1]}Z") if totals.span else None
    if found is None:
        return None
    half, (last, reached) = found.quantile(0.5), found.points[-1]
    said = [words("Half of the messages were delivered within {half}.", half=_time(half, words))] if half else []
    said.append(
        words("{share} were delivered within {last}.", share=words.percent(reached, 1), last=_time(last, words))
    )
    marks = [(seconds, _time(seconds, words)) for seconds in (0.1, 1, 10, 60, 600, 3600, 6 * 3600, 86_400)]
    times = [(words.percent(share, 1), found.quantile(share)) for share in _SHARES]
    return Section(
        "delivery-times",
        words("Time to delivery"),
        " ".join(said),
        curve(words, " ".join(said), found.points, marks),
        [words("Share"), words("Within")],
        [(share, None if seconds is None else _time(seconds, words)) for share, seconds in times],
        notes=[
            words(
                "Of messages with a report: {delivered} delivered, {failed} failed, {waiting} without a final report yet. Those count as not failed for as long as they are known. From the provider's answer to the time in the report, within 3 %.",
                delivered=found.delivered,
                failed=found.failed,
                waiting=found.waiting,
            )
        ],
    )


def _time(seconds: float, words: Words) -> str:
    if seconds < 90:
        return words("{number} s", number=round(seconds, 1) if seconds < 10 else round(seconds))
    if seconds < 5400:
        return words("{number} min", number=round(seconds / 60, 1))
    return words("{number} h", number=round(seconds / 3600, 1))
