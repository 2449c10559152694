"""The models of the pipeline."""

from __future__ import annotations

import copy
import datetime
import importlib
import inspect
import pickle
import pkgutil
import re

import attrs
import pytest
from hypothesis import given, strategies as st

from notifykit import models
from notifykit.errors import InvalidRecipient, OutcomeUnknown, RateLimited
from notifykit.models.capabilities import Capabilities, Measurement
from notifykit.models.message import Channel, Cleaned, Edit, Message, replay
from notifykit.models.plan import Batch, Plan
from notifykit.models.receipt import Attempt, Outcome, Receipt, Report, SkipReason, Submission, Veto
from notifykit.models.recipient import Recipient, Rejected
from tests.models.strategies_models import any_text, edited_texts, numbers

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
LATER = RateLimited("too much", "ERR013", waits=(30.0, 60.0))


def receipts(*, test: bool = False) -> tuple[Receipt, ...]:
    """Return one receipt of each outcome, two accepted in one request and one in another."""
    first = Submission("m1", cost=2.0, balance=98.0, test=test)
    second = Submission("m2", cost=1.5, balance=None, test=test)
    bad = Rejected("123", InvalidRecipient("too short", "ERR006"))
    return (
        Receipt(0, Recipient("96598765432"), Outcome.ACCEPTED, submission=first),
        Receipt(1, bad, Outcome.REJECTED, error=bad.error),
        Receipt(2, Recipient("96598765433"), Outcome.ACCEPTED, submission=first),
        Receipt(3, Recipient("96598765434"), Outcome.UNKNOWN, error=OutcomeUnknown("timeout")),
        Receipt(4, Recipient("96598765432"), Outcome.SKIPPED, skipped=SkipReason.DUPLICATE),
        Receipt(5, Recipient("96598765435"), Outcome.ACCEPTED, submission=second),
        Receipt(6, Recipient("96598765436"), Outcome.REJECTED, error=LATER),
    )


MADE = [
    Edit(3, 5, "ab", "c", "why", "who"),
    Recipient("96598765432", Channel.SMS, "KW", language="ar", raw="+965 9876 5432"),
    Rejected("9876", InvalidRecipient("too short"), Recipient("96598765432")),
    Receipt(7, Recipient("1"), Outcome.SKIPPED, None, SkipReason.GUARD, veto=Veto("g", "r"), batch=3),
]


@pytest.mark.parametrize("made", MADE, ids=lambda model: type(model).__name__)
class TestMade:
    """Models of which a send has as many as recipients, or more."""

    def test_it_is_frozen(self, made: object) -> None:
        """No field can be assigned or deleted, and nothing can be added."""
        for field in attrs.fields(type(made)):
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                setattr(made, field.name, None)
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                delattr(made, field.name)
        with pytest.raises(AttributeError):
            made.more = None  # type: ignore[attr-defined]

    def test_it_is_small(self, made: object) -> None:
        """There is no dictionary in each of a million."""
        assert not hasattr(made, "__dict__")

    def test_it_can_be_copied_and_sent(self, made: object) -> None:
        """Pickled, copied or evolved it stays what it is."""
        sent = pickle.loads(pickle.dumps(made))
        assert type(sent) is type(made)
        assert repr(sent) == repr(copy.deepcopy(made)) == repr(made)
        assert copy.copy(made) == made
        first = attrs.fields(type(made))[0].name
        changed = attrs.evolve(made, **{first: getattr(made, first) * 2})  # type: ignore[misc]
        assert type(changed) is type(made)
        assert changed != made


@given(edited_texts())
def test_edits_replayed_on_the_text_give_what_the_cleaner_made(case: tuple[str, list[Edit], str]) -> None:
    """Wherever they stand and however long: the edits are the whole difference."""
    text, edits, expected = case
    assert replay(text, edits) == expected
    assert replay(text, iter(edits)) == expected


@given(st.data(), st.permutations(["first", "second", "third"]))
def test_edits_of_several_cleaners_follow_each_other(data: st.DataObject, cleaners: list[str]) -> None:
    """Those of each cleaner count from the text of the one before it, also where one changed nothing."""
    before = text = data.draw(any_text())
    every: list[Edit] = []
    for cleaner in cleaners:
        _, edits, text = data.draw(edited_texts(cleaner, text))
        every += edits
    assert replay(before, every) == text


@given(numbers(11), st.text("ΔΞΨΩ", min_size=1))
def test_no_model_shows_a_number_or_a_text(number: str, text: str) -> None:
    """Neither the ``repr`` nor the ``str`` of any model, nor of one that holds another."""
    message = Message(text, id="-")
    recipient = Recipient(number, raw=f"+{number}")
    rejected = Rejected(number, InvalidRecipient("Not a number."))
    edit = Edit(0, len(text), text, number, "digits", "cleaner")
    submission = Submission("m", refused={number: rejected.error})
    receipt = Receipt(0, recipient, Outcome.ACCEPTED, submission=submission)
    refused = Receipt(1, rejected, Outcome.REJECTED, error=rejected.error)
    batch = Batch(message, (recipient,), (0,))
    plan = Plan(message, (edit,), None, (batch,), (refused,))
    report = Report((receipt, refused), message, (edit,))
    everything = [
        message,
        recipient,
        rejected,
        edit,
        Cleaned(text, (edit,)),
        submission,
        receipt,
        refused,
        batch,
        plan,
        report,
    ]
    for shown in (form(thing) for thing in everything for form in (repr, str, "{0} {0!r}".format)):
        assert number not in shown
        assert not set(text) & set(shown)
        assert not re.search(r"\d{5}", shown)


