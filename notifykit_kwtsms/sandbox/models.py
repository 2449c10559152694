"""What the sandbox's models share: how a repr shows them, and the error for what is not there."""

from __future__ import annotations

from collections.abc import Sized

from notifykit.redaction import redact_address


class NotFoundError(LookupError):
    """The sandbox has nothing of that name."""


def show_count(value: Sized) -> str:
    """Return how many things are in a collection, in place of the things."""
    return str(len(value))


def show_number(number: str | None) -> str:
    """Return a number with stars; None stays None."""
    return str(number) if number is None else redact_address(number)


def show_numbers(numbers: tuple[str, ...]) -> str:
    """Return numbers with stars."""
    return "(" + ", ".join(redact_address(number) for number in numbers) + ")"
