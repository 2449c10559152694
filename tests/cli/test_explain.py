"""``notifykit explain`` and ``notifykit help``: texts, numbers, codes, pages."""

from __future__ import annotations

import pytest

from notifykit import TransportError
from notifykit.cli.exit_codes import Exit
from notifykit.http.network import network_errors
from notifykit_kwtsms.api.codes import CODES
from tests.cli.conftest import LONG_TEXT, Run


@pytest.mark.parametrize("words", [["explain", "ERR013"], ["explain", "err013"], ["help", "errors", "ERR013"]])
def test_a_code_is_explained_with_its_cure(run: Run, words: list[str]) -> None:
    """Meaning, cure, what it is about, and whether it helps to wait."""
    answer = run(*words)
    assert answer.code == 0
    assert answer.out.splitlines() == [
        f"ERR013  {CODES['ERR013'].meaning}",
        f"cure    {CODES['ERR013'].action}",
        "about   account",
        "retry   by itself, after 30 s, 60 s, 120 s",
    ]


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_can_be_explained(run: Run, code: str) -> None:
    """For people and for programs."""
    data = run("explain", code, "--json").data
    assert (data["kind"], data["code"], data["action"]) == ("code", code, CODES[code].action)


def test_a_wait_for_one_number_is_a_batchs(run: Run) -> None:
    """A single send does not wait, and the text must not say that it does."""
    for words in (["explain", "ERR028"], ["help", "errors", "ERR028"]):
        line = run(*words).out.splitlines()[-1]
        assert line.startswith("retry   a batch waits by itself, ")
        assert line.endswith("a single send does not: the error says how long to wait")


def test_an_unknown_code_is_guessed(run: Run) -> None:
    """It is not taken for a text."""
    answer = run("explain", "ERR039")
    assert answer.code == 2
    assert "Did you mean ERR0" in answer.err


def test_without_its_plugin_there_are_no_codes(run: Run) -> None:
    """The framework knows no provider."""
    assert run("--no-plugins", "help", "errors").out == "No installed provider has codes.\n"
    assert run("--no-plugins", "explain", "ERR013", "--as", "code").code == 2


@pytest.mark.parametrize(
    ("number", "steps", "end"),
    [
        (
            "+965 9876-5432",
            ["as given", "spaces, dashes", "the sign of the international form"],
            "accepted by kwtsms, country KW",
        ),
        ("٩٦٥٩٨٧٦٥٤٣٢", ["as given", "digits as Latin digits"], "accepted by kwtsms, country KW"),
        ("00966 0551234567", ["as given", "spaces", "(+ or 00)", "the zero removed"], "country SA"),
        ("96598765432", ["as given"], "accepted by kwtsms, country KW"),
        ("98765432", ["as given"], "rejected by kwtsms: This looks like a Kuwait mobile number"),
    ],
)
def test_a_number_is_explained_step_by_step(run: Run, number: str, steps: list[str], end: str) -> None:
    """Each with what the number looks like behind it."""
    answer = run("explain", number)
    lines = answer.out.splitlines()
    assert all(step in line for step, line in zip(steps, lines, strict=False))
    assert end in answer.out
    assert answer.code == (3 if "rejected" in end else 0)


