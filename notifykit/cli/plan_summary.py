"""What a send would do, in totals and bounded memory, and which characters make its text cost more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import attrs

from notifykit.cli.exit_codes import Exit, for_veto
from notifykit.cli.messages import quoted
from notifykit.cli.output import encoding_name, plural
from notifykit.errors import TransportError
from notifykit.models.capabilities import Capabilities, ForcedCharacter, Measurement
from notifykit.models.message import Edit, Message
from notifykit.models.plan import Batch, Plan
from notifykit.models.receipt import Outcome, Receipt, Veto
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.pipeline.stages import notices_with_counts

#: How many recipients are compared to find duplicates: all of most lists, in bounded memory.
DEDUPE_WINDOW: Final = 1_000_000
#: How many rejected recipients are shown one by one.
_SHOWN: Final = 20


def measurement_document(size: Measurement | None, *names: str) -> dict[str, Any]:
    """Return fields of a measurement for ``--json``; None where the transport does not measure."""
    return {name: getattr(size, name) if size else None for name in names}


@attrs.define
class PlanSummary:
    """The totals of a plan."""

    #: The message after cleaning.
    message: Message
    #: What the cleaners changed.
    edits: tuple[Edit, ...]
    #: The size of the text; None if the transport does not measure.
    measurement: Measurement | None
    #: What a person should know about the text and the sender, each a sentence.
    warnings: tuple[str, ...] = ()
    #: How many recipients would be sent to.
    recipients: int = 0
    #: How many have an address or a text that can't be sent.
    rejected: int = 0
    #: How many are repeated in the list.
    duplicates: int = 0
    #: The first veto for each guard and reason, and how many recipients it holds back.
    vetoes: dict[tuple[str, str], tuple[Veto, int]] = attrs.field(factory=dict)
    #: Why recipients of a job wait, and how many: the job sends to them later.
    waits: dict[tuple[str, str], tuple[Veto, int]] = attrs.field(factory=dict)
    #: Whether the send is a job.
    job: bool = False
    #: What it would cost; None if that is not known.
    cost: float | None = 0.0
    #: How many requests would be made.
    requests: int = 0
    #: The first rejected recipients.
    examples: list[Receipt] = attrs.field(factory=list)
    #: Notices about addresses, and how many recipients each is about.
    address_notices: Counter[str] = attrs.field(factory=Counter)
    #: Why this text can't be sent to any recipient; None if it can.
    refusal: TransportError | None = None
    #: The first request.
    first: Batch | None = None

    @property
    def given(self) -> int:
        """How many recipients were given in all."""
        return self.recipients + self.rejected + self.duplicates + self.held_back + self.waiting

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know about the addresses before sending, each a sentence."""
        return notices_with_counts(self.address_notices)

    @property
    def held_back(self) -> int:
        """How many recipients guards would hold back."""
        return sum(count for _, count in self.vetoes.values())

    @property
    def waiting(self) -> int:
        """How many recipients a job would send to later."""
        return sum(count for _, count in self.waits.values())

    @property
    def exit_code(self) -> Exit:
        """The exit code that the send would have."""
        if not self.rejected and not self.vetoes:
            return Exit.OK
        if self.recipients:
            return Exit.PARTLY
        codes = {for_veto(veto) for veto, _ in self.vetoes.values()}
        return codes.pop() if len(codes) == 1 and not self.rejected else Exit.FAILED

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "text": self.message.text,
            "sender": self.message.sender,
            **measurement_document(self.measurement, "encoding", "units", "segments"),
            **{name: getattr(self, name) for name in ("recipients", "rejected", "duplicates", "held_back", "waiting")},
            "vetoes": [attrs.asdict(veto) | {"recipients": count} for veto, count in self.vetoes.values()],
            "requests": self.requests,
            "cost": self.cost,
            "edits": self.edits,
        }

    def sentence(self, unit: str) -> str:
        """Return what would be done in one sentence."""
        parts = [plural(self.recipients, "recipient")]
        if self.measurement:
            size = f"{plural(self.measurement.segments, 'segment')} of {encoding_name(self.measurement.encoding)}"
            parts.append(f"{size} each" if self.recipients != 1 else size)
        parts.append("cost not known" if self.cost is None else plural(self.cost, unit))
        parts.append(plural(self.requests, "request"))
        return ", ".join(parts)

    def add(self, plan: Plan) -> None:
        """Add the plan of one part of the list."""
        if self.first is None and plan.batches:
            self.first = plan.batches[0]
        # A fan-out gives one recipient to several requests.
        recipients = {
            position: recipient
            for batch in plan.batches
            for position, recipient in zip(batch.positions, batch.recipients, strict=True)
        }
        self.address_notices.update(notice for recipient in recipients.values() for notice in recipient.notices)
        self.recipients += len(recipients)
        self.requests += len(plan.batches)
        if recipients:
            known = self.cost is not None and plan.cost is not None
            self.cost = (self.cost or 0) + (plan.cost or 0) if known else None
        for receipt in plan.excluded:
            self._add_excluded(receipt)

    def _add_excluded(self, receipt: Receipt) -> None:
        if receipt.veto:
            key = (receipt.veto.guard, receipt.veto.reason)
            found = self.waits if self.job and receipt.veto.postpone else self.vetoes
            veto, count = found.get(key, (receipt.veto, 0))
            found[key] = (veto, count + 1)
        elif receipt.outcome is Outcome.SKIPPED:
            self.duplicates += 1
        else:
            if receipt.error and receipt.error.scope.value == "content":
                self.refusal = receipt.error
            self.rejected += 1
            if len(self.examples) < _SHOWN:
                self.examples.append(receipt)


