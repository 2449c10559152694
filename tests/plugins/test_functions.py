"""Plain functions as sinks and cleaners: from a plugin, from the caller, and in the contracts."""

from __future__ import annotations

import functools
import itertools
import logging
import time
import types
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from notifykit import ConfigError, MemoryTransport, Notifier, PluginError, PluginHost, Settings, hookimpl, replay
from notifykit.events import Event
from notifykit.plugins.functions import find_edits
from notifykit.testing.contracts import BrokenPromise, CleanerContract, SinkContract
from notifykit.testing.strategies import any_text

NUMBER = "96598765432"
KINDS = ("sink", "cleaner")


def shout(text: str) -> str:
    """Return the text in capitals."""
    return text.upper()


def note(lines: list[str], event: Event) -> None:
    """Write down an event's name and id."""
    lines.append(f"{event.name} {event.id}")


def host_with(*, strict: bool = False, **items: Any) -> PluginHost:
    """Return a host with one plugin that brings these components."""
    plugin = types.ModuleType("homemade")
    for kind, things in items.items():
        setattr(plugin, f"notifykit_{kind}", hookimpl(lambda things=things: things))
    host = PluginHost(entry_points=False, strict=strict)
    host.register(plugin, "acme")
    return host


class TestFunctionCleaner(CleanerContract):
    """A function keeps the whole contract of cleaners."""

    cleans = {"hello": "HELLO", "Straße 7": "STRASSE 7"}
    leaves = ("HELLO 7",)

    def cleaner(self) -> Callable[[str], str]:
        return shout


class TestFunctionSink(SinkContract):
    """A function keeps the whole contract of sinks; the contract is given it back to read what came out."""

    def sink(self) -> Callable[[Event], None]:
        return functools.partial(note, [])

    def output(self, sink: Any) -> list[str]:
        lines: list[str] = sink.args[0]
        return lines


# --- how they are used ---


def test_a_plugin_brings_functions_by_their_names() -> None:
    """They run in a send, are listed, and the edits are in the report."""
    lines: list[str] = []
    host = host_with(sinks=[functools.partial(note, lines)], cleaners=[shout])
    with Notifier("memory", host=host) as notifier:
        report = notifier.send(NUMBER, "Your code is 1")
    assert report.message.text == "YOUR CODE IS 1"
    assert [(edit.start, edit.end, edit.before, edit.after) for edit in report.edits] == [
        (1, 4, "our", "OUR"),
        (5, 9, "code", "CODE"),
        (10, 12, "is", "IS"),
    ]
    assert {(edit.cleaner, edit.reason) for edit in report.edits} == {("shout", "shout")}
    assert [line.split()[0] for line in lines] == ["message_planned", "attempt_finished", "send_finished"]
    (info,) = (info for info in host.plugins if info.name == "acme")
    assert (info.status, info.brings) == ("ok", ("cleaner:shout", "sink:note"))


@pytest.mark.parametrize("off", ["note", "sink:note"])
def test_a_function_is_switched_off_and_ordered_by_its_name(off: str) -> None:
    """As any component."""
    host = PluginHost(entry_points=False, builtins=(), disable=[off])
    host.register(host_with_plugin(), "acme")
    registry = host.registry(Settings(cleaners=("shout",)))
    assert ([c.name for c in registry.cleaners], registry.sinks) == (["shout"], ())


def host_with_plugin() -> types.ModuleType:
    """Return a plugin with a cleaner function and a sink function."""
    plugin = types.ModuleType("homemade")
    plugin.notifykit_sinks = hookimpl(lambda: [functools.partial(note, [])])  # type: ignore[attr-defined]
    plugin.notifykit_cleaners = hookimpl(lambda: [str.strip, shout])  # type: ignore[attr-defined]
    return plugin


def test_a_caller_gives_functions_too() -> None:
    """The caller's cleaners run before those of plugins, which know what the provider can carry."""
    lines: list[str] = []
    transport = MemoryTransport()
    parts: Any = {"sinks": [functools.partial(note, lines)], "cleaners": [shout]}
    host = host_with(cleaners=[lambda_free("reverse", lambda text: text[::-1])])
    with Notifier(transport, host=host, **parts) as notifier:
        report = notifier.send(NUMBER, "hello")
    assert transport.batches[0].message.text == "OLLEH"
    assert report.edits[0].cleaner == "shout"
    assert lines
    with Notifier.from_settings("memory", environment={}, host=PluginHost(entry_points=False), **parts) as notifier:
        assert notifier.send(NUMBER, "hello").message.text == "HELLO"


