"""What a test run passes to its processes: which process has the outboxes, and whether sends may be live.

Every run of pytest loads this module, so it imports the standard library only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

#: The environment variable with the rules, as JSON.
RULES: Final = "NOTIFYKIT_TESTING"
#: The environment variable with the token of the outbox that a process sends to.
OWNER: Final = "NOTIFYKIT_OWNER"
#: The environment variable that names what intercepts sends; a test compares it with the pipeline's.
INTERCEPTOR: Final = "NOTIFYKIT_INTERCEPTOR"
#: Its value in a test run.
INTERCEPT: Final = "notifykit.testing.processes:intercept"
#: Socket addresses in longer folders don't work on every system.
_LONGEST_FOLDER: Final = 70


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of a test run, the same in all of its processes."""

    #: The process that has the outboxes.
    pid: int
    #: Whether messages may be sent for real where no outbox takes them.
    live: bool
    #: The socket or pipe at which that process listens to the others.
    address: str
    #: What another process proves with that it belongs to the run.
    key: str = dataclasses.field(repr=False)
    #: ``host:port`` of test servers: a send to one of them is not live.
    servers: tuple[str, ...] = ()

    @classmethod
    def new(cls, *, live: bool) -> Rules:
        """Return rules by which this process has the outboxes."""
        return cls(pid=os.getpid(), live=live, address=_new_address(), key=secrets.token_hex(32))

    @property
    def ours(self) -> bool:
        """Whether this process has the outboxes."""
        return self.pid == os.getpid()

    def is_test_server(self, transport: str) -> bool:
        """Return whether a transport sends to a test server, by its ``str``."""
        server = netloc(transport)
        return bool(server) and server in self.servers

    def variables(self) -> dict[str, str]:
        """Return the environment variables that pass the rules to another process."""
        return {RULES: json.dumps(dataclasses.asdict(self)), INTERCEPTOR: INTERCEPT}


#: The rules of this process's run of pytest; None outside of one. They are not read from the environment, which tests
#: clear and restore.
held: Rules | None = None


def current() -> Rules | None:
    """Return the rules that apply in this process; None outside of tests.

    In a process that was forked from a run, those in the environment come before the parent's.
    """
    if held is not None and held.ours:
        return held
    return parse(os.environ.get(RULES, "")) or held


def apply(rules: Rules) -> None:
    """Let rules apply in this process and in processes that it starts from now on."""
    os.environ.update(rules.variables())
    if held is not None and rules.ours:
        hold(rules)


def hold(rules: Rules | None) -> None:
    """Set the rules of this process's run of pytest."""
    global held  # noqa: PLW0603 - one run at a time in a process
    held = rules


@functools.lru_cache(maxsize=8)
def parse(text: str) -> Rules | None:
    """Return rules from JSON; None where they can't be read."""
    try:
        given = json.loads(text)
        return Rules(**{**given, "servers": tuple(given["servers"])})
    except (ValueError, TypeError, KeyError):
        return None


@contextlib.contextmanager
def trusting(url: str) -> Iterator[None]:
    """Allow sends to a test server in the block: they count as not live, whatever the transport says.

    Processes that are started in the block allow them too. Outside of a test run this changes nothing.

    :param url: the server's address, such as ``http://127.0.0.1:8965``.
    :raises ValueError: if it names no host.
    """
    server = server_of(url)
    _change_servers(added=server)
    try:
        yield
    finally:
        _change_servers(removed=server)


def server_of(url: str) -> str:
    """Return ``127.0.0.1:8965`` of the address of a test server.

    :raises ValueError: if it names no host: it would match every transport that shows none.
    """
    server = netloc(url)
    if not server:
        raise ValueError(f"{url!r:.100} is no address of a test server: write http://127.0.0.1:8965")
    return server


def netloc(address: str) -> str:
    """Return ``127.0.0.1:8965`` of a DSN or a URL."""
    return urlsplit(address).netloc.rpartition("@")[2]


def set_variable(name: str, value: str | None) -> None:
    """Set an environment variable; None deletes it."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _change_servers(added: str | None = None, removed: str | None = None) -> None:
    rules = current()
    if rules is None:
        return
    servers = [*rules.servers, added] if added else list(rules.servers)
    if removed in servers:
        servers.remove(removed)  # once: a block around this one may have added it too
    apply(dataclasses.replace(rules, servers=tuple(servers)))


def _new_address() -> str:
    name = f"notifykit-{secrets.token_hex(8)}"
    if os.name == "nt":
        return rf"\\.\pipe\{name}"
    folder = tempfile.gettempdir()
    return os.path.join(folder if len(folder) <= _LONGEST_FOLDER else "/tmp", name)  # noqa: S108, PTH118 - not a file
