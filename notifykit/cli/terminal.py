"""Standard output is the answer, standard error the conversation; both survive pipes, colours and old consoles."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import Any, Final, TextIO

import click

from notifykit.cli.exits import Exit
from notifykit.cli.manner import manner

#: What stands for a sign on a console that does not have it.
_ASCII: Final = str.maketrans(
    {
        "─": "-",
        "│": "|",
        "╭": "+",
        "╮": "+",
        "╰": "+",
        "╯": "+",
        "█": "#",
        "░": ".",
        "→": "->",
        "←": "<-",
        "·": "-",
        "…": "...",
        "–": "-",
        "✓": "ok",
        "✗": "x",
        **dict.fromkeys("\u200e\u200f\u2066\u2067\u2068\u2069", ""),
    }
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STYLES: Final[dict[str, dict[str, Any]]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "care": {"fg": "yellow"},
    "faint": {"dim": True},
    "strong": {"bold": True},
}


class NeedsAnswer(click.UsageError):
    """A question that nobody is there to answer; the message says which option answers it."""

    def __init__(self, message: str, exit_code: int, following: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance
        #: What to type next.
        self.following = following


class Declined(click.ClickException):
    """A person said no."""

    def __init__(self, message: str, exit_code: int = Exit.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance


def prepare() -> None:
    """Make the streams of this process carry any text: UTF-8 into a pipe, and never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        # Whoever sets PYTHONIOENCODING means it; anything else that a pipe says about itself is a guess.
        guessed = not stream.isatty() and not os.environ.get("PYTHONIOENCODING")
        reconfigure(errors="backslashreplace", **({"encoding": "utf-8"} if guessed else {}))


def speaks_unicode(stream: TextIO) -> bool:
    """Return whether a stream can carry every character."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return "utf" in encoding.lower()


def fit(text: str, stream: TextIO) -> str:
    """Return a text as a stream can carry it: signs by their ASCII likeness, other characters as escapes.

    Control characters are escaped everywhere: a text from elsewhere must not steer the terminal.
    """
    text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        if not speaks_unicode(stream):
            text = text.translate(_ASCII)
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def colored(stream: TextIO) -> bool:
    """Return whether to use colour: what ``--color`` says, then NO_COLOR and FORCE_COLOR, then the terminal."""
    wish = manner().color
    if wish != "auto":
        return wish == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def answer_line(text: str = "", style: str | None = None) -> None:
    """Write a line of the answer."""
    _write(sys.stdout, text, style, newline=True)


def tell(text: str, style: str | None = None) -> None:
    """Say something that is not the answer; ``--quiet`` leaves it out."""
    if not manner().quiet:
        _write(sys.stderr, text, style, newline=True)


def warn(text: str) -> None:
    """Say something that nobody may miss."""
    _write(sys.stderr, text, "care", newline=True)


def _write(stream: TextIO, text: str, style: str | None, *, newline: bool, over: bool = False) -> None:
    """Write a text; ``over`` begins at the start of the line that is there."""
    use = colored(stream)
    shown = click.style(fit(text, stream), **_STYLES[style]) if style and use else fit(text, stream)
    try:
        click.echo(f"\r{shown}" if over else shown, file=stream, nl=newline, color=use or None)
    except BrokenPipeError:
        hang_up(stream)


_hung_up: Final[set[int]] = set()


def is_read(stream: TextIO) -> bool:
    """Return whether anybody reads a stream still, as far as is known."""
    return id(stream) not in _hung_up


def hang_up(stream: TextIO) -> None:
    """Go on without a stream that nobody reads any more: what was begun is finished, and its exit code counts."""
    _hung_up.add(id(stream))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def somebody_there() -> bool:
    """Return whether a person can be asked."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr.isatty())


def confirm(question: str, flag: str, *, refused: int = Exit.USAGE, declined: int = Exit.FAILED) -> None:
    """Ask a person whether to go on.

    :param question: what to ask.
    :param flag: the option that answers yes.
    :param refused: the exit code where nobody can be asked.
    :param declined: the exit code where somebody says no.
    :raises NeedsAnswer: where nobody is there, so that nothing ever waits for an answer that can't come.
    """
    if not somebody_there():
        message = f"{question} There is no terminal to ask on: give {flag} to answer yes."
        raise NeedsAnswer(message, refused, f"the same command with {flag}")
    if not click.confirm(fit(question, sys.stderr), err=True):
        raise Declined("Nothing was done.", declined)


class Progress:
    """How far a send to many is: a bar on a terminal, elsewhere a plain line at most once a second.

    :param total: how many there are.
    :param show: whether to show anything.
    """

    def __init__(self, total: int, *, show: bool = True) -> None:
        #: How many there are.
        self.total = total
        self._show = show and total > 1 and not manner().quiet
        self._bar = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._told = time.monotonic()
        self._open = False
        self._width = 0

    def advance(self, done: int, accepted: int, *, pause: bool = False, more: str = "") -> None:
        """Say how many are done and how many of them were accepted.

        :param pause: whether it may take a while until the next one: a bar shows where it stops.
        :param more: what else there is to say, such as how long it will take.
        """
        now = time.monotonic()
        soon = now - self._told < (0.05 if self._bar else 1.0)
        if not self._show or (soon and done < self.total and not (pause and self._bar)):
            return
        self._told = now
        line = f"{done}/{self.total} accepted {accepted}{more}"
        if self._bar:
            tenths = done * 20 // max(1, self.total)
            # A shorter line leaves nothing of the longer one that it is written over.
            self._width = max(self._width, len(line))
            bar = f"{'█' * tenths}{'░' * (20 - tenths)} {line:<{self._width}}"
            _write(sys.stderr, bar, None, newline=False, over=True)
            self._open = True
        else:
            _write(sys.stderr, line, None, newline=True)

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._open:
            _write(sys.stderr, "", None, newline=True)
            self._open = False
