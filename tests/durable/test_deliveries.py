"""Delivery reports beside the jobs: stored by any process that records them, and shown with the rows of a job."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from notifykit import Batch, DeliveryReport, DeliveryState, Notifier, Outcome, Submission
from notifykit.durable.batch_state import PARTITIONS
from notifykit.durable.database import DurableSettings
from notifykit.durable.deliveries import delivery_of, read_deliveries, record_reports
from notifykit.models.delivery import Delivery
from notifykit.models.receipt import Receipt
from notifykit.models.recipient import Recipient
from tests.durable.bench import Bench, said
from tests.durable.conftest import FIRST, MakeNotifier, Recorder, Store, elsewhere, people, settings
from tests.durable.test_rows import rows_of, submit

FIRST_ADDRESS = str(FIRST)
REPORTS = [
    DeliveryReport("id-1", FIRST_ADDRESS, DeliveryState.SENT, "S"),
    DeliveryReport("id-1", FIRST_ADDRESS, DeliveryState.DELIVERED, "D", None, last=True, advice="Nothing."),
    DeliveryReport("id-1", FIRST_ADDRESS, DeliveryState.PENDING),
    DeliveryReport("id-1", None, DeliveryState.UNDELIVERED, "X"),
]


@pytest.fixture(name="bench")
def _bench(each_store: Store) -> Iterator[Bench]:
    bench = Bench(DurableSettings.of(settings(each_store)))
    yield bench
    bench.database.close()


def test_reports_in_any_order_give_the_same_delivery(bench: Bench) -> None:
    """One at a time or together, once or twice: as in memory."""
    own, of_all = REPORTS[:3], REPORTS[3:]
    expected = Delivery("id-1", FIRST_ADDRESS)
    for report in own:
        expected = expected.record(report)
    for number, order in enumerate(itertools.permutations(own)):
        renamed = [DeliveryReport(f"id-{number}", r.address, r.state, r.words, r.at, last=r.last, advice=r.advice)
                   for r in (*order, *order[:1])]  # fmt: skip
        for report in renamed if number % 2 else []:
            record_reports(bench.database, [report], 1.0)
        record_reports(bench.database, renamed, 1.0)
        found = read_deliveries(bench.database, [f"id-{number}"])[f"id-{number}", FIRST_ADDRESS]
        assert [r.state for r in found.reports] == [r.state for r in expected.reports]
        assert (found.state, found.words, found.final) == (DeliveryState.DELIVERED, "D", True)
    record_reports(bench.database, [*own, *of_all], 1.0)
    known = read_deliveries(bench.database, ["id-1"])
    assert set(known) == {("id-1", FIRST_ADDRESS), ("id-1", None)}
    assert known["id-1", FIRST_ADDRESS] == expected


def test_what_is_said_of_all_is_said_of_each(bench: Bench) -> None:
    """Of a recipient whom no report names, too."""
    record_reports(bench.database, REPORTS, 1.0)
    known = read_deliveries(bench.database, ["id-1"], [FIRST_ADDRESS, "other"])
    named, unnamed = (
        delivery_of(Receipt(0, Recipient(to), Outcome.ACCEPTED, submission=Submission("id-1")), known)
        for to in (FIRST_ADDRESS, "other")
    )
    assert named is not None
    assert unnamed is not None
    assert (named.state, named.contradicted) == (DeliveryState.DELIVERED, True)
    assert (unnamed.state, unnamed.address) == (DeliveryState.UNDELIVERED, "other")
    assert delivery_of(None, known) is None
    unsent = Receipt(0, Recipient("other"), Outcome.ACCEPTED, submission=Submission("id-2"))
    assert delivery_of(unsent, known) is None


def test_deliveries_are_deleted_with_the_addresses_of_their_jobs(bench: Bench) -> None:
    """Not before: a job that takes weeks shows its first deliveries to the end."""
    job = bench.job("k", [1] * (PARTITIONS + 1))
    record_reports(bench.database, REPORTS[:1], bench.now)
    bench.now += 100.0
    bench.store.prune(keep_jobs=1000.0, keep_bodies=50.0)
    assert read_deliveries(bench.database, ["id-1"]), "its job is not over"
    bench.store.cancel(job)
    bench.now += 40.0
    bench.store.prune(keep_jobs=1000.0, keep_bodies=50.0)
    assert read_deliveries(bench.database, ["id-1"]), "its job still has its addresses"
    bench.now += 11.0
    bench.store.prune(keep_jobs=1000.0, keep_bodies=50.0)
    assert not read_deliveries(bench.database, ["id-1"])


def test_no_job_keeps_a_delivery_for_longer_than_jobs_are_kept(bench: Bench) -> None:
    """One that is never over, for one."""
    bench.job("k", [1])
    record_reports(bench.database, REPORTS[:1], bench.now)
    bench.now += 1001.0
    bench.store.prune(keep_jobs=1000.0, keep_bodies=50.0)
    assert not read_deliveries(bench.database, ["id-1"])


def test_the_bodies_of_rows_are_deleted_too(bench: Bench) -> None:
    """Texts and cells are as private as addresses."""
    bench.job("k", [1])
    work = bench.store.claim(bench.take()[0])
    assert work is not None
    bench.store.finish_try(work, said(work, Outcome.ACCEPTED), None)
    bench.now += 100.0
    bench.store.prune(keep_jobs=1000.0, keep_bodies=50.0)
    job = bench.store.find("k")
    assert job is not None
    assert list(bench.store.batches_of(job["id"])) == [[]]


def test_the_rows_of_a_job_show_what_was_reported(smoke_store: Store, notifiers: Callable[..., Notifier]) -> None:
    """By any process that uses the database; the notifier that sent need not be the one that records them."""
    notifier = notifiers(smoke_store, Recorder())
    job = submit(notifier, rows_of(["a", "b", "a"]))
    assert job.wait(30).accepted == 3
    ids = {receipt.to: receipt.message_id for receipt in job.receipts()}
    first, second, third = (who.address for who in people(3))
    other = notifiers(smoke_store, Recorder(), workers="separate")
    assert ids[first] == ids[third]
    other.record_delivery_report(
        [
            DeliveryReport(str(ids[first]), None, DeliveryState.SENT),
            DeliveryReport(str(ids[first]), third, DeliveryState.DELIVERED),
        ]
    )
    states = {row.receipt.to: row.delivery and row.delivery.state for row in job.rows() if row.receipt}
    assert states == {first: DeliveryState.SENT, second: None, third: DeliveryState.DELIVERED}
    found = notifier._components.engine().deliveries(filter(None, ids.values()))
    assert {key: delivery.state for key, delivery in found.items()} == {
        (ids[first], None): DeliveryState.SENT,
        (ids[first], third): DeliveryState.DELIVERED,
    }


def test_a_process_that_stores_no_jobs_makes_no_database(store: Store, connect: MakeNotifier) -> None:
    """It may have no use for one; where there is one, reports are stored."""
    receiver = connect(Recorder())
    receiver.record_delivery_report(REPORTS)
    assert not store.file.exists()
    script = "from notifykit import Notifier; n = Notifier.from_settings('memory'); n.jobs(); print('[]'); n.close()"
    elsewhere(store, script)
    assert store.file.exists()
    receiver.record_delivery_report(REPORTS)
    assert receiver._components.engine().deliveries(["id-1"])


def test_a_database_that_fails_loses_no_report_for_sinks(
    connect: MakeNotifier, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, without what the report says."""
    seen: list[Any] = []

    class Sink:
        name = "seen"
        background = False

        def handle(self, event: Any) -> None:
            seen.append(event)

    notifier = connect(Recorder(), sinks=[Sink()])
    notifier.jobs()
    notifier._components.engine()._database.engine.dispose()  # type: ignore[attr-defined]
    for file in store.folder.glob("jobs.sqlite3*"):
        file.write_bytes(b"no database" * 1000)
    assert notifier.record_delivery_report(REPORTS[0]).state is DeliveryState.SENT
    assert [event.state for event in seen] == [DeliveryState.SENT]
    [warning] = [r for r in caplog.records if r.levelno == logging.WARNING and "are not stored" in r.getMessage()]
    assert FIRST_ADDRESS not in warning.getMessage()


