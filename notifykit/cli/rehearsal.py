"""What commands need to look at settings, plugins and messages without sending anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from notifykit.cli.manner import manner
from notifykit.cli.wording import nearest
from notifykit.dsn import Dsn
from notifykit.errors import PluginError, TransportError
from notifykit.flow.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.protocols import TransportFactory
from notifykit.settings import Settings

if TYPE_CHECKING:
    import click


def load_settings(arguments: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of this run; what is wrong with them stands in ``problems``."""
    return Settings.load(arguments, env_file=manner().env_file)


@contextlib.contextmanager
def rehearsal(ctx: click.Context, via: str | None = None) -> Iterator[Notifier]:
    """Give a notifier that goes the whole road and ends at a stand-in.

    The stand-in measures, refuses and prices as the transport would that the settings mean. It needs no account, and
    writes no log.
    """
    settings = load_settings({"transport": via}).check()
    host = ctx.ensure_object(PluginHost)
    like = _model(settings, host)
    quiet = attrs.evolve(settings, transport=None, log_file=None, sinks=())
    with Notifier(Dsn("memory", options={"like": like} if like else {}), settings=quiet, host=host) as notifier:
        yield notifier


def provider_codes(ctx: click.Context) -> dict[str, TransportError]:
    """Return what the codes of all providers mean."""
    told = ctx.ensure_object(PluginHost).about().values()
    return {error.code: error for about in told for error in about.codes() if error.code}


def known_transport(settings: Settings, host: PluginHost) -> TransportFactory | None:
    """Return what builds the transport that the settings name; None where they name none.

    :raises PluginError: where no plugin brings it.
    """
    factories = host.registry(attrs.evolve(settings, log_file=None, sinks=())).transports
    # Addresses get their own hint where the transport is built.
    if settings.transport is None or settings.transport.scheme in ("http", "https"):
        return None
    scheme = settings.transport.scheme
    if scheme not in factories:
        near = nearest(scheme, factories)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(sorted(factories)) or 'none'}"
        raise PluginError(scheme, f"no plugin brings this transport: {hint}")
    return factories[scheme]


def _model(settings: Settings, host: PluginHost) -> str | None:
    """Return the scheme of the transport that is meant, where its abilities are known without building it."""
    factories = host.registry(attrs.evolve(settings, log_file=None, sinks=())).transports
    named = known_transport(settings, host)
    if settings.transport is not None and named is not None:
        return settings.transport.options.get("like") or (named.capabilities and settings.transport.scheme)
    meant = [factory for factory in factories.values() if factory.configured(settings) and factory.capabilities]
    return meant[0].schemes[0] if meant else None
