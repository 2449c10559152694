"""Commands for a running sandbox: ``notifykit sandbox tail``, ``wait``, ``otp``, ``ready``, ``chaos``, ``account``, ``export``, ``import``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import attrs
import click

from notifykit.cli.exits import Exit
from notifykit.cli.manner import common
from notifykit.redaction import Secret

if TYPE_CHECKING:
    import urllib3
import datetime
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from notifykit.cli.envelope import answer, row
from notifykit.cli.manner import examples
from notifykit.cli.terminal import answer_line, is_read, tell
from notifykit.cli.wording import counted, many

DEFAULT_URL: Final = "http://127.0.0.1:8965"


#: Real seconds for an answer that nothing is waited for.
_PATIENCE: Final = 10.0


_Function = TypeVar("_Function", bound=Callable[..., Any])


class NotRunning(click.ClickException):
    """Nobody answers at the address."""

    exit_code = Exit.NOT_REACHED

    def __init__(self, url: str) -> None:
        super().__init__(f"No sandbox answers at {url}.")
        #: What to type next.
        self.following = "notifykit sandbox"


class Refused(click.ClickException):
    """The sandbox said no."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        #: The HTTP status.
        self.status = status
        #: What to type next.
        self.following = "notifykit sandbox --help"
        credentials = status in (401, 403)
        self.exit_code = Exit.CREDENTIALS if credentials else Exit.USAGE if status == 400 else Exit.FAILED  # type: ignore[misc]  # click reads it from the instance


def _without_slash(url: str) -> str:
    return url.rstrip("/")


@attrs.frozen
class Remote:
    """The address of a sandbox, and what opens it."""

    #: Its address, without a slash at the end.
    url: str = attrs.field(converter=_without_slash)
    #: Its token; None where it has none.
    token: Secret | None = None

    def open(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = _PATIENCE,
    ) -> urllib3.BaseHTTPResponse:
        """Ask and return the answer with its body unread. Nobody there is :class:`NotRunning`."""
        import urllib3

        asked = urlencode({name: value for name, value in (query or {}).items() if value is not None})
        sent = {**(headers or {}), **({"Authorization": f"Bearer {self.token.reveal()}"} if self.token else {})}
        # One connection for each request: what is asked may be an endless stream.
        manager = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=_PATIENCE, read=patience))
        where = f"{self.url}{path}{'?' if asked else ''}{asked}"
        try:
            # A redirect would carry the token to wherever it leads.
            return manager.urlopen(method, where, body=body, headers=sent, preload_content=False, redirect=False)
        except urllib3.exceptions.HTTPError as problem:
            raise NotRunning(self.url) from problem

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        patience: float = _PATIENCE,
    ) -> Any:
        """Ask and return the JSON of the answer. An error is :class:`Refused`, nobody there :class:`NotRunning`."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        data = self.read(self.open(method, path, query, sent, {"Content-Type": "application/json"}, patience))
        try:
            return json.loads(data)
        except ValueError as problem:
            raise NotRunning(self.url) from problem

    def read(self, said: urllib3.BaseHTTPResponse) -> bytes:
        """Return the whole body of an answer; an error is :class:`Refused`."""
        import urllib3

        try:
            data = said.read()
        except urllib3.exceptions.HTTPError as problem:
            raise NotRunning(self.url) from problem
        finally:
            said.release_conn()
        if said.status >= 400:
            raise Refused(said.status, _words(data, said.status))
        return data


def _words(data: bytes, status: int) -> str:
    try:
        value = json.loads(data)
        return str(value.get("error") or value.get("description") or f"The sandbox answered {status}.")
    except (ValueError, AttributeError):
        return f"The sandbox answered {status}."


def _address(ctx: click.Context, param: click.Parameter, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter(f"{value!r} is no address like {DEFAULT_URL}")
    return value


def reaching(function: _Function) -> _Function:
    """Give a command ``--url`` and ``--token``, besides the options that every command has."""
    function = common(function)
    function = click.option(
        "--token", envvar="NOTIFYKIT_SANDBOX_TOKEN", help="The token of the sandbox, if it has one."
    )(function)
    return click.option(
        "--url",
        envvar="NOTIFYKIT_SANDBOX_URL",
        default=DEFAULT_URL,
        show_default=True,
        callback=_address,
        help="The address of the sandbox.",
    )(function)


def remote(url: str, token: str | None) -> Remote:
    """Return the sandbox that the options of :func:`reaching` name."""
    return Remote(url, Secret(token) if token else None)


def message_line(message: Mapping[str, Any]) -> str:
    """Return a message of the sandbox's interface as a line."""
    at = datetime.datetime.fromisoformat(message["at"])
    taken = "queued (test)" if message["test"] else "sent"
    how = taken if message["accepted"] else message["code"] or "cut"
    to = message["to"][0] if len(message["to"]) == 1 else f"{len(message['to'])} numbers"
    fault = f"  [{message['fault']}]" if message["fault"] else ""
    points = many(message["points"], "point")
    return f"{at:%H:%M:%S}  {how:<13}  {message['sender']} → {to}  {points}  {message['text']!r}{fault}"


