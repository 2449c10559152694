"""What a text would cost with cheaper characters in place of those that made it dear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from notifykit.cli.messages import quoted
from notifykit.cli.output import plural
from notifykit.models.capabilities import ForcedCharacter, Measurement


@attrs.frozen
class Saving:
    """One replacement, and what it saves."""

    #: What is replaced: one character, or all that can be.
    forced: tuple[ForcedCharacter, ...]
    #: Segments that a recipient saves by it.
    segments: int
    #: How many times the characters stand in the text.
    times: int

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "characters": [attrs.asdict(forced) for forced in self.forced],
            "saves_segments": self.segments,
            "times": self.times,
        }


def alone(text: str, size: Measurement, measure: Callable[[str], Measurement]) -> list[Saving]:
    """Return what each character would save if it alone were replaced."""
    return [_saving(text, (forced,), size, measure) for forced in size.forced]


def together(text: str, size: Measurement, measure: Callable[[str], Measurement]) -> Saving | None:
    """Return what replacing everything that can be replaced would save; None where nothing can be."""
    replaceable = tuple(forced for forced in size.forced if forced.replacement is not None)
    return _saving(text, replaceable, size, measure) if replaceable else None


def _saving(
    text: str, forced: tuple[ForcedCharacter, ...], size: Measurement, measure: Callable[[str], Measurement]
) -> Saving:
    table = {ord(one.character): one.replacement for one in forced if one.replacement is not None}
    times = sum(text.count(one.character) for one in forced)
    after = measure(text.translate(table)) if table else size
    return Saving(forced, size.segments - after.segments, times)


def suggestion(text: str, size: Measurement, measure: Callable[[str], Measurement]) -> str:
    """Return in one sentence what replacing would save."""
    best = together(text, size, measure)
    hopeless = sum(1 for forced in size.forced if forced.replacement is None)
    if best is None or best.segments <= 0:
        room = f"; {plural(size.units_left, 'unit')} left in this segment" if size.units_left else ""
        return f"nothing by replacing characters{room}"
    swaps = ", ".join(f"{in_words(forced)} for {quoted(forced.character)}" for forced in best.forced)
    rest = f" ({hopeless} others have no replacement)" if hopeless else ""
    left = size.segments - best.segments
    return f"{plural(best.segments, 'segment')}: {swaps} makes it {plural(left, 'segment')}{rest}"


def in_words(forced: ForcedCharacter) -> str:
    """Return what stands in place of a character, in words where it is nothing."""
    if forced.replacement is None:
        return "no replacement"
    return quoted(forced.replacement) if forced.replacement else "nothing"
