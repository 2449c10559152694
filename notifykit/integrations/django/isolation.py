"""What keeps tests from sending: while Django's test environment is set up, every send of the process stays in memory.

Django does the same for e-mail. It is asked at each send, so that a notifier which was made before, or by other code, is
covered too. An outbox of :mod:`notifykit.testing` comes first.
"""

from __future__ import annotations

import functools
import sys
import tempfile
from typing import Any, Final
from urllib.parse import quote

import attrs

from notifykit.integrations.django.configuration import DEFAULT
from notifykit.pipeline import intercept as interception
from notifykit.pipeline.clock import SystemClock
from notifykit.pipeline.intercept import Interception
from notifykit.protocols import Transport
from notifykit.transports.stubs import MemoryTransport

#: Transports that reach nobody, and stay as they are.
_STUBS: Final = ("memory", "console", "null")


def is_testing() -> bool:
    """Return whether Django's test environment is set up, by its test runner, pytest-django or by hand."""
    # Not imported for this: it is there once something has set up a test environment.
    utils = sys.modules.get("django.test.utils")
    # What `setup_test_environment` itself goes by: there is no public name for it.
    return utils is not None and hasattr(utils._TestState, "saved_data")  # noqa: SLF001


def install() -> None:
    """Have every send of this process ask whether a test is running. It may be called again."""
    before = interception.set_interceptor(None)
    interception.set_interceptor(before if isinstance(before, _StayInMemory) else _StayInMemory(before))


def arguments_of_tests(alias: str) -> dict[str, Any]:
    """Return the settings that a notifier has in tests besides its own: jobs and counts of the real site stay untouched."""
    folder = _folder().name
    jobs = f"sqlite:///{folder}/jobs-{quote(alias, safe='')}.sqlite3"
    # A process sends the jobs of one database.
    workers = "embedded" if alias == DEFAULT else "separate"
    return {"state_dir": folder, "durable": {"workers": workers, "database_url": jobs}}


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="notifykit-tests-")


@attrs.frozen(eq=False)
class _StayInMemory:
    """An interceptor that keeps the sends of tests in memory."""

    #: The interceptor that was set before, such as pytest's; it comes first.
    _before: interception.Interceptor | None

    def __call__(self, transport: Transport) -> Interception | None:
        found = self._before(transport) if self._before else None
        if found is not None or not is_testing():
            return found
        return Interception(SystemClock(), _in_memory)


def _in_memory(transport: Transport) -> Transport:
    if transport.name in _STUBS:
        return transport
    return MemoryTransport(capabilities=transport.capabilities)
