"""What the gateway looks at before it does anything, one function a check, in the order that the rules give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from notifykit.redaction import Secret
from notifykit_kwtsms.api.endpoints import ENDPOINTS
from notifykit_kwtsms.api.limits import NUMBERS_PER_REQUEST, SENDER_LENGTH
from notifykit_kwtsms.sandbox import text_rules
from notifykit_kwtsms.sandbox.gateway import magic
from notifykit_kwtsms.sandbox.gateway.accounts import Account
from notifykit_kwtsms.sandbox.gateway.magic import Kind
from notifykit_kwtsms.sandbox.gateway.requests import Call
from notifykit_kwtsms.sandbox.gateway.rules import ACCESS_CHECKS, Rules, When
from notifykit_kwtsms.sandbox.inbox.message import Dropped
from notifykit_kwtsms.sandbox.text_rules import Count


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
    #: Those that are still in.
    kept: list[str]
    #: Those that are out, with the reason.
    dropped: list[Dropped] = attrs.field(factory=list)
    #: Attempts so far to a number that is magic by attempts, this one included.
    attempt: Callable[[str], int] = attrs.field(kw_only=True, repr=False)
    #: Virtual seconds since a number was last accepted, by number; None where it never was.
    since: Callable[[str], float | None] = attrs.field(kw_only=True, repr=False)
    #: Messages in the account's queue.
    queued: Callable[[], int] = attrs.field(kw_only=True, repr=False)

    @property
    def cost(self) -> float:
        """Points that it costs: segments, times the price of each number that is still in."""
        prices = self.account.prices
        return round(sum(self.counted.segments * text_rules.price(number, prices) for number in self.kept), 4)

    def applies(self, when: When) -> bool:
        """Whether a rule that may depend on test mode applies to it."""
        return when == "always" or (when == "live" and not self.call.test)

    def drop(self, refused: dict[str, str]) -> None:
        """Take numbers out, each with its code."""
        self.dropped += [Dropped(number, refused[number]) for number in self.kept if number in refused]
        self.kept = [number for number in self.kept if number not in refused]


def access(call: Call, account: Account | None, rules: Rules) -> str | None:
    """Return the code that a request is refused with before its content is looked at, or None."""
    for name in rules.checks:
        if name in ACCESS_CHECKS:
            code = _ACCESS[name](call, account)
            if code:
                return code
    return None


def sending(state: Sending) -> str | None:
    """Return the code that a request to send is refused with, or None."""
    for name in state.rules.checks:
        if name not in ACCESS_CHECKS:
            code = _SEND[name](state)
            if code:
                return code
    return None


def well_formed(number: str, rules: Rules) -> bool:
    """Return whether a number has the form that the rules ask for."""
    return text_rules.well_formed(number, rules.fewest_digits, rules.most_digits, kuwait_rule=rules.kuwait_rule)


def _fields(call: Call, account: Account | None) -> str | None:
    needed = ("username", "password", *ENDPOINTS[call.endpoint].fields)
    if call.fields is None or any(name not in call.fields for name in needed):
        return "ERR002"
    empty = not call.field("username") or not call.field("password")
    return "ERR002" if empty or ("msgid" in needed and not call.field("msgid")) else None


def _login(call: Call, account: Account | None) -> str | None:
    named = account is not None and account.username == call.field("username")
    return None if named and account is not None and account.password == Secret(call.field("password")) else "ERR003"


def _blocked(call: Call, account: Account | None) -> str | None:
    return "ERR005" if account is not None and account.blocked else None


def _api_access(call: Call, account: Account | None) -> str | None:
    return "ERR004" if account is not None and not account.api_access else None


def _api_enabled(call: Call, account: Account | None) -> str | None:
    return "ERR001" if account is not None and not account.api_enabled else None


def _ip(call: Call, account: Account | None) -> str | None:
    return "ERR024" if account is not None and not account.admits(call.client) else None


def _magic(state: Sending) -> str | None:
    by_sender = magic.sender_code(state.call.field("sender"))
    if by_sender:
        return by_sender
    spells = [spell for number in dict.fromkeys(state.kept) if (spell := magic.read(number))]
    for spell in spells:
        if spell.kind is Kind.REFUSE:
            return spell.code
    # Every number counts its attempt, whichever of them is full.
    full = [s for s in spells if s.kind is Kind.QUEUE_FULL and state.attempt(s.number) <= s.value]
    if full:
        return "ERR013"
    refused = {spell.number: spell.code for spell in spells if spell.kind is Kind.DROP}
    state.drop(refused)
    return None if state.kept or not refused else next(iter(refused.values()))


def _sender_empty(state: Sending) -> str | None:
    return None if state.call.field("sender") else "ERR002"


def _message_empty(state: Sending) -> str | None:
    return None if state.call.field("message").strip() else "ERR009"


def _html(state: Sending) -> str | None:
    return "ERR027" if text_rules.has_tags(state.call.field("message")) else None


def _language(state: Sending) -> str | None:
    return "ERR031" if text_rules.has_word(state.call.field("message"), state.rules.bad_words) else None


def _spam(state: Sending) -> str | None:
    return "ERR032" if text_rules.has_word(state.call.field("message"), state.rules.spam_words) else None


def _pages(state: Sending) -> str | None:
    return "ERR012" if state.counted.segments > state.rules.max_pages else None


def _mobile_empty(state: Sending) -> str | None:
    return None if state.given else "ERR006"


def _too_many(state: Sending) -> str | None:
    return "ERR007" if len(state.given) > NUMBERS_PER_REQUEST else None


def _numbers(state: Sending) -> str | None:
    rules = state.rules
    bad = {n: "ERR025" for n in state.kept if not well_formed(n, rules)}
    if bad and rules.mixed_numbers == "strict":
        return "ERR025"
    state.drop(bad)
    if state.kept or not bad:
        return None
    return "ERR025" if len(state.given) == 1 else "ERR006"


def _route(state: Sending) -> str | None:
    unrouted = {n: "ERR026" for n in state.kept if not text_rules.routed(n, state.account.prefixes)}
    if unrouted and state.rules.mixed_numbers == "strict":
        return "ERR026"
    state.drop(unrouted)
    if state.kept or not unrouted:
        return None
    return "ERR006" if any(dropped.code == "ERR025" for dropped in state.dropped) else "ERR026"


def _duplicates(state: Sending) -> str | None:
    unique = list(dict.fromkeys(state.kept))
    if len(unique) == len(state.kept) or state.rules.duplicates == "bill":
        return None
    state.kept = unique
    return "ERR028" if state.rules.duplicates == "refuse" else None


def _sender(state: Sending) -> str | None:
    sender = state.call.field("sender")
    known = sender in state.account.senders and len(sender) <= SENDER_LENGTH
    return "ERR008" if not known and state.applies(state.rules.unknown_sender) else None


def _same_number(state: Sending) -> str | None:
    if not state.applies(state.rules.same_number):
        return None
    ages = [state.since(number) for number in state.kept]
    too_soon = any(age is not None and age < state.rules.same_number_gap for age in ages)
    return "ERR028" if too_soon else None


def _queue(state: Sending) -> str | None:
    return "ERR013" if state.queued() + len(state.kept) > state.account.queue_limit else None


def _balance_zero(state: Sending) -> str | None:
    return "ERR010" if state.account.balance <= 0 else None


def _balance_short(state: Sending) -> str | None:
    return "ERR011" if state.account.balance < state.cost else None


_ACCESS: Final[dict[str, Callable[[Call, Account | None], str | None]]] = {
    "fields": _fields,
    "login": _login,
    "blocked": _blocked,
    "api-access": _api_access,
    "api-enabled": _api_enabled,
    "ip": _ip,
}
_SEND: Final[dict[str, Callable[[Sending], str | None]]] = {
    "magic": _magic,
    "sender-empty": _sender_empty,
    "message-empty": _message_empty,
    "html": _html,
    "language": _language,
    "spam": _spam,
    "pages": _pages,
    "mobile-empty": _mobile_empty,
    "too-many": _too_many,
    "numbers": _numbers,
    "route": _route,
    "duplicates": _duplicates,
    "sender": _sender,
    "same-number": _same_number,
    "queue": _queue,
    "balance-zero": _balance_zero,
    "balance-short": _balance_short,
}
