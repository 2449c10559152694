"""The plugin in runs of pytest of its users, each with its own settings: in this process where no other is needed."""

from __future__ import annotations

import pathlib
import re

import pytest

import notifykit.testing.case  # noqa: F401 - a run in this process must not load it a second time
from notifykit_kwtsms.sandbox import Sandbox
from tests.testing.conftest import ONLY_OUR_PLUGINS

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

#: A user's program: it knows nothing of tests.
APP = """
from notifykit import Capabilities, MemoryTransport, Notifier

class Shop(MemoryTransport):
    def __str__(self):
        return "shop://default?sender=SHOP"

def notifier():
    return Notifier(Shop(capabilities=Capabilities(batch_size=200, live=True)))

def sign_up(phone, code="123456"):
    with notifier() as shop:
        return shop.send(phone, f"Your code is {code}")

if __name__ == "__main__":
    import sys
    sign_up(sys.argv[1])
"""


#: Tests with every fixture and marker.
FIXTURES = """
import os, subprocess, sys, threading, asyncio, unittest
import pytest
from notifykit import AsyncNotifier, Cleaned, hookimpl
from notifykit.testing import NotifyTestCase, capture
from app import notifier as of_the_app, sign_up

def test_outbox(notify_outbox):
    assert notify_outbox == []
    sign_up("+965 9876 5432")
    message = notify_outbox.one(to="96598765432")
    assert message.otp == "123456" and message.segments is None and message.sender == "SHOP"

def test_alias(outbox):
    sign_up("+965 9876 5432")
    outbox.assert_count(1)

def test_notifier_measures(notifier, notify_outbox):
    notifier.send("+965 9876 5432", "سلام")
    assert notify_outbox.one().encoding == "ucs2"

def test_script_alone(notify_script, notify_clock):
    notify_script.reject("96598765432", code="ERR025").queue_full(times=2)
    report = sign_up(["96598765432", "96598765433"])
    assert [receipt.code for receipt in report] == ["ERR025", None]
    assert notify_clock.sleeps == [30.0, 60.0]

@pytest.mark.notify(script=["unknown"])
def test_marker_alone():
    assert sign_up("96598765432").unknown

@pytest.mark.notify(script=lambda script: script.queue_full(code="ERR013"))
class TestMarks:
    def test_of_the_class(self, notify_clock):
        assert sign_up("96598765432").accepted and notify_clock.sleeps

    @pytest.mark.notify(script=())
    def test_nearer(self, notify_clock):
        assert sign_up("96598765432").accepted and not notify_clock.sleeps

def test_plugins(notify_plugins, notifier, notify_outbox):
    class Shout:
        name = "shout"

        @hookimpl
        def notifykit_cleaners(self):
            return [self]

        def clean(self, text, channel):
            return Cleaned(text.upper())

    notify_plugins.register(Shout(), "shout")
    notify_plugins.only()
    notifier.send("96598765432", "hello")
    assert notify_outbox.one().text == "HELLO"

def test_others(notify_outbox):
    thread = threading.Thread(target=sign_up, args=("96598765432",))
    thread.start()
    thread.join()
    child = subprocess.Popen([sys.executable, "-m", "app", "96598765433"])
    assert notify_outbox.wait(to="96598765433", timeout=60).otp == "123456"
    assert child.wait() == 0

    async def main():
        async with AsyncNotifier("kwtsms://user:password@default?sender=ABC&test=0") as notifier:
            await notifier.send("96598765434", "Hello")

    asyncio.run(main())
    assert notify_outbox.last().sender == "ABC" and notify_outbox.last().cost == 1.0
    notify_outbox.assert_count(3)

class TestClass(NotifyTestCase):
    def test_it(self):
        sign_up("96598765432")
        assert self.outbox.one().otp

def test_capture_and_nothing_left():
    with capture() as outbox:
        sign_up("96598765432")
    assert len(outbox) == 1 and "NOTIFYKIT_OWNER" not in os.environ
"""

#: Tests of two servers, one in a thread and one in a process, that all tests share.
SERVERS = """
import subprocess, sys, threading
import urllib.request
import pytest
from notifykit.testing import capture
from app import sign_up
import server

@pytest.fixture(scope="module")
def process():
    with subprocess.Popen([sys.executable, "-m", "server"], stdout=subprocess.PIPE, text=True) as process:
        yield int(process.stdout.readline())
        process.kill()

@pytest.fixture(scope="module")
def thread():
    with server.serve() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running.server_port
        running.shutdown()

def ask(port, path, headers={}):
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)).close()

@pytest.mark.parametrize("number", range(8))
def test_one(notify_outbox, process, thread, number):
    for port in (process, thread):
        ask(port, f"/{number}")
    sign_up("96598765432", number)
    assert [message.text for message in notify_outbox] == [f"/{number}"] * 2 + [f"Your code is {number}"]

def test_two_at_once(notify_outbox, process, thread):
    with capture() as other:
        for outbox, path in ((notify_outbox, "/mine"), (other, "/other")):
            for port in (process, thread):
                ask(port, path, outbox.headers)
        with pytest.raises(urllib.error.HTTPError):
            ask(thread, "/unowned")
    assert [message.text for message in notify_outbox] == ["/mine"] * 2
    assert [message.text for message in other] == ["/other"] * 2
"""

