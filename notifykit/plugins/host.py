"""Loads plugins and lists them; one that fails is quarantined with its traceback, and the others go on.

A host is an object, and nothing loads at import: a test builds one with exactly the plugins it wants.
"""

from __future__ import annotations

import enum
import functools
import itertools
import logging
import traceback
from collections.abc import Callable, Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import pluggy

from notifykit import hookspecs
from notifykit.errors import INTERRUPTS, ConfigError, PluginError
from notifykit.plugins import discovery
from notifykit.plugins.builtins import BUILTINS
from notifykit.plugins.discovery import Candidate
from notifykit.plugins.registry import SHAPES, Contribution, Registry, component, normalize, pick
from notifykit.protocols import About
from notifykit.suggest import did_you_mean

if TYPE_CHECKING:
    import click

    from notifykit.settings.sources import Settings

_log = logging.getLogger("notifykit.plugins")
# A library says nothing by itself: without a handler, Python would write warnings to standard error.
logging.getLogger("notifykit").addHandler(logging.NullHandler())


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
        for candidate in itertools.chain(discovery.installed() if entry_points else (), discovery.built_in(builtins)):
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
        self._admit(Candidate(str(name), "registered by hand", None, str(location), lambda: plugin, tier=0))
        return str(name)

    def registry(self, settings: Settings) -> Registry:
        """Ask every plugin what it brings and return it in order.

        :raises ConfigError: where the settings name components that no plugin brings, or a plugin says that its own
            settings are wrong: that is for a person to put right, and no reason to go on without the plugin.
        :raises PluginError: in strict mode for the first plugin that is broken.
        """
        brought: list[Contribution] = []
        problems: list[str] = []
        for name in self._names():
            try:
                brought += self._contributions(name, [kind for kind in SHAPES if kind != "guard"], settings=settings)
            except ConfigError as error:
                problems += error.problems
        ranked = sorted(brought, key=lambda contribution: contribution.rank)
        normalizers = [contribution.item for contribution in ranked if contribution.kind == "normalizer"]
        read = functools.partial(normalize, pick("normalizer", normalizers, settings.normalizers, []))
        for name in self._names():
            try:
                brought += self._contributions(name, ["guard"], settings=settings, normalize=read)
            except ConfigError as error:
                problems += error.problems
        brought = [contribution for contribution in brought if self._manager.has_plugin(contribution.plugin)]
        chosen = self._unshadowed(sorted(brought, key=lambda contribution: contribution.rank))
        self._warn()
        components = {
            kind: pick(kind, [c.item for c in chosen if c.kind == kind], wanted, problems)
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
            normalizers=components["normalizer"],
            cleaners=components["cleaner"],
            transports={s: c.item for c in chosen if c.kind == "transport" for s in c.item.schemes},
            sinks=components["sink"],
            engines=tuple(c.item for c in chosen if c.kind == "engine"),
            guards=components["guard"],
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
                self._quarantine(name, error)
                continue
            components = (item for item in self._infos[name].brings if not item.startswith("command:"))
            self._list(name, (*components, *(f"command:{label}" for label in brought)))
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
                self._quarantine(name, error)
        return told

    def _commands(self, name: str, taken: Container[str]) -> dict[str, click.Command]:
        mine: dict[str, click.Command] = {}

        def register(command: click.Command) -> None:
            if not command.name or command.name in taken or command.name in mine:
                raise PluginError(name, f"the command name {command.name!r} is taken")
            mine[command.name] = command

        self._call(name, "notifykit_commands", register=register)
        return mine

    def _admit(self, candidate: Candidate) -> None:
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

    def _load(self, candidate: Candidate) -> None:
        name = candidate.name
        try:
            plugin = candidate.load()
            plugin = plugin() if isinstance(plugin, type) else plugin
            _check_identity(name, plugin)
            self._manager.register(plugin, name)
            hooks = tuple(caller.name for caller in self._manager.get_hookcallers(self._manager.get_plugin(name)) or ())
            unknown = [hook for hook in hooks if not hasattr(hookspecs, hook)]
            if unknown:
                known = [hook for hook in dir(hookspecs) if hook.startswith("notifykit_")]
                hint = did_you_mean(unknown[0], known, "", form="; did you mean {}?")
                raise PluginError(name, f"there is no hook {unknown[0]!r}{hint}")
            self._infos[name] = attrs.evolve(self._infos[name], hooks=tuple(sorted(hooks)))
        except INTERRUPTS:
            raise
        except BaseException as error:  # a plugin may raise anything while it is imported
            self._quarantine(name, error)

    def _quarantine(self, name: str, error: BaseException) -> None:
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

    def _contributions(self, name: str, kinds: Sequence[str], **arguments: Any) -> list[Contribution]:
        brought: list[Contribution] = []
        try:
            for kind in kinds:
                hook = f"notifykit_{kind}s"
                for item in itertools.chain.from_iterable(self._call(name, hook, **arguments)):
                    rank = (self._rank(name, hook), self._tiers[name])
                    brought.append(Contribution(kind, component(name, kind, item), name, rank))
        except (ConfigError, *INTERRUPTS):
            raise
        except BaseException as error:  # a plugin may raise anything
            self._quarantine(name, error)
            return []
        others = [item for item in self._infos[name].brings if item.partition(":")[0] not in kinds]
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

    def _rank(self, name: str, hook: str) -> int:
        """Return 0 for ``tryfirst``, 2 for ``trylast``, else 1."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            if implementation.plugin_name == name:
                return 0 if implementation.tryfirst else 2 if implementation.trylast else 1
        return 1

    def _unshadowed(self, brought: Sequence[Contribution]) -> list[Contribution]:
        owners: dict[str, Contribution] = {}
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
            hint = did_you_mean(name, self._infos, "", form="; did you mean {}?")
            _log.warning("nothing is named %s, so nothing was switched off%s", name, hint)


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
