"""Whether a command reaches phones: ``--live``, what is said about it, and the accounts that pay."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import attrs
import click

from notifykit.cli.dry_run import known_transports, load_settings, open_notifier, without_logs
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import nested_dsns
from notifykit.cli.output import confirm, note, plural, warn
from notifykit.cli.plan_summary import DEDUPE_WINDOW
from notifykit.errors import ConfigError, TransportError
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.protocols import Composite, KnowsBalance, Sink
from notifykit.settings.dsn import Dsn


@contextlib.contextmanager
def command_notifier(via: str | None, sink: Sink, *, live: bool) -> Iterator[Notifier]:
    """Give the notifier of a command that sends.

    :param live: whether it sends for real, although the settings say test.
    """
    settings = load_settings({"transport": via})
    known_transports(settings)
    # A list of a command may be longer than what programs send at once.
    window = DEDUPE_WINDOW if settings.origins.get("dedupe_window", "default") == "default" else None
    notifier = open_notifier(via, sinks=[sink], dedupe_window=window)
    try:
        if live and not _all_live(notifier):
            dsn = _live_dsn(notifier)
            notifier.close()
            notifier = open_notifier(dsn, sinks=[sink], dedupe_window=window)
        yield notifier
    finally:
        notifier.close()


def _all_live(notifier: Notifier) -> bool:
    return all(leaf.capabilities.live for leaf in leaves(notifier.transport))


def require_live(notifier: Notifier) -> None:
    """Raise if ``--live`` would have to change the settings: another process that sends the job reads only those.

    :raises click.UsageError: with what to change.
    """
    if not _all_live(notifier):
        raise click.UsageError(
            "--live can't be kept with a job: it is sent as the settings say, by whichever process. Turn the test mode "
            "off there (KWTSMS_TEST_MODE=0), or give a transport that is live a name there, for --via."
        )


def _live_dsn(notifier: Notifier) -> Dsn:
    """Return the same transport with the test mode off everywhere: in brackets and behind names too.

    :raises ConfigError: if nothing in it can send for real.
    """
    settings = without_logs(notifier.settings)
    named = settings.transport or Dsn(notifier.transport.name)
    factories = notifier.host.registry(settings).transports

    def is_test(dsn: Dsn) -> bool:
        capabilities = factories[dsn.scheme].capabilities
        return capabilities is not None and capabilities().test_mode

    def live(dsn: Dsn) -> Dsn:
        dsn = settings.named(dsn)
        if is_test(dsn):
            return attrs.evolve(dsn, options={**dsn.options, "test": "0"})
        return attrs.evolve(dsn, parts=[attrs.evolve(part, dsn=live(part.dsn)) for part in dsn.parts])

    if not notifier.transport.capabilities.live and not any(map(is_test, nested_dsns(settings, named))):
        raise ConfigError(
            f"{notifier.transport.name} can't send for real: it is {_test_kind(notifier)}. Name another transport with --via"
        )
    return live(named)


def _test_kind(notifier: Notifier) -> str:
    return "made of test transports" if isinstance(notifier.transport, Composite) else "a test transport"


def show_mode(notifier: Notifier) -> None:
    """Say whether messages reach phones."""
    capabilities = notifier.transport.capabilities
    for notice in capabilities.notices:
        warn(notice)
    if capabilities.live:
        tests = dict.fromkeys(str(leaf) for leaf in leaves(notifier.transport) if not leaf.capabilities.live)
        but = f"; those through {' and '.join(tests)} reach no phone" if tests else ""
        note(f"Live: messages reach phones, and are paid for{but}.")
    elif not capabilities.notices:
        warn(f"Test: {notifier.transport.name} is {_test_kind(notifier)}, and nothing leaves this machine.")


def confirm_cost(question: str, cost: float | None, unit: str, most: float) -> None:
    """Let a person confirm what is sent; above ``most`` the question names the cost, and a no exits with 7.

    :param cost: what it costs; None if that is not known, or nothing is paid.
    :raises CommandError: after a no, and without a terminal.
    """
    refused, declined = Exit.USAGE, Exit.FAILED
    if cost is not None and cost > most:
        refused = declined = Exit.CREDIT
        question = f"This costs {plural(cost, unit)}, above --max-cost {most:g}. {question}"
    confirm(question, "--yes", refused=refused, declined=declined)


def balances(notifier: Notifier, cost: float | None) -> Iterator[str]:
    """Yield the balance of each account that may pay, in a sentence."""
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
            after = "" if cost is None else f", {plural(balance - cost, unit)} after it"
            yield f"On the account: {plural(balance, unit)}{after}."
