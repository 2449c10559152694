"""Flask: one notifier for each process and application, its commands, and delivery reports."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifykit import ConfigError
from notifykit.integrations.delivery_reports import MAX_BODY, SIGNATURE_HEADER, sign
from notifykit.testing import Outbox
from notifykit_kwtsms import delivery_report
from notifykit_kwtsms.sandbox import Rules, Sandbox

pytest.importorskip("flask", reason='this needs the extra "flask"')

from flask import Flask
from werkzeug.serving import make_server

from notifykit.integrations.flask import NotifyKit

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
MOBILE = "96598765432"
SECRET = "only-the-provider-knows"
REPORT = {"msg-id": "f4c841adee210f31", "mobile": "966558724477", "status": "DELIVERED"}
PATH = "/delivery-reports"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("NOTIFYKIT_STATE_DIR", str(tmp_path))


def make_app(notify: NotifyKit, name: str = "shop", **config: object) -> Flask:
    """Return an application with the extension, a page and reports."""
    app = Flask(name)
    app.config.update(NOTIFYKIT_TRANSPORT="kwtsms://test:test@127.0.0.1:9?test=0&sender=MYAPP", **config)
    notify.init_app(app)
    app.register_blueprint(notify.reports(SECRET, delivery_report))

    @app.post("/hello/<mobile>")
    def hello(mobile: str) -> dict[str, str]:
        return {"outcome": notify.notifier.send([mobile], "Hello")[0].outcome.value}

    return app


@pytest.fixture(name="notify")
def _notify() -> NotifyKit:
    return NotifyKit()


@pytest.fixture(name="app")
def _app(notify: NotifyKit) -> Flask:
    return make_app(notify)


# --- the notifier ---


def test_a_view_sends_into_the_outbox(app: Flask, notify: NotifyKit, notify_outbox: Outbox) -> None:
    """With nothing overridden."""
    assert app.test_client().post(f"/hello/{MOBILE}").json == {"outcome": "accepted"}
    assert notify_outbox.one(to=MOBILE).text == "Hello"
    assert app.extensions["notifykit"] is notify


def test_settings_are_those_of_flask(notify: NotifyKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """They come first; what is not among them comes from the environment."""
    monkeypatch.setenv("NOTIFYKIT_TIMEOUT", "5")
    monkeypatch.setenv("NOTIFYKIT_DEADLINE", "9")
    app = make_app(notify, NOTIFYKIT_TIMEOUT=7)
    with app.app_context():
        settings = notify.notifier.settings
    assert (settings.timeout, settings.deadline) == (7, 9)


def test_wrong_settings_stop_the_start(notify: NotifyKit) -> None:
    """All of them at once, the name that was mistyped too."""
    with pytest.raises(ConfigError) as caught:
        make_app(notify, NOTIFYKIT_TIMEOUT="soon", NOTIFYKIT_DEADLINE="late", NOTIFYKIT_SENDR="SHOP")
    words = str(caught.value)
    assert len(caught.value.problems) == 3
    assert all(name in words for name in ("timeout", "deadline", "sendr"))


def test_two_applications_have_a_notifier_each(notify: NotifyKit) -> None:
    """One extension serves both, and each keeps its own."""
    apps = [make_app(notify, name) for name in ("shop", "blog")]
    found = []
    for app in (*apps, *apps):
        with app.app_context():
            found.append(notify.notifier)
    assert found[:2] == found[2:]
    assert found[0] is not found[1]


def test_what_was_forgotten_is_said(app: Flask, notify: NotifyKit) -> None:
    """Twice, never, and outside of any application."""
    with pytest.raises(ConfigError, match="twice"):
        notify.init_app(app)
    with pytest.raises(ConfigError, match="init_app"), Flask("other").app_context():
        assert notify.notifier
    with pytest.raises(RuntimeError):
        assert notify.notifier


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_makes_its_own_notifier(app: Flask, notify: NotifyKit) -> None:
    """What the parent has are the parent's connections, and stay open."""
    with app.app_context():
        parents = notify.notifier
        reader, writer = os.pipe()
        if not (child := os.fork()):
            code = 1
            with contextlib.suppress(BaseException):
                os.write(writer, b"same" if notify.notifier is parents else b"other")
                code = 0
            os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        os.close(writer)
        assert os.read(reader, 10) == b"other"
        os.close(reader)
        assert notify.notifier is parents


# --- commands ---

_SHOP = """
import os
from flask import Flask
from notifykit.integrations.flask import NotifyKit
app = Flask(__name__)
app.config["NOTIFYKIT_TRANSPORT"] = os.environ["DSN"]
notify = NotifyKit(app)
"""


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        yield sandbox


@pytest.fixture(name="flask")
def _flask(tmp_path: pathlib.Path, sandbox: Sandbox) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``flask`` in a project's folder."""
    (tmp_path / "shop.py").write_text(_SHOP, encoding="utf-8")
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path, "DSN": sandbox.dsn, "NO_COLOR": "1"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flask", "--app", "shop", *words]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60
        )

    return run