#: Real seconds of silence after which the line is taken for dead: the sandbox speaks every ten.
_SILENCE: Final = 30.0


#: Real seconds before a broken line is tried again, and tries in a row.
_RECONNECT_PAUSE: Final = 0.5


_TRIES: Final = 20


@click.command(
    "tail",
    epilog=examples("notifykit sandbox tail", "notifykit sandbox tail -n 20", "notifykit sandbox tail --json | jq ."),
)
@click.option(
    "-n", "--lines", type=click.IntRange(0, 1000), default=0, show_default=True, help="How many to begin with."
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many messages.")
@reaching
def tail(url: str, token: str | None, lines: int, count: int | None, as_json: bool) -> int:
    """Show what arrives until Ctrl-C; with --json every event as one JSON object a line.

    Nothing is lost where the connection breaks: it is taken up again where it was.
    """
    sandbox = remote(url, token)
    inbox = sandbox.ask("GET", "/sandbox/messages", {"limit": max(lines, 1)})
    for message in reversed(inbox["messages"][:lines]):
        _show("new", message, message["id"], as_json=as_json)
    seen = 0
    for kind, place, facts in events(sandbox, inbox["sequence"]):
        _show(kind, facts, place, as_json=as_json)
        seen += kind == "new"
        if seen == count or not is_read(sys.stdout):
            break
    return Exit.OK


def events(sandbox: Remote, place: int) -> Iterator[tuple[str, int, Any]]:
    """Yield the events after a number, over as many connections as it takes."""
    tries, told = 0, False
    while True:
        try:
            for kind, number, facts in _connection(sandbox, place):
                place, tries, told = number, 0, False
                yield kind, number, facts
        except NotRunning:
            tries += 1
            if tries >= _TRIES:
                raise
        if not told:
            tell("The sandbox went away; waiting for it.", "faint")
            told = True
        time.sleep(_RECONNECT_PAUSE)


def _connection(sandbox: Remote, place: int) -> Iterator[tuple[str, int, Any]]:
    import urllib3

    headers = {"Last-Event-ID": str(place), "Accept": "text/event-stream"}
    said = sandbox.open("GET", "/sandbox/events", headers=headers, patience=_SILENCE)
    if said.status != 200:
        sandbox.read(said)
        raise Refused(said.status, "The sandbox has no events.")
    fields: dict[str, str] = {}
    try:
        for line in _lines(said):
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            else:
                # What has no number is about the moment, and not about what happened.
                if "id" in fields and "event" in fields:
                    yield fields["event"], int(fields["id"]), json.loads(fields["data"])
                fields = {}
    except urllib3.exceptions.HTTPError as problem:
        raise NotRunning(sandbox.url) from problem
    finally:
        said.close()


def _lines(said: Any) -> Iterator[str]:
    rest = b""
    while data := said.read1(65536):
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode() for line in whole)


def _show(kind: str, facts: Any, place: int, *, as_json: bool) -> None:
    if as_json:
        row({"event": kind, "id": place, "data": facts})
    elif kind == "new":
        answer_line(message_line(facts))
    elif kind == "dlr":
        answer_line(f"{'':10}{facts['state']:<13}  no. {facts['id']}", "faint")
    elif kind == "reload":
        tell("Some of what happened is no longer on record; the list has it: notifykit sandbox tail -n 1000", "care")


