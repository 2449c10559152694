"""The sink ``structlog`` with the real library: an event for each event, with flat keys."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

structlog = pytest.importorskip("structlog")

from notifykit import (  # noqa: E402 - the library comes first
    AuthFailed,
    ConfigError,
    MemoryTransport,
    Notifier,
    OutcomeUnknown,
    PluginHost,
    Submission,
    VirtualClock,
)
from notifykit.integrations.structlog import StructlogSink  # noqa: E402
from notifykit.testing.contracts import SinkContract  # noqa: E402

NUMBER = "96598765432"
TEXT = "Your code is 778899"
FAILED = AuthFailed("Wrong password.", "ERR003", action="Set the password.")


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """Configure structlog as a program in a container does."""
    written = io.StringIO()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(written),
    )
    yield written
    structlog.reset_defaults()


def _send(*answers: Any, to: Any = NUMBER, **settings: Any) -> None:
    arguments: dict[str, Any] = {"environment": {"NOTIFYKIT_SINKS": "structlog"}, "clock": VirtualClock()}
    host = PluginHost(entry_points=False)
    with Notifier.from_settings(MemoryTransport(answers), host=host, **arguments, **settings) as notifier:
        notifier.send(to, TEXT, tags=["otp"])


def test_the_settings_name_it_and_each_event_is_one_line(output: io.StringIO) -> None:
    """Flat keys, the levels of the sink ``logging``, and the context of the program."""
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        _send(Submission("id-1", cost=1, balance=149))
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("message_planned", "debug"),
        ("attempt_finished", "info"),
        ("send_finished", "debug"),
    ]
    assert {line["request_id"] for line in lines} == {"r-1"}
    assert len({line["id"] for line in lines}) == 1
    (attempt,) = [line for line in lines if line["event"] == "attempt_finished"]
    assert attempt.pop("timestamp")
    assert attempt == {
        "event": "attempt_finished",
        "level": "info",
        "request_id": "r-1",
        "id": lines[0]["id"],
        "batch": f"{lines[0]['id']}-1",
        "attempt": 1,
        "transport": "memory://default",
        "outcome": "accepted",
        "to": "965****5432",
        "numbers": 1,
        "msg_id": "id-1",
        "cost": 1,
        "balance": 149,
        "elapsed_ms": 0.0,
        "test": False,
    }
    assert not any(isinstance(value, dict) for line in lines for value in line.values())


def test_an_error_says_what_to_do(output: io.StringIO) -> None:
    """As the sentence of the sink ``logging`` does."""
    _send(FAILED, to=["abc", NUMBER])
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    excluded, attempt = lines[1:3]
    assert (excluded["event"], excluded["level"]) == ("recipient_excluded", "warning")
    assert excluded["reason"] == "There are no digits in this address."
    assert (attempt["level"], attempt["code"], attempt["scope"]) == ("error", "ERR003", "account")
    assert (attempt["error"], attempt["action"]) == ("Wrong password.", "Set the password.")


def test_no_number_and_no_text_whatever_the_settings_say(output: io.StringIO) -> None:
    """Those are for a file of their own."""
    _send(OutcomeUnknown("Lost."), log_numbers="full", log_body="full")
    assert output.getvalue().count("\n") == 3
    for secret in (NUMBER, "778899", "Your code"):
        assert secret not in output.getvalue()


def test_every_renderer_can_write_it(capsys: pytest.CaptureFixture[str]) -> None:
    """That of a developer's console, and key=value."""
    for renderer in (structlog.dev.ConsoleRenderer(colors=False), structlog.processors.LogfmtRenderer()):
        structlog.configure(processors=[renderer], logger_factory=structlog.PrintLoggerFactory(sys.stdout))
        try:
            _send(Submission("id-1"))
        finally:
            structlog.reset_defaults()
        shown = capsys.readouterr().out
        assert "attempt_finished" in shown
        assert "outcome=accepted" in shown


def test_a_logger_of_ones_own(output: io.StringIO) -> None:
    """One that has more bound to it."""
    sink = StructlogSink(structlog.get_logger().bind(service="shop"))
    with Notifier("memory", sinks=[sink], host=PluginHost(entry_points=False)) as notifier:
        notifier.send(NUMBER, TEXT)
    assert {json.loads(line)["service"] for line in output.getvalue().splitlines()} == {"shop"}


def test_structlog_can_render_the_records_of_logging_instead() -> None:
    """Where a program has structlog format the standard library's records, the sink ``logging`` is enough."""
    handler = logging.StreamHandler(io.StringIO())
    processors = [structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder()]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=processors,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler.setFormatter(formatter)
    logger = logging.getLogger("notifykit")
    logger.addHandler(handler)
    try:
        with Notifier(MemoryTransport([FAILED]), host=PluginHost(entry_points=False)) as notifier:
            notifier.send(NUMBER, TEXT)
    finally:
        logger.removeHandler(handler)
    record = json.loads(handler.stream.getvalue())
    assert (record["nk_event"], record["nk_code"], record["level"]) == ("attempt_finished", "ERR003", "error")


def test_without_the_library_the_error_has_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a program that does not name the sink needs no library."""
    monkeypatch.delitem(sys.modules, "notifykit.integrations.structlog")
    monkeypatch.setitem(sys.modules, "structlog", None)
    with Notifier.from_settings("memory", environment={}, host=PluginHost(entry_points=False)):
        pass
    with pytest.raises(ConfigError, match=r'pip install "notifykit\[structlog\]"'):
        _send()


class TestStructlogKeepsItsPromises(SinkContract):
    """As every sink."""

    def sink(self):
        self.lines = []
        processors = [structlog.processors.JSONRenderer(), lambda *_: self.lines.append(_[2]) or _drop()]
        return StructlogSink(structlog.wrap_logger(None, processors=processors, wrapper_class=structlog.BoundLogger))

    def output(self, sink):
        return list(self.lines)


def _drop():
    raise structlog.DropEvent
