"""A gateway, and a shell whose environment names it."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.kwtsms.cli.program_runner import Shell


@pytest.fixture(name="gateway", scope="module")
def _gateway() -> Iterator[Sandbox]:
    """One gateway for a module; each test finds it as new."""
    with Sandbox(rules=Rules(rate_limit=None)) as sandbox:
        yield sandbox


@pytest.fixture(name="bare")
def _bare(gateway: Sandbox, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell in which nothing is set up yet."""
    gateway.reset()
    monkeypatch.setenv("KWTSMS_RATE", "4")
    folder = tmp_path / "project"
    folder.mkdir()
    return Shell(folder, {"KWTSMS_BASE_URL": gateway.api_url}, gateway, monkeypatch)


@pytest.fixture(name="shell")
def _shell(bare: Shell) -> Shell:
    """A shell with an account in its environment, in test mode."""
    bare.environment = dict(bare.sandbox.env)
    return bare
