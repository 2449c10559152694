"""Proxies and certificates, from the settings and from the environment, over real sockets."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from notifykit import ConfigError, NotReached, OutcomeUnknown, Secret, Settings
from notifykit.http import HttpClient, HttpTransport
from notifykit.http.network import Network, Proxy as ProxySetting, find_authorities, find_proxy, is_loopback
from notifykit.transports.webhook import WebhookTransport
from tests.transports.proxy import Proxy, dribbling
from tests.transports.wire import Wire, answer, dribble_of, scripted

#: A host that only the proxies here know: they take each name for this machine.
HOST = "gateway.example"
#: The first bytes of a server's handshake of 16 KiB.
HANDSHAKE = b"\x16\x03\x03\x40\x00"
VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs the tests says nothing."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(name="authority", scope="module")
def _authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(name="ca_file", scope="module")
def _ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


@pytest.fixture(name="served")
def _served(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "localhost").configure_cert(context)
    return context


def _post(wire: Wire, network: Network | None = None, *, secure: bool = True, timeout: float = 5):
    client = HttpClient(f"{'https' if secure else 'http'}://{HOST}:{wire.port}/API/", network=network)
    try:
        return client.post("send/", b"hello", {}, timeout)
    finally:
        client.close()


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_environment_names_the_proxy_and_the_certificates(served, ca_file, monkeypatch, variable):
    """As for every other HTTP client: nothing of ours has to be set. TLS goes through the tunnel."""
    with Proxy() as proxy, scripted(answer(b"ok"), tls=served) as wire:
        monkeypatch.setenv(variable, proxy.url)
        monkeypatch.setenv("SSL_CERT_FILE", ca_file)
        assert _post(wire).body == b"ok"
        assert proxy.asked[0].startswith(f"CONNECT {HOST}:{wire.port} ")


def test_plain_http_is_forwarded(monkeypatch):
    """A proxy gets the whole URL then, and its password with each request."""
    with Proxy("sara:s3cret") as proxy, scripted(answer(b"ok")) as wire:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("http://", "http://sara:s3cret@"))
        assert _post(wire, secure=False).body == b"ok"
        assert proxy.asked == [f"POST http://{HOST}:{wire.port}/API/send/ HTTP/1.1"]
        assert f"\r\nHost: {HOST}:{wire.port}\r\n".encode() in wire.requests[0]


def test_no_proxy_and_loopback_go_directly(served, ca_file, monkeypatch):
    """What NO_PROXY names, and this machine, whatever the environment says."""
    with Proxy() as proxy, scripted(answer(b"ok"), tls=served) as wire:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        client = HttpClient(f"https://localhost:{wire.port}/", network=Network(ca_file=ca_file))
        assert client.post("", b"", {}, 5).body == b"ok"
        client.close()
        monkeypatch.setenv("NO_PROXY", "other.example,.example")
        assert find_proxy("https", HOST, 443, Network()) is None
        assert find_proxy("https", "elsewhere.test", 443, Network()) is not None
        assert proxy.asked == []


def test_the_setting_wins_over_the_environment(served, ca_file, monkeypatch):
    """And the word none asks for no proxy."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with Proxy("sara:pass word") as proxy, scripted(answer(b"ok"), tls=served) as wire:
        url = Secret(proxy.url.replace("http://", "http://sara:pass%20word@"))
        assert _post(wire, Network(url, ca_file)).body == b"ok"
        assert len(proxy.asked) == 1
    assert find_proxy("https", HOST, 443, Network(Secret("none"))) is None


def test_a_proxy_that_wants_a_password_is_named(served, ca_file):
    """Nothing was sent, and the error says where the password goes and not what it is."""
    with Proxy("sara:s3cret") as proxy, scripted(answer(), tls=served) as wire:
        url = proxy.url.replace("http://", "http://sara:wrong-s3cret@")
        with pytest.raises(NotReached) as raised:
            _post(wire, Network(Secret(url), ca_file))
        assert raised.value.code == "proxy_auth_failed"
        assert proxy.url in str(raised.value)
        assert "s3cret" not in repr(raised.value)
        assert wire.connections == 0


def test_a_proxy_that_wants_a_password_for_plain_http_has_not_passed_it_on():
    """The answer 407 is the proxy's own."""
    with Proxy("sara:s3cret") as proxy, scripted(answer()) as wire:
        assert _post(wire, Network(Secret(proxy.url)), secure=False).status == 407
        assert wire.connections == 0


