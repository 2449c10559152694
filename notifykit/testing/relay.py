"""How other processes reach the outboxes: each question is one connection to the process that has them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Final

from notifykit.errors import NotReached
from notifykit.testing.ground import Ground
from notifykit.testing.opened import OPENED, AmbiguousOutbox, OutboxUnreachable

#: Processes that may ask at once: whoever finds no room would take it that nobody listens.
_WAITING: Final = 128


class Relay:
    """Listens to other processes, in a thread of its own."""

    def __init__(self) -> None:
        self._listener: Listener | None = None
        self._ground: Ground | None = None
        self._lock = threading.Lock()

    def start(self, ground: Ground) -> None:
        """Listen at the address of these rules, and no longer at that of others."""
        with self._lock:
            held = self._ground
            # A forked process inherits its parent's listener, and a run within a run has rules of its own.
            if held is not None and held.ours and held.address == ground.address:
                return
            self._stop()
            listener = Listener(ground.address, backlog=_WAITING, authkey=ground.key.encode())
            self._listener, self._ground = listener, ground
            threading.Thread(target=self._serve, args=(listener,), name="notifykit-outbox", daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        listener, rules = self._listener, self._ground
        self._listener = self._ground = None
        if listener is None or rules is None or not rules.ours:
            return
        # It is in the middle of accept(), and only somebody who calls gets it out of there.
        with contextlib.suppress(OSError, EOFError):
            Client(rules.address, authkey=rules.key.encode()).close()
        listener.close()

    def _serve(self, listener: Listener) -> None:
        while self._listener is listener:
            try:
                connection = listener.accept()
            except Exception:  # noqa: S112 - somebody who is none of ours, or who is gone
                continue
            threading.Thread(target=_serve_one, args=(connection,), daemon=True).start()


def ask(ground: Ground, *question: Any) -> Any:
    """Ask the process that has the outboxes, and return its answer.

    :raises OutboxUnreachable: where it does not listen, or went away before it answered.
    """
    try:
        with Client(ground.address, authkey=ground.key.encode()) as connection:
            connection.send(question)
            answer = connection.recv()
    except (OSError, EOFError, AuthenticationError) as error:
        raise OutboxUnreachable(ground.pid, type(error).__name__) from error
    if isinstance(answer, AmbiguousOutbox):
        raise answer
    return answer


def _serve_one(connection: Connection) -> None:  # type: ignore[type-arg,unused-ignore]
    with connection, contextlib.suppress(OSError, EOFError):
        verb, *arguments = connection.recv()
        try:
            answer = _VERBS[verb](*arguments)
        except Exception as error:
            answer = error
        connection.send(answer)


def _find(owner: str | None) -> Any:
    box = OPENED.find(owner)
    return None if box is None else (box.token, box.clock.now())


def _answer(token: str, handed: Any, timeout: float) -> Any:
    box = OPENED.get(token)
    if box is None:
        return NotReached("The outbox was closed before the request came.", "closed", waits=())
    return box.answer(handed, timeout)


def _record(token: str, handed: Any, answer: Any) -> None:
    box = OPENED.get(token)
    if box is not None:
        box.record(handed, answer)


def _sleep(token: str, seconds: float) -> None:
    box = OPENED.get(token)
    if box is not None:
        box.clock.sleep(seconds)


_VERBS: Final[Mapping[str, Callable[..., Any]]] = {"find": _find, "answer": _answer, "record": _record, "sleep": _sleep}
#: That of this process.
RELAY: Final = Relay()
