"""``notifykit new plugin``: write a distribution with a plugin that works, and with tests that run its contract."""

from __future__ import annotations

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
from collections.abc import Iterator
from typing import Final

import attrs
import click

import notifykit
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import CommandGroup, common, examples
from notifykit.cli.output import print_answer
from notifykit.hookspecs import PROJECT
from notifykit.plugins import BUILTINS
from notifykit.plugins.discovery import built_in

#: What a new plugin can bring.
KINDS: Final = ("transport", "sink", "normalizer", "cleaner")
#: The most characters of a name.
_LONGEST: Final = 40
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_NOT_IN_A_NAME: Final = re.compile(r"[^a-z0-9]+")
#: Names that are reserved, because they would be taken for parts of this project.
_RESERVED: Final = re.compile(r"notifykit(?:-kwtsms)?|kwtsms")


class CannotWrite(click.UsageError):
    """Nothing was written; the message has every reason.

    :param problems: what is wrong.
    :param following: the command to type next.
    """

    def __init__(self, problems: list[str], following: str) -> None:
        super().__init__("\n".join(("Nothing was written:", *(f"  - {problem}" for problem in problems))))
        #: What to type next.
        self.next_command = following


@attrs.frozen
class Scaffold:
    """A distribution to write."""

    #: Its name and the plugin's: ``acme-sms``.
    name: str
    #: What the plugin brings, one of :data:`KINDS`.
    kind: str

    @property
    def module(self) -> str:
        """The package that Python imports: ``acme_sms``."""
        return self.name.replace("-", "_")

    def files(self) -> dict[str, str]:
        """Return the text of each file by its path in the distribution's folder."""
        words = self.name.split("-")
        names = {
            "name": self.name,
            "kind": self.kind,
            "module": self.module,
            "class_name": "".join(map(str.capitalize, words if words[-1] == self.kind else (*words, self.kind))),
            "variable": self.module.upper(),
            "version": notifykit.__version__,
        }
        for part in ("summary.txt", "usage.md"):
            names[part.partition(".")[0]] = self._filled(f"{self.kind}/{part}", names).strip()
        templates = {
            ".gitignore": "any/gitignore.tmpl",
            "README.md": "any/README.md.tmpl",
            "pyproject.toml": "any/pyproject.toml.tmpl",
            f"src/{self.module}/__init__.py": f"{self.kind}/module.py.tmpl",
            "tests/test_contract.py": f"{self.kind}/test.py.tmpl",
        }
        filled = {path: self._filled(template, names) for path, template in templates.items()}
        return dict(sorted({**filled, f"src/{self.module}/py.typed": ""}.items()))

    def write(self, folder: pathlib.Path) -> list[str]:
        """Write the files below a folder and return their paths in it.

        :raises click.ClickException: if one can't be written.
        """
        files = self.files()
        for name, content in files.items():
            file = folder / name
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("x", encoding="utf-8", newline="\n") as opened:
                    opened.write(content)
            except OSError as error:
                raise click.ClickException(
                    f"{file} can't be written: {error.strerror or type(error).__name__}."
                ) from None
        return list(files)

    @staticmethod
    def _filled(template: str, names: dict[str, str]) -> str:
        file = importlib.resources.files("notifykit.cli").joinpath("scaffold", *template.split("/"))
        return string.Template(file.read_text(encoding="utf-8")).substitute(names)


@click.group("new", cls=CommandGroup, epilog=examples("notifykit new plugin acme-sms --kind transport"))
@common
def new(as_json: bool) -> int:
    """Write the beginning of something of your own."""
    return Exit.OK