def lambda_free(name: str, function: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function under a name."""
    function.__name__ = name
    return function


def test_an_object_that_can_be_called_is_closed() -> None:
    """Its name is its attribute ``name``; ``close`` is called at the end, as for any sink."""

    class Pipe:
        name = "pipe"
        closed = False

        def __call__(self, event: Event) -> None:
            pass

        def close(self) -> None:
            self.closed = True

    pipe = Pipe()
    with Notifier("memory", host=PluginHost(entry_points=False), sinks=[pipe]) as notifier:
        notifier.send(NUMBER, "hello")
    assert pipe.closed


# --- what fails ---


def fails(thing: Any) -> Any:
    """Raise, whatever it is given."""
    raise OSError(f"no room for {thing}")


def test_a_function_that_raises_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    """The message is sent as it was; the log names the function and holds no text."""
    with (
        caplog.at_level(logging.DEBUG),
        Notifier("memory", host=host_with(sinks=[fails], cleaners=[fails])) as notifier,
    ):
        report = notifier.send(NUMBER, "Xyzzy-Plugh")
    assert (report.message.text, len(report.accepted)) == ("Xyzzy-Plugh", 1)
    assert "the cleaner fails raised OSError" in caplog.text
    assert "the sink fails raised" in caplog.text
    assert "Xyzzy-Plugh" not in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_in_strict_mode_a_function_that_raises_is_an_error(kind: str) -> None:
    """It names the function."""
    host = host_with(strict=True, **{f"{kind}s": [fails]})
    with Notifier("memory", host=host) as notifier, pytest.raises(PluginError, match=f"the {kind} raised OSError"):
        notifier.send(NUMBER, "hello")


@pytest.mark.parametrize("returned", [None, b"bytes", 7, ["text"]])
def test_a_cleaner_function_that_returns_no_text_is_passed_over(returned: Any) -> None:
    """And in strict mode the cause says what it returned, without the text."""

    def odd(text: str) -> Any:
        return returned

    with Notifier("memory", host=host_with(cleaners=[odd])) as notifier:
        assert notifier.send(NUMBER, "hello").message.text == "hello"
    with Notifier("memory", host=host_with(strict=True, cleaners=[odd])) as notifier:
        with pytest.raises(PluginError) as caught:
            notifier.send(NUMBER, "hello")
    kind = type(returned).__name__
    assert str(caught.value.__cause__) == f"the cleaner odd returned a {kind}: it has to return a str"


async def waits(thing: Any) -> Any:
    """Never run by notifykit."""


async def waits_and_yields(thing: Any) -> Any:
    """Never run by notifykit."""
    yield thing


def yields(thing: Any) -> Any:
    """Never run to its end by notifykit."""
    yield thing


class Waiting:
    """Can be called, asynchronously."""

    name = "waiting"

    async def __call__(self, thing: Any) -> Any:
        """Never run by notifykit."""


class WaitingMethods:
    """A sink and a cleaner whose methods are asynchronous."""

    name = "waiting"

    async def handle(self, event: Event) -> None:
        """Never run by notifykit."""

    async def clean(self, text: str, channel: object) -> Any:
        """Never run by notifykit."""


def two(one: Any, other: Any) -> Any:
    """Take more than there is."""


def none() -> Any:
    """Take nothing."""


IS_ASYNC = "is async or a generator, and nothing awaits or iterates it: write a plain def"
WRONG = [
    (waits, f"waits {IS_ASYNC}"),
    (functools.partial(waits), f"partial {IS_ASYNC}"),
    (waits_and_yields, f"waits_and_yields {IS_ASYNC}"),
    (yields, f"yields {IS_ASYNC}"),
    (Waiting(), f"Waiting {IS_ASYNC}"),
    (WaitingMethods(), f"{IS_ASYNC}"),
    (two, "two can't be called with the {argument} alone: write `def my_{kind}({argument})`, or bring an object with"),
    (none, "none can't be called with the {argument} alone"),
    (lambda thing: thing, "<lambda> has no name to be switched off by: write `def my_{kind}({argument})`"),
    (7, "the {kind} int lacks"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("item", "reason"), WRONG)
def test_a_callable_that_is_neither_quarantines_its_plugin(kind: str, item: Any, reason: str) -> None:
    """The reason says what to do; ``strict`` raises it, and a caller gets it at once."""
    argument = {"sink": "event", "cleaner": "text"}[kind]
    expected = reason.format(kind=kind, argument=argument)
    host = host_with(**{f"{kind}s": [item]})
    host.registry(Settings())
    (info,) = (info for info in host.plugins if info.name == "acme")
    assert (info.status, info.brings) == ("broken", ())
    assert expected in (info.reason or "")
    with pytest.raises(PluginError) as caught:
        host_with(strict=True, **{f"{kind}s": [item]}).registry(Settings())
    assert expected in caught.value.detail
    parts: Any = {f"{kind}s": [item]}
    with pytest.raises(ConfigError) as raised:
        Notifier("memory", host=PluginHost(entry_points=False), **parts)
    assert expected in str(raised.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given_", ["audit", 5, None])
def test_what_is_no_list_is_an_error(kind: str, given_: Any) -> None:
    """A text is none either: names are chosen in the settings."""
    parts: Any = {f"{kind}s": given_}
    with pytest.raises(TypeError, match=f"{kind}s is a list of {kind}s"):
        Notifier("memory", host=PluginHost(entry_points=False), **parts)


def test_what_turns_out_to_be_a_coroutine_is_an_error_and_no_warning() -> None:
    """A plain function may return one all the same."""

    def later(thing: Any) -> Any:
        return waits(thing)

    for kind in KINDS:
        with Notifier("memory", host=host_with(strict=True, **{f"{kind}s": [later]})) as notifier:
            with pytest.raises(PluginError) as caught:
                notifier.send(NUMBER, "hello")
        assert f"the {kind} later returned a coroutine" in str(caught.value.__cause__)


def test_the_contracts_refuse_what_the_framework_refuses() -> None:
    """With the same words."""

    class Async(CleanerContract):
        def cleaner(self) -> Any:
            return waits

    contract = Async()
    with contract.prepared(), pytest.raises(BrokenPromise, match="is async or a generator"):
        contract.test_it_has_a_name()


def test_a_text_is_in_no_repr() -> None:
    """Neither the arguments of a partial function nor the text of an edit."""
    (edit,) = find_edits("my secret", "my public", "tidy", "tidy")
    host = host_with(sinks=[functools.partial(note, ["Xyzzy"])])
    assert "secret" not in repr(edit)
    assert "Xyzzy" not in repr(host.registry(Settings()).sinks)


# --- the edits ---


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("same", "same", []),
        ("", "new", [(0, "", "new")]),
        ("old", "", [(0, "old", "")]),
        ("Your   order  is", "Your order is", [(5, "  ", ""), (12, " ", "")]),
        ("a\u200bb", "ab", [(1, "\u200b", "")]),
        ("Hi 😀😀 there😀", "Hi  there", [(3, "😀😀", ""), (11, "😀", "")]),
        ("رمزك ١٢٣", "رمزك 123", [(5, "١٢٣", "123")]),
        ("“Hi”", '"Hi"', [(0, "“", '"'), (3, "”", '"')]),
        ("Lunch?", "Lunch? ACME", [(6, "", " ACME")]),
        ("one\ntwo\n", "one\n2\n", [(4, "two", "2")]),
    ],
)
def test_edits_are_what_a_person_would_say(before: str, after: str, expected: list[tuple[int, str, str]]) -> None:
    """Whole words, without what stays."""
    assert [(edit.start, edit.before, edit.after) for edit in find_edits(before, after, "why", "me")] == expected


@given(any_text(), any_text(), any_text())
def test_edits_replay(one: str, two: str, three: str) -> None:
    """For any texts: in order, inside the text, each of them a change, and nothing is missing."""
    for before, after in ((one, two), (one + two + three, one + three), (one + three, one + two + three)):
        edits = find_edits(before, after, "why", "me")
        assert replay(before, edits) == after
        assert all(edit.before == before[edit.start : edit.end] != edit.after for edit in edits)
        assert all(left.end <= right.start for left, right in itertools.pairwise(edits))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x y " * 20_000, "x z " * 20_000),
        ("x y\n" * 20_000, "x z\n" * 20_000),
        ("".join(f"{n}\n" for n in range(20_000)), "".join(f"{n}\n" for n in range(20_000, 0, -1))),
        ("ab" * 50_000, "ba" * 50_000),
        (".," * 50_000, ",." * 50_000),
        ("x y x. " * 200, "x z x. " * 200),
    ],
)
def test_no_text_makes_it_slow(before: str, after: str) -> None:
    """What is too much to compare is one edit."""
    began = time.process_time()
    edits = find_edits(before, after, "why", "me")
    assert time.process_time() - began < 2
    assert replay(before, edits) == after


def test_a_long_text_with_a_small_change_has_a_small_edit() -> None:
    """A mail of many words is compared by lines where words are too many."""
    lines = [f"line {number} with the same words as the others, and the rest" for number in range(2_000)]
    before = "\n".join(lines)
    lines[100], lines[1_900] = "changed", "changed too"
    edits = find_edits(before, "\n".join(lines), "why", "me")
    assert sum(len(edit.before) for edit in edits) < 200
