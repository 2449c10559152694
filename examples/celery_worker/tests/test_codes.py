"""What a person gets, and what becomes of a task, for each thing that a provider may do."""

from collections.abc import Iterator

import pytest
from celery.signals import before_task_publish, task_retry

from notifykit import RateLimited
from tasks import ask_for_code, send_code

MOBILE = "+965 9876 5432"


@pytest.fixture
def countdowns() -> Iterator[list[float]]:
    """Give the seconds after which tasks want to be tried again."""
    found: list[float] = []

    def note(reason, **_):
        found.append(reason.when)

    task_retry.connect(note)
    yield found
    task_retry.disconnect(note)


@pytest.mark.usefixtures("eager")
class TestTask:
    """The task by itself."""

    def test_a_code_is_sent(self, notify_outbox):
        code, result = ask_for_code(MOBILE)
        assert result.get() == "accepted"
        message = notify_outbox.one(to="96598765432", tags="otp")
        assert message.otp == code
        assert message.segments == 1

    def test_a_full_queue_is_waited_for(self, notify_outbox, notify_script, countdowns):
        notify_script.queue_full(code="ERR013", times=2)
        _, result = ask_for_code(MOBILE)
        assert result.get() == "accepted"
        assert [message.outcome for message in notify_outbox.attempts] == ["rejected", "rejected", "accepted"]
        assert len({message.otp for message in notify_outbox.attempts}) == 1
        assert countdowns == [30, 60]

    def test_a_lost_answer_is_not_sent_again(self, notify_outbox, notify_script, countdowns):
        notify_script.unknown()
        _, result = ask_for_code(MOBILE)
        assert result.get() == "unknown"
        assert len(notify_outbox.attempts) == 1
        assert countdowns == []

    def test_what_waiting_does_not_cure_is_not_tried_again(self, notify_outbox, notify_script, countdowns):
        notify_script.reject(code="ERR010")
        _, result = ask_for_code(MOBILE)
        assert result.get() == "rejected"
        assert len(notify_outbox.attempts) == 1
        assert countdowns == []

    @pytest.mark.parametrize("mobile", ["22334455", "", "+965 9876 5432, +965 9876 5433"])
    def test_a_number_that_is_none_is_not_tried(self, notify_outbox, mobile):
        _, result = ask_for_code(mobile)
        assert result.get() == "rejected"
        assert not notify_outbox.attempts

    def test_a_second_code_waits_for_a_minute(self, notify_outbox, notify_clock):
        outcomes = []
        for seconds in (0, 59, 1):
            notify_clock.advance(seconds)
            _, result = ask_for_code(MOBILE)
            outcomes.append(result.get())
        assert outcomes == ["accepted", "skipped", "accepted"]
        notify_outbox.assert_count(2, to=MOBILE)

    def test_when_nothing_helps_it_is_rejected_and_no_log_has_number_or_code(self, notify_script, caplog):
        notify_script.queue_full(code="ERR013", times=4)
        code, result = ask_for_code(MOBILE)
        assert result.get() == "rejected"
        assert notify_script.pending == 0
        assert "ERR013" in caplog.text
        for secret in (code, MOBILE, "96598765432"):
            assert secret not in caplog.text

    def test_a_task_that_is_delivered_again_sends_once(self, notify_outbox):
        delivered = [send_code.apply_async((MOBILE, "123456"), task_id="the-same").get() for _ in range(2)]
        assert delivered == ["accepted", "accepted"]
        notify_outbox.assert_count(1)


@pytest.mark.usefixtures("worker")
class TestWorker:
    """The task on its way through a broker, to a worker that was there before the test."""

    def test_a_full_queue_is_waited_for(self, notify_outbox, notify_script, countdowns):
        # The queue of this provider is empty again after a blink: the broker really waits for it.
        notify_script.refuse(RateLimited("The queue is full.", "ERR013", waits=(0.05, 0.05)), times=2)
        code, result = ask_for_code(MOBILE)
        assert result.get(timeout=10) == "accepted"
        assert notify_outbox.one().otp == code
        assert len(notify_outbox.refused) == 2
        assert countdowns == [0.05, 0.05]

    def test_monitors_see_neither_number_nor_code(self, notify_outbox, notify_script):
        published = []

        def note(headers, **_):
            published.append(headers)

        notify_script.refuse(RateLimited("The queue is full.", "ERR013", waits=(0.05,)))
        before_task_publish.connect(note)
        code, result = ask_for_code(MOBILE)
        assert result.get(timeout=10) == "accepted"
        before_task_publish.disconnect(note)
        assert [headers["retries"] for headers in published] == [0, 1]
        assert code not in repr(published)
        assert MOBILE not in repr(published)
        assert notify_outbox.one().otp == code

    def test_a_lost_answer_is_not_sent_again(self, notify_outbox, notify_script):
        notify_script.unknown()
        _, lost = ask_for_code(MOBILE)
        _, other = ask_for_code("+965 5111 2222")
        assert (lost.get(timeout=10), other.get(timeout=10)) == ("unknown", "accepted")
        assert len(notify_outbox.unknown) == 1
        notify_outbox.assert_none(to=MOBILE)

    def test_a_code_that_is_too_late_is_not_sent(self, notify_outbox, notify_script, monkeypatch):
        monkeypatch.setattr("tasks.LIFETIME", 0.2)
        notify_script.refuse(RateLimited("The queue is full.", "ERR013", waits=(0.3,)))
        _, result = ask_for_code(MOBILE)
        # A slow machine does not try it even once.
        assert result.get(timeout=10) in ("rejected", "skipped")
        notify_outbox.assert_none()
