"""What a ``repr`` of the sandbox's records may show."""

from __future__ import annotations

from collections.abc import Sized

from notifykit.redaction import redact_address


def how_many(value: Sized) -> str:
    """Return how many things are in a collection, in place of the things."""
    return str(len(value))


def redacted(number: str | None) -> str:
    """Return a number with stars; None stays None."""
    return str(number) if number is None else redact_address(number)


def all_masked(numbers: tuple[str, ...]) -> str:
    """Return numbers with stars."""
    return "(" + ", ".join(redact_address(number) for number in numbers) + ")"
