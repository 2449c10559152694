"""What several benchmarks have a side do: send one text over HTTP."""

from __future__ import annotations

import json
import os
import pathlib
import time
from collections.abc import Callable
from itertools import repeat
from typing import Any

from benchmarks import people

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class SkippingClock:
    """The machine's clock, with the waiting left out: processes share it, so the rate limit is kept in the file as always."""

    shared = True

    def __init__(self) -> None:
        self._skipped = 0.0

    def monotonic(self) -> float:
        """Return seconds, those that were slept through among them."""
        return time.monotonic() + self._skipped

    def now(self) -> Any:
        """Return the time of day, UTC."""
        import datetime

        return datetime.datetime.now(datetime.UTC)

    def sleep(self, seconds: float) -> None:
        """Let time pass without waiting for it."""
        self._skipped += seconds


def notifier(context: dict[str, Any], clock: Any) -> Any:
    """Return a notifier with the kwtsms transport, made as users make it, with the JSONL log unless ``log`` is false."""
    from notifykit import Notifier

    scratch = pathlib.Path(context["scratch"])
    environment = {
        "KWTSMS_USERNAME": "benchmark",
        "KWTSMS_PASSWORD": "secret",
        "KWTSMS_SENDER_ID": "BENCH",
        "KWTSMS_TEST_MODE": "0",
        "KWTSMS_BASE_URL": context["url"],
        "NOTIFYKIT_LOG_FILE": str(scratch / f"sends-{os.getpid()}.jsonl") if context.get("log", True) else "",
        "NOTIFYKIT_STATE_DIR": str(scratch / f"state-{os.getpid()}"),
    }
    return Notifier.from_settings("kwtsms", environment=environment, directory=scratch, clock=clock)


def ours(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Send through the whole pipeline: normalized, cleaned, planned, kept within the rate limit, logged.

    Every send finds that the last one was long enough ago. With ``no rate limit`` the transport has no rate limit at all.
    """
    import attrs

    clock = SkippingClock()
    sender = notifier(context, clock)
    if case == "no rate limit":
        sender.transport.capabilities = attrs.evolve(sender.transport.capabilities, rate_limit=None)
    accepted = 0

    def work(times: int) -> None:
        nonlocal accepted
        for _ in repeat(None, times):
            clock.sleep(1.0)
            accepted += len(sender.send(people.CLEAN, people.CODE).accepted)

    return work, lambda: accepted


def peer(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Send through the official client; nothing of it is changed but the address."""
    from kwtsms import KwtSMS, _core

    _core.BASE_URL = context["url"]
    log = str(pathlib.Path(context["scratch"], f"peer-{os.getpid()}.log"))
    client = KwtSMS("benchmark", "secret", "BENCH", False, log_file=log)
    accepted = 0

    def work(times: int) -> None:
        nonlocal accepted
        for _ in repeat(None, times):
            accepted += client.send(people.CLEAN, people.CODE)["numbers"]

    return work, lambda: accepted


def urllib3(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Post a body that is there already, and read the answer without looking at it: nothing but the request."""
    import urllib3

    pool = urllib3.PoolManager(maxsize=context.get("connections", 1))
    url, body = f"{context['url']}send/", _body()
    accepted = 0

    def work(times: int) -> None:
        nonlocal accepted
        for _ in repeat(None, times):
            answer = pool.request("POST", url, body=body, headers=_HEADERS)
            accepted += bool(answer.data)

    return work, lambda: accepted


def floor(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Do by hand what a send has to do: encode, post over a kept pool, read the answer, write one line."""
    import urllib3

    pool = urllib3.connection_from_url(context["url"], maxsize=8)
    descriptor = os.open(
        pathlib.Path(context["scratch"], f"floor-{os.getpid()}.log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
    )
    accepted = 0

    def work(times: int) -> None:
        nonlocal accepted
        for _ in repeat(None, times):
            answer = pool.urlopen("POST", "/API/send/", body=_body(), headers=_HEADERS, retries=False, redirect=False)
            said = json.loads(answer.data)
            line = json.dumps({"ts": time.time(), "to": people.CLEAN[-4:], "id": said["msg-id"], "ok": said["result"]})
            os.write(descriptor, line.encode() + b"\n")
            accepted += said["numbers"]

    return work, lambda: accepted


def _body() -> bytes:
    fields = {
        "username": "benchmark",
        "password": "secret",
        "sender": "BENCH",
        "mobile": people.CLEAN,
        "message": people.CODE,
        "test": "0",
    }
    return json.dumps(fields).encode()


def asked(body: str) -> dict[str, str]:
    """Return what a request asked for, to compare."""
    fields: dict[str, str] = json.loads(body)
    return fields
