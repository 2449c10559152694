"""Transports that need no provider."""

from __future__ import annotations

import io

import pytest

from notifykit import ConfigError, MemoryTransport, Notifier, PluginHost
from notifykit.transports.stubs import ConsoleTransport

NUMBER = "96598765432"


def _host() -> PluginHost:
    return PluginHost(entry_points=False)


@pytest.mark.parametrize("name", ["memory", "console", "null", "memory://default"])
def test_stubs_are_built_by_name_or_dsn(name, capsys):
    """Each takes a message, calls it a test, and says its own DSN."""
    with Notifier(name, host=_host()) as notifier:
        (receipt,) = notifier.send(NUMBER, "Hello")
        assert receipt.test
        assert "nothing reaches a phone" in receipt.advice
        assert str(notifier.transport) == f"{name.partition(':')[0]}://default"


def test_the_console_shows_the_message_and_keeps_standard_output_clean(capsys):
    """A person sees number and text in clear; a program's own output is not mixed with it."""
    with Notifier("console", host=_host()) as notifier:
        notifier.send(NUMBER, "Your code is 123456", sender="ACME")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert NUMBER in printed.err
    assert "Your code is 123456" in printed.err
    assert "ACME" in printed.err


def test_a_console_that_knows_no_arabic_still_shows_something():
    """Characters that the stream can't encode are spelled out instead of raising."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with Notifier(ConsoleTransport(stream), host=_host()) as notifier:
        assert len(notifier.send(NUMBER, "رمز").accepted) == 1
    stream.seek(0)
    assert "\\u0631" in stream.read()


def test_a_crowd_is_shown_by_its_first_members():
    """A campaign does not flood the screen."""
    stream = io.StringIO()
    with Notifier(ConsoleTransport(stream), host=_host()) as notifier:
        notifier.send([f"9659000000{index}" for index in range(8)], "Hi")
    assert "and 3 more" in stream.getvalue()


def test_stubs_plan_like_the_transport_that_they_imitate():
    """With the kwtSMS plugin installed, a test sees segments, cost and batches of 200."""
    with Notifier("memory") as notifier:
        plan = notifier.plan([f"9659{index:07d}" for index in range(250)], "Hello")
    assert (plan.segments, plan.cost, [len(batch) for batch in plan.batches]) == (1, 250, [200, 50])
    assert plan.notices == ()


def test_to_be_like_an_unknown_transport_is_a_config_error():
    """A typing slip in ``like`` is an error."""
    with pytest.raises(ConfigError, match="pigeon"):
        Notifier("memory://default?like=pigeon")
    with pytest.raises(ConfigError, match="option"):
        Notifier("null://default?colour=red")


def test_memory_gives_the_answers_of_a_test():
    """Answers are used up in order, and functions see the batch."""
    transport = MemoryTransport([lambda batch: ValueError(f"{len(batch)}")])
    with Notifier(transport, host=_host()) as notifier:
        assert notifier.send(NUMBER, "a").unknown[0].code == "ValueError"
        assert len(notifier.send(NUMBER, "b").accepted) == 1
    assert [batch.message.text for batch in transport.batches] == ["a", "b"]
