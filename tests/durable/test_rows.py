"""Jobs of rows: each row its own text, equal ones together, every row once and in the caller's order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from notifykit import Message, Notifier, Outcome, Recipient, Rejected
from notifykit.durable.database import Database, DurableSettings
from notifykit.durable.deliveries import record_reports
from notifykit.durable.tables import batches, jobs
from notifykit.errors import ConfigError, InvalidRecipient
from notifykit.models.job import JobSpec, Row
from notifykit.protocols.engine import Job
from tests.durable.bench import JOB, Bench
from tests.durable.conftest import SWIFT, MakeNotifier, Recorder, Store, people, settings


def rows_of(texts: Iterable[str], first: int = 0) -> list[Row]:
    """Return rows with these texts, each to another person."""
    texts = list(texts)
    return [
        Row(who, text, None, {"n": str(number), "text": text})
        for number, (who, text) in enumerate(zip(people(len(texts)), texts, strict=True), first)
    ]


def submit(notifier: Notifier, rows: Sequence[Row], key: str | None = "campaign", **more: Any) -> Job:
    """Submit a job of rows."""
    return notifier._components.engine().submit(JobSpec((), Message(""), key, rows=rows, **more))


def test_equal_texts_go_together_and_different_ones_alone(connect: MakeNotifier) -> None:
    """And each row is found again at its place, with its cells."""
    recorder = Recorder()
    notifier = connect(recorder)
    rows = rows_of(["a", "b", "a", "c", "a", "b", "a", "a", "a"])
    job = submit(notifier, rows)
    assert job.wait(30).accepted == len(rows)
    sent = sorted((batch.message.text, [who.address for who in batch.recipients]) for batch in recorder.batches)
    addresses = [row.recipient.address for row in rows if isinstance(row.recipient, Recipient)]
    a = [address for address, row in zip(addresses, rows, strict=True) if row.text == "a"]
    assert sent == [("a", a[:5]), ("a", a[5:]), ("b", [addresses[1], addresses[5]]), ("c", [addresses[3]])]
    found = list(job.rows())
    assert [(row.position, dict(row.cells)) for row in found] == [(n, row.cells) for n, row in enumerate(rows)]
    assert {row.receipt.outcome for row in found if row.receipt} == {Outcome.ACCEPTED}
    assert [receipt.to for receipt in job.receipts()] == addresses
    assert [receipt.to for receipt in job.report().receipts] == addresses


def test_rows_that_are_not_sent_keep_their_reason(connect: MakeNotifier) -> None:
    """A bad number is rejected, and an address that comes again is skipped, whatever the text."""
    recorder = Recorder(capabilities=attrs.evolve(SWIFT, subjects=True))
    good, other = people(2)
    bad = Rejected("12", InvalidRecipient("It has two digits.", action="Give all of them."))
    rows = [Row(good, "one"), Row(bad, ""), Row(good, "two"), Row(other, "one", "Subject")]
    job = submit(connect(recorder), rows)
    progress = job.wait(30)
    assert (progress.accepted, progress.rejected, progress.skipped) == (2, 1, 1)
    receipts = list(job.receipts())
    assert [r.outcome for r in receipts] == [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.SKIPPED, Outcome.ACCEPTED]
    assert (str(receipts[1].error), receipts[2].skipped) == (str(bad.error), "duplicate")
    assert sorted((b.message.text, b.message.subject or "") for b in recorder.batches) == [
        ("one", ""),
        ("one", "Subject"),
    ]


def test_the_same_table_is_the_same_job_and_another_is_refused(connect: MakeNotifier) -> None:
    """What differs is said without showing it."""
    notifier = connect(Recorder(), workers="separate")
    rows = rows_of(["a", "b", "c"])
    job = submit(notifier, rows)
    assert submit(notifier, iter(rows)).progress() == job.progress()
    changed = [
        [rows[0], rows[2], rows[1]],
        rows[:2],
        [*rows[:2], Row(rows[2].recipient, "other", None, rows[2].cells)],
        [*rows[:2], Row(rows[2].recipient, "c", "subject", rows[2].cells)],
        [*rows[:2], Row(rows[2].recipient, "c", None, {"n": "other"})],
        [*rows[:2], Row(people(4)[3], "c", None, rows[2].cells)],
    ]
    for other in changed:
        with pytest.raises(ConfigError, match="the rows are others") as caught:
            submit(notifier, other)
        assert "other'" not in str(caught.value)
    with pytest.raises(ConfigError, match="spread: None then, 60"):
        submit(notifier, rows, spread=60.0)


def test_the_rows_of_a_job_with_one_text_have_no_cells(connect: MakeNotifier) -> None:
    """They are listed all the same, with what is known of them."""
    job = connect(Recorder()).submit([who.address for who in people(7)], "Hello", key="plain")
    job.wait(30)
    found = list(job.rows())
    assert [(row.position, dict(row.cells), row.text) for row in found] == [(n, {}, None) for n in range(7)]
    assert {row.receipt.outcome for row in found if row.receipt} == {Outcome.ACCEPTED}


def test_rows_without_an_outcome_are_listed_too(connect: MakeNotifier) -> None:
    """So that a table of results has every row from the beginning."""
    job = submit(connect(Recorder(), workers="separate"), rows_of("abcab"))
    assert [(row.position, row.cells["text"], row.receipt) for row in job.rows()] == [
        (n, text, None) for n, text in enumerate("abcab")
    ]
    assert list(job.receipts()) == []


def test_rows_that_were_deleted_are_an_error_and_no_empty_table(connect: MakeNotifier) -> None:
    """It comes before the first row is asked for, so that nobody opens a file for nothing."""
    notifier = connect(Recorder())
    job = submit(notifier, rows_of("ab"))
    job.wait(30)
    engine = notifier._components.engine()
    engine.store.prune(keep_jobs=1e9, keep_bodies=-1.0)  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=r"deleted.*KEEP_BODIES"):
        job.rows()
    assert list(job.receipts()) == []
    assert job.report().receipts == ()


def test_nothing_of_a_row_shows(connect: MakeNotifier) -> None:
    """Neither the text nor a cell, in any repr."""
    row = Row(people(1)[0], "a secret text", "a secret subject", {"name": "Sara"})
    job = submit(connect(Recorder()), [row])
    job.wait(30)
    shown = repr((row, list(job.rows()), JobSpec((), Message(""), rows=[row])))
    assert not [word for word in ("secret", "Sara", people(1)[0].address) if word in shown]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"spread": 0.0}, "spread is 0: give seconds above zero"),
        ({"spread": float("nan")}, "spread is nan"),
        ({"spread": 60.0, "expires_in": 60.0}, "what begins after that is never sent"),
    ],
)
def test_a_spread_that_can_not_be_meant_is_refused(connect: MakeNotifier, more: dict[str, Any], problem: str) -> None:
    """And nothing is stored."""
    notifier = connect(Recorder(), workers="separate")
    with pytest.raises(ValueError, match=problem):
        submit(notifier, rows_of("ab"), **more)
    assert notifier.jobs() == []


def test_a_database_of_an_earlier_version_is_completed(each_store: Store) -> None:
    """What it holds stays, and new columns, tables and indexes are added."""
    first = Database(DurableSettings.of(settings(each_store)))
    with first.begin() as db:
        db.execute(jobs.insert().values(**{**JOB, "id": "j", "key": "old", "touched": 1.0, "created": 1.0}))
        for statement in (
            "DROP INDEX notifykit_batches_next",
            "DROP TABLE notifykit_deliveries",
            "ALTER TABLE notifykit_jobs DROP COLUMN reason",
            "ALTER TABLE notifykit_jobs DROP COLUMN judged",
            "ALTER TABLE notifykit_contents DROP COLUMN body",
            "ALTER TABLE notifykit_contents DROP COLUMN cells",
        ):
            db.execute(sa.text(statement))
    first.close()
    bench = Bench(DurableSettings.of(settings(each_store)))
    assert bench.store.progress("old")[0].reason is None
    bench.job("new", [1])
    record_reports(bench.database, [], 0.0)
    assert "notifykit_batches_next" in {i["name"] for i in sa.inspect(bench.database.engine).get_indexes(batches.name)}
    bench.database.close()
