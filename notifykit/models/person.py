"""A person with several addresses: what they are notified of, on which channels, and what became of it."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from notifykit.models.delivery import Delivery, DeliveryState
from notifykit.models.message import Channel, Message
from notifykit.models.receipt import Outcome, Receipt
from notifykit.models.recipient import Recipient, Rejected


def _shown(address: str | None) -> str:
    return "None" if address is None else "<hidden>"


@attrs.frozen
class Person:
    """Somebody who may be reached on several channels."""

    #: Your id of the person; it is shown, so it is no address.
    id: str
    #: The mobile number; None without one.
    sms: str | None = attrs.field(default=None, repr=_shown, kw_only=True)
    #: The e-mail address; None without one.
    email: str | None = attrs.field(default=None, repr=_shown, kw_only=True)
    #: The device token, topic or tag, as the push provider knows it: ``apprise-tag:sara``; None without one.
    push: str | None = attrs.field(default=None, repr=_shown, kw_only=True)
    #: The language that templates choose by, ``ar``; None if it is not known.
    language: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name in ("id", *Channel, "language"):
            value = getattr(self, name)
            if not isinstance(value, str) and (value is not None or name == "id"):
                raise TypeError(f"{name} is a {type(value).__name__}: give a str")
        if not self.id.strip():
            raise ValueError("id is empty: give your own id of the person")

    def address(self, channel: Channel) -> str | None:
        """Return the address for a channel; None without one."""
        found: str | None = getattr(self, channel.value)
        return found if found and found.strip() else None

    def __str__(self) -> str:
        return self.id


class Until(enum.StrEnum):
    """What ends a notification: the next channel is not taken after it."""

    #: A provider took the message.
    ACCEPTED = "accepted"
    #: A report says that the message reached the device.
    DELIVERED = "delivered"


class ChannelState(enum.StrEnum):
    """The state of one channel of a notification."""

    #: No message was made for it.
    NOT_TRIED = "not tried"
    #: Its message is to be sent, and has no outcome yet.
    WAITING = "waiting"
    #: The provider took the message.
    ACCEPTED = "accepted"
    #: It was certainly not sent.
    REJECTED = "rejected"
    #: It may have been sent.
    UNKNOWN = "unknown"
    #: It was not sent: the person has no address for it, a guard held it back, or it was cancelled.
    SKIPPED = "skipped"


class Verdict(enum.StrEnum):
    """What became of a notification, over all its channels."""

    #: A report says that it reached a device of the person.
    DELIVERED = "delivered"
    #: A provider took it; no report says that it arrived.
    ACCEPTED = "accepted"
    #: It goes on: a message waits for its outcome, or for a report.
    PENDING = "pending"
    #: The person may have got it.
    UNKNOWN = "unknown"
    #: The person did not get it on any channel.
    FAILED = "failed"
    #: It was cancelled before a provider took it.
    CANCELLED = "cancelled"


_OF_OUTCOME: Final = {outcome: ChannelState(outcome.value) for outcome in Outcome}


def state_of(receipt: Receipt) -> ChannelState:
    """Return the state of a channel whose message has an outcome."""
    return _OF_OUTCOME[receipt.outcome]


@attrs.frozen
class ChannelReceipt:
    """What became of a notification on one channel."""

    #: The channel.
    channel: Channel
    #: Its state.
    state: ChannelState
    #: When its message was made, UTC; None where none was.
    since: datetime.datetime | None = None
    #: The result of sending; None before there is one, and after ``keep_bodies``.
    receipt: Receipt | None = None
    #: What is known of the delivery; None where no provider took it.
    delivery: Delivery | None = None
    #: Why no message was made for it, or why it was not waited for; None for no reason.
    reason: str | None = None
    #: The key of the job that sends its message; None where there is none.
    job: str | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether a report says that it reached the device."""
        return self.delivery is not None and self.delivery.state is DeliveryState.DELIVERED

    @property
    def is_lost(self) -> bool:
        """Whether a report says that it will not reach the device."""
        return self.delivery is not None and self.delivery.state.final and not self.is_delivered

    @property
    def advice(self) -> str:
        """What a person does now."""
        if self.state is ChannelState.UNKNOWN and self.job and not self.is_delivered:
            return (
                "Look at the provider's side, then: notifykit jobs settle "
                f"{self.job} --unknown as-sent|resend (after resend the person may get it twice)."
            )
        if self.delivery is not None and self.delivery.reports:
            return self.delivery.advice
        if self.receipt is not None and self.state is not ChannelState.NOT_TRIED:
            return self.receipt.advice
        return ""

    def __str__(self) -> str:
        what = str(self.state)
        if self.delivery is not None and self.delivery.reports:
            what = f"{self.state}, {self.delivery.state}"
        receipt = self.receipt
        why = self.reason or str((receipt and (receipt.error or receipt.veto or receipt.skipped)) or "").rstrip(".")
        return f"{self.channel}: {what}" + (f" ({why})" if why else "")


