"""The ``notifykit`` program against a sandbox gateway: inside this process, in a process of its own, in a terminal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from notifykit.cli.main import main
from notifykit_kwtsms.sandbox import Rules, Sandbox

PASSWORD = "sandboxpassword"
ROOT = pathlib.Path(__file__).parents[2]
#: 71 characters, one of them a curly quote.
LONG_TEXT = "Your order is ready at the shop, and we’re open until nine tonight. Bye"


@attrs.frozen
class Answer:
    """What the program printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document that standard output is."""
        found: dict[str, Any] = json.loads(self.out)
        assert list(found) == ["ok", "v", "command", "data", "warnings", "error"]
        assert found["v"] == 1
        return found

    @property
    def data(self) -> Any:
        """What the document says."""
        return self.document["data"]


Run = Callable[..., Answer]


@pytest.fixture(scope="session", name="server")
def _server() -> Iterator[Sandbox]:
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        yield sandbox


@pytest.fixture(name="gateway")
def _gateway(server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A fresh gateway, and the environment that it prints to paste."""
    server.reset()
    for name, value in {**server.env, "KWTSMS_RATE": "4"}.items():
        monkeypatch.setenv(name, value)
    return server


def _exit_code(arguments: tuple[str, ...]) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return int(caught.value.code)


def run_here(*arguments: str, stdin: str | None = None, encoding: str | None = None) -> Answer:
    """Run the program in this process.

    :param encoding: what its streams can carry, as ``PYTHONIOENCODING`` says; anything by default.
    """
    streams: list[Any] = [io.StringIO(), io.StringIO()]
    if encoding:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        if encoding:
            patch.setenv("PYTHONIOENCODING", encoding)
        for name, stream in zip(("stdin", "stdout", "stderr"), (io.StringIO(stdin or ""), *streams), strict=True):
            patch.setattr(sys, name, stream)
        code = _exit_code(arguments)
    out, err = (s.buffer.getvalue().decode(encoding) if encoding else s.getvalue() for s in streams)
    assert PASSWORD not in out + err
    return Answer(code, out, err)


@pytest.fixture(name="run")
def _run_fixture() -> Run:
    """Run the whole program inside this process. Whatever it is asked, it never shows the password."""
    return run_here


def command(*arguments: str) -> list[str]:
    """Return the command line of the program as a process of its own."""
    return [sys.executable, "-m", "notifykit", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which this checkout is found from any folder."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]), **more}


def start(*arguments: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program in a pipe, as a script does."""
    done = subprocess.run(
        command(*arguments), input=stdin, capture_output=True, check=False, timeout=150, env=environment(**more)
    )
    assert PASSWORD.encode() not in done.stdout + done.stderr
    return done


def on_terminal(*arguments: str, typed: str = "", **more: str) -> tuple[int, str]:
    """Run the program in this process on a pseudo-terminal; return the exit code and what was shown.

    :param typed: what a person types, when asked.
    """
    master, slave = pty.openpty()
    chunks: list[bytes] = []

    def read() -> None:
        # Linux answers with an error once the other end is closed.
        with contextlib.suppress(OSError):
            while chunk := os.read(master, 65536):
                chunks.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    os.write(master, typed.encode())
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        for name in ("NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        for name, value in {"TERM": "xterm", **more}.items():
            patch.setenv(name, value)
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            patch.setattr(sys, name, stack.enter_context(os.fdopen(os.dup(slave), mode, encoding="utf-8")))
        os.close(slave)
        code = _exit_code(arguments)
    reader.join()
    os.close(master)
    shown = b"".join(chunks).decode()
    assert PASSWORD not in shown
    return code, shown


@attrs.define
class Terminal:
    """The program in a pseudo-terminal, as a person has it."""

    process: subprocess.Popen[bytes]
    _master: int
    shown: str = ""

    def read_until(self, words: str, seconds: float = 60) -> None:
        """Read until some words are shown."""
        ends = time.monotonic() + seconds
        while words not in self.shown:
            assert time.monotonic() < ends, self.shown
            if not self._read():
                break
        assert words in self.shown, self.shown

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self, seconds: float = 60) -> int:
        """Read to the end and return the exit code."""
        ends = time.monotonic() + seconds
        while self._read() and time.monotonic() < ends:
            pass
        code = self.process.wait(timeout=seconds)
        assert PASSWORD not in self.shown
        return code

    def _read(self) -> bool:
        has_ended = self.process.poll() is not None  # before it is looked for what it shows last
        ready, _, _ = select.select([self._master], [], [], 0.2)
        if not ready:
            return not has_ended
        try:
            chunk = os.read(self._master, 65536)
        except OSError:
            return False  # Linux answers so once the other end is closed
        self.shown += chunk.decode(errors="replace")
        return bool(chunk)


@contextlib.contextmanager
def terminal(*arguments: str, **more: str) -> Iterator[Terminal]:
    """Start the program in a pseudo-terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command(*arguments), stdin=slave, stdout=slave, stderr=slave, env=environment(**{"TERM": "xterm", **more})
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
