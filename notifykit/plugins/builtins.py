"""The framework's own plugins, in one table. A module is imported when something that it brings is used.

Each module has plain functions that are named as the hooks; a transport's module has a function that builds it. Where a
module has several plugins, ``module:name`` is an object with these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

import attrs

from notifykit.hookspecs import hookimpl

if TYPE_CHECKING:
    from notifykit.protocols import TransportFactory
    from notifykit.settings.sources import Settings


class Plugin:
    """The hooks of one of the framework's own plugins."""

    def __init__(self, *hooks: Callable[..., Any]) -> None:
        for hook in hooks:
            setattr(self, hook.__name__, hook)


def _call(module: str, name: str, *arguments: Any) -> Any:
    return getattr(resolve_name(module), name)(*arguments)


def _normalizer(module: str) -> Plugin:
    @hookimpl(trylast=True)
    def notifykit_normalizers() -> Any:
        return _call(module, "notifykit_normalizers")

    return Plugin(notifykit_normalizers)


def _cleaner(module: str) -> Plugin:
    @hookimpl
    def notifykit_cleaners(settings: Settings) -> Any:
        return _call(module, "notifykit_cleaners", settings)

    return Plugin(notifykit_cleaners)


def _guard(module: str, *, tryfirst: bool = False, trylast: bool = False) -> Plugin:
    @hookimpl(tryfirst=tryfirst, trylast=trylast)
    def notifykit_guards(settings: Settings, normalize: Callable[..., Any]) -> Any:
        return _call(module, "notifykit_guards", settings, normalize)

    return Plugin(notifykit_guards, _about(module))


def _sink(module: str, *, about: bool = False) -> Plugin:
    @hookimpl
    def notifykit_sinks(settings: Settings) -> Any:
        return _call(module, "notifykit_sinks", settings)

    return Plugin(notifykit_sinks, *((_about(module),) if about else ()))


def _library_sink(module: str) -> Plugin:
    """Return a plugin that brings a sink for another library, where the setting ``sinks`` names it."""

    @hookimpl
    def notifykit_sinks(settings: Settings) -> Any:
        wanted = module.rpartition(".")[2] in (settings.sinks or ())
        return _call(module, "notifykit_sinks", settings) if wanted else ()

    return Plugin(notifykit_sinks)


def _about(module: str) -> Callable[[], Any]:
    @hookimpl
    def notifykit_about() -> Any:
        return _call(module, "notifykit_about")

    return notifykit_about


def _transport(module: str, *, about: bool = True, configured: bool = False, schemes: str = "") -> Plugin:
    """Return a plugin that brings the transport of a module.

    :param about: whether the module describes settings.
    :param configured: whether the module knows if the settings are plainly meant for it.
    :param schemes: its DSN schemes; the module's name if empty.
    """
    name = module.replace(":", ".").rpartition(".")[2]

    @hookimpl
    def notifykit_transports() -> Iterable[TransportFactory]:
        from notifykit.protocols import TransportFactory  # the list of commands needs none

        factory = TransportFactory(
            name,
            partial(_call, module, "build"),
            tuple(schemes.split()) or (name,),
            capabilities=lambda: resolve_name(module).CAPABILITIES,
        )
        return [attrs.evolve(factory, configured=partial(_call, module, "is_configured")) if configured else factory]

    return Plugin(notifykit_transports, *([_about(module)] if about else ()))


def _composite(module: str, **builders: str) -> Plugin:
    """Return a plugin that brings transports made of others.

    :param builders: the function that builds each, by its name.
    """

    @hookimpl
    def notifykit_transports() -> Iterable[TransportFactory]:
        from notifykit.protocols import TransportFactory

        return [
            TransportFactory(name, partial(_call, module, build), takes_parts=True) for name, build in builders.items()
        ]

    return Plugin(notifykit_transports)


def _commands(module: str) -> Plugin:
    @hookimpl
    def notifykit_commands(register: Callable[..., None]) -> None:
        _call(module, "notifykit_commands", register)

    return Plugin(notifykit_commands)


_STUB: Final = partial(_transport, about=False)
#: Name, module and kind of each plugin; components of one kind are called in this order.
_TABLE: Final[Sequence[tuple[str, str, Callable[[str], Any]]]] = (
    ("international", "notifykit.normalizers.phone", _normalizer),
    ("email", "notifykit.normalizers.email", _normalizer),
    ("push", "notifykit.normalizers.push", _normalizer),
    ("unicode", "notifykit.cleaners.unicode", _cleaner),
    ("memory", "notifykit.transports.stubs:memory", _STUB),
    ("console", "notifykit.transports.stubs:console", _STUB),
    ("null", "notifykit.transports.stubs:null", _STUB),
    ("webhook", "notifykit.transports.webhook", partial(_transport, about=False, schemes="webhook webhook+http")),
    ("smtp", "notifykit.transports.smtp", partial(_transport, configured=True, schemes="smtp smtps")),
    ("file", "notifykit.transports.file", _transport),
    ("apprise", "notifykit.transports.apprise", _transport),
    ("failover", "notifykit.transports.composites.failover", partial(_composite, failover="build")),
    (
        "rotation",
        "notifykit.transports.composites.round_robin",
        partial(_composite, roundrobin="round_robin", weighted="weighted"),
    ),
    ("route", "notifykit.transports.composites.route", partial(_composite, route="build")),
    ("fanout", "notifykit.transports.composites.fanout", partial(_composite, fanout="build")),
    ("environment", "notifykit.guards.environment", partial(_guard, tryfirst=True)),
    ("suppression", "notifykit.guards.suppression", _guard),
    ("preferences", "notifykit.people.guard", _guard),
    ("quiet_hours", "notifykit.guards.quiet_hours", _guard),
    ("cool_down", "notifykit.guards.limits:cool_down", _guard),
    ("same_content", "notifykit.guards.limits:same_content", _guard),
    ("volume_cap", "notifykit.guards.limits:volume_cap", partial(_guard, trylast=True)),
    ("spend_cap", "notifykit.guards.limits:spend_cap", partial(_guard, trylast=True)),
    ("logging", "notifykit.sinks.logging", _sink),
    ("jsonl", "notifykit.sinks.jsonl", _sink),
    ("opentelemetry", "notifykit.integrations.opentelemetry", _library_sink),
    ("prometheus", "notifykit.integrations.prometheus", _library_sink),
    ("alert", "notifykit.alerts.settings", partial(_sink, about=True)),
    ("structlog", "notifykit.integrations.structlog", _library_sink),
    ("cli", "notifykit.cli", _commands),
    ("verify", "notifykit.verify.settings", lambda module: Plugin(_about(module))),
    ("unsubscribe", "notifykit.people.unsubscribe", lambda module: Plugin(_about(module))),
    # A module with hooks, as an installed plugin is.
    ("durable", "notifykit.durable", import_module),
)
#: The modules of the framework's own plugins.
BUILTINS: Final = tuple(module for _, module, _ in _TABLE)
_KINDS: Final = {module: (name, kind) for name, module, kind in _TABLE}


def plugin(module: str) -> tuple[str, Callable[[], Any]]:
    """Return the name of a plugin, and what loads it.

    :param module: the dotted path of its module; one that is not in the table is a plugin itself.
    """
    name, kind = _KINDS.get(module, (module.rpartition(".")[2], import_module))
    return name, partial(kind, module)
