"""The notifier. :meth:`Notifier.send` is the whole pipeline, one line a stage; its base is everything but sending."""

from __future__ import annotations

import datetime
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, overload

from notifykit.events import Event
from notifykit.models.capabilities import Measurement
from notifykit.models.delivery import Delivery, DeliveryReport
from notifykit.models.job import Backlog, JobSpec, Progress
from notifykit.models.message import Channel, Message
from notifykit.models.plan import Batch, Plan
from notifykit.models.receipt import Receipt, Report
from notifykit.pipeline.capabilities import ExpectedRequest, predict_requests
from notifykit.pipeline.components import Components, Via
from notifykit.pipeline.context import Prepared, SendContext
from notifykit.pipeline.delivery import deliver
from notifykit.pipeline.delivery_reports import as_reports
from notifykit.pipeline.notifications import NotifiesPeople
from notifykit.pipeline.retry import RetryPolicy
from notifykit.pipeline.runners import iterate, run
from notifykit.pipeline.stages import (
    Addresses,
    Admitted,
    clean,
    guard,
    make_plan,
    normalize,
    plan_batches,
    report,
)
from notifykit.plugins import PluginHost
from notifykit.protocols import Cleaner, Clock, Guard, Sink, Transport, shown
from notifykit.protocols.engine import Job
from notifykit.settings.dsn import Dsn
from notifykit.settings.sources import Settings
from notifykit.templates.template import Template


