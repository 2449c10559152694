"""Every sample of the documentation, in its own words."""

from __future__ import annotations

import json
import pathlib

import pytest

from notifykit_kwtsms import KwtSMS, clean_message, normalize_phone, validate_phone_input
from tests.kwtsms.client.conftest import NUMBER, campaign

DOTENV = """\
KWTSMS_USERNAME=your_api_user
KWTSMS_PASSWORD=your_api_pass
KWTSMS_SENDER_ID=YOUR-SENDERID   # use KWT-SMS for testing only
KWTSMS_TEST_MODE=1                # 1 = test (safe default), 0 = live
KWTSMS_LOG_FILE=kwtsms.log        # JSONL log path, set to "" to disable
"""
OK_KEYS = ["result", "msg-id", "numbers", "points-charged", "balance-after", "unix-timestamp"]
ERROR_KEYS = ["result", "code", "description", "action"]
BULK_KEYS = ["result", "bulk", "batches", "numbers", "points-charged", "balance-after", "msg-ids", "errors"]


def test_the_sample_env_file_means_test_mode(build):
    """Byte for byte: its comments are comments, so the sender and the log are what they look like."""
    pathlib.Path(".env").write_text(DOTENV, encoding="utf-8")
    sms = build(lambda cls: cls.from_env())
    assert (sms.username, sms.sender_id, sms.test_mode) == ("your_api_user", "YOUR-SENDERID", True)
    assert sms.log_file == "kwtsms.log"


def test_direct_construction(build):
    """As it stands in the quick start."""
    sms = build(
        lambda cls: cls(
            username="your_api_user",
            password="your_api_pass",
            sender_id="YOUR-SENDERID",  # default "KWT-SMS" (testing only)
            test_mode=False,  # default False
            log_file="kwtsms.log",  # default "kwtsms.log", "" to disable
        )
    )
    plain = build(lambda cls: cls("your_api_user", "your_api_pass"))
    assert (sms.sender_id, sms.test_mode, sms.log_file) == ("YOUR-SENDERID", False, "kwtsms.log")
    assert (plain.sender_id, plain.test_mode, plain.log_file) == ("KWT-SMS", False, "kwtsms.log")


def test_verify(sms):
    """Returns (True, float, None) on success."""
    ok, balance, error = sms.verify()
    assert (ok, balance, error) == (True, 10_000.0, None)
    assert isinstance(balance, float)


def test_verify_with_a_wrong_password(connect):
    """Returns (False, None, str) on failure: what is wrong, an arrow, what to check."""
    ok, balance, error = connect(password="wrongpassword").verify()
    assert (ok, balance) == (False, None)
    assert error.startswith("Authentication error, username or password are not correct. → Check KWTSMS_USERNAME")


def test_balance(sms, connect):
    """A float, or None on error."""
    assert sms.balance() == 10_000.0
    assert isinstance(sms.balance(), float)
    assert connect(password="wrongpassword").balance() is None


def test_send_one(sandbox, sms):
    """The OK dict has exactly the documented keys, with the gateway's own values."""
    result = sms.send("96598765432", "Your OTP for MYAPP is: 123456")
    (captured,) = sandbox.messages
    assert list(result) == OK_KEYS
    assert result == {
        "result": "OK",
        "msg-id": captured.msg_id,
        "numbers": 1,
        "points-charged": 1,
        "balance-after": 9999,
        "unix-timestamp": captured.response.body["unix-timestamp"],
    }
    assert captured.text == "Your OTP for MYAPP is: 123456"
    assert sms.cached_balance == result["balance-after"]


def test_send_many(lenient, connect):
    """A list in three spellings; the sample's second and third number break Kuwait's rule, and are sent all the same."""
    result = connect(base_url=lenient.api_url).send(["96598765432", "+96512345678", "0096511111111"], "Hello!")
    assert (result["result"], result["numbers"]) == ("OK", 3)
    assert lenient.messages[0].numbers == ("96598765432", "96512345678", "96511111111")


def test_send_with_another_sender(sandbox, sms):
    """For this call only."""
    sms.send("96598765432", "Hello", sender="KWT-SMS")
    sms.send("96598765433", "Hello")
    assert [message.sender for message in sandbox.messages] == ["KWT-SMS", "MY-APP"]


