"""No live send gets out of a run that forbids them: whatever a test does to the environment, and whenever it sends."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from notifykit.testing import processes, rules, trusting
from notifykit.testing.outbox import capture
from notifykit.testing.rules import Rules
from tests.testing.conftest import ONLY_OUR_PLUGINS

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

#: A program whose real sends write a line into a file.
APP = """
import pathlib
from notifykit import Capabilities, Notifier, PluginHost, Submission

class Real:
    name = "real"
    capabilities = Capabilities(batch_size=200)

    def __init__(self, shown):
        self.shown = shown

    def send(self, batch, timeout):
        with (pathlib.Path(__file__).parent / "sent.txt").open("a") as left:
            left.write(batch.message.text + "\\n")
        return Submission("1")

    def __str__(self):
        return self.shown

def sign_up(text, shown="real://default"):
    with Notifier(Real(shown), host=PluginHost(entry_points=False)) as notifier:
        return notifier.send("96598765432", text)
"""

CONFTEST = """
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).parent))
try:
    from app import sign_up
    sign_up("imported")
except Exception as error:
    assert type(error).__name__ == "LiveSendBlocked", repr(error)
"""

TESTS = """
import multiprocessing, os, subprocess, sys, threading, time
from unittest.mock import patch
import pytest

CHILD = [sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1]); import app; app.sign_up(sys.argv[2])"]

def send(text, shown="real://default"):
    from app import sign_up
    try:
        sign_up(text, shown)
    except Exception as error:
        assert type(error).__name__ == "LiveSendBlocked", repr(error)

def in_a_process(text):
    done = subprocess.run([*CHILD, os.path.dirname(__file__), text], stderr=subprocess.PIPE, text=True)
    assert "LiveSendBlocked" in done.stderr, done.stderr

def test_cleared_in_the_test():
    with patch.dict(os.environ, clear=True):
        send("cleared")
        forked = multiprocessing.get_context("fork").Process(target=send, args=("forked",))
        forked.start()
        forked.join()
        assert forked.exitcode == 0
    send("put back")

@pytest.fixture(scope="module")
def copied():
    with patch.dict(os.environ, {"OTHER": "1"}):
        yield

@pytest.mark.notify(live=True)
def test_allowed(copied):
    send("allowed")

def test_forbidden_again(copied):
    send("again")
    in_a_process("again in a process")

@pytest.fixture
def cleared():
    with patch.dict(os.environ, clear=True):
        yield

def test_cleared_by_a_fixture(cleared):
    in_a_process("cleared by a fixture")

@pytest.mark.notify(live=True)
def test_allowed_though_cleared(cleared):
    send("allowed too")

def test_outlived():
    def late(ends=time.monotonic() + 30):
        while "ended" not in os.environ and time.monotonic() < ends:
            time.sleep(0.01)
        send("late")

    threading.Thread(target=late).start()
"""

LATER = """
def test_in_the_next_module():
    import test_ways
    test_ways.send("next module")
"""


def outside() -> dict[str, str]:
    """Return the environment without what this run says in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NOTIFYKIT_")}


