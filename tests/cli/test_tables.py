"""Files of recipients: what is read, and what is refused before anything is sent."""

from __future__ import annotations

import codecs
import importlib
import os
import pathlib
import sys
import threading

import pytest

from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run

PEOPLE = "name,mobile\nSara,96598765432\nOmar,96598765433\n"
NUMBERS = ("96598765432", "96598765433")


def write(folder: pathlib.Path, content: str | bytes, name: str = "people.csv") -> str:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(file)


@pytest.mark.parametrize(
    "content",
    [
        PEOPLE,
        PEOPLE.replace("\n", "\r\n") + ",\r\n",
        PEOPLE.replace(",", ";"),
        "sep=;\r\n" + PEOPLE.replace(",", ";"),
        "SEP=|\n" + PEOPLE.replace(",", "|"),
        "\ufeff" + PEOPLE,
        codecs.BOM_UTF16_LE + PEOPLE.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + PEOPLE.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + PEOPLE.encode("utf-32-le"),
        PEOPLE.replace("Sara", '"Sara ""S"" Ali,\nKuwait"'),
        PEOPLE.replace("\n", ",,\n"),
        PEOPLE.replace("96598765432", "96598765432.0").replace("96598765433", "9.6598765433E+10"),
        PEOPLE.replace("96598765432", '"=""96598765432"""'),
    ],
)
def test_a_table_is_read_as_spreadsheets_write_it(
    gateway: Sandbox, run: Run, tmp_path: pathlib.Path, content: str | bytes
) -> None:
    """Separators, encodings by their mark, quotes, cells that became numbers."""
    assert run("send", "--to-file", write(tmp_path, content), "--column", "mobile", "Hello").code == 0
    assert gateway.messages[0].numbers == NUMBERS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PEOPLE + '"Lina,96598765434\nNoor,96598765435\n', ["line 4: a quote is opened and not closed"]),
        (PEOPLE + '"Lina" Ali,96598765434\n', ["line 4: a quote is not closed at its end"]),
        (PEOPLE + "Lina\n\n96598765435\n", ["line 4 has 1 cells", "line 6 has 1 cells, and the first row has 2"]),
        (PEOPLE + "Lina,Ali,96598765434\n", ["line 4 has 3 cells"]),
        ("sep=,\n" + PEOPLE + "Lina\n", ["line 5 has 1 cells"]),
        (PEOPLE + "Lina\n" * 30, ["line 13 has 1 cells", "and 20 more"]),
        ("mobile,name,Mobile\n96598765432,Sara,96598765433\n", ["has 2 columns 'mobile'"]),
        ("name,mobile\n\n,\n", ["has no recipients"]),
        ("", ["has no column 'mobile'; there are: none"]),
        (PEOPLE.encode("utf-16-le"), ["is not UTF-8 text"]),
        ("name,mobile\nS\xe4ra,96598765432\n".encode("latin-1"), ["is not UTF-8 text", "CSV UTF-8"]),
        (codecs.BOM_UTF16_LE + b"\x00\xd8\x00", ["is not UTF-8 text"]),
    ],
)
def test_a_table_that_may_be_read_in_two_ways_is_refused(
    gateway: Sandbox, run: Run, tmp_path: pathlib.Path, content: str | bytes, said: list[str]
) -> None:
    """Each line is named, and nothing is sent."""
    answer = run("send", "--to-file", write(tmp_path, content), "--column", "mobile", "Hello")
    assert answer.code == 2
    assert all(words in answer.err for words in said), answer.err
    assert gateway.requests == ()


@pytest.mark.parametrize("options", [[], ["--column", "mobile"], ["--column", "96598765432"]])
@pytest.mark.parametrize("first", ["Sara Ali,+965 9876-5432\n", "sara@example.com,Kuwait\n", "Sara,96598765432\n"])
def test_a_table_without_names_of_columns_is_refused_without_its_first_person(
    gateway: Sandbox, run: Run, tmp_path: pathlib.Path, first: str, options: list[str]
) -> None:
    """Neither name nor number is printed."""
    answer = run("send", "--to-file", write(tmp_path, first + "Omar,96598765433\n"), *options, "Hello")
    assert answer.code == 2
    assert "holds an address and not the names of columns" in answer.err
    assert "sara" not in answer.err.lower()
    assert "9876" not in answer.err
    assert gateway.requests == ()


def test_a_list_without_anybody_is_an_error(gateway: Sandbox, run: Run, tmp_path: pathlib.Path) -> None:
    """Of lines, too."""
    answer = run("send", "--to-file", write(tmp_path, "\n \n", "people.txt"), "Hello")
    assert answer.code == 2
    assert "has no recipients" in answer.err
    assert gateway.requests == ()


def test_a_pipe_is_read_once(gateway: Sandbox, run: Run, tmp_path: pathlib.Path) -> None:
    """As a shell makes one of another command."""
    pipe = tmp_path / "people.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=[PEOPLE])
    writer.start()
    assert run("send", "--to-file", str(pipe), "--column", "mobile", "Hello").code == 0
    writer.join()
    assert gateway.messages[0].numbers == NUMBERS


class TestWorkbook:
    """Excel's own files."""

    def test_a_workbook_is_read(self, gateway: Sandbox, run: Run, tmp_path: pathlib.Path) -> None:
        """Numbers in cells of either kind; cells that are not there are empty."""
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        for row in (["mobile", "name"], [96598765432, "Sara"], ["+965 9876 5433"], [None, None]):
            book.active.append(row)
        book.save(tmp_path / "people.xlsx")
        answer = run("send", "--to-file", str(tmp_path / "people.xlsx"), "--column", "mobile", "Hello")
        assert answer.code == 0
        assert gateway.messages[0].numbers == NUMBERS
        named = run("send", "--to-file", str(tmp_path / "people.xlsx"), "Hello")
        assert "There are: mobile, name." in named.err

    def test_what_is_no_workbook_is_an_error(self, run: Run, tmp_path: pathlib.Path) -> None:
        """A text with the wrong name."""
        pytest.importorskip("openpyxl")
        answer = run("validate", "--to-file", write(tmp_path, PEOPLE, "people.xlsx"), "--column", "mobile")
        assert answer.code == 2
        assert "no Excel workbook that can be read" in answer.err

    def test_without_the_library_the_install_line_is_named(
        self, run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the other way: CSV."""
        monkeypatch.setitem(sys.modules, "openpyxl", None)
        with pytest.raises(ImportError):
            importlib.import_module("openpyxl")
        answer = run("validate", "--to-file", write(tmp_path, "x", "people.xlsx"), "--column", "mobile")
        assert answer.code == 2
        assert "pip install 'notifykit[xlsx]'" in answer.err
        assert "CSV UTF-8" in answer.err
