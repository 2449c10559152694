"""Takes the picture of the inbox that the README shows: ``python docs/inbox_picture.py`` writes ``docs/inbox.png``.

It starts a sandbox, sends a few messages through the real client and photographs the page. It needs Playwright
(``pip install playwright``) and a Chromium, which it looks for on this machine or takes from ``CHROMIUM``; it downloads
nothing.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
import tempfile

from notifykit import Notifier
from notifykit_kwtsms.sandbox import Sandbox

PICTURE = pathlib.Path(__file__).parent / "inbox.png"
SIZE = {"width": 1280, "height": 800}
#: What the README may weigh.
LARGEST = 300_000

#: Number, text, and whether it goes out in test mode.
MESSAGES = (
    ("96566001122", "Thank you for your order no. 291. We will tell you when it is on its way.", True),
    ("96550443322", "Your envelope is with the courier. Follow it at https://myapp.example/p/k29", False),
    ("96598765432", "Your MyApp code is 481920. It is valid for 5 minutes.", False),
    ("96551234567", "رمز التحقق الخاص بك في تطبيق ماي آب هو 739204، صالح لمدة 5 دقائق.", False),
    (
        "96598765432",
        "It’s almost time: your table for four is ready at 20:30. Show this message at the door, and enjoy the evening.",
        False,
    ),
)
#: What keeps Chromium from the network and from waiting for a screen.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def send(sandbox: Sandbox) -> None:
    """Send the messages, with time between them, as the gateway wants it."""
    with Notifier(sandbox.dsn) as test, Notifier(sandbox.dsn.replace("test=1", "test=0")) as live:
        for number, text, as_test in MESSAGES:
            report = (test if as_test else live).send(number, text, tags=["demo"])
            if not report.accepted:
                raise SystemExit(f"the sandbox did not take a message: {report.rejected or report.unknown}")
            sandbox.clock.advance(16)
    newest_first = [message.id for message in reversed(sandbox.messages)]
    for message in newest_first[:3]:
        sandbox.gateway.store.force(message, "delivered")


def chromium() -> str:
    """Return where Chromium is."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        raise SystemExit("there is no Chromium on this machine: install one, or say where it is in CHROMIUM")
    return found


def photograph(url: str, message: int, picture: pathlib.Path) -> None:
    """Open a message in the page and write what it looks like."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        browser = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium(),
            args=list(FLAGS),
            viewport=SIZE,
            color_scheme="light",
            reduced_motion="reduce",
            timezone_id="Asia/Kuwait",
        )
        page = browser.new_page()
        page.goto(f"{url}/#/m/{message}")
        page.get_by_role("tab", name="Encoding").click()
        page.locator(".bubble .segment-mark").wait_for()
        page.locator(".meter").wait_for()
        page.evaluate("document.activeElement.blur()")
        page.mouse.move(0, 0)
        page.screenshot(path=picture)
        browser.close()


def main(picture: pathlib.Path = PICTURE) -> None:
    """Take the picture."""
    with Sandbox() as sandbox:
        send(sandbox)
        photograph(sandbox.url, sandbox.messages[-1].id, picture)
    size = picture.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{picture} has {size} bytes, more than {LARGEST}")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:2]))
