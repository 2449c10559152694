"""The components that plugins bring, in the order in which they are called."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from notifykit.errors import ConfigError, InvalidRecipient, PluginError, raise_interrupt
from notifykit.plugins.functions import as_component
from notifykit.protocols import Cleaner, Guard, Normalizer, Sink, TransportFactory
from notifykit.protocols.engine import EngineFactory
from notifykit.suggest import did_you_mean

if TYPE_CHECKING:
    from notifykit.models.message import Channel
    from notifykit.models.recipient import Recipient, Rejected

_log = logging.getLogger("notifykit.plugins")

#: The kinds of component, and the shape of each; the hook ``notifykit_sinks`` brings sinks.
SHAPES: Final[Mapping[str, type[Any]]] = {
    "normalizer": Normalizer,
    "cleaner": Cleaner,
    "transport": TransportFactory,
    "sink": Sink,
    "engine": EngineFactory,
    "guard": Guard,
}


@attrs.frozen
class Registry:
    """The components of one pipeline, in the order in which they are called."""

    #: Called one after the other; the first answer wins.
    normalizers: tuple[Normalizer, ...] = ()
    #: Run one on the result of the other.
    cleaners: tuple[Cleaner, ...] = ()
    #: By DSN scheme.
    transports: Mapping[str, TransportFactory] = attrs.field(factory=dict)
    #: Called one after the other with each event.
    sinks: tuple[Sink, ...] = ()
    #: Store sends on disk; the first is used.
    engines: tuple[EngineFactory, ...] = ()
    #: Called one after the other; the first veto counts.
    guards: tuple[Guard, ...] = ()


@attrs.frozen
class Contribution:
    """One component that a plugin brings."""

    kind: str
    item: Any
    plugin: str
    rank: tuple[int, int]

    @property
    def name(self) -> str:
        """The name that settings and listings use."""
        return str(self.item.name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def component(plugin: str, kind: str, item: Any) -> Any:
    """Return what a plugin brings as an object that can be used; sinks and cleaners may be plain functions.

    :raises PluginError: with what is missing.
    """
    shape = SHAPES[kind]
    if isinstance(item, type):
        raise PluginError(plugin, f"the {kind} {item.__name__} is a class: bring an object of it")
    if shape in (TransportFactory, EngineFactory) and not isinstance(item, shape):
        raise PluginError(plugin, f"the {kind} {type(item).__name__} is no {shape.__name__}")
    item = as_component(plugin, kind, item)
    wanted = {*getattr(shape, "__annotations__", ()), *(name for name in vars(shape) if not name.startswith("_"))}
    missing = [name for name in sorted(wanted) if not hasattr(item, name)]
    if missing:
        raise PluginError(plugin, f"the {kind} {type(item).__name__} lacks {', '.join(missing)}")
    if not isinstance(item.name, str) or not item.name:
        raise PluginError(plugin, f"the {kind} {type(item).__name__} has no name")
    return item


def components(kind: str, items: object, problems: list[ConfigError]) -> tuple[Any, ...]:
    """Return components that a caller gives instead of a plugin; what can't be used is added to the problems.

    :raises TypeError: if they are no list.
    """
    if not isinstance(items, Iterable) or isinstance(items, str):
        raise TypeError(f"{kind}s is a list of {kind}s")
    found: list[Any] = []
    for item in items:
        try:
            found.append(component(f"{kind}s", kind, item))
        except PluginError as error:
            problems.append(ConfigError(f"{kind}s: {error.detail}"))
    return tuple(found)


def normalize(normalizers: Sequence[Normalizer], raw: str, channel: Channel) -> Recipient | Rejected:
    """Return the answer of the first normalizer that knows the address; one that raises is skipped."""
    from notifykit.models.recipient import Recipient, Rejected

    outer = sys.exception()
    for normalizer in normalizers:
        try:
            answer = normalizer.normalize(raw, channel)
        except Exception as error:
            raise_interrupt(error, outer)
            _log.warning("the normalizer %s raised %s and was passed over", normalizer.name, type(error).__name__)
            continue
        if isinstance(answer, Recipient | Rejected):
            return answer
    return Rejected(raw, InvalidRecipient(f"No normalizer knows addresses of the channel {channel}."))


def pick(kind: str, items: list[Any], wanted: tuple[str, ...] | None, problems: list[str]) -> tuple[Any, ...]:
    """Return the wanted components in their order, or all of them where ``wanted`` is None."""
    if wanted is None:
        return tuple(items)
    by_name = {item.name: item for item in items}
    problems += [
        f"{kind}s: there is no {kind} named {name}: {did_you_mean(name, sorted(by_name))}"
        for name in wanted
        if name not in by_name
    ]
    return tuple(by_name[name] for name in wanted if name in by_name)
