"""What the gateway checks before it does anything, in the order that the rules give: a code and its condition each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from notifykit.redaction import Secret
from notifykit_kwtsms.api.facts import ENDPOINTS, NUMBERS_PER_REQUEST, SENDER_LENGTH
from notifykit_kwtsms.sandbox.gateway import magic
from notifykit_kwtsms.sandbox.gateway.accounts import Account
from notifykit_kwtsms.sandbox.gateway.magic import Kind
from notifykit_kwtsms.sandbox.gateway.requests import Call
from notifykit_kwtsms.sandbox.gateway.rules import ACCESS_CHECKS, Rules, When
from notifykit_kwtsms.sandbox.inbox.message import Dropped
from notifykit_kwtsms.sandbox.numbers import is_routed, is_well_formed, price
from notifykit_kwtsms.sandbox.segments import Count
from notifykit_kwtsms.sandbox.texts import has_tags, has_word


@attrs.define
class Sending:
    """A request to send while it is being checked; the only thing here that changes."""

    #: The request.
    call: Call
    #: The rules it is checked by.
    rules: Rules
    #: The account as it is now.
    account: Account
    #: The text, counted.
    counted: Count
    #: The numbers as they were given, in order.
    given: list[str]
    #: Those that pass so far.
    kept: list[str]
    #: Those that don't, with the reason.
    dropped: list[Dropped] = attrs.field(factory=list)
    #: Attempts so far to a number that is magic by attempts, this one included.
    attempt: Callable[[str], int] = attrs.field(kw_only=True, repr=False)
    #: Virtual seconds since a number was last accepted, by number; None where it never was.
    since: Callable[[str], float | None] = attrs.field(kw_only=True, repr=False)
    #: Messages in the account's queue.
    queued: Callable[[], int] = attrs.field(kw_only=True, repr=False)

    @property
    def message(self) -> str:
        """The text."""
        return self.call.field("message")

    @property
    def cost(self) -> float:
        """Points that it costs: segments, times the price of each number that passes."""
        prices = self.account.prices
        return round(sum(self.counted.segments * price(number, prices) for number in self.kept), 4)

    def applies(self, when: When) -> bool:
        """Whether a rule that may depend on test mode applies to it."""
        return when == "always" or (when == "live" and not self.call.test)

    def drop(self, refused: dict[str, str]) -> None:
        """Drop numbers, each with its code."""
        self.dropped += [Dropped(number, refused[number]) for number in self.kept if number in refused]
        self.kept = [number for number in self.kept if number not in refused]


def access(call: Call, account: Account | None, rules: Rules) -> str | None:
    """Return the code that a request is refused with before its content is looked at, or None."""
    chosen = (_ACCESS[name] for name in rules.checks if name in ACCESS_CHECKS)
    return next((code for code, applies in chosen if applies(call, account)), None)


def sending(state: Sending) -> str | None:
    """Return the code that a request to send is refused with, or None."""
    for name in state.rules.checks:
        if name not in ACCESS_CHECKS and (code := _SEND[name](state)):
            return code
    return None


def well_formed(number: str, rules: Rules) -> bool:
    """Return whether a number has the form that the rules ask for."""
    return is_well_formed(number, rules.fewest_digits, rules.most_digits, kuwait_rule=rules.kuwait_rule)


def _lacks_fields(call: Call) -> bool:
    needed = ("username", "password", *ENDPOINTS[call.endpoint].fields)
    if call.fields is None or any(name not in call.fields for name in needed):
        return True
    return any(name in needed and not call.field(name) for name in ("username", "password", "msgid"))


def _magic(state: Sending) -> str | None:
    by_sender = magic.sender_code(state.call.field("sender"))
    if by_sender:
        return by_sender
    found = [number for text in dict.fromkeys(state.kept) if (number := magic.read(text))]
    for number in found:
        if number.kind is Kind.REFUSE:
            return number.code
    # Every number counts its attempt, whichever of them is full.
    if [n for n in found if n.kind is Kind.QUEUE_FULL and state.attempt(n.number) <= n.value]:
        return "ERR013"
    refused = {number.number: number.code for number in found if number.kind is Kind.DROP}
    state.drop(refused)
    return None if state.kept or not refused else next(iter(refused.values()))


def _drop_unless(state: Sending, passes: Callable[[str], bool], code: str, none_left: str) -> str | None:
    """Drop the numbers that don't pass, and return the code where that refuses the request."""
    bad = {number: code for number in state.kept if not passes(number)}
    if bad and state.rules.mixed_numbers == "strict":
        return code
    state.drop(bad)
    return none_left if bad and not state.kept else None


