"""What a person should know about a message that nobody asked about: the SMS counterpart of a spam check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.sandbox import text_rules
from notifykit_kwtsms.sandbox.gateway.accounts import Account
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage
from notifykit_kwtsms.sandbox.text_rules import is_kuwaiti

_Verdict: TypeAlias = tuple[str, str, str]


def verdicts(message: CapturedMessage, sender: Account | None) -> list[dict[str, Any]]:
    """Return the remarks, the gravest first: ``level`` is ``error``, ``warning`` or ``info``."""
    found = (*_grave(message), *_about_the_sender(message, sender), *_worth_knowing(message))
    return [{"level": level, "name": name, "words": words} for level, name, words in found]


def _grave(message: CapturedMessage) -> Iterator[_Verdict]:
    if message.code:
        yield "error", message.code, CODES[message.code].meaning if message.code in CODES else "The gateway refused it."
    if message.dropped:
        yield "warning", "dropped", f"{len(message.dropped)} of the numbers were left out; the answer doesn't say so."
    if text_rules.has_tags(message.text):
        yield "warning", "html", "The text holds HTML tags: the gateway refuses those with ERR027."
    if text_rules.gets_stuck(message.text):
        stuck = "Emoji or hidden characters: the gateway takes the message, charges for it, and never sends it."
        yield "warning", "stuck", stuck
    if message.links and not all(map(is_kuwaiti, message.numbers)):
        yield "warning", "links", "Networks outside Kuwait filter messages with links."


def _about_the_sender(message: CapturedMessage, sender: Account | None) -> Iterator[_Verdict]:
    if sender is not None and message.sender in sender.promotional:
        yield "warning", "promotional", "A promotional sender: slow, and never delivered to people who opted out."
        if message.otp:
            yield "warning", "otp-sender", "A code goes by a transactional sender, or some people never see it."


def _worth_knowing(message: CapturedMessage) -> Iterator[_Verdict]:
    if message.analysis.forced:
        shown = " ".join(list(dict.fromkeys(item.character for item in message.analysis.forced))[:8])
        yield "info", "unicode", f"Unicode, 70 characters instead of 160, because of: {shown}"
    if message.segments > 1:
        yield "info", "segments", f"{message.segments} segments: every number costs that many times."
    if message.queued:
        yield "info", "test", "A test: it stays in the queue, reaches no phone, and its credits can be recovered."
