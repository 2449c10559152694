"""One-time codes, sent by a Celery worker: never twice, and tried again only where nothing was sent.

Start a worker with `celery -A tasks worker`, and call `ask_for_code` from the web application.
"""

import os
import secrets

from celery import Celery
from celery.result import AsyncResult

from notifykit.integrations.celery import SendTask

#: Seconds in which a code may be sent; afterwards the user no longer waits for it.
LIFETIME = 120

app = Celery(
    "shop",
    broker=os.environ.get("CELERY_BROKER_URL", "redis://localhost:6379/0"),
    backend=os.environ.get("CELERY_RESULT_BACKEND", "redis://localhost:6379/1"),
)
app.conf.update(result_expires=3600, worker_prefetch_multiplier=1)


def ask_for_code(mobile: str) -> tuple[str, AsyncResult]:
    """Have a fresh code sent, and return it with what will be known of it: an outcome."""
    code = f"{secrets.randbelow(1_000_000):06}"
    return code, send_code.apply_async((mobile, code), expires=LIFETIME)


@app.task(bind=True, base=SendTask)
def send_code(self: SendTask, mobile: str, code: str) -> str:
    """Send a code and return its outcome."""
    return self.send(mobile, f"Your code for MYAPP is {code}", tags=["otp"])
