"""The page's files, the form that asks for the token, and access."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import urllib3
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client as WsgiClient

from notifykit_kwtsms.sandbox import Sandbox, create_app
from notifykit_kwtsms.sandbox.http.app import PAGE

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client


def nothing(environ, start_response):  # type: ignore[no-untyped-def]
    """The application around the sandbox."""
    start_response("404 Not Found", [])
    return [b""]


def test_the_page_may_do_nothing_but_what_comes_from_here(client: Client) -> None:
    """No script in the page, no address outside."""
    response = client.request("GET", "/")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (response.headers["Referrer-Policy"], response.headers["X-Content-Type-Options"]) == (
        "no-referrer",
        "nosniff",
    )
    assert "<script>" not in response.text


def test_every_file_of_the_page_is_served_by_a_relative_address(client: Client) -> None:
    """With its type, its mark, and nothing but 304 for who has it."""
    for name in re.findall(r'(?:src|href)="(page/[^"]+)"', client.request("GET", "/").text):
        response = client.request("GET", f"/{name}")
        assert response.status == 200, name
        assert response.body == (PAGE / name.removeprefix("page/")).read_bytes()
        again = client.request("GET", f"/{name}", headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "name",
    [
        "../__init__.py", "..%2f__init__.py", "%2e%2e/embedded.py", "..\\embedded.py", "/etc/passwd", "//etc/passwd",
        "index.html/", "./index.html", "", "nothing.js", "index.html%00.js", "....//embedded.py",
    ],
)  # fmt: skip
def test_nothing_else_is_served(client: Client, name: str) -> None:
    """Whatever way leads out of the folder is no file of the page."""
    assert client.request("GET", f"/page/{name}").status == 404


def test_the_sandbox_can_be_mounted_below_another_application() -> None:
    """At a prefix, which its redirects and its lines to paste know."""
    mounted = WsgiClient(DispatcherMiddleware(nothing, {"/__sms__": create_app()}))
    assert mounted.get("/__sms__").headers["Location"] == "/__sms__/"
    assert b'src="page/' in mounted.get("/__sms__/").data
    response = mounted.post("/__sms__/sandbox/messages", json={"to": "96598765432", "text": "Hi"})
    assert response.status_code == 201
    assert mounted.get("/__sms__/latest").headers["Location"] == "/__sms__/#/m/1"
    assert mounted.get("/__sms__/sandbox/messages/latest").headers["Location"] == "/__sms__/sandbox/messages/1"
    assert "/__sms__/API/" in mounted.get("/__sms__/sandbox/account").json["env"]
    stream = mounted.get("/__sms__/sandbox/events?after=0", buffered=False)
    received = b"".join(piece for _, piece in zip(range(3), stream.iter_encoded(), strict=False))
    stream.close()
    assert b"event: hello" in received
    assert b"event: new" in received


def test_a_foreign_page_gets_nothing(client: Client) -> None:
    """Neither by a name that was rebound, nor by another port, nor without an origin; a link may lead here."""
    host = f"127.0.0.1:{client.sandbox.port}"

    def status(path: str, method: str = "GET", **headers: str) -> int:
        return client.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        ).status

    for path in ("/sandbox/events", "/sandbox/messages", "/metrics", "/"):
        assert status(path, Host=f"evil.example:{client.sandbox.port}") == 403
        assert status(path, Host="127.0.0.1:1") == 403
        assert status(path, Origin="http://evil.example") == 403
        assert status(path, Origin="http://127.0.0.1:1") == 403
        assert status(path, Origin="null") == 403
    assert status("/sandbox/messages", Origin=f"http://{host}") == 200
    assert status("/sandbox/messages", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors") == 403
    assert status("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate") == 200
    assert status("/sandbox/reset", "POST", Sec_Fetch_Site="same-site", Sec_Fetch_Mode="navigate") == 403
    assert status("/sandbox/messages", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="cors") == 200


def test_the_token_is_asked_for_and_turned_into_a_cookie() -> None:
    """Which is not the token, and holds for the page, its files, its data and its events."""
    with Sandbox(token="sesame") as sandbox:
        pool = urllib3.HTTPConnectionPool("127.0.0.1", sandbox.port, retries=False, timeout=30)

        def get(path: str, **headers: str) -> urllib3.BaseHTTPResponse:
            return pool.urlopen("GET", path, headers=headers, redirect=False)

        form = get("/")
        assert (form.status, b'name="token"' in form.data, b"<script" in form.data) == (401, True, False)
        assert get("/?token=wrong").status == 401
        for path in (
            "/page/index.html",
            "/sandbox/messages",
            "/metrics",
            "/openapi.json",
            "/latest",
            "/sandbox/events",
        ):
            assert get(path).status == 401
        opened = get("/?token=sesame")
        assert (opened.status, opened.headers["Location"]) == (303, "/")
        cookie = opened.headers["Set-Cookie"]
        assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
        assert "sesame" not in cookie
        shown = cookie.partition(";")[0]
        for path in ("/", "/page/index.html", "/sandbox/messages", "/metrics"):
            assert get(path, Cookie=shown).status == 200
        assert get("/?token=sesame", Cookie=shown).status == 303
        assert get("/sandbox/messages", Cookie=f"{shown}x").status == 401
        assert get("/livez").status == get("/readyz").status == 200
        pool.close()
