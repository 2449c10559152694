"""Putting a notifier together: plugins, transport, sinks and limits, from settings; one error for all that is wrong."""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import logging
import os
import pathlib
import secrets
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import attrs

from notifykit.dsn import Dsn
from notifykit.errors import INTERRUPTS, ConfigError, PluginError, all_of
from notifykit.flow.clock import SystemClock
from notifykit.flow.recording import Recorder, Redaction
from notifykit.flow.retrying import RetryPolicy
from notifykit.flow.trip import Pacers, Trip
from notifykit.models import Capabilities, Channel, Message
from notifykit.plugins import PluginHost, Registry
from notifykit.protocols import BuildContext, Clock, Sink, Transport, TransportFactory
from notifykit.settings import Settings

_Part = TypeVar("_Part")
_log = logging.getLogger("notifykit.plugins")

#: How a caller may name a transport.
Via = str | Dsn | Transport

_KEY_FILE: Final = ".notifykit.key"
_KEY_SIZE: Final = 32


class Assembly:
    """Everything that a notifier has, whether its caller waits or awaits."""

    def __init__(
        self,
        transport: Via | None,
        *,
        settings: Settings | None = None,
        host: PluginHost | None = None,
        sinks: Sequence[Sink] = (),
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
        self._retry = retry or RetryPolicy()
        self._built: dict[Dsn, Transport] = {}
        self._pacers = Pacers(self.clock, self.settings.state_dir)
        self._closed = False
        self.registry = _collect(problems, lambda: self.host.registry(self.settings)) or Registry()
        problems += [
            ConfigError(f"sinks: {sink!r:.60} is no sink: it needs a name and a handle method")
            for sink in _no_sinks(sinks)
        ]
        self.registry = attrs.evolve(self.registry, sinks=(*self.registry.sinks, *sinks))
        # What is wrong may be the reason why nothing says which transport: that is no second problem.
        self.transport = _collect(problems, lambda: self._default(transport, silent=bool(problems)))
        if self.transport is not None:
            _collect(problems, functools.partial(self._pacers.of, self.transport))
        redaction = _collect(problems, self._redaction) or Redaction()
        if problems:
            self.close()
            raise all_of(problems)
        self.recorder = Recorder(self.registry.sinks, redaction, self.clock, strict=self.host.strict)

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
    ) -> Message:
        """Return what one call says.

        :raises TypeError: where something is not a text.
        :raises ValueError: where there is no such channel.
        """
        tags = (tags,) if isinstance(tags, str) else tuple(tags)
        for name, given in (("text", text), ("sender", sender or ""), ("idempotency_key", key or ""), *_each_tag(tags)):
            if not isinstance(given, str):
                raise TypeError(f"{name} is a {type(given).__name__}: give a str")
        try:
            channel = Channel(channel)
        except ValueError:
            raise ValueError(f"channel is none of {', '.join(Channel)}") from None
        return Message(text, channel, sender, tags, key)

    def trip(self, via: Via | None, deadline: float | None, window: int | None) -> Trip:
        """Return what one call carries along the road.

        :raises ConfigError: where ``via`` can't be built.
        """
        if self._closed:
            raise RuntimeError("this notifier is closed: send inside its with statement, or make a new one")
        transport = self._transport(via) if via is not None else self.transport
        assert transport is not None, "the constructor raises where there is no transport"
        deadline = deadline if deadline is not None else self.settings.deadline
        if deadline is not None and (isinstance(deadline, bool) or not isinstance(deadline, int | float)):
            raise TypeError(f"deadline is a {type(deadline).__name__}: give seconds")
        return Trip(
            registry=self.registry,
            transport=transport,
            recorder=self.recorder,
            clock=self.clock,
            retry=self._retry,
            pacer=self._pacers.of(transport),
            timeout=self.settings.timeout,
            ends=None if deadline is None else self.clock.monotonic() + deadline,
            dedupe_window=window,
        )

    def close(self) -> None:
        """Close what was built here: transports, and sinks that can be closed. One that raises stops no other."""
        self._closed = True
        closable = [*self._built.values(), *self.registry.sinks]
        self._built.clear()
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

    def _default(self, transport: Via | None, *, silent: bool) -> Transport:
        if isinstance(transport, str):
            transport = Dsn.parse(transport)
        if transport is None:
            transport = self.settings.transport
        if transport is not None:
            return self._transport(transport)
        meant = [f for f in _distinct(self.registry.transports.values()) if f.configured(self.settings)]
        if len(meant) == 1:
            return self._transport(Dsn(meant[0].schemes[0]))
        if meant:
            raise ConfigError(
                f"transport: the settings fit {' and '.join(sorted(f.name for f in meant))}: "
                "say which with NOTIFYKIT_TRANSPORT or transport="
            )
        if silent:
            raise ConfigError(())
        raise ConfigError(
            "transport: nothing says what carries the messages. Set NOTIFYKIT_TRANSPORT to a name "
            f"({', '.join(sorted(self.registry.transports))}) or a DSN, or give KWTSMS_USERNAME and KWTSMS_PASSWORD; "
            "`notifykit demo` works without"
        )

    def _transport(self, via: Via) -> Transport:
        if not isinstance(via, str | Dsn):
            if isinstance(via, type) or not all(hasattr(via, name) for name in ("name", "capabilities", "send")):
                what = f"the class {via.__name__}" if isinstance(via, type) else f"a {type(via).__name__}"
                raise ConfigError(f"transport: {what} carries nothing: give a transport's name, a DSN or an object")
            return via
        dsn = Dsn.parse(via) if isinstance(via, str) else via
        if dsn not in self._built:
            factory = self.registry.transports.get(dsn.scheme)
            if factory is None:
                raise ConfigError(self._nobody_brings(dsn.scheme))
            self._built[dsn] = self._make(factory, dsn)
        return self._built[dsn]

    def _nobody_brings(self, scheme: str) -> str:
        known = sorted(self.registry.transports)
        if scheme in ("http", "https"):
            return (
                f"transport: to post to an address of your own, write webhook{'+http' * (scheme == 'http')}://host/path"
            )
        near = difflib.get_close_matches(scheme, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'};"
        return f"transport: no plugin brings {scheme!r}: {hint} `notifykit plugins` lists what is broken"

    def _make(self, factory: TransportFactory, dsn: Dsn) -> Transport:
        try:
            return factory.build(dsn, BuildContext(self.settings, self.clock, self._transport, self._imitate))
        except (ConfigError, *INTERRUPTS):
            raise
        except BaseException as error:  # a plugin may raise anything
            raise PluginError(factory.name, f"building its transport raised {type(error).__name__}") from error

    def _imitate(self, scheme: str | None) -> Capabilities | None:
        if scheme is not None:
            factory = self.registry.transports.get(scheme)
            return factory.capabilities() if factory and factory.capabilities else None
        for factory in self.registry.transports.values():
            capabilities = factory.capabilities() if factory.capabilities else None
            if capabilities and capabilities.measure:
                return capabilities
        return None

    def _redaction(self) -> Redaction:
        key: bytes | None = None
        if self.settings.hash_key:
            key = hashlib.sha256(self.settings.hash_key.reveal().encode()).digest()
        elif self.settings.log_file:
            key = _key_beside(self.settings.sources.directory)
        return Redaction(self.settings.log_numbers, self.settings.log_body, key)


def _collect(problems: list[ConfigError], make: Callable[[], _Part]) -> _Part | None:
    try:
        return make()
    except ConfigError as error:
        problems += [error] if error.problems else []
        return None


def _distinct(factories: Iterable[Any]) -> list[Any]:
    return list({id(factory): factory for factory in factories}.values())


def _no_sinks(sinks: Iterable[Sink]) -> list[object]:
    if not isinstance(sinks, Iterable):
        raise TypeError("sinks is a list of sinks")
    return [sink for sink in sinks if not (hasattr(sink, "name") and hasattr(sink, "handle"))]


def _each_tag(tags: Iterable[str]) -> Iterable[tuple[str, object]]:
    return (("a tag", tag) for tag in tags)


def _key_beside(directory: pathlib.Path) -> bytes:
    """Read the key of the address hashes that lives beside the settings; make one where there is none."""
    file = directory / _KEY_FILE
    try:
        if not file.exists():
            _make_key(file)
        key = bytes.fromhex(file.read_text(encoding="ascii"))
        if len(key) != _KEY_SIZE:
            raise ValueError("not a key")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"hash_key: {_KEY_FILE} beside the settings can't be used ({type(error).__name__}): "
            "delete it to get a new one, or set NOTIFYKIT_HASH_KEY"
        ) from error
    return key


def _make_key(file: pathlib.Path) -> None:
    """Make a key that appears whole or not at all, once, whoever else is making one."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=_KEY_FILE, encoding="ascii") as draft:
        draft.write(secrets.token_bytes(_KEY_SIZE).hex())
        draft.flush()
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, file)
