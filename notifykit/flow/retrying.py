"""Whether to try again, as a decision that can be read and tested without waiting."""

from __future__ import annotations

import attrs

from notifykit.errors import Scope, TransportError


@attrs.frozen
class RetryPolicy:
    """Decides over one failed try.

    Only what was certainly not sent is tried again, on the schedule that the error brings. Where the error is about
    the recipient (the gateway's fifteen seconds between two messages to one number) a single send is not held up:
    its caller is told ``retry_after`` and decides. A batch waits.
    """

    #: The most tries for one batch, the first one included.
    most_tries: int = 4
    #: Waits longer than this, in seconds, are left to the caller.
    longest_wait: float = 120.0

    @classmethod
    def never(cls) -> RetryPolicy:
        """Return a policy that tries once."""
        return cls(most_tries=1)

    def wait(self, error: TransportError, tries: int, recipients: int) -> float | None:
        """Return the seconds to wait before the next try, or None to leave it.

        :param error: why the last try failed.
        :param tries: how many there have been.
        :param recipients: how many the batch has.
        """
        if not error.safe_to_resend or tries >= self.most_tries or tries > len(error.waits):
            return None
        if error.scope is Scope.RECIPIENT and recipients == 1:
            return None
        wait = error.waits[tries - 1]
        return wait if wait <= self.longest_wait else None
