"""A log-in by one-time code, as a person does it, and what is answered where it does not work."""

MOBILE = "+965 9876 5432"


def test_the_code_in_the_message_logs_in_once(post, notify_outbox):
    status, document, _ = post("/codes", mobile=MOBILE)
    assert (status, document) == (200, {"status": "sent"})
    code = notify_outbox.one(to=MOBILE).otp
    assert post("/login", mobile=MOBILE, code=code)[:2] == (200, {"ok": True})
    assert post("/login", mobile=MOBILE, code=code)[:2] == (403, {"ok": False})


def test_who_asks_again_too_early_is_said_when(post, notify_outbox, verify_clock):
    post("/codes", mobile=MOBILE)
    verify_clock.advance(20)
    status, document, headers = post("/codes", mobile=MOBILE)
    assert (status, document, headers["Retry-After"]) == (429, {"status": "wait"}, "10")
    verify_clock.advance(10)
    assert post("/codes", mobile=MOBILE)[0] == 200
    assert len({message.otp for message in notify_outbox}) == 1


def test_who_guesses_too_often_stays_outside(post, notify_outbox):
    post("/codes", mobile=MOBILE)
    for _ in range(5):
        assert post("/login", mobile=MOBILE, code="0000")[0] == 403
    assert post("/login", mobile=MOBILE, code=notify_outbox.otp())[0] == 429


def test_a_code_ends(post, notify_outbox, verify_clock):
    post("/codes", mobile=MOBILE)
    verify_clock.advance(600)
    assert post("/login", mobile=MOBILE, code=notify_outbox.otp())[0] == 403


def test_what_is_no_number_of_ours_is_refused(post, notify_outbox):
    assert post("/codes", mobile="call me")[0] == 422
    assert post("/codes", mobile="+966 55 123 4567")[0] == 403
    assert not notify_outbox


def test_one_address_gets_ten_codes_in_an_hour(post, notify_outbox):
    found = [post("/codes", mobile=f"9655{place:02}00000")[0] for place in range(11)]
    assert found == [200] * 10 + [429]
