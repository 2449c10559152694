"""Ctrl-C, SIGTERM and SIGHUP: each ends a command in order, so that what was sent is always said."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

from notifykit.cli.exit_codes import Exit

#: The signals that end a command, each with its exit code. Windows has no SIGHUP.
_EXITS: Final = {
    number: code
    for name, code in (("SIGINT", Exit.INTERRUPTED), ("SIGTERM", Exit.TERMINATED), ("SIGHUP", Exit.HUNG_UP))
    if (number := getattr(signal, name, None)) is not None
}
#: Who sends as many signals means the program, and not only what it does.
_IMPATIENT: Final = 3


class _Received:
    """The signals that came while a command ran. A plain class, as :class:`~notifykit.cli.options.GlobalOptions` is."""

    #: The first of them; None for none.
    first: int | None = None
    #: How many there were.
    count = 0
    #: Whether the next one raises an exception.
    raises = True


_received = _Received()


def _receive(number: int, frame: FrameType | None) -> None:
    _received.first = _received.first or number
    _received.count += 1
    if _received.raises or _received.count >= _IMPATIENT:
        _received.raises = False  # what follows an interrupt is not interrupted again
        raise KeyboardInterrupt


@contextlib.contextmanager
def handled() -> Iterator[None]:
    """Let every one of the signals raise KeyboardInterrupt; one that is ignored, as under ``nohup``, stays ignored."""
    _received.first, _received.count, _received.raises = None, 0, True
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _EXITS}
    replaced = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in replaced:
        signal.signal(number, _receive)
    try:
        yield
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)


def interrupts(work: Callable[[], None]) -> bool:
    """Do some work, and return whether a signal ended it. Signals that come later do not disturb the summary of it."""
    try:
        try:
            raise_received()
            work()
        finally:
            _received.raises = False
    except KeyboardInterrupt:
        return True
    return False


def raise_received() -> None:
    """Raise the interrupt again if a signal came: Python may have dropped the first exception, as in a destructor.

    :raises KeyboardInterrupt: if one came.
    """
    if _received.count:
        raise KeyboardInterrupt


def exit_code(code: int) -> int:
    """Return the exit code of a command: that of the signal if one interrupted it."""
    return _EXITS.get(_received.first or 0, code) if code == Exit.INTERRUPTED else code
