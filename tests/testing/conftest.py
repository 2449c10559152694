"""What the tests of the test kit share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from notifykit import (
    Capabilities,
    MemoryTransport,
    Notifier,
    PluginHost,
)
from notifykit.testing import (
    Outbox,
    capture,
)

ONE: Final = "96598765432"
TWO: Final = "96598765433"
#: The capabilities of a transport that reaches people.
LIVE: Final = Capabilities(batch_size=200, live=True)
SEND: Final = (
    "import sys\n"
    "from notifykit import Notifier, PluginHost\n"
    "with Notifier('memory', host=PluginHost(entry_points=False)) as notifier:\n"
    "    report = notifier.send(sys.argv[1], sys.argv[2])\n"
    "    print(*(str(receipt.outcome) for receipt in report))\n"
)
#: The options of a run whose subject is the project's plugin: others that are installed take seconds to load.
ONLY_OUR_PLUGINS: Final = tuple(
    word
    for plugin in ("cacheprovider", "hypothesispytest", "playwright", "randomly", "schemathesis")
    for word in ("-p", f"no:{plugin}")
)


class Real(MemoryTransport):
    """Stands for one that reaches people."""

    name = "real"

    def __init__(self, dsn: str = "real://default?sender=SHOP") -> None:
        super().__init__(capabilities=LIVE)
        self._dsn = dsn

    def __str__(self) -> str:
        return self._dsn


@pytest.fixture(name="outbox")
def _outbox() -> Iterator[Outbox]:
    with capture() as outbox:
        yield outbox


@pytest.fixture(name="send")
def _send() -> Iterator[Callable[..., Any]]:
    """Sends with a notifier of the user's own."""
    with Notifier(Real(), host=PluginHost(entry_points=False)) as notifier:
        yield notifier.send
