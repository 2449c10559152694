"""The page elsewhere: below a prefix of another application, behind a token, beside others, and where others reach it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server

from notifykit_kwtsms.sandbox import Gateway, Rules, Sandbox, create_app
from tests.browser.conftest import NUMBER, Watch, call, expect, post

if TYPE_CHECKING:
    from playwright.sync_api import Page


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def mounted() -> Iterator[str]:
    """An application with the sandbox at a prefix, on Werkzeug's server; the address of the prefix."""
    gateway = Gateway(Rules(rate_limit=None))

    def application_(environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])  # type: ignore[operator]
        return [b"my application"]

    application = DispatcherMiddleware(application_, {"/__sms__": create_app(gateway)})
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/__sms__"
    # Streams that are still open end with their store.
    gateway.store.close()
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_the_page_works_below_a_prefix(mounted: str, page: Page, watch: Watch) -> None:
    """Its files, its API, its stream and its links: everything stays below the prefix."""
    watch.origin = mounted
    page.goto(mounted + "/")
    expect(page.locator("[data-stat=link] dd")).to_have_text("Live")
    body = {"to": NUMBER, "text": "Your code is 123456"}
    assert call(mounted, "POST", "/__sms__/sandbox/messages", body)["result"] == "OK"
    row = page.locator("#list li.row")
    expect(row).to_have_count(1)
    row.locator("a").first.click()
    expect(page.locator("#phone .bubble-text")).to_have_text("Your code is 123456")
    page.get_by_role("tab", name="Delivery").click()
    page.get_by_role("button", name="Make it: Failed").click()
    expect(page.locator("ol.timeline")).to_contain_text("Failed")
    page.get_by_role("button", name="Account").click()
    expect(page.get_by_label("Environment")).to_contain_text(f"{mounted}/API/")
    page.goto(mounted + "/m/1")
    expect(page.locator("#phone .bubble-text")).to_have_text("Your code is 123456")


def test_the_prefix_without_its_slash_is_the_same_place(mounted: str, page: Page, watch: Watch) -> None:
    """A redirect, or every relative address would miss."""
    # The slash is what is being asked for here.
    watch.origin = mounted.rpartition("/")[0]
    page.goto(mounted)
    expect(page.locator("[data-stat=link] dd")).to_have_text("Live")


def test_a_token_is_asked_for_once(page: Page, watch: Watch) -> None:
    """A form first; with the token the page opens, the address no longer shows it, and a reload needs nothing."""
    with Sandbox(token="sesame", rules=Rules(rate_limit=None)) as guarded:
        watch.origin = guarded.url
        watch.expected.append("401 (Unauthorized)")
        post(guarded, "secret 123456")
        page.goto(guarded.url + "/")
        assert "123456" not in page.content()
        field = page.get_by_label("Token")
        field.fill("wrong")
        field.press("Enter")
        expect(page.get_by_label("Token")).to_be_visible()
        page.get_by_label("Token").fill("sesame")
        page.get_by_label("Token").press("Enter")
        expect(page.locator("#list li.row")).to_have_count(1)
        expect(page.locator("[data-stat=link] dd")).to_have_text("Live")
        assert "sesame" not in page.url
        assert "sesame" not in page.evaluate("document.cookie")
        page.reload()
        expect(page.locator("#list li.row")).to_have_count(1)
        post(guarded, "live", "96590000001")
        expect(page.locator("#list li.row")).to_have_count(2)
        watch.judge(page)


def test_a_sandbox_that_others_can_reach_says_so(page: Page, watch: Watch) -> None:
    """A banner in red, and words."""
    with Sandbox("0.0.0.0", allow_remote=True, token="sesame") as open_wide:
        watch.origin = open_wide.url
        page.goto(open_wide.url + "/?token=sesame")
        banner = page.locator("#remote")
        expect(banner).to_contain_text("can be reached from other machines")
        red, green, blue = page.evaluate(
            """() => { const style = getComputedStyle(document.getElementById('remote'));
            return style.backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number); }"""
        )
        assert red > green
        assert red > blue
        watch.judge(page)


def test_a_label_distinguishes_sandboxes(page: Page, watch: Watch) -> None:
    """Beside the name of the page and in its title."""
    with Sandbox(label="staging") as labelled:
        watch.origin = labelled.url
        page.goto(labelled.url + "/")
        expect(page.locator("#label")).to_have_text("staging")
        expect(page).to_have_title("Inbox · staging · notifykit sandbox")
        watch.judge(page)
