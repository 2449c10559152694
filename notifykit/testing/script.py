"""What the provider answers in a test: accepted, unless a script says something else."""

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
from notifykit.testing.matching import fits
from notifykit.testing.plugging import Plugins

#: What answers a request: a submission, an error, or a function of the batch that returns either.
Answer = Submission | TransportError | type[TransportError] | Callable[[Batch], Any] | None
#: What :meth:`Script.sequence` takes: an answer, a verb of the script, a provider's code, or seconds.
Played = Answer | str | float

_ANYBODY: Final = object()


@attrs.frozen
class Scripted:
    """What a script makes of one request."""

    #: The answer; None for "accepted".
    answer: Submission | Exception | None
    #: How long it takes, in seconds.
    delay: float
    #: Why some recipients are refused while the request is taken, by their addresses.
    refused: Mapping[str, TransportError]


@attrs.define
class _Step:
    answer: Answer
    to: Any
    left: float
    delay: float


class Script:
    """Plays answers in sequence: one for each request, in the order in which they were asked for.

    What is asked for with ``to`` waits for a request to that recipient. Behind the last answer everything is accepted.
    Everything returns the script, so that a sequence can be written as a chain.

    :param plugins: who knows the providers' codes.
    """

    def __init__(self, plugins: Plugins | None = None) -> None:
        self._plugins = plugins or Plugins()
        self._steps: list[_Step] = []
        self._refusals: list[_Step] = []
        self._lock = threading.Lock()

    def reject(
        self,
        to: Any = _ANYBODY,
        *,
        code: str | None = None,
        error: TransportError | type[TransportError] | None = None,
        times: int | None = None,
        delay: float = 0.0,
    ) -> Self:
        """Refuse a recipient, or without one the next request.

        A recipient is refused for the whole test while others of the request are taken, unless ``times`` says how often.

        :param to: the recipient, as a literal, a regex, a predicate or several of them.
        :param code: the provider's code; plugins know what error it becomes.
        :param error: the error itself, or its kind.
        """
        answer = error or (self._error(code) if code else InvalidRecipient("The script refuses it."))
        if to is _ANYBODY:
            return self._add(answer, to, times, delay)
        self._refusals.append(_Step(answer, to, _times(times, float("inf")), delay))
        return self

    def refuse(
        self,
        error: TransportError | type[TransportError] | str,
        *,
        to: Any = _ANYBODY,
        times: int | None = None,
        delay: float = 0.0,
    ) -> Self:
        """Answer the next request with an error, a kind of error, or the error of a provider's code."""
        return self._add(self._error(error) if isinstance(error, str) else error, to, times, delay)

    def queue_full(
        self, times: int | None = None, *, code: str | None = None, to: Any = _ANYBODY, delay: float = 0.0
    ) -> Self:
        """Say that there is too much to do, so that the road waits and tries again."""
        full = RateLimited("The script says that the queue is full.", "QUEUE_FULL")
        return self._add(self._error(code) if code else full, to, times, delay)

    def unknown(self, times: int | None = None, *, to: Any = _ANYBODY, delay: float = 0.0) -> Self:
        """Lose the answer: whether the message was taken, nobody knows."""
        return self._add(OutcomeUnknown("The script lost the answer.", "LOST"), to, times, delay)

    def unreachable(self, times: int | None = None, *, to: Any = _ANYBODY, delay: float = 0.0) -> Self:
        """Let no connection come about, so that the road tries again."""
        return self._add(NotReached("The script lets no connection come about.", "UNREACHABLE"), to, times, delay)

    def unavailable(self, times: int | None = None, *, to: Any = _ANYBODY, delay: float = 0.0) -> Self:
        """Say that the provider does not take anything now."""
        return self._add(ProviderUnavailable("The script says: not now.", "UNAVAILABLE"), to, times, delay)

    def delay(self, seconds: float, times: int | None = None, *, to: Any = _ANYBODY) -> Self:
        """Accept the next request, so many virtual seconds later.

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
        to: Any = _ANYBODY,
        delay: float = 0.0,
    ) -> Self:
        """Accept the next request, and say something special about it if anything is given."""
        said = Submission(message_id, cost, balance) if (message_id, cost, balance) != (None, None, None) else None
        return self._add(said, to, times, delay)

    def answer(self, answer: Answer, times: int | None = None, *, to: Any = _ANYBODY, delay: float = 0.0) -> Self:
        """Give the next request this answer, or what a function of the batch returns."""
        return self._add(answer, to, times, delay)

    def sequence(self, *answers: Played) -> Self:
        """Play several answers: ``sequence("queue_full", "ERR009", 5, RateLimited, "accept")``.

        :param answers: each the name of a verb that needs nothing more, a provider's code, an error or its kind,
            seconds of delay, a submission, or a function of the batch.
        :raises TypeError: where something is none of these.
        """
        for answer in answers:
            if isinstance(answer, str):
                verb = _VERBS.get(answer)
                (verb(self) if verb else self.refuse(answer))
            elif isinstance(answer, int | float) and not isinstance(answer, bool):
                self.delay(answer)
            elif answer is None or isinstance(answer, Submission | TransportError) or callable(answer):
                self.answer(answer)
            else:
                raise TypeError(f"a script can't answer with a {type(answer).__name__}")
        return self

    def clear(self) -> Self:
        """Forget everything that was not played yet, and whom to refuse."""
        with self._lock:
            self._steps.clear()
            self._refusals.clear()
        return self

    @property
    def pending(self) -> int:
        """How many answers have not been played yet."""
        return sum(int(step.left) for step in self._steps if step.left != float("inf"))

    def play(self, batch: Batch) -> Scripted:
        """Return what is answered to a request, and count it as played."""
        with self._lock:
            step = next((step for step in self._steps if _is_for(step, batch)), None)
            if step is not None:
                _played(self._steps, step)
            refused: dict[str, TransportError] = {}
            delay = step.delay if step else 0.0
            if step is None or step.answer is None or isinstance(step.answer, Submission):
                for refusal in [refusal for refusal in self._refusals if _is_for(refusal, batch)]:
                    error = _made(refusal.answer, batch)
                    assert isinstance(error, TransportError)
                    addresses = (recipient.address for recipient in batch.recipients)
                    refused |= {address: error for address in addresses if fits("to", address, refusal.to)}
                    delay = max(delay, refusal.delay)
                    _played(self._refusals, refusal)
        return Scripted(_made(step.answer, batch) if step else None, delay, refused)

    def _add(self, answer: Answer, to: Any, times: int | None, delay: float) -> Self:
        if isinstance(answer, type) and not issubclass(answer, TransportError):
            raise TypeError(f"{answer.__name__} is no TransportError")
        with self._lock:
            self._steps.append(_Step(answer, to, _times(times, 1), delay))
        return self

    def _error(self, code: str) -> TransportError:
        known = self._plugins.error(code)
        return known or Unclassified(f"The script answers with {code}, a code that no plugin explains.", code)


_VERBS: Final[Mapping[str, Callable[[Script], Script]]] = {
    "accept": Script.accept,
    "queue_full": Script.queue_full,
    "reject": Script.reject,
    "unavailable": Script.unavailable,
    "unknown": Script.unknown,
    "unreachable": Script.unreachable,
}


def _is_for(step: _Step, batch: Batch) -> bool:
    return step.to is _ANYBODY or any(fits("to", recipient.address, step.to) for recipient in batch.recipients)


def _played(steps: list[_Step], step: _Step) -> None:
    step.left -= 1
    if step.left < 1:
        steps.remove(step)


def _times(times: int | None, otherwise: float) -> float:
    if times is None:
        return otherwise
    if isinstance(times, bool) or times < 1:
        raise ValueError("times is a whole number above zero")
    return times


def _made(answer: Answer, batch: Batch) -> Submission | Exception | None:
    """Return an answer that may be a kind of error or a function as what it makes."""
    if isinstance(answer, type):
        return _checked(answer(f"The script answers with {answer.__name__}."))
    if answer is None or isinstance(answer, Submission | TransportError):
        return answer
    try:
        return _checked(answer(batch))
    except TransportError as error:
        return error


def _checked(made: object) -> Submission | Exception | None:
    if made is None or isinstance(made, Submission | Exception):
        return made
    raise TypeError(f"a script can't answer with a {type(made).__name__}")


def scripted(script: Script, given: Iterable[Played] | Callable[[Script], object]) -> None:
    """Write what a marker says into a script: a sequence, or a function that is given the script."""
    if callable(given):
        given(script)
    elif isinstance(given, str):
        raise TypeError('script is a list of answers: script=["queue_full", "accept"]')
    else:
        script.sequence(*given)
