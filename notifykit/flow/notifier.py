"""The front object. :meth:`Notifier.send` is the whole road, one line a step."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from notifykit.flow.assembly import Assembly, Via
from notifykit.flow.cleaning import clean
from notifykit.flow.delivery import deliver
from notifykit.flow.driving import drive
from notifykit.flow.normalizing import Addresses, normalize
from notifykit.flow.planning import cut, plan
from notifykit.flow.reporting import report
from notifykit.flow.retrying import RetryPolicy
from notifykit.models import Channel, Message, Plan, Receipt, Report
from notifykit.plugins import PluginHost
from notifykit.protocols import Clock, Sink, Transport
from notifykit.settings import Settings


class Notifier:
    """Sends notifications, and knows what happened to them. Safe to share between threads.

    This constructor takes what it is given and reads no environment; :meth:`from_settings` looks everywhere.

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

    def send(
        self,
        to: Addresses,
        text: str,
        *,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
        tags: Iterable[str] = (),
        idempotency_key: str | None = None,
        deadline: float | None = None,
    ) -> Report:
        """Send a text to one recipient or many and return what happened to each.

        Nothing is raised for what happens on the way: a bad number, a refusal, a lost answer are receipts.

        :param to: an address, several with commas, or an iterable of them.
        :param text: the text.
        :param sender: the sender's name; without one the transport's own.
        :param via: another transport for this call.
        :param channel: the medium.
        :param tags: labels for events and logs.
        :param idempotency_key: your name for this send, for transports that can use it.
        :param deadline: seconds for the whole send; whoever is left over then is ``skipped``.
        :raises ConfigError: where ``via`` can't be used.
        :raises PluginError: in strict mode, where a plugin raised.
        """
        message = self._message(text, sender, channel, tags, idempotency_key)
        trip = self._house.trip(via, deadline, window=None)
        recipients = normalize(to, message, trip)  # 1  raw address → Recipient | Rejected
        prepared = clean(message, trip)  # 2  text → text the channel can carry
        batches = cut(recipients, prepared, trip)  # 3  → batches; duplicates and refusals set aside
        steps = deliver(batches, prepared, trip)  # 4  paced, retried, and told to the sinks (5)
        receipts = drive(steps, trip.transport, trip.clock)
        return report(receipts, prepared)

    def stream(
        self,
        to: Addresses,
        text: str,
        *,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
        tags: Iterable[str] = (),
        idempotency_key: str | None = None,
        deadline: float | None = None,
    ) -> Iterator[Receipt]:
        """Send as :meth:`send` does, and yield each receipt as soon as it is known. Memory stays constant.

        Receipts come in batches; ``receipt.position`` says which recipient it is. Duplicates are looked for among
        the last ``dedupe_window`` recipients only (10,000 unless set). Nothing more is sent once you stop iterating.
        """
        message = self._message(text, sender, channel, tags, idempotency_key)
        trip = self._house.trip(via, deadline, window=self._house.settings.dedupe_window)
        prepared = clean(message, trip)
        batches = cut(normalize(to, message, trip), prepared, trip)
        return drive(deliver(batches, prepared, trip), trip.transport, trip.clock)

    def plan(
        self,
        to: Addresses,
        text: str,
        *,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
    ) -> Plan:
        """Return what :meth:`send` would do: recipients, edits, segments, cost and batches. Nothing is sent."""
        message = self._message(text, sender, channel, (), None)
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

    def close(self) -> None:
        """Give back connections and files."""
        self._house.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._house.transport}>"

    def _message(
        self, text: str, sender: str | None, channel: Channel | str, tags: Iterable[str], key: str | None
    ) -> Message:
        return Message(text, Channel(channel), sender or self._house.settings.sender, tuple(tags), key)
