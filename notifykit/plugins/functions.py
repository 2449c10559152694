"""Plain functions as sinks and cleaners; the edits of a cleaner function are found by comparing the texts."""

from __future__ import annotations

import collections
import difflib
import functools
import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from notifykit.errors import PluginError
from notifykit.models.message import Channel, Cleaned, Edit

if TYPE_CHECKING:
    from notifykit.events import Event

#: What texts are compared by: words and blanks; in longer texts words with their blanks, or lines.
_PIECES: Final = tuple(map(re.compile, (r"\w+|\s+|[^\w\s]", r"\w+\s*|\s+|[^\w\s]\s*", r"[^\n]*\n|[^\n]+")))
#: The most steps that a comparison may take, about 0.1 seconds: a long text can't make it slow.
_MOST_STEPS: Final = 5_000_000


@attrs.frozen
class FunctionSink:
    """A sink that calls a function with each event."""

    #: The function's name.
    name: str
    #: Takes one event.
    function: Callable[[Event], object] = attrs.field(repr=False)

    def handle(self, event: Event) -> None:
        """Call the function.

        :raises TypeError: if it returns a coroutine, which would never run.
        """
        result = self.function(event)
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError(f"the sink {self.name} returned a coroutine: sinks are plain functions")

    def close(self) -> None:
        """Close the function where it is an object that can be closed."""
        _close(self.function)


@attrs.frozen
class FunctionCleaner:
    """A cleaner that calls a function with the text, in every channel."""

    #: The function's name.
    name: str
    #: Takes a text and returns the text to send.
    function: Callable[[str], str] = attrs.field(repr=False)

    def clean(self, text: str, channel: Channel) -> Cleaned:
        """Return what the function makes of the text, with the edits that lead there.

        :raises TypeError: if the function returns something other than a text.
        """
        cleaned: object = self.function(text)
        if not isinstance(cleaned, str):
            _close(cleaned)  # a coroutine that is never awaited would warn
            raise TypeError(f"the cleaner {self.name} returned a {type(cleaned).__name__}: it has to return a str")
        return Cleaned(cleaned, find_edits(text, cleaned, self.name.replace("_", " "), self.name))


#: The method that an object of a kind has, what a function of that kind takes, and what wraps the function.
_KINDS: Final[dict[str, tuple[str, str, Callable[[str, Any], Any]]]] = {
    "sink": ("handle", "event", FunctionSink),
    "cleaner": ("clean", "text", FunctionCleaner),
}


def as_component(plugin: str, kind: str, item: Any) -> Any:
    """Return an object of a kind: the item itself, or a wrapper where a sink or a cleaner is a plain function.

    :param plugin: the plugin that brings the item, for the error.
    :raises PluginError: if a callable can't be used as a sink or a cleaner, with what to do.
    """
    if kind not in _KINDS or isinstance(item, type):
        return item
    method, argument, wrap = _KINDS[kind]
    call = getattr(item, method, item)
    if not callable(call):
        return item
    shown = getattr(call, "__qualname__", None) or type(call).__qualname__
    if any(
        check(each)
        for each in (call, type(call).__call__)
        for check in (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    ):
        advice = (
            "nothing awaits or iterates it: write a plain def, and hand slow work to a thread or a queue of your own"
        )
        raise PluginError(plugin, f"the {kind} {shown} is async or a generator, and {advice}")
    if call is not item:
        return item
    instead = f"write `def my_{kind}({argument})`, or bring an object with a name and a {method} method"
    if not _takes_one(item):
        raise PluginError(plugin, f"the {kind} {shown} can't be called with the {argument} alone: {instead}")
    name = _name_of(item)
    if name is None:
        raise PluginError(plugin, f"the {kind} {shown} has no name to be switched off by: {instead}")
    return wrap(name, item)


def find_edits(before: str, after: str, reason: str, cleaner: str) -> tuple[Edit, ...]:
    """Return the edits that make one text of another, for cleaners that do not note what they change.

    It takes a bounded time for any texts: it compares words, else lines, else it returns one edit.

    :param reason: why, for every edit.
    :param cleaner: the cleaner's name.
    """
    position, old, new = _trimmed(before, after, 0)
    pieces = ([old], [new])
    for pattern in _PIECES:
        found = (pattern.findall(old), pattern.findall(new))
        if _steps(*found) <= _MOST_STEPS:
            pieces = found
            break
    edits: list[Edit] = []
    for tag, start, end, new_start, new_end in difflib.SequenceMatcher(None, *pieces, autojunk=False).get_opcodes():
        piece = "".join(pieces[0][start:end])
        if tag != "equal":
            at, was, now = _trimmed(piece, "".join(pieces[1][new_start:new_end]), position)
            edits.append(Edit(at, at + len(was), was, now, reason, cleaner))
        position += len(piece)
    return tuple(edits)


def _trimmed(before: str, after: str, position: int) -> tuple[int, str, str]:
    """Return where two texts differ, and what they are without the beginning and the end that they share."""
    head = _shared(before, after)
    before, after = before[head:], after[head:]
    tail = _shared(before[::-1], after[::-1])
    return position + head, before[: len(before) - tail], after[: len(after) - tail]


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts share at the beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))


def _steps(old: list[str], new: list[str]) -> int:
    """Return the most steps that difflib can need: it may look at every pair of equal pieces for every piece."""
    counts = collections.Counter(new)
    return sum(counts[piece] for piece in old) * min(len(old), len(new))


def _takes_one(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None)
    except ValueError:  # some functions written in C have no signature
        return True
    except TypeError:
        return False
    return True


def _name_of(function: Any) -> str | None:
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "name", None) or getattr(function, "__name__", None)
    return name if isinstance(name, str) and name != "<lambda>" else None


def _close(thing: object) -> None:
    close = getattr(thing, "close", None)
    if callable(close):
        close()
