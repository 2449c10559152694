"""What the framework's own plugins are to a host, before they are needed: doors to modules that nobody has imported.

A program that sends SMS should not wait for the module that speaks SMTP. So the factories of the framework's own
transports are written down here, and build by importing; its guards are imported where the settings may ask for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from notifykit.hookspecs import hookimpl
from notifykit.protocols import TransportFactory
from notifykit.settings import FIELDS

if TYPE_CHECKING:
    from notifykit.protocols import About, Guard
    from notifykit.settings import Settings

_TRANSPORTS: Final = "notifykit.transports"
_GUARDS: Final = "notifykit.guards"
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

    :param about: the module whose ``about`` tells of their settings; None where there are none.
    """

    @hookimpl
    def notifykit_transports() -> Iterable[TransportFactory]:
        return factories

    return Door(notifykit_transports=notifykit_transports, **(_about(about) if about else {}))


def _about(module: str) -> dict[str, Callable[[], About]]:
    """Return the hook by which a plugin tells of its settings."""

    @hookimpl
    def notifykit_about() -> About:
        found: About = import_module(module).about()
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


def _guard(module: str, *, tryfirst: bool = False, trylast: bool = False) -> Door:
    module = f"{_GUARDS}.{module}"

    @hookimpl(tryfirst=tryfirst, trylast=trylast)
    def notifykit_guards(settings: Settings, normalize: Callable[..., Any]) -> Iterable[Guard]:
        found: Iterable[Guard] = import_module(module).guards(settings, normalize) if _may_ask(settings) else ()
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


#: The plugins by the modules that they stand in front of.
DOORS: Final = {
    f"{_TRANSPORTS}.memory": _stand_in("memory"),
    f"{_TRANSPORTS}.console": _stand_in("console"),
    f"{_TRANSPORTS}.null": _stand_in("null"),
    f"{_TRANSPORTS}.webhook": _provider("webhook", "webhook", "webhook+http", about=False),
    f"{_TRANSPORTS}.smtp": _provider(
        "smtp", "smtp", "smtps", configured=_calling(f"{_TRANSPORTS}.smtp", "is_configured")
    ),
    f"{_TRANSPORTS}.file": _provider("file"),
    f"{_TRANSPORTS}.apprise": _provider("apprise"),
    f"{_TRANSPORTS}.composites.failover": _composite("failover", failover="build"),
    f"{_TRANSPORTS}.composites.rotation": _composite("rotation", roundrobin="round_robin", weighted="weighted"),
    f"{_TRANSPORTS}.composites.route": _composite("route", route="build"),
    f"{_TRANSPORTS}.composites.fanout": _composite("fanout", fanout="build"),
    f"{_GUARDS}.environment": _guard("environment", tryfirst=True),
    f"{_GUARDS}.suppression": _guard("suppression"),
    f"{_GUARDS}.quiet_hours": _guard("quiet_hours"),
    f"{_GUARDS}.cool_down": _guard("cool_down"),
    f"{_GUARDS}.same_content": _guard("same_content"),
    f"{_GUARDS}.volume_cap": _guard("volume_cap", trylast=True),
    f"{_GUARDS}.spend_cap": _guard("spend_cap", trylast=True),
}


def plugin(dotted: str) -> Any:
    """Return the framework's plugin of a name: the door to it, or its module."""
    return DOORS.get(dotted) or import_module(dotted)