def test_a_country_that_is_put_in_front_is_a_step(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting that did it."""
    monkeypatch.setenv("KWTSMS_DEFAULT_COUNTRY", "KW")
    answer = run("explain", "9876 5432")
    assert "96598765432          the country code 965 of default_country added" in answer.out
    data = run("explain", "9876 5432", "--json").data
    assert (data["address"], data["country"], data["normalizer"]) == ("96598765432", "KW", "kwtsms")


@pytest.mark.parametrize(
    ("number", "step"),
    [
        ("+54 11 2345-6789", "5491123456789        a 9 put in behind 54"),
        ("+52 1 55 1234 5678", "525512345678         the 1 behind 52 removed"),
        ("+44 (0) 7400 123456", "447400123456         the zero removed that is dialled inside the country only"),
    ],
)
def test_a_digit_that_is_put_in_or_left_out_is_a_step(run: Run, number: str, step: str) -> None:
    """With where it stood."""
    assert step in run("explain", number, "--as", "number").out.splitlines()


def test_what_to_know_about_a_number_is_said(run: Run) -> None:
    """In words and in the document."""
    notice = "This number of +39 (IT) is a landline: it may not be able to receive SMS."
    assert f"notice: {notice}" in run("explain", "+39 06 1234 5678").out.splitlines()
    assert run("explain", "+39 06 1234 5678", "--json").data["notices"] == [notice]
    assert run("explain", "96598765432", "--json").data["notices"] == []


def test_a_text_is_explained_character_by_character(run: Run) -> None:
    """Each edit with its cleaner, each forced character with what replacing it saves."""
    answer = run("explain", f"{LONG_TEXT} ٤٢")
    assert "changed   ٤٢ → 42 at 73: Arabic-Indic digits (kwtsms-digits)" in answer.out
    assert "forced    ’  right single quotation mark at 40: → ' saves 1 segment" in answer.out
    assert "together  1 segment: ' for ’ makes it 1 segment" in answer.out


def test_a_character_alone_may_save_nothing(run: Run) -> None:
    """Where another one still makes the text Unicode; together they do."""
    answer = run("explain", f"{LONG_TEXT[:-3]}–by")
    assert "→ ' alone saves nothing" in answer.out
    assert "together  1 segment" in answer.out


def test_a_text_that_is_fine_is_said_to_be(run: Run) -> None:
    """Nothing is changed, and nothing costs more."""
    answer = run("explain", "Hello")
    assert answer.out == "changed   nothing: the text can be sent as it is\nencoding  GSM-7, 5 units, 1 segment\n"


# --- pages ---


def test_help_lists_its_pages(run: Run) -> None:
    """Below the help of the program."""
    answer = run("help")
    assert answer.code == 0
    assert "Pages of help: exit-codes, environment, json, encoding, errors, magic-numbers" in answer.out
    assert run("help", "--json").data["topics"][0] == "exit-codes"


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("exit-codes", " 130  Ctrl-C"),
        ("environment", "KWTSMS_TEST_MODE"),
        ("environment", "NOTIFYKIT_LOG_FILE"),
        ("json", '"v": 1'),
        ("encoding", "160 in one segment"),
        ("magic-numbers", "96545006NNN"),
        ("errors", "ERR033"),
        ("send", "--to-file"),
    ],
)
def test_every_page_can_be_read(run: Run, topic: str, said: str) -> None:
    """Pages of plugins and of commands among them."""
    answer = run("help", topic)
    assert (answer.code, answer.err) == (0, "")
    assert said in answer.out
    assert said in run("help", topic, "--json").data["text"]


def test_every_exit_code_has_its_meaning(run: Run) -> None:
    """None is forgotten on the page."""
    lines = run("help", "exit-codes").out.splitlines()
    assert [int(line.split()[0]) for line in lines] == [code.value for code in Exit]


def test_a_page_that_is_not_there_is_guessed(run: Run) -> None:
    """With exit code 2."""
    answer = run("help", "exit-code")
    assert answer.code == 2
    assert "Did you mean `notifykit help exit-codes`?" in answer.err


@pytest.mark.parametrize("error", network_errors(), ids=lambda error: str(error.code))
def test_what_goes_wrong_on_the_network_is_explained(run: Run, error: TransportError) -> None:
    """Each code that a connection may end with, in small letters or capitals."""
    assert error.code is not None
    for written in (error.code, error.code.upper()):
        answer = run("explain", written)
        assert answer.code == 0
        assert answer.out.startswith(f"{error.code}  {error.detail}")
        assert error.action in answer.out
