"""``notifykit preview``: the phone view, and why a text costs what it costs."""

from __future__ import annotations

import pathlib

import pytest

from notifykit.cli.preview import columns, is_right_to_left, phone_lines
from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import LONG_TEXT, Run, on_terminal, start


def test_one_curly_quote_is_named_as_the_reason_for_two_segments(run: Run) -> None:
    """Unicode, two segments, the quote is why, and a straight one makes it one segment."""
    assert len(LONG_TEXT) == 71
    answer = run("preview", LONG_TEXT)
    assert answer.code == 0
    assert "Unicode · 2 segments · 2 points a recipient" in answer.out
    assert "why Unicode  ’  right single quotation mark, at 40 → '" in answer.out
    assert "could save   1 segment: ' for ’ makes it 1 segment" in answer.out
    assert "71/134 units" in answer.out


def test_json_has_the_same_facts(run: Run) -> None:
    """Numbers as numbers, characters as characters."""
    data = run("preview", LONG_TEXT, "--json").data
    assert (data["encoding"], data["units"], data["segments"], data["cost"]) == ("ucs2", 71, 2, 2)
    assert [forced["character"] for forced in data["forced"]] == ["’"]
    assert data["saving"]["saves_segments"] == 1


def test_it_needs_no_account_and_sends_nothing(run: Run) -> None:
    """It is what people try first."""
    answer = run("preview", "Your code is 123456")
    assert (answer.code, answer.err) == (0, "")
    assert "GSM-7 · 1 segment" in answer.out
    assert "19/160 units, 141 left" in answer.out


def test_what_the_cleaners_change_is_shown(run: Run) -> None:
    """With the reason for each edit."""
    answer = run("preview", "رمز ١٢٣ 🎉")
    assert "🎉 removed (emoji)" in answer.out
    assert "١٢٣ → 123 (Arabic-Indic digits)" in answer.out
    assert "characters without a GSM-7 form: ر م ز" in answer.out
    assert "nothing by replacing characters" in answer.out


def test_the_text_may_come_from_a_file_or_a_pipe(run: Run, tmp_path: pathlib.Path) -> None:
    """As everywhere."""
    (tmp_path / "text.txt").write_text("From a file\n")
    assert "From a file" in run("preview", "--message-file", str(tmp_path / "text.txt")).out
    assert "From a pipe" in run("preview", "-", stdin="From a pipe\n").out
    assert run("preview").code == 2


def test_a_text_that_would_be_refused_says_so(run: Run) -> None:
    """Too long, or empty."""
    answer = run("preview", "x" * 1100)
    assert answer.code == 1
    assert "ERR012" in answer.out


def test_a_transport_that_does_not_measure_says_that(run: Run) -> None:
    """No encoding is made up."""
    answer = run("preview", "Hello", "--via", "webhook://example.com/hook")
    assert answer.code == 0
    assert "does not measure" in answer.out


def test_a_number_that_is_no_good_is_said_to_be(run: Run) -> None:
    """With its reason, and the exit code of numbers that are not valid."""
    answer = run("preview", "Hi", "--to", "abc")
    assert answer.code == 3
    assert " rejected     There are no digits in this address." in answer.out
    document = run("preview", "Hi", "--to", "abc", "--json").document
    assert (document["ok"], document["error"]["kind"], document["data"]["to"]) == (False, "InvalidRecipient", None)


def test_the_head_says_who_would_get_it_and_whether_it_is_a_test(
    gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number redacted; without an account nothing is known about tests."""
    assert run("preview", "Hi", "--to", "96598765432").out.startswith(" to 965****5432 · TEST\n")
    monkeypatch.setenv("KWTSMS_TEST_MODE", "0")
    assert run("preview", "Hi", "--sender", "SHOP").out.startswith(" SHOP · LIVE\n")
    monkeypatch.delenv("KWTSMS_USERNAME")
    assert run("preview", "Hi").out.startswith(" ╭")
    assert gateway.requests == ()


def test_invisible_marks_are_for_terminals_only(run: Run) -> None:
    """A search in the answer finds the words of the message."""
    text = "رمز التحقق هو 123456"
    assert "هو 123456" in run("preview", text).out
    code, shown = on_terminal("preview", text)
    assert code == 0
    assert "\u2066123456\u2069" in shown


# --- the phone ---


@pytest.mark.parametrize("text", ["Hello", "رمز التحقق هو 123456 من MYAPP", "a\nb", "", "你好" * 30, "x" * 200])
def test_every_line_of_the_frame_is_as_wide_as_the_others(text: str) -> None:
    """As a terminal counts: invisible marks take no column, wide signs two."""
    lines = phone_lines(text)
    assert len({columns(line) for line in lines}) == 1
    assert (lines[0][1], lines[0][-1], lines[-1][1], lines[-1][-1]) == ("╭", "╮", "╰", "╯")


def test_a_latin_name_of_several_words_stays_in_order() -> None:
    """As a phone shows it: two numbers beside each other are no name."""
    assert "\u2066John O'Neil\u2069" in "".join(phone_lines("عزيزي John O'Neil، أهلا"))
    assert "\u206612\u2069 \u206634\u2069" in "".join(phone_lines("رقم 12 34"))


def test_right_to_left_lines_are_on_the_right_and_codes_stay_in_order() -> None:
    """Isolated, so that no terminal turns a code around; the frame stays where it is."""
    text = "رمز التحقق لتطبيق MY-APP هو الرقم التالي وهو سري جدا 471-102"
    assert is_right_to_left(text)
    lines = phone_lines(text)[1:-1]
    assert len(lines) > 1
    assert all(line.startswith(" │ \u200e") and "\u2067" in line for line in lines)
    assert "\u2066MY-APP\u2069" in "".join(lines)
    assert "\u2066471-102\u2069" in "".join(lines)


def test_control_characters_do_not_reach_the_terminal(run: Run) -> None:
    """A text must not move the cursor or change colours."""
    assert "\x1b" not in run("preview", "Hi \x1b[31mred").out
    assert "\x1b" not in run("explain", "Hi \x1b[31mred").out


def test_a_console_without_the_signs_gets_ascii(run: Run) -> None:
    """Boxes and bars by their likeness, Arabic as escapes, and no traceback."""
    answer = run("preview", "رمز 12", encoding="ascii")
    assert (answer.code, answer.err) == (0, "")
    assert "+---" in answer.out
    assert "\\u0631" in answer.out
    assert "#" in answer.out


def test_arabic_survives_a_pipe_whatever_the_locale() -> None:
    """A pipe is UTF-8."""
    done = start("preview", "رمز", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0
    assert "رمز" in done.stdout.decode("utf-8")


def test_what_to_know_about_the_number_is_said(run: Run) -> None:
    """A landline abroad can be sent to, and may not be able to receive it."""
    answer = run("preview", "Hello", "--to", "+39 06 1234 5678")
    assert answer.code == 0
    assert " notice       This number of +39 (IT) is a landline" in answer.out


def test_a_tab_keeps_words_apart() -> None:
    """Also where the channel carries it as it is."""
    assert " │ Price 5 │" in phone_lines("Price\t5")
