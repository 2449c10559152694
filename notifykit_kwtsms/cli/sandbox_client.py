"""Commands for a running sandbox: ``notifykit sandbox tail``, ``wait``, ``otp``, ``ready``, ``chaos`` and others."""

from __future__ import annotations

import datetime
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlencode, urlsplit

import attrs
import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common, examples, option_group
from notifykit.cli.output import Line, is_read, note, plural, print_answer, print_json_line, print_line
from notifykit.redaction import Secret

if TYPE_CHECKING:
    import urllib3

DEFAULT_URL: Final = "http://127.0.0.1:8965"
#: Seconds for an answer without waiting.
_TIMEOUT: Final = 10.0
#: Seconds of one long poll; a longer wait takes several.
_LONG_POLL: Final = 50.0
#: Seconds of silence after which an event stream counts as broken: the sandbox sends something every ten.
_SILENCE: Final = 30.0
#: Seconds before the next attempt to connect, and attempts in a row.
_RECONNECT_PAUSE: Final = 0.5
_RECONNECTS: Final = 20
_READY_PAUSE: Final = 0.1
#: Bytes of one import request; the sandbox accepts more.
_IMPORT_SIZE: Final = 512 * 1024
_CHAOS: Final = "/sandbox/chaos"
_ACCOUNT: Final = "/sandbox/account"
_Query: TypeAlias = Mapping[str, object] | None


class SandboxNotRunning(click.ClickException):
    """There is no sandbox at the address."""

    exit_code = Exit.NOT_REACHED
    #: What to type next.
    next_command = "notifykit sandbox"

    def __init__(self, url: str) -> None:
        super().__init__(f"No sandbox answers at {url}.")


class SandboxError(click.ClickException):
    """The sandbox refused a request."""

    #: What to type next.
    next_command = "notifykit sandbox --help"

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        #: The HTTP status.
        self.status = status
        credentials = status in (401, 403)
        self.exit_code = Exit.CREDENTIALS if credentials else Exit.USAGE if status == 400 else Exit.FAILED  # type: ignore[misc]  # click reads it from the instance


class WaitTimedOut(click.ClickException):
    """The message did not come in time."""

    exit_code = Exit.FAILED
    #: What to type next.
    next_command = "notifykit sandbox tail -n 20"


