"""``notifykit demo``: six sends through the real pipeline and transport to a sandbox, without account or network."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from notifykit import Edit, Measurement, Notifier, Outcome, PluginHost, Receipt, Settings, SystemClock, replay
from notifykit.cli.options import common
from notifykit.cli.output import ProgressBar, encoding_name, plural, print_json, print_line
from notifykit.events import Event, RetryScheduled
from notifykit_kwtsms.api.facts import SHARED_SENDER

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox

_CAMPAIGN_SIZE: Final = 250
_BALANCE: Final = 1000.0
#: Seconds; the demo's clock skips longer waits.
_LONGEST_WAIT: Final = 1.0
_REAL_ACCOUNT: Final = f"""\
With a real account (API user and password: kwtsms.com → Account → API):

  export KWTSMS_USERNAME=your_api_user KWTSMS_PASSWORD=your_api_pass KWTSMS_SENDER_ID={SHARED_SENDER}
  export KWTSMS_TEST_MODE=1    # 1 queues only and reaches no phone; 0 sends for real
  python -c 'from notifykit import Notifier; print(*Notifier.from_settings().send("YOUR NUMBER", "Hello"))'
"""


@attrs.frozen
class Example:
    """One send of the demo."""

    #: What it shows.
    title: str
    #: The recipients.
    to: Sequence[str]
    #: The text.
    text: str


@attrs.frozen
class ExampleResult:
    """The result of one send."""

    #: What was sent.
    example: Example
    #: The text after cleaning.
    sent_text: str
    #: What the cleaners changed.
    edits: tuple[Edit, ...]
    #: The encoding and the segments of the text.
    measurement: Measurement | None
    #: One for each recipient, in order.
    receipts: tuple[Receipt, ...]
    #: Waits before a retry, as sentences.
    waits: tuple[str, ...]
    #: Points charged, by the account and not by the answers.
    points: float
    #: Points left on the account.
    balance: float


def demo_examples() -> list[Example]:
    """Return the sends of the demo. The numbers are the sandbox's own, or a block that is probably not assigned."""
    campaign = [f"9659900{index:04d}" for index in range(_CAMPAIGN_SIZE)]
    campaign[17], campaign[101], campaign[230] = "2245 6789", "call me", "+965 9876"
    return [
        Example("An English one-time code", ["+965 9876 5432"], "Your code for MYAPP is 123456"),
        Example("An Arabic one-time code", ["00965 9876 5433"], "رمز التحقق لتطبيق MYAPP هو ٤٧١١٠٢"),
        Example("Emoji, Arabic digits and HTML", ["٩٦٥٩٨٧٦٥٤٣٤"], "<b>Eid Mubarak</b> 🎉 ٥٠% off until Friday 🛍️"),
        Example(f"A campaign of {_CAMPAIGN_SIZE}, three of them no numbers", campaign, "MYAPP is open until midnight."),
        Example("A queue that is full once", ["965 4500 5001"], "Your order has left the shop."),
        Example(
            "An answer that is lost after the gateway accepted", ["965 4500 6001"], "Your code for MYAPP is 654321"
        ),
    ]


class _DemoClock(SystemClock):
    """Real time that skips long waits, here and at the gateway."""

    shared = False

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._skipped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self._skipped

    def now(self) -> datetime.datetime:
        return super().now() + datetime.timedelta(seconds=self._skipped)

    def sleep(self, seconds: float) -> None:
        if seconds <= _LONGEST_WAIT:
            super().sleep(seconds)
        else:
            self._skipped += seconds
            self._sandbox.clock.advance(seconds)


class _WaitSink:
    """Keeps the waits before retries."""

    name = "demo"
    #: What it keeps is read at once.
    background = False

    def __init__(self) -> None:
        self.waits: list[str] = []

    def handle(self, event: Event) -> None:
        if isinstance(event, RetryScheduled):
            self.waits.append(f"{event.wait:g} s after {event.code}: {event.error} (The demo's clock skips the wait.)")


@click.command("demo")
@click.option("--stay", is_flag=True, help="Leave the gateway running at the end, and say how to use it.")
@common
@click.pass_context
def demo(ctx: click.Context, as_json: bool, stay: bool) -> int:
    """Send six messages to a sandbox gateway on this machine. Needs no account and no network."""
    from notifykit_kwtsms.sandbox import Sandbox

    host = ctx.find_object(PluginHost)
    with Sandbox() as sandbox:
        if not as_json:
            click.echo(f"A sandbox gateway on {sandbox.url}, in test mode. Nothing leaves this machine.\n")
        results = []
        for result in run_examples(sandbox, host, shown=not as_json):
            results.append(result)
            if not as_json:
                _print_result(result)
        numbers = {receipt.to for result in results for receipt in result.receipts}
        twice = sorted(number for number in numbers if sandbox.accepted(number) > 1)
        if as_json:
            data = {"gateway": sandbox.url, "messages": list(map(_as_json, results)), "sent_twice": len(twice)}
            print_json("demo", data, ok=not twice)
        else:
            _print_totals(results, twice)
        if stay:
            with contextlib.suppress(KeyboardInterrupt):
                click.echo(
                    f"\nThe gateway stays on {sandbox.url} until Ctrl-C. Use it from another terminal:\n", err=True
                )
                for name, value in sandbox.env.items():
                    click.echo(f"  export {name}={value}", err=True)
                threading.Event().wait()
    return 1 if twice else 0


