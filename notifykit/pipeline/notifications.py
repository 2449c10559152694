"""``Notifier.notify``: what a caller says about a person becomes a step for each channel, stored by the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs

from notifykit.errors import ConfigError
from notifykit.models.message import Channel, Message
from notifykit.models.person import NotificationSpec, NotificationStep, Person, PersonReceipt, Until
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.components import Components
from notifykit.pipeline.stages import normalize
from notifykit.templates.template import Template

#: The most seconds that a channel may be waited for.
_LONGEST: Final = 366 * 86_400.0


class Notification(Protocol):
    """A notification of a person that is stored on disk: any process that knows its key can read and cancel it."""

    @property
    def key(self) -> str:
        """The caller's name for it."""
        ...

    def receipt(self) -> PersonReceipt:
        """Return what is known now: one row a channel, and one verdict for the person."""
        ...

    def wait(self, timeout: float | None = None) -> PersonReceipt:
        """Return when no more channel will be taken.

        :param timeout: the most seconds to wait.
        :raises TimeoutError: if it has not ended by then; it goes on.
        """
        ...

    def cancel(self) -> PersonReceipt:
        """Take no more channel, and do not send what has not been sent."""
        ...


class Notifications(Protocol):
    """The part of an engine that stores notifications and takes their steps."""

    def notify(self, spec: NotificationSpec) -> Notification:
        """Store a notification; it is safe on disk when this returns."""
        ...

    def notification(self, key: str) -> Notification:
        """Return a notification by its key; a KeyError where there is none."""
        ...


class NotifiesPeople:
    """The methods of a notifier that are about people."""

    _components: Components

    def notify(
        self,
        person: Person,
        *,
        template: str | Template | None = None,
        text: str | None = None,
        values: Mapping[str, Any] | None = None,
        subject: str | None = None,
        order: Iterable[Channel | str] = (Channel.PUSH, Channel.SMS, Channel.EMAIL),
        until: Until | str = Until.ACCEPTED,
        within: float | Mapping[str, float] | None = None,
        all: bool = False,
        move_unknown: bool = False,
        tags: str | Iterable[str] = (),
        key: str | None = None,
    ) -> Notification:
        """Notify a person on one channel after the other, in the background, even if this process ends.

        The next channel is taken when the message of the one before was certainly not sent: it was rejected, a guard held
        it back, or the person has no address for it. With ``until="delivered"`` it is also taken when the message was not
        delivered within its time: the person may then get both. Guards are asked when a message is sent.

        :param person: who is notified.
        :param template: the name of a template in the settings, or a :class:`Template`; or give ``text``.
        :param text: the text for every channel.
        :param values: the values of the template's variables.
        :param subject: with ``text``, the subject of the e-mail and the title of the push notification.
        :param order: the channels, the first first.
        :param until: ``accepted``: a provider took it; ``delivered``: a report says that it arrived.
        :param within: seconds from the start of a channel until the next one is taken: for every channel, or by channel. A
            message that waits then, for quiet hours or another try, is cancelled first.
        :param all: send on every channel at once.
        :param move_unknown: take the next channel, and let a failover go on, after an unknown outcome too: the person may
            then get it twice.
        :param tags: labels for events, logs and guards: ``marketing``.
        :param key: your name for the notification, 1 to 190 characters. With the same key and content it is the same one.
        :raises ConfigError: if there is no such template, the key is that of another notification, or it can't be stored.
        :raises BadValues: with every value that is missing, unknown or of another type.
        :raises TypeError: if an argument is of the wrong kind.
        :raises ValueError: with everything else that can't be meant.
        """
        if not isinstance(person, Person):
            raise TypeError(f"person is a {type(person).__name__}: give a Person")
        if (template is None) is (text is None):
            raise TypeError("give a template or a text, and not both")
        channels, limits, ends = _checked(order, until, within, at_once=all)
        components = self._components
        if template is not None:
            if subject is not None:
                raise TypeError("subject goes with text: a template has the subjects of its channels")
            written = components.template(template).render_channels(channels, person.language, values or {})
        else:
            if values:
                raise TypeError("values are those of a template's variables: give template, or leave them out")
            written = {channel: (text or "", subject if channel is not Channel.SMS else None) for channel in channels}
        steps = []
        for channel in channels:
            body, title = written[channel]
            message = components.message(body, None, channel, tags, None, title)
            steps.append(NotificationStep(self._address(person, message), message, limits[channel]))
        spec = NotificationSpec(person.id, tuple(steps), ends, all, move_unknown, key)
        return self._notifications().notify(spec)

    def notification(self, key: str) -> Notification:
        """Return a notification by its key.

        :raises KeyError: if there is none.
        """
        return self._notifications().notification(key)

    def _notifications(self) -> Notifications:
        found: Notifications | None = getattr(self._components.engine(), "notifications", None)
        if found is None:
            raise ConfigError("the plugin that stores jobs stores no notifications: use the engine `durable`")
        return found

    def _address(self, person: Person, message: Message) -> Recipient | Rejected | None:
        """Return a person's address for the channel of a message, normalized; None without one."""
        address = person.address(message.channel)
        if address is None:
            return None
        # In a list it is one address: a comma in it separates nothing.
        (who,) = normalize([address], message, self._components.context(None, None, window=None))
        return who if isinstance(who, Rejected) else attrs.evolve(who, language=person.language or who.language)


def _checked(
    order: Iterable[Channel | str],
    until: Until | str,
    within: float | Mapping[str, float] | None,
    *,
    at_once: bool,
) -> tuple[Sequence[Channel], Mapping[Channel, float | None], Until]:
    """Return channels, seconds by channel and the end, as they can be meant.

    :raises ValueError: with everything that can't be meant.
    """
    names = [order] if isinstance(order, str) else list(order)
    problems = [f"order: {name!r:.40} is none of {', '.join(Channel)}" for name in names if name not in list(Channel)]
    channels = [Channel(name) for name in names if name in list(Channel)]
    problems += [f"order has {name.value} twice" for name in dict.fromkeys(channels) if channels.count(name) > 1]
    if not names:
        problems.append("order is empty: name a channel at least")
    if until not in list(Until):
        problems.append(f"until is none of {', '.join(Until)}")
    limits = within if isinstance(within, Mapping) else dict.fromkeys(channels, within)
    problems += [f"within has {name!r:.40}, which is not in order" for name in limits if name not in names]
    problems += [f"within: {name!s:.40} {problem}" for name, s in limits.items() if (problem := _not_seconds(s))]
    found = {channel: limits.get(channel) for channel in channels}
    endless = [channel.value for channel in channels[:-1] if found[channel] is None]
    if until == Until.DELIVERED and endless and not at_once and not problems:
        problems.append(
            f"until is delivered, and within does not say how long a report about {' and '.join(endless)} is waited for: "
            'give within=120, or within={"push": 30, "sms": 600}'
        )
    if problems:
        raise ValueError("; ".join(problems))
    return channels, found, Until(until)


def _not_seconds(given: object) -> str | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return f"is a {type(given).__name__}: give seconds"
    return None if 0 < given < _LONGEST else f"is {given:g}: give seconds above zero, less than a year"
