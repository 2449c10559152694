"""The stages of a send but its delivery, in the order of ``Notifier.send``: normalize, clean, guard, plan, and report.

Stages that go over recipients return an iterator: ``send`` makes a list of it on the stage's own line, and ``stream``
passes it on to the next stage, so that a million recipients take constant memory.
"""

from __future__ import annotations

import collections
import functools
import numbers
import operator
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from typing import Final, TypeAlias

import attrs

from notifykit.counters import CounterStoreUnavailable
from notifykit.errors import ContentRejected, InvalidRecipient, raise_interrupt
from notifykit.models.capabilities import Measurement
from notifykit.models.message import Channel, Cleaned, Edit, Message
from notifykit.models.plan import Batch, Plan
from notifykit.models.receipt import Outcome, Receipt, Report, SkipReason, Veto
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.capabilities import (
    ExpectedRequest,
    adapt,
    ask,
    is_composite,
    lead,
    not_assigned,
    predict_requests,
    price,
)
from notifykit.pipeline.context import GuardCounters, Prepared, SendContext
from notifykit.protocols import Guard, GuardContext
from notifykit.templates.parsing import unfilled

#: What a caller may give: one address, several in one text, or any iterable of them; an int is a float to type checkers.
Addresses: TypeAlias = str | float | Recipient | Iterable[str | float | Recipient | None]

#: A recipient who will be sent to, with the position in the caller's list, from 0; a guard may have put it in the place
#: of another. A tuple, because there may be millions.
Admitted: TypeAlias = tuple[int, Recipient]

_LOST: Final = "which stands for a letter that was lost: read the text in the encoding that it was written in"
_ANSWERS: Final = (Recipient, Rejected)
_BETWEEN_NUMBERS: Final = re.compile(r"[,;\n]")


def normalize(to: Addresses, message: Message, context: SendContext) -> Iterator[Recipient | Rejected]:
    """Return each address as a recipient, or as a rejection with its reason, in the caller's order.

    A text with commas, semicolons or line ends is several numbers where the channel is SMS.

    :raises TypeError: if ``to`` is nothing that can hold addresses.
    """
    given: Iterable[object]
    if isinstance(to, Recipient | numbers.Real) and not isinstance(to, bool):
        given = (to,)
    elif isinstance(to, str):
        given = [part for part in _BETWEEN_NUMBERS.split(to) if part.strip()] if message.channel is Channel.SMS else ()
        given = given or (to,)
    elif isinstance(to, Iterable) and not isinstance(to, bytes | Mapping):
        given = to
    else:
        raise TypeError(f"to is a {type(to).__name__}: give an address or an iterable of addresses")
    return map(_normalize_one, given, repeat(message), repeat(context))


def _normalize_one(address: object, message: Message, context: SendContext) -> Recipient | Rejected:
    """Ask the normalizers about one address, in their order; the first answer counts."""
    if not isinstance(address, str):
        return _normalize_object(address, message, context)
    outer = sys.exception()
    for normalizer in context.registry.normalizers:
        try:
            answer = normalizer.normalize(address, message.channel)
            if answer is None:
                continue
            if not isinstance(answer, _ANSWERS):
                raise TypeError("a normalizer returns a Recipient, a Rejected or None")
        except Exception as error:
            raise_interrupt(error, outer)
            context.dispatcher.plugin_failed("normalizer", normalizer.name, error, message)
            continue
        return answer
    return Rejected(
        address,
        InvalidRecipient(
            f"No normalizer knows addresses of the channel {message.channel}.",
            action="Install a plugin for this channel, or look at `notifykit plugins` for one that is switched off.",
        ),
    )


