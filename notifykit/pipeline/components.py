"""What a notifier is made of: plugins, transports, sinks and limits, from settings; one error for all that is wrong."""

from __future__ import annotations

import datetime
import functools
import hashlib
import logging
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import attrs

from notifykit.counters import DryRunCounterStore, open_counter_store
from notifykit.errors import ConfigError, PluginError, all_of, raise_interrupt
from notifykit.events import Event
from notifykit.models.capabilities import Capabilities, Measurement
from notifykit.models.delivery import DeliveryReport
from notifykit.models.message import Channel, Message
from notifykit.pipeline.clock import PlannedClock, SystemClock
from notifykit.pipeline.context import RateLimiters, Reservations, SendContext
from notifykit.pipeline.delivery_reports import DeliveryTracker
from notifykit.pipeline.dispatcher import EventDispatcher
from notifykit.pipeline.forking import renew_in_child
from notifykit.pipeline.intercept import intercept
from notifykit.pipeline.log_redaction import Redaction
from notifykit.pipeline.retry import RetryPolicy
from notifykit.pipeline.sink_queue import QueuedSink
from notifykit.pipeline.stages import clean
from notifykit.plugins import PluginHost, Registry
from notifykit.plugins.registry import components
from notifykit.protocols import BuildContext, Cleaner, Clock, Guard, Sink, Transport, TransportFactory
from notifykit.protocols.engine import Engine
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import reference_problems
from notifykit.settings.files import STREAMS
from notifykit.settings.folders import key_beside
from notifykit.settings.sources import Settings
from notifykit.suggest import did_you_mean
from notifykit.templates.template import Template

_Part = TypeVar("_Part")


_log = logging.getLogger("notifykit.plugins")