def summarize(notifier: Notifier, to: Iterable[str], text: str, *, job: bool = False, **message: Any) -> PlanSummary:
    """Plan for all recipients once, and return the totals.

    :param job: whether the send is a job, which waits where a plain send skips a recipient.
    :param message: options of the message, as ``Notifier.plan`` takes them.
    """
    summary: PlanSummary | None = None
    for plan in notifier.iter_plans(to, text, **message):
        summary = summary or PlanSummary(plan.message, plan.edits, plan.measurement, plan.warnings, job=job)
        summary.add(plan)
    assert summary is not None, "there is one plan at least"
    if full := full_queue(notifier, summary.recipients):
        summary.warnings += (full,)
    return summary


def full_queue(notifier: Notifier, recipients: int) -> str | None:
    """Return a sentence if so many messages do not fit into the provider's queue; None where they do."""
    limits = [leaf.capabilities.queue_limit for leaf in leaves(notifier.transport)]
    room = sum(limit for limit in limits if limit is not None)
    if None in limits or recipients <= room:
        return None
    messages = f"{recipients:,} messages do not fit into the provider's queue, which holds {room:,} in test mode"
    return f"{messages}: the rest is refused until you delete some there."


@attrs.frozen
class Replacement:
    """What replacing characters that force an encoding saves."""

    #: What is replaced: one character, or all that can be.
    forced: tuple[ForcedCharacter, ...]
    #: Segments that each recipient saves.
    segments: int
    #: Segments that remain.
    remaining: int
    #: How many times the characters stand in the text.
    times: int

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {"characters": self.forced, "saves_segments": self.segments, "times": self.times}


class Suggestions:
    """What replacing characters of a planned text would save; nothing if the transport does not measure."""

    def __init__(self, plan: Plan, capabilities: Capabilities) -> None:
        self._text = plan.message.text
        self._measure = capabilities.measure
        self._size = plan.measurement if self._measure else None
        #: The characters that force the encoding.
        self.forced = self._size.forced if self._size else ()

    def each(self) -> list[Replacement]:
        """Return what each character would save if it alone were replaced."""
        return [self._replace(forced) for forced in self.forced]

    def all(self) -> Replacement | None:
        """Return what replacing all that can be replaced would save; None if none can be."""
        replaceable = [forced for forced in self.forced if forced.replacement is not None]
        return self._replace(*replaceable) if replaceable else None

    def sentence(self) -> str:
        """Return in one sentence what replacing would save."""
        best = self.all()
        if best is None or best.segments <= 0:
            units = self._size.units_left if self._size else 0
            room = f"; {plural(units, 'unit')} left in this segment" if units else ""
            return f"nothing by replacing characters{room}"
        swaps = ", ".join(f"{replacement_name(forced)} for {quoted(forced.character)}" for forced in best.forced)
        others = len(self.forced) - len(best.forced)
        rest = f" ({others} others have no replacement)" if others else ""
        return f"{plural(best.segments, 'segment')}: {swaps} makes it {plural(best.remaining, 'segment')}{rest}"

    def _replace(self, *forced: ForcedCharacter) -> Replacement:
        table = {ord(one.character): one.replacement for one in forced if one.replacement is not None}
        before = self._size.segments if self._size else 0
        after = self._measure(self._text.translate(table)).segments if self._measure and table else before
        return Replacement(forced, before - after, after, sum(self._text.count(one.character) for one in forced))


def replacement_name(forced: ForcedCharacter) -> str:
    """Return what stands in place of a character, in words if it is nothing."""
    if forced.replacement is None:
        return "no replacement"
    return quoted(forced.replacement) if forced.replacement else "nothing"
