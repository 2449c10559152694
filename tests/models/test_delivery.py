"""A delivery goes forward only, and knows the same whatever the order in which it received the same."""

from __future__ import annotations

import copy
import datetime
import pickle

import attrs
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from notifykit import Delivery, DeliveryReport, DeliveryState

NUMBER = "96598765432"
ID = "f4c841adee210f31307633ceaebff2ec"
ORDER = ["unconfirmed", "pending", "sent", "expired", "undelivered", "delivered"]
ENDS = {"delivered", "undelivered", "expired"}
NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)

times = st.none() | st.integers(0, 5).map(lambda hours: NOON + datetime.timedelta(hours=hours))


def reports(
    messages: str = "", addresses: tuple[str | None, ...] = (NUMBER, None)
) -> st.SearchStrategy[DeliveryReport]:
    """Return reports of few kinds, so that many are alike and some are the same."""
    return st.builds(
        DeliveryReport,
        st.sampled_from(messages or [ID]),
        st.sampled_from(addresses),
        st.sampled_from(DeliveryState),
        st.sampled_from([None, "DELIVRD", "Blacklisted", "something new"]),
        times,
        last=st.booleans(),
        advice=st.sampled_from([None, "Wait."]),
    )


def known(*received: DeliveryReport) -> Delivery:
    """Return what is known after reports were received in this order."""
    delivery = Delivery(ID, NUMBER)
    for report in received:
        delivery = delivery.record(report)
    return delivery


def said(state: str, words: str | None = None, at: datetime.datetime | None = None, **more: object) -> DeliveryReport:
    """Return a report about the number."""
    return DeliveryReport(ID, NUMBER, DeliveryState(state), words, at, **more)


@given(st.data(), st.lists(reports(), max_size=30))
def test_order_and_repetition_do_not_matter(data, received):
    """The same set of reports in any order, each any number of times, ends in the same delivery, history and all."""
    once = known(*received)
    again = data.draw(st.lists(st.sampled_from(received), max_size=10)) if received else []
    shuffled = data.draw(st.permutations(received + again))
    assert known(*shuffled) == once


@given(st.lists(reports(), max_size=30), st.lists(reports(), max_size=30))
def test_reports_of_two_processes_can_be_put_together(here, there):
    """Two processes that each received a part know, together, what one would that received all."""
    assert known(*known(*here).reports, *known(*there).reports) == known(*here, *there)


@given(st.lists(reports(), max_size=30))
def test_it_is_as_far_as_the_furthest_report(received):
    """No more and no less: nothing is made up, and nothing that came early is lost."""
    furthest = max((report.state.value for report in received), key=ORDER.index, default="unconfirmed")
    delivery = known(*received)
    assert delivery.state == furthest
    assert delivery.contradicted == (len({report.state.value for report in received} & ENDS) > 1)


@given(st.lists(reports(), max_size=60))
def test_what_it_keeps_is_bounded(received):
    """A thousand different reports fill no memory; every state that was reported is still there."""
    delivery = known(*received)
    assert len(delivery.reports) <= 4 * len(ORDER)
    assert {report.state for report in delivery.reports} == {report.state for report in received}
    assert set(delivery.reports) <= set(received)


class Deliveries(RuleBasedStateMachine):
    """Several people, several messages: reports come late, twice and out of order, some in words nobody knows."""

    pushed = Bundle("pushed")

    def __init__(self) -> None:
        super().__init__()
        self.known = {(message, number): Delivery(message, number) for message in "ab" for number in "12"}
        self.received: dict[tuple[str, str], list[DeliveryReport]] = {key: [] for key in self.known}

    @rule(target=pushed, report=reports("ab", ("1", "2", None)))
    def something_happens(self, report: DeliveryReport) -> DeliveryReport:
        """A report is on its way; when it comes is another matter."""
        return report

    @rule(report=consumes(pushed))
    def it_comes(self, report: DeliveryReport) -> None:
        """In whatever order."""
        self._record(report)

    @rule(report=pushed)
    def it_comes_and_will_come_again(self, report: DeliveryReport) -> None:
        """A duplicate changes nothing at all."""
        self._record(report)
        before = dict(self.known)
        self._record(report)
        assert self.known == before

    @rule(message=st.sampled_from("ab"), number=st.sampled_from("12"))
    def reports_about_others_are_refused(self, message: str, number: str) -> None:
        """A report about another message or person is refused, and changes nothing."""
        delivery = self.known[message, number]
        for stranger in (DeliveryReport("c", number, "sent"), DeliveryReport(message, "3", "sent")):
            with pytest.raises(ValueError, match="another"):
                delivery.record(stranger)

    @invariant()
    def everybody_is_where_the_furthest_report_says(self) -> None:
        """Whatever came when."""
        for key, delivery in self.known.items():
            states = [report.state.value for report in self.received[key]]
            assert delivery.state == max(states, key=ORDER.index, default="unconfirmed")

    @invariant()
    def unknown_words_are_kept_beside_what_is_known(self) -> None:
        """As far as there is room for them."""
        for key, delivery in self.known.items():
            unclear = {r.words for r in self.received[key] if r.state == "unconfirmed" and r.words}
            assert set(delivery.not_understood) <= unclear

    def _record(self, report: DeliveryReport) -> None:
        for (message, number), before in list(self.known.items()):
            if message != report.message_id or report.address not in (None, number):
                continue
            after = before.record(report)
            assert ORDER.index(after.state) >= ORDER.index(before.state), "it went back"
            assert before.final <= after.final or after.state != before.state
            self.known[message, number] = after
            self.received[message, number].append(report)


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=30)


