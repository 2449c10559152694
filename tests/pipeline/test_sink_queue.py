"""Sinks behind a queue: a slow one holds up no send, and nothing of a quick one changes."""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
import threading

import pytest

from notifykit import MemoryTransport, Notifier, PluginHost

NUMBER = "96598765432"


class _Stopped:
    """A sink whose first event takes until it is let go."""

    name = "stopped"

    def __init__(self) -> None:
        self.go = threading.Event()
        self.names: list[str] = []

    def handle(self, event) -> None:
        assert self.go.wait(30)
        self.names.append(event.name)


def _notifier(tmp_path, sink, strict=False, **settings) -> Notifier:
    return Notifier.from_settings(
        MemoryTransport(),
        directory=tmp_path,
        environment={"NOTIFYKIT_STATE_DIR": str(tmp_path)},
        host=PluginHost(entry_points=False, strict=strict),
        sinks=[sink],
        **settings,
    )


def test_a_sink_that_is_stopped_holds_up_no_send(tmp_path, caplog):
    """Twenty sends end before it has handled one event; afterwards it gets all of them, in order."""
    sink = _Stopped()
    with _notifier(tmp_path, sink) as notifier:
        for _ in range(20):
            assert notifier.send(NUMBER, "Hello").accepted
        assert sink.names == []
        sink.go.set()
    assert sink.names == ["message_planned", "attempt_finished", "send_finished"] * 20
    assert [record.message for record in caplog.records if "is slow" in record.message] == [
        "the sink stopped is slow: from now on it runs behind the sends, in a queue"
    ]


def test_a_quick_sink_has_handled_a_send_when_it_returns(tmp_path):
    """Nothing has to be closed first, so that tests can look at what it got."""
    events = []
    notifier = _notifier(tmp_path, events.append)
    notifier.send(NUMBER, "Hello")
    assert [event.name for event in events] == ["message_planned", "attempt_finished", "send_finished"]
    notifier.close()


def test_what_a_slow_sink_raises_is_logged(tmp_path, caplog):
    """As what a quick one raises is."""
    go = threading.Event()
    seen = []

    def broken(event):
        go.wait(30)
        seen.append(event.id)
        raise ValueError(event.id)

    with _notifier(tmp_path, broken) as notifier:
        assert notifier.send(NUMBER, "Hello").accepted
        go.set()
    assert "raised and was passed over" in caplog.text
    assert "ValueError" in caplog.text
    assert seen[0] not in caplog.text


def test_a_full_queue_leaves_events_out_and_says_how_many(tmp_path, caplog):
    """The first event is being handled, two wait, and the other six of three sends are left out."""
    sink = _Stopped()
    with _notifier(tmp_path, sink, sink_queue=2) as notifier:
        for _ in range(3):
            assert notifier.send(NUMBER, "Hello").accepted
        sink.go.set()
    assert len(sink.names) == 3
    assert "events were left out of the sink stopped because its queue was full: 6" in caplog.text


def test_a_full_queue_may_hold_up_a_send_instead(tmp_path):
    """For a log that has to be whole."""
    sink = _Stopped()
    with _notifier(tmp_path, sink, sink_queue=1, sink_queue_full="wait") as notifier:
        threads = [threading.Thread(target=notifier.send, args=(NUMBER, "Hello")) for _ in range(3)]
        for thread in threads:
            thread.start()
        sink.go.set()
        for thread in threads:
            thread.join(30)
    assert len(sink.names) == 9


def test_a_sink_runs_in_the_context_of_its_send(tmp_path):
    """Tracing and structured logging keep their names there."""
    request = contextvars.ContextVar("request", default="none")
    seen = []

    def look(event):
        seen.append(request.get())

    with _notifier(tmp_path, look) as notifier:
        request.set("r1")
        notifier.send(NUMBER, "Hello")
    assert set(seen) == {"r1"}


def test_a_sink_that_sends_never_waits_for_itself(tmp_path):
    """It gets no event of what it sends itself."""
    names = []

    def sends(event):
        names.append(event.name)
        if len(names) == 1:
            notifier.send(NUMBER, "Hello again")

    with _notifier(tmp_path, sends) as notifier:
        assert notifier.send(NUMBER, "Hello").accepted
    assert len(names) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_nothing_is_lost_at_the_end_of_a_program_nor_in_a_forked_one(tmp_path):
    """Neither closes the notifier; the child uses none of its parent's threads."""
    code = (
        "import os, sys, time\n"
        "from notifykit import MemoryTransport, Notifier\n"
        "def slow(event):\n"
        "    time.sleep(0.3)\n"
        "    with open(sys.argv[1], 'a') as file:\n"
        "        file.write(f'{os.getpid() == parent} {event.name}\\n')\n"
        "parent = os.getpid()\n"
        "notifier = Notifier(MemoryTransport(), sinks=[slow])\n"
        "notifier.send('96598765432', 'Hello')\n"
        "child = os.fork()\n"
        "notifier.send('96598765432', 'Hello')\n"
        "if child:\n    assert os.waitpid(child, 0)[1] == 0\n"
    )
    environment = {**os.environ, "NOTIFYKIT_STATE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "log")], env=environment, check=True)
    said = (tmp_path / "log").read_text().splitlines()
    assert sorted(said) == sorted(
        f"{parent} {name}"
        for parent, times in ((True, 2), (False, 1))
        for name in ["message_planned", "attempt_finished", "send_finished"] * times
    )


def test_in_strict_mode_a_sink_runs_in_the_thread_that_sends(tmp_path):
    """So there the sink runs in the thread that sends."""
    threads = set()

    def look(event):
        threads.add(threading.current_thread())

    with _notifier(tmp_path, look, strict=True) as notifier:
        notifier.send(NUMBER, "Hello")
    assert threads == {threading.current_thread()}


def test_the_thread_of_a_sink_ends_when_there_is_nothing_to_do(tmp_path, monkeypatch):
    """A notifier that nobody closes leaves none behind."""
    monkeypatch.setattr("notifykit.pipeline.sink_queue._IDLE", 0.01)
    threads = []

    def look(event):
        threads.append(threading.current_thread())

    notifier = _notifier(tmp_path, look)
    for _ in range(2):
        notifier.send(NUMBER, "Hello")
        threads[-1].join(30)
        assert not threads[-1].is_alive()
    notifier.close()
