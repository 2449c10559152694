"""Rows that a program submits: each its own text, in constant memory, and everything wrong said before anything is stored."""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from notifykit import AsyncNotifier, Capabilities, Channel, ConfigError, Notifier
from notifykit.campaigns.bindings import BindingError
from notifykit.campaigns.results import RowCost, row_facts
from notifykit.models.delivery import DeliveryReport, DeliveryState
from notifykit.models.receipt import Outcome
from notifykit.templates.template import Template, TemplateError
from tests.durable.conftest import Recorder, be_fast, host

EID = Template({"en": "Happy Eid {name}", "ar": "عيد مبارك يا {name}"})
ROWS: list[Mapping[str, object]] = [
    {"to": "96598765432", "name": "سارة", "language": "ar"},
    {"to": 96598765433.0, "name": "Omar", "language": None},
    {"to": "96598765434", "name": None, "language": "en"},
    {"to": "12", "name": "Noor", "language": "en"},
]


@pytest.fixture(name="recorder")
def _recorder() -> Recorder:
    return Recorder()


@pytest.fixture(name="parts")
def _parts(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    be_fast(monkeypatch)
    environment = {"NOTIFYKIT_STATE_DIR": str(tmp_path / "state")}
    return {"environment": environment, "directory": tmp_path, "host": host()}


@pytest.fixture(name="notifier")
def _notifier(recorder: Recorder, parts: dict[str, Any]) -> Iterator[Notifier]:
    with Notifier.from_settings(recorder, **parts) as notifier:
        yield notifier


def sent(recorder: Recorder) -> dict[str, str]:
    """Return the text that each address got."""
    return {who.address: batch.message.text for batch in recorder.batches for who in batch.recipients}


def test_each_row_gets_its_text_and_the_rest_their_reason(notifier: Notifier, recorder: Recorder) -> None:
    """Columns of the variables' names, a language by row, a number as a spreadsheet has it."""
    job = notifier.submit_rows(iter(ROWS), template=EID, key="eid")
    assert job.wait(30).accepted == 2
    assert sent(recorder) == {"96598765432": "عيد مبارك يا سارة", "96598765433": "Happy Eid Omar"}
    found = list(job.rows())
    receipts = [row.receipt for row in found if row.receipt]
    assert [r.outcome for r in receipts] == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.REJECTED, Outcome.REJECTED]
    assert [r.code for r in receipts[2:]] == ["variable", None]
    assert [row.text for row in found] == ["عيد مبارك يا سارة", "Happy Eid Omar", None, None]
    assert dict(found[1].cells) == {"to": "96598765433", "name": "Omar", "language": ""}
    languages = {who.address: who.language for batch in recorder.batches for who in batch.recipients}
    assert languages == {"96598765432": "ar", "96598765433": None}


def test_a_text_has_columns_in_it(notifier: Notifier, recorder: Recorder) -> None:
    """With a default for an empty cell, and one word for all."""
    given = {"name": "@name|friend", "shop": "@@acme"}
    job = notifier.submit_rows(ROWS, text="{name}: {shop}", variables=given)
    assert job.wait(30).accepted == 3
    assert sent(recorder)["96598765434"] == "friend: @acme"


