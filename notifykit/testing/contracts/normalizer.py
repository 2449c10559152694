"""What every normalizer promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from notifykit.errors import InvalidRecipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected
from notifykit.normalizers.phone import MOST_DIGITS
from notifykit.protocols import Normalizer
from notifykit.testing.contracts.promises import Contract, fragments

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: What a program may be given where it expects an address.
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


class NormalizerContract(Contract):
    """Subclass it, and name your normalizer: ``def normalizer(self): return Mine()``.

    Give examples too: :attr:`accepts` at least, and :attr:`rejects` where there is something that it refuses.
    """

    #: The medium that it knows addresses of.
    channel: ClassVar[Channel] = Channel.SMS
    #: Other media that it answers for as well.
    also: ClassVar[frozenset[Channel]] = frozenset()
    #: What people write, and the canonical address that it means.
    accepts: ClassVar[Mapping[str, str]] = {}
    #: What it refuses.
    rejects: ClassVar[Sequence[str]] = ()
    #: What it leaves to the next normalizer.
    passes_on: ClassVar[Sequence[str]] = ()
    #: Whether a canonical number is read as itself without ``+`` too; False where it may be a local one of a country.
    bare: ClassVar[bool] = True

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

    def test_it_has_a_name(self) -> None:
        """It is a normalizer, with a name of one word that never changes."""
        one, other = self.normalizer(), self.normalizer()
        self.promise(
            isinstance(one, Normalizer), "it is a normalizer", "Give it a name and a normalize method.", got=one
        )
        self.is_a_name(one.name)
        self.promise(one.name == other.name, "two of a kind have one name", "Make the name an attribute of the class.")

    def test_it_answers_everything_and_never_raises(self) -> None:
        """Whatever somebody types is a Recipient, a Rejected, or None for the next normalizer."""
        normalizer = self.normalizer()

        def check(raw: str) -> None:
            self._ask(normalizer, raw)

        for raw in _HOSTILE:
            check(raw)
        self.for_all(check, raw=self.addresses())

    def test_a_hostile_address_is_answered_soon(self) -> None:
        """Nobody can make it think for long by writing a long address."""
        normalizer = self.normalizer()
        for raw in _HOSTILE:
            self.soon("a long address is answered soon", raw, self._ask, normalizer, raw)

    def test_it_answers_the_same_every_time(self) -> None:
        """One address has one answer, whatever was asked before and whichever normalizer of the kind is asked."""
        first, second = self.normalizer(), self.normalizer()

        def check(raw: str, between: str) -> None:
            before = _essence(self._ask(first, raw))
            self._ask(first, between)
            for again in (first, second):
                after = _essence(self._ask(again, raw))
                self.promise(
                    before == after,
                    "one address has one answer",
                    "Decide by the address and the settings alone.",
                    given=raw,
                    got=(before, after),
                )

        self.for_all(check, raw=self.addresses(), between=self.addresses())

    def test_a_canonical_address_stays_as_it_is(self) -> None:
        """Normalizing what it returned, as the framework gives it back, returns that again."""
        normalizer = self.normalizer()

        def check(raw: str) -> None:
            answer = self._ask(normalizer, raw)
            if not isinstance(answer, Recipient):
                return
            # The framework puts the plus sign in front of a number that a program made by hand.
            numeric = self.channel is Channel.SMS and answer.address[:1].isdigit()
            spellings = [f"+{answer.address}"] if numeric else [answer.address]
            if numeric and self.bare:
                spellings.append(answer.address)
            for spelling in spellings:
                again = self._ask(normalizer, spelling)
                self.promise(
                    isinstance(again, Recipient) and again.address == answer.address,
                    "a canonical address is its own canonical form",
                    "Accept what you return, with + in front where it is a number, and return it unchanged.",
                    given=(raw, spelling),
                    got=again.address if isinstance(again, Recipient) else again,
                )

        for raw in self.accepts:
            check(raw)
        self.for_all(check, raw=self.addresses())

    def test_it_keeps_what_was_written(self) -> None:
        """Recipient and Rejected carry the address as it was given, so that a person finds it again in their list."""
        normalizer = self.normalizer()

        def check(raw: str) -> None:
            answer = self._ask(normalizer, raw)
            self.promise(
                answer is None or answer.raw == raw,
                "the answer's raw is the address as it was given",
                "Pass it on: Recipient(address, channel, raw=raw), Rejected(raw, error).",
                given=raw,
                got=answer and answer.raw,
            )

        for raw in (*self.accepts, *self.rejects):
            check(raw)
        self.for_all(check, raw=self.addresses())

    def test_a_recipient_belongs_to_the_channel_that_was_asked_for(self) -> None:
        """A recipient is of the medium that the message travels by, and its address is not empty."""
        normalizer = self.normalizer()

        def check(raw: str) -> None:
            for channel in (self.channel, *sorted(self.also)):
                answer = self._ask(normalizer, raw, channel)
                people = [answer] if isinstance(answer, Recipient) else [answer.suggestion] if answer else []
                for person in filter(None, people):
                    self.promise(
                        person.channel is channel and bool(person.address),
                        "a recipient has an address, and is of the channel that was asked for",
                        "Pass the channel on: Recipient(address, channel, raw=raw).",
                        given=(raw, channel),
                        got=person.channel,
                    )

        for raw in (*self.accepts, *self.rejects):
            check(raw)
        self.for_all(check, raw=self.addresses())

    def test_a_number_is_digits(self) -> None:
        """The address of an SMS is what providers take: digits of ASCII, at most fifteen, as ITU-T E.164 has it."""
        normalizer = self.normalizer()

        def check(raw: str) -> None:
            answer = self._ask(normalizer, raw, Channel.SMS)
            people = [answer] if isinstance(answer, Recipient) else [answer.suggestion] if answer else []
            for person in filter(None, people):
                address = person.address
                self.promise(
                    address.isascii() and address.isdigit() and len(address) <= MOST_DIGITS,
                    f"the address of an SMS is at most {MOST_DIGITS} digits, 0 to 9",
                    "Reject what has letters in it, turn digits of other scripts into 0 to 9, and leave the plus sign out.",
                    given=raw,
                    got=address,
                )

        if Channel.SMS in (self.channel, *self.also):
            for raw in (*_HOSTILE, *_WRONG, *self.accepts, *self.rejects):
                check(raw)
            self.for_all(check, raw=self.addresses())

    def test_other_channels_are_passed_on(self) -> None:
        """An address of a medium that is not its own is left to the next normalizer."""
        normalizer = self.normalizer()
        others = [channel for channel in Channel if channel is not self.channel and channel not in self.also]

        def check(raw: str) -> None:
            for channel in others:
                answer = self._ask(normalizer, raw, channel)
                self.promise(
                    answer is None,
                    "other channels are passed on with None",
                    "Ask for the channel first, and return None where it is not yours; or name it in `also`.",
                    given=(raw, channel),
                    got=answer,
                )

        for raw in (*self.accepts, *self.rejects):
            check(raw)
        self.for_all(check, raw=self.addresses())

    def test_the_examples_hold(self) -> None:
        """What you say that it accepts, rejects and passes on, it does."""
        self.promise(
            self.accepts,
            "there is an example of what it accepts",
            'Say one: accepts = {"what people write": "the canonical address"}.',
        )
        normalizer = self.normalizer()
        for raw, canonical in self.accepts.items():
            answer = self._ask(normalizer, raw)
            self.promise(
                isinstance(answer, Recipient) and answer.address == canonical,
                f"this address is accepted as {canonical}",
                "Correct the normalizer, or the example in `accepts`.",
                given=raw,
                got=answer.address if isinstance(answer, Recipient) else answer,
            )
        for raw in self.rejects:
            answer = self._ask(normalizer, raw)
            cure = "Correct the normalizer, or the example in `rejects`."
            self.promise(isinstance(answer, Rejected), "this address is rejected", cure, given=raw, got=answer)
        for raw in self.passes_on:
            answer = self._ask(normalizer, raw)
            cure = "Correct the normalizer, or the example in `passes_on`."
            self.promise(answer is None, "this address is left to the next normalizer", cure, given=raw, got=answer)

    def test_a_rejection_says_why_and_not_whose(self) -> None:
        """A reason has a sentence and advice, and neither it nor any repr shows the address: reasons end up in logs."""
        normalizer = self.normalizer()

        def check(raw: str) -> None:
            answer = self._ask(normalizer, raw)
            if answer is None:
                return
            shown = f"{answer!r} {answer}"
            if isinstance(answer, Rejected):
                reason: Any = answer.error
                self.promise(
                    isinstance(reason, InvalidRecipient) and reason.detail and reason.action,
                    "a rejection has a reason and says what to do",
                    'Give it both: InvalidRecipient("What is wrong.", action="What to do.").',
                    given=raw,
                    got=answer.error,
                )
                shown += f" {answer.error!r} {answer.error} {answer.error.args}"
            whole = (raw,) if len(raw) > 7 else ()
            self.hidden(shown, "a recipient, a rejection or its reason", *fragments(raw), *whole)

        for raw in (*_WRONG, *self.rejects, *self.accepts):
            check(raw)

    def test_it_is_safe_under_threads(self) -> None:
        """Several threads that ask at once get the answers that each would get alone."""
        normalizer = self.normalizer()
        raws = [*self.accepts, *self.accepts.values(), *self.rejects, *_WRONG, "96598765432", "a@example.com", "token"]
        expected = [_essence(self._ask(normalizer, raw)) for raw in raws]

        def work(number: int) -> list[object]:
            turned = [*raws[number % len(raws) :], *raws[: number % len(raws)]]
            found = []
            for _ in range(20):
                found = [_essence(self._ask(normalizer, raw)) for raw in turned]
                if _back(found, number) != expected:
                    break
            return _back(found, number)

        for answers in self.together("several threads can ask at once", work):
            self.promise(
                answers == expected,
                "several threads that ask at once get the right answers",
                "Keep nothing of one call on the object where another thread can change it.",
                given=raws,
                got=answers,
            )

    def test_it_pickles(self) -> None:
        """It and its answers travel to other processes, and the copy answers the same."""
        normalizer = self.normalizer()
        copy = self.pickled(normalizer, "a normalizer")
        for raw in (*self.accepts, *self.rejects, *_WRONG):
            answer = self._ask(normalizer, raw)
            again = self.pickled(answer, "a normalizer's answer")
            same = _essence(answer) == _essence(again) == _essence(self._ask(copy, raw))
            self.promise(same, "a copy that was pickled answers the same", "Restore all of it.", given=raw)

    def _ask(self, normalizer: Normalizer, raw: str, channel: Channel | None = None) -> Recipient | Rejected | None:
        promised = "every text gets an answer, and none an exception"
        answer = self.calmly(promised, raw, normalizer.normalize, raw, channel or self.channel)
        self.promise(
            isinstance(answer, Recipient | Rejected | None),
            "the answer is a Recipient, a Rejected or None",
            "Return one of the three.",
            given=raw,
            got=answer,
        )
        return answer


def _essence(answer: Recipient | Rejected | None) -> object:
    """Return what of an answer can be compared: recipients are equal whatever was written."""
    if isinstance(answer, Recipient):
        return (answer.address, answer.channel, answer.country, answer.raw)
    return answer and (answer.raw, str(answer.error), answer.suggestion)


def _back(found: list[object], number: int) -> list[object]:
    turns = -number % len(found) if found else 0
    return [*found[turns:], *found[:turns]]
