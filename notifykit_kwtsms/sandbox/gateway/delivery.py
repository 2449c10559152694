"""Delivery of an accepted message: the plan for each number, and what ``status`` and ``dlr`` answer."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Final

from notifykit_kwtsms.sandbox.gateway import magic
from notifykit_kwtsms.sandbox.gateway.magic import Kind, Outcome
from notifykit_kwtsms.sandbox.gateway.rules import Rules
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage, Step
from notifykit_kwtsms.sandbox.numbers import is_kuwaiti

#: Virtual seconds until the outcome of a magic number is known, and until a phone that was off is on again.
MAGIC_DELAY: Final = 1.0
SWITCHED_ON_DELAY: Final = 60.0

#: Words of a report. Free text that clients must not rely on (gateway facts, section 8.17).
WORDS: Final = {
    "delivered": "Received by recipient",
    "failed": "Failed",
    "expired": "Expired",
    "blacklisted": "Blacklisted",
    "switched-off": "Phone switched off",
}
#: The states that a person can force, in the order that *next* follows.
STATES: Final = ("queued", "sent", "delivered", "failed", "expired", "blacklisted", "switched-off", "stuck")
_NEXT: Final = {"queued": "sent", "sent": "delivered", "switched-off": "delivered", "stuck": "sent"}

_STATES_OF: Final = {
    Outcome.DELIVERED: ("delivered",),
    Outcome.FAILED: ("failed",),
    Outcome.EXPIRED: ("expired",),
    Outcome.BLACKLISTED: ("blacklisted",),
    Outcome.SWITCHED_OFF: ("switched-off", "delivered"),
    Outcome.STUCK: (),
    Outcome.UNKNOWN_ID: (),
    Outcome.NOT_READY: (),
    Outcome.DUPLICATE: ("delivered", "delivered"),
    Outcome.EARLY: ("delivered",),
}


def outcome_of(number: str) -> Outcome | None:
    """Return the outcome that a magic number asks for, or None."""
    found = magic.read(number)
    return Outcome(found.value) if found is not None and found.kind is Kind.DELIVERY else None


def plan(
    numbers: Iterable[str], *, at: float, test: bool, stuck: bool, opted_out: frozenset[str], rules: Rules
) -> tuple[Step, ...]:
    """Return what will happen to the numbers of a message that was accepted at ``at`` (virtual seconds, UTC).

    A test message stays in the queue, a live one is sent, foreign networks report; magic numbers have their own outcome,
    in test mode too.
    """
    steps: list[Step] = []
    for number in numbers:
        outcome = outcome_of(number)
        if outcome is not None:
            steps += _magic_steps(number, outcome, at)
        elif test:
            continue
        elif stuck:
            steps.append(Step(at + rules.status_delay, "stuck", number))
        else:
            steps.append(Step(at + rules.status_delay, "sent", number))
            if number in opted_out:
                steps.append(Step(at + rules.dlr_delay, "blacklisted", number))
            elif not is_kuwaiti(number):
                steps.append(Step(at + rules.dlr_delay, "delivered", number))
    return tuple(sorted(steps, key=lambda step: step.due))


def _magic_steps(number: str, outcome: Outcome, at: float) -> list[Step]:
    if outcome is Outcome.STUCK:
        return [Step(at, "stuck", number)]
    steps = [Step(at, "sent", number)]
    first = at if outcome is Outcome.EARLY else at + MAGIC_DELAY
    for position, state in enumerate(_STATES_OF[outcome]):
        wait = SWITCHED_ON_DELAY if position and outcome is Outcome.SWITCHED_OFF else 0.0
        steps.append(Step(first + wait, state, number))
    return steps


def status(message: CapturedMessage, rules: Rules, now: datetime.datetime) -> str:
    """Return what ``status`` answers: ``sent``, ``queued``, or the code of an error."""
    outcomes = {number: outcome_of(number) for number in message.numbers}
    if Outcome.UNKNOWN_ID in outcomes.values():
        return "ERR029"
    states = {number: message.state_of(number) for number in message.numbers}
    if "deleted" in states.values():
        return "ERR029"
    if "stuck" in states.values():
        return "ERR030"
    if "queued" not in states.values():
        return "sent"
    held = message.test and (now - message.at).total_seconds() >= rules.status_delay
    return "ERR030" if held else "queued"


def reports(message: CapturedMessage, rules: Rules, now: datetime.datetime) -> list[tuple[str, str]] | str:
    """Return what ``dlr`` answers: number and words of each report there is, or the code of an error."""
    outcomes = {number: outcome_of(number) for number in message.numbers}
    if Outcome.UNKNOWN_ID in outcomes.values() or message.state == "deleted":
        return "ERR020"
    reporting = [number for number in message.numbers if _reports(message, number)]
    found = [
        (number, WORDS[state])
        for number in reporting
        if (state := message.state_of(number)) in WORDS
        for _ in range(2 if outcomes[number] is Outcome.DUPLICATE else 1)
    ]
    if found:
        return found
    if Outcome.NOT_READY in outcomes.values() and (now - message.at).total_seconds() >= rules.dlr_delay:
        return "ERR022"
    return rules.pending_dlr if reporting else rules.kuwait_dlr


def _reports(message: CapturedMessage, number: str) -> bool:
    """Whether a report for this number exists or will: never for Kuwait or in test mode, unless made to."""
    if any(event.forced and event.number in (None, number) for event in message.timeline):
        return True
    outcome = outcome_of(number)
    if outcome is not None:
        return outcome is not Outcome.STUCK
    return not message.test and not is_kuwaiti(number)


def next_state(state: str) -> str | None:
    """Return the state that follows if all goes well, or None after a final one."""
    return _NEXT.get(state)
