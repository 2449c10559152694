"""What a person wants to get: topics and channels that are off, quiet hours and a language; and where that is stored."""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs

from notifykit.errors import NotifyError
from notifykit.guards.options import Hours, hours
from notifykit.models.message import Channel

#: The topic that nobody can switch off: sign-ins, one-time codes, warnings.
SECURITY: Final = "security"
#: The topics that are known where the settings name none.
TOPICS: Final = ("marketing", "orders", SECURITY)
#: The longest id of a person, in characters.
MAX_ID: Final = 200


class PreferencesUnavailable(NotifyError):  # noqa: N818 - it says what happened
    """The preferences can't be read or written."""

    def __init__(self, detail: str, action: str) -> None:
        super().__init__(detail, action)
        #: What happened, in one sentence.
        self.detail = detail
        #: What a person does about it.
        self.action = action

    def __str__(self) -> str:
        return f"{self.detail} {self.action}"


def _channels(given: Iterable[Channel | str]) -> frozenset[Channel]:
    return frozenset(map(Channel, (given,) if isinstance(given, str) else given))


def _topics(given: Iterable[str]) -> frozenset[str]:
    return frozenset((given,) if isinstance(given, str) else given)


def _pairs(given: Iterable[tuple[str, Channel | str]]) -> frozenset[tuple[str, Channel]]:
    return frozenset((topic, Channel(channel)) for topic, channel in given)


def _addresses(given: Mapping[Any, str]) -> Mapping[Channel, str]:
    return {Channel(channel): address for channel, address in given.items() if address}


def _hours(given: Hours | str | None) -> Hours | None:
    return hours(given) if isinstance(given, str) else given


def _zone(given: zoneinfo.ZoneInfo | str | None) -> zoneinfo.ZoneInfo | None:
    return zoneinfo.ZoneInfo(given) if isinstance(given, str) else given


@attrs.frozen
class Preferences:
    """What one person wants to get. Without any, everything is on.

    :raises ValueError: if the topic ``security`` is to be off, the id is empty or too long, or a channel, the quiet hours or
        the zone is none.
    """

    #: The application's name for the person: an id, and no address.
    person: str
    #: The person's language, ``ar``; None if it is not known.
    language: str | None = attrs.field(default=None, kw_only=True)
    #: Topics that are off on every channel.
    topics_off: frozenset[str] = attrs.field(default=frozenset(), converter=_topics, kw_only=True)
    #: Channels that are off, whatever the topic.
    channels_off: frozenset[Channel] = attrs.field(default=frozenset(), converter=_channels, kw_only=True)
    #: Topics that are off on one channel.
    off: frozenset[tuple[str, Channel]] = attrs.field(default=frozenset(), converter=_pairs, kw_only=True)
    #: When nothing shall arrive, by the person's clock: ``22:00-08:00``; None for never.
    quiet: Hours | None = attrs.field(default=None, converter=_hours, kw_only=True)
    #: The person's time zone; None for that of the settings.
    zone: zoneinfo.ZoneInfo | None = attrs.field(default=None, converter=_zone, kw_only=True)
    #: The person's address on each channel. A store writes them in the form in which messages are sent.
    addresses: Mapping[Channel, str] = attrs.field(
        factory=dict, converter=_addresses, repr=lambda addresses: f"<{len(addresses)}>", kw_only=True, hash=False
    )

    def __attrs_post_init__(self) -> None:
        if not 0 < len(self.person) <= MAX_ID:
            raise ValueError(f"person is a text of 1 to {MAX_ID} characters")
        if SECURITY in self.topics_off or any(topic == SECURITY for topic, _ in self.off):
            raise ValueError(f"the topic {SECURITY} can't be switched off: leave it out")

    def refuses(self, topics: Collection[str], channel: Channel) -> str | None:
        """Return what is switched off that keeps a message from the person; None where nothing is.

        :param topics: the topics of the message, in small or capital letters; with ``security`` among them nothing is.
        """
        if SECURITY in topics:
            return None
        if channel in self.channels_off:
            return f"messages by {channel}"
        everywhere = {topic.casefold() for topic in self.topics_off}
        here = {topic.casefold() for topic, on in self.off if on == channel}
        for topic in topics:
            if topic.casefold() in everywhere:
                return f"the topic {topic}"
            if topic.casefold() in here:
                return f"the topic {topic} by {channel}"
        return None

    def switch(self, topic: str, channel: Channel | None = None, *, on: bool) -> Preferences:
        """Return the preferences with a topic on or off, on one channel or on all.

        A topic that is off everywhere and is switched on for one channel stays off on the others. A channel that is off
        altogether stays off.

        :raises ValueError: if ``security`` is to be off.
        """
        topics, pairs = set(self.topics_off), set(self.off)
        if channel is None:
            pairs = {pair for pair in pairs if pair[0] != topic}
            (topics.discard if on else topics.add)(topic)
        elif not on:
            pairs |= {(topic, channel)} if topic not in topics else set()
        else:
            if topic in topics:
                topics.remove(topic)
                pairs |= {(topic, other) for other in Channel}
            pairs.discard((topic, channel))
        return attrs.evolve(self, topics_off=frozenset(topics), off=frozenset(pairs))


class PreferenceStore(Protocol):
    """Where preferences are. It is used from several threads and processes.

    What can't be read or written raises :class:`PreferencesUnavailable`; any other exception counts as the same.
    """

    def get(self, person: str) -> Preferences | None:
        """Return the preferences of a person by their id; None where nothing is stored."""
        ...

    def find(self, channel: Channel, address: str) -> Sequence[Preferences]:
        """Return the preferences of everybody who has this address: a family may share a telephone."""
        ...

    def set(self, preferences: Preferences) -> None:
        """Store preferences in the place of those that the person had."""
        ...

    def change(self, person: str, change: Callable[[Preferences], Preferences]) -> Preferences:
        """Change the preferences of a person in one atomic step, and return the new ones.

        :param change: gets what is stored, or ``Preferences(person)``. It may be called again where two changes meet.
        """
        ...

    def delete(self, person: str) -> bool:
        """Delete all that is stored of a person, and return whether anything was."""
        ...


def dump(preferences: Preferences) -> str:
    """Return preferences as JSON, without id and addresses, which stores keep beside it."""
    return json.dumps(
        {
            "language": preferences.language,
            "topics_off": sorted(preferences.topics_off),
            "channels_off": sorted(preferences.channels_off),
            "off": sorted(preferences.off),
            "quiet": str(preferences.quiet) if preferences.quiet else None,
            "zone": preferences.zone.key if preferences.zone else None,
        }
    )


def load(person: str, data: str, addresses: Mapping[Any, str]) -> Preferences:
    """Return the preferences that :func:`dump` wrote.

    :raises PreferencesUnavailable: if the row is damaged.
    """
    try:
        found = json.loads(data)
        found["off"] = [(topic, channel) for topic, channel in found["off"]]
        return Preferences(person, addresses=addresses, **found)
    except (ValueError, TypeError, LookupError, OSError) as error:
        raise PreferencesUnavailable(
            f"Stored preferences can't be read ({type(error).__name__}).",
            "Restore a backup, or delete the row; the time zone database may be missing: pip install tzdata.",
        ) from None