def run_examples(sandbox: Sandbox, host: PluginHost | None, *, shown: bool) -> Iterator[ExampleResult]:
    """Send the examples and yield each result.

    :param sandbox: a running gateway.
    :param host: the plugins; None for all that are installed.
    :param shown: whether to print titles and a progress bar.
    """
    sandbox.account.change(balance=_BALANCE)
    sink = _WaitSink()
    with Notifier(sandbox.dsn, settings=Settings(), host=host, sinks=[sink], clock=_DemoClock(sandbox)) as notifier:
        for number, example in enumerate(demo_examples(), 1):
            if shown:
                print_line(f"{number}  {example.title}", "strong")
            sink.waits.clear()
            plan = notifier.plan(example.to, example.text)
            before = sandbox.account.balance
            receipts = _stream(notifier, example, shown=shown)
            yield ExampleResult(
                example=example,
                sent_text=replay(example.text, plan.edits),
                edits=plan.edits,
                measurement=plan.measurement,
                receipts=tuple(sorted(receipts, key=lambda receipt: receipt.position)),
                waits=tuple(sink.waits),
                points=before - sandbox.account.balance,
                balance=sandbox.account.balance,
            )


def _stream(notifier: Notifier, example: Example, *, shown: bool) -> list[Receipt]:
    progress = ProgressBar(len(example.to), show=shown)
    receipts: list[Receipt] = []
    accepted = 0
    for receipt in notifier.stream(example.to, example.text, tags=["demo"]):
        receipts.append(receipt)
        accepted += receipt.outcome is Outcome.ACCEPTED
        progress.advance(len(receipts), accepted)
    progress.end()
    return receipts


def _as_json(result: ExampleResult) -> dict[str, Any]:
    return {
        "title": result.example.title,
        "text": result.example.text,
        "sent_text": result.sent_text,
        "edits": result.edits,
        **{name: getattr(result.measurement, name, None) for name in ("encoding", "units", "segments")},
        **{name: getattr(result, name) for name in ("points", "balance", "waits")},
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
            for receipt in result.receipts
        ],
    }


def _print_result(result: ExampleResult) -> None:
    _print_row("text", result.example.text)
    for edit in result.edits:
        after = f"→ {edit.after!r}" if edit.after else "removed"
        _print_row("changed", f"{edit.before!r} {after} ({edit.reason})")
    if result.edits:
        _print_row("sent", result.sent_text)
    measurement = result.measurement
    if measurement:
        size = f"{plural(measurement.units, 'unit')}, {plural(measurement.segments, 'segment')}"
        _print_row("on air", f"{encoding_name(measurement.encoding)}, {size}")
        if measurement.forced:
            _print_row("", f"Unicode because of {' '.join(forced.character for forced in measurement.forced)}")
    for wait in result.waits:
        _print_row("waited", wait)
    for outcome in Outcome:
        _print_receipts([receipt for receipt in result.receipts if receipt.outcome is outcome])
    _print_row("account", f"{plural(result.points, 'point')} charged, {result.balance:g} left")
    click.echo()


def _print_receipts(receipts: list[Receipt]) -> None:
    """Print receipts of one outcome with reason and advice; equal ones together."""
    for _, group in itertools.groupby(receipts, key=lambda receipt: (receipt.error, receipt.advice)):
        alike = list(group)
        first = alike[0]
        who = str(first.recipient) if len(alike) == 1 else f"{len(alike)} numbers"
        who += f" (no. {first.position + 1})" if len(alike) == 1 and first.position else ""
        if first.outcome is Outcome.ACCEPTED:
            ids = list(dict.fromkeys(receipt.message_id for receipt in alike if receipt.message_id))
            attempts = f", at try {len(first.attempts)}" if len(first.attempts) > 1 else ""
            requests = f" in {len(ids)} requests" if len(ids) > 1 else ""
            _print_row(first.outcome, f"{who}{requests}{attempts}, id {', '.join(ids)}")
        else:
            _print_row(first.outcome, f"{who}: {first.error.detail if first.error else first.skipped}")
        _print_row("", f"→ {first.advice}")


def _print_totals(results: Sequence[ExampleResult], twice: Sequence[str]) -> None:
    outcomes = [receipt.outcome for result in results for receipt in result.receipts]
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in Outcome if outcome in outcomes)
    doubled = f"{len(twice)} numbers were sent to twice" if twice else "nothing was sent twice"
    click.echo(f"In all: {counts}. Counted at the gateway: {doubled}.\n")
    click.echo(_REAL_ACCOUNT, nl=False)


def _print_row(label: str, text: str) -> None:
    click.echo(f"   {label:<9} {text}")
