"""One request: what is refused here, what the gateway refuses, and what fails on the way."""

from __future__ import annotations

import socket

import pytest

from notifykit import NotReached, OutcomeUnknown, VirtualClock
from notifykit_kwtsms.api.codes import CODES
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.kwtsms.client.conftest import NUMBER, campaign

#: What the official client's own tests look for in the action of a code.
WORDS = {
    "ERR003": "KWTSMS_USERNAME",
    "ERR008": "sender id",
    "ERR010": "kwtsms.com",
    "ERR024": "ip",
    "ERR025": "country code",
    "ERR026": "country",
    "ERR028": "15 second",
}
SENDING = [
    name
    for name in CODES
    if name not in {"ERR019", "ERR020", "ERR021", "ERR022", "ERR023", "ERR029", "ERR030", "ERR033"}
]


@pytest.mark.parametrize("code", SENDING)
def test_every_refusal_is_a_dict_with_an_action(sandbox, connect, code):
    """The gateway's code and words, the table's advice; one request, and no waiting, not even for a full queue."""
    clock = VirtualClock()
    sandbox.chaos(code, endpoint="send")
    result = connect(clock=clock).send(NUMBER, "Hello")
    assert list(result) == ["result", "code", "description", "action"]
    assert (result["result"], result["code"], result["action"]) == ("ERROR", code, CODES[code].action)
    assert result["description"]
    assert WORDS.get(code, "").lower() in result["action"].lower()
    assert (len(sandbox.requests), clock.sleeps) == (1, [])
    assert sandbox.accepted(NUMBER) == 0


def test_the_action_of_a_country_without_a_route_names_the_support(sandbox, sms):
    """A number abroad, where nothing is activated."""
    result = sms.send("971504496677", "Hello")
    assert result["code"] == "ERR026"
    assert "kwtSMS support" in result["action"]


def test_a_code_that_nobody_knows_passes_through(sandbox, sms):
    """With the gateway's words and with an action that says so."""
    sandbox.chaos("ERR999", endpoint="send")
    result = sms.send(NUMBER, "Hello")
    assert (result["result"], result["code"]) == ("ERROR", "ERR999")
    assert result["description"]
    assert result["action"]


@pytest.mark.parametrize("text", ["🎉🎊🚀", "\u200b\u200c\u200d", "<b></b>", "", "  "])
@pytest.mark.parametrize("count", [1, 201])
def test_a_text_that_cleaning_empties_is_refused_here(sandbox, sms, text, count):
    """ERR009 with an action, for one number and for many, and the gateway is not asked."""
    result = sms.send(campaign(count), text)
    assert (result["result"], result["code"]) == ("ERROR", "ERR009")
    assert result["action"]
    assert sandbox.requests == ()


def test_no_valid_number_is_refused_here(sandbox, sms):
    """ERR_INVALID_INPUT with the documented words and an action, and the gateway is not asked."""
    one = sms.send("abc", "Hello")
    words = "'abc' is not a valid phone number — no digits found"
    assert (one["result"], one["code"], one["description"]) == ("ERROR", "ERR_INVALID_INPUT", words)
    assert one["invalid"] == [{"input": "abc", "error": words}]
    many = sms.send(["", "12", None, 1.5], "Hello")
    assert (many["code"], many["action"]) == ("ERR_INVALID_INPUT", one["action"])
    assert [number["input"] for number in many["invalid"]] == ["", "12", "None", "1.5"]
    assert many["invalid"][0]["error"] == "Phone number is required"
    assert sms.send([], "Hello")["code"] == "ERR_INVALID_INPUT"
    assert sandbox.requests == ()


@pytest.mark.parametrize("mobile", [b"96598765432", {"96598765432": "Sara"}, object()])
def test_what_can_not_hold_numbers_is_a_type_error(sandbox, sms, mobile):
    """A mistake of the program, not of a person who types numbers; the keys of a dict are no list of them."""
    with pytest.raises(TypeError, match="mobile is a"):
        sms.send(mobile, "Hello")
    assert sandbox.requests == ()


@pytest.mark.parametrize(
    ("mobile", "words"),
    [(None, "No phone number was given"), ([None], "Phone number is required"), ([[]], "The address is a list")],
)
def test_an_empty_cell_is_the_documented_error(sandbox, sms, mobile, words):
    """A missing number is the number of nobody, and no mistake of the program."""
    result = sms.send(mobile, "Hello")
    assert (result["result"], result["code"]) == ("ERROR", "ERR_INVALID_INPUT")
    assert words in result["description"]
    assert result["action"]
    assert sandbox.requests == ()


def test_a_cell_of_a_table_is_a_number(sandbox, sms):
    """As the libraries for tables give them: a float, an int."""
    assert sms.send([96598765432.0, 96598765433], "Hello")["numbers"] == 2
    assert sms.send("9.6598765434E+10", "Hello")["numbers"] == 1
    assert sandbox.accepted("96598765432") == sandbox.accepted("96598765434") == 1