#: Real seconds of one long poll; a longer wait is several.
_POLL: Final = 50.0


#: Real seconds between two looks at a sandbox that is not there yet.
_PAUSE: Final = 0.1


_to = click.option("--to", metavar="NUMBER", help="The number that it went to.")


_query = click.option("--query", metavar="QUERY", help="A search, as in the inbox: is:test has:otp.")


_timeout = click.option(
    "--timeout", type=click.FloatRange(min=0), default=10.0, show_default=True, help="Seconds to wait at most."
)


class NothingCame(click.ClickException):
    """What was waited for did not come."""

    exit_code = Exit.FAILED

    def __init__(self, words: str) -> None:
        super().__init__(words)
        #: What to type next.
        self.following = "notifykit sandbox tail -n 20"


@click.command(
    "wait",
    epilog=examples("notifykit sandbox wait --to 96598765432", "notifykit sandbox wait --text code --timeout 30"),
)
@_to
@click.option("--text", metavar="PART", help="A part of the text.")
@_query
@_timeout
@reaching
def wait(
    url: str, token: str | None, to: str | None, text: str | None, query: str | None, timeout: float, as_json: bool
) -> int:
    """Wait for an accepted message and show it; one that is there already is enough."""
    found = _poll(remote(url, token), "/sandbox/messages/wait", {"to": to, "text": text, "q": query}, timeout)
    if as_json:
        answer("sandbox", found)
    else:
        answer_line(message_line(found))
    return Exit.OK


@click.command("otp", epilog=examples("notifykit sandbox otp", "notifykit sandbox otp --to 96598765432 --timeout 30"))
@_to
@_query
@_timeout
@reaching
def otp(url: str, token: str | None, to: str | None, query: str | None, timeout: float, as_json: bool) -> int:
    """Wait for a code of 4 to 8 digits and show the newest."""
    found = _poll(remote(url, token), "/sandbox/otp", {"to": to, "q": query}, timeout)
    if as_json:
        answer("sandbox", found)
    else:
        answer_line(found["otp"])
    return Exit.OK


@click.command("ready", epilog=examples("notifykit sandbox ready", "notifykit sandbox ready --wait --timeout 60"))
@click.option("--wait", "waits", is_flag=True, help="Wait until it is there.")
@_timeout
@reaching
def ready(url: str, token: str | None, waits: bool, timeout: float, as_json: bool) -> int:
    """Say whether a sandbox is there and takes messages; for containers and pipelines."""
    sandbox = remote(url, token)
    until = time.monotonic() + timeout
    while True:
        try:
            sandbox.read(sandbox.open("GET", "/readyz"))
            break
        except (NotRunning, Refused) as problem:
            waiting = isinstance(problem, NotRunning) or problem.status == 503
            if not (waits and waiting and time.monotonic() < until):
                raise
        time.sleep(_PAUSE)
    if as_json:
        answer("sandbox", {"ready": True, "url": sandbox.url})
    else:
        answer_line(f"ready  {sandbox.url}")
    return Exit.OK


def _poll(sandbox: Remote, path: str, query: dict[str, str | None], timeout: float) -> Any:
    until = time.monotonic() + timeout
    while True:
        left = max(0.0, min(until - time.monotonic(), _POLL))
        try:
            return sandbox.ask("GET", path, {**query, "timeout": round(left, 3)}, patience=left + 10)
        except Refused as problem:
            if problem.status != 404:
                raise
            if time.monotonic() >= until:
                raise NothingCame(problem.message) from problem


_CHAOS = "/sandbox/chaos"


_ACCOUNT = "/sandbox/account"


