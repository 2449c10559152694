"""A PostgreSQL cluster of the machine's binaries, which listens on loopback and is thrown away at the end."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

#: What tests give up: nothing has to survive the machine.
FAST = "-F -c synchronous_commit=off"


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A PostgreSQL that runs."""

    #: Where its binaries are.
    binaries: pathlib.Path
    #: Where it listens.
    port: int

    def url(self, database: str) -> str:
        """Return the address of a database in it."""
        return f"postgresql://postgres:s3cr3t-word@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        """Run a statement outside of any transaction."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def find_binaries() -> pathlib.Path | None:
    """Return the folder of the newest PostgreSQL of this machine."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else pathlib.Path(on_path).parent if on_path else None


def _as_postgres(command: Sequence[str]) -> list[str]:
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


def _call(*command: object) -> None:
    done = subprocess.run(
        _as_postgres([str(word) for word in command]), capture_output=True, check=False, cwd="/", timeout=300
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def _start(binaries: pathlib.Path, options: str) -> tuple[pathlib.Path, int]:
    """Make and start a cluster, and return its folder and port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Outside of pytest's folders: those are closed to the user that PostgreSQL runs as.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="notifykit-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data, password = folder / "data", folder / "password"
    try:
        password.write_text("s3cr3t-word\n", encoding="ascii")
        password.chmod(0o644)
        _call(
            binaries / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}", "-N",
            "-E", "UTF8", "--locale=C",
        )  # fmt: skip
        started = f"-p {port} -h 127.0.0.1 -k {folder} -c max_connections=300 {options}"
        _call(binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", started, "start")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder, port


def _stop(binaries: pathlib.Path, folder: pathlib.Path) -> None:
    try:
        _call(binaries / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(options: str = FAST) -> Iterator[Cluster]:
    """Give a new cluster, and end it.

    :param options: more options of the server.
    """
    binaries = find_binaries()
    assert binaries is not None, "this machine has no PostgreSQL"
    folder, port = _start(binaries, options)
    try:
        yield Cluster(binaries, port)
    finally:
        _stop(binaries, folder)


@contextlib.contextmanager
def shared(notes: pathlib.Path) -> Iterator[Cluster]:
    """Give the cluster of a run of tests: the first of its processes to ask starts it, and the last to end stops it.

    :param notes: a file of the run, where the processes note that they use it.
    """
    binaries = find_binaries()
    assert binaries is not None, "this machine has no PostgreSQL"
    with _locked(notes) as known:
        if not known:
            folder, port = _start(binaries, FAST)
            known += [str(folder), str(port)]
        known.append(str(os.getpid()))
    folder, port = pathlib.Path(known[0]), int(known[1])
    try:
        yield Cluster(binaries, port)
    finally:
        with _locked(notes) as known:
            known.remove(str(os.getpid()))
            if len(known) == len(("folder", "port")):
                known.clear()
                _stop(binaries, folder)


@contextlib.contextmanager
def _locked(notes: pathlib.Path) -> Iterator[list[str]]:
    """Give the lines of a file that one process at a time may change."""
    with notes.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = file.read().split("\n")[:-1]
        yield lines
        file.truncate(0)
        file.writelines(f"{line}\n" for line in lines)
