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
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs
import pytest

from notifykit_kwtsms.sandbox import Rules, Sandbox

try:
    from playwright.sync_api import Error, expect
except ImportError:  # The tests are then skipped by their fixture, with the reason.
    expect = None

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

REQUIRED: Final = "browser" in os.environ.get("NOTIFYKIT_REQUIRE", "").split(",")
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
#: Nothing but the page: no sandbox of the process (it may run as root), no calls to Google, and one process for pages.
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",
)
#: Milliseconds that something on the page may take to appear: a machine may be busy, or slow.
PATIENCE: Final = 30_000
WINDOW: Final = {"width": 1440, "height": 900}
#: What the system asks of a page, unless a test says otherwise.
MEDIA: Final = {"media": "null", "color_scheme": "light", "reduced_motion": "no-preference", "forced_colors": "none"}
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
#: Levels A and AA of every version up to 2.2, and what is simply good manners. The themes differ in nothing but colours.
_RULES: Final[dict[Any, dict[str, Any]]] = {
    "light": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
    },
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
_AXE: Final = """\
async ([within, rules, scheme]) => {
  const options = { runOnly: rules, resultTypes: ['violations'], preload: false };
  const found = await axe.run(within ?? document, options);
  return found.violations.flatMap(({ id, impact, nodes }) => nodes.map((node) =>
    `${scheme}: ${id} (${impact}): ${node.html.slice(0, 160)} ${(node.failureSummary ?? '').slice(0, 300)}`));
}
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


class _Chromium:
    """The browser of this process, with one tab: starting them takes longer than most tests, so tests take turns."""

    def __init__(self) -> None:
        self._ends = contextlib.ExitStack()
        self._browser: Browser | None = None
        self._tab: Page | None = None

    def profile(self) -> BrowserContext:
        """Return a profile without a past."""
        if self._browser is None:
            from playwright.sync_api import sync_playwright

            expect.set_options(timeout=PATIENCE)
            playwright = self._ends.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
            self._ends.callback(self._browser.close)
        fresh = self._browser.new_context(viewport=WINDOW, locale="en-GB", timezone_id="Asia/Kuwait")
        fresh.grant_permissions(["clipboard-read", "clipboard-write"])
        fresh.add_init_script(_WATCH)
        fresh.set_default_timeout(PATIENCE)
        return fresh

    def tab(self) -> Page:
        """Return the tab."""
        if self._tab is None:
            self._tab = self.profile().new_page()
        return self._tab

    def leave(self) -> None:
        """Leave the page of a test, and whatever the test asked of the browser."""
        assert self._tab is not None
        try:
            for page in self._tab.context.pages:
                if page is not self._tab:
                    page.close()
            # Another sandbox may have the same port, and so the same origin. Where there is no storage it is out of reach.
            self._tab.evaluate("() => { try { localStorage.clear(); } catch { } }")
            self._tab.goto("about:blank")
            self._tab.set_viewport_size(WINDOW)
            self._tab.emulate_media(**MEDIA)
            self._tab.mouse.move(0, 0)
            self._tab.context.clear_cookies()
        except Error:  # It is closed or broken: the next test has a new one.
            self._tab.context.close()
            self._tab = None

    def end(self) -> None:
        """End it, if it was started."""
        self._browser = self._tab = None
        self._ends.close()


_CHROMIUM: Final = _Chromium()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """End the browser with the last test of this folder: its event loop would be in the way of other tests' loops."""
    yield
    if nextitem is None or not nextitem.path.is_relative_to(pathlib.Path(__file__).parent):
        _CHROMIUM.end()


def pytest_unconfigure() -> None:
    """End the browser of a run that was interrupted."""
    _CHROMIUM.end()


@pytest.fixture(scope="session")
def _available() -> None:
    if expect is None:
        _unavailable("playwright is not installed")
    if CHROMIUM is None:
        _unavailable("there is no chromium on this machine (Debian's package is named chromium)")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that doesn't mind haste."""
    with Sandbox(rules=Rules(rate_limit=None)) as running:
        yield running


