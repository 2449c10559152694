"""``notifykit plugins``: which plugins work, and why the others do not."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import click

from notifykit.cli.dry_run import load_settings, plugin_host
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, examples, global_options
from notifykit.cli.output import print_answer, table_lines
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
    code = Exit.PLUGIN if broken else Exit.OK
    return print_answer("plugins", host.plugins, _lines(host.plugins), warnings, as_json=as_json, code=code)


def _lines(infos: Sequence[PluginInfo]) -> Iterator[str]:
    rows = [("NAME", "STATUS", "FROM", "BRINGS")]
    for info in infos:
        brings = ", ".join(f"{item} (off)" if item in info.off else item for item in info.brings)
        rows.append((info.name, info.status.value, f"{info.distribution} {info.version or ''}".strip(), brings))
    indent = " " * (max(len(row[0]) for row in rows) + 2)
    head, *lines = table_lines(rows)
    yield head
    for line, info in zip(lines, infos, strict=True):
        yield line
        if info.reason:
            yield from textwrap.indent(info.reason, indent).split("\n")
        if info.traceback and global_options().verbose:
            yield from textwrap.indent(info.traceback, "    ").rstrip("\n").split("\n")
