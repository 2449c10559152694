"""Who was sent most. A person is a hash or a number; only what may be shown leaves the table."""

from __future__ import annotations

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

    def add(self, who: str, shown: str, count: int = 1) -> None:
        """Count messages to a recipient.

        :param who: the hash or the number.
        :param shown: the number as the log has it.
        """
        found = self.rows.get(who)
        if found is None:
            if len(self.rows) >= _MOST_PEOPLE:
                self._make_room()
            self.rows[who] = (count, shown)
        else:
            self.rows[who] = (found[0] + count, min(found[1], shown))

    def _make_room(self) -> None:
        """Leave out those with the fewest messages, at least half of them."""
        self.full = True
        most = sorted(self.rows.items(), key=lambda row: row[1], reverse=True)
        self.rows = dict(most[: _MOST_PEOPLE // 2])

    def merge(self, other: People) -> None:
        """Add the counts of another part of the log."""
        self.full |= other.full
        for who, (count, shown) in other.rows.items():
            self.add(who, shown, count)

    def top(self, count: int = 10, *, show_numbers: bool = False) -> list[Person]:
        """Return who got most, with redacted numbers unless they are asked for."""
        most = sorted(self.rows.values(), key=lambda row: (-row[0], row[1]))[:count]
        return [
            Person(shown if show_numbers else redact_address(shown), messages)
            for messages, shown in most
            if messages > 0
        ]