@attrs.define(slots=False)
class Watch:
    """What a page did besides what it was asked to."""

    #: Where it may go.
    origin: str = ""
    #: Errors and warnings on its console, and uncaught exceptions.
    complaints: list[str] = attrs.field(factory=list)
    #: Every address it asked for.
    asked: list[str] = attrs.field(factory=list)
    #: The words of dialogs it opened.
    dialogs: list[str] = attrs.field(factory=list)
    #: Complaints that a test brought about itself.
    expected: list[str] = attrs.field(factory=list)
    #: What it listens to: a page, the name of an event, and what is called.
    _followed: list[tuple[Page, Any, Callable[[Any], None]]] = attrs.field(factory=list)

    def follow(self, page: Page) -> None:
        """Listen to a page."""

        def dismiss(dialog: Any) -> None:
            self.dialogs.append(dialog.message)
            dialog.dismiss()

        handlers: dict[Any, Callable[[Any], None]] = {
            "console": self._console,
            "pageerror": lambda error: self.complaints.append(f"exception: {error}"),
            "request": lambda request: self.asked.append(request.url),
            "dialog": dismiss,
        }
        for event, handle in handlers.items():
            page.on(event, handle)
            self._followed.append((page, event, handle))

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} {message.location['url']}")

    def judge(self, page: Page) -> None:
        """Nothing on the console, nothing to a stranger, no dialog, no break of the policy, no foreign script.

        It no longer listens then: what comes later comes of the end of the test.
        """
        of_the_page = [[], []] if page.is_closed() else page.evaluate("[window.__violations, window.__ran]")
        while self._followed:
            followed, event, handle = self._followed.pop()
            followed.remove_listener(event, handle)
        assert of_the_page == [[], []]
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
        self.page.locator("[data-stat=link]").filter(has_text="Live").wait_for()

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

    def go(self, message: int) -> None:
        """Open a message without loading the page again, and wait until phone and inspector show it."""
        self.page.evaluate("(id) => { location.hash = `#/m/${id}`; }", message)
        self.settled(message)
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
        return self.page.wait_for_function(expression, arg=argument).json_value()


def violations(page: Page, within: str | None = None) -> list[str]:
    """Return what axe-core minds of the page or a part of it: every rule in the light theme, colours in the dark one."""
    from axe_playwright_python.base import AXE_SCRIPT

    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    for scheme, rules in _RULES.items():
        page.emulate_media(color_scheme=scheme)
        # Colours that are fading in are no colours yet.
        page.wait_for_function("() => document.getAnimations().every((one) => one.playState !== 'running')")
        found += page.evaluate(_AXE, [within, rules, scheme])
    return found


def call(where: Sandbox | str, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
    """Ask the control API or the gateway and return the JSON that it answers."""
    address = urlsplit(where if isinstance(where, str) else where.url)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", address.port or 80, timeout=30)) as line:
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
def page(_available: None) -> Iterator[Page]:
    """The tab, empty."""
    yield _CHROMIUM.tab()
    _CHROMIUM.leave()


@pytest.fixture
def apart(_available: None) -> Iterator[Page]:
    """A tab in a profile of its own, for what can't be taken back."""
    profile = _CHROMIUM.profile()
    yield profile.new_page()
    profile.close()


@pytest.fixture
def watch(page: Page) -> Iterator[Watch]:
    """What the tab does; it is judged when the test is over, if the test has not done so."""
    watch = Watch()
    watch.follow(page)
    yield watch
    watch.judge(page)


@pytest.fixture
def inbox(sandbox: Sandbox, page: Page, watch: Watch) -> Inbox:
    """The page, not opened yet."""
    watch.origin = sandbox.url
    return Inbox(page, sandbox, watch)


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
        self.running.wait(30)


Launch = Callable[..., Process]


def start(*options: str, port: int) -> Process:
    """Start ``notifykit sandbox`` with options, as a person does in a terminal."""
    command = [sys.executable, "-m", "notifykit", "sandbox", "--port", str(port), *options]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    process = Process(f"http://127.0.0.1:{port}", port, running)
    ends = time.monotonic() + 60
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
