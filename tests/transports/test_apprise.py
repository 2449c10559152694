"""The apprise transport, with the real library and targets on loopback."""

from __future__ import annotations

import http.server
import importlib.util
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from notifykit import ConfigError, Notifier, Outcome, PluginHost, Recipient, VirtualClock
from notifykit.errors import ContentRejected, InvalidRecipient, NotReached, OutcomeUnknown
from notifykit.models.message import Channel, Message
from notifykit.models.plan import Batch
from notifykit.transports.apprise import AppriseTransport

#: Apprise imports what Python is about to drop, and what it needs no more.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

BUILTINS = ("notifykit.normalizers.push", "notifykit.cleaners.unicode", "notifykit.transports.apprise")


class Targets:
    """What a server of targets saw, by path; a path's first number is the status that it answers with."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received: list[tuple[str, dict]] = []
        self.released = threading.Event()

    def url(self, name: str, tags: str = "") -> str:
        """Return the Apprise URL of a target."""
        return f"{tags and f'{tags}='}json://127.0.0.1:{self.port}/{name}"

    def count(self, name: str) -> int:
        """Return how often a target was asked."""
        return sum(path == f"/{name}" for path, _ in self.received)


@contextmanager
def targets() -> Iterator[Targets]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.received.append((self.path, json.loads(body)))
            if "hang" in self.path:
                received.released.wait(60)
            status = 500 if "500" in self.path else 200
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    received = Targets(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield received
    finally:
        received.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def notifier(*urls: str, dsn: str = "apprise", **environment: str) -> Notifier:
    if urls:
        environment["NOTIFYKIT_APPRISE_URLS"] = "  ".join(urls)
    host = PluginHost(entry_points=False, builtins=BUILTINS)
    return Notifier.from_settings(dsn, host=host, environment=environment, clock=VirtualClock())


def push(to: str = "all", text: str = "Disk full", **parts) -> Batch:
    return Batch(Message(text, Channel.PUSH, **parts), (Recipient(to, Channel.PUSH),), (0,))


def test_a_tag_means_its_targets():
    """The name that is sent to is a tag; ``all`` is everybody; title and text arrive as they are."""
    with targets() as there, notifier(there.url("a", "ops,night"), there.url("b", "dev"), there.url("c")) as sender:
        assert sender.send("ops", "Disk <b>full</b> 😀", channel="push").accepted
        assert [there.count(name) for name in "abc"] == [1, 0, 0]
        assert len(sender.send(["Night", "dev"], "x", channel="push").accepted) == 2
        assert [there.count(name) for name in "abc"] == [2, 1, 0]
        assert sender.send("all", "x", channel="push").accepted
        assert [there.count(name) for name in "abc"] == [3, 2, 1]
        sender.transport.send(push(subject="Title"), 5)
    assert there.received[0][1]["message"] == "Disk <b>full</b> 😀"
    assert there.received[-1][1]["title"] == "Title"


def test_a_tag_without_a_target_was_certainly_not_sent():
    """It is about the recipient."""
    with targets() as there, notifier(there.url("a", "ops")) as sender:
        (receipt,) = sender.send("opps", "x", channel="push").receipts
    assert isinstance(receipt.error, InvalidRecipient)
    assert receipt.outcome is Outcome.REJECTED
    assert there.received == []


def test_a_target_for_always_gets_everything():
    """That is what the tag means to Apprise."""
    with targets() as there, notifier(there.url("a", "ops"), there.url("b", "always")) as sender:
        assert sender.send("ops", "x", channel="push").accepted
    assert (there.count("a"), there.count("b")) == (1, 1)


@pytest.mark.parametrize("name", ["500", "hang", "500?retry=3", "hang?retry=3&rto=0.1"])
def test_no_is_unknown_and_not_asked_again(name):
    """Apprise says no for a refusal and for a lost answer alike, so it is not sent twice."""
    with targets() as there, notifier(there.url(name)) as sender:
        send = sender.transport.send
        sender.transport.send = lambda batch, timeout: send(batch, 1.5)
        began = time.monotonic()
        (receipt,) = sender.send("all", "x", channel="push").receipts
        assert time.monotonic() - began < 200
    assert receipt.outcome is Outcome.UNKNOWN
    assert isinstance(receipt.error, OutcomeUnknown)
    assert len(receipt.attempts) == 1
    assert len(there.received) == 1


def test_one_of_two_is_unknown_and_says_how_many():
    """Half of it has certainly arrived, so it can't be called rejected."""
    with targets() as there, notifier(there.url("200"), there.url("500")) as sender:
        with pytest.raises(OutcomeUnknown, match="1 of 2 targets took it") as caught:
            sender.transport.send(push(), 5)
    assert caught.value.code == "failed"
    assert len(there.received) == 2


