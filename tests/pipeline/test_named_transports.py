"""Transports that the settings give names: found wherever a transport is named, built once, and sound from the start."""

from __future__ import annotations

import concurrent.futures
import pathlib
import threading
import time
from typing import Any

import attrs
import pytest

from notifykit import (
    AsyncNotifier,
    BuildContext,
    Capabilities,
    ConfigError,
    Dsn,
    MemoryTransport,
    Notifier,
    PluginHost,
    Settings,
    TransportFactory,
    VirtualClock,
    hookimpl,
)
from notifykit.pipeline.components import Components

NUMBER = "96598765432"


class Turns:
    """A transport of others, one after the other."""

    name = "turns"
    capabilities = Capabilities(batch_size=200, test_mode=True, live=False)

    def __init__(self, parts: list[Any]) -> None:
        self.members = parts
        self.used = 0
        self.closed = 0

    def send(self, batch: Any, timeout: float) -> Any:
        """Let the next one send."""
        self.used += 1
        return self.members[(self.used - 1) % len(self.members)].send(batch, timeout)

    def close(self) -> None:
        """Count."""
        self.closed += 1

    def __str__(self) -> str:
        return f"turns({', '.join(map(str, self.members))})"


class Box:
    """A transport that keeps what it is given, and knows which one it is."""

    name = "box"
    capabilities = Capabilities(batch_size=200, test_mode=True, live=False)

    def __init__(self, which: str) -> None:
        self.which = which
        self.inner = MemoryTransport()
        self.closed = 0

    def send(self, batch: Any, timeout: float) -> Any:
        """Keep it."""
        return self.inner.send(batch, timeout)

    def close(self) -> None:
        """Count."""
        self.closed += 1

    def __str__(self) -> str:
        return f"box://{self.which}"


class Workshop:
    """A plugin that brings ``turns`` and ``box``, and remembers what it built."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.built: list[Any] = []
        self._seconds = seconds

    @hookimpl
    def notifykit_transports(self, settings: Settings) -> list[TransportFactory]:
        """Bring both."""
        return [TransportFactory("turns", self._turns, takes_parts=True), TransportFactory("box", self._box)]

    def _turns(self, dsn: Dsn, context: BuildContext) -> Turns:
        return self._keep(Turns([context.build(part.dsn) for part in dsn.parts]))

    def _box(self, dsn: Dsn, context: BuildContext) -> Box:
        return self._keep(Box(dsn.host))

    def _keep(self, transport: Any) -> Any:
        time.sleep(self._seconds)
        self.built.append(transport)
        return transport

    def names(self) -> list[str]:
        """Return what was built, in order."""
        return [str(transport) for transport in self.built]


@pytest.fixture(name="workshop")
def _workshop() -> Workshop:
    return Workshop()


def host(workshop: Workshop) -> PluginHost:
    """Return the framework's own plugins and that one."""
    found = PluginHost(entry_points=False, strict=True)
    found.register(workshop, "workshop")
    return found


def components(workshop: Workshop, transport: Any, **named: Any) -> Components:
    """Return what a notifier is made of, where the settings name these transports."""
    settings = Settings.load({"transports": named}, environment={}, directory=pathlib.Path(__file__).parent)
    return Components(transport, settings=settings, host=host(workshop), clock=VirtualClock())


def notifier(workshop: Workshop, transport: Any = None, **options: Any) -> Notifier:
    """Return a notifier from settings that are given and no others."""
    return Notifier.from_settings(
        transport, environment=options.pop("environment", {}), host=host(workshop), clock=VirtualClock(), **options
    )


def problems(workshop: Workshop, transport: Any = None, **options: Any) -> tuple[str, ...]:
    """Return everything that is wrong with these settings."""
    with pytest.raises(ConfigError) as caught:
        notifier(workshop, transport, **options)
    return caught.value.problems


# --- found ---


@pytest.mark.parametrize(
    ("argument", "options", "file"),
    [
        ("main", {}, ""),
        (None, {"environment": {"NOTIFYKIT_TRANSPORT": "main"}}, ""),
        (None, {}, 'transport = "main"\n'),
        (Dsn("main"), {}, ""),
        ("also", {}, ""),
    ],
    ids=["argument", "environment", "file", "Dsn", "another name"],
)
def test_a_name_is_a_transport_wherever_one_is_named(
    tmp_path: pathlib.Path, workshop: Workshop, argument: Any, options: dict[str, Any], file: str
) -> None:
    """As the argument, in the environment and in the settings file, directly and through another name."""
    (tmp_path / "notifykit.toml").write_text(f'{file}[transports]\nmain = "box://one"\nalso = "main"\n')
    with notifier(workshop, argument, directory=tmp_path, **options) as found:
        assert found.send(NUMBER, "Hello").accepted
        assert str(found.transport) == "box://one"
    assert workshop.names() == ["box://one"]


