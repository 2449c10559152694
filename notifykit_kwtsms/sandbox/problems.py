"""What the sandbox's own interface can object to."""

from __future__ import annotations


class NotThere(LookupError):  # noqa: N818 - it is an answer, 404
    """The sandbox has nothing of that name."""
