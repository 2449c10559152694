"""Tables as rows: encodings, separators, workbooks, JSON Lines, and what is refused."""

from __future__ import annotations

import codecs
import datetime
import io
import json
import pathlib

import pytest
from hypothesis import given, strategies as st

from notifykit.campaigns.files import TableError, copied, text_file
from notifykit.campaigns.tables import Table, cell_text, open_table, plain

ARABIC = "Name,Mobile\nسارة,96598765432\nعمر,96598765433\n"
CELLS = [{"Name": "سارة", "Mobile": "96598765432"}, {"Name": "عمر", "Mobile": "96598765433"}]


def table(folder: pathlib.Path, content: str | bytes, name: str = "people.csv") -> Table:
    """Return a table that was written to a file."""
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_table(text_file(file))


@pytest.mark.parametrize(
    "content",
    [
        ARABIC.encode(),
        codecs.BOM_UTF8 + ARABIC.replace("\n", "\r\n").encode(),
        codecs.BOM_UTF16_LE + ARABIC.replace(",", "\t").encode("utf-16-le"),
        ("sep=;\r\n" + ARABIC.replace(",", ";")).encode("cp1256"),
        ARABIC.encode("cp1256"),
    ],
    ids=["utf-8", "with a mark", "utf-16 and tabs", "windows-1256 and a sep line", "windows-1256"],
)
def test_the_encodings_of_excel_are_read(tmp_path: pathlib.Path, content: bytes) -> None:
    """The rows are the same, and a guess is said."""
    found = table(tmp_path, content)
    assert [dict(row.cells) for row in found.rows()] == CELLS
    assert found.columns == ("Name", "Mobile")
    guessed = "windows-1256" if b"\xd3" in content and b"\xd8" not in content else ""
    assert guessed in "".join(found.warnings).lower()
    assert bool(found.warnings) is bool(guessed)


@pytest.mark.parametrize("content", ["Name\nS\xe4ra\n".encode("latin-1"), "Name\nSara".encode("utf-16-le")])
def test_what_is_not_windows_1256_is_not_guessed(tmp_path: pathlib.Path, content: bytes) -> None:
    """Latin letters beside Arabic ones are another encoding."""
    with pytest.raises(TableError, match="is not UTF-8 text"):
        table(tmp_path, content)


def test_the_guess_is_made_from_the_whole_file(tmp_path: pathlib.Path) -> None:
    """The first letter that is not ASCII may be behind a megabyte."""
    rows = "Sara,96598765432\n" * 100_000
    found = table(tmp_path, b"Name,Mobile\n" + rows.encode() + "سارة,96598765432\n".encode("cp1256"))
    assert found.warnings
    assert list(found.rows())[-1].cells["Name"] == "سارة"


def test_rows_have_their_lines(tmp_path: pathlib.Path) -> None:
    """Empty ones are left out and counted, as are line ends within a cell."""
    found = table(tmp_path, 'Name,Mobile\n"a\nb",1\n,\nc,2\n')
    assert [(row.line, row.cells["Mobile"]) for row in found.rows()] == [(2, "1"), (5, "2")]
    assert found.check() == 2


def test_every_line_that_can_not_be_read_is_listed(tmp_path: pathlib.Path) -> None:
    """Up to ten of them, and how many more there are."""
    with pytest.raises(TableError) as caught:
        table(tmp_path, "Name,Mobile\n" + "Sara\n" * 30).check()
    assert "line 2 has 1 cells" in str(caught.value)
    assert "and 20 more" in str(caught.value)


def test_columns_get_names_of_their_own(tmp_path: pathlib.Path) -> None:
    """Two that are called the same get two names, which is said, and one without a name has its place."""
    found = table(tmp_path, "Name,,Name,\na,b,c,\n")
    assert found.columns == ("Name", "column 2", "Name (2)")
    assert found.warnings == ("There are 2 columns Name: the one at place 3 is called Name (2) here.",)
    assert dict(next(found.rows()).cells) == {"Name": "a", "column 2": "b", "Name (2)": "c"}