def test_a_proxy_that_refuses_is_named(served, ca_file):
    """It was reached and will not connect: nothing was sent."""
    with Proxy(refusal="403 Forbidden") as proxy, scripted(answer(), tls=served) as wire:
        with pytest.raises(NotReached) as raised:
            _post(wire, Network(Secret(proxy.url), ca_file))
        assert raised.value.code == "proxy_refused"


@pytest.mark.parametrize("scheme", ["http", "https", "socks5h", "socks4a"])
def test_a_proxy_that_is_not_there_is_named(served, ca_file, scheme):
    """Whoever reads it looks at the proxy and not at the provider."""
    with scripted(answer(), tls=served) as wire:
        with pytest.raises(NotReached) as raised:
            _post(wire, Network(Secret(f"{scheme}://127.0.0.1:1"), ca_file))
        assert raised.value.code == "proxy_not_reached"
        assert "127.0.0.1:1" in raised.value.detail


def test_a_proxy_that_dies_before_it_connects_has_sent_nothing(served, ca_file):
    """The tunnel was not there yet."""
    with Proxy(dies=True) as proxy, scripted(answer(), tls=served) as wire:
        with pytest.raises(NotReached):
            _post(wire, Network(Secret(proxy.url), ca_file))
        assert wire.connections == 0


@pytest.mark.parametrize("secure", [False, True])
def test_a_proxy_that_dies_before_the_answer_leaves_it_unknown(served, ca_file, secure):
    """The server had the request, through a tunnel or not, and its answer did not come through."""

    def die(connection, request):
        proxy.die()

    with Proxy() as proxy, scripted(die, tls=served if secure else None) as wire:
        with pytest.raises(OutcomeUnknown) as raised:
            _post(wire, Network(Secret(proxy.url), ca_file), secure=secure)
        assert raised.value.code == "connection_lost"
        assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("scheme", "start", "code"),
    [
        ("http", b"HTTP/1.1 200 OK\r\nX: ", "connect_timeout"),
        ("https", HANDSHAKE, "proxy_not_reached"),
        ("socks5h", b"\x05\x00\x05\x00\x00\x03\xff", "connect_timeout"),
    ],
)
def test_a_proxy_that_dribbles_does_not_outlive_the_limit(ca_file, scheme, start, code):
    """What it says before the host is connected to counts as connecting."""
    began = time.monotonic()
    with dribbling(start) as port:
        client = HttpClient(f"https://{HOST}/", network=Network(Secret(f"{scheme}://127.0.0.1:{port}"), ca_file))
        with pytest.raises(NotReached) as raised:
            client.post("", b"", {}, 1.0)
    assert raised.value.code == code
    assert time.monotonic() - began < 10


