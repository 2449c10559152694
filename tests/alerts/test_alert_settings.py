"""Alerts by settings: over a real line, in several processes, and in ``notifykit doctor``."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from notifykit import (
    AsyncNotifier,
    AuthFailed,
    ConfigError,
    MemoryTransport,
    Notifier,
    PluginHost,
    Settings,
    VirtualClock,
)
from notifykit.alerts import BalanceBelow, CircuitOpen, ErrorShare, Refusals, UnknownOutcomes
from notifykit.alerts.settings import configured
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.transports.wire import answer, scripted

ROOT = pathlib.Path(__file__).parents[2]
#: The sandbox refuses the whole request with ERR024: this machine's address is not on the account's list.
NOT_LISTED = "96545000024"
#: Sends so often to a number, in a process of its own.
SENDS = """
import sys
from notifykit import Notifier
with Notifier.from_settings() as notifier:
    for _ in range(int(sys.argv[2])):
        notifier.send(sys.argv[1], "Your code is 778899")
"""


def _settings(**alert: Any) -> Settings:
    return Settings.load({"transport": "memory", "alert": alert}, environment={})


def _run(to: str, times: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SENDS, to, str(times)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def _bodies(wire: Any) -> list[dict[str, Any]]:
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in wire.requests]


def test_several_processes_send_one_alert(tmp_path: pathlib.Path) -> None:
    """Web workers share the window as they share the gateway; the alert arrives although they end at once."""
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox, scripted(answer()) as wire:
        environment = {
            **sandbox.env,
            "KWTSMS_RATE": "4",
            "NOTIFYKIT_STATE_DIR": str(tmp_path),
            "NOTIFYKIT_ALERT_VIA": f"webhook+http://127.0.0.1:{wire.port}/hook/s3cret",
        }
        processes = [_run(NOT_LISTED, 3, environment) for _ in range(3)]
        said = [process.communicate(timeout=60)[1] for process in processes]
        assert [process.returncode for process in processes] == [0, 0, 0], said
        (body,) = _bodies(wire)
        username = sandbox.env["KWTSMS_USERNAME"]
    assert (body["channel"], body["to"], body["tags"]) == ("push", ["all"], ["alert"])
    assert body["subject"].startswith("kwtsms refuses messages: ERR024 (")
    assert "Add this server's public IP address" in body["text"]
    for secret in (NOT_LISTED, "778899", username, "s3cret"):
        assert secret not in f"{body['subject']}{body['text']}"


def test_a_low_balance_is_read_from_the_gateways_answer(tmp_path: pathlib.Path) -> None:
    """The provider's own words for the alert are not needed: the answer has the number."""
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox, scripted(answer()) as wire:
        sandbox.account.change(balance=50)
        environment = {
            **sandbox.env,
            "KWTSMS_RATE": "4",
            "NOTIFYKIT_ALERT_VIA": f"webhook+http://127.0.0.1:{wire.port}/hook",
            "NOTIFYKIT_ALERT_BALANCE_BELOW": "49",
        }
        with Notifier.from_settings(environment=environment, directory=tmp_path, clock=VirtualClock()) as notifier:
            assert notifier.send("96598765432", "Hello").accepted
            assert _bodies(wire) == []
            assert notifier.send("96598765433", "Hello").accepted
        (body,) = _bodies(wire)
    assert "48 left on the account; the limit for this alert is 49." in body["text"]


def test_an_alert_that_hangs_holds_up_no_send() -> None:
    """A quarter of a second at most, and only once; the rest waits behind the sends."""
    from tests.transports.wire import stall

    with scripted(stall) as wire:
        settings = {"alert": {"via": f"webhook+http://127.0.0.1:{wire.port}/hook"}, "timeout": 0.6}
        host = PluginHost(entry_points=False)
        with Notifier.from_settings("null", host=host, environment={}, **settings) as notifier:
            assert notifier.send("96598765432", "Hello").accepted


def test_the_settings_make_the_rules() -> None:
    """Each setting is one rule; two are there without."""
    sink = configured(_settings(via="console", to="+96550000001"))
    assert sink is not None
    assert sink._rules == (Refusals(), CircuitOpen())
    sink = configured(
        _settings(
            via="console",
            to=["+96550000001"],
            every="30m",
            balance_below="50",
            unknown="3/10m",
            error_share="20%/15m",
            error_least=40,
            errors="AuthFailed, ERR032",
            circuit="no",
        )
    )
    assert sink is not None
    assert sink._rules == (
        Refusals(("AuthFailed", "ERR032")),
        BalanceBelow(50),
        UnknownOutcomes(3, 600),
        ErrorShare(0.2, 900, 40),
    )
    assert str(sink) == "through console://default, each at most once in 30 minutes"