#: Tests with the sandbox, with and without an outbox.
SANDBOX = """
import os, re, subprocess, sys
import pytest
from notifykit import Notifier

def send(sandbox, text, to="96598765432", live=False):
    dsn = sandbox.dsn.replace("test=1", "test=0") if live else sandbox.dsn
    with Notifier(dsn) as notifier:
        return notifier.send(to, text)

@pytest.mark.parametrize("live", [False, True])
def test_alone(sms_sandbox, sms_sandbox_url, live):
    assert sms_sandbox.messages == () and sms_sandbox_url == sms_sandbox.url
    assert send(sms_sandbox, "Your code is 123456", live=live).accepted
    assert sms_sandbox.otp(to="96598765432") == "123456"
    assert sms_sandbox.wait(text=re.compile("code"), to="96598765432").test is not live
    assert sms_sandbox.wait(text="code").text == "Your code is 123456"
    with pytest.raises(TimeoutError):
        sms_sandbox.wait(to="96500000000", timeout=0.01)
    with pytest.raises(TimeoutError):
        sms_sandbox.wait(text=re.compile("zzz"), timeout=0.01)
    sms_sandbox.chaos("html-200")
    assert send(sms_sandbox, "Hello").unknown
    sms_sandbox.chaos("close")
    sms_sandbox.calm()
    sms_sandbox.clock.advance(60)
    assert sms_sandbox.clock.offset == 60
    assert len(sms_sandbox.refused) <= 1 and "127.0.0.1" in repr(sms_sandbox)

def test_its_environment_is_for_processes(sms_sandbox):
    assert sms_sandbox.clock.offset == 0
    code = "from notifykit import Notifier; assert Notifier.from_settings().send('96598765432', 'Hi').accepted"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **sms_sandbox.env}, check=True)
    assert len(sms_sandbox.messages) == 1

def test_with_an_outbox(notify_outbox, sms_sandbox, notifier, notify_clock):
    assert send(sms_sandbox, "Hello", live=True)[0].test is False
    notify_clock.advance(16)
    assert send(sms_sandbox, "Hello", live=True).accepted
    assert sms_sandbox.clock.offset >= 16
    notifier.send("96598765432", "captured")
    assert len(sms_sandbox.messages) == 2
    assert [message.message_id for message in notify_outbox][:2] == [m.msg_id for m in sms_sandbox.messages]
    assert notify_outbox.last().text == "captured"
"""

#: Tests of which some do not assert what they send.
STRICT = """
import re
import pytest
from app import sign_up

def test_misses(notify_outbox):
    sign_up("96598765432")
    sign_up("96598765433", code="سلام")
    notify_outbox.one(to="96598765433", text=re.compile("[0-9]{6}"))

def test_forgets(notify_outbox):
    sign_up("96598765432")

def test_asserts(notify_outbox):
    sign_up("96598765432")
    assert notify_outbox[0].otp

@pytest.mark.notify(strict=False)
def test_lenient(notify_outbox):
    sign_up("96598765432")

@pytest.mark.notify(strict=True)
def test_without_the_fixture():
    sign_up("96598765432")

@pytest.mark.notify("x", scripts=[])
def test_wrong_mark():
    pass
"""

#: Tests that send for real, or try to.
LIVE_SENDS = """
import subprocess, sys
import pytest
from notifykit.testing import LiveSendBlocked
from app import sign_up

def in_a_process():
    done = subprocess.run([sys.executable, "-m", "app", "96598765433"], capture_output=True, text=True)
    return "LiveSendBlocked: test_live.py::test_" in done.stderr if done.returncode else None

def test_forbidden():
    with pytest.raises(LiveSendBlocked, match="test_live.py::test_forbidden was about to send for real"):
        sign_up("96598765432")
    assert in_a_process()

def test_caught():
    try:
        sign_up("96598765432")
    except Exception:
        pass

@pytest.mark.notify(live=True)
def test_allowed():
    assert sign_up("96598765432").accepted
    assert in_a_process() is None

def test_forbidden_again():
    with pytest.raises(LiveSendBlocked):
        sign_up("96598765432")
"""


@pytest.fixture(name="project")
def _project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    pytester.makepyfile(app=APP)
    pytester.syspathinsert()
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    monkeypatch.setenv("COLUMNS", "160")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_inprocess(*ONLY_OUR_PLUGINS, *arguments)


