"""The demo on a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Final

import click

from notifykit import Outcome, Receipt
from notifykit.cli.output import encoding_name, plural
from notifykit_kwtsms.api.facts import SHARED_SENDER
from notifykit_kwtsms.demo.story import Performance

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
        size = f"{plural(measurement.units, 'unit')}, {plural(measurement.segments, 'segment')}"
        _line("on air", f"{encoding_name(measurement.encoding)}, {size}")
        if measurement.forced:
            _line("", f"Unicode because of {' '.join(forced.character for forced in measurement.forced)}")
    for wait in performance.waits:
        _line("waited", wait)
    for outcome in Outcome:
        _outcome(performance.with_outcome(outcome))
    _line("account", f"{plural(performance.points, 'point')} charged, {performance.balance:g} left")
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
