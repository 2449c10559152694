"""What people read where a code could not be sent."""

import logging

from notifykit import Started

logger = logging.getLogger(__name__)


def explain(started: Started) -> tuple[int, str]:
    """Return the status and the sentence for what happened. What an operator has to do goes to the log."""
    match started.status:
        case "sent":
            return 200, "We have sent you a code."
        case "unknown":
            # It may be on its way: a second one now would only confuse.
            return 202, "Your code should arrive in a moment. If it does not, ask for another in two minutes."
        case _ if started.rule == "number":
            return 422, "Please check the number."
        case _ if started.retry_after:
            return 429, f"Please wait {started.retry_after:.0f} seconds and try again."
        case _:
            logger.error("no code was sent: %s", started.receipt or started)
            return 503, "We can't send codes at the moment."