def _normalize_object(address: object, message: Message, context: SendContext) -> Recipient | Rejected:
    """Return an address that is given as a Recipient or a number, normalized as its text is."""
    if isinstance(address, Recipient):
        # Made by hand, it may be anything; a canonical number has its country code, and says so with a plus.
        text = address.address
        is_number = message.channel is Channel.SMS and text[:1].isdigit()
        answer = _normalize_one(f"+{text}" if is_number else text, message, context)
        if isinstance(answer, Recipient) and address.language is not None:
            return attrs.evolve(answer, language=address.language)
        return answer
    if address is None or (isinstance(address, numbers.Real) and not isinstance(address, bool)):
        # A cell of a table is a float, a number of a library, or None where it is empty.
        return _normalize_one("" if address is None else str(address), message, context)
    kind = type(address).__name__
    return Rejected("", InvalidRecipient(f"The address is a {kind}, not a text.", action="Give addresses as texts."))


def clean(message: Message, context: SendContext) -> Prepared:
    """Return the message with the text that the cleaners make of it, measured for the transport."""
    text = message.text
    edits: list[Edit] = []
    refusal: ContentRejected | None = None
    outer = sys.exception()
    for cleaner in context.registry.cleaners:
        try:
            cleaned = cleaner.clean(text, message.channel)
            if not isinstance(cleaned, Cleaned):
                raise TypeError("a cleaner returns a Cleaned")
        except ContentRejected as error:
            refusal = refusal or error.with_traceback(None)  # its frames hold the text
            continue
        except Exception as error:
            raise_interrupt(error, outer)
            context.dispatcher.plugin_failed("cleaner", cleaner.name, error, message)
            continue
        text = cleaned.text
        edits += cleaned.edits
    if text is not message.text:
        message = attrs.evolve(message, text=text)
    transport = context.transport
    leader = lead(transport, message.channel) if is_composite(transport) else transport
    adapted = adapt(message, transport, context)
    prepared = Prepared(
        message,
        Cleaned(text, tuple(edits)),
        measurement=ask(leader, leader.capabilities.measure, text, message, context),
        adapted=attrs.evolve(adapted, refusal=refusal) if refusal else adapted,
    )
    if context.on_prepared:
        context.on_prepared(prepared)
    return prepared


def guard(
    candidates: Iterable[Recipient | Rejected], prepared: Prepared, context: SendContext
) -> Iterator[Admitted | Receipt]:
    """Yield each candidate who is admitted, and the receipt of each who is not, in turn.

    Invalid addresses are rejected, duplicates are skipped, and everybody is rejected where the text can't be sent. Then the
    guards are asked in order; the first veto counts.
    """
    seen = _Seen(context.dedupe_window)
    unguarded = not prepared.adapted.refusal and not context.registry.guards
    try:
        for pair in enumerate(candidates):
            position, candidate = pair
            if isinstance(candidate, Rejected):
                yield Receipt(position, candidate, Outcome.REJECTED, candidate.error)
            elif unguarded and not seen.again(candidate.address):
                yield pair  # type: ignore[misc]  # the pair that is there, instead of a million new ones
            else:
                yield _guard_one(position, candidate, seen, prepared, context)
    except GeneratorExit:
        raise
    except BaseException:
        # Recipients who wait for a batch are not sent to any more; those in a batch in progress count until its end.
        context.reservations.abandon()
        raise


def _guard_one(
    position: int, recipient: Recipient, seen: _Seen, prepared: Prepared, context: SendContext
) -> Admitted | Receipt:
    """Ask all guards about one recipient; where one names another recipient, ask all of them about that one."""
    met: set[str] = set()
    while True:
        if seen.again(recipient.address):
            return Receipt(position, recipient, Outcome.SKIPPED, skipped=SkipReason.DUPLICATE)
        if prepared.adapted.refusal:
            return Receipt(position, recipient, Outcome.REJECTED, prepared.adapted.refusal)
        met.add(recipient.address)
        counters = GuardCounters(context.reservations)
        try:
            answer = _ask_guards(recipient, counters, prepared, context)
        except BaseException:
            context.reservations.release(counters.entries)
            raise
        if isinstance(answer, Recipient) and answer.address == recipient.address:
            context.reservations.keep(position, counters)
            return position, answer
        context.reservations.release(counters.entries)
        if isinstance(answer, Recipient) and (answer.address in met or len(met) > len(context.registry.guards)):
            answer = Veto("guards", "Guards redirect in a loop.", "Switch one of them off.")
        if isinstance(answer, Veto):
            return Receipt(position, recipient, Outcome.SKIPPED, skipped=SkipReason.GUARD, veto=answer)
        recipient = answer


