"""The outboxes that are open in this process, and which of them a send belongs to."""

from __future__ import annotations

import itertools
import os
import threading
from typing import Any, Final, Protocol

from notifykit.errors import NotifyError
from notifykit.models.receipt import Submission
from notifykit.pipeline.intercept import Interception, Interceptor, set_interceptor
from notifykit.protocols import Clock
from notifykit.testing import ground, owners
from notifykit.testing.ground import Ground, Variables
from notifykit.testing.owners import Inheritance
from notifykit.testing.sent import Handed


class Box(Protocol):
    """An outbox, as those see it who find it."""

    @property
    def token(self) -> str:
        """Names it."""
        ...

    @property
    def clock(self) -> Clock:
        """Its time."""
        ...

    @property
    def detour(self) -> Interception:
        """The way into it."""
        ...

    def answer(self, handed: Handed, timeout: float) -> Any:
        """Say what becomes of a request."""
        ...

    def record(self, handed: Handed, answer: Submission | Exception) -> None:
        """Take down how a request ended that went its way."""
        ...


class AmbiguousOutbox(NotifyError):  # noqa: N818 - it says what is the case
    """Several outboxes are open, and nothing says which of them a send belongs to."""

    def __str__(self) -> str:
        return (
            "several outboxes are open, and nothing says which of them this send belongs to. Where it is made by a thread "
            "that was started before, put `with outbox.owning():` around it; give a process that you start "
            "`env=outbox.env`; send a server `headers=outbox.headers` and put notifykit.testing.OwnerMiddleware "
            "around its application"
        )


class OutboxUnreachable(NotifyError):  # noqa: N818 - it says what is the case
    """The process that has the outboxes does not answer. Nothing was sent.

    :param pid: that process.
    :param reason: what came of the attempt, without secrets.
    """

    def __init__(self, pid: int, reason: str) -> None:
        self.pid = pid
        self.reason = reason
        super().__init__(pid, reason)

    def __str__(self) -> str:
        return (
            f"a test started this process, and process {self.pid}, which has the test's outbox, does not answer "
            f"({self.reason}); nothing was sent. Let the test wait for the processes that it starts before it ends, or "
            "start one that outlives it without the variables NOTIFYKIT_TESTING, NOTIFYKIT_INTERCEPTOR and NOTIFYKIT_OWNER"
        )


class Opened:
    """The outboxes that are open here, in the order in which they were opened."""

    def __init__(self) -> None:
        self._boxes: dict[str, Box] = {}
        #: The owner of whoever opened each.
        self._outer: dict[str, str | None] = {}
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._inheritance = Inheritance()
        self._variables = Variables()
        self._before: tuple[Interceptor | None] | None = None

    def find(self, owner: str | None) -> Box | None:
        """Return the outbox of an owner, or the only one; None where none is open.

        :raises AmbiguousOutbox: where several are open and none is the owner's.
        """
        if not self._boxes or self._pid != os.getpid():
            return None
        box = self._boxes.get(owner) if owner is not None else None
        if box is not None:
            return box
        boxes = tuple(self._boxes.values())
        if len(boxes) > 1:
            raise AmbiguousOutbox
        return boxes[0] if boxes else None

    def get(self, token: str) -> Box | None:
        """Return an outbox by its token; None where it is closed."""
        return self._boxes.get(token)

    def open(self, box: Box, look: Interceptor) -> bool:
        """Let an outbox take what belongs to it, and return whether it is the first.

        :param look: looks at the sends while one is open.
        """
        with self._lock:
            if self._pid != os.getpid():
                self._forget()
            first = not self._boxes
            if first:
                self._lay_ground()
                self._inheritance.switch_on()
                self._before = (set_interceptor(look),)
            self._outer[box.token] = owners.current()
            self._boxes[box.token] = box
            owners.become(box.token)
            self._tell_processes()
            return first

    def close(self, box: Box) -> bool:
        """Let an outbox take no more, and return whether it was the last."""
        with self._lock:
            if self._boxes.pop(box.token, None) is None:
                return False
            outer = self._outer.pop(box.token)
            if owners.current() == box.token:
                owners.become(outer)
            if self._boxes:
                self._tell_processes()
                return False
            self._inheritance.switch_off()
            if self._before is not None:
                set_interceptor(self._before[0])
                self._before = None
            self._variables.restore()
            return True

    def _lay_ground(self) -> None:
        rules = ground.here()
        if rules is None or not rules.ours:
            # Whoever is started while it is open, and sends when it is closed, was never meant to send for real.
            rules = ground.fresh(live=rules.live if rules else False)
        for name, value in ground.variables(rules).items():
            if os.environ.get(name) != value:
                self._variables.put(name, value)

    def _tell_processes(self) -> None:
        """Let processes that are started now belong to the innermost outbox, where each was opened inside of another."""
        tokens = list(self._boxes)
        nested = all(self._outer[inner] == outer for outer, inner in itertools.pairwise(tokens))
        self._variables.put(owners.VARIABLE, tokens[-1] if nested else None)

    def _forget(self) -> None:
        """Begin anew in a process that was forked while outboxes were open: they are its parent's."""
        self._boxes.clear()
        self._outer.clear()
        self._pid = os.getpid()
        self._variables = Variables()
        self._inheritance = Inheritance()


#: Those of this process.
OPENED: Final = Opened()


def environment(token: str) -> dict[str, str]:
    """Return the variables that let another process's sends land in an outbox that is open."""
    rules: Ground | None = ground.here()
    return {**(ground.variables(rules) if rules else {}), owners.VARIABLE: token}
