"""A page of the sandbox's inbox in Debian's Chromium, and a watch on everything that no page may do."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs
import pytest

from notifykit_kwtsms.sandbox import Rules, Sandbox

try:
    from playwright.sync_api import expect
except ImportError:  # The tests are then skipped by their fixture, with the reason.
    expect = None

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

REQUIRED: Final = "browser" in os.environ.get("NOTIFYKIT_REQUIRE", "").split(",")
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
#: Nothing but the page: no sandbox of the process (it may run as root), and no calls to Google.
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Milliseconds that something on the page may take to appear.
PATIENCE: Final = 5000
NUMBER: Final = "96598765432"
OTHER: Final = "96599999999"

#: What a page reports of itself: violations of its own policy, and whether anything ran that should not have.
_WATCH: Final = """\
window.__violations = [];
window.__ran = [];
addEventListener('securitypolicyviolation', (event) => {
  window.__violations.push(event.violatedDirective + ' ' + event.blockedURI);
});
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser."""
    here = pathlib.Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker("browser")


def _unavailable(reason: str) -> None:
    words = f"{reason}; run these with: tox -e browser"
    if REQUIRED:
        pytest.fail(words)
    pytest.skip(words)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, started for one file of tests: an event loop of its own would be in the way of other files' loops."""
    if expect is None:
        _unavailable("playwright is not installed")
    if CHROMIUM is None:
        _unavailable("there is no chromium on this machine (Debian's package is named chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that doesn't mind haste."""
    with Sandbox(rules=Rules(rate_limit=None)) as running:
        yield running


@attrs.define(slots=False)
class Watch:
    """What a page did besides what it was asked to."""

    #: Where it may go.
    origin: str
    #: Errors and warnings on its console, and uncaught exceptions.
    complaints: list[str] = attrs.field(factory=list)
    #: Every address it asked for.
    asked: list[str] = attrs.field(factory=list)
    #: The words of dialogs it opened.
    dialogs: list[str] = attrs.field(factory=list)
    #: Complaints that a test brought about itself.
    expected: list[str] = attrs.field(factory=list)

    def follow(self, page: Page) -> None:
        """Listen to a page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on("request", lambda request: self.asked.append(request.url))

        def dismiss(dialog: Any) -> None:
            self.dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", dismiss)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} {message.location['url']}")

    def judge(self, page: Page) -> None:
        """Nothing on the console, nothing to a stranger, no dialog, no break of the policy, no foreign script."""
        complaints = [
            words
            for words in self.complaints
            # A message that is deleted while its details are on their way is not there when they are asked for.
            if not re.search(r"404 \(Not Found\) \S+/sandbox/messages/[0-9]+$", words)
            and not any(pattern in words for pattern in self.expected)
        ]  # fmt: skip
        assert complaints == []
        abroad = [url for url in self.asked if not url.startswith((self.origin + "/", "data:", "blob:"))]
        assert abroad == []
        assert self.dialogs == []
        if not page.is_closed():
            assert page.evaluate("window.__violations") == []
            assert page.evaluate("window.__ran") == []


class Inbox:
    """The page as a person has it before them; parts are found by role and name."""

    def __init__(self, page: Page, sandbox: Sandbox, watch: Watch) -> None:
        self.page = page
        self.sandbox = sandbox
        self.watch = watch

    def open(self, path: str = "") -> Inbox:
        """Load the page and wait until its event stream is connected."""
        self.page.goto(f"{self.sandbox.url}/{path}")
        self.live()
        return self

    def live(self) -> None:
        """Wait until the header says that the stream is connected."""
        self.page.locator("[data-stat=link]").filter(has_text="Live").wait_for(timeout=PATIENCE * 3)

    def send(self, text: str = "Hi", to: str | list[str] = NUMBER, **fields: Any) -> int:
        """Send through the gateway as a program would, and return the id of what was captured."""
        return send(self.sandbox, text, to, **fields)

    @property
    def rows(self) -> Locator:
        """The rows of the list that are drawn."""
        return self.page.locator("#list li.row")

    def row(self, words: str) -> Locator:
        """The row that has these words in it."""
        return self.rows.filter(has_text=words)

    def link(self, words: str) -> Locator:
        """The link of a row."""
        return self.row(words).first.locator("a.row-link")

    def choose(self, words: str) -> None:
        """Open what a row stands for, and wait for it."""
        self.link(words).click()
        self.page.locator("#phone .bubble, #phone .lcd").first.wait_for()

    def view(self, name: str) -> None:
        """Change to Threads, Log or Queue."""
        self.page.get_by_role("group", name="View").get_by_role("button", name=re.compile(f"^{name}")).click()

    def panel(self, name: str) -> Locator:
        """Open Account, Chaos, Settings or Help, and return the dialog."""
        self.page.get_by_role("navigation", name="Panels").get_by_role("button", name=re.compile(f"^{name}")).click()
        dialog = self.page.get_by_role("dialog")
        dialog.wait_for()
        return dialog

    def settled(self, message: int) -> None:
        """Wait until the inspector shows a message: until then its details are on their way."""
        self.page.locator(f"#panel[data-message='{message}']").wait_for()

    def tab(self, name: str) -> Locator:
        """Choose a tab of the inspector, and return its panel."""
        self.page.get_by_role("tab", name=name, exact=True).click()
        return self.page.get_by_role("tabpanel", name=name)

    def stat(self, name: str) -> Locator:
        """A figure of the header."""
        return self.page.locator(f"[data-stat={name}] dd")

    def bubble(self, words: str) -> Locator:
        """The text of a bubble of the phone."""
        return self.page.locator("#phone .bubble-text").filter(has_text=words)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, where the focus is."""
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> str | None:
        """The key of the row of the list that has the focus: what the row says may change at any time."""
        return self.page.evaluate("document.activeElement.closest('li.row')?.dataset.key ?? null")

    def until(self, expression: str, argument: Any = None) -> Any:
        """Wait until JavaScript finds something true, and return it."""
        return self.page.wait_for_function(expression, arg=argument, timeout=PATIENCE).json_value()


def call(where: Sandbox | str, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
    """Ask the control API or the gateway and return the JSON that it answers."""
    address = urlsplit(where if isinstance(where, str) else where.url)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", address.port or 80, timeout=10)) as line:
        encoded = None if body is None else json.dumps(body).encode()
        line.request(method, path, encoded, {"Content-Type": "application/json", **(headers or {})})
        return json.loads(line.getresponse().read())


def post(
    where: Sandbox | str, text: str = "Hi", to: str | list[str] = NUMBER, headers: Any = None, **fields: Any
) -> None:
    """Send through the gateway as a program would, whatever becomes of the answer."""
    body = {
        "username": "sandbox",
        "password": "sandboxpassword",
        "sender": "MY-APP",
        "mobile": to if isinstance(to, str) else ",".join(to),
        "message": text,
        "test": "1",
        **fields,
    }
    with contextlib.suppress(ValueError, OSError, http.client.HTTPException):  # A fault may have spoilt the answer.
        call(where, "POST", "/API/send/", body, headers)


def send(sandbox: Sandbox, text: str = "Hi", to: str | list[str] = NUMBER, headers: Any = None, **fields: Any) -> int:
    """Send through the gateway and return the id of what was captured; a refusal is captured too."""
    before = sandbox.gateway.store.sequence
    post(sandbox, text, to, headers, **fields)
    assert sandbox.gateway.store.sequence > before
    return sandbox.gateway.store.all()[-1].id


@pytest.fixture
def watch(sandbox: Sandbox) -> Watch:
    """What the page of this test is watched for."""
    return Watch(sandbox.url)


@pytest.fixture
def context(browser: Browser, sandbox: Sandbox) -> Iterator[BrowserContext]:
    """A profile without a past."""
    fresh = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="Asia/Kuwait")
    fresh.grant_permissions(["clipboard-read", "clipboard-write"], origin=sandbox.url)
    fresh.add_init_script(_WATCH)
    fresh.set_default_timeout(PATIENCE)
    yield fresh
    fresh.close()


@pytest.fixture
def inbox(context: BrowserContext, sandbox: Sandbox, watch: Watch) -> Iterator[Inbox]:
    """A page, not opened yet; when the test is over, it is judged."""
    page = context.new_page()
    watch.follow(page)
    yield Inbox(page, sandbox, watch)
    watch.judge(page)


@attrs.define
class Process:
    """A sandbox in a process of its own, which can be killed."""

    #: Its address.
    url: str
    #: Its port.
    port: int
    #: The running program.
    running: subprocess.Popen[str]

    def end(self, hard: bool = False) -> None:
        """End it, by request or by force."""
        if hard:
            self.running.kill()
        else:
            self.running.terminate()
        self.running.wait(10)


Launch = Callable[..., Process]


def start(*options: str, port: int) -> Process:
    """Start ``notifykit sandbox`` with options, as a person does in a terminal."""
    command = [sys.executable, "-m", "notifykit", "sandbox", "--port", str(port), *options]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    process = Process(f"http://127.0.0.1:{port}", port, running)
    ends = time.monotonic() + 20
    try:
        while True:
            with (
                contextlib.suppress(OSError),
                contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as line,
            ):
                line.request("GET", "/readyz")
                if line.getresponse().status == 200:
                    return process
            assert running.poll() is None, "the sandbox ended"
            assert time.monotonic() < ends, "the sandbox doesn't answer"
            time.sleep(0.02)
    except BaseException:
        process.end(hard=True)
        raise


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Start sandboxes, and end them."""
    started: list[Process] = []

    def start_one(*options: str, port: int) -> Process:
        started.append(start(*options, port=port))
        return started[-1]

    yield start_one
    for process in started:
        if process.running.poll() is None:
            process.end(hard=True)
