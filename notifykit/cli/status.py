"""``notifykit`` without a command: what is configured, and what to type next."""

from __future__ import annotations

from notifykit.cli.dry_run import configured_transport, load_settings, mode
from notifykit.cli.output import Line, print_answer
from notifykit.plugins import PluginHost, Status
from notifykit.protocols import Transport


def show_status(host: PluginHost, *, as_json: bool) -> int:
    """Show which transport is configured, whether it is live, and which plugins are broken."""
    found = configured_transport(load_settings())
    transport = found.transport
    broken = [info.name for info in host.plugins if info.status is Status.BROKEN]
    following = _next_commands(transport, broken)
    data = {
        "transport": str(transport) if transport else None,
        "mode": mode(transport) if transport else None,
        "parts": [{"transport": str(part), "mode": mode(part)} for part in found.parts],
        "broken_plugins": broken,
        "next": following,
    }
    lines: list[Line] = [f"transport  {transport or 'none yet'}"]
    if transport:
        lines.append((f"mode       {mode(transport)}", _style(transport)))
        for number, part in enumerate(found.parts):
            lines.append((f"{'' if number else 'made of':<10} {mode(part)}  {part}", _style(part)))
    else:
        lines += [f"           {problem}" for problem in found.problems]
    if broken:
        lines.append((f"broken     {', '.join(broken)}", "bad"))
    lines += ["", "Next:", *(f"  {line}" for line in following)]
    return print_answer("notifykit", data, lines, found.problems if as_json else (), as_json=as_json)


def _style(transport: Transport) -> str:
    return "bad" if transport.capabilities.live else "good"


def _next_commands(transport: Transport | None, broken: list[str]) -> list[str]:
    if broken:
        return ["notifykit plugins -v", "notifykit doctor", "notifykit help"]
    if transport is None:
        return ["notifykit demo", "notifykit preview 'Your text'", "notifykit help environment"]
    return ["notifykit preview 'Your text'", "notifykit send 965XXXXXXXX 'Your text' --dry-run", "notifykit doctor"]