def _ask_guards(
    recipient: Recipient, counters: GuardCounters, prepared: Prepared, context: SendContext
) -> Veto | Recipient:
    """Ask the guards in order, and return the first veto or other recipient; this one where all let the message pass."""
    checked = GuardContext(
        prepared.message,
        recipient,
        cost=_price_of(recipient, prepared, context),
        live=context.transport.capabilities.live,
        now=context.clock.now(),
    )
    for asked in context.registry.guards:
        answer = _ask_guard(asked, checked, counters, context)
        if isinstance(answer, Recipient):
            if answer.channel is not prepared.message.channel:
                return Veto(
                    asked.name,
                    f"It would send a message of the channel {prepared.message.channel} to an address of {answer.channel}.",
                    "Give the guard an address of the same channel.",
                )
            if answer.address == recipient.address:
                recipient = attrs.evolve(recipient, unsubscribe=answer.unsubscribe or recipient.unsubscribe)
                continue
            # The address that was given stays visible in it.
            return attrs.evolve(answer, raw=recipient.raw)
        if answer is not None:
            return answer
    return recipient


def _ask_guard(
    asked: Guard, checked: GuardContext, counters: GuardCounters, context: SendContext
) -> Veto | Recipient | None:
    """Ask one guard; one that raises holds the message back."""
    outer = sys.exception()
    try:
        answer = asked.check(checked, counters)
        if not isinstance(answer, Veto | Recipient | None):
            raise TypeError("a guard returns a Veto, a Recipient or None")
    except Exception as error:
        raise_interrupt(error, outer)
        if context.reservations.is_first_failure(asked.name, error):
            context.dispatcher.plugin_failed("guard", asked.name, error, checked.message)
        if isinstance(error, CounterStoreUnavailable):
            return Veto(asked.name, error.detail, error.action)
        return Veto(
            asked.name,
            f"The guard raised {type(error).__name__}, so it is not known whether it would let this pass.",
            f"Repair the guard, or do without it: NOTIFYKIT_DISABLE={asked.name} where a plugin brings it.",
        )
    return answer


def _price_of(recipient: Recipient, prepared: Prepared, context: SendContext) -> float | None:
    transport, outer = context.transport, sys.exception()
    try:
        return price(transport, Batch(prepared.message, (recipient,), (0,), measurement=prepared.measurement))
    except Exception as error:
        raise_interrupt(error, outer)
        if context.reservations.is_first_failure(transport.name, error):
            context.dispatcher.plugin_failed("transport", transport.name, error, prepared.message)
        return None


@attrs.define(eq=False)
class _Seen:
    """The addresses so far: all of them, or the last so many where memory has to stay constant."""

    _window: int | None
    _addresses: set[str] = attrs.field(init=False, factory=set)
    _order: collections.deque[str] = attrs.field(init=False, factory=collections.deque)

    def again(self, address: str) -> bool:
        """Return whether the address was there before, and remember it."""
        addresses = self._addresses
        if address in addresses:
            return True
        addresses.add(address)
        if self._window is not None:
            # An ordered dictionary would do, and takes three times as long.
            order = self._order
            order.append(address)
            if len(order) > self._window:
                addresses.remove(order.popleft())
        return False


