"""What commands are made of: the global options, the file and text arguments, and commands that load on first use.

Public for plugins that bring commands, with :mod:`notifykit.cli.output` and :mod:`notifykit.cli.exit_codes`.
"""

from __future__ import annotations

import itertools
import pathlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from notifykit.settings.files import NotUtf8, decode

if TYPE_CHECKING:
    from notifykit.settings.dsn import Dsn
    from notifykit.settings.sources import Settings

_Function = TypeVar("_Function", bound=Callable[..., Any])

#: Longer than the first sentence of any command.
_WHOLE: Final = 1000
#: How alike an unknown error code and a known one must be to suggest it: ERR999 is no slip for ERR029.
ALIKE_CODES: Final = 0.7


class GlobalOptions:
    """The options that every command has. They are set while the command line is read, before and after its name.

    It is a plain class: importing attrs would make ``--help`` a quarter slower.
    """

    #: The command's name, as far as it is known.
    command: str = "notifykit"
    #: Answer with one JSON document.
    json: bool = False
    #: Answer as a monitoring plugin.
    nagios: bool = False
    #: Say less on standard error.
    quiet: bool = False
    #: Say more.
    verbose: bool = False
    #: ``auto``, ``always`` or ``never``.
    color: str = "auto"
    #: Another file than ``.env``.
    env_file: str | None = None
    #: Whether installed plugins are not loaded.
    no_plugins: bool = False
    #: Settings of the program that runs this one, such as those in Flask's configuration.
    settings: Mapping[str, Any] = MappingProxyType({})


_current: ContextVar[GlobalOptions] = ContextVar("notifykit_global_options")


def global_options() -> GlobalOptions:
    """Return the global options of this run."""
    try:
        return _current.get()
    except LookupError:
        return begin(())


def begin(arguments: Sequence[str]) -> GlobalOptions:
    """Start a run with fresh global options.

    Plugins must be loaded before a command can be found, so the two options that decide about them are searched for in
    the whole command line; so are ``--json`` and ``--nagios``, because errors of the command line itself are answered in that form too.
    """
    fresh = GlobalOptions()
    words = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    fresh.no_plugins = "--no-plugins" in words
    fresh.json = "--json" in words
    fresh.nagios = "--nagios" in words
    for word, value in itertools.pairwise((*words, "")):
        if word == "--env-file" and value:
            fresh.env_file = value
        elif word.startswith("--env-file="):
            fresh.env_file = word.partition("=")[2]
    _current.set(fresh)
    return fresh


def option_group(*options: Callable[[Any], Any]) -> Callable[[_Function], _Function]:
    """Return a decorator that adds several click options to a command, in this order."""

    def decorate(function: _Function) -> _Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _global(*names: str, **settings: Any) -> Callable[[Any], Any]:
    return click.option(*names, callback=_store, **settings)


def _store(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    options = global_options()
    name = "json" if param.name == "as_json" else str(param.name)
    if value:
        setattr(options, name, value)
    if name == "color":
        ctx.color = {"always": True, "never": False}.get(options.color)
    return getattr(options, name)


#: Gives a command the global options; its function gets ``as_json``.
common: Final = option_group(
    _global("--json", "as_json", is_flag=True, help="Answer with one JSON document."),
    _global("-q", "--quiet", is_flag=True, expose_value=False, help="Say less."),
    _global("-v", "--verbose", is_flag=True, expose_value=False, help="Say more."),
    _global(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        expose_value=False,
        help="When to use colour; auto looks at the terminal, NO_COLOR and FORCE_COLOR.",
    ),
    _global("--env-file", metavar="FILE", expose_value=False, help="Read this file instead of .env."),
    _global("--no-plugins", is_flag=True, expose_value=False, help="Load no installed plugins."),
)


def version_option(program: str) -> Callable[[Any], Any]:
    """Return a decorator that adds ``--version``: the versions of notifykit, Python and urllib3."""

    def show(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            from importlib.metadata import version
            from platform import python_version

            click.echo(f"{program} {version('notifykit')} (Python {python_version()}, urllib3 {version('urllib3')})")
            ctx.exit()

    return click.option(
        "--version", is_flag=True, callback=show, expose_value=False, is_eager=True, help="Show versions."
    )


def examples(*lines: str) -> str:
    """Return the end of a command's help: command lines that can be typed, one a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def summary(command: click.Command) -> str:
    """Return the first sentence of a command's help, which click would cut to the width of the terminal."""
    return command.get_short_help_str(_WHOLE)


class CommandGroup(click.Group):
    """A group whose help lists each command with its whole first sentence."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(command)) for name, command in commands if command])


def command_group(name: str, help: str, missing: str, epilog: str) -> CommandGroup:
    """Return a group that does nothing by itself.

    :param missing: what it says where its name is typed alone: which commands there are.
    """

    @click.group(name, cls=CommandGroup, help=help, epilog=epilog, invoke_without_command=True)
    @common
    @click.pass_context
    def group(ctx: click.Context, as_json: bool) -> None:
        if ctx.invoked_subcommand is None:
            raise click.UsageError(missing)

    return group


class LazyCommand(click.Command):
    """A command that is imported on first use: until then its name and one sentence are enough.

    :param name: what people type.
    :param target: where the command is: ``package.module:attribute``.
    :param help: its sentence in the list of commands.
    """

    def __init__(self, name: str, target: str, help: str) -> None:
        super().__init__(name, help=help)
        self._target = target

    def load(self) -> click.Command:
        """Import the command and return it."""
        module, _, attribute = self._target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        """Return a context of the command itself, which click then runs, completes and shows the help of."""
        return self.load().make_context(*arguments, **more)


def read_stdin() -> str:
    """Return what is piped in, as UTF-8 whatever the locale says.

    :raises click.UsageError: if it is not text.
    """
    if sys.stdin is None:
        raise click.UsageError("There is no standard input to read from: it is closed.")
    raw = getattr(sys.stdin, "buffer", None)
    return sys.stdin.read() if raw is None else _decode(raw.read(), "standard input")


def read_text(name: str) -> str:
    """Return the text of a file, or of standard input for ``-``, without line ends behind it.

    :raises click.UsageError: if it can't be read.
    """
    if name == "-":
        return read_stdin().rstrip("\r\n")
    try:
        return _decode(pathlib.Path(name).read_bytes(), name).rstrip("\r\n")
    except OSError as error:
        raise unreadable(name, error) from None


def unreadable(name: str, error: OSError) -> click.UsageError:
    """Return the error for a file that can't be opened."""
    return click.UsageError(f"{name} can't be read: {error.strerror or type(error).__name__}.")


def _decode(raw: bytes, name: str) -> str:
    try:
        return decode(raw)
    except NotUtf8 as error:
        raise click.UsageError(f"{name} {error}.") from None


def nested_dsns(settings: Settings, transport: Dsn) -> Iterator[Dsn]:
    """Yield a transport and those in its brackets, in order, with names of the settings resolved at any depth.

    :raises ConfigError: if names only lead to each other.
    """
    transport = settings.named(transport)
    yield transport
    for part in transport.parts:
        yield from nested_dsns(settings, part.dsn)
