"""``console``: shows messages to the person at the terminal, for development.

It shows numbers and texts in clear: it is where the message goes, not a log.
"""

from __future__ import annotations

import sys
from typing import TextIO

from notifykit.models.capabilities import Capabilities
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import BuildContext
from notifykit.settings.dsn import Dsn
from notifykit.transports.standin import ANYTHING, capabilities_like

_MOST_SHOWN = 5


class ConsoleTransport:
    """Writes every batch to a stream in one piece.

    :param stream: where to; standard error where none is given, so that a program's own output stays clean.
    :param capabilities: what it pretends to be able to do.
    """

    name = "console"

    def __init__(self, stream: TextIO | None = None, capabilities: Capabilities | None = None) -> None:
        self.capabilities = capabilities or ANYTHING
        self._stream = stream

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Show the batch."""
        stream = self._stream or sys.stderr
        addresses = [recipient.address for recipient in batch.recipients[:_MOST_SHOWN]]
        more = f" and {len(batch) - _MOST_SHOWN} more" if len(batch) > _MOST_SHOWN else ""
        size = f" [{batch.measurement.encoding}, {batch.measurement.segments} seg.]" if batch.measurement else ""
        sender = f"{batch.message.sender} " if batch.message.sender else ""
        subject = f"  {batch.message.subject}\n" if batch.message.subject else ""
        shown = (
            f"{batch.message.channel} {sender}→ {', '.join(addresses)}{more}{size}\n{subject}  {batch.message.text}\n"
        )
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
        return Submission(test=True)

    def close(self) -> None:
        """Leave the stream open: it belongs to the program."""

    def __str__(self) -> str:
        return "console://default"


def build(dsn: Dsn, context: BuildContext) -> ConsoleTransport:
    """Build the transport from a DSN; ``like`` is its only option."""
    return ConsoleTransport(capabilities=capabilities_like(dsn, context))
