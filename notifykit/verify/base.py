"""What both verifiers share: everything but sending."""

from __future__ import annotations

import datetime
import threading
import weakref
from collections.abc import Mapping
from typing import Any, Final

import attrs

from notifykit.errors import ConfigError, Scope
from notifykit.events import VerificationBlocked, VerificationChecked, VerificationStarted
from notifykit.models.message import Channel
from notifykit.models.receipt import Outcome, Receipt
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.components import Via
from notifykit.pipeline.intercept import Interception, intercept
from notifykit.pipeline.log_redaction import CODE_TAG
from notifykit.pipeline.notifier import NotifierBase
from notifykit.pipeline.stages import normalize
from notifykit.protocols import Clock
from notifykit.redaction import Secret
from notifykit.settings.sources import Settings
from notifykit.verify.codes import Keyring, network_of, prefix_of, read_code
from notifykit.verify.messages import CodeMessage
from notifykit.verify.results import Checked, CheckReason, Started, StartStatus, Traffic
from notifykit.verify.rules import Refusal, Reserved, Rules, Subject, release, traffic
from notifykit.verify.settings import VerifySettings
from notifykit.verify.store import MemoryStore, Store

#: The labels of messages with codes.
TAGS: Final = ("otp", CODE_TAG, "security")
#: Amounts of a message whose price is not known: as many points as it has segments.
_UNPRICED: Final = 1.0


@attrs.frozen
class Prepared:
    """What a code is asked for with, before anything is counted."""

    #: Who asks.
    subject: Subject
    #: The number.
    recipient: Recipient
    #: Where the message goes: the number, or another address of the same person.
    to: Recipient
    #: What a message costs.
    cost: float
    #: The person's language.
    language: str | None


