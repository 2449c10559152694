"""``notifykit send``: one text to one number or a million, and what happened to each."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any, Final

import attrs
import click

from notifykit.cli.envelope import answer
from notifykit.cli.exits import Exit
from notifykit.cli.following import following
from notifykit.cli.manner import common, examples, manner
from notifykit.cli.outcomes import Outcomes, receipt_document
from notifykit.cli.recipients import Recipients, gather, read_text
from notifykit.cli.rehearsal import known_transport, load_settings, provider_codes
from notifykit.cli.survey import WINDOW, Survey, survey
from notifykit.cli.terminal import Progress, answer_line, confirm, tell, warn
from notifykit.cli.underway import UnderWay
from notifykit.cli.wording import counted, edit_in_words, encoding_name, many, who
from notifykit.dsn import Dsn
from notifykit.errors import ConfigError, TransportError
from notifykit.flow.notifier import Notifier
from notifykit.hookspecs import hookimpl
from notifykit.models import Receipt
from notifykit.normalizers.digits import compact
from notifykit.plugins import PluginHost
from notifykit.protocols import KnowsBalance, ShowsRequests, Sink

#: A number with its country code: longer than the codes that people send.
_NUMBER: Final = re.compile(r"\+?[0-9]{10,15}")


@attrs.frozen
class Order:
    """What the command line asks for."""

    #: Who gets it.
    to: Recipients
    #: What they get.
    text: str = attrs.field(repr=False)
    #: The sender's name; None takes the settings'.
    sender: str | None
    #: Whether to answer yes to every question.
    yes: bool
    #: The cost above which somebody is asked.
    max_cost: float
    #: Whether numbers are shown in clear.
    clear: bool

    @property
    def alone(self) -> bool:
        """Whether one number was typed, so that showing it tells nobody anything."""
        return self.clear or (self.to.file is None and len(self.to.given) == 1)


@click.command(
    "send",
    epilog=examples(
        'notifykit send 96598765432 "Your code is 123456"',
        'notifykit send --to-file people.csv --column mobile "We open at nine" --dry-run',
        'cut -f2 people.tsv | notifykit send - "We open at nine" --live --yes',
    ),
)
@click.argument("words", nargs=-1, metavar="TO... MESSAGE")
@click.option("--via", metavar="NAME|DSN", help="Another transport than the settings say.")
@click.option("--sender", metavar="NAME", help="The sender's name; upper and lower case count.")
@click.option("--to-file", metavar="FILE", help="A file with a number a line, or a table; - is standard input.")
@click.option("--column", metavar="NAME", help="The column of the table that has the numbers.")
@click.option("--message-file", metavar="FILE", help="A file with the text; - is standard input.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and send nothing.")
@click.option("--offline", is_flag=True, help="Show the first request as it would leave, and send nothing.")
@click.option("--live", is_flag=True, help="Send for real, although the settings say test.")
@click.option("--yes", is_flag=True, help="Answer yes to every question.")
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="What a live send may cost before the question warns of it, and a no exits with 7.",
)
@click.option("--idempotency-key", metavar="KEY", help="Your name for this send, for transports that can use it.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A label for events and logs. May be repeated.")
@click.option("--deadline", type=click.FloatRange(min=0, min_open=True), help="Seconds for the whole send.")
@click.option("--show-numbers", is_flag=True, help="Show numbers in clear; a single one always is.")
@click.option("--no-progress", is_flag=True, help="Do not say how far it is.")
@common
@click.pass_context
def send(ctx: click.Context, /, words: Sequence[str], as_json: bool, **options: Any) -> int:
    """Send a text, and say what happened to each recipient.

    The last word is the text. A - reads the numbers, or the text, from standard input.
    """
    order = _order(words, options)
    under_way = UnderWay()
    with _notifier(ctx.ensure_object(PluginHost), options["via"], under_way, live=options["live"]) as notifier:
        found = survey(notifier, order.to, order.text, order.sender)
        _say_mode(notifier)
        if options["dry_run"] or options["offline"]:
            return _plan(notifier, order, found, offline=options["offline"], as_json=as_json)
        if notifier.transport.capabilities.live:
            _ask(notifier, order, found)
        said = {name: options[name] for name in ("tags", "idempotency_key", "deadline")}
        progress = Progress(found.given, show=not options["no_progress"] and not as_json)
        under_way.progress = progress
        return _send(notifier, order, said, under_way, progress, provider_codes(ctx), as_json=as_json)


def _order(words: Sequence[str], options: dict[str, Any]) -> Order:
    if options["message_file"]:
        to, text = list(words), read_text(options["message_file"])
        if options["message_file"] == "-" and ("-" in to or options["to_file"] == "-"):
            raise click.UsageError("Standard input is either the numbers or the text: give one of them in a file.")
    else:
        if not words:
            raise click.UsageError("Give the numbers and then the text: notifykit send 965XXXXXXXX 'Hello'")
        *to, text = words
        if to and to[-1] != "-" and _NUMBER.fullmatch(compact(text)) and not any(map(str.isdigit, to[-1])):
            raise click.UsageError("The text comes last, behind the numbers.")
        if text == "-":
            if "-" in to or options["to_file"] == "-":
                raise click.UsageError("Standard input is either the numbers or the text: give one of them in a file.")
            text = read_text("-")
        elif not to and not options["to_file"]:
            raise click.UsageError("Give the numbers and then the text: notifykit send 965XXXXXXXX 'Hello'")
    return Order(
        to=gather(to, options["to_file"], options["column"]),
        text=text,
        sender=options["sender"],
        yes=options["yes"],
        max_cost=options["max_cost"],
        clear=options["show_numbers"],
    )


@contextlib.contextmanager
def _notifier(host: PluginHost, via: str | None, sink: Sink, *, live: bool) -> Iterator[Notifier]:
    def build(transport: str | Dsn | None) -> Notifier:
        window = None if _is_set("dedupe_window") else WINDOW
        return Notifier.from_settings(
            transport, env_file=manner().env_file, host=host, sinks=[sink], dedupe_window=window
        )

    known_transport(load_settings({"transport": via}), host)
    notifier = build(via)
    try:
        if live and not notifier.transport.capabilities.live:
            dsn = _live_dsn(notifier, via)
            notifier.close()
            notifier = build(dsn)
        yield notifier
    finally:
        notifier.close()


def _is_set(name: str) -> bool:
    return load_settings().origins.get(name, "default") != "default"


def _live_dsn(notifier: Notifier, via: str | None) -> Dsn:
    """Return the same transport with its test mode off."""
    named = Dsn.parse(via) if via else notifier.settings.transport or Dsn(notifier.transport.name)
    factory = notifier.host.registry(attrs.evolve(notifier.settings, log_file=None, sinks=())).transports[named.scheme]
    if factory.capabilities is None or not factory.capabilities().test_mode:
        raise ConfigError(f"{named.scheme} can't send for real: it is a stand-in. Name another transport with --via")
    return attrs.evolve(named, options={**named.options, "test": "0"})


def _say_mode(notifier: Notifier) -> None:
    capabilities = notifier.transport.capabilities
    for notice in capabilities.notices:
        warn(notice)
    if capabilities.live:
        tell("Live: messages reach phones, and are paid for.")
    elif not capabilities.notices:
        warn(f"Test: {notifier.transport.name} is a stand-in, and nothing leaves this machine.")


def _plan(notifier: Notifier, order: Order, found: Survey, *, offline: bool, as_json: bool) -> int:
    code = Exit.OK if not found.rejected else Exit.PARTLY if found.recipients else Exit.FAILED
    transport = notifier.transport
    request = None
    if offline and found.first is not None:
        if not isinstance(transport, ShowsRequests):
            raise click.UsageError(f"{transport.name} can't show its requests: --dry-run shows the plan.")
        request = transport.describe(found.first)
    if as_json:
        data = found.as_document() | {"transport": str(transport), "live": transport.capabilities.live}
        data["set_aside"] = [receipt_document(receipt, clear=order.alone) for receipt in found.examples]
        if offline:
            data["request"] = request
        answer("send", data, transport.capabilities.notices, ok=code is Exit.OK, error=_first_error(found))
        return code
    if request is not None:
        answer_line(request)
        return code
    _show_plan(found, transport.capabilities.unit, clear=order.alone)
    tell("Nothing was sent: this was a dry run.")
    return code


def _first_error(found: Survey) -> TransportError | None:
    return next((receipt.error for receipt in found.examples), None)


def _show_plan(found: Survey, unit: str, *, clear: bool) -> None:
    answer_line(f"would send  {found.sentence(unit)}")
    answer_line(f"text        {found.message.text}")
    for edit in found.edits:
        answer_line(f"changed     {edit_in_words(edit)}")
    size = found.measurement
    if size and size.forced:
        answer_line(f"encoding    {encoding_name(size.encoding)}; `notifykit preview` says why")
    if found.duplicates:
        answer_line(f"duplicates  {found.duplicates}, each sent to once only")
    if found.refusal:
        answer_line(f"refused     {found.refusal}", "bad")
    else:
        for receipt in found.examples:
            answer_line(f"invalid     {who(receipt, clear=clear)}: {receipt.error}", "bad")
    hidden = found.rejected - len(found.examples)
    if hidden > 0 and not found.refusal:
        answer_line(f"            and {hidden} more")


def _ask(notifier: Notifier, order: Order, found: Survey) -> None:
    """Let a person say yes to what reaches phones and is paid for: no slip of the finger should."""
    if order.yes or not found.recipients:
        return
    unit = notifier.transport.capabilities.unit
    tell(f"LIVE: {found.sentence(unit)}.")
    if found.rejected:
        tell(f"{counted(found.rejected, 'recipient')} will be left out: --dry-run says why.")
    balance = _balance(notifier)
    if balance is not None:
        left = "" if found.cost is None else f", {many(balance - found.cost, unit)} after it"
        tell(f"On the account: {many(balance, unit)}{left}.")
    question = f"Send to {counted(found.recipients, 'recipient')} for real?"
    dear = found.cost is not None and found.cost > order.max_cost
    if dear and found.cost is not None:
        question = f"This costs {many(found.cost, unit)}, above --max-cost {order.max_cost:g}. {question}"
    confirm(
        question,
        "--yes",
        refused=Exit.CREDIT if dear else Exit.USAGE,
        declined=Exit.CREDIT if dear else Exit.FAILED,
    )


def _balance(notifier: Notifier) -> float | None:
    if not isinstance(notifier.transport, KnowsBalance):
        return None
    try:
        return notifier.transport.balance(notifier.settings.timeout)
    except TransportError:
        return None


def _send(
    notifier: Notifier,
    order: Order,
    said: dict[str, Any],
    under_way: UnderWay,
    progress: Progress,
    codes: Container[str],
    *,
    as_json: bool,
) -> int:
    outcomes = Outcomes()
    documents: list[dict[str, Any]] = []
    interrupted = False
    tried, size = 0, notifier.transport.capabilities.batch_size
    try:
        for receipt in notifier.stream(order.to, order.text, sender=order.sender, **said):
            outcomes.add(receipt)
            if as_json:
                documents.append(receipt_document(receipt, clear=order.alone))
            tried += receipt.batch is not None
            # Receipts come a request at a time: what is drawn is where it stands behind one.
            if tried % size == 0 or outcomes.done == progress.total:
                progress.advance(outcomes.done, outcomes.accepted, pause=receipt.batch is not None)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        progress.end()
    code = Exit.INTERRUPTED if interrupted else outcomes.exit_code
    unit = notifier.transport.capabilities.unit
    if as_json:
        documents.sort(key=lambda document: document["position"])
        data = outcomes.as_document() | {"interrupted": interrupted, "under_way": under_way.lost, "receipts": documents}
        warnings = notifier.transport.capabilities.notices
        answer("send", data, warnings, ok=code is Exit.OK, error=outcomes.error)
    else:
        outcomes.show(unit, clear=order.alone)
    if interrupted:
        warn(_interrupted(outcomes, lost=under_way.lost))
    elif outcomes.failed and not as_json:
        _say_next(outcomes.failed, codes, logged=bool(notifier.settings.log_file), clear=order.alone)
    return code


def _say_next(failed: Receipt, codes: Container[str], *, logged: bool, clear: bool) -> None:
    assert failed.error is not None, "it failed"
    then = following(failed.error, "send", codes, logged=logged, address=failed.to, clear=clear)
    tell(f"Next: {then}")


def _interrupted(outcomes: Outcomes, *, lost: bool) -> str:
    out = "the request that was under way may have been sent" if lost else "nothing was under way"
    return f"Interrupted: {outcomes.done} done, {outcomes.accepted} accepted; {out}. The rest was not sent."


@hookimpl
def notifykit_commands(register: Callable[[click.Command], None]) -> None:
    """Bring ``send``."""
    register(send)
