"""Files for state and logs: regular files of this user, or of a group that shares the folder."""

from __future__ import annotations

import os
import pathlib
import stat
import subprocess
import sys
import tempfile

import pytest

from notifykit.errors import ConfigError
from notifykit.rate_limit import file_rate_limit_store
from notifykit.settings.files import open_file

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names and no modes")


def _mode(file: pathlib.Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def _link(file: pathlib.Path) -> None:
    (file.parent / "victim").write_text("")
    file.symlink_to(file.parent / "victim")


def _dangling(file: pathlib.Path) -> None:
    file.symlink_to(file.parent / "nowhere")


@pytest.mark.parametrize("make", [os.mkfifo, _link, _dangling, pathlib.Path.mkdir])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, make):
    """A pipe would block for ever; a link may have been put there by another user."""
    make(tmp_path / "state")
    with pytest.raises(OSError, match=r".*"):
        open_file(tmp_path / "state")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("folder", "before", "after"),
    [
        (0o700, None, 0o600),
        (0o755, None, 0o600),
        (0o770, None, 0o660),
        (0o777, None, 0o666),
        (0o755, 0o644, 0o600),
        (0o755, 0o640, 0o640),
        (0o770, 0o644, 0o660),
    ],
)
def test_a_file_is_for_those_who_may_write_to_its_folder(tmp_path, folder, before, after):
    """One that everybody may read by accident becomes private; one that a log collector may read stays so."""
    folder_path = tmp_path / "state"
    folder_path.mkdir()
    folder_path.chmod(folder)
    file = folder_path / "log"
    if before is not None:
        file.touch()
        file.chmod(before)
    os.close(open_file(file))
    assert _mode(file) == after


def test_a_planted_link_is_no_state_of_the_rate_limit(tmp_path):
    """Neither when the notifier is made nor later; its target is not touched."""
    store = file_rate_limit_store("a", str(tmp_path))
    (file,) = tmp_path.iterdir()
    file.unlink()
    _link(file)
    with pytest.raises(ConfigError, match="state_dir"), store.edit():
        pass
    with pytest.raises(ConfigError, match="state_dir"):
        file_rate_limit_store("a", str(tmp_path))
    assert (tmp_path / "victim").read_text() == ""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be two users")
def test_two_users_share_a_state_folder_of_their_group():
    """As the documentation of the rate limit says: a folder with mode 2770."""
    group = 54321
    # pytest closes its own folders to other users, whenever a run begins.
    with tempfile.TemporaryDirectory(prefix="notifykit-shared-") as name:
        shared = pathlib.Path(name)
        os.chown(shared, -1, group)
        shared.chmod(0o2770)
        said = _of_two_users(shared, group)
    assert said == [("1\n1.0\n", ""), ("2\n2.0\n", "")]


def _of_two_users(shared, group):
    code = (
        "import os, sys\n"
        "from notifykit.counters import FileCounterStore\n"
        "from notifykit.pipeline.clock import SystemClock\n"
        "from notifykit.rate_limit import file_rate_limit_store\n"
        "import sqlite3, notifykit.settings.files\n"
        f"os.setgroups([{group}]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))\n"
        "with file_rate_limit_store('a', sys.argv[2]).edit() as recent:\n"
        "    recent.starts = [*recent.starts, 1.0]\n"
        "    print(len(recent.starts))\n"
        "store = FileCounterStore(sys.argv[2], SystemClock())\n"
        "store.reserve('key', 1, 10, 60)\n"
        "print(sum(row.amount for row in store.rows('key', 60)))\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, user, str(shared)], capture_output=True, text=True, timeout=60, check=False
        )
        for user in ("12345", "12346")
    ]
    return [(run.stdout, run.stderr) for run in runs]
