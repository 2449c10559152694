"""An e-mail backend that sends through notifykit: guards, the rate limit, retries, logs and outcomes are those of SMS.

Each recipient gets a message of their own. What the pipeline can't carry is an error before anything is sent: attachments,
HTML, headers, a sender of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.core.mail.backends.base import BaseEmailBackend

from notifykit.errors import ConfigError, NotifyError
from notifykit.integrations.django.configuration import DEFAULT, aliases
from notifykit.integrations.django.registry import notifiers
from notifykit.models.message import Channel
from notifykit.models.receipt import Outcome, Receipt

if TYPE_CHECKING:
    from django.core.mail import EmailMessage

_log = logging.getLogger("notifykit.django")


class UnsupportedEmail(NotifyError, ValueError):  # noqa: N818 - it says what is the case
    """An e-mail has something that this backend can't send. Nothing of it was sent.

    :param problems: everything that it has.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return f"{'; '.join(self.problems)}. Send it with another backend: nothing of it was sent."


class EmailNotSent(NotifyError):  # noqa: N818 - it says what is the case
    """Not every recipient of an e-mail was accepted.

    :param receipts: the receipts of those who were not. With the outcome ``unknown`` they may get it: do not send again.
    """

    def __init__(self, receipts: Sequence[Receipt]) -> None:
        super().__init__(receipts)
        self.receipts = tuple(receipts)

    def __str__(self) -> str:
        unknown = sum(receipt.outcome is Outcome.UNKNOWN for receipt in self.receipts)
        reasons = dict.fromkeys(str(r.error or r.veto or r.skipped or r.outcome) for r in self.receipts)
        parts = [
            (len(self.receipts) - unknown, "were not sent"),
            (unknown, "may have been sent: do not send them again"),
        ]
        counts = ", ".join(f"{count} {words}" for count, words in parts if count)
        return f"e-mails: {counts}: {'; '.join(reasons)}"


class EmailBackend(BaseEmailBackend):  # type: ignore[misc]
    """Sends Django's e-mails through a notifier: ``EMAIL_BACKEND``, or ``BACKEND`` in ``MAILERS``.

    An e-mail's own attribute ``tags`` are the tags of its message: ``mail.tags = ["security"]``.

    :param using: the notifier's name in ``NOTIFYKIT``; by default ``email`` where there is one, else ``default``.
    :param via: a transport's name in the settings of that notifier.
    """

    def __init__(self, fail_silently: bool = False, *, using: str | None = None, via: str | None = None, **kwargs: Any):
        # Not passed on: from Django 6.1 on the base refuses it, and has no attribute of this name for long.
        super().__init__(**kwargs)
        self._silent = fail_silently
        self._using = using
        self._via = via

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send e-mails, and return how many were accepted for all their recipients.

        Each is tried, whatever became of those before it.

        :raises UnsupportedEmail: where one can't be sent by this backend; nothing of any was sent.
        :raises EmailNotSent: with the receipts of those who were not accepted. ``fail_silently`` logs both instead.
        :raises ConfigError: where the settings can't be used.
        """
        try:
            return self._send(list(email_messages or ()))
        except (UnsupportedEmail, EmailNotSent, ConfigError) as error:
            if not self._silent:
                raise
            _log.warning("fail_silently: %s", error)
            return int(getattr(error, "sent", 0))

    def _send(self, messages: list[EmailMessage]) -> int:
        messages = [message for message in messages if message.recipients()]
        problems = [problem for message in messages for problem in _unsupported(message)]
        if problems:
            raise UnsupportedEmail([*dict.fromkeys(problems)])
        notifier = notifiers[self._using or ("email" if "email" in aliases() else DEFAULT)]
        sent, failed = 0, []
        for message in messages:
            report = notifier.send(
                [str(address) for address in message.recipients()],
                message.body,
                subject=message.subject or None,
                channel=Channel.EMAIL,
                tags=getattr(message, "tags", ()),
                via=self._via,
            )
            bad = [receipt for receipt in report.receipts if not _fine(receipt)]
            sent += not bad
            failed += bad
        if failed:
            error = EmailNotSent(failed)
            error.sent = sent  # type: ignore[attr-defined]  # for fail_silently alone
            raise error
        return sent


def _fine(receipt: Receipt) -> bool:
    """Return whether somebody gets it: accepted, or named twice."""
    return receipt.outcome is Outcome.ACCEPTED or receipt.skipped == "duplicate"


def _unsupported(message: EmailMessage) -> Iterator[str]:
    """Yield what an e-mail has that the pipeline does not carry."""
    if message.attachments:
        yield "an e-mail has attachments"
    if getattr(message, "alternatives", None):
        yield "an e-mail has HTML beside its text"
    if message.content_subtype != "plain":
        yield f"the body of an e-mail is text/{message.content_subtype}"
    if message.extra_headers:
        yield f"an e-mail has headers of its own ({', '.join(sorted(message.extra_headers))})"
    if message.reply_to:
        yield "an e-mail has an address for answers (reply_to): set it in the transport"
    if message.from_email not in (django_settings.DEFAULT_FROM_EMAIL, django_settings.SERVER_EMAIL):
        yield "an e-mail has a sender of its own (from_email): set it in the transport"
