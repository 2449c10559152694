"""Strategies for what flows, what goes wrong, and what nobody may see."""

from __future__ import annotations

import functools
import string
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from notifykit.errors import Scope, TransportError
from notifykit.models.message import Edit
from notifykit.redaction import Secret
from notifykit.settings.dsn import Dsn

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

DIGITS: Final = "0123456789"
#: What may stand in a password: all of ASCII that can be typed, and letters of other scripts.
TYPED: Final = string.ascii_letters + string.digits + string.punctuation + " éßپ世😀"


@functools.cache
def any_text(max_size: int = 40) -> SearchStrategy[str]:
    """Draw any text at all, lone surrogates and control characters included, and often with digits in it."""
    anything = st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None)
    likely = st.sampled_from("0123456789٠١٢٣٩۰ +-().@*#=\"'abcE\ud800\u200e\n")
    return st.text(st.one_of(likely, anything), max_size=max_size)


@functools.cache
def numbers(min_size: int = 7, max_size: int = 15) -> SearchStrategy[str]:
    """Draw a number in its canonical form."""
    return st.text(DIGITS, min_size=min_size, max_size=max_size)


@functools.cache
def passwords() -> SearchStrategy[str]:
    """Draw a password that differs from everything else in a line: it has a character that nothing else has."""
    part = st.text(TYPED.replace("*", ""), max_size=12)
    return st.builds("{}§{}".format, part, part).filter(lambda text: text == text.strip())


def every_kind_of_transport_error() -> list[type[TransportError]]:
    """Return the class itself and every one below it that the framework defines."""
    found = [TransportError]
    for kind in found:
        found += [below for below in kind.__subclasses__() if below.__module__ == TransportError.__module__]
    return found


def transport_errors() -> SearchStrategy[TransportError]:
    """Draw an error of any kind with any fields."""
    words = any_text(12)
    return st.builds(
        lambda kind, *fields: kind(*fields),
        st.sampled_from(every_kind_of_transport_error()),
        words,
        st.none() | words,
        st.none() | words,
        words,
        st.lists(st.floats(0, 1e6), max_size=3).map(tuple),
        st.sampled_from(Scope),
    )


@st.composite
def edited_texts(draw: st.DrawFn, cleaner: str = "first", text: str | None = None) -> tuple[str, list[Edit], str]:
    """Draw a text, edits of it by one cleaner in order of their position, and the text that they lead to."""
    if text is None:
        text = draw(any_text())
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    cuts = cuts[: len(cuts) // 2 * 2]
    edits, pieces, position = [], [], 0
    for start, end in zip(cuts[::2], cuts[1::2], strict=True):
        after = draw(any_text(5))
        edits.append(Edit(start, end, text[start:end], after, "because", cleaner))
        pieces += [text[position:start], after]
        position = end
    return text, edits, "".join(pieces) + text[position:]


@functools.cache
def dsns() -> SearchStrategy[Dsn]:
    """Draw a DSN with anything in it that a DSN can have."""
    words = st.text(TYPED, min_size=1, max_size=12)
    label = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=10)
    hosts = st.one_of(
        st.just("default"),
        st.lists(label, min_size=1, max_size=3).map(".".join),
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map(str),
    )
    first, rest = st.sampled_from(string.ascii_lowercase), st.text(string.ascii_lowercase + "0123456789+.-", max_size=8)
    return st.builds(
        Dsn,
        scheme=st.builds("{}{}".format, first, rest),
        host=hosts,
        port=st.none() | st.integers(0, 65535),
        user=st.none() | words,
        password=st.none() | passwords().map(Secret),
        path=st.sampled_from(["", "/", "/a/b", "/hooks/T0/B0/xyz"]),
        options=st.dictionaries(words, st.text(TYPED, max_size=12), max_size=4),
    )
