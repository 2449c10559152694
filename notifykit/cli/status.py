"""``notifykit`` alone: what is set up, and what to type next."""

from __future__ import annotations

import attrs

from notifykit.cli.exit_codes import Exit
from notifykit.cli.output import print_json, print_line
from notifykit.cli.rehearsal import load_settings, mode
from notifykit.errors import ConfigError
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost, Status
from notifykit.settings.sources import Settings


@attrs.frozen
class SetUp:
    """The transport that the settings mean."""

    #: The transport without secrets; None where nothing is set up.
    transport: str | None = None
    #: ``LIVE`` where what it takes may reach people, else ``TEST``; None where nothing is set up.
    mode: str | None = None
    #: What it is made of, each with its own mode; empty for a transport that is made of nothing.
    parts: tuple[tuple[str, str], ...] = ()
    #: What is wrong.
    problems: tuple[str, ...] = ()


def show_status(host: PluginHost, *, as_json: bool) -> int:
    """Show which transport is set up, whether it is live, and which plugins are broken."""
    found = look(load_settings(), host)
    broken = [info.name for info in host.plugins if info.status is Status.BROKEN]
    following = _following(found.transport, broken)
    if as_json:
        parts = [{"transport": transport, "mode": how} for transport, how in found.parts]
        document = {"transport": found.transport, "mode": found.mode, "parts": parts}
        print_json("notifykit", document | {"broken_plugins": broken, "next": following}, found.problems)
        return Exit.OK
    if found.transport:
        print_line(f"transport  {found.transport}")
        print_line(f"mode       {found.mode}", _style(found.mode))
        for number, (transport, how) in enumerate(found.parts):
            print_line(f"{'' if number else 'made of':<10} {how}  {transport}", _style(how))
    else:
        print_line("transport  none yet")
        for problem in found.problems:
            print_line(f"           {problem}")
    if broken:
        print_line(f"broken     {', '.join(broken)}", "bad")
    print_line("\nNext:")
    for line in following:
        print_line(f"  {line}")
    return Exit.OK


def _style(mode: str | None) -> str:
    return "bad" if mode == "LIVE" else "good"


def set_up(settings: Settings, host: PluginHost) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return the transport, whether it is ``LIVE`` or ``TEST``, and what is wrong; None where nothing is set up."""
    found = look(settings, host)
    return found.transport, found.mode, found.problems


def look(settings: Settings, host: PluginHost) -> SetUp:
    """Build the transport that the settings mean, and say what it is."""
    quiet = attrs.evolve(settings, log_file=None, sinks=())
    try:
        factories = host.registry(quiet).transports
        chosen = settings.transport or next((f.schemes[0] for f in factories.values() if f.configured(settings)), None)
        if chosen is None:
            return SetUp(problems=settings.problems)
        with Notifier(chosen, settings=quiet, host=host) as notifier:
            carrier = notifier.transport
            parts = tuple((str(leaf), mode(leaf)) for leaf in leaves(carrier) if leaf is not carrier)
            return SetUp(str(carrier), mode(carrier), parts)
    except ConfigError as error:
        return SetUp(problems=error.problems)


def _following(transport: str | None, broken: list[str]) -> list[str]:
    if broken:
        return ["notifykit plugins -v", "notifykit doctor", "notifykit help"]
    if transport is None:
        return ["notifykit demo", "notifykit preview 'Your text'", "notifykit help environment"]
    return ["notifykit preview 'Your text'", "notifykit send 965XXXXXXXX 'Your text' --dry-run", "notifykit doctor"]
