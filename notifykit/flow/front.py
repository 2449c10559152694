"""What both notifiers are: put together once, asked for a plan without sending."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Self

from notifykit.flow.assembly import Assembly, Via
from notifykit.flow.cleaning import clean
from notifykit.flow.normalizing import Addresses, normalize
from notifykit.flow.planning import cut, plan
from notifykit.flow.retrying import RetryPolicy
from notifykit.models import Channel, Plan
from notifykit.plugins import PluginHost
from notifykit.protocols import Clock, Sink, Transport
from notifykit.settings import Settings


class Front:
    """A notifier before anything is sent.

    The constructor takes what it is given and reads no environment; :meth:`from_settings` looks everywhere.

    :param transport: what carries the messages: an object, a name such as ``memory``, or a DSN.
    :param settings: other settings than the defaults.
    :param host: the plugins; without one, everything that is installed.
    :param sinks: log sinks besides those that plugins bring.
    :param clock: the time, for tests.
    :param retry: what decides over another try.
    :raises ConfigError: with everything that is wrong.
    """

    def __init__(
        self,
        transport: Via,
        *,
        settings: Settings | None = None,
        host: PluginHost | None = None,
        sinks: Sequence[Sink] = (),
        clock: Clock | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._house = Assembly(transport, settings=settings, host=host, sinks=sinks, clock=clock, retry=retry)

    @classmethod
    def from_settings(
        cls,
        transport: Via | None = None,
        *,
        env_file: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] = ".",
        environment: Mapping[str, str] | None = None,
        host: PluginHost | None = None,
        sinks: Sequence[Sink] = (),
        clock: Clock | None = None,
        retry: RetryPolicy | None = None,
        **arguments: Any,
    ) -> Self:
        """Build a notifier from arguments, the environment, ``.env`` and settings files; the first that speaks wins.

        :param transport: what carries the messages; without one the settings say, or the credentials that are there.
        :param env_file: another file than ``.env``; it has to exist.
        :param directory: where ``.env`` and settings files are looked for.
        :param environment: another environment than ``os.environ``.
        :param arguments: any setting by its name: ``timeout=5``, ``log_file="sends.jsonl"``.
        :raises ConfigError: with everything that is wrong.
        """
        notifier = cls.__new__(cls)
        notifier._house = Assembly.from_settings(
            transport,
            env_file=env_file,
            directory=directory,
            environment=environment,
            arguments=arguments,
            host=host,
            sinks=sinks,
            clock=clock,
            retry=retry,
        )
        return notifier

    def plan(
        self,
        to: Addresses,
        text: str,
        *,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
    ) -> Plan:
        """Return what ``send`` would do: recipients, edits, segments, cost and batches. Nothing is sent."""
        message = self._house.message(text, sender, channel, (), None)
        trip = self._house.trip(via, None, window=None)
        prepared = clean(message, trip)
        return plan(cut(normalize(to, message, trip), prepared, trip), prepared, trip.transport.capabilities)

    @property
    def transport(self) -> Transport:
        """What carries the messages where a call names nothing else."""
        assert self._house.transport is not None, "the constructor raises where there is no transport"
        return self._house.transport

    @property
    def host(self) -> PluginHost:
        """The plugins."""
        return self._house.host

    @property
    def settings(self) -> Settings:
        """The settings, each with its origin."""
        return self._house.settings

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._house.transport}>"
