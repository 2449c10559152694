"""What a person may see of a number, an address, a password or a text."""

from __future__ import annotations

import json
import logging
import pickle
import re
import string
import traceback

import pytest
from hypothesis import given, strategies as st

from notifykit.redaction import STARS, Secret, SecretBytes, describe_text, one_line, redact_address, scrub, text_shape
from tests.models.strategies_models import DIGITS, any_text, numbers, passwords

#: Ways to write a number that is not in its canonical form.
SPELLINGS = ("+{}", "00 {}", " {}", "{}\n", "tel:{}", "'{}'", "({})", "{}#1")


def runs(text: str, length: int) -> set[str]:
    """Return every piece of a text that is so long."""
    return {text[start : start + length] for start in range(len(text) - length + 1)}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("96598765432", "965****5432"),
        ("966501234567", "966****4567"),
        ("9659876543", STARS),
        ("98765432", STARS),
        ("", STARS),
        ("+96598765432", STARS),
        ("٩٦٥٩٨٧٦٥٤٣٢", STARS),
        ("965²98765432", STARS),
        ("aisha@example.com", "a****@example.com"),
        ("aisha@mail.example.co.uk", "a****@mail.example.co.uk"),
        ("aisha@مثال.إختبار", "a****@مثال.إختبار"),
        ("a@example.com", STARS),
        ("@example.com", STARS),
        ("aisha@", STARS),
        ("aisha@localhost", STARS),
        ("aisha@96598765432.example", STARS),
        ("965@98765432", STARS),
        ("aisha @example.com", STARS),
        ("meet me @ the old house. Bring cash", STARS),
        ("d1f2a3b4c5d6e7f8091a2b3c4d5e6f70", STARS),
    ],
)
def test_an_address_shows_where_it_belongs_and_not_whose_it_is(address: str, shown: str) -> None:
    """A number keeps its country and its end, an e-mail address its first letter and its domain, the rest nothing."""
    assert redact_address(address) == shown


@given(numbers(0, 20))
def test_a_number_never_shows_more_than_four_digits_in_a_row(number: str) -> None:
    """Four digits at the end are the most that are together."""
    shown = redact_address(number)
    assert not runs(number, 5) & runs(shown, 5)
    assert shown in (STARS, f"{number[:3]}{STARS}{number[-4:]}")


@given(st.text("01234", min_size=3, max_size=3), st.text("56789", max_size=8), st.text("01234", min_size=4, max_size=4))
def test_none_of_the_hidden_digits_of_a_number_appears(start: str, hidden: str, end: str) -> None:
    """What is between country and end is not there at all, and at least four digits are."""
    shown = redact_address(start + hidden + end)
    assert not set(shown) & set("56789")
    assert len(hidden) >= 4 or shown == STARS


@given(numbers(), st.sampled_from(SPELLINGS))
def test_a_number_in_any_other_spelling_is_hidden_whole(number: str, spelling: str) -> None:
    """Only the canonical form says where the country ends."""
    assert redact_address(spelling.format(number)) == STARS


@given(
    st.text(string.ascii_lowercase + DIGITS + "._+", min_size=1, max_size=30),
    st.sampled_from(["EXAMPLE.COM", "M-X.ORG"]),
)
def test_an_email_address_shows_one_letter_of_the_person(local: str, domain: str) -> None:
    """Whatever the name and its length: the first letter and stars."""
    shown = redact_address(f"{local}@{domain}")
    assert shown == (f"{local[0]}{STARS}@{domain}" if len(local) > 1 else STARS)


@given(any_text())
def test_any_text_in_place_of_an_address_is_redacted_without_complaint(address: str) -> None:
    """What is no number and no e-mail address shows nothing, and nothing raises."""
    shown = redact_address(address)
    local, _, domain = address.rpartition("@")
    assert shown in (STARS, f"{address[:3]}{STARS}{address[-4:]}", f"{local[:1]}{STARS}@{domain}")
    assert shown == STARS or " " not in shown
    assert not re.search(r"\d{6,}", shown)


