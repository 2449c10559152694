"""Checking codes: one use, an end, few guesses, and the same answer for a number that never asked. On each kind of store."""

from __future__ import annotations

import string

import pytest

from notifykit.redaction import Secret
from notifykit.verify.codes import ALPHABETS, Keyring, new_id, read_code
from tests.verify.conftest import NUMBER, OTHER, Codes, wrong


def test_a_code_is_right_once(codes: Codes) -> None:
    """Afterwards it is used."""
    codes.verifier.start(NUMBER)
    checked = codes.verifier.check("+965 9876-5432", codes.code)
    assert (checked.ok, checked.reason, checked.http_status) == (True, "correct", 200)
    again = codes.verifier.check(NUMBER, codes.code)
    assert (again.ok, again.reason, again.http_status) == (False, "used", 403)


def test_a_code_ends_after_ten_minutes(codes: Codes) -> None:
    """To the second; who types another one then does not learn that there was one."""
    codes.verifier.start(NUMBER)
    codes.verifier.start(OTHER)
    first, second = (message.split()[0] for message in codes.messages)
    codes.later(599.5)
    assert codes.verifier.check(NUMBER, first).ok
    codes.later(0.5)
    assert codes.verifier.check(OTHER, second).reason == "expired"
    assert codes.verifier.check(OTHER, wrong(second)).reason == "wrong"


def test_five_guesses_and_the_code_is_dead(codes: Codes) -> None:
    """Also the right one is refused then."""
    codes.verifier.start(NUMBER)
    left = [codes.verifier.check(NUMBER, wrong(codes.code)).attempts_left for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    checked = codes.verifier.check(NUMBER, codes.code)
    assert (checked.reason, checked.attempts_left, checked.http_status) == ("too_many", 0, 429)


def test_a_new_code_does_not_reset_the_guesses_of_a_day(codes: Codes) -> None:
    """After 8 of them nothing is right and nothing is sent, until a day is over."""
    verifier = codes.make(guesses_per_day=8)
    for guesses in (5, 3):
        assert verifier.start(NUMBER).status == "sent"
        for _ in range(guesses):
            assert verifier.check(NUMBER, wrong(codes.code)).reason == "wrong"
        codes.later(60)
    checked = verifier.check(NUMBER, codes.code)
    assert (checked.reason, checked.http_status) == ("too_many", 429)
    assert checked.headers["Retry-After"] == str(86_400 - 60)
    blocked = verifier.start(NUMBER)
    assert (blocked.status, blocked.rule) == ("blocked", "guesses_per_day")
    assert codes.make("payment", guesses_per_day=8).start(NUMBER).rule == "guesses_per_day"
    codes.later(86_400)
    assert verifier.start(NUMBER).status == "sent"
    assert verifier.check(NUMBER, codes.code).ok


def test_right_codes_do_not_count_as_guesses(codes: Codes) -> None:
    """Who logs in often is not locked out."""
    verifier = codes.make(guesses_per_day=3)
    for _ in range(5):
        assert verifier.start(NUMBER).status == "sent"
        assert verifier.check(NUMBER, codes.code).ok
        codes.later(900)


def test_a_code_is_for_one_number_and_one_purpose(codes: Codes) -> None:
    """Also if the other number, or the other purpose, has a code of its own."""
    other = codes.make("payment")
    codes.verifier.start(NUMBER)
    code = codes.code
    codes.verifier.start(OTHER)
    other.start(NUMBER)
    assert other.check(NUMBER, code).reason == "wrong"
    assert codes.verifier.check(OTHER, code).reason == "wrong"
    assert codes.verifier.check(NUMBER, code).ok


def test_the_answer_is_the_same_for_a_number_that_never_asked(codes: Codes) -> None:
    """Reason, guesses that are left, and the end of them."""
    codes.verifier.start(NUMBER)
    typed = wrong(codes.code)
    asked = [codes.verifier.check(NUMBER, typed) for _ in range(7)]
    assert [codes.verifier.check(OTHER, typed) for _ in range(7)] == asked
    codes.later(3000)
    assert codes.verifier.check(OTHER, typed) == codes.verifier.check(NUMBER, typed)
    assert codes.verifier.start(OTHER).status == "sent", "who guesses does not keep the number's owner out"
    assert codes.verifier.check(OTHER, codes.code).ok


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)
def test_the_same_statements_run_for_a_number_that_never_asked(codes: Codes) -> None:
    """So the time that it takes says nothing."""
    from sqlalchemy import event

    statements: list[str] = []
    engine = codes.store.engine  # type: ignore[attr-defined]
    codes.verifier.start(NUMBER)
    event.listen(engine, "before_cursor_execute", lambda c, cursor, statement, *rest: statements.append(statement))
    found = []
    for number in (NUMBER, OTHER):
        for _ in range(6):
            codes.verifier.check(number, wrong(codes.code))
        found.append([*statements])
        statements.clear()
    assert found[0]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("number", "typed"), [("call me", "123456"), ("", "123456"), (NUMBER, ""), (NUMBER, " - "), (NUMBER, "\u200f")]
)
def test_where_nothing_can_be_compared_no_guess_is_counted(codes: Codes, number: str, typed: str) -> None:
    """It says so for every number, asked or not."""
    codes.verifier.start(NUMBER)
    for _ in range(6):
        assert codes.verifier.check(number, typed).reason == "none"
    assert codes.verifier.check(NUMBER, codes.code).ok


