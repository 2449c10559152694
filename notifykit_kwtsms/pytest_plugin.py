"""The sandbox for pytest: one server for a run, empty for each test.

Every run of pytest in an environment with notifykit loads this module. So it imports pytest and the standard library
only; the fixtures load the rest.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox.embedded import Sandbox
    from notifykit_kwtsms.sandbox.remote import RemoteSandbox


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("notifykit").addoption(
        "--notifykit-sandbox",
        metavar="URL",
        help="A sandbox that is running, for the fixture sms_sandbox; NOTIFYKIT_SANDBOX_TOKEN opens it. Each test empties it.",
    )


@pytest.fixture(scope="session")
def _sms_sandbox_server(request: pytest.FixtureRequest) -> Iterator[Sandbox | RemoteSandbox]:
    from notifykit.errors import ConfigError
    from notifykit.testing import trusting

    url = request.config.getoption("notifykit_sandbox")
    try:
        if url:
            from notifykit_kwtsms.sandbox.remote import RemoteSandbox

            remote = RemoteSandbox(url, os.environ.get("NOTIFYKIT_SANDBOX_TOKEN"))
        else:
            from notifykit_kwtsms.sandbox import Sandbox
    except ConfigError as error:
        pytest.fail(f"sms_sandbox: {error}", pytrace=False)
    if url:
        with trusting(remote.url):
            yield remote
        remote.close()
    else:
        with Sandbox() as sandbox, trusting(sandbox.url):
            yield sandbox


@pytest.fixture
def sms_sandbox(
    request: pytest.FixtureRequest, _sms_sandbox_server: Sandbox | RemoteSandbox
) -> Iterator[Sandbox | RemoteSandbox]:
    """Give a running imitation of the kwtSMS gateway, empty, with every fault disarmed.

    In a test that has ``notify_outbox`` too, requests to it are made and recorded in both, and its clock follows
    ``notify_clock``.
    """
    sandbox = _sms_sandbox_server
    sandbox.reset()
    if "notify_outbox" not in request.fixturenames:
        yield sandbox
        return
    outbox = request.getfixturevalue("notify_outbox")
    outbox.spy(sandbox.url)
    follow = getattr(outbox.clock, "follow", None)
    unfollow = follow(sandbox.clock.advance) if follow else None
    yield sandbox
    if unfollow:
        unfollow()


@pytest.fixture
def sms_sandbox_url(sms_sandbox: Sandbox | RemoteSandbox) -> str:
    """Give the address of ``sms_sandbox``, for servers and browsers."""
    return sms_sandbox.url
