"""``notifykit preview``: how a message looks on a phone, and why it costs what it costs."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

import click

from notifykit.cli.dry_run import configured_transport, dry_run_notifier, load_settings, mode
from notifykit.cli.exit_codes import Exit
from notifykit.cli.inputs import filled_template, message_file_option, template_options, via_option
from notifykit.cli.messages import describe_edit, quoted
from notifykit.cli.options import common, examples, read_text
from notifykit.cli.output import encoding_name, plural, print_json, print_line
from notifykit.cli.plan_summary import Suggestions, measurement_document, replacement_name
from notifykit.errors import NotifyError
from notifykit.models.capabilities import Capabilities
from notifykit.models.message import Channel
from notifykit.models.plan import Plan
from notifykit.models.recipient import Rejected
from notifykit.pipeline.notifier import Notifier
from notifykit.protocols import Transport

_METER: Final = 20
#: How many characters with a replacement get a line each.
_MOST_LINES: Final = 12
#: Columns inside the frame: about what a phone shows.
_WIDTH: Final = 34
_LEFT_TO_RIGHT_MARK: Final = "\u200e"
_RIGHT_TO_LEFT, _LEFT_TO_RIGHT, _END = "\u2067", "\u2066", "\u2069"
#: A code, a number or a Latin name of several words inside right-to-left text. Numbers alone are not joined over a space.
_CODE: Final = re.compile(
    r"[A-Za-z](?:[\w.,:/+@#%&=?'\u2019 -]*[A-Za-z0-9])?|[0-9](?:[\w.,:/+@#%&=?-]*[A-Za-z0-9])?", re.ASCII
)


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
@message_file_option
@template_options
@click.option("--to", metavar="NUMBER", help="Who would get it: the price depends on the country.")
@click.option("--sender", metavar="NAME", help="The sender's name.")
@via_option
@common
def preview(message: str | None, as_json: bool, **options: Any) -> int:
    """Show a message as a phone does, with its encoding, segments and cost. Nothing is sent."""
    template, file, to = filled_template(options), options["message_file"], options["to"]
    if [message is None, file is None, template is None].count(False) != 1:
        raise click.UsageError("Give the text, or a file with it, or --template: notifykit preview 'Your text'")
    given = "" if template else read_text(file or "-") if message in (None, "-") else str(message)
    with dry_run_notifier(options["via"]) as notifier:
        text = template.render(notifier, Channel.SMS)[0] if template else given
        plan = notifier.plan([to] if to else (), text, sender=options["sender"] or notifier.settings.sender)
        capabilities = notifier.transport.capabilities
        price = _price(notifier, plan, to)
        refusal = plan.refusal or (capabilities.check(plan.message) if capabilities.check else None)
        rejected = [receipt.error for receipt in plan.excluded if isinstance(receipt.recipient, Rejected)]
        error = refusal or next(iter(rejected), None)
        recipient = plan.recipients[0] if plan.recipients else None
        configured = _configured(options["via"])
        now = mode(configured) if configured else None
        # The configured transport knows its own sender, and the one of the dry run does not.
        about_message = configured and configured.capabilities.warn
        warnings = (*plan.warnings, *(about_message(plan.message) if about_message else ()))
        notices = tuple(dict.fromkeys((*warnings, *(recipient.notices if recipient else ()))))
        if as_json:
            data = _document(plan, price, capabilities) | {"to": recipient and str(recipient), "mode": now}
            data |= template.as_document(notifier, Channel.SMS) if template else {}
            print_json("preview", data, notices, ok=error is None, error=error)
        else:
            head = (plan.message.sender, f"to {recipient}" if recipient else None, now)
            if any(head):
                print_line(f" {' · '.join(filter(None, head))}", "strong")
            for line in phone_lines(plan.message.text, isolated=sys.stdout.isatty()):
                print_line(line)
            lines = [*_lines(plan, price, capabilities)]
            lines += [
                (" " if number else "changed", describe_edit(edit), None) for number, edit in enumerate(plan.edits)
            ]
            lines += [("notice", notice, "care") for notice in notices]
            lines += [("rejected", str(problem), "bad") for problem in rejected]
            lines += [("refused", str(refusal), "bad")] if refusal else []
            for label, line, style in lines:
                print_line(f" {label:<12} {line}" if label else f" {line}", style)
    return Exit.FAILED if refusal else Exit.PARTLY if rejected else Exit.OK


def _configured(via: str | None) -> Transport | None:
    try:
        return configured_transport(load_settings({"transport": via})).transport
    except NotifyError:
        return None


def _price(notifier: Notifier, plan: Plan, to: str | None) -> float | None:
    """Return what the recipient costs, or without one a recipient at the provider's usual price."""
    if to and plan.recipients:
        return plan.cost
    capabilities = notifier.transport.capabilities
    home = notifier.plan(["96598765432"], "x").recipients
    if not home or not capabilities.price or plan.segments is None:
        return None
    return capabilities.price(home[0], plan.segments)


