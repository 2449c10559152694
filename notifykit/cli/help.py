"""``notifykit help``: pages about what no single command explains, the framework's own and those of plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import click

from notifykit.cli.dry_run import plugin_host, provider_codes
from notifykit.cli.exit_codes import Exit
from notifykit.cli.explain import explain_code
from notifykit.cli.options import common, examples
from notifykit.cli.output import JSON_VERSION, print_answer
from notifykit.plugins import PluginHost
from notifykit.settings.fields import Field
from notifykit.settings.sources import FIELDS
from notifykit.suggest import did_you_mean

_JSON: Final = f"""\
Every command takes --json, before or after its name, and prints one document on standard output:

  {{
    "ok": true,           whether it did what it was asked to
    "v": {JSON_VERSION},               the version of this form
    "command": "send",
    "data": {{}},           the answer; its keys are the command's own
    "warnings": [],       what a person should know besides
    "error": null         or {{"kind", "message"}}, and "code", "scope", "action", "next" if there are any
  }}

The exit code is the same as without --json. `notifykit log tail -f --json` prints one JSON object a line instead.
"""
_ENCODING: Final = """\
A text with GSM-7 characters only has room for 160 in one segment, and 153 in each of several. One character that
GSM-7 lacks makes the whole text Unicode: 70 in one segment, 67 in each of several. Each segment is paid for.

  in GSM-7             A-Z a-z 0-9, most punctuation, è é ù ì ò Ç Ø ø Å å Ä Ö Ñ Ü ä ö ñ ü à, Greek capitals
  in GSM-7, but two    ^ { } \\ [ ~ ] | and the euro sign
  not in GSM-7         Arabic, curly quotes, long dashes, the three-dots sign, emoji

  notifykit preview 'Your text'    shows the encoding, and which character is to blame
  notifykit explain 'Your text'    shows what replacing each of them would save
"""


@click.command(
    "help",
    epilog=examples("notifykit help exit-codes", "notifykit help errors ERR013", "notifykit help environment"),
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
    pages = help_pages(plugin_host())
    if topic == "errors" and code:
        return explain_code(code, provider_codes(), as_json=as_json, command="help")
    if topic is None:
        data: dict[str, Any] = {"topics": list(pages)}
        text = f"{root.get_help()}\n\nPages of help: {', '.join(pages)}"
    else:
        page = pages[topic]() if topic in pages else _command_help(root, topic)
        if page is None:
            known = f"There are: {', '.join(pages)}."
            hint = did_you_mean(topic, pages, known, form="Did you mean `notifykit help {}`?")
            raise click.UsageError(f"There is no page {topic!r}. {hint}")
        data, text = {"topic": topic, "text": page}, page.rstrip("\n")
    return print_answer("help", data, text.split("\n"), as_json=as_json)


def _command_help(root: click.Context, name: str) -> str | None:
    group = root.command
    command = group.get_command(root, name) if isinstance(group, click.Group) else None
    if command is None:
        return None
    with command.make_context(name, [], parent=root, resilient_parsing=True) as ctx:
        return ctx.get_help()


def help_pages(host: PluginHost) -> dict[str, Callable[[], str]]:
    """Return what writes each page, by its name."""
    pages = {name: page for about in host.about().values() for name, page in about.topics.items()}
    return {
        "exit-codes": lambda: "".join(f"{int(code):>4}  {code.meaning}\n" for code in Exit),
        "environment": lambda: _environment(host),
        "json": lambda: _JSON,
        "encoding": lambda: _ENCODING,
        "errors": lambda: _errors(host),
        **pages,
    }


def _environment(host: PluginHost) -> str:
    sections: dict[str, tuple[Field, ...]] = {"notifykit": FIELDS}
    for about in host.about().values():
        if about.section:
            sections[about.section] = (*sections.get(about.section, ()), *about.fields)
    lines = ["First wins: options, the environment, .env, notifykit.toml or [tool.notifykit] in pyproject.toml.\n"]
    for section, fields in sections.items():
        lines += ["", f"{section}:", *(line for field in fields for line in _variables(field))]
    lines += ["", "NO_COLOR, FORCE_COLOR and TERM=dumb decide over colour, unless --color does."]
    return "\n".join(lines) + "\n"


def _variables(field: Field) -> Iterator[str]:
    for variable in field.environment:
        yield f"  {variable:<26} {field.help}"
    if field.is_secret and field.environment:
        yield f"  {field.environment[0] + '_FILE':<26} A file that holds it."


def _errors(host: PluginHost) -> str:
    errors = [error for about in host.about().values() for error in about.codes()]
    if not errors:
        return "No installed provider has codes.\n"
    lines = "".join(f"{error.code:<8} {error.detail}\n" for error in errors)
    return f"{lines}\n`notifykit help errors CODE` says what to do about one.\n"