def test_flask_notify_sends_with_the_settings_of_the_application(
    flask: Callable[..., subprocess.CompletedProcess[str]], sandbox: Sandbox
) -> None:
    """It is the notifykit program; only the application names the sandbox."""
    done = flask("notify", "send", MOBILE, "Hello from Flask", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"]
    assert sandbox.wait(to=MOBILE).text == "Hello from Flask"


def test_flask_notify_doctor_looks_at_them(
    flask: Callable[..., subprocess.CompletedProcess[str]], sandbox: Sandbox
) -> None:
    """It asks the provider that the application uses; exit codes are those of the program."""
    done = flask("notify", "doctor", "--online", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "balance" in {request.endpoint for request in sandbox.requests}
    assert flask("notify", "no-such-command").returncode == 2
    assert "doctor" in flask("notify", "--help").stdout


# --- delivery reports ---


def test_a_report_proves_itself_by_a_signature_or_the_path(app: Flask) -> None:
    """The answer says what is known now; one that is late changes nothing."""
    client, body = app.test_client(), json.dumps(REPORT).encode()
    assert client.post(PATH, data=body, headers={SIGNATURE_HEADER: sign(body, SECRET)}).json == {"state": "delivered"}
    late = {**REPORT, "status": "PENDING"}
    assert client.post(f"{PATH}/{SECRET}", json=late).json == {"state": "delivered"}
    assert client.post(f"{PATH}/{SECRET}", data=REPORT).json == {"state": "delivered"}


def test_a_report_without_proof_finds_nothing(app: Flask) -> None:
    """Neither a guess, nor another body, nor nothing; and what is no report is said to who proves himself."""
    client = app.test_client()
    answers = [
        client.post(PATH, json=REPORT),
        client.post(PATH, json=REPORT, headers={SIGNATURE_HEADER: sign(b"{}", SECRET)}),
        client.post(f"{PATH}/guessed", json=REPORT),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    wrong = client.post(f"{PATH}/{SECRET}", json={})
    assert wrong.status_code == 400
    assert wrong.json
    assert wrong.json["detail"]
    assert client.post(f"{PATH}/{SECRET}", data=b"x" * (MAX_BODY + 1)).status_code == 413


# --- real servers ---


def post(url: str, body: bytes = b"") -> Any:
    """Post to a server, and return its JSON; None where it does not listen yet."""
    import urllib.error
    import urllib.request

    try:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())
    except (urllib.error.URLError, ConnectionError):
        return None


def test_werkzeugs_server_with_threads(notify: NotifyKit, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests at the same time share one notifier, and a report over the wire is read."""
    app = Flask("shop")
    app.config["NOTIFYKIT_TRANSPORT"] = sandbox.dsn.replace("test=1", "test=0")
    notify.init_app(app)
    app.register_blueprint(notify.reports(SECRET, delivery_report))
    used = set()

    @app.post("/hello/<mobile>")
    def hello(mobile: str) -> dict[str, str]:
        used.add(notify.notifier)
        return {"outcome": notify.notifier.send([mobile], "Hello")[0].outcome.value}

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.port}"
        answers: list[Any] = []
        callers = [
            threading.Thread(target=lambda n=number: answers.append(post(f"{url}/hello/9655000000{n}")))
            for number in range(4)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(30)
        assert answers == [{"outcome": "accepted"}] * 4
        assert len(used) == 1
        assert post(f"{url}{PATH}/{SECRET}", json.dumps(REPORT).encode()) == {"state": "delivered"}
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()
    assert len(sandbox.messages) == 4


_SERVED = """
import os, pathlib
from flask import Flask
from notifykit.integrations.flask import NotifyKit

here = pathlib.Path(os.environ["HERE"])

class Sink:
    name = "processes"
    def handle(self, event):
        (here / f"used-{os.getpid()}").touch()
    def close(self):
        (here / f"closed-{os.getpid()}").touch(exist_ok=False)

app = Flask(__name__)
app.config["NOTIFYKIT_TRANSPORT"] = os.environ["DSN"]
notify = NotifyKit(app, sinks=[Sink()])

@app.post("/hello/<mobile>")
def hello(mobile):
    return {"outcome": notify.notifier.send([mobile], "Hello")[0].outcome, "process": os.getpid(),
            "notifier": id(notify.notifier)}
"""


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["", "preload"])
def test_four_processes_of_gunicorn_have_one_notifier_each(
    tmp_path: pathlib.Path, sandbox: Sandbox, options: tuple[str, ...]
) -> None:
    """Also where the application was made before the fork; each closes its own at its end."""
    pytest.importorskip("gunicorn")
    (tmp_path / "served.py").write_text(_SERVED, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = os.pathsep.join([str(tmp_path), str(ROOT), *filter(None, sys.path)])
    dsn = sandbox.dsn.replace("test=1", "test=0")
    environment = {**os.environ, "HERE": str(tmp_path), "PYTHONPATH": path, "DSN": dsn}
    words = ["served:app", "-b", f"127.0.0.1:{port}", "--workers", "4", "--keep-alive", "0", *options]
    log = tmp_path / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *words], env=environment, stdout=out, stderr=out, cwd=tmp_path
        )
    notifiers: dict[int, set[int]] = {}
    sent = 0
    ends = time.monotonic() + 240
    try:
        while len(notifiers) < 4:
            assert time.monotonic() < ends, log.read_text("utf-8")
            answer = post(f"http://127.0.0.1:{port}/hello/965500{sent:05}")
            if answer is None:
                time.sleep(0.05)
                continue
            assert answer["outcome"] == "accepted"
            notifiers.setdefault(answer["process"], set()).add(answer["notifier"])
            sent += 1
    finally:
        server.terminate()
        server.wait(120)
    assert [len(made) for made in notifiers.values()] == [1] * 4
    assert len(sandbox.messages) == sent
    closed = {int(file.name.removeprefix("closed-")) for file in tmp_path.glob("closed-*")}
    assert closed >= set(notifiers), log.read_text("utf-8")
