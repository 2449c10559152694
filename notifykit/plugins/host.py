"""Loads plugins and lists them; one that fails is quarantined with its traceback, and the others go on.

A host is an object, and nothing loads at import: a test builds one with exactly the plugins it wants.
"""

from __future__ import annotations

import enum
import functools
import itertools
import logging
import traceback
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import pluggy

from notifykit import hookspecs
from notifykit.errors import ConfigError, PluginError, raise_interrupt
from notifykit.plugins import discovery
from notifykit.plugins.builtins import BUILTINS
from notifykit.plugins.discovery import Candidate
from notifykit.suggest import did_you_mean

if TYPE_CHECKING:
    import click

    from notifykit.plugins.registry import Contribution, Registry
    from notifykit.protocols import About
    from notifykit.settings.sources import Settings

_log = logging.getLogger("notifykit.plugins")
# Without a handler, Python would write a library's warnings to standard error.
logging.getLogger("notifykit").addHandler(logging.NullHandler())


class Status(enum.StrEnum):
    """The state of a plugin."""

    OK = "ok"
    DISABLED = "disabled"
    BROKEN = "broken"
    #: A component of it has a name that an earlier plugin has taken; the rest of it works.
    SHADOWED = "shadowed"


@attrs.frozen
class PluginInfo:
    """What is known about one plugin."""

    #: Its name: the entry point's, or the one it was registered under.
    name: str
    #: Its state.
    status: Status
    #: The distribution it came with.
    distribution: str
    #: That distribution's version.
    version: str | None
    #: The module or object it is.
    location: str
    #: The hooks it implements.
    hooks: tuple[str, ...] = ()
    #: Its components, ``sink:audit``, in its order.
    brings: tuple[str, ...] = ()
    #: Those of them that were switched off by their own names.
    off: tuple[str, ...] = ()
    #: Why it is not simply ok.
    reason: str | None = None
    #: The traceback of what broke it.
    traceback: str | None = attrs.field(default=None, repr=False)


