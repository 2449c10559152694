"""What can go wrong, what it is about, and what a person does now.

An error says what it is about (:class:`Scope`), whether a later try of the same thing can work by itself (``retryable``),
whether sending again is certain not to send twice (``safe_to_resend``), and what a person does (``action``). All of them
pickle.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import itertools
import opcode
import signal
import sys
from collections.abc import Iterable, Iterator
from types import CodeType
from typing import Any, ClassVar, Final, TypeVar

import attrs

#: What marks an exception as an interrupt: its traceback, which shows that, may be dropped on its way.
_INTERRUPT: Final = "_notifykit_interrupt"
#: The instructions at which Python raises what another thread asked for.
_INTERRUPTED_AT: Final = ("CALL", "PRECALL", "JUMP_BACKWARD", "RESUME")

_Raised = TypeVar("_Raised", bound=BaseException)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from, or while handling: libraries wrap what a socket raised."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def without_frames(error: _Raised) -> _Raised:
    """Drop the tracebacks of an exception and of its causes: the variables of their frames hold what was sent."""
    for cause in causes(error):
        cause.__traceback__ = None
    return error


def is_interrupt(error: BaseException | None) -> bool:
    """Return whether an exception is for the program and no answer: no ``Exception``, or found by :func:`interrupt_of`."""
    return error is not None and (not isinstance(error, Exception) or _INTERRUPT in error.__dict__)


def interrupt_of(error: BaseException, outer: BaseException | None) -> BaseException | None:
    """Return what was raised into this thread from outside the code that it ran; None where that code raised by itself.

    That is what the handler of a signal raised (Ctrl-C, an alarm's TimeoutError, the soft time limit of Celery), and what
    another thread raised here, also where a library made another exception of it.

    :param error: what was caught.
    :param outer: ``sys.exception()`` from before: what was raised earlier is no interrupt of this.
    """
    interrupt = None
    # The last one counts: urllib3 gives what it makes of an exception the traceback of that.
    for cause in itertools.takewhile(lambda cause: cause is not outer, causes(error)):
        if (
            isinstance(cause, KeyboardInterrupt | GeneratorExit)
            or _INTERRUPT in cause.__dict__
            or _came_from_outside(cause)
        ):
            interrupt = cause
    if interrupt is not None:
        mark_interrupt(interrupt)
    return interrupt


def mark_interrupt(error: BaseException) -> None:
    """Let an exception come out of a send, whoever raises it: it is for the program, and no answer of a provider."""
    error.__dict__[_INTERRUPT] = True


def raise_interrupt(error: BaseException, outer: BaseException | None) -> None:
    """Raise what :func:`interrupt_of` finds: nobody but the program may catch it."""
    interrupt = interrupt_of(error, outer)
    if interrupt is None:
        return
    before = interrupt.__context__
    try:
        raise interrupt
    finally:
        interrupt.__context__ = before  # without what was made of it


def _came_from_outside(error: BaseException) -> bool:
    traceback = error.__traceback__
    if traceback is None:
        return False
    handlers = {code for number in signal.valid_signals() if (code := _code_of(signal.getsignal(number)))}
    while True:
        if traceback.tb_frame.f_code in handlers:
            return True
        if traceback.tb_next is None:
            break
        traceback = traceback.tb_next
    # What PyThreadState_SetAsyncExc raises has no statement that raises it, and no arguments.
    instructions, at = traceback.tb_frame.f_code.co_code, traceback.tb_lasti
    module = sys.modules.get(type(error).__module__)
    return (
        not error.args
        and str(getattr(module, "__file__", "")).endswith(".py")
        and at < len(instructions)
        and opcode.opname[instructions[at]].startswith(_INTERRUPTED_AT)
    )


def _code_of(handler: object) -> CodeType | None:
    """Return the code of a signal's handler; None where it is not written in Python."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    handler = getattr(handler, "__func__", handler)
    if not hasattr(handler, "__code__"):
        handler = getattr(type(handler), "__call__", None)  # noqa: B004 - not whether it is there, but its code
    code = getattr(handler, "__code__", None)
    return code if isinstance(code, CodeType) else None


class Scope(enum.StrEnum):
    """What an error is about; it decides whether another transport could do better."""

    CONTENT = "content"
    RECIPIENT = "recipient"
    ACCOUNT = "account"
    TRANSPORT = "transport"
    NETWORK = "network"

    @property
    def allows_failover(self) -> bool:
        """Whether another transport may be tried: a bad text or number is bad everywhere."""
        return self not in (Scope.CONTENT, Scope.RECIPIENT)


class NotifyError(Exception):
    """Anything that notifykit raises on purpose."""


class ConfigError(NotifyError, ValueError):
    """Settings that can't be used. Every problem that was found is in ``problems``, not only the first."""

    #: What stands above several problems; ``{}`` is how many there are.
    heading: ClassVar[str] = "{} settings need attention:"

    problems: tuple[str, ...]

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(dict.fromkeys(problems))
        super().__init__(self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        return f"{self.heading.format(len(self.problems))}\n{lines}"


class MissingCredentials(ConfigError):
    """The user name or the password of an account is given nowhere."""


def all_of(errors: Iterable[ConfigError]) -> ConfigError:
    """Return one error with the problems of several, of their kind where that is the same."""
    errors = tuple(errors)
    kinds = {type(error) for error in errors}
    kind = kinds.pop() if len(kinds) == 1 else ConfigError
    return kind([problem for error in errors for problem in error.problems])


@contextlib.contextmanager
def collected(problems: list[str], before: str = "") -> Iterator[None]:
    """Add the problems of a :class:`ConfigError` in the block to a list, so that what follows is looked at too.

    :param before: what stands in front of each.
    """
    try:
        yield
    except ConfigError as error:
        problems += (f"{before}{problem}" for problem in error.problems)


@contextlib.contextmanager
def needs_extra(extra: str, what: str = "this module", pip: str = "pip") -> Iterator[None]:
    """Raise a :class:`ConfigError` that says what to install where an import in the block fails.

    :param extra: the extra that brings it; of several, the one in front is the one that is missed.
    """
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f'{what} needs the extra "{extra.partition(",")[0]}", and {error.name} is missing: '
            f'{pip} install "notifykit[{extra}]"'
        ) from error


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
    #: The provider's own words as it said them, which may repeat a number or a text: not for logs. ``scrub`` makes them fit.
    provider_words: str | None = attrs.field(
        default=None, repr=lambda words: str(words and f"<{len(words)} characters>")
    )
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


def error_type(error: TransportError) -> str:
    """Return the name of the class of this module that an error is of: a plugin may have subclassed it."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == __name__)


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
