"""What a test may expect of a message, and what it reads where that is not so."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest

from notifykit import Edit, RateLimited
from notifykit.testing import Outbox, Sent
from notifykit.testing.assertions import Expected, failure_text, field_matches, message_table, plain_address

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
EDIT = Edit(0, 1, "a", "b", "why", "mine")


def sent(**fields: Any) -> Sent:
    return Sent(**{"to": "96598765432", "text": "Your code is 123456", "at": NOW, **fields})


@pytest.mark.parametrize(
    ("wanted", "is_so"),
    [
        ({"to": "96598765432"}, True),
        ({"to": "+965 9876-5432"}, True),
        ({"to": "00965 (9876) 5432"}, True),
        ({"to": "٩٦٥٩٨٧٦٥٤٣٢"}, True),
        ({"to": "96598765433"}, False),
        ({"to": ""}, False),
        ({"to": {"96598765432", "96598765433"}}, True),
        ({"to": ["+965 98765432"]}, True),
        ({"to": set()}, False),
        ({"to": re.compile("^965")}, True),
        ({"to": lambda to: to.endswith("2")}, True),
        ({"to": lambda to: False}, False),
        ({"text": "Your code is 123456"}, True),
        ({"text": "Your code"}, False),
        ({"text": re.compile(r"\d{6}")}, True),
        ({"sender": None}, True),
        ({"sender": re.compile("")}, False),
        ({"sender": "X"}, False),
        ({"segments": range(1, 3)}, True),
        ({"segments": 2}, False),
        ({"otp": "123456"}, True),
        ({"otp": True}, True),
        ({"otp": False}, False),
        ({"links": False}, True),
        ({"tags": "otp"}, True),
        ({"tags": {"otp", "login"}}, True),
        ({"tags": {"otp", "other"}}, False),
        ({"tags": ()}, False),
        ({"tags": re.compile("^log")}, True),
        ({"edits": True}, True),
        ({"edits": EDIT}, True),
        ({"edits": []}, False),
        ({"error": RateLimited}, False),
        ({"cost": pytest.approx(1.0)}, True),
        ({"to": "96598765432", "segments": 2}, False),
        ({}, True),
    ],
)
def test_what_matches(wanted: dict[str, Any], is_so: bool) -> None:
    """A literal, a regex, a predicate, a type, one of several; addresses however they are written."""
    message = sent(segments=1, cost=1.0, tags=("otp", "login"), edits=(EDIT,))
    assert Expected(wanted).matches(message) is is_so


def test_an_address_is_read_without_what_people_write_into_it() -> None:
    """An e-mail address without its case; what is neither number nor e-mail as it is."""
    assert plain_address(" A@Example.com ") == "a@example.com"
    assert plain_address("\u200e+965 98765432") == "96598765432"
    assert plain_address("device:12 3") == "device:12 3"
    assert field_matches("to", None, "9") is False


def test_a_name_that_is_no_field_is_a_mistake_of_the_test() -> None:
    """It would match nothing, or everything."""
    with pytest.raises(TypeError, match="no field 'sendr': did you mean 'sender'"):
        Expected({"sendr": "X"})
    with pytest.raises(TypeError, match="no field 'zzz': there are to, text, sender"):
        Outbox().all(zzz=1)


def test_codes_and_links_are_read_out_of_the_text() -> None:
    """Four to eight digits, whatever their script, and no piece of a longer number."""
    assert sent(text="رمزك ١٢٣٤٥٦").otp == "123456"
    assert sent(text="call 96598765432 for 123").otp is None
    assert sent(text="see https://example.com/a?b=1. Now").links == ("https://example.com/a?b=1",)
    assert sent(error=RateLimited("Too much.", "X")).code == "X"


def test_a_failure_shows_the_nearest_miss_first_and_marks_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table fits the screen, the text is its last column, and a long one is shown where it differs."""
    monkeypatch.setenv("COLUMNS", "90")
    long = "Dear customer, your package was delivered this morning, and your code for the gate is "
    messages = [
        sent(to="96511111111", text="Hello", sender="A"),
        sent(text=f"{long}123456 until noon, and then it is not any more", sender="B"),
        sent(to="96522222222", text="سلام\nعليكم ", sender="A"),
    ]
    expected = Expected({"to": "96598765432", "text": f"{long}999999", "sender": {"B", "C"}})
    lines = failure_text("one was expected:", expected, messages).split("\n")
    assert lines[:2] == ["one was expected:", "    to = '96598765432'"]
    assert "    sender one of 'B', 'C'" in lines or "    sender one of 'C', 'B'" in lines
    table = lines[lines.index("") + 1 :]
    assert table[0].split() == ["#", "to", "sender", "text"]
    assert re.match(r"2 +96598765432 +B +! \.\.\.or the gate is 123456 until", table[1])
    assert re.match(r"[13] +! 965\d+ +! A +! ", table[2])
    assert any(r"سلام\nعليكم\x20" in line for line in table)
    assert all(len(line) <= 90 for line in table)
    assert "! marks what differs" in table[-1]


def test_a_failure_has_hints() -> None:
    """A part of the text was meant; what fits was tried and not taken; nothing was sent at all; there is a great deal."""
    part = failure_text("x", Expected({"text": "code"}), [sent()])
    assert "text=re.compile(re.escape(...))" in part
    nothing = failure_text("x", Expected({"to": "96598765432"}), [], [sent(error=RateLimited("Too much.", "X"))])
    assert "Nothing was sent." in nothing
    assert "1 message that matches was tried and not accepted" in nothing
    assert "5 more are not shown." in message_table("x", [sent()] * 25)
    how = Expected(
        {"text": re.compile("x", re.IGNORECASE), "to": str.isdigit, "error": RateLimited, "cost": lambda c: c}
    )
    assert [line.partition(" ")[2] for line in how.lines()] == [
        "like /x/i",
        "for which isdigit() is true",
        "a RateLimited",
        "for which a lambda is true",
    ]
