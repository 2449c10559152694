"""The base of composites: their capabilities, how they are printed, and how they send outside of a pipeline."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode

from notifykit.errors import ConfigError, NotReached, ProviderUnavailable, TransportError, collected
from notifykit.models.capabilities import Capabilities
from notifykit.models.merge import error_of, merge_receipts, receipts_of
from notifykit.models.plan import Batch
from notifykit.models.receipt import Attempt, Outcome, Receipt, Submission, cost_of, submissions_of
from notifykit.models.recipient import Recipient
from notifykit.protocols import Assignment, Assignments, BuildContext, Transport, shown
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import Field


class CompositeTransport:
    """A transport made of others; subclasses decide in :meth:`assign` or :meth:`expected` which part gets which recipients.

    A pipeline never calls :meth:`send`: it makes the requests of the assignments itself, so that every request keeps to the
    rate limit, is retried and recorded like any other.

    :param parts: the transports, in order.
    :raises ConfigError: if there are none, or one of them is no transport.
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
        self.capabilities = _merge([part.capabilities for part in parts])

    def assign(self, batch: Batch, *, move_unknown: bool) -> Assignments:
        """Yield the assignments of a batch; by default those that are expected."""
        for assignment in self.expected(batch):  # noqa: UP028 - receipts are sent in, which a plain iterator can't take
            yield assignment

    def expected(self, batch: Batch) -> Sequence[Assignment]:
        """Return the assignment of the whole batch to the first part that has its channel."""
        return self.possible(batch)[:1] or (Assignment(self.parts[0], batch),)

    def possible(self, batch: Batch) -> Sequence[Assignment]:
        """Return an assignment for each part that has the channel: any of them may be chosen."""
        return [Assignment(part, batch) for part in self.parts if batch.message.channel in part.capabilities.channels]

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Send a batch through the parts at once, without rate limit and without another try.

        :raises TransportError: if no recipient was accepted.
        """
        ends = time.monotonic() + timeout
        known: dict[int, Receipt] = {}
        assignments = self.assign(batch, move_unknown=False)
        receipts: Sequence[Receipt] | None = None
        while True:
            try:
                assignment = assignments.send(receipts)  # type: ignore[arg-type]  # a generator starts with None
            except StopIteration:
                break
            part = assignment.transport
            pieces = assignment.batch.pieces(part.capabilities.batch_size)
            receipts = [receipt for piece in pieces for receipt in receipts_of(piece, _attempt(part, piece, ends))]
            known |= {receipt.position: merge_receipts(known.get(receipt.position), receipt) for receipt in receipts}
        error = ProviderUnavailable("No part of the composite was chosen for this recipient.", "route")
        for position, recipient in zip(batch.positions, batch.recipients, strict=True):
            known.setdefault(position, Receipt(position, recipient, Outcome.REJECTED, error))
        return _submission([known[position] for position in batch.positions])

    def close(self) -> None:
        """Leave the parts open: who built them closes them."""

    def __str__(self) -> str:
        options = self._options()
        return f"{self.name}({', '.join(self._shown())})" + (f"?{urlencode(options)}" if options else "")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def _shown(self) -> Iterable[str]:
        """Return the text of each part, for the brackets."""
        return map(str, self.parts)

    def _options(self) -> Mapping[str, Any]:
        """Return the options, for after the question mark."""
        return {}


def _merge(each: Sequence[Capabilities]) -> Capabilities:
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


def _attempt(transport: Transport, batch: Batch, ends: float) -> Attempt:
    started, began = datetime.datetime.now(datetime.UTC), time.monotonic()
    submission: Submission | None = None
    error: TransportError | None = None
    try:
        if ends <= began:
            raise NotReached("The deadline came before this request could start.", "deadline", waits=())
        submission = transport.send(batch, ends - began)
    except Exception as raised:  # a transport may raise anything, and the request may have been sent
        error = error_of(raised)
    return Attempt(1, shown(transport), started, time.monotonic() - began, error, submission)


def _submission(receipts: Sequence[Receipt]) -> Submission:
    """Return the submission of a composite that is used like a plain transport."""
    each = submissions_of(receipts)
    refused = {r.recipient.address: r.error for r in receipts if r.error and isinstance(r.recipient, Recipient)}
    if not any(receipt.outcome is Outcome.ACCEPTED for receipt in receipts):
        unknown = (r.error for r in receipts if r.outcome is Outcome.UNKNOWN)
        raise next(unknown, None) or next(iter(refused.values()))
    return Submission(
        message_id=next((one.message_id for one in each if one.message_id), None),
        cost=cost_of(each),
        test=all(one.test for one in each),
        refused=refused,
        warnings=tuple(warning for one in each for warning in one.warnings),
    )


def build_parts(dsn: Dsn, context: BuildContext) -> list[Transport]:
    """Build the parts of a composite whose parts have no labels.

    :raises ConfigError: if one has a label, and with everything that is wrong with the parts.
    """
    found = build_labelled_parts(dsn, context)
    if any(label is not None for label, _ in found):
        raise ConfigError(f"{dsn.scheme}: its parts have no labels, so leave out the => and what is before it")
    return [part for _, part in found]


def build_labelled_parts(dsn: Dsn, context: BuildContext) -> list[tuple[str | None, Transport]]:
    """Build the parts of a composite, each with its label.

    :raises ConfigError: with everything that is wrong with the parts.
    """
    problems: list[str] = []
    built: list[tuple[str | None, Transport]] = []
    for number, part in enumerate(dsn.parts, 1):
        with collected(problems, f"{dsn.scheme}, part {number}: "):
            built.append((part.label, context.build(part.dsn)))
    if problems:
        raise ConfigError(problems)
    return built


def options(dsn: Dsn, context: BuildContext, fields: Sequence[Field]) -> dict[str, Any]:
    """Return the options of a composite, from its DSN, else from its table in the settings file.

    :raises ConfigError: with every problem.
    """
    values = context.settings.section(dsn.scheme, fields, dsn.options)
    return {name: value.value for name, value in values.items()}
