"""No code is in any row, log, repr, traceback or event, and no number in a row: whatever happens to the message."""

from __future__ import annotations

import logging
import pathlib
import pickle
import traceback
from typing import Any

import pytest

from notifykit import Batch, MemoryTransport, Notifier, OutcomeUnknown, Submission, Verifier
from notifykit.events import Event
from notifykit.verify import VerifySettings
from tests.verify.conftest import HASH_KEY, NUMBER, host, wrong


def fail(batch: Batch) -> Submission:
    raise RuntimeError(f"could not send {batch.message.text} to {batch.recipients[0].address}")


def interrupt(batch: Batch) -> Submission:
    raise KeyboardInterrupt


@pytest.mark.parametrize("body", ["shape", "full", "none"])
@pytest.mark.parametrize("answers", [(), (OutcomeUnknown("Lost."),), (fail,), (interrupt,)])
def test_nothing_but_the_message_has_the_code(
    answers: Any,
    body: str,
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not the log either where ``log_body`` says that it has texts in full."""
    caplog.set_level(logging.DEBUG)
    seen: list[Any] = []
    events: list[Event] = []
    transport = MemoryTransport(answers)
    notifier = Notifier.from_settings(
        transport,
        directory=tmp_path,
        environment={"NOTIFYKIT_STATE_DIR": str(tmp_path / "state"), "NOTIFYKIT_HASH_KEY": HASH_KEY},
        host=host(),
        sinks=[events.append],
        log_file=str(tmp_path / "log.jsonl"),
        log_body=body,
    )
    verifier = Verifier(notifier, settings=VerifySettings(app="MYAPP", domain="example.com"))
    try:
        seen.append(verifier.start(NUMBER, client="203.0.113.9"))
    except KeyboardInterrupt as error:
        seen += traceback.format_exception(error)
    code = transport.batches[-1].message.text.split()[0]
    seen += [verifier.start(NUMBER), verifier.check(NUMBER, wrong(code)), verifier.check(NUMBER, code)]
    seen += [verifier.traffic(), verifier, notifier, verifier._message, verifier._parts(), verifier.settings]
    assert seen[-7].ok
    with verifier._parts()[0].begin() as tx:
        row = verifier._parts()[1].keys.row(NUMBER, "login")
        seen += [tx.code(row), tx.counted("")]
    verifier.close()
    notifier.close()
    out = capsys.readouterr()
    texts = [*map(repr, seen), *map(str, seen), caplog.text, out.out, out.err]
    texts += [repr(event) + repr(vars(event)) for event in events]
    assert {"verification_started", "verification_checked", "verification_blocked"} >= {
        event.name for event in events if event.name.startswith("verification")
    }
    for text in texts:
        assert code not in text
    for file in (tmp_path / "state").iterdir():
        content = file.read_bytes()
        assert code.encode() not in content
        assert NUMBER.encode() not in content
    assert code not in (tmp_path / "log.jsonl").read_text(encoding="utf-8")


def test_the_events_say_no_more_than_they_may(tmp_path: pathlib.Path) -> None:
    """Of a guess only whether it verified the number; redacted, and picklable for other processes."""
    events: list[Event] = []
    transport = MemoryTransport()
    notifier = Notifier.from_settings(
        transport,
        directory=tmp_path,
        environment={"NOTIFYKIT_STATE_DIR": str(tmp_path), "NOTIFYKIT_HASH_KEY": HASH_KEY},
        host=host(),
        sinks=[events.append],
    )
    verifier = Verifier(notifier, purpose="payment")
    verifier.start(NUMBER)
    code = transport.batches[-1].message.text.split()[0]
    for typed in (wrong(code), code, code):
        verifier.check(NUMBER, typed)
    mine = [event for event in events if event.name.startswith("verification")]
    assert [event.name for event in mine] == ["verification_started", *["verification_checked"] * 3]
    assert [vars(event)["verified"] for event in mine[1:]] == [False, True, False]
    started = vars(mine[0])
    assert started["to"] == "965****5432"
    assert started["to_hash"]
    assert (started["country"], started["purpose"], started["status"]) == ("KW", "payment", "sent")
    assert (started["resend"], started["sends"]) == (False, 1)
    assert {event.id for event in mine} == {mine[0].id}, "the events of one code are found by their id"
    assert set(vars(mine[1])) == {"at", "id", "purpose", "to", "to_hash", "country", "verified"}
    assert pickle.loads(pickle.dumps(mine)) == mine
    assert {started["to_hash"]} == {event.recipients[0].to_hash for event in events if event.name == "attempt_finished"}  # type: ignore[attr-defined]
    verifier.close()
    notifier.close()
