"""Editing a ``.env`` file: what is written is what is read, and what was there stays."""

from __future__ import annotations

import io
import pathlib

import pytest
from dotenv import dotenv_values
from hypothesis import given, strategies as st

from notifykit import ConfigError, Settings
from notifykit_kwtsms.cli.env_file import EnvFile, quote

#: Everything that a value may be: one line of text that asks for no other variable.
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=40).filter(
    lambda value: "${" not in value
)
HARD = ("", " ", "a b", "a #b", "#", "a'b", 'a"b', "back\\slash", "end\\", "\\'", "رمز ١٢٣", "a=b", "$HOME", "'", "🎉")
#: Lines of a file written by hand.
LINES = st.sampled_from(
    [
        "# a comment",
        "",
        "   ",
        "OTHER=1",
        "export PATH_TO='a b'  # why",
        'QUOTED="two\nlines"',
        "BARE",
        "SPACED = value   # note",
        "KWTSMS_USERNAME=old",
        "export KWTSMS_PASSWORD='old # pass'# tight",
        "KWTSMS_PASSWORD= # empty",
        "KWTSMS_PASSWORD",
        'KWTSMS_SENDER_ID="OLD" # sender',
        "KWTSMS_LOG_FILE=",
    ]
)
OURS = ("KWTSMS_USERNAME", "KWTSMS_PASSWORD", "KWTSMS_SENDER_ID", "KWTSMS_LOG_FILE")
SAMPLE = """\
# my settings
DEBUG=1
KWTSMS_USERNAME=your_api_user
KWTSMS_PASSWORD=your_api_pass
KWTSMS_SENDER_ID=YOUR-SENDERID   # use KWT-SMS for testing only
KWTSMS_TEST_MODE=1                # 1 = test (safe default), 0 = live
KWTSMS_LOG_FILE=kwtsms.log        # JSONL log path, set to "" to disable
"""


def _file(text: str) -> EnvFile:
    return EnvFile(pathlib.Path(".env"), text)


def _read(file: EnvFile) -> dict[str, str | None]:
    return dotenv_values(stream=io.StringIO(file.text, newline=""))


@pytest.mark.parametrize("value", HARD)
def test_hard_values_are_read_back_as_they_were_given(value):
    """Spaces, hashes, quotes, backslashes, Arabic: python-dotenv gives back the same characters."""
    assert _read(_file("").with_values({"NAME": value, "NEXT": "x"})) == {"NAME": value, "NEXT": "x"}


@given(values=st.lists(VALUES, min_size=1, max_size=4))
def test_any_line_of_text_is_read_back_as_it_was_given(values):
    """Whatever stands before and behind it."""
    wanted = dict(zip(OURS, values, strict=False))
    assert _read(_file("OTHER='x'\n").with_values(wanted)) == {"OTHER": "x", **wanted}


@given(
    lines=st.lists(LINES, max_size=8),
    values=st.lists(VALUES, min_size=4, max_size=4),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_other_lines_stay_as_they_are(lines, values, end):
    """Comments, blanks, order, spelling and line ends: only the values of the given names change."""
    before = _file(end.join(["# head", *lines, ""]))
    wanted = dict(zip(OURS, values, strict=True))
    after = before.with_values(wanted)
    assert after.values == {**before.values, **wanted}
    assert _of_others(after.text, end) == _of_others(before.text, end)


def _of_others(text: str, end: str) -> list[str]:
    return [line for line in text.split(end) if not any(name in line for name in OURS)]


@given(lines=st.lists(LINES, max_size=8), value=VALUES)
def test_writing_twice_changes_nothing_more(lines, value):
    """The second run of the wizard with the same answers leaves the file as the first did."""
    once = _file("\n".join(lines)).with_values({"KWTSMS_PASSWORD": value})
    assert once.with_values({"KWTSMS_PASSWORD": value}).text == once.text


def test_the_documented_sample_keeps_its_comments():
    """Also those behind the values that change."""
    changed = _file(SAMPLE).with_values(
        {"KWTSMS_USERNAME": "me", "KWTSMS_SENDER_ID": "my app", "KWTSMS_TEST_MODE": "0"}
    )
    expected = SAMPLE.replace("your_api_user", "me").replace("YOUR-SENDERID", "'my app'").replace("MODE=1 ", "MODE=0 ")
    assert changed.text == expected


def test_a_name_that_stands_there_twice_changes_in_both_places():
    """No old password remains."""
    changed = _file("KWTSMS_PASSWORD=old\nA=1\nKWTSMS_PASSWORD=older\n").with_values({"KWTSMS_PASSWORD": "new"})
    assert changed.text == "KWTSMS_PASSWORD=new\nA=1\nKWTSMS_PASSWORD=new\n"


def test_a_byte_order_mark_stays_in_front(tmp_path):
    """As editors on Windows write it; the settings still read the first name."""
    path = tmp_path / ".env"
    path.write_bytes("\ufeffKWTSMS_USERNAME=a\r\n".encode())
    changed = EnvFile.read(path).with_values({"KWTSMS_USERNAME": "b", "KWTSMS_PASSWORD": "c"})
    assert changed.text == "\ufeffKWTSMS_USERNAME=b\r\nKWTSMS_PASSWORD=c\r\n"
    path.write_bytes(changed.text.encode())
    assert Settings.load(directory=tmp_path, environment={}).sources.dotenv["KWTSMS_USERNAME"] == "b"


@pytest.mark.parametrize("value", ["two\nlines", "a\rb", "nul\0", "${HOME}", "\ud800"])
def test_what_such_a_file_cannot_hold_is_refused(value):
    """Instead of being read back as something else, and without the value in the message."""
    with pytest.raises(ValueError, match=r"must|holds"):
        quote(value)
    with pytest.raises(ConfigError) as refused:
        _file("").with_values({"KWTSMS_PASSWORD": f"hunter2{value}"})
    assert "KWTSMS_PASSWORD" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("text", ["A='open\nB=1\n", '\n\nA="open', "=1\n"])
def test_a_file_with_a_line_that_cannot_be_read_is_not_edited(tmp_path, text):
    """The end of an open quote is unknown; the line is named."""
    path = tmp_path / ".env"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"\.env line \d+ can't be read"):
        EnvFile.read(path)


def test_a_file_that_is_not_text_is_not_edited(tmp_path):
    """It may be anything."""
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe\n")
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        EnvFile.read(tmp_path / ".env")


def test_a_file_that_is_not_there_is_empty(tmp_path):
    """The first run of the wizard."""
    assert EnvFile.read(tmp_path / ".env").values == {}


def test_the_text_is_not_in_the_repr():
    """It holds a password."""
    assert "hunter2" not in repr(_file("KWTSMS_PASSWORD=hunter2"))
