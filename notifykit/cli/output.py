"""What commands print: the answer on standard output, notes and questions on standard error, one JSON form.

Both streams survive pipes, colours and old consoles. Public for plugins that bring commands.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import pathlib
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TextIO, TypeAlias

import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import global_options
from notifykit.redaction import one_line

#: The version of the JSON document.
JSON_VERSION: Final = 1
#: What stands for a character on a console that lacks it.
_ASCII: Final = str.maketrans(
    {
        **dict(zip("─│╭╮╰╯█░·–✗", "-|++++#.--x", strict=True)),
        "→": "->",
        "←": "<-",
        "…": "...",
        "✓": "ok",
        **dict.fromkeys("\u200e\u200f\u2066\u2067\u2068\u2069", ""),
    }
)
#: What could steer a terminal, break a line or turn the words of the next one around. The marks that a preview itself puts
#: around codes are not among them.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028-\u202e]")
_STYLES: Final[dict[str, dict[str, Any]]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "care": {"fg": "yellow"},
    "faint": {"dim": True},
    "strong": {"bold": True},
}
_ENCODINGS: Final = {"gsm7": "GSM-7", "ucs2": "Unicode"}
#: A line of an answer, alone or with its style.
Line: TypeAlias = str | tuple[str, str | None]


class _Stream(io.TextIOWrapper):
    """A standard stream that raises nothing when it can't be written: the command finishes its work."""

    def write(self, text: str, /) -> int:
        """Write a text."""
        with _discarded_on_failure(self):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is still in memory."""
        with _discarded_on_failure(self):
            super().flush()


@contextlib.contextmanager
def _discarded_on_failure(stream: TextIO) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        discard(stream)
        # A reader that wants no more, as `head`, is no problem.
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            warn(f"notifykit: standard output can't be written ({error.strerror}); what was done is not undone by it")


def prepare_streams() -> None:
    """Make standard output and error carry any text: UTF-8 into a pipe, and never a traceback.

    One that was closed before the start (``>&-``) is the null device: its number must not become that of a file or socket.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, pathlib.Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - it stays open
        elif type(stream) is io.TextIOWrapper and stream is getattr(
            sys, f"__{name}__"
        ):  # not what a test captures with
            encoding, errors, by_line = stream.encoding, stream.errors, stream.line_buffering
            stream.flush()
            # The stream that it takes the place of stays usable: a log handler may have it.
            setattr(sys, name, _Stream(stream.buffer, encoding, errors, line_buffering=by_line))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        # PYTHONIOENCODING is a decision; any other encoding of a pipe is a guess.
        guessed = not stream.isatty() and not os.environ.get("PYTHONIOENCODING")
        reconfigure(errors="backslashreplace", **({"encoding": "utf-8"} if guessed else {}))


def _supports_unicode(stream: TextIO) -> bool:
    return "utf" in (getattr(stream, "encoding", None) or "utf-8").lower()


def encodable(text: str, stream: TextIO) -> str:
    """Return a text as a stream can carry it: ASCII in place of what it lacks, and escapes for the rest.

    Control characters are always escaped: a text from elsewhere must not control the terminal.
    """
    text = _CONTROL.sub(lambda found: one_line(found[0]), text)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        if not _supports_unicode(stream):
            text = text.translate(_ASCII)
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _use_color(stream: TextIO) -> bool:
    """Return whether to use colour: ``--color`` decides, then NO_COLOR and FORCE_COLOR, then the terminal."""
    choice = global_options().color
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def print_line(text: str = "", style: str | None = None) -> None:
    """Print a line of the answer on standard output; a line end in it is shown as an escape, because it may be foreign.

    :param style: ``good``, ``bad``, ``care``, ``faint`` or ``strong``.
    """
    _write(sys.stdout, text.replace("\n", "\\n"), style)


def print_text(text: str) -> None:
    """Print a text of several lines, none of them foreign, on standard output."""
    _write(sys.stdout, text)


