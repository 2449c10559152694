"""``notifykit verify``: send and check one-time codes from a shell, see what was sent and verified, release a prefix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import click

from notifykit.cli.dry_run import open_notifier
from notifykit.cli.exit_codes import Exit, for_error
from notifykit.cli.inputs import via_option
from notifykit.cli.options import CommandGroup, common, examples, read_stdin
from notifykit.cli.output import format_duration, note, plural, print_json, print_line, table_lines
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


@click.group(
    "verify",
    cls=CommandGroup,
    invoke_without_command=True,
    epilog=examples("notifykit verify start +96598765432", "notifykit verify check +96598765432 123456"),
)
@common
@click.pass_context
def verify(ctx: click.Context, as_json: bool) -> None:
    """Send one-time codes, check them, and see how many are verified."""
    if ctx.invoked_subcommand is None:
        raise click.UsageError("Say what to do: verify start NUMBER, check NUMBER CODE, status, or release PREFIX.")


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
    if as_json:
        data = {
            "status": started.status,
            "rule": started.rule,
            "reason": started.reason or None,
            "retry_after": started.retry_after,
            "expires": started.expires.isoformat() if started.expires else None,
            "resend": started.resend,
        }
        print_json("verify start", data, ok=code is Exit.OK)
        return code
    print_line(str(started), {Exit.OK: "good", Exit.UNKNOWN: "care"}.get(code, "bad"))
    if started.retry_after is not None:
        note(f"Try again in {format_duration(started.retry_after)}.")
    if started.rule in {field.name for field in FIELDS}:
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
    if as_json:
        data = {"reason": checked.reason, "attempts_left": checked.attempts_left, "retry_after": checked.retry_after}
        print_json("verify check", data, ok=checked.ok)
    else:
        left = f", {plural(checked.attempts_left, 'attempt')} left" if checked.attempts_left else ""
        print_line(f"{checked.reason}{left}", "good" if checked.ok else "bad")
    return Exit.OK if checked.ok else Exit.FAILED


@verify.command("status", epilog=examples("notifykit verify status", "notifykit verify status --json"))
@common
def status(as_json: bool) -> int:
    """Show codes of the last 24 hours by country and prefix: sent, verified, and which prefixes are held."""
    with _verifier() as verifier:
        found = verifier.traffic()
    if as_json:
        print_json("verify status", {"countries": _by_country(found), "prefixes": [*map(_document, found)]})
        return Exit.OK
    if not found:
        note("No codes were sent in the last 24 hours.")
        return Exit.OK
    rows: list[tuple[str, ...]] = [("country", "prefix", "sent", "verified", "conversion", "held since")]
    for country in _by_country(found):
        rows.append(_row(country, "all"))
        rows += [_row(_document(line), line.prefix) for line in found if line.country == country["country"]]
    for line in table_lines(rows):
        print_line(line)
    if any(line.held for line in found):
        note("notifykit verify release PREFIX sends to a prefix again.")
    return Exit.OK


def _document(line: Traffic) -> dict[str, Any]:
    held = line.held.isoformat() if line.held else None
    return {
        "country": line.country,
        "prefix": line.prefix,
        "sent": line.sent,
        "verified": line.verified,
        "conversion": line.conversion,
        "held": held,
    }


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
    held = line["held"] or "-"
    shown = held[:16].replace("T", " ") if isinstance(held, str) else str(held)
    return line["country"] or "-", prefix, str(line["sent"]), str(line["verified"]), conversion, shown


@verify.command("release", epilog=examples("notifykit verify release 96598765"))
@click.argument("prefix")
@common
def release(prefix: str, as_json: bool) -> int:
    """Send to a prefix that was held again. Its conversion is counted anew."""
    with _verifier() as verifier:
        released = verifier.release(prefix)
    if as_json:
        print_json("verify release", {"prefix": prefix, "released": released}, ok=released)
    elif released:
        print_line(f"{prefix} is sent to again.", "good")
    else:
        print_line(f"{prefix} was not held: `notifykit verify status` shows which prefixes are.", "bad")
    return Exit.OK if released else Exit.FAILED