@attrs.frozen
class SandboxClient:
    """Requests to the API of a running sandbox. Without one, they raise :class:`SandboxNotRunning`."""

    #: Its address, without a slash at the end.
    url: str
    #: Its token; None where it has none.
    token: Secret | None = None

    def open(
        self, method: str, path: str, query: _Query = None, body: object = None, timeout: float = _TIMEOUT
    ) -> urllib3.BaseHTTPResponse:
        """Return the response, its body unread. A body that is no bytes is sent as JSON."""
        import urllib3

        parameters = urlencode({name: value for name, value in (query or {}).items() if value is not None})
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token.reveal()}"
        # One connection per request: a response may be an endless stream.
        manager = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=_TIMEOUT, read=timeout))
        url = f"{self.url}{path}{'?' if parameters else ''}{parameters}"
        try:
            # No redirect: it could leak the token.
            return manager.urlopen(method, url, body=sent, headers=headers, preload_content=False, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise SandboxNotRunning(self.url) from error

    def request(
        self, method: str, path: str, query: _Query = None, body: object = None, timeout: float = _TIMEOUT
    ) -> Any:
        """Return the JSON of the response.

        :raises SandboxError: for an error status.
        """
        data = self.read(self.open(method, path, query, body, timeout))
        try:
            return json.loads(data)
        except ValueError as error:
            raise SandboxNotRunning(self.url) from error

    def read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """Return the whole body of a response.

        :raises SandboxError: for an error status.
        """
        import urllib3

        try:
            data = response.read()
        except urllib3.exceptions.HTTPError as error:
            raise SandboxNotRunning(self.url) from error
        finally:
            response.release_conn()
        if response.status >= 400:
            raise SandboxError(response.status, _error_message(data, response.status))
        return data


def _error_message(data: bytes, status: int) -> str:
    try:
        value = json.loads(data)
        return str(value.get("error") or value.get("description") or f"The sandbox answered {status}.")
    except (ValueError, AttributeError):
        return f"The sandbox answered {status}."


def _address(ctx: click.Context, param: click.Parameter, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter(f"{value!r} is no address like {DEFAULT_URL}")
    return value.rstrip("/")


def _client(ctx: click.Context, param: click.Parameter, token: str | None) -> SandboxClient:
    return SandboxClient(ctx.params.pop("url"), Secret(token) if token else None)


#: Gives a command ``--url`` and ``--token``, which its function gets as ``sandbox``, and the common options.
_sandbox_options: Final = option_group(
    click.option(
        "--url",
        envvar="NOTIFYKIT_SANDBOX_URL",
        default=DEFAULT_URL,
        show_default=True,
        callback=_address,
        is_eager=True,
        help="The address of the sandbox.",
    ),
    click.option(
        "--token",
        "sandbox",
        envvar="NOTIFYKIT_SANDBOX_TOKEN",
        callback=_client,
        help="The token of the sandbox, if it has one.",
    ),
    common,
)


def message_line(message: Mapping[str, Any]) -> str:
    """Return a message of the sandbox's API as a line, with its number and text in clear."""
    at = message["at"]
    time_of_day = at if isinstance(at, datetime.datetime) else datetime.datetime.fromisoformat(at)
    accepted = "queued (test)" if message["test"] else "sent"
    result = accepted if message["accepted"] else message["code"] or "cut"
    to = message["to"][0] if len(message["to"]) == 1 else f"{len(message['to'])} numbers"
    fault = f"  [{message['fault']}]" if message["fault"] else ""
    points = plural(message["points"], "point")
    return f"{time_of_day:%H:%M:%S}  {result:<13}  {message['sender']} → {to}  {points}  {message['text']!r}{fault}"


@click.command(
    "tail",
    epilog=examples("notifykit sandbox tail", "notifykit sandbox tail -n 20", "notifykit sandbox tail --json | jq ."),
)
@click.option(
    "-n", "--lines", type=click.IntRange(0, 1000), default=0, show_default=True, help="How many to begin with."
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many messages.")
@_sandbox_options
def tail(sandbox: SandboxClient, lines: int, count: int | None, as_json: bool) -> int:
    """Show what arrives until Ctrl-C; with --json every event as one JSON object a line.

    Nothing is lost where the connection breaks: it is taken up again where it was.
    """
    inbox = sandbox.request("GET", "/sandbox/messages", {"limit": max(lines, 1)})
    for message in reversed(inbox["messages"][:lines]):
        _print_event("new", message, message["id"], as_json=as_json)
    messages = 0
    for kind, sequence, data in _events(sandbox, inbox["sequence"]):
        _print_event(kind, data, sequence, as_json=as_json)
        messages += kind == "new"
        if messages == count or not is_read(sys.stdout):
            break
    return Exit.OK


def _events(sandbox: SandboxClient, sequence: int) -> Iterator[tuple[str, int, Any]]:
    """Yield the events after a sequence number; a broken connection is opened again."""
    attempts, reported = 0, False
    while True:
        try:
            for kind, number, data in _event_stream(sandbox, sequence):
                sequence, attempts, reported = number, 0, False
                yield kind, number, data
        except SandboxNotRunning:
            attempts += 1
            if attempts >= _RECONNECTS:
                raise
        if not reported:
            note("The sandbox went away; waiting for it.", "faint")
            reported = True
        time.sleep(_RECONNECT_PAUSE)


def _event_stream(sandbox: SandboxClient, sequence: int) -> Iterator[tuple[str, int, Any]]:
    """Yield the events of one connection (server-sent events)."""
    import urllib3

    response = sandbox.open("GET", "/sandbox/events", {"after": sequence}, timeout=_SILENCE)
    if response.status != 200:
        sandbox.read(response)
        raise SandboxError(response.status, "The sandbox has no events.")
    fields: dict[str, str] = {}
    try:
        for line in _stream_lines(response):
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
                continue
            if "id" in fields and "event" in fields:  # others, such as heartbeats, are no changes
                yield fields["event"], int(fields["id"]), json.loads(fields["data"])
            fields = {}
    except urllib3.exceptions.HTTPError as error:
        raise SandboxNotRunning(sandbox.url) from error
    finally:
        response.close()


def _stream_lines(response: Any) -> Iterator[str]:
    rest = b""
    while data := response.read1(65536):
        *lines, rest = (rest + data).split(b"\n")
        yield from (line.decode() for line in lines)


def _print_event(kind: str, data: Any, sequence: int, *, as_json: bool) -> None:
    if as_json:
        print_json_line({"event": kind, "id": sequence, "data": data})
    elif kind == "new":
        print_line(message_line(data))
    elif kind == "dlr":
        print_line(f"{'':10}{data['state']:<13}  no. {data['id']}", "faint")
    elif kind == "reload":
        note("Some of what happened is no longer on record; the list has it: notifykit sandbox tail -n 1000", "care")


_to = click.option("--to", metavar="NUMBER", help="The number that it went to.")
_query = click.option("--query", metavar="QUERY", help="A search, as in the inbox: is:test has:otp.")
_timeout = click.option(
    "--timeout", type=click.FloatRange(min=0), default=10.0, show_default=True, help="Seconds to wait at most."
)


@click.command(
    "wait",
    epilog=examples("notifykit sandbox wait --to 96598765432", "notifykit sandbox wait --text code --timeout 30"),
)
@_to
@click.option("--text", metavar="PART", help="A part of the text.")
@_query
@_timeout
@_sandbox_options
def wait(
    sandbox: SandboxClient, to: str | None, text: str | None, query: str | None, timeout: float, as_json: bool
) -> int:
    """Wait for an accepted message and show it; one that is there already is enough."""
    found = _long_poll(sandbox, "/sandbox/messages/wait", {"to": to, "text": text, "q": query}, timeout)
    return print_answer("sandbox", found, [message_line(found)], as_json=as_json)


@click.command("otp", epilog=examples("notifykit sandbox otp", "notifykit sandbox otp --to 96598765432 --timeout 30"))
@_to
@_query
@_timeout
@_sandbox_options
def otp(sandbox: SandboxClient, to: str | None, query: str | None, timeout: float, as_json: bool) -> int:
    """Wait for a code of 4 to 8 digits and show the newest."""
    found = _long_poll(sandbox, "/sandbox/otp", {"to": to, "q": query}, timeout)
    return print_answer("sandbox", found, [found["otp"]], as_json=as_json)


def _long_poll(sandbox: SandboxClient, path: str, query: dict[str, str | None], timeout: float) -> Any:
    deadline = time.monotonic() + timeout
    while True:
        remaining = max(0.0, min(deadline - time.monotonic(), _LONG_POLL))
        try:
            return sandbox.request("GET", path, {**query, "timeout": round(remaining, 3)}, timeout=remaining + 10)
        except SandboxError as error:
            if error.status != 404:
                raise
            if time.monotonic() >= deadline:
                raise WaitTimedOut(error.message) from error


@click.command("ready", epilog=examples("notifykit sandbox ready", "notifykit sandbox ready --wait --timeout 60"))
@click.option("--wait", "waits", is_flag=True, help="Wait until it is there.")
@_timeout
@_sandbox_options
def ready(sandbox: SandboxClient, waits: bool, timeout: float, as_json: bool) -> int:
    """Say whether a sandbox is there and takes messages; for containers and pipelines."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            sandbox.read(sandbox.open("GET", "/readyz"))
            break
        except (SandboxNotRunning, SandboxError) as error:
            starting = isinstance(error, SandboxNotRunning) or error.status == 503
            if not (waits and starting and time.monotonic() < deadline):
                raise
        time.sleep(_READY_PAUSE)
    return print_answer("sandbox", {"ready": True, "url": sandbox.url}, [f"ready  {sandbox.url}"], as_json=as_json)


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
@_sandbox_options
def chaos(sandbox: SandboxClient, what: str, seed: int | None, as_json: bool) -> int:
    """Arm a preset or a fault in place of what is armed, show what is armed, or clear it."""
    method = {"show": "GET", "clear": "DELETE"}.get(what, "PUT")
    state = sandbox.request(method, _CHAOS, body=_faults(what, seed) if method == "PUT" else None)
    lines: list[Line] = [f"preset  {state['preset'] or 'a mixture'}"]
    for fault in state["armed"]:
        remaining = "for ever" if fault["times"] is None else f"{fault['times'] - fault['fired']} times more"
        chance = "" if fault["probability"] == 1 else f", chance {fault['probability']:g}"
        match = "".join(f" {name}={value}" for name, value in fault["match"].items())
        lines.append(f"no. {fault['id']:<4} {fault['do']}{match}  {remaining}{chance}, fired {fault['fired']}")
    if what == "show" and not state["armed"]:
        lines.append((f"presets {', '.join(state['presets'])}", "faint"))
    return print_answer("sandbox", state, lines, as_json=as_json)


def _faults(what: str, seed: int | None) -> dict[str, Any]:
    if not what.lstrip().startswith(("{", "[")):
        return {"preset": what} | ({} if seed is None else {"seed": seed})
    try:
        given = json.loads(what)
    except ValueError as error:
        raise click.BadParameter(f"this is not JSON: {error}", param_hint="PRESET|JSON") from error
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
@_sandbox_options
def account(
    sandbox: SandboxClient,
    username: str | None,
    balance: float | None,
    settings: Sequence[str],
    with_env: bool,
    as_json: bool,
) -> int:
    """Show an account of the sandbox, or change it: balance, senders, prefixes, dnd, ip_list, blocked and more."""
    changes = dict(map(_setting, settings)) | ({} if balance is None else {"balance": balance})
    state = sandbox.request("PUT" if changes else "GET", _ACCOUNT, {"username": username}, changes or None)
    if with_env:
        return print_answer("sandbox", state, state["env"].splitlines(), as_json=as_json)
    facts = {name: ", ".join(map(str, v)) if isinstance(v, list) else v for name, v in state["account"].items()}
    facts["queue"] = f"{state['queue']} of {state['queue-limit']}"
    facts["rate"] = f"{state['rate']['now']} a second, limit {state['rate']['limit'] or 'none'}"
    # The password opens only a sandbox, but it is shown only with --env.
    data = {name: state[name] for name in state if name not in ("env", "dsn")}
    return print_answer("sandbox", data, [f"{name:<12} {fact}" for name, fact in facts.items()], as_json=as_json)


def _setting(pair: str) -> tuple[str, Any]:
    name, sign, value = pair.partition("=")
    if not (name and sign):
        raise click.BadParameter(f"{pair!r} is no NAME=JSON", param_hint="--set")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value  # a word without quotation marks, as a shell leaves it


@click.command(
    "export", epilog=examples("notifykit sandbox export inbox.jsonl", "notifykit sandbox export --query is:rejected -")
)
@click.argument("file", metavar="FILE|-", default="-")
@click.option("--query", metavar="QUERY", help="A search, as in the inbox; everything otherwise.")
@_sandbox_options
def export(sandbox: SandboxClient, file: str, query: str | None, as_json: bool) -> int:
    """Write messages as JSON Lines, the oldest first: numbers and texts in clear, passwords never."""
    lines = sandbox.read(sandbox.open("GET", "/sandbox/export", {"q": query}))
    count = lines.count(b"\n")
    if file == "-":
        sys.stdout.write(lines.decode())
        return Exit.OK
    try:
        with click.open_file(file, "wb") as out:
            out.write(lines)
    except OSError as error:
        raise click.FileError(file, error.strerror) from error
    if not as_json:
        note(f"{plural(count, 'message')} in {file}")
    return print_answer("sandbox", {"exported": count, "file": file}, as_json=as_json)


@click.command(
    "import",
    epilog=examples(
        "notifykit sandbox import inbox.jsonl",
        "ssh staging notifykit sandbox export | notifykit sandbox import -",
    ),
)
@click.argument("file", metavar="FILE|-", type=click.File("rb"))
@_sandbox_options
def import_(sandbox: SandboxClient, file: IO[bytes], as_json: bool) -> int:
    """Take in exported messages under new ids; those that are there already are skipped."""
    imported = skipped = 0
    for chunk in _chunks(file):
        result = sandbox.request("POST", "/sandbox/import", body=chunk)
        imported, skipped = imported + result["imported"], skipped + result["skipped"]
    line = f"{plural(imported, 'message')} imported, {skipped} skipped"
    return print_answer("sandbox", {"imported": imported, "skipped": skipped}, [line], as_json=as_json)


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        if size + len(line) > _IMPORT_SIZE and chunk:
            yield b"".join(chunk)
            chunk, size = [], 0
        chunk.append(line)
        size += len(line)
    if chunk:
        yield b"".join(chunk)


COMMANDS: Final = (tail, wait, otp, chaos, account, export, import_, ready)
