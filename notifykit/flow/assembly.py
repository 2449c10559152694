"""Putting a notifier together: plugins, transport, sinks and limits, from settings; one error for all that is wrong."""

from __future__ import annotations

import os
import pathlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import attrs

from notifykit.dsn import Dsn
from notifykit.errors import ConfigError
from notifykit.flow.clock import SystemClock
from notifykit.flow.recording import Recorder, Redaction
from notifykit.flow.retrying import RetryPolicy
from notifykit.flow.trip import Pacers, Trip
from notifykit.models import Capabilities, Channel, Message
from notifykit.plugins import PluginHost, Registry
from notifykit.protocols import BuildContext, Clock, Sink, Transport
from notifykit.settings import Settings

_Part = TypeVar("_Part")

#: How a caller may name a transport.
Via = str | Dsn | Transport

_KEY_FILE: Final = ".notifykit.key"


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
        self.settings = settings or Settings()
        problems = list(self.settings.problems)
        self.host = host or PluginHost(
            disable=self.settings.disable, allow=self.settings.allow, strict=self.settings.strict
        )
        self.clock = clock or SystemClock()
        self._retry = retry or RetryPolicy()
        self._built: dict[Dsn, Transport] = {}
        self.registry = _collect(problems, lambda: self.host.registry(self.settings)) or Registry()
        self.registry = attrs.evolve(self.registry, sinks=(*self.registry.sinks, *sinks))
        self.transport = _collect(problems, lambda: self._default(transport))
        redaction = _collect(problems, self._redaction) or Redaction()
        if problems:
            self.close()
            raise ConfigError(problems)
        self.recorder = Recorder(self.registry.sinks, redaction, self.clock, strict=self.host.strict)
        self._pacers = Pacers(self.clock, self.settings.state_dir)

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
        self, text: str, sender: str | None, channel: Channel | str, tags: Iterable[str], key: str | None
    ) -> Message:
        """Return what one call says."""
        return Message(text, Channel(channel), sender or self.settings.sender, tuple(tags), key)

    def trip(self, via: Via | None, deadline: float | None, window: int | None) -> Trip:
        """Return what one call carries along the road.

        :raises ConfigError: where ``via`` can't be built.
        """
        transport = self._transport(via) if via is not None else self.transport
        assert transport is not None, "the constructor raises where there is no transport"
        deadline = deadline if deadline is not None else self.settings.deadline
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
        """Close what was built here: transports, and sinks that can be closed."""
        for transport in self._built.values():
            transport.close()
        self._built.clear()
        for sink in self.registry.sinks:
            close = getattr(sink, "close", None)
            if close:
                close()

    def _default(self, transport: Via | None) -> Transport:
        if transport is not None:
            return self._transport(transport)
        if self.settings.transport is not None:
            return self._transport(self.settings.transport)
        meant = [f for f in _distinct(self.registry.transports.values()) if f.configured(self.settings)]
        if len(meant) == 1:
            return self._transport(Dsn(meant[0].schemes[0]))
        if meant:
            raise ConfigError(
                f"transport: the settings fit {' and '.join(sorted(f.name for f in meant))}: "
                "say which with NOTIFYKIT_TRANSPORT or transport="
            )
        raise ConfigError(
            "transport: nothing says what carries the messages. Set NOTIFYKIT_TRANSPORT to a name "
            f"({', '.join(sorted(self.registry.transports))}) or a DSN, or give KWTSMS_USERNAME and KWTSMS_PASSWORD; "
            "`notifykit demo` works without"
        )

    def _transport(self, via: Via) -> Transport:
        if not isinstance(via, str | Dsn):
            return via
        dsn = Dsn.parse(via) if isinstance(via, str) else via
        key = attrs.evolve(dsn, options=_Frozen(dsn.options))
        if key not in self._built:
            factory = self.registry.transports.get(dsn.scheme)
            if factory is None:
                raise ConfigError(
                    f"transport: no plugin brings {dsn.scheme!r}: there are "
                    f"{', '.join(sorted(self.registry.transports)) or 'none'}; `notifykit plugins` lists what is broken"
                )
            context = BuildContext(self.settings, self._transport, self._imitate)
            self._built[key] = factory.build(dsn, context)
        return self._built[key]

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
            key = self.settings.hash_key.reveal().encode()[:64]
        elif self.settings.log_file:
            key = _key_beside(self.settings.sources.directory)
        return Redaction(self.settings.log_numbers, self.settings.log_body, key)


class _Frozen(dict[str, str]):
    """The options of a DSN as part of a key."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def _collect(problems: list[str], make: Callable[[], _Part]) -> _Part | None:
    try:
        return make()
    except ConfigError as error:
        problems += error.problems
        return None


def _distinct(factories: Iterable[Any]) -> list[Any]:
    return list({id(factory): factory for factory in factories}.values())


def _key_beside(directory: pathlib.Path) -> bytes:
    """Read the key of the address hashes that lives beside the settings; make one where there is none."""
    file = directory / _KEY_FILE
    try:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return bytes.fromhex(file.read_text(encoding="ascii"))
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            key = secrets.token_bytes(32)
            opened.write(key.hex())
            return key
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"hash_key: {_KEY_FILE} beside the settings can't be used ({type(error).__name__}): "
            "set NOTIFYKIT_HASH_KEY instead"
        ) from error