def _document(plan: Plan, price: float | None, capabilities: Capabilities) -> dict[str, Any]:
    best = Suggestions(plan, capabilities).all()
    return {
        "text": plan.message.text,
        "sender": plan.message.sender,
        **measurement_document(plan.measurement, "encoding", "units", "units_left", "segments"),
        "cost": price,
        "forced": plan.measurement.forced if plan.measurement else [],
        "saving": best.as_document() if best else None,
        "edits": plan.edits,
    }


def _lines(plan: Plan, price: float | None, capabilities: Capabilities) -> Iterator[tuple[str, str, str | None]]:
    """Yield the label, the text and the style of each line below the phone."""
    size = plan.measurement
    if size is None or capabilities.measure is None:
        yield "encoding", "not known: this transport does not measure texts", None
        return
    cost = [] if price is None else [f"{plural(price, capabilities.unit)} a recipient"]
    parts = [encoding_name(size.encoding), plural(size.segments, "segment"), *cost]
    yield "", " · ".join(parts), "good" if size.segments <= 1 else "care"
    room = size.units + size.units_left
    filled = round(_METER * size.units / room) if room else 0
    bar = f"{'█' * filled}{'░' * (_METER - filled)}"
    yield "", f"{bar} {size.units}/{room} units, {size.units_left} left", None
    suggestions = Suggestions(plan, capabilities)
    letters = [quoted(forced.character) for forced in suggestions.forced if forced.replacement is None]
    reasons = [
        f"{quoted(forced.character)}  {forced.name.lower()}, at {forced.position + 1} → {replacement_name(forced)}"
        for forced in suggestions.forced
        if forced.replacement is not None
    ][:_MOST_LINES]
    if letters:
        reasons.append(f"{plural(len(letters), 'character')} without a GSM-7 form: {' '.join(letters)}")
    for number, reason in enumerate(reasons):
        yield " " if number else f"why {encoding_name(size.encoding)}", reason, None
    if suggestions.forced:
        yield "could save", suggestions.sentence(), None


# --- the phone ---


def phone_lines(text: str, *, isolated: bool = True) -> list[str]:
    """Return the lines of a text in a frame as on a phone, with right-to-left lines on the right.

    :param isolated: whether to add invisible marks that keep codes in order: for a terminal, not for searching.
    """
    # The whole paragraph decides on the direction, not the first word of each line.
    lines = [
        (line, is_right_to_left(paragraph))
        for paragraph in text.replace("\t", " ").splitlines() or [""]
        for line in _wrap("".join(letter for letter in paragraph if unicodedata.category(letter) != "Cc"))
    ]
    width = max((columns(line) for line, _ in lines), default=0)
    return [
        f" ╭{'─' * (width + 2)}╮",
        *(f" │ {_align(line, width, right, isolated)} │" for line, right in lines),
        f" ╰{'─' * (width + 2)}╯",
    ]


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(map(_columns_of, text))


def is_right_to_left(text: str) -> bool:
    """Return whether the first letter of a text is of a right-to-left script."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((direction != "L" for direction in directions if direction in ("L", "R", "AL")), False)


def _columns_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _align(line: str, width: int, right: bool, isolate: bool) -> str:
    padding = " " * (width - columns(line))
    if right and not isolate:
        return padding + line
    if right:
        isolated = _CODE.sub(lambda code: f"{_LEFT_TO_RIGHT}{code[0]}{_END}", line)
        return f"{_LEFT_TO_RIGHT_MARK}{padding}{_RIGHT_TO_LEFT}{isolated}{_END}{_LEFT_TO_RIGHT_MARK}"
    return line + padding


def _wrap(paragraph: str) -> Iterator[str]:
    line = ""
    for word in re.findall(r"\s*\S+|\s+$", paragraph):
        if line and columns(line + word) > _WIDTH:
            yield line
            line = word.lstrip()
        else:
            line += word
        while columns(line) > _WIDTH:
            cut = _characters_in(line, _WIDTH)
            yield line[:cut]
            line = line[cut:]
    yield line


def _characters_in(line: str, width: int) -> int:
    taken = 0
    for position, character in enumerate(line):
        taken += _columns_of(character)
        if taken > width:
            return position
    return len(line)
