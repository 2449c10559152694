"""What this package brings to notifykit. The only file that knows the hooks; the heavy parts load inside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifykit import TransportFactory, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import click

    from notifykit import BuildContext, Capabilities, Cleaner, Dsn, Normalizer, Settings, Transport
    from notifykit.protocols import About


@hookimpl(trylast=True)
def notifykit_normalizers(settings: Settings) -> Sequence[Normalizer]:
    """Bring the rules of Kuwait and the other countries, behind those of plugins that know better."""
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
    """Bring the cleaners that make a text one the gateway can carry: they have the last word."""
    from notifykit_kwtsms.text.cleaning import CLEANERS

    return CLEANERS


@hookimpl
def notifykit_transports(settings: Settings) -> Sequence[TransportFactory]:
    """Bring ``kwtsms``."""
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
    """Tell the program what it may tell people."""
    from notifykit_kwtsms.about import ABOUT

    return ABOUT


@hookimpl
def notifykit_commands(register: Callable[[click.Command], None]) -> None:
    """Bring ``demo`` and ``sandbox``."""
    from notifykit.cli.options import LazyCommand

    for name, words in (
        ("demo", "Send six messages to a sandbox gateway on this machine."),
        ("sandbox", "Run an imitation of the kwtSMS gateway on this machine until Ctrl-C, or talk to one that runs."),
    ):
        register(LazyCommand(name, f"notifykit_kwtsms.cli.{name}:{name}", words))
