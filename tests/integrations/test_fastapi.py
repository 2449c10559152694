"""FastAPI and Starlette: one notifier for each server process, given to endpoints, and delivery reports."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from notifykit import AsyncNotifier, ConfigError, Notifier
from notifykit.integrations.delivery_reports import MAX_BODY, SIGNATURE_HEADER, sign
from notifykit.testing import Outbox
from notifykit_kwtsms import delivery_report
from notifykit_kwtsms.sandbox import Rules, Sandbox

pytest.importorskip("fastapi", reason='this needs the extra "fastapi"')
pytest.importorskip("httpx2", reason="the client of the tests needs it")

from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from notifykit.integrations.fastapi import (
    NotifierDep,
    SyncNotifierDep,
    get_notifier,
    lifespan,
    report_router,
    report_routes,
)

ROOT = pathlib.Path(__file__).parents[2]
MOBILE = "96598765432"
SECRET = "only-the-provider-knows"
REPORT = {"msg-id": "f4c841adee210f31", "mobile": "966558724477", "status": "DELIVERED"}


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("NOTIFYKIT_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("NOTIFYKIT_TRANSPORT", "kwtsms://test:test@127.0.0.1:9?test=0&sender=MYAPP")


@pytest.fixture(name="app")
def _app() -> FastAPI:
    app = FastAPI(lifespan=lifespan())
    app.include_router(report_router(SECRET, delivery_report))

    @app.post("/async")
    async def send(mobile: str, notifier: NotifierDep) -> str:
        return (await notifier.send([mobile], "Hello"))[0].outcome.value

    @app.post("/sync")
    def send_in_thread(mobile: str, notifier: SyncNotifierDep) -> str:
        return notifier.send([mobile], "Hello")[0].outcome.value

    return app


# --- the notifier ---


@pytest.mark.parametrize("path", ["/async", "/sync"])
def test_an_endpoint_sends_into_the_outbox(app: FastAPI, notify_outbox: Outbox, path: str) -> None:
    """With nothing overridden, in the event loop and in a thread."""
    with TestClient(app) as client:
        assert client.post(path, params={"mobile": MOBILE}).json() == "accepted"
    assert notify_outbox.one(to=MOBILE).text == "Hello"


@pytest.mark.parametrize("path", ["/async", "/sync"])
def test_the_dependency_can_be_overridden(app: FastAPI, path: str) -> None:
    """Both ways of getting it follow."""
    given = AsyncNotifier("memory")
    app.dependency_overrides[get_notifier] = lambda: given
    client = TestClient(app)  # the lifespan does not run
    assert client.post(path, params={"mobile": MOBILE}).json() == "accepted"
    assert len(given.transport.batches) == 1  # type: ignore[attr-defined]


def test_without_the_lifespan_the_error_says_what_to_write(app: FastAPI) -> None:
    """It is the first mistake of every test."""
    with pytest.raises(ConfigError, match=r"lifespan=.*with statement"):
        TestClient(app).post("/async", params={"mobile": MOBILE})


def test_a_lifespan_of_ones_own_runs_inside(notify_outbox: Outbox) -> None:
    """The notifier is open before it begins and after it ends; its state is there too."""
    seen: list[object] = []

    @contextlib.asynccontextmanager
    async def own(app: Starlette) -> AsyncIterator[dict[str, object]]:
        seen.append((await app.state.notifykit.send([MOBILE], "Started"))[0].outcome.value)
        yield {"pool": "mine"}
        seen.append((await app.state.notifykit.send([MOBILE], "Stopped"))[0].outcome.value)

    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{request.state.pool} {get_notifier(request).settings.timeout:g}")

    app = Starlette(lifespan=lifespan("memory", inside=own, timeout=7), routes=[Route("/", page)])
    with TestClient(app) as client:
        assert client.get("/").text == "mine 7"
        notifier = app.state.notifykit
    assert seen == ["accepted", "accepted"]
    with pytest.raises(RuntimeError, match="closed"):
        notifier.plan([MOBILE], "Hello")


def test_wrong_settings_stop_the_start(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at once, before the first request."""
    monkeypatch.setenv("NOTIFYKIT_TIMEOUT", "soon")
    monkeypatch.setenv("NOTIFYKIT_DEADLINE", "late")
    with pytest.raises(ConfigError) as caught, TestClient(app):
        pass
    assert len(caught.value.problems) == 2


def test_the_sync_twin_is_the_same_notifier() -> None:
    """It has the same connections and limits."""
    notifier = AsyncNotifier("memory")
    twin = notifier.sync()
    assert isinstance(twin, Notifier)
    assert twin.transport is notifier.transport
    assert twin.send([MOBILE], "Hello")[0].outcome == "accepted"


# --- delivery reports ---


@pytest.fixture(params=["fastapi", "starlette"], name="reports")
def _reports(request: pytest.FixtureRequest, app: FastAPI) -> Iterator[TestClient]:
    """A client of both."""
    routes = report_routes(SECRET, delivery_report)
    with TestClient(app if request.param == "fastapi" else Starlette(lifespan=lifespan(), routes=routes)) as client:
        yield client


PATH = "/delivery-reports"


def test_a_report_proves_itself_by_a_signature_or_the_path(reports: TestClient) -> None:
    """The answer says what is known now; one that is late changes nothing."""
    body = json.dumps(REPORT).encode()
    signed = {SIGNATURE_HEADER: sign(body, SECRET)}
    assert reports.post(PATH, content=body, headers=signed).json() == {"state": "delivered"}
    late = {**REPORT, "status": "PENDING"}
    assert reports.post(f"{PATH}/{SECRET}", json=late).json() == {"state": "delivered"}
    assert reports.post(f"{PATH}/{SECRET}", data=REPORT).json() == {"state": "delivered"}


