"""``notifykit sandbox export`` and ``import``: an inbox as JSON Lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import IO, Final

import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import examples
from notifykit.cli.output import note, plural, print_json, print_line
from notifykit_kwtsms.cli.inbox.remote import reaching, remote

#: Bytes that travel in one request, below what the sandbox takes.
_AT_ONCE: Final = 512 * 1024


@click.command(
    "export", epilog=examples("notifykit sandbox export inbox.jsonl", "notifykit sandbox export --query is:rejected -")
)
@click.argument("file", metavar="FILE|-", default="-")
@click.option("--query", metavar="QUERY", help="A search, as in the inbox; everything otherwise.")
@reaching
def export(url: str, token: str | None, file: str, query: str | None, as_json: bool) -> int:
    """Write messages as JSON Lines, the oldest first: numbers and texts in clear, passwords never."""
    sandbox = remote(url, token)
    lines = sandbox.read(sandbox.open("GET", "/sandbox/export", {"q": query}))
    count = lines.count(b"\n")
    if file == "-":
        sys.stdout.write(lines.decode())
        return Exit.OK
    try:
        with click.open_file(file, "wb") as out:
            out.write(lines)
    except OSError as problem:
        raise click.FileError(file, problem.strerror) from problem
    if as_json:
        print_json("sandbox", {"exported": count, "file": file})
    else:
        note(f"{plural(count, 'message')} in {file}")
    return Exit.OK


@click.command(
    "import",
    epilog=examples(
        "notifykit sandbox import inbox.jsonl", "ssh staging notifykit sandbox export | notifykit sandbox import -"
    ),
)
@click.argument("file", metavar="FILE|-", type=click.File("rb"))
@reaching
def import_(url: str, token: str | None, file: IO[bytes], as_json: bool) -> int:
    """Take in exported messages under new ids; those that are there already are skipped."""
    sandbox = remote(url, token)
    imported = skipped = 0
    for lines in _bundles(file):
        said = sandbox.ask("POST", "/sandbox/import", body=lines)
        imported, skipped = imported + said["imported"], skipped + said["skipped"]
    if as_json:
        print_json("sandbox", {"imported": imported, "skipped": skipped})
    else:
        print_line(f"{plural(imported, 'message')} imported, {skipped} skipped")
    return Exit.OK


def _bundles(lines: Iterable[bytes]) -> Iterator[bytes]:
    bundle: list[bytes] = []
    size = 0
    for line in lines:
        if size + len(line) > _AT_ONCE and bundle:
            yield b"".join(bundle)
            bundle, size = [], 0
        bundle.append(line)
        size += len(line)
    if bundle:
        yield b"".join(bundle)
