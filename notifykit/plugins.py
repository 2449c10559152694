"""Who has joined: finds plugins, loads them, sets the broken ones aside, and says what each brought.

A host is an object, and nothing loads at import: a test builds one with exactly the plugins it wants.
"""

from __future__ import annotations

import enum
import functools
import logging
import traceback
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
import pluggy

from notifykit import doors, hookspecs, installed
from notifykit.errors import INTERRUPTS, ConfigError, InvalidRecipient, PluginError
from notifykit.protocols import About, Cleaner, EngineFactory, Guard, Normalizer, Sink, TransportFactory

if TYPE_CHECKING:
    import click

    from notifykit.models import Channel, Recipient, Rejected
    from notifykit.settings import Settings

_log = logging.getLogger("notifykit.plugins")

#: The framework's own plugins. They come in by name, through the same door as everybody else.
BUILTINS: Final = (
    "notifykit.normalizers.international",
    "notifykit.normalizers.email",
    "notifykit.normalizers.push",
    "notifykit.cleaners.unicode",
    "notifykit.transports.memory",
    "notifykit.transports.console",
    "notifykit.transports.null",
    "notifykit.transports.webhook",
    "notifykit.transports.smtp",
    "notifykit.transports.file",
    "notifykit.transports.apprise",
    "notifykit.transports.composites.failover",
    "notifykit.transports.composites.rotation",
    "notifykit.transports.composites.route",
    "notifykit.transports.composites.fanout",
    "notifykit.guards.environment",
    "notifykit.guards.suppression",
    "notifykit.guards.quiet_hours",
    "notifykit.guards.cool_down",
    "notifykit.guards.same_content",
    "notifykit.guards.volume_cap",
    "notifykit.guards.spend_cap",
    "notifykit.sinks.logging",
    "notifykit.sinks.jsonl",
    "notifykit.durable",
)

_STATION_HOOKS: Final = {
    "normalizer": ("notifykit_normalizers", Normalizer),
    "cleaner": ("notifykit_cleaners", Cleaner),
    "transport": ("notifykit_transports", TransportFactory),
    "sink": ("notifykit_sinks", Sink),
    "engine": ("notifykit_engines", EngineFactory),
}
#: Those who read addresses as the normalizers do: they are asked once it is known who the normalizers are.
_READING_HOOKS: Final = {"guard": ("notifykit_guards", Guard)}


class Status(enum.StrEnum):
    """How a plugin is doing."""

    OK = "ok"
    DISABLED = "disabled"
    BROKEN = "broken"
    #: Something that it brought has a name that an earlier plugin has taken; the rest of it works.
    SHADOWED = "shadowed"


@attrs.frozen
class PluginInfo:
    """What is known about one plugin."""

    #: Its name: the entry point's, or the one it was registered under.
    name: str
    #: How it is doing.
    status: Status
    #: The distribution it came with.
    distribution: str
    #: That distribution's version.
    version: str | None
    #: The module or object it is.
    location: str
    #: The hooks it implements.
    hooks: tuple[str, ...] = ()
    #: What it brought, ``sink:audit``, in the order in which it brought it.
    brings: tuple[str, ...] = ()
    #: Those of them that were switched off by their own names.
    off: tuple[str, ...] = ()
    #: Why it is not simply ok.
    reason: str | None = None
    #: Where it broke.
    traceback: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Registry:
    """The stations of one road, in the order in which they are asked."""

    #: Asked one after the other; the first answer wins.
    normalizers: tuple[Normalizer, ...] = ()
    #: Run one on the result of the other.
    cleaners: tuple[Cleaner, ...] = ()
    #: By DSN scheme.
    transports: Mapping[str, TransportFactory] = attrs.field(factory=dict)
    #: Told one after the other.
    sinks: tuple[Sink, ...] = ()
    #: Keep sends on disk; the first is used.
    engines: tuple[EngineFactory, ...] = ()
    #: Asked one after the other; the first veto counts.
    guards: tuple[Guard, ...] = ()


