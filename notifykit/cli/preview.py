"""``notifykit preview``: how a message looks on a phone, and why it costs what it costs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import click

from notifykit.cli import savings
from notifykit.cli.bubble import bubble
from notifykit.cli.exit_codes import Exit
from notifykit.cli.filling import filling_of, template_options
from notifykit.cli.messages import describe_edit, quoted
from notifykit.cli.options import common, examples, read_text
from notifykit.cli.output import encoding_name, plural, print_json, print_line
from notifykit.cli.rehearsal import load_settings, rehearsal
from notifykit.cli.status import set_up
from notifykit.errors import NotifyError, TransportError
from notifykit.models.capabilities import Capabilities, Measurement
from notifykit.models.plan import Plan
from notifykit.models.recipient import Rejected
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.settings.sources import Settings

_METER = 20
#: Letters of a script need no line each: they have no replacement, and are named together.
_MOST_LINES = 12


@click.command(
    "preview",
    epilog=examples(
        'notifykit preview "Your code is 123456"',
        "notifykit preview --message-file text.txt --to 96598765432",
        'echo "Your code is 123456" | notifykit preview - --json',
        "notifykit preview --template otp --var code=123456 --language ar",
    ),
)
@click.argument("message", required=False)
@click.option("--message-file", metavar="FILE", help="A file with the text; - is standard input.")
@template_options
@click.option("--to", metavar="NUMBER", help="Who would get it: the price depends on the country.")
@click.option("--sender", metavar="NAME", help="The sender's name.")
@click.option("--via", metavar="NAME|DSN", help="Another transport than the settings say.")
@common
@click.pass_context
def preview(
    ctx: click.Context,
    message: str | None,
    message_file: str | None,
    to: str | None,
    sender: str | None,
    via: str | None,
    template: str | None,
    variables: Sequence[str],
    language: str | None,
    as_json: bool,
) -> int:
    """Show a message as a phone does, with its encoding, segments and cost. Nothing is sent."""
    filling = filling_of(template, variables, language)
    if [message is None, message_file is None, filling is None].count(False) != 1:
        raise click.UsageError("Give the text, or a file with it, or --template: notifykit preview 'Your text'")
    text = "" if filling else read_text(message_file or "-") if message in (None, "-") else message
    assert text is not None, "one of them is given"
    with rehearsal(ctx, via) as notifier:
        text = filling.text(notifier) if filling else text
        plan = notifier.plan([to] if to else (), text, sender=sender or notifier.settings.sender)
        capabilities = notifier.transport.capabilities
        refusal = capabilities.check(plan.message) if capabilities.check else None
        price = _price(notifier, plan, to)
        nobody = _nobody(plan)
        mode = _mode(load_settings({"transport": via}), notifier.host)
        if as_json:
            data = _document(plan, price, capabilities) | {"to": _redacted(plan), "mode": mode}
            data |= filling.as_document(notifier) if filling else {}
            print_json("preview", data, _notices(plan), ok=(refusal or nobody) is None, error=refusal or nobody)
        else:
            _head(plan, mode)
            _show(plan, price, capabilities, text)
            for notice in _notices(plan):
                print_line(f" notice       {notice}", "care")
            if nobody:
                print_line(f" rejected     {nobody}", "bad")
            if refusal:
                print_line(f" refused      {refusal}", "bad")
    return Exit.FAILED if refusal else Exit.PARTLY if nobody else Exit.OK


def _redacted(plan: Plan) -> str | None:
    """Return who would get it, redacted; None where nobody is named, or the number is no good."""
    return str(plan.recipients[0]) if plan.recipients else None


def _notices(plan: Plan) -> tuple[str, ...]:
    """Return what is to be said about the number that was given."""
    return plan.recipients[0].notices if plan.recipients else ()


def _nobody(plan: Plan) -> TransportError | None:
    """Return why the number that was given can't be sent to; None where it can."""
    errors = (receipt.error for receipt in plan.excluded if isinstance(receipt.recipient, Rejected))
    return next(errors, None)


def _mode(settings: Settings, host: PluginHost) -> str | None:
    """Return ``LIVE`` or ``TEST``; None where nothing is set up to send with."""
    try:
        return set_up(settings, host)[1]
    except NotifyError:
        return None


def _head(plan: Plan, mode: str | None) -> None:
    to = _redacted(plan)
    parts = (plan.message.sender, f"to {to}" if to else None, mode)
    if any(parts):
        print_line(f" {' · '.join(filter(None, parts))}", "strong")


def _price(notifier: Notifier, plan: Plan, to: str | None) -> float | None:
    """Return what one recipient costs; where nobody is named, one whose price is the provider's plain one."""
    if to and plan.recipients:
        return plan.cost
    capabilities = notifier.transport.capabilities
    home = notifier.plan(["96598765432"], "x").recipients
    if not home or not capabilities.price or plan.segments is None:
        return None
    return capabilities.price(home[0], plan.segments)


def _document(plan: Plan, price: float | None, capabilities: Capabilities) -> dict[str, Any]:
    size = plan.measurement
    measure = capabilities.measure
    best = savings.together(plan.message.text, size, measure) if size and measure else None
    return {
        "text": plan.message.text,
        "sender": plan.message.sender,
        "encoding": size.encoding if size else None,
        "units": size.units if size else None,
        "units_left": size.units_left if size else None,
        "segments": size.segments if size else None,
        "cost": price,
        "forced": [attrs.asdict(forced) for forced in size.forced] if size else [],
        "saving": best.as_document() if best else None,
        "edits": [attrs.asdict(edit) for edit in plan.edits],
    }


def _show(plan: Plan, price: float | None, capabilities: Capabilities, text: str) -> None:
    size = plan.measurement
    for line in bubble(plan.message.text, isolated=sys.stdout.isatty()):
        print_line(line)
    if size is None or capabilities.measure is None:
        print_line(" encoding     not known: this transport does not measure texts")
    else:
        print_line(f" {_size(size, price, capabilities.unit)}", "good" if size.segments <= 1 else "care")
        print_line(f" {_meter(size)}")
        if size.forced:
            _why(plan.message.text, size, capabilities.measure)
    for number, edit in enumerate(plan.edits):
        print_line(f" {'changed' if number == 0 else '':<12} {describe_edit(edit)}")


def _size(size: Measurement, price: float | None, unit: str) -> str:
    parts = [encoding_name(size.encoding), plural(size.segments, "segment")]
    if price is not None:
        parts.append(f"{plural(price, unit)} a recipient")
    return " · ".join(parts)


def _meter(size: Measurement) -> str:
    room = size.units + size.units_left
    filled = round(_METER * size.units / room) if room else 0
    bar = "█" * filled + "░" * (_METER - filled)
    return f"{bar} {size.units}/{room} units, {size.units_left} left"


def _why(text: str, size: Measurement, measure: Callable[[str], Measurement]) -> None:
    replaceable = [forced for forced in size.forced if forced.replacement is not None]
    letters = [forced for forced in size.forced if forced.replacement is None]
    label = f"why {encoding_name(size.encoding)}"
    for forced in replaceable[:_MOST_LINES]:
        place = f"at {forced.position + 1}"
        swap = f"→ {savings.in_words(forced)}"
        print_line(f" {label:<12} {quoted(forced.character)}  {forced.name.lower()}, {place} {swap}")
        label = ""
    if letters:
        shown = " ".join(quoted(forced.character) for forced in letters)
        print_line(f" {label:<12} {plural(len(letters), 'character')} without a GSM-7 form: {shown}")
    print_line(f" could save   {savings.suggestion(text, size, measure)}")
