"""Addresses of push: what only the provider can read."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from notifykit import Recipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Rejected
from notifykit.normalizers.push import PushNormalizer, notifykit_normalizers

(NORMALIZER,) = notifykit_normalizers()


@pytest.mark.parametrize("raw", ["ops", " ops\n", "all", "fGx9:APA91b-_" + "x" * 150, "/topics/news", "فريق", "Ops"])
def test_a_name_or_token_is_kept_as_it_is(raw):
    """Its letters, their case and its signs are the provider's affair."""
    assert NORMALIZER.normalize(raw, Channel.PUSH) == Recipient(raw.strip(), Channel.PUSH)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("two names", "space"),
        ("a\nb", "space"),
        ("a\x00", "can't be seen"),
        ("a\u200bb", "can't be seen"),
        ("a\ud800", "can't be seen"),
        ("x" * 4097, "at most"),
    ],
)
def test_what_no_provider_could_mean_is_refused(raw, reason):
    """With its reason."""
    answer = NORMALIZER.normalize(raw, Channel.PUSH)
    assert isinstance(answer, Rejected)
    assert reason in answer.error.detail


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
def test_other_channels_are_for_other_normalizers(channel):
    """None passes the address on."""
    assert PushNormalizer().normalize("ops", channel) is None


@given(st.text(st.characters(categories=None)))
def test_it_never_raises_and_an_answer_stays_what_it_is(raw):
    """What it returns, it takes as it is."""
    answer = NORMALIZER.normalize(raw, Channel.PUSH)
    assert answer is not None
    if isinstance(answer, Recipient):
        assert NORMALIZER.normalize(answer.address, Channel.PUSH) == answer
