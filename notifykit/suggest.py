"""Suggests a known name in place of one that is not known: “did you mean …?”."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """Return the known name that is most like a word, ignoring case; None where none is.

    :param word: what was written; dashes in front of it do not count.
    :param known: the names that there are.
    :param least: how alike they have to be, from 0 to 1.
    """
    from difflib import get_close_matches  # seldom needed, and a tenth of the start of a small program

    lowered = {name.lower().lstrip("-"): name for name in known}
    found = get_close_matches(word.lower().lstrip("-"), lowered, 1, least)
    return lowered[found[0]] if found else None


def did_you_mean(
    word: str,
    known: Iterable[str],
    otherwise: str | None = None,
    *,
    form: str = "did you mean {}?",
    least: float = 0.6,
) -> str:
    """Return a question for the name that was probably meant.

    :param word: what was written.
    :param known: the names that there are.
    :param otherwise: what to return where none is like it; without it, the list of them.
    :param form: the question, with ``{}`` for the name.
    :param least: how alike they have to be, from 0 to 1.
    """
    names = tuple(known)
    name = closest(word, names, least)
    if name is not None:
        return form.format(name)
    return f"there are {', '.join(names) or 'none'}" if otherwise is None else otherwise