@pytest.fixture(name="ways")
def _ways(authority: trustme.CA) -> Iterator[dict[str, str]]:
    """The URL of a proxy of each kind, and of none."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(own)
    with Proxy() as proxy, Proxy(tls=own) as secure:
        yield {
            "none": "none",
            "http": proxy.url,
            "https": f"https://127.0.0.1:{secure.port}",
            "socks5h": f"socks5h://127.0.0.1:{proxy.port}",
        }


WAYS = pytest.mark.parametrize("way", ["none", "http", "https", "socks5h"])


def _client(port: int, ways: dict[str, str], way: str, ca_file: str) -> HttpClient:
    host = "localhost" if way == "none" else HOST
    return HttpClient(f"https://{host}:{port}/", network=Network(Secret(ways[way]), ca_file))


@WAYS
def test_a_server_that_dribbles_in_its_handshake_does_not_outlive_the_limit(ca_file, ways, way):
    """Behind whatever proxy, TLS inside TLS too."""
    began = time.monotonic()
    with dribbling(HANDSHAKE) as port, pytest.raises(NotReached) as raised:
        _client(port, ways, way, ca_file).post("", b"", {}, 1.0)
    assert raised.value.code == "connect_timeout"
    assert time.monotonic() - began < 10


@WAYS
def test_a_server_that_dribbles_does_not_outlive_the_deadline(served, ca_file, ways, way):
    """Nor does it with its answer."""
    text = b"HTTP/1.1 200 OK\r\nX-Endless: " + b"x" * 2000
    with scripted(dribble_of(text), tls=served) as wire:
        client = _client(wire.port, ways, way, ca_file)
        client.connect(30)
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown) as raised:
            client.post("", b"", {}, 1.0)
        assert time.monotonic() - began < 10
        assert wire.connections == 1
    assert raised.value.code == "timeout"


@WAYS
@pytest.mark.parametrize("says_goodbye", [False, True])
def test_an_answer_that_only_the_end_of_tls_ends_is_whole_where_tls_was_ended(served, ca_file, ways, way, says_goodbye):
    """Anybody on the way can cut a connection; nobody else can say the goodbye of TLS."""

    def script(connection, request):
        connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n{"result": "OK"')
        if says_goodbye:
            connection.unwrap()

    with scripted(script, tls=served) as wire:
        client = _client(wire.port, ways, way, ca_file)
        if says_goodbye:
            assert client.post("", b"", {}, 5).body == b'{"result": "OK"'
        else:
            with pytest.raises(OutcomeUnknown) as raised:
                client.post("", b"", {}, 5)
            assert raised.value.code == "incomplete"


def test_what_a_proxy_cuts_is_not_whole(authority, ca_file):
    """Where it speaks TLS itself, plain HTTP through it is cut no less."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(own)
    script = dribble_of(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    with Proxy(tls=own) as proxy, scripted(script) as wire, pytest.raises(OutcomeUnknown) as raised:
        _post(wire, Network(Secret(f"https://127.0.0.1:{proxy.port}"), ca_file), secure=False)
    assert raised.value.code == "incomplete"


@WAYS
def test_a_connection_is_kept_behind_whatever_proxy(served, ca_file, ways, way):
    """As it is without one."""
    with scripted(answer(b"ok"), tls=served) as wire:
        client = _client(wire.port, ways, way, ca_file)
        assert [client.post("", b"hello", {}, 5).body for _ in range(3)] == [b"ok"] * 3
        client.close()
        assert wire.connections == 1


@pytest.mark.parametrize("secure", [False, True])
def test_a_proxy_may_speak_tls_itself(authority, served, ca_file, secure):
    """TLS to the proxy, and TLS to the server inside it, with the same authorities, over a kept connection."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(own)
    with Proxy("sara:s3cret", tls=own) as proxy, scripted(answer(b"ok"), tls=served if secure else None) as wire:
        network = Network(Secret(f"https://sara:s3cret@127.0.0.1:{proxy.port}"), ca_file)
        client = HttpClient(f"{'https' if secure else 'http'}://{HOST}:{wire.port}/", network=network)
        assert [client.post("", b"hello", {}, 5).body for _ in range(3)] == [b"ok"] * 3
        client.close()
        assert len(wire.requests) == 3
        assert wire.connections == 1
        assert [line.split()[0] for line in proxy.asked] == ["CONNECT" if secure else "POST"]


@pytest.mark.parametrize("credentials", ["", "sara:s3cret@"])
@pytest.mark.parametrize("secure", [False, True])
def test_socks_carries_both(served, ca_file, secure, credentials):
    """The host's name goes to the proxy with socks5h, and TLS inside it."""
    with (
        Proxy(credentials.rstrip("@") or None) as proxy,
        scripted(answer(b"ok"), tls=served if secure else None) as wire,
    ):
        url = Secret(f"socks5h://{credentials}127.0.0.1:{proxy.port}")
        assert _post(wire, Network(url, ca_file), secure=secure).body == b"ok"
        assert proxy.asked == [f"SOCKS5 {HOST}:{wire.port}"]


def test_without_pysocks_the_error_says_how_to_install_it(monkeypatch):
    """Before anything is sent."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"notifykit\[socks\]"):
        HttpClient(f"https://{HOST}/", network=Network(Secret("socks5://127.0.0.1:1080")))


@pytest.mark.parametrize("url", ["ftp://sara:s3cret@host", "http://", "http://sara:s3cret@host:port", "http://[::1"])
def test_a_url_that_is_no_proxy_is_one_problem_of_the_settings(url):
    """It says what one looks like, and does not show the password."""
    settings = Settings.load({"proxy": url}, environment={})
    with pytest.raises(ConfigError) as raised:
        settings.check()
    assert "http://user:password@host:3128" in str(raised.value)
    assert "s3cret" not in f"{raised.value} {settings!r}"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "ca_file", "SSL_CERT_DIR"])
def test_each_way_to_name_an_authority_is_followed(served, ca_file, monkeypatch, tmp_path, variable):
    """A company that inspects TLS gives its certificate to one of them."""
    path, network = ca_file, Network()
    if variable == "SSL_CERT_DIR":
        (tmp_path / "ca.pem").write_bytes(Path(ca_file).read_bytes())
        subprocess.run(["openssl", "rehash", str(tmp_path)], check=True, timeout=30)
        path = str(tmp_path)
    if variable == "ca_file":
        network = Network(ca_file=path)
    else:
        monkeypatch.setenv(variable, path)
    assert str(find_authorities(network)) == f"{path} ({variable})"
    with scripted(answer(b"ok"), tls=served) as wire:
        client = HttpClient(f"https://localhost:{wire.port}/", network=network)
        assert client.post("", b"", {}, 5).body == b"ok"
        client.close()


def test_a_client_certificate_is_shown_to_a_server_that_asks(authority, served, ca_file, tmp_path):
    """Without it, the server hangs up; TLS 1.3 says so only after the request, so nobody can be sure."""
    own = authority.issue_cert("client.example")
    pem = tmp_path / "client.pem"
    pem.write_bytes(own.private_key_pem.bytes() + b"".join(part.bytes() for part in own.cert_chain_pems))
    served.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(served)
    with scripted(answer(b"ok"), tls=served) as wire:
        url = f"https://localhost:{wire.port}/"
        client = HttpClient(url, network=Network(ca_file=ca_file, client_cert=str(pem)))
        assert client.post("", b"", {}, 5).body == b"ok"
        client.close()
        with pytest.raises((NotReached, OutcomeUnknown)):
            HttpClient(url, network=Network(ca_file=ca_file)).post("", b"", {}, 5)
        assert len(wire.requests) == 1


def test_the_environment_alone_is_enough_for_a_send(authority, served, ca_file, tmp_path):
    """`notifykit send`, from a company's network: a proxy with a password, its own authority, and a client certificate."""
    own = authority.issue_cert("client.example")
    pem = tmp_path / "client.pem"
    pem.write_bytes(own.private_key_pem.bytes() + b"".join(part.bytes() for part in own.cert_chain_pems))
    served.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(served)
    with Proxy("sara:s3cret") as proxy, scripted(answer(b'{"result": "OK", "msg-id": "f4c841ad"}'), tls=served) as wire:
        environment = {
            "PATH": os.environ["PATH"],
            "HTTPS_PROXY": proxy.url.replace("http://", "http://sara:s3cret@"),
            "SSL_CERT_FILE": ca_file,
            "NOTIFYKIT_CLIENT_CERT": str(pem),
            "NOTIFYKIT_STATE_DIR": str(tmp_path),
            "KWTSMS_USERNAME": "user",
            "KWTSMS_PASSWORD": "hunter2",
            "KWTSMS_BASE_URL": f"https://{HOST}:{wire.port}/API/",
        }
        done = subprocess.run(
            [sys.executable, "-m", "notifykit", "send", "96598765432", "Hello", "--json"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "f4c841ad" in done.stdout
        assert [line.split()[:2] for line in proxy.asked] == [["CONNECT", f"{HOST}:{wire.port}"]]
        assert len(wire.requests) == 1
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize("setting", ["ca_file", "client_cert"])
@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_file_that_holds_no_certificate_is_a_config_error(tmp_path, setting, content):
    """When the client is made, and not with the first message."""
    file = tmp_path / "some.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=setting):
        HttpClient(f"https://{HOST}/", network=Network(**{setting: str(file)}))


@contextlib.contextmanager
def _speaking_no_tls() -> Iterator[int]:
    """Answer everything as a server without TLS does, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1)
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                        connection.shutdown(socket.SHUT_WR)
                        connection.recv(65536)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("problem", "why", "cure"),
    [
        ("expired", "has expired", "new certificate"),
        ("name", "another name", "how the host is spelled"),
        ("authority", "an authority that is not trusted", "NOTIFYKIT_CA_FILE"),
        ("no_authorities", "no certificate authorities", "ca-certificates"),
        ("no_tls", "does not speak TLS", "the port"),
    ],
)
def test_each_problem_with_tls_has_its_own_cure(authority, ca_file, monkeypatch, problem, why, cure):
    """A person who reads it knows what to change."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = ["other.example"] if problem == "name" else ["localhost"]
    ends = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC) if problem == "expired" else None
    begins = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC) if problem == "expired" else None
    authority.issue_cert(*names, not_after=ends, not_before=begins).configure_cert(context)
    network = Network(ca_file=None if "authorit" in problem else ca_file)
    if problem == "no_authorities":
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        empty = ssl.DefaultVerifyPaths(None, None, "", "", "", "")
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: empty)
    with contextlib.ExitStack() as stack:
        if problem == "no_tls":
            port = stack.enter_context(_speaking_no_tls())
        else:
            port = stack.enter_context(scripted(answer(), tls=context)).port
        client = HttpClient(f"https://localhost:{port}/", network=network)
        with pytest.raises(NotReached) as raised:
            client.post("", b"", {}, 5)
        client.close()
    assert raised.value.code == "tls_failed"
    assert why in raised.value.detail
    assert cure in raised.value.action


