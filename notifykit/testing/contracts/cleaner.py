"""What every cleaner promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from notifykit.models.message import Channel, Cleaned, Edit, replay
from notifykit.plugins.functions import FunctionCleaner
from notifykit.protocols import Cleaner
from notifykit.testing.contracts.base import clause
from notifykit.testing.contracts.pure import PureContract

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: Texts that have broken cleaners.
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


class CleanerContract(PureContract):
    """Subclass it, and name your cleaner: ``def cleaner(self): return Mine()``.

    Give examples too: :attr:`cleans` at least, and :attr:`leaves` for what it must not change.
    """

    #: Texts, and what becomes of them.
    cleans: ClassVar[Mapping[str, str]] = {}
    #: Texts that stay as they are.
    leaves: ClassVar[Sequence[str]] = ()
    _protocol = Cleaner
    _hostile = _HOSTILE
    _usual = ("Hello", "مرحبا ١٢٣", "e\u0301 <b>x</b> 😀\ud800")

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

    @clause("Make an Edit for every change, and none for what you did not do.", each="_each_result")
    def test_the_edits_replay(self, text: str, cleaned: Cleaned) -> None:
        """Replaying the edits on the text gives the cleaned text."""
        replayed = replay(text, cleaned.edits)
        self.promise(replayed == cleaned.text, given=(text, cleaned.edits), got=(replayed, cleaned.text))

    @clause("Count positions from the original text, and sort by them.", each="_each_result")
    def test_the_edits_are_in_order_and_inside_the_text(self, text: str, cleaned: Cleaned) -> None:
        """Edits are in order of their position, do not overlap, and lie inside the original text."""
        places = [place for edit in cleaned.edits for place in (edit.start, edit.end)]
        self.promise([0, *places, len(text)] == sorted([0, *places, len(text)]), given=text, got=places)

    @clause("Take it from the original text: text[start:end].", each="_each_result")
    def test_an_edit_has_the_original_text(self, text: str, cleaned: Cleaned) -> None:
        """``before`` is what the original text has between ``start`` and ``end``."""
        for edit in cleaned.edits:
            same = edit.before == text[edit.start : edit.end]
            self.promise(same, given=text, got=(edit.start, edit.end, edit.before))

    @clause("Leave out edits whose before and after are the same.", each="_each_result")
    def test_an_edit_changes_something(self, text: str, cleaned: Cleaned) -> None:
        """No edit puts in what was there."""
        for edit in cleaned.edits:
            self.promise(edit.before != edit.after, given=text, got=edit)

    @clause("Edit(start, end, before, after, reason, self.name)", each="_each_result")
    def test_an_edit_says_who_made_it_and_why(self, text: str, cleaned: Cleaned) -> None:
        """Every edit names this cleaner, and has a reason in words."""
        name = self._new().name if cleaned.edits else ""
        for edit in cleaned.edits:
            said = edit.cleaner == name and f"{edit.reason or ''}".strip()
            self.promise(said, given=text, got=(edit.cleaner, edit.reason))

    @clause("Return Cleaned(text) where nothing has to be done, and an Edit for every change.", each="_each_result")
    def test_there_are_edits_where_something_changed_and_nowhere_else(self, text: str, cleaned: Cleaned) -> None:
        """A text that stays as it was has no edits, and one that was changed has some."""
        changed = cleaned.text != text
        self.promise(bool(cleaned.edits) == changed, given=text, got=(cleaned.text, cleaned.edits))

    @clause("Clean until nothing is left to do: one change may make another necessary.")
    def test_a_clean_text_stays_as_it_is(self) -> None:
        """Cleaning a cleaned text changes nothing more: a text may pass twice, as a template and as a message."""
        cleaner = self._new()

        def check(text: str) -> None:
            for channel in self._channels(cleaner):
                once = self._call(cleaner, text, channel).text
                again = self._call(cleaner, once, channel).text
                self.promise(again == once, given=(text, once), got=again)

        self._each(check)

    @clause("Correct the cleaner, or the example in `cleans` or `leaves`.")
    def test_the_examples_hold(self) -> None:
        """Your examples in ``cleans`` and ``leaves`` are true."""
        one = 'Say one: cleans = {"the text": "what becomes of it"}.'
        self.promise(self.cleans, "there is an example of what it cleans", one)
        cleaner = self._new()
        for text, expected in {**self.cleans, **dict(zip(self.leaves, self.leaves, strict=True))}.items():
            cleaned = self._call(cleaner, text).text
            self.promise(cleaned == expected, f"this text becomes {expected!a}", given=text, got=cleaned)

    @clause("Leave the text out of reprs and reasons.")
    def test_it_shows_no_text(self) -> None:
        """The text is in no repr of the result or of the cleaner, and in no reason."""
        cleaner = self._new()
        word = "Xyzzy-Plugh-778899"
        for text in (*self.cleans, ""):
            cleaned = self._call(cleaner, f"{word} {text} {word}")
            reasons = " ".join(edit.reason for edit in cleaned.edits)
            self.must_hide(f"{cleaned!r} {cleaned.edits!r} {cleaner!r} {reasons}", "a repr or a reason", word)

    # --- for clauses ---

    def _new(self) -> Cleaner:
        cleaner: Cleaner = self.component("cleaner", self.cleaner())
        return cleaner

    def _channels(self, subject: Cleaner) -> tuple[Channel, ...]:
        # A function sees no channel.
        return tuple(Channel) if isinstance(subject, FunctionCleaner) else super()._channels(subject)

    def _examples(self) -> Sequence[str]:
        return (*self.cleans, *self.leaves)

    def _drawn(self) -> SearchStrategy[str]:
        return self.texts()

    def _is_unchanged(self, text: str, result: Cleaned) -> bool:
        return result == Cleaned(text)

    def _call(self, subject: Cleaner, text: str, channel: Channel | None = None) -> Cleaned:
        clean: Callable[[str, Channel], Any] = subject.clean
        cleaned = self.must_not_raise(
            "every text is cleaned, and none raises", text, clean, text, channel or self.channel
        )
        text_of, edits = getattr(cleaned, "text", None), getattr(cleaned, "edits", None)
        whole = isinstance(cleaned, Cleaned) and isinstance(text_of, str) and isinstance(edits, tuple)
        self.promise(
            whole and all(isinstance(edit, Edit) for edit in cleaned.edits),
            "the result is a Cleaned: a text, and a tuple of Edits",
            "Return Cleaned(text, (Edit(…), …)).",
            given=text,
            got=cleaned,
        )
        return cast("Cleaned", cleaned)
