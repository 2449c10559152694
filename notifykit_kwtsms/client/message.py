"""Cleaning a text, under its documented name."""

from __future__ import annotations

from notifykit_kwtsms.text.cleaning import clean_text


def clean_message(text: str) -> str:
    """Return a text as the gateway can carry it: no emoji, hidden characters or HTML tags, and Latin digits only.

    ``send`` does it by itself. A text of nothing else comes back empty.
    """
    return clean_text(text)
