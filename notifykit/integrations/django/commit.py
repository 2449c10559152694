"""``notify_on_commit``: a message about what is committed, and none about what was rolled back."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import transaction

from notifykit.errors import NotifyError
from notifykit.integrations.django.configuration import DEFAULT
from notifykit.integrations.django.registry import notifiers
from notifykit.integrations.django.signals import on_commit_finished
from notifykit.models.receipt import Outcome, Receipt
from notifykit.pipeline.stages import Addresses

_log = logging.getLogger("notifykit.django")


def notify_on_commit(
    to: Addresses,
    text: str,
    *,
    key: str | None = None,
    using: str = DEFAULT,
    database: str | None = None,
    tags: str | Iterable[str] = (),
    **options: Any,
) -> None:
    """Send a text once the transaction is committed; outside a transaction, now.

    The request is over for the user then, so nothing is raised: what was not sent is logged, without a number, and the signal
    :data:`on_commit_finished` has the report or the error.

    :param key: submit it as a job of this name instead: it survives the end of the process, and is sent once however often
        it is submitted. The extra ``durable`` stores jobs.
    :param using: the notifier's name in the settings.
    :param database: the database whose commit is waited for, by its name in ``DATABASES``; ``default`` without one.
    :param tags: labels for events, logs and the signal.
    :param options: those of ``Notifier.send``, or of ``Notifier.submit`` with a key.
    :raises ConfigError: at once, where the settings can't be used.
    :raises TypeError: at once, where the text or a label is none.
    """
    tags = (tags,) if isinstance(tags, str) else tuple(tags)
    notifiers[using]  # raises here, where the settings can't be used
    for name, value in (("text", text), *(("a tag", tag) for tag in tags)):
        if not isinstance(value, str):
            raise TypeError(f"{name} is a {type(value).__name__}: give a str")
    # What is iterated once has to be read now, before what it reads from has changed.
    people = list(to) if isinstance(to, Iterable) and not isinstance(to, str) else to
    transaction.on_commit(partial(_deliver, people, text, key, using, tags, options), using=database)


def _deliver(to: Addresses, text: str, key: str | None, using: str, tags: tuple[str, ...], options: Any) -> None:
    report = job = error = None
    try:
        if key is None:
            report = notifiers[using].send(to, text, tags=tags, **options)
        else:
            job = notifiers[using].submit(to, text, key=key, tags=tags, **options)
    except Exception as raised:  # the transaction is committed: its request goes on
        error = raised
        words = str(raised) if isinstance(raised, NotifyError) else type(raised).__name__
        _log.error("a message on commit (%s) was not sent: %s", _named(key, tags), words)
    if report is not None:
        _log_failures(report.receipts, _named(None, tags))
    on_commit_finished.send_robust(using, report=report, job=job, error=error, tags=tags)


def _log_failures(receipts: Iterable[Receipt], named: str) -> None:
    """Log once for each error what a person has to do something about."""
    failed = Counter((r.outcome, str(r.error)) for r in receipts if r.outcome in (Outcome.REJECTED, Outcome.UNKNOWN))
    for (outcome, words), count in failed.items():
        what = "may have been sent, and are not sent again" if outcome is Outcome.UNKNOWN else "were not sent"
        _log.warning("%d messages on commit (%s) %s: %s", count, named, what, words)


def _named(key: str | None, tags: tuple[str, ...]) -> str:
    return key or ", ".join(tags) or "without a tag"
