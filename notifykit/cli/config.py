"""``notifykit config``: every setting, its value, and where it comes from."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Any

import click

from notifykit.cli.dry_run import load_settings, plugin_host
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import CommandGroup, common, examples, global_options
from notifykit.cli.output import print_answer, table_lines
from notifykit.redaction import Secret
from notifykit.settings.fields import Field, Value
from notifykit.settings.sources import FIELDS, Settings
from notifykit.suggest import did_you_mean


@click.group(
    "config",
    cls=CommandGroup,
    invoke_without_command=True,
    epilog=examples("notifykit config", "notifykit config get kwtsms.sender", "notifykit config path"),
)
@common
@click.pass_context
def config(ctx: click.Context, as_json: bool) -> int:
    """Show every setting with its value and where it comes from. Secrets are stars."""
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    entries, problems = _entries()
    data = [_document(key, *entry) for key, entry in entries.items()]
    lines = table_lines([(key, _shown(value), value.origin) for key, (value, _) in entries.items()])
    code = Exit.USAGE if problems else Exit.OK
    return print_answer("config", data, lines, problems, as_json=as_json, code=code)


@config.command("get", epilog=examples("notifykit config get transport", "notifykit config get kwtsms.test --json"))
@click.argument("key")
@common
def get(key: str, as_json: bool) -> int:
    """Print the value of one setting; KEY is a name, or SECTION.NAME of a plugin."""
    entries, _ = _entries()
    if key not in entries:
        hint = did_you_mean(key, entries, "`notifykit config` lists all.", form="Did you mean {}?")
        raise click.UsageError(f"There is no setting {key!r}. {hint}")
    return print_answer("config", _document(key, *entries[key]), [_shown(entries[key][0])], as_json=as_json)


@config.command("path", epilog=examples("notifykit config path", "notifykit config path --json"))
@common
def path(as_json: bool) -> int:
    """Print the files that settings come from, and those that would be read."""
    files = [(str(file), file.exists()) for file in settings_files(load_settings())]
    lines = [f"{file}{'' if exists else '  (not there)'}" for file, exists in files]
    return print_answer("config", [{"file": file, "exists": exists} for file, exists in files], lines, as_json=as_json)


def _entries() -> tuple[dict[str, tuple[Value, str]], list[str]]:
    """Return the value and the help of each setting by its key, the framework's first, and what is wrong with them."""
    settings = load_settings()
    entries: dict[str, tuple[Value, str]] = {}
    problems = list(settings.problems)

    def add(fields: Iterable[Field], section: str | None = None) -> None:
        values, more = settings.sources.resolve(fields, section)
        problems.extend(more if section else ())
        for field in fields:
            entries[f"{section}.{field.name}" if section else field.name] = (values[field.name], field.help)

    add(FIELDS)
    for about in plugin_host().about().values():
        if about.section:
            add(about.fields, about.section)
    return entries, problems


def _document(key: str, value: Value, help: str) -> dict[str, Any]:
    """Return a setting for ``--json``; secrets are stars."""
    given = value.value
    shown = [_plain(part) for part in given] if isinstance(given, tuple) else _plain(given)
    return {"key": key, "value": shown, "origin": value.origin, "help": help}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _shown(value: Value) -> str:
    given = value.value
    if given is None or given in ((), ""):
        return "-"
    if isinstance(given, Secret):
        return str(value)
    return ", ".join(map(str, given)) if isinstance(given, tuple) else str(given)


def settings_files(settings: Settings) -> list[pathlib.Path]:
    """Return the files that are read: ``.env``, and the settings file that was found or would be."""
    dotenv = pathlib.Path(global_options().env_file or ".env").absolute()
    return [dotenv, settings.sources.directory / (settings.sources.table_name or "notifykit.toml")]
