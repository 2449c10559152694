"""A cleaner that is wrong in one way, for each clause of the contract: the clause finds it out."""

from __future__ import annotations

import threading
import time

import attrs
import pytest

from notifykit import Channel, Cleaned, Edit
from notifykit.testing.contracts import CleanerContract
from tests.testing.mutants.verdicts import clause_tests, held

pytestmark = pytest.mark.slow


class Plain:
    """Right in every way: Arabic-Indic digits become Latin."""

    name = "plain"

    def clean(self, text, channel):
        if channel is not Channel.SMS:
            return Cleaned(text)
        found = [place for place, sign in enumerate(text) if "٠" <= sign <= "٩"]
        edits = tuple(Edit(p, p + 1, text[p], str(int(text[p])), "digit", self.name) for p in found)
        cleaned = "".join(str(int(sign)) if "٠" <= sign <= "٩" else sign for sign in text)
        return self.result(text, Cleaned(cleaned, edits))

    def result(self, text, cleaned):
        return cleaned


class Healthy(CleanerContract):
    cleans = {"رمزك ١٢": "رمزك 12", "١": "1"}
    leaves = ("Hello 12",)

    def cleaner(self):
        return Plain()


class Nameless(Plain):
    name = ""


class Raises(Plain):
    def result(self, text, cleaned):
        text.encode()
        return cleaned


class SaysText(Plain):
    def result(self, text, cleaned):
        return cleaned.text


class Slow(Plain):
    def result(self, text, cleaned):
        time.sleep(len(text) / 200_000)
        return cleaned


class Adds(Plain):
    def result(self, text, cleaned):
        return attrs.evolve(cleaned, text=cleaned.text + "!") if cleaned.edits else cleaned


class Backwards(Plain):
    def result(self, text, cleaned):
        return attrs.evolve(cleaned, edits=cleaned.edits[::-1])


class Outside(Plain):
    def result(self, text, cleaned):
        edits = tuple(attrs.evolve(edit, end=edit.end + len(text)) for edit in cleaned.edits)
        return attrs.evolve(cleaned, edits=edits)


class Misquotes(Plain):
    def result(self, text, cleaned):
        return attrs.evolve(cleaned, edits=tuple(attrs.evolve(edit, before="?") for edit in cleaned.edits))


class Idle(Plain):
    def result(self, text, cleaned):
        return attrs.evolve(cleaned, edits=(*cleaned.edits, Edit(len(text), len(text), "", "", "nothing", self.name)))


class Anonymous(Plain):
    def result(self, text, cleaned):
        return attrs.evolve(cleaned, edits=tuple(attrs.evolve(edit, cleaner="other") for edit in cleaned.edits))


class Unreasoned(Plain):
    def result(self, text, cleaned):
        return attrs.evolve(cleaned, edits=tuple(attrs.evolve(edit, reason=" ") for edit in cleaned.edits))


class Secretive(Plain):
    def result(self, text, cleaned):
        return Cleaned(cleaned.text)


class Signs(Plain):
    def result(self, text, cleaned):
        end = len(text)
        edits = (*cleaned.edits, Edit(end, end, "", "!", "signature", self.name))
        return Cleaned(cleaned.text + "!", edits)


class Everywhere(Plain):
    def clean(self, text, channel):
        return super().clean(text, Channel.SMS)


class Counts(Plain):
    calls = 0

    def clean(self, text, channel):
        self.calls += 1
        return super().clean(text, channel) if self.calls % 3 else Cleaned(text)


class ShowsText(Plain):
    def result(self, text, cleaned):
        return attrs.evolve(cleaned, edits=tuple(attrs.evolve(edit, reason=text) for edit in cleaned.edits))


class Remembers(Plain):
    def result(self, text, cleaned):
        self.last = text
        return cleaned

    def __repr__(self):
        return f"Remembers({self.last!r})"


class Shared(Plain):
    def clean(self, text, channel):
        self.text = text
        time.sleep(1e-6)
        return super().clean(self.text, channel)


class Locked(Plain):
    def __init__(self):
        self.lock = threading.Lock()


class Unprepared(CleanerContract):
    def cleaner(self):
        return Plain()


def _of(kind, **more):
    return held(Healthy, "cleaner", kind, **more)


MUTANTS = {
    "test_it_has_a_name": [_of(Nameless), _of(object)],
    "test_it_takes_every_text_and_never_raises": [_of(Raises), _of(SaysText)],
    "test_a_hostile_text_takes_no_long_time": [_of(Slow, patience=0.02)],
    "test_the_edits_replay": [_of(Adds), _of(Secretive)],
    "test_the_edits_are_in_order_and_inside_the_text": [_of(Backwards), _of(Outside)],
    "test_an_edit_has_the_original_text": [_of(Misquotes)],
    "test_an_edit_changes_something": [_of(Idle)],
    "test_an_edit_says_who_made_it_and_why": [_of(Anonymous), _of(Unreasoned)],
    "test_there_are_edits_where_something_changed_and_nowhere_else": [_of(Secretive), _of(Idle)],
    "test_a_clean_text_stays_as_it_is": [_of(Signs)],
    "test_other_channels_are_left_alone": [_of(Everywhere)],
    "test_it_answers_the_same_every_time": [_of(Counts)],
    "test_the_examples_hold": [_of(Plain, cleans={"١": "one"}), _of(Plain, leaves=("١",)), Unprepared],
    "test_it_shows_no_text": [_of(ShowsText), _of(Remembers)],
    "test_it_is_safe_under_threads": [_of(Shared)],
    "test_it_pickles": [_of(Locked)],
}

test_a_wrong_one_is_found_out, test_a_right_one_passes, test_every_clause_has_a_wrong_one = clause_tests(
    CleanerContract, Healthy, MUTANTS
)
