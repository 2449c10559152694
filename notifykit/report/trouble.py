"""Parts of the report about what went wrong, what was slow, and what became of messages later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from notifykit.analytics import Totals
from notifykit.redaction import scrub
from notifykit.report.section import Section, bars
from notifykit.report.svg import Series, lines
from notifykit.report.words import Words

_SHOWN: Final = 12


def errors(totals: Totals, words: Words, cures: Mapping[str, str]) -> Section | None:
    """Return errors by code, each with its cure.

    :param cures: what to do about each code.
    """
    rows: list[tuple[str, int, str, str]] = []
    for code, counts in totals.tables["code"].sorted().items():
        failed = sum(counts.live[o] + counts.tests[o] for o in ("rejected", "unknown"))
        if failed:
            rows.append((code, failed, scrub(totals.errors.get(code, ("", ""))[0]), cures.get(code, "")))
    if not rows:
        return None
    rows.sort(key=lambda row: (-row[1], row[0]))
    whole = sum(row[1] for row in rows)
    sentence = words(
        "{messages} failed. The most frequent code is {code}: {share} of them.",
        messages=words.count(whole, "message"),
        code=rows[0][0],
        share=words.percent(rows[0][1], whole),
    )
    named = [(words.named(code, ("rejected", "unknown")), count, what, cure) for code, count, what, cure in rows]
    return Section(
        "errors",
        words("Errors and their cures"),
        sentence,
        bars(words, [(code, count, cure or what) for code, count, what, cure in named[:_SHOWN]], "rejected"),
        [words("Code"), words("Messages"), words("What happened"), words("What to do")],
        [(code, count, what or None, cure or None) for code, count, what, cure in named],
    )


def latency(totals: Totals, words: Words) -> Section | None:
    """Return how long requests took, by the hour of the day."""
    hours = totals.latency.hours()
    half, most = totals.latency.quantile(0.5), totals.latency.quantile(0.95)
    if not hours or half is None or most is None:
        return None
    slow = max(hours, key=lambda hour: totals.latency.quantile(0.95, hour) or 0)
    sentence = words(
        "Half of the messages were taken within {half} ms, 95 % within {most} ms; slowest at {hour}:00.",
        half=round(half),
        most=round(most),
        hour=words.hour(slow),
    )
    names = [words.hour(hour) for hour in range(24)]
    series = [
        Series(kind, [totals.latency.quantile(share, hour) for hour in range(24)])
        for kind, share in (("half", 0.5), ("most", 0.95))
    ]
    rows: list[tuple[str | float, ...]] = [
        (f"{words.hour(hour)}:{words.hour(0)}", *(round(row.values[hour] or 0) for row in series)) for hour in hours
    ]
    return Section(
        "latency",
        words("Time of a request, by hour"),
        sentence,
        lines(words, sentence, names, series),
        [words("Hour"), words("Median, ms"), words("95 %, ms")],
        rows,
        [("half", words("Median, ms")), ("most", words("95 %, ms"))],
        [
            words("Times are exact within 3 %. The axis is logarithmic."),
            words("Each message counts with the time of its request: one with 200 numbers counts 200 times."),
        ],
    )


def delivery(totals: Totals, words: Words) -> Section | None:
    """Return what became of live messages: planned, accepted, sent on, delivered. Without a report nothing has failed."""
    states = {state: count for state, count in totals.delivery.items() if count > 0}
    if not states:
        return None
    live = totals.whole.live
    reported = sum(states.values())
    sent = sum(states.get(state, 0) for state in ("sent", "delivered", "undelivered", "expired"))
    delivered, failed = states.get("delivered", 0), states.get("undelivered", 0) + states.get("expired", 0)
    waiting = max(0, live["accepted"] - delivered - failed)
    sentence = words(
        "Of {accepted}, {delivered} are known to be delivered and {failed} known to have failed; {waiting} have no final report yet.",
        accepted=words.count(live["accepted"], "accepted message"),
        delivered=delivered,
        failed=failed,
        waiting=waiting,
    )
    rows = [
        (words("planned"), live.total()),
        (words("accepted"), live["accepted"]),
        (words("sent on by the network"), sent),
        (words("delivered"), delivered),
    ]
    more = [(words("known to have failed"), failed), (words("no final report yet"), waiting)]
    return Section(
        "delivery",
        words("From plan to phone"),
        sentence,
        bars(words, [(name, count, "") for name, count in rows]),
        [words("Step"), words("Messages")],
        [*rows, *more, (words("with any report"), reported)],
        notes=[
            words("No final report yet does not mean failed: the report may still come, or the network sends none.")
        ],
    )


def codes(totals: Totals, words: Words) -> Section | None:
    """Return what became of one-time codes."""
    sent = totals.codes["sent"]
    if not sent:
        return None
    verified = totals.codes["verified"]
    sentence = words(
        "{share} of {codes} were typed correctly. Sent again: {resent}. Held back by a limit: {blocked}.",
        share=words.percent(verified, sent),
        codes=words.count(sent, "code"),
        resent=totals.codes["resent"],
        blocked=totals.codes["blocked"],
    )
    asked = sent + totals.codes["blocked"] + totals.codes["failed"]
    rows = [(words("asked for"), asked), (words("sent"), sent), (words("verified"), verified)]
    more = [
        (words("sent again"), totals.codes["resent"]),
        (words("wrong attempts"), totals.codes["wrong"]),
        (words("held back by a limit"), totals.codes["blocked"]),
        (words("could not be sent"), totals.codes["failed"]),
    ]
    return Section(
        "codes",
        words("One-time codes"),
        sentence,
        bars(words, [(name, count, "") for name, count in rows], "points"),
        [words("Step"), words("Codes")],
        [*rows, *more],
    )
