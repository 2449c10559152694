"""The strategies draw what they say, in the variety that they promise, and shrink to something simple."""

from __future__ import annotations

import contextlib
import json
import pickle

import pytest
from hypothesis import Phase, find, given, settings, strategies as st

from notifykit import Channel, Outcome, Recipient, Submission, errors
from notifykit.errors import OutcomeUnknown, TransportError
from notifykit.http import HttpAnswer
from notifykit.normalizers.email import EmailNormalizer
from notifykit.normalizers.phone import InternationalNormalizer
from notifykit.normalizers.push import PushNormalizer
from notifykit.testing import strategies
from notifykit.testing.strategies import COUNTRIES, GSM7_BASIC, GSM7_EXTENDED
from notifykit_kwtsms import testing as kwtsms
from notifykit_kwtsms.api.client import checked_fields, parse_body
from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer
from notifykit_kwtsms.text.gsm7 import BASIC, EXTENSION
from notifykit_kwtsms.text.segments import measure

QUICK = settings(max_examples=3, database=None, deadline=None)


def any_that(strategy, wanted):
    """Return a value of a strategy that is as wanted: there is one."""
    generate = settings(database=None, deadline=None, max_examples=2000, phases=[Phase.generate])
    return find(strategy, wanted, settings=generate)


def smallest(strategy, wanted=lambda value: True):
    """Return the simplest value of a strategy that is as wanted: there is one, and shrinking comes to an end."""
    return find(strategy, wanted, settings=settings(database=None, deadline=None, max_examples=2000))


# --- numbers ---


@pytest.mark.parametrize("country", COUNTRIES)
def test_numbers_of_a_country_are_taken_and_known_by_it(country):
    """By the rules that know it best, also where several countries share a code."""

    @QUICK
    @given(strategies.numbers(country))
    def check(number):
        answer = KwtSmsNormalizer().normalize(number, Channel.SMS)
        assert isinstance(answer, Recipient)
        assert answer.address == number
        assert answer.country == country
        assert isinstance(InternationalNormalizer().normalize(number, Channel.SMS), Recipient)

    check()


def test_an_unknown_country_is_an_error():
    """It lists the known ones."""
    with pytest.raises(ValueError, match="choose one of AE, BH"):
        smallest(strategies.numbers("XX"))


@QUICK
@given(strategies.numbers().flatmap(lambda number: st.tuples(st.just(number), strategies.messy(number))))
def test_a_messy_number_means_the_number(pair):
    """However it is written, normalizers that know country codes read it."""
    number, written = pair
    for normalizer in (KwtSmsNormalizer(), InternationalNormalizer()):
        answer = normalizer.normalize(written, Channel.SMS)
        assert isinstance(answer, Recipient)
        assert answer.address == number


@pytest.mark.parametrize("sign", ["+", "00", " ", "-", "(", "٩", "۹", "\u200f", "\u00a0", ".", "/"], ids=ascii)
def test_messy_numbers_have_everything_that_people_write(sign):
    """Each spelling turns up."""
    assert sign in any_that(strategies.messy("96597315264"), lambda written: sign in written)


@pytest.mark.parametrize(
    ("channel", "normalizer"),
    [
        (Channel.SMS, InternationalNormalizer()),
        (Channel.EMAIL, EmailNormalizer()),
        (Channel.PUSH, PushNormalizer()),
    ],
)
def test_addresses_are_canonical(channel, normalizer):
    """Of every channel; and what people type for them is sometimes good and sometimes not."""

    @QUICK
    @given(strategies.addresses(channel))
    def check(address):
        answer = normalizer.normalize(address, channel)
        assert isinstance(answer, Recipient)
        assert answer.address == address

    check()
    for kind in (True, False):

        def wanted(raw, kind=kind):
            return isinstance(normalizer.normalize(raw, channel), Recipient) is kind

        any_that(strategies.typed_addresses(channel), wanted)


# --- texts ---


def test_the_alphabet_is_the_standard_s():
    """The table here and the one of the gateway's package were written apart, and agree."""
    assert frozenset(GSM7_BASIC) == BASIC
    assert frozenset(GSM7_EXTENDED) == EXTENSION


@pytest.mark.parametrize("encoding", ["gsm7", "ucs2"])
@pytest.mark.parametrize("segments", [None, 1, 2, 5])
def test_texts_measure_as_they_should(encoding, segments):
    """In the encoding that was asked for, and as many segments."""

    @QUICK
    @given(strategies.texts(encoding, segments))
    def check(text):
        measured = measure(text)
        assert measured.encoding == encoding
        assert measured.segments == (segments or measured.segments) <= 5
        assert measured.units == strategies.units_of(text, encoding)

    check()


def test_texts_are_varied_and_simple():
    """One character where one is enough; every number of segments, both encodings, characters of two units."""
    assert len(smallest(strategies.texts("gsm7"))) == 1
    any_that(strategies.texts(), lambda text: measure(text).segments == 3)
    any_that(strategies.texts("gsm7"), lambda text: set(text) & EXTENSION)
    any_that(strategies.texts("ucs2"), lambda text: any(ord(character) > 0xFFFF for character in text))
    with pytest.raises(ValueError, match="gsm7 or ucs2"):
        smallest(strategies.texts("latin-1"))
    with pytest.raises(ValueError, match="one segment at least"):
        smallest(strategies.texts("gsm7", 0))


