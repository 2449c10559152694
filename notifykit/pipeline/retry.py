"""Whether to try again, as a decision that can be read and tested without waiting."""

from __future__ import annotations

import attrs

from notifykit.errors import Exhausted, NotReached, RateLimited, Scope, TransportError
from notifykit.models.receipt import Outcome, Receipt

_TRIED_AGAIN = (NotReached, RateLimited)


@attrs.frozen
class RetryPolicy:
    """Decides over one failed try.

    Only what was certainly not sent is tried again, on the schedule that the error brings: no connection came about, or
    the provider itself named a limit. A bare "not available" is left to the caller, because something between us and
    the provider may have said it after the request went through. Where the error is about the recipient (the gateway's fifteen seconds between two messages to one number) a single send is not held up:
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

    def after(self, ended: Receipt | TransportError, tries: int, *, alone: bool) -> float | None:
        """Return the seconds until a recipient may be tried again, or None where nothing is to be tried.

        :param ended: how it ended for the recipient, or for everybody in the request.
        """
        if isinstance(ended, TransportError):
            return self.wait(ended, tries, alone=alone)
        if ended.outcome is not Outcome.REJECTED or ended.error is None or not ended.attempts:
            return None
        return self.wait(ended.error, tries, alone=alone)

    def wait(self, error: TransportError, tries: int, *, alone: bool) -> float | None:
        """Return the seconds to wait before the next try, or None to leave it.

        :param error: why the last try failed.
        :param tries: how many there have been.
        :param alone: whether the send has only this one recipient.
        """
        if isinstance(error, Exhausted):
            # Where somebody spoke about the recipient or the text, nobody else has a say.
            causes = [c for c in error.causes if error.scope.moves_traffic or not c.scope.moves_traffic]
            waits = (self.wait(cause, tries, alone=alone) for cause in causes)
            return min((wait for wait in waits if wait is not None), default=None)
        if not isinstance(error, _TRIED_AGAIN) or tries >= self.most_tries or tries > len(error.waits):
            return None
        if error.scope is Scope.RECIPIENT and alone:
            return None
        wait = error.waits[tries - 1]
        return wait if wait <= self.longest_wait else None
