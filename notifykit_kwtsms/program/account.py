"""The account that the settings name; where they name none, the way to one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final, TypeVar

import attrs
import click
from notifykit_kwtsms.gate import gateway_of

from notifykit import Settings, SystemClock
from notifykit.cli import output
from notifykit.cli.options import global_options
from notifykit.errors import AuthFailed, ConfigError
from notifykit.redaction import Secret
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.settings import KwtSmsSettings

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

    def ask(self, question: Callable[[Gateway, float], _Answer]) -> _Answer:
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
    if isinstance(found, str) and output.can_ask() and not global_options().json:
        output.note(f"{found} not set.")
        if click.confirm("Set up the account now?", default=True, err=True):
            from notifykit_kwtsms.program.wizard import run

            run()
            found = _load()
    if isinstance(found, str):
        raise AuthFailed(f"{found} not set.", action=_WAYS)
    return found


def _load() -> Account | str:
    """Return the account, or which of its settings are missing, in words."""
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
