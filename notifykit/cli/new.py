"""``notifykit new``: writes a distribution with a plugin in it, which builds, is found, and keeps its contract."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.resources
import importlib.util
import itertools
import keyword
import pathlib
import re
import shlex
import string
import sys
from typing import TYPE_CHECKING, Final

import attrs
import click

import notifykit
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, examples
from notifykit.cli.output import print_json, print_line
from notifykit.hookspecs import PROJECT
from notifykit.plugins import BUILTINS
from notifykit.plugins.discovery import built_in

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

#: What can be written: the stations that most plugins bring.
KINDS: Final = ("transport", "sink", "normalizer", "cleaner")
#: A longer name is no name for people.
_LONGEST: Final = 40
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_OTHER: Final = re.compile(r"[^a-z0-9]+")
#: What a folder may hold and still count as empty: somebody made the repository first.
_NOTHING: Final = frozenset({".git"})
#: Distributions whose names would be taken for parts of this one.
_OURS: Final = re.compile(r"notifykit(?:-kwtsms)?|kwtsms")


class CannotWrite(click.UsageError):
    """Nothing was written; the message has every reason.

    :param problems: what is wrong.
    :param following: what to type next.
    """

    def __init__(self, problems: list[str], following: str) -> None:
        super().__init__("\n".join(("Nothing was written:", *(f"  - {problem}" for problem in problems))))
        #: What to type next.
        self.next_command = following


@attrs.frozen
class Scaffold:
    """A distribution that can be written."""

    #: Its name, which is the plugin's too: ``acme-sms``.
    name: str
    #: What it brings, one of :data:`KINDS`.
    kind: str

    @property
    def module(self) -> str:
        """The package that Python imports: ``acme_sms``."""
        return self.name.replace("-", "_")

    @property
    def class_name(self) -> str:
        """The class that does the work: ``AcmeSmsTransport``."""
        words = self.name.split("-")
        return "".join(word.capitalize() for word in (words if words[-1] == self.kind else (*words, self.kind)))

    def files(self) -> dict[str, str]:
        """Return the text of each file by its path in the distribution's folder."""
        folder = importlib.resources.files("notifykit.cli").joinpath("scaffold")
        own = folder.joinpath(self.kind)
        names = {
            "name": self.name,
            "kind": self.kind,
            "module": self.module,
            "class_name": self.class_name,
            "variable": self.module.upper(),
            "version": notifykit.__version__,
            "summary": _read(own, "summary.txt").strip(),
        }
        names["usage"] = _filled(own, "usage.md", names).strip()
        return {
            ".gitignore": _filled(folder, "any/gitignore.tmpl", names),
            "README.md": _filled(folder, "any/README.md.tmpl", names),
            "pyproject.toml": _filled(folder, "any/pyproject.toml.tmpl", names),
            f"src/{self.module}/__init__.py": _filled(own, "module.py.tmpl", names),
            f"src/{self.module}/py.typed": "",
            "tests/test_contract.py": _filled(own, "test.py.tmpl", names),
        }


def _read(folder: Traversable, name: str) -> str:
    return folder.joinpath(*name.split("/")).read_text(encoding="utf-8")


def _filled(folder: Traversable, name: str, names: dict[str, str]) -> str:
    return string.Template(_read(folder, name)).substitute(names)


@click.group("new", epilog=examples("notifykit new plugin acme-sms --kind transport"))
@common
def new(as_json: bool) -> int:
    """Write the beginning of something of your own."""
    return Exit.OK


@new.command(
    "plugin",
    epilog=examples(
        "notifykit new plugin acme-sms --kind transport",
        "notifykit new plugin acme-tally --kind sink --into tally",
    ),
)
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What the plugin brings.")
@click.option(
    "--into",
    type=click.Path(path_type=pathlib.Path),
    metavar="FOLDER",
    help="The folder to write; ./NAME where none is given.",
)
@common
def plugin(name: str, kind: str, into: pathlib.Path | None, as_json: bool) -> int:
    """Write a distribution with a plugin that works, and with the tests of its contract.

    NAME is the distribution's name and the plugin's: small letters and digits, with dashes between words. Nothing that
    is there already is overwritten.
    """
    folder = into if into is not None else pathlib.Path(name)
    wrong = name_problems(name)
    better = suggestion(name, kind) if wrong else name
    # A folder that the bad name would have had is nobody's wish.
    occupied = folder_problems(folder) if into is not None or not wrong else []
    if wrong or occupied:
        place = "ANOTHER-FOLDER" if occupied else str(into) if into else None
        words = ["notifykit", "new", "plugin", better, "--kind", kind, *(("--into", place) if place else ())]
        raise CannotWrite([*wrong, *occupied], shlex.join(words))
    scaffold = Scaffold(name, kind)
    written = write(scaffold, folder)
    then = (
        f"cd {shlex.quote(str(folder))}",
        f'python -m pip install --editable . "{PROJECT}[testing]"',
        "python -m pytest",
    )
    if as_json:
        facts = {"name": name, "kind": kind, "module": scaffold.module, "folder": str(folder)}
        print_json("new", {**facts, "files": written, "next": list(then)})
        return Exit.OK
    for number, file in enumerate(written):
        print_line(f"{'' if number else 'wrote':<5}  {folder / file}")
    print_line("\nNext:")
    for line in then:
        print_line(f"  {line}")
    return Exit.OK


