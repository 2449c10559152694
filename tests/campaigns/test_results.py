"""The table of results: every cell as it came in, what became of each row, and nothing that a spreadsheet runs or changes."""

from __future__ import annotations

import csv
import io
import pathlib
import stat

import pytest
from hypothesis import example, given, strategies as st

from notifykit.campaigns.files import text_file
from notifykit.campaigns.results import (
    FACTS,
    ResultColumns,
    RowCost,
    columns_of,
    guarded,
    require_writable,
    result_rows,
    write_csv,
    write_results,
)
from notifykit.campaigns.tables import open_table, plain
from notifykit.errors import InvalidRecipient
from notifykit.models.delivery import Delivery, DeliveryReport, DeliveryState
from notifykit.models.job import JobRow
from notifykit.models.receipt import Outcome, Receipt, SkipReason, Submission, Veto
from notifykit.models.recipient import Recipient, Rejected

SARA = Recipient("96598765432", country="KW")
COST = RowCost(lambda text, channel: 1 + len(text) // 70, lambda recipient, segments: float(segments))


def lines(rows: list[JobRow], columns: ResultColumns | None = None) -> list[dict[str, str]]:
    """Return the rows of a table of results as a program reads them."""
    columns = columns or ResultColumns.beside(columns_of(rows))
    stream = io.StringIO(newline="")
    write_csv(stream, result_rows(rows, columns, COST))
    return list(csv.DictReader(io.StringIO(stream.getvalue(), newline="")))


def test_each_row_has_what_became_of_it() -> None:
    """Outcome, code, message id, segments, cost, delivery and advice."""
    accepted = Receipt(0, SARA, Outcome.ACCEPTED, submission=Submission("id-1", cost=2.0))
    delivered = Delivery("id-1", SARA.address).record(DeliveryReport("id-1", SARA.address, DeliveryState.DELIVERED))
    error = InvalidRecipient("It has two digits.", "short", action="Give all of them.")
    veto = Veto("quiet_hours", "It is night.", "Wait.")
    found = lines(
        [
            JobRow(0, {"Name": "سارة"}, accepted, delivered, "x" * 71),
            JobRow(1, {"Name": "Omar"}, Receipt(1, Rejected("12", error), Outcome.REJECTED, error), None),
            JobRow(2, {}, Receipt(2, SARA, Outcome.SKIPPED, skipped=SkipReason.GUARD, veto=veto), None, "x"),
            JobRow(3, {"Name": "Noor"}, None, None, "x"),
        ]
    )
    assert list(found[0]) == ["Name", *FACTS]
    assert [list(row.values()) for row in found] == [
        ["سارة", "accepted", "", "id-1", "2", "2", "delivered", "It arrived; there is nothing to do."],
        ["Omar", "rejected", "short", "", "", "", "", "It has two digits. Give all of them."],
        ["", "skipped", "quiet_hours", "", "1", "", "", "It is night. Wait."],
        ["Noor", "waiting", "", "", "1", "", "", ""],
    ]


def test_a_column_whose_name_the_table_has_gets_another() -> None:
    """Upper and lower case do not count, and it is said."""
    columns = ResultColumns.beside(["Outcome", "COST", "cost (notifykit)"])
    assert columns.facts[0] == "outcome (notifykit)"
    assert columns.facts[4] == "cost (notifykit 2)"
    assert len(columns.warnings) == 2
    assert len({name.casefold() for name in (*columns.table, *columns.facts)}) == 3 + len(FACTS)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("96598765432", "96598765432"),
        ("-5", "-5"),
        ("12.500", "12.500"),
        ("سارة", "سارة"),
        ("", ""),
        ("00123", '="00123"'),
        ("0", "0"),
        ("+965 9876-5432", '="+965 9876-5432"'),
        ("123456789012", '="123456789012"'),
        ("12e7", '="12e7"'),
        ('="00123"', '="00123"'),
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("\t=1", "'\t=1"),
        ("'=1", "''=1"),
        ("'Ali", "'Ali"),
    ],
)
def test_a_cell_is_written_so_that_a_spreadsheet_shows_it(cell: str, written: str) -> None:
    """Numbers as they are, leading zeros kept, and nothing runs."""
    assert guarded(cell) == written


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["007", "+9651", "=1", "'=1", "''=", "@a", "-1", "-a", "1e5", "\t=", '="a', '="1"', '="="', "\r", "a\r\nb"]
)


@given(cell=CELL)
@example('="="')
def test_nothing_that_is_written_is_a_formula_and_all_of_it_reads_back(cell: str) -> None:
    """A formula would begin with a sign; one that is a text in quotes shows that text."""
    written = guarded(cell)
    if written[:1] in "=+-@\t\r" and written:
        assert written.startswith('="') or float(written) is not None
    assert plain(written) in (plain(cell), cell.strip())


@given(rows=st.lists(st.fixed_dictionaries({"a": CELL, "b": CELL}), min_size=1, max_size=4))
def test_any_table_survives_the_results(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]) -> None:
    """Cells → results → cells, as a table reads them."""
    file = tmp_path_factory.mktemp("results") / "out.csv"
    stored = [JobRow(n, cells, None, None) for n, cells in enumerate(rows)]
    write_results(file, result_rows(stored, ResultColumns.beside(("a", "b")), COST))
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    found = list(open_table(text_file(file), ("a",)).rows())
    assert len(found) == len(rows)
    for row, cells in zip(found, rows, strict=True):
        for name, cell in cells.items():
            assert plain(row.cells[name]) in (plain(cell), cell.strip())
        assert row.cells["outcome"] == "waiting"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: pathlib.Path) -> None:
    """Nobody reads half of one; a new one is for this user only."""
    file = tmp_path / "out.csv"
    write_results(file, [["first"]])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o640)
    with pytest.raises(ZeroDivisionError):
        write_results(file, ([str(1 // n)] for n in (1, 0)))
    assert file.read_text("utf-8-sig") == "first\n"
    write_results(file, [["third"]])
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [found.name for found in tmp_path.iterdir()] == ["out.csv"]


def test_a_workbook_of_results_has_every_cell_as_it_is(tmp_path: pathlib.Path) -> None:
    """Texts are texts, whatever they begin with, and numbers are numbers."""
    openpyxl = pytest.importorskip("openpyxl")
    file = tmp_path / "out.xlsx"
    cells = {"Name": "سارة", "Card": "00123", "Note": "=1+1", "Mobile": "+96598765432"}
    accepted = Receipt(0, SARA, Outcome.ACCEPTED, submission=Submission("12e7"))
    stored = [JobRow(0, cells, accepted, None, "x")]
    write_results(file, result_rows(stored, ResultColumns.beside(cells), COST))
    sheet = openpyxl.load_workbook(file).active
    _, (*row, advice) = sheet.iter_rows()
    assert [cell.value for cell in row] == [*cells.values(), "accepted", None, "12e7", 1, 1, None]
    assert {cell.data_type for cell in row[:4]} == {"s"}
    assert advice.value.startswith("Keep the message id")
    assert [dict(found.cells)["Card"] for found in open_table(file, ("Name",)).rows()] == ["00123"]


def test_whether_results_can_be_written_is_known_before(tmp_path: pathlib.Path) -> None:
    """Without touching what is there."""
    require_writable(tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []
    for wrong in (tmp_path, tmp_path / "nowhere" / "out.csv"):
        with pytest.raises(OSError, match=r"directory"):
            require_writable(wrong)