@attrs.frozen
class PersonReceipt:
    """What became of a notification: one row a channel, and one verdict for the person."""

    #: The key of the notification.
    key: str
    #: Your id of the person.
    person: str
    #: One receipt a channel, in the order in which they are taken.
    channels: tuple[ChannelReceipt, ...]
    #: When it was submitted, UTC.
    created: datetime.datetime
    #: When it ended, UTC; None while it goes on.
    finished: datetime.datetime | None = None
    #: Whether it was cancelled.
    cancelled: bool = False

    def __getitem__(self, channel: Channel | str) -> ChannelReceipt:
        """Return the receipt of a channel.

        :raises KeyError: the channel is not in the order of this notification.
        """
        for row in self.channels:
            if row.channel == channel:
                return row
        raise KeyError(channel)

    @property
    def verdict(self) -> Verdict:
        """The verdict for the person. A report that comes after the end still changes it."""
        if any(row.is_delivered for row in self.channels):
            return Verdict.DELIVERED
        if self.finished is None:
            return Verdict.PENDING
        if any(row.state is ChannelState.ACCEPTED and not row.is_lost for row in self.channels):
            return Verdict.ACCEPTED
        if any(row.state is ChannelState.UNKNOWN and not row.is_lost for row in self.channels):
            return Verdict.UNKNOWN
        return Verdict.CANCELLED if self.cancelled else Verdict.FAILED

    @property
    def advice(self) -> str:
        """What somebody does about it now, in one or a few sentences without addresses and texts."""
        return _ADVICE[self.verdict].format(
            delivered=self._channels(lambda row: row.is_delivered),
            accepted=self._channels(lambda row: row.state is ChannelState.ACCEPTED and not row.is_lost),
            pending=self._channels(lambda row: row.state in (ChannelState.WAITING, ChannelState.ACCEPTED)) or "it",
            unknown=" ".join(row.advice for row in self.channels if row.state is ChannelState.UNKNOWN),
            failed=" ".join(f"{row}." for row in self.channels if row.state is not ChannelState.NOT_TRIED),
        )

    def _channels(self, holds: Callable[[ChannelReceipt], bool]) -> str:
        return " and ".join(row.channel.value for row in self.channels if holds(row))

    def __str__(self) -> str:
        rows = "; ".join(str(row) for row in self.channels if row.state is not ChannelState.NOT_TRIED)
        return f"{self.key}: {self.verdict}" + (f" ({rows})" if rows else "")


_ADVICE: Final[Mapping[Verdict, str]] = {
    Verdict.DELIVERED: "It arrived by {delivered}; there is nothing to do.",
    Verdict.ACCEPTED: (
        "The provider of {accepted} took it, and no report says that it arrived. There is nothing to do, unless the person "
        "misses it: ask the provider then, by the message id."
    ),
    Verdict.PENDING: (
        "It goes on by itself with {pending}. If nothing changes, look whether a worker runs: `notifykit worker`, or a "
        "process that sends jobs itself."
    ),
    Verdict.UNKNOWN: "The person may have got it, so no other channel was taken. {unknown}",
    Verdict.FAILED: "The person did not get it. {failed} Correct that, and notify again with another key.",
    Verdict.CANCELLED: "It was cancelled before a provider took it. To send it, notify again with another key.",
}


@attrs.frozen
class NotificationStep:
    """What shall be sent on one channel, and how long it is waited for."""

    #: The address; None where the person has none for the channel.
    recipient: Recipient | Rejected | None
    #: The message of the channel.
    message: Message
    #: Seconds from its start until the next channel is taken; None for no limit.
    within: float | None = None


@attrs.frozen
class NotificationSpec:
    """What shall be sent to a person, and in which order."""

    #: Your id of the person.
    person: str
    #: A step for each channel, in order.
    steps: tuple[NotificationStep, ...]
    #: What ends it.
    until: Until = Until.ACCEPTED
    #: Whether all channels are taken at once.
    all: bool = False
    #: Whether the next channel is taken after an unknown outcome.
    move_unknown: bool = False
    #: The caller's name for it; None for one that is made up.
    key: str | None = None
