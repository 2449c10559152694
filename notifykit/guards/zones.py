"""Which time zones a country has, by the table that comes with the time zone database (``zone.tab``)."""

from __future__ import annotations

import functools
import importlib.resources
import pathlib
import zoneinfo
from collections.abc import Mapping

_TABLE = "zone.tab"


@functools.cache
def zones_of(country: str) -> tuple[zoneinfo.ZoneInfo, ...]:
    """Return the zones of a country, by its ISO 3166 code; none where there is no such country.

    :raises FileNotFoundError: where this machine has no time zone database.
    """
    return tuple(map(zoneinfo.ZoneInfo, names_of_zones().get(country, ())))


@functools.cache
def names_of_zones() -> Mapping[str, tuple[str, ...]]:
    """Return the names of the zones of each country, by its ISO 3166 code.

    :raises FileNotFoundError: where this machine has no time zone database.
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