def test_a_name_is_a_transport_for_one_call_and_between_brackets(walk: Any, workshop: Workshop) -> None:
    """Waiting and awaiting: ``via`` takes a name, and a composite that names some."""
    settings = Settings(transports={"one": Dsn("box", "one"), "two": Dsn("box", "two")})
    parts = {"settings": settings, "host": host(workshop)}
    assert walk.send("null", NUMBER, parts=parts, via="one").accepted
    assert workshop.names() == ["box://one"]
    assert walk.send("null", NUMBER, parts=parts, via="turns(two, turns(one))").accepted
    assert workshop.names()[1:] == ["box://two", "box://one", "turns(box://one)", "turns(box://two, turns(box://one))"]


def test_a_table_in_the_settings_file_is_sent_through(tmp_path: pathlib.Path, workshop: Workshop) -> None:
    """From the file to the transport in its innermost brackets."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.notifykit]\ntransport = "main"\n[tool.notifykit.transports]\n'
        'main = { turns = ["one", { turns = ["two", { via = "box://three" }] }] }\none = "box://one"\ntwo = "box://two"\n'
    )
    with notifier(workshop, directory=tmp_path) as found:
        for _ in range(4):
            assert found.send(NUMBER, "Hello").accepted
    boxes = {box.which: len(box.inner.batches) for box in workshop.built if isinstance(box, Box)}
    assert boxes == {"one": 2, "two": 1, "three": 1}


# --- built ---


def test_a_named_transport_is_built_once_and_shared_by_all_who_name_it(workshop: Workshop) -> None:
    """What it remembers between calls is remembered for all: whose turn it is, and who rests."""
    named = {"a": "box://a", "b": "box://b", "main": "turns(a, b)", "also": "main", "more": "turns(main, also, a)"}
    with notifier(workshop, "main", transports=named) as found:
        for via in (None, "main", "also", "more", "more"):
            assert found.send(NUMBER, "Hello", via=via).accepted
        main = found.transport
        assert isinstance(main, Turns)
        assert main.used == 5
    assert workshop.names() == ["box://a", "box://b", "turns(box://a, box://b)", str(workshop.built[3])]
    more = workshop.built[3]
    assert more.members[0] is more.members[1] is main
    assert more.members[2] is main.members[0]
    assert [transport.closed for transport in workshop.built] == [1, 1, 1, 1]


def test_a_transport_that_is_not_used_is_not_built(workshop: Workshop) -> None:
    """A transport that is missing its password is no reason not to send through another."""
    named = {"a": "box://a", "b": "box://b", "broken": "webhook", "c": "turns(b, broken)"}
    with notifier(workshop, "a", transports=named) as found:
        assert workshop.names() == ["box://a"]
        with pytest.raises(ConfigError, match="webhook: say where to post"):
            found.send(NUMBER, "Hello", via="c")
        assert found.send(NUMBER, "Hello").accepted


def test_threads_that_ask_at_once_get_one_transport() -> None:
    """There is never a second one whose memory is lost."""
    workshop = Workshop(seconds=0.005)
    built = components(workshop, "null", main="turns(one, one)", one="box://one")
    gate = threading.Barrier(8)

    def ask(via: str) -> Any:
        gate.wait()
        return built.context(via, None, None).transport

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, ["main", "one"] * 4))
    built.close()
    assert len(set(map(id, found))) == 2
    assert workshop.names() == ["box://one", "turns(box://one, box://one)"]


def test_components_know_the_names_of_what_they_built(workshop: Workshop) -> None:
    """All of them, in their order; what was not built here, or has no name, has none."""
    built = components(workshop, "turns(a, null)", a="box://a", other="box://b", main="turns(a, null)", again="a")
    main = built.transport
    assert isinstance(main, Turns)
    assert built.builder.names(main) == ("main",)
    assert built.builder.names(main.members[0]) == ("a", "again")
    assert built.builder.names(main.members[1]) == ()
    assert built.builder.names(built.context(Dsn("box", "b"), None, None).transport) == ("other",)
    assert built.builder.names(built.context("box://a?x=1", None, None).transport) == ()
    assert built.builder.names(Box("a")) == ()
    assert len([name for name in workshop.names() if name == "box://b"]) == 1
    built.close()


# --- sound ---


def test_all_that_is_wrong_with_names_is_reported_at_the_start(workshop: Workshop) -> None:
    """Whether anybody mentions them or not, together with what else is wrong."""
    reported = problems(
        workshop,
        "turns(main, mian)",
        timeout="soon",
        transports={
            "main": "turns(bix, turns(b, memory(b)), nobody://host)",
            "b": "null",
            "memory": "box://c",
            "far": "b://host",
            "more": "b?x=1".replace("?", "://?"),
            "brackets": "b(null)",
            "alone": "turns",
            "page": "https://host/hunter22",
        },
    )
    starts = [
        "timeout (argument) is not",
        "transports: main: part 1 of turns: no plugin brings 'bix': did you mean box?",
        "transports: main: part 2 of turns: part 2 of turns: memory takes no transports in brackets; those that do are",
        "transports: main: part 3 of turns: no plugin brings 'nobody'",
        "transports: memory is already what a plugin calls its transport",
        "transports: far: b is a name in the settings: it stands alone",
        "transports: more: b is a name in the settings: it stands alone",
        "transports: brackets: b is a name in the settings: it stands alone",
        "transports: alone: turns needs transports in brackets: turns(kwtsms, webhook://host)",
        "transports: page: to post to an address of your own, write webhook://host/path",
        "transport: part 2 of turns: no plugin brings 'mian': did you mean main?",
    ]
    assert [problem[: len(start)] for problem, start in zip(reported, starts, strict=True)] == starts
    assert "hunter" not in "".join(reported)
    assert workshop.built == []


@pytest.mark.parametrize("named", [{"main": "main"}, {"main": "turns(a)", "a": "b", "b": "turns(null, main)"}])
def test_a_circle_is_reported_once_and_never_followed(workshop: Workshop, named: dict[str, str]) -> None:
    """From settings that were loaded, and from those that were made by hand."""
    circle = "main → main" if len(named) == 1 else "main → a → b → main"
    (reported,) = problems(workshop, "main", transports=named)
    assert reported.startswith(f"transports (argument): {circle} is a circle")
    by_hand = Settings(transports={name: Dsn.parse(text) for name, text in named.items()})
    for transport in ("main", "null"):
        with pytest.raises(ConfigError) as caught:
            Notifier(transport, settings=by_hand, host=host(workshop))
        (reported,) = caught.value.problems
        assert reported.startswith(f"transports: {circle} is a circle")


def test_names_that_cant_be_read_are_not_missed_as_well(workshop: Workshop) -> None:
    """Only what has to be put right is reported."""
    (reported,) = problems(workshop, "turns(main, b)", transports={"main": "null", "Other": "null"})
    assert reported.startswith("transports (argument): 'Other' can't be a name")


def test_a_reference_to_nothing_says_what_is_near(workshop: Workshop) -> None:
    """Names of the settings are among what may have been meant, at the start and for one call."""
    assert problems(workshop, "kuwiat", transports={"kuwait": "null"}) == (
        "transport: no plugin brings 'kuwiat': did you mean kuwait? `notifykit plugins` lists what is broken",
    )
    with notifier(workshop, "kuwait", transports={"kuwait": "null"}) as found:
        with pytest.raises(ConfigError, match="part 2 of turns: no plugin brings 'kuwiat': did you mean kuwait"):
            found.send(NUMBER, "Hello", via="turns(null, kuwiat)")


@pytest.mark.parametrize(
    ("dsn", "reported"),
    [
        ("box(null)", "transport: box takes no transports in brackets; those that do are "),
        ("turns", "transport: turns needs transports in brackets: turns(kwtsms, webhook://host)"),
        ("turns://?rest=1", "transport: turns needs transports in brackets"),
        ("turns(turns(null), turns, box(null))", "transport: part 2 of turns: turns needs transports in brackets"),
    ],
)
def test_brackets_are_for_transports_that_are_made_of_others(workshop: Workshop, dsn: str, reported: str) -> None:
    """And those never go without: nothing that was written is left out in silence."""
    assert problems(workshop, dsn)[0].startswith(reported)
    assert workshop.built == []


def test_a_factory_that_hands_brackets_on_is_refused_too(workshop: Workshop) -> None:
    """What a factory asks for is looked at like what a person asks for."""

    class Meddler:
        @hookimpl
        def notifykit_transports(self, settings: Settings) -> list[TransportFactory]:
            def build(dsn: Dsn, context: BuildContext) -> Any:
                return context.build(attrs.evolve(dsn, scheme="box"))

            return [TransportFactory("meddler", build, takes_parts=True)]

    plugins = host(workshop)
    plugins.register(Meddler(), "meddler")
    with pytest.raises(ConfigError, match="box takes no transports in brackets"):
        Notifier("meddler(null)", host=plugins)


def test_a_name_that_is_awaited_is_the_same(workshop: Workshop) -> None:
    """Both notifiers are put together in one place."""
    settings = Settings(transports={"main": Dsn("box", "one")})
    assert str(AsyncNotifier("main", settings=settings, host=host(workshop)).transport) == "box://one"
