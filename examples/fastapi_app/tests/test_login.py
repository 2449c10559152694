"""Logging in, as a person does it, and what they read where it does not work."""

import pytest

MOBILE = "+965 9876 5432"


def ask(client, mobile=MOBILE):
    return client.post("/codes", json={"mobile": mobile})


def test_the_code_in_the_message_logs_in_once(client, notify_outbox):
    answer = ask(client)
    assert answer.json()["message"] == "We have sent you a code."

    message = notify_outbox.one(to=MOBILE, tags="otp")
    assert message.segments == 1
    path = f"/codes/{answer.json()['ticket']}"
    assert client.post(path, json={"code": message.otp}).json() == {"mobile": "96598765432"}
    assert client.post(path, json={"code": message.otp}).status_code == 403


def test_who_guesses_too_often_stays_outside(client, notify_outbox):
    path = f"/codes/{ask(client).json()['ticket']}"
    for _ in range(5):
        assert client.post(path, json={"code": "no"}).status_code == 403
    assert client.post(path, json={"code": notify_outbox.otp()}).status_code == 403


def test_a_code_is_for_one_ticket(client, notify_outbox):
    ask(client)
    other = ask(client, "+965 5111 2222").json()["ticket"]
    assert client.post(f"/codes/{other}", json={"code": notify_outbox.otp(to=MOBILE)}).status_code == 403


@pytest.mark.parametrize(
    ("script", "status", "sentence"),
    [
        ("unknown", 202, "Your code should arrive in a moment."),
        ("ERR025", 422, "Please check the number."),
        ("ERR028", 429, "Please wait 16 seconds"),
        ("ERR010", 503, "We can't send codes at the moment."),
    ],
)
def test_the_user_reads_what_is_known(client, notify_outbox, notify_script, script, status, sentence):
    notify_script.sequence(script)
    answer = ask(client)
    assert (answer.status_code, answer.json()["message"][: len(sentence)]) == (status, sentence)
    # Never a second try after an answer that was lost, and none that would not help.
    assert len(notify_outbox.attempts) == 1
    assert (answer.json()["ticket"] is not None) == (script == "unknown")


def test_a_code_whose_answer_was_lost_works_when_it_arrives(client, notify_outbox, notify_script):
    notify_script.unknown()
    path = f"/codes/{ask(client).json()['ticket']}"
    (message,) = notify_outbox.unknown
    assert client.post(path, json={"code": message.otp}).status_code == 200


@pytest.mark.parametrize("mobile", ["22334455", "call me", "", "96598765432,96598765433"])
def test_what_is_no_mobile_is_not_tried(client, notify_outbox, mobile):
    answer = ask(client, mobile)
    assert (answer.status_code, answer.json()["message"]) == (422, "Please check the number.")
    assert not notify_outbox.attempts


def test_another_code_has_to_wait_for_a_minute(client, notify_outbox, notify_clock):
    ask(client)
    notify_clock.advance(20)
    answer = ask(client)
    assert (answer.status_code, answer.json()["message"]) == (429, "Please wait 40 seconds and try again.")

    notify_clock.advance(40)
    assert ask(client).status_code == 200
    notify_outbox.assert_count(2, to=MOBILE)


def test_a_queue_that_stays_full_takes_no_longer_than_the_person_waits(client, notify_script, notify_clock):
    before = notify_clock.monotonic()
    notify_script.queue_full(code="ERR013", times=4)
    assert ask(client).status_code == 429
    assert notify_clock.monotonic() - before <= 20


def test_the_operator_reads_what_to_do_and_no_number(client, notify_outbox, notify_script, caplog):
    notify_script.refuse("ERR003")
    assert ask(client).status_code == 503
    (record,) = [record for record in caplog.records if record.name == "app"]
    assert "ERR003" in record.getMessage()
    assert "KWTSMS_PASSWORD" in record.getMessage()
    assert "98765432" not in caplog.text
    assert notify_outbox.attempts[0].otp not in caplog.text
