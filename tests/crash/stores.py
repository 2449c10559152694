"""Where the jobs of a run are kept: a file, or a PostgreSQL cluster that lives as long as the run."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Final

import attrs

_BINARIES: Final = "/usr/lib/postgresql"


@attrs.frozen
class Store:
    """A database for one run."""

    #: ``sqlite`` or ``postgres``.
    kind: str
    #: A folder of the run.
    folder: pathlib.Path
    #: What workers are reported.
    environment: dict[str, str] = attrs.field(repr=False)
    #: The cluster, where there is one.
    cluster: Cluster | None = None


@attrs.frozen
class Cluster:
    """A running PostgreSQL."""

    #: Where initdb, pg_ctl and the others are.
    binaries: pathlib.Path
    #: Its data.
    data: pathlib.Path
    #: Its port on loopback.
    port: int

    def restart(self) -> None:
        """Let it crash, and start it again."""
        self.control("restart", "-m", "immediate")

    def control(self, *words: str) -> None:
        """Run pg_ctl and wait for it."""
        # -F: its processes crash, the machine does not, so nothing has to be on the disk.
        options = f"-p {self.port} -k {self.data} -c listen_addresses=127.0.0.1 -F"
        log = self.data.parent / "postgres.log"
        as_postgres(str(self.binaries / "pg_ctl"), "-D", str(self.data), "-l", str(log), "-o", options, "-w", *words)


def binaries() -> pathlib.Path | None:
    """Return the folder of PostgreSQL's programs; None where they can't be used here."""
    if os.getuid() == 0 and not shutil.which("runuser"):
        return None
    found = shutil.which("initdb")
    if found:
        return pathlib.Path(found).resolve().parent
    versions = sorted(pathlib.Path(_BINARIES).glob("*/bin/initdb"), key=lambda file: int(file.parent.parent.name))
    return versions[-1].parent if versions else None


def as_postgres(*command: str) -> None:
    """Run a program of PostgreSQL, which refuses to run as root."""
    prefix = ("runuser", "-u", "postgres", "--") if os.getuid() == 0 else ()
    done = subprocess.run(
        [*prefix, *command],
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{pathlib.Path(command[0]).name} ended with {done.returncode}: {done.stderr.strip()}")


@contextlib.contextmanager
def store(kind: str, *, small: bool = False) -> Iterator[Store]:
    """Give a fresh database.

    :param kind: ``sqlite`` or ``postgres``.
    :param small: whether it is on a file system of a few megabytes.
    """
    with tempfile.TemporaryDirectory(prefix="notifykit-crash-", ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        if kind == "postgres":
            with _cluster(folder) as cluster:
                url = f"postgresql://postgres@127.0.0.1:{cluster.port}/postgres"
                state = folder / "state"
                state.mkdir(mode=0o700)
                environment = {"NOTIFYKIT_DATABASE_URL": url, "NOTIFYKIT_STATE_DIR": str(state)}
                yield Store(kind, folder, environment, cluster)
            return
        state = folder / "state"
        state.mkdir(mode=0o700)
        with _tmpfs(state) if small else contextlib.nullcontext():
            yield Store(kind, folder, {"NOTIFYKIT_STATE_DIR": str(state)})


@contextlib.contextmanager
def _cluster(folder: pathlib.Path) -> Iterator[Cluster]:
    found = binaries()
    if found is None:
        raise RuntimeError("PostgreSQL's initdb and pg_ctl are not here: install its server, or use --store sqlite")
    folder.chmod(0o755)
    home = folder / "postgres"
    home.mkdir()
    if os.getuid() == 0:
        shutil.chown(home, "postgres", "postgres")
    cluster = Cluster(found, home / "data", _free_port())
    initdb = (str(found / "initdb"), "-N", "-D", str(cluster.data))
    as_postgres(*initdb, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
    cluster.control("start")
    try:
        yield cluster
    finally:
        cluster.control("stop", "-m", "immediate")


@contextlib.contextmanager
def _tmpfs(folder: pathlib.Path) -> Iterator[None]:
    # SQLite's log alone keeps four megabytes: on a smaller one, the database itself fills the disk for good.
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m,mode=0700", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        raise NoSmallDisk
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class NoSmallDisk(Exception):
    """A small file system can't be made here: that needs root."""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
