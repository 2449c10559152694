"""How this run of the program should behave: the options that every command has."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])

#: When to use colour.
COLORS: Final = ("auto", "always", "never")


class Manner:
    """What the global options say. It is filled while the command line is read, before and after the command's name.

    It is a plain class: with attrs, `--help` would take a quarter longer.
    """

    #: The command's name, as far as it is known.
    command: str = "notifykit"
    #: Answer with one JSON document.
    json: bool = False
    #: Say less on standard error.
    quiet: bool = False
    #: Say more.
    verbose: bool = False
    #: ``auto``, ``always`` or ``never``.
    color: str = "auto"
    #: Another file than ``.env``.
    env_file: str | None = None
    #: Whether installed plugins are loaded.
    plugins: bool = True


_current: ContextVar[Manner] = ContextVar("notifykit_manner")


def manner() -> Manner:
    """Return how this run should behave."""
    try:
        return _current.get()
    except LookupError:
        return begin(())


def begin(arguments: Sequence[str]) -> Manner:
    """Start a run with a new manner.

    Which plugins are loaded has to be known before a command can be found, so the two options that decide it are
    looked for in the whole command line.
    """
    fresh = Manner()
    words = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    fresh.plugins = "--no-plugins" not in words
    for word, following in itertools.pairwise((*words, "")):
        if word == "--env-file" and following:
            fresh.env_file = following
        elif word.startswith("--env-file="):
            fresh.env_file = word.partition("=")[2]
    # What goes wrong with the command line itself is answered in JSON too.
    fresh.json = "--json" in words
    _current.set(fresh)
    return fresh


def _noted(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def note(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        now = manner()
        if value:
            setattr(now, name, value)
        if name == "color":
            ctx.color = {"always": True, "never": False}.get(now.color)
        return getattr(now, name)

    return note


#: ``--json``: the command's function gets ``as_json``, also where it stood before the command's name.
json_option: Final = click.option(
    "--json", "as_json", is_flag=True, callback=_noted("json"), help="Answer with one JSON document."
)
_OPTIONS: Final = (
    click.option("-q", "--quiet", is_flag=True, callback=_noted("quiet"), expose_value=False, help="Say less."),
    click.option("-v", "--verbose", is_flag=True, callback=_noted("verbose"), expose_value=False, help="Say more."),
    click.option(
        "--color",
        type=click.Choice(COLORS),
        callback=_noted("color"),
        expose_value=False,
        help="When to use colour; auto looks at the terminal, NO_COLOR and FORCE_COLOR.",
    ),
    click.option(
        "--env-file",
        metavar="FILE",
        callback=_noted("env_file"),
        expose_value=False,
        help="Read this file instead of .env.",
    ),
    click.option("--no-plugins", is_flag=True, expose_value=False, help="Load no installed plugins."),
)


def common(function: _Function) -> _Function:
    """Give a command the options that every command has."""
    for option in reversed((json_option, *_OPTIONS)):
        function = option(function)
    return function


def examples(*lines: str) -> str:
    """Return the end of a command's help: command lines that can be typed, one a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
