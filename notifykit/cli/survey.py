"""What a send would do, in sums: in bounded memory, however long the list is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import attrs

from notifykit.cli.endings import for_veto
from notifykit.cli.exits import Exit
from notifykit.cli.wording import counted, encoding_name, many
from notifykit.errors import TransportError
from notifykit.models.capabilities import Measurement
from notifykit.models.message import Channel, Edit, Message
from notifykit.models.plan import Batch, Plan
from notifykit.models.receipt import Outcome, Receipt, Veto
from notifykit.pipeline.notifier import Notifier
from notifykit.pipeline.stages import notices_with_counts

#: Recipients that are looked back over for duplicates: all of most lists, in bounded memory.
WINDOW: Final = 1_000_000
#: Recipients that are set aside and shown one by one.
_SHOWN: Final = 20


@attrs.define
class Held:
    """Recipients whom a guard would hold back for the same reason."""

    #: What it says about the first of them.
    veto: Veto
    #: How many there are.
    count: int = 0


@attrs.define
class Survey:
    """The sums of a plan."""

    #: The message after cleaning.
    message: Message
    #: What the cleaners changed.
    edits: tuple[Edit, ...]
    #: What the text takes up; None where the transport does not measure.
    measurement: Measurement | None
    #: How many would be sent to.
    recipients: int = 0
    #: How many have no address that can be sent to, or a text that can't be sent.
    rejected: int = 0
    #: How many stand in the list more than once, behind the first.
    duplicates: int = 0
    #: Those whom a guard would hold back: how many for each reason, and the first veto.
    held: dict[tuple[str, str], Held] = attrs.field(factory=dict)
    #: What it would cost; None where that is not known.
    cost: float | None = 0.0
    #: The requests that would be made.
    requests: int = 0
    #: The first of those that would be rejected.
    examples: list[Receipt] = attrs.field(factory=list)
    #: What is to be said about recipients' addresses, and about how many of them.
    doubts: Counter[str] = attrs.field(factory=Counter)
    #: Why nobody can be sent this text; None where that is not so.
    refusal: TransportError | None = None
    #: The first request.
    first: Batch | None = None

    @property
    def given(self) -> int:
        """How many were given in all."""
        return self.recipients + self.rejected + self.duplicates + self.held_back

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know about the addresses before sending, each a sentence."""
        return notices_with_counts(self.doubts)

    @property
    def held_back(self) -> int:
        """How many a guard would hold back."""
        return sum(held.count for held in self.held.values())

    @property
    def exit_code(self) -> Exit:
        """How a command ends that would do it."""
        if not self.rejected and not self.held:
            return Exit.OK
        if self.recipients:
            return Exit.PARTLY
        codes = {for_veto(held.veto) for held in self.held.values()}
        return codes.pop() if len(codes) == 1 and not self.rejected else Exit.FAILED

    def as_document(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        size = self.measurement
        return {
            "text": self.message.text,
            "sender": self.message.sender,
            "encoding": size.encoding if size else None,
            "units": size.units if size else None,
            "segments": size.segments if size else None,
            "recipients": self.recipients,
            "rejected": self.rejected,
            "duplicates": self.duplicates,
            "held_back": self.held_back,
            "vetoes": [attrs.asdict(held.veto) | {"recipients": held.count} for held in self.held.values()],
            "requests": self.requests,
            "cost": self.cost,
            "edits": [attrs.asdict(edit) for edit in self.edits],
        }

    def sentence(self, unit: str) -> str:
        """Return what would be done in one sentence."""
        parts = [counted(self.recipients, "recipient")]
        if self.measurement:
            size = f"{counted(self.measurement.segments, 'segment')} of {encoding_name(self.measurement.encoding)}"
            parts.append(f"{size} each" if self.recipients != 1 else size)
        parts.append("cost not known" if self.cost is None else many(self.cost, unit))
        parts.append(counted(self.requests, "request"))
        return ", ".join(parts)


def survey(
    notifier: Notifier,
    to: Iterable[str],
    text: str,
    sender: str | None,
    tags: Iterable[str] = (),
    channel: Channel | str = Channel.SMS,
    subject: str | None = None,
) -> Survey:
    """Go through all recipients once and return the sums."""
    found: Survey | None = None
    for planned in notifier.iter_plans(to, text, sender=sender, tags=tags, channel=channel, subject=subject):
        found = found or Survey(planned.message, planned.edits, planned.measurement)
        _add(found, planned)
    assert found is not None, "there is one plan at least"
    return found


def _add(found: Survey, planned: Plan) -> None:
    if found.first is None and planned.batches:
        found.first = planned.batches[0]
    # A fan-out gives one recipient to several requests.
    people = {
        position: recipient
        for batch in planned.batches
        for position, recipient in zip(batch.positions, batch.recipients, strict=True)
    }
    found.doubts.update(notice for recipient in people.values() for notice in recipient.notices)
    found.recipients += len(people)
    found.requests += len(planned.batches)
    if people:
        known = found.cost is not None and planned.cost is not None
        found.cost = (found.cost or 0) + (planned.cost or 0) if known else None
    for receipt in planned.excluded:
        if receipt.veto:
            key = (receipt.veto.guard, receipt.veto.reason)
            found.held.setdefault(key, Held(receipt.veto)).count += 1
            continue
        if receipt.outcome is Outcome.SKIPPED:
            found.duplicates += 1
            continue
        if receipt.error and receipt.error.scope.value == "content":
            found.refusal = receipt.error
        found.rejected += 1
        if len(found.examples) < _SHOWN:
            found.examples.append(receipt)