def test_installed_and_unused_it_changes_nothing(pytester: pytest.Pytester) -> None:
    """Only the plugins, their rules and the packages around them are loaded, and no fixture is automatic."""
    pytester.makepyfile(
        """
        import sys, threading

        def test_nothing(request):
            loaded = {name for name in sys.modules if name.split(".")[0].startswith("notifykit")}
            assert loaded == {
                "notifykit", "notifykit.imports", "notifykit.testing", "notifykit.testing.pytest_plugin",
                "notifykit.testing.rules", "notifykit_kwtsms", "notifykit_kwtsms.pytest_plugin",
            }
            assert request.fixturenames == ["request"]
            assert "attr" not in sys.modules or "hypothesis" in sys.modules
            assert not [thread for thread in threading.enumerate() if "notifykit" in thread.name]
        """
    )
    result = pytester.runpytest_subprocess(*ONLY_OUR_PLUGINS)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["notifykit: live sends forbidden"])
    assert "blocked" not in result.stdout.str()


def test_the_fixtures(project: pytest.Pytester) -> None:
    """An outbox that takes what the program sends, whatever it is asked for by; each test has its own."""
    project.makeconftest(
        """
        import pytest
        from notifykit.testing.pytest_plugin import notify_outbox as outbox

        @pytest.fixture
        def notify_clock():
            from notifykit.testing import TestClock
            return TestClock()
        """
    )
    project.makepyfile(test_all=FIXTURES)
    run(project, "--strict-markers", "-W", "error").assert_outcomes(passed=11)


def test_live_sends_are_forbidden_unless_allowed(project: pytest.Pytester) -> None:
    """In this process and those that it starts; listed at the end too, for code that caught the error."""
    project.makepyfile(test_live=LIVE_SENDS)
    result = run(project)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*live sends that were blocked*", "test_live.py::test_caught: shop://default*"])
    parallel = project.runpytest_subprocess(*ONLY_OUR_PLUGINS, "-n1", "-k", "caught")
    parallel.assert_outcomes(passed=1)
    parallel.stdout.fnmatch_lines(["*live sends that were blocked*", "test_live.py::test_caught: shop://default*"])
    for arguments in (("--notifykit-live",), ("-o", "notifykit_live=allow")):
        result = run(project, *arguments, "-k", "caught or forbidden")
        result.assert_outcomes(passed=1, failed=2, deselected=1)
        result.stdout.fnmatch_lines(["notifykit: live sends allowed"])
        assert "were blocked" not in result.stdout.str()
    wrong = run(project, "-o", "notifykit_live=maybe")
    wrong.stderr.fnmatch_lines(["*notifykit_live is forbid or allow, not 'maybe'"])


def test_a_failure_is_readable_and_strict_fails_in_the_end(project: pytest.Pytester) -> None:
    """The table stands where the test failed, and no frame of the method; a test that failed is not strict on top."""
    project.makeini("[pytest]\nnotifykit_strict = true\n")
    project.makepyfile(test_strict=STRICT)
    result = run(project)
    result.assert_outcomes(passed=4, failed=1, errors=3)
    out = result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "notifykit: live sends forbidden, strict",
            ">*notify_outbox.one(to=*",
            "E*exactly one message was expected, 0 of the 2 that were sent match with:",
            "E*#*to*sender*text",
            "E*2*96598765433*SHOP*! Your code is سلام",
            "E*1*! 96598765432*SHOP*Your code is 123456",
        ]
    )
    assert "assertions.py" not in out
    assert len(re.findall("1 message was sent that the test did not assert", out)) >= 2
    assert "@pytest.mark.notify takes script, strict, live by their names, and not 'x', scripts" in out
    assert not re.search("ERROR .*test_(misses|asserts|lenient)", out)


def test_workers_and_servers_each_send_into_the_right_outbox(project: pytest.Pytester) -> None:
    """Tests in two workers of xdist; a live server in a thread, and one in a process of its own that all tests share."""
    project.makepyfile(
        server="""
        import sys, threading
        from wsgiref.simple_server import WSGIRequestHandler, make_server
        from notifykit.testing import OwnerMiddleware
        from app import notifier

        SHOP_NOTIFIER = notifier()

        class Quiet(WSGIRequestHandler):
            def log_message(self, *arguments):
                pass

        def application(environ, start):
            SHOP_NOTIFIER.send("96598765432", environ["PATH_INFO"])
            start("200 OK", [("Content-Length", "0")])
            return []

        def serve():
            return make_server("127.0.0.1", 0, OwnerMiddleware(application), handler_class=Quiet)

        if __name__ == "__main__":
            server = serve()
            print(server.server_port, flush=True)
            server.serve_forever()
        """
    )
    project.makepyfile(test_servers=SERVERS)
    project.runpytest_subprocess(*ONLY_OUR_PLUGINS, "-n2", "--dist=load").assert_outcomes(passed=9)


def test_the_sandbox(project: pytest.Pytester, tmp_path: pathlib.Path) -> None:
    """A server for the run, empty for each test; with an outbox, both see what is sent, in the same time."""
    project.makepyfile(test_sandbox=SANDBOX)
    run(project).assert_outcomes(passed=4)
    with Sandbox() as sandbox:
        run(project, f"--notifykit-sandbox={sandbox.url}").assert_outcomes(passed=4)
        assert len(sandbox.messages) == 2
    result = run(project, "--notifykit-sandbox=http://127.0.0.1:1", "-x")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*sms_sandbox: no sandbox answers at http://127.0.0.1:1*"])