def test_an_error_response(connect):
    """ERR003 with the documented words, and an action."""
    result = connect(password="wrongpassword").send("96598765432", "Hello")
    assert list(result) == ERROR_KEYS
    assert result["result"] == "ERROR"
    assert result["code"] == "ERR003"
    assert result["description"] == "Authentication error, username or password are not correct."
    assert result["action"].startswith("Check KWTSMS_USERNAME and KWTSMS_PASSWORD")


def test_mixed_input(sms):
    """Invalid numbers are reported, not raised."""
    result = sms.send(["96598765432", "abc", "user@gmail.com"], "Hello")
    assert result["result"] == "OK"
    assert result["invalid"] == [
        {"input": "abc", "error": "'abc' is not a valid phone number — no digits found"},
        {"input": "user@gmail.com", "error": "'user@gmail.com' is an email address, not a phone number"},
    ]


def test_bulk(sandbox, sms):
    """A thousand numbers are five requests, and one dict with the documented keys."""
    result = sms.send(campaign(1000), "Hello!")
    assert list(result) == BULK_KEYS
    assert (result["result"], result["bulk"], result["batches"]) == ("OK", True, 5)
    assert (result["numbers"], result["points-charged"], result["balance-after"]) == (1000, 1000, 9000)
    assert result["msg-ids"] == [message.msg_id for message in sandbox.messages]
    assert result["errors"] == []


def test_validate(lenient, connect):
    """The whole report, in the documented order."""
    report = connect(base_url=lenient.api_url).validate(["96598765432", "+96512345678", "abc", "123"])
    assert list(report) == ["ok", "er", "nr", "rejected", "error", "raw"]
    assert report["ok"] == ["96598765432", "96512345678"]
    assert report["er"] == ["abc", "123"]
    assert report["nr"] == []
    assert report["rejected"] == [
        {"input": "abc", "error": "'abc' is not a valid phone number — no digits found"},
        {"input": "123", "error": "'123' is too short to be a valid phone number (3 digits, minimum is 7)"},
    ]
    assert report["error"] is None
    assert report["raw"] == {"result": "OK", "mobile": {"OK": ["96598765432", "96512345678"], "ER": [], "NR": []}}


def test_the_helpers():
    """Each line of the utility functions."""
    assert normalize_phone("+96598765432") == "96598765432"
    assert normalize_phone("00 965 9876-5432") == "96598765432"
    assert normalize_phone("٩٦٥٩٨٧٦٥٤٣٢") == "96598765432"
    assert validate_phone_input("+96598765432") == (True, None, "96598765432")
    assert validate_phone_input("user@gmail.com") == (
        False,
        "'user@gmail.com' is an email address, not a phone number",
        "",
    )
    assert validate_phone_input("123") == (
        False,
        "'123' is too short to be a valid phone number (3 digits, minimum is 7)",
        "123",
    )
    assert clean_message("Your OTP is: ١٢٣٤٥٦ 🎉") == "Your OTP is: 123456 "


def test_error_handling(sandbox, sms):
    """The sample of a network failure and that of an empty account."""
    sandbox.account.change(balance=0)
    result = sms.send("96598765432", "Your OTP for MYAPP is: 123456")
    assert (result["code"], result["description"]) == ("ERR010", "Account balance is zero.")
    assert result["action"] == "Top up your kwtSMS account at kwtsms.com."
    sandbox.stop()
    with pytest.raises(RuntimeError, match="connection"):
        sms.send("96598765432", "Your OTP for MYAPP is: 123456")


def test_test_mode_from_the_environment(sandbox, build, monkeypatch):
    """KWTSMS_TEST_MODE=1 queues the message at the gateway."""
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    sms = build(lambda cls: cls.from_env())
    result = sms.send("96598765432", "Test message")
    assert result["result"] == "OK"
    assert sandbox.messages[0].test
    assert sandbox.gateway.unqueue(result["msg-id"]) == 1  # delete it from the queue to recover credits


def test_the_samples_leave_nothing_open(sandbox):
    """No sample calls close(): a client that is forgotten warns of nothing, because nothing has to be closed."""
    sms = KwtSMS("sandbox", "sandboxpassword", test_mode=True, base_url=sandbox.api_url)
    assert sms.send(NUMBER, "Hello")["result"] == "OK"
    assert json.loads(pathlib.Path("kwtsms.log").read_text(encoding="utf-8"))["ok"] is True
    del sms  # any ResourceWarning is an error here
