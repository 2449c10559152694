"""What `notifykit demo` shows: six sends through the real road and the real transport to a sandbox gateway."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from notifykit import Edit, Measurement, Notifier, Outcome, PluginHost, Receipt, Settings, SystemClock, replay
from notifykit.cli.output import ProgressBar, print_line
from notifykit.events import Event, RetryScheduled

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox

_CAMPAIGN_SIZE: Final = 250
_BALANCE: Final = 1000.0
#: Waits up to this, in seconds, are really waited; longer ones are skipped.
_PATIENCE: Final = 1.0


@attrs.frozen
class Scene:
    """One send of the story."""

    #: What it shows.
    title: str
    #: Who gets it.
    to: Sequence[str]
    #: What they get.
    text: str


@attrs.frozen
class Performance:
    """One send of the story, and what came of it."""

    #: What was sent.
    scene: Scene
    #: The text that left.
    sent_text: str
    #: What the cleaners changed.
    edits: tuple[Edit, ...]
    #: What the text takes up.
    measurement: Measurement | None
    #: One for each recipient, in order.
    receipts: tuple[Receipt, ...]
    #: Waits before another try, in words.
    waits: tuple[str, ...]
    #: Points charged, counted on the account and not by what the answers say.
    points: float
    #: Points left on the account.
    balance: float

    def with_outcome(self, outcome: Outcome) -> list[Receipt]:
        """Return the receipts that ended like this."""
        return [receipt for receipt in self.receipts if receipt.outcome is outcome]


def scenes() -> list[Scene]:
    """Return the story. The numbers are the sandbox's own, or form a block that nobody is likely to own."""
    campaign = [f"9659900{index:04d}" for index in range(_CAMPAIGN_SIZE)]
    campaign[17], campaign[101], campaign[230] = "2245 6789", "call me", "+965 9876"
    return [
        Scene("An English one-time code", ["+965 9876 5432"], "Your code for MYAPP is 123456"),
        Scene("An Arabic one-time code", ["00965 9876 5433"], "رمز التحقق لتطبيق MYAPP هو ٤٧١١٠٢"),
        Scene("Emoji, Arabic digits and HTML", ["٩٦٥٩٨٧٦٥٤٣٤"], "<b>Eid Mubarak</b> 🎉 ٥٠% off until Friday 🛍️"),
        Scene(f"A campaign of {_CAMPAIGN_SIZE}, three of them no numbers", campaign, "MYAPP is open until midnight."),
        Scene("A queue that is full once", ["965 4500 5001"], "Your order has left the shop."),
        Scene("An answer that is lost after the gateway accepted", ["965 4500 6001"], "Your code for MYAPP is 654321"),
    ]


class _DemoClock(SystemClock):
    """Real time, but long waits are skipped, here and at the gateway."""

    shared = False

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._skipped = 0.0

    def monotonic(self) -> float:
        """Return real seconds and skipped ones."""
        return super().monotonic() + self._skipped

    def now(self) -> datetime.datetime:
        """Return the time of day as it would be without skipping."""
        return super().now() + datetime.timedelta(seconds=self._skipped)

    def sleep(self, seconds: float) -> None:
        """Wait a little, or skip."""
        if seconds <= _PATIENCE:
            super().sleep(seconds)
        else:
            self._skipped += seconds
            self._sandbox.clock.advance(seconds)


class _Waits:
    """A sink that hears why something is tried again."""

    name = "demo"

    def __init__(self) -> None:
        self.heard: list[str] = []

    def handle(self, event: Event) -> None:
        """Keep the waits."""
        if isinstance(event, RetryScheduled):
            self.heard.append(f"{event.wait:g} s after {event.code}: {event.error} (The demo's clock skips the wait.)")


def perform(sandbox: Sandbox, host: PluginHost | None, *, shown: bool) -> Iterator[Performance]:
    """Send the whole story and yield each send as it ends.

    :param sandbox: a running gateway.
    :param host: the plugins; None for all that are installed.
    :param shown: whether to print the title of each scene, and how far a send to many is.
    """
    sandbox.account.change(balance=_BALANCE)
    waits = _Waits()
    with Notifier(sandbox.dsn, settings=Settings(), host=host, sinks=[waits], clock=_DemoClock(sandbox)) as notifier:
        for number, scene in enumerate(scenes(), 1):
            if shown:
                print_line(f"{number}  {scene.title}", "strong")
            yield _play(scene, sandbox, notifier, waits, ProgressBar(len(scene.to), show=shown))


def _play(scene: Scene, sandbox: Sandbox, notifier: Notifier, waits: _Waits, progress: ProgressBar) -> Performance:
    waits.heard.clear()
    plan = notifier.plan(scene.to, scene.text)
    before = sandbox.account.balance
    receipts: list[Receipt] = []
    accepted = 0
    for receipt in notifier.stream(scene.to, scene.text, tags=["demo"]):
        receipts.append(receipt)
        accepted += receipt.outcome is Outcome.ACCEPTED
        progress.advance(len(receipts), accepted)
    progress.end()
    balance = sandbox.account.balance
    return Performance(
        scene=scene,
        sent_text=replay(scene.text, plan.edits),
        edits=plan.edits,
        measurement=plan.measurement,
        receipts=tuple(sorted(receipts, key=lambda receipt: receipt.position)),
        waits=tuple(waits.heard),
        points=before - balance,
        balance=balance,
    )


def double_sends(sandbox: Sandbox, performances: Sequence[Performance]) -> list[str]:
    """Return the numbers that the gateway accepted more often than once: there are none."""
    numbers = {receipt.to for performance in performances for receipt in performance.receipts}
    return sorted(number for number in numbers if sandbox.accepted(number) > 1)


def as_document(performance: Performance) -> dict[str, Any]:
    """Return one send for ``--json``."""
    measurement = performance.measurement
    return {
        "title": performance.scene.title,
        "text": performance.scene.text,
        "sent_text": performance.sent_text,
        "edits": [attrs.asdict(edit) for edit in performance.edits],
        "encoding": measurement.encoding if measurement else None,
        "units": measurement.units if measurement else None,
        "segments": measurement.segments if measurement else None,
        "points": performance.points,
        "balance": performance.balance,
        "waits": list(performance.waits),
        "receipts": [
            {
                "position": receipt.position,
                "to": str(receipt.recipient),
                "outcome": receipt.outcome.value,
                "code": receipt.code,
                "message_id": receipt.message_id,
                "attempts": len(receipt.attempts),
                "reason": receipt.error.detail if receipt.error else None,
                "advice": receipt.advice,
            }
            for receipt in performance.receipts
        ],
    }
