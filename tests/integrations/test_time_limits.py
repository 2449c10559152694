"""Time limits of real libraries end a send: nothing more is requested, counted at the sandbox."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

from notifykit_kwtsms.sandbox import Rules, Sandbox

pytestmark = pytest.mark.slow

#: Seconds after which a test gives up.
PATIENCE = 150
#: A number whose request is answered after 90 seconds, in the first of three requests.
SILENT = "96545003900"

#: Sends in a task of a prefork worker that has five seconds, and says in a file what came out of the send.
CELERY = """
import os, pathlib, signal
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from notifykit import Notifier, PluginHost
from notifykit_kwtsms import plugin
folder = pathlib.Path(os.environ["BROKER"])
for name in ("in", "control"):
    (folder / name).mkdir()
app = Celery("app", broker="filesystem://")
app.conf.update(
    broker_transport_options={"data_folder_in": folder / "in", "data_folder_out": folder / "in", "control_folder": folder / "control"},
    worker_hijack_root_logger=False, broker_connection_retry_on_startup=True, task_ignore_result=True,
)

@app.task(soft_time_limit=5, time_limit=60)
def send(to):
    host = PluginHost(entry_points=False)
    host.register(plugin, "kwtsms")
    try:
        with Notifier(os.environ["DSN"], host=host) as notifier:
            found = repr(notifier.send(to, "Hello"))
    except SoftTimeLimitExceeded as error:
        found = f"limit, {len(error.report.accepted)} accepted"
    (folder / "said.new").write_text(found)
    (folder / "said.new").rename(folder / "said")
    os.kill(os.getppid(), signal.SIGTERM)

if __name__ == "__main__":
    send.delay(os.environ["TO"].split())
    app.worker_main(["worker", "--pool=prefork", "--concurrency=1", "--loglevel=ERROR", "--without-mingle", "--without-gossip"])
"""

#: Sends under a timeout of gevent, with the standard library patched as its users do.
GEVENT = """
from gevent import monkey
monkey.patch_all()
import os, pathlib, gevent
from notifykit import Notifier, PluginHost
from notifykit_kwtsms import plugin
host = PluginHost(entry_points=False)
host.register(plugin, "kwtsms")
folder = pathlib.Path(os.environ["BROKER"])
with Notifier(os.environ["DSN"], host=host) as notifier:
    try:
        with gevent.Timeout(5):
            found = repr(notifier.send(os.environ["TO"].split(), "Hello"))
    except gevent.Timeout as error:
        found = f"limit, {len(error.report.accepted)} accepted"
(folder / "said").write_text(found)
"""


@pytest.fixture(name="sandbox")
def _sandbox() -> Iterator[Sandbox]:
    with Sandbox(rules=Rules(rate_limit=None)) as sandbox:
        sandbox.account.change(balance=10_000)
        yield sandbox


def said(script: str, sandbox: Sandbox, folder: pathlib.Path, to: Sequence[str]) -> str:
    """Run a script and return what came out of its send."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "BROKER": str(folder),
        "DSN": f"{sandbox.dsn}&rate=0.5",
        "TO": " ".join(to),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (folder / "said").exists(), done.stderr
    return (folder / "said").read_text(encoding="utf-8")


@pytest.mark.parametrize(("library", "script"), [("celery", CELERY), ("gevent", GEVENT)])
@pytest.mark.parametrize("silent_in", [1, 2])
def test_a_limit_comes_out_of_the_send(
    sandbox: Sandbox, tmp_path: pathlib.Path, library: str, script: str, silent_in: int
) -> None:
    """One request is in flight and others wait for their turn: no other is made, and what was accepted is in the report."""
    pytest.importorskip(library)
    to = [f"9659900{n:04d}" for n in range(2000)]
    to[(silent_in - 1) * 200] = SILENT
    found = said(script, sandbox, tmp_path, to)
    sent = [record for record in sandbox.requests if record.endpoint == "send"]
    assert found.startswith("limit, ")
    assert 1 <= len(sent) < 6
    # A request that was begun as the limit came has no answer either.
    answered = int(found.removeprefix("limit, ").removesuffix(" accepted")) // 200
    assert answered in (len(sent) - 1, len(sent) - 2)