def note(text: str, style: str | None = None) -> None:
    """Print a line that is not the answer on standard error; ``--quiet`` leaves it out."""
    if not global_options().quiet:
        _write(sys.stderr, text, style)


def warn(text: str) -> None:
    """Print a line on standard error, also with ``--quiet``."""
    _write(sys.stderr, text, "care")


def _write(stream: TextIO, text: str, style: str | None = None, *, newline: bool = True, prefix: str = "") -> None:
    color = _use_color(stream)
    shown = encodable(text, stream)
    shown = click.style(shown, **_STYLES[style]) if style and color else shown
    click.echo(prefix + shown, file=stream, nl=newline, color=color or None)


_discarded: Final[set[int]] = set()


def is_read(stream: TextIO) -> bool:
    """Return False once a write has shown that the reader of a stream closed it."""
    return id(stream) not in _discarded


def discard(stream: TextIO) -> None:
    """Send what follows to the null device: the reader closed the stream, and the command finishes its work."""
    _discarded.add(id(stream))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


# --- whole answers, and JSON ---


def print_answer(
    command: str,
    data: Any,
    lines: Iterable[Line] = (),
    warnings: Sequence[str] = (),
    *,
    as_json: bool,
    code: int = Exit.OK,
    ok: bool | None = None,
    error: BaseException | None = None,
) -> int:
    """Print a command's whole answer, as one JSON document or as lines for people, and return its exit code.

    :param command: the command's name, for the document.
    :param data: the answer, for the document; anything that JSON knows, models and times.
    :param lines: the answer for people; each alone, or with its style.
    :param warnings: what a person should know besides.
    :param code: the exit code.
    :param ok: whether the command did what it was asked to; None where the exit code says it.
    :param error: why not, for the document.
    """
    if as_json:
        print_json(command, data, warnings, ok=code == Exit.OK if ok is None else ok, error=error)
        return code
    for line in lines:
        print_line(*((line,) if isinstance(line, str) else line))
    for warning in warnings:
        warn(f"warning: {warning}")
    return code


def print_json(
    command: str, data: Any, warnings: Sequence[str] = (), *, ok: bool = True, error: BaseException | None = None
) -> None:
    """Print a command's whole answer as one JSON document on standard output.

    :param command: the command's name.
    :param data: the answer; anything that JSON knows, models and times.
    :param warnings: what a person should know besides.
    :param ok: whether the command did what it was asked to.
    :param error: why not.
    """
    document = {"ok": ok, "v": JSON_VERSION, "command": command, "data": data, "warnings": list(warnings)}
    _print_json(document | {"error": None if error is None else _error_document(error)}, indent=2)


def print_json_error(command: str, error: BaseException, next_command: str | None = None) -> None:
    """Print the document of a command that failed, with the command to type next."""
    document = {"ok": False, "v": JSON_VERSION, "command": command, "data": None, "warnings": []}
    more = {"next": next_command} if next_command else {}
    _print_json(document | {"error": _error_document(error) | more}, indent=2)


def print_json_line(document: Any) -> None:
    """Print one document of a stream of JSON documents, one a line."""
    _print_json(document, indent=None)


def _error_document(error: BaseException) -> dict[str, Any]:
    from notifykit.errors import TransportError

    kind = type(error).__name__
    if isinstance(error, TransportError):
        more = {"code": error.code, "scope": error.scope.value, "action": error.action}
        return {"kind": kind, "message": error.detail, **more}
    if isinstance(error, click.Abort):  # as click raises it, it says nothing
        return {"kind": "Interrupted", "message": str(error) or "Interrupted."}
    return {"kind": kind, "message": error.format_message() if isinstance(error, click.ClickException) else str(error)}