class VerifierBase:
    """Everything of a verifier but sending.

    :param notifier: what sends the codes; its clock, plugins and log sinks are used too.
    :param purpose: what the codes are for, such as ``login``: a code for one purpose is wrong for every other.
    :param settings: other settings than those of the notifier's ``[tool.notifykit.verify]``.
    :param store: where codes are kept: by default a file in the state folder, or the database of ``database_url``; the
        memory of this process where the notifier has a virtual clock, and in tests that capture messages.
    :param clock: another clock than the notifier's.
    :raises ConfigError: with everything that is wrong.
    """

    def __init__(
        self,
        notifier: NotifierBase,
        *,
        purpose: str = "login",
        settings: VerifySettings | None = None,
        store: Store | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not purpose:
            raise ValueError('purpose is empty: give a name such as "login"')
        self.notifier = notifier
        self.purpose = purpose
        self._components = notifier._components  # noqa: SLF001 - it is the notifier's part that has no public name
        self._settings = self._components.settings
        self.settings = settings or VerifySettings.of(self._settings, self._components.host)
        self._clock = clock
        self._store = store
        self._own_store: Store | None = None
        self._rules: tuple[Store, Rules] | None = None
        self._opening = threading.Lock()
        template = None if self.settings.template is None else self._components.template(self.settings.template)
        measure = self._components.measure
        self._message = CodeMessage(self.settings, template, lambda text: measure(text, None, Channel.SMS))

    def traffic(self) -> tuple[Traffic, ...]:
        """Return what was sent and verified in the last 24 hours, by country and prefix, and what is held.

        :raises StoreUnavailable: if the store can't be used.
        """
        store, _, clock = self._parts()
        with store.begin() as tx:
            return traffic(tx, _now(clock))

    def release(self, prefix: str) -> bool:
        """Send to a prefix that was held again, and count its conversion anew. Return whether it was held.

        :param prefix: as :meth:`traffic` shows it.
        """
        store, _, _ = self._parts()
        with store.begin() as tx:
            return release(tx, prefix)

    def close(self) -> None:
        """Close the store, if it was opened here. The notifier stays open."""
        store, self._own_store = self._own_store, None
        if store is not None:
            store.close()

    # --- parts ---

    def _parts(self) -> tuple[Store, Rules, Clock]:
        """Return the store, the rules with their keys, and the clock: those of a test while it captures messages."""
        self._components.require_open()
        transport = self._components.transport
        assert transport is not None, "the constructor of the notifier raises where there is no transport"
        captured = intercept(transport)
        clock = self._clock or (captured or self._components).clock
        store = self._store or (_of_test(captured) if captured else self._opened(clock))
        if self._rules is None or self._rules[0] is not store:
            keys = store.keys if isinstance(store, MemoryStore) else Keyring.of(self._settings, shared=store.shared)
            self._rules = store, Rules(self.settings, keys)
        return store, self._rules[1], clock

    def _opened(self, clock: Clock) -> Store:
        with self._opening:
            if self._own_store is None:
                self._own_store = open_store(self._settings) if clock.shared else MemoryStore()
            return self._own_store

    def _normalized(self, number: object, channel: Channel | str) -> Recipient | Rejected:
        """Return the address as the pipeline reads it. In a list, it is one number, whatever was typed."""
        message = self._components.message("", None, channel, (), None)
        context = self._components.context(None, None, None, dry_run=True)
        (found,) = normalize([number], message, context)  # type: ignore[list-item]  # it says what is wrong with others
        return found

    def _subject(self, recipient: Recipient, client: object = None) -> Subject:
        network = None if client is None else network_of(client)
        number = recipient.address
        return Subject(number, self.purpose, recipient.country, prefix_of(number), network)

    # --- start ---

    def _begin(
        self,
        number: object,
        client: object,
        language: str | None,
        via: Via | None,
        to: object,
        channel: Channel | str,
        *,
        new: bool,
    ) -> tuple[Prepared, Reserved] | Started:
        """Count a message to a person, or say why it is not sent."""
        prepared = self._prepare(number, client, language, via, to, channel)
        if isinstance(prepared, Started):
            return prepared
        reserved = self._reserve(prepared, new=new)
        return reserved if isinstance(reserved, Started) else (prepared, reserved)

    def _sending(self, prepared: Prepared, reserved: Reserved) -> dict[str, Any]:
        """Return what the notifier's ``send`` is called with, besides the sender and the transport."""
        return {
            "to": [prepared.to],
            "text": self._message.text(reserved.code, prepared.language),
            "channel": prepared.to.channel,
            "tags": TAGS,
            "deadline": self.settings.deadline,
        }

    def _prepare(
        self,
        number: object,
        client: object,
        language: str | None,
        via: Via | None,
        to: object,
        channel: Channel | str,
    ) -> Prepared | Started:
        """Read the arguments of a start; a number that is none ends it."""
        recipient = self._normalized(number, Channel.SMS)
        target = recipient if to is None else self._normalized(to, channel)
        if isinstance(recipient, Rejected) or isinstance(target, Rejected):
            error = next(one.error for one in (recipient, target) if isinstance(one, Rejected))
            return Started(status=StartStatus.FAILED, rule="number", reason=f"{error.detail} {error.action}")
        subject = self._subject(recipient, client)
        language = language or recipient.language
        # The code is not known yet; another one has the same size.
        text = self._message.text(Secret("0" * self.settings.length), language)
        plan = self.notifier.plan([target], text, via=via, channel=target.channel, tags=TAGS)
        cost = plan.cost if plan.cost is not None else _UNPRICED * (plan.segments or 1)
        return Prepared(subject, recipient, target, cost, language)

    def _reserve(self, prepared: Prepared, *, new: bool) -> Reserved | Started:
        """Count the message, or say why it is not sent."""
        store, rules, clock = self._parts()
        refusal: Reserved | Refusal | None = rules.refused_country(prepared.subject)
        if refusal is None:
            with store.begin() as tx:
                refusal = rules.reserve(tx, prepared.subject, prepared.cost, _now(clock), new=new)
        if isinstance(refusal, Reserved):
            return refusal
        started = Started(
            status=refusal.status, rule=refusal.rule, reason=refusal.reason, retry_after=refusal.retry_after
        )
        self._emit_blocked(prepared, refusal)
        return started

    def _finish(self, prepared: Prepared, reserved: Reserved, receipt: Receipt) -> Started:
        """Return what happened, and give the place back where certainly nothing was sent."""
        store, rules, _ = self._parts()
        unsent = receipt.outcome in (Outcome.REJECTED, Outcome.SKIPPED)
        if unsent:
            with store.begin() as tx:
                rules.give_back(tx, reserved)
        status, rule = _status_of(receipt)
        reason = ""
        if receipt.outcome is not Outcome.ACCEPTED:
            reason = str(
                receipt.veto.reason if receipt.veto else receipt.error.detail if receipt.error else receipt.skipped
            )
        expires = datetime.datetime.fromtimestamp(reserved.row.expires, datetime.UTC)
        started = Started(
            status=status,
            rule=rule,
            reason=reason,
            retry_after=receipt.retry_after if unsent else None,
            expires=None if unsent else expires,
            resend=reserved.resend,
            receipt=receipt,
        )
        cost = receipt.submission.cost if receipt.submission else None
        self._emit(
            VerificationStarted,
            prepared.recipient,
            rules.keys.event(reserved.row.id),
            status=status.value,
            resend=reserved.resend,
            sends=reserved.row.sends,
            cost=cost,
        )
        return started

    # --- check ---

    def _check(self, number: object, typed: object) -> Checked:
        recipient, code = self._normalized(number, Channel.SMS), read_code(typed)
        if isinstance(recipient, Rejected) or not code:
            return Checked(reason=CheckReason.NONE)
        store, rules, clock = self._parts()
        with store.begin() as tx:
            checked, code_id = rules.check(tx, self._subject(recipient), code, _now(clock))
        # Sinks learn whether it was verified, and no more: a wrong guess looks as a late one does.
        self._emit(VerificationChecked, recipient, rules.keys.event(code_id), verified=checked.ok)
        return checked

    # --- events ---

    def _emit_blocked(self, prepared: Prepared, refusal: Refusal) -> None:
        _, rules, _ = self._parts()
        event_id = rules.keys.event(rules.keys.row(prepared.subject.number, self.purpose))
        more: Mapping[str, Any] = {"rule": refusal.rule, "retry_after": refusal.retry_after}
        self._emit(VerificationBlocked, prepared.recipient, event_id, **more)
        if refusal.held is not None:
            # In an event of its own, without the address: with the prefix, its last digits would be the whole number.
            self._emit(VerificationBlocked, None, id="", held=refusal.held, country=prepared.subject.country, **more)

    def _emit(self, kind: Any, recipient: Recipient | None, id: str, **values: Any) -> None:
        dispatcher = self._components.dispatcher
        if recipient is not None:
            values |= dispatcher.address_fields(recipient)
        dispatcher.emit(kind(at=self._components.clock.now(), id=id, purpose=self.purpose, **values))


def _status_of(receipt: Receipt) -> tuple[StartStatus, str | None]:
    """Return the status of a start by the outcome of its message, and the rule that held it back."""
    if receipt.outcome is Outcome.ACCEPTED:
        return StartStatus.SENT, None
    if receipt.outcome is Outcome.UNKNOWN:
        return StartStatus.UNKNOWN, None
    if receipt.veto is not None:
        return StartStatus.BLOCKED, receipt.veto.guard
    if receipt.retry_after is not None:
        return StartStatus.WAIT, None
    refused = receipt.error is not None and receipt.error.scope is Scope.RECIPIENT
    return StartStatus.FAILED, "number" if refused else None


def _now(clock: Clock) -> float:
    return clock.now().timestamp()


#: The store of each test that captures messages: all verifiers of the test share it.
_tests: Final[weakref.WeakKeyDictionary[Interception, Store]] = weakref.WeakKeyDictionary()
_tests_lock: Final = threading.Lock()


def _of_test(captured: Interception) -> Store:
    with _tests_lock:
        return _tests.setdefault(captured, MemoryStore())


def open_store(settings: Settings) -> Store:
    """Return the store in the state folder or the database of the settings.

    :raises ConfigError: if it can't be used, or SQLAlchemy is missing.
    """
    try:
        from notifykit.verify.database import DatabaseStore
    except ImportError as error:
        raise ConfigError(
            f'one-time codes are kept in a database, and {error.name} is missing: python -m pip install "notifykit[durable]"'
        ) from error
    return DatabaseStore(settings)
