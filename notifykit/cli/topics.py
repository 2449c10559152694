"""The pages of ``notifykit help`` that the framework brings itself; plugins bring others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from notifykit.cli.envelope import VERSION
from notifykit.cli.exits import MEANINGS
from notifykit.plugins import PluginHost
from notifykit.settings.fields import Field
from notifykit.settings.sources import FIELDS

_JSON: Final = f"""\
Every command takes --json, before or after its name, and prints one document on standard output:

  {{
    "ok": true,           whether it did what it was asked to
    "v": {VERSION},               the version of this form
    "command": "send",
    "data": {{}},           the answer; its keys are the command's own
    "warnings": [],       what a person should know besides
    "error": null         or {{"kind", "message"}}, and "code", "scope", "action", "next" where there are any
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


def topics(host: PluginHost) -> dict[str, Callable[[], str]]:
    """Return all pages by their names."""
    brought = {name: page for about in host.about().values() for name, page in about.topics.items()}
    return {
        "exit-codes": _exit_codes,
        "environment": lambda: _environment(host),
        "json": lambda: _JSON,
        "encoding": lambda: _ENCODING,
        "errors": lambda: _errors(host),
        **brought,
    }


def _exit_codes() -> str:
    return "".join(f"{code.value:>4}  {meaning}\n" for code, meaning in MEANINGS.items())


def _environment(host: PluginHost) -> str:
    sections: dict[str, tuple[Field, ...]] = {"notifykit": FIELDS}
    for about in host.about().values():
        if about.section:
            sections[about.section] = (*sections.get(about.section, ()), *about.fields)
    lines = ["First wins: options, the environment, .env, notifykit.toml or [tool.notifykit] in pyproject.toml.\n"]
    for section, fields in sections.items():
        lines += ["", *_of_section(section, fields)]
    lines += ["", "NO_COLOR, FORCE_COLOR and TERM=dumb decide over colour, unless --color does."]
    return "\n".join(lines) + "\n"


def _of_section(section: str, fields: tuple[Field, ...]) -> Iterator[str]:
    yield f"{section}:"
    for field in fields:
        for variable in field.environment:
            yield f"  {variable:<26} {field.help}"
        if field.is_secret and field.environment:
            yield f"  {field.environment[0] + '_FILE':<26} A file that holds it."


def _errors(host: PluginHost) -> str:
    errors = [error for about in host.about().values() for error in about.codes()]
    if not errors:
        return "No installed provider has codes.\n"
    return "".join(f"{error.code:<8} {error.detail}\n" for error in errors) + (
        "\n`notifykit help errors CODE` says what to do about one.\n"
    )
