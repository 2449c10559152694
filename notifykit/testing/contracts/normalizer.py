"""What every normalizer promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from notifykit.errors import InvalidRecipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected
from notifykit.normalizers.phone import MOST_DIGITS
from notifykit.protocols import Normalizer
from notifykit.testing.contracts.base import clause, fragments
from notifykit.testing.contracts.pure import PureContract

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: Texts that have broken normalizers.
_HOSTILE: Final = (
    "",
    " ",
    "\x00",
    "\ud800",
    "\u202e965",
    "+" * 5_000,
    "1" * 20_000,
    " " * 20_000 + "x",
    "(" * 5_000,
    "1 " * 10_000 + "x",
    "a@" * 5_000,
    "a." * 5_000 + "@",
    "<" * 5_000,
    "٣" * 20_000,
    "\u0301" * 20_000,
)
#: Wrong addresses whose reasons must not repeat them.
_WRONG: Final = (
    "96598765432 extension 12",
    "965 9876 5432, 965 9876 5433",
    "+965-9876-5432-1234-5678",
    "mobile: ٩٦٥٩٨٧٦٥٤٣٢x",
    "fatima.alsabah@@example.com",
    "fatima.alsabah@example",
    "fatima alsabah 98765432@example.com",
)


class NormalizerContract(PureContract):
    """Subclass it, and name your normalizer: ``def normalizer(self): return Mine()``.

    Give examples too: :attr:`accepts` at least, and :attr:`rejects` where there is something that it refuses.
    """

    #: What people write, and the canonical address that it means.
    accepts: ClassVar[Mapping[str, str]] = {}
    #: What it refuses.
    rejects: ClassVar[Sequence[str]] = ()
    #: What it passes on to the next normalizer.
    passes_on: ClassVar[Sequence[str]] = ()
    #: Whether a canonical number is read as itself without ``+`` too; False where it may be a local one of a country.
    bare: ClassVar[bool] = True
    _protocol = Normalizer
    _hostile = _HOSTILE
    _usual = (*_WRONG, "96598765432", "a@example.com", "token")

    def normalizer(self) -> Normalizer:
        """Return a new one of your normalizers."""
        raise NotImplementedError("say what is tested: def normalizer(self): return MyNormalizer()")

    def addresses(self) -> SearchStrategy[str]:
        """Return a strategy for what people write; by default good and bad addresses of :attr:`channel`, and your examples."""
        from hypothesis import strategies as st

        from notifykit.testing.strategies import typed_addresses

        usual = typed_addresses(self.channel)
        known = [*self.accepts, *self.accepts.values(), *self.rejects, *self.passes_on]
        return st.one_of(st.sampled_from(known), usual) if known else usual

    # --- the clauses ---

    @clause("Accept what you return, with + in front where it is a number, and return it unchanged.")
    def test_a_canonical_address_stays_as_it_is(self) -> None:
        """A canonical address is its own canonical form."""
        normalizer = self.normalizer()

        def check(raw: str, answer: _Answer) -> None:
            if not isinstance(answer, Recipient):
                return
            # The framework puts the plus sign in front of a number that a program made by hand.
            numeric = answer.channel is Channel.SMS and answer.address[:1].isdigit()
            bare = [answer.address] if not numeric or self.bare else []
            for spelling in [f"+{answer.address}", *bare] if numeric else bare:
                again = self._call(normalizer, spelling, answer.channel)
                address = again.address if isinstance(again, Recipient) else None
                self.promise(address == answer.address, given=(raw, spelling), got=address)

        self._each_result(check)

    @clause("Pass the channel on: Recipient(address, channel, raw=raw).")
    def test_a_recipient_belongs_to_the_channel_that_was_asked_for(self) -> None:
        """A recipient is of the medium of the message, and its address is not empty."""
        normalizer = self.normalizer()

        def check(text: str) -> None:
            for channel in (self.channel, *sorted(self.also)):
                for person in _recipients(self._call(normalizer, text, channel)):
                    right = person.channel is channel and bool(person.address)
                    self.promise(right, given=(text, channel), got=person.channel)

        self._each(check)

    @clause("Pass it on: Recipient(address, channel, raw=raw), Rejected(raw, error).", each="_each_result")
    def test_it_keeps_the_address_as_it_was_written(self, raw: str, answer: _Answer) -> None:
        """Recipient and Rejected have the address as it was given, so that a person finds it again in their list."""
        self.promise(answer is None or answer.raw == raw, given=raw, got=answer and answer.raw)

    @clause("Reject what has letters in it, turn digits of other scripts into 0 to 9, and leave the plus sign out.")
    def test_a_number_is_digits(self) -> None:
        """The address of an SMS is what providers take: ASCII digits, at most fifteen, as ITU-T E.164 has it."""
        normalizer = self.normalizer()

        def check(text: str) -> None:
            for person in _recipients(self._call(normalizer, text, Channel.SMS)):
                address = person.address
                right = address.isascii() and address.isdigit() and len(address) <= MOST_DIGITS
                self.promise(right, given=text, got=address)

        if Channel.SMS in (self.channel, *self.also):
            self._each(check)

    @clause("Correct the normalizer, or the example in `accepts`, `rejects` or `passes_on`.")
    def test_the_examples_hold(self) -> None:
        """Your examples in ``accepts``, ``rejects`` and ``passes_on`` are true."""
        one = 'Say one: accepts = {"what people write": "the canonical address"}.'
        self.promise(self.accepts, "there is an example of what it accepts", one)
        normalizer = self.normalizer()
        for raw, canonical in self.accepts.items():
            answer = self._call(normalizer, raw)
            address = answer.address if isinstance(answer, Recipient) else answer
            self.promise(address == canonical, f"this address is accepted as {canonical}", given=raw, got=address)
        for raw in self.rejects:
            answer = self._call(normalizer, raw)
            self.promise(isinstance(answer, Rejected), "this address is rejected", given=raw, got=answer)
        for raw in self.passes_on:
            answer = self._call(normalizer, raw)
            self.promise(answer is None, "this address is passed on to the next normalizer", given=raw, got=answer)

    @clause('Give it both: InvalidRecipient("What is wrong.", action="What to do.").')
    def test_a_rejection_has_a_reason_without_the_address(self) -> None:
        """A reason has a sentence and advice, and neither it nor any repr shows the address: reasons get into logs."""
        normalizer = self.normalizer()
        for raw in (*_WRONG, *self.rejects, *self.accepts):
            answer = self._call(normalizer, raw)
            shown = f"{answer!r} {answer}"
            if isinstance(answer, Rejected):
                reason: object = answer.error
                explained = isinstance(reason, InvalidRecipient) and reason.detail and reason.action
                self.promise(explained, given=raw, got=reason)
                shown += f" {answer.error!r} {answer.error} {answer.error.args}"
            whole = (raw,) if len(raw) > 7 else ()
            self.must_hide(shown, "a recipient, a rejection or its reason", *fragments(raw), *whole)

    # --- for clauses ---

    def _new(self) -> Normalizer:
        return self.normalizer()

    def _drawn(self) -> SearchStrategy[str]:
        return self.addresses()

    def _examples(self) -> Sequence[str]:
        return (*self.accepts, *self.rejects)

    def _is_unchanged(self, text: str, result: _Answer) -> bool:
        return result is None

    def _values(self, result: _Answer) -> object:
        # Recipients are equal whatever was written.
        if isinstance(result, Recipient):
            return (result.address, result.channel, result.country, result.raw)
        return result and (result.raw, str(result.error), result.suggestion)

    def _call(self, subject: Normalizer, text: str, channel: Channel | None = None) -> _Answer:
        promised = "every text gets an answer, and none an exception"
        answer = self.must_not_raise(promised, text, subject.normalize, text, channel or self.channel)
        self.promise(
            isinstance(answer, Recipient | Rejected | None),
            "the answer is a Recipient, a Rejected or None",
            "Return one of the three.",
            given=text,
            got=answer,
        )
        return answer


_Answer = Recipient | Rejected | None


def _recipients(answer: _Answer) -> list[Recipient]:
    """Return the recipient of an answer, or the one that a rejection suggests."""
    person = answer.suggestion if isinstance(answer, Rejected) else answer
    return [person] if person else []
