"""``notifykit`` alone: what is set up, and what to type next."""

from __future__ import annotations

import attrs

from notifykit.cli.envelope import answer
from notifykit.cli.exits import Exit
from notifykit.cli.rehearsal import load_settings
from notifykit.cli.terminal import answer_line
from notifykit.errors import ConfigError
from notifykit.flow.notifier import Notifier
from notifykit.plugins import PluginHost, Status
from notifykit.settings import Settings


def show_status(host: PluginHost, *, as_json: bool) -> int:
    """Show which transport is set up, whether it is live, and which plugins are broken."""
    settings = load_settings()
    transport, mode, problems = set_up(settings, host)
    broken = [info.name for info in host.plugins if info.status is Status.BROKEN]
    following = _following(transport, broken)
    if as_json:
        found = {"transport": transport, "mode": mode, "broken_plugins": broken, "next": following}
        answer("notifykit", found, problems)
        return Exit.OK
    if transport:
        answer_line(f"transport  {transport}")
        answer_line(f"mode       {mode}", "bad" if mode == "LIVE" else "good")
    else:
        answer_line("transport  none yet")
        for problem in problems:
            answer_line(f"           {problem}")
    if broken:
        answer_line(f"broken     {', '.join(broken)}", "bad")
    answer_line("\nNext:")
    for line in following:
        answer_line(f"  {line}")
    return Exit.OK


def set_up(settings: Settings, host: PluginHost) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return the transport, whether it is ``LIVE`` or ``TEST``, and what is wrong; None where nothing is set up."""
    quiet = attrs.evolve(settings, log_file=None, sinks=())
    try:
        factories = host.registry(quiet).transports
        chosen = settings.transport or next((f.schemes[0] for f in factories.values() if f.configured(settings)), None)
        if chosen is None:
            return None, None, settings.problems
        with Notifier(chosen, settings=quiet, host=host) as notifier:
            return str(notifier.transport), "LIVE" if notifier.transport.capabilities.live else "TEST", ()
    except ConfigError as error:
        return None, None, error.problems


def _following(transport: str | None, broken: list[str]) -> list[str]:
    if broken:
        return ["notifykit plugins -v", "notifykit doctor", "notifykit help"]
    if transport is None:
        return ["notifykit demo", "notifykit preview 'Your text'", "notifykit help environment"]
    return ["notifykit preview 'Your text'", "notifykit send 965XXXXXXXX 'Your text' --dry-run", "notifykit doctor"]
