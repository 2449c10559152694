"""What a test run says to its processes by one environment variable: who is in charge, and what may be sent for real."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from notifykit.pipeline import intercept as detour
from notifykit.testing import owners

#: Holds it, as JSON.
VARIABLE: Final = "NOTIFYKIT_TESTING"
#: What sends are looked at by.
DIVERSION: Final = "notifykit.testing.diverting:look"
#: Holds the rules in the process of a run of pytest.
_PLUGIN: Final = "notifykit.testing.pytest_plugin"
#: Longer addresses of sockets don't work everywhere.
_LONGEST_FOLDER: Final = 70


def _as_tuple(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


@attrs.frozen(kw_only=True)
class Ground:
    """The rules of a test run, as its processes read them."""

    #: The process that has the outboxes.
    pid: int
    #: Whether messages may be sent for real where no outbox takes them.
    live: bool
    #: Where the process with the outboxes listens to the others.
    address: str
    #: What proves to it that somebody is one of them.
    key: str = attrs.field(repr=False)
    #: Hosts and ports of test servers: nothing that is sent there is sent for real.
    servers: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)

    @property
    def ours(self) -> bool:
        """Whether this process is the one that has the outboxes."""
        return self.pid == os.getpid()

    def is_test_server(self, transport: str) -> bool:
        """Return whether a transport talks to a test server, by what its ``str`` tells."""
        server = netloc(transport)
        return bool(server) and server in self.servers


def here() -> Ground | None:
    """Return the rules that hold in this process; None outside of tests.

    In the process of a run of pytest its plugin holds them, so that a test may clear the environment; also in one that
    was forked from it since.
    """
    text = getattr(sys.modules.get(_PLUGIN), "said", None)
    held = read(text) if text else None
    if held is not None and held.ours:
        return held
    text = os.environ.get(VARIABLE)
    return (read(text) if text else None) or held


def say(ground: Ground) -> None:
    """Let rules hold in this process, and in those that it will start."""
    os.environ |= variables(ground)
    plugin: Any = sys.modules.get(_PLUGIN)
    if plugin is not None and plugin.said is not None and ground.ours:
        plugin.said = variables(ground)[VARIABLE]


def fresh(*, live: bool) -> Ground:
    """Return rules for this process and those that it will start."""
    return Ground(pid=os.getpid(), live=live, address=_address(), key=secrets.token_hex(32))


def variables(ground: Ground) -> dict[str, str]:
    """Return the environment variables that tell the rules to another process."""
    return {VARIABLE: json.dumps(attrs.asdict(ground)), detour.VARIABLE: DIVERSION}


def netloc(transport: str) -> str:
    """Return ``127.0.0.1:8965`` of a DSN or an address."""
    return urlsplit(transport).netloc.rpartition("@")[2]


def server_of(url: str) -> str:
    """Return ``127.0.0.1:8965`` of the address of a test server.

    :raises ValueError: where it names no host: it would stand for every transport that shows none.
    """
    server = netloc(url)
    if not server:
        raise ValueError(f"{url!r:.100} is no address of a test server: write http://127.0.0.1:8965")
    return server


@contextlib.contextmanager
def trusting(url: str) -> Iterator[None]:
    """Let everything go its way, in the block, that is sent to a server which stands there for tests.

    What is sent to it counts as not live, whatever the transport believes. Processes that are started in the block
    know it too. Outside of a test run nothing is forbidden, and this changes nothing.

    :raises ValueError: where the address names no host.
    """
    server = server_of(url)
    _trust(lambda servers: (*servers, server))
    try:
        yield
    finally:
        _trust(lambda servers: _without_one(servers, server))


class Variables:
    """Environment variables that are put back."""

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}

    def put(self, name: str, value: str | None) -> None:
        """Set a variable, or with None delete it; what it was before the first time is remembered."""
        self._before.setdefault(name, os.environ.get(name))
        _set(name, value)

    def restore(self) -> None:
        """Put everything back."""
        for name, value in self._before.items():
            _set(name, value)
        self._before.clear()


def owner() -> str | None:
    """Return the owner that this process was started with; None in the process that has the outboxes."""
    return os.environ.get(owners.VARIABLE)


def _trust(change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> None:
    ground = here()
    if ground is not None:
        say(attrs.evolve(ground, servers=change(ground.servers)))


def _without_one(servers: tuple[str, ...], server: str) -> tuple[str, ...]:
    """Leave out a server once: somebody around this block may trust it too."""
    left = list(servers)
    if server in left:
        left.remove(server)
    return tuple(left)


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


@functools.lru_cache(maxsize=8)
def read(text: str) -> Ground | None:
    """Return rules from JSON; None where they can't be read."""
    try:
        given: dict[str, Any] = json.loads(text)
        return Ground(**given)
    except (ValueError, TypeError):
        return None


def _address() -> str:
    name = f"notifykit-{secrets.token_hex(8)}"
    if os.name == "nt":
        return rf"\\.\pipe\{name}"
    folder = tempfile.gettempdir()
    return os.path.join(folder if len(folder) <= _LONGEST_FOLDER else "/tmp", name)  # noqa: S108, PTH118 - not a file
