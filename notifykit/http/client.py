"""HTTP for transports of any provider: urllib3, with one deadline for a whole request and its answer (``sockets.py``).

Nothing here retries or follows a redirect. A connection that could not be made is :class:`~notifykit.errors.NotReached`;
everything that goes wrong after that is :class:`~notifykit.errors.OutcomeUnknown`, because the request may have arrived.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote, urlencode, urlsplit

import attrs

from notifykit.errors import (
    AuthFailed,
    ConfigError,
    ContentRejected,
    NotReached,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    TransportError,
    interrupt_of,
    raise_interrupt,
    without_frames,
)
from notifykit.http.network import PORTS, Network, find_authorities, find_proxy, tls_context, url_host
from notifykit.redaction import SecretBytes

if TYPE_CHECKING:
    from notifykit.models.capabilities import Capabilities
    from notifykit.models.plan import Batch
    from notifykit.models.receipt import Submission
    from notifykit.settings.dsn import Dsn

__all__ = [
    "BODY_LIMIT",
    "IDLE_LIMIT",
    "UNCLEAR",
    "HttpAnswer",
    "HttpClient",
    "HttpRequest",
    "HttpTransport",
    "error_for_status",
]

#: The most that is read of an answer, in bytes.
BODY_LIMIT: Final = 1 << 20
#: Seconds after which an idle connection is not used any more: common servers drop theirs after five.
IDLE_LIMIT: Final = 4.0
#: Seconds before the second and third try where a server is busy and does not say for how long.
_BUSY_WAITS: Final = (2.0, 10.0)
#: Statuses that do not say whether the message was taken: it may be taken already under the same key (409, 423), a redirect may show what became of it
#: (303), or something in between gave up (408), did not wait (425) or answered from memory (304).
UNCLEAR: Final = frozenset({303, 304, 408, 409, 423, 425})
#: The most seconds that are believed of a ``Retry-After``: a day.
_LONGEST_WAIT: Final = 86_400.0
#: What stands in a path as it is.
_PATH: Final = "/%:@!$&'()*+,;=~"
#: A header that may be sent besides those that every request has.
_HEADER: Final = re.compile(
    r"(?!(?i:host|accept-encoding|content-length|transfer-encoding|connection):)"
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ -~]*"
)


def _read_date(value: str) -> datetime.datetime | None:
    """Return the date of a header; None where it is none."""
    from email.utils import parsedate_to_datetime

    try:
        found = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


@attrs.frozen
class HttpAnswer:
    """What came back, read to its end."""

    #: The status.
    status: int
    #: The headers, names in lower case.
    headers: Mapping[str, str] = attrs.field(repr=False)
    #: The body, with its transfer and content encodings undone.
    body: bytes = attrs.field(repr=lambda body: f"<{len(body)} bytes>")

    @property
    def retry_after(self) -> float | None:
        """Seconds from the ``Retry-After`` header, also where it names a date, a day at most; None where there are none.

        A date is compared with the server's own ``Date``, because clocks differ; with this machine's clock where there is none.
        """
        value = self.headers.get("retry-after", "")
        if value.isdecimal() and value.isascii():
            return min(float(value), _LONGEST_WAIT)
        at = _read_date(value)
        if at is None:
            return None
        now = _read_date(self.headers.get("date", "")) or datetime.datetime.now(datetime.UTC)
        return min(max(0.0, (at - now).total_seconds()), _LONGEST_WAIT)

    @property
    def turned_away(self) -> bool:
        """Whether a 429 or 503 shows that the request was not taken; one with a page may be a proxy's."""
        return self.status in (429, 503) and (self.retry_after is not None or not self.body.strip())

    @property
    def waits(self) -> tuple[float, ...]:
        """Seconds before the second and third try, by ``Retry-After`` where it is there."""
        return _BUSY_WAITS if self.retry_after is None else (self.retry_after,) * len(_BUSY_WAITS)

    def json(self) -> Any:
        """Return the body, read as JSON.

        :raises ValueError: if it is not JSON; in :meth:`HttpTransport.read` that is an unknown outcome.
        """
        return json.loads(self.body)


