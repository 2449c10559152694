"""What composites have in common: what they can do, how they are printed, and how they send outside of the road."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode

from notifykit.errors import ConfigError, NotReached, ProviderUnavailable, TransportError
from notifykit.models.capabilities import Capabilities
from notifykit.models.merge import error_of, merge_receipts, receipts_of
from notifykit.models.plan import Batch
from notifykit.models.receipt import Attempt, Outcome, Receipt, Submission, cost_of, submissions_of
from notifykit.models.recipient import Recipient
from notifykit.protocols import Assignment, BuildContext, Carrying, Transport
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import Field


class CompositeTransport:
    """A transport made of others; subclasses decide in :meth:`carry` who carries what.

    The road never calls :meth:`send`: it carries out the assignments itself, so that every request is paced, retried and
    recorded like any other.

    :param parts: the transports, in order.
    :raises ConfigError: where there are none, or one of them is none.
    """

    name = "composite"

    def __init__(self, *parts: Transport) -> None:
        problems = [
            f"{self.name}: part {number} is a {type(part).__name__}, not a transport: give objects with name, "
            "capabilities and send"
            for number, part in enumerate(cast("tuple[object, ...]", parts), 1)
            if not isinstance(part, Transport)
        ]
        if problems or not parts:
            raise ConfigError(problems or f"{self.name} needs at least one transport")
        self.parts: tuple[Transport, ...] = parts
        self.capabilities = _together(parts)

    def carry(self, batch: Batch, *, after_unknown: bool) -> Carrying:
        """Yield the assignments of a batch."""
        raise NotImplementedError

    def expected(self, batch: Batch) -> Sequence[Assignment]:
        """Return the assignment that there would be if the first part that carries the channel took everything."""
        carriers = (part for part in self.parts if batch.message.channel in part.capabilities.channels)
        return (Assignment(next(carriers, self.parts[0]), batch),)

    def possible(self, batch: Batch) -> Sequence[Assignment]:
        """Return an assignment for each part that carries the channel: any of them may be chosen."""
        return [Assignment(part, batch) for part in self.parts if batch.message.channel in part.capabilities.channels]

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Carry a batch through the parts at once, without rate limit and without another try.

        :raises TransportError: where nobody was accepted.
        """
        ends = time.monotonic() + timeout
        heard: dict[int, Receipt] = {}
        steps = self.carry(batch, after_unknown=False)
        answer: Sequence[Receipt] | None = None
        while True:
            try:
                assignment = steps.send(answer)  # type: ignore[arg-type]  # a generator starts with None
            except StopIteration:
                break
            answer = _receipts(assignment, ends)
            heard |= {receipt.position: merge_receipts(heard.get(receipt.position), receipt) for receipt in answer}
        nobody = ProviderUnavailable("No part of the composite was chosen for this recipient.", "route")
        for position, recipient in zip(batch.positions, batch.recipients, strict=True):
            heard.setdefault(position, Receipt(position, recipient, Outcome.REJECTED, nobody))
        return _summed([heard[position] for position in batch.positions])

    def close(self) -> None:
        """Leave the parts open: each is closed by whoever made it."""

    def __str__(self) -> str:
        options = self._options()
        return f"{self.name}({', '.join(self._shown())})" + (f"?{urlencode(options)}" if options else "")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def _shown(self) -> Iterable[str]:
        """Return each part as it stands between the brackets."""
        return map(str, self.parts)

    def _options(self) -> Mapping[str, Any]:
        """Return what stands behind the question mark."""
        return {}


def _together(parts: Sequence[Transport]) -> Capabilities:
    each = [part.capabilities for part in parts]

    return Capabilities(
        channels=frozenset().union(*(one.channels for one in each)),
        batch_size=max(one.batch_size for one in each),
        test_mode=all(one.test_mode for one in each),
        live=any(one.live for one in each),
        idempotent=all(one.idempotent for one in each),
        senders=any(one.senders for one in each),
        subjects=any(one.subjects for one in each),
        reports=any(one.reports for one in each),
        encodings=next((one.encodings for one in each if one.encodings), ()),
        measure=next((one.measure for one in each if one.measure), None),
        unit=next((one.unit for one in each if one.price), each[0].unit),
        spacing=max(one.spacing for one in each),
        notices=tuple(dict.fromkeys(notice for one in each for notice in one.notices)),
    )


def _receipts(assignment: Assignment, ends: float) -> list[Receipt]:
    """Make the requests of one assignment and return what became of each recipient."""
    transport, batch = assignment.transport, assignment.batch
    receipts: list[Receipt] = []
    for piece in batch.pieces(transport.capabilities.batch_size):
        receipts += receipts_of(piece, _asked(transport, piece, ends))
    return receipts


def _asked(transport: Transport, batch: Batch, ends: float) -> Attempt:
    started, began = datetime.datetime.now(datetime.UTC), time.monotonic()
    said: Submission | None = None
    error: TransportError | None = None
    try:
        if ends <= began:
            raise NotReached("The deadline came before this request could start.", "deadline", waits=())
        said = transport.send(batch, ends - began)
    except Exception as broken:  # a transport may raise anything, and the request may be out
        error = error_of(broken)
    return Attempt(1, str(transport), started, time.monotonic() - began, error, said)


def _summed(receipts: Sequence[Receipt]) -> Submission:
    """Return what a composite says where it is asked like a plain transport."""
    said = submissions_of(receipts)
    refused = {r.recipient.address: r.error for r in receipts if r.error and isinstance(r.recipient, Recipient)}
    if not any(receipt.outcome is Outcome.ACCEPTED for receipt in receipts):
        unknown = (r.error for r in receipts if r.outcome is Outcome.UNKNOWN)
        raise next(unknown, None) or next(iter(refused.values()))
    return Submission(
        message_id=next((one.message_id for one in said if one.message_id), None),
        cost=cost_of(said),
        test=all(one.test for one in said),
        refused=refused,
        warnings=tuple(warning for one in said for warning in one.warnings),
    )


def parts(dsn: Dsn, context: BuildContext) -> list[Transport]:
    """Build the parts of a composite that gives them no labels.

    :raises ConfigError: where one has a label, and for everything that is wrong with the parts.
    """
    found = labelled(dsn, context)
    given = [label for label, _ in found if label is not None]
    if given:
        raise ConfigError(f"{dsn.scheme}: its parts have no labels, so leave out what stands in front of each =>")
    return [part for _, part in found]


def labelled(dsn: Dsn, context: BuildContext) -> list[tuple[str | None, Transport]]:
    """Build the parts of a composite, each with its label.

    :raises ConfigError: for everything that is wrong with the parts.
    """
    problems: list[str] = []
    built: list[tuple[str | None, Transport]] = []
    for number, part in enumerate(dsn.parts, 1):
        try:
            built.append((part.label, context.build(part.dsn)))
        except ConfigError as error:
            problems += [f"{dsn.scheme}, part {number}: {problem}" for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return built


def options(dsn: Dsn, context: BuildContext, fields: Sequence[Field]) -> dict[str, Any]:
    """Return the options of a composite; its table in the settings file says what holds where the DSN is silent.

    :raises ConfigError: with every problem.
    """
    values = context.settings.section(dsn.scheme, fields, dsn.options)
    return {name: value.value for name, value in values.items()}
