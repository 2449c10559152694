"""What somebody meant who typed something else."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(word: str, words: Iterable[str]) -> str | None:
    """Return which of these words was probably meant."""
    return next(iter(difflib.get_close_matches(word, list(words), 1)), None)
