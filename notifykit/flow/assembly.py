"""Putting a notifier together: plugins, transport, sinks and limits, from settings; one error for all that is wrong."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from notifykit.dsn import Dsn
from notifykit.errors import INTERRUPTS, ConfigError, all_of
from notifykit.flow.book import Overlay, open_book
from notifykit.flow.building import Builder, Via
from notifykit.flow.clock import SystemClock
from notifykit.flow.context import Pacers, SendContext
from notifykit.flow.detour import detour
from notifykit.flow.dispatcher import EventDispatcher, Redaction
from notifykit.flow.hashkey import key_beside
from notifykit.flow.hearing import Hearing
from notifykit.flow.reserving import Reservations
from notifykit.flow.retrying import RetryPolicy
from notifykit.flow.stages import clean
from notifykit.models import Channel, Measurement, Message
from notifykit.plugins import PluginHost, Registry
from notifykit.protocols import Clock, Engine, Guard, Sink, Transport
from notifykit.settings import Settings
from notifykit.suggest import did_you_mean
from notifykit.templates import Template

_Part = TypeVar("_Part")
_log = logging.getLogger("notifykit.plugins")


class Assembly:
    """Everything that a notifier has, whether its caller waits or awaits."""

    def __init__(
        self,
        transport: Via | None,
        *,
        settings: Settings | None = None,
        host: PluginHost | None = None,
        sinks: Sequence[Sink] = (),
        guards: Sequence[Guard] = (),
        clock: Clock | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self.settings = settings if settings is not None else Settings()
        if not isinstance(self.settings, Settings):
            raise TypeError("settings is a Settings: see Settings.load, or pass single settings to from_settings")
        problems = [ConfigError(problem) for problem in self.settings.problems]
        self.host = host or PluginHost(
            disable=self.settings.disable, allow=self.settings.allow, strict=self.settings.strict
        )
        self.clock = clock or SystemClock()
        #: What decides over another try.
        self.retry = retry or RetryPolicy()
        self._opening = threading.Lock()
        self.pacers = Pacers(self.clock, self.settings.state_dir)
        self.book = open_book(self.clock, self.settings.state_dir)
        self._closed = False
        self._engine: Engine | None = None
        self.registry = _collect(problems, lambda: self.host.registry(self.settings)) or Registry()
        problems += [
            ConfigError(f"sinks: {sink!r:.60} is no sink: it needs a name and a handle method")
            for sink in _no_sinks(sinks)
        ]
        problems += [
            ConfigError(f"guards: {guard!r:.60} is no guard: it needs a name and a judge method")
            for guard in _no_guards(guards)
        ]
        self.registry = attrs.evolve(
            self.registry, sinks=(*self.registry.sinks, *sinks), guards=(*guards, *self.registry.guards)
        )
        self.builder = Builder(self.settings, self.registry, self.clock)
        wrong = [ConfigError(problem) for problem in self.builder.wrong_names()]
        problems += wrong
        # What is wrong may be the reason why nothing says which transport: that is no second problem. From names that
        # are wrong nothing is built: they could lead round in a circle.
        build = self.builder.looked_at if wrong else self.builder.default
        self.transport = _collect(problems, lambda: build(transport, silent=bool(problems)))
        if self.transport is not None:
            _collect(problems, functools.partial(self.pacers.of, self.transport))
        redaction = _collect(problems, self._redaction) or Redaction()
        self.dispatcher = EventDispatcher(self.registry.sinks, redaction, self.clock, strict=self.host.strict)
        self.hearing = Hearing(self.dispatcher)
        #: The templates of the settings, measured as this notifier's texts are.
        self.templates = self._templates(problems) if self.transport is not None else {}
        if problems:
            self.close()
            raise all_of(problems)

    @classmethod
    def from_settings(
        cls,
        transport: Via | None,
        *,
        env_file: str | os.PathLike[str] | None,
        directory: str | os.PathLike[str],
        environment: Mapping[str, str] | None,
        arguments: Mapping[str, Any],
        **parts: Any,
    ) -> Assembly:
        """Load the settings, then put everything together by them."""
        if isinstance(environment, str):
            raise TypeError(
                "environment is a mapping of variables; which environment this is, NOTIFYKIT_ENVIRONMENT says"
            )
        named = transport if isinstance(transport, str | Dsn) else None
        settings = Settings.load(
            {"transport": named, **arguments}, environment=environment, directory=directory, env_file=env_file
        )
        return cls(None if named else transport, settings=settings, **parts)

    def message(
        self,
        text: str,
        sender: str | None,
        channel: Channel | str,
        tags: str | Iterable[str],
        key: str | None,
        subject: str | None = None,
    ) -> Message:
        """Return what one call says.

        :raises TypeError: where something is not a text.
        :raises ValueError: where there is no such channel.
        """
        tags = (tags,) if isinstance(tags, str) else tuple(tags)
        if not isinstance(text, str):
            raise _no_text("text", text)
        for name, given in (("sender", sender), ("idempotency_key", key), ("subject", subject)):
            if given is not None and not isinstance(given, str):
                raise _no_text(name, given)
        for tag in tags:
            if not isinstance(tag, str):
                raise _no_text("a tag", tag)
        return Message(text, _channel(channel), sender, tags, key, subject=subject)

    def context(
        self,
        via: Via | None,
        deadline: float | None,
        window: int | None,
        *,
        move_unknown: bool = False,
        rehearsed: bool = False,
    ) -> SendContext:
        """Return what one send is done with.

        :param rehearsed: whether nothing is sent, so that what guards write down is forgotten.
        :raises ConfigError: where ``via`` can't be built.
        """
        if self._closed:
            raise RuntimeError("this notifier is closed: send inside its with statement, or make a new one")
        transport = self.builder.of(via) if via is not None else self.transport
        assert transport is not None, "the constructor raises where there is no transport"
        deadline = deadline if deadline is not None else self.settings.deadline
        if deadline is not None and (isinstance(deadline, bool) or not isinstance(deadline, int | float)):
            raise TypeError(f"deadline is a {type(deadline).__name__}: give seconds")
        other = None if rehearsed else detour(transport)
        clock, book, pacers = (other or self).clock, (other or self).book, (other or self).pacers
        return SendContext(
            registry=self.registry,
            transport=transport,
            dispatcher=self.dispatcher,
            reservations=Reservations(Overlay(book, clock) if rehearsed else book, clock),
            clock=clock,
            retry=self.retry,
            pacers=pacers,
            timeout=self.settings.timeout,
            ends=None if deadline is None else clock.monotonic() + deadline,
            dedupe_window=window,
            move_unknown=move_unknown,
            unsupported=self.settings.unsupported,
            intercept=other.instead if other else None,
            on_prepared=other.told if other else None,
        )

    def measure(self, text: str, via: Via | None, channel: Channel | str) -> Measurement | None:
        """Return what a text takes up after cleaning; None where the transport does not measure."""
        message = self.message(text, None, channel, (), None)
        return clean(message, self.context(via, None, window=None, rehearsed=True)).measurement

    def template(self, named: str | Template) -> Template:
        """Return a template of the settings by its name, or one that was made by hand, measured.

        :raises ConfigError: where the settings have no template of this name.
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

    def carriers(self, via: Via | None) -> list[Transport]:
        """Return the transports that may have made a request: the one that is named, or all that are known here.

        :raises ConfigError: where ``via`` can't be built.
        """
        self.insist_on_open()
        if via is not None:
            return [self.builder.of(via)]
        return [transport for transport in (self.transport, *self.builder.built) if transport is not None]

    def insist_on_open(self) -> None:
        """Raise a :class:`RuntimeError` where the notifier is closed."""
        if self._closed:
            raise RuntimeError("this notifier is closed: use it inside its with statement, or make a new one")

    def engine(self) -> Engine:
        """Return what keeps sends on disk, built when it is first asked for.

        :raises ConfigError: where nobody brings one, or it can't be used.
        """
        self.insist_on_open()
        with self._opening:
            if self._engine is None:
                if not self.registry.engines:
                    raise ConfigError("no plugin keeps jobs: `notifykit plugins` lists what is switched off or broken")
                self._engine = self.registry.engines[0].build(self.settings, self)
            return self._engine

    def close(self) -> None:
        """Close what was built here: transports, and sinks that can be closed. One that raises stops no other."""
        self._closed = True
        engine, self._engine = self._engine, None
        closable = [
            *filter(None, (engine,)),
            *self.builder.built,
            *self.registry.sinks,
            *self.registry.guards,
            self.book,
        ]
        self.builder.forget()
        for thing in closable:
            close = getattr(thing, "close", None)
            if close is None:
                continue
            try:
                close()
            except INTERRUPTS:
                raise
            except BaseException as error:  # a plugin may raise anything
                _log.warning("%s raised %s while it was closed", type(thing).__name__, type(error).__name__)

    def _redaction(self) -> Redaction:
        key: bytes | None = None
        if self.settings.hash_key:
            key = hashlib.sha256(self.settings.hash_key.reveal().encode()).digest()
        elif self.settings.log_file:
            key = key_beside(self.settings.sources.directory)
        return Redaction(self.settings.log_numbers, self.settings.log_body, key)


def _collect(problems: list[ConfigError], make: Callable[[], _Part]) -> _Part | None:
    try:
        return make()
    except ConfigError as error:
        problems += [error] if error.problems else []
        return None


def _no_sinks(sinks: Iterable[Sink]) -> list[object]:
    if not isinstance(sinks, Iterable):
        raise TypeError("sinks is a list of sinks")
    return [sink for sink in sinks if not (hasattr(sink, "name") and hasattr(sink, "handle"))]


def _no_guards(guards: Iterable[Guard]) -> list[object]:
    if not isinstance(guards, Iterable):
        raise TypeError("guards is a list of guards")
    return [guard for guard in guards if not (hasattr(guard, "name") and hasattr(guard, "judge"))]


def _no_text(name: str, given: object) -> TypeError:
    return TypeError(f"{name} is a {type(given).__name__}: give a str")


def _channel(channel: Channel | str) -> Channel:
    if isinstance(channel, Channel):
        return channel
    try:
        return Channel(channel)
    except ValueError:
        raise ValueError(f"channel is none of {', '.join(Channel)}") from None