def test_a_workbook_says_what_a_person_sees(tmp_path: pathlib.Path) -> None:
    """Numbers without a fraction, dates, and zeros that only the format of the cell has."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Mobile", "Amount", "Day", "Member", "Paid"])
    book.active.append([96598765432.0, 12.5, datetime.datetime(2026, 12, 31), 42, True])
    book.active["D2"].number_format = "00000"
    book.save(tmp_path / "people.xlsx")
    (row,) = open_table(text_file(tmp_path / "people.xlsx")).rows()
    assert list(row.cells.values()) == ["96598765432", "12.5", "2026-12-31", "00042", "TRUE"]


def test_json_lines_are_rows(tmp_path: pathlib.Path) -> None:
    """Columns are the keys of all lines; numbers keep their digits."""
    found = table(tmp_path, '{"Mobile": 96598765432}\n\n{"Name": "سارة", "Mobile": 9.6598765433E+10}\n', "people.jsonl")
    assert found.columns == ("Mobile", "Name")
    rows = [(row.line, dict(row.cells)) for row in found.rows()]
    assert rows == [(1, {"Mobile": "96598765432"}), (3, {"Name": "سارة", "Mobile": "9.6598765433E+10"})]


def test_lines_that_are_no_rows_are_listed(tmp_path: pathlib.Path) -> None:
    """Each with its reason, and no cell of it."""
    lines = ["{", "[1]", '{"a": 1, "a": 2}', '{"a": ["secret"]}', '{"a": 1}']
    with pytest.raises(TableError) as caught:
        table(tmp_path, "\n".join(lines), "people.jsonl").check()
    for words in ("line 1 is no JSON", "line 2 is no object", "line 3 has two values", "line 4 has a list"):
        assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("content", "suffix"), [(ARABIC.encode(), ".csv"), (b'\xef\xbb\xbf {"a": 1}\n', ".jsonl")])
def test_a_stream_is_copied_and_its_copy_deleted(content: bytes, suffix: str) -> None:
    """It can be read twice; what it is, its first bytes say."""
    file = copied(io.BytesIO(content), "standard input")
    assert file.suffix == suffix
    assert file.path.stat().st_mode & 0o777 == 0o600
    found = open_table(file)
    assert list(found.rows()) == list(found.rows()) != []
    path = file.path
    del file, found
    assert not path.exists()


def test_a_cell_of_a_program_is_written_as_a_spreadsheet_shows_it() -> None:
    """What a cell can't hold is an error."""
    assert [cell_text(value) for value in (None, 1.0, 0.1 + 0.2, 96598765432)] == ["", "1", "0.3", "96598765432"]
    with pytest.raises(TypeError, match="a cell is a list"):
        cell_text([1])


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=5))
def test_any_cell_survives_json_lines(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    """As it is, spaces and signs included."""
    names = ("a", "b", "c")
    text = "".join(f"{json.dumps(dict(zip(names, row, strict=True)))}\n" for row in rows)
    found = table(tmp_path_factory.mktemp("t"), text, "t.jsonl")
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    assert [list(row.cells.values()) for row in found.rows()] == kept


def test_what_spreadsheets_put_around_a_cell_is_no_part_of_it() -> None:
    """And an apostrophe within a name is."""
    assert [plain(cell) for cell in ('="00123"', "'=1+1", " سارة ", "'Ali", '="a""b"')] == [
        "00123",
        "=1+1",
        "سارة",
        "'Ali",
        'a"b',
    ]


@pytest.mark.parametrize("rows", [1, 100_000])
def test_a_character_that_no_text_has_is_refused_wherever_it_is(tmp_path: pathlib.Path, rows: int) -> None:
    """A NUL behind the first bytes too: databases and programs end a text there."""
    with pytest.raises(TableError, match="is not UTF-8 text"):
        table(tmp_path, "Name,Mobile\n" + "Sara,96598765432\n" * rows + "Sa\0ra,96598765433\n")


def test_a_table_has_no_more_columns_than_a_sheet(tmp_path: pathlib.Path) -> None:
    """It is said at once, also where all have one name."""
    with pytest.raises(TableError, match="has 16,385 columns"):
        table(tmp_path, ",".join(["a"] * 16_385) + "\n")


def test_a_cell_that_is_too_long_is_no_open_quote_alone(tmp_path: pathlib.Path) -> None:
    """Both are named."""
    problems: list[str] = []
    list(table(tmp_path, f"Name,Mobile\n{'x' * 140_000},96598765432\n").rows(problems.append))
    (said,) = problems
    assert said.startswith("line 2: a cell has more than 131,072 characters, or a quote is opened and not closed")