def test_the_usual_way():
    """Pending, sent, delivered, with the provider's word and time for the last."""
    delivery = known(said("pending", "queued"), said("sent"), said("delivered", "DELIVRD", NOON))
    assert (delivery.state, delivery.words, delivery.at, delivery.final) == ("delivered", "DELIVRD", NOON, True)
    assert [report.state for report in delivery.reports] == ["pending", "sent", "delivered"]
    assert not delivery.contradicted


def test_a_late_report_stays_in_the_history_and_changes_nothing_else():
    """It is known that it was sent, too; that it was delivered stands."""
    delivery = known(said("delivered", "DELIVRD"), said("sent", "on its way"))
    assert (delivery.state, delivery.words) == ("delivered", "DELIVRD")
    assert [report.words for report in delivery.reports] == ["on its way", "DELIVRD"]


@pytest.mark.parametrize(
    ("reported", "stands"),
    [
        (["delivered", "undelivered"], "delivered"),
        (["expired", "delivered"], "delivered"),
        (["expired", "undelivered"], "undelivered"),
    ],
)
def test_two_ends_are_a_contradiction_that_can_be_seen(reported, stands):
    """What somebody saw happen stands over what was concluded, whichever came first; the advice names the other."""
    other = ({*reported} - {stands}).pop()
    for order in (reported, reported[::-1]):
        delivery = known(*map(said, order))
        assert (delivery.state, delivery.contradicted) == (stands, True)
        assert other in delivery.advice
        assert "contradicted" in str(delivery)


def test_an_unknown_word_never_hides_what_is_known():
    """It is kept beside it; alone, it is all that is known, and the advice quotes it."""
    alone = known(said("unconfirmed", "GESENDET?"))
    assert (alone.state, alone.words, alone.not_understood) == ("unconfirmed", "GESENDET?", ("GESENDET?",))
    assert "GESENDET?" in alone.advice
    both = alone.record(said("sent", "sent")).record(said("unconfirmed", "more"))
    assert (both.state, both.words, set(both.not_understood)) == ("sent", "sent", {"GESENDET?", "more"})


def test_the_earliest_time_counts():
    """Of several reports of one state, the first moment is when it was reached."""
    later = NOON + datetime.timedelta(hours=1)
    assert known(said("delivered"), said("delivered", at=later), said("delivered", at=NOON)).at == NOON
    assert known(said("delivered", at=later), said("sent", at=NOON)).at == later


def test_a_last_report_is_final_until_another_comes():
    """Where the provider will say nothing more, asking again is of no use."""
    assert not known(said("sent")).final
    delivery = known(said("sent", last=True))
    assert delivery.final
    assert "will say no more" in delivery.advice
    assert known(said("sent", last=True), said("delivered")).state == "delivered"
    assert not known(said("pending", last=True), said("sent")).final


def test_without_a_report():
    """It is unconfirmed, and that can change."""
    fresh = Delivery(ID, NUMBER)
    assert (fresh.state, fresh.words, fresh.at, fresh.final, fresh.reports) == ("unconfirmed", None, None, False, ())
    assert fresh.advice


def test_an_unavailable_provider_is_final_with_the_reason_as_advice():
    """What is pushed all the same counts, and an end speaks for itself."""
    silent = Delivery(ID, NUMBER, unavailable="The provider has no reports.")
    assert (silent.state, silent.final, silent.advice) == ("unconfirmed", True, "The provider has no reports.")
    assert silent.record(said("sent")).advice == "The provider has no reports."
    assert "arrived" in silent.record(said("delivered")).advice


@pytest.mark.parametrize("state", DeliveryState)
def test_every_state_has_advice(state):
    """And its own."""
    assert known(said(state)).advice.endswith(".")
    assert state.final == (state in ENDS)


def test_times_are_utc_or_not_there():
    """A time with another zone is turned into UTC; one without a zone is a guess, and refused."""
    kuwait = datetime.timezone(datetime.timedelta(hours=3))
    report = said("sent", at=datetime.datetime(2026, 1, 1, 15, tzinfo=kuwait))
    assert (report.at, report.at.tzinfo) == (NOON, datetime.UTC)
    with pytest.raises(ValueError, match="zone"):
        said("sent", at=datetime.datetime(2026, 1, 1, 15))


def test_no_number_is_shown():
    """Neither by what str gives nor by repr, of a delivery and its reports."""
    delivery = known(said("delivered", "DELIVRD"))
    for shown in (repr(delivery), str(delivery), f"{delivery}", repr(delivery.reports)):
        assert NUMBER not in shown
        assert "965****5432" in shown
    assert str(Delivery(ID, None)) == "everybody: unconfirmed"


def test_it_can_be_pickled_and_compared():
    """Deliveries travel between processes."""
    delivery = known(said("sent", "sent", NOON), said("delivered", last=True))
    assert pickle.loads(pickle.dumps(delivery)) == copy.deepcopy(delivery) == delivery
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delivery.message_id = "x"


def test_an_unknown_state_is_an_error():
    """A provider's word goes into words; the state is one of six."""
    with pytest.raises(ValueError, match="DELIVRD"):
        DeliveryReport(ID, NUMBER, "DELIVRD")
