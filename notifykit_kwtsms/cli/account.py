"""The account that the settings name, and the commands about it: verify, balance, senderid, coverage."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import attrs
import click

from notifykit import Settings, SystemClock
from notifykit.cli import output
from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, global_options
from notifykit.errors import AuthFailed, ConfigError, OutOfCredit, ProviderUnavailable
from notifykit.rate_limit import rate_limiter
from notifykit.redaction import Secret
from notifykit_kwtsms.api.client import ApiClient
from notifykit_kwtsms.api.facts import BASE_URL, SHARED_SENDER
from notifykit_kwtsms.cli.program import CommandResult, ResultCommand, points
from notifykit_kwtsms.settings import KwtSmsSettings

_Found = TypeVar("_Found")

_SOURCES: Final = """\
Give them in one of three ways:
  1. kwtsms setup                     asks for them, checks them, and writes .env
  2. the environment                  export KWTSMS_USERNAME=your_api_user KWTSMS_PASSWORD=your_api_pass
  3. a file with both as NAME=value   .env in this folder, or another with --env-file FILE
They are those of the API (kwtsms.com → Account → API), not your mobile number and not the website's login."""


@attrs.frozen(eq=False)
class Account:
    """The account, and the settings with which it is used."""

    #: The API user.
    username: str
    #: The API password.
    password: Secret
    #: All settings.
    settings: Settings = attrs.field(repr=False)
    #: The settings of kwtSMS.
    own: KwtSmsSettings = attrs.field(repr=False)

    def query(self, ask: Callable[[ApiClient, float], _Found]) -> _Found:
        """Return the result of a query, within the rate limit: a loop in a script must not get the IP blocked.

        :param ask: called with the API client and the timeout in seconds.
        """
        clock, own = SystemClock(), self.own
        log = None
        if own.log_file:
            from notifykit_kwtsms.client.call_log import CallLog

            log = CallLog(own.log_file, self.password, clock)
        wait = rate_limiter(own.rate_limit(self.username), clock, self.settings.state_dir).acquire
        api = ApiClient(self.username, self.password, own.base_url, log, wait, own.network)
        with contextlib.closing(api):
            return ask(api, self.settings.timeout)


def load_account() -> Account:
    """Return the account of the settings; without one, offer setup where a person can answer.

    :raises AuthFailed: without credentials.
    :raises ConfigError: with everything that is wrong with the settings.
    """
    found = _load()
    if isinstance(found, str) and output.can_ask() and not global_options().json:
        output.note(f"{found} not set.")
        if click.confirm("Set up the account now?", default=True, err=True):
            from notifykit_kwtsms.cli.setup import run_wizard

            run_wizard()
            found = _load()
    if isinstance(found, str):
        raise AuthFailed(f"{found} not set.", action=_SOURCES)
    return found


def _load() -> Account | str:
    """Return the account, or its missing settings as the subject of a sentence."""
    settings = Settings.load(env_file=global_options().env_file)
    problems = list(settings.problems)
    try:
        own = KwtSmsSettings.of(settings)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    if own.username and own.password:
        return Account(own.username, own.password, settings, own)
    missing = [
        name for name, value in (("KWTSMS_USERNAME", own.username), ("KWTSMS_PASSWORD", own.password)) if not value
    ]
    return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'}"


@click.command("verify", cls=ResultCommand)
@common
def verify() -> CommandResult:
    """Check the credentials; show the mode, TEST or LIVE, and the balance."""
    account = load_account()
    found = account.query(ApiClient.balance)
    own = account.own
    mode = "TEST" if own.test else "LIVE"
    meaning = "messages are queued and reach no phone" if own.test else "messages are sent to phones"
    lines = [
        "The credentials are right.",
        f"User:     {account.username}",
        f"Sender:   {own.sender}",
        f"Mode:     {mode} ({meaning})",
        f"Balance:  {points(found.available)} points",
    ]
    if own.base_url != BASE_URL:
        lines.append(f"Gateway:  {own.base_url}")
    data = {"username": account.username, "sender": own.sender, "mode": mode, "base_url": own.base_url}
    return CommandResult({**data, "available": found.available, "purchased": found.purchased}, lines)


@click.command("balance", cls=ResultCommand)
@click.option("--min", "minimum", type=click.FloatRange(min=0), metavar="POINTS", help="Exit with 7 below this.")
@common
def balance(minimum: float | None) -> CommandResult:
    """Print the balance, in points: kwtsms balance --min 50."""
    found = load_account().query(ApiClient.balance)
    if found.available is None:
        raise ProviderUnavailable("The gateway answered without a balance.", action="Ask again in a minute.")
    data = {"available": found.available, "purchased": found.purchased, "minimum": minimum}
    lines = [points(found.available)]
    if minimum is None or found.available >= minimum:
        return CommandResult(data, lines)
    low = OutOfCredit(
        f"{points(found.available)} points are less than {points(minimum)}.", action="Top up at kwtsms.com."
    )
    return CommandResult(data, lines, exit=Exit.CREDIT, error=low, next="kwtsms errors ERR011")


@click.command("senderid", cls=ResultCommand)
@common
def senderid() -> CommandResult:
    """List the sender IDs of the account, one a line."""
    account = load_account()
    found = account.query(ApiClient.senderids)
    used = account.own.sender
    data = {"senderids": list(found), "configured": used, "registered": used in found}
    return CommandResult(data, found, _sender_warnings(found, used))


def _sender_warnings(found: Sequence[str], used: str) -> list[str]:
    if used not in found:
        alike = next((sender for sender in found if sender.lower() == used.lower()), None)
        hint = f" Capital letters count: did you mean {alike}?" if alike else " Set KWTSMS_SENDER_ID to one that is."
        return [f"KWTSMS_SENDER_ID is {used!r}, which is not registered for this account.{hint}"]
    if used == SHARED_SENDER:
        return [f"{SHARED_SENDER} is in use: it is for testing only, slow, and blocked on some networks."]
    return []


@click.command("coverage", cls=ResultCommand)
@common
def coverage() -> CommandResult:
    """List the country codes that are active for the account, one a line."""
    from notifykit_kwtsms.phone.documented import RULES

    found = load_account().query(ApiClient.coverage)
    lines = [f"{prefix:<5} {RULES[prefix].name}" if prefix in RULES else prefix for prefix in found]
    return CommandResult({"prefixes": list(found)}, lines)
