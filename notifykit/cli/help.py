"""``notifykit help``: pages about what no single command explains."""

from __future__ import annotations

import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.explain import explain_code
from notifykit.cli.options import common, examples
from notifykit.cli.output import print_json, print_line
from notifykit.cli.rehearsal import provider_codes
from notifykit.cli.topics import topics
from notifykit.plugins import PluginHost
from notifykit.suggest import did_you_mean


@click.command(
    "help",
    epilog=examples(
        "notifykit help exit-codes",
        "notifykit help errors ERR013",
        "notifykit help environment",
    ),
)
@click.argument("topic", required=False)
@click.argument("code", required=False)
@common
@click.pass_context
def help(  # noqa: A001 - it is called what people type
    ctx: click.Context, topic: str | None, code: str | None, as_json: bool
) -> int:
    """Show a page of help, or list the pages."""
    root = ctx.find_root()
    pages = topics(ctx.ensure_object(PluginHost))
    if topic == "errors" and code:
        return explain_code(code, provider_codes(ctx), as_json=as_json, command="help")
    if topic is None:
        if as_json:
            print_json("help", {"topics": list(pages)})
        else:
            print_line(root.get_help())
            print_line(f"\nPages of help: {', '.join(pages)}")
        return Exit.OK
    text = pages[topic]() if topic in pages else _of_command(root, topic)
    if text is None:
        known = f"There are: {', '.join(pages)}."
        hint = did_you_mean(topic, pages, known, form="Did you mean `notifykit help {}`?")
        raise click.UsageError(f"There is no page {topic!r}. {hint}")
    if as_json:
        print_json("help", {"topic": topic, "text": text})
    else:
        print_line(text.rstrip("\n"))
    return Exit.OK


def _of_command(root: click.Context, name: str) -> str | None:
    group = root.command
    command = group.get_command(root, name) if isinstance(group, click.Group) else None
    if command is None:
        return None
    with command.make_context(name, [], parent=root, resilient_parsing=True) as ctx:
        return ctx.get_help()