def _numbers(state: Sending) -> str | None:
    none_left = "ERR025" if len(state.given) == 1 else "ERR006"
    return _drop_unless(state, lambda number: well_formed(number, state.rules), "ERR025", none_left)


def _route(state: Sending) -> str | None:
    none_left = "ERR006" if any(dropped.code == "ERR025" for dropped in state.dropped) else "ERR026"
    return _drop_unless(state, lambda number: is_routed(number, state.account.prefixes), "ERR026", none_left)


def _duplicates(state: Sending) -> str | None:
    unique = list(dict.fromkeys(state.kept))
    if len(unique) == len(state.kept) or state.rules.duplicates == "bill":
        return None
    state.kept = unique
    return "ERR028" if state.rules.duplicates == "refuse" else None


def _is_login(call: Call, account: Account | None) -> bool:
    named = account is not None and account.username == call.field("username")
    return named and account is not None and account.password == Secret(call.field("password"))


def _is_unknown_sender(state: Sending) -> bool:
    sender = state.call.field("sender")
    known = sender in state.account.senders and len(sender) <= SENDER_LENGTH
    return not known and state.applies(state.rules.unknown_sender)


def _is_too_soon(state: Sending) -> bool:
    ages = [state.since(number) for number in state.kept] if state.applies(state.rules.same_number) else []
    return any(age is not None and age < state.rules.same_number_gap for age in ages)


#: The code of each check that every endpoint makes, and when it applies.
_ACCESS: Final[dict[str, tuple[str, Callable[[Call, Account | None], bool]]]] = {
    "fields": ("ERR002", lambda call, account: _lacks_fields(call)),
    "login": ("ERR003", lambda call, account: not _is_login(call, account)),
    "blocked": ("ERR005", lambda call, account: account is not None and account.blocked),
    "api-access": ("ERR004", lambda call, account: account is not None and not account.api_access),
    "api-enabled": ("ERR001", lambda call, account: account is not None and not account.api_enabled),
    "ip": ("ERR024", lambda call, account: account is not None and not account.admits(call.client)),
}


def _when(code: str, applies: Callable[[Sending], bool]) -> Callable[[Sending], str | None]:
    return lambda state: code if applies(state) else None


#: The checks of ``send``; each returns the code that it refuses with.
_SEND: Final[dict[str, Callable[[Sending], str | None]]] = {
    "magic": _magic,
    "sender-empty": _when("ERR002", lambda state: not state.call.field("sender")),
    "message-empty": _when("ERR009", lambda state: not state.message.strip()),
    "html": _when("ERR027", lambda state: has_tags(state.message)),
    "language": _when("ERR031", lambda state: has_word(state.message, state.rules.bad_words)),
    "spam": _when("ERR032", lambda state: has_word(state.message, state.rules.spam_words)),
    "pages": _when("ERR012", lambda state: state.counted.segments > state.rules.max_pages),
    "mobile-empty": _when("ERR006", lambda state: not state.given),
    "too-many": _when("ERR007", lambda state: len(state.given) > NUMBERS_PER_REQUEST),
    "numbers": _numbers,
    "route": _route,
    "duplicates": _duplicates,
    "sender": _when("ERR008", _is_unknown_sender),
    "same-number": _when("ERR028", _is_too_soon),
    "queue": _when("ERR013", lambda state: state.queued() + len(state.kept) > state.account.queue_limit),
    "balance-zero": _when("ERR010", lambda state: state.account.balance <= 0),
    "balance-short": _when("ERR011", lambda state: state.account.balance < state.cost),
}