class HttpClient:
    """Posts to one host over connections that it keeps. Safe to share between threads, and after a fork.

    :param url: where to, ``https://host[:port]/path``; the path of each request is appended.
    :param network: the proxy and the certificates.
    :param idle_limit: seconds after which an idle connection is closed instead of used.
    :raises ConfigError: if the URL is none, or a proxy or a certificate can't be used.
    """

    def __init__(self, url: str, *, network: Network | None = None, idle_limit: float = IDLE_LIMIT) -> None:
        try:
            self._prepare(url, network or Network(), idle_limit)
        except ConfigError as error:
            raise without_frames(error)  # noqa: B904 - the same error, without the variables that hold the URL
        finally:
            del url  # it may hold a password, and a traceback shows variables

    def _prepare(self, url: str, network: Network, idle_limit: float) -> None:
        from notifykit.http.pool import make_pool

        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ConfigError("the URL's host or port can't be read: a port is a number between 1 and 65535") from None
        if port == 0:
            raise ConfigError("the URL's port is 0: a port is a number between 1 and 65535")
        if not url.isascii() and any(0xD800 <= ord(character) <= 0xDFFF for character in url):
            raise ConfigError("the URL has half a character (a lone surrogate): copy the address again")
        if parts.scheme not in PORTS or not parts.hostname:
            raise ConfigError("a URL starts with https:// or http:// and names a host")
        host, port = _ascii(parts.hostname.replace("%25", "%")), port or PORTS[parts.scheme]
        proxy = find_proxy(parts.scheme, host, port, network)
        if parts.scheme == "https" and (find_authorities(network).path or network.client_cert):
            tls_context(network)  # files that settings name are read now, because they may be wrong
        self._pool = make_pool(
            parts.scheme, url_host(host), port, network, proxy, idle_limit=idle_limit, body_limit=BODY_LIMIT
        )
        self._path = quote(parts.path, _PATH)
        self._query = quote(f"?{parts.query}", f"{_PATH}?") if parts.query else ""
        # A proxy without a tunnel gets the whole URL.
        forwarded = self._pool.proxy is not None and parts.scheme == "http"
        self._origin = f"http://{url_host(host)}:{port}" if forwarded else ""

    def connect(self, timeout: float) -> None:
        """Open a connection for the next request, unless one is idle, so that the request is then sent at once.

        A failure other than a timeout is left to the request, which fails in the same way: a test that replaces urllib3 may
        have no network.

        :param timeout: seconds.
        :raises NotReached: if no connection was made in time, or the client is closed.
        """
        try:
            self._pool.open(timeout)
        except NotReached as error:
            if error.code in ("connect_timeout", "closed"):
                raise

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], timeout: float, *, idempotent: bool = False
    ) -> HttpAnswer:
        """Post a body and read the whole answer.

        :param path: appended to the client's URL.
        :param body: sent with its ``Content-Length``.
        :param headers: besides the host, the encodings and the length, which every request has.
        :param timeout: seconds for everything: connecting, sending, and reading to the last byte. Only the look-up of
            the host's name, which the operating system does, is not counted.
        :param idempotent: whether the server takes the same request once, however often it arrives: then it is made again
            over a new connection where a kept one was lost before its answer.
        :raises NotReached: if no connection could be made; nothing was sent.
        :raises OutcomeUnknown: if the request may have arrived and no whole answer came back.
        """
        outer = sys.exception()
        try:
            problem = _header_problem(headers)
            if problem:
                raise NotReached(problem, waits=())
            named = any(name.lower() == "user-agent" for name in headers)
            path = f"{self._path}{quote(path, _PATH)}{self._query}"
            answer = self._pool.post(
                f"{self._origin}{'' if path.startswith('/') else '/'}{path}",
                SecretBytes(body),
                {**headers} if named else {"User-Agent": "notifykit", **headers},
                timeout,
                idempotent=idempotent,
            )
        except BaseException as error:
            # The same error, without the variables that hold what was sent.
            raise without_frames(interrupt_of(error, outer) or error)  # noqa: B904
        finally:
            del path, body, headers  # a traceback shows variables
        return HttpAnswer(*answer)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _header_problem(headers: Mapping[Any, Any]) -> str | None:
    """Return what is wrong with the first header that can't be sent; None where all can."""
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            return f"The header {name} can't be sent: its name and its value must be str, not {type(value).__name__}."
        if not _HEADER.fullmatch(f"{name}:{value}"):
            return f"The header {name} can't be sent: every request has its own, or it has characters that no header may have."
    return None


def _ascii(host: str) -> str:
    """Return a host's name as DNS knows it.

    :raises ConfigError: if no host can have that name.
    """
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise ConfigError("the URL's host is no name that a host can have") from None


