"""``notifykit send``: one text to one number or a million, and what happened to each."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Container, Iterator, Sequence
from typing import Any, Final

import attrs
import click

from notifykit.cli.durably import Wish, durable_options, job_there, see_through, wish_of
from notifykit.cli.exit_codes import Exit
from notifykit.cli.filling import Filling, filling_of, looks_like_a_text, template_options
from notifykit.cli.messages import describe_edit, next_command, recipient_name, veto_advice
from notifykit.cli.options import common, examples, global_options, nested_dsns, read_text
from notifykit.cli.outcomes import Outcomes, receipt_document
from notifykit.cli.output import ProgressBar, confirm, encoding_name, note, plural, print_json, print_line, warn
from notifykit.cli.recipients import Recipients, gather
from notifykit.cli.rehearsal import known_transports, load_settings, provider_codes
from notifykit.cli.survey import WINDOW, Survey, survey
from notifykit.cli.underway import UnderWay
from notifykit.errors import ConfigError, TransportError
from notifykit.models.merge import outcome_of
from notifykit.models.message import Channel
from notifykit.models.receipt import Attempt, Receipt
from notifykit.normalizers.phone import compact
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost
from notifykit.protocols import Composite, KnowsBalance, ShowsRequests, Sink
from notifykit.settings.dsn import Dsn

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
    #: The medium.
    channel: str = Channel.SMS.value
    #: What stands above the text; None for nothing.
    subject: str | None = None
    #: The template that the text is made of; None where the text was given.
    filling: Filling | None = None

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
        "notifykit send 96598765432 --template otp --var code=123456 --language ar",
        'notifykit send --to-file people.txt "We open at nine" --durable --key opening-2026',
    ),
)
@click.argument("words", nargs=-1, metavar="TO... MESSAGE")
@click.option("--via", metavar="NAME|DSN", help="Another transport than the settings say.")
@click.option("--sender", metavar="NAME", help="The sender's name; upper and lower case count.")
@click.option(
    "--channel",
    type=click.Choice([channel.value for channel in Channel]),
    default=Channel.SMS.value,
    show_default=True,
    help="The medium.",
)
@click.option("--subject", metavar="TEXT", help="What stands above the text, for channels that have such a line.")
@click.option("--to-file", metavar="FILE", help="A file with a number a line, or a table; - is standard input.")
@click.option("--column", metavar="NAME", help="The column of the table that has the numbers.")
@click.option("--message-file", metavar="FILE", help="A file with the text; - is standard input.")
@template_options
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
@click.option(
    "--move-unknown",
    is_flag=True,
    help="Let a failover go on after an unknown outcome: people may get it twice.",
)
@click.option("--deadline", type=click.FloatRange(min=0, min_open=True), help="Seconds for the whole send.")
@durable_options
@click.option("--show-numbers", is_flag=True, help="Show numbers in clear; a single one always is.")
@click.option("--no-progress", is_flag=True, help="Do not say how far it is.")
@common
@click.pass_context
def send(ctx: click.Context, /, words: Sequence[str], as_json: bool, **options: Any) -> int:
    """Send a text, and say what happened to each recipient.

    The last word is the text, unless --template names one. A - reads the numbers, or the text, from standard input.
    """
    filling = filling_of(options["template"], options["variables"], options["language"])
    wish = wish_of(options, datetime.datetime.now(datetime.UTC))
    order = _order(words, options, filling)
    under_way = UnderWay()
    host = ctx.ensure_object(PluginHost)
    with _notifier(host, options["via"], under_way, live=options["live"] and wish is None) as notifier:
        if wish and options["live"]:
            _insist_on_live(notifier)
        if filling:
            # Only now is it known what the text takes up where it is sent.
            order = attrs.evolve(order, text=filling.text(notifier))
        found = survey(
            notifier, order.to, order.text, order.sender, options["tags"], channel=order.channel, subject=order.subject
        )
        _say_mode(notifier)
        if options["dry_run"] or options["offline"]:
            return _plan(notifier, order, found, offline=options["offline"], as_json=as_json)
        said = {name: options[name] for name in ("tags", "idempotency_key", "move_unknown")}
        said |= {"channel": order.channel, "subject": order.subject}
        if wish:
            said["via"] = options["via"]
            with _keeper(host, notifier, options["via"], under_way) as keeper:
                show = not options["no_progress"] and not as_json
                return _keep(keeper, notifier, order, wish, found, said, show=show, as_json=as_json)
        if notifier.transport.capabilities.live:
            _ask(notifier, order, found)
        said["deadline"] = options["deadline"]
        progress = ProgressBar(found.given, show=not options["no_progress"] and not as_json)
        under_way.progress = progress
        return _send(notifier, order, said, under_way, progress, provider_codes(ctx), as_json=as_json)


def _order(words: Sequence[str], options: dict[str, Any], filling: Filling | None) -> Order:
    if filling:
        to, text = list(words), ""
        if options["message_file"] or any(map(looks_like_a_text, to)):
            raise click.UsageError("The template is the text: leave the other text out, or --template.")
    elif options["message_file"]:
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
        channel=options["channel"],
        subject=options["subject"],
        filling=filling,
    )


@contextlib.contextmanager
def _notifier(host: PluginHost, via: str | None, sink: Sink, *, live: bool) -> Iterator[Notifier]:
    def build(transport: str | Dsn | None) -> Notifier:
        window = None if _is_set("dedupe_window") else WINDOW
        return Notifier.from_settings(
            transport, env_file=global_options().env_file, host=host, sinks=[sink], dedupe_window=window
        )

    known_transports(load_settings({"transport": via}), host)
    notifier = build(via)
    try:
        if live and not all(leaf.capabilities.live for leaf in leaves(notifier.transport)):
            dsn = _live_dsn(notifier)
            notifier.close()
            notifier = build(dsn)
        yield notifier
    finally:
        notifier.close()


@contextlib.contextmanager
def _keeper(host: PluginHost, notifier: Notifier, via: str | None, sink: Sink) -> Iterator[Notifier]:
    """Give the notifier that keeps a job: one as every worker has it, for it may send other jobs as well."""
    if via is None:
        yield notifier
        return
    with Notifier.from_settings(env_file=global_options().env_file, host=host, sinks=[sink]) as keeper:
        yield keeper


def _insist_on_live(notifier: Notifier) -> None:
    """Raise where ``--live`` would have to change what the settings say: whoever goes on with a job reads only those.

    :raises click.UsageError: with what to change.
    """
    if not all(leaf.capabilities.live for leaf in leaves(notifier.transport)):
        raise click.UsageError(
            "--live can't be kept with a job: it is sent as the settings say, by whichever process. Turn the test mode "
            "off there (KWTSMS_TEST_MODE=0), or give a transport that is live a name there, for --via."
        )


def _is_set(name: str) -> bool:
    return load_settings().origins.get(name, "default") != "default"


def _live_dsn(notifier: Notifier) -> Dsn:
    """Return the same transport with the test mode off wherever there is one: in brackets and behind names too.

    :raises ConfigError: where nothing in it can send for real.
    """
    settings = attrs.evolve(notifier.settings, log_file=None, sinks=())
    named = settings.transport or Dsn(notifier.transport.name)
    factories = notifier.host.registry(settings).transports

    def pretends(dsn: Dsn) -> bool:
        known = factories[dsn.scheme].capabilities
        return known is not None and known().test_mode

    def live(dsn: Dsn) -> Dsn:
        dsn = settings.named(dsn)
        if pretends(dsn):
            return attrs.evolve(dsn, options={**dsn.options, "test": "0"})
        return attrs.evolve(dsn, parts=[attrs.evolve(part, dsn=live(part.dsn)) for part in dsn.parts])

    if not notifier.transport.capabilities.live and not any(map(pretends, nested_dsns(settings, named))):
        what = "it is made of stand-ins" if isinstance(notifier.transport, Composite) else "it is a stand-in"
        raise ConfigError(f"{notifier.transport.name} can't send for real: {what}. Name another transport with --via")
    return live(named)


def _say_mode(notifier: Notifier) -> None:
    capabilities = notifier.transport.capabilities
    for notice in capabilities.notices:
        warn(notice)
    if capabilities.live:
        pretending = [str(leaf) for leaf in leaves(notifier.transport) if not leaf.capabilities.live]
        but = f"; through {' and '.join(dict.fromkeys(pretending))} they reach nobody" if pretending else ""
        note(f"Live: messages reach phones, and are paid for{but}.")
    elif not capabilities.notices:
        what = "made of stand-ins" if isinstance(notifier.transport, Composite) else "a stand-in"
        warn(f"Test: {notifier.transport.name} is {what}, and nothing leaves this machine.")


def _plan(notifier: Notifier, order: Order, found: Survey, *, offline: bool, as_json: bool) -> int:
    code = found.exit_code
    transport = notifier.transport
    request = None
    if offline and found.first is not None:
        first = next((leaf for leaf in leaves(transport) if str(leaf) == found.first.transport), transport)
        if not isinstance(first, ShowsRequests):
            raise click.UsageError(f"{first.name} can't show its requests: --dry-run shows the plan.")
        request = first.describe(found.first)
    if as_json:
        data = found.as_document() | {"transport": str(transport), "live": transport.capabilities.live}
        data["excluded"] = [receipt_document(receipt, clear=order.alone) for receipt in found.examples]
        data |= order.filling.as_document(notifier) if order.filling else {}
        if offline:
            data["request"] = request
        notices = (*transport.capabilities.notices, *found.notices)
        print_json("send", data, notices, ok=code is Exit.OK, error=_first_error(found))
        return code
    if request is not None:
        print_line(request)
        return code
    _show_plan(found, transport.capabilities.unit, clear=order.alone)
    note("Nothing was sent: this was a dry run.")
    return code


def _first_error(found: Survey) -> TransportError | None:
    return next((receipt.error for receipt in found.examples), None)


def _show_plan(found: Survey, unit: str, *, clear: bool) -> None:
    print_line(f"would send  {found.sentence(unit)}")
    print_line(f"text        {found.message.text}")
    for edit in found.edits:
        print_line(f"changed     {describe_edit(edit)}")
    size = found.measurement
    if size and size.forced:
        print_line(f"encoding    {encoding_name(size.encoding)}; `notifykit preview` says why")
    for notice in found.notices:
        print_line(f"notice      {notice}", "care")
    if found.duplicates:
        print_line(f"duplicates  {found.duplicates}, each sent to once only")
    for held in found.held.values():
        print_line(f"held back   {plural(held.count, 'recipient')} by {held.veto}", "care")
        print_line(f"            → {veto_advice(held.veto)}")
    if found.refusal:
        print_line(f"refused     {found.refusal}", "bad")
    else:
        for receipt in found.examples:
            print_line(f"invalid     {recipient_name(receipt, clear=clear)}: {receipt.error}", "bad")
    hidden = found.rejected - len(found.examples)
    if hidden > 0 and not found.refusal:
        print_line(f"            and {hidden} more")


def _ask(notifier: Notifier, order: Order, found: Survey) -> None:
    """Let a person say yes to what reaches phones and is paid for: no slip of the finger should."""
    if order.yes or not found.recipients:
        return
    unit = notifier.transport.capabilities.unit
    note(f"LIVE: {found.sentence(unit)}.")
    if found.rejected or found.held:
        note(f"{plural(found.rejected + found.held_back, 'recipient')} will be left out: --dry-run says why.")
    for line in (*found.notices, *dict.fromkeys(_balances(notifier, found.cost))):
        note(line)
    question = f"Send to {plural(found.recipients, 'recipient')} for real?"
    dear = found.cost is not None and found.cost > order.max_cost
    if dear and found.cost is not None:
        question = f"This costs {plural(found.cost, unit)}, above --max-cost {order.max_cost:g}. {question}"
    confirm(
        question,
        "--yes",
        refused=Exit.CREDIT if dear else Exit.USAGE,
        declined=Exit.CREDIT if dear else Exit.FAILED,
    )


def _balances(notifier: Notifier, cost: float | None) -> Iterator[str]:
    """Yield what is left on each account that messages may be paid from, in a sentence."""
    for leaf in leaves(notifier.transport):
        if not isinstance(leaf, KnowsBalance) or not leaf.capabilities.live:
            continue
        try:
            balance = leaf.balance(notifier.settings.timeout)
        except TransportError:
            continue
        if balance is None:
            continue
        unit = leaf.capabilities.unit
        if leaf is not notifier.transport:
            # Which account pays is only known afterwards.
            yield f"On the account of {leaf}: {plural(balance, unit)}."
        else:
            left = "" if cost is None else f", {plural(balance - cost, unit)} after it"
            yield f"On the account: {plural(balance, unit)}{left}."


def _send(
    notifier: Notifier,
    order: Order,
    said: dict[str, Any],
    under_way: UnderWay,
    progress: ProgressBar,
    codes: Container[str],
    *,
    as_json: bool,
) -> int:
    outcomes = Outcomes()
    documents: list[dict[str, Any]] = []
    takers: dict[str, int] = {}
    moved = False
    interrupted = False
    tried, size = 0, notifier.transport.capabilities.batch_size
    try:
        for receipt in notifier.stream(order.to, order.text, sender=order.sender, **said):
            outcomes.add(receipt)
            taker = _taker(receipt)
            if taker:
                takers[taker] = takers.get(taker, 0) + 1
                moved = moved or taker != receipt.attempts[0].transport
            if as_json:
                documents.append(receipt_document(receipt, clear=order.alone) | {"tries": _tries(receipt)})
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
        print_json("send", data, warnings, ok=code is Exit.OK, error=outcomes.error)
    else:
        outcomes.show(unit, clear=order.alone)
    if moved or len(takers) > 1:
        told = "; ".join(f"{name}: {plural(count, 'recipient')}" for name, count in takers.items())
        note(f"Taken by {told}.")
    if interrupted:
        warn(_interrupted(outcomes, lost=under_way.lost))
    elif outcomes.failed and not as_json:
        _say_next(outcomes.failed, codes, logged=bool(notifier.settings.log_file), clear=order.alone)
    return code


def _keep(
    keeper: Notifier,
    notifier: Notifier,
    order: Order,
    wish: Wish,
    found: Survey,
    said: dict[str, Any],
    *,
    show: bool,
    as_json: bool,
) -> int:
    """Make a job of the send, and see it through where this process may send.

    :param keeper: keeps the job, and sends it.
    :param notifier: what the survey was made with; its transport will be used.
    :return: the exit code.
    """
    there = job_there(keeper, wish.key)
    before = there.progress() if there else None
    if before is None:
        wish.insist_on_future(datetime.datetime.now(datetime.UTC))
    else:
        note(f"There is a job {wish.key} since {before.created:%Y-%m-%d %H:%M:%S} UTC: nobody is sent to twice.")
    if notifier.transport.capabilities.live and (before is None or before.finished is None):
        _ask(notifier, order, found)
    when: dict[str, Any] = {"at": wish.at, "expires_in": wish.expires_in, "urgent": wish.urgent}
    try:
        job = keeper.submit(order.to, order.text, key=wish.key, sender=order.sender, **when, **said)
    except KeyboardInterrupt:
        warn(f"Interrupted while the job was written: `notifykit jobs {wish.key}` says whether it was taken.")
        return Exit.INTERRUPTED
    return see_through(keeper, job, notifier.transport.capabilities, clear=order.alone, show=show, as_json=as_json)


def _ends(receipt: Receipt) -> Iterator[tuple[Attempt, TransportError | None]]:
    """Yield each attempt with why it failed for this recipient; None where it was taken."""
    for attempt in receipt.attempts:
        yield attempt, attempt.submission.refused.get(receipt.to) if attempt.submission else attempt.error


def _tries(receipt: Receipt) -> list[dict[str, Any]]:
    """Return for ``--json`` which transports were asked for a recipient, and what each said."""
    return [
        {"transport": attempt.transport, "outcome": outcome_of(error).value, "code": error.code if error else None}
        for attempt, error in _ends(receipt)
    ]


def _taker(receipt: Receipt) -> str | None:
    """Return the transport that took a recipient, without secrets; None where none did."""
    return next((attempt.transport for attempt, error in _ends(receipt) if error is None), None)


def _say_next(failed: Receipt, codes: Container[str], *, logged: bool, clear: bool) -> None:
    assert failed.error is not None, "it failed"
    then = next_command(failed.error, "send", codes, logged=logged, address=failed.to, clear=clear)
    note(f"Next: {then}")


def _interrupted(outcomes: Outcomes, *, lost: bool) -> str:
    out = "the request that was under way may have been sent" if lost else "nothing was under way"
    return f"Interrupted: {outcomes.done} done, {outcomes.accepted} accepted; {out}. The rest was not sent."
