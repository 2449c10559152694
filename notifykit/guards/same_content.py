"""``same_content``: nobody gets the same text twice within some time, whoever sent it: a double click, a job run twice.

The text is compared as it is sent, after cleaning, together with the subject. It is written down only as a hash.
"""

from __future__ import annotations

import hashlib
import json

import attrs

from notifykit.guards.addresses import Normalize
from notifykit.guards.options import about, in_words, options, whom
from notifykit.models.message import Message
from notifykit.models.receipt import Veto
from notifykit.models.recipient import Recipient
from notifykit.protocols import About, Counters, GuardContext
from notifykit.settings.sources import Settings


@attrs.frozen
class SameContent:
    """Holds back a text that went to the same recipient a short time ago."""

    #: What settings and listings call it.
    name = "same_content"

    #: The time, in seconds.
    window: float

    def check(self, envelope: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Reserve the text for the recipient."""
        who = whom(envelope.recipient.channel, envelope.recipient.address)
        wait = counters.reserve(f"{self.name}:{who}:{_digest(envelope.message)}", 1, 1, self.window)
        if not wait:
            return None
        return Veto(
            self.name,
            f"The recipient was sent the same text less than {in_words(self.window)} ago.",
            "Nothing to do where it was sent twice by mistake; else wait, or change the text.",
            wait,
        )


def _digest(message: Message) -> str:
    content = json.dumps([message.subject, message.text])
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[SameContent]:
    """Bring ``same_content`` where the settings give a time."""
    window = options(settings)["same_content"]
    return [SameContent(window)] if window else []


def notifykit_about() -> About:
    """Tell of the settings."""
    return about("same_content")
