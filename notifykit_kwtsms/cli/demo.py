"""What `notifykit demo` shows: six sends through the real road and the real transport to a sandbox gateway."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from notifykit import Edit, Measurement, Notifier, Outcome, PluginHost, Receipt, Settings, SystemClock, replay
from notifykit.cli.terminal import Progress, answer_line
from notifykit.events import Event, RetryScheduled

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox
import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from notifykit.cli.envelope import answer
from notifykit.cli.manner import common
from notifykit.cli.wording import counted, encoding_name, many
from notifykit_kwtsms.api.facts import SHARED_SENDER
from notifykit_kwtsms.cli.sandbox import stop_signal

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
                answer_line(f"{number}  {scene.title}", "strong")
            yield _play(scene, sandbox, notifier, waits, Progress(len(scene.to), show=shown))


def _play(scene: Scene, sandbox: Sandbox, notifier: Notifier, waits: _Waits, progress: Progress) -> Performance:
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


_REAL: Final = f"""\
With a real account (API user and password: kwtsms.com → Account → API):

  export KWTSMS_USERNAME=your_api_user KWTSMS_PASSWORD=your_api_pass KWTSMS_SENDER_ID={SHARED_SENDER}
  export KWTSMS_TEST_MODE=1    # 1 queues only and reaches no phone; 0 sends for real
  python -c 'from notifykit import Notifier; print(*Notifier.from_settings().send("YOUR NUMBER", "Hello"))'
"""


def show(performance: Performance) -> None:
    """Show what was changed, what it takes up, and how it ended."""
    _line("text", performance.scene.text)
    for edit in performance.edits:
        _line(
            "changed",
            f"{edit.before!r} → {edit.after!r} ({edit.reason})"
            if edit.after
            else f"{edit.before!r} removed ({edit.reason})",
        )
    if performance.edits:
        _line("sent", performance.sent_text)
    measurement = performance.measurement
    if measurement:
        size = f"{counted(measurement.units, 'unit')}, {counted(measurement.segments, 'segment')}"
        _line("on air", f"{encoding_name(measurement.encoding)}, {size}")
        if measurement.forced:
            _line("", f"Unicode because of {' '.join(forced.character for forced in measurement.forced)}")
    for wait in performance.waits:
        _line("waited", wait)
    for outcome in Outcome:
        _outcome(performance.with_outcome(outcome))
    _line("account", f"{many(performance.points, 'point')} charged, {performance.balance:g} left")
    click.echo()


def _outcome(receipts: list[Receipt]) -> None:
    """Show receipts of one outcome: each with its reason and advice, those that are alike together."""
    for _, group in itertools.groupby(receipts, key=lambda receipt: (receipt.error, receipt.advice)):
        alike = list(group)
        first = alike[0]
        who = str(first.recipient) if len(alike) == 1 else f"{len(alike)} numbers"
        who += f" (no. {first.position + 1})" if len(alike) == 1 and first.position else ""
        if first.outcome is Outcome.ACCEPTED:
            ids = list(dict.fromkeys(receipt.message_id for receipt in alike if receipt.message_id))
            tries = f", at try {len(first.attempts)}" if len(first.attempts) > 1 else ""
            requests = f" in {len(ids)} requests" if len(ids) > 1 else ""
            _line(first.outcome, f"{who}{requests}{tries}, id {', '.join(ids)}")
        else:
            _line(first.outcome, f"{who}: {first.error.detail if first.error else first.skipped}")
        _line("", f"→ {first.advice}")


def close(performances: Iterable[Performance], twice: list[str]) -> None:
    """Show the sum, and the way to a real account."""
    receipts = [receipt for performance in performances for receipt in performance.receipts]
    counts = ", ".join(
        f"{count} {outcome}" for outcome in Outcome if (count := sum(r.outcome is outcome for r in receipts))
    )
    doubled = "nothing was sent twice" if not twice else f"{len(twice)} numbers were sent to twice"
    click.echo(f"In all: {counts}. Counted at the gateway: {doubled}.\n")
    click.echo(_REAL, nl=False)


def _line(label: str, text: str) -> None:
    click.echo(f"   {label:<9} {text}")


@click.command("demo")
@click.option("--stay", is_flag=True, help="Leave the gateway running at the end, and say how to use it.")
@common
@click.pass_context
def demo(ctx: click.Context, as_json: bool, stay: bool) -> int:
    """Send six messages to a sandbox gateway on this machine. Needs no account and no network."""
    # SELF
    # SELF
    from notifykit_kwtsms.sandbox import Sandbox

    host = ctx.find_object(PluginHost)
    with Sandbox() as sandbox:
        if not as_json:
            click.echo(f"A sandbox gateway on {sandbox.url}, in test mode. Nothing leaves this machine.\n")
        performances = []
        for performance in perform(sandbox, host, shown=not as_json):
            performances.append(performance)
            if not as_json:
                show(performance)
        twice = double_sends(sandbox, performances)
        if as_json:
            messages = [as_document(performance) for performance in performances]
            answer("demo", {"gateway": sandbox.url, "messages": messages, "sent_twice": len(twice)}, ok=not twice)
        else:
            close(performances, twice)
        if stay:
            _stay(sandbox)
    return 1 if twice else 0


def _stay(sandbox: Sandbox) -> None:
    with stop_signal() as stopped:
        click.echo(f"\nThe gateway stays on {sandbox.url} until Ctrl-C. Use it from another terminal:\n", err=True)
        for name, value in sandbox.env.items():
            click.echo(f"  export {name}={value}", err=True)
        stopped.wait()