class _Manager(pluggy.PluginManager):
    """Looks for hooks among a plugin's own names, and not among the two dozen that every object has."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)


class PluginHost:
    """Finds, loads and lists plugins.

    :param disable: names of plugins, or of their components, to leave out.
    :param allow: the only installed plugins to load; None for all. The framework's own are always allowed.
    :param strict: raise for the first broken plugin instead of quarantining it.
    :param entry_points: whether installed plugins are looked for.
    :param builtins: dotted paths of the framework's own plugins.
    :raises PluginError: if two plugins have one name; in strict mode also for the first broken one.
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
        """Names in ``disable`` that no plugin and no component has."""
        items = {item for info in self._infos.values() for item in info.brings}
        known = {*self._infos, *items, *(item.partition(":")[2] for item in items)}
        return tuple(sorted(self._disable - known))

    def trace(self, write: Callable[[str], Any]) -> None:
        """Write a line for every hook call from now on, with its arguments and its result."""
        self._manager.trace.root.setwriter(write)
        self._manager.enable_tracing()

    def register(self, plugin: object, name: str | None = None) -> str:
        """Take in a plugin that is not installed, ahead of those that are, and return its name.

        :raises PluginError: if the name is taken, or in strict mode where the plugin is broken.
        """
        name = name or getattr(plugin, "__name__", None) or type(plugin).__name__
        location = getattr(plugin, "__name__", None) or f"{type(plugin).__module__}.{type(plugin).__qualname__}"
        self._admit(Candidate(str(name), "registered by hand", None, str(location), lambda: plugin, tier=0))
        return str(name)

    def registry(self, settings: Settings, found: list[str] | None = None) -> Registry:
        """Return the components of all plugins, in their order.

        :param found: where problems are added, instead of being raised.
        :raises ConfigError: if the settings name components that no plugin brings, or a plugin's own settings are
            wrong: a person has to correct those, so that the plugin is not left out.
        :raises PluginError: in strict mode for the first plugin that is broken.
        """
        # Imported here: the list of commands needs none of this.
        from notifykit.plugins.registry import SHAPES, Registry, normalize, pick

        problems: list[str] = [] if found is None else found
        wrong: set[str] = set()
        # Guards get the normalizers, so they come last.
        contributions = self._collect([kind for kind in SHAPES if kind != "guard"], problems, wrong, settings=settings)
        normalizers = [each.item for each in sorted(contributions, key=_by_rank) if each.kind == "normalizer"]
        read = functools.partial(normalize, pick("normalizer", normalizers, settings.normalizers, []))
        contributions += self._collect(["guard"], problems, wrong, settings=settings, normalize=read)
        working = [each for each in contributions if self._manager.has_plugin(each.plugin)]
        chosen = self._unshadowed(sorted(working, key=_by_rank))
        for name in self.unmatched:
            hint = did_you_mean(name, self._infos, "", form="; did you mean {}?")
            _log.warning("nothing is named %s, so nothing was switched off%s", name, hint)
        in_order: dict[str, Any] = {
            # What a plugin with wrong settings would have brought is not missing: that is no second problem.
            f"{kind}s": pick(
                kind,
                [each.item for each in chosen if each.kind == kind],
                wanted and tuple(name for name in wanted if name not in wrong),
                problems,
            )
            for kind, wanted in (
                ("normalizer", settings.normalizers),
                ("cleaner", settings.cleaners),
                ("guard", settings.guards),
                ("sink", settings.sinks),
            )
        }
        if problems and found is None:
            raise ConfigError(problems)
        return Registry(
            transports={s: each.item for each in chosen if each.kind == "transport" for s in each.item.schemes},
            engines=tuple(each.item for each in chosen if each.kind == "engine"),
            **in_order,
        )

    def commands(self) -> dict[str, tuple[click.Command, PluginInfo]]:
        """Return the commands that plugins bring, by name, each with the plugin it came from.

        The framework's own come first, so that no plugin can take their names.
        """
        commands: dict[str, tuple[click.Command, PluginInfo]] = {}
        for name in sorted(self._names(), key=lambda name: self._tiers[name] != 2):
            try:
                contributions = self._commands(name, commands)
            except BaseException as error:  # a plugin may raise anything
                self._quarantine(name, error)
                continue
            components = (item for item in self._infos[name].brings if not item.startswith("command:"))
            self._list(name, (*components, *(f"command:{label}" for label in contributions)))
            commands |= {label: (command, self._infos[name]) for label, command in contributions.items()}
        return {label: pair for label, pair in commands.items() if not self._is_off(f"command:{label}")}

    def about(self) -> dict[str, About]:
        """Return what plugins describe of themselves, by their names."""
        from notifykit.protocols import About

        found: dict[str, About] = {}
        for name in self._names():
            try:
                for about in self._call(name, "notifykit_about"):
                    if not isinstance(about, About):
                        raise PluginError(name, f"notifykit_about brings a {type(about).__name__}, not an About")
                    found[name] = about
            except BaseException as error:  # a plugin may raise anything
                self._quarantine(name, error)
        return found

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
        except BaseException as error:  # a plugin may raise anything while it is imported
            self._quarantine(name, error)

    def _quarantine(self, name: str, error: BaseException) -> None:
        """Unregister a plugin, and keep the reason and the traceback; an interrupt is raised."""
        raise_interrupt(error, error.__cause__ or error.__context__)
        reason = error.detail if isinstance(error, PluginError) else _describe(error)
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
        _log.warning("plugin %s was quarantined: %s", name, reason)

    def _names(self) -> list[str]:
        working = [name for name in self._infos if self._manager.has_plugin(name)]
        return sorted(working, key=lambda name: (self._tiers[name], name if self._tiers[name] == 1 else ""))

    def _call(self, name: str, hook: str, **arguments: Any) -> list[Any]:
        """Call one hook of one plugin only, so that an error in it breaks no other."""
        if hook not in self._infos[name].hooks:
            return []
        plugin = self._manager.get_plugin(name)
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        return list(self._manager.subset_hook_caller(hook, others)(**arguments))

    def _collect(
        self, kinds: Sequence[str], problems: list[str], wrong: set[str], **arguments: Any
    ) -> list[Contribution]:
        """Return what all plugins bring of some kinds; a plugin that fails is quarantined, and brings nothing.

        :param problems: what is wrong with the settings of plugins is added to it.
        :param wrong: the names of these plugins are added to it.
        """
        contributions: list[Contribution] = []
        for name in self._names():
            try:
                contributions += self._contributions(name, kinds, arguments)
            except ConfigError as error:
                problems += error.problems
                wrong.add(name)
            except BaseException as error:  # a plugin may raise anything
                self._quarantine(name, error)
        return contributions

    def _contributions(self, name: str, kinds: Sequence[str], arguments: Mapping[str, Any]) -> list[Contribution]:
        from notifykit.plugins.registry import Contribution, component

        found: list[Contribution] = []
        for kind in kinds:
            hook = f"notifykit_{kind}s"
            for item in itertools.chain.from_iterable(self._call(name, hook, **arguments)):
                rank = (self._rank(name, hook), self._tiers[name])
                found.append(Contribution(kind, component(name, kind, item), name, rank))
        others = [item for item in self._infos[name].brings if item.partition(":")[0] not in kinds]
        self._infos[name] = attrs.evolve(self._infos[name], status=Status.OK, reason=None)
        self._list(name, sorted((*others, *map(str, found)), key=lambda item: item.startswith("command:")))
        return [each for each in found if not self._is_off(str(each))]

    def _list(self, name: str, brings: Iterable[str]) -> None:
        """Record what a working plugin brings."""
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

    def _unshadowed(self, contributions: Sequence[Contribution]) -> list[Contribution]:
        users: dict[str, Contribution] = {}
        kept = []
        for contribution in contributions:
            labels = [str(contribution)]
            if contribution.kind == "transport":
                labels = [f"transport:{scheme}" for scheme in contribution.item.schemes]
            taken = next((label for label in labels if label in users), None)
            if taken is None:
                users |= dict.fromkeys(labels, contribution)
                kept.append(contribution)
                continue
            reason = f"{taken} is already brought by plugin {users[taken].plugin!r}"
            self._infos[contribution.plugin] = attrs.evolve(
                self._infos[contribution.plugin], status=Status.SHADOWED, reason=reason
            )
            if self.strict:
                raise PluginError(contribution.plugin, reason)
            _log.warning("plugin %s: %s; the earlier one is used", contribution.plugin, reason)
        return kept


def _by_rank(contribution: Contribution) -> tuple[int, int]:
    return contribution.rank


def _describe(error: BaseException) -> str:
    """Return the type and the text of an exception; the type alone where its ``str`` raises."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # a plugin's exception may raise in its own __str__
        return type(error).__name__


def _check_identity(name: str, plugin: object) -> None:
    """Refuse a plugin without a hash or with an odd ``__eq__``: the manager keeps plugins in sets, and compares them."""
    hash(plugin)
    if plugin == object():
        raise PluginError(name, "it equals every object, so the host can't know it from other plugins")
