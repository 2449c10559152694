"""``notifykit config``: every setting, its value, and where it comes from."""

from __future__ import annotations

import pathlib
from typing import Any

import attrs
import click

from notifykit.cli.dry_run import load_settings
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, examples, global_options
from notifykit.cli.output import print_json, print_line, table_lines, warn
from notifykit.plugins import PluginHost
from notifykit.redaction import Secret
from notifykit.settings.fields import FIELDS, Value
from notifykit.settings.sources import Settings
from notifykit.suggest import did_you_mean


@attrs.frozen
class ConfigEntry:
    """One setting with its value."""

    #: Its name, after that of its section: ``kwtsms.sender``.
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

    def __str__(self) -> str:
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
    entries, problems = _entries(ctx)
    if as_json:
        print_json("config", [entry.as_document() for entry in entries.values()], problems, ok=not problems)
    else:
        for line in table_lines([(entry.key, str(entry), entry.value.origin) for entry in entries.values()]):
            print_line(line)
        for problem in problems:
            warn(f"warning: {problem}")
    return Exit.USAGE if problems else Exit.OK


@config.command("get", epilog=examples("notifykit config get transport", "notifykit config get kwtsms.test --json"))
@click.argument("key")
@common
@click.pass_context
def get(ctx: click.Context, key: str, as_json: bool) -> int:
    """Print the value of one setting; KEY is a name, or SECTION.NAME of a plugin."""
    entries, _ = _entries(ctx)
    if key not in entries:
        hint = did_you_mean(key, entries, "`notifykit config` lists all.", form="Did you mean {}?")
        raise click.UsageError(f"There is no setting {key!r}. {hint}")
    if as_json:
        print_json("config", entries[key].as_document())
    else:
        print_line(str(entries[key]))
    return Exit.OK


@config.command("path", epilog=examples("notifykit config path", "notifykit config path --json"))
@common
def path(as_json: bool) -> int:
    """Print the files that settings come from, and those that would be read."""
    files = settings_files(load_settings())
    if as_json:
        print_json("config", [{"file": str(file), "exists": file.exists()} for file in files])
    else:
        for file in files:
            print_line(f"{file}{'' if file.exists() else '  (not there)'}")
    return Exit.OK


def _entries(ctx: click.Context) -> tuple[dict[str, ConfigEntry], list[str]]:
    """Return all settings by their keys, the framework's own first, and what is wrong with them."""
    settings = load_settings()
    problems = list(settings.problems)
    values, _ = settings.sources.resolve(FIELDS)
    entries = [ConfigEntry(field.name, values[field.name], field.help) for field in FIELDS]
    for about in ctx.ensure_object(PluginHost).about().values():
        if about.section:
            values, more = settings.sources.resolve(about.fields, about.section)
            problems += more
            entries += [ConfigEntry(f"{about.section}.{f.name}", values[f.name], f.help) for f in about.fields]
    return {entry.key: entry for entry in entries}, problems


def settings_files(settings: Settings) -> list[pathlib.Path]:
    """Return the files that are read: ``.env``, and the settings file that was found or would be."""
    dotenv = pathlib.Path(global_options().env_file or ".env").absolute()
    name = settings.sources.table_name or "notifykit.toml"
    return [dotenv, settings.sources.directory / name]
