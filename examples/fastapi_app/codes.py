"""The codes that people were sent and have not typed yet."""

import secrets
import time

import attrs

#: Seconds in which a code is valid.
LIFETIME = 300
#: How many wrong codes are allowed.
TRIES = 5


@attrs.define
class _Code:
    mobile: str
    code: str
    until: float
    tries: int = TRIES


class Codes:
    """Keeps codes in the memory of one process: with several of them, keep these few fields in Redis."""

    def __init__(self) -> None:
        self._kept: dict[str, _Code] = {}

    def keep(self, mobile: str, code: str) -> str:
        """Keep a code until it is typed or too old, and return the ticket that it is asked for by."""
        now = time.monotonic()
        self._kept = {ticket: kept for ticket, kept in self._kept.items() if kept.until > now}
        ticket = secrets.token_urlsafe()
        self._kept[ticket] = _Code(mobile, code, now + LIFETIME)
        return ticket

    def take(self, ticket: str, code: str) -> str | None:
        """Return whose mobile it is, once; None where the code is wrong, too old, or was guessed at too often."""
        kept = self._kept.get(ticket)
        if kept is None or kept.until <= time.monotonic() or not kept.tries:
            return None
        kept.tries -= 1
        if not secrets.compare_digest(kept.code.encode(), code.encode()):
            return None
        del self._kept[ticket]
        return kept.mobile
