"""What both notifiers are: put together once, asked for a plan without sending."""

from __future__ import annotations

import datetime
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, overload

from notifykit.events import Event
from notifykit.models.capabilities import Measurement
from notifykit.models.delivery import Delivery, DeliveryReport
from notifykit.models.job import Progress
from notifykit.models.message import Channel, Message
from notifykit.models.plan import Batch, Plan
from notifykit.models.receipt import Receipt
from notifykit.pipeline.capabilities import ExpectedRequest, predict_requests
from notifykit.pipeline.components import Components, Via
from notifykit.pipeline.context import Prepared, SendContext
from notifykit.pipeline.delivery_reports import as_reports
from notifykit.pipeline.retry import RetryPolicy
from notifykit.pipeline.stages import Addresses, Admitted, clean, guard, make_plan, normalize, plan_batches
from notifykit.plugins import PluginHost
from notifykit.protocols import Cleaner, Clock, Guard, Job, Order, Sink, Transport
from notifykit.protocols import Clock, Guard, Job, JobSpec, Sink, Transport
from notifykit.settings.dsn import Dsn
from notifykit.settings.sources import Settings
from notifykit.templates.template import Template


class NotifierBase:
    """A notifier before anything is sent.

    The constructor takes what it is given and reads no environment; :meth:`from_settings` looks everywhere.

    :param transport: what carries the messages: an object, a name such as ``memory``, or a DSN.
    :param settings: other settings than the defaults.
    :param host: the plugins; without one, everything that is installed.
    :param sinks: log sinks besides those that plugins bring: objects, or functions that take an event.
    :param cleaners: cleaners besides those that plugins bring, and before them: objects, or functions from text to text.
    :param guards: guards besides those that plugins bring; they are asked first.
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
        sinks: Sequence[Sink | Callable[[Event], None]] = (),
        cleaners: Sequence[Cleaner | Callable[[str], str]] = (),
        guards: Sequence[Guard] = (),
        clock: Clock | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._components = Components(
            transport,
            settings=settings,
            host=host,
            sinks=sinks,
            cleaners=cleaners,
            guards=guards,
            clock=clock,
            retry=retry,
        )

    @classmethod
    def from_settings(
        cls,
        transport: Via | None = None,
        *,
        env_file: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] = ".",
        environment: Mapping[str, str] | None = None,
        host: PluginHost | None = None,
        sinks: Sequence[Sink | Callable[[Event], None]] = (),
        cleaners: Sequence[Cleaner | Callable[[str], str]] = (),
        guards: Sequence[Guard] = (),
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
        notifier._components = Components.from_settings(
            transport,
            env_file=env_file,
            directory=directory,
            environment=environment,
            arguments=arguments,
            host=host,
            sinks=sinks,
            cleaners=cleaners,
            guards=guards,
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
        tags: str | Iterable[str] = (),
        idempotency_key: str | None = None,
        subject: str | None = None,
    ) -> Plan:
        """Return what ``send`` would do: recipients, edits, segments, cost and batches. Nothing is sent."""
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        admitted, prepared, context = self._rehearsed(to, message, via)
        return make_plan(plan_batches(admitted, prepared, context), prepared, context)

    def expected(
        self,
        to: Addresses,
        text: str,
        *,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
        tags: str | Iterable[str] = (),
    ) -> tuple[ExpectedRequest, ...]:
        """Return the requests that ``send`` would make, each with the transports on the way to it. Nothing is sent."""
        message = self._components.message(text, sender, channel, tags, None)
        admitted, prepared, context = self._rehearsed(to, message, via)
        batches = plan_batches(admitted, prepared, context)
        return tuple(
            request
            for batch in batches
            if isinstance(batch, Batch)
            for request in predict_requests(context.transport, batch)
        )

    def names(self, transport: Transport) -> tuple[str, ...]:
        """Return what a transport answers to: its names in the settings, its own name, and its DSN without secrets."""
        return (*self._components.builder.names(transport), transport.name, str(transport))

    def plans(
        self,
        to: Addresses,
        text: str,
        *,
        size: int = 5_000,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
        tags: str | Iterable[str] = (),
        idempotency_key: str | None = None,
        subject: str | None = None,
    ) -> Iterator[Plan]:
        """Yield what ``stream`` would do, so many recipients at a time, for lists that are too long for one plan.

        Together they are one send: what guards count, and who is a duplicate, goes on from one plan to the next. There
        is one plan at least. Batches are cut from each plan's own recipients.

        :param size: the recipients of one plan.
        """
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        admitted, prepared, context = self._rehearsed(to, message, via, window=self._components.settings.dedupe_window)
        piece = list(itertools.islice(admitted, size))
        while True:
            yield make_plan(plan_batches(piece, prepared, context), prepared, context)
            piece = list(itertools.islice(admitted, size))
            if not piece:
                return

    def _rehearsed(
        self, to: Addresses, message: Message, via: Via | None, *, window: int | None = None
    ) -> tuple[Iterator[Admitted | Receipt], Prepared, SendContext]:
        """Go down the road as far as it goes without sending."""
        context = self._components.context(via, None, window, rehearsed=True)
        prepared = clean(message, context)
        return guard(normalize(to, message, context), prepared, context), prepared, context

    def measure(self, text: str, *, via: Via | None = None, channel: Channel | str = Channel.SMS) -> Measurement | None:
        """Return what a text takes up once it is cleaned; None where the transport does not measure texts."""
        return self._components.measure(text, via, channel)

    def template(self, named: str | Template) -> Template:
        """Return a template whose texts are measured here, as sending cleans and measures them.

        Rendering it raises where a text takes more than the template's ``segments``. It is of use while this notifier
        is open.

        :param named: the name of a template in the settings, or a :class:`Template` that you made.
        :raises ConfigError: where the settings have no template of this name.
        :raises OverBudget: where the longest text of one that you made takes more segments than it allows; those of
            the settings have been looked at when the notifier was put together.
        """
        return self._components.template(named)

    @overload
    def hear(self, report: DeliveryReport) -> Delivery: ...
    @overload
    def hear(self, report: Iterable[DeliveryReport]) -> tuple[Delivery, ...]: ...
    def hear(self, report: DeliveryReport | Iterable[DeliveryReport]) -> Delivery | tuple[Delivery, ...]:
        """Take what a provider pushed, and return what is known now of whom it is about. Nobody is asked.

        Reports may come late, twice, in any order, and before the receipt they belong to: a delivery goes forward
        only. What is new is told to the sinks, as :class:`~notifykit.events.DeliveryChanged`. The newest 100,000
        recipients of messages are remembered, as long as this notifier lives.

        :param report: one report, or several: then there is a delivery for each.
        :raises TypeError: where it is something else, as what was posted is: the provider's package reads it.
        :raises PluginError: in strict mode, where a sink raised; everything is heard before.
        """
        self._components.insist_on_open()
        reports, alone = as_reports(report)
        heard = self._components.hearing.hear(reports)
        return heard[0] if alone else tuple(heard)

    def submit(
        self,
        to: Addresses,
        text: str,
        *,
        key: str | None = None,
        at: datetime.datetime | None = None,
        expires_in: float | None = None,
        urgent: bool | None = None,
        at_least_once: bool = False,
        sender: str | None = None,
        via: str | None = None,
        channel: Channel | str = Channel.SMS,
        tags: str | Iterable[str] = (),
        idempotency_key: str | None = None,
        subject: str | None = None,
        move_unknown: bool = False,
        connection: Any = None,
    ) -> Job:
        """Have a text sent, whatever becomes of this process: when this returns, it is safe on disk.

        The recipients may be an iterator of any length; they are taken whole or not at all, and memory stays constant.
        Guards are asked when it is sent. A worker does the sending: this process, unless the setting ``workers`` says
        that only ``notifykit worker`` does.

        :param to: who gets it, as for ``send``.
        :param text: the text.
        :param key: your name for the job, 1 to 200 characters. Submitted again with the same content it is the same
            job; with another content that is an error.
        :param at: when it may begin, with its time zone; now without one.
        :param expires_in: seconds after that in which it may be sent; whoever is left is skipped.
        :param urgent: whether it goes ahead of what is not; without a word, jobs of at most ten recipients do.
        :param at_least_once: send again what a worker that died may have sent, to providers that recognise a repeated
            request. A lost answer is unknown all the same.
        :param via: a transport's name in the settings; every worker has to know it.
        :param move_unknown: let a failover go on after an unknown outcome.
        :param connection: a SQLAlchemy connection or session in the middle of a transaction on the database that keeps the
            jobs, in PostgreSQL: the job is a part of it, and is sent once that is committed.
        :raises ConfigError: where the key is that of another job, or jobs can't be kept or carried out.
        :raises TypeError: where an argument is of the wrong kind.
        :raises ValueError: where a time has no zone or lies in no future.
        """
        named: object = via
        if named is not None and not (isinstance(named, str) and Dsn.parse(named).is_name):
            raise TypeError("via is a transport's name in the settings: a job outlives objects, and keeps no passwords")
        if at is not None and at.tzinfo is None:
            raise ValueError("at has no time zone: write datetime.datetime(…, tzinfo=…)")
        if expires_in is not None and not expires_in > 0:
            raise ValueError("expires_in is a number of seconds above zero")
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        recipients = normalize(to, message, self._components.context(via, None, window=None))
        spec = JobSpec(recipients, message, key, via, at, expires_in, urgent, at_least_once, move_unknown)
        return self._components.engine().submit(spec, connection)

    def job(self, key: str) -> Job:
        """Return a job by its key, whoever submitted it.

        :raises KeyError: where there is none.
        """
        return self._components.engine().job(key)

    def jobs(self) -> Sequence[Progress]:
        """Return how far each job is, the newest first."""
        return self._components.engine().jobs()

    def work(self) -> None:
        """Send what jobs have to be sent, in the background, until the notifier is closed: what a worker does."""
        self._components.engine().work()

    @property
    def transport(self) -> Transport:
        """What carries the messages where a call names nothing else."""
        assert self._components.transport is not None, "the constructor raises where there is no transport"
        return self._components.transport

    @property
    def host(self) -> PluginHost:
        """The plugins."""
        return self._components.host

    @property
    def settings(self) -> Settings:
        """The settings, each with its origin."""
        return self._components.settings

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._components.transport}>"