@pytest.mark.parametrize("sign", ["\x00", "\ud83d", "\u202e", "\u0301", "\n", "٣", "😀"], ids=ascii)
def test_any_text_is_any_text(sign):
    """What breaks programs is likely, and shrinks to itself."""
    assert smallest(strategies.any_text(), lambda text: sign in text) == sign


# --- batches, plans, answers, events ---


@pytest.mark.parametrize("channel", Channel)
def test_batches_and_plans_hold_together(channel):
    """Positions are complete, no recipient is in one twice, and every batch of a plan has the plan's message."""

    @QUICK
    @given(strategies.batches(5, channel), strategies.plans(channel))
    def check(batch, plan):
        assert 1 <= len(batch) == len(batch.positions) <= 5
        assert len({person.address for person in batch.recipients}) == len(batch)
        assert {person.channel for person in batch.recipients} | {batch.message.channel} == {channel}
        places = [place for one in plan.batches for place in one.positions]
        places += [receipt.position for receipt in plan.excluded]
        assert sorted(places) == list(range(len(places)))
        assert all(one.message is plan.message for one in plan.batches)
        assert {receipt.outcome for receipt in plan.excluded} <= {Outcome.SKIPPED}
        assert pickle.loads(pickle.dumps((batch, plan))) == (batch, plan)

    check()


@QUICK
@given(strategies.answers(["96597315264", "96566129384"]))
def test_answers_are_what_a_transport_may_say(answer):
    """A submission that refuses at most some of the batch, or an error; both pickle."""
    if isinstance(answer, Submission):
        assert set(answer.refused) < {"96597315264", "96566129384"}
    else:
        assert isinstance(answer, TransportError)
        assert str(answer)
    assert repr(pickle.loads(pickle.dumps(answer))) == repr(answer)


@pytest.mark.parametrize("kind", strategies.ERRORS)
def test_every_kind_of_error_is_among_the_answers(kind):
    """None is forgotten."""
    any_that(strategies.answers(), lambda answer: type(answer) is kind)


def test_a_partial_refusal_is_among_the_answers():
    """A submission that refuses some of the batch."""
    any_that(strategies.answers(["a", "b"]), lambda answer: isinstance(answer, Submission) and answer.refused)


def test_no_kind_of_error_is_forgotten():
    """One that the framework learns has to be drawn."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TransportError)]
    ours = {kind for kind in kinds if kind is not TransportError}
    assert ours == set(strategies.ERRORS)


@pytest.mark.parametrize("kind", strategies.event_kinds())
def test_events_are_whole_and_redacted(kind):
    """Every field has something that it may hold; there is no number in clear; they pickle."""

    @QUICK
    @given(strategies.events(kind))
    def check(event):
        assert type(event) is kind
        assert event.name
        assert event.at.tzinfo is not None
        assert pickle.loads(pickle.dumps(event)) == event

    check()


# --- the gateway's answers ---


def _read(body, status=200):
    return checked_fields(HttpAnswer(status, {}, body), parse_body(body))


@QUICK
@given(kwtsms.kuwaiti_numbers(), kwtsms.messy_kuwaiti_numbers())
def test_kuwaiti_numbers_are_kuwaiti(number, written):
    """In either spelling."""
    for raw in (number, written):
        answer = KwtSmsNormalizer().normalize(raw, Channel.SMS)
        assert isinstance(answer, Recipient)
        assert answer.country == "KW"


@QUICK
@given(kwtsms.bodies(kwtsms.accepting_answers(3)), kwtsms.statuses())
def test_what_accepts_is_read_as_ok(body, status):
    """Whatever is missing, wrong or new in it."""
    assert _read(body, status)["result"].upper() == "OK"


@QUICK
@given(kwtsms.bodies(kwtsms.refusing_answers()), kwtsms.statuses())
def test_what_refuses_is_read_as_an_error(body, status):
    """With a code that is known, unknown or missing, and it is certain that nothing was sent."""
    with pytest.raises(TransportError) as caught:
        _read(body, status)
    assert caught.value.safe_to_resend


@QUICK
@given(kwtsms.bodies(), kwtsms.statuses())
def test_any_body_is_an_answer_or_an_error(body, status):
    """Nothing else comes out of reading it."""
    with contextlib.suppress(TransportError):
        assert "result" in _read(body, status)


def test_the_gateway_s_answers_are_varied():
    """Every code, numbers as texts, fields that are missing, and unreadable bodies."""
    codes = {any_that(kwtsms.refusing_answers(code), lambda answer: True)["code"] for code in CODES}
    assert codes == set(CODES)
    any_that(kwtsms.accepting_answers(), lambda answer: isinstance(answer.get("balance-after"), str))
    any_that(kwtsms.accepting_answers(), lambda answer: "msg-id" not in answer)
    any_that(kwtsms.refusing_answers(), lambda answer: "code" not in answer)
    any_that(kwtsms.contradictory_answers(), lambda answer: "msg-id" in answer and "code" in answer)
    assert smallest(kwtsms.bodies(), lambda body: not parse_body(body)) in (b"", b"{}")
    with pytest.raises(OutcomeUnknown):
        _read(any_that(kwtsms.bodies(), lambda body: body.startswith(b"<html")))
    assert any_that(kwtsms.coverage_answers(), lambda answer: "coverage" in answer)["coverage"] == ["965", "966"]
    lists = any_that(kwtsms.validate_answers(["96597315264", "123"]), lambda answer: answer["mobile"]["NR"])["mobile"]
    assert sorted(number for some in lists.values() for number in some) == ["123", "96597315264"]
    assert json.dumps(kwtsms.sent_answer(2)).startswith('{"result": "OK", "msg-id"')
