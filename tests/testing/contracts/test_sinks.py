"""Every sink that comes with notifykit, through the contract that strangers' sinks are held to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import pytest

from notifykit.protocols import Sink
from notifykit.sinks.jsonl import JsonlSink
from notifykit.sinks.logging import LoggingSink
from notifykit.testing.contracts import SinkContract


class TestJsonl(SinkContract):
    """``jsonl``."""

    def sink(self) -> Sink:
        return JsonlSink(self.folder / "sends.jsonl")

    def output(self, sink: Sink) -> Sequence[str]:
        return (self.folder / "sends.jsonl").read_text(encoding="utf-8").splitlines()


class TestLogging(SinkContract):
    """``logging``, with every extra that a JSON formatter would write."""

    @pytest.fixture(autouse=True)
    def _everything_is_logged(self, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
        with caplog.at_level(logging.DEBUG, logger="notifykit"):
            self._log = caplog
            yield

    def sink(self) -> Sink:
        return LoggingSink()

    def output(self, sink: Sink) -> Sequence[str]:
        return [
            f"{record.getMessage()} { {n: v for n, v in vars(record).items() if n.startswith('nk_')} }"
            for record in self._log.records
        ]
