"""Runs the program: inside this process as a pipe sees it, and on a pseudo-terminal as a person does."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import pty
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator

import attrs
import pytest

from notifykit_kwtsms.cli.program import main
from notifykit_kwtsms.sandbox import Sandbox

#: Makes the pseudo-terminal the process's own, so that hidden questions find it.
LAUNCH = "import os; os.login_tty(0); from notifykit_kwtsms.cli.program import main; main()"
PATIENCE = 30.0


@attrs.frozen
class Ended:
    """What a run printed, and how it ended."""

    #: The exit code.
    code: int
    #: Standard output; on a terminal everything.
    out: str
    #: Standard error; on a terminal nothing.
    err: str = ""


class Terminal:
    """A run on a pseudo-terminal."""

    def __init__(self, arguments: list[str], folder: pathlib.Path, environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**os.environ, "TERM": "xterm", "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        )
        os.close(slave)
        self.shown = ""
        self._seen = 0

    def expect(self, text: str) -> str:
        """Wait until something is shown; return what came before it since the last time."""
        ends = time.monotonic() + PATIENCE
        while text not in self.shown[self._seen :]:
            assert self._read(ends), f"never shown: {text!r}\n{self.shown}"
        at = self.shown.index(text, self._seen)
        before, self._seen = self.shown[self._seen : at], at + len(text)
        return before

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._master, f"{text}\n".encode())

    def interrupt(self) -> Ended:
        """Press Ctrl-C, again where it fell between two system calls, and wait for the end."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            os.write(self._master, b"\x03")
            while self._read(time.monotonic() + 2.0):
                pass
            if self.process.poll() is not None:
                break
        return self.end()

    def end(self) -> Ended:
        """Wait for the end."""
        ends = time.monotonic() + PATIENCE
        while self._read(ends):
            pass
        return Ended(self.process.wait(PATIENCE), self.shown.replace("\r\n", "\n"))

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self, ends: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, ends - time.monotonic()))
        try:
            piece = os.read(self._master, 65536) if ready else b""
        except OSError:  # the other end is closed
            piece = b""
        self.shown += piece.decode()
        return bool(piece)


@attrs.define
class Shell:
    """A folder, an environment, and a gateway to talk to."""

    #: Where the program runs.
    folder: pathlib.Path
    #: What it finds in its environment besides.
    environment: dict[str, str]
    #: The gateway.
    sandbox: Sandbox
    _patch: pytest.MonkeyPatch

    @property
    def password(self) -> str:
        """What may never be shown."""
        return self.sandbox.env["KWTSMS_PASSWORD"]

    def run(self, line: str, stdin: str = "", **environment: str) -> Ended:
        """Run a command line whose streams are pipes."""
        out, err = io.StringIO(), io.StringIO()
        with self._patch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patch.chdir(self.folder)
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as caught:
                main(arguments(line))
        assert isinstance(caught.value.code, int)
        return self._checked(Ended(caught.value.code, out.getvalue(), err.getvalue()))

    @contextlib.contextmanager
    def terminal(self, line: str, **environment: str) -> Iterator[Terminal]:
        """Run a command line on a pseudo-terminal."""
        terminal = Terminal(arguments(line), self.folder, {**self.environment, **environment})
        try:
            yield terminal
        finally:
            terminal.close()
        assert self.password not in terminal.shown

    def asked(self) -> list[tuple[str, dict[str, str]]]:
        """Return the endpoint and the fields of each request, from the log."""
        lines = (self.folder / "kwtsms.log").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        assert len(rows) == len(self.sandbox.requests)
        assert all(row["request"]["password"] == "***" for row in rows)
        return [(row["endpoint"], row["request"]) for row in rows]

    def _checked(self, ended: Ended) -> Ended:
        assert self.password not in ended.out + ended.err
        assert "Traceback" not in ended.out + ended.err
        return ended


def arguments(line: str) -> list[str]:
    """Return what a shell makes of a command line behind the program's name."""
    program, *rest = shlex.split(line, comments=True)
    assert program == "kwtsms"
    return rest