def test_certificates_that_were_replaced_are_read_again(authority, served, ca_file, tmp_path):
    """The process need not be restarted; a file that is gone is named, and nothing was sent."""
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    with scripted(answer(), tls=served) as wire:
        client = HttpClient(f"https://localhost:{wire.port}/", network=Network(ca_file=str(file)))
        with pytest.raises(NotReached, match="not trusted"):
            client.post("", b"", {}, 5)
        authority.cert_pem.write_to_path(str(file))
        assert client.post("", b"", {}, 5).status == 200
        client.close()
        file.unlink()
        client = HttpClient(f"https://localhost:{wire.port}/", network=Network(ca_file=ca_file))
        client._pool.network = Network(ca_file=str(file))
        with pytest.raises(NotReached, match=r"ca_file names .*ca\.pem, which does not exist"):
            client.post("", b"", {}, 5)
        client.close()


def test_a_key_with_a_passphrase_does_not_prompt(authority, tmp_path):
    """OpenSSL would ask on the terminal, and a server would hang."""
    key = tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "genrsa", "-aes128", "-passout", "pass:x", "-out", str(key), "2048"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    pem = tmp_path / "client.pem"
    pem.write_bytes(key.read_bytes() + authority.issue_cert("client.example").cert_chain_pems[0].bytes())
    with pytest.raises(ConfigError, match="without a passphrase"):
        HttpClient(f"https://{HOST}/", network=Network(client_cert=str(pem)))


