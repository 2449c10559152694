"""Which proxy and which certificates a connection uses: from the settings, the environment and this machine.

The settings win. Then count the variables that other HTTP clients read: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``,
``NO_PROXY``, ``SSL_CERT_FILE``, ``SSL_CERT_DIR`` and ``REQUESTS_CA_BUNDLE``.
"""

from __future__ import annotations

import base64
import functools
import importlib.util
import ipaddress
import os
import pathlib
import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import attrs

from notifykit.errors import ConfigError, NotReached, OutcomeUnknown, TransportError, causes
from notifykit.redaction import Secret

if TYPE_CHECKING:
    import ssl

#: What ends the advice for a connection that was not made.
SAFE: Final = "nothing was sent, so sending again is safe."
#: Why a connection was not made, in words, and what to do, by the error's code.
CONNECT_PROBLEMS: Final = {
    "name_not_found": ("DNS lookup failed", f"Check how the host is spelled, and the DNS of this machine; {SAFE}"),
    "tls_failed": (
        "the TLS handshake failed",
        (
            "Check that the host speaks HTTPS on this port. Where a company inspects TLS, name its certificate in ca_file "
            f"(NOTIFYKIT_CA_FILE); where the server asks for a certificate, name yours in client_cert; {SAFE}"
        ),
    ),
    "connection_refused": (
        "the connection was refused",
        f"Check host and port: nothing listens there, or a firewall refuses; {SAFE}",
    ),
    "connect_timeout": (
        "no answer in time",
        f"Check the firewall of this machine, and whether the host is up or needs a proxy (HTTPS_PROXY); {SAFE}",
    ),
    "connect_failed": ("the connection was not made", f"Check the network of this machine; {SAFE}"),
    "proxy_not_reached": (
        "the proxy can't be reached",
        f"Check the proxy's address, and NO_PROXY where this host needs no proxy; {SAFE}",
    ),
    "proxy_auth_failed": (
        "the proxy asks for a user and a password (407)",
        f"Put them into the proxy's URL, http://user:password@host:port; {SAFE}",
    ),
    "proxy_refused": (
        "the proxy refused to connect to it",
        f"Ask the proxy's administrator to allow this host, or name it in NO_PROXY where it can be reached directly; {SAFE}",
    ),
}
#: Why a TLS handshake failed, in words, and what to do.
_TLS_PROBLEMS: Final = {
    "expired": (
        "the host's certificate has expired, or is not valid yet",
        "Ask whoever runs the host for a new certificate, and check the clock of this machine",
    ),
    "name": (
        "the host's certificate is for another name",
        "Check how the host is spelled: connect to it by a name that is on its certificate",
    ),
    "authority": (
        "the host's certificate comes from an authority that is not trusted here",
        "Where a company inspects TLS or has an authority of its own, name its file in ca_file (NOTIFYKIT_CA_FILE)",
    ),
    "no_authorities": (
        "this machine has no certificate authorities to check a certificate with",
        "Install them (in Debian's images: the package ca-certificates), or name a file in ca_file (NOTIFYKIT_CA_FILE)",
    ),
    "no_tls": (
        "the host does not speak TLS on this port",
        "Check the port: the scheme says whether TLS is spoken there (https or http, webhook or webhook+http, smtps or smtp)",
    ),
}
#: The codes of OpenSSL for a certificate that is too young or too old, and for one of another name or address.
_OUT_OF_DATE: Final = (9, 10)
_OTHER_NAME: Final = (62, 64)
#: The reasons of OpenSSL where the answer to its greeting was no TLS.
_NO_TLS: Final = (
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
)
#: Those of the problems that a later try would meet as well.
NOT_RETRIED: Final = ("proxy_auth_failed", "proxy_refused")
#: Why there is no whole answer to a request that was sent, by the error's code.
EXCHANGE_PROBLEMS: Final = {
    "timeout": "No whole answer came before the deadline.",
    "connection_lost": "The connection broke off before the answer.",
    "incomplete": "The connection broke off in the middle of the answer.",
    "unreadable": "The answer can't be read to its end.",
    "not_http": "What came back is no answer of HTTP/1.1.",
    "oversized": "The answer is longer than a mebibyte.",
}

#: The setting ``proxy`` that means: no proxy, whatever the environment says.
NO_PROXY: Final = "none"
_PROXY_SCHEMES: Final = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
#: The ports of HTTP without and with TLS, by the scheme.
PORTS: Final = {"http": 80, "https": 443}
_SOCKS_PORT: Final = 1080
#: The variables that name certificate authorities, in the order in which they count.
_CA_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


@attrs.frozen
class Network:
    """The settings ``proxy``, ``ca_file`` and ``client_cert``."""

    #: The proxy's URL; ``none`` for no proxy; None for that of the environment.
    proxy: Secret | None = None
    #: A PEM file, or a folder of them, with the only certificate authorities to trust; None for those of this machine.
    ca_file: str | None = None
    #: A PEM file with the client's certificate and its private key; None for none.
    client_cert: str | None = None


