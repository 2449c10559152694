"""``environment``: outside production, nobody gets a message who is not meant to.

Applies wherever ``environment`` is not ``production``, or where nobody says what it is and ``allow`` or ``redirect``
is set. Whoever is on the list gets their messages; what others would get goes to ``redirect``, once, or nowhere. Where
an environment is named and there is neither list nor redirection, nothing goes to a transport that reaches people.
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
_WAYS: Final = (
    "Set NOTIFYKIT_GUARD_ALLOW to those who may get messages here, NOTIFYKIT_GUARD_REDIRECT to who gets them instead, "
    "or NOTIFYKIT_ENVIRONMENT=production."
)


@attrs.frozen
class EnvironmentGuard:
    """Lets messages go to those on a list, and to one address what all others would get."""

    #: What settings and listings call it.
    name = _NAME

    #: What this environment is called; None where nobody says.
    environment: str | None = None
    #: Who may get messages; None where there is no list.
    allow: AddressList | None = None
    #: Who gets what others would; None for nobody.
    redirect: Recipient | None = None

    def check(self, envelope: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Let it pass, send it to the other address, or hold it back."""
        if self.allow is not None and envelope.recipient in self.allow:
            return None
        here = f"This is {self.environment}" if self.environment else "Nobody says that this is production"
        if self.redirect is not None:
            if self.redirect.channel is envelope.recipient.channel:
                return self.redirect
            return Veto(
                self.name,
                f"{here}, and the address that gets what others would is of the channel {self.redirect.channel}, "
                f"not {envelope.recipient.channel}.",
                _WAYS,
            )
        if self.allow is not None:
            return Veto(self.name, f"{here}, and the recipient is not on the list of who may get messages.", _WAYS)
        return Veto(self.name, f"{here}, and nothing says who may get messages.", _WAYS) if envelope.live else None


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[EnvironmentGuard]:
    """Bring ``environment`` unless this is production, or nobody says anything."""
    given, problems = resolved(settings)
    said = settings.environment is not None or given["allow"] or given["redirect"]
    if settings.environment == "production" or not said:
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
    """Tell of the settings."""
    return about("allow", "redirect")
