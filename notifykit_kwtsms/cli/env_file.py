"""Change values in a ``.env`` file, write it privately, and keep it out of git."""

from __future__ import annotations

import io
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Self

import attrs

from notifykit.errors import ConfigError

if TYPE_CHECKING:
    from dotenv.parser import Binding
import contextlib
import fnmatch
import os
import tempfile

from notifykit.errors import NotifyError

_BOM: Final = "\ufeff"


_LINE_END: Final = re.compile(r"\r\n|\n|\r")


#: These need no quotes, for python-dotenv and for shells.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@%+,-]*")


#: python-dotenv puts variables in there unless it is told not to, and has no way to write the characters themselves.
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")


#: Blank lines above it, the name, the equals sign: as python-dotenv reads them.
_NAME: Final = re.compile(r"\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=#\s]+)")


_EQUALS: Final = re.compile(r"[^\S\r\n]*=([^\S\r\n]*)")


_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)


_COMMENT: Final = re.compile(r"\s+#.*")


def quote(value: str) -> str:
    """Return a value as it stands behind the equals sign, so that python-dotenv reads back exactly this value.

    :raises ValueError: for what such a file can't hold; the sentence follows the setting's name.
    """
    if re.search(r"[\r\n\0]", value):
        raise ValueError("must be one line")
    if _VARIABLE.search(value):
        raise ValueError("must not hold ${…}: in a .env file that is another variable's value")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds characters that are not text") from None
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@attrs.frozen
class EnvFile:
    """What a ``.env`` file says."""

    #: Where it is, or will be.
    path: pathlib.Path
    #: Its whole text, with its line ends; it holds a password.
    text: str = attrs.field(default="", repr=False)

    @classmethod
    def read(cls, path: pathlib.Path) -> Self:
        """Return the file; an empty one where there is none yet.

        :raises ConfigError: where it can't be read, or where a line in it can't be understood: nobody knows where
            such a line ends, so nothing is written behind it.
        """
        try:
            found = cls(path, path.read_bytes().decode())
        except FileNotFoundError:
            return cls(path)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path.name} can't be read: {type(error).__name__}") from None
        for binding in found._bindings():
            if binding.error:
                raise ConfigError(
                    f"{path.name} line {binding.original.line} can't be read: write NAME=value, close quotes"
                )
        return found

    @property
    def values(self) -> dict[str, str]:
        """What it says, as python-dotenv reads it."""
        return {
            binding.key: binding.value
            for binding in self._bindings()
            if binding.key is not None and binding.value is not None
        }

    def with_values(self, changes: Mapping[str, str]) -> Self:
        """Return the file with these values; a name that it has keeps its place and its comment, others come last.

        :raises ConfigError: for a value that it can't hold.
        """
        quoted = {}
        for name, value in changes.items():
            try:
                quoted[name] = quote(value)
            except ValueError as error:
                raise ConfigError(f"{name} {error}") from None
        bindings = list(self._bindings())
        pieces = [
            _replaced(binding.original.string, quoted[binding.key])
            if binding.key in quoted
            else binding.original.string
            for binding in bindings
        ]
        end = self._line_end()
        present = {binding.key for binding in bindings}
        missing = [f"{name}={value}{end}" for name, value in quoted.items() if name not in present]
        body = "".join(pieces)
        if missing and body and not body.endswith(("\n", "\r")):
            body += end
        bom = _BOM if self.text.startswith(_BOM) else ""
        changed = attrs.evolve(self, text=f"{bom}{body}{''.join(missing)}")
        if changed.values != {**self.values, **changes}:
            raise ConfigError(f"{self.path.name} can't be changed without changing what else is in it: edit it by hand")
        return changed

    def _line_end(self) -> str:
        found = _LINE_END.search(self.text)
        return found[0] if found else "\n"

    def _bindings(self) -> Iterator[Binding]:
        """Yield name, value and text of each part; the texts together are the whole file."""
        from dotenv.parser import parse_stream

        return parse_stream(io.StringIO(self.text.removeprefix(_BOM), newline=""))


def _replaced(piece: str, value: str) -> str:
    """Return one name's part of the file with another value."""
    name = _NAME.match(piece)
    assert name is not None
    equals = _EQUALS.match(piece, name.end())
    if equals is None:
        return f"{piece[: name.end()]}={value}{piece[name.end() :]}"
    start = equals.end()
    rest = piece[start + _length_of_value(piece[start:], spaced=bool(equals[1])) :]
    gap = " " if rest.startswith("#") and (value or not equals[1]) else ""
    return f"{piece[:start]}{value}{gap}{rest}"


def _length_of_value(text: str, *, spaced: bool) -> int:
    if spaced and text.startswith("#"):
        return 0
    quoted = _QUOTED.match(text)
    if quoted:
        return quoted.end()
    line = _LINE_END.split(text, maxsplit=1)[0]
    return len(_COMMENT.sub("", line).rstrip())


def write_private(path: pathlib.Path, content: bytes) -> None:
    """Put a file in its place in one step, readable by its owner only; after any failure the old one is untouched.

    Where the path is a link, the file that it leads to is replaced, and the link stays.
    """
    target = pathlib.Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".tmp", dir=target.parent)  # with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        pathlib.Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            pathlib.Path(name).unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: pathlib.Path) -> None:
    """Make the new name survive a power cut, where folders can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def exposing(path: pathlib.Path) -> pathlib.Path | None:
    """Return the ``.gitignore`` that lacks a line for a file; None outside git, and where a line is there.

    Only plain lines are understood. Where a cleverer one already covers the file, another line does no harm.
    """
    folder = path.absolute().parent
    root = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)
    if root is None:
        return None
    between = (folder, *(parent for parent in folder.parents if parent == root or root in parent.parents))
    if any(_covers(parent / ".gitignore", path.name) for parent in between):
        return None
    return root / ".gitignore"


def add(gitignore: pathlib.Path, name: str) -> None:
    """Add a line for files of this name, wherever in the checkout they are.

    :raises NotifyError: where it can't be written.
    """
    before = _read(gitignore)
    end = "\r\n" if "\r\n" in before else "\n"
    gap = "" if not before or before.endswith("\n") else end
    try:
        with gitignore.open("a", encoding="utf-8", newline="") as file:
            file.write(f"{gap}{name}{end}")
    except OSError as error:
        raise NotifyError(f"{gitignore.name} can't be written: {error.strerror or type(error).__name__}") from None


def _covers(gitignore: pathlib.Path, name: str) -> bool:
    lines = (line.strip().lstrip("/") for line in _read(gitignore).splitlines())
    return any(fnmatch.fnmatchcase(name, line) for line in lines if line and not line.startswith(("#", "!")))


def _read(gitignore: pathlib.Path) -> str:
    try:
        return gitignore.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