def _print_json(document: Any, indent: int | None) -> None:
    import json

    # A stream that lacks characters gets JSON's own escapes, which any reader undoes.
    print_text(json.dumps(document, ensure_ascii=not _supports_unicode(sys.stdout), indent=indent, default=_plain))


def _plain(value: Any) -> Any:
    """Return the fields of a model, and a time in the form of ISO 8601.

    :raises ValueError: for everything else, a secret among it.
    """
    import datetime

    import attrs

    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return attrs.asdict(value, recurse=False)


# --- questions and progress ---


class CommandError(click.ClickException):
    """An error with an exit code of its own, and with the command to type next."""

    def __init__(self, message: str, exit_code: int, next_command: str | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance
        self.next_command = next_command


def can_ask() -> bool:
    """Return whether a person can be asked: standard input and error are a terminal."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr.isatty())


def confirm(question: str, flag: str, *, refused: int = Exit.USAGE, declined: int = Exit.FAILED) -> None:
    """Ask a person whether to go on.

    :param question: what to ask.
    :param flag: the option that answers yes.
    :param refused: the exit code without a terminal.
    :param declined: the exit code after a no.
    :raises CommandError: after a no, and without a terminal: nothing waits for an answer that can't come.
    """
    if not can_ask():
        message = f"{question} There is no terminal to ask on: give {flag} to answer yes."
        raise CommandError(message, refused, f"the same command with {flag}")
    if not click.confirm(encodable(question, sys.stderr), err=True):
        raise CommandError("Nothing was done.", declined)


class ProgressBar:
    """How far a send to many is: a bar on a terminal, elsewhere a plain line at most once a second.

    :param total: how many recipients there are.
    :param show: whether to show anything.
    """

    def __init__(self, total: int, *, show: bool = True) -> None:
        #: How many recipients there are.
        self.total = total
        self._show = show and total > 1 and not global_options().quiet
        self._bar = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._shown_at = time.monotonic()
        self._open = False
        self._width = 0

    def advance(self, done: int, accepted: int, *, pause: bool = False, more: str = "") -> None:
        """Show how many are done and how many of them were accepted.

        :param pause: whether the next one may take a while: a bar shows where it stops.
        :param more: what else to show, such as the time left.
        """
        now = time.monotonic()
        soon = now - self._shown_at < (0.05 if self._bar else 1.0)
        if not self._show or (soon and done < self.total and not (pause and self._bar)):
            return
        self._shown_at = now
        line = f"{done}/{self.total} accepted {accepted}{more}"
        if not self._bar:
            _write(sys.stderr, line)
            return
        # Padded to the longest line yet, which it is written over.
        self._width = max(self._width, len(line))
        filled = done * 20 // max(1, self.total)
        bar = f"{'█' * filled}{'░' * (20 - filled)} {line:<{self._width}}"
        _write(sys.stderr, bar, newline=False, prefix="\r")
        self._open = True

    def end(self) -> None:
        """End the line of the bar."""
        if self._open:
            _write(sys.stderr, "")
            self._open = False


# --- tables and amounts in words ---


def table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose cells are aligned on the left; a longer cell than 40 characters sticks out."""
    widths = [min(40, max(map(len, column))) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def plural(amount: float, thing: str) -> str:
    """Return ``1 segment``, ``2,000 segments`` or ``0.5 points``."""
    number = f"{amount:,}" if isinstance(amount, int) else f"{amount:,g}"
    return f"{number} {thing}{'' if amount == 1 else 's'}"


def format_duration(seconds: float) -> str:
    """Return about how long something takes: ``12 s``, ``5 min``, ``9.5 h``."""
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    if seconds < 100 * 60:
        return f"{math.ceil(seconds / 60)} min"
    return f"{math.ceil(seconds / 360) / 10:g} h" if seconds < 100 * 3600 else f"{math.ceil(seconds / 86_400)} days"


def encoding_name(encoding: str) -> str:
    """Return what people call an encoding."""
    return _ENCODINGS.get(encoding, encoding)
