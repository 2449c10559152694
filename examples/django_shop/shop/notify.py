"""What the shop sends, and what people read where that does not work."""

import functools
import logging
import secrets

from notifykit import Notifier, Receipt
from shop.models import Order

logger = logging.getLogger(__name__)


@functools.cache
def notifier() -> Notifier:
    """Return the notifier of this process. It is made when it is first used: servers load the application and fork then."""
    return Notifier.from_settings()


def send_code(mobile: str) -> tuple[str, Receipt]:
    """Send a fresh code, and return it with what is known of it. The person waits: it ends within twenty seconds."""
    code = f"{secrets.randbelow(1_000_000):06}"
    # In a list, what was typed is one number: "98765432,98765433" would be two.
    (receipt,) = notifier().send([mobile], f"Your code for MYAPP is {code}", tags=["otp"], deadline=20)
    return code, receipt


def explain(receipt: Receipt) -> tuple[int, str]:
    """Return the status and the sentence for what happened. What an operator has to do goes to the log."""
    match receipt.outcome:
        case "accepted":
            return 200, "We have sent you a code."
        case "unknown":
            # It may be on its way: a second one now would only confuse.
            return 202, "Your code should arrive in a moment. If it does not, ask for another in two minutes."
        case "rejected" if receipt.error.scope == "recipient" and not receipt.retry_after:
            return 422, "Please check the number."
        case _ if receipt.retry_after:
            return 429, f"Please wait {receipt.retry_after:.0f} seconds and try again."
        case _:
            logger.error("no code was sent: %s", receipt)
            return 503, "We can't send codes at the moment."


def confirmed(order: Order) -> None:
    """Submit the message that an order is confirmed. No request waits for it: it is on disk, and survives a crash.

    The key makes it one message, however often the order is confirmed.
    """
    notifier().submit(order.mobile, f"Order {order.number} is confirmed.", key=f"order-{order.number}", tags=["order"])
