"""What the provider answers in a test: everything is accepted, unless a script says something else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Self

import attrs

from notifykit.errors import (
    InvalidRecipient,
    NotReached,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    TransportError,
    Unclassified,
)
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.testing.assertions import field_matches
from notifykit.testing.notifier import Plugins

#: What answers a request: a submission, an error, or a function of the batch that returns either.
Answer = Submission | TransportError | type[TransportError] | Callable[[Batch], Any] | None
#: What :meth:`Script.sequence` takes: an answer, the name of a method, a provider's code, or seconds.
Played = Answer | str | float

_ANY_RECIPIENT: Final = object()
_FOREVER: Final = float("inf")


@attrs.frozen
class ScriptedAnswer:
    """How a script answers one request."""

    #: The answer; None for "accepted".
    answer: Submission | Exception | None
    #: How long it takes, in seconds.
    delay: float
    #: Why some recipients are refused while the request is accepted, by their addresses.
    refused: Mapping[str, TransportError]

    @property
    def is_plain(self) -> bool:
        """Whether the script says nothing special."""
        return self.answer is None and not self.delay and not self.refused


@attrs.define
class _Step:
    answer: Answer
    to: Any
    #: How often it is still played.
    times: float
    delay: float

    def is_for(self, batch: Batch) -> bool:
        return self.to is _ANY_RECIPIENT or any(self.matches(recipient.address) for recipient in batch.recipients)

    def matches(self, address: str) -> bool:
        return field_matches("to", address, self.to)


class Script:
    """Plays answers in sequence: one for each request, in the order in which they were added.

    An answer with ``to`` waits for a request to that recipient. After the last answer everything is accepted. ``times``
    is how many requests get the answer, one by default; ``delay`` is how long it takes, in virtual seconds. Every method
    returns the script, so that calls can be chained.

    :param plugins: the plugins that know the providers' codes.
    """

    def __init__(self, plugins: Plugins | None = None) -> None:
        self._plugins = plugins or Plugins()
        self._steps: list[_Step] = []
        self._refusals: list[_Step] = []
        self._lock = threading.Lock()

    def reject(
        self,
        to: Any = _ANY_RECIPIENT,
        *,
        code: str | None = None,
        error: TransportError | type[TransportError] | None = None,
        times: int | None = None,
        delay: float = 0.0,
    ) -> Self:
        """Refuse a recipient, or without one the next request.

        A recipient is refused for the whole test while others of the request are accepted, unless ``times`` is given.

        :param to: the recipient, as a literal, a regex, a predicate or several of them.
        :param code: the provider's code; plugins know its error.
        :param error: the error itself, or its kind.
        """
        answer = error or (self._error(code) if code else InvalidRecipient("The script refuses it."))
        if to is _ANY_RECIPIENT:
            return self._add(answer, to, times, delay)
        self._refusals.append(_Step(answer, to, _checked_times(times, _FOREVER), delay))
        return self

    def refuse(
        self,
        error: TransportError | type[TransportError] | str,
        *,
        to: Any = _ANY_RECIPIENT,
        times: int | None = None,
        delay: float = 0.0,
    ) -> Self:
        """Answer the next request with an error, a kind of error, or the error of a provider's code."""
        return self._add(self._error(error) if isinstance(error, str) else error, to, times, delay)

    def queue_full(
        self, times: int | None = None, *, code: str | None = None, to: Any = _ANY_RECIPIENT, delay: float = 0.0
    ) -> Self:
        """Say that the provider's queue is full, so that the pipeline waits and tries again."""
        full = RateLimited("The script says that the queue is full.", "QUEUE_FULL")
        return self._add(self._error(code) if code else full, to, times, delay)

    def unknown(self, times: int | None = None, *, to: Any = _ANY_RECIPIENT, delay: float = 0.0) -> Self:
        """Lose the answer: it is unknown whether the message was accepted."""
        return self._add(OutcomeUnknown("The script lost the answer.", "LOST"), to, times, delay)

    def unreachable(self, times: int | None = None, *, to: Any = _ANY_RECIPIENT, delay: float = 0.0) -> Self:
        """Let the connection fail, so that the pipeline tries again."""
        return self._add(NotReached("The script lets the connection fail.", "UNREACHABLE"), to, times, delay)

    def unavailable(self, times: int | None = None, *, to: Any = _ANY_RECIPIENT, delay: float = 0.0) -> Self:
        """Say that the provider accepts nothing now."""
        return self._add(ProviderUnavailable("The script says: not now.", "UNAVAILABLE"), to, times, delay)

    def delay(self, seconds: float, times: int | None = None, *, to: Any = _ANY_RECIPIENT) -> Self:
        """Accept the next request after some virtual seconds.

        Where that is longer than the request may take, its outcome is unknown, as it is with a real provider.
        """
        return self._add(None, to, times, seconds)

    def accept(
        self,
        times: int | None = None,
        *,
        message_id: str | None = None,
        cost: float | None = None,
        balance: float | None = None,
        to: Any = _ANY_RECIPIENT,
        delay: float = 0.0,
    ) -> Self:
        """Accept the next request, with an id, a cost or a balance if they are given."""
        plain = (message_id, cost, balance) == (None, None, None)
        return self._add(None if plain else Submission(message_id, cost, balance), to, times, delay)

    def answer(self, answer: Answer, times: int | None = None, *, to: Any = _ANY_RECIPIENT, delay: float = 0.0) -> Self:
        """Give the next request this answer, or what a function of the batch returns."""
        return self._add(answer, to, times, delay)

    def sequence(self, *answers: Played) -> Self:
        """Play several answers: ``sequence("queue_full", "ERR009", 5, RateLimited, "accept")``.

        :param answers: each the name of a method that needs no argument, a provider's code, an error or its kind,
            seconds of delay, a submission, or a function of the batch.
        :raises TypeError: if something is none of these.
        """
        for answer in answers:
            if isinstance(answer, str):
                getattr(self, answer)() if answer in _NAMES else self.refuse(answer)
            elif isinstance(answer, int | float) and not isinstance(answer, bool):
                self.delay(answer)
            elif answer is None or isinstance(answer, Submission | TransportError) or callable(answer):
                self.answer(answer)
            else:
                raise TypeError(f"a script can't answer with a {type(answer).__name__}")
        return self

    def clear(self) -> Self:
        """Forget everything that was not played yet, and which recipients to refuse."""
        with self._lock:
            self._steps.clear()
            self._refusals.clear()
        return self

    @property
    def pending(self) -> int:
        """How many answers have not been played yet."""
        return sum(int(step.times) for step in self._steps if step.times != _FOREVER)

    def play(self, batch: Batch) -> ScriptedAnswer:
        """Return the answer to a request, and count it as played."""
        with self._lock:
            step = next((step for step in self._steps if step.is_for(batch)), None)
            if step is not None:
                _count_down(self._steps, step)
            refused: dict[str, TransportError] = {}
            delay = step.delay if step else 0.0
            if step is None or step.answer is None or isinstance(step.answer, Submission):
                for refusal in [refusal for refusal in self._refusals if refusal.is_for(batch)]:
                    error = _resolved(refusal.answer, batch)
                    assert isinstance(error, TransportError)
                    refused |= {who.address: error for who in batch.recipients if refusal.matches(who.address)}
                    delay = max(delay, refusal.delay)
                    _count_down(self._refusals, refusal)
        return ScriptedAnswer(_resolved(step.answer, batch) if step else None, delay, refused)

    def _add(self, answer: Answer, to: Any, times: int | None, delay: float) -> Self:
        if isinstance(answer, type) and not issubclass(answer, TransportError):
            raise TypeError(f"{answer.__name__} is no TransportError")
        with self._lock:
            self._steps.append(_Step(answer, to, _checked_times(times, 1), delay))
        return self

    def _error(self, code: str) -> TransportError:
        known = self._plugins.error(code)
        return known or Unclassified(f"The script answers with {code}, a code that no plugin explains.", code)


