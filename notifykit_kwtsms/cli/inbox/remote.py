"""A running sandbox as its commands see it: where it is, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import attrs
import click

from notifykit.cli.exit_codes import Exit
from notifykit.cli.options import common
from notifykit.redaction import Secret

if TYPE_CHECKING:
    import urllib3

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
        self.next_command = "notifykit sandbox"


class Refused(click.ClickException):
    """The sandbox said no."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        #: The HTTP status.
        self.status = status
        #: What to type next.
        self.next_command = "notifykit sandbox --help"
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
