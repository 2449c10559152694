"""What is written down comes back as it was: every kind of error, every text, every attempt."""

from __future__ import annotations

import datetime
import json
from typing import Any

import attrs
from hypothesis import given, strategies as st

from notifykit import Attempt, Channel, Outcome, Receipt, Recipient, Rejected, SkipReason, Submission, Veto, errors
from notifykit.durable.serialization import dump, dump_receipts, dump_recipients, load_receipts, load_recipients
from notifykit.errors import Exhausted, InvalidRecipient, Scope, TransportError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TransportError) and kind is not Exhausted
]
#: Anything but lone surrogates, which no database takes.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.none() | TEXTS
SECONDS = st.floats(0, 1e6)


def made(kind: type[TransportError], *values: Any) -> TransportError:
    """Return an error of a kind."""
    return kind(*values)


PLAIN = st.builds(
    made, st.sampled_from(KINDS), TEXTS, NAMES, NAMES, TEXTS, st.lists(SECONDS, max_size=3).map(tuple),
    st.sampled_from(list(Scope)),
)  # fmt: skip
ERRORS = st.recursive(
    PLAIN, lambda inner: st.builds(Exhausted, TEXTS, NAMES, causes=st.lists(inner, max_size=2).map(tuple)), max_leaves=3
)
INVALID = st.builds(InvalidRecipient, TEXTS, NAMES, action=TEXTS)
RECIPIENTS = st.builds(
    Recipient,
    TEXTS.filter(bool),
    st.sampled_from(list(Channel)),
    NAMES,
    language=NAMES,
    raw=TEXTS.filter(bool),
    notices=st.lists(TEXTS, max_size=2).map(tuple),
)
WHO = RECIPIENTS | st.builds(Rejected, TEXTS, INVALID)
SUBMISSIONS = st.builds(
    Submission,
    message_id=NAMES,
    cost=st.none() | SECONDS,
    balance=st.none() | SECONDS,
    test=st.booleans(),
    warnings=st.lists(TEXTS, max_size=2).map(tuple),
    advice=NAMES,
    refused=st.dictionaries(TEXTS, ERRORS, max_size=1),
)
MOMENTS = st.datetimes(min_value=datetime.datetime(2000, 1, 1), timezones=st.just(datetime.UTC))
ATTEMPTS = st.builds(Attempt, st.integers(1, 9), TEXTS, MOMENTS, SECONDS, st.none() | ERRORS, st.none() | SUBMISSIONS)
VETOES = st.builds(Veto, TEXTS, TEXTS, TEXTS, st.none() | SECONDS)
RECEIPTS = st.builds(
    Receipt,
    st.integers(0, 10**9),
    WHO,
    st.sampled_from(list(Outcome)),
    st.none() | ERRORS,
    st.none() | st.sampled_from(list(SkipReason)),
    st.none() | SUBMISSIONS,
    st.lists(ATTEMPTS, max_size=2).map(tuple),
    st.integers(1, 10**6),
    veto=st.none() | VETOES,
)


def facts(thing: Any) -> Any:
    """Return everything that something says, errors with their kinds, because exceptions have no equality."""
    if isinstance(thing, TransportError):
        return type(thing), [facts(getattr(thing, field.name)) for field in attrs.fields(type(thing))]
    if attrs.has(type(thing)):
        return type(thing), [facts(getattr(thing, field.name)) for field in attrs.fields(type(thing))]
    if isinstance(thing, dict):
        return {name: facts(value) for name, value in thing.items()}
    return [facts(one) for one in thing] if isinstance(thing, tuple | list) else thing


@given(st.lists(RECEIPTS, max_size=2))
def test_receipts_come_back_as_they_were(receipts: list[Receipt]) -> None:
    """With errors that have causes, submissions that refuse some, vetoes, and attempts."""
    assert facts(load_receipts(dump_receipts(receipts))) == facts(receipts)


@given(st.lists(st.tuples(st.integers(0, 10**9), WHO), max_size=3))
def test_recipients_come_back_as_they_were(people: list[tuple[int, Recipient | Rejected]]) -> None:
    """Those whose address is no good too."""
    assert facts(load_recipients(dump_recipients(people))) == facts(people)


def test_what_a_request_has_in_common_is_written_once() -> None:
    """The answer to 200 recipients is one answer, also when it is read again."""
    said = Submission("id", cost=200.0)
    attempt = Attempt(1, "t", datetime.datetime.now(datetime.UTC), 0.1, None, said)
    people = [Recipient(str(96550000000 + n)) for n in range(200)]
    packed = dump_receipts(
        Receipt(n, who, Outcome.ACCEPTED, None, None, said, (attempt,)) for n, who in enumerate(people)
    )
    found = load_receipts(packed)
    assert len({id(receipt.submission) for receipt in found}) == 1
    assert found[0].attempts[0].submission is found[199].submission
    assert len(json.loads(packed)["submissions"]) == 1


@attrs.frozen(slots=False)
class ForeignError(TransportError):
    """An error class of a plugin."""


@attrs.frozen(slots=False)
class ForeignUnknown(TransportError):
    """One that leaves the outcome unknown."""

    safe_to_resend = False


def test_a_plugins_error_keeps_what_it_means() -> None:
    """Its class may not be there where it is read; whether it was sent is what matters."""
    for kind, safe in ((ForeignError, True), (ForeignUnknown, False)):
        receipt = Receipt(0, Recipient("96598765432"), Outcome.REJECTED, kind("detail", "X1", action="Do this."))
        [found] = load_receipts(dump_receipts([receipt]))
        assert found.error is not None
        assert found.error.safe_to_resend is safe
        assert (found.code, found.advice) == ("X1", "Do this.")


def test_what_json_does_not_know_becomes_a_text() -> None:
    """A plugin's answer can't stop a receipt from being written."""
    assert json.loads(dump({"a": datetime.date(2030, 1, 1)})) == {"a": "2030-01-01"}
