"""The integration of Sentry with the real SDK, against a server that receives its envelopes."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import pathlib
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

pytest.importorskip("sentry_sdk")

from notifykit import ConfigError
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.transports.wire import answer, scripted

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
TEXT = "Your code is 778899"
NUMBER = "96598765432"
#: The beginning of each program: the SDK as people set it up, with everything that may leak switched on.
START = """
import os
import sentry_sdk
from notifykit import *
from notifykit.errors import *
from notifykit.integrations.sentry import NotifykitIntegration

options = dict(
    dsn=os.environ["SENTRY_DSN"], send_default_pii=True, attach_stacktrace=True, traces_sample_rate=1.0,
    enable_logs=True, max_value_length=100000, integrations=[NotifykitIntegration()],
)
number, text, address = (os.environ[name] for name in ("NUMBER", "TEXT", "ADDRESS"))
"""


@attrs.define
class Receiver:
    """What Sentry's side got."""

    raw: list[bytes] = attrs.field(factory=list)
    dsn: str = ""

    def items(self, kind: str) -> list[dict[str, Any]]:
        """Return the items of one type, in order."""
        found = []
        for envelope in self.raw:
            lines = envelope.split(b"\n")[1:]
            while len(lines) > 1:
                header, payload, *lines = lines
                if header and json.loads(header)["type"] == kind:
                    found.append(json.loads(payload))
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the events, each an occurrence of an issue."""
        return self.items("event")

    def run(self, program: str, address: str = "", *, to: str = NUMBER, **environment: str) -> str:
        """Run a program. It gets number and text from the environment: the SDK sends arguments and lines of the source."""
        code = START + textwrap.dedent(program) + "\nsentry_sdk.flush(20)\n"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
                "SENTRY_DSN": self.dsn,
                "NUMBER": to,
                "TEXT": TEXT,
                "ADDRESS": address,
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(name="received")
def _received() -> Iterator[Receiver]:
    """Serve what takes envelopes."""
    received = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.raw.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        received.dsn = f"http://public@127.0.0.1:{server.server_port}/17"
        yield received
        server.shutdown()


def _assert_nothing_secret(received: Receiver, *secrets: str) -> None:
    raw = b"".join(received.raw)
    assert raw
    for secret in (NUMBER, NUMBER[3:], "778899", "Your code", *secrets):
        assert secret.encode() not in raw, secret


def test_an_error_code_is_one_issue_and_each_attempt_a_breadcrumb(received: Receiver) -> None:
    """Three people and two notifiers, one of them made before the SDK was set up: the fingerprint is the same."""
    received.run("""
        refused = [OutOfCredit("Account balance is zero.", "ERR010", action="Top up the account.")] * 2
        first = Notifier(MemoryTransport([Submission("1"), *refused]))
        sentry_sdk.init(**options)
        for _ in range(3):
            first.send(number, text)
        Notifier(MemoryTransport(refused)).send("96598765433", text)
        """)
    assert len(received.events) == 3, "no event of the SDK's logging integration besides"
    assert [event["fingerprint"] for event in received.events] == [["ERR010", "memory"]] * 3
    last = received.events[-1]
    assert (last["level"], last["logger"]) == ("error", "notifykit")
    assert last["message"] == "memory: ERR010: Account balance is zero."
    assert last["tags"] == {
        "notifykit.code": "ERR010",
        "notifykit.transport": "memory",
        "notifykit.outcome": "rejected",
        "notifykit.scope": "account",
    }
    assert last["contexts"]["notifykit"]["action"] == "Top up the account."
    crumbs = [crumb for crumb in last["breadcrumbs"]["values"] if crumb["category"] == "notifykit"]
    assert [(crumb["message"], crumb["level"]) for crumb in crumbs] == [
        ("attempt_finished memory accepted", "info"),
        *[("attempt_finished memory rejected", "error")] * 3,
    ]
    assert (crumbs[1]["data"]["code"], crumbs[1]["data"]["numbers"]) == ("ERR010", 1)
    _assert_nothing_secret(received, "96598765433")


def test_what_is_no_issue(received: Receiver) -> None:
    """An error about one recipient, one that is tried again and ends well, and a send that is accepted."""
    received.run("""
        sentry_sdk.init(**options)
        answers = [
            InvalidRecipient("No."),
            RateLimited("Fifteen seconds.", "ERR028", waits=(), scope=Scope.RECIPIENT),
            RateLimited("Full.", "ERR013", waits=(1.0,)),
            Submission("1"),
            Submission("2", refused={number: InvalidRecipient("No.")}),
        ]
        with Notifier(MemoryTransport(answers), clock=VirtualClock()) as notifier:
            for _ in range(4):
                notifier.send(["abc", number], text)
        sentry_sdk.capture_message("the end")
        """)
    (event,) = received.events
    assert event["message"] == "the end"
    crumbs = [crumb["data"] for crumb in event["breadcrumbs"]["values"] if crumb["category"] == "notifykit"]
    assert [crumb["outcome"] for crumb in crumbs] == [*["rejected"] * 3, "accepted", "accepted"]
    _assert_nothing_secret(received)


def test_a_part_that_a_failover_replaced_is_a_warning(received: Receiver) -> None:
    """The message went another way, and somebody has to know all the same; an unknown outcome is an error."""
    received.run("""
        sentry_sdk.init(**options)
        failover = Failover(MemoryTransport([ProviderUnavailable("Down.", "E1")]), MemoryTransport(), failures=1)
        with Notifier(failover) as notifier:
            notifier.send(number, text)
            notifier.send(number, text, via=MemoryTransport([OutcomeUnknown("Lost.", "timeout")]))
        """)
    assert [(event["level"], event["fingerprint"]) for event in received.events] == [
        ("warning", ["E1", "memory"]),
        ("error", ["timeout", "memory"]),
    ]
    kinds = [crumb["message"].split()[0] for crumb in received.events[-1]["breadcrumbs"]["values"]]
    assert {"attempt_finished", "failed_over", "circuit_opened"} <= {*kinds}


def test_nothing_secret_of_a_real_send_is_in_anything_that_the_sdk_records(received: Receiver) -> None:
    """Events, breadcrumbs, spans, logs: not the number, the text, the password, nor the path of a webhook."""
    with Sandbox(rules=Rules(rate_limit=None)) as sandbox, scripted(answer(b"no", "500 Oops")) as wire:
        received.run(
            """
            import logging
            logging.basicConfig(level="DEBUG")
            sentry_sdk.init(**options)
            with sentry_sdk.start_transaction(op="task", name="order") as transaction:
                with Notifier.from_settings() as notifier:
                    notifier.send(number, text)
                    notifier.send("96545000003", text)
                    notifier.send(number, text, via=address)
            """,
            f"webhook+http://me:pa55word@127.0.0.1:{wire.port}/hook/s3cret?bearer=",
            to="96545006001",
            **sandbox.env,
            KWTSMS_RATE="4",
        )
        password = sandbox.env["KWTSMS_PASSWORD"]
    fingerprints = [event["fingerprint"] for event in received.events if "fingerprint" in event]
    assert fingerprints == [["connection_lost", "kwtsms"], ["ERR003", "kwtsms"], ["HTTP500", "webhook+http"]]
    (transaction,) = received.items("transaction")
    spans = [(span["op"], span["description"]) for span in transaction["spans"]]
    # The SDK knows its own requests by the host alone, which here has a port.
    spans = [span for span in spans if not span[1].endswith("/api/17/envelope/")]
    assert spans == [("queue.publish", "send kwtsms")] * 2 + [("queue.publish", "send webhook+http")]
    crumbs = [crumb for event in received.events for crumb in event["breadcrumbs"]["values"]]
    urls = [crumb["data"]["url"] for crumb in crumbs if crumb.get("category") == "httplib"]
    assert [url for url in urls if not url.endswith("/api/17/envelope/")] == []
    _assert_nothing_secret(received, "96545006001", "45006001", "96545000003", password, "pa55word", "s3cret")


def test_other_requests_of_the_program_are_recorded_as_ever(received: Receiver) -> None:
    """Only those that a transport makes are not."""
    with scripted(answer()) as wire:
        received.run(
            """
            import urllib.request
            sentry_sdk.init(**options)
            Notifier("memory").send(number, text)
            urllib.request.urlopen(address).close()
            sentry_sdk.capture_message("the end")
            """,
            f"http://127.0.0.1:{wire.port}/elsewhere",
        )
    (event,) = received.events
    urls = [crumb["data"]["url"] for crumb in event["breadcrumbs"]["values"] if crumb["category"] == "httplib"]
    assert [url for url in urls if url.endswith("/elsewhere")]


@pytest.mark.parametrize(
    "program",
    [
        # strict mode raises what a plugin raised, with what it was given in its words
        """
        def greedy(text):
            raise ValueError(f"can't clean {text!r} for {number}")
        def order(recipient, words, code=778899):
            basket = {"to": recipient, "items": [words, 96598765432]}
            Notifier("memory", cleaners=[greedy], host=PluginHost(strict=True)).send(recipient, words)
        try:
            order(number, text)
        except Exception as error:
            sentry_sdk.capture_exception(error)
        """,
        # attach_stacktrace adds the frames of the thread to a message that a plugin sends during a send
        """
        def cleaner(text):
            sentry_sdk.capture_message("from a cleaner")
            return text
        def order(recipient, words):
            Notifier("memory", cleaners=[cleaner]).send(recipient, words)
        order(number, text)
        """,
        # an argument of the wrong kind
        """
        def order(recipient, words):
            Notifier("memory").send(recipient, words, channel="pigeon")
        try:
            order(number, text)
        except Exception as error:
            sentry_sdk.capture_exception(error)
        """,
    ],
    ids=["strict", "attach_stacktrace", "usage"],
)
def test_no_local_variable_of_a_frame_has_a_number_or_a_text(received: Receiver, program: str) -> None:
    """Neither in our frames nor in those of the program that called us."""
    program = program.replace("96598765432", "int(number)").replace("code=778899", "code=int(text[-6:])")
    received.run(f"sentry_sdk.init(**options)\n{textwrap.dedent(program)}")
    assert received.events
    traces = [
        trace.get("stacktrace") or {}
        for event in received.events
        for kind in ("exception", "threads")
        for trace in (event.get(kind) or {}).get("values", ())
    ]
    frames = [frame for trace in traces for frame in trace.get("frames", ())]
    ours = [frame for frame in frames if frame["module"].startswith("notifykit")]
    assert ours
    assert not any("vars" in frame for frame in ours)
    assert any(frame.get("vars") for frame in frames if frame["function"] == "order")
    _assert_nothing_secret(received)


def test_frames_of_other_errors_keep_their_variables(received: Receiver) -> None:
    """The integration is about notifykit, and the program's own scrubber still works."""
    received.run("""
        sentry_sdk.init(**options)
        def order(basket, password):
            raise KeyError("no such thing")
        try:
            order("three pears", "pa55word")
        except KeyError as error:
            sentry_sdk.capture_exception(error)
        """)
    (event,) = received.events
    (variables,) = [
        frame["vars"]
        for frame in event["exception"]["values"][0]["stacktrace"]["frames"]
        if frame["function"] == "order"
    ]
    assert variables == {"basket": "'three pears'", "password": "[Filtered]"}


def test_without_the_integration_nothing_is_changed(received: Receiver) -> None:
    """Importing the module alone, or another client later, records nothing."""
    received.run("""
        sentry_sdk.init(**options)
        sentry_sdk.init(**{**options, "integrations": []})
        Notifier(MemoryTransport([AuthFailed("No.", "E1")])).send(number, text)
        sentry_sdk.capture_message("the end")
        """)
    assert [event["message"] for event in received.events] == ["the end"]
    assert [
        c for c in received.events[0].get("breadcrumbs", {}).get("values", ()) if c["category"] == "notifykit"
    ] == []


def test_without_the_library_the_error_has_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every integration."""
    monkeypatch.delitem(sys.modules, "notifykit.integrations.sentry", raising=False)
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(ConfigError, match=r'pip install "notifykit\[sentry\]"'):
        __import__("notifykit.integrations.sentry")