def test_without_settings_there_is_no_sink() -> None:
    """Nobody is alerted who did not ask for it."""
    assert configured(_settings()) is None
    with Notifier.from_settings("memory", environment={}, host=PluginHost(entry_points=False)) as notifier:
        assert [info.brings for info in notifier.host.plugins if info.name == "alert"] == [()]


@pytest.mark.parametrize(
    ("alert", "problem"),
    [
        ({"via": "pigeon"}, "alert.via: no plugin brings 'pigeon'"),
        ({"via": "memory"}, "alert.via: this is the transport that sends the messages"),
        ({"via": "failover(memory, memory)"}, "alert.via: this is the transport that sends the messages"),
        ({"balance_below": "50"}, "alert.via: nothing says what carries the alerts"),
        ({"via": "smtp://localhost?from=shop%40example.com"}, "alert.to: nobody is named"),
        ({"via": "console", "to": "12"}, "alert.to: "),
        ({"via": "console", "unknown": "3"}, "alert.unknown (argument) is not so many in some time: write 3/10m"),
        ({"via": "console", "unknown": "3/10m, 5/1h"}, "alert.unknown (argument) is not so many in some time"),
        ({"via": "console", "error_share": "20/10m"}, "alert.error_share (argument) is not a share in some time"),
        ({"via": "console", "error_share": "120%/10m"}, "alert.error_share (argument) is not a share in some time"),
        ({"via": "console", "balance_below": "0"}, "alert.balance_below (argument) is not an amount above zero"),
        ({"via": "console", "errors": "AuthFaild"}, "did you mean AuthFailed?"),
        ({"via": "console", "sice": "1h"}, "sice (argument alert) is not a setting"),
    ],
)
def test_wrong_settings_are_an_error_when_the_notifier_is_made(alert: dict[str, str], problem: str) -> None:
    """At night it would be too late."""
    with pytest.raises(ConfigError) as caught:
        Notifier.from_settings("memory", environment={}, host=PluginHost(entry_points=False), alert=alert)
    assert any(problem in one for one in caught.value.problems), caught.value.problems
    assert len([one for one in caught.value.problems if "alert" in one or "did you mean" in one]) == 1


def test_all_problems_are_listed_at_once() -> None:
    """Nobody likes to correct one after the other."""
    alert = {"via": "console", "unknown": "x", "every": "soon", "circuit": "maybe"}
    with pytest.raises(ConfigError) as caught:
        configured(_settings(**alert))
    assert len(caught.value.problems) == 3


def test_the_sink_that_is_asked_for_needs_its_settings() -> None:
    """``sinks = ["alert"]`` alone would alert nobody."""

    def notifier(**environment: str) -> Notifier:
        return Notifier.from_settings("memory", environment=environment, host=PluginHost(entry_points=False))

    with pytest.raises(ConfigError, match="NOTIFYKIT_ALERT_VIA"):
        notifier(NOTIFYKIT_SINKS="alert")
    alert = {"NOTIFYKIT_ALERT_VIA": "console", "NOTIFYKIT_ALERT_TO": "+96550000001"}
    for sinks in ("alert", "logging,alert", "logging"):
        with notifier(NOTIFYKIT_SINKS=sinks, **alert) as made:
            assert [sink.name for sink in made._components.registry.sinks] == sinks.split(",")
    with notifier(**alert) as made:
        assert [sink.name for sink in made._components.registry.sinks] == ["logging", "alert"]


def test_a_named_transport_carries_alerts() -> None:
    """Names of the settings are known."""
    arguments: dict[str, Any] = {
        "transports": {"shop": "memory", "oncall": "console"},
        "alert": {"via": "oncall", "to": "+96550000001"},
    }
    with Notifier.from_settings("shop", environment={}, host=PluginHost(entry_points=False), **arguments):
        pass
    arguments["alert"]["via"] = "shop"
    with pytest.raises(ConfigError, match="this is the transport that sends the messages"):
        Notifier.from_settings("shop", environment={}, host=PluginHost(entry_points=False), **arguments)


def test_an_async_notifier_alerts_too(tmp_path: pathlib.Path) -> None:
    """The alert is sent in the sink's own thread, and is there when the notifier is closed."""

    async def send() -> None:
        settings = {
            "NOTIFYKIT_ALERT_VIA": f"webhook+http://127.0.0.1:{wire.port}/hook",
            "NOTIFYKIT_STATE_DIR": str(tmp_path),
        }
        refused = MemoryTransport([AuthFailed("Wrong password.", "E1")] * 3)
        host = PluginHost(entry_points=False)
        async with AsyncNotifier.from_settings(refused, environment=settings, host=host) as notifier:
            for _ in range(3):
                await notifier.send("96598765432", "Hello")

    with scripted(answer()) as wire:
        asyncio.run(send())
        (body,) = _bodies(wire)
    assert body["text"].startswith("memory refuses messages: E1")