@pytest.mark.parametrize(
    "mobile",
    ["96598765432,96598765433", "96598765432, 96598765433", ["96598765432,96598765433"], (96598765432, 96598765433)],
)
def test_several_numbers_in_one_text(sandbox, sms, mobile):
    """A text with commas is several numbers, wherever it stands."""
    assert sms.send(mobile, "Hello")["numbers"] == 2
    assert sandbox.messages[0].numbers == ("96598765432", "96598765433")


def test_a_number_given_twice_is_paid_for_once(sandbox, sms):
    """Whatever it is spelled like."""
    result = sms.send(["96598765432", "+965 9876 5432", "0096598765432", "٩٦٥٩٨٧٦٥٤٣٢"], "Hello")
    assert (result["numbers"], result["points-charged"]) == (1, 1)
    assert "invalid" not in result
    assert sandbox.accepted(NUMBER) == 1


def test_text_and_number_are_cleaned_by_the_pipeline(sandbox, sms):
    """As documented: digits, emoji, tags and hidden characters of the text, and everything but digits of the number."""
    sms.send("+965 9876-5432", "<b>رمز</b>: ١٢٣٤ 🎉\u200b\ufeff")
    assert sandbox.messages[0].numbers == (NUMBER,)
    assert sandbox.messages[0].text == "رمز: 1234 "


def test_an_empty_sender_is_the_default_one(sandbox, sms):
    """As with None."""
    sms.send(NUMBER, "Hello", sender="")
    assert sandbox.messages[0].sender == "MY-APP"


def test_test_mode_reaches_the_gateway(sandbox, connect):
    """``test`` goes with each message, and a live one is live."""
    connect(test_mode=True).send("96598765432", "Hello")
    connect(test_mode=False).send("96598765433", "Hello")
    assert [message.test for message in sandbox.messages] == [True, False]


def test_a_refused_connection_is_a_runtime_error(connect):
    """Nothing was sent, which the error says; and nothing is tried again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    clock = VirtualClock()
    sms = connect(base_url=f"http://127.0.0.1:{port}/API/", clock=clock)
    with pytest.raises(RuntimeError) as caught:
        sms.send(NUMBER, "Hello")
    assert isinstance(caught.value, NotReached)
    assert "nothing was sent" in str(caught.value)
    assert clock.sleeps == []


@pytest.mark.parametrize("fault", ["reset", "close", "half-body", "html-200", "html-502", "empty-200", "broken-json"])
def test_a_lost_answer_is_a_runtime_error_that_says_so(sandbox, sms, fault):
    """The gateway has accepted it: the error is not safe to send again, and one message is there."""
    sandbox.chaos(fault, endpoint="send", after="accept")
    with pytest.raises(RuntimeError) as caught:
        sms.send(NUMBER, "Hello")
    assert isinstance(caught.value, OutcomeUnknown)
    assert "may have been sent" in str(caught.value)
    assert (sandbox.accepted(NUMBER), len(sandbox.requests)) == (1, 1)


@pytest.mark.parametrize("fault", ["html-403", "redirect", "empty-503"])
def test_an_http_failure_is_a_runtime_error(sandbox, sms, fault):
    """A status without the gateway's JSON is a failure on the way."""
    sandbox.chaos(fault, endpoint="send", after="receive")
    with pytest.raises(RuntimeError, match="HTTP"):
        sms.send(NUMBER, "Hello")
    assert sandbox.accepted(NUMBER) == 0


def test_a_deadline_holds_for_the_whole_answer(sandbox, connect):
    """A server that dribbles is not waited for longer than the timeout."""
    sandbox.chaos("dribble", endpoint="send", delay=0.2)
    with pytest.raises(RuntimeError, match="deadline"):
        connect(timeout=0.3).send(NUMBER, "Hello")


def test_numbers_come_as_numbers():
    """A gateway that writes them as texts, or with a fraction, does not change their kind."""
    with Sandbox(rules=Rules(rate_limit=None, numbers_as_strings=True)) as sandbox:
        from notifykit_kwtsms import KwtSMS

        with KwtSMS("sandbox", "sandboxpassword", log_file="", base_url=sandbox.api_url, clock=VirtualClock()) as sms:
            result = sms.send(NUMBER, "Hello")
    assert (result["numbers"], result["points-charged"], result["balance-after"]) == (1, 1, 149)
    assert sms.cached_balance == 149


def test_an_answer_without_an_id_still_has_the_key(sandbox, sms):
    """The message is sent: a missing id must not break the program that stores it."""
    sandbox.chaos("no-msg-id", endpoint="send")
    result = sms.send(NUMBER, "Hello")
    assert (result["result"], result["msg-id"]) == ("OK", None)


def test_sends_keep_the_rate_limit(sandbox, connect):
    """Half a second between two requests, questions included."""
    clock = VirtualClock()
    sms = connect(clock=clock)
    for index in range(3):
        sms.send(f"9659876543{index}", "Hello")
    assert clock.sleeps == [0.5, 0.5]
    sms.verify()
    sms.senderids()
    assert clock.sleeps == [0.5] * 3


def test_several_invalid_numbers_are_counted_in_one_sentence(sms):
    """In the words of the original."""
    assert sms.send(["abc", "12"], "Hello")["description"] == "All 2 phone numbers are invalid"
    assert sms.validate(["abc", "1"])["error"] == "All 2 phone numbers failed validation"
