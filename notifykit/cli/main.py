"""The ``notifykit`` program: commands from plugins, global options, and errors as sentences."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from notifykit.cli import output, signals
from notifykit.cli.exit_codes import Exit, for_error
from notifykit.cli.options import GlobalOptions, begin, common, global_options, summary, version_option

if TYPE_CHECKING:
    from notifykit.plugins import PluginHost


class Program(click.Group):
    """A group whose commands come from plugins, the framework's own among them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(_host(ctx).commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        command, _ = _host(ctx).commands().get(cmd_name, (None, None))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed, or suggest one."""
        name = args[0]
        # Set first: loading the plugins may fail, and the error names the command that was typed.
        global_options().command = name
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            from notifykit.suggest import did_you_mean

            global_options().command = "notifykit"
            listed = "`notifykit --help` lists what there is."
            hint = did_you_mean(name, self.list_commands(ctx), listed, form="Did you mean `notifykit {}`?")
            ctx.fail(f"There is no command {name!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the framework's own commands, and those of plugins below them."""
        rows: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
        for name, (command, plugin) in sorted(_host(ctx).commands().items()):
            rows[plugin.location == __package__].append((name, summary(command)))
        for own, title in ((True, "Commands"), (False, "Commands from plugins")):
            if rows[own]:
                with formatter.section(title):
                    formatter.write_dl(rows[own])


def _host(ctx: click.Context) -> PluginHost:
    from notifykit.plugins import PluginHost
    from notifykit.settings.sources import Settings

    found = ctx.find_object(PluginHost)
    if found is None:
        # Problems of the settings are reported by the commands that need them.
        settings = Settings.load(global_options().settings, env_file=global_options().env_file)
        ctx.obj = found = PluginHost(
            disable={*settings.disable, *(name.removeprefix("no:") for name in ctx.params.get("plugin_options") or ())},
            allow=settings.allow,
            entry_points=not global_options().no_plugins,
        )
    return found


def _check_plugin_options(ctx: click.Context, param: click.Parameter, value: Sequence[str]) -> Sequence[str]:
    if any(not option.startswith("no:") or option == "no:" for option in value):
        raise click.BadParameter("write no:NAME to leave a plugin out, or something that it brings")
    return value


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
    callback=_check_plugin_options,
    is_eager=True,
    help="Leave out a plugin, or something that it brings. May be repeated.",
)
@version_option("notifykit")
@common
@click.pass_context
def program(ctx: click.Context, plugin_options: Sequence[str], as_json: bool) -> int:
    """Send a notification, and know what happened to it.

    Without a command it says what is set up, and what to type next.
    """
    host = _host(ctx)  # now, so that the commands find it in their contexts
    if ctx.invoked_subcommand is None:
        from notifykit.cli.status import show_status

        return show_status(host, as_json=as_json)
    return Exit.OK


def main(arguments: Sequence[str] | None = None, settings: Mapping[str, Any] | None = None) -> None:
    """Run the program and exit; the arguments are those of :func:`run`."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments, settings))


def run(arguments: Sequence[str], settings: Mapping[str, Any] | None = None) -> int:
    """Run the program and return its exit code.

    :param arguments: what is typed after the program's name.
    :param settings: settings of a program that runs this one, by their names; they come before all others but options.
    """
    given = [_decode(word) for word in arguments]
    options = begin(given)
    options.settings = settings or {}
    output.prepare_streams()
    with signals.handled():
        code = signals.exit_code(_run(given, options))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    return code


def _run(given: list[str], options: GlobalOptions) -> int:
    try:
        result: Any = program.main(args=given, prog_name="notifykit", standalone_mode=False)
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption):
            from notifykit.suggest import closest

            near = closest(error.option_name, error.possibilities or ())
            error = click.NoSuchOption(error.option_name, possibilities=[near] if near else [], ctx=error.ctx)
        if options.nagios:
            return _nagios(error, error.format_message(), options)
        _print_error(error, error.format_message(), options)
        return error.exit_code
    except click.Abort as error:
        if options.json:
            output.print_json_error(options.command, error)
        output.warn("Interrupted.")
        return Exit.INTERRUPTED
    except Exception as error:
        # Imported here: `--help` and `--version` do without it.
        from notifykit.errors import NotifyError, TransportError
        from notifykit.redaction import one_line

        if options.nagios:
            return _nagios(error, str(error) if isinstance(error, NotifyError) else type(error).__name__, options)
        if not isinstance(error, NotifyError):
            raise
        # The words of a transport may be foreign; a list of problems is ours.
        sentence = one_line(str(error)) if isinstance(error, TransportError) else str(error)
        _print_error(error, sentence, options)
        return for_error(error)
    return result if isinstance(result, int) else Exit.OK


def _nagios(error: Exception, sentence: str, options: GlobalOptions) -> int:
    """Say as a monitoring plugin that a check could not be made: 1 and 2 would mean that it found something."""
    from notifykit.cli.nagios import print_state, state_for

    return print_state(options.command, state_for(error), sentence)


def _print_error(error: Exception, sentence: str, options: GlobalOptions) -> None:
    """Print what went wrong and what to type next, in the JSON document too if one was asked for."""
    from notifykit.cli.messages import next_command

    then = next_command(error, options.command)
    if options.json:
        output.print_json_error(options.command, error, then)
    output.warn(f"notifykit: {sentence}")
    output.warn(f"Next: {then}")


def _decode(word: str) -> str:
    """Return an argument as UTF-8, also if an old locale kept Python from reading it."""
    try:
        return word if word.isascii() else os.fsencode(word).decode("utf-8")
    except UnicodeError:
        return word
