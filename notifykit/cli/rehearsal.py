"""What commands need to look at settings, plugins and messages without sending anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from notifykit.cli.manner import manner
from notifykit.errors import ConfigError, PluginError, TransportError
from notifykit.http.network import network_errors
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.protocols import Transport, TransportFactory
from notifykit.settings.dsn import Dsn
from notifykit.settings.sources import Settings
from notifykit.suggest import did_you_mean

if TYPE_CHECKING:
    import click


def load_settings(arguments: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of this run; what is wrong with them stands in ``problems``."""
    return Settings.load(arguments, env_file=manner().env_file)


@contextlib.contextmanager
def rehearsal(ctx: click.Context, via: str | None = None) -> Iterator[Notifier]:
    """Give a notifier that goes the whole road and ends at a stand-in.

    The stand-in measures, refuses and prices as the transport would that the settings mean. It needs no account, and
    writes no log; no guard holds anything back.
    """
    settings = load_settings({"transport": via}).check()
    host = ctx.ensure_object(PluginHost)
    like = _model(settings, host)
    quiet = attrs.evolve(settings, transport=None, log_file=None, sinks=(), guards=())
    with Notifier(Dsn("memory", options={"like": like} if like else {}), settings=quiet, host=host) as notifier:
        yield notifier


def provider_codes(ctx: click.Context) -> dict[str, TransportError]:
    """Return what the codes of all providers mean, and those of connections."""
    told = ctx.ensure_object(PluginHost).about().values()
    errors = [*network_errors(), *(error for about in told for error in about.codes())]
    return {error.code: error for error in errors if error.code}


def inside(settings: Settings, transport: Dsn) -> Iterator[Dsn]:
    """Yield what a transport means: itself, and those in its brackets, in order, with names resolved at any depth.

    :raises ConfigError: where names only lead to each other.
    """
    transport = settings.named(transport)
    yield transport
    for part in transport.parts:
        yield from inside(settings, part.dsn)


def known_transports(settings: Settings, host: PluginHost) -> list[tuple[Dsn, TransportFactory]]:
    """Return the transports that would make requests, in order, each with what builds it; none where none is named.

    Where something is wrong with the settings, only what is known is returned: whoever builds the transport tells it
    together with everything else.

    :raises PluginError: where no plugin brings one of them.
    :raises ConfigError: where a name of the settings is used as if it were a transport of its own kind.
    """
    factories = host.registry(attrs.evolve(settings, log_file=None, sinks=())).transports
    if settings.transport is None:
        return []
    found = list(inside(settings, settings.transport))
    # Addresses get their own hint where the transport is built.
    strange = [dsn.scheme for dsn in found if dsn.scheme not in (*factories, "http", "https")]
    if strange and not settings.problems:
        if strange[0] in settings.transports:
            raise ConfigError(
                f"transport: {strange[0]} is a name in the settings: it stands alone, without a host, options or brackets"
            )
        hint = did_you_mean(strange[0], sorted({*factories, *settings.transports}))
        raise PluginError(strange[0], f"no plugin brings this transport: {hint}")
    return [(dsn, factories[dsn.scheme]) for dsn in found if dsn.scheme in factories and not dsn.parts]


def mode(transport: Transport) -> str:
    """Return ``LIVE`` where what a transport takes may reach people, else ``TEST``."""
    return "LIVE" if transport.capabilities.live else "TEST"


def _model(settings: Settings, host: PluginHost) -> str | None:
    """Return the scheme of the transport that leads, where its abilities are known without building it.

    Of several it is the first that can measure, else the first whose abilities are known.
    """
    named = known_transports(settings, host)
    if not named and settings.transport is None:
        factories = host.registry(attrs.evolve(settings, log_file=None, sinks=())).transports
        named = [(Dsn(factory.schemes[0]), factory) for factory in factories.values() if factory.configured(settings)]
    known = [(dsn, factory.capabilities()) for dsn, factory in named if factory.capabilities]
    measuring = [dsn for dsn, capabilities in known if capabilities.measure or not capabilities.live]
    chosen = next(iter((*measuring, *(dsn for dsn, _ in known))), None)
    return None if chosen is None else chosen.options.get("like", chosen.scheme)
