"""``notifykit plugins``: which plugins work, and why the others do not."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import attrs
import click

from notifykit.cli.dry_run import load_settings, plugin_host
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, examples, global_options
from notifykit.cli.output import print_json, print_line, print_text, table_lines, warn
from notifykit.errors import ConfigError
from notifykit.plugins import PluginInfo, Status


@click.command(
    "plugins",
    epilog=examples(
        "notifykit plugins",
        "notifykit plugins -v          with the tracebacks of broken ones",
        "notifykit -p no:NAME plugins  without one of them",
    ),
)
@click.option("--trace", is_flag=True, help="Print every hook call on standard error.")
@common
def plugins(trace: bool, as_json: bool) -> int:
    """List plugins: what works, what is switched off, what is broken and why."""
    settings = load_settings()
    host = plugin_host()
    warnings = list(settings.problems)
    if trace:
        host.trace(lambda line: click.echo(line, nl=False, err=True))
    try:
        host.registry(settings)
    except ConfigError as error:
        warnings += [problem for problem in error.problems if problem not in warnings]
    host.commands()
    warnings += [f"nothing is named {name}, so nothing was switched off" for name in host.unmatched]
    broken = any(info.status is Status.BROKEN for info in host.plugins)
    if as_json:
        print_json("plugins", [attrs.asdict(info) for info in host.plugins], warnings, ok=not broken)
    else:
        _show(host.plugins)
        for warning in warnings:
            warn(f"warning: {warning}")
    return Exit.PLUGIN if broken else Exit.OK


def _show(infos: Sequence[PluginInfo]) -> None:
    rows = [("NAME", "STATUS", "FROM", "BRINGS")]
    for info in infos:
        brings = ", ".join(f"{item} (off)" if item in info.off else item for item in info.brings)
        rows.append((info.name, info.status.value, f"{info.distribution} {info.version or ''}".strip(), brings))
    indent = " " * (max(len(row[0]) for row in rows) + 2)
    head, *lines = table_lines(rows)
    print_line(head)
    for line, info in zip(lines, infos, strict=True):
        print_line(line)
        if info.reason:
            print_text(textwrap.indent(info.reason, indent))
        if info.traceback and global_options().verbose:
            print_text(textwrap.indent(info.traceback, "    ").rstrip("\n"))
