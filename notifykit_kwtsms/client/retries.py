"""When the documented client tries again by itself: a full queue in a bulk send, and nothing else."""

from __future__ import annotations

from typing import Final

import attrs

from notifykit import RetryPolicy, TransportError

_QUEUE_FULL: Final = "ERR013"
#: A number that was sent to less than fifteen seconds ago: ``send_with_retry`` waits for it.
TOO_SOON: Final = "ERR028"


@attrs.frozen
class QueueFullOnly(RetryPolicy):
    """Waits for a queue that is full, 30, 60 and 120 seconds; leaves everything else to the caller."""

    def wait(self, error: TransportError, tries: int, *, alone: bool) -> float | None:
        """Return the seconds to wait before the next try, or None to leave it."""
        return super().wait(error, tries, alone=alone) if error.code == _QUEUE_FULL else None
