"""A normalizer that is wrong in one way, for each clause of the contract: the clause finds it out."""

from __future__ import annotations

import re
import threading
import time

import pytest

from notifykit import Channel, InvalidRecipient, Recipient, Rejected
from notifykit.testing.contracts import NormalizerContract
from tests.testing.mutants.verdicts import clause_tests, held

pytestmark = pytest.mark.slow


class Plain:
    """Right in every way: digits with a country code."""

    name = "plain"

    def normalize(self, raw, channel):
        if channel is not Channel.SMS:
            return None
        digits = re.sub(r"[\s+()-]", "", raw)
        if not re.fullmatch("[1-9][0-9]{9,14}", digits):
            return Rejected(raw, InvalidRecipient("This is no number.", action="Give a number."))
        return self.person(digits, raw, channel)

    def person(self, digits, raw, channel):
        return Recipient(digits, channel, raw=raw)


class Healthy(NormalizerContract):
    accepts = {"+965 9731-5264": "96597315264", "+966501234567": "966501234567"}
    rejects = ("call me", "123")

    def normalizer(self):
        return Plain()


class TwoWords(Plain):
    name = "two words"


class Raises(Plain):
    def normalize(self, raw, channel):
        raw.encode()
        return super().normalize(raw, channel)


class SaysText(Plain):
    def normalize(self, raw, channel):
        return super().normalize(raw, channel) if raw else "no"


class Slow(Plain):
    def normalize(self, raw, channel):
        time.sleep(len(raw) / 200_000)
        return super().normalize(raw, channel)


class Counts(Plain):
    calls = 0

    def normalize(self, raw, channel):
        self.calls += 1
        return super().normalize(raw, channel) if self.calls % 3 else None


class Prefixes(Plain):
    def person(self, digits, raw, channel):
        return Recipient(f"00{digits}", channel, raw=raw)


class Grows(Plain):
    def person(self, digits, raw, channel):
        return Recipient(f"965{digits[:10]}", channel, raw=raw)


class Forgets(Plain):
    def person(self, digits, raw, channel):
        return Recipient(digits, channel)


class ElseWhere(Plain):
    def person(self, digits, raw, channel):
        return Recipient(digits, Channel.PUSH, raw=raw)


class Greedy(Plain):
    def normalize(self, raw, channel):
        return super().normalize(raw, Channel.SMS)


class Spoken(Plain):
    """Keeps the digits of every script, and what stands around them."""

    def normalize(self, raw, channel):
        if channel is not Channel.SMS:
            return None
        digits = "".join(filter(str.isdigit, raw))
        if not digits:
            return Rejected(raw, InvalidRecipient("This is no number.", action="Give a number."))
        return Recipient(digits, channel, raw=raw)


class ShowsAddress(Plain):
    def normalize(self, raw, channel):
        answer = super().normalize(raw, channel)
        if isinstance(answer, Rejected):
            return Rejected(raw, InvalidRecipient(f"{raw} is no number.", action="Give a number."))
        return answer


class Silent(Plain):
    def normalize(self, raw, channel):
        answer = super().normalize(raw, channel)
        return Rejected(raw, InvalidRecipient("No.", action="")) if isinstance(answer, Rejected) else answer


class Shared(Plain):
    def normalize(self, raw, channel):
        self.raw = raw
        time.sleep(1e-6)
        return super().normalize(self.raw, channel)


class Locked(Plain):
    def __init__(self):
        self.lock = threading.Lock()


class HalfPickled(Plain):
    good = False

    def __init__(self):
        self.good = True

    def __reduce__(self):
        return object.__new__, (HalfPickled,)

    def normalize(self, raw, channel):
        return super().normalize(raw, channel) if self.good else None


class Unprepared(NormalizerContract):
    def normalizer(self):
        return Plain()


def _of(kind, **more):
    return held(Healthy, "normalizer", kind, **more)


MUTANTS = {
    "test_it_has_a_name": [_of(TwoWords), _of(object)],
    "test_it_takes_every_text_and_never_raises": [_of(Raises), _of(SaysText)],
    "test_a_hostile_text_takes_no_long_time": [_of(Slow, patience=0.02)],
    "test_it_answers_the_same_every_time": [_of(Counts)],
    "test_a_canonical_address_stays_as_it_is": [_of(Prefixes), _of(Grows)],
    "test_it_keeps_the_address_as_it_was_written": [_of(Forgets)],
    "test_a_recipient_belongs_to_the_channel_that_was_asked_for": [_of(ElseWhere)],
    "test_a_number_is_digits": [_of(Spoken)],
    "test_other_channels_are_left_alone": [_of(Greedy)],
    "test_the_examples_hold": [
        _of(Plain, accepts={"+965 9731-5264": "97315264"}),
        _of(Plain, rejects=("+965 9731-5264",)),
        _of(Plain, passes_on=("+965 9731-5264",)),
        Unprepared,
    ],
    "test_a_rejection_has_a_reason_without_the_address": [_of(ShowsAddress), _of(Silent)],
    "test_it_is_safe_under_threads": [_of(Shared)],
    "test_it_pickles": [_of(Locked), _of(HalfPickled)],
}

test_a_wrong_one_is_found_out, test_a_right_one_passes, test_every_clause_has_a_wrong_one = clause_tests(
    NormalizerContract, Healthy, MUTANTS
)