#: The methods that :meth:`Script.sequence` takes by name.
_NAMES: Final = ("accept", "queue_full", "reject", "unavailable", "unknown", "unreachable")


def play_all(script: Script, answers: Iterable[Played] | Callable[[Script], object]) -> None:
    """Add answers to a script: a sequence, or a function that is given the script.

    :raises TypeError: if they are neither.
    """
    if callable(answers):
        answers(script)
    elif isinstance(answers, str):
        raise TypeError('script is a list of answers: script=["queue_full", "accept"]')
    else:
        script.sequence(*answers)


def _count_down(steps: list[_Step], step: _Step) -> None:
    step.times -= 1
    if step.times < 1:
        steps.remove(step)


def _checked_times(times: int | None, default: float) -> float:
    if times is None:
        return default
    if isinstance(times, bool) or times < 1:
        raise ValueError("times is a whole number above zero")
    return times


def _resolved(answer: Answer, batch: Batch) -> Submission | Exception | None:
    """Return an answer itself, the error of a kind of error, or what a function returns or raises."""
    if answer is None or isinstance(answer, Submission | TransportError):
        return answer
    if isinstance(answer, type):
        error: TransportError = answer(f"The script answers with {answer.__name__}.")
        return error
    try:
        result: object = answer(batch)
    except TransportError as raised:
        return raised
    if result is None or isinstance(result, Submission | Exception):
        return result
    raise TypeError(f"a script can't answer with a {type(result).__name__}")
