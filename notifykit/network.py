"""Which proxy and which certificates a connection uses: from the settings, the environment and this machine.

The settings win. Then count the variables that other HTTP clients read: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``,
``NO_PROXY``, ``SSL_CERT_FILE``, ``SSL_CERT_DIR`` and ``REQUESTS_CA_BUNDLE``.
"""

from __future__ import annotations

import functools
import importlib.util
import ipaddress
import os
import ssl
from typing import Final
from urllib.parse import unquote, urlsplit

import attrs

from notifykit.errors import ConfigError
from notifykit.masking import Secret

#: The setting ``proxy`` that means: no proxy, whatever the environment says.
NO_PROXY: Final = "none"
_PROXY_SCHEMES: Final = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_PROXY_PORTS: Final = {"http": 80, "https": 443}
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

        :raises ConfigError: where it is none. The message does not show it, because it may hold a password.
        """
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.scheme not in _PROXY_SCHEMES:
            schemes = ", ".join(_PROXY_SCHEMES)
            raise ConfigError(
                f"{origin} is not a proxy: write http://user:password@host:3128 (it may also start with one of {schemes})"
            )
        credentials = None
        if parts.username is not None:
            credentials = Secret(f"{unquote(parts.username)}:{unquote(parts.password or '')}")
        return cls(parts.scheme, host, port or _PROXY_PORTS.get(parts.scheme, _SOCKS_PORT), origin, credentials)

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, for which urllib3 needs PySocks."""
        return self.scheme.startswith("socks")

    @property
    def url(self) -> str:
        """Its URL without the credentials."""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

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


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, without asking DNS."""
    host = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def find_proxy(scheme: str, host: str, port: int, network: Network) -> Proxy | None:
    """Return the proxy for a host; None where there is none. This machine is never reached through a proxy.

    :raises ConfigError: where the proxy can't be read or used.
    """
    if is_loopback(host) or (network.proxy and network.proxy.reveal() == NO_PROXY):
        return None
    if network.proxy:
        proxy = Proxy.parse(network.proxy.reveal())
    else:
        from urllib.request import getproxies, proxy_bypass

        proxies = getproxies()
        name = scheme if proxies.get(scheme) else "all"
        if not proxies.get(name) or proxy_bypass(f"{host}:{port}") or proxy_bypass(host):
            return None
        proxy = Proxy.parse(proxies[name], f"{name.upper()}_PROXY")
    if proxy.is_socks and importlib.util.find_spec("socks") is None:
        raise ConfigError(f'{proxy.origin} is a SOCKS proxy: pip install "notifykit[socks]" brings what it needs')
    return proxy


def find_authorities(network: Network) -> Authorities:
    """Return which certificate authorities are trusted.

    :raises ConfigError: where a file that is named does not exist.
    """
    named = [("ca_file", network.ca_file), *((name, os.environ.get(name)) for name in _CA_VARIABLES)]
    for origin, path in named:
        if path:
            if not os.path.exists(path):
                raise ConfigError(f"{origin} names {path}, which does not exist: it is a PEM file with certificates")
            return Authorities(path, origin)
    return Authorities(None, "truststore" if importlib.util.find_spec("truststore") else "OpenSSL")


def tls_context(network: Network) -> ssl.SSLContext:
    """Return the TLS context for these settings, one a process: reading certificates costs more than a request.

    :raises ConfigError: where a certificate can't be read.
    """
    return _tls_context(find_authorities(network), network.client_cert)


@functools.cache
def _tls_context(authorities: Authorities, client_cert: str | None) -> ssl.SSLContext:
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
    if authorities.path is None and authorities.origin == "truststore":
        import truststore

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return context
    if authorities.path is None or authorities.origin.startswith("SSL_CERT_"):
        return ssl.create_default_context()  # OpenSSL itself reads SSL_CERT_FILE and SSL_CERT_DIR
    kind = "capath" if os.path.isdir(authorities.path) else "cafile"
    try:
        return ssl.create_default_context(**{kind: authorities.path})
    except OSError as error:
        raise ConfigError(
            f"{authorities.origin}: {authorities.path} can't be used ({type(error).__name__}): "
            "it is a PEM file with certificates"
        ) from None


def _no_password() -> str:
    # Without this, OpenSSL would ask on the terminal.
    raise ValueError("the key has a passphrase")