@pytest.mark.parametrize("early", [False, True])
def test_no_live_send_gets_out(pytester: pytest.Pytester, *, early: bool) -> None:
    """Only the two tests send that are allowed to in words.

    :param early: whether a file of the tests sends before there are tests; else a test that cleared the environment is
        the first to load what sends.
    """
    pytester.makepyfile(app=APP)
    pytester.makeconftest(CONFTEST if early else CONFTEST.partition("try:")[0])
    pytester.makepyfile(test_ways=TESTS, test_ways_later=LATER)
    script = (
        "import os, sys, pytest, threading\n"
        "code = pytest.main(sys.argv[1:])\n"
        "assert 'NOTIFYKIT_TESTING' not in os.environ\n"
        "os.environ['ended'] = '1'\n"
        "for thread in threading.enumerate():\n"
        "    if thread is not threading.current_thread(): thread.join()\n"
        "sys.path.insert(0, '.')\n"
        "from app import sign_up\n"
        "sign_up('after the run')\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *ONLY_OUR_PLUGINS, "-q"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=pytester.path,
        env=outside(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout
    left = pathlib.Path(pytester.path, "sent.txt").read_text().split("\n")
    assert left == ["allowed", "allowed too", "after the run", ""]


def test_an_address_without_a_host_is_no_test_server() -> None:
    """It would stand for every transport that shows no host."""
    for address in ("127.0.0.1:8965", "localhost", "", "memory"):
        with pytest.raises(ValueError, match="is no address of a test server"), trusting(address):
            pass
        with pytest.raises(ValueError, match="is no address of a test server"):
            capture().spy(address)
    known = Rules(pid=1, live=False, address="", key="", servers=("", "127.0.0.1:8965"))
    assert not known.is_test_server("real")
    assert known.is_test_server("real://127.0.0.1:8965?x=1")


def test_a_server_that_is_trusted_twice_is_untrusted_twice() -> None:
    """The inner of two blocks does not end the outer one's trust."""

    def is_trusted() -> bool:
        known = rules.current()
        return known is not None and known.is_test_server("real://127.0.0.1:1")

    with trusting("http://127.0.0.1:1"):
        with trusting("http://127.0.0.1:1"):
            pass
        assert is_trusted()
    assert not is_trusted()


def test_what_was_started_inside_of_an_outbox_never_sends_for_real(tmp_path: pathlib.Path) -> None:
    """Also where the outbox is closed before it sends, and no run of pytest forbids anything."""
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    script = (
        "import subprocess, sys\n"
        "from notifykit.testing import capture\n"
        "code = 'import sys; sys.stdin.read(); from app import sign_up; sign_up(\"late\")'\n"
        "with capture():\n"
        "    child = subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE, stderr=subprocess.PIPE)\n"
        "_, said = child.communicate(b'')\n"
        "assert b'LiveSendBlocked' in said, said\n"
        "from app import sign_up\n"
        "sign_up('behind it')\n"
    )
    environment = outside()
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, env=environment, timeout=120)
    assert (tmp_path / "sent.txt").read_text() == "behind it\n"
    half = {**environment, "NOTIFYKIT_INTERCEPTOR": rules.INTERCEPT}
    code = "from app import sign_up; sign_up('half')"
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=tmp_path, env=half, capture_output=True, text=True, timeout=120
    )
    assert "NOTIFYKIT_TESTING does not say what it may send" in done.stderr


def test_an_outbox_that_can_not_open_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would never be closed, and would capture everything from then on."""

    @contextlib.contextmanager
    def fail(known: Rules) -> Iterator[None]:
        raise OSError("no room")
        yield

    before = {**os.environ}
    with monkeypatch.context() as patched:
        patched.setattr(processes, "_served", fail)
        outbox = capture()
        with pytest.raises(OSError, match="no room"), outbox:
            pass
    assert processes.OPEN.get(outbox.token) is None
    assert {**os.environ} == before


def test_strict_ignores_a_test_that_was_interrupted(pytester: pytest.Pytester) -> None:
    """It was skipped in the middle, or is expected to fail; one that came to its end is asked."""
    pytester.makepyfile(
        """
        import pytest

        def test_skipped(notifier):
            notifier.send("96598765432", "Hello")
            pytest.skip("not today")

        @pytest.mark.xfail
        def test_expected(notifier):
            notifier.send("96598765432", "Hello")
            assert False

        def test_forgets(notifier):
            notifier.send("96598765432", "Hello")
        """
    )
    options = ("-o", "notifykit_strict=true")
    pytester.runpytest_inprocess(*ONLY_OUR_PLUGINS, *options).assert_outcomes(skipped=1, xfailed=1, passed=1, errors=1)