@pytest.mark.parametrize("script", ["٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "０１２３４５６７８９"])
def test_digits_of_any_script_are_read(codes: Codes, script: str) -> None:
    """With what a keyboard or a copied message puts between and around them."""
    codes.verifier.start(NUMBER)
    typed = codes.code.translate(str.maketrans(string.digits, script))
    assert codes.verifier.check(NUMBER, f"\u200f {typed[:3]}-{typed[3:]}\n").ok


def test_letters_leave_out_those_that_look_alike(codes: Codes) -> None:
    """They are typed in capitals or not; how many there are is a setting."""
    verifier = codes.make(alphabet="letters", length=8)
    verifier.start(NUMBER)
    assert len(codes.code) == 8
    assert set(codes.code) <= set("ACDEFGHJKMNPQRTUVWXY")
    assert not set(ALPHABETS["letters"]) & set("ILOSZB01258")
    assert verifier.check(NUMBER, codes.code.lower()).ok


def test_a_check_that_is_not_asked_for_its_result_is_an_error(codes: Codes) -> None:
    """``if verifier.check(…):`` would let everybody in."""
    with pytest.raises(TypeError, match=r"checked\.ok"):
        bool(codes.verifier.check(NUMBER, "123456"))


def test_every_code_is_as_likely_as_any_other() -> None:
    """Each character at each place, over 4,000 codes, within five standard deviations."""
    keys, alphabet = Keyring.temporary(), ALPHABETS["digits"]
    made = [keys.code(NUMBER, "login", new_id(), alphabet, 6).reveal() for _ in range(4000)]
    for place in range(6):
        for digit in alphabet:
            assert abs(sum(code[place] == digit for code in made) - 400) < 5 * (4000 * 0.1 * 0.9) ** 0.5
    assert len(set(made)) > 3900


def test_a_hash_is_bound_to_number_purpose_id_and_key() -> None:
    """Another of them gives another hash, also where the parts run together to the same text."""
    keys = Keyring(b"k" * 32)
    code = Secret("123456")
    first = keys.hash(code, NUMBER, "login", "id")
    others = [
        keys.hash(Secret("123457"), NUMBER, "login", "id"),
        keys.hash(code, OTHER, "login", "id"),
        keys.hash(code, NUMBER, "payment", "id"),
        keys.hash(code, NUMBER, "login", "di"),
        keys.hash(code, NUMBER + "l", "ogin", "id"),
        Keyring(b"l" * 32).hash(code, NUMBER, "login", "id"),
    ]
    assert first == Keyring(b"k" * 32).hash(code, NUMBER, "login", "id")
    assert len({first, *others}) == 7


@pytest.mark.parametrize(
    ("typed", "read"),
    [(" 12 34-56 ", "123456"), ("١٢٣٤٥٦", "123456"), ("²³", "23"), ("ab-Cd", "ABCD"), (123456, "123456")],
)
def test_what_is_typed_is_read(typed: object, read: str) -> None:
    """And it is a secret from then on."""
    found = read_code(typed)
    assert found.reveal() == read
    assert read not in repr(found)
