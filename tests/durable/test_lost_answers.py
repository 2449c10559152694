"""The answer to a commit is lost: what was written is there, and the worker that asks again must know it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

from notifykit import ConfigError, Outcome
from notifykit.durable.database import Database, DurableSettings
from notifykit.durable.store import JobStore
from notifykit.durable.worker import recover
from tests.durable.bench import Bench, said
from tests.durable.conftest import MakeNotifier, Recorder, Store, people, settings
from tests.durable.test_next_batches import claimed

if TYPE_CHECKING:
    import sqlalchemy as sa


@pytest.fixture(name="bench")
def _bench(each_store: Store) -> Iterator[Bench]:
    bench = Bench(DurableSettings.of(settings(each_store)))
    yield bench
    bench.database.close()


def lose_one_answer(monkeypatch: pytest.MonkeyPatch, here: Callable[[], bool] = lambda: True) -> list[bool]:
    """Let the first transaction of which ``here`` is true commit, and raise as a connection that ends does."""
    begin, lost = Database.begin, list[bool]()

    @contextlib.contextmanager
    def broken(self: Database) -> Iterator[sa.Connection]:
        with begin(self) as db:
            yield db
        if not lost and here():
            lost.append(True)
            raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    monkeypatch.setattr(Database, "begin", broken)
    return lost


def test_an_accepted_message_is_not_sent_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result of a request is recorded twice, and the worker dies: the next one knows the result."""
    bench.job("k", [1])
    first = bench.take()[0]
    batch = claimed(bench, first)
    request = bench.store.start_request(batch, "t", [0])
    assert request is not None
    with monkeypatch.context() as patch:
        assert lose_one_answer(patch) is not None
        bench.store.complete_request(batch, request, said(batch, Outcome.ACCEPTED))
    again = claimed(bench, first)
    assert not again.lost
    assert [receipt.outcome for receipt in recover(again).values()] == [Outcome.ACCEPTED]


def test_a_request_is_started_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second record of it would make a recipient unknown who was refused."""
    bench.job("k", [1])
    batch = claimed(bench, bench.take()[0])
    with monkeypatch.context() as patch:
        lost = lose_one_answer(patch)
        request = bench.store.start_request(batch, "t", [0])
    assert lost
    assert request is not None
    bench.store.complete_request(batch, request, said(batch, Outcome.REJECTED))
    bench.store.finish_try(batch, said(batch, Outcome.REJECTED), 5.0)
    assert not claimed(bench, bench.take()[0]).lost


def test_a_job_that_is_published_is_not_deleted(connect: MakeNotifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller learns of an error, and submits the job with the same key again: everyone gets the message once."""
    thread, publish = threading.local(), JobStore.publish

    def marked(self: JobStore, *arguments: Any, **options: Any) -> None:
        thread.publishes = True
        try:
            publish(self, *arguments, **options)
        finally:
            thread.publishes = False

    monkeypatch.setattr(JobStore, "publish", marked)
    lost = lose_one_answer(monkeypatch, lambda: getattr(thread, "publishes", False))
    recorder = Recorder()
    notifier = connect(recorder)
    with pytest.raises(ConfigError):
        notifier.submit(people(3000), "Hello", key="k")
    assert lost
    assert notifier.job("k").progress().total == 3000
    progress = notifier.submit(people(3000), "Hello", key="k").wait(60)
    assert progress.accepted == len(recorder.addresses) == 3000


def test_the_batch_that_was_taken_along_is_sent(connect: MakeNotifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a batch and the hand-over of the next are stored: the queue delivers the task again, which leads to it."""
    monkeypatch.setattr("notifykit.durable.engine.TURN", 60.0)
    thread, finish_try = threading.local(), JobStore.finish_try

    def marked(self: JobStore, *arguments: Any, **options: Any) -> Any:
        thread.finishes = True
        try:
            return finish_try(self, *arguments, **options)
        finally:
            thread.finishes = False

    monkeypatch.setattr(JobStore, "finish_try", marked)
    lost = lose_one_answer(monkeypatch, lambda: getattr(thread, "finishes", False))
    recorder = Recorder()
    progress = connect(recorder).submit(people(200), "Hello").wait(60)
    assert lost
    assert progress.accepted == len(recorder.addresses) == 200
