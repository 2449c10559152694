"""The state folder: one for all processes of a user, and none that somebody else can read."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

from notifykit import ConfigError
from notifykit.counters import CounterStoreUnavailable, FileCounterStore
from notifykit.pipeline.clock import SystemClock
from notifykit.rate_limit import file_rate_limit_store
from notifykit.settings.folders import lasting_folder, own_folder, state_folder
from notifykit.settings.sources import Settings

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows keeps both folders for the user alone")


@pytest.fixture
def home(tmp_path, monkeypatch) -> pathlib.Path:
    """Give a home, and a temporary folder beside it."""
    (tmp_path / "home").mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.delenv("NOTIFYKIT_STATE_DIR")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "home"


def test_it_is_the_users_folder_for_state(home):
    """Below the home, for nobody else's eyes; asking where it is makes nothing."""
    assert own_folder() == lasting_folder() == home / ".local/state/notifykit"
    assert list(home.iterdir()) == []
    assert state_folder() == own_folder()
    assert own_folder().stat().st_mode & 0o777 == 0o700
    assert state_folder() == own_folder(), "also where it is there already"


def test_the_xdg_variable_moves_it(home, monkeypatch):
    """As it does for other programs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "elsewhere"))
    assert state_folder() == home / "elsewhere/notifykit"


def test_processes_agree_whatever_their_temporary_folder_is(home, tmp_path):
    """A service may have one of its own, and a login a folder for run-time files."""
    code = "from notifykit.settings.folders import state_folder; print(state_folder())"
    environments = ({"TMPDIR": str(tmp_path)}, {"XDG_RUNTIME_DIR": str(tmp_path)}, {})
    found = {
        subprocess.check_output([sys.executable, "-c", code], env={**os.environ, **more}, text=True, timeout=60).strip()
        for more in environments
    }
    assert found == {str(home / ".local/state/notifykit")}


def _foreign(home: pathlib.Path) -> None:
    if os.getuid():
        pytest.skip("only root can give a folder away")
    os.chown(home, 12345, 12345)


def _file(home: pathlib.Path) -> None:
    (home / ".local").write_text("")


def _read_only(home: pathlib.Path) -> None:
    if not os.getuid():
        pytest.skip("root may write everywhere")
    home.chmod(0o500)


@pytest.mark.parametrize("spoil", [_foreign, _file, _read_only])
def test_without_a_home_of_its_own_a_user_has_a_temporary_folder(home, tmp_path, spoil):
    """Somebody else's home, a read-only one, and one that is no folder."""
    spoil(home)
    assert state_folder() == tmp_path / f"tmp/notifykit-{os.getuid()}"
    assert state_folder().stat().st_mode & 0o777 == 0o700
    file_rate_limit_store("a")


def test_a_service_without_a_home_has_the_folder_that_systemd_keeps(home, tmp_path, monkeypatch):
    """A restart of the machine does not empty it; with a home, a service and a login share one folder."""
    (tmp_path / "var").mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path / 'var'}:/var/lib/other")
    assert own_folder() == lasting_folder()
    _file(home)
    assert state_folder() == tmp_path / "var"


def test_doctor_warns_of_state_that_a_restart_empties(home):
    """Caps that were reached would not be known afterwards."""
    from notifykit.cli import doctor

    def names() -> list[str]:
        settings = Settings.load(environment={}, directory=home)
        return [check.name for check in doctor._files(settings)]

    assert "state" not in names()
    _file(home)
    assert "state" in names()


def test_a_user_who_is_in_no_list_has_a_temporary_folder_and_no_jobs_in_it(home, tmp_path, monkeypatch):
    """As in a container that runs under an arbitrary number: there is no home to be found, and no `~` is made."""
    pytest.importorskip("sqlalchemy", reason="jobs need the extra durable")
    from notifykit.durable.database import DurableSettings

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda uid: (_ for _ in ()).throw(KeyError(uid)))
    assert state_folder() == tmp_path / f"tmp/notifykit-{os.getuid()}"
    with pytest.raises(ConfigError, match="NOTIFYKIT_STATE_DIR"):
        DurableSettings.of(Settings.load(environment={}))


def test_a_link_in_the_temporary_folder_is_not_followed(home, tmp_path):
    """Anybody may put one there; both who share a rate limit and who count say what to set."""
    _file(home)
    (tmp_path / "victim").mkdir()
    (tmp_path / f"tmp/notifykit-{os.getuid()}").symlink_to(tmp_path / "victim")
    with pytest.raises(ConfigError, match="NOTIFYKIT_STATE_DIR"):
        file_rate_limit_store("a")
    with pytest.raises(CounterStoreUnavailable) as caught:
        FileCounterStore(None, SystemClock()).reserve("key", 1, 1, 60)
    assert "NOTIFYKIT_STATE_DIR" in caught.value.action
    assert list((tmp_path / "victim").iterdir()) == []


def test_a_link_in_the_home_is_the_users_own_affair(home, tmp_path):
    """It may lead to a larger disk."""
    (tmp_path / "disk").mkdir()
    (home / ".local/state").mkdir(parents=True)
    (home / ".local/state/notifykit").symlink_to(tmp_path / "disk")
    assert state_folder() == home / ".local/state/notifykit"
