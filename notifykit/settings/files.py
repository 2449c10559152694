"""Files that people and other programs write: texts in whichever encoding, and state and logs in shared folders."""

from __future__ import annotations

import codecs
import contextlib
import os
import pathlib
import stat
import sys
import time
from collections.abc import Iterator
from typing import Final

#: What may stand in the place of a log's file: the standard streams.
STREAMS: Final = {"-": "stdout", "/dev/stdout": "stdout", "/dev/stderr": "stderr"}
_SAVE_AS: Final = "save it as UTF-8"
#: UTF-16 begins with one of these: PowerShell and Notepad write it.
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_FLAGS: Final = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
_PRIVATE: Final = 0o600
#: How often a file is opened again that another process makes or removes at the same moment.
_TRIES: Final = 10
#: Seconds before asking again whether a file is free; a write takes less.
_PAUSE: Final = 0.002


class NotUtf8(ValueError):  # noqa: N818 - it says what happened
    """A file is not text in UTF-8 or UTF-16. Its message follows the name of the file and says what to do."""


def decode(raw: bytes) -> str:
    """Return a text: UTF-8 with or without a byte order mark, or UTF-16 with one.

    :raises NotUtf8: if it is neither.
    """
    try:
        text = raw.decode("utf-16" if raw.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise NotUtf8(f"is not UTF-8 text: {_SAVE_AS}") from None
    if "\0" in text:
        raise NotUtf8(f"is UTF-16 without a byte order mark, or no text: {_SAVE_AS}")
    return text


def read_text(file: str | os.PathLike[str]) -> str:
    """Return the text of a file, with its line ends as line feeds.

    :raises NotUtf8: if it is not UTF-8, and not UTF-16 with a byte order mark.
    :raises OSError: if it can't be read.
    """
    return decode(pathlib.Path(file).read_bytes()).replace("\r\n", "\n").replace("\r", "\n")


def why_unreadable(error: OSError | ValueError) -> str:
    """Return what to say behind the name of a file that :func:`read_text` could not read."""
    if isinstance(error, NotUtf8):
        return str(error)
    return f"can't be read: {type(error).__name__}"


def open_file(path: str | os.PathLike[str], flags: int = os.O_RDWR, *, create: bool = True) -> int:
    """Open a file for state or a log, or make it, and return its descriptor.

    A new file is its owner's alone, mode 0600; in a folder that a group, or everybody, may write to, they may write to the
    file too. A file that everybody may read, by accident of a umask, becomes private; one that a group may read was made
    so for a program that collects logs.

    :param flags: ``os.O_APPEND`` and the like.
    :param create: whether to make a file that is missing; otherwise a FileNotFoundError is raised.
    :raises OSError: if that is impossible, or if it is a link, a pipe, a device or a folder: a pipe would block, and a
        link may have been put there by another user.
    """
    new = False
    try:
        descriptor = os.open(path, flags | _FLAGS)
    except FileNotFoundError:
        if not create:
            raise
        # O_CREAT is refused for another user's file in a sticky folder, so it is tried second.
        descriptor, new = _make_or_open(path, flags | _FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a regular file")
        if new or status.st_mode & 0o007:
            _set_rights(descriptor, status, path, _PRIVATE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def prepare_database(file: pathlib.Path) -> None:
    """Make the file of an SQLite database as :func:`open_file` does, and look at one that is there and at what lies beside it.

    SQLite opens them by itself, with the mode of the first, and follows links. One that is there is not opened here: closing
    it would release the locks that SQLite has on it in this process.

    :raises OSError: if it can't be used, or if one of them is a link, a pipe, a device or a folder.
    """
    for path in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
        try:
            status = path.lstat()
        except FileNotFoundError:
            if path is file:
                os.close(open_file(file))
            continue
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path.name} is not a regular file")
        mode = _mode_in(path.parent.stat(), _PRIVATE)
        if status.st_mode & 0o007 and mode != stat.S_IMODE(status.st_mode):
            with contextlib.suppress(PermissionError):
                path.chmod(mode)
        if not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(f"{path.name} is another user's")


def _make_or_open(path: str | os.PathLike[str], flags: int) -> tuple[int, bool]:
    """Return a descriptor, and whether the file is new."""
    for _ in range(_TRIES):
        with contextlib.suppress(FileExistsError):
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, _PRIVATE), True
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, flags), False
    raise FileNotFoundError("it is made and removed by another process")


@contextlib.contextmanager
def replaced(file: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give a file to write that takes the place of another one at the end of the block, whole or not at all.

    A new file is this user's alone; one that is there keeps its permissions, and a link stays one.

    :raises OSError: if it can't be written.
    """
    import tempfile

    target = file.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(descriptor)
    written = pathlib.Path(name)
    try:
        yield written
        with contextlib.suppress(FileNotFoundError):
            written.chmod(target.stat().st_mode & 0o777)
        written.replace(target)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


if sys.platform == "win32":  # pragma: no cover - the other branch runs where the tests run
    import msvcrt

    #: A byte behind anything that is written: what is locked can't be read by others there.
    _FAR: Final = 1 << 20

    def try_to_lock(descriptor: int) -> bool:
        """Lock a file against other descriptors, until it is closed; return whether nobody else had the lock."""
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def try_to_lock(descriptor: int) -> bool:
        """Lock a file against other descriptors, until it is closed; return whether nobody else had the lock."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def lock(descriptor: int, timeout: float) -> None:
    """Lock a file against other descriptors, until it is closed.

    :param timeout: seconds to wait for another process.
    :raises BlockingIOError: if that kept the lock for longer.
    """
    ends = time.monotonic() + timeout
    while not try_to_lock(descriptor):
        if time.monotonic() >= ends:
            raise BlockingIOError
        time.sleep(_PAUSE)


def ends_a_line(descriptor: int) -> bool:
    """Return whether a file is empty or ends with a line's end; what is written next is appended."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if not size:
        return True
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) == b"\n"


def make_folder(path: pathlib.Path) -> None:
    """Make a folder for such files, for those who may write to the folder that it is in; one that is there stays as it is.

    :raises OSError: if that is impossible.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY | _FLAGS | os.O_DIRECTORY)
        try:
            _set_rights(descriptor, os.fstat(descriptor), path, 0o700)
        finally:
            os.close(descriptor)


def _mode_in(folder: os.stat_result, private: int) -> int:
    """Return the mode of what lies in a folder: for its owner, and for those who may write to the folder."""
    group, others = folder.st_mode & stat.S_IWGRP, folder.st_mode & stat.S_IWOTH
    return private | (private >> 3 if group else 0) | (private >> 6 if others else 0)


def _set_rights(descriptor: int, status: os.stat_result, path: str | os.PathLike[str], private: int) -> None:
    """Make a file or a folder private, but for those who may write to the folder that it is in.

    :param private: what its owner may do.
    """
    if not hasattr(os, "fchmod"):  # pragma: no cover - Windows has no such rights
        return
    folder = pathlib.Path(path).absolute().parent.stat()
    mode = _mode_in(folder, private)
    # Another user's file is as its owner made it.
    with contextlib.suppress(PermissionError):
        if folder.st_mode & stat.S_IWGRP and status.st_gid != folder.st_gid:
            os.fchown(descriptor, -1, folder.st_gid)
        if mode != status.st_mode & 0o777:
            kept = status.st_mode & 0o7000 if private & 0o100 else 0  # a folder may hand its group on
            os.fchmod(descriptor, mode | kept)
