"""Finds plugins without loading them: installed ones by their entry points, the framework's own by their modules."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import attrs

from notifykit.hookspecs import PROJECT
from notifykit.plugins import builtins


@attrs.frozen
class Candidate:
    """A plugin that was found and not yet loaded."""

    #: Its name.
    name: str
    #: The distribution it came with.
    distribution: str
    #: That distribution's version.
    version: str | None
    #: The module or object it is.
    location: str
    #: Imports it and returns it.
    load: Callable[[], Any]
    #: 0 for what a caller registered, 1 for installed plugins, 2 for the framework's own.
    tier: int


def installed() -> Iterator[Candidate]:
    """Yield the plugins that installed distributions declare, by name.

    A distribution that is found twice counts once. A name that two distributions claim is yielded twice.
    """
    for point in sorted(importlib.metadata.entry_points(group=PROJECT), key=attrgetter("name", "value")):
        about: Any = (point.dist and point.dist.metadata) or {}
        distribution = about.get("Name") or "an unknown distribution"
        yield Candidate(point.name, distribution, about.get("Version"), point.value, point.load, tier=1)


def built_in(modules: Sequence[str]) -> Iterator[Candidate]:
    """Yield the framework's own plugins.

    :param modules: their dotted paths.
    """
    for module in modules:
        name, load = builtins.plugin(module)
        yield Candidate(name, "notifykit", None, module, load, tier=2)