@attrs.frozen
class Proxy:
    """A proxy to connect through."""

    #: ``http``, ``https`` or one of the SOCKS schemes.
    scheme: str
    #: Its host.
    host: str
    #: Its port.
    port: int
    #: What names it: a variable of the environment, or ``proxy``.
    origin: str
    #: ``user:password``; None where it asks for neither.
    credentials: Secret | None = None

    @classmethod
    def parse(cls, url: str, origin: str = "proxy") -> Proxy:
        """Read a proxy's URL; without a scheme it is ``http://``.

        :raises ConfigError: if it is none. The message does not show it, because it may hold a password.
        """
        proxy = cls._read(url, origin)
        del url  # it may hold a password, and a traceback shows variables
        if proxy is None:
            schemes = ", ".join(_PROXY_SCHEMES)
            raise ConfigError(f"{origin} is not one of a proxy: write http://user:password@host:3128, or {schemes}://…")
        return proxy

    @classmethod
    def _read(cls, url: str, origin: str) -> Proxy | None:
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            host, port = parts.hostname, parts.port
        except ValueError:
            return None
        if not host or parts.scheme not in _PROXY_SCHEMES:
            return None
        credentials = None
        if parts.username is not None:
            credentials = Secret(f"{unquote(parts.username)}:{unquote(parts.password or '')}")
        return cls(parts.scheme, host, port or PORTS.get(parts.scheme, _SOCKS_PORT), origin, credentials)

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, for which urllib3 needs PySocks."""
        return self.scheme.startswith("socks")

    @property
    def url(self) -> str:
        """Its URL without the credentials."""
        return f"{self.scheme}://{url_host(self.host)}:{self.port}"

    def __str__(self) -> str:
        return f"{self.url} ({self.origin})"


@attrs.frozen
class Authorities:
    """The certificate authorities that are trusted."""

    #: The file or folder; None for those of this machine.
    path: str | None
    #: What names it: a setting, a variable of the environment, ``truststore`` or ``OpenSSL``.
    origin: str

    def __str__(self) -> str:
        return f"{self.path} ({self.origin})" if self.path else f"those of this machine ({self.origin})"


def connect_problem(error: BaseException, lost: str | None = None) -> str:
    """Return the code for why a connection was not made: a key of :data:`CONNECT_PROBLEMS`.

    :param lost: the code where the other side ended a connection on which something was said before.
    """
    import ssl

    table: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
        ((socket.gaierror, UnicodeError), "name_not_found"),  # a UnicodeError for a name that no host can have
        ((ConnectionRefusedError,), "connection_refused"),
        ((TimeoutError,), "connect_timeout"),
        ((ssl.SSLEOFError, ssl.SSLZeroReturnError), lost or "tls_failed"),
        ((ssl.SSLError, ssl.CertificateError), "tls_failed"),
    )
    codes = (code for cause in causes(error) for kinds, code in table if isinstance(cause, kinds))
    return next(codes, lost or "connect_failed")


def tls_problem(error: BaseException, network: Network) -> tuple[str, str] | None:
    """Return why a TLS handshake failed, in words, and what to do; None where that is not known.

    :param error: what the handshake raised.
    :param network: the certificates that were used.
    """
    import ssl

    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code in _OUT_OF_DATE:
                return _TLS_PROBLEMS["expired"]
            if cause.verify_code in _OTHER_NAME:
                return _TLS_PROBLEMS["name"]
            return _TLS_PROBLEMS["authority" if _has_authorities(network) else "no_authorities"]
        if isinstance(cause, ssl.SSLError) and str(cause.reason) in _NO_TLS:
            return _TLS_PROBLEMS["no_tls"]
    return None


def _has_authorities(network: Network) -> bool:
    import ssl

    if find_authorities(network).path is not None:
        return True
    paths = ssl.get_default_verify_paths()  # each is None where it is not there
    return bool(paths.cafile or (paths.capath and any(pathlib.Path(paths.capath).iterdir())))


def not_reached(what: str, code: str, error: Exception | None = None, network: Network | None = None) -> NotReached:
    """Return the error of a connection that was not made.

    :param what: the first words of its sentence.
    :param code: a key of :data:`CONNECT_PROBLEMS`.
    :param error: what a TLS handshake raised; it says which of the reasons it was.
    :param network: the certificates that were used.
    """
    import ssl

    words, action = CONNECT_PROBLEMS[code]
    if error is not None:
        problem = tls_problem(error, network or Network())
        if problem:
            words, action = f"{words} because {problem[0]}", f"{problem[1]}; {SAFE}"
        if isinstance(error, ssl.SSLCertVerificationError):
            words += f" ({error.verify_message})"
            forget_tls_contexts()
    if code in NOT_RETRIED:
        return NotReached(f"{what}: {words}.", code, action=action, waits=())
    return NotReached(f"{what}: {words}.", code, action=action)


def network_errors() -> list[TransportError]:
    """Return the errors of HTTP connections, one for each code, as ``notifykit explain`` shows them."""
    reached = [not_reached("Cannot connect", code) for code in CONNECT_PROBLEMS]
    return [*reached, *(OutcomeUnknown(detail, code) for code, detail in EXCHANGE_PROBLEMS.items())]


def url_host(host: str) -> str:
    """Return a host as a URL has it: an IPv6 address stands in brackets, with %25 before its zone (RFC 6874)."""
    return f"[{host.replace('%', '%25')}]" if ":" in host else host


def basic_authorization(credentials: str) -> str:
    """Return the value of an Authorization header (RFC 7617).

    :param credentials: ``user:password``.
    """
    return f"Basic {base64.b64encode(credentials.encode()).decode('ascii')}"


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, without asking DNS."""
    host = host.strip("[]").lower().rstrip(".")
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            # The system connects to 127.1, 2130706433 and 0x7f000001 as well.
            address = ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return host == "localhost" or host.endswith(".localhost")  # RFC 6761, section 6.3
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified  # 0.0.0.0 connects to this machine too


