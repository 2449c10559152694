"""What every send of a test run is looked at by: into an outbox, on its way, or not at all."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Iterable
from typing import Final

from notifykit.errors import ConfigError, NotifyError
from notifykit.pipeline import intercept as detour
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.intercept import Interception, Interceptor
from notifykit.protocols import Transport
from notifykit.testing import ground, owners
from notifykit.testing.ground import Ground
from notifykit.testing.opened import OPENED, OutboxUnreachable

#: Where pytest says which test is running.
_TEST: Final = "PYTEST_CURRENT_TEST"


class LiveSendBlocked(NotifyError):  # noqa: N818 - it says what happened
    """A test was about to send for real. Nothing was sent.

    :param test: the test.
    :param transport: the transport, without secrets.
    """

    def __init__(self, test: str, transport: str) -> None:
        self.test = test
        self.transport = transport
        super().__init__(test, transport)

    def __str__(self) -> str:
        return (
            f"{self.test} was about to send for real through {self.transport}; nothing was sent. Three ways out: "
            "let the test take the fixture notify_outbox, and messages land there; let it send to a test server, as the "
            "fixture sms_sandbox is; or allow it in words: @pytest.mark.notify(live=True) for one test, --notifykit-live "
            "for a run, notifykit_live = allow in the settings of pytest"
        )


#: What was blocked in this process, for those who caught the error: the test, and the transport.
blocked: Final[list[tuple[str, str]]] = []


def look(transport: Transport) -> Interception | None:
    """Return the way into the outbox that a send belongs to; None where it goes its way.

    :raises LiveSendBlocked: where it would be sent for real, and nobody allowed that.
    :raises AmbiguousOutbox: where several outboxes are open and nothing says which.
    :raises OutboxUnreachable: where it belongs to an outbox of a process that does not answer.
    """
    owner = owners.current()
    box = OPENED.find(owner)
    if box is not None:
        return box.detour
    rules = ground.here()
    if rules is None:
        _insist_on_rules()
        return None
    if not rules.ours:
        try:
            far = _far(rules, owner or ground.owner())
        except OutboxUnreachable:
            _forbid(rules, transport)
            raise
        if far is not None:
            return far
    _forbid(rules, transport)
    return None


def only_of(threads: Iterable[threading.Thread], rules: str) -> Interceptor:
    """Return what forbids the live sends of some threads only: those that outlived a run, under its rules."""
    theirs, held = weakref.WeakSet(threads), ground.read(rules)

    def look(transport: Transport) -> Interception | None:
        if held is not None and threading.current_thread() in theirs:
            _forbid(held, transport)
        return None

    return look


def _insist_on_rules() -> None:
    """Raise where somebody said that this is a test, and not what it may send."""
    if os.environ.get(detour.VARIABLE) == ground.DIVERSION:
        raise ConfigError(
            f"{detour.VARIABLE} says that a test started this process, and {ground.VARIABLE} does not say what it may send: "
            "give it both, env={**env, **outbox.env}, or neither"
        )


def _forbid(rules: Ground, transport: Transport) -> None:
    """Raise where a transport would send for real, and the rules don't allow that."""
    if rules.live:
        return
    for leaf in leaves(transport):
        if leaf.capabilities.live and not rules.is_test_server(str(leaf)):
            test = os.environ.get(_TEST, "").rpartition(" (")[0] or "Something outside of any test"
            blocked.append((test, str(leaf)))
            raise LiveSendBlocked(test, str(leaf))


def _far(rules: Ground, owner: str | None) -> Interception | None:
    """Return the way into an outbox of the process that started this one; None where none is open there."""
    # Where no outbox was open when this process was started, that process may not listen at all.
    if owner is None and os.name != "nt" and not os.path.exists(rules.address):  # noqa: PTH110 - costs no import
        return None
    from notifykit.testing.carrying import FarWay
    from notifykit.testing.relay import ask

    asking = functools.partial(ask, rules)
    found = asking("find", owner)
    return FarWay(asking, *found).detour if isinstance(found, tuple) else None
