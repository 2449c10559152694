"""The strategies reach what they are for."""

from __future__ import annotations

import pytest
from hypothesis import find, settings

from tests.kwtsms.text.strategies_text import TAG, is_hidden, is_pictograph, long_texts, texts


@pytest.mark.parametrize(
    "wanted",
    [
        lambda text: any(map(is_pictograph, text)),
        lambda text: any(map(is_hidden, text)),
        lambda text: any("\ud800" <= character <= "\udfff" for character in text),
        lambda text: TAG.search(text) is not None,
        lambda text: "\u200d" in text.strip("\u200d"),
    ],
    ids=["emoji", "hidden", "surrogate", "tag", "joiner"],
)
def test_texts_have(wanted: object) -> None:
    """Among the texts are those that the cleaners exist for."""
    find(texts, wanted, settings=settings(max_examples=2000, database=None))  # type: ignore[arg-type]


def test_long_texts_are_long() -> None:
    """Among the long texts are those of more than seven segments of either encoding."""
    find(long_texts, lambda text: len(text) > 1071, settings=settings(max_examples=2000, database=None))
