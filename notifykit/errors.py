"""What can go wrong, what it is about, and what a person does now.

An error says what it is about (:class:`Scope`), whether a later try of the same thing can work by itself (``retryable``),
whether sending again is certain not to send twice (``safe_to_resend``), and what a person does (``action``). All of them
pickle.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, ClassVar, Final, TypeVar

import attrs

#: Exceptions of a plugin that are never caught: they are for the program.
INTERRUPTS: Final = (KeyboardInterrupt, GeneratorExit)

_Raised = TypeVar("_Raised", bound=BaseException)


def without_frames(error: _Raised) -> _Raised:
    """Drop the tracebacks of an exception and of its causes: the variables of their frames hold what was sent."""
    current: BaseException | None = error
    while current is not None:
        current.__traceback__ = None
        current = current.__cause__ or current.__context__
    return error


class Scope(enum.StrEnum):
    """What an error is about; it decides whether another transport could do better."""

    CONTENT = "content"
    RECIPIENT = "recipient"
    ACCOUNT = "account"
    TRANSPORT = "transport"
    NETWORK = "network"

    @property
    def moves_traffic(self) -> bool:
        """Whether another transport may be tried: a bad text or number is bad everywhere."""
        return self not in (Scope.CONTENT, Scope.RECIPIENT)


class NotifyError(Exception):
    """Anything that notifykit raises on purpose."""


class ConfigError(NotifyError, ValueError):
    """Settings that can't be used. Every problem that was found is in ``problems``, not only the first."""

    problems: tuple[str, ...]

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(dict.fromkeys(problems))
        super().__init__(self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        return f"{len(self.problems)} settings need attention:\n{lines}"


class MissingCredentials(ConfigError):
    """The user name or the password of an account is given nowhere."""


def all_of(errors: Iterable[ConfigError]) -> ConfigError:
    """Return one error with the problems of several, of their kind where that is the same."""
    errors = tuple(errors)
    kinds = {type(error) for error in errors}
    kind = kinds.pop() if len(kinds) == 1 else ConfigError
    return kind([problem for error in errors for problem in error.problems])


class PluginError(NotifyError):
    """A plugin that can't be used, raised where ``strict`` asks for it or where two plugins claim one name."""

    def __init__(self, plugin: str, detail: str) -> None:
        self.plugin = plugin
        self.detail = detail
        super().__init__(plugin, detail)

    def __str__(self) -> str:
        return f"plugin {self.plugin!r}: {self.detail}"


@attrs.frozen(slots=False)
class TransportError(NotifyError, RuntimeError):
    """A batch or a recipient was not accepted, or that is not known. Raise one of the subclasses.

    It is a :class:`RuntimeError` too, because that is what callers of the documented kwtSMS client catch.
    """

    #: What this kind of error is usually about.
    default_scope: ClassVar[Scope] = Scope.TRANSPORT
    #: Whether it is certain that nothing was sent, so that sending again can't send twice.
    safe_to_resend: ClassVar[bool] = True
    #: What a person does now, where the transport has nothing better to say.
    advice: ClassVar[str] = "Read the provider's answer and its documentation."
    #: The schedule of waits where the transport gives none.
    default_waits: ClassVar[tuple[float, ...]] = ()

    #: What happened, in one sentence without numbers, texts or passwords.
    detail: str
    #: The provider's code, ``ERR013``; None where the provider gave none.
    code: str | None = None
    #: The provider's own words, scrubbed.
    provider_words: str | None = None
    #: What a person does now.
    action: str = attrs.field(default=attrs.Factory(lambda self: type(self).advice, takes_self=True))
    #: Seconds to wait before the second, third, … try; empty where waiting does not help.
    waits: tuple[float, ...] = attrs.field(
        default=attrs.Factory(lambda self: type(self).default_waits, takes_self=True)
    )
    #: What it is about.
    scope: Scope = attrs.field(default=attrs.Factory(lambda self: type(self).default_scope, takes_self=True))

    @property
    def retryable(self) -> bool:
        """Whether the same request can work later by itself."""
        return bool(self.waits)

    @property
    def retry_after(self) -> float | None:
        """Seconds before another try makes sense; None where it does not."""
        return self.waits[0] if self.waits else None

    def __str__(self) -> str:
        what = f"{self.code}: {self.detail}" if self.code else self.detail
        return f"{what} → {self.action}" if self.action else what

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would restore attributes one by one, which a frozen class refuses.
        return type(self), attrs.astuple(self, recurse=False)


# What attrs made for the base is inherited: only a class with a field of its own is made again.


class InvalidRecipient(TransportError):
    """This address can't receive the message, through any transport."""

    default_scope = Scope.RECIPIENT
    advice = "Check the address with the person it belongs to."


class ContentRejected(TransportError):
    """This text can't be sent to any recipient."""

    default_scope = Scope.CONTENT
    advice = "Change the text."


class AuthFailed(TransportError):
    """The account's name, password, permission or address is not accepted."""

    default_scope = Scope.ACCOUNT
    advice = "Check the user name and the password of the account."


class OutOfCredit(TransportError):
    """The account can't pay for this."""

    default_scope = Scope.ACCOUNT
    advice = "Top up the account."


class NotEnoughCredit(OutOfCredit):
    """The account can't pay for this request; it may be able to pay for one of fewer recipients."""


class SenderNotAllowed(TransportError):
    """The account may not send under this sender name."""

    default_scope = Scope.ACCOUNT
    advice = "Use a sender that is registered for this account; names are case sensitive."


class DestinationNotCovered(TransportError):
    """The account has no route to this country or network."""

    default_scope = Scope.ACCOUNT
    advice = "Ask the provider to activate this destination."


class RateLimited(TransportError):
    """Too much at once: for the account, or for one recipient."""

    default_scope = Scope.ACCOUNT
    advice = "Wait, then send again; nothing was charged."
    default_waits = (30.0, 60.0, 120.0)


class ProviderUnavailable(TransportError):
    """The provider answered, and said that it did not take the request."""

    default_scope = Scope.TRANSPORT
    advice = "The provider did not take the request; send it again later."


class NotReached(TransportError):
    """No connection was made, so the request was certainly not sent."""

    default_scope = Scope.NETWORK
    advice = "Check the provider's address, and DNS and firewall of this machine; nothing was sent, so sending again is safe."
    default_waits = (0.5, 2.0)


class OutcomeUnknown(TransportError):
    """The request may have arrived and no readable answer came back. It is never sent again by itself."""

    default_scope = Scope.NETWORK
    safe_to_resend = False
    advice = "It may have been sent. Look at the provider's side before you send it again."


class Unclassified(TransportError):
    """A code that notifykit does not know: kept and reported, not retried."""

    default_scope = Scope.TRANSPORT
    advice = "This code is new to notifykit: ask the provider what it means, and please report it."


@attrs.frozen(slots=False)
class Exhausted(TransportError):
    """None of several transports took it, and it is certain that none did."""

    advice = "Look at what each transport said: the receipt's attempts and the error's causes have it."

    #: The error of each of them, in the order in which they were asked.
    causes: tuple[TransportError, ...] = ()

    def __attrs_post_init__(self) -> None:
        if self.causes:
            self.__cause__ = self.group

    @property
    def group(self) -> ExceptionGroup[TransportError]:
        """The errors as Python's own group of exceptions, for ``except*`` and tracebacks."""
        return ExceptionGroup(self.detail, self.causes)
