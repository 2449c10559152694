"""The suppression list as its owner edits it: who is on it, since when, by whom and why; in a file or in a table."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import os
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

import attrs

from notifykit.errors import ConfigError, NotifyError
from notifykit.guards.addresses import Normalize, read_address, written_address
from notifykit.guards.options import options
from notifykit.guards.suppression import open_table
from notifykit.redaction import redact_address
from notifykit.settings.files import NotUtf8, lock, read_text, replaced, why_unreadable
from notifykit.settings.sources import Settings

#: Seconds to wait for another process that changes the file.
_PATIENCE: Final = 10.0
_COMMENT: Final = re.compile(
    r"(?P<added>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)(?: by (?P<by>[^:]*[^:\s]))?(?:: (?P<reason>.*))?", re.DOTALL
)
_SPACE: Final = re.compile(r"\s+")


class ListUnavailable(NotifyError):  # noqa: N818 - it says what happened
    """The suppression list can't be read or written.

    :param detail: what happened, in one sentence.
    :param action: what a person does about it.
    """

    def __init__(self, detail: str, action: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.action = action

    def __str__(self) -> str:
        return f"{self.detail} {self.action}".strip()


def _one_line(given: str) -> str:
    return _SPACE.sub(" ", given).strip()[:200]


@attrs.frozen
class Suppressed:
    """One address on the list."""

    #: The address in the form in which messages are sent, in small letters; ``push:`` is before a push token.
    address: str = attrs.field(repr=redact_address)
    #: Since when, UTC; None if that is not known.
    added: datetime.datetime | None = None
    #: Who put it there; empty if that is not known.
    by: str = attrs.field(default="", converter=_one_line)
    #: The reason, in the words of who put it there.
    reason: str = attrs.field(default="", converter=_one_line)

    @property
    def line(self) -> str:
        """The line of a file: the address, and the rest as a comment."""
        comment = self.added.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if self.added else ""
        if comment and self.by:
            comment += f" by {self.by.replace(':', ' ')}"
        if self.reason:
            comment += f": {self.reason}" if comment else self.reason
        return f"{self.address}  # {comment}" if comment else self.address

    @classmethod
    def of_comment(cls, address: str, comment: str) -> Suppressed:
        """Return the entry of a line; a comment that a person wrote is the reason."""
        found = _COMMENT.fullmatch(comment.strip())
        if found is None:
            return cls(address, reason=comment)
        added = datetime.datetime.fromisoformat(found["added"])
        return cls(address, added, found["by"] or "", found["reason"] or "")


class SuppressionList(Protocol):
    """A list that can be changed. Every method raises :class:`ListUnavailable` where the list can't be used."""

    #: What it is, without secrets.
    name: str

    def find(self, address: str) -> Suppressed | None:
        """Return the entry of an address, as :func:`canonical` writes it; None where it is not on the list."""
        ...

    def add(self, entries: Sequence[Suppressed]) -> int:
        """Add all entries or none, and return how many are new; an address that is there keeps its entry."""
        ...

    def remove(self, addresses: Sequence[str]) -> int:
        """Take addresses off the list, and return how many were on it."""
        ...

    def entries(self) -> Iterator[Suppressed]:
        """Yield all entries."""
        ...


def canonical(written: str, normalize: Normalize) -> str:
    """Return an address as lists have it.

    :raises ValueError: if it is no address; the message does not show it.
    """
    return written_address(read_address(written, normalize))


class FileList:
    """The list in a file, an address a line. Every other line, and every comment, stays as it is.

    A change is written beside the file and put in its place, so that a reader sees it whole or not at all.

    :param path: the file; a missing one is an empty list, and is made by the first entry.
    :param normalize: reads its addresses as the pipeline does.
    """

    def __init__(self, path: str | os.PathLike[str], normalize: Normalize) -> None:
        self._file = pathlib.Path(path).absolute()
        self._normalize = normalize
        self.name = self._file.name

    def find(self, address: str) -> Suppressed | None:
        """Return the entry of an address; None where it is not on the list."""
        return next((entry for entry in self.entries() if entry.address == address), None)

    def add(self, entries: Sequence[Suppressed]) -> int:
        """Add all entries or none, and return how many are new."""
        with self._locked():
            lines = self._lines()
            known = {entry.address for entry in self._read(lines)}
            new = {entry.address: entry for entry in reversed(entries) if entry.address not in known}
            if new:
                self._write([*lines, *(entry.line for entry in reversed(new.values()))])
            return len(new)

    def remove(self, addresses: Sequence[str]) -> int:
        """Take addresses off the list, and return how many were on it."""
        with self._locked():
            gone, kept = set(), []
            for number, line in enumerate(self._lines(), 1):
                found = self._entry(number, line)
                if found is not None and found.address in addresses:
                    gone.add(found.address)
                else:
                    kept.append(line)
            if gone:
                self._write(kept)
            return len(gone)

    def entries(self) -> Iterator[Suppressed]:
        """Yield all entries."""
        return self._read(self._lines(required=True))

    def _lines(self, *, required: bool = False) -> list[str]:
        try:
            return read_text(self._file).splitlines()
        except FileNotFoundError as error:
            if not required:
                return []
            raise self._unavailable("is not there: an empty file suppresses no address") from error
        except (OSError, NotUtf8) as error:
            raise self._unavailable(why_unreadable(error)) from None

    def _read(self, lines: Iterable[str]) -> Iterator[Suppressed]:
        return filter(None, itertools.starmap(self._entry, enumerate(lines, 1)))

    def _entry(self, number: int, line: str) -> Suppressed | None:
        written, _, comment = line.partition("#")
        written = written.strip().rstrip(",;")
        try:
            return Suppressed.of_comment(canonical(written, self._normalize), comment) if written else None
        except ValueError:
            raise self._unavailable(
                f"has a line that is no address, line {number}: put it right; meanwhile nothing is sent"
            ) from None

    def _write(self, lines: Iterable[str]) -> None:
        with self._writing(), replaced(self._file) as draft, draft.open("w", encoding="utf-8", newline="\n") as opened:
            opened.writelines(f"{line}\n" for line in lines)
            opened.flush()
            os.fsync(opened.fileno())

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time change the file."""
        file = self._file.resolve()  # two links to one file are one list
        with contextlib.ExitStack() as stack:
            with self._writing():
                opened = stack.enter_context(file.with_name(f".{file.name}.lock").open("a+", encoding="utf-8"))
            try:
                lock(opened.fileno(), _PATIENCE)
            except BlockingIOError:
                raise self._unavailable("is being changed by another process: try again") from None
            yield

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unavailable(f"can't be written ({error.strerror or type(error).__name__})") from None

    def _unavailable(self, what: str) -> ListUnavailable:
        return ListUnavailable(f"The suppression list {self._file.name} {what}.")


def open_list(settings: Settings, normalize: Normalize) -> SuppressionList:
    """Return the list that the settings name.

    :raises ConfigError: if they name none, or two.
    """
    given = options(settings)
    file, url = given["suppression_file"], given["suppression_url"]
    if file and url:
        raise ConfigError(
            "guard.suppression_file and guard.suppression_url are two lists: import the file into the table with "
            "`notifykit suppress import`, and take suppression_file out"
        )
    if file:
        return FileList(settings.sources.directory / file, normalize)
    if not url:
        raise ConfigError(
            "guard.suppression_file: there is no suppression list: set NOTIFYKIT_GUARD_SUPPRESSION_FILE to a file, or "
            "NOTIFYKIT_GUARD_SUPPRESSION_URL to sqlite or the URL of a database"
        )
    table: SuppressionList = open_table(url, settings)
    return table
