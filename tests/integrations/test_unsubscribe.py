"""Unsubscribing with real servers: a mail server takes the mail, and its link is clicked at a site on loopback."""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from notifykit import Notifier
from notifykit.people import Preferences, preferences_of
from tests.durable.conftest import until

pytestmark = pytest.mark.slow

PROJECT = pathlib.Path(__file__).parent / "django_project"
ROOT = pathlib.Path(__file__).parents[2]
SARA = "sara@example.com"
KEY = "a-key-that-signs-the-links"
ONE_CLICK = b"List-Unsubscribe=One-Click"


class Inbox:
    """Keeps what a mail server was given."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail."""
        self.mails.append(envelope.content)
        return "250 2.0.0 Ok: queued as A1"

    def link(self) -> str:
        """The link of the newest mail, as its header has it."""
        mail = email.message_from_bytes(self.mails[-1], policy=email.policy.SMTP)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert SARA not in mail["List-Unsubscribe"]
        return str(mail["List-Unsubscribe"]).strip("<>")


class AnyPort(Controller):
    """Takes whatever port is free."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


@pytest.fixture(name="inbox")
def _inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    controller = AnyPort(inbox, hostname="127.0.0.1", port=0)
    controller.start()
    inbox.port = controller.port  # type: ignore[attr-defined]
    yield inbox
    controller.stop()


def dsn_of(inbox: Inbox) -> str:
    return f"smtp://127.0.0.1:{inbox.port}?from=shop%40example.com"  # type: ignore[attr-defined]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def ask(url: str, body: bytes | None = None, kind: str = "application/x-www-form-urlencoded") -> tuple[int, str]:
    """Return the status and the page of a request."""
    headers = {"Content-Type": kind} if body is not None else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def click_through(link: str, send: Callable[[], bool], before: int, inbox: Inbox) -> None:
    """Do with a link what programs and people do, and look at what is sent after each step."""
    status, page = ask(link)
    assert status == 200
    assert '<form method="post"' in page
    assert send(), "looking at a page changes nothing"
    edge = '--edge\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--edge--\r\n'
    assert ask(link, edge.encode(), "multipart/form-data; boundary=edge")[0] == 200
    assert not send(), "a mail program unsubscribed"
    status, page = ask(link)
    assert 'value="resume"' in page
    assert ask(link, b"action=resume")[0] == 200
    assert send(), "the button subscribed again"
    assert ask(link, ONE_CLICK)[0] == 200
    assert not send()
    assert len(inbox.mails) == before + 2
    assert ask(link[:-1])[0] == 404
    assert ask(f"{link}x", ONE_CLICK)[0] == 404
    assert ask(link, b"x=1")[0] == 400
    assert ask(link, b"x" * 100_000)[0] == 400


def settings(port: int, inbox: Inbox, folder: pathlib.Path) -> dict[str, Any]:
    return {
        "transport": dsn_of(inbox),
        "state_dir": str(folder),
        "guard": {"preferences": "sqlite"},
        "unsubscribe": {"url": f"http://127.0.0.1:{port}/unsubscribe", "key": KEY},
    }


def first_mail(notifier: Notifier) -> bool:
    preferences_of(notifier).store.set(Preferences("u17", addresses={"email": SARA}))
    return news(notifier)


def news(notifier: Notifier) -> bool:
    return bool(notifier.send(SARA, "We open at nine.", channel="email", tags="marketing").accepted)


def test_flask(inbox: Inbox, tmp_path: pathlib.Path) -> None:
    """The blueprint of the extension."""
    pytest.importorskip("flask", reason='this needs the extra "flask"')
    from flask import Flask
    from werkzeug.serving import make_server

    from notifykit.integrations.flask import NotifyKit

    port = free_port()
    app, notify = Flask("shop"), NotifyKit()
    for name, value in settings(port, inbox, tmp_path).items():
        app.config[f"NOTIFYKIT_{name.upper()}"] = value
    notify.init_app(app)
    app.register_blueprint(notify.unsubscribe())
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with app.app_context():
            assert first_mail(notify.notifier)
            click_through(inbox.link(), lambda: news(notify.notifier), 1, inbox)
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()


@pytest.mark.parametrize("kind", ["fastapi", "starlette"])
def test_fastapi(inbox: Inbox, tmp_path: pathlib.Path, kind: str) -> None:
    """The router of FastAPI, and the routes of Starlette."""
    pytest.importorskip("fastapi", reason='this needs the extra "fastapi"')
    uvicorn = pytest.importorskip("uvicorn")
    from fastapi import FastAPI
    from starlette.applications import Starlette

    from notifykit.integrations.fastapi import lifespan, unsubscribe_router, unsubscribe_routes

    port = free_port()
    given = settings(port, inbox, tmp_path)
    if kind == "fastapi":
        app: Any = FastAPI(lifespan=lifespan(**given))
        app.include_router(unsubscribe_router())
    else:
        app = Starlette(lifespan=lifespan(**given), routes=unsubscribe_routes())
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        with Notifier.from_settings(**given) as notifier:
            assert first_mail(notifier)
            click_through(inbox.link(), lambda: news(notifier), 1, inbox)
    finally:
        server.should_exit = True
        thread.join(30)


@contextlib.contextmanager
def site(port: int, inbox: Inbox, folder: pathlib.Path) -> Iterator[str]:
    """Run the project of Django's tests on loopback, with its tables in a file."""
    of_the_run = ("NOTIFYKIT_INTERCEPTOR", "NOTIFYKIT_OWNER", "NOTIFYKIT_TESTING")
    environment = {
        **{name: value for name, value in os.environ.items() if name not in of_the_run},
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(ROOT)]),
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "SITE_DATABASE": str(folder / "site.sqlite3"),
        "SITE_MAIL": dsn_of(inbox),
        "SITE_UNSUBSCRIBE_URL": f"http://127.0.0.1:{port}/unsubscribe",
        "KWTSMS_USERNAME": "test",
        "KWTSMS_PASSWORD": "test",
        "NOTIFYKIT_STATE_DIR": str(folder),
    }
    django = [sys.executable, "-m", "django"]
    subprocess.run([*django, "migrate", "-v0", "--skip-checks"], env=environment, check=True, cwd=PROJECT, timeout=120)
    with (folder / "log").open("wb") as log:
        command = [*django, "runserver", "--noreload", "--skip-checks", f"127.0.0.1:{port}"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=PROJECT)
    try:

        def answers() -> bool:
            assert process.poll() is None, (folder / "log").read_text(errors="replace")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            return False

        until(answers)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()


def test_django(inbox: Inbox, tmp_path: pathlib.Path) -> None:
    """Django's mail with a tag, preferences in the site's own database, and a page in Arabic."""
    pytest.importorskip("django", reason='this needs the extra "django"')
    port = free_port()
    with site(port, inbox, tmp_path) as url:

        def post(path: str) -> dict[str, Any]:
            fields = urllib.parse.urlencode({"to": SARA}).encode()
            with urllib.request.urlopen(f"{url}/{path}", fields, timeout=60) as answer:
                found: dict[str, Any] = json.load(answer)
                return found

        assert post("campaign") == {"sent": 1}
        link = inbox.link()
        assert '<html lang="ar" dir="rtl">' in ask(link)[1]
        click_through(link, lambda: post("news")["sent"] == 1, 1, inbox)
        assert post("news") == {"sent": 0, "guards": ["preferences"]}
