"""Profiles of the property tests, and what every test may rely on."""

from __future__ import annotations

import os
import pathlib

import pytest
from hypothesis import HealthCheck, settings

#: What pytest's own plugin says to the processes that tests start.
_OF_THE_RUN = ("NOTIFYKIT_INTERCEPTOR", "NOTIFYKIT_OWNER", "NOTIFYKIT_TESTING")

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `.ci/run` draws the same examples each time, so that what it says depends on the change; `tox` draws new ones.
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.register_profile("fast", parent=settings.get_profile("default"), max_examples=10)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the settings, the log files and the rate limit of the machine out of the tests."""
    for name in list(os.environ):
        if name.startswith(("KWTSMS_", "NOTIFYKIT_")) and name not in _OF_THE_RUN:
            monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("cwd")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NOTIFYKIT_STATE_DIR", str(folder / "state"))
    # A notifier that reads no environment has the user's own folder.
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "own"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The project's wheel, built once for all workers; tests are skipped where it can't be built."""
    from tests.environments import build_wheel

    return build_wheel(tmp_path_factory)
