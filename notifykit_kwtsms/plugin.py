"""The hooks of this package. Each imports its heavy parts on its first call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifykit import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import click

    from notifykit import BuildContext, Capabilities, Cleaner, Dsn, Normalizer, Settings, Transport, TransportFactory
    from notifykit.protocols import About


@hookimpl(trylast=True)
def notifykit_normalizers(settings: Settings) -> Sequence[Normalizer]:
    """Provide the number rules of Kuwait and other countries, after those of other plugins."""
    from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer
    from notifykit_kwtsms.settings import KwtSmsSettings

    own = KwtSmsSettings.of(settings)
    return [
        KwtSmsNormalizer(
            default_country=own.default_country,
            kuwait_rule=own.kuwait_rule,
            strict_countries=own.strict_countries,
        )
    ]


@hookimpl(trylast=True)
def notifykit_cleaners(settings: Settings) -> Sequence[Cleaner]:
    """Provide the cleaners for texts that the gateway can deliver; they run last."""
    from notifykit_kwtsms.settings import KwtSmsSettings
    from notifykit_kwtsms.text.cleaning import cleaners

    return cleaners(KwtSmsSettings.of(settings).links)


@hookimpl
def notifykit_transports(settings: Settings) -> Sequence[TransportFactory]:
    """Provide ``kwtsms``."""
    from notifykit import TransportFactory
    from notifykit_kwtsms.settings import is_configured

    return [TransportFactory("kwtsms", _build, configured=is_configured, capabilities=_capabilities)]


def _build(dsn: Dsn, context: BuildContext) -> Transport:
    from notifykit_kwtsms.transport import build

    return build(dsn, context)


def _capabilities() -> Capabilities:
    from notifykit_kwtsms.transport import capabilities

    return capabilities()


@hookimpl
def notifykit_about() -> About:
    """Describe the plugin to ``doctor``, ``config``, ``explain`` and ``help``."""
    from notifykit_kwtsms.diagnostics import ABOUT

    return ABOUT


@hookimpl
def notifykit_commands(register: Callable[[click.Command], None]) -> None:
    """Provide ``demo`` and ``sandbox``."""
    from notifykit.cli.options import LazyCommand

    for name, summary in (
        ("demo", "Send six messages to a sandbox gateway on this machine."),
        ("sandbox", "Run an imitation of the kwtSMS gateway on this machine until Ctrl-C, or talk to one that runs."),
    ):
        register(LazyCommand(name, f"notifykit_kwtsms.cli.{name}:{name}", summary))
