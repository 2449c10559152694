"""A running sandbox, and a client that speaks to it over a real socket and retries nothing."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
import urllib3

from notifykit_kwtsms.sandbox import Rules, Sandbox

USER = "sandbox"
PASSWORD = "sandboxpassword"


@attrs.frozen
class Response:
    """What a client sees of an answer."""

    status: int
    body: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        code: str | None = self.json.get("code")
        return code

    @property
    def text(self) -> str:
        return self.body.decode()


class Client:
    """Calls one sandbox, keeping its connections."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.pool = urllib3.HTTPConnectionPool("127.0.0.1", sandbox.port, retries=False, timeout=30, maxsize=8)

    def request(self, method: str, path: str, body: Any = None, headers: Any = None, timeout: float = 5) -> Response:
        """Make any request; a body that is not bytes is sent as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        answer = self.pool.urlopen(method, path, body=body, headers=headers, redirect=False, timeout=timeout)
        return Response(answer.status, answer.data, answer.headers)

    def __call__(self, endpoint: str, headers: Any = None, timeout: Any = 5, **fields: Any) -> Response:
        """Call an endpoint of the gateway as the default account."""
        body = {"username": USER, "password": PASSWORD, **fields}
        return self.request("POST", f"/API/{endpoint}/", body, headers, timeout)

    def send(self, mobile: Any, message: Any = "Hi", headers: Any = None, timeout: Any = 5, **fields: Any) -> Response:
        """Send a test message by default."""
        fields = {"sender": "MY-APP", "test": "1", **fields}
        return self("send", headers, timeout, mobile=mobile, message=message, **fields)

    def live(self, mobile: str, message: str = "Hi", **fields: Any) -> Response:
        """Send a live message."""
        return self.send(mobile, message, test="0", **fields)


Start = Callable[..., Client]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start sandboxes by their rules; the rate rule is off unless a rule says otherwise."""
    with contextlib.ExitStack() as stack:

        def starter(**rules: Any) -> Client:
            sandbox = stack.enter_context(Sandbox(rules=Rules(**{"rate_limit": None, **rules})))
            client = Client(sandbox)
            stack.callback(client.pool.close)
            return client

        yield starter


@pytest.fixture
def client(start: Start) -> Client:
    """A client of a sandbox with the default rules, without the rate rule."""
    return start()


@pytest.fixture
def sandbox(client: Client) -> Sandbox:
    """The sandbox that ``client`` talks to."""
    return client.sandbox


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something holds that a caller did not stay to see."""
    ends = time.monotonic() + 5
    while not condition() and time.monotonic() < ends:
        time.sleep(0.002)
    assert condition()
