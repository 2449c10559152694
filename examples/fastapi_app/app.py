"""Logging in with a one-time code, and taking its delivery reports.

Start it with `uvicorn app:app`.
"""

import logging
import os
import secrets

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel

from codes import Codes
from notifykit import Receipt
from notifykit.integrations.fastapi import NotifierDep, lifespan, report_router
from notifykit_kwtsms import delivery_report

logger = logging.getLogger(__name__)
codes = Codes()

app = FastAPI(lifespan=lifespan())
app.include_router(report_router(os.environ["REPORTS_SECRET"], delivery_report, path="/reports"))


class Person(BaseModel):
    """Who wants to log in."""

    mobile: str


class Typed(BaseModel):
    """What the user has typed."""

    code: str


class Answer(BaseModel):
    """What the person reads, and where the code is to be typed."""

    message: str
    ticket: str | None = None


@app.post("/codes")
async def send_code(person: Person, notifier: NotifierDep, response: Response) -> Answer:
    """Send a code. The person waits for this: it ends within twenty seconds."""
    code = f"{secrets.randbelow(1_000_000):06}"
    # In a list, what was typed is one number: "98765432,98765433" would be two.
    (receipt,) = await notifier.send([person.mobile], f"Your code for MYAPP is {code}", tags=["otp"], deadline=20)
    response.status_code, message = explain(receipt)
    sent = receipt.outcome in ("accepted", "unknown")
    return Answer(message=message, ticket=codes.keep(receipt.to, code) if sent else None)


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


@app.post("/codes/{ticket}")
async def log_in(ticket: str, typed: Typed) -> Person:
    """Log the user in who has typed the right code."""
    mobile = codes.take(ticket, typed.code)
    if mobile is None:
        raise HTTPException(403, "That is not the code. Check it, or ask for another.")
    return Person(mobile=mobile)
