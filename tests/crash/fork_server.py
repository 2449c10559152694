"""A process that has imported what a worker imports, and forks one for each pipe that it gets: importing takes seconds."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import socket
import sys
from typing import Final

from notifykit.cli.main import main

#: What a worker imports once it works.
_NEEDED: Final = (
    "dbos",
    "notifykit.cli.results_file",
    "notifykit.durable.commands",
    "notifykit.durable.engine",
    "notifykit.durable.metrics_server",
    "notifykit.durable.queue",
    "notifykit.http.pool",
    "notifykit.pipeline.notifier",
    "notifykit_kwtsms.phone.normalizer",
    "notifykit_kwtsms.plugin",
    "notifykit_kwtsms.transport",
    "psycopg",
)


def serve(line: socket.socket) -> None:
    """Fork a worker for each pipe, which is its standard error; it answers with its process id once it can be killed."""
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        asked, pipes, _, _ = socket.recv_fds(line, 1, 1)
        if not asked:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            os.dup2(pipes[0], 2)
            os.close(pipes[0])
            line.sendall(os.getpid().to_bytes(8, "big"))
            line.close()
            sys.argv = ["notifykit", "worker"]
            sys.exit(main())
        os.close(pipes[0])


def _reap(*_: object) -> None:
    """Let those that have ended go; that they have is seen at the other end of the pipe."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    for module in _NEEDED:
        importlib.import_module(module)
    serve(socket.socket(fileno=int(sys.argv[1])))