class NotifierBase(NotifiesPeople):
    """Everything of a notifier but sending.

    The constructor uses what it is given and reads no environment; :meth:`from_settings` reads all sources.

    :param transport: what sends the messages: an object, a name such as ``memory``, or a DSN; None for that of the settings.
    :param settings: other settings than the defaults.
    :param host: the plugins; without one, everything that is installed.
    :param sinks: log sinks besides those of the plugins: objects, or functions that take an event.
    :param cleaners: cleaners besides those of the plugins, and before them: objects, or functions from text to text.
    :param guards: guards besides those of the plugins; they are asked first.
    :param clock: the time, for tests.
    :param retry: what decides about another try.
    :raises ConfigError: with everything that is wrong.
    """

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
        """Build a notifier from arguments, the environment, ``.env`` and settings files; the first that has a value wins.

        :param transport: what sends the messages; without one it comes from the settings, or from the credentials.
        :param env_file: another file than ``.env``; it has to exist.
        :param directory: where ``.env`` and settings files are looked for.
        :param environment: another environment than ``os.environ``.
        :param arguments: any setting by its name: ``timeout=5``, ``log_file="sends.jsonl"``.
        :raises ConfigError: with everything that is wrong.
        """
        if isinstance(environment, str):
            raise TypeError(
                "environment is a mapping of variables; the name of the environment is in NOTIFYKIT_ENVIRONMENT"
            )
        named = transport if isinstance(transport, str | Dsn) else None
        settings = Settings.load(
            {"transport": named, **arguments}, environment=environment, directory=directory, env_file=env_file
        )
        given = None if named else transport
        notifier = cls.__new__(cls)
        notifier._components = Components(
            given, settings=settings, host=host, sinks=sinks, cleaners=cleaners, guards=guards, clock=clock, retry=retry
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
        admitted, prepared, context = self._dry_run(to, message, via)
        return make_plan(plan_batches(admitted, prepared, context), prepared, context)

    def predict_requests(
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
        admitted, prepared, context = self._dry_run(to, message, via)
        batches = plan_batches(admitted, prepared, context)
        return tuple(
            request
            for batch in batches
            if isinstance(batch, Batch)
            for request in predict_requests(context.transport, batch)
        )

    def names(self, transport: Transport) -> tuple[str, ...]:
        """Return the names of a transport: those in the settings, its own name, and its DSN without secrets."""
        return (*self._components.builder.names(transport), transport.name, shown(transport))

    def iter_plans(
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
        at: datetime.datetime | None = None,
    ) -> Iterator[Plan]:
        """Yield plans of what ``stream`` would do, for lists that are too long for one plan.

        Together they are one send: guards and the search for duplicates go on from one plan to the next. There is one plan
        at least. Batches are cut from each plan's own recipients.

        :param size: the most recipients of one plan.
        :param at: when it is to be sent, with a zone: guards judge by that time; None for now.
        """
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        window = self._components.settings.dedupe_window
        admitted, prepared, context = self._dry_run(to, message, via, window=window, at=at)
        piece = list(itertools.islice(admitted, size))
        while True:
            yield make_plan(plan_batches(piece, prepared, context), prepared, context)
            piece = list(itertools.islice(admitted, size))
            if not piece:
                return

    def _dry_run(
        self,
        to: Addresses,
        message: Message,
        via: Via | None,
        *,
        window: int | None = None,
        at: datetime.datetime | None = None,
    ) -> tuple[Iterator[Admitted | Receipt], Prepared, SendContext]:
        """Run the stages before the delivery; what guards reserve is forgotten afterwards."""
        context = self._components.context(via, None, window, dry_run=True, at=at)
        prepared = clean(message, context)
        return guard(normalize(to, message, context), prepared, context), prepared, context

    def measure(self, text: str, *, via: Via | None = None, channel: Channel | str = Channel.SMS) -> Measurement | None:
        """Return what a text takes up once it is cleaned; None where the transport does not measure texts."""
        return self._components.measure(text, via, channel)

    def template(self, named: str | Template) -> Template:
        """Return a template whose texts are measured as this notifier cleans and measures them.

        Rendering it raises where a text takes more than the template's ``segments``. It works while this notifier is open.

        :param named: the name of a template in the settings, or a :class:`Template` that you made.
        :raises ConfigError: if the settings have no template of this name.
        :raises OverBudget: if the longest text of one that you made takes more segments than it allows; those of
            the settings were checked when the notifier was built.
        """
        return self._components.template(named)

    @overload
    def record_delivery_report(self, report: DeliveryReport) -> Delivery: ...
    @overload
    def record_delivery_report(self, report: Iterable[DeliveryReport]) -> tuple[Delivery, ...]: ...
    def record_delivery_report(
        self, report: DeliveryReport | Iterable[DeliveryReport]
    ) -> Delivery | tuple[Delivery, ...]:
        """Record a report that a provider pushed, and return what is known now of its recipient. No request is made.

        Reports may come late, twice, in any order, and before the receipt they belong to: a delivery only goes forward.
        Sinks are given what is new, as :class:`~notifykit.events.DeliveryChanged`. The newest 100,000 recipients are kept,
        as long as this notifier lives.

        :param report: one report, or several: then there is a delivery for each.
        :raises TypeError: if it is something else; a function of the provider's package reads what was posted.
        :raises PluginError: in strict mode, where a sink raised; everything is recorded before.
        """
        self._components.require_open()
        reports, alone = as_reports(report)
        deliveries = self._components.delivery_reports.record(reports)
        return deliveries[0] if alone else tuple(deliveries)

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
        """Have a text sent in the background, even if this process ends: when this returns, it is safe on disk.

        The recipients may be an iterator of any length, stored whole or not at all in constant memory. Guards are asked
        when it is sent: by this process, unless the setting ``workers`` leaves it to ``notifykit worker``. The arguments
        are those of ``send``, and these:

        :param key: your name for the job, 1 to 200 characters. Submitted again with the same content it is the same job.
        :param at: when it may begin, with its time zone; now without one.
        :param expires_in: seconds after that in which it may be sent; recipients without an outcome are then skipped.
        :param urgent: whether it is sent before jobs that are not; by default, jobs of at most ten recipients are.
        :param at_least_once: send again what a worker that died may have sent, to providers that recognise a repeated
            request. A lost answer is unknown all the same.
        :param via: a transport's name in the settings; every worker has to know it.
        :param move_unknown: let a failover go on after an unknown outcome.
        :param connection: a SQLAlchemy connection or session on the PostgreSQL database of the jobs, in a transaction: the
            job is a part of it.
        :raises ConfigError: if the key is that of a job with other content, or jobs can't be stored or sent.
        :raises TypeError: if an argument is of the wrong kind.
        :raises ValueError: if a time has no zone or is not in the future.
        """
        named: object = via
        if named is not None and not (isinstance(named, str) and Dsn.parse(named).is_name):
            raise TypeError("via is a transport's name in the settings: a job stores no objects and no passwords")
        if at is not None and at.tzinfo is None:
            raise ValueError("at has no time zone: write datetime.datetime(…, tzinfo=…)")
        if expires_in is not None and not expires_in > 0:
            raise ValueError("expires_in is a number of seconds above zero")
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        recipients = normalize(to, message, self._components.context(via, None, window=None))
        spec = JobSpec(recipients, message, key, via, at, expires_in, urgent, at_least_once, move_unknown)
        return self._components.engine().submit(spec, connection)

    def job(self, key: str) -> Job:
        """Return a job by its key.

        :raises KeyError: if there is none.
        """
        return self._components.engine().job(key)

    def jobs(self) -> Sequence[Progress]:
        """Return the progress of each job, the newest first."""
        return self._components.engine().jobs()

    def backlog(self) -> Backlog:
        """Return how many jobs there are in each state, and how long the oldest one has been running.

        :raises ConfigError: the database can't be used.
        """
        return self._components.engine().backlog()

    def idle_reason(self) -> str | None:
        """Return why this process sends no jobs, in one sentence; None where :meth:`work` does."""
        return self._components.engine().idle_reason()

    def work(self) -> None:
        """Send the jobs in the background until the notifier is closed, as a worker does."""
        self._components.engine().work()

    @property
    def transport(self) -> Transport:
        """What sends the messages of calls without ``via``."""
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


class Notifier(NotifierBase):
    """Sends notifications, and knows what happened to them. Safe to share between threads.

    The constructor uses what it is given and reads no environment; :meth:`from_settings` reads all sources.
    """

    def send(
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
        deadline: float | None = None,
        move_unknown: bool = False,
    ) -> Report:
        """Send a text to one recipient or many and return what happened to each.

        Nothing is raised for the outcome of a recipient: a bad number, a rejection, a lost answer are receipts.

        :param to: an address, several with commas, or an iterable of them.
        :param text: the text.
        :param sender: the sender's name; without one the transport's own.
        :param via: another transport for this call.
        :param channel: the medium.
        :param tags: labels for events and logs.
        :param idempotency_key: your name for this send, for transports that can use it.
        :param subject: the subject or title, for channels that have one.
        :param deadline: seconds for the whole send; recipients who were not sent to by then are ``skipped``.
        :param move_unknown: let a failover try its next transport after an unknown outcome, for this call: recipients may
            then get the message twice.
        :raises ConfigError: if ``via`` can't be used.
        :raises PluginError: in strict mode, where a plugin raised.
        """
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        context = self._components.context(via, deadline, window=None, move_unknown=move_unknown)
        recipients = list(normalize(to, message, context))  # raw addresses → Recipient | Rejected
        prepared = clean(message, context)  # text → text that the channel can carry
        admitted = list(guard(recipients, prepared, context))  # may it go to them, now? → Admitted | Receipt
        batches = list(plan_batches(admitted, prepared, context))  # → Batch | Receipt
        receipts = run(deliver(batches, prepared, context))  # rate-limited, sent, retried, logged → Receipt
        return report(receipts, prepared)

    def stream(
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
        deadline: float | None = None,
        move_unknown: bool = False,
    ) -> Iterator[Receipt]:
        """Send as :meth:`send` does, and yield each receipt as soon as it is known. Memory stays constant.

        Receipts come in batches, as these are answered; ``receipt.position`` says which recipient it is. Duplicates
        are looked for among the last ``dedupe_window`` recipients only (10,000 unless set). Nothing more is sent once
        you stop iterating; requests in flight are then waited for.

        Where the transport has a rate limit and the recipients are a list, a tuple or a text, a batch is sent in its turn
        while the answers to those before are still waited for. From any other iterable the next batch is taken when the
        one before has its receipts, so the iterable may wait for them.
        """
        message = self._components.message(text, sender, channel, tags, idempotency_key, subject)
        context = self._components.context(
            via, deadline, window=self._components.settings.dedupe_window, move_unknown=move_unknown
        )
        prepared = clean(message, context)
        admitted = guard(normalize(to, message, context), prepared, context)
        batches = plan_batches(admitted, prepared, context)
        return iterate(deliver(batches, prepared, context, ready=isinstance(to, Sequence)))

    def delivery(self, receipt: Receipt, *, via: Via | None = None) -> Delivery:
        """Ask what happened to a message after the provider took it, and return all that is known of its delivery.

        The transport that made the request is asked, also where it is a part of another one. A ``final`` delivery is not
        asked about. What can't be asked about is ``unconfirmed``, with the reason as its ``advice``, unless a report was
        pushed: a message that was not sent, one whose outcome is unknown, one without an id, and every message of a
        transport that knows no deliveries.

        :param receipt: a receipt of ``send``, or of another process with the same settings.
        :param via: the transport to ask; needed where an object was given to that call as ``via``.
        :raises TransportError: if the provider does not answer, or does not know the message. Asking costs nothing.
        :raises ConfigError: if ``via`` can't be used.
        """
        return self.deliveries((receipt,), via=via)[0]

    def deliveries(self, receipts: Iterable[Receipt], *, via: Via | None = None) -> tuple[Delivery, ...]:
        """Ask about many receipts, and return a delivery for each; see :meth:`delivery`.

        Each request is asked about once, however many recipients it had. Where one provider does not answer, the
        others' answers are kept for the next time.
        """
        transports = self._components.transports_for(via)
        return tuple(self._components.delivery_reports.ask(receipts, transports, self._components.settings.timeout))

    def close(self) -> None:
        """Close connections and files."""
        self._components.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