def test_half_a_surrogate_pair_in_an_id_breaks_nothing(
    each_store: Store, notifiers: Callable[..., Notifier], caplog: pytest.LogCaptureFixture
) -> None:
    """A report comes from outside: it may hold anything."""
    notifier = notifiers(each_store, Recorder(), workers="separate")
    notifier.jobs()
    for odd in ("\ud83d", "a\0b"):
        assert notifier.record_delivery_report(DeliveryReport(odd, "1", DeliveryState.SENT)).state == "sent"
    notifier.record_delivery_report(DeliveryReport("good", "1\ud83d", DeliveryState.SENT, "\ud83d\0"))
    notifier.record_delivery_report(DeliveryReport("good", "1", DeliveryState.SENT, "\ud83d\0"))
    assert notifier._components.engine().deliveries(["good"])["good", "1"].words == "\ud83d\0"


def test_a_refused_submission_of_ids_is_no_delivery(connect: MakeNotifier) -> None:
    """A batch without an id from the provider has no deliveries to look for."""

    def nameless(batch: Batch, before: int) -> Submission | None:
        return Submission(None)

    job = submit(connect(Recorder(nameless)), rows_of("ab"))
    job.wait(30)
    assert [row.delivery for row in job.rows()] == [None, None]


def test_what_a_provider_answers_is_stored_as_what_it_pushes(connect: MakeNotifier) -> None:
    """By asking, one notifier learns it for every process."""

    class Answering(Recorder):
        def deliveries(self, receipts: Sequence[Receipt], timeout: float) -> list[DeliveryReport]:
            return [DeliveryReport(str(r.message_id), r.to, DeliveryState.DELIVERED) for r in receipts]

    notifier = connect(Answering())
    job = submit(notifier, rows_of("ab"))
    job.wait(30)
    notifier.deliveries(job.receipts())
    assert [row.delivery and row.delivery.state for row in job.rows()] == [DeliveryState.DELIVERED] * 2
