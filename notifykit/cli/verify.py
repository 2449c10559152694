"""``notifykit verify``: send and check one-time codes from a shell, see what was sent and verified, release a prefix."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from notifykit.cli.dry_run import open_notifier
from notifykit.cli.exit_codes import Exit, for_error
from notifykit.cli.inputs import via_option
from notifykit.cli.options import command_group, common, examples, read_stdin
from notifykit.cli.output import format_duration, note, plural, print_answer, table_lines
from notifykit.errors import ConfigError
from notifykit.verify.results import Started, StartStatus, Traffic
from notifykit.verify.settings import FIELDS
from notifykit.verify.verifier import Verifier

_purpose = click.option(
    "--purpose",
    default="login",
    metavar="NAME",
    show_default=True,
    help="What the code is for: no other purpose takes it.",
)


verify: Final = command_group(
    "verify",
    "Send one-time codes, check them, and see how many are verified.",
    "Say what to do: verify start NUMBER, check NUMBER CODE, status, or release PREFIX.",
    examples("notifykit verify start +96598765432", "notifykit verify check +96598765432 123456"),
)


@contextlib.contextmanager
def _verifier(via: str | None = None, purpose: str = "login") -> Iterator[Verifier]:
    with open_notifier(via) as notifier, Verifier(notifier, purpose=purpose) as verifier:
        yield verifier


@verify.command(
    "start",
    epilog=examples(
        "notifykit verify start +96598765432 --language ar",
        "notifykit verify start +96598765432 --client 203.0.113.9 --json",
    ),
)
@click.argument("number")
@_purpose
@click.option("--client", metavar="ADDRESS", help="The IP address of who asks.")
@click.option("--language", metavar="TAG", help="The person's language: ar, en.")
@click.option("--new", is_flag=True, help="Send another code; the one before is void.")
@via_option
@common
def start(number: str, purpose: str, via: str | None, as_json: bool, **options: Any) -> int:
    """Send a code to a number, or the same code again while it is valid."""
    with _verifier(via, purpose) as verifier:
        try:
            started = verifier.start(number, **options)
        except ConfigError:
            raise
        except ValueError as error:
            raise click.UsageError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    code = _exit(started)
    names = ("status", "rule", "reason", "retry_after", "expires", "resend")
    data = {name: getattr(started, name) for name in names} | {"reason": started.reason or None}
    line = str(started), {Exit.OK: "good", Exit.UNKNOWN: "care"}.get(code, "bad")
    print_answer("verify start", data, [line], as_json=as_json, code=code)
    if started.retry_after is not None and not as_json:
        note(f"Try again in {format_duration(started.retry_after)}.")
    if started.rule in {field.name for field in FIELDS} and not as_json:
        note(f"The setting is verify.{started.rule}: `notifykit config` shows it.")
    return code


def _exit(started: Started) -> Exit:
    if started.status is StartStatus.SENT:
        return Exit.OK
    if started.status is StartStatus.UNKNOWN:
        return Exit.UNKNOWN
    if started.receipt is not None and started.receipt.error is not None:
        return for_error(started.receipt.error)
    return Exit.RATE if started.retry_after is not None else Exit.FAILED


@verify.command(
    "check",
    epilog=examples("notifykit verify check +96598765432 123456", "notifykit verify check +96598765432 - < code.txt"),
)
@click.argument("number")
@click.argument("code")
@_purpose
@common
def check(number: str, code: str, purpose: str, as_json: bool) -> int:
    """Say whether a code is right; - reads it from standard input. A code is right once."""
    with _verifier(purpose=purpose) as verifier:
        checked = verifier.check(number, read_stdin() if code == "-" else code)
    left = f", {plural(checked.attempts_left, 'attempt')} left" if checked.attempts_left else ""
    line = f"{checked.reason}{left}", "good" if checked.ok else "bad"
    return print_answer("verify check", checked, [line], as_json=as_json, code=Exit.OK if checked.ok else Exit.FAILED)


@verify.command("status", epilog=examples("notifykit verify status", "notifykit verify status --json"))
@common
def status(as_json: bool) -> int:
    """Show codes of the last 24 hours by country and prefix: sent, verified, and which prefixes are held."""
    with _verifier() as verifier:
        found = verifier.traffic()
    countries = _by_country(found)
    rows: list[tuple[str, ...]] = [("country", "prefix", "sent", "verified", "conversion", "held since")]
    for country in countries:
        rows.append(_row(country, "all"))
        rows += [_row(_document(line), line.prefix) for line in found if line.country == country["country"]]
    data = {"countries": countries, "prefixes": [*map(_document, found)]}
    print_answer("verify status", data, table_lines(rows) if found else (), as_json=as_json)
    if not found and not as_json:
        note("No codes were sent in the last 24 hours.")
    if any(line.held for line in found) and not as_json:
        note("notifykit verify release PREFIX sends to a prefix again.")
    return Exit.OK


def _document(line: Traffic) -> dict[str, Any]:
    names = ("country", "prefix", "sent", "verified", "conversion", "held")
    return {name: getattr(line, name) for name in names}


def _by_country(found: Sequence[Traffic]) -> list[dict[str, Any]]:
    sums = []
    for country in dict.fromkeys(line.country for line in found):
        lines = [line for line in found if line.country == country]
        sent, verified = sum(line.sent for line in lines), sum(line.verified for line in lines)
        held = sum(line.held is not None for line in lines)
        conversion = verified / sent if sent else None
        sums.append({"country": country, "sent": sent, "verified": verified, "conversion": conversion, "held": held})
    return sums


def _row(line: dict[str, Any], prefix: str) -> tuple[str, ...]:
    conversion = "-" if line["conversion"] is None else f"{line['conversion']:.0%}"
    held = line["held"]
    shown = f"{held:%Y-%m-%d %H:%M}" if isinstance(held, datetime.datetime) else str(held or "-")
    return line["country"] or "-", prefix, str(line["sent"]), str(line["verified"]), conversion, shown


@verify.command("release", epilog=examples("notifykit verify release 96598765"))
@click.argument("prefix")
@common
def release(prefix: str, as_json: bool) -> int:
    """Send to a prefix that was held again. Its conversion is counted anew."""
    with _verifier() as verifier:
        released = verifier.release(prefix)
    line = (f"{prefix} is sent to again.", "good")
    if not released:
        line = (f"{prefix} was not held: `notifykit verify status` shows which prefixes are.", "bad")
    code = Exit.OK if released else Exit.FAILED
    data = {"prefix": prefix, "released": released}
    return print_answer("verify release", data, [line], as_json=as_json, code=code)
