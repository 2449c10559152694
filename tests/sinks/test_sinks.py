"""The log sinks, called by a real pipeline."""

from __future__ import annotations

import contextlib
import decimal
import json
import logging
import os
import stat
import subprocess
import sys

import pytest

from notifykit import (
    Capabilities,
    ConfigError,
    MemoryTransport,
    Notifier,
    OutcomeUnknown,
    OutOfCredit,
    PluginHost,
    RateLimited,
    Submission,
    VirtualClock,
)
from notifykit.sinks.jsonl import LineFile

NUMBERS = ["96598765432", "96598765433"]
TEXT = "Your code is 778899"


def _send(tmp_path, transport=None, to=NUMBERS, text=TEXT, channel="sms", **settings):
    log = tmp_path / "sends.jsonl"
    notifier = Notifier.from_settings(
        transport or MemoryTransport(),
        directory=tmp_path,
        environment={},
        host=PluginHost(entry_points=False),
        clock=VirtualClock(),
        log_file=str(log),
        **settings,
    )
    with notifier:
        report = notifier.send(to, text, tags=["otp"], channel=channel)
    return report, [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()], log


def test_a_row_has_the_documented_shape(tmp_path):
    """One row a recipient and attempt, with everything that a question about a send needs."""
    transport = MemoryTransport([Submission("id-1", cost=2, balance=148, test=True)])
    _, rows, _ = _send(tmp_path, transport)
    (first, second) = [row for row in rows if row["event"] == "attempt_finished"]
    assert first.pop("to_hash") != second.pop("to_hash")
    assert first == {
        "v": 1,
        "ts": "2026-01-01T00:00:00.000Z",
        "event": "attempt_finished",
        "id": rows[0]["id"],
        "batch": f"{rows[0]['id']}-1",
        "attempt": 1,
        "inside": None,
        "transport": "memory://default",
        "outcome": "accepted",
        "code": None,
        "scope": None,
        "error_type": None,
        "to": "965****5432",
        "country": None,
        "error": None,
        "sender": None,
        "encoding": None,
        "segments": None,
        "units": None,
        "forced": [],
        "msg_id": "id-1",
        "cost": 1,
        "balance": 148,
        "elapsed_ms": 0.0,
        "test": True,
        "warnings": [],
        "tags": ["otp"],
        "waited": 0,
    }
    assert second["to"] == "965****5433"


def test_the_rows_have_every_step_in_order(tmp_path):
    """Planned, excluded, attempted, tried again, finished."""
    transport = MemoryTransport([RateLimited("Full.", "ERR013")])
    _, rows, _ = _send(tmp_path, transport, to=["abc", NUMBERS[0]])
    assert [row["event"] for row in rows] == [
        "message_planned",
        "recipient_excluded",
        "attempt_finished",
        "retry_scheduled",
        "attempt_finished",
        "send_finished",
    ]
    assert rows[3]["wait"] == 30
    assert rows[5]["counts"] == {"rejected": 1, "accepted": 1}


def test_nothing_of_number_or_text_is_in_the_file(tmp_path):
    """By default the text is a shape, and an address stars and a hash."""
    _, rows, log = _send(tmp_path, MemoryTransport([OutcomeUnknown("Lost.")]), to=[*NUMBERS, "call me maybe"])
    written = log.read_text(encoding="utf-8")
    for secret in (*NUMBERS, "778899", "Your", "maybe", "8765"):
        assert secret not in written
    assert rows[0]["text"] == "xxxx xxxx xx 999999"


@pytest.mark.parametrize(("body", "expected"), [("none", None), ("shape", "xxxx xxxx xx 999999"), ("full", TEXT)])
def test_the_body_is_as_visible_as_the_settings_say(tmp_path, body, expected):
    """Someone who wants the text in clear says so in words."""
    _, rows, _ = _send(tmp_path, log_body=body)
    assert rows[0]["text"] == expected


def test_numbers_in_clear_are_a_word_away(tmp_path):
    """``log_numbers = full`` is a decision that a person writes down."""
    _, rows, _ = _send(tmp_path, log_numbers="full")
    assert rows[1]["to"] == NUMBERS[0]


def test_the_same_person_has_the_same_hash_and_the_key_is_kept(tmp_path):
    """Counting people works over several runs; the key lies beside the settings, for this user only."""
    _, first, log = _send(tmp_path)
    log.unlink()
    _, second, _ = _send(tmp_path)
    assert first[1]["to_hash"] == second[1]["to_hash"]
    key = tmp_path / ".notifykit.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.unlink()
    log.unlink()
    _, third, _ = _send(tmp_path)
    assert third[1]["to_hash"] != first[1]["to_hash"]


