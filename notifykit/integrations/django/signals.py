"""Signals of Django for what happened to messages, and the sink that sends them.

Receivers are called in the process and thread where it happened: a delivery report in that of the web server that was
posted to, a job in the worker that sent it. What a receiver raises is logged, and changes nothing of the send.
"""

from __future__ import annotations

import logging
from typing import Final

from django.dispatch import Signal

from notifykit.events import DeliveryChanged, Event, RecipientsFinished

_log = logging.getLogger("notifykit.django")

#: Some recipients have their outcomes. Arguments: ``sender``, the notifier's name in the settings; ``event``, a
#: :class:`~notifykit.events.RecipientsFinished` with how many had each outcome and code.
message_sent: Final = Signal()
#: A delivery report said something new. Arguments: ``sender``, the notifier's name; ``event``, a
#: :class:`~notifykit.events.DeliveryChanged`.
delivery_changed: Final = Signal()
#: A message of ``notify_on_commit`` was sent, or could not be. Arguments: ``sender``, the notifier's name; ``report``, or
#: ``job`` where it was submitted; ``error``, the exception where there is neither; ``tags`` of the call.
on_commit_finished: Final = Signal()


class SignalSink:
    """A log sink that sends the signals of one notifier.

    :param alias: the notifier's name in the settings.
    """

    name = "django"
    #: Recipients are counted once, whatever is retried.
    final_outcomes = True
    #: In the thread of the caller: receivers use its connection to the database.
    background = False

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def handle(self, event: Event) -> None:
        """Send the signal of an event, if it has one."""
        if isinstance(event, RecipientsFinished):
            announce(message_sent, self._alias, event=event)
        elif isinstance(event, DeliveryChanged):
            announce(delivery_changed, self._alias, event=event)


def announce(signal: Signal, alias: str, **arguments: object) -> None:
    """Send a signal, and log which receivers raised. An exception's own words may hold a number, and stay out."""
    for receiver, answer in signal.send_robust(sender=alias, **arguments):
        if isinstance(answer, Exception):
            _log.error("the receiver %s raised %s", getattr(receiver, "__qualname__", receiver), type(answer).__name__)
