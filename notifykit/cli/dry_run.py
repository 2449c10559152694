"""Look at settings, transports and messages without sending anything: what dry runs, previews and checks share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import click

from notifykit.cli.options import global_options, nested_dsns
from notifykit.errors import ConfigError, PluginError, TransportError
from notifykit.http.network import network_errors
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.protocols import Sink, Transport, TransportFactory
from notifykit.settings.dsn import Dsn
from notifykit.settings.files import STREAMS
from notifykit.settings.sources import Settings
from notifykit.suggest import did_you_mean


def load_settings(arguments: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of this run; ``problems`` has what is wrong with them."""
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    return Settings.load({**global_options().settings, **given}, env_file=global_options().env_file)


def without_logs(settings: Settings) -> Settings:
    """Return settings that open no log and no sink."""
    return attrs.evolve(settings, log_file=None, sinks=())


def plugin_host() -> PluginHost:
    """Return the plugins of this run."""
    return click.get_current_context().ensure_object(PluginHost)


def open_notifier(transport: str | Dsn | None = None, *, sinks: Sequence[Sink] = (), **more: Any) -> Notifier:
    """Return a notifier from the settings of this run.

    :param transport: another transport than the settings choose.
    :param sinks: log sinks besides those of the settings.
    :param more: settings by their names.
    """
    settings = load_settings({**logs_beside_answers(), **more, "transport": transport})
    return Notifier(None, settings=settings, host=plugin_host(), sinks=sinks)


def logs_beside_answers() -> dict[str, Any]:
    """Return the settings that keep the log out of standard output, which has the answer of a command."""
    on_stdout = STREAMS.get(load_settings().log_file or "") == "stdout"
    return {"log_file": "/dev/stderr"} if on_stdout else {}


def provider_codes() -> dict[str, TransportError]:
    """Return the error codes of all providers, and those of connections."""
    errors = [*network_errors(), *(error for about in plugin_host().about().values() for error in about.codes())]
    return {error.code: error for error in errors if error.code}


@contextlib.contextmanager
def dry_run_notifier(via: str | None = None) -> Iterator[Notifier]:
    """Give a notifier with the whole pipeline and a memory transport at its end.

    The memory transport measures, refuses and prices as the configured one does. It needs no account; nothing is
    logged, and no guard holds anything back.
    """
    settings = load_settings({"transport": via}).check()
    like = measuring_scheme(settings, plugin_host())
    memory = Dsn("memory", options={"like": like} if like else {})
    quiet = attrs.evolve(without_logs(settings), transport=None, guards=())
    with Notifier(memory, settings=quiet, host=plugin_host()) as notifier:
        yield notifier


def known_transports(settings: Settings, host: PluginHost | None = None) -> list[tuple[Dsn, TransportFactory]]:
    """Return the transports that would make requests, in order, each with its factory.

    Unknown ones are left out if the settings have problems: building the transport reports both together.

    :raises PluginError: if no plugin brings one of them.
    :raises ConfigError: if a name of the settings is used like a scheme.
    """
    factories = (host or plugin_host()).registry(without_logs(settings)).transports
    if settings.transport is None:
        return []
    found = list(nested_dsns(settings, settings.transport))
    # Addresses get their own hint where the transport is built.
    unknown = [dsn.scheme for dsn in found if dsn.scheme not in (*factories, "http", "https")]
    if unknown and not settings.problems:
        if unknown[0] in settings.transports:
            raise ConfigError(
                f"transport: {unknown[0]} is a name in the settings: it stands alone, without a host, options or brackets"
            )
        hint = did_you_mean(unknown[0], sorted({*factories, *settings.transports}))
        raise PluginError(unknown[0], f"no plugin brings this transport: {hint}")
    return [(dsn, factories[dsn.scheme]) for dsn in found if dsn.scheme in factories and not dsn.parts]


def measuring_scheme(settings: Settings, host: PluginHost) -> str | None:
    """Return the scheme of the first transport that can measure, else of the first with known capabilities."""
    named = known_transports(settings, host)
    if not named and settings.transport is None:
        factories = host.registry(without_logs(settings)).transports.values()
        named = [(Dsn(factory.schemes[0]), factory) for factory in factories if factory.configured(settings)]
    known = [(dsn, factory.capabilities()) for dsn, factory in named if factory.capabilities]
    measuring = [dsn for dsn, capabilities in known if capabilities.measure or not capabilities.live]
    chosen = next(iter((*measuring, *(dsn for dsn, _ in known))), None)
    return None if chosen is None else chosen.options.get("like", chosen.scheme)


@attrs.frozen
class ConfiguredTransport:
    """The transport that the settings choose. It is closed: only its name and its capabilities are of use."""

    #: The transport; None if there is none, or it can't be built.
    transport: Transport | None = None
    #: What a composite is made of; empty for any other.
    parts: tuple[Transport, ...] = ()
    #: What is wrong.
    problems: tuple[str, ...] = ()


def configured_transport(settings: Settings) -> ConfiguredTransport:
    """Build the transport that the settings choose, and return it closed."""
    quiet = without_logs(settings)
    try:
        host = plugin_host()
        factories = host.registry(quiet).transports.values()
        chosen = settings.transport or next((f.schemes[0] for f in factories if f.configured(settings)), None)
        if chosen is None:
            return ConfiguredTransport(problems=settings.problems)
        with Notifier(chosen, settings=quiet, host=host) as notifier:
            whole = notifier.transport
            return ConfiguredTransport(whole, tuple(leaf for leaf in leaves(whole) if leaf is not whole))
    except ConfigError as error:
        return ConfiguredTransport(problems=error.problems)


def mode(transport: Transport) -> str:
    """Return ``LIVE`` if messages may reach people through a transport, else ``TEST``."""
    return "LIVE" if transport.capabilities.live else "TEST"