@given(any_text())
def test_redacting_twice_shows_the_same_as_redacting_once(address: str) -> None:
    """A sink may redact what the pipeline has redacted before it."""
    once = redact_address(address)
    assert redact_address(once) == once


def forms_of(secret: object) -> list[str]:
    """Return every text that a secret turns into without anybody asking for it."""
    return [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r}",
        f"{secret:>40}",
        format(secret, "^30"),
        "%s %r" % (secret, secret),  # noqa: UP031
        "{}".format(secret),  # noqa: UP032
        repr([secret, (secret,), {"password": secret}]),
        json.dumps({"password": secret}, default=str) if not isinstance(secret, bytes) else "",
    ]


@given(passwords())
def test_a_secret_never_turns_into_a_text_by_itself(password: str) -> None:
    """Neither ``repr`` nor ``str`` nor any way of formatting shows it; only asking for it does."""
    secret = Secret(password)
    assert [form for form in forms_of(secret) if password in form] == []
    assert all(STARS in form for form in forms_of(secret))
    assert secret.reveal() == password


def fails_with(secret: object) -> None:
    """Raise with the secret in a local variable and in the exception."""
    raise ValueError("no good", secret)


@given(passwords())
def test_a_secret_stays_out_of_tracebacks_and_logs(password: str) -> None:
    """Even where the locals of every frame are printed, and where it is an argument of the exception."""
    record = logging.LogRecord(
        "test", logging.ERROR, "here", 1, "password %s %r", (Secret(password), Secret(password)), None
    )
    assert password not in record.getMessage()
    try:
        fails_with(Secret(password))
    except ValueError as error:
        # The frame of this test holds the password itself, so only the one below it is looked at.
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        below = traceback.TracebackException(type(error), error, frames, capture_locals=True)
        reported = "".join(below.format())
    assert "fails_with" in reported
    assert STARS in reported
    assert password not in reported


@given(passwords(), passwords())
def test_secrets_are_compared_by_what_they_hide(one: str, other: str) -> None:
    """Equal texts are equal secrets, hash alike and survive a pickle; a plain text is never equal to one."""
    assert (Secret(one) == Secret(other)) is (one == other)
    assert hash(Secret(one)) == hash(Secret(one))
    assert pickle.loads(pickle.dumps(Secret(one))) == Secret(one)
    assert Secret(one) != one
    assert not hasattr(Secret(one), "__dict__")


@pytest.mark.parametrize("text", ["", "\ud800", "x"])
def test_a_secret_is_true_where_there_is_something_to_hide(text: str) -> None:
    """An empty one is false, and even half a character can be compared."""
    assert bool(Secret(text)) is bool(text)
    assert Secret(text) == Secret(text)


@given(passwords())
def test_a_request_body_shows_only_its_length(password: str) -> None:
    """It is bytes to whoever sends it, and a length to whoever prints it."""
    body = SecretBytes(password.encode())
    assert body == password.encode()
    assert [form for form in forms_of(body) if password in form] == []
    assert repr(body) == str(body) == f"<{len(body)} bytes, not shown>"


@given(any_text())
def test_a_text_is_described_by_its_length(text: str) -> None:
    """It shows nothing else."""
    assert describe_text(text) == f"<{len(text)} characters>"


@given(any_text())
def test_the_shape_of_a_text_holds_none_of_its_letters_and_digits(text: str) -> None:
    """Every letter, its marks and every digit of any script is replaced, one for one, and twice is like once."""
    shape = text_shape(text)
    assert len(shape) == len(text)
    assert text_shape(shape) == shape
    for before, after in zip(text, shape, strict=True):
        assert after in "x9ء" if before.isalnum() else after in (before, "ء", "9")


