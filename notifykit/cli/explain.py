"""``notifykit explain``: why a text is changed and what it costs, how a number is read, what a code means."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Final

import click

from notifykit.cli.dry_run import dry_run_notifier, provider_codes, without_logs
from notifykit.cli.exit_codes import Exit
from notifykit.cli.inputs import via_option
from notifykit.cli.messages import describe_change, quoted
from notifykit.cli.options import ALIKE_CODES, common, examples, read_text
from notifykit.cli.output import Line, encoding_name, plural, print_answer, print_json, print_line
from notifykit.cli.plan_summary import Replacement, Suggestions, measurement_document, replacement_name
from notifykit.errors import Scope, TransportError
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected
from notifykit.normalizers.phone import compact
from notifykit.pipeline.notifier import Notifier
from notifykit.suggest import did_you_mean

_CODE: Final = re.compile(r"([A-Za-z]+)[0-9]{2,4}")
_NUMBER: Final = re.compile(r"\+?[0-9]{5,}")


@click.command(
    "explain",
    epilog=examples(
        "notifykit explain ERR013",
        'notifykit explain "+965 9876 5432"',
        'notifykit explain "It’s ready ٤٢"',
    ),
)
@click.argument("what", metavar="MESSAGE|NUMBER|CODE")
@click.option(
    "--as", "kind", type=click.Choice(["message", "number", "code"]), help="What it is, if the guess is wrong."
)
@via_option
@common
def explain(what: str, kind: str | None, via: str | None, as_json: bool) -> int:
    """Explain a text, a number or an error code: each edit, each step, each cure."""
    what = read_text("-") if what == "-" else what
    codes = provider_codes()
    kind = kind or _guess(what, codes)
    if kind == "code":
        return explain_code(what, codes, as_json=as_json)
    with dry_run_notifier(via) as notifier:
        return (_number if kind == "number" else _message)(what, notifier, as_json=as_json)


def _guess(what: str, codes: Mapping[str, TransportError]) -> str:
    code = _CODE.fullmatch(what)
    known_prefix = code is not None and code[1].upper() in {_CODE.sub(r"\1", known) for known in codes}
    if known_prefix or what.upper() in map(str.upper, codes):
        return "code"
    return "number" if _NUMBER.fullmatch(compact(what)) else "message"


# --- codes ---


def explain_code(code: str, codes: Mapping[str, TransportError], *, as_json: bool, command: str = "explain") -> int:
    """Print what a provider's code means and what to do about it."""
    code = next((known for known in codes if known.upper() == code.upper()), code.upper())
    error = codes.get(code)
    if error is None:
        hint = did_you_mean(code, codes, "", form=" Did you mean {}?", least=ALIKE_CODES)
        raise click.UsageError(f"No installed provider has a code {code!r}.{hint} `notifykit help errors` lists all.")
    data = {
        "kind": "code",
        "code": error.code,
        "meaning": error.detail,
        "action": error.action,
        "about": error.scope.value,
        "error": type(error).__name__,
        **{name: getattr(error, name) for name in ("retryable", "waits", "safe_to_resend")},
    }
    lines: list[Line] = [
        (f"{code}  {error.detail}", "strong"),
        f"cure    {error.action}",
        f"about   {error.scope.value}",
        f"retry   {_retry(error)}",
    ]
    return print_answer(command, data, lines, as_json=as_json)


def _retry(error: TransportError) -> str:
    if not error.retryable:
        return "does not help until the cause is removed"
    waits = ", ".join(f"{wait:g} s" for wait in error.waits)
    if error.scope is Scope.RECIPIENT:
        return f"a batch waits by itself, {waits}; a single send does not: the error says how long to wait"
    return f"by itself, after {waits}"


# --- numbers ---


def _number(raw: str, notifier: Notifier, *, as_json: bool) -> int:
    normalizer, result = _normalize(raw, notifier)
    steps = list(_steps(raw, result))
    rejected = result if isinstance(result, Rejected) else None
    recipient = result if isinstance(result, Recipient) else None
    country, notices = (recipient.country, recipient.notices) if recipient else (None, ())
    data = {
        "kind": "number",
        "given": raw,
        "steps": [{"step": step, "after": after} for step, after in steps],
        "normalizer": normalizer,
        "address": recipient and recipient.address,
        "country": country,
        "notices": notices,
    }
    lines: list[Line] = [f"{after:<20} {step}" for step, after in steps]
    if rejected is None:
        where = f"country {country}" if country else "country not known"
        lines += [(f"accepted by {normalizer}, {where}", "good"), *((f"notice: {one}", "care") for one in notices)]
        return print_answer("explain", data, lines, as_json=as_json)
    lines += [(f"rejected by {normalizer}: {rejected.error.detail}", "bad"), f"→ {rejected.error.action}"]
    if rejected.suggestion:
        lines.append(f"Did you mean {rejected.suggestion.address}?")
    return print_answer("explain", data, lines, as_json=as_json, code=Exit.PARTLY, error=rejected.error)


