"""The plugin host: which plugins work, which are quarantined, and the order of their components."""

from __future__ import annotations

import logging
import pathlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import click
import pytest

from notifykit.errors import ConfigError, PluginError
from notifykit.events import Event
from notifykit.hookspecs import hookimpl
from notifykit.models.message import Channel, Cleaned
from notifykit.models.recipient import Recipient
from notifykit.plugins import BUILTINS, PluginHost, PluginInfo, Registry, Status
from notifykit.protocols import TransportFactory
from notifykit.settings.sources import Settings
from notifykit.transports.stubs import MemoryTransport

Install = Callable[..., None]


@attrs.frozen
class Thing:
    """Something with a name that can be a normalizer, a cleaner and a sink."""

    name: str

    def normalize(self, raw: str, channel: Channel) -> Recipient | None:
        return None

    def clean(self, text: str, channel: Channel) -> Cleaned:
        return Cleaned(text)

    def handle(self, event: Event) -> None:
        pass


def factory(name: str, *schemes: str) -> TransportFactory:
    """Return a factory of transports that keep what they are given."""
    return TransportFactory(name, lambda dsn, context: MemoryTransport(), schemes or (name,))


def bringing(
    *, tryfirst: bool = False, trylast: bool = False, items: Mapping[str, Any] | None = None, **more: Any
) -> types.ModuleType:
    """Return a plugin that brings these normalizers, cleaners, transports and sinks."""
    plugin = types.ModuleType("homemade")
    for kind, things in {**(items or {}), **more}.items():
        mark = hookimpl(tryfirst=tryfirst, trylast=trylast)
        setattr(plugin, f"notifykit_{kind}", mark(things if callable(things) else lambda things=things: things))
    return plugin


def choosing(kind: str, *names: str) -> Settings:
    """Return settings that give the order of one kind of component."""
    chosen: dict[str, Any] = {kind: names}
    return Settings(**chosen)


def hosting(strict: bool = False, **plugins: object) -> PluginHost:
    """Return a host of exactly these plugins."""
    host = PluginHost(entry_points=False, builtins=(), strict=strict)
    for name, plugin in plugins.items():
        host.register(plugin, name)
    return host


def info(host: PluginHost, name: str) -> PluginInfo:
    """Return what a host knows about one plugin."""
    return next(info for info in host.plugins if info.name == name)


def statuses(host: PluginHost) -> dict[str, str]:
    """Return how each plugin is doing."""
    return {info.name: info.status.value for info in host.plugins}


def names_of(things: Any) -> list[str]:
    """Return the names of components, in their order."""
    return [thing.name for thing in things]