@attrs.frozen
class HttpRequest:
    """What a transport posts."""

    #: The body.
    body: bytes = attrs.field(converter=SecretBytes)
    #: Appended to the transport's URL.
    path: str = attrs.field(default="", repr=False)
    #: Headers besides those that the transport sends with each request.
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @classmethod
    def json(cls, fields: object, path: str = "", headers: Mapping[str, str] | None = None) -> Self:
        """Return a request with a JSON body."""
        # Half a surrogate is spelled \ud800, which is how JSON spells it too.
        body = json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace")
        return cls(body, path, {"Content-Type": "application/json", **(headers or {})})

    @classmethod
    def form(cls, fields: Mapping[str, str], path: str = "", headers: Mapping[str, str] | None = None) -> Self:
        """Return a request with a body as HTML forms have it."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return cls(urlencode(fields).encode("ascii"), path, {**kind, **(headers or {})})


class HttpTransport:
    """A transport that posts one request for each batch. A subclass defines :meth:`request` and :meth:`read`.

    It keeps connections, and connects before a request takes its turn where there is a rate limit. Its ``str`` is a DSN
    with its name, its host and its sender; the scheme ends in ``+http`` where it does without TLS.

    :param url: the provider's address, ``https://host/path``.
    :param headers: sent with each request, an ``Authorization`` for one; never shown.
    :param sender: the sender's name for messages that have none; :meth:`request` finds it as ``self.sender``.
    :param network: the proxy and the certificates: ``context.settings.network`` in a factory.
    :raises ConfigError: if the URL or a header is none, or a proxy or a certificate can't be used.
    """

    #: Its name, as in the DSN's scheme.
    name: str
    #: What it can do.
    capabilities: Capabilities
    #: The name of the provider, as the first words of an error's sentence.
    provider = "The provider"

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        sender: str | None = None,
        network: Network | None = None,
    ) -> None:
        self.sender = sender
        self._headers = dict(headers or {})
        problem = _header_problem(self._headers)
        try:
            if problem:
                raise ConfigError(problem)
            self._client = HttpClient(url, network=network)
            parts = urlsplit(url)
            self._host, self._plain = ((parts.hostname or "").replace("%25", "%"), parts.port), parts.scheme == "http"
            del parts
        finally:
            del url, headers  # as in HttpClient

    @staticmethod
    def url_of(dsn: Dsn, default: str) -> str:
        """Return the address that a DSN names, over plain HTTP where its scheme ends in ``+http``; for a factory.

        :param default: the provider's own address, which a DSN without a host means.
        """
        if dsn.host == "default":
            return default
        port = "" if dsn.port is None else f":{dsn.port}"
        return f"{'http' if dsn.scheme.endswith('+http') else 'https'}://{url_host(dsn.host)}{port}{dsn.path}"

    def request(self, batch: Batch) -> HttpRequest:
        """Return what to post for a batch."""
        raise NotImplementedError

    def error(self, answer: HttpAnswer) -> TransportError | None:
        """Return the error that an answer means; None where the provider took the batch.

        Override it where the provider's body says more than its status.
        """
        return error_for_status(answer, self.provider)

    def read(self, answer: HttpAnswer, batch: Batch) -> Submission:
        """Return what the provider said about a batch that it took.

        A ``ValueError``, ``LookupError``, ``TypeError`` or ``AttributeError`` says that the answer is not the provider's:
        then the outcome is unknown, because the request may have arrived.
        """
        raise NotImplementedError

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Make one request and return what the provider said.

        :param timeout: seconds for everything.
        :raises TransportError: if the provider did not take the batch, or that is not known.
        """
        request = self.request(batch)
        headers, idempotent = {**self._headers, **request.headers}, self.capabilities.idempotent
        answer = self._client.post(request.path, request.body, headers, timeout, idempotent=idempotent)
        error = self.error(answer)
        if error is not None:
            raise error
        outer = sys.exception()
        try:
            return self.read(answer, batch)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
            raise_interrupt(problem, outer)
            kind = type(problem).__name__
        # Raised here, so that it does not hold the problem: its frames have the body.
        raise OutcomeUnknown(f"{self.provider}'s answer can't be read ({kind}).", "unreadable")

    def connect(self, timeout: float) -> None:
        """Open a connection for the next request, unless one is idle."""
        self._client.connect(timeout)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __str__(self) -> str:
        from notifykit.settings.dsn import Dsn  # an HTTP client alone needs none

        host, port = self._host
        scheme = f"{self.name}+http" if self._plain else self.name
        return str(Dsn(scheme, host, port, options={"sender": self.sender} if self.sender else {}))


def error_for_status(answer: HttpAnswer, provider: str = "The provider") -> TransportError | None:
    """Return the error that an HTTP status means for a message; None for 2xx.

    :param answer: the answer.
    :param provider: its name, as the first words of a sentence.
    """
    status, code = answer.status, f"HTTP{answer.status}"
    error: TransportError | None
    match status:
        case _ if 200 <= status < 300:
            error = None
        case 401 | 403:
            advice = "Check the user name and the password or token."
            error = AuthFailed(f"{provider} answered {status}.", code, action=advice)
        case 407:
            advice = "Put a user and a password into the proxy's URL, http://user:password@host:port."
            error = ProviderUnavailable("The proxy asks for a user and a password.", code, action=advice)
        case 429:
            error = RateLimited(f"{provider} gets too many requests.", code, waits=answer.waits)
        case 503 if answer.turned_away:
            error = ProviderUnavailable(f"{provider} says that it is not available.", code, waits=answer.waits)
        case 400 | 413 | 422:
            error = ContentRejected(f"{provider} answered {status} to this message.", code)
        case _ if status in UNCLEAR:
            error = OutcomeUnknown(
                f"{provider} answered {status}, which does not say whether it took the message.", code
            )
        case _ if 300 <= status < 400:
            advice = "Check the address; redirects are not followed, because they could carry the password away."
            error = ProviderUnavailable(f"{provider} answered {status}, a redirect.", code, action=advice)
        case _ if 400 <= status < 500:
            advice = "Check the address and its path, and what its log says about this request."
            error = ProviderUnavailable(f"{provider} answered {status}.", code, action=advice)
        case _:  # an answer below 200 is not final
            error = OutcomeUnknown(f"{provider}, or something before it, failed with {status}.", code)
    return error
