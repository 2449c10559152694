"""``unicode``, against its rules read letter by letter."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, strategies as st

from notifykit.cleaners.unicode import UnicodeCleaner
from notifykit.models.message import Channel, replay

ACCENTS = [*map(chr, range(0x300, 0x370)), "\u0653", "\u0654", "\u0655"]
PIECES = (
    "e",
    "a",
    "ا",
    "ق",
    "1",
    "٣",
    "²",
    "_",
    " ",
    "é",
    "\u05b0",
    "\u0670",
    "가",
    "漢",
    "\U0001d400",
    "\ud83d",
    "\udc68",
)


def texts() -> st.SearchStrategy[str]:
    """Draw texts with many accents and half surrogates, in every order."""
    accent = st.sampled_from(["\u0301", "\u0302", "\u0327", "\u0653", "\u0654", *ACCENTS])
    return st.text(st.one_of(st.sampled_from(PIECES), accent, st.characters(categories=None)), max_size=40)


def is_half(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"


def read_plainly(text: str, channel: Channel) -> str:
    """Return what the cleaner should make of a text: it takes every letter with the accents behind it."""
    kept = [character for character in text if not is_half(character)]
    if channel is Channel.EMAIL:
        return "".join(kept)
    clusters: list[list[str]] = []
    for character in kept:
        if character in ACCENTS and clusters:
            clusters[-1].append(character)
        else:
            clusters.append([character])
    return "".join(
        unicodedata.normalize("NFC", "".join(cluster))
        if len(cluster) <= 9 and len(cluster) > 1 and cluster[0].isalpha()
        else "".join(cluster)
        for cluster in clusters
    )


@given(texts(), st.sampled_from(Channel))
@example("e\ud800\u0301\ud800", Channel.SMS)
@example("e" + "\u0301" * 8, Channel.SMS)
@example("e" + "\u0301" * 9 + "\ud800", Channel.SMS)
@example("\u0301e\u0301", Channel.PUSH)
def test_it_does_what_its_rules_say(text: str, channel: Channel) -> None:
    """Halves go; a letter and up to eight accents become one where Unicode has it; everything else stays."""
    cleaned = UnicodeCleaner().clean(text, channel)
    assert cleaned.text == read_plainly(text, channel)
    assert replay(text, cleaned.edits) == cleaned.text


@given(texts(), st.sampled_from(Channel))
def test_every_edit_changes_something(text: str, channel: Channel) -> None:
    """Each stands behind the one before, shows what stood there, and takes something away or composes it."""
    behind = 0
    for edit in UnicodeCleaner().clean(text, channel).edits:
        assert behind <= edit.start < edit.end
        assert edit.before == text[edit.start : edit.end] != edit.after
        assert (edit.reason == "half of a character") == all(map(is_half, edit.before)) == (edit.after == "")
        behind = edit.end


@pytest.mark.parametrize("word", ["Bie\u0302\u0301n", "e\u0301e\u0301" * 1000, "e\u0301" + "e" + "\u0301" * 8])
def test_accented_letters_side_by_side_are_one_edit(word: str) -> None:
    """An edit is what a reader sees changed; 2,000 letters are no more than one."""
    cleaned = UnicodeCleaner().clean(f"a {word} b", Channel.SMS)
    assert cleaned.text == unicodedata.normalize("NFC", f"a {word} b")
    assert [edit.reason for edit in cleaned.edits] == ["letter and accent composed"]


def test_a_long_run_of_accents_ends_the_edit() -> None:
    """It stays as it is, and what is before it and behind it is composed."""
    stays = "o" + "\u0301" * 9
    cleaned = UnicodeCleaner().clean(f"e\u0301{stays}e\u0301", Channel.SMS)
    assert cleaned.text == f"\u00e9{stays}\u00e9"
    assert [(edit.start, edit.end) for edit in cleaned.edits] == [(0, 2), (12, 14)]
