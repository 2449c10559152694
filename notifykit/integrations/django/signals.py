"""Signals of Django for what happened to messages, and the sink that sends them.

Receivers are called in the process and thread where it happened: a delivery report in that of the web server that was
posted to, a job in the worker that sent it. Django logs what a receiver raises; it changes nothing of the
send.
"""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

from notifykit.events import DeliveryChanged, Event, RecipientsFinished

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
            message_sent.send_robust(self._alias, event=event)
        elif isinstance(event, DeliveryChanged):
            delivery_changed.send_robust(self._alias, event=event)
