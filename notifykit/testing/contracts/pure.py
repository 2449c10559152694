"""What cleaners and normalizers promise alike: one call per text, whose result depends on the text and the channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from notifykit.models.message import Channel
from notifykit.testing.contracts.base import THREADS_CURE, TIME_CURE, Contract, clause

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


class PureContract(Contract):
    """The clauses, over a few methods of each contract."""

    #: The medium that it is for.
    channel: ClassVar[Channel] = Channel.SMS
    #: Other media that it is for as well.
    also: ClassVar[frozenset[Channel]] = frozenset()
    #: The protocol of the objects.
    _protocol: ClassVar[Any]
    #: Texts that have broken such objects.
    _hostile: ClassVar[Sequence[str]]
    #: More texts that are looked at.
    _usual: ClassVar[Sequence[str]]

    #: Returns a new object.
    _new: Callable[[], Any]
    #: Returns the result for a text and a channel, of the right type.
    _call: Callable[..., Any]
    #: Returns the author's examples.
    _examples: Callable[[], Sequence[str]]
    #: Returns a strategy for texts.
    _drawn: Callable[[], SearchStrategy[str]]
    #: Returns whether the result for a text is that for a text of another channel.
    _is_unchanged: Callable[[str, Any], bool]

    def _values(self, result: Any) -> object:
        """Return the values of a result for a comparison."""
        return result

    # --- the clauses ---

    @clause("Give it a name and the method of its protocol, and make the name an attribute of the class.")
    def test_it_has_a_name(self) -> None:
        """It has the methods of its protocol, and a name of one word that never changes."""
        one = self._new()
        self.promise(isinstance(one, self._protocol), got=one)
        self.must_be_named(one, self._new())

    @clause("Return what the protocol says.", each="_each_result")
    def test_it_takes_every_text_and_never_raises(self, text: str, result: Any) -> None:
        """Every text has a result, and none raises."""

    @clause(TIME_CURE)
    def test_a_hostile_text_takes_no_long_time(self) -> None:
        """A long text does not take a long time."""
        subject = self._new()
        for text in self._hostile:
            self.must_be_quick(text, self._call, subject, text)

    @clause("Decide by the text, the channel and the settings alone.")
    def test_it_answers_the_same_every_time(self) -> None:
        """One text has one result, whatever came before, from this object and from another of its kind."""
        first, second = self._new(), self._new()

        def check(text: str, between: str) -> None:
            before = self._values(self._call(first, text))
            self._call(first, between)
            for again in (first, second):
                after = self._values(self._call(again, text))
                self.promise(before == after, given=text, got=(before, after))

        for text in self._examples():
            check(text, "")
        self.for_all(check, text=self._drawn(), between=self._drawn())

    @clause("Ask for the channel first, and return what the protocol says for others; or name the channel in `also`.")
    def test_other_channels_are_left_alone(self) -> None:
        """A cleaner returns a text of another channel as it was, a normalizer passes the address on with None."""
        subject = self._new()
        others = sorted(set(Channel).difference(self._channels(subject)))

        def check(text: str) -> None:
            for channel in others:
                result = self._call(subject, text, channel)
                self.promise(self._is_unchanged(text, result), given=(text, channel), got=self._values(result))

        self._each(check)

    @clause(THREADS_CURE)
    def test_it_is_safe_under_threads(self) -> None:
        """Several threads that call it at once get the results that each would get alone."""
        subject = self._new()
        texts = [*self._examples(), *self._usual]
        expected = {text: self._values(self._call(subject, text)) for text in texts}

        def work(number: int) -> None:
            for turn in range(20 * len(texts)):
                text = texts[(number + turn) % len(texts)]
                result = self._values(self._call(subject, text))
                self.promise(result == expected[text], given=text, got=result)

        self.in_threads(work)

    @clause("Restore all of it.")
    def test_it_pickles(self) -> None:
        """It and its results pickle, and a copy returns the same."""
        subject = self._new()
        copy = self.pickled(subject, "it")
        for text in (*self._examples(), *self._usual):
            result = self._call(subject, text)
            copies = (self.pickled(result, "a result"), self._call(copy, text))
            self.promise(all(self._values(one) == self._values(result) for one in copies), given=text)

    # --- for clauses ---

    def _channels(self, subject: Any) -> tuple[Channel, ...]:
        """Return the channels that it is for."""
        return (self.channel, *sorted(self.also))

    def _each(self, check: Callable[..., None]) -> None:
        """Check the examples, usual and hostile texts, and texts that hypothesis draws: ``check(text)``."""
        for text in (*self._examples(), *self._usual, *(hostile[:200] for hostile in self._hostile)):
            check(text)
        self.for_all(check, text=self._drawn())

    def _each_result(self, check: Callable[[str, Any], None]) -> None:
        """Check the result for each text."""
        subject = self._new()

        def check_text(text: str) -> None:
            for channel in self._channels(subject):
                check(text, self._call(subject, text, channel))

        self._each(check_text)
