"""Logging in, as a person does it, and what they read where it does not work."""

import pytest
from django.test import Client

MOBILE = "+965 9876 5432"


@pytest.fixture
def browser() -> Client:
    return Client()


def ask(browser, mobile=MOBILE):
    return browser.post("/code", {"mobile": mobile})


def log_in(browser, code):
    return browser.post("/login", {"code": code})


def test_the_code_in_the_message_logs_in_once(browser, notify_outbox):
    assert ask(browser).context["message"] == "We have sent you a code."

    message = notify_outbox.one(to=MOBILE, tags="otp")
    assert message.segments == 1
    before = browser.cookies.copy()
    assert log_in(browser, message.otp).context["mobile"] == "96598765432"
    # Not even with the cookie of before.
    browser.cookies = before
    assert log_in(browser, message.otp).status_code == 403


def test_who_guesses_too_often_stays_outside(browser, notify_outbox):
    ask(browser)
    for _ in range(5):
        assert log_in(browser, "no").status_code == 403
    assert log_in(browser, notify_outbox.otp()).status_code == 403


def test_a_code_is_for_the_browser_that_asked(browser, notify_outbox):
    ask(browser)
    assert log_in(Client(), notify_outbox.otp()).status_code == 403


@pytest.mark.parametrize(
    ("script", "status", "sentence"),
    [
        ("unknown", 202, "Your code should arrive in a moment."),
        ("ERR025", 422, "Please check the number."),
        ("ERR028", 429, "Please wait 16 seconds"),
        ("ERR010", 503, "We can't send codes at the moment."),
    ],
)
def test_the_user_reads_what_is_known(browser, notify_outbox, notify_script, script, status, sentence):
    notify_script.sequence(script)
    answer = ask(browser)
    assert (answer.status_code, answer.context["message"][: len(sentence)]) == (status, sentence)
    # Never a second try after an answer that was lost, and none that would not help.
    (message,) = notify_outbox.attempts
    assert (log_in(browser, message.otp).status_code == 200) == (script == "unknown")


@pytest.mark.parametrize("mobile", ["22334455", "call me", "", "96598765432,96598765433"])
def test_what_is_no_mobile_is_not_tried(browser, notify_outbox, mobile):
    answer = ask(browser, mobile)
    assert (answer.status_code, answer.context["message"]) == (422, "Please check the number.")
    assert not notify_outbox.attempts


def test_another_code_has_to_wait_for_a_minute(browser, notify_outbox, notify_clock):
    ask(browser)
    notify_clock.advance(20)
    answer = ask(browser)
    assert (answer.status_code, answer.context["message"]) == (429, "Please wait 40 seconds and try again.")

    notify_clock.advance(40)
    assert ask(browser).status_code == 200
    notify_outbox.assert_count(2, to=MOBILE)


def test_the_operator_reads_what_to_do_and_no_number(browser, notify_outbox, notify_script, caplog):
    notify_script.refuse("ERR003")
    assert ask(browser).status_code == 503
    (record,) = [record for record in caplog.records if record.name == "shop.notify"]
    assert "ERR003" in record.getMessage()
    assert "KWTSMS_PASSWORD" in record.getMessage()
    assert "98765432" not in caplog.text
    assert notify_outbox.attempts[0].otp not in caplog.text