@click.command(
    "chaos",
    epilog=examples(
        "notifykit sandbox chaos flaky-wi-fi --seed 7",
        """notifykit sandbox chaos '{"do": "reset", "after": "accept", "times": 2}'""",
        "notifykit sandbox chaos clear",
    ),
)
@click.argument("what", metavar="PRESET|JSON|show|clear", default="show")
@click.option("--seed", type=int, help="Makes chance the same in every run.")
@reaching
def chaos(url: str, token: str | None, what: str, seed: int | None, as_json: bool) -> int:
    """Arm a preset or a fault in place of what is armed, show what is armed, or clear it."""
    sandbox = remote(url, token)
    if what == "show":
        now = sandbox.ask("GET", _CHAOS)
    elif what == "clear":
        now = sandbox.ask("DELETE", _CHAOS)
    else:
        now = sandbox.ask("PUT", _CHAOS, body=_armament(what, seed))
    if as_json:
        answer("sandbox", now)
        return Exit.OK
    answer_line(f"preset  {now['preset'] or 'a mixture'}")
    for fault in now["armed"]:
        left = "for ever" if fault["times"] is None else f"{fault['times'] - fault['fired']} times more"
        chance = "" if fault["probability"] == 1 else f", chance {fault['probability']:g}"
        match = "".join(f" {name}={value}" for name, value in fault["match"].items())
        answer_line(f"no. {fault['id']:<4} {fault['do']}{match}  {left}{chance}, fired {fault['fired']}")
    if what == "show" and not now["armed"]:
        answer_line(f"presets {', '.join(now['presets'])}", "faint")
    return Exit.OK


def _armament(what: str, seed: int | None) -> dict[str, Any]:
    if not what.lstrip().startswith(("{", "[")):
        return {"preset": what} | ({} if seed is None else {"seed": seed})
    try:
        given = json.loads(what)
    except ValueError as problem:
        raise click.BadParameter(f"this is not JSON: {problem}", param_hint="PRESET|JSON") from problem
    if isinstance(given, list):
        given = {"faults": given}
    return given if seed is None else {"seed": seed, **given}


@click.command(
    "account",
    epilog=examples(
        "notifykit sandbox account",
        "notifykit sandbox account --balance 0",
        "notifykit sandbox account --set 'senders=[\"MY-APP\"]' --set blocked=true",
    ),
)
@click.option("--username", help="Another account than the default one.")
@click.option("--balance", type=click.FloatRange(min=0), help="Set the points that are left.")
@click.option("--set", "settings", metavar="NAME=JSON", multiple=True, help="Set anything else. May be repeated.")
@click.option("--env", "with_env", is_flag=True, help="Show the lines to paste into an .env file, and nothing else.")
@reaching
def account(
    url: str,
    token: str | None,
    username: str | None,
    balance: float | None,
    settings: Sequence[str],
    with_env: bool,
    as_json: bool,
) -> int:
    """Show an account of the sandbox, or change it: balance, senders, prefixes, dnd, ip_list, blocked and more."""
    sandbox = remote(url, token)
    changes = dict(map(_setting, settings)) | ({} if balance is None else {"balance": balance})
    query = {"username": username}
    now = sandbox.ask("PUT", _ACCOUNT, query, changes) if changes else sandbox.ask("GET", _ACCOUNT, query)
    if as_json:
        # The password opens nothing but a sandbox; it is shown all the same only where it is asked for.
        answer("sandbox", now if with_env else {name: now[name] for name in now if name not in ("env", "dsn")})
    elif with_env:
        for line in now["env"].splitlines():
            answer_line(line)
    else:
        for name, value in now["account"].items():
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            answer_line(f"{name:<12} {shown}")
        answer_line(f"{'queue':<12} {now['queue']} of {now['queue-limit']}")
        answer_line(f"{'rate':<12} {now['rate']['now']} a second, limit {now['rate']['limit'] or 'none'}")
    return Exit.OK


def _setting(pair: str) -> tuple[str, Any]:
    name, sign, value = pair.partition("=")
    if not (name and sign):
        raise click.BadParameter(f"{pair!r} is no NAME=JSON", param_hint="--set")
    try:
        return name, json.loads(value)
    except ValueError:
        # A word without quotation marks, as a shell leaves it.
        return name, value


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
        answer("sandbox", {"exported": count, "file": file})
    else:
        tell(f"{counted(count, 'message')} in {file}")
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
        answer("sandbox", {"imported": imported, "skipped": skipped})
    else:
        answer_line(f"{counted(imported, 'message')} imported, {skipped} skipped")
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