def find_proxy(scheme: str, host: str, port: int, network: Network) -> Proxy | None:
    """Return the proxy for a host; None where there is none. This machine is never reached through a proxy.

    :raises ConfigError: if the proxy can't be read or used.
    """
    if is_loopback(host) or (network.proxy and network.proxy.reveal() == NO_PROXY):
        return None
    url, origin = (network.proxy, "proxy") if network.proxy else _environment_proxy(scheme, host, port)
    if url is None:
        return None
    proxy = Proxy.parse(url.reveal(), origin)
    if proxy.is_socks and importlib.util.find_spec("socks") is None:
        raise ConfigError(f'{proxy.origin} is a SOCKS proxy: pip install "notifykit[socks]" brings what it needs')
    return proxy


def _environment_proxy(scheme: str, host: str, port: int) -> tuple[Secret | None, str]:
    """Return the URL of the proxy that the environment names, and the variable that does."""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    name = scheme if proxies.get(scheme) else "all"
    bypassed = not proxies.get(name) or proxy_bypass(f"{host}:{port}") or proxy_bypass(host)
    return None if bypassed else Secret(proxies[name]), f"{name.upper()}_PROXY"


def find_authorities(network: Network) -> Authorities:
    """Return which certificate authorities are trusted.

    :raises ConfigError: if a file that is named does not exist.
    """
    named = [("ca_file", network.ca_file), *((name, os.environ.get(name)) for name in _CA_VARIABLES)]
    for origin, path in named:
        if path:
            if not pathlib.Path(path).exists():
                raise ConfigError(f"{origin} names {path}, which does not exist: it is a PEM file with certificates")
            return Authorities(path, origin)
    return Authorities(None, "truststore" if importlib.util.find_spec("truststore") else "OpenSSL")


def tls_context(network: Network) -> ssl.SSLContext:
    """Return the TLS context for these settings, one a process: reading certificates costs more than a request.

    After :func:`forget_tls_contexts` the files are read again.

    :raises ConfigError: if a certificate can't be read.
    """
    return _tls_context(find_authorities(network), network.client_cert)


def forget_tls_contexts() -> None:
    """Read the certificates again for the next connection: those that did not fit may have been replaced."""
    _tls_context.cache_clear()


@functools.cache
def _tls_context(authorities: Authorities, client_cert: str | None) -> ssl.SSLContext:
    import ssl

    context = _trusting(authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if client_cert:
        try:
            context.load_cert_chain(client_cert, password=_no_password)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"client_cert: {client_cert} can't be used ({type(error).__name__}): "
                "it is a PEM file with the certificate and its private key, without a passphrase"
            ) from None
    return context


def _trusting(authorities: Authorities) -> ssl.SSLContext:
    import ssl

    if authorities.path is None and authorities.origin == "truststore":
        import truststore

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return context
    if authorities.path is None or authorities.origin.startswith("SSL_CERT_"):
        return ssl.create_default_context()  # OpenSSL itself reads SSL_CERT_FILE and SSL_CERT_DIR
    is_folder = pathlib.Path(authorities.path).is_dir()
    try:
        if is_folder:
            return ssl.create_default_context(capath=authorities.path)
        return ssl.create_default_context(cafile=authorities.path)
    except OSError as error:
        raise ConfigError(
            f"{authorities.origin}: {authorities.path} can't be used ({type(error).__name__}): "
            "it is a PEM file with certificates"
        ) from None


def _no_password() -> str:
    # Without this, OpenSSL would ask on the terminal.
    raise ValueError("the key has a passphrase")
