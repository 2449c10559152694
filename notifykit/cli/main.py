"""The door of the ``notifykit`` program: global options, commands from plugins, errors as sentences."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

import notifykit
from notifykit.cli import terminal
from notifykit.cli.endings import for_error
from notifykit.cli.envelope import failure
from notifykit.cli.exits import Exit
from notifykit.cli.following import following
from notifykit.cli.manner import Manner, begin, common, manner
from notifykit.cli.status import show_status
from notifykit.cli.wording import nearest
from notifykit.errors import NotifyError
from notifykit.plugins import BUILTINS, PluginHost
from notifykit.settings import Settings

#: The framework's own commands, by dotted path, through the same door as those of plugins.
COMMANDS: Final = (
    "notifykit.cli.send",
    "notifykit.cli.preview",
    "notifykit.cli.explain",
    "notifykit.cli.validate",
    "notifykit.cli.route",
    "notifykit.cli.log",
    "notifykit.cli.plugins",
    "notifykit.cli.config",
    "notifykit.cli.doctor",
    "notifykit.cli.completion",
    "notifykit.cli.new",
    "notifykit.cli.help",
)


class Program(click.Group):
    """A group whose commands come from plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(_host(ctx).commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        found = _host(ctx).commands().get(cmd_name)
        return found[0] if found else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed, or guess which one was meant."""
        name = args[0]
        manner().command = name
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            manner().command = "notifykit"
            near = nearest(name, self.list_commands(ctx))
            hint = f" Did you mean `notifykit {near}`?" if near else " `notifykit --help` lists what there is."
            ctx.fail(f"There is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the framework's own commands, and those of plugins below them."""
        own: list[tuple[str, str]] = []
        brought: list[tuple[str, str]] = []
        limit = max(20, formatter.width - 16)
        for name, (command, info) in sorted(_host(ctx).commands().items()):
            rows = own if info.location in COMMANDS else brought
            rows.append((name, command.get_short_help_str(limit)))
        for title, rows in (("Commands", own), ("Commands from plugins", brought)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _host(ctx: click.Context) -> PluginHost:
    found = ctx.find_object(PluginHost)
    if found is None:
        # What is wrong with the settings is for the commands that need them to say.
        settings = Settings.load(env_file=manner().env_file)
        ctx.obj = found = PluginHost(
            disable={*settings.disable, *(name.removeprefix("no:") for name in ctx.params.get("plugin_options") or ())},
            allow=settings.allow,
            entry_points=manner().plugins,
            builtins=(*BUILTINS, *COMMANDS),
        )
    return found


def _disabling(ctx: click.Context, param: click.Parameter, value: Sequence[str]) -> Sequence[str]:
    for option in value:
        if not option.startswith("no:") or option == "no:":
            raise click.BadParameter("write no:NAME to leave a plugin out, or something that it brings")
    return value


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        urllib3 = importlib.metadata.version("urllib3")
        click.echo(f"notifykit {notifykit.__version__} (Python {platform.python_version()}, urllib3 {urllib3})")
        ctx.exit()


@click.group(
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Try it without an account: notifykit demo",
)
@click.option(
    "-p",
    "plugin_options",
    metavar="no:NAME",
    multiple=True,
    callback=_disabling,
    is_eager=True,
    help="Leave out a plugin, or something that it brings. May be repeated.",
)
@click.option("--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Show versions.")
@common
@click.pass_context
def program(ctx: click.Context, plugin_options: Sequence[str], as_json: bool) -> int:
    """Send a notification, and know what happened to it.

    Without a command it says what is set up, and what to type next.
    """
    if ctx.invoked_subcommand is None:
        return show_status(_host(ctx), as_json=as_json)
    return Exit.OK


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit."""
    given = [_repaired(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    now = begin(given)
    terminal.prepare()
    code = _run(given, now)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            terminal.hang_up(stream)
    sys.exit(code)


def _run(given: list[str], now: Manner) -> int:
    try:
        result: Any = program.main(args=given, prog_name="notifykit", standalone_mode=False)
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption):
            near = nearest(error.option_name, error.possibilities or ())
            error = click.NoSuchOption(error.option_name, possibilities=[near] if near else [], ctx=error.ctx)
        _complain(error, error.format_message(), now)
        return error.exit_code
    except click.Abort as error:
        if now.json:
            failure(now.command, error)
        terminal.warn("Interrupted.")
        return Exit.INTERRUPTED
    except NotifyError as error:
        _complain(error, str(error), now)
        return for_error(error)
    except BrokenPipeError:
        # Whoever read the answer has seen enough.
        terminal.hang_up(sys.stdout)
        return Exit.OK
    return result if isinstance(result, int) else Exit.OK


def _complain(error: Exception, words: str, now: Manner) -> None:
    """Say what went wrong and what to type next, and in the document where one was asked for."""
    then = following(error, now.command)
    if now.json:
        failure(now.command, error, then)
    terminal.warn(f"notifykit: {words}")
    terminal.warn(f"Next: {then}")


def _repaired(word: str) -> str:
    """Return a word of the command line as UTF-8, also where the locale is so old that Python could not read it."""
    try:
        return word if word.isascii() else os.fsencode(word).decode("utf-8")
    except UnicodeError:
        return word
