"""Transports by their names and DSNs, each built once."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from notifykit.dsn import Dsn
from notifykit.errors import INTERRUPTS, ConfigError, PluginError
from notifykit.models import Capabilities
from notifykit.plugins import Registry
from notifykit.protocols import BuildContext, Clock, Transport, TransportFactory
from notifykit.settings import Settings, tangles
from notifykit.suggest import did_you_mean

#: How a caller may name a transport.
Via = str | Dsn | Transport


class Builder:
    """Builds the transports of one notifier.

    :param settings: the settings, with the names of transports.
    :param registry: who builds what.
    :param clock: the time.
    """

    def __init__(self, settings: Settings, registry: Registry, clock: Clock) -> None:
        self._settings = settings
        self._registry = registry
        self._clock = clock
        self._built: dict[Dsn, Transport] = {}
        self._lock = threading.RLock()

    @property
    def built(self) -> tuple[Transport, ...]:
        """Everything that was built so far."""
        return tuple(self._built.values())

    def forget(self) -> None:
        """Forget what was built: it is closed."""
        self._built.clear()

    def default(self, transport: Via | None, *, silent: bool) -> Transport:
        """Return what carries the messages of calls that name nothing.

        It is the one given, else that of the settings, else the one that the settings are plainly meant for.

        :param silent: whether something else is wrong that may be the reason why none is named.
        :raises ConfigError: where there is none.
        """
        if isinstance(transport, str):
            transport = Dsn.parse(transport)
        if transport is None:
            transport = self._settings.transport
        if transport is not None:
            return self.of(transport)
        meant = [f for f in _distinct(self._registry.transports.values()) if f.configured(self._settings)]
        if len(meant) == 1:
            return self.of(Dsn(meant[0].schemes[0]))
        if meant:
            raise ConfigError(
                f"transport: the settings fit {' and '.join(sorted(f.name for f in meant))}: "
                "say which with NOTIFYKIT_TRANSPORT or transport=, or share messages out among them, such as "
                f"route(channel=email => {meant[-1].schemes[0]}, {meant[0].schemes[0]})"
            )
        if silent:
            raise ConfigError(())
        raise ConfigError(
            "transport: nothing says what carries the messages. Set NOTIFYKIT_TRANSPORT to a name "
            f"({', '.join(sorted(self._registry.transports))}) or a DSN, or give KWTSMS_USERNAME and KWTSMS_PASSWORD; "
            "`notifykit demo` works without"
        )

    def of(self, via: Via) -> Transport:
        """Return a transport by its object, its name or its DSN, built once.

        :raises ConfigError: where it can't be built.
        """
        if not isinstance(via, str | Dsn):
            if isinstance(via, type) or not all(hasattr(via, name) for name in ("name", "capabilities", "send")):
                what = f"the class {via.__name__}" if isinstance(via, type) else f"a {type(via).__name__}"
                raise ConfigError(f"transport: {what} carries nothing: give a transport's name, a DSN or an object")
            return via
        dsn = self._settings.named(Dsn.parse(via) if isinstance(via, str) else via)
        # A composite's factory comes back here for its parts; what two threads ask for at once is built once.
        with self._lock:
            if dsn not in self._built:
                problems = list(self._misfits(dsn))
                if problems or dsn.scheme not in self._registry.transports:
                    raise ConfigError(f"transport: {problem}" for problem in problems)
                self._built[dsn] = self._make(self._registry.transports[dsn.scheme], dsn)
            return self._built[dsn]

    def names(self, transport: Transport) -> tuple[str, ...]:
        """Return the names in the settings that stand for a transport which was built here, in their order."""
        return tuple(
            name for name in self._settings.transports if self._built.get(self._settings.named(Dsn(name))) is transport
        )

    def wrong_names(self) -> Iterable[str]:
        """Yield what is wrong with the names in the settings, without building what they stand for."""
        tangled = tangles(self._settings.transports)
        yield from (f"transports: {problem}" for problem in tangled)
        for name, dsn in self._settings.transports.items():
            if name in self._registry.transports:
                yield f"transports: {name} is already what a plugin calls its transport: choose another name"
            # Without any transport the plugins could not be asked, and that is told already.
            if self._registry.transports:
                yield from (f"transports: {name}: {problem}" for problem in self._misfits(dsn))

    def looked_at(self, transport: Via | None, *, silent: bool) -> Transport:
        """Build nothing, and raise for what can be told of a transport without."""
        dsn = Dsn.parse(transport) if isinstance(transport, str) else transport or self._settings.transport
        raise ConfigError(f"transport: {problem}" for problem in (self._misfits(dsn) if isinstance(dsn, Dsn) else ()))

    def _misfits(self, dsn: Dsn) -> Iterable[str]:
        """Yield what is wrong with a transport's DSN and those in its brackets, as far as their plugins tell."""
        factory = self._registry.transports.get(dsn.scheme)
        if dsn.is_name and dsn.scheme in self._settings.transports:
            return
        if factory is None:
            yield from self._nobody_brings(dsn)
        elif factory.takes_parts and not dsn.parts:
            yield f"{dsn.scheme} needs transports in brackets: {dsn.scheme}(kwtsms, webhook://host)"
        elif dsn.parts and not factory.takes_parts:
            composites = sorted(name for name, other in self._registry.transports.items() if other.takes_parts)
            known = f"; those that do are {', '.join(composites)}" if composites else ""
            yield f"{dsn.scheme} takes no transports in brackets{known}"
        for number, part in enumerate(dsn.parts, 1):
            yield from (f"part {number} of {dsn.scheme}: {problem}" for problem in self._misfits(part.dsn))

    def _nobody_brings(self, dsn: Dsn) -> Iterable[str]:
        scheme = dsn.scheme
        named = self._settings.transports
        if scheme in ("http", "https"):
            yield f"to post to an address of your own, write webhook{'+http' * (scheme == 'http')}://host/path"
        elif scheme in named:
            yield f"{scheme} is a name in the settings: it stands alone, without a host, options or brackets"
        # Where the names can't be read, it may well be one of them: that is no second problem.
        elif not any(problem.startswith("transports ") for problem in self._settings.problems):
            known = sorted({*self._registry.transports, *named})
            hint = did_you_mean(scheme, known, f"there are {', '.join(known) or 'none'};")
            yield f"no plugin brings {scheme!r}: {hint} `notifykit plugins` lists what is broken"

    def _make(self, factory: TransportFactory, dsn: Dsn) -> Transport:
        try:
            return factory.build(dsn, BuildContext(self._settings, self._clock, self.of, self._imitate))
        except (ConfigError, *INTERRUPTS):
            raise
        except BaseException as error:  # a plugin may raise anything
            raise PluginError(factory.name, f"building its transport raised {type(error).__name__}") from error

    def _imitate(self, scheme: str | None) -> Capabilities | None:
        if scheme is not None:
            factory = self._registry.transports.get(scheme)
            return factory.capabilities() if factory and factory.capabilities else None
        for factory in self._registry.transports.values():
            capabilities = factory.capabilities() if factory.capabilities else None
            if capabilities and capabilities.measure:
                return capabilities
        return None


def _distinct(factories: Iterable[Any]) -> list[Any]:
    return list({id(factory): factory for factory in factories}.values())