def test_the_file_belongs_to_its_user(tmp_path):
    """Mode 0600, whatever the umask would have allowed."""
    _, _, log = _send(tmp_path)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_file_that_can_not_be_written_is_an_error_at_once(tmp_path):
    """Not with the first message, but when the notifier is built."""
    with pytest.raises(ConfigError, match="log_file"):
        Notifier.from_settings("null", directory=tmp_path, environment={}, log_file=str(tmp_path / "no" / "log"))


#: One of several processes that write to one file.
WRITER = """
import sys
from notifykit import Capabilities, MemoryTransport, Notifier, PluginHost
from notifykit.sinks.jsonl import JsonlSink

transport = MemoryTransport(capabilities=Capabilities(batch_size=50))
with Notifier(transport, host=PluginHost(entry_points=False), sinks=[JsonlSink(sys.argv[1])]) as notifier:
    print("ready", flush=True)
    sys.stdin.readline()
    notifier.send([f"9659{index:07d}" for index in range(500)], "x" * 200)
"""


def test_lines_of_several_processes_are_never_torn(tmp_path):
    """Four processes that begin together and one file: every line is a whole JSON object."""
    file = tmp_path / "shared.jsonl"
    command = [sys.executable, "-c", WRITER, str(file)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with contextlib.ExitStack() as running:
        writers = [
            running.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            )
            for _ in range(4)
        ]
        for writer in writers:
            assert writer.stdout.readline() == b"ready\n"
        for writer in writers:
            writer.stdin.write(b"\n")
            writer.stdin.flush()
        assert [writer.wait(60) for writer in writers] == [0] * 4
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert sum(row["event"] == "attempt_finished" for row in rows) == 2000


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (1.0, 1),
        (1.25, 1.25),
        (True, True),
        (decimal.Decimal("1.5"), "1.5"),
        ("1.5", "1.5"),
        (float("nan"), None),
        (2, 2),
    ],
)
def test_what_a_plugin_gives_in_place_of_a_number_breaks_no_line(tmp_path, given, written):
    """A line is JSON whatever a transport puts into its answer, and the acceptance is not lost."""
    answer = Submission(12345, cost=given, balance=given, warnings=(7, 'say "when"'))
    report, rows, _ = _send(tmp_path, MemoryTransport([answer]), to=NUMBERS[0])
    assert len(report.accepted) == 1
    (row,) = [row for row in rows if row["event"] == "attempt_finished"]
    assert (row["msg_id"], row["cost"], row["balance"]) == (12345, written, written)
    assert row["warnings"] == [7, 'say "when"']


def test_a_full_disk_tears_a_line_and_not_the_next(tmp_path):
    """What was written half is ended before anything else is written."""
    script = (
        "import resource, signal, sys\n"
        "from notifykit.sinks.jsonl import LineFile\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "file = LineFile(sys.argv[1])\n"
        "file.write({'number': 1})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30, resource.RLIM_INFINITY))\n"
        "try:\n    file.write({'number': 2, 'text': 'x' * 100})\n"
        "except OSError:\n    print('full')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "file.write({'number': 3})\n"
    )
    log = tmp_path / "log"
    done = subprocess.run([sys.executable, "-c", script, str(log)], capture_output=True, text=True, check=True)
    assert done.stdout == "full\n"
    first, torn, last = log.read_text().splitlines()
    assert (json.loads(first), json.loads(last)) == ({"number": 1}, {"number": 3})
    assert torn.startswith('{"number":2')
    LineFile(log).close()


def test_a_row_is_never_glued_to_a_torn_one(tmp_path):
    """Another process may have been stopped in the middle of a row."""
    log = tmp_path / "log"
    log.write_text('{"number":1')
    file = LineFile(log)
    file.write({"number": 2})
    file.close()
    assert log.read_text() == '{"number":1\n{"number":2}\n'


def test_after_logrotate_rows_are_in_the_new_file(tmp_path):
    """Whether it makes the new file itself or leaves that to the program; a torn row stays behind."""
    log = tmp_path / "log"
    file = LineFile(log)
    file.write({"number": 1})
    log.rename(tmp_path / "log.1")
    file.write({"number": 2})
    log.rename(tmp_path / "log.2")
    log.touch(mode=0o600)
    file.write({"number": 3})
    file.close()
    assert [(tmp_path / name).read_text() for name in ("log.1", "log.2", "log")] == [
        f'{{"number":{number}}}\n' for number in (1, 2, 3)
    ]


