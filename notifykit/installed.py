"""Which entry points are installed: who has joined, before anybody is loaded.

They are read from where installers write them: the folders ``*.dist-info`` and ``*.egg-info`` of everything on
``sys.path``, each with a file ``entry_points.txt`` (the entry points specification of PyPA). The answer is that of
``importlib.metadata.entry_points``, whose import takes more than twice as long as the rest of ``notifykit --help``: it
is asked only about archives on ``sys.path``, and about importers of another kind than Python's own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import PathFinder

TYPE_CHECKING = False  # as in the package itself: importing typing would cost more than this does
if TYPE_CHECKING:
    from typing import Any, Protocol

    class _Distribution(Protocol):
        def read_text(self, filename: str, /) -> str | None: ...


#: The finder of the backport of importlib.metadata, which would find everything once more.
_BACKPORT = "MetadataPathFinder"


class EntryPoint:
    """One name that an installed distribution gives to something in it."""

    __slots__ = ("distribution", "group", "name", "value", "version")

    def __init__(self, group: str, name: str, value: str, distribution: str | None, version: str | None) -> None:
        #: What it is one of.
        self.group = group
        #: Its name.
        self.name = name
        #: What it names: ``package.module``, or ``package.module:attribute``.
        self.value = value
        #: The distribution's name, as it calls itself; None where it does not say.
        self.distribution = distribution
        #: The distribution's version; None where it does not say.
        self.version = version

    def load(self) -> Any:
        """Import what it names, and return it."""
        module, _, attributes = self.value.partition("[")[0].partition(":")
        found: Any = import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found


def entry_points(*groups: str) -> list[EntryPoint]:
    """Return the entry points of groups, by name. Of two distributions with one name, the first on the path counts."""
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for name, distribution in _distributions():
        if name in seen:
            continue
        seen.add(name)
        lines = list(_lines(distribution.read_text("entry_points.txt") or "", groups))
        if lines:
            headers = _headers(distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "")
            found += (EntryPoint(*line, headers.get("name"), headers.get("version")) for line in lines)
    return sorted(found, key=lambda point: (point.name, point.value))


class _Folder:
    """What an installer wrote about one distribution."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def read_text(self, filename: str) -> str | None:
        """Return what a file in it says; None where there is none."""
        try:
            # What can't be read is replaced: a plugin with a strange name is told as broken, and the others work.
            with open(os.path.join(self._path, filename), encoding="utf-8", errors="replace") as file:  # noqa: PTH118, PTH123 - pathlib's import takes longer
                return file.read()
        except OSError:
            return None


def _distributions() -> Iterator[tuple[str, _Distribution]]:
    """Yield each distribution with its name in the form by which two are compared, in the order in which they count."""
    for finder in sys.meta_path:
        if finder is PathFinder:
            for entry in sys.path:
                yield from _below(entry)
        elif hasattr(finder, "find_distributions") and getattr(finder, "__name__", "") != _BACKPORT:
            from importlib.metadata import DistributionFinder

            yield from _named(finder.find_distributions(DistributionFinder.Context()))


def _below(entry: str) -> Iterator[tuple[str, _Distribution]]:
    try:
        names = os.listdir(entry or ".")  # noqa: PTH208 - as above
    except NotADirectoryError:
        from importlib.metadata import distributions

        yield from _named(distributions(path=[entry]))
    except OSError:
        return
    else:
        for name in names:
            # An unpacked egg is itself on the path, with a folder EGG-INFO that bears no name.
            stem, _, ending = (name if "." in name else f"{os.path.basename(entry)}.{name}").rpartition(".")  # noqa: PTH119 - as above
            if ending.lower() in ("dist-info", "egg-info"):
                yield _comparable(stem.partition("-")[0]), _Folder(os.path.join(entry, name))  # noqa: PTH118 - as above


def _named(distributions: Any) -> Iterator[tuple[str, _Distribution]]:
    for distribution in distributions:
        name = _name_of(distribution)
        if name is not None:
            yield _comparable(name), distribution


def _name_of(distribution: Any) -> str | None:
    try:
        return distribution.metadata["Name"] or ""
    except Exception:  # what an installer left half-way is no distribution
        return None


def _comparable(name: str) -> str:
    """Return a distribution's name in the form by which two are compared: case and separators don't count."""
    words = name.lower().replace("-", ".").replace("_", ".").split(".")
    return "-".join(filter(None, words))


def _lines(text: str, groups: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield the lines in some sections of ``entry_points.txt``: the section, the name, and what it stands for."""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section in groups and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield section, name.strip(), value.strip()


def _headers(text: str) -> dict[str, str]:
    """Return what stands in the first lines of a distribution's metadata, by header; continued lines are left out."""
    headers: dict[str, str] = {}
    for line in text.splitlines():
        if not line:
            break
        name, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            headers.setdefault(name.lower(), value.strip())
    return headers
