"""``quiet_hours``: no messages while recipients sleep, by their own clock.

The time zones of a country are those of ``zone.tab``, a table of the time zone database.
"""

from __future__ import annotations

import datetime
import functools
import importlib.resources
import pathlib
import zoneinfo
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import attrs

from notifykit.errors import ConfigError
from notifykit.guards.addresses import Normalize
from notifykit.guards.options import Hours, about, resolved
from notifykit.models.receipt import Veto
from notifykit.models.recipient import Recipient
from notifykit.protocols import About, Counters, GuardContext
from notifykit.settings.sources import Settings

_TABLE: Final = "zone.tab"
_DAY: Final = datetime.timedelta(days=1)
_SECOND: Final = datetime.timedelta(seconds=1)


@functools.cache
def zones_of(country: str) -> tuple[zoneinfo.ZoneInfo, ...]:
    """Return the zones of a country, by its ISO 3166 code; none if there is no such country.

    :raises FileNotFoundError: if this machine has no time zone database.
    """
    return tuple(map(zoneinfo.ZoneInfo, names_of_zones().get(country, ())))


@functools.cache
def names_of_zones() -> Mapping[str, tuple[str, ...]]:
    """Return the names of the zones of each country, by its ISO 3166 code.

    :raises FileNotFoundError: if this machine has no time zone database.
    """
    found: dict[str, list[str]] = {}
    for line in _table().splitlines():
        if line and not line.startswith("#"):
            country, _, name, *_ = line.split("\t")
            found.setdefault(country, []).append(name)
    return {country: tuple(names) for country, names in found.items()}


def _table() -> str:
    for folder in zoneinfo.TZPATH:
        file = pathlib.Path(folder, _TABLE)
        if file.is_file():
            return file.read_text(encoding="utf-8")
    try:
        return importlib.resources.files("tzdata.zoneinfo").joinpath(_TABLE).read_text(encoding="utf-8")
    except ModuleNotFoundError:
        raise FileNotFoundError(_TABLE) from None


@attrs.frozen
class QuietHours:
    """Holds back messages that would arrive in the recipient's quiet hours."""

    #: What settings and listings call it.
    name = "quiet_hours"

    #: When it is quiet.
    hours: Hours
    #: The zone of recipients whose country is not known; None holds their messages back.
    zone: zoneinfo.ZoneInfo | None
    #: Tags of messages that pass at any time.
    exempt_tags: Collection[str] = ()
    #: Whether jobs wait for their end; a plain send skips the recipient at any rate.
    wait: bool = True

    def check(self, context: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Hold the message back if it is quiet in any time zone of the recipient's country."""
        if any(tag in self.exempt_tags for tag in context.message.tags):
            return None
        zones = zones_of(context.recipient.country or "") or ((self.zone,) if self.zone else ())
        if not zones:
            return Veto(
                self.name,
                "The recipient's time zone is not known, so it may be night there.",
                "Set NOTIFYKIT_GUARD_QUIET_ZONE=Asia/Kuwait, or another: it is for recipients without a known country.",
            )
        if not any(self.is_quiet(context.now, zone) for zone in zones):
            return None
        ends = self.end(context.now, zones)
        return Veto(
            self.name,
            f"It is quiet from {self.hours.start:%H:%M} to {self.hours.end:%H:%M} in the recipient's country.",
            "Send it when the quiet hours are over, or give it a tag of NOTIFYKIT_GUARD_QUIET_EXCEPT.",
            None if ends is None else (ends - context.now).total_seconds(),
            postpone=self.wait and ends is not None,
        )

    def is_quiet(self, moment: datetime.datetime, zone: zoneinfo.ZoneInfo) -> bool:
        """Return whether the clocks of a zone show a quiet hour at a moment."""
        return self.hours.contain(moment.astimezone(zone).time())

    def end(self, moment: datetime.datetime, zones: Sequence[zoneinfo.ZoneInfo]) -> datetime.datetime | None:
        """Return the first moment from this one on that is quiet in none of the zones; None if there is none."""
        latest = moment + 2 * _DAY
        while moment < latest:
            quiet = [zone for zone in zones if self.is_quiet(moment, zone)]
            if not quiet:
                return moment
            moment = max(self._change(moment, zone) for zone in quiet)
        return None

    def _change(self, moment: datetime.datetime, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
        """Return when the quiet hours end by the clock, or when the clock is changed, whichever is first."""
        wall = moment.astimezone(zone).replace(tzinfo=None)
        ends = wall.replace(hour=self.hours.end.hour, minute=self.hours.end.minute, second=0, microsecond=0)
        ends += _DAY if ends <= wall else datetime.timedelta()
        later = moment + (ends - wall)
        return later if _offset(later, zone) == _offset(moment, zone) else _changed(moment, later, zone)


def _offset(moment: datetime.datetime, zone: zoneinfo.ZoneInfo) -> datetime.timedelta | None:
    return moment.astimezone(zone).utcoffset()


def _changed(before: datetime.datetime, after: datetime.datetime, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """Return the second at which the clocks of a zone are changed between two moments."""
    old = _offset(before, zone)
    before, after = before.replace(microsecond=0), after.replace(microsecond=0)
    while after - before > _SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return after


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[QuietHours]:
    """Return the guard if the settings have quiet hours."""
    given, problems = resolved(settings)
    if given["quiet_hours"]:
        try:
            names_of_zones()
        except FileNotFoundError:
            problems.append(
                "guard.quiet_hours: this machine has no time zone database: `pip install tzdata` brings one"
            )
    if problems:
        raise ConfigError(problems)
    if not given["quiet_hours"]:
        return []
    zone, wait = given["quiet_zone"] or settings.zone, given["quiet_policy"] == "wait"
    return [QuietHours(given["quiet_hours"], zone, frozenset(given["quiet_except"]), wait)]


def notifykit_about() -> About:
    """Return the settings."""
    return about("quiet_hours", "quiet_policy", "quiet_zone", "quiet_except")