def test_a_row_is_written_somewhere_while_the_name_is_somebody_elses(tmp_path):
    """A link that was put in the place of the log is not followed."""
    log = tmp_path / "log"
    file = LineFile(log)
    log.rename(tmp_path / "log.1")
    (tmp_path / "victim").write_text("")
    log.symlink_to(tmp_path / "victim")
    file.write({"number": 1})
    file.close()
    assert (tmp_path / "victim").read_text() == ""
    assert (tmp_path / "log.1").read_text() == '{"number":1}\n'


def test_a_log_is_renamed_once_it_has_its_size(tmp_path):
    """The newest of the renamed files is .1; only as many are kept as the settings say."""
    log = tmp_path / "log"
    file = LineFile(log, size=10, keep=2)
    for number in range(5):
        file.write({"number": number})
    file.close()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "log": '{"number":4}\n',
        "log.1": '{"number":3}\n',
        "log.2": '{"number":2}\n',
    }


def test_processes_that_share_a_log_lose_no_row_when_it_is_renamed(tmp_path):
    """Each row is in exactly one of the files, and whole."""
    code = (
        "import sys\n"
        "from notifykit.sinks.jsonl import LineFile\n"
        "file = LineFile(sys.argv[1], size=2000, keep=50)\n"
        "for number in range(300):\n"
        "    file.write({'process': sys.argv[2], 'number': number})\n"
    )
    log = tmp_path / "log"
    running = [subprocess.Popen([sys.executable, "-c", code, str(log), str(process)]) for process in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    found = [json.loads(line) for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    assert len(list(tmp_path.iterdir())) > 2
    assert sorted((row["process"], row["number"]) for row in found) == sorted(
        (str(process), number) for process in range(3) for number in range(300)
    )


def test_the_settings_say_when_a_log_is_renamed(tmp_path):
    """`log_size` and `log_keep` reach the sink."""
    for _ in range(3):
        _send(tmp_path, log_size="1kB", log_keep=1)
    assert sorted(path.name for path in tmp_path.glob("sends.jsonl*")) == ["sends.jsonl", "sends.jsonl.1"]


@pytest.mark.parametrize("word", ["ten", "0", "10 MiB", True])
def test_a_size_that_is_none_is_a_problem(tmp_path, word):
    """It says how one is written."""
    with pytest.raises(ConfigError, match=r"log_size .* is not a size: write 500kB, 10MB or 1GB"):
        _send(tmp_path, log_size=word)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names")
@pytest.mark.parametrize("what", ["pipe", "link"])
def test_a_log_that_is_no_file_is_an_error_at_once(tmp_path, monkeypatch, what):
    """A pipe without a reader would hold up the notifier for ever."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/null")
    with pytest.raises(ConfigError, match="log_file"):
        Notifier.from_settings("null", directory=tmp_path, environment={}, log_file=what)


@pytest.mark.parametrize(("name", "stream"), [("-", "stdout"), ("/dev/stdout", "stdout"), ("/dev/stderr", "stderr")])
def test_a_log_on_a_standard_stream_is_a_row_a_line(tmp_path, name, stream):
    """As a container's log is collected: the rows of a file, in ASCII, and each there when the send returns."""
    program = (
        "import os, sys; from notifykit import Notifier; notifier = Notifier.from_settings('memory');"
        "notifier.send('96598765432', 'رمز 778899', tags=['رمز']); os._exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONIOENCODING": "ascii",
            "NOTIFYKIT_LOG_FILE": name,
        },
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=60,
    )
    other = {"stdout": done.stderr, "stderr": done.stdout}[stream]
    assert other == b""
    rows = [json.loads(line) for line in getattr(done, stream).splitlines()]
    assert [row["event"] for row in rows] == ["message_planned", "attempt_finished", "send_finished"]
    assert (rows[1]["to"], rows[1]["tags"], rows[1]["to_hash"]) == ("965****5432", ["رمز"], None)
    assert b"778899" not in done.stdout + done.stderr
    assert [*tmp_path.iterdir()] == [], "no key is made beside the settings, and no file of that name"


def test_rows_of_a_stream_that_nobody_reads_stop_no_send(tmp_path, monkeypatch, caplog):
    """A pipe that was closed, or a program without standard output."""
    for stream in (None, open(os.devnull)):  # the second can't be written  # noqa: SIM115, PTH123
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            with Notifier.from_settings("memory", directory=tmp_path, environment={}, log_file="-") as notifier:
                assert notifier.send(NUMBERS[0], TEXT).accepted
        if stream:
            stream.close()
    assert caplog.text.count("the sink jsonl raised and was passed over") == 2


def test_logging_says_each_event_once_with_flat_extras(tmp_path, caplog):
    """The event's name and its fields survive any formatter, and the level says how bad it is."""
    caplog.set_level(logging.DEBUG, "notifykit")
    transport = MemoryTransport([RateLimited("Full.", "ERR013"), Submission("id-1", cost=1, balance=9)])
    _send(tmp_path, transport, to=["abc", NUMBERS[0]])
    lines = [(record.name, record.levelname, record.nk_event) for record in caplog.records]
    assert lines == [
        ("notifykit.send", "DEBUG", "message_planned"),
        ("notifykit.send", "WARNING", "recipient_excluded"),
        ("notifykit.transport.memory", "WARNING", "attempt_finished"),
        ("notifykit.transport.memory", "WARNING", "retry_scheduled"),
        ("notifykit.transport.memory", "INFO", "attempt_finished"),
        ("notifykit.send", "DEBUG", "send_finished"),
    ]
    accepted = caplog.records[4]
    assert (accepted.nk_to, accepted.nk_outcome, accepted.nk_msg_id) == ("965****5432", "accepted", "id-1")
    assert (accepted.nk_cost, accepted.nk_balance, accepted.nk_attempt) == (1, 9, 2)


@pytest.mark.parametrize(
    ("answer", "level"),
    [(Submission("i"), "INFO"), (Submission("i", test=True), "WARNING"), (OutcomeUnknown("Lost."), "ERROR")],
)
def test_a_test_is_said_aloud_and_an_unknown_outcome_is_an_error(tmp_path, caplog, answer, level):
    """A person who watches the log sees what needs attention."""
    caplog.set_level(logging.INFO, "notifykit.transport")
    _send(tmp_path, MemoryTransport([answer]), to=NUMBERS[0])
    assert [record.levelname for record in caplog.records] == [level]


def test_the_log_never_shows_a_full_number_or_a_text(tmp_path, caplog):
    """Not even where the settings give them to sinks in clear."""
    caplog.set_level(logging.DEBUG, "notifykit")
    _send(tmp_path, log_numbers="full", log_body="full")
    shown = "".join(f"{record.getMessage()}{record.__dict__}" for record in caplog.records)
    for secret in (*NUMBERS, "778899"):
        assert secret not in shown


def test_an_address_with_a_star_is_no_redacted_one(tmp_path, caplog):
    """A star is a letter like others in an e-mail address."""
    caplog.set_level(logging.DEBUG, "notifykit")
    report, _, _ = _send(tmp_path, to="some*one@example.com", channel="email", log_numbers="full")
    assert len(report.accepted) == 1
    shown = "".join(f"{record.getMessage()}{record.__dict__}" for record in caplog.records)
    assert "s****@example.com" in shown
    assert "some*one" not in shown


@pytest.mark.parametrize("content", ["", "abc", "ab" * 40])
def test_a_key_that_is_none_is_an_error(tmp_path, content):
    """Hashes without a key could be undone by trying all numbers."""
    (tmp_path / ".notifykit.key").write_text(content)
    with pytest.raises(ConfigError, match="hash_key"):
        _send(tmp_path)


def test_what_the_level_leaves_out_is_not_put_into_words(tmp_path, caplog, monkeypatch):
    """An event below the level costs one comparison."""
    caplog.set_level(logging.CRITICAL, "notifykit")
    words = []
    monkeypatch.setattr("notifykit.sinks.logging._describe", words.append)
    _send(tmp_path, MemoryTransport([OutcomeUnknown("Lost.")]), to=NUMBERS[0])
    assert (words, caplog.records) == ([], [])


def test_logging_leaves_no_half_characters_for_a_handler_to_fail_on(tmp_path, caplog):
    """Whatever a caller's labels and a provider's words are made of, the line and its extras can be written."""
    caplog.set_level(logging.DEBUG, "notifykit")
    with Notifier(MemoryTransport([OutcomeUnknown("Lost \ud83d.")]), host=PluginHost(entry_points=False)) as notifier:
        notifier.send(NUMBERS[0], TEXT, tags=["half \ude00"])
    lines = [f"{record.getMessage()} {getattr(record, 'nk_tags', '')}" for record in caplog.records]
    assert any("Lost \\ud83d." in line for line in lines)
    assert any("half \\\\ude00" in line for line in lines)
    assert "".join(lines).encode()


class Alert(logging.Handler):
    """A handler that sends each record it gets as a message of its own, as an alert to the person on duty."""

    def __init__(self, notifier):
        super().__init__(logging.WARNING)
        self.notifier = notifier
        self.records = []

    def emit(self, record):
        self.records.append(record)
        self.notifier.send(NUMBERS[1], "Alert")


@contextlib.contextmanager
def _alerts(transport, **more):
    clock = VirtualClock()
    with Notifier(transport, host=PluginHost(entry_points=False), clock=clock, **more) as notifier:
        handler = Alert(notifier)
        logging.getLogger("notifykit").addHandler(handler)
        try:
            yield handler
        finally:
            logging.getLogger("notifykit").removeHandler(handler)


def test_a_handler_that_sends_does_not_send_about_itself(tmp_path):
    """One rejected message is one record and one alert, though the alert is rejected too; other sinks have both."""
    alerts = MemoryTransport([OutcomeUnknown("Lost.")] * 50)
    with _alerts(alerts) as handler:
        _send(tmp_path, MemoryTransport([OutcomeUnknown("Lost.")]), to=NUMBERS[0])
    assert (len(handler.records), len(alerts.batches)) == (1, 1)


class Broken:
    """A sink and a cleaner that always raise."""

    name = "broken"

    def handle(self, event):
        raise ValueError(event)

    def clean(self, text, channel):
        raise ValueError(text)


@pytest.mark.parametrize("kind", ["sinks", "cleaners"])
def test_a_plugin_that_raises_in_such_a_send_ends_it_too(kind):
    """A record about a broken plugin is one alert, and not one for each alert."""
    alerts = MemoryTransport()
    with _alerts(alerts, **{kind: [Broken()]}) as handler:
        parts = {"host": PluginHost(entry_points=False), "clock": VirtualClock(), kind: [Broken()]}
        with Notifier(MemoryTransport(), **parts) as notifier:
            notifier.send(NUMBERS[0], TEXT)
    assert "notifykit.plugins" in {record.name for record in handler.records}
    assert len(alerts.batches) == len(handler.records) <= 6


def test_records_of_one_kind_have_one_form(tmp_path, caplog):
    """Error trackers group records by their form: it has the outcome and the code, and nothing that differs."""
    with caplog.at_level("DEBUG", "notifykit"):
        for number in NUMBERS:
            _send(tmp_path, MemoryTransport([OutOfCredit("No credit.", "ERR010")]), to=number)
            _send(tmp_path, MemoryTransport([OutcomeUnknown("Lost 100%.", "50%")]), to=number)
            _send(tmp_path, MemoryTransport([RateLimited("Full.", "ERR013")]), to=[number, "abc"])
    assert {record.msg for record in caplog.records} == {
        "message_planned by %s",
        "attempt_finished %s rejected: ERR010 %s",
        "attempt_finished %s unknown: 50%% %s",
        "attempt_finished %s rejected: ERR013 %s",
        "attempt_finished %s accepted%s",
        "recipient_excluded %s rejected: %s",
        "retry_scheduled again in %g s: ERR013 %s",
        "send_finished %s",
    }
    said = [record.getMessage() for record in caplog.records]
    assert "attempt_finished 965****5432 unknown: 50% Lost 100%. → " in "\n".join(said)
    assert "retry_scheduled again in 30 s: ERR013 Full." in said


def test_a_refused_test_send_is_marked_as_a_test(tmp_path, caplog):
    """Whatever the provider answers, and whether an answer came or not."""
    for error in (OutOfCredit("No credit.", "ERR010"), OutcomeUnknown("Lost.")):
        _, rows, log = _send(tmp_path, MemoryTransport([error]), to=NUMBERS[0])
        assert [row["test"] for row in rows if row["event"] == "attempt_finished"] == [True]
        log.unlink()
    assert [record.nk_test for record in caplog.records if record.nk_event == "attempt_finished"] == [True, True]
    live = MemoryTransport([OutcomeUnknown("Lost.")], capabilities=Capabilities(live=True))
    _, rows, _ = _send(tmp_path, live, to=NUMBERS[0])
    assert [row["test"] for row in rows if row["event"] == "attempt_finished"] == [False]


def test_a_row_is_one_line_for_every_reader(tmp_path):
    """Also for programs that take U+2028 for a line end; JSON gives the text back as it was."""
    text = "one\x85two\u2028three\u202efour\u2067"
    _, rows, log = _send(tmp_path, text=text, log_body="full", disable=["kwtsms"])
    assert len(log.read_text(encoding="utf-8").splitlines()) == len(rows)
    assert rows[0]["text"] == text
    assert not set(log.read_text(encoding="utf-8")) & set("\x85\u2028\u202e\u2067")
