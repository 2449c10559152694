"""What the framework's own plugins are to a host, before they are needed: doors to modules that nobody has imported.

A program that sends SMS should not wait for the module that speaks SMTP. So the factories of the framework's own
transports are written down here, and build by importing; its guards and sinks are imported where the settings may ask
for one, and where there is something to hear.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from notifykit.hookspecs import hookimpl
from notifykit.protocols import TransportFactory
from notifykit.settings import FIELDS

if TYPE_CHECKING:
    import click

    from notifykit.events import Event
    from notifykit.letters import Channel, Recipient, Rejected
    from notifykit.protocols import About, Guard, Normalizer, Sink
    from notifykit.settings import Settings

_TRANSPORTS: Final = "notifykit.transports"
_GUARDS: Final = "notifykit.guards"
_SINKS: Final = "notifykit.sinks"
_OWN: Final = frozenset(name for field in FIELDS for name in field.environment)


class Door:
    """A plugin whose hooks import what they bring.

    :param hooks: its hooks by their names.
    """

    def __init__(self, **hooks: Callable[..., Any]) -> None:
        vars(self).update(hooks)


def _calling(module: str, name: str) -> Callable[..., Any]:
    """Return a function that imports another one when it is called."""

    def call(*arguments: Any) -> Any:
        return getattr(import_module(module), name)(*arguments)

    return call


def _reading(module: str, name: str) -> Callable[[], Any]:
    """Return a function that imports a value when it is called."""
    return lambda: getattr(import_module(module), name)


def _transports(*factories: TransportFactory, about: str | None = None) -> Door:
    """Return a plugin that brings transports.

    :param about: the module whose hook tells of their settings; None where there are none.
    """

    @hookimpl
    def notifykit_transports() -> Iterable[TransportFactory]:
        return factories

    return Door(notifykit_transports=notifykit_transports, **(_about(about) if about else {}))


def _about(module: str) -> dict[str, Callable[[], About]]:
    """Return the hook by which a plugin tells of its settings."""

    @hookimpl
    def notifykit_about() -> About:
        found: About = import_module(module).notifykit_about()
        return found

    return {"notifykit_about": notifykit_about}


def _stand_in(name: str) -> Door:
    module = f"{_TRANSPORTS}.{name}"
    anything = _reading(f"{_TRANSPORTS}.standin", "ANYTHING")
    return _transports(TransportFactory(name, _calling(module, "build"), capabilities=anything))


def _composite(module: str, **builders: str) -> Door:
    module = f"{_TRANSPORTS}.composites.{module}"
    return _transports(
        *(TransportFactory(name, _calling(module, build), takes_parts=True) for name, build in builders.items())
    )


def _provider(name: str, *schemes: str, about: bool = True, **more: Any) -> Door:
    module = f"{_TRANSPORTS}.{name}"
    capabilities = _reading(module, "CAPABILITIES")
    factory = TransportFactory(name, _calling(module, "build"), schemes or (name,), capabilities=capabilities, **more)
    return _transports(factory, about=module if about else None)


def _guard(name: str, *, reads: bool = False, tryfirst: bool = False, trylast: bool = False) -> Door:
    """Return a plugin that brings a guard.

    :param reads: whether it reads addresses, so that it has to know how.
    """
    module = f"{_GUARDS}.{name}"

    @hookimpl(tryfirst=tryfirst, trylast=trylast)
    def notifykit_guards(settings: Settings, normalize: Callable[..., Any]) -> Iterable[Guard]:
        if not _may_ask(settings):
            return ()
        asked = import_module(module).notifykit_guards
        found: Iterable[Guard] = asked(settings, normalize) if reads else asked(settings)
        return found

    return Door(notifykit_guards=notifykit_guards, **_about(module))


def _may_ask(settings: Settings) -> bool:
    """Return whether the settings may be about a guard, or may have meant to be: slips are for the guards to tell."""
    sources = settings.sources
    names = (name for place in (sources.environment, sources.dotenv) for name in place)
    return (
        settings.environment is not None
        or "guard" in sources.arguments
        or "guard" in sources.table
        or any(name.startswith("NOTIFYKIT_") and name not in _OWN for name in names)
    )


class LateNormalizer:
    """A normalizer that is imported when it is asked about the first address of its own channel.

    :param name: what settings and listings call it; its channel is called the same.
    """

    def __init__(self, name: str) -> None:
        #: What settings and listings call it.
        self.name = name
        self._imported: Normalizer | None = None

    def normalize(self, raw: str, channel: Channel) -> Recipient | Rejected | None:
        """Return what the imported normalizer says, or None for another channel."""
        if channel != self.name:
            return None
        if self._imported is None:
            (self._imported,) = import_module(f"notifykit.normalizers.{self.name}").notifykit_normalizers()
        return self._imported.normalize(raw, channel)


def _normalizer(name: str) -> Door:
    @hookimpl(trylast=True)
    def notifykit_normalizers() -> Iterable[Normalizer]:
        return (LateNormalizer(name),)

    return Door(notifykit_normalizers=notifykit_normalizers)


class LoggingSink:
    """The sink ``logging``, imported with the models of all events when it hears the first."""

    #: What settings and listings call it.
    name = "logging"

    def handle(self, event: Event) -> None:
        """Log one event. From the second on, the instance has the sink's own method in the place of this one."""
        self.handle = self._imported.handle  # type: ignore[method-assign]
        self.handle(event)

    @cached_property
    def _imported(self) -> Any:
        return import_module(f"{_SINKS}.logging").LoggingSink()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._imported, name)


