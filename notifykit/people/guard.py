"""``preferences``: nobody gets what they switched off.

It looks the recipient's address up in the store and takes the topics from the message's tags. Where the store can't be
asked, only messages with the tag ``security`` are sent.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from pkgutil import resolve_name
from typing import Any, Final

import attrs

from notifykit.errors import ConfigError, needs_extra
from notifykit.guards.addresses import Normalize
from notifykit.guards.options import about, options
from notifykit.guards.quiet_hours import QuietHours
from notifykit.models.message import Channel
from notifykit.models.receipt import Veto
from notifykit.models.recipient import Recipient, Rejected
from notifykit.people.preferences import SECURITY, TOPICS, Preferences, PreferenceStore, PreferencesUnavailable
from notifykit.people.unsubscribe import UnsubscribeLinks
from notifykit.people.unsubscribe_page import UnsubscribePages
from notifykit.protocols import About, Counters, GuardContext
from notifykit.settings.sources import Settings
from notifykit.templates.footer import words_of

_NAME: Final = "preferences"
#: The stores that have a name, and the one for URLs: what makes each.
_DATABASE: Final = "notifykit.durable.preferences:DatabasePreferences"
_DJANGO: Final = "notifykit.integrations.django.preferences:DjangoPreferences"


@attrs.frozen(eq=False)
class NormalizedStore:
    """A store that is given and asked for addresses in the form in which messages are sent."""

    #: The store.
    store: PreferenceStore
    #: Reads an address as the pipeline does.
    normalize: Normalize

    def get(self, person: str) -> Preferences | None:
        """Return the preferences of a person by their id; None where nothing is stored."""
        return self.store.get(person)

    def find(self, channel: Channel, address: str) -> Sequence[Preferences]:
        """Return the preferences of everybody who has this address, in any written form.

        :raises ValueError: if it is no address; the message does not show it.
        """
        return self.store.find(channel, self._canonical(channel, address))

    def set(self, preferences: Preferences) -> None:
        """Store preferences in the place of those that the person had.

        :raises ValueError: if one of the addresses is none: nothing is stored then.
        """
        self.store.set(self._normalized(preferences))

    def change(self, person: str, change: Callable[[Preferences], Preferences]) -> Preferences:
        """Change the preferences of a person in one atomic step, and return the new ones.

        :raises ValueError: if one of the addresses is none.
        """
        return self.store.change(person, lambda before: self._normalized(change(before)))

    def delete(self, person: str) -> bool:
        """Delete all that is stored of a person, and return whether anything was."""
        return self.store.delete(person)

    def close(self) -> None:
        """Close the store, if it can be closed."""
        getattr(self.store, "close", lambda: None)()

    def _normalized(self, preferences: Preferences) -> Preferences:
        addresses = {channel: self._canonical(channel, address) for channel, address in preferences.addresses.items()}
        return attrs.evolve(preferences, addresses=addresses)

    def _canonical(self, channel: Channel, address: str) -> str:
        read = self.normalize(address, channel)
        if isinstance(read, Rejected):
            raise ValueError(f"the address for {channel} is none: {read.error.detail} {read.error.action}")  # noqa: TRY004
        return read.address.casefold()


class PreferenceGuard:
    """Holds back what the recipient switched off, and lets jobs wait for the end of the recipient's quiet hours.

    :param store: who wants what. Its addresses are in the form in which messages are sent, in small letters.
    :param topics: the tags of messages that are topics; ``security`` always is one.
    :param zone: the time zone of people whose own is not known.
    :param links: makes the links to unsubscribe; None for none.
    :param wait: whether jobs wait for the end of quiet hours; a plain send skips the recipient at any rate.
    """

    name = _NAME

    def __init__(
        self,
        store: PreferenceStore,
        *,
        topics: Iterable[str] = TOPICS,
        zone: zoneinfo.ZoneInfo | None = None,
        links: UnsubscribeLinks | None = None,
        wait: bool = True,
    ) -> None:
        self.store = store
        self.links = links
        self._topics = {topic.casefold(): topic for topic in topics if topic != SECURITY}
        self._zone = zone
        self._wait = wait

    def check(self, context: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Hold the message back, let it wait, or give the recipient the link to unsubscribe."""
        if SECURITY in context.message.tags:
            return None
        topics = [self._topics[word] for word in words_of(context.message.tags) if word in self._topics]
        recipient = context.recipient
        try:
            people = self.store.find(recipient.channel, recipient.address.casefold())
        except PreferencesUnavailable as error:
            return Veto(
                self.name,
                f"It is not known what the recipient switched off. {error.detail}",
                f"{error.action} Messages with the tag {SECURITY} are sent all the same.",
            )
        for person in people:
            if refused := person.refuses(topics, recipient.channel):
                return Veto(
                    self.name,
                    f"The recipient switched {refused} off.",
                    "Nothing to do; it is for the person to switch it on again.",
                )
        return self._quiet(people, context) or self._with_link(people, topics, recipient)

    def _quiet(self, people: Iterable[Preferences], context: GuardContext) -> Veto | None:
        """Return the veto where it is quiet for one of the people; the one that lasts longest."""
        found: list[Veto] = []
        for person in people:
            if person.quiet is not None:
                zone = person.zone or self._zone
                quiet = QuietHours(person.quiet, zone, wait=self._wait)
                # A zone of their own counts more than that of the country of their number.
                country = None if person.zone else context.recipient.country
                here = attrs.evolve(context, recipient=attrs.evolve(context.recipient, country=country))
                veto = quiet.check(here, None)  # type: ignore[arg-type]  # it counts nothing
                if isinstance(veto, Veto):
                    found.append(veto)
        if not found:
            return None
        last = max(found, key=lambda veto: float("inf") if veto.retry_after is None else veto.retry_after)
        if last.retry_after is None:
            action = "Store the person's time zone, or set NOTIFYKIT_GUARD_QUIET_ZONE=Asia/Kuwait, or another."
            return attrs.evolve(last, guard=self.name, action=action)
        return attrs.evolve(
            last,
            guard=self.name,
            reason="It is within the quiet hours that the recipient chose.",
            action=f"Send it when they are over, or with the tag {SECURITY} if it is that.",
        )

    def _with_link(
        self, people: Sequence[Preferences], topics: Iterable[str], recipient: Recipient
    ) -> Recipient | None:
        """Return the recipient with a link to unsubscribe; None where there is none to give."""
        topic = next((topic for topic in topics if self.links and topic in self.links.topics), None)
        # A link unsubscribes one person: where several have the address, nobody knows which.
        if self.links is None or topic is None or len(people) != 1 or "@" in people[0].person:
            return None
        link = self.links.link(people[0].person, topic, recipient.channel)
        return attrs.evolve(recipient, unsubscribe=link)

    def close(self) -> None:
        """Close the store, if it can be closed."""
        getattr(self.store, "close", lambda: None)()