def test_the_same_rows_are_the_same_job(notifier: Notifier, recorder: Recorder) -> None:
    """Nothing is sent twice, and other texts are refused."""
    notifier.submit_rows(ROWS, template=EID, key="eid").wait(30)
    assert notifier.submit_rows(ROWS, template=EID, key="eid").progress().accepted == 2
    with pytest.raises(ConfigError, match="rows are others"):
        notifier.submit_rows(ROWS, text="Hello {name}", key="eid")
    assert len(recorder.addresses) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"template": EID, "to": "too"}, BindingError, "there is no column 'too': did you mean to"),
        ({"template": EID, "variables": {"name": "@nme"}}, BindingError, "did you mean name"),
        ({"template": EID, "language": "@lang"}, BindingError, "the language: there is no column 'lang'"),
        ({"template": EID, "language": "fr"}, BindingError, "neither one of en, ar nor a column"),
        ({"template": "eid"}, ConfigError, "there is none called 'eid'"),
        ({"text": "Hello {na me}"}, TemplateError, "only a name is allowed"),
        ({}, TypeError, "give a template"),
        ({"text": "x", "stop_if": "often"}, ValueError, "rejected > 5%"),
        ({"text": "x", "spread": 0.0}, ValueError, "spread"),
        ({"text": "x", "at": datetime.datetime(2099, 1, 1)}, ValueError, "no time zone"),
        ({"text": "x", "via": "kwtsms://u:p@host"}, TypeError, "via is a transport's name"),
    ],
)
def test_what_does_not_fit_is_raised_before_anything_is_stored(
    notifier: Notifier, arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    """Nothing is left behind."""
    with pytest.raises(error, match=said):
        notifier.submit_rows(ROWS, **arguments)
    assert notifier.jobs() == []


@pytest.mark.parametrize(
    ("rows", "error", "said"),
    [
        ([], ConfigError, "there are no rows"),
        ([*ROWS, ["x"]], TypeError, "row 5 is a list"),
        ([*ROWS, {"to": "1", "name": ["secret"]}], TypeError, "row 5: a cell is a list"),
    ],
)
def test_rows_of_another_kind_are_an_error_and_nothing_is_stored(
    notifier: Notifier, recorder: Recorder, rows: list[Any], error: type[Exception], said: str
) -> None:
    """Also where the wrong one comes late."""
    with pytest.raises(error, match=said) as caught:
        notifier.submit_rows(rows, text="Hello {name}")
    assert "secret" not in str(caught.value)
    assert notifier.jobs() == []
    assert recorder.batches == []


def test_a_plan_says_what_each_row_would_be() -> None:
    """Segments and cost, the reason of a rejected row, and nothing is sent."""
    with Notifier("memory://?like=kwtsms") as notifier:
        planned = list(notifier.plan_rows(ROWS, template=EID))
        assert [row.text for row in planned] == ["عيد مبارك يا سارة", "Happy Eid Omar", "", ""]
        assert [row.measurement and row.measurement.encoding for row in planned[:2]] == ["ucs2", "gsm7"]
        assert [row.cost for row in planned] == [1.0, 1.0, None, None]
        assert [row.receipt and row.receipt.outcome for row in planned] == [None, None, "rejected", "rejected"]
        assert "Sara" not in repr(planned)
        assert "عيد" not in repr(planned)


ORDER = Template(
    channels={
        "sms": {"en": "Ready: {number}", "ar": "جاهز: {number}"},
        "email": {
            "subject": {"en": "Order {number}", "ar": "طلبك {number}"},
            "text": {"en": "Hello {name}, order {number}", "ar": "مرحبا {name}، طلبك {number}"},
        },
    }
)


def test_rows_have_the_text_and_the_subject_of_their_channel(parts: dict[str, Any]) -> None:
    """Only what that channel uses needs a column; a subject of the call goes before that of the template."""
    row = {"to": "sara@example.com", "name": "Sara", "number": "7", "language": "ar"}
    recorder = Recorder(capabilities=Capabilities(channels=frozenset({Channel.SMS, Channel.EMAIL}), subjects=True))
    with Notifier.from_settings(recorder, **parts) as notifier:
        first = notifier.submit_rows([row], template=ORDER, channel="email")
        second = notifier.submit_rows([row], template=ORDER, channel="email", subject="{name}!")
        assert (first.wait(30).accepted, second.wait(30).accepted) == (1, 1)
        (planned,) = notifier.plan_rows([row], template=ORDER, channel="email")
        assert planned.row.subject == "طلبك 7"
        with pytest.raises(TemplateError, match="there is no text for push"):
            notifier.submit_rows([row], template=ORDER, channel="push")
        with pytest.raises(BindingError, match="name has no value"):
            notifier.submit_rows([{"to": "a@example.com", "number": "7"}], template=ORDER, channel="email")
        (sms,) = notifier.plan_rows([{"to": "96598765432", "number": "7"}], template=ORDER)
        assert (sms.row.text, sms.row.subject) == ("Ready: 7", None)
    written = {(batch.message.text, batch.message.subject) for batch in recorder.batches}
    assert written == {("مرحبا Sara، طلبك 7", "طلبك 7"), ("مرحبا Sara، طلبك 7", "Sara!")}


def test_the_footer_has_the_language_that_the_text_is_in(recorder: Recorder, parts: dict[str, Any]) -> None:
    """And not the one that the row asked for in vain."""
    arabic = Template({"ar": "مرحبا {name}", "fr": "Bonjour {name}"})
    footer = {"en": "Reply STOP", "ar": "أرسل قف"}
    rows = [{"to": "96598765432", "name": "سارة", "language": "en"}, {"to": "1", "name": "x", "language": "en"}]
    with Notifier.from_settings(recorder, footer=footer, **parts) as notifier:
        planned, wrong = notifier.plan_rows(rows, template=arabic, tags="marketing")
    assert planned.row.text == "مرحبا سارة\nأرسل قف"
    assert wrong.row.text == ""


async def _submit_async(recorder: Recorder, parts: dict[str, Any]) -> int:
    async with AsyncNotifier.from_settings(recorder, **parts) as notifier:
        job = notifier.submit_rows(ROWS, template=EID, key="eid")
        return job.wait(30).accepted


def test_the_asynchronous_notifier_has_it_too(recorder: Recorder, parts: dict[str, Any]) -> None:
    """With the same rows and the same job."""
    import asyncio

    assert asyncio.run(_submit_async(recorder, parts)) == 2
    assert sent(recorder)["96598765433"] == "Happy Eid Omar"


def test_a_delivery_report_is_beside_its_row(notifier: Notifier) -> None:
    """As soon as it was recorded, also after the job has ended."""
    job = notifier.submit_rows(ROWS[:2], template=EID)
    job.wait(30)
    receipt = next(job.receipts())
    assert receipt.message_id is not None
    notifier.record_delivery_report(DeliveryReport(receipt.message_id, receipt.to, DeliveryState.DELIVERED))
    first, second = job.rows()
    facts = row_facts(first, RowCost(lambda text, channel: None))
    assert (facts["delivery"], facts["advice"]) == ("delivered", "It arrived; there is nothing to do.")
    assert second.delivery is None


def test_an_email_keeps_what_makes_a_name_readable(parts: dict[str, Any]) -> None:
    """Isolates arrive, and the subject is the row's own."""
    mail = Recorder(capabilities=Capabilities(channels=frozenset({Channel.EMAIL}), subjects=True))
    rows = [{"to": "omar@example.com", "name": "Omar (VIP)"}]
    with Notifier.from_settings(mail, **parts) as notifier:
        job = notifier.submit_rows(rows, text="أهلا {name}", subject="For {name}", channel="email")
        assert job.wait(30).accepted == 1
    (batch,) = mail.batches
    assert batch.message.text == "أهلا \u2068Omar (VIP)\u2069"
    assert batch.message.subject == "For Omar (VIP)"