def _logging() -> Door:
    # A library says nothing by itself: without a handler, Python would write warnings to standard error.
    logger = logging.getLogger("notifykit")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())

    @hookimpl
    def notifykit_sinks() -> Iterable[Sink]:
        return (LoggingSink(),)

    return Door(notifykit_sinks=notifykit_sinks)


def _jsonl() -> Door:
    @hookimpl
    def notifykit_sinks(settings: Settings) -> Iterable[Sink]:
        found: Iterable[Sink] = import_module(f"{_SINKS}.jsonl").notifykit_sinks(settings) if settings.log_file else ()
        return found

    return Door(notifykit_sinks=notifykit_sinks)


#: What makes the plugins, by the modules that they stand in front of.
DOORS: Final[Mapping[str, Callable[[], Door]]] = {
    "notifykit.normalizers.email": partial(_normalizer, "email"),
    "notifykit.normalizers.push": partial(_normalizer, "push"),
    f"{_TRANSPORTS}.memory": partial(_stand_in, "memory"),
    f"{_TRANSPORTS}.console": partial(_stand_in, "console"),
    f"{_TRANSPORTS}.null": partial(_stand_in, "null"),
    f"{_TRANSPORTS}.webhook": partial(_provider, "webhook", "webhook", "webhook+http", about=False),
    f"{_TRANSPORTS}.smtp": partial(
        _provider, "smtp", "smtp", "smtps", configured=_calling(f"{_TRANSPORTS}.smtp", "is_configured")
    ),
    f"{_TRANSPORTS}.file": partial(_provider, "file"),
    f"{_TRANSPORTS}.apprise": partial(_provider, "apprise"),
    f"{_TRANSPORTS}.composites.failover": partial(_composite, "failover", failover="build"),
    f"{_TRANSPORTS}.composites.rotation": partial(
        _composite, "rotation", roundrobin="round_robin", weighted="weighted"
    ),
    f"{_TRANSPORTS}.composites.route": partial(_composite, "route", route="build"),
    f"{_TRANSPORTS}.composites.fanout": partial(_composite, "fanout", fanout="build"),
    f"{_GUARDS}.environment": partial(_guard, "environment", reads=True, tryfirst=True),
    f"{_GUARDS}.suppression": partial(_guard, "suppression", reads=True),
    f"{_GUARDS}.quiet_hours": partial(_guard, "quiet_hours"),
    f"{_GUARDS}.cool_down": partial(_guard, "cool_down"),
    f"{_GUARDS}.same_content": partial(_guard, "same_content"),
    f"{_GUARDS}.volume_cap": partial(_guard, "volume_cap", trylast=True),
    f"{_GUARDS}.spend_cap": partial(_guard, "spend_cap", trylast=True),
    f"{_SINKS}.logging": _logging,
    f"{_SINKS}.jsonl": _jsonl,
}


def _command(module: str) -> Door:
    @hookimpl
    def notifykit_commands(register: Callable[[click.Command], None]) -> None:
        import_module(module).notifykit_commands(register)

    return Door(notifykit_commands=notifykit_commands)


def plugin(dotted: str) -> Any:
    """Return the framework's plugin of a name: the door to it, or its module."""
    if dotted.startswith("notifykit.cli."):
        return _command(dotted)
    return DOORS[dotted]() if dotted in DOORS else import_module(dotted)