def preferences_of(notifier: Any) -> PreferenceGuard:
    """Return the guard of a notifier, with its ``store`` and its ``links``.

    :param notifier: a :class:`notifykit.Notifier` or :class:`notifykit.AsyncNotifier`.
    :raises ConfigError: if it has none.
    """
    for guard in notifier._components.registry.guards:  # noqa: SLF001 - the notifier is this package's
        if isinstance(guard, PreferenceGuard):
            return guard
    raise ConfigError(
        "guard.preferences: nothing says where preferences are stored: set NOTIFYKIT_GUARD_PREFERENCES to sqlite, django or "
        "the URL of a database, or give the notifier guards=[PreferenceGuard(store)]"
    )


def pages_of(notifier: Any) -> UnsubscribePages:
    """Return the pages behind the links of a notifier.

    :raises ConfigError: if it has no store of preferences, or no links.
    """
    guard = preferences_of(notifier)
    if guard.links is None:
        raise ConfigError(
            "unsubscribe.key is missing: links need url and key, NOTIFYKIT_UNSUBSCRIBE_URL and NOTIFYKIT_UNSUBSCRIBE_KEY"
        )
    return UnsubscribePages(guard.links, guard.store)


def _open(named: str, settings: Settings) -> PreferenceStore:
    with needs_extra("django" if named == "django" else "durable", "guard.preferences", "python -m pip"):
        if named == "django":
            django: PreferenceStore = resolve_name(_DJANGO)()
            return django
        if named == "sqlite" or "://" in named:
            database: PreferenceStore = resolve_name(_DATABASE)(named, settings)
            return database
    raise ConfigError("guard.preferences is neither sqlite, nor django, nor the URL of a database: write one of them")


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[PreferenceGuard]:
    """Return the guard if the settings name a store."""
    given = options(settings)
    links = UnsubscribeLinks.of(settings)
    named = given["preferences"].reveal() if given["preferences"] else None
    if named is None:
        if links is not None:
            raise ConfigError(
                "unsubscribe: there is no store to write to: set NOTIFYKIT_GUARD_PREFERENCES to sqlite, django or the URL of "
                "a database"
            )
        return []
    store = NormalizedStore(_open(named, settings), normalize)
    zone, wait = given["quiet_zone"] or settings.zone, given["quiet_policy"] == "wait"
    return [PreferenceGuard(store, topics=given["topics"], zone=zone, links=links, wait=wait)]


def notifykit_about() -> About:
    """Return the settings."""
    return about("preferences", "topics")