@new.command(
    "plugin",
    epilog=examples(
        "notifykit new plugin acme-sms --kind transport",
        "notifykit new plugin acme-counts --kind sink --into counts",
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

    NAME is the distribution's name and the plugin's: small letters and digits, with dashes between words. Existing
    files are not overwritten.
    """
    folder = into if into is not None else pathlib.Path(name)
    wrong = list(_name_problems(name))
    # Without --into, a wrong name gives a folder that nothing will be written to.
    occupied = _folder_problems(folder) if into is not None or not wrong else []
    if wrong or occupied:
        place = "ANOTHER-FOLDER" if occupied else str(into) if into else None
        better = _better_name(name, kind) if wrong else name
        words = ["notifykit", "new", "plugin", better, "--kind", kind, *(("--into", place) if place else ())]
        raise CannotWrite([*wrong, *occupied], shlex.join(words))
    scaffold = Scaffold(name, kind)
    written = scaffold.write(folder)
    then = (
        f"cd {shlex.quote(str(folder))}",
        f'python -m pip install --editable . "{PROJECT}[testing]"',
        "python -m pytest",
    )
    data = {
        "name": name,
        "kind": kind,
        "module": scaffold.module,
        "folder": str(folder),
        "files": written,
        "next": then,
    }
    wrote = [f"{'' if number else 'wrote':<5}  {folder / file}" for number, file in enumerate(written)]
    return print_answer("new", data, [*wrote, "", "Next:", *(f"  {line}" for line in then)], as_json=as_json)


def _name_problems(name: str) -> Iterator[str]:
    """Yield each reason why a distribution and its plugin can't have a name."""
    shown, module = repr(name), name.replace("-", "_")
    if not _NAME.fullmatch(name):
        yield f"{shown} is no name: it takes small letters and digits, with single dashes between words, a letter first"
        return
    if len(name) > _LONGEST:
        yield f"{shown} is longer than {_LONGEST} characters"
    plugins = [(each.name, each.dist.name) for each in importlib.metadata.entry_points(group=PROJECT) if each.dist]
    own = {distribution for _, distribution in plugins if _NOT_IN_A_NAME.sub("-", distribution.lower()) == name}
    if _RESERVED.fullmatch(name):
        yield f"{shown} is the name of something that notifykit brings itself"
    elif keyword.iskeyword(module) or keyword.issoftkeyword(module):
        yield f"{shown} is a word of Python's own: a module of that name can't be imported"
    elif module in sys.stdlib_module_names:
        yield f"{shown} is a module of Python's standard library"
    elif not own:  # an earlier installation of the same plugin may be begun again
        yield from _installed(name, module)
    taken = {plugin: distribution for plugin, distribution in plugins if distribution not in own}
    taken |= dict.fromkeys((each.name.replace("_", "-") for each in built_in(BUILTINS)), PROJECT)
    if name in taken:
        yield f"{taken[name]} brings a plugin that is called {shown}, and two of one name are an error"


def _installed(name: str, module: str) -> Iterator[str]:
    """Yield what is installed under a name, and would be replaced or hidden."""
    if any(importlib.metadata.distributions(name=name)):
        yield f"{name!r} is the name of a distribution that is installed here"
    elif (found := importlib.util.find_spec(module)) and found.origin:  # a folder that is here by chance has no origin
        owners = importlib.metadata.packages_distributions().get(module, ["an unknown distribution"])
        yield f"{module} is a module of {', '.join(owners)}, which is installed here"


def _better_name(name: str, kind: str) -> str:
    """Return a name that can be used, like one that can't."""
    words = _NOT_IN_A_NAME.sub("-", name.lower()).strip("-")[: _LONGEST - len(kind) - 4].strip("-")
    if not words[:1].isalpha():
        words = f"{kind}-{words}".strip("-")
    more = itertools.chain((words, f"{words}-{kind}"), (f"{words}-{kind}-{number}" for number in itertools.count(2)))
    return next(candidate for candidate in more if not any(_name_problems(candidate)))


def _folder_problems(folder: pathlib.Path) -> list[str]:
    """Return why a folder can't be written to; one that holds only a new repository is empty."""
    try:
        inside = {entry.name for entry in folder.iterdir()} - {".git"}
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        return [f"{folder} is a file"]
    except OSError as error:
        return [f"{folder} can't be read: {type(error).__name__}"]
    return [f"{folder} is not empty, and nothing is overwritten"] if inside else []