@attrs.frozen
class _Candidate:
    """A plugin that was found and not yet loaded."""

    name: str
    distribution: str
    version: str | None
    location: str
    load: Callable[[], Any]
    #: 0 for what a caller registered, 1 for installed plugins, 2 for the framework's own.
    tier: int


@attrs.frozen
class _Contribution:
    """One thing that a plugin brought."""

    kind: str
    item: Any
    plugin: str
    rank: tuple[int, int]

    @property
    def name(self) -> str:
        return str(self.item.name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class _Manager(pluggy.PluginManager):
    """Looks for hooks among a plugin's own names, and not among the two dozen that every object has."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)


class PluginHost:
    """Finds, loads and lists plugins.

    :param disable: names of plugins, or of things they bring, to leave out.
    :param allow: the only installed plugins to load; None for all. The framework's own are always allowed.
    :param strict: raise for the first broken plugin instead of setting it aside.
    :param entry_points: whether installed plugins are looked for.
    :param builtins: dotted paths of the framework's own plugins.
    :raises PluginError: where two plugins have one name; in strict mode also for the first broken one.
    """

    def __init__(
        self,
        *,
        disable: Iterable[str] = (),
        allow: Iterable[str] | None = None,
        strict: bool = False,
        entry_points: bool = True,
        builtins: Sequence[str] = BUILTINS,
    ) -> None:
        self.strict = strict
        #: The framework's own plugins that it looked at.
        self.builtins = tuple(builtins)
        self._disable = frozenset(disable)
        self._allow = None if allow is None else frozenset(allow)
        self._manager = _Manager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._infos: dict[str, PluginInfo] = {}
        self._tiers: dict[str, int] = {}
        for candidate in _found(builtins, entry_points=entry_points):
            self._admit(candidate)

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """Everything that was found, by name: what works, what is switched off, what is broken and why."""
        return tuple(sorted(self._infos.values(), key=lambda info: info.name))

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Names that were to be left out and that nothing answers to."""
        items = {item for info in self._infos.values() for item in info.brings}
        known = {*self._infos, *items, *(item.partition(":")[2] for item in items)}
        return tuple(sorted(self._disable - known))

    def trace(self, write: Callable[[str], Any]) -> None:
        """Tell of every hook call from now on: which hook, with what, and what came back."""
        self._manager.trace.root.setwriter(write)
        self._manager.enable_tracing()

    def register(self, plugin: object, name: str | None = None) -> str:
        """Take in a plugin that is not installed, ahead of those that are, and return its name.

        :raises PluginError: where the name is taken, or in strict mode where the plugin is broken.
        """
        name = name or getattr(plugin, "__name__", None) or type(plugin).__name__
        location = getattr(plugin, "__name__", None) or f"{type(plugin).__module__}.{type(plugin).__qualname__}"
        self._admit(_Candidate(str(name), "registered by hand", None, str(location), lambda: plugin, tier=0))
        return str(name)

    def registry(self, settings: Settings) -> Registry:
        """Ask every plugin what it brings and return it in order.

        :raises ConfigError: where the settings name stations that nobody brings, or a plugin says that its own
            settings are wrong: that is for a person to put right, and no reason to go on without the plugin.
        :raises PluginError: in strict mode for the first plugin that is broken.
        """
        brought: list[_Contribution] = []
        problems: list[str] = []
        for name in self._names():
            try:
                brought += self._contributions(name, _STATION_HOOKS, settings=settings)
            except ConfigError as error:
                problems += error.problems
        ranked = sorted(brought, key=lambda contribution: contribution.rank)
        normalizers = [contribution.item for contribution in ranked if contribution.kind == "normalizer"]
        normalize = functools.partial(_normalize, _pick("normalizer", normalizers, settings.normalizers, []))
        for name in self._names():
            try:
                brought += self._contributions(name, _READING_HOOKS, settings=settings, normalize=normalize)
            except ConfigError as error:
                problems += error.problems
        brought = [contribution for contribution in brought if self._manager.has_plugin(contribution.plugin)]
        chosen = self._unshadowed(sorted(brought, key=lambda contribution: contribution.rank))
        self._warn()
        stations = {
            kind: _pick(kind, [c.item for c in chosen if c.kind == kind], wanted, problems)
            for kind, wanted in (
                ("normalizer", settings.normalizers),
                ("cleaner", settings.cleaners),
                ("guard", settings.guards),
                ("sink", settings.sinks),
            )
        }
        if problems:
            raise ConfigError(problems)
        return Registry(
            normalizers=stations["normalizer"],
            cleaners=stations["cleaner"],
            transports={s: c.item for c in chosen if c.kind == "transport" for s in c.item.schemes},
            sinks=stations["sink"],
            engines=tuple(c.item for c in chosen if c.kind == "engine"),
            guards=stations["guard"],
        )

    def commands(self) -> dict[str, tuple[click.Command, PluginInfo]]:
        """Return the commands that plugins bring, by name, each with the plugin it came from.

        The framework's own come first: nobody else can take their names.
        """
        commands: dict[str, tuple[click.Command, PluginInfo]] = {}
        for name in sorted(self._names(), key=lambda name: self._tiers[name] != 2):
            try:
                brought = self._commands(name, commands)
            except INTERRUPTS:
                raise
            except BaseException as error:  # a plugin may raise anything
                self._set_aside(name, error)
                continue
            stations = (item for item in self._infos[name].brings if not item.startswith("command:"))
            self._list(name, (*stations, *(f"command:{label}" for label in brought)))
            commands |= {label: (command, self._infos[name]) for label, command in brought.items()}
        return {label: pair for label, pair in commands.items() if not self._is_off(f"command:{label}")}

    def about(self) -> dict[str, About]:
        """Return what plugins say of themselves, by their names."""
        told: dict[str, About] = {}
        for name in self._names():
            try:
                for about in self._call(name, "notifykit_about"):
                    if not isinstance(about, About):
                        raise PluginError(name, f"notifykit_about brings a {type(about).__name__}, not an About")
                    told[name] = about
            except INTERRUPTS:
                raise
            except BaseException as error:  # a plugin may raise anything
                self._set_aside(name, error)
        return told

    def _commands(self, name: str, taken: Container[str]) -> dict[str, click.Command]:
        mine: dict[str, click.Command] = {}

        def register(command: click.Command) -> None:
            if not command.name or command.name in taken or command.name in mine:
                raise PluginError(name, f"the command name {command.name!r} is taken")
            mine[command.name] = command

        self._call(name, "notifykit_commands", register=register)
        return mine

    def _admit(self, candidate: _Candidate) -> None:
        if candidate.name in self._infos:
            other = self._infos[candidate.name]
            raise PluginError(
                candidate.name,
                f"two plugins have this name: {other.distribution} brings {other.location} and "
                f"{candidate.distribution} brings {candidate.location}. Uninstall one, or rename its entry point.",
            )
        info = PluginInfo(candidate.name, Status.OK, candidate.distribution, candidate.version, candidate.location)
        self._tiers[candidate.name] = candidate.tier
        if candidate.name in self._disable:
            self._infos[candidate.name] = attrs.evolve(info, status=Status.DISABLED, reason="switched off by name")
        elif candidate.tier == 1 and self._allow is not None and candidate.name not in self._allow:
            self._infos[candidate.name] = attrs.evolve(info, status=Status.DISABLED, reason="not on the allow-list")
        else:
            self._infos[candidate.name] = info
            self._load(candidate)

    def _load(self, candidate: _Candidate) -> None:
        name = candidate.name
        try:
            plugin = candidate.load()
            plugin = plugin() if isinstance(plugin, type) else plugin
            _check_identity(name, plugin)
            self._manager.register(plugin, name)
            hooks = tuple(caller.name for caller in self._manager.get_hookcallers(self._manager.get_plugin(name)) or ())
            unknown = [hook for hook in hooks if not hasattr(hookspecs, hook)]
            if unknown:
                near = _alike(unknown[0], [h for h in dir(hookspecs) if h.startswith("notifykit_")], 1)
                raise PluginError(
                    name, f"there is no hook {unknown[0]!r}" + (f"; did you mean {near[0]}?" if near else "")
                )
            self._infos[name] = attrs.evolve(self._infos[name], hooks=tuple(sorted(hooks)))
        except INTERRUPTS:
            raise
        except BaseException as error:  # a plugin may raise anything while it is imported
            self._set_aside(name, error)

    def _set_aside(self, name: str, error: BaseException) -> None:
        """Roll back whatever the plugin did, and keep why."""
        reason = error.detail if isinstance(error, PluginError) else _words(error)
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)
        self._infos[name] = attrs.evolve(
            self._infos[name],
            status=Status.BROKEN,
            brings=(),
            reason=reason,
            traceback="".join(traceback.format_exception(error)),
        )
        if self.strict:
            raise PluginError(name, reason) from error
        _log.warning("plugin %s was set aside: %s", name, reason)

    def _names(self) -> list[str]:
        working = [name for name in self._infos if self._manager.has_plugin(name)]
        return sorted(working, key=lambda name: (self._tiers[name], name if self._tiers[name] == 1 else ""))

    def _call(self, name: str, hook: str, **arguments: Any) -> list[Any]:
        """Call one hook of one plugin only, so that it can't take others down with it."""
        if hook not in self._infos[name].hooks:
            return []
        plugin = self._manager.get_plugin(name)
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        return list(self._manager.subset_hook_caller(hook, others)(**arguments))

    def _contributions(
        self, name: str, hooks: Mapping[str, tuple[str, type[Any]]], **arguments: Any
    ) -> list[_Contribution]:
        brought: list[_Contribution] = []
        try:
            for kind, (hook, shape) in hooks.items():
                for item in self._items(name, hook, arguments):
                    _check_shape(name, kind, item, shape)
                    brought.append(_Contribution(kind, item, name, (self._rank(name, hook), self._tiers[name])))
        except ConfigError:
            raise
        except INTERRUPTS:
            raise
        except BaseException as error:  # a plugin may raise anything
            self._set_aside(name, error)
            return []
        others = [item for item in self._infos[name].brings if item.partition(":")[0] not in hooks]
        before = [item for item in others if not item.startswith("command:")]
        commands = [item for item in others if item.startswith("command:")]
        self._infos[name] = attrs.evolve(self._infos[name], status=Status.OK, reason=None)
        self._list(name, (*before, *map(str, brought), *commands))
        return [c for c in brought if not self._is_off(str(c))]

    def _list(self, name: str, brings: Iterable[str]) -> None:
        """Note what a working plugin brings."""
        items = tuple(brings)
        off = tuple(item for item in items if self._is_off(item))
        self._infos[name] = attrs.evolve(self._infos[name], brings=items, off=off)

    def _is_off(self, item: str) -> bool:
        """Return whether ``sink:audit`` was switched off, by that or by ``audit``."""
        return item in self._disable or item.partition(":")[2] in self._disable

    def _items(self, name: str, hook: str, arguments: Mapping[str, Any]) -> Iterator[Any]:
        for items in self._call(name, hook, **arguments):
            yield from items

    def _rank(self, name: str, hook: str) -> int:
        """Return 0 for ``tryfirst``, 2 for ``trylast``, else 1."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            if implementation.plugin_name == name:
                return 0 if implementation.tryfirst else 2 if implementation.trylast else 1
        return 1

    def _unshadowed(self, brought: Sequence[_Contribution]) -> list[_Contribution]:
        owners: dict[str, _Contribution] = {}
        kept = []
        for contribution in brought:
            labels = [str(contribution)]
            if contribution.kind == "transport":
                labels = [f"transport:{scheme}" for scheme in contribution.item.schemes]
            taken = next((label for label in labels if label in owners), None)
            if taken is None:
                owners |= dict.fromkeys(labels, contribution)
                kept.append(contribution)
                continue
            reason = f"{taken} is already brought by plugin {owners[taken].plugin!r}"
            self._infos[contribution.plugin] = attrs.evolve(
                self._infos[contribution.plugin], status=Status.SHADOWED, reason=reason
            )
            if self.strict:
                raise PluginError(contribution.plugin, reason)
            _log.warning("plugin %s: %s; the earlier one is used", contribution.plugin, reason)
        return kept

    def _warn(self) -> None:
        for name in self.unmatched:
            near = _alike(name, self._infos, 1)
            _log.warning(
                "nothing is named %s, so nothing was switched off%s", name, f"; did you mean {near[0]}?" if near else ""
            )


def _found(builtins: Sequence[str], *, entry_points: bool) -> Iterator[_Candidate]:
    if entry_points:
        for point in installed.entry_points(hookspecs.PROJECT):
            distribution = point.distribution or "an unknown distribution"
            yield _Candidate(point.name, distribution, point.version, point.value, point.load, tier=1)
    for dotted in builtins:
        load = functools.partial(doors.plugin, dotted)
        # Commands are named apart: a stranger's plugin may well be called "log" or "send".
        command = dotted.startswith("notifykit.cli.")
        name = dotted.rpartition(".")[2]
        yield _Candidate(f"cli.{name}" if command else name, "notifykit", None, dotted, load, tier=2)


def _words(error: BaseException) -> str:
    """Return what an exception says, if it can say anything."""
    try:
        return f"{type(error).__name__}: {error}"
    except INTERRUPTS:
        raise
    except BaseException:  # even the words of a stranger's exception may raise
        return type(error).__name__


def _check_identity(name: str, plugin: object) -> None:
    """Refuse a plugin that the manager could not tell from others: it keeps them in sets, and compares them."""
    hash(plugin)
    if plugin == object():
        raise PluginError(name, "it says that it equals everything, so it can't be told from other plugins")


def _check_shape(plugin: str, kind: str, item: Any, shape: type[Any]) -> None:
    if isinstance(item, type):
        raise PluginError(plugin, f"the {kind} {item.__name__} is a class: bring an object of it")
    if shape in (TransportFactory, EngineFactory) and not isinstance(item, shape):
        raise PluginError(plugin, f"the {kind} {type(item).__name__} is no {shape.__name__}")
    wanted = {*getattr(shape, "__annotations__", ()), *(name for name in vars(shape) if not name.startswith("_"))}
    missing = [name for name in sorted(wanted) if not hasattr(item, name)]
    if missing:
        raise PluginError(plugin, f"the {kind} {type(item).__name__} lacks {', '.join(missing)}")
    if not isinstance(item.name, str) or not item.name:
        raise PluginError(plugin, f"the {kind} {type(item).__name__} has no name")


def _normalize(normalizers: Sequence[Normalizer], raw: str, channel: Channel) -> Recipient | Rejected:
    """Read an address as the road does; a normalizer that raises has nothing to say."""
    from notifykit.models import Recipient, Rejected

    for normalizer in normalizers:
        try:
            answer = normalizer.normalize(raw, channel)
        except INTERRUPTS:
            raise
        except BaseException as error:  # a plugin may raise anything
            _log.warning("the normalizer %s raised %s and was passed over", normalizer.name, type(error).__name__)
            continue
        if isinstance(answer, Recipient | Rejected):
            return answer
    return Rejected(raw, InvalidRecipient(f"No normalizer knows addresses of the channel {channel}."))


def _alike(name: str, known: Iterable[str], most: int) -> list[str]:
    from difflib import get_close_matches  # nearly everybody's names are right

    return get_close_matches(name, known, most)


def _pick(kind: str, items: list[Any], wanted: tuple[str, ...] | None, problems: list[str]) -> tuple[Any, ...]:
    """Return exactly the wanted ones, in their order; all of them where nobody asked."""
    if wanted is None:
        return tuple(items)
    by_name = {item.name: item for item in items}
    for name in wanted:
        if name not in by_name:
            near = _alike(name, by_name, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(by_name)) or 'none'}"
            problems.append(f"{kind}s: there is no {kind} named {name}: {hint}")
    return tuple(by_name[name] for name in wanted if name in by_name)
