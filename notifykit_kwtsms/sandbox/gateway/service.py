"""The seven endpoints of the gateway, without HTTP, and one lock under which a message is accepted whole."""

from __future__ import annotations

import collections
import datetime
import random
from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs

from notifykit_kwtsms.api.facts import SEND
from notifykit_kwtsms.sandbox.clock import Clock, as_utc
from notifykit_kwtsms.sandbox.faults.active import ActiveFaults
from notifykit_kwtsms.sandbox.faults.catalogue import Firing, Point, describe, firing
from notifykit_kwtsms.sandbox.gateway import checks, delivery, magic
from notifykit_kwtsms.sandbox.gateway.accounts import SEED, USERNAME, Account, Accounts
from notifykit_kwtsms.sandbox.gateway.checks import Sending
from notifykit_kwtsms.sandbox.gateway.magic import Kind
from notifykit_kwtsms.sandbox.gateway.requests import Call, Metrics, Reply, Traffic, refusal
from notifykit_kwtsms.sandbox.gateway.rules import Rules
from notifykit_kwtsms.sandbox.inbox.archive import Archive
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage, CapturedResponse, Dropped, Event
from notifykit_kwtsms.sandbox.inbox.store import Store
from notifykit_kwtsms.sandbox.models import NotFoundError
from notifykit_kwtsms.sandbox.numbers import is_routed
from notifykit_kwtsms.sandbox.segments import count_text
from notifykit_kwtsms.sandbox.texts import gets_stuck

_STATUS_WORDS: Final = {
    "sent": "Message successfully sent to gateway",
    "queued": "Message accepted and in delivery queue",
}


@attrs.frozen
class Queued:
    """A message that is in an account's queue."""

    #: The gateway's id.
    msg_id: str
    #: Whose queue.
    account: str
    #: Places that it takes: one a number.
    size: int
    #: Points that it cost.
    points: float
    #: Whether it is a test message: those can be deleted for a refund.
    test: bool
    #: When it leaves by itself, in virtual seconds, UTC; None if it stays.
    leaves: float | None


