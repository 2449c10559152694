"""``notifykit config``: every setting, its value, and where it comes from."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import attrs
import click

from notifykit.cli.envelope import answer
from notifykit.cli.exits import Exit
from notifykit.cli.manner import common, examples, manner
from notifykit.cli.rehearsal import load_settings
from notifykit.cli.terminal import answer_line, warn
from notifykit.plugins import PluginHost
from notifykit.redaction import Secret
from notifykit.settings.fields import Value
from notifykit.settings.sources import FIELDS, Settings
from notifykit.suggest import did_you_mean


@attrs.frozen
class Entry:
    """One setting as it is resolved."""

    #: Its name, behind that of its section: ``kwtsms.sender``.
    key: str
    #: Its value and origin.
    value: Value
    #: What it does.
    help: str

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``; secrets are stars."""
        value = self.value.value
        shown = [_plain(part) for part in value] if isinstance(value, tuple) else _plain(value)
        return {"key": self.key, "value": shown, "origin": self.value.origin, "help": self.help}

    @property
    def shown(self) -> str:
        """The value as a person may see it."""
        value = self.value.value
        if value is None or value in ((), ""):
            return "-"
        if isinstance(value, Secret):
            return str(self.value)
        return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


@click.group(
    "config",
    invoke_without_command=True,
    epilog=examples("notifykit config", "notifykit config get kwtsms.sender", "notifykit config path"),
)
@common
@click.pass_context
def config(ctx: click.Context, as_json: bool) -> int:
    """Show every setting with its value and where it comes from. Secrets are stars."""
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    found, problems = entries(ctx.ensure_object(PluginHost))
    if as_json:
        answer("config", [entry.as_document() for entry in found], problems, ok=not problems)
    else:
        _table(found)
        for problem in problems:
            warn(f"warning: {problem}")
    return Exit.USAGE if problems else Exit.OK


@config.command("get", epilog=examples("notifykit config get transport", "notifykit config get kwtsms.test --json"))
@click.argument("key")
@common
@click.pass_context
def get(ctx: click.Context, key: str, as_json: bool) -> int:
    """Print the value of one setting; KEY is a name, or SECTION.NAME of a plugin."""
    found, _ = entries(ctx.ensure_object(PluginHost))
    by_key = {entry.key: entry for entry in found}
    if key not in by_key:
        hint = did_you_mean(key, by_key, "`notifykit config` lists all.", form="Did you mean {}?")
        raise click.UsageError(f"There is no setting {key!r}. {hint}")
    if as_json:
        answer("config", by_key[key].as_document())
    else:
        answer_line(by_key[key].shown)
    return Exit.OK


@config.command("path", epilog=examples("notifykit config path", "notifykit config path --json"))
@common
def path(as_json: bool) -> int:
    """Print the files that settings come from, and those that would be read."""
    settings = load_settings()
    files = places(settings)
    if as_json:
        answer("config", [{"file": str(file), "exists": file.exists()} for file in files])
    else:
        for file in files:
            answer_line(f"{file}{'' if file.exists() else '  (not there)'}")
    return Exit.OK


def entries(host: PluginHost) -> tuple[list[Entry], Sequence[str]]:
    """Return all settings, the framework's own first, and what is wrong with them."""
    settings = load_settings()
    problems = list(settings.problems)
    values, _ = settings.sources.resolve(FIELDS)
    found = [Entry(field.name, values[field.name], field.help) for field in FIELDS]
    for about in host.about().values():
        if about.section:
            values, more = settings.sources.resolve(about.fields, about.section)
            problems += more
            found += [Entry(f"{about.section}.{field.name}", values[field.name], field.help) for field in about.fields]
    return found, problems


def places(settings: Settings) -> list[pathlib.Path]:
    """Return the files that are read: ``.env``, and the settings file that was found or would be."""
    dotenv = pathlib.Path(manner().env_file or ".env").absolute()
    name = settings.sources.table_name or "notifykit.toml"
    return [dotenv, settings.sources.directory / name]


def _table(found: Sequence[Entry]) -> None:
    keys = max(len(entry.key) for entry in found)
    values = min(40, max(len(entry.shown) for entry in found))
    for entry in found:
        answer_line(f"{entry.key.ljust(keys)}  {entry.shown.ljust(values)}  {entry.value.origin}".rstrip())