def test_every_model_is_frozen() -> None:
    """What one step saw can't change under the next."""
    modules = [
        importlib.import_module(found.name) for found in pkgutil.iter_modules(models.__path__, "notifykit.models.")
    ]
    ours = [kind for module in modules for kind in vars(module).values() if inspect.isclass(kind) and attrs.has(kind)]
    assert len(ours) > 12
    for kind in ours:
        assert kind.__setattr__ is not object.__setattr__, kind


def test_a_report_counts_every_outcome_once() -> None:
    """Each receipt is in exactly one of the four groups, and the order is the caller's."""
    report = Report(receipts(), Message("hello"))
    groups = [report.accepted, report.rejected, report.unknown, report.skipped]
    assert [[receipt.position for receipt in group] for group in groups] == [[0, 2, 5], [1, 6], [3], [4]]
    assert [receipt.position for receipt in report] == list(range(7))
    assert (len(report), report[0].position, report[-1].position) == (7, 0, 6)
    assert str(report) == "3 accepted, 2 rejected, 1 unknown, 1 skipped"
    assert str(Report((), Message("hello"))) == "no recipients"


def test_a_report_adds_up_each_request_once() -> None:
    """Two recipients of one request cost what the request cost; the last balance that the provider said counts."""
    report = Report(receipts(), Message("hello"))
    assert report.message_ids == ("m1", "m2")
    assert report.cost == 3.5
    assert report.balance == 98.0
    nothing = Report((), Message("hello"))
    assert (nothing.message_ids, nothing.cost, nothing.balance) == ((), None, None)


def test_a_report_is_neither_true_nor_false() -> None:
    """``if report:`` would say that a half-failed send succeeded, so it says what to ask instead."""
    with pytest.raises(TypeError, match=r"report\.accepted"):
        bool(Report(receipts(), Message("hello")))


def test_a_report_survives_a_pickle() -> None:
    """A worker can hand it to whoever waits for it."""
    report = Report(receipts(), Message("hello"))
    twin = pickle.loads(pickle.dumps(report))
    assert repr(twin) == repr(report)
    assert [(receipt.to, receipt.outcome, receipt.code) for receipt in twin] == [
        (receipt.to, receipt.outcome, receipt.code) for receipt in report
    ]


def test_every_receipt_has_advice() -> None:
    """The error's action, the reason of a skip, or what acceptance means, and that a test reaches nobody."""
    for receipt in receipts():
        assert receipt.advice.endswith((".", "!")), receipt
    assert "message id" in receipts()[0].advice
    assert "nothing reaches a phone" in receipts(test=True)[0].advice
    assert receipts()[6].retry_after == 30.0
    assert [receipt.retry_after for receipt in receipts()[:6]] == [None] * 6


@pytest.mark.parametrize("reason", SkipReason)
def test_every_reason_to_skip_has_its_advice(reason: SkipReason) -> None:
    """A reason that is added has to say what it means for the person."""
    assert Receipt(0, Recipient("96598765432"), Outcome.SKIPPED, skipped=reason).advice


def test_a_receipt_reads_as_one_line_without_the_number() -> None:
    """Who, redacted; how it ended; why, and what to do about it."""
    lines = [str(receipt) for receipt in receipts()]
    assert [line.partition(",")[0] for line in lines] == [
        "965****5432: accepted",
        "****: rejected",
        "965****5433: accepted",
        "965****5434: unknown",
        "965****5432: skipped",
        "965****5435: accepted",
        "965****5436: rejected",
    ]
    for line, receipt in zip(lines, receipts(), strict=True):
        if receipt.error:
            assert receipt.error.detail in line
            assert line.endswith(f"→ {receipt.error.action}")
    assert lines[4].endswith("skipped, duplicate")


def test_a_receipt_has_the_address_in_clear() -> None:
    """The canonical one; of a rejected one what the caller gave."""
    assert [receipt.to for receipt in receipts()[:2]] == ["96598765432", "123"]
    assert [receipt.message_id for receipt in receipts()[:2]] == ["m1", None]


def test_a_recipient_is_the_same_however_it_was_written() -> None:
    """Duplicates are found by the canonical address; what was typed is kept beside it."""
    one, other = Recipient("96598765432", raw="+965 9876 5432"), Recipient("96598765432")
    assert one == other
    assert hash(one) == hash(other)
    assert (one.raw, other.raw) == ("+965 9876 5432", "96598765432")
    assert one != Recipient("96598765432", Channel.PUSH)


def test_every_message_has_an_id_of_its_own() -> None:
    """Two sends of one text are two messages."""
    assert Message("hello").id != Message("hello").id


def test_a_batch_names_its_message_and_its_number() -> None:
    """Events of one request can be found by it."""
    batch = Batch(Message("hello", id="abc"), (Recipient("1"), Recipient("2")), (0, 1), number=3)
    assert (batch.id, len(batch)) == ("abc-3", 2)


def test_a_plan_lists_everyone_in_order_and_knows_the_segments() -> None:
    """Across batches, without those that were excluded."""
    message = Message("hello")
    batches = tuple(Batch(message, (Recipient(str(n)),), (n,), n + 1) for n in range(3))
    plan = Plan(message, (), Measurement("gsm7", 5, 1), batches, ())
    assert [recipient.address for recipient in plan.recipients] == ["0", "1", "2"]
    assert plan.segments == 1
    assert attrs.evolve(plan, measurement=None).segments is None


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_size_of_zero_is_refused(size: int) -> None:
    """A batch has at least one recipient."""
    with pytest.raises(ValueError, match="batch_size"):
        Capabilities(batch_size=size)


def test_an_attempt_keeps_what_went_wrong() -> None:
    """When, how long, through what, and the error."""
    attempt = Attempt(1, "memory://default", NOW, 0.25, LATER)
    assert attempt.error is LATER
    assert "memory://default" in repr(attempt)