def test_a_slow_target_does_not_hide_the_others():
    """The deadline is for all of them together, and the error counts the answers that came in time."""
    with targets() as there, notifier(there.url("hang"), there.url("200"), there.url("hang2")) as sender:
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown, match="1 of 3 targets took it, 2 did not answer in time") as caught:
            sender.transport.send(push(), 1.5)
        assert time.monotonic() - began < 20
    assert caught.value.code == "timeout"
    assert len(there.received) == 3


def test_accepted_says_how_many():
    """There is no id to ask by."""
    with targets() as there, notifier(there.url("a"), there.url("b")) as sender:
        submission = sender.transport.send(push(), 5)
    assert submission.message_id is None
    assert submission.fields == {"targets": 2, "took_it": 2}


def test_nothing_to_say_is_refused_before_it_is_sent():
    """Apprise would not send it, and say no."""
    with targets() as there, notifier(there.url("a")) as sender:
        with pytest.raises(ContentRejected):
            sender.transport.send(push(text=" \n"), 5)
        assert sender.send("all", "", channel="push").rejected
    assert there.received == []


def test_a_closed_transport_sends_nothing():
    """And says so."""
    transport = AppriseTransport(())
    transport.close()
    with pytest.raises(NotReached, match="closed"):
        transport.send(push(), 5)


@pytest.mark.parametrize("way", ["environment", "arguments", "dsn", "file"])
def test_targets_come_from_wherever_people_keep_them(way, tmp_path):
    """The environment, the settings, the DSN's path, or a configuration file of Apprise."""
    with targets() as there:
        urls = [there.url("a", "ops"), there.url("b")]
        config = tmp_path / "apprise.conf"
        config.write_text("\n".join(urls))
        host = PluginHost(entry_points=False, builtins=BUILTINS)
        made = {
            "environment": lambda: notifier(*urls),
            "arguments": lambda: Notifier.from_settings("apprise", host=host, environment={}, apprise={"urls": urls}),
            "dsn": lambda: notifier(dsn="apprise://default/" + "/".join(quote(url, safe="") for url in urls)),
            "file": lambda: notifier(dsn=f"apprise://default?config={config}"),
        }[way]()
        with made as sender:
            assert sender.send("ops", "x", channel="push").accepted
            assert sender.send("all", "x", channel="push").accepted
    assert (there.count("a"), there.count("b")) == (2, 1)


def test_nothing_secret_is_shown(caplog):
    """No target's address, path or password is in a name, a repr, an error or anybody's log."""
    caplog.set_level(logging.DEBUG)
    with targets() as there:
        url = f"json://me:hunter2@127.0.0.1:{there.port}/s3cret-500"
        dsn = "apprise://default/" + quote(url, safe="")
        with notifier(dsn=dsn) as sender:
            with pytest.raises(OutcomeUnknown) as caught:
                sender.transport.send(push(text="very private"), 5)
            shown = f"{sender.transport} {sender.transport!r} {sender!r} {sender.settings!r} {caught.value!r}"
    assert len(there.received) == 1
    for secret in ("hunter2", "s3cret", str(there.port), "private"):
        assert secret not in shown
        assert secret not in caplog.text


def test_a_programs_own_use_of_apprise_still_logs(caplog):
    """Only what is done on our behalf is silent."""
    with targets() as there, notifier(there.url("a")) as sender:
        sender.transport.send(push(), 5)
    with caplog.at_level(logging.WARNING, "apprise"):
        logging.getLogger("apprise").warning("mine")
    assert "mine" in caplog.text


@pytest.mark.parametrize(
    ("environment", "dsn", "problem"),
    [
        ({}, "apprise", "there is no target"),
        ({"NOTIFYKIT_APPRISE_URLS": "json://ok.example nonsense://s3cret"}, "apprise", "target 2 is no URL"),
        ({"NOTIFYKIT_APPRISE_URLS": "s3cret"}, "apprise", "target 1 is no URL"),
        ({}, "apprise://default?config=/nowhere.conf", "is no file"),
        ({}, "apprise://user:s3cret@host", "always default"),
        ({}, "apprise://default?url=x", "did you mean urls"),
    ],
)
def test_settings_that_cannot_be_used(environment, dsn, problem):
    """Said before anything is sent, without the targets' secrets."""
    with pytest.raises(ConfigError, match=problem) as caught:
        notifier(dsn=dsn, **environment)
    assert "s3cret" not in str(caught.value)


def test_a_file_without_targets_is_an_error(tmp_path):
    """An empty one would send nothing for ever."""
    file = tmp_path / "empty.conf"
    file.write_text("# nothing\n")
    with pytest.raises(ConfigError, match="no target that Apprise understands"):
        notifier(dsn=f"apprise://default?config={file}")


def test_the_missing_library_is_named(monkeypatch):
    """With the line that installs it."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "apprise" else find(name, *rest)
    )
    with pytest.raises(ConfigError, match=r'pip install "notifykit\[apprise\]"'):
        notifier("json://localhost")
