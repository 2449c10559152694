"""The sandbox as an object in a test."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from notifykit.errors import ConfigError
from notifykit_kwtsms import sandbox as package

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox
    from tests.sandbox.conftest import Client

KUWAIT, OTHER = "96598765432", "96599999999"


def test_addresses_and_credentials_for_a_program(sandbox: Sandbox) -> None:
    """URL, environment and DSN belong together, and mean test mode."""
    assert sandbox.url == f"http://127.0.0.1:{sandbox.port}"
    assert sandbox.env == {
        "KWTSMS_USERNAME": "sandbox",
        "KWTSMS_PASSWORD": "sandboxpassword",
        "KWTSMS_SENDER_ID": "MY-APP",
        "KWTSMS_TEST_MODE": "1",
        "KWTSMS_BASE_URL": f"{sandbox.url}/API/",
    }
    assert sandbox.dsn == f"kwtsms://sandbox:sandboxpassword@127.0.0.1:{sandbox.port}?sender=MY-APP&test=1"


def test_wait_returns_the_newest_match(client: Client, sandbox: Sandbox) -> None:
    """By number, by part of the text, by pattern."""
    client.send(KUWAIT, "one (1)")
    client.send(f"{KUWAIT},{OTHER}", "two")
    assert sandbox.wait().text == "two"
    assert sandbox.wait(to=OTHER).text == "two"
    assert sandbox.wait(KUWAIT, "(1)").text == "one (1)"
    assert sandbox.wait(text=re.compile(r"^t.o$")).text == "two"


def test_wait_waits_for_what_comes(client: Client, sandbox: Sandbox) -> None:
    """Another thread sends while this one waits."""
    timer = threading.Timer(0.02, client.send, (KUWAIT, "Your code is 123456"))
    timer.start()
    assert sandbox.otp(to=KUWAIT) == "123456"
    timer.join()


def test_wait_gives_up_with_a_count(client: Client, sandbox: Sandbox) -> None:
    """Refused messages are not found, but counted."""
    client.send(KUWAIT, "no code here")
    client.send("1")
    with pytest.raises(TimeoutError, match="1 were accepted, 1 were not"):
        sandbox.otp(timeout=0.01)
    with pytest.raises(TimeoutError):
        sandbox.wait(to="1", timeout=0)


def test_messages_are_the_accepted_ones_oldest_first(client: Client, sandbox: Sandbox) -> None:
    """Refused requests are kept apart."""
    for text in ("one", "", "two"):
        client.send(KUWAIT, text)
    assert [message.text for message in sandbox.messages] == ["one", "two"]
    assert [(message.code, message.state) for message in sandbox.refused] == [("ERR009", "refused")]


def test_the_account_is_read_and_set_like_attributes(client: Client, sandbox: Sandbox) -> None:
    """Each field that may change."""
    account = sandbox.account
    account.balance = 7.5
    account.purchased = 20
    account.senders = ("ME",)
    account.promotional = {"ME"}
    account.prefixes = ("966",)
    account.prices = {"966": 1.25}
    account.queue_limit = 5
    account.api_enabled = True
    response = client.send("966558724477", sender="ME").json
    assert (response["points-charged"], response["balance-after"]) == (1.25, 6.25)
    assert client("balance").json["available"] == 6.25
    assert sandbox.env["KWTSMS_SENDER_ID"] == "ME"
    with pytest.raises(ValueError, match="password"):
        account.change(password="x")


def test_fractions_add_up(client: Client, sandbox: Sandbox) -> None:
    """Ten times a tenth is one."""
    sandbox.account.change(balance=1, prices={"965": 0.1})
    left = [client.send(KUWAIT).json["balance-after"] for _ in range(10)]
    assert left == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0]


def test_the_package_loads_nothing_before_it_is_asked() -> None:
    """Neither Werkzeug nor the sandbox's own modules."""
    script = "import sys, notifykit_kwtsms.sandbox; print('werkzeug' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=_root())
    assert done.stdout == "False\n"


def test_without_werkzeug_the_command_that_brings_it_is_named() -> None:
    """A missing extra is not an import error."""
    script = (
        "import sys; sys.modules['werkzeug'] = None\n"
        "from notifykit.errors import ConfigError\n"
        "from notifykit_kwtsms.sandbox import Gateway, Rules\n"
        "Gateway(Rules())\n"
        "try:\n    from notifykit_kwtsms.sandbox import Sandbox\n"
        "except ConfigError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=_root())
    assert 'pip install "notifykit[sandbox]"' in done.stdout


def test_every_public_name_is_there() -> None:
    """And no other."""
    assert all(hasattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError):
        _ = package.Moon
    assert issubclass(ConfigError, ValueError)


def _root() -> str:
    return package.__file__.rpartition("/notifykit_kwtsms/")[0]
