"""What every cleaner promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from notifykit.models.message import Channel, Cleaned, Edit, replay
from notifykit.plugins.functions import FunctionCleaner
from notifykit.protocols import Cleaner
from notifykit.testing.contracts.promises import Contract

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: Texts that have surprised cleaners.
_HOSTILE: Final = (
    "",
    "\x00",
    "\ud83d",
    "e\ud800\u0301",
    "\ud83d\ude00",
    "<" * 5_000,
    "<b" * 5_000,
    "&" * 5_000,
    "&amp;" * 2_000,
    " " * 20_000,
    "a\u0301" * 5_000,
    "a" + "\u0301" * 5_000,
    "\u200f" * 5_000,
    "😀\u200d" * 3_000,
    "٣" * 10_000,
    "\r\n" * 5_000,
)


class CleanerContract(Contract):
    """Subclass it, and name your cleaner: ``def cleaner(self): return Mine()``.

    Give examples too: :attr:`cleans` at least, and :attr:`leaves` for what it must not touch.
    """

    #: The medium whose texts it cleans.
    channel: ClassVar[Channel] = Channel.SMS
    #: Other media whose texts it cleans as well.
    also: ClassVar[frozenset[Channel]] = frozenset()
    #: Texts, and what becomes of them.
    cleans: ClassVar[Mapping[str, str]] = {}
    #: Texts that stay as they are.
    leaves: ClassVar[Sequence[str]] = ()

    def cleaner(self) -> Cleaner | Callable[[str], str]:
        """Return a new one of your cleaners: an object, or a function from text to text."""
        raise NotImplementedError("say what is tested: def cleaner(self): return MyCleaner()")

    def texts(self) -> SearchStrategy[str]:
        """Return a strategy for texts; by default any at all, and your examples mixed with it."""
        from hypothesis import strategies as st

        from notifykit.testing.strategies import any_text, texts

        usual = st.one_of(any_text(), texts())
        known = [*self.cleans, *self.cleans.values(), *self.leaves]
        if not known:
            return usual
        return st.one_of(usual, st.lists(st.one_of(st.sampled_from(known), any_text(5)), max_size=4).map("".join))

    # --- the clauses ---

    def test_it_has_a_name(self) -> None:
        """It is a cleaner, with a name of one word that never changes."""
        one, other = self._new(), self._new()
        self.promise(isinstance(one, Cleaner), "it is a cleaner", "Give it a name and a clean method.", got=one)
        self.is_a_name(one.name)
        self.promise(one.name == other.name, "two of a kind have one name", "Make the name an attribute of the class.")

    def test_it_takes_every_text_and_never_raises(self) -> None:
        """Whatever the text, there is a Cleaned with a text in it."""
        self._everywhere(lambda text, cleaned, channel: None)

    def test_a_hostile_text_is_cleaned_soon(self) -> None:
        """Nobody can make it think for long by writing a long text."""
        cleaner = self._new()
        for text in _HOSTILE:
            self.soon("a long text is cleaned soon", text, self._clean, cleaner, text)

    def test_the_edits_replay(self) -> None:
        """The edits, made on the text that went in, give the text that came out."""

        def check(text: str, cleaned: Cleaned, channel: Channel) -> None:
            replayed = replay(text, cleaned.edits)
            self.promise(
                replayed == cleaned.text,
                "replaying the edits on the text gives the cleaned text",
                "Make an Edit for every change, and none for what you did not do.",
                given=(text, cleaned.edits),
                got=(replayed, cleaned.text),
            )

        self._everywhere(check)

    def test_the_edits_are_in_order_and_inside_the_text(self) -> None:
        """Edits stand in order of their position, do not overlap, and lie inside the text that went in."""

        def check(text: str, cleaned: Cleaned, channel: Channel) -> None:
            position = 0
            for edit in cleaned.edits:
                self.promise(
                    position <= edit.start <= edit.end <= len(text),
                    "edits are in order, without overlap, inside the text",
                    "Count positions from the text that went in, and sort by them.",
                    given=text,
                    got=[(edit.start, edit.end) for edit in cleaned.edits],
                )
                position = edit.end

        self._everywhere(check)

    def test_an_edit_says_what_stood_there(self) -> None:
        """``before`` is what the text has between ``start`` and ``end``."""

        def check(text: str, cleaned: Cleaned, channel: Channel) -> None:
            for edit in cleaned.edits:
                self.promise(
                    edit.before == text[edit.start : edit.end],
                    "an edit's before is what stood there",
                    "Take it from the text that went in: text[start:end].",
                    given=text,
                    got=(edit.start, edit.end, edit.before),
                )

        self._everywhere(check)

    def test_an_edit_changes_something(self) -> None:
        """No edit puts in what was there."""

        def check(text: str, cleaned: Cleaned, channel: Channel) -> None:
            for edit in cleaned.edits:
                cure = "Leave out edits whose before and after are the same."
                self.promise(edit.before != edit.after, "every edit changes something", cure, given=text, got=edit)

        self._everywhere(check)

    def test_an_edit_says_who_made_it_and_why(self) -> None:
        """Every edit names this cleaner, and has a reason in words."""
        name = self._new().name

        def check(text: str, cleaned: Cleaned, channel: Channel) -> None:
            for edit in cleaned.edits:
                self.promise(
                    edit.cleaner == name and f"{edit.reason or ''}".strip(),
                    f"every edit names the cleaner {name} and says why",
                    "Edit(start, end, before, after, reason, self.name)",
                    given=text,
                    got=(edit.cleaner, edit.reason),
                )

        self._everywhere(check)

    def test_there_are_edits_where_something_changed_and_nowhere_else(self) -> None:
        """A text that comes out as it went in has no edits, and one that was changed has some."""

        def check(text: str, cleaned: Cleaned, channel: Channel) -> None:
            self.promise(
                bool(cleaned.edits) == (cleaned.text != text),
                "there are edits exactly where the text changed",
                "Return Cleaned(text) where nothing has to be done, and an Edit for everything that is.",
                given=text,
                got=(cleaned.text, cleaned.edits),
            )

        self._everywhere(check)

    def test_a_clean_text_stays_as_it_is(self) -> None:
        """Cleaning what came out changes nothing more: a text may pass twice, as a template and as a message."""
        cleaner = self._new()

        def check(text: str, cleaned: Cleaned, channel: Channel) -> None:
            again = self._clean(cleaner, cleaned.text, channel)
            self.promise(
                again.text == cleaned.text,
                "cleaning a clean text changes nothing",
                "Look for what your changes bring about: clean until nothing is left to do.",
                given=(text, cleaned.text),
                got=again.text,
            )

        self._everywhere(check)

    def test_other_channels_are_left_alone(self) -> None:
        """A text of a medium that is not its own comes back as it was."""
        cleaner = self._new()
        others = [channel for channel in Channel if channel not in self._channels(cleaner)]

        def check(text: str) -> None:
            for channel in others:
                cleaned = self._clean(cleaner, text, channel)
                self.promise(
                    cleaned == Cleaned(text),
                    "texts of other channels are left alone",
                    "Ask for the channel first, and return Cleaned(text); or name it in `also`.",
                    given=(text, channel),
                    got=(cleaned.text, cleaned.edits),
                )

        for text in self.cleans:
            check(text)
        self.for_all(check, text=self.texts())

    def test_it_cleans_the_same_every_time(self) -> None:
        """One text has one result, whatever was cleaned before and whichever cleaner of the kind is asked."""
        first, second = self._new(), self._new()

        def check(text: str, between: str) -> None:
            before = self._clean(first, text)
            self._clean(first, between)
            for again in (first, second):
                after = self._clean(again, text)
                cure = "Decide by the text, the channel and the settings alone."
                self.promise(
                    before == after, "one text has one result", cure, given=text, got=(before.text, after.text)
                )

        for text in self.cleans:
            check(text, "")
        self.for_all(check, text=self.texts(), between=self.texts())

    def test_the_examples_hold(self) -> None:
        """What you say that it cleans and leaves, it does."""
        self.promise(
            self.cleans,
            "there is an example of what it cleans",
            'Say one: cleans = {"the text": "what becomes of it"}.',
        )
        cleaner = self._new()
        for text, expected in {**self.cleans, **dict(zip(self.leaves, self.leaves, strict=True))}.items():
            cleaned = self._clean(cleaner, text)
            cure = "Correct the cleaner, or the example in `cleans` or `leaves`."
            self.promise(
                cleaned.text == expected, f"this text becomes {expected!a}", cure, given=text, got=cleaned.text
            )

    def test_it_shows_no_text(self) -> None:
        """What somebody wrote is in no repr of the result or of the cleaner, and in no reason."""
        cleaner = self._new()
        word = "Xyzzy-Plugh-778899"
        for text in (*self.cleans, ""):
            cleaned = self._clean(cleaner, f"{word} {text} {word}")
            reasons = " ".join(edit.reason for edit in cleaned.edits)
            self.hidden(f"{cleaned!r} {cleaned.edits!r} {cleaner!r} {reasons}", "a repr or a reason", word)

    def test_it_is_safe_under_threads(self) -> None:
        """Several threads that clean at once get what each would get alone."""
        cleaner = self._new()
        texts = [*self.cleans, *self.leaves, "Hello", "مرحبا ١٢٣", "e\u0301 <b>x</b> 😀\ud800"]
        expected = {text: self._clean(cleaner, text) for text in texts}

        def work(number: int) -> tuple[str, Cleaned] | None:
            for turn in range(20 * len(texts)):
                text = texts[(number + turn) % len(texts)]
                cleaned = self._clean(cleaner, text)
                if cleaned != expected[text]:
                    return text, cleaned
            return None

        for wrong in self.together("several threads can clean at once", work):
            self.promise(
                wrong is None,
                "several threads that clean at once get the right results",
                "Keep nothing of one call on the object where another thread can change it.",
                given=wrong and wrong[0],
                got=wrong and wrong[1].text,
            )

    def test_it_pickles(self) -> None:
        """It and its results travel to other processes, and the copy cleans the same."""
        cleaner = self._new()
        copy = self.pickled(cleaner, "a cleaner")
        for text in (*self.cleans, *self.leaves, "Hello"):
            cleaned = self._clean(cleaner, text)
            same = cleaned == self.pickled(cleaned, "a cleaner's result") == self._clean(copy, text)
            self.promise(same, "a copy that was pickled cleans the same", "Restore all of it.", given=text)

    def _new(self) -> Cleaner:
        cleaner: Cleaner = self.component("cleaner", self.cleaner())
        return cleaner

    def _channels(self, cleaner: Cleaner) -> tuple[Channel, ...]:
        """Return the channels whose texts it cleans: all where it is a function, which sees no channel."""
        return tuple(Channel) if isinstance(cleaner, FunctionCleaner) else (self.channel, *sorted(self.also))

    def _everywhere(self, look: _Look) -> None:
        """Look at what becomes of the examples, of hostile texts, and of whatever hypothesis thinks of."""
        cleaner = self._new()

        def check(text: str) -> None:
            for channel in self._channels(cleaner):
                look(text, self._clean(cleaner, text, channel), channel)

        for text in (*self.cleans, *self.leaves, *(hostile[:200] for hostile in _HOSTILE)):
            check(text)
        self.for_all(check, text=self.texts())

    def _clean(self, cleaner: Cleaner, text: str, channel: Channel | None = None) -> Cleaned:
        clean: Callable[[str, Channel], Any] = cleaner.clean
        cleaned = self.calmly("every text is cleaned, and none raises", text, clean, text, channel or self.channel)
        self.promise(
            isinstance(cleaned, Cleaned) and _is_whole(cleaned.text, cleaned.edits),
            "the result is a Cleaned: a text, and a tuple of Edits",
            "Return Cleaned(text, (Edit(…), …)).",
            given=text,
            got=cleaned,
        )
        return cast("Cleaned", cleaned)


def _is_whole(text: object, edits: object) -> bool:
    return isinstance(text, str) and isinstance(edits, tuple) and all(isinstance(edit, Edit) for edit in edits)


if TYPE_CHECKING:
    _Look = Callable[[str, Cleaned, Channel], None]
