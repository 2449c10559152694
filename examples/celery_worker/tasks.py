"""One-time codes, sent by a Celery worker: never twice, and tried again only where nothing was sent.

Start a worker with `celery -A tasks worker`, and call `ask_for_code` from the web application.
"""

import functools
import os
import secrets
from typing import Any

from celery import Celery, Task
from celery.result import AsyncResult

from notifykit import Notifier, Outcome, RetryPolicy

#: Seconds in which a code may be sent; afterwards the user no longer waits for it.
LIFETIME = 120


class Discreet(Task):
    """A task whose arguments are shown nowhere: worker logs and monitors would have numbers and codes in them."""

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> AsyncResult:
        return super().apply_async(args, kwargs, **options | {"argsrepr": "(…)", "kwargsrepr": "{…}"})


app = Celery(
    "shop",
    task_cls=Discreet,
    broker=os.environ.get("CELERY_BROKER_URL", "redis://localhost:6379/0"),
    backend=os.environ.get("CELERY_RESULT_BACKEND", "redis://localhost:6379/1"),
)
app.conf.update(task_serializer="json", accept_content=["json"], result_expires=3600)


@functools.cache
def notifier() -> Notifier:
    """Return the notifier of this process. It is made at the first task: Celery forks its workers before that.

    It never waits for another try itself. The broker does, and the worker is free for others meanwhile.
    """
    return Notifier.from_settings(retry=RetryPolicy.never())


def ask_for_code(mobile: str) -> tuple[str, AsyncResult]:
    """Have a fresh code sent, and return it with what will be known of it: an outcome."""
    code = f"{secrets.randbelow(1_000_000):06}"
    return code, send_code.apply_async((mobile, code), expires=LIFETIME)


# A task that is acknowledged late is given to another worker when its own dies, and the code is sent twice.
@app.task(bind=True, acks_late=False, max_retries=5)
def send_code(self: Task, mobile: str, code: str) -> str:
    """Send a code and return its outcome."""
    (receipt,) = notifier().send([mobile], f"Your code for MYAPP is {code}", tags=["otp"], deadline=20)
    # Only what was certainly not sent is rejected, and the provider says how long to wait. What is unknown may be on
    # its way; what is skipped was held back by a guard, or came too late.
    if receipt.outcome is Outcome.REJECTED and receipt.retry_after:
        # Without exc, the last error would have the task's arguments in it.
        raise self.retry(countdown=receipt.retry_after, exc=receipt.error)
    return receipt.outcome.value