def plan_batches(
    admitted: Iterable[Admitted | Receipt], prepared: Prepared, context: SendContext
) -> Iterator[Batch | Receipt]:
    """Yield each batch once it is full, and each receipt of a recipient who is not tried at once."""
    size = context.transport.capabilities.batch_size
    new_batch = functools.partial(Batch, prepared.message, measurement=prepared.measurement)
    recipients: list[Recipient] = []
    positions: list[int] = []
    number = 1
    for each in admitted:
        if isinstance(each, Receipt):
            yield each
            continue
        position, recipient = each
        positions.append(position)
        recipients.append(recipient)
        if len(recipients) == size:
            yield new_batch(tuple(recipients), tuple(positions), number)
            recipients, positions = [], []
            number += 1
    if recipients:
        yield new_batch(tuple(recipients), tuple(positions), number)


def make_plan(pieces: Iterable[Batch | Receipt], prepared: Prepared, context: SendContext) -> Plan:
    """Return the requests that would be made, by which transports, and their cost."""
    requests: list[ExpectedRequest] = []
    excluded: list[Receipt] = []
    doubts: collections.Counter[str] = collections.Counter()
    for piece in pieces:
        if isinstance(piece, Batch):
            doubts.update(notice for recipient in piece.recipients for notice in recipient.notices)
            found = list(predict_requests(context.transport, piece))
            requests += found
            excluded += _not_assigned(piece, found)
        else:
            excluded.append(piece)
    leaves = list(dict.fromkeys(request.path[-1] for request in requests)) or [context.transport]
    text = prepared.message.text
    lost = f"The text has U+FFFD, {_LOST}." if "\ufffd" in text else None
    warnings = [
        *filter(None, (unfilled(text), lost)),
        *(one for leaf in leaves for one in adapt(prepared.message, leaf, context, check=False).warnings),
    ]
    return Plan(
        message=prepared.message,
        edits=prepared.cleaned.edits,
        measurement=prepared.measurement,
        batches=tuple(request.batch for request in requests),
        excluded=tuple(excluded),
        cost=_cost(requests, prepared.measurement) if requests or context.transport.capabilities.price else None,
        notices=tuple(dict.fromkeys((*(one for leaf in leaves for one in leaf.capabilities.notices), *warnings)))
        + notices_with_counts(doubts),
        warnings=tuple(dict.fromkeys(warnings)),
        refusal=prepared.adapted.refusal,
    )


def notices_with_counts(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return notices about recipients, each once, with the number of recipients where there are several."""
    return tuple(f"{notice} ({count} recipients)" if count > 1 else notice for notice, count in counts.items())


def _not_assigned(batch: Batch, requests: Iterable[ExpectedRequest]) -> Iterator[Receipt]:
    """Yield a receipt for each recipient whom no transport is assigned."""
    given = {position for request in requests for position in request.batch.positions}
    for position, recipient in zip(batch.positions, batch.recipients, strict=True):
        if position not in given:
            yield Receipt(position, recipient, Outcome.REJECTED, not_assigned(), batch=batch.number)


def _cost(requests: Iterable[ExpectedRequest], measurement: Measurement | None) -> float | None:
    if measurement is None:
        return None
    total = 0.0
    for request in requests:
        price = request.path[-1].capabilities.price
        for recipient in request.batch.recipients:
            points = price(recipient, measurement.segments) if price else None
            if points is None:
                return None
            total += points
    return total


def report(receipts: Iterable[Receipt], prepared: Prepared) -> Report:
    """Return the report of a send: its receipts in the caller's order."""
    ordered = sorted(receipts, key=operator.attrgetter("position"))
    return Report(tuple(ordered), prepared.message, prepared.cleaned.edits, prepared.measurement)


def attach_report(error: BaseException, receipts: Iterable[Receipt], prepared: Prepared) -> None:
    """Give an exception that stopped a send the receipts so far: what the provider confirmed is not lost."""
    partial = report(receipts, prepared)
    error.report = partial  # type: ignore[attr-defined]
    error.add_note(f"notifykit: broken off with {partial} so far; they are this exception's `report`")