@pytest.fixture
def install(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that puts a distribution with one module per entry point where Python finds it."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def put(distribution: str, **sources: str) -> None:
        about = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        modules = {name: f"{about.name.partition('-')[0]}_{name}" for name in sources}
        points = "".join(f"{name} = {module}\n" for name, module in modules.items())
        (about / "entry_points.txt").write_text(f"[notifykit]\n{points}")
        for name, module in modules.items():
            (tmp_path / f"{module}.py").write_text(sources[name])

    yield put
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


#: An installed plugin that brings a sink of its own name.
SINK = """
from notifykit.hookspecs import hookimpl

class Sink:
    name = {name!r}
    def handle(self, event): pass

@hookimpl{mark}
def notifykit_sinks():
    return [Sink()]
"""


def sink_plugin(name: str, mark: str = "") -> str:
    """Return the source of a plugin that brings one sink."""
    return SINK.format(name=name, mark=mark)


def installed(**options: Any) -> PluginHost:
    """Return a host of what is installed beside this project's own plugin."""
    options["disable"] = {"kwtsms", *options.get("disable", ())}
    return PluginHost(**{"builtins": (), **options})


# --- loading ---


def test_a_host_of_nothing_is_empty() -> None:
    """A test builds one with exactly the plugins it wants, and these may be none."""
    host = hosting()
    assert host.plugins == ()
    assert host.registry(Settings()) == Registry()
    assert host.commands() == {}


def test_the_frameworks_own_plugins_are_loaded_as_all_others() -> None:
    """By dotted path, in the same list, and none of them is broken even where that is an error."""
    host = PluginHost(entry_points=False, strict=True)
    registry = host.registry(Settings())
    assert sorted(info.location for info in host.plugins) == sorted(BUILTINS)
    assert set(statuses(host).values()) == {"ok"}
    assert {info.distribution for info in host.plugins} == {"notifykit"}
    assert names_of(registry.normalizers) == ["international", "email", "push"]
    composites = {"failover", "roundrobin", "weighted", "route", "fanout"}
    plain = {"memory", "console", "null", "file", "webhook", "webhook+http", "smtp", "smtps", "apprise"}
    assert set(registry.transports) == composites | plain
    assert info(host, "memory").brings == ("transport:memory",)
    assert info(host, "memory").hooks == ("notifykit_transports",)


def test_an_installed_plugin_is_found_by_its_entry_point(install: Install) -> None:
    """Under the entry point's name, with the distribution that it came with."""
    install("acme-sms", acme=sink_plugin("audit"))
    host = installed()
    assert names_of(host.registry(Settings()).sinks) == ["audit"]
    assert info(host, "acme") == PluginInfo(
        "acme", Status.OK, "acme-sms", "1.2", "acme_sms_acme", ("notifykit_sinks",), ("sink:audit",)
    )


def test_a_plugin_may_be_a_module_an_object_or_a_class() -> None:
    """A class is made into an object; a plugin that gives no name is called what it is called."""

    class Audit:
        @hookimpl
        def notifykit_sinks(self, settings: Settings) -> list[Thing]:
            return [Thing(f"audit of {settings.sender}")]

    host = hosting()
    assert host.register(Audit) == "Audit"
    assert host.register(Audit(), "second") == "second"
    assert host.register(bringing()) == "homemade"
    sinks = host.registry(Settings(sender="ME", sinks=None)).sinks
    assert names_of(sinks) == ["audit of ME"]
    assert info(host, "Audit").distribution == "registered by hand"


def test_hooks_may_take_fewer_arguments_and_bring_any_iterable() -> None:
    """A list, a tuple, a generator, or nothing at all."""
    generator = lambda settings: (Thing(name) for name in "ab")  # noqa: E731
    host = hosting(one=bringing(sinks=generator), two=bringing(cleaners=lambda: None, normalizers=()), three=bringing())
    registry = host.registry(Settings())
    assert (names_of(registry.sinks), registry.cleaners, registry.normalizers) == (["a", "b"], (), ())
    assert set(statuses(host).values()) == {"ok"}


def test_asking_twice_gives_the_same(install: Install) -> None:
    """The second notifier of a process gets what the first got."""
    install("acme", acme=sink_plugin("audit"), broken="raise OSError('no')")
    host = installed()
    once, listed = host.registry(Settings()), host.plugins
    assert names_of(host.registry(Settings()).sinks) == names_of(once.sinks) == ["audit"]
    assert host.plugins == listed


# --- the broken are quarantined, and the rest go on ---

#: What an installed plugin may do instead of being imported, and what the list says about it.
BREAKS_AT_IMPORT = [
    ("raise OSError('the disk is full')", "OSError: the disk is full"),
    ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
    ("def (", "SyntaxError: invalid syntax"),
    ("import sys; sys.exit('good bye')", "SystemExit: good bye"),
    ("raise ValueError", "ValueError: "),
]


@pytest.mark.parametrize(("source", "reason"), BREAKS_AT_IMPORT)
def test_a_plugin_that_fails_to_import_is_quarantined(install: Install, source: str, reason: str) -> None:
    """Those before and behind it load, and where it broke is kept."""
    install("good", aaa=sink_plugin("first"), zzz=sink_plugin("last"))
    install("bad", mmm=source)
    host = installed()
    assert names_of(host.registry(Settings()).sinks) == ["first", "last"]
    assert statuses(host) == {"aaa": "ok", "kwtsms": "disabled", "mmm": "broken", "zzz": "ok"}
    broken = info(host, "mmm")
    assert (broken.reason or "").startswith(reason)
    assert "bad_mmm" in (broken.traceback or "")
    assert (broken.distribution, broken.hooks, broken.brings) == ("bad", (), ())


@pytest.mark.parametrize(("source", "reason"), BREAKS_AT_IMPORT)
def test_in_strict_mode_a_plugin_that_fails_to_import_is_an_error(install: Install, source: str, reason: str) -> None:
    """It names the plugin, and the exception that it raised is the cause."""
    install("bad", mmm=source)
    with pytest.raises(PluginError) as caught:
        installed(strict=True)
    assert caught.value.plugin == "mmm"
    assert caught.value.detail.startswith(reason)
    assert caught.value.__cause__ is not None


def test_an_interrupt_is_not_a_broken_plugin(install: Install) -> None:
    """Ctrl-C while plugins load ends the program."""
    install("slow", slow="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        installed()


def _half_way() -> Iterator[Thing]:
    yield Thing("brought before the fall")
    raise OSError("the queue is closed")


@attrs.define
class _WithoutHash:
    at: int = 0


def _misspelled() -> types.ModuleType:
    plugin = bringing(sinks=[Thing("audit")])
    plugin.notifykit_sinkz = hookimpl(_half_way)  # type: ignore[attr-defined]
    return plugin


def _wrong_argument() -> types.ModuleType:
    plugin = bringing(cleaners=[Thing("early")])
    plugin.notifykit_transports = hookimpl(lambda config: [])  # type: ignore[attr-defined]
    return plugin


BREAKS_AT_REGISTRATION = [
    (_misspelled(), r"there is no hook 'notifykit_sinkz'; did you mean notifykit_sinks\?$"),
    (bringing(pigeons=[]), "there is no hook 'notifykit_pigeons'"),
    (_wrong_argument(), r"(?s)PluginValidationError: .*Argument\(s\) {'config'}"),
    (_WithoutHash(), "TypeError: unhashable type"),
    (type("Needy", (), {"__init__": lambda self, config: None}), "TypeError: "),
]


@pytest.mark.parametrize(("plugin", "reason"), BREAKS_AT_REGISTRATION)
def test_a_plugin_that_fails_to_register_is_rolled_back_and_quarantined(plugin: object, reason: str) -> None:
    """Nothing of it stays behind, not even the hooks that were fine, and its neighbours don't notice."""
    host = hosting(before=bringing(sinks=[Thing("one")]), bad=plugin, after=bringing(sinks=[Thing("two")]))
    registry = host.registry(Settings())
    assert names_of(registry.sinks) == ["one", "two"]
    assert registry.cleaners == ()
    assert statuses(host) == {"after": "ok", "bad": "broken", "before": "ok"}
    with pytest.raises(PluginError, match=reason) as caught:
        hosting(strict=True, bad=plugin)
    assert caught.value.detail == info(host, "bad").reason


class _Moody:
    def handle(self, event: Event) -> None:
        pass

    @property
    def name(self) -> str:
        raise OSError("no name today")


BREAKS_WHEN_ASKED = [
    (bringing(sinks=_half_way), r"OSError: the queue is closed"),
    (bringing(sinks=[Thing("a")], transports=lambda: 1 / 0), "ZeroDivisionError: division by zero"),
    (bringing(sinks=lambda: sys.exit(3)), "SystemExit: 3"),
    (bringing(sinks=lambda: Thing("alone")), "TypeError: 'Thing' object is not iterable"),
    (bringing(sinks="audit"), "the sink str lacks handle, name"),
    (bringing(sinks=[Thing]), "the sink Thing is a class: bring an object of it"),
    (bringing(sinks=[Thing("")]), "the sink Thing has no name"),
    (bringing(sinks=[Thing(5)]), "the sink Thing has no name"),  # type: ignore[arg-type]
    (bringing(sinks=[_Moody()]), "OSError: no name today"),
    (bringing(sinks=[None]), "the sink NoneType lacks handle, name"),
    (bringing(normalizers=[MemoryTransport()]), "the normalizer MemoryTransport lacks normalize"),
    (bringing(cleaners=[MemoryTransport()]), "the cleaner MemoryTransport lacks clean"),
    (bringing(transports=[MemoryTransport()]), "the transport MemoryTransport is no TransportFactory"),
    (bringing(transports=[TransportFactory]), "the transport TransportFactory is a class: bring an object of it"),
]


@pytest.mark.parametrize(("plugin", "reason"), BREAKS_WHEN_ASKED)
def test_a_plugin_that_fails_to_answer_is_rolled_back_and_quarantined(plugin: object, reason: str) -> None:
    """What it brought before it failed, or beside something of the wrong shape, is not used either."""
    host = hosting(before=bringing(sinks=[Thing("one")]), bad=plugin, after=bringing(sinks=[Thing("two")]))
    for _ in range(2):
        registry = host.registry(Settings())
        assert registry == Registry(sinks=(Thing("one"), Thing("two")))
        assert statuses(host) == {"after": "ok", "bad": "broken", "before": "ok"}
    broken = info(host, "bad")
    assert (broken.reason, broken.brings) == (reason, ())
    assert "Traceback" in (broken.traceback or "")
    strict = hosting(strict=True, bad=plugin)
    with pytest.raises(PluginError) as caught:
        strict.registry(Settings())
    assert (caught.value.plugin, caught.value.detail) == ("bad", reason)


def test_a_plugin_that_is_quarantined_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """One warning with the plugin's name and the reason."""
    with caplog.at_level(logging.WARNING, "notifykit.plugins"):
        hosting(bad=bringing(sinks=_half_way)).registry(Settings())
    assert [record.getMessage() for record in caplog.records] == [
        "plugin bad was quarantined: OSError: the queue is closed"
    ]


def test_what_a_plugin_says_about_the_settings_is_passed_on() -> None:
    """The person who wrote them gets every problem of every plugin at once, and no plugin counts as broken."""

    def complains(*problems: str) -> types.ModuleType:
        def hook(settings: Settings) -> list[Thing]:
            raise ConfigError(problems)

        return bringing(sinks=hook)

    host = hosting(one=complains("ONE is missing", "TWO is no number"), good=bringing(), two=complains("THREE is odd"))
    with pytest.raises(ConfigError) as caught:
        host.registry(Settings(cleaners=("polish",)))
    assert caught.value.problems[:3] == ("ONE is missing", "TWO is no number", "THREE is odd")
    assert caught.value.problems[3].startswith("cleaners: there is no cleaner named polish")
    assert len(caught.value.problems) == 4
    assert set(statuses(host).values()) == {"ok"}


# --- order ---


def test_registered_plugins_go_before_installed_ones_and_these_before_the_frameworks_own(install: Install) -> None:
    """By hand in the order of registration, installed by name, the framework's own last."""
    install("acme", zebra=sink_plugin("zebra"), ant=sink_plugin("ant"))
    host = installed(builtins=BUILTINS)
    host.register(bringing(sinks=[Thing("second"), Thing("first")]), "z")
    host.register(bringing(sinks=[Thing("third")]), "a")
    assert names_of(host.registry(Settings()).sinks) == ["second", "first", "third", "ant", "zebra", "logging"]


def test_tryfirst_and_trylast_move_inside_that_order(install: Install) -> None:
    """In front of, or behind, their equals; an installed plugin never gets behind the framework's own by itself."""
    install("acme", a=sink_plugin("a", "(trylast=True)"), b=sink_plugin("b"), c=sink_plugin("c", "(tryfirst=True)"))
    host = installed(builtins=BUILTINS)
    host.register(bringing(sinks=[Thing("w")], trylast=True), "w")
    host.register(bringing(sinks=[Thing("x")]), "x")
    host.register(bringing(sinks=[Thing("y")], tryfirst=True), "y")
    assert names_of(host.registry(Settings()).sinks) == ["y", "c", "x", "b", "logging", "w", "a"]


@pytest.mark.parametrize("kind", ["normalizers", "cleaners", "sinks"])
def test_the_settings_may_give_the_order(kind: str) -> None:
    """Exactly the named components are used, in that order, from whichever plugin they are."""
    one, two = ({kind: [Thing(name) for name in names]} for names in ("ab", "cd"))
    host = hosting(one=bringing(items=one), two=bringing(tryfirst=True, items=two))
    for wanted in ((), ("d",), ("b", "d", "a"), ("a", "b", "c", "d")):
        assert names_of(getattr(host.registry(choosing(kind, *wanted)), kind)) == list(wanted)
    assert names_of(getattr(host.registry(Settings()), kind)) == ["c", "d", "a", "b"]


@pytest.mark.parametrize("kind", ["normalizers", "cleaners", "sinks"])
def test_a_name_that_no_plugin_brings_is_a_problem_with_a_guess(kind: str) -> None:
    """Leaving it out quietly would send differently from what was asked for."""
    host = hosting(one=bringing(items={kind: [Thing("audit"), Thing("other")]}))
    with pytest.raises(ConfigError) as caught:
        host.registry(choosing(kind, "adit", "other", "qqqq"))
    assert caught.value.problems == (
        f"{kind}: there is no {kind[:-1]} named adit: did you mean audit?",
        f"{kind}: there is no {kind[:-1]} named qqqq: there are audit, other",
    )


# --- switching off ---


def test_a_plugin_that_is_switched_off_is_not_even_imported(install: Install) -> None:
    """Its name is enough; what it would do at import does not happen."""
    install("acme", acme="raise SystemExit", other=sink_plugin("audit"))
    host = installed(disable=["acme"], strict=True)
    assert statuses(host) == {"acme": "disabled", "kwtsms": "disabled", "other": "ok"}
    assert info(host, "acme").reason == "switched off by name"
    assert "acme_acme" not in sys.modules


@pytest.mark.parametrize("name", [info.name for info in PluginHost(entry_points=False).plugins])
def test_the_frameworks_own_plugins_can_be_switched_off_too(name: str) -> None:
    """Each by its name."""
    host = PluginHost(entry_points=False, disable=[name])
    host.registry(Settings())
    assert {label for label, status in statuses(host).items() if status == "disabled"} == {name}
    assert host.unmatched == ()


@pytest.mark.parametrize("off", ["numbers", "polish", "acme", "audit"])
def test_each_thing_that_a_plugin_brings_can_be_switched_off_by_its_own_name(off: str) -> None:
    """The rest of the plugin stays, and the plugin is still listed with all that it brings."""
    plugin = bringing(
        normalizers=[Thing("numbers")],
        cleaners=[Thing("polish")],
        transports=[factory("acme", "acme", "acme+http")],
        sinks=[Thing("audit")],
    )
    host = PluginHost(entry_points=False, builtins=(), disable=[off], strict=True)
    host.register(plugin, "all of it")
    registry = host.registry(Settings())
    left = [*registry.normalizers, *registry.cleaners, *registry.sinks, *dict.fromkeys(registry.transports.values())]
    assert set(names_of(left)) == {"numbers", "polish", "acme", "audit"} - {off}
    assert info(host, "all of it").brings == ("normalizer:numbers", "cleaner:polish", "transport:acme", "sink:audit")
    assert host.unmatched == ()


def test_a_name_that_switches_nothing_off_is_in_the_log_with_a_guess(caplog: pytest.LogCaptureFixture) -> None:
    """A person believes that it is off."""
    host = PluginHost(entry_points=False, builtins=(), disable=["audti", "qqqq", "audit"])
    host.register(bringing(sinks=[Thing("audit")]), "audits")
    with caplog.at_level(logging.WARNING, "notifykit.plugins"):
        host.registry(Settings())
    assert host.unmatched == ("audti", "qqqq")
    assert [record.getMessage() for record in caplog.records] == [
        "nothing is named audti, so nothing was switched off; did you mean audits?",
        "nothing is named qqqq, so nothing was switched off",
    ]


def test_an_allow_list_keeps_every_other_installed_plugin_out(install: Install) -> None:
    """They are not imported; the framework's own and what a caller registers are always allowed."""
    install("acme", wanted=sink_plugin("audit"), unwanted="raise SystemExit")
    host = PluginHost(allow=["wanted"], builtins=("notifykit.transports.stubs:memory",))
    host.register(bringing(sinks=[Thing("mine")]), "mine")
    assert names_of(host.registry(Settings()).sinks) == ["mine", "audit"]
    assert statuses(host) == {
        "kwtsms": "disabled",
        "memory": "ok",
        "mine": "ok",
        "unwanted": "disabled",
        "wanted": "ok",
    }
    assert info(host, "unwanted").reason == "not on the allow-list"
    assert "acme_unwanted" not in sys.modules


def test_an_empty_allow_list_allows_no_plugin(install: Install) -> None:
    """It is a list with nothing on it, and not the absence of one."""
    install("acme", acme=sink_plugin("audit"))
    assert set(statuses(PluginHost(allow=[], builtins=())).values()) == {"disabled"}


# --- one name twice ---


def test_two_plugins_of_one_name_are_an_error_that_names_both_distributions(install: Install) -> None:
    """Which of them would be used must not depend on the order on the disk."""
    install("acme-sms", acme=sink_plugin("a"))
    install("other-acme", acme=sink_plugin("b"))
    with pytest.raises(
        PluginError, match=r"acme-sms brings acme_sms_acme and other-acme brings other_acme_acme"
    ) as caught:
        installed()
    assert caught.value.plugin == "acme"


@pytest.mark.parametrize("strict", [True, False])
def test_a_name_that_is_taken_cant_be_registered(install: Install, strict: bool) -> None:
    """Neither over an installed plugin nor over one of the framework's own, strict or not."""
    install("acme-sms", acme=sink_plugin("a"))
    host = installed(builtins=BUILTINS, strict=strict)
    for name, owner in (("acme", "acme-sms"), ("memory", "notifykit")):
        with pytest.raises(PluginError, match=f"{owner} brings .* and registered by hand brings homemade"):
            host.register(bringing(), name)
    assert names_of(host.registry(Settings()).sinks) == ["a", "logging"]


def test_an_installed_plugin_cant_take_the_name_of_one_of_the_frameworks_own(install: Install) -> None:
    """It says which entry point to rename."""
    install("acme", memory=sink_plugin("a"))
    with pytest.raises(PluginError, match=r"acme_memory and notifykit brings notifykit\.transports\.stubs:memory"):
        installed(builtins=BUILTINS)


def test_of_two_things_of_one_name_the_earlier_is_used_and_the_later_listed() -> None:
    """The rest of the later plugin works."""
    host = hosting(
        one=bringing(sinks=[Thing("audit")]),
        two=bringing(sinks=[Thing("audit"), Thing("more")], cleaners=[Thing("audit")]),
    )
    registry = host.registry(Settings())
    assert (names_of(registry.sinks), names_of(registry.cleaners)) == (["audit", "more"], ["audit"])
    assert statuses(host) == {"one": "ok", "two": "shadowed"}
    assert info(host, "two").reason == "sink:audit is already brought by plugin 'one'"


def test_the_first_plugin_that_claims_a_scheme_keeps_it() -> None:
    """By scheme, not by the factory's name; a factory that loses one of its schemes is not used at all."""
    first, second, third = factory("a", "acme", "acme+http"), factory("b", "acme+http", "b"), factory("a", "other")
    host = hosting(
        one=bringing(transports=[first]), two=bringing(transports=[second]), three=bringing(transports=[third])
    )
    assert host.registry(Settings()).transports == {"acme": first, "acme+http": first, "other": third}
    assert statuses(host) == {"one": "ok", "three": "ok", "two": "shadowed"}
    assert info(host, "two").reason == "transport:acme+http is already brought by plugin 'one'"


def test_in_strict_mode_a_shadow_is_an_error() -> None:
    """Strict mode reports everything."""
    host = hosting(strict=True, one=bringing(sinks=[Thing("audit")]), two=bringing(sinks=[Thing("audit")]))
    with pytest.raises(PluginError, match="plugin 'two': sink:audit is already brought by plugin 'one'"):
        host.registry(Settings())


def test_what_stood_in_the_shadow_steps_forward_when_the_other_is_switched_off() -> None:
    """Replacing something of the framework's own is: bring it, or switch the other off."""
    mine, theirs = bringing(sinks=[Thing("audit")]), bringing(sinks=[Thing("audit")])
    host = PluginHost(entry_points=False, builtins=(), disable=["theirs"])
    host.register(theirs, "theirs")
    host.register(mine, "mine")
    assert names_of(host.registry(Settings()).sinks) == ["audit"]
    assert statuses(host) == {"mine": "ok", "theirs": "disabled"}


# --- commands ---


def commanding(*names: str | None) -> types.ModuleType:
    """Return a plugin that brings commands of these names."""

    def hook(register: Callable[[click.Command], None]) -> None:
        for name in names:
            register(click.Command(name))

    return bringing(commands=hook)


def test_plugins_bring_commands_by_name() -> None:
    """Each with the plugin that it came from, and listed among what the plugin brings."""
    host = hosting(one=commanding("fly", "swim"), two=bringing(sinks=[Thing("audit")], commands=lambda register: None))
    assert {label: plugin.name for label, (_, plugin) in host.commands().items()} == {"fly": "one", "swim": "one"}
    host.registry(Settings())
    assert info(host, "one").brings == ("command:fly", "command:swim")
    host.commands()
    assert info(host, "two").brings == ("sink:audit",)


@pytest.mark.parametrize("names", [("fly",), ("swim", "fly"), ("run", "run"), (None,)])
def test_a_command_whose_name_is_taken_quarantines_its_plugin(names: tuple[str | None, ...]) -> None:
    """With all of its commands; those of the others are there."""
    host = hosting(one=commanding("fly"), two=commanding(*names), three=commanding("walk"))
    assert set(host.commands()) == {"fly", "walk"}
    assert statuses(host) == {"one": "ok", "three": "ok", "two": "broken"}
    assert (info(host, "two").reason or "").endswith("is taken")


def test_no_plugin_takes_the_name_of_a_command_of_the_framework(install: Install) -> None:
    """Components of an installed plugin come before the framework's own, but commands do not."""
    source = (
        "import click\nfrom notifykit.hookspecs import hookimpl\n"
        "@hookimpl\ndef notifykit_commands(register): register(click.Command('plugins'))\n"
    )
    install("acme", acme=source)
    host = installed(builtins=("notifykit.cli",))
    assert {plugin.name for _, plugin in host.commands().values()} == {"cli"}
    assert statuses(host) == {"acme": "broken", "kwtsms": "disabled", "cli": "ok"}


def test_a_command_can_be_switched_off_by_its_name() -> None:
    """The plugin's other commands stay."""
    host = PluginHost(entry_points=False, builtins=(), disable=["fly"])
    host.register(commanding("fly", "swim"), "one")
    assert set(host.commands()) == {"swim"}
    assert host.unmatched == ()


def test_a_plugin_that_fails_to_bring_its_commands_is_quarantined() -> None:
    """Also where it ends the program; in strict mode it is an error."""
    host = hosting(one=bringing(commands=lambda register: sys.exit(1)), two=commanding("swim"))
    assert set(host.commands()) == {"swim"}
    assert statuses(host) == {"one": "broken", "two": "ok"}
    with pytest.raises(PluginError, match="plugin 'one': SystemExit: 1"):
        hosting(strict=True, one=bringing(commands=lambda register: sys.exit(1))).commands()


class Equal:
    """A plugin that says it equals everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class Unequal(Equal):
    """A plugin that can't be compared."""

    def __eq__(self, other: object) -> bool:
        raise LookupError

    __hash__ = Equal.__hash__


class Panic(BaseException):
    """What extension modules raise when they give up."""

    def __str__(self) -> str:
        raise LookupError


def panicking() -> object:
    """Return a plugin that panics when it is asked."""
    raise Panic


@pytest.mark.parametrize("odd", [Equal(), Unequal(), bringing(sinks=[Thing("fine")])])
def test_no_plugin_takes_the_others_down(odd: object) -> None:
    """Neither one that equals all others, nor one whose exceptions can't be printed."""
    if not isinstance(odd, Equal):
        odd.notifykit_cleaners = hookimpl(lambda settings: panicking())  # type: ignore[attr-defined]
    host = PluginHost(entry_points=False)
    host.register(odd, "odd")
    assert host.registry(Settings()).sinks
    assert {label for label, status in statuses(host).items() if status == "broken"} == {"odd"}
