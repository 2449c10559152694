"""Texts that the gateway would refuse are known before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given

from notifykit.errors import ContentRejected
from notifykit.models.message import Message
from notifykit_kwtsms.text.cleaning import check, clean
from notifykit_kwtsms.text.segments import measure
from tests.kwtsms.text.strategies_text import any_text, long_texts, messy


@pytest.mark.parametrize("text", ["", " ", "\n\t ", clean("🎉\u200b").text])
def test_empty(text: str) -> None:
    """A text of nothing but space is the gateway's ERR009."""
    error = check(Message(text))
    assert isinstance(error, ContentRejected)
    assert error.code == "ERR009"


@pytest.mark.parametrize(("unit", "most"), [("a", 1071), ("ي", 469)])
def test_too_long(unit: str, most: int) -> None:
    """Seven segments pass, one character more is the gateway's ERR012."""
    assert check(Message(unit * most)) is None
    error = check(Message(unit * (most + 1)))
    assert isinstance(error, ContentRejected)
    assert error.code == "ERR012"


@given(any_text | messy | long_texts)
def test_agrees_with_the_measurement(text: str) -> None:
    """A text passes exactly if it is not blank and has at most seven segments."""
    assert (check(Message(text)) is None) == (bool(text.strip()) and measure(text).segments <= 7)
