"""``notifykit explain``: why a text is changed and dear, how a number is read, what a code means."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
import click

from notifykit.cli import savings
from notifykit.cli.exit_codes import Exit
from notifykit.cli.messages import describe_change, quoted
from notifykit.cli.options import ALIKE_CODES, common, examples, read_text
from notifykit.cli.output import encoding_name, plural, print_json, print_line
from notifykit.cli.rehearsal import provider_codes, rehearsal
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
@click.option("--as", "kind", type=click.Choice(["message", "number", "code"]), help="What it is, where a guess fails.")
@click.option("--via", metavar="NAME|DSN", help="Another transport than the settings say.")
@common
@click.pass_context
def explain(ctx: click.Context, what: str, kind: str | None, via: str | None, as_json: bool) -> int:
    """Explain a text, a number or an error code: each edit, each step, each cure."""
    what = read_text("-") if what == "-" else what
    codes = provider_codes(ctx)
    kind = kind or _guess(what, codes)
    if kind == "code":
        return explain_code(what, codes, as_json=as_json)
    with rehearsal(ctx, via) as notifier:
        if kind == "number":
            return _number(what, notifier, as_json=as_json)
        return _message(what, notifier, as_json=as_json)


def explain_code(code: str, codes: Mapping[str, TransportError], *, as_json: bool, command: str = "explain") -> int:
    """Say what a provider's code means and what to do about it."""
    code = next((known for known in codes if known.upper() == code.upper()), code.upper())
    error = codes.get(code)
    if error is None:
        hint = did_you_mean(code, codes, "", form=" Did you mean {}?", least=ALIKE_CODES)
        raise click.UsageError(f"No installed provider has a code {code!r}.{hint} `notifykit help errors` lists all.")
    if as_json:
        print_json(command, {"kind": "code", **code_document(error)})
        return Exit.OK
    print_line(f"{code}  {error.detail}", "strong")
    print_line(f"cure    {error.action}")
    print_line(f"about   {error.scope.value}")
    print_line(f"retry   {_retry(error)}")
    return Exit.OK


def code_document(error: TransportError) -> dict[str, Any]:
    """Return a code for ``--json``."""
    return {
        "code": error.code,
        "meaning": error.detail,
        "action": error.action,
        "about": error.scope.value,
        "error": type(error).__name__,
        "retryable": error.retryable,
        "waits": list(error.waits),
        "safe_to_resend": error.safe_to_resend,
    }


def _retry(error: TransportError) -> str:
    if not error.retryable:
        return "does not help until somebody does something"
    waits = ", ".join(f"{wait:g} s" for wait in error.waits)
    if error.scope is Scope.RECIPIENT:
        return f"a batch waits by itself, {waits}; a single send is not held up: it is told to wait"
    return f"by itself, after {waits}"


def _guess(what: str, codes: Mapping[str, TransportError]) -> str:
    code = _CODE.fullmatch(what)
    looks_like_one = code is not None and code[1].upper() in {_CODE.sub(r"\1", known) for known in codes}
    if looks_like_one or what.upper() in map(str.upper, codes):
        return "code"
    return "number" if _NUMBER.fullmatch(compact(what)) else "message"


# --- numbers ---


def _number(raw: str, notifier: Notifier, *, as_json: bool) -> int:
    normalizer, result = _asked(raw, notifier)
    steps = list(_steps(raw, result))
    rejected = isinstance(result, Rejected)
    country = result.country if isinstance(result, Recipient) else None
    notices = result.notices if isinstance(result, Recipient) else ()
    if as_json:
        data = {
            "kind": "number",
            "given": raw,
            "steps": [{"step": step, "after": after} for step, after in steps],
            "normalizer": normalizer,
            "address": result.address if isinstance(result, Recipient) else None,
            "country": country,
            "notices": list(notices),
        }
        print_json("explain", data, ok=not rejected, error=result.error if isinstance(result, Rejected) else None)
    else:
        for step, after in steps:
            print_line(f"{after:<20} {step}")
        if isinstance(result, Rejected):
            print_line(f"rejected by {normalizer}: {result.error.detail}", "bad")
            print_line(f"→ {result.error.action}")
            if result.suggestion:
                print_line(f"Did you mean {result.suggestion.address}?")
        else:
            where = f", country {country}" if country else ", country not known"
            print_line(f"accepted by {normalizer}{where}", "good")
            for notice in notices:
                print_line(f"notice: {notice}", "care")
    return Exit.PARTLY if rejected else Exit.OK


