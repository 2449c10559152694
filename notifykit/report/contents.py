"""Parts of the report about what was sent, and to whom: sizes, characters, senders, tags, countries, recipients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from notifykit.analytics import Totals
from notifykit.analytics.counts import REST, Counts
from notifykit.report.section import Section, bars
from notifykit.report.words import Words

_SHOWN: Final = 10
_ENCODINGS: Final = {"gsm7": "GSM-7", "ucs2": "Unicode"}
#: Names in the tables that are no names of the log.
_SCRIPTS: Final = ("Arabic letters", "Arabic digits")
_NO_GROUP: Final = ("none", "unknown", "default")
_OURS: Final = (*_NO_GROUP, REST)


def segments(totals: Totals, words: Words) -> Section | None:
    """Return messages by encoding and segments."""
    found: dict[tuple[str, int], int] = {}
    for name, counts in totals.tables["segments"].sorted().items():
        encoding, _, size = name.rpartition(" ")
        if counts.live.total() > 0 and int(size):
            found[encoding, int(size)] = counts.live.total()
    if not found:
        return None
    whole = sum(found.values())
    unicode = sum(count for (encoding, _), count in found.items() if encoding == "ucs2")
    longer = sum(count for (_, size), count in found.items() if size > 1)
    sentence = words(
        "{unicode} are Unicode, with 70 characters in a segment instead of 160; {longer} need more than one segment.",
        unicode=words.percent(unicode, whole),
        longer=words.percent(longer, whole),
    )
    rows = [(_ENCODINGS.get(encoding, encoding), size, count) for (encoding, size), count in sorted(found.items())]
    plot = [(f"{name} · {words.count(size, 'segment')}", count, "") for name, size, count in rows]
    return Section(
        "segments",
        words("Encoding and segments"),
        sentence,
        bars(words, plot, "half"),
        [words("Encoding"), words("Segments"), words("Messages")],
        rows,
    )


def forced(totals: Totals, words: Words) -> Section | None:
    """Return the characters that forced Unicode, and the segments that they cost."""
    table = totals.tables["forced"].sorted()
    live = {name: counts for name, counts in table.items() if counts.live.total() > 0}
    if not live:
        return None
    rows = sorted(
        ((words.named(name, _SCRIPTS), totals.lost[name], counts.live.total()) for name, counts in live.items()),
        key=lambda row: (-row[1], -row[2], row[0]),
    )
    first = rows[0]
    sentence = words(
        "{name} is in {messages}; without Unicode they would have needed {lost} fewer.",
        name=first[0],
        messages=words.count(first[2], "message"),
        lost=words.count(first[1], "segment"),
    )
    return Section(
        "characters",
        words("Characters that forced Unicode"),
        sentence,
        bars(words, [(name, lost, "") for name, lost, _ in rows[:_SHOWN]], "unknown"),
        [words("Character"), words("Segments more"), words("Messages")],
        rows,
        notes=[
            words(
                "A segment is a point in most countries. A message with several of them counts for each. Letters have no replacement; `notifykit explain` has those of signs."
            )
        ],
    )


def groups(totals: Totals, words: Words) -> Iterator[Section]:
    """Yield messages and points by sender, by tag, and by country."""
    kinds = (
        ("sender", "Senders", "Most messages have the sender {name}: {share}.", "Sender"),
        ("tag", "Tags", "The most frequent tag is {name}: {share} of the messages.", "Tag"),
        ("country", "Countries", "Most messages go to {name}: {share}.", "Country"),
    )
    whole = totals.whole.live.total()
    for kind, title, form, column in kinds:
        found = [(name, c) for name, c in totals.tables[kind].sorted().items() if c.live.total() > 0]
        found.sort(key=lambda row: (-row[1].live.total(), row[0]))
        if not found or (len(found) == 1 and found[0][0] in _NO_GROUP):
            continue
        named = [(words.named(name, _OURS), counts) for name, counts in found]
        first, most = named[0]
        yield Section(
            f"by-{kind}",
            words(title),
            words(form, name=first, share=words.percent(most.live.total(), whole)),
            bars(words, [(name, counts.live.total(), "") for name, counts in named[:_SHOWN]], "accepted"),
            [words(column), words("Messages"), words("accepted"), words("rejected"), words("unknown"), words("Points")],
            [_row(name, counts) for name, counts in named],
        )


def _row(name: str, counts: Counts) -> tuple[str, float, float, float, float, float]:
    live = counts.live
    return name, live.total(), live["accepted"], live["rejected"], live["unknown"], round(counts.cost, 2)


def recipients(totals: Totals, words: Words, *, show_numbers: bool) -> Section | None:
    """Return who was sent most."""
    most = totals.people.top(_SHOWN, show_numbers=show_numbers)
    if not most:
        return None
    sentence = words(
        "{people} were sent messages; the first of the list got {most}.",
        people=words.count(sum(1 for count, _ in totals.people.rows.values() if count > 0), "recipient"),
        most=words.count(most[0].messages, "message"),
    )
    notes = [] if show_numbers else [words("Two numbers that look alike are two people: digits are hidden.")]
    return Section(
        "recipients",
        words("Who was sent most"),
        sentence,
        bars(words, [(person.to, person.messages, "") for person in most], "most"),
        [words("Recipient"), words("Messages")],
        [(person.to, person.messages) for person in most],
        notes=notes,
    )
