"""``notifykit`` without a command: what is configured, and what to type next."""

from __future__ import annotations

from notifykit.cli.dry_run import configured_transport, load_settings, mode
from notifykit.cli.exit_codes import Exit
from notifykit.cli.output import print_json, print_line
from notifykit.plugins import PluginHost, Status
from notifykit.protocols import Transport


def show_status(host: PluginHost, *, as_json: bool) -> int:
    """Show which transport is configured, whether it is live, and which plugins are broken."""
    found = configured_transport(load_settings())
    transport = found.transport
    broken = [info.name for info in host.plugins if info.status is Status.BROKEN]
    following = _next_commands(transport, broken)
    if as_json:
        document = {
            "transport": str(transport) if transport else None,
            "mode": mode(transport) if transport else None,
            "parts": [{"transport": str(part), "mode": mode(part)} for part in found.parts],
            "broken_plugins": broken,
            "next": following,
        }
        print_json("notifykit", document, found.problems)
        return Exit.OK
    print_line(f"transport  {transport or 'none yet'}")
    if transport:
        print_line(f"mode       {mode(transport)}", _style(transport))
        for number, part in enumerate(found.parts):
            print_line(f"{'' if number else 'made of':<10} {mode(part)}  {part}", _style(part))
    for problem in () if transport else found.problems:
        print_line(f"           {problem}")
    if broken:
        print_line(f"broken     {', '.join(broken)}", "bad")
    print_line()
    print_line("Next:")
    for line in following:
        print_line(f"  {line}")
    return Exit.OK


def _style(transport: Transport) -> str:
    return "bad" if transport.capabilities.live else "good"


def _next_commands(transport: Transport | None, broken: list[str]) -> list[str]:
    if broken:
        return ["notifykit plugins -v", "notifykit doctor", "notifykit help"]
    if transport is None:
        return ["notifykit demo", "notifykit preview 'Your text'", "notifykit help environment"]
    return ["notifykit preview 'Your text'", "notifykit send 965XXXXXXXX 'Your text' --dry-run", "notifykit doctor"]
