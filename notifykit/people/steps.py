"""Which channel of a notification is taken next, and when. Pure: times, outcomes and deliveries are arguments.

No channel is taken while the one before may still be sent: its message has an outcome first. Therefore nobody gets a
notification twice, but by the words of the caller: ``all``, ``until="delivered"`` with a time, ``move_unknown``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from notifykit.models.delivery import Delivery, DeliveryState
from notifykit.models.message import Channel
from notifykit.models.person import ChannelState, Until
from notifykit.models.receipt import Receipt

#: Seconds between two looks at a notification that waits: the first, and the most that they grow to.
_LOOK: Final = 1.0
_LONGEST_LOOK: Final = 30.0
NO_ADDRESS: Final = "the person has no address for it"
_NOT_SENT: Final = (ChannelState.REJECTED, ChannelState.SKIPPED)


@attrs.frozen
class Step:
    """One channel of a notification, as far as it is."""

    #: The channel.
    channel: Channel
    #: Whether the person has an address for it.
    reachable: bool
    #: Seconds from its start until the next channel is taken; None for no limit.
    within: float | None
    #: Its state.
    state: ChannelState = ChannelState.NOT_TRIED
    #: When its job was submitted, seconds since 1970; None before that.
    since: float | None = None
    #: The id of its job; None before that.
    job: str | None = None
    #: Whether its provider was asked after its time was over.
    asked: bool = False
    #: Why no message was made, or why it was not waited for.
    reason: str | None = None
    #: Its result.
    receipt: Receipt | None = attrs.field(default=None, repr=False)
    #: What is known of its delivery.
    delivery: Delivery | None = attrs.field(default=None, repr=False)

    @property
    def ends(self) -> float | None:
        """When its time is over, seconds since 1970; None for never."""
        return None if self.within is None or self.since is None else self.since + self.within

    @property
    def delivery_state(self) -> DeliveryState:
        """What is known of its delivery."""
        return self.delivery.state if self.delivery is not None else DeliveryState.UNCONFIRMED

    def is_late(self, now: float) -> bool:
        """Return whether its time is over."""
        return self.ends is not None and now >= self.ends


@attrs.frozen
class Course:
    """A notification, as far as it is."""

    #: Its channels, in order.
    steps: tuple[Step, ...]
    #: What ends it.
    until: Until
    #: Whether all channels are taken at once.
    all: bool
    #: Whether the next channel is taken after an unknown outcome.
    move_unknown: bool
    #: Whether it was cancelled.
    cancelled: bool = False


@attrs.frozen
class Decision:
    """What is done now. The course is stored first: only who could store it does the rest."""

    #: The course from now on.
    course: Course
    #: Positions of the steps whose jobs are submitted.
    start: tuple[int, ...] = ()
    #: Positions of the steps whose jobs are cancelled.
    cancel: tuple[int, ...] = ()
    #: Positions of the steps whose providers are asked first; nothing else is done then.
    ask: tuple[int, ...] = ()
    #: When it is looked at again, seconds since 1970; None where it ended.
    due: float | None = None


def decide(course: Course, now: float) -> Decision:
    """Return what is done about a notification now.

    :param course: with the outcomes and deliveries that are known.
    :param now: seconds since 1970.
    """
    running = [number for number, step in enumerate(course.steps) if step.since is not None]
    if course.all:
        if not running and not course.cancelled:
            return _start(course, range(len(course.steps)), now)
        return _wait(course, running, now)
    if not running:
        return _next(course, 0, now)
    number = running[-1]
    step = course.steps[number]
    if step.state is ChannelState.WAITING or _is_awaited(course, step, now):
        return _wait(course, [number], now)
    return _next(course, number + 1, now) if _moves(course, step, now) else Decision(course)


def _moves(course: Course, step: Step, now: float) -> bool:
    """Return whether the next channel is taken after a message that has an outcome."""
    if step.state in _NOT_SENT:
        return True
    if step.delivery_state is DeliveryState.DELIVERED:
        return False
    if step.state is ChannelState.UNKNOWN:
        return course.move_unknown
    return course.until is Until.DELIVERED and (step.delivery_state.final or step.is_late(now))


def _is_awaited(course: Course, step: Step, now: float) -> bool:
    """Return whether a message that the provider took is waited for."""
    return (
        course.until is Until.DELIVERED
        and step.state is ChannelState.ACCEPTED
        and not step.delivery_state.final
        and not course.cancelled
        and step.ends is not None
        and not (step.asked and step.is_late(now))
    )


def _next(course: Course, first: int, now: float) -> Decision:
    """Take the first channel from a position on that the person has an address for."""
    if course.cancelled:
        return Decision(course)
    reachable = [number for number in range(first, len(course.steps)) if course.steps[number].reachable]
    return _start(course, range(first, (reachable[0] if reachable else len(course.steps) - 1) + 1), now)


def _start(course: Course, numbers: Sequence[int], now: float) -> Decision:
    """Start the steps that have an address, and skip the others."""
    steps = list(course.steps)
    started = [number for number in numbers if steps[number].reachable]
    for number in numbers:
        if number in started:
            steps[number] = attrs.evolve(steps[number], state=ChannelState.WAITING, since=now)
        else:
            steps[number] = attrs.evolve(steps[number], state=ChannelState.SKIPPED, reason=NO_ADDRESS)
    course = attrs.evolve(course, steps=tuple(steps))
    return Decision(course, start=tuple(started), due=now + _LOOK if started else None)


def _wait(course: Course, numbers: Sequence[int], now: float) -> Decision:
    """Wait for the outcomes and the deliveries of steps; ask about those whose time is over."""
    waiting = [n for n in numbers if course.steps[n].state is ChannelState.WAITING]
    awaited = [n for n in numbers if _is_awaited(course, course.steps[n], now)]
    ask = tuple(n for n in awaited if course.steps[n].is_late(now))
    steps, cancel = list(course.steps), []
    for number in waiting:
        step = steps[number]
        # Another channel is there to be taken: this message is not sent any more, unless that has begun.
        others = any(other.reachable for other in steps[number + 1 :]) and not course.all
        if course.cancelled or (others and step.is_late(now)):
            cancel.append(number)
            reason = "it was cancelled" if course.cancelled else f"it was not sent within {step.within:g} s"
            steps[number] = attrs.evolve(step, reason=reason)
    if not waiting and not awaited:
        return Decision(course)
    left = [course.steps[n] for n in (*waiting, *awaited)]
    looks = [now + min(max((now - (step.since or now)) / 4, _LOOK), _LONGEST_LOOK) for step in left]
    ends = [step.ends for step in left if step.ends is not None and step.ends > now]
    return Decision(attrs.evolve(course, steps=tuple(steps)), (), tuple(cancel), ask, min(*looks, *ends, now + 60))
