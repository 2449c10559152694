"""What a verifier answers: what happened to a code, and whether what a person typed was right."""

from __future__ import annotations

import datetime
import enum
import math
from collections.abc import Mapping
from typing import Final

import attrs

from notifykit.models.receipt import Receipt


class StartStatus(enum.StrEnum):
    """How :meth:`Verifier.start` ended."""

    #: The provider took the message.
    SENT = "sent"
    #: A message was sent a short time ago: ``retry_after`` has the seconds until the next.
    WAIT = "wait"
    #: A rule of the settings or a guard held it back.
    BLOCKED = "blocked"
    #: It may have been sent. The code is valid.
    UNKNOWN = "unknown"
    #: It was certainly not sent.
    FAILED = "failed"


class CheckReason(enum.StrEnum):
    """Why :meth:`Verifier.check` answered as it did."""

    #: It is the code.
    CORRECT = "correct"
    #: It is another code, or nobody asked for one: the answer is the same.
    WRONG = "wrong"
    #: It was the code, too late.
    EXPIRED = "expired"
    #: It was the code, and was taken before.
    USED = "used"
    #: There were too many guesses, for this code or for this number today.
    TOO_MANY = "too_many"
    #: Nothing was compared: the number is no number, or nothing was typed. It is not counted as a guess.
    NONE = "none"


_STATUS: Final = {StartStatus.SENT: 200, StartStatus.UNKNOWN: 202, StartStatus.WAIT: 429}
#: Rules that end by themselves.
LIMITS: Final = frozenset({"guesses_per_day", "per_number", "per_client", "per_prefix", "per_country", "points"})


def _retry_headers(seconds: float | None) -> Mapping[str, str]:
    return {} if seconds is None else {"Retry-After": str(max(1, math.ceil(seconds)))}


@attrs.frozen(kw_only=True)
class Started:
    """What happened when a code was asked for. It never holds the code."""

    #: ``sent``, ``wait``, ``blocked``, ``unknown`` or ``failed``.
    status: StartStatus
    #: What held it back: the name of the setting, such as ``per_number``, or of a guard; None if nothing did.
    rule: str | None = None
    #: Why, in one sentence without numbers or codes.
    reason: str = ""
    #: Seconds until another try makes sense; None if it does not or is not needed.
    retry_after: float | None = None
    #: Until when the code is valid, UTC; None if there is none.
    expires: datetime.datetime | None = None
    #: Whether it is a code that was sent before.
    resend: bool = False
    #: What the pipeline says about the message; None if it was not tried.
    receipt: Receipt | None = attrs.field(default=None, repr=False)

    @property
    def http_status(self) -> int:
        """The status of an HTTP answer: 200, 202 (unknown), 422 (no number), 429 (later), 403 (blocked) or 503."""
        if self.status is StartStatus.BLOCKED:
            return 429 if self.retry_after is not None or self.rule in LIMITS else 403
        if self.status is StartStatus.FAILED:
            return 422 if self.rule == "number" else 503
        return _STATUS[self.status]

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of an HTTP answer: ``Retry-After`` where waiting helps."""
        return _retry_headers(self.retry_after)

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}" if self.reason else str(self.status)


@attrs.frozen(kw_only=True)
class Checked:
    """Whether what was typed is the code."""

    #: ``correct``, ``wrong``, ``expired``, ``used``, ``too_many`` or ``none``.
    reason: CheckReason
    #: Guesses that are left for the code; 0 if another one has to be asked for.
    attempts_left: int = 0
    #: After too many guesses of a day, the seconds until the next one; else None.
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the person has the number. It is true once for a code."""
        return self.reason is CheckReason.CORRECT

    @property
    def http_status(self) -> int:
        """The status of an HTTP answer: 200, 429 after too many guesses, or 403."""
        return 200 if self.ok else 429 if self.reason is CheckReason.TOO_MANY else 403

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of an HTTP answer: ``Retry-After`` where waiting helps."""
        return _retry_headers(self.retry_after)

    def __bool__(self) -> bool:
        raise TypeError("a Checked is neither true nor false: ask checked.ok")

    def __str__(self) -> str:
        return str(self.reason)


@attrs.frozen(kw_only=True)
class Traffic:
    """The codes of one prefix in the last 24 hours."""

    #: ISO code of the country; None if it is not known.
    country: str | None
    #: The beginning of the 1,000 numbers.
    prefix: str
    #: Codes that were sent; a resend is not counted again.
    sent: int
    #: Codes that were typed.
    verified: int
    #: Since when nothing is sent to it, UTC; None if it is not held.
    held: datetime.datetime | None = None

    @property
    def conversion(self) -> float | None:
        """Verified ÷ sent; None if nothing was sent."""
        return self.verified / self.sent if self.sent else None