def _normalize(raw: str, notifier: Notifier) -> tuple[str, Recipient | Rejected]:
    """Ask the normalizers as the pipeline does; return the name of the one that answered, and its answer."""
    for normalizer in notifier.host.registry(without_logs(notifier.settings)).normalizers:
        result = normalizer.normalize(raw, Channel.SMS)
        if result is not None:
            return normalizer.name, result
    return "no normalizer", notifier.plan([raw], "x").excluded[0].recipient


def _steps(raw: str, result: Recipient | Rejected) -> Iterator[tuple[str, str]]:
    """Yield each step from the number as given to its canonical form, with the number after it."""
    yield "as given", raw
    plain = compact(raw).strip()
    if plain != raw:
        yield "spaces, dashes, brackets and hidden characters removed; digits as Latin digits", plain
    digits = plain.lstrip("+").lstrip("0") if plain.startswith(("+", "00")) else plain
    if digits != plain:
        yield "the sign of the international form (+ or 00) removed", digits
    if isinstance(result, Recipient) and result.address != digits:
        yield _difference(digits, result.address), result.address


def _difference(digits: str, address: str) -> str:
    if address.endswith(digits.lstrip("0")) and len(address) > len(digits.lstrip("0")):
        return f"the country code {address[: -len(digits.lstrip('0'))]} of default_country added"
    steps = difflib.SequenceMatcher(None, digits, address).get_opcodes()
    changes = [(digits[:start], digits[start:end], address[a:b]) for tag, start, end, a, b in steps if tag != "equal"]
    if len(changes) == 1:
        before, removed, added = changes[0]
        if not removed:
            return f"a {added} put in behind {before}"
        if not added and not removed.strip("0"):
            return "the zero removed that is dialled inside the country only"
        if not added:
            return f"the {removed} behind {before} removed"
    return "put into the form that the provider wants"


# --- messages ---


def _message(text: str, notifier: Notifier, *, as_json: bool) -> int:
    plan = notifier.plan((), text)
    capabilities = notifier.transport.capabilities
    size = plan.measurement
    refusal = capabilities.check(plan.message) if capabilities.check else None
    code = Exit.FAILED if refusal else Exit.OK
    suggestions = Suggestions(plan, capabilities)
    if as_json:
        best = suggestions.all()
        data = {
            "kind": "message",
            "text": plan.message.text,
            "edits": plan.edits,
            **measurement_document(size, "encoding", "units", "segments"),
            "forced": [replacement.as_document() for replacement in suggestions.each()],
            "saving": best.as_document() if best else None,
        }
        print_json("explain", data, plan.warnings, ok=refusal is None, error=refusal)
        return code
    for edit in plan.edits:
        print_line(f"changed   {describe_change(edit)} at {edit.start + 1}: {edit.reason} ({edit.cleaner})")
    print_line(f"sent as   {plan.message.text}" if plan.edits else "changed   nothing: the text can be sent as it is")
    if size and capabilities.measure:
        sizes = f"{plural(size.units, 'unit')}, {plural(size.segments, 'segment')}"
        print_line(f"encoding  {encoding_name(size.encoding)}, {sizes}")
    for replacement in suggestions.each():
        print_line(f"forced    {_forced(replacement)}")
    if suggestions.forced:
        print_line(f"together  {suggestions.sentence()}")
    for warning in plan.warnings:
        print_line(f"notice    {warning}", "care")
    if refusal:
        print_line(f"refused   {refusal}", "bad")
    return code


def _forced(replacement: Replacement) -> str:
    forced = replacement.forced[0]
    times = f", {replacement.times} times" if replacement.times > 1 else ""
    place = f"{quoted(forced.character)}  {forced.name.lower()} at {forced.position + 1}{times}"
    if forced.replacement is None:
        return f"{place}: nothing like it in GSM-7"
    saved = replacement.segments
    saves = f"saves {plural(saved, 'segment')}" if saved > 0 else "alone saves nothing"
    return f"{place}: → {replacement_name(forced)} {saves}"
