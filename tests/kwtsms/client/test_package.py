"""What ``import notifykit_kwtsms`` costs and offers, and how a client is shared."""

from __future__ import annotations

import asyncio
import gc
import inspect
import subprocess
import sys
import warnings

import pytest

import notifykit_kwtsms
from notifykit import VirtualClock
from notifykit_kwtsms import AsyncKwtSMS, KwtSMS
from tests.kwtsms.client.conftest import NUMBER, campaign


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    """Names are loaded when they are first used."""
    loaded = loaded_by("import notifykit_kwtsms")
    assert {name for name in loaded if name.startswith("notifykit")} == {
        "notifykit",
        "notifykit.imports",
        "notifykit_kwtsms",
    }
    assert {"click", "werkzeug"} & loaded_by("from notifykit_kwtsms import KwtSMS") == set()


@pytest.mark.parametrize("name", notifykit_kwtsms.__all__)
def test_every_public_name_is_there(name):
    """Listed, documented, under its own name."""
    value = getattr(notifykit_kwtsms, name)
    assert value.__name__ == name
    assert value.__doc__
    assert name in dir(notifykit_kwtsms)


def test_a_name_that_is_not_there_is_an_attribute_error():
    """As it is for any module."""
    with pytest.raises(AttributeError, match="has no attribute 'KwtSms'"):
        notifykit_kwtsms.KwtSms  # noqa: B018


def test_both_clients_offer_the_same():
    """Every public name of one, with the same parameters, is on the other."""

    def offer(cls: type) -> dict[str, list[str]]:
        names = [name for name in dir(cls) if not name.startswith("_")]
        return {
            name: list(inspect.signature(value).parameters) if callable(value := getattr(cls, name)) else []
            for name in names
        }

    assert offer(KwtSMS) == offer(AsyncKwtSMS)
    assert {name for name in offer(KwtSMS) if inspect.iscoroutinefunction(getattr(AsyncKwtSMS, name))} == {
        "verify",
        "balance",
        "send",
        "send_with_retry",
        "validate",
        "status",
        "dlr",
        "senderids",
        "coverage",
        "close",
    }


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_forgotten_client_leaves_no_warning(sandbox, asynchronous):
    """The documented samples never call close()."""
    cls = AsyncKwtSMS if asynchronous else KwtSMS
    parts = {"test_mode": True, "log_file": "", "base_url": sandbox.api_url, "clock": VirtualClock()}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sms = cls("sandbox", "sandboxpassword", **parts)
        result = asyncio.run(sms.send(NUMBER, "Hello")) if asynchronous else sms.send(NUMBER, "Hello")
        del sms
        gc.collect()
    assert result["result"] == "OK"
    assert [str(warning.message) for warning in caught] == []


def test_with_statements(sandbox):
    """Both close themselves."""
    parts = {"test_mode": True, "log_file": "", "base_url": sandbox.api_url, "clock": VirtualClock()}
    with KwtSMS("sandbox", "sandboxpassword", **parts) as sms:
        assert sms.send(NUMBER, "Hello")["result"] == "OK"

    async def main() -> None:
        async with AsyncKwtSMS("sandbox", "sandboxpassword", **parts) as sms:
            results = await asyncio.gather(*(sms.send(number, "Hello") for number in campaign(20)), sms.verify())
            assert {result["result"] for result in results[:-1]} == {"OK"}
            assert results[-1][0]

    asyncio.run(main())
    assert len(sandbox.messages) == 21


def test_installed_plugins_change_nothing(sandbox, connect):
    """The client has its own normalizer and cleaners: it does what is documented."""
    sms = connect()
    client = getattr(sms, "client", sms)
    assert {plugin.name for plugin in client._single.host.plugins} == {"kwtsms-documented"}
