"""The retry policy: whether to try again, as a decision that can be read and tested without waiting."""

from __future__ import annotations

import attrs

from notifykit.errors import Exhausted, NotReached, RateLimited, Scope, TransportError
from notifykit.models.receipt import Outcome, Receipt

_RETRIED = (NotReached, RateLimited)


@attrs.frozen
class RetryPolicy:
    """Decides about one failed try.

    Only what was certainly not sent is tried again, after the waits that the error names: no connection was made, or the
    provider itself named a limit. A bare "not available" is for the caller to decide, because a proxy may have answered it
    after the request reached the provider. Where the error is about the recipient (the gateway's fifteen seconds between
    two messages to one number) a single send does not wait: its caller gets ``retry_after`` and decides. A batch waits.
    """

    #: The most tries for one batch, the first one included.
    most_tries: int = 4
    #: The longest wait, in seconds; after a longer one the caller may try again.
    longest_wait: float = 120.0

    @classmethod
    def never(cls) -> RetryPolicy:
        """Return a policy that tries once."""
        return cls(most_tries=1)

    def after(self, failure: Receipt | TransportError, tries: int, *, alone: bool) -> float | None:
        """Return the seconds until a recipient may be tried again, or None for no other try.

        :param failure: the receipt of the recipient, or the error of the whole request.
        """
        if isinstance(failure, TransportError):
            return self.wait(failure, tries, alone=alone)
        if failure.outcome is not Outcome.REJECTED or failure.error is None or not failure.attempts:
            return None
        return self.wait(failure.error, tries, alone=alone)

    def wait(self, error: TransportError, tries: int, *, alone: bool) -> float | None:
        """Return the seconds to wait before the next try, or None for no other try.

        :param error: why the last try failed.
        :param tries: how many there have been.
        :param alone: whether the send has only this one recipient.
        """
        if isinstance(error, Exhausted):
            # An error about the recipient or the text decides alone.
            causes = [c for c in error.causes if error.scope.allows_failover or not c.scope.allows_failover]
            waits = (self.wait(cause, tries, alone=alone) for cause in causes)
            return min((wait for wait in waits if wait is not None), default=None)
        if not isinstance(error, _RETRIED) or tries >= self.most_tries or tries > len(error.waits):
            return None
        if error.scope is Scope.RECIPIENT and alone:
            return None
        wait = error.waits[tries - 1]
        return wait if wait <= self.longest_wait else None