def test_the_shape_of_a_text_keeps_what_matters_to_its_encoding() -> None:
    """Spaces, punctuation and symbols stay, and letters beyond ASCII stay beyond ASCII."""
    assert text_shape("Your code: 123-456!") == "xxxx xxxx: 999-999!"
    assert text_shape("رمزك ٤٢ 😀") == "ءءءء 99 😀"
    assert text_shape("مَرحَبًا ½ ⑳ Ⅷ") == "ءءءءءءءء 9 9 9"


@given(any_text(80), st.lists(st.text(DIGITS + "abé ", min_size=8, max_size=12), max_size=4), st.data())
def test_scrubbed_words_hold_no_secret_and_no_number(text: str, secrets: list[str], data: st.DataObject) -> None:
    """Wherever they stood: each long secret is removed, so is every code, and what is left is one printable line."""
    secrets = [secret.strip() for secret in secrets if len(secret.strip()) >= 8]
    for secret in secrets:
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + secret + text[place:]
    clean = scrub(text, *secrets)
    assert [secret for secret in secrets if secret in clean] == []
    unescaped = re.sub(r"\\(x..|u....|U.{8})", " ", clean)
    assert not re.search(r"(?<!ERR)(?<!\d)\d{4,}", unescaped)
    assert one_line(clean) == clean
    clean.encode()


@pytest.mark.parametrize(
    ("words", "secrets", "shown"),
    [
        ("Account balance is zero", ["a", "balance is"], "Account **** zero"),
        ("Authentication error", ["a", "on", "error"], "Authentication ****"),
        ("user &#98;ob, pass s%65cret!", ["bob", "secret"], "user ****, pass ****!"),
        ("SANDBOXPASSWORD or xsandboxpasswordx", ["sandboxpassword"], "**** or x****x"),
        ("c2VjcmV0 or Y2Fubm90IGJlIQ==", ["secret", "cannot be!"], "**** or ****"),
        ("code 4 7 1 1 or 47-11 and \u0664\u0667\u0661\u0661", [], "code **** or **** and ****"),
        ("to +965 9876-5432, sara@example.com", [], "to ****, ****"),
        ("'Dear Sara' and \u201cHi\u201d can't, won't", [], "**** and **** can't, won't"),
        ("bad key hunter2hunter2 / dGhlIGtleSBpcyBsMQ==", [], "bad key **** / ****"),
        ("ERR013: queue full, 30 s, at 12:30", ["", " "], "ERR013: queue full, 30 s, at 12:30"),
        ("HTTP/1.1 and TLSv1.3, KWT-SMS, 100% of 5 & 6", [], "HTTP/1.1 and TLSv1.3, KWT-SMS, 100% of 5 & 6"),
        ("no\n\u2028\u202e\x1b[2J\x85\ud83d", [], r"no\n\u2028\u202e\x1b[2J\u0085\ud83d"),
    ],
)
def test_words_are_scrubbed_by_their_shape(words: str, secrets: list[str], shown: str) -> None:
    """Codes, tokens, quotes and addresses go; short secrets only as words of their own; the rest stays readable."""
    assert scrub(words, *secrets) == shown


@pytest.mark.parametrize("unit", ["'", "“", "a@", "a+", "+1", "1 ", "a1", "&#9", "%4", "\\u", "<@"])
def test_hostile_words_are_scrubbed_fast(unit: str) -> None:
    """A body of a megabyte must not hold up an answer."""
    scrub(unit * (100_000 // len(unit)), "secret", "x" * 100)


@given(numbers(6, 15), st.sampled_from(["", " ", "-", ".", "\u00a0", "(", ")"]), st.sampled_from(["", "+"]))
def test_a_number_is_scrubbed_however_it_is_punctuated(number: str, separator: str, plus: str) -> None:
    """One mark between digits does not make a number something else."""
    assert scrub(f"to {plus}{separator.join(number)} refused") == f"to {STARS} refused"


def test_scrubbing_takes_the_longest_secret_first_and_leaves_the_rest_alone() -> None:
    """A secret inside another does not save the end of the longer one, and codes stay readable."""
    assert scrub("user bob has bob-secret", "bob", "bob-secret") == f"user {STARS} has {STARS}"