class Components:
    """Everything that a notifier has, synchronous or asynchronous."""

    def __init__(
        self,
        transport: Via | None,
        *,
        settings: Settings | None = None,
        host: PluginHost | None = None,
        sinks: Sequence[Sink | Callable[[Event], None]] = (),
        cleaners: Sequence[Cleaner | Callable[[str], str]] = (),
        guards: Sequence[Guard] = (),
        clock: Clock | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self.settings = settings if settings is not None else Settings()
        if not isinstance(self.settings, Settings):
            raise TypeError("settings is a Settings: see Settings.load, or pass single settings to from_settings")
        if self.settings.sources.unreadable:
            self.settings.check()  # what else is missing may stand in the file
        problems = [ConfigError(problem) for problem in self.settings.problems]
        self.host = host or PluginHost(
            disable=self.settings.disable, allow=self.settings.allow, strict=self.settings.strict
        )
        self.clock = clock or SystemClock()
        #: What decides about another try.
        self.retry = retry or RetryPolicy()
        self._opening = threading.Lock()
        renew_in_child(self, _opening=threading.Lock)
        self.rate_limiters = RateLimiters(self.clock, self.settings.state_dir)
        self.counters = open_counter_store(self.clock, self.settings.state_dir)
        self._closed = False
        self._engine: Engine | None = None
        found: list[str] = []
        registry = _collect(problems, lambda: self.host.registry(self.settings, found)) or Registry()
        problems += map(ConfigError, found)
        self.registry = attrs.evolve(
            registry,
            cleaners=(*components("cleaner", cleaners, problems), *registry.cleaners),
            sinks=(*registry.sinks, *components("sink", sinks, problems)),
            guards=(*components("guard", guards, problems), *registry.guards),
        )
        self.builder = Builder(self.settings, self.registry, self.clock)
        wrong = [ConfigError(problem) for problem in self.builder.wrong_names()]
        problems += wrong
        # A problem may be why no transport is named: that is no second one. Wrong names could refer to themselves.
        build = self.builder.check if wrong else self.builder.default
        self.transport: Transport | None = _collect(problems, lambda: build(transport, silent=bool(problems)))
        if self.transport is not None:
            _collect(problems, functools.partial(self.rate_limiters.of, self.transport))
        redaction = _collect(problems, self._redaction) or Redaction()
        self._sinks = [self._queued(sink) for sink in self.registry.sinks]
        self.dispatcher = EventDispatcher(self._sinks, redaction, self.clock, strict=self.host.strict)
        self.delivery_reports = DeliveryTracker(self.dispatcher, self._store_reports)
        #: The templates of the settings, measured as this notifier measures texts.
        self.templates = self._templates(problems) if self.transport is not None else {}
        if problems:
            self.close()
            raise all_of(problems)

    def message(
        self,
        text: str,
        sender: str | None,
        channel: Channel | str,
        tags: str | Iterable[str],
        key: str | None,
        subject: str | None = None,
    ) -> Message:
        """Return the message of one call.

        :raises TypeError: if something is not a text.
        :raises ValueError: if there is no such channel.
        """
        tags = (tags,) if isinstance(tags, str) else tuple(tags)
        texts = [("text", text), *(("a tag", tag) for tag in tags)]
        texts += [
            (n, t) for n, t in (("sender", sender), ("idempotency_key", key), ("subject", subject)) if t is not None
        ]
        for name, value in texts:
            if not isinstance(value, str):
                raise TypeError(f"{name} is a {type(value).__name__}: give a str")
        if not isinstance(channel, Channel):
            if channel not in list(Channel):
                raise ValueError(f"channel is none of {', '.join(Channel)}")
            channel = Channel(channel)
        if self.settings.footer is not None:
            text = self.settings.footer.add(text, tags, channel=channel)
        return Message(text, channel, sender, tags, key, subject=subject)

    def context(
        self,
        via: Via | None,
        deadline: float | None,
        window: int | None,
        *,
        move_unknown: bool = False,
        dry_run: bool = False,
        at: datetime.datetime | None = None,
    ) -> SendContext:
        """Return the context of one send.

        :param dry_run: whether nothing is sent, so that what guards reserve is forgotten.
        :param at: the moment that is planned for; None for now.
        :raises ConfigError: if ``via`` can't be built.
        """
        if self._closed:
            self.require_open()
        transport = self.builder.of(via) if via is not None else self.transport
        assert transport is not None, "the constructor raises where there is no transport"
        deadline = deadline if deadline is not None else self.settings.deadline
        if deadline is not None and (isinstance(deadline, bool) or not isinstance(deadline, int | float)):
            raise TypeError(f"deadline is a {type(deadline).__name__}: give seconds")
        other = None if dry_run else intercept(transport)
        clock, counters, rate_limiters = (other or self).clock, (other or self).counters, (other or self).rate_limiters
        clock = clock if at is None else PlannedClock(clock, at)
        return SendContext(
            registry=self.registry,
            transport=transport,
            dispatcher=self.dispatcher,
            reservations=Reservations(DryRunCounterStore(counters, clock) if dry_run else counters, clock),
            clock=clock,
            retry=self.retry,
            rate_limiters=rate_limiters,
            timeout=self.settings.timeout,
            ends=None if deadline is None else clock.monotonic() + deadline,
            dedupe_window=window,
            move_unknown=move_unknown,
            unsupported=self.settings.unsupported,
            intercept=other.replace if other else None,
            on_prepared=other.on_prepared if other else None,
        )

    def measure(self, text: str, via: Via | None, channel: Channel | str) -> Measurement | None:
        """Return what a text takes up after cleaning; None where the transport does not measure."""
        message = self.message(text, None, channel, (), None)
        return clean(message, self.context(via, None, window=None, dry_run=True)).measurement

    def template(self, named: str | Template) -> Template:
        """Return a template of the settings by its name, or one that was made by hand, measured.

        :raises ConfigError: if the settings have no template of this name.
        """
        if isinstance(named, Template):
            return named.measured_by(self._measure)
        if not isinstance(named, str):
            raise TypeError(f"a template is named by a str or is a Template, and not a {type(named).__name__}")
        if named not in self.templates:
            known = ", ".join(sorted(self.templates)) or "none: they stand in a settings file below [templates]"
            hint = did_you_mean(named, self.templates, f"there are {known}")
            raise ConfigError(f"templates: there is none called {named!r:.60}: {hint}")
        return self.templates[named]

    def _measure(self, text: str) -> Measurement | None:
        return self.measure(text, None, Channel.SMS)

    def _templates(self, problems: list[ConfigError]) -> dict[str, Template]:
        found: dict[str, Template] = {}
        for name, template in self.settings.templates.items():
            try:
                found[name] = template.measured_by(self._measure)
            except ConfigError as error:
                problems.append(ConfigError(f"templates: {name}: {problem}" for problem in error.problems))
        return found

    def transports_for(self, via: Via | None) -> list[Transport]:
        """Return the transports that may have made a request: the one that is named, or all of this notifier.

        :raises ConfigError: if ``via`` can't be built.
        """
        self.require_open()
        if via is not None:
            return [self.builder.of(via)]
        return [transport for transport in (self.transport, *self.builder.built) if transport is not None]

    def require_open(self) -> None:
        """Raise a :class:`RuntimeError` where the notifier is closed."""
        if self._closed:
            raise RuntimeError("this notifier is closed: use it inside its with statement, or make a new one")

    def engine(self) -> Engine:
        """Return the engine that stores and sends jobs, built when it is first used.

        :raises ConfigError: if no plugin has one, or it can't be used.
        """
        self.require_open()
        with self._opening:
            if self._engine is None:
                if not self.registry.engines:
                    raise ConfigError("no plugin stores jobs: `notifykit plugins` lists what is switched off or broken")
                self._engine = self.registry.engines[0].build(self.settings, self)
            return self._engine

    def _store_reports(self, reports: Sequence[DeliveryReport]) -> None:
        """Store delivery reports beside the jobs, where this notifier or another one stores jobs already."""
        engines = self.registry.engines
        try:
            if engines and (self._engine is not None or engines[0].in_use(self.settings)):
                self.engine().record_delivery_reports(reports)
        except (ConfigError, UnicodeError) as error:  # a provider may use half of a surrogate pair
            why = error if isinstance(error, ConfigError) else "an id or a word in them is no text"
            _log.warning("%d delivery reports are not stored: %s", len(reports), why)

    def close(self) -> None:
        """Close what was built here: transports, and sinks that can be closed. One that raises stops no other."""
        self._closed = True
        engine, self._engine = self._engine, None
        closable = [
            *filter(None, (engine,)),
            *self.builder.built,
            *self._sinks,
            *self.registry.guards,
            self.counters,
        ]
        self.builder.forget()
        outer = sys.exception()
        for thing in closable:
            close = getattr(thing, "close", None)
            if close is None:
                continue
            try:
                close()
            except Exception as error:
                raise_interrupt(error, outer)
                _log.warning("%s raised %s while it was closed", type(thing).__name__, type(error).__name__)

    def _queued(self, sink: Sink) -> Sink:
        """Return a sink behind a queue, unless its attribute ``background`` is false.

        In strict mode what a sink raises is raised, and a virtual clock knows no slowness: there is no queue.
        """
        if self.host.strict or not self.clock.shared or not getattr(sink, "background", True):
            return sink

        def failed(name: str, error: BaseException, message_id: str) -> None:
            self.dispatcher.sink_failed(name, error, message_id)

        return QueuedSink(
            sink,
            self.settings.sink_queue,
            self.settings.sink_queue_full,
            failed,
        )

    def _redaction(self) -> Redaction:
        key: bytes | None = None
        if self.settings.hash_key:
            key = hashlib.sha256(self.settings.hash_key.reveal().encode()).digest()
        elif self.settings.log_file and self.settings.log_file not in STREAMS:
            key = key_beside(self.settings.sources.directory)
        return Redaction(self.settings.log_numbers, self.settings.log_body, key)


def _collect(problems: list[ConfigError], make: Callable[[], _Part]) -> _Part | None:
    try:
        return make()
    except ConfigError as error:
        problems += [error] if error.problems else []
        return None


def _no_text(name: str, given: object) -> TypeError:
    return TypeError(f"{name} is a {type(given).__name__}: give a str")


def _channel(channel: Channel | str) -> Channel:
    if isinstance(channel, Channel):
        return channel
    try:
        return Channel(channel)
    except ValueError:
        raise ValueError(f"channel is none of {', '.join(Channel)}") from None


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
        renew_in_child(self, _lock=threading.RLock)

    @property
    def built(self) -> tuple[Transport, ...]:
        """Everything that was built so far."""
        return tuple(self._built.values())

    def forget(self) -> None:
        """Forget what was built: it is closed."""
        self._built.clear()

    def default(self, transport: Via | None, *, silent: bool) -> Transport:
        """Return the transport of calls without ``via``.

        It is the one given, else that of the settings, else the one whose own settings are there.

        :param silent: whether another problem may be the reason why none is named.
        :raises ConfigError: if there is none.
        """
        if isinstance(transport, str):
            transport = Dsn.parse(transport)
        if transport is None:
            transport = self._settings.transport
        if transport is not None:
            return self.of(transport)
        configured = [f for f in _distinct(self._registry.transports.values()) if f.configured(self._settings)]
        if len(configured) == 1:
            return self.of(Dsn(configured[0].schemes[0]))
        if configured:
            raise ConfigError(
                f"transport: there are settings for {' and '.join(sorted(f.name for f in configured))}: "
                "say which with NOTIFYKIT_TRANSPORT or transport=, or share messages out among them, such as "
                f"route(channel=email => {configured[-1].schemes[0]}, {configured[0].schemes[0]})"
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

        :raises ConfigError: if it can't be built.
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
                problems = list(self._problems_of(dsn))
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
        tangled = reference_problems(self._settings.transports)
        yield from (f"transports: {problem}" for problem in tangled)
        for name, dsn in self._settings.transports.items():
            if name in self._registry.transports:
                yield f"transports: {name} is already what a plugin calls its transport: choose another name"
            # Without any transport the plugins could not be loaded, which is reported already.
            if self._registry.transports:
                yield from (f"transports: {name}: {problem}" for problem in self._problems_of(dsn))

    def check(self, transport: Via | None, *, silent: bool) -> Transport:
        """Raise what is wrong with a transport, as far as that is known without building it."""
        dsn = Dsn.parse(transport) if isinstance(transport, str) else transport or self._settings.transport
        raise ConfigError(
            f"transport: {problem}" for problem in (self._problems_of(dsn) if isinstance(dsn, Dsn) else ())
        )

    def _problems_of(self, dsn: Dsn) -> Iterable[str]:
        """Yield what is wrong with a transport's DSN and those in its brackets, as far as their plugins know."""
        factory = self._registry.transports.get(dsn.scheme)
        if dsn.is_name and dsn.scheme in self._settings.transports:
            return
        if factory is None:
            yield from self._unknown_scheme(dsn)
        elif factory.takes_parts and not dsn.parts:
            yield f"{dsn.scheme} needs transports in brackets: {dsn.scheme}(kwtsms, webhook://host)"
        elif dsn.parts and not factory.takes_parts:
            composites = sorted(name for name, other in self._registry.transports.items() if other.takes_parts)
            known = f"; those that do are {', '.join(composites)}" if composites else ""
            yield f"{dsn.scheme} takes no transports in brackets{known}"
        for number, part in enumerate(dsn.parts, 1):
            yield from (f"part {number} of {dsn.scheme}: {problem}" for problem in self._problems_of(part.dsn))

    def _unknown_scheme(self, dsn: Dsn) -> Iterable[str]:
        scheme = dsn.scheme
        named = self._settings.transports
        if scheme in ("http", "https"):
            yield f"to post to an address of your own, write webhook{'+http' * (scheme == 'http')}://host/path"
        elif scheme in named:
            yield f"{scheme} is a name in the settings: it stands alone, without a host, options or brackets"
        # Where the names can't be read, it may be one of them: that is no second problem.
        elif not any(problem.startswith("transports ") for problem in self._settings.problems):
            known = sorted({*self._registry.transports, *named})
            hint = did_you_mean(scheme, known, f"there are {', '.join(known) or 'none'};")
            yield f"no plugin brings {scheme!r}: {hint} `notifykit plugins` lists what is broken"

    def _make(self, factory: TransportFactory, dsn: Dsn) -> Transport:
        outer = sys.exception()
        try:
            return factory.build(dsn, BuildContext(self._settings, self._clock, self.of, self._imitate))
        except ConfigError:
            raise
        except BaseException as error:  # a plugin may raise anything
            raise_interrupt(error, outer)
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