def test_a_report_without_proof_finds_nothing(reports: TestClient) -> None:
    """Neither a guess, nor another body, nor nothing; and what is no report is said to who proves himself."""
    forged = {SIGNATURE_HEADER: sign(b"{}", SECRET)}
    answers = [
        reports.post(PATH, json=REPORT),
        reports.post(PATH, json=REPORT, headers=forged),
        reports.post(f"{PATH}/guessed", json=REPORT),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    wrong = reports.post(f"{PATH}/{SECRET}", json={})
    assert wrong.status_code == 400
    assert wrong.json()["detail"]


def test_a_body_that_is_too_long_is_refused(reports: TestClient) -> None:
    """Also where it comes in pieces, without a length."""

    def pieces() -> Iterator[bytes]:
        for _ in range(3):
            yield b"x" * (MAX_BODY // 2)

    assert reports.post(f"{PATH}/{SECRET}", content=pieces()).status_code == 413


def test_a_secret_that_is_none_is_refused() -> None:
    """When the router is made."""
    with pytest.raises(ConfigError, match="at least 16"):
        report_router("short", delivery_report)


def test_reports_stand_in_no_documentation(app: FastAPI) -> None:
    """The schema of the interface is public."""
    assert "delivery-reports" not in json.dumps(app.openapi())


# --- a real server ---

_SERVED = """
import contextlib, os, pathlib
from fastapi import FastAPI
from notifykit.integrations.fastapi import NotifierDep, lifespan

class Sink:
    name = "processes"
    def __init__(self):
        (pathlib.Path(os.environ["HERE"]) / f"opened-{os.getpid()}").touch(exist_ok=False)
    def handle(self, event):
        pass
    def close(self):
        (pathlib.Path(os.environ["HERE"]) / f"closed-{os.getpid()}").touch(exist_ok=False)

@contextlib.asynccontextmanager
async def only_here(app):
    async with lifespan(sinks=[Sink()])(app) as state:
        yield state

app = FastAPI(lifespan=only_here)

@app.post("/hello")
async def hello(mobile: str, notifier: NotifierDep) -> str:
    return (await notifier.send([mobile], "Hello"))[0].outcome.value
"""


@contextlib.contextmanager
def server(folder: pathlib.Path, sandbox: Sandbox, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run uvicorn on loopback, and give its process and its address."""
    pytest.importorskip("uvicorn")
    (folder / "served.py").write_text(_SERVED, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = os.pathsep.join([str(folder), str(ROOT), *filter(None, sys.path)])
    dsn = sandbox.dsn.replace("test=1", "test=0")
    environment = {**os.environ, "HERE": str(folder), "PYTHONPATH": path, "NOTIFYKIT_TRANSPORT": dsn}
    words = ["served:app", "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *words], env=environment, stdout=log, stderr=log, cwd=folder
        )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(120)
        finally:
            process.kill()


def until(condition: Any, folder: pathlib.Path) -> Any:
    """Return what a condition says once that is true."""
    ends = time.monotonic() + 240
    while not (found := condition()):
        assert time.monotonic() < ends, (folder / "log").read_text("utf-8")
        time.sleep(0.02)
    return found


def post(url: str) -> Any:
    """Post to the server, and return its JSON; None where it does not listen yet."""
    import httpx2

    try:
        return httpx2.post(url, timeout=120).json()
    except httpx2.ConnectError:
        return None


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        yield sandbox


@pytest.mark.slow
def test_a_server_answers_who_waits_before_it_closes_the_notifier(tmp_path: pathlib.Path, sandbox: Sandbox) -> None:
    """A deployment in the middle of a request: uvicorn waits for it, and the notifier is still open."""
    from concurrent.futures import ThreadPoolExecutor

    with server(tmp_path, sandbox, 1) as (process, url), ThreadPoolExecutor(1) as pool:
        assert until(lambda: post(f"{url}/hello?mobile={MOBILE}"), tmp_path) == "accepted"
        sandbox.chaos("slow", endpoint="send", to="96551112222", delay=1.0)
        waiting = pool.submit(post, f"{url}/hello?mobile=96551112222")
        until(lambda: sandbox.gateway.faults.active() == () or sandbox.accepted("96551112222"), tmp_path)
        process.send_signal(signal.SIGTERM)
        assert waiting.result(120) == "accepted"
        process.wait(120)
    assert len([*tmp_path.glob("opened-*")]) == len([*tmp_path.glob("closed-*")]) == 1


@pytest.mark.slow
def test_four_processes_of_a_server_have_one_notifier_each(tmp_path: pathlib.Path, sandbox: Sandbox) -> None:
    """It is opened after the fork, once in each, and closed once."""
    with server(tmp_path, sandbox, 4) as (_, url):
        until(lambda: len([*tmp_path.glob("opened-*")]) == 4, tmp_path)
        for number in range(8):
            assert until(lambda n=number: post(f"{url}/hello?mobile=9655000000{n}"), tmp_path) == "accepted"
    assert len(sandbox.messages) == 8
    opened = {file.name.removeprefix("opened-") for file in tmp_path.glob("opened-*")}
    assert opened == {file.name.removeprefix("closed-") for file in tmp_path.glob("closed-*")}
    assert len(opened) == 4