def name_problems(name: str) -> list[str]:
    """Return everything that speaks against a name for a distribution and its plugin."""
    shown = repr(name)
    if not _NAME.fullmatch(name):
        return [
            f"{shown} is no name: it takes small letters and digits, with single dashes between words, a letter first"
        ]
    problems: list[str] = []
    module = name.replace("-", "_")
    if len(name) > _LONGEST:
        problems.append(f"{shown} is longer than {_LONGEST} characters")
    if _OURS.fullmatch(name):
        problems.append(f"{shown} is the name of something that notifykit brings itself")
    elif keyword.iskeyword(module) or keyword.issoftkeyword(module):
        problems.append(f"{shown} is a word of Python's own: nobody could import a module of that name")
    elif module in sys.stdlib_module_names:
        problems.append(f"{shown} is a module of Python's standard library")
    elif not _is_installed_plugin(name):
        problems += _installed(name, module)
    if (brought := _bringer(name)) is not None:
        problems.append(f"{brought} brings a plugin that is called {shown}, and two of one name are an error")
    return problems


def suggestion(name: str, kind: str) -> str:
    """Return a name that is like one that can't be used."""
    words = _OTHER.sub("-", name.lower()).strip("-")[: _LONGEST - len(kind) - 4].strip("-")
    if not words[:1].isalpha():
        words = f"{kind}-{words}".strip("-")
    more = itertools.chain((words, f"{words}-{kind}"), (f"{words}-{kind}-{number}" for number in itertools.count(2)))
    return next(candidate for candidate in more if not name_problems(candidate))


def _installed(name: str, module: str) -> list[str]:
    """Return what of the same name is installed here, and would be replaced or hidden."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution(name)
        return [f"{name!r} is the name of a distribution that is installed here"]
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:  # a folder that happens to be here is no module
        return []
    owners = importlib.metadata.packages_distributions().get(module, [])
    return [f"{module} is a module of {', '.join(owners) or 'nobody knows whom'}, which is installed here"]


def _is_installed_plugin(name: str) -> bool:
    """Return whether an earlier installation of this plugin is here: somebody begins it again."""
    return any(entry.dist and _same(entry.dist.name, name) for entry in importlib.metadata.entry_points(group=PROJECT))


def _bringer(name: str) -> str | None:
    """Return the other distribution that brings a plugin of that name; None where none does."""
    if name in {plugin.name.replace("_", "-") for plugin in built_in(BUILTINS)}:
        return PROJECT
    for entry in importlib.metadata.entry_points(group=PROJECT):
        if entry.name == name and entry.dist and not _same(entry.dist.name, name):
            return entry.dist.name
    return None


def _same(distribution: str, name: str) -> bool:
    return _OTHER.sub("-", distribution.lower()) == name


def folder_problems(folder: pathlib.Path) -> list[str]:
    """Return why a folder can't be written to."""
    try:
        inside = {entry.name for entry in folder.iterdir()} - _NOTHING
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        return [f"{folder} is a file"]
    except OSError as error:
        return [f"{folder} can't be read: {type(error).__name__}"]
    return [f"{folder} is not empty, and nothing is overwritten"] if inside else []


def write(scaffold: Scaffold, folder: pathlib.Path) -> list[str]:
    """Write a distribution and return the paths of its files.

    :raises click.ClickException: where one can't be written.
    """
    files = scaffold.files()
    for name, content in files.items():
        file = folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as opened:
                opened.write(content)
        except OSError as error:
            raise click.ClickException(f"{file} can't be written: {error.strerror or type(error).__name__}.") from None
    return list(files)
