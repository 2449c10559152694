"""Who was sent most. A person is a hash or a number; only what may be shown leaves the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from notifykit.redaction import redact_address

#: Recipients that are kept; each is about 200 bytes.
_MOST_PEOPLE: Final = 200_000


@attrs.frozen
class Person:
    """One recipient."""

    #: The number, redacted unless it was asked for.
    to: str
    #: How many messages were sent to it.
    messages: int


@attrs.define
class People:
    """How many messages each recipient got, in bounded memory."""

    #: By hash, or by number where the log has no hash: how many, and what the log shows of the number.
    rows: dict[str, tuple[int, str]] = attrs.field(factory=dict, repr=False)
    #: Whether recipients were left out.
    full: bool = False

    def add(self, counts: Mapping[tuple[str, str], int], sign: int = 1) -> None:
        """Count messages to recipients.

        :param counts: how many, by the hash or the number, and the number as the log shows it.
        :param sign: -1 takes them back.
        """
        rows = self.rows
        for (who, shown), count in counts.items():
            found = rows.get(who)
            if found is not None:
                rows[who] = (found[0] + sign * count, min(found[1], shown))
                continue
            if len(rows) >= _MOST_PEOPLE:
                rows = self._make_room()
            rows[who] = (sign * count, shown)

    def _make_room(self) -> dict[str, tuple[int, str]]:
        """Leave out those with the fewest messages, at least half of them; return the others."""
        self.full = True
        most = sorted(self.rows.items(), key=lambda row: row[1], reverse=True)
        self.rows = dict(most[: _MOST_PEOPLE // 2])
        return self.rows

    def merge(self, other: People) -> None:
        """Add the counts of another part of the log."""
        self.full |= other.full
        self.add({(who, shown): count for who, (count, shown) in other.rows.items()})

    def top(self, count: int = 10, *, show_numbers: bool = False) -> list[Person]:
        """Return who got most, with redacted numbers unless they are asked for."""
        most = sorted(self.rows.values(), key=lambda row: (-row[0], row[1]))[:count]
        return [
            Person(shown if show_numbers or "*" in shown else redact_address(shown), messages)
            for messages, shown in most
            if messages > 0
        ]
