"""Send a one-time code, and act on each of its outcomes.

    python examples/one_time_code.py 96598765432

Without an account: run `notifykit sandbox` in another terminal and paste the lines that it prints.
"""

import secrets
import sys

from notifykit import Notifier


def send_code(notifier: Notifier, number: str) -> str:
    """Send a fresh code and return the sentence that the person should see."""
    code = f"{secrets.randbelow(1_000_000):06}"
    # In brackets it is one number, whatever was typed.
    (receipt,) = notifier.send([number], f"Your code for MYAPP is {code}", tags=["otp"], deadline=20)
    match receipt.outcome:
        case "accepted":
            return "We have sent you a code."
        case "unknown":
            # It may be on its way: a second one now would only confuse.
            return "Your code should arrive in a moment. If it does not, ask for another in two minutes."
        case "rejected" if receipt.retry_after:
            return f"Please wait {receipt.retry_after:.0f} seconds and try again."
        case "rejected" if receipt.error.scope == "recipient":
            return "Please check the number."
        case _:
            print(f"for the operator: {receipt}", file=sys.stderr)
            return "We can't send codes at the moment."


if __name__ == "__main__":
    with Notifier.from_settings() as notifier:
        print(send_code(notifier, sys.argv[1]))
