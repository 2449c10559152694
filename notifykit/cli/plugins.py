"""``notifykit plugins``: who has joined, and who could not."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import attrs
import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, examples, global_options
from notifykit.cli.output import print_json, print_line, warn
from notifykit.cli.rehearsal import load_settings
from notifykit.errors import ConfigError
from notifykit.plugins import PluginHost, PluginInfo, Status


@click.command(
    "plugins",
    epilog=examples(
        "notifykit plugins",
        "notifykit plugins -v          where broken ones broke",
        "notifykit -p no:NAME plugins  without one of them",
    ),
)
@click.option("--trace", is_flag=True, help="Tell of every hook call on standard error.")
@common
@click.pass_context
def plugins(ctx: click.Context, trace: bool, as_json: bool) -> int:
    """List plugins: what works, what is switched off, what is broken and why."""
    settings = load_settings()
    host = ctx.ensure_object(PluginHost)
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
        _table(host.plugins, verbose=global_options().verbose)
        for warning in warnings:
            warn(f"warning: {warning}")
    return Exit.PLUGIN if broken else Exit.OK


def _table(infos: Sequence[PluginInfo], *, verbose: bool) -> None:
    rows = [("NAME", "STATUS", "FROM", "BRINGS")]
    rows += [
        (
            info.name,
            info.status.value,
            f"{info.distribution} {info.version or ''}".strip(),
            ", ".join(f"{item} (off)" if item in info.off else item for item in info.brings),
        )
        for info in infos
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row, info in zip(rows, (None, *infos), strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print_line("  ".join((*cells, row[3])).rstrip())
        if info and info.reason:
            print_line(textwrap.indent(info.reason, " " * (widths[0] + 2)))
        if info and info.traceback and verbose:
            print_line(textwrap.indent(info.traceback, "    ").rstrip("\n"))