class Gateway:
    """The gateway and everything it remembers."""

    def __init__(
        self,
        rules: Rules | None = None,
        clock: Clock | None = None,
        seed: int | None = 0,
        keep: int = 2000,
        accounts: Iterable[Account] = SEED,
        *,
        keep_for: float | None = None,
        archive: Archive | None = None,
    ) -> None:
        self.rules = rules or Rules()
        self.clock = clock or Clock()
        # Not for secrets: a seed makes message ids, faults and delays the same in every run.
        self._rng = random.Random(seed)  # noqa: S311
        self.store = Store(self.clock, keep, keep_for, archive)
        self.accounts = Accounts(tuple(accounts), self._account_changed)
        self.faults = ActiveFaults(self.clock, random.Random(seed), self._faults_changed)  # noqa: S311
        self.traffic = Traffic(self.clock, self.rules)
        self.metrics = Metrics()
        self._lock = self.accounts.lock
        self._accepted: collections.Counter[str] = collections.Counter()
        self._attempts: collections.Counter[str] = collections.Counter()
        self._last: dict[tuple[str, str], float] = {}
        self._queue: dict[str, Queued] = {
            message.msg_id: Queued(message.msg_id, message.account, len(message.numbers), message.points, True, None)
            for message in self.store.all()
            if message.queued and message.msg_id is not None
        }
        self._endpoints: dict[str, Callable[[Call, Account], Reply]] = {
            "balance": self._balance,
            "senderid": self._senderid,
            "coverage": self._coverage,
            "validate": self._validate,
            "status": self._status,
            "dlr": self._dlr,
        }

    def handle(self, call: Call) -> Reply:
        """Answer a call; what it changes is changed completely when this returns."""
        if call.endpoint == SEND.name:
            return self._send(call)
        account = self._account(call)
        code = checks.access(call, account, self.rules)
        return self._refuse(code) if code else self._endpoints[call.endpoint](call, account or self._default())

    def refuse(self, call: Call, code: str) -> Reply:
        """Refuse a call with a code, whatever it asks, because of a fault."""
        reply = self._refuse(code)
        self._keep_refused(call, (), reply)
        return reply

    def cut(self, call: Call) -> None:
        """Note that a fault came before the gateway saw the call."""
        self._keep_refused(call, (), None)

    def record_fault(self, call: Call, fault: str) -> None:
        """Note that a fault fired; one that met a message is noted with the message."""
        if call.endpoint != SEND.name or call.fields is None:
            self._note_fault(call.endpoint, fault, None)

    def wire_fault(self, call: Call) -> tuple[Firing | None, bool]:
        """Return what the magic numbers of a call do to the wire, and whether any of them is magic at all."""
        if call.endpoint != SEND.name:
            return None, False
        found = [number for text in call.numbers if (number := magic.read(text))]
        for number in found:
            if number.kind is Kind.WIRE:
                do, after = magic.WIRE[number.value]
                return firing(do, "magic", Point(after)), True
        slow = max((number.value for number in found if number.kind is Kind.SLOW), default=None)
        if slow is not None:
            return firing("slow", "magic", delay=slow / 10), True
        return None, bool(found) or magic.sender_code(call.field("sender")) is not None

    def accepted(self, number: str) -> int:
        """Return how many times a number was really accepted, whatever the answer was."""
        with self._lock:
            return self._accepted[number]

    def queue(self, account: str | None = None) -> tuple[Queued, ...]:
        """Return what is in the queue of an account, or of all of them, oldest first."""
        with self._lock:
            now = self.clock.time()
            sent = [q for q in self._queue.values() if q.leaves is not None and q.leaves <= now]
            for queued in sent:
                del self._queue[queued.msg_id]
            return tuple(q for q in self._queue.values() if account in (None, q.account))

    def queue_size(self, account: str) -> int:
        """Return how many places of an account's queue are taken."""
        return sum(entry.size for entry in self.queue(account))

    def unqueue(self, msg_id: str) -> float:
        """Delete a test message from the queue, as the real website does, and return the points that come back."""
        with self._lock:
            queued = next((q for q in self.queue() if q.msg_id == msg_id and q.test), None)
            if queued is None:
                raise NotFoundError("there is no such test message in the queue")
            del self._queue[msg_id]
            self.accounts.refund(queued.account, queued.points)
            if self.store.get(msg_id) is not None:
                self.store.force(msg_id, "deleted")
            return queued.points

    def empty_queue(self, account: str | None = None) -> tuple[int, float]:
        """Delete every test message from the queue of an account, or of all; return how many, and the points."""
        with self._lock:
            ids = [queued.msg_id for queued in self.queue(account) if queued.test]
            return len(ids), round(sum(self.unqueue(msg_id) for msg_id in ids), 4)

    def reset(self) -> None:
        """Forget messages, requests, faults, blocks and time jumps, and fill the accounts up again."""
        with self._lock:
            self.clock.reset()
            self.accounts.reset()
            self.faults.clear()
            self.traffic.reset()
            self._accepted.clear()
            self._attempts.clear()
            self._last.clear()
            self._queue.clear()
            self.store.delete(lambda message: True)
            self.store.note("reset")

    def _account(self, call: Call) -> Account | None:
        return self.accounts.get(call.field("username"))

    def _default(self) -> Account:
        # Only reached where the rules switch the login check off.
        account = self.accounts.get(USERNAME) or self.accounts.get(self.accounts.names()[0])
        if account is None:
            raise LookupError("a gateway without accounts can't work without a login check")
        return account

    def _refuse(self, code: str) -> Reply:
        return refusal(self.rules.status_of(code), code)

    def _ok(self, **fields: Any) -> Reply:
        body = {"result": "OK", **{name.replace("_", "-"): value for name, value in fields.items()}}
        return Reply(200, body)

    def _number(self, value: float) -> int | float | str:
        plain = int(value) if value == int(value) else value
        return str(plain) if self.rules.numbers_as_strings else plain

    def _balance(self, call: Call, account: Account) -> Reply:
        return self._ok(available=self._number(account.balance), purchased=self._number(account.purchased))

    def _senderid(self, call: Call, account: Account) -> Reply:
        return self._ok(senderid=list(account.senders))

    def _coverage(self, call: Call, account: Account) -> Reply:
        if not account.prefixes:
            return self._refuse("ERR033")
        return Reply(200, {"result": "OK", self.rules.coverage_key: list(account.prefixes)})

    def _validate(self, call: Call, account: Account) -> Reply:
        if not call.numbers:
            return self._refuse("ERR006")
        if len(call.numbers) > self.rules.validate_limit:
            return self._refuse("ERR007")
        buckets: dict[str, list[str]] = {"OK": [], "ER": [], "NR": []}
        for number in call.numbers:
            buckets[self._bucket(number, account)].append(number)
        return self._ok(mobile=buckets)

    def _bucket(self, number: str, account: Account) -> str:
        found = magic.read(number)
        code = found.code if found is not None and found.kind in (Kind.REFUSE, Kind.DROP) else ""
        if code == "ERR026":
            return "NR"
        if code in ("ERR006", "ERR025") or not checks.well_formed(number, self.rules):
            return "ER"
        return "OK" if is_routed(number, account.prefixes) else "NR"

    def _status(self, call: Call, account: Account) -> Reply:
        message = self._message(call, account)
        found = "ERR029" if message is None else delivery.status(message, self.rules, self.clock.utc())
        if found not in _STATUS_WORDS:
            return self._refuse(found)
        return self._ok(status=found, description=_STATUS_WORDS[found])

    def _dlr(self, call: Call, account: Account) -> Reply:
        message = self._message(call, account)
        found = "ERR020" if message is None else delivery.reports(message, self.rules, self.clock.utc())
        if isinstance(found, str):
            return self._refuse(found)
        return self._ok(report=[{"Number": number, "Status": words} for number, words in found])

    def _message(self, call: Call, account: Account) -> CapturedMessage | None:
        message = self.store.get(call.field("msgid"))
        # The store knows its own short ids too, which mean nothing to the gateway.
        known = message is not None and message.msg_id == call.field("msgid") and message.account == account.username
        return message if known else None

    def _send(self, call: Call) -> Reply:
        with self._lock:
            account = self._account(call)
            code = checks.access(call, account, self.rules)
            dropped: tuple[Dropped, ...] = ()
            if code is None:
                state = self._sending(call, account or self._default())
                code = checks.sending(state)
                if code is None:
                    return self._accept(state)
                dropped = tuple(state.dropped)
            reply = self._refuse(code)
            self._keep_refused(call, dropped, reply)
            return reply

    def _sending(self, call: Call, account: Account) -> Sending:
        now = self.clock.time()

        def attempt(number: str) -> int:
            self._attempts[number] += 1
            return self._attempts[number]

        def since(number: str) -> float | None:
            last = self._last.get((account.username, number))
            return None if last is None else now - last

        def queued() -> int:
            return self.queue_size(account.username)

        counted, numbers = count_text(call.field("message")), call.numbers
        return Sending(
            call, self.rules, account, counted, numbers, list(numbers), attempt=attempt, since=since, queued=queued
        )

    def _accept(self, state: Sending) -> Reply:
        call, account, kept, points = state.call, state.account, tuple(state.kept), state.cost
        balance = self.accounts.charge(account.username, points)
        now = self.clock.time()
        msg_id = self._fresh_id()
        if call.test or not self.rules.drain_live or self.rules.status_delay > 0:
            leaves = None if call.test or not self.rules.drain_live else now + self.rules.status_delay
            self._queue[msg_id] = Queued(msg_id, account.username, len(kept), points, call.test, leaves)
        reply = self._ok(
            msg_id=msg_id,
            numbers=self._number(len(kept)),
            points_charged=self._number(points),
            balance_after=self._number(balance),
            unix_timestamp=self._number(int(now) + self.rules.timestamp_shift),
        )
        cut_off = firing("close", "magic", Point.ACCEPT) if self._count_accepted(state, now) else None
        reply = attrs.evolve(reply, msg_id=msg_id, firing=cut_off)
        opted_out = account.dnd if call.field("sender") in account.promotional else frozenset()
        stuck = gets_stuck(call.field("message"))
        self._keep(
            call,
            as_utc(now),
            "queued",
            reply,
            accepted=True,
            msg_id=msg_id,
            numbers=kept,
            dropped=tuple(state.dropped),
            points=points,
            balance_after=balance,
            fault=call.fault or (describe(cut_off) if cut_off else None),
            planned=delivery.plan(kept, at=now, test=call.test, stuck=stuck, opted_out=opted_out, rules=self.rules),
        )
        return reply

    def _count_accepted(self, state: Sending, now: float) -> bool:
        """Count the numbers of an accepted message, and return whether one of them cuts the answer off."""
        cut_off = False
        for number in state.kept:
            self._accepted[number] += 1
            if state.applies(self.rules.same_number):
                self._last[state.account.username, number] = now
            found = magic.read(number)
            if found is not None and found.kind is Kind.CUT_OFF:
                self._attempts[number] += 1
                cut_off = cut_off or self._attempts[number] <= found.value
        return cut_off

    def _fresh_id(self) -> str:
        while True:
            msg_id = f"{self._rng.getrandbits(128):032x}"
            # With a seed and a store file, the ids of the last run would come again.
            if self.store.get(msg_id) is None:
                return msg_id

    def _account_changed(self, account: Account) -> None:
        self.store.note("account", username=account.username, balance=account.balance)

    def _faults_changed(self) -> None:
        self.store.note("chaos", preset=self.faults.preset(), armed=len(self.faults.active()))

    def _note_fault(self, endpoint: str, fault: str, message: int | None) -> None:
        self.metrics.count_fault(fault)
        self.store.note("fault", () if message is None else (message,), endpoint=endpoint, fault=fault)

    def _keep_refused(self, call: Call, dropped: tuple[Dropped, ...], reply: Reply | None) -> None:
        if call.endpoint == SEND.name and call.fields is not None:
            self._keep(
                call,
                self.clock.utc(),
                "refused" if reply else "cut",
                reply,
                accepted=False,
                code=reply.code if reply else None,
                numbers=tuple(call.numbers),
                dropped=dropped,
                fault=call.fault,
            )

    def _keep(self, call: Call, at: datetime.datetime, state: str, reply: Reply | None, **outcome: Any) -> None:
        message = self.store.add(
            lambda number: CapturedMessage(
                id=number,
                at=at,
                account=call.field("username"),
                sender=call.field("sender"),
                text=call.field("message"),
                test=call.test,
                request=call.captured(),
                response=CapturedResponse(reply.status, reply.body) if reply else None,
                timeline=(Event(at, state),),
                tags=call.tags,
                **outcome,
            )
        )
        self.metrics.count_message(message)
        if message.fault:
            self._note_fault(call.endpoint, message.fault, message.id)
