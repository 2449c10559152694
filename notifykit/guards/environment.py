"""``environment``: outside production, only allowed recipients get messages.

It is on if the setting ``environment`` is not ``production``, or is not set while ``allow`` or ``redirect`` is. Recipients
on the list get their messages. The messages of all others go to ``redirect``, once, or are held back. With neither list
nor redirection, nothing goes to a live transport.
"""

from __future__ import annotations

from typing import Final

import attrs

from notifykit.errors import ConfigError
from notifykit.guards.addresses import AddressList, Normalize, read_address, read_list
from notifykit.guards.options import about, resolved
from notifykit.models.receipt import Veto
from notifykit.models.recipient import Recipient
from notifykit.protocols import About, Counters, GuardContext
from notifykit.settings.sources import Settings

_NAME: Final = "environment"
_ACTION: Final = (
    "Set NOTIFYKIT_GUARD_ALLOW to the recipients allowed here, NOTIFYKIT_GUARD_REDIRECT to one that gets all messages, "
    "or NOTIFYKIT_ENVIRONMENT=production."
)


@attrs.frozen
class EnvironmentGuard:
    """Lets messages pass to recipients on a list, and redirects all others to one address."""

    #: What settings and listings call it.
    name = _NAME

    #: The name of this environment; None if it is not set.
    environment: str | None = None
    #: The recipients that may get messages; None for no list.
    allow: AddressList | None = None
    #: The recipient that gets the messages of all others; None for none.
    redirect: Recipient | None = None

    def check(self, context: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Let the message pass, redirect it, or hold it back."""
        if self.allow is not None and context.recipient in self.allow:
            return None
        here = f"This is {self.environment}" if self.environment else "NOTIFYKIT_ENVIRONMENT is not set"
        if self.redirect is not None:
            if self.redirect.channel is context.recipient.channel:
                return self.redirect
            return Veto(
                self.name,
                f"{here}, and the address to redirect to is of the channel {self.redirect.channel}, "
                f"not {context.recipient.channel}.",
                _ACTION,
            )
        if self.allow is not None:
            return Veto(self.name, f"{here}, and the recipient is not on the list of allowed recipients.", _ACTION)
        return Veto(self.name, f"{here}, and no recipient is allowed.", _ACTION) if context.live else None


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[EnvironmentGuard]:
    """Return the guard, unless this is production or nothing is set."""
    given, problems = resolved(settings)
    if settings.environment == "production" or not (settings.environment or given["allow"] or given["redirect"]):
        return []
    allow, wrong = read_list(given["allow"], normalize)
    problems += [f"guard.allow: {problem}" for problem in wrong]
    redirect = None
    if given["redirect"]:
        try:
            redirect = read_address(given["redirect"], normalize)
        except ValueError as error:
            problems.append(f"guard.redirect is no address: {error}")
    if settings.guards and _NAME not in settings.guards:
        problems.append(
            "guards: environment is not in the list, so this would send as production does: put it there, "
            "or set NOTIFYKIT_ENVIRONMENT=production"
        )
    if problems:
        raise ConfigError(problems)
    return [EnvironmentGuard(settings.environment, allow if given["allow"] else None, redirect)]


def notifykit_about() -> About:
    """Return the settings."""
    return about("allow", "redirect")