def _asked(raw: str, notifier: Notifier) -> tuple[str, Recipient | Rejected]:
    """Ask the normalizers as the road does, and say which one answered."""
    settings = attrs.evolve(notifier.settings, log_file=None, sinks=())
    for normalizer in notifier.host.registry(settings).normalizers:
        result = normalizer.normalize(raw, Channel.SMS)
        if result is not None:
            return normalizer.name, result
    receipt = notifier.plan([raw], "x").excluded[0]
    return "nobody", receipt.recipient


def _steps(raw: str, result: Recipient | Rejected) -> Iterator[tuple[str, str]]:
    """Yield what happened between the number as given and its canonical form, with the number after each step."""
    yield "as given", raw
    plain = compact(raw).strip()
    if plain != raw:
        yield "spaces, dashes, brackets and hidden characters left out; digits as Latin digits", plain
    digits = plain.lstrip("+").lstrip("0") if plain.startswith(("+", "00")) else plain
    if digits != plain:
        yield "the sign of the international form (+ or 00) left out", digits
    if isinstance(result, Recipient) and result.address != digits:
        yield _difference(digits, result.address), result.address


def _difference(digits: str, address: str) -> str:
    if address.endswith(digits.lstrip("0")) and len(address) > len(digits.lstrip("0")):
        return f"the country code {address[: -len(digits.lstrip('0'))]} of default_country put in front"
    steps = difflib.SequenceMatcher(None, digits, address).get_opcodes()
    changes = [(digits[:start], digits[start:end], address[a:b]) for tag, start, end, a, b in steps if tag != "equal"]
    if len(changes) == 1:
        before, gone, new = changes[0]
        if not gone:
            return f"a {new} put in behind {before}"
        if not new and not gone.strip("0"):
            return "the zero left out that is dialled inside the country only"
        if not new:
            return f"the {gone} behind {before} left out"
    return "put into the form that the provider wants"


# --- messages ---


def _message(text: str, notifier: Notifier, *, as_json: bool) -> int:
    plan = notifier.plan((), text)
    capabilities = notifier.transport.capabilities
    size, measure = plan.measurement, capabilities.measure
    refusal = capabilities.check(plan.message) if capabilities.check else None
    each = savings.alone(plan.message.text, size, measure) if size and measure else []
    best = savings.together(plan.message.text, size, measure) if size and measure else None
    if as_json:
        data = {
            "kind": "message",
            "text": plan.message.text,
            "edits": [attrs.asdict(edit) for edit in plan.edits],
            "encoding": size.encoding if size else None,
            "units": size.units if size else None,
            "segments": size.segments if size else None,
            "forced": [saving.as_document() for saving in each],
            "saving": best.as_document() if best else None,
        }
        print_json("explain", data, ok=refusal is None, error=refusal)
        return Exit.FAILED if refusal else Exit.OK
    if not plan.edits:
        print_line("changed   nothing: the text can be carried as it is")
    for edit in plan.edits:
        print_line(f"changed   {describe_change(edit)} at {edit.start + 1}: {edit.reason} ({edit.cleaner})")
    if plan.edits:
        print_line(f"sent as   {plan.message.text}")
    if size and measure:
        print_line(
            f"encoding  {encoding_name(size.encoding)}, {plural(size.units, 'unit')}, "
            f"{plural(size.segments, 'segment')}"
        )
        for saving in each:
            print_line(f"forced    {_forced(saving)}")
        if size.forced:
            print_line(f"together  {savings.suggestion(plan.message.text, size, measure)}")
    if refusal:
        print_line(f"refused   {refusal}", "bad")
    return Exit.FAILED if refusal else Exit.OK


def _forced(saving: savings.Saving) -> str:
    forced = saving.forced[0]
    times = f", {saving.times} times" if saving.times > 1 else ""
    place = f"{quoted(forced.character)}  {forced.name.lower()} at {forced.position + 1}{times}"
    if forced.replacement is None:
        return f"{place}: nothing like it in GSM-7"
    saves = f"saves {plural(saving.segments, 'segment')}" if saving.segments > 0 else "alone saves nothing"
    return f"{place}: → {savings.in_words(forced)} {saves}"
