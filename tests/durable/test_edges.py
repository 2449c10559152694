"""What comes in from outside is judged when it comes, and what is damaged is reported: texts, times, answers, files."""

from __future__ import annotations

import contextlib
import datetime
import random
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from notifykit import Batch, ConfigError, Notifier, Outcome, Submission
from notifykit.durable.tables import jobs
from notifykit.errors import RateLimited
from tests.durable.conftest import FIRST, MakeNotifier, Recorder, Store, numbers

pytestmark = pytest.mark.slow

HALF = "\ud83d"


def test_half_a_surrogate_pair_is_stored_as_send_would_send_it(
    each_store: Store, notifiers: Callable[..., Notifier]
) -> None:
    """In the text and in a number: the number is rejected, the others are sent to."""
    transport = Recorder()
    notifier = notifiers(each_store, transport)
    to = [str(FIRST), f"9655{HALF}"]
    report = notifier.submit(to, f"Hello {HALF}", key="k")
    assert report.wait(30).finished is not None
    sent = notifier.send(to, f"Hello {HALF}")
    assert [r.outcome for r in report.receipts()] == [r.outcome for r in sent.receipts]
    assert len({batch.message.text for batch in transport.batches}) == 1


NOW = datetime.datetime.now(datetime.UTC)


@pytest.mark.parametrize(
    ("times", "word"),
    [
        ({"expires_in": float("inf")}, "expires_in"),
        ({"expires_in": 1e300}, "expires_in"),
        ({"expires_in": float("nan")}, "expires_in"),
        ({"at": datetime.datetime.max.replace(tzinfo=datetime.UTC)}, "at is 9999"),
        ({"at": datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)}, "at is"),
    ],
)
def test_times_that_can_not_be_meant_are_refused(connect: MakeNotifier, times: dict[str, Any], word: str) -> None:
    """Nothing is stored of them that could break the list of jobs."""
    notifier = connect(Recorder())
    with pytest.raises(ValueError, match=word):
        notifier.submit(numbers(1), "Hello", **times)
    assert not notifier.jobs()


def test_one_bad_row_hides_no_other(connect: MakeNotifier) -> None:
    """Its own job says what is wrong."""
    notifier = connect(Recorder(), workers="separate")
    notifier.submit(numbers(1), "Hello", key="good")
    bad = notifier.submit(numbers(1), "Hello", key="bad")
    with notifier._components.engine()._database.begin() as db:
        db.execute(sa.update(jobs).where(jobs.c.key == "bad").values(expires=1e300))
    assert [job.key for job in notifier.jobs()] == ["good"]
    with pytest.raises(ConfigError, match="damaged"):
        bad.progress()


def test_an_expiry_counts_from_the_time_to_begin(connect: MakeNotifier) -> None:
    """Yesterday's code, valid for an hour, is not sent today."""
    transport = Recorder()
    yesterday = NOW - datetime.timedelta(days=1)
    job = connect(transport).submit(numbers(1), "4711", at=yesterday, expires_in=3600)
    assert job.wait(30).skipped == 1
    assert not transport.batches


def _deep() -> Any:
    found: Any = []
    for _ in range(5000):
        found = [found]
    return found


class Odd:
    """Something that JSON does not know, and that can't be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __hash__(self) -> int:
        return 1


_ODD: dict[str, Callable[[], Any]] = {
    "half": lambda: HALF,
    "deep": _deep,
    "keys": lambda: {(1, 2): {3}},
    "long": lambda: 10**5000,
    "odd": Odd,
    "odd key": lambda: {Odd(): 1},
    "nan": lambda: float("nan"),
    "nul": lambda: "\0",
}


@pytest.mark.parametrize("odd", _ODD)
@pytest.mark.parametrize("accepted", [True, False])
def test_what_a_transport_returns_can_always_be_stored(
    each_store: Store, notifiers: Callable[..., Notifier], odd: str, accepted: bool
) -> None:
    """A clear answer stays clear, whatever else is in it."""
    value = _ODD[odd]()

    def answer(batch: Batch, before: int) -> Submission:
        if not accepted:
            raise RateLimited(f"full {value if isinstance(value, str) else ''}", "ERR013", waits=())
        return Submission("id", fields={"raw": value})

    job = notifiers(each_store, Recorder(answer)).submit(numbers(1), "Hello")
    job.wait(30)
    (receipt,) = job.receipts()
    assert receipt.outcome is (Outcome.ACCEPTED if accepted else Outcome.REJECTED)


@pytest.mark.parametrize("call", ["cancel", "pause", "resume", "progress", "report"])
def test_errors_of_the_database_are_reported_without_values(connect: MakeNotifier, call: str) -> None:
    """One translation at the edge, for every method of a job."""
    notifier = connect(Recorder(), workers="separate")
    job = notifier.submit(numbers(1), "Hello", key="k")
    with notifier._components.engine()._database.begin() as db:
        for table in ("notifykit_batches", "notifykit_jobs"):
            db.execute(sa.text(f"drop table {table}"))
    with pytest.raises(ConfigError, match="database_url") as caught:
        getattr(job, call)()
    assert str(FIRST) not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_file_is_reported(store: Store, notifiers: Callable[..., Notifier], seed: int) -> None:
    """200 flipped bytes, anywhere: an error that says what to do, or nothing at all."""
    with notifiers(store, Recorder(), workers="separate") as notifier:
        notifier.submit(numbers(50), "Hello", key="k")
    dice = random.Random(seed)
    content = bytearray(store.file.read_bytes())
    for _ in range(200):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    store.file.write_bytes(content)
    notifier = notifiers(store, Recorder(), workers="separate")
    for ask in (
        notifier.jobs,
        lambda: list(notifier.job("k").receipts()),
        lambda: notifier.job("k").cancel(),
        lambda: notifier.submit(numbers(1), "Hello"),
    ):
        # Anything else that is raised fails the test.
        with contextlib.suppress(ConfigError, KeyError):
            ask()
