"""Change values in a ``.env`` file, write it for its owner only, and keep it out of git."""

from __future__ import annotations

import codecs
import contextlib
import fnmatch
import io
import os
import pathlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Self

import attrs

from notifykit.errors import ConfigError, NotifyError
from notifykit.settings.files import decode, why_unreadable

if TYPE_CHECKING:
    from dotenv.parser import Binding

_BOM: Final = "\ufeff"
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
#: Values without quotes, for python-dotenv and for shells.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@%+,-]*")
#: python-dotenv replaces it by a variable, and has no way to write the characters themselves.
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
#: The name after blank lines, the equals sign, values and comments: as python-dotenv reads them.
_NAME: Final = re.compile(r"\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=#\s]+)")
_EQUALS: Final = re.compile(r"[^\S\r\n]*=([^\S\r\n]*)")
_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_COMMENT: Final = re.compile(r"\s+#.*")


def quote(value: str) -> str:
    """Return a value for a ``.env`` file, so that python-dotenv reads exactly this value.

    :raises ValueError: for a value that such a file can't hold; the words follow the setting's name.
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
    """A ``.env`` file as text: some values change, and everything else stays as it was written."""

    #: Its path.
    path: pathlib.Path
    #: Its whole text, with its line ends; it holds a password.
    text: str = attrs.field(default="", repr=False)

    @classmethod
    def read(cls, path: pathlib.Path) -> Self:
        """Return the file; an empty one if there is none yet.

        :raises ConfigError: if it can't be read, or a line can't be parsed: the end of such a line is unknown, so
            nothing can be written after it.
        """
        try:
            raw = path.read_bytes()
            # The byte order mark of a UTF-8 file stays; a file in UTF-16 is written as UTF-8.
            found = cls(path, raw.decode() if raw.startswith(codecs.BOM_UTF8) else decode(raw))
        except FileNotFoundError:
            return cls(path)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path.name} {why_unreadable(error)}") from None
        for binding in found._bindings():
            if binding.error:
                raise ConfigError(
                    f"{path.name} line {binding.original.line} can't be read: write NAME=value, close quotes"
                )
        return found

    @property
    def values(self) -> dict[str, str]:
        """Its values, as python-dotenv reads them."""
        return {
            binding.key: binding.value
            for binding in self._bindings()
            if binding.key is not None and binding.value is not None
        }

    def with_values(self, changes: Mapping[str, str]) -> Self:
        """Return the file with these values; existing names keep their places and comments, new ones come last.

        :raises ConfigError: for a value that it can't hold.
        """
        quoted = {}
        for name, value in changes.items():
            try:
                quoted[name] = quote(value)
            except ValueError as error:
                raise ConfigError(f"{name} {error}") from None
        bindings = list(self._bindings())
        body = "".join(
            _replaced(binding.original.string, quoted[binding.key])
            if binding.key in quoted
            else binding.original.string
            for binding in bindings
        )
        line_end = _LINE_END.search(self.text)
        end = line_end[0] if line_end else "\n"
        present = {binding.key for binding in bindings}
        missing = "".join(f"{name}={value}{end}" for name, value in quoted.items() if name not in present)
        if missing and body and not body.endswith(("\n", "\r")):
            body += end
        bom = _BOM if self.text.startswith(_BOM) else ""
        changed = attrs.evolve(self, text=f"{bom}{body}{missing}")
        if changed.values != {**self.values, **changes}:
            raise ConfigError(f"{self.path.name} can't be changed without changing what else is in it: edit it by hand")
        return changed

    def _bindings(self) -> Iterator[Binding]:
        """Yield name, value and text of each part; the texts together are the whole file."""
        from dotenv.parser import parse_stream

        return parse_stream(io.StringIO(self.text.removeprefix(_BOM), newline=""))


def _replaced(part: str, value: str) -> str:
    """Return the part of the file for one name with another value."""
    name = _NAME.match(part)
    assert name is not None
    equals = _EQUALS.match(part, name.end())
    if equals is None:
        return f"{part[: name.end()]}={value}{part[name.end() :]}"
    start = equals.end()
    rest = part[start + _value_length(part[start:], spaced=bool(equals[1])) :]
    gap = " " if rest.startswith("#") and (value or not equals[1]) else ""
    return f"{part[:start]}{value}{gap}{rest}"


def _value_length(text: str, *, spaced: bool) -> int:
    if spaced and text.startswith("#"):
        return 0
    quoted = _QUOTED.match(text)
    if quoted:
        return quoted.end()
    line = _LINE_END.split(text, maxsplit=1)[0]
    return len(_COMMENT.sub("", line).rstrip())


def write_private(path: pathlib.Path, content: bytes) -> None:
    """Replace a file in one step, readable by its owner only; after any failure the old one is unchanged.

    A link stays: the file that it points to is replaced.
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
    with contextlib.suppress(OSError):  # the new name survives a power cut, where folders can be opened
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def exposing_gitignore(path: pathlib.Path) -> pathlib.Path | None:
    """Return the ``.gitignore`` that lacks a line for a file; None outside git, and where there is a line.

    Only plain lines are understood. If another pattern already covers the file, one more line does no harm.
    """
    folder = path.absolute().parent
    root = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)
    if root is None:
        return None
    between = (folder, *(parent for parent in folder.parents if parent == root or root in parent.parents))
    if any(_covers(parent / ".gitignore", path.name) for parent in between):
        return None
    return root / ".gitignore"


def add_to_gitignore(gitignore: pathlib.Path, name: str) -> None:
    """Add a line for files of this name, anywhere in the checkout.

    :raises NotifyError: if it can't be written.
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
