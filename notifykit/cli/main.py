"""The door of the ``notifykit`` program: global options, commands from plugins, errors as sentences."""

from __future__ import annotations

import difflib
import importlib.metadata
import platform
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

import notifykit
from notifykit.cli.envelope import failure
from notifykit.cli.exits import Exit, for_error
from notifykit.errors import NotifyError
from notifykit.plugins import BUILTINS, PluginHost
from notifykit.settings import Settings

#: The framework's own commands, by dotted path, through the same door as those of plugins.
COMMANDS: Final = ("notifykit.cli.plugins",)


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
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.list_commands(ctx), 1)
            hint = f" Did you mean `notifykit {near[0]}`?" if near else " `notifykit --help` lists what there is."
            ctx.fail(f"There is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)


def _host(ctx: click.Context) -> PluginHost:
    found = ctx.find_object(PluginHost)
    if found is None:
        settings = Settings.load()  # what is wrong with them is for the commands that need them to say
        ctx.obj = found = PluginHost(
            disable={*settings.disable, *(name.removeprefix("no:") for name in ctx.params.get("plugin_options") or ())},
            allow=settings.allow,
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
def program(plugin_options: Sequence[str]) -> None:
    """Send a notification, and know what happened to it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result: Any = program.main(args=given, prog_name="notifykit", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Interrupted.", err=True)
        sys.exit(Exit.INTERRUPTED)
    except NotifyError as error:
        if "--json" in given:
            failure(next((word for word in given if not word.startswith(("-", "no:"))), "notifykit"), error)
        click.echo(f"notifykit: {error}", err=True)
        sys.exit(for_error(error))
    sys.exit(result if isinstance(result, int) else 0)
