"""Parts of the report about messages over time: by day, points, balance, hours of the week."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Iterator
from typing import Final

from notifykit.analytics import Totals
from notifykit.analytics.balance import BalanceStep, Forecast, forecast
from notifykit.analytics.counts import OUTCOMES, Counts
from notifykit.report.section import Section
from notifykit.report.svg import Series, heat_map, stacked_bars, steps
from notifykit.report.words import Words

#: From so many days on the plots have a bar for each month.
_MOST_DAYS: Final = 100
#: The days of the week, from Sunday on.
_WEEK: Final = (6, 0, 1, 2, 3, 4, 5)


def by_time(totals: Totals) -> dict[str, Counts]:
    """Return the counts of each day, or of each month where there are many days."""
    days = totals.days
    if len(days) <= _MOST_DAYS:
        return days
    months: dict[str, Counts] = {}
    for day, counts in days.items():
        months.setdefault(day[:7], Counts()).merge(counts)
    return months


def messages(totals: Totals, words: Words) -> Section | None:
    """Return messages by day and outcome; tests are apart."""
    days = by_time(totals)
    if not days:
        return None
    whole = Counts()
    for counts in days.values():
        whole.merge(counts)
    live = whole.live.total()
    sentence = words(
        "Of {messages} sent to people, {share} were accepted; {rejected} rejected, {unknown} unknown. Tests: {tests}.",
        messages=words.count(live, "message"),
        share=words.percent(whole.live["accepted"], live),
        rejected=whole.live["rejected"],
        unknown=whole.live["unknown"],
        tests=whole.tests.total(),
    )
    names = [words.day(day) for day in days]
    series = [Series(outcome, [counts.live[outcome] for counts in days.values()]) for outcome in OUTCOMES]
    series.append(Series("test", [counts.tests.total() for counts in days.values()]))
    titles = [f"{words.date(day)}: {words.count(counts.messages, 'message')}" for day, counts in days.items()]
    rows: list[tuple[str | float, ...]] = [
        (words.date(day), *(counts.live[outcome] for outcome in OUTCOMES), counts.tests.total(), round(counts.cost, 2))
        for day, counts in days.items()
    ]
    return Section(
        "messages",
        words("Messages by day"),
        sentence,
        stacked_bars(words, sentence, names, series, titles),
        [words("Day"), *(words(outcome) for outcome in OUTCOMES), words("test"), words("Points")],
        rows,
        [(row.kind, words(row.kind)) for row in series if any(row.values)],
    )


def points(totals: Totals, words: Words) -> Section | None:
    """Return points by day."""
    days = by_time(totals)
    cost = sum(counts.cost for counts in days.values())
    if not cost:
        return None
    top, most = max(days.items(), key=lambda day: day[1].cost)
    accepted = sum(counts.live["accepted"] for counts in days.values())
    sentence = words(
        "{points} were charged, {each} for each accepted message; most on {day}: {most}. Tests are not in it.",
        points=words.count(round(cost, 2), "point"),
        each=round(cost / accepted, 2) if accepted else 0,
        day=words.date(top),
        most=round(most.cost, 2),
    )
    titles = [f"{words.date(day)}: {words.count(round(counts.cost, 2), 'point')}" for day, counts in days.items()]
    series = [Series("points", [counts.cost for counts in days.values()])]
    return Section(
        "points",
        words("Points by day"),
        sentence,
        stacked_bars(words, sentence, [words.day(day) for day in days], series, titles),
        [words("Day"), words("Points"), words("accepted"), words("Segments")],
        [(words.date(day), round(c.cost, 2), c.live["accepted"], c.segments) for day, c in days.items()],
    )


def balances(totals: Totals, words: Words) -> Iterator[Section]:
    """Yield the balance of each account, with what changed it and how long it lasts."""
    accounts: dict[str, list[BalanceStep]] = collections.defaultdict(list)
    for step in totals.balance.steps():
        accounts[step.account].append(step)
    for number, (account, found) in enumerate(sorted(accounts.items(), key=lambda one: -len(one[1]))[:3]):
        costs = {day: counts.cost for day, counts in totals.days.items()}
        ahead = forecast(found[-1].balance, costs) if number == 0 else None
        title = words("Balance") if len(accounts) == 1 else words("Balance of {account}", account=account)
        yield _balance(f"balance-{number}" if number else "balance", title, found, ahead, words, totals.zone)


def _balance(
    id: str, title: str, found: list[BalanceStep], ahead: Forecast | None, words: Words, zone: datetime.tzinfo | None
) -> Section:
    refills = [step for step in found if step.refill]
    foreign = [step for step in found if step.foreign]
    said = [
        words(
            "The balance is {balance}. Added: {refill} in {times}. Not ours: {foreign}.",
            balance=words.count(found[-1].balance, "point"),
            refill=words.count(sum(step.refill for step in refills), "point"),
            times=words.count(len(refills), "time"),
            foreign=words.count(sum(step.foreign for step in foreign), "point"),
        ),
        *([_lasting(ahead, words)] if ahead else []),
    ]
    notes = []
    if foreign:
        notes.append(
            words("Not ours: the balance fell by more than our messages cost. Somebody else spends on this account.")
        )
    if any(step.uncertain for step in foreign):
        notes.append(words("Messages with an unknown outcome may explain a part of it."))
    days = _thinned(found, zone)
    marks = [
        (index, kind, f"{words.date(step.hour)}: {words(text, points=round(amount, 2))}")
        for index, step in enumerate(days)
        for kind, amount, text in (
            ("refill", step.refill, "{points} points added"),
            ("foreign", step.foreign, "{points} points not ours"),
        )
        if amount
    ]
    rows = [(f"{words.date(s.hour)}", s.balance, s.cost, s.refill or None, s.foreign or None) for s in days]
    return Section(
        id,
        title,
        " ".join(said),
        steps(words, said[0], [words.day(step.hour) for step in days], [step.balance for step in days], marks),
        [words("Day"), words("Balance"), words("Our cost"), words("Added"), words("Not ours")],
        rows,
        [("balance", words("Balance")), ("refill", words("Added")), ("foreign", words("Not ours"))],
        notes,
    )


def _thinned(found: list[BalanceStep], zone: datetime.tzinfo | None) -> list[BalanceStep]:
    """Return one step for each day, with all that changed in it."""
    days: dict[str, BalanceStep] = {}
    for step in found:
        at = datetime.datetime.fromisoformat(f"{step.hour}:00+00:00").astimezone(zone)
        day = at.date().isoformat()
        before = days.get(day)
        days[day] = BalanceStep(
            step.account,
            day,
            step.balance,
            round(step.cost + (before.cost if before else 0), 4),
            step.refill + (before.refill if before else 0),
            step.foreign + (before.foreign if before else 0),
            step.uncertain or (before.uncertain if before else False),
        )
    return list(days.values())


def _lasting(ahead: Forecast, words: Words) -> str:
    days = ahead.lasts(ahead.daily)
    if days is None:
        return words("Nothing was spent in the last days, so there is no forecast.")
    shortest, longest = ahead.lasts(ahead.high), ahead.lasts(ahead.low)
    return words(
        "At {daily} a day, the median of {days}, it lasts {lasts} ({low} to {high}).",
        daily=words.count(round(ahead.daily, 1), "point"),
        days=words.count(ahead.days, "day"),
        lasts=words.count(round(days), "day"),
        low=round(shortest or days),
        high=words("more") if longest is None else words.count(round(longest), "day"),
    )


def week(totals: Totals, words: Words) -> Section | None:
    """Return messages by hour and weekday."""
    table = totals.tables["heat"].sorted()
    cells = [[_messages(table.get(f"{day} {hour:02}")) for hour in range(24)] for day in _WEEK]
    if not any(map(any, cells)):
        return None
    most = max((value, row, hour) for row, values in enumerate(cells) for hour, value in enumerate(values))
    night = sum(sum(values[22:]) + sum(values[:8]) for values in cells)
    sentence = words(
        "Most are sent on {day} at {hour}:00; {share} between 22:00 and 08:00.",
        day=words.weekday(_WEEK[most[1]]),
        hour=words.hour(most[2]),
        share=words.percent(night, sum(map(sum, cells))),
    )
    names = [words.weekday(day) for day in _WEEK]
    return Section(
        "week",
        words("Hour by weekday"),
        sentence,
        heat_map(words, sentence, [words.weekday(day, short=True) for day in _WEEK], cells),
        [words("Hour"), *names],
        [(f"{words.hour(hour)}:{words.hour(0)}", *(values[hour] for values in cells)) for hour in range(24)],
        notes=[words("Hours of the zone {zone}.", zone=str(totals.zone or words("of this machine")))],
    )


def _messages(counts: Counts | None) -> int:
    return counts.live.total() if counts else 0
