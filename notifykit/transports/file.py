"""``file``: appends every message to a file, one JSON object a line, for development, tests and other programs.

``file:///path/to/messages.jsonl``, or ``file://default?path=messages.jsonl`` for a path that starts at the current
folder. A message to three recipients is three lines: ``{"v": 1, "ts", "id", "batch", "channel", "sender", "subject",
"text", "to", "tags", "idempotency_key"}``.

The file is the destination, not a log: it has addresses and texts in clear, so it is created with mode 0600. It is opened
for each batch and appended to in one write, so several processes can share it, and it is created again after it was moved.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlencode

import attrs

from notifykit.errors import (
    ConfigError,
    OutcomeUnknown,
    ProviderUnavailable,
    TransportError,
    collected,
    raise_interrupt,
)
from notifykit.models.capabilities import Capabilities
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import About, BuildContext, Clock
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import Field, path, section_fields
from notifykit.settings.files import ends_a_line, lock, open_file
from notifykit.transports.stubs import ANYTHING, capabilities_like

#: The version of the shape of a line.
VERSION: Final = 1

_FIELDS: Final = section_fields("file", Field("path", path, help="The file that messages are written to."))
#: A line has the caller's key, so a reader of the file can recognise a repetition.
CAPABILITIES: Final = attrs.evolve(ANYTHING, idempotent=True)
_ADVICE: Final = "It was written to the file; it reaches no recipient."
_READABLE: Final = "Other users of this machine may read the file of messages: `chmod 600` keeps it to its owner."
_FULL: Final = "Make room on the disk, or let this user write to the file; then send again."
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class FileTransport:
    """Appends every message to a file.

    :param path: the file; it is created if there is none.
    :param clock: dates the lines.
    :param capabilities: the capabilities that it imitates.
    :raises ConfigError: if the file can't be written.
    """

    name = "file"

    def __init__(self, path: str | os.PathLike[str], clock: Clock, capabilities: Capabilities = CAPABILITIES) -> None:
        self._path = os.fspath(path)
        self._clock = clock
        try:
            descriptor = open_file(self._path)
        except OSError as error:
            raise ConfigError(
                f"file: {self._path} can't be written ({type(error).__name__}): name a plain file, no link, in a folder "
                "that exists and that this user may write to"
            ) from error
        try:
            others = os.name == "posix" and os.fstat(descriptor).st_mode & 0o077
        finally:
            os.close(descriptor)
        self.capabilities = attrs.evolve(capabilities, notices=(_READABLE,)) if others else capabilities

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Append a line for each recipient, all in one write.

        :raises ProviderUnavailable: if nothing was written.
        """
        lines = [self._line(batch, recipient.address) for recipient in batch.recipients]
        outer = sys.exception()
        try:
            written = _append(self._path, lines, timeout)
        except OSError as error:
            raise_interrupt(error, outer)
            raise _not_written(type(error).__name__) from error
        return Submission(batch.id, test=True, refused=_refused(batch, lines, written), advice=_ADVICE)

    def close(self) -> None:
        """Do nothing: the file is closed after every batch."""

    def _line(self, batch: Batch, address: str) -> bytes:
        message = batch.message
        row = {
            "v": VERSION,
            "ts": self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "id": message.id,
            "batch": batch.id,
            "channel": message.channel.value,
            "sender": message.sender,
            "subject": message.subject,
            "text": message.text,
            "to": address,
            "tags": list(message.tags),
            "idempotency_key": message.idempotency_key,
        }
        # A lone surrogate is written \ud800, as JSON writes it too.
        return _encode(row).encode("utf-8", "backslashreplace") + b"\n"

    def __str__(self) -> str:
        return f"file://default?{urlencode({'path': self._path})}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


def _append(path: str, lines: list[bytes], timeout: float) -> int:
    """Append lines in one write, and return how many of their bytes were written.

    :raises OSError: if it was none.
    """
    descriptor = open_file(path, os.O_RDWR | os.O_APPEND)
    try:
        lock(descriptor, timeout)  # half of another's write would look like a torn line
        # A line that another process did not finish must not spoil the next one.
        before = b"" if ends_a_line(descriptor) else b"\n"
        return max(0, os.write(descriptor, before + b"".join(lines)) - len(before))
    finally:
        os.close(descriptor)


def _refused(batch: Batch, lines: list[bytes], written: int) -> Mapping[str, TransportError]:
    """Return an error for each recipient whose line is missing or torn after a short write."""
    refused: dict[str, TransportError] = {}
    for recipient, line in zip(batch.recipients, lines, strict=True):
        if written <= 0:
            refused[recipient.address] = _not_written("short write")
        elif written < len(line):
            refused[recipient.address] = OutcomeUnknown(
                "Only a part of the line was written.", "torn", action="Look at the end of the file."
            )
        written -= len(line)
    return refused


def _not_written(code: str) -> ProviderUnavailable:
    return ProviderUnavailable("The file could not be written.", code, action=_FULL)


def build(dsn: Dsn, context: BuildContext) -> FileTransport:
    """Build the transport from a DSN and the settings.

    :raises ConfigError: with every problem.
    """
    problems: list[str] = []
    options = dict(dsn.options)
    like = options.pop("like", None)
    if dsn.path:
        if "path" in options:
            problems.append("file: the path is given twice, before the ? and after it")
        options["path"] = unquote(dsn.path)
    if dsn.host != "default" or dsn.port or dsn.user or dsn.password:
        problems.append(
            "file: write three slashes before a path that starts at the root, file:///path/to/messages.jsonl, "
            "and file://default?path=messages.jsonl for any other"
        )
    with collected(problems):
        value = context.settings.section("file", _FIELDS, options)["path"].value
        if not value and not problems:
            problems.append(
                "file: say which file: file:///path/to/messages.jsonl, file://default?path=messages.jsonl, "
                "or NOTIFYKIT_FILE_PATH"
            )
    if problems:
        raise ConfigError(problems)
    pretended = capabilities_like(attrs.evolve(dsn, options={"like": like} if like is not None else {}), context)
    return FileTransport(pathlib.Path(value), context.clock, attrs.evolve(pretended, idempotent=True))


def notifykit_about() -> About:
    """Return the settings of ``file``."""
    return About("file", _FIELDS)
