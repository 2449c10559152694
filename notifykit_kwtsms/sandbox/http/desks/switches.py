"""What a person changes about the gateway: accounts, faults, the clock, delivery, the queue, everything at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.sandbox.faults.catalogue import Fault
from notifykit_kwtsms.sandbox.faults.presets import preset
from notifykit_kwtsms.sandbox.gateway import delivery
from notifykit_kwtsms.sandbox.gateway.accounts import USERNAME, AccountHandle, dsn, environment
from notifykit_kwtsms.sandbox.http import asked, views
from notifykit_kwtsms.sandbox.http.answers import Answer
from notifykit_kwtsms.sandbox.http.desks.desk import Desk
from notifykit_kwtsms.sandbox.http.replies import answer
from notifykit_kwtsms.sandbox.http.stats import rate

if TYPE_CHECKING:
    from werkzeug.wrappers import Request


class SwitchDesk(Desk):
    """Accounts, chaos, clock, delivery, queue, reset."""

    def account(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/account?username=``: the account, and the lines to paste into an ``.env`` file."""
        return self._account(request, self._handle(request))

    def change_account(self, request: Request, body: bytes) -> Answer:
        """Answer ``PUT /sandbox/account?username=``: change what is given, leave the rest."""
        handle = self._handle(request)
        handle.change(**asked.fields(body))
        return self._account(request, handle)

    def chaos(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/chaos``: what is armed, and what could be."""
        faults = self._gateway.faults
        armed = [views.armed(item) for item in faults.armed()]
        return answer({"armed": armed, "preset": faults.preset(), "codes": list(CODES), **views.catalogue()})

    def set_chaos(self, request: Request, body: bytes) -> Answer:
        """Answer ``PUT /sandbox/chaos``: a fault, ``faults`` or a ``preset`` instead of what is armed."""
        self._gateway.faults.replace(*_faults(body))
        return self.chaos(request, b"")

    def arm(self, request: Request, body: bytes) -> Answer:
        """Answer ``POST /sandbox/chaos``: the same, besides what is armed."""
        self._gateway.faults.arm(*_faults(body))
        return self.chaos(request, b"")

    def clear_chaos(self, request: Request, body: bytes) -> Answer:
        """Answer ``DELETE /sandbox/chaos``: disarm everything."""
        self._gateway.faults.clear()
        return self.chaos(request, b"")

    def disarm(self, request: Request, body: bytes, number: int) -> Answer:
        """Answer ``DELETE /sandbox/chaos/{number}``: disarm one."""
        self._gateway.faults.clear(number)
        return self.chaos(request, b"")

    def clock(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/clock``: the virtual time and how far it is ahead."""
        clock = self._gateway.clock
        return answer({"time": clock.utc().isoformat(), "offset": clock.offset})

    def advance(self, request: Request, body: bytes) -> Answer:
        """Answer ``PUT /sandbox/clock``: ``{"advance": 16}`` jumps ahead by 16 seconds."""
        seconds = asked.fields(body, "advance").get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise TypeError("advance is a number of seconds")
        if self._gateway.clock.offset + seconds > _FARTHEST:
            raise ValueError("the clock goes ahead by a thousand years at most")
        self._gateway.clock.advance(seconds)
        return self.clock(request, b"")

    def deliver(self, request: Request, body: bytes, name: str) -> Answer:
        """Answer ``POST /sandbox/dlr/{id}``: the next state, or ``state``; for all numbers, or for ``number``."""
        given = asked.fields(body, "state", "number")
        message = self._message(name)
        if not message.accepted:
            raise ValueError("this message was not accepted, so nothing can become of it")
        number = given.get("number")
        current = message.state if number is None else message.state_of(str(number))
        state = given.get("state") or delivery.next_state(current)
        if state not in delivery.STATES:
            raise ValueError(f"no such state: {state}; there are {', '.join(delivery.STATES)}")
        forced = self._gateway.store.force(name, state, None if number is None else str(number))
        return answer(views.message_detail(forced, self._gateway.accounts.get(forced.account)))

    def queue(self, request: Request, body: bytes) -> Answer:
        """Answer ``GET /sandbox/queue?username=``: what is in the queue."""
        username = request.args.get("username")
        entries = self._gateway.queue(username)
        account = self._gateway.accounts.get(username or "")
        return answer(
            {
                "queue": [views.queued(entry, self._gateway.store.get(entry.msg_id)) for entry in entries],
                "size": sum(entry.size for entry in entries),
                "limit": account.queue_limit if account else None,
            }
        )

    def unqueue(self, request: Request, body: bytes, name: str) -> Answer:
        """Answer ``DELETE /sandbox/queue/{id}``: delete a test message and get its credits back."""
        message = self._gateway.store.get(name)
        return answer({"refunded": self._gateway.unqueue((message and message.msg_id) or name)})

    def empty_queue(self, request: Request, body: bytes) -> Answer:
        """Answer ``DELETE /sandbox/queue?username=``: the same for all test messages."""
        deleted, refunded = self._gateway.empty_queue(request.args.get("username"))
        return answer({"deleted": deleted, "refunded": refunded})

    def reset(self, request: Request, body: bytes) -> Answer:
        """Answer ``POST /sandbox/reset``: everything as it was at the start."""
        self._gateway.reset()
        return answer({"reset": True})

    def _handle(self, request: Request) -> AccountHandle:
        return AccountHandle(self._gateway.accounts, request.args.get("username", USERNAME))

    def _account(self, request: Request, handle: AccountHandle) -> Answer:
        now = handle.read()
        root = request.url_root.rstrip("/")
        return answer(
            {
                "account": views.account(now),
                "accounts": list(self._gateway.accounts.names()),
                "env": views.env_block(environment(now, f"{root}/API/")),
                "dsn": dsn(now, root),
                "queue": sum(entry.size for entry in self._gateway.queue(handle.username)),
                "queue-limit": now.queue_limit,
                "rate": rate(self._gateway),
            }
        )


#: Seconds that the clock may be ahead: dates end somewhere.
_FARTHEST = 1000 * 365.0 * 86400


def _faults(body: bytes) -> list[Fault]:
    given = asked.fields(body)
    if "preset" in given and "do" not in given:
        given = asked.fields(body, "preset", "seed")
        return _seeded(preset(str(given["preset"])), given)
    if "faults" in given:
        given = asked.fields(body, "faults", "seed")
        return _seeded([Fault.from_json(item) for item in _listed(given["faults"])], given)
    return [Fault.from_json(given)]


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise TypeError("faults is a list of objects")
    return value


def _seeded(faults: Any, given: dict[str, Any]) -> list[Fault]:
    """Give each fault dice of its own that fall the same way each time; one seed for all would throw alike."""
    seed = given.get("seed")
    if seed is None:
        return list(faults)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError("seed is a whole number")
    return [
        fault if fault.seed is not None else attrs.evolve(fault, seed=seed + place)
        for place, fault in enumerate(faults)
    ]