def test_truststore_is_used_where_it_is_installed():
    """The operating system's own store, on macOS and Windows too; a bad certificate is refused by it as well."""
    pytest.importorskip("truststore")
    assert find_authorities(Network()).origin == "truststore"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with scripted(answer(), tls=context) as wire, pytest.raises(NotReached) as raised:
        HttpClient(f"https://localhost:{wire.port}/").post("", b"", {}, 5)
    assert raised.value.code == "tls_failed"


def test_without_truststore_openssl_decides(monkeypatch):
    """As Python does by itself."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert find_authorities(Network()).origin == "OpenSSL"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("LOCALHOST.", True),
        ("a.localhost", True),
        ("[::ffff:127.0.0.1]", True),
        ("[::1]", True),
        ("127.1", True),
        ("2130706433", True),
        ("0x7f000001", True),
        ("0177.0.0.1", True),
        ("0.0.0.0", True),
        ("0", True),
        ("[::]", True),
        ("[::ffff:0.0.0.0]", True),
        ("10.1", False),
        ("8.8.8.8", False),
        ("127", False),
        ("127.example", False),
        ("10.0.0.1", False),
        (HOST, False),
    ],
)
def test_this_machine_is_known_without_dns(host, local):
    """It is never reached through a proxy, and may be reached without TLS."""
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    ("url", "network"),
    [
        ("https://gateway.example/", Network(Secret("ftp://sara:s3cret@host"))),
        ("https://gateway.example/", Network(Secret("http://sara:s3cret@host:port"))),
        ("https://gateway.example/", None),
        ("https://sara:s3cret@host:port/", None),
        ("https://sara:s3cret@[::1/", None),
        ("ftp://host/s3cret", None),
        ("https://ä..com/s3cret", None),
    ],
)
def test_no_variable_of_a_config_error_holds_a_secret(monkeypatch, url, network):
    """Whoever reports errors with the variables of their frames reports no password."""
    monkeypatch.setenv("HTTPS_PROXY", "http://sara:s3cret@host:port")
    for build in (HttpClient, HttpTransport, WebhookTransport):
        with pytest.raises(ConfigError) as raised:
            build(url, network=network)
        error: BaseException | None = raised.value
        shown = []
        while error is not None:
            frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
            shown += [repr(frame.f_locals) for frame in frames if frame.f_code.co_filename != __file__]
            error = error.__cause__ or error.__context__
        assert shown
        assert "s3cret" not in str(shown)


def test_a_proxy_shows_no_password():
    """Not in its repr and not in its str."""
    proxy = ProxySetting.parse("http://sara:s3cret@proxy.example:3128")
    assert str(proxy) == "http://proxy.example:3128 (proxy)"
    assert "s3cret" not in repr(proxy)
    assert ProxySetting.parse("proxy.example").url == "http://proxy.example:80"
    assert ProxySetting.parse("socks5://[::1]").url == "socks5://[::1]:1080"


def test_importing_the_settings_loads_no_tls():
    """Whoever only asks for help waits for nothing."""
    code = "import sys, notifykit.http.network, notifykit.settings.fields; print('ssl' in sys.modules, 'urllib3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False False\n"
