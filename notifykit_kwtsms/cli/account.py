"""The account that the settings name, and the commands about it: verify, balance, senderid, coverage."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import attrs
import click

from notifykit import Settings, SystemClock
from notifykit.cli import terminal
from notifykit.cli.exits import Exit
from notifykit.cli.manner import common, manner
from notifykit.errors import AuthFailed, ConfigError, OutOfCredit, ProviderUnavailable
from notifykit.redaction import Secret
from notifykit_kwtsms.api.client import ApiClient
from notifykit_kwtsms.api.facts import BASE_URL, SHARED_SENDER
from notifykit_kwtsms.cli.program import Answer, Command, points
from notifykit_kwtsms.phone.documented import RULES
from notifykit_kwtsms.settings import KwtSmsSettings
from notifykit_kwtsms.transport import gateway_of

_Answer = TypeVar("_Answer")


_WAYS: Final = """\
Give them in one of three ways:
  1. kwtsms setup                     asks for them, checks them, and writes .env
  2. the environment                  export KWTSMS_USERNAME=your_api_user KWTSMS_PASSWORD=your_api_pass
  3. a file with both as NAME=value   .env in this folder, or another with --env-file FILE
They are those of the API (kwtsms.com → Account → API), not your mobile number and not the website's login."""


@attrs.frozen(eq=False)
class Account:
    """Who asks, and how."""

    #: The API user.
    username: str
    #: The API password.
    password: Secret
    #: Everything that is set.
    settings: Settings = attrs.field(repr=False)
    #: What is set for kwtSMS.
    own: KwtSmsSettings = attrs.field(repr=False)

    def ask(self, question: Callable[[ApiClient, float], _Answer]) -> _Answer:
        """Put a question to the gateway when the account's turn comes: loops of scripts must not get its IP blocked.

        :param question: gets the gateway, and the seconds that it may take.
        """
        clock = SystemClock()
        log = None
        if self.own.log_file:
            from notifykit_kwtsms.client.call_log import CallLog

            log = CallLog(self.own.log_file, self.password, clock)
        gateway = gateway_of(self.username, self.password, self.own, log, clock, self.settings.state_dir)
        with contextlib.closing(gateway):
            return question(gateway, self.settings.timeout)


def account() -> Account:
    """Return the account that the settings name; without one, offer to set one up where somebody can be asked.

    :raises AuthFailed: where there are no credentials.
    :raises ConfigError: with everything that is wrong with the settings.
    """
    found = _load()
    if isinstance(found, str) and terminal.somebody_there() and not manner().json:
        terminal.tell(f"{found} not set.")
        if click.confirm("Set up the account now?", default=True, err=True):
            from notifykit_kwtsms.cli.setup import run

            run()
            found = _load()
    if isinstance(found, str):
        raise AuthFailed(f"{found} not set.", action=_WAYS)
    return found


def _load() -> Account | str:
    """Return the account, or which of its settings are missing, in words."""
    settings = Settings.load(env_file=manner().env_file)
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


@click.command("verify", cls=Command)
@common
def verify() -> Answer:
    """Check the credentials; show the mode, TEST or LIVE, and the balance."""
    mine = account()
    found = mine.ask(ApiClient.balance)
    mode = "TEST" if mine.own.test else "LIVE"
    meaning = "messages are queued and reach no phone" if mine.own.test else "messages are sent to phones"
    lines = [
        "The credentials are right.",
        f"User:     {mine.username}",
        f"Sender:   {mine.own.sender}",
        f"Mode:     {mode} ({meaning})",
        f"Balance:  {points(found.available)} points",
    ]
    if mine.own.base_url != BASE_URL:
        lines.append(f"Gateway:  {mine.own.base_url}")
    data = {
        "username": mine.username,
        "sender": mine.own.sender,
        "mode": mode,
        "available": found.available,
        "purchased": found.purchased,
        "base_url": mine.own.base_url,
    }
    return Answer(data, lines)


@click.command("balance", cls=Command)
@click.option("--min", "minimum", type=click.FloatRange(min=0), metavar="POINTS", help="Exit with 7 below this.")
@common
def balance(minimum: float | None) -> Answer:
    """Print the balance, in points: kwtsms balance --min 50."""
    mine = account()
    found = mine.ask(ApiClient.balance)
    if found.available is None:
        raise ProviderUnavailable("The gateway answered without a balance.", action="Ask again in a minute.")
    data = {"available": found.available, "purchased": found.purchased, "minimum": minimum}
    lines = [points(found.available)]
    if minimum is None or found.available >= minimum:
        return Answer(data, lines)
    low = OutOfCredit(
        f"{points(found.available)} points are less than {points(minimum)}.", action="Top up at kwtsms.com."
    )
    return Answer(data, lines, exit=Exit.CREDIT, error=low, next="kwtsms errors ERR011")


@click.command("senderid", cls=Command)
@common
def senderid() -> Answer:
    """List the sender IDs of the account, one a line."""
    mine = account()
    found = mine.ask(ApiClient.senderids)
    used = mine.own.sender
    return Answer(
        {"senderids": list(found), "configured": used, "registered": used in found}, found, _warnings(found, used)
    )


def _warnings(found: Sequence[str], used: str) -> list[str]:
    if used not in found:
        alike = next((sender for sender in found if sender.lower() == used.lower()), None)
        hint = f" Capital letters count: did you mean {alike}?" if alike else " Set KWTSMS_SENDER_ID to one that is."
        return [f"KWTSMS_SENDER_ID is {used!r}, which is not registered for this account.{hint}"]
    if used == SHARED_SENDER:
        return [f"{SHARED_SENDER} is in use: it is for testing only, slow, and blocked on some networks."]
    return []


@click.command("coverage", cls=Command)
@common
def coverage() -> Answer:
    """List the country codes that are active for the account, one a line."""
    mine = account()
    found = mine.ask(ApiClient.coverage)
    lines = [f"{prefix:<5} {RULES[prefix].name}" if prefix in RULES else prefix for prefix in found]
    return Answer({"prefixes": list(found)}, lines)
