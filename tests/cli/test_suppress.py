"""``notifykit suppress``: every command, on a file and on a table."""

from __future__ import annotations

import csv
import pathlib
import stat

import pytest

from tests.cli.conftest import Run

SARA, OMAR, OTHER = "96598765432", "96598765433", "96598765439"


@pytest.fixture(params=["file", "table"], autouse=True, name="kind")
def _kind(request: pytest.FixtureRequest, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFYKIT_STATE_DIR", str(tmp_path / "state"))
    if request.param == "file":
        monkeypatch.setenv("NOTIFYKIT_GUARD_SUPPRESSION_FILE", "list.txt")
        (tmp_path / "list.txt").touch()
    else:
        monkeypatch.setenv("NOTIFYKIT_GUARD_SUPPRESSION_URL", "sqlite")
    return str(request.param)


def test_add_check_and_remove(run: Run) -> None:
    """In any written form; the exit code of check says who is on the list."""
    assert run("suppress", "check", SARA).code == 0
    added = run("suppress", "add", "+965 9876 5432", "Sara@Example.com", "--by", "ali", "--reason", "asked by phone")
    assert (added.code, added.out) == (0, "2 addresses added.\n")
    assert run("suppress", "add", SARA).out == "0 addresses added, 1 was there before.\n"
    found = run("suppress", "check", "00965-98765432")
    assert found.code == 1
    assert found.out.startswith(f"{SARA}  is suppressed since 20")
    assert found.out.endswith("by ali: asked by phone\n")
    assert run("suppress", "check", SARA, OTHER).code == 3
    assert run("suppress", "remove", SARA, OTHER).out == "1 address removed, 1 was not on the list.\n"
    assert run("suppress", "remove", SARA).code == 1
    assert run("suppress", "check", SARA).code == 0
    assert run("suppress", "check", "sara@example.com").code == 1


def test_what_is_suppressed_is_not_sent(run: Run) -> None:
    """By the command send, with the same settings."""
    run("suppress", "add", "-", stdin=f"{SARA}\n\n{OMAR}\n")
    sent = run("send", SARA, "Hello", "--via", "memory", "--json")
    assert sent.document["data"]["receipts"][0]["veto"]["guard"] == "suppression"


def test_several_numbers_are_shown_in_clear_where_that_is_asked(run: Run) -> None:
    """A single one always is, as by send."""
    run("suppress", "add", SARA, OMAR)
    assert SARA not in run("suppress", "check", SARA, OMAR).out
    assert SARA in run("suppress", "check", SARA, OMAR, "--show-numbers").out
    data = run("suppress", "check", SARA, OTHER, "--json").data
    assert [(one["address"], one["suppressed"]) for one in data["addresses"]] == [
        ("965****5432", True),
        ("965****5439", False),
    ]


def test_an_address_that_is_none_changes_nothing(run: Run) -> None:
    """Each is named by its place, and not repeated."""
    answer = run("suppress", "add", SARA, "banana", "96598")
    assert answer.code == 2
    assert "no. 2" in answer.err
    assert "no. 3" in answer.err
    assert "banana" not in answer.err
    assert run("suppress", "check", SARA).code == 0
    assert run("suppress", "add").code == 2


def test_export_and_import_bring_everything_back(run: Run, tmp_path: pathlib.Path) -> None:
    """Who, when and why; a reason that a spreadsheet takes for a formula is none in the table."""
    run("suppress", "add", SARA, "--by", "ali", "--reason", '=HYPERLINK("x")')
    run("suppress", "add", "sara@example.com", "push:token-of-sara", "--by", "منى", "--reason", "قالت لا")
    exported = run("suppress", "export", "-o", "out.csv")
    assert (exported.code, exported.out) == (0, "")
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o600
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert {row["address"]: (row["by"], row["reason"]) for row in rows} == {
        SARA: ("ali", """'=HYPERLINK("x")"""),
        "sara@example.com": ("منى", "قالت لا"),
        "push:token-of-sara": ("منى", "قالت لا"),
    }
    before = run("suppress", "export", "--json").data["entries"]
    for row in rows:
        assert run("suppress", "remove", row["address"]).code == 0
    assert run("suppress", "export").out == "address,added,by,reason\n"
    assert run("suppress", "import", "out.csv").out == "3 addresses added.\n"
    assert run("suppress", "import", "out.csv").out == "0 addresses added, 3 were there before.\n"
    assert run("suppress", "export", "--json").data["entries"] == before


def test_import_takes_lines_and_tables(run: Run, tmp_path: pathlib.Path) -> None:
    """A table of another program has a column of numbers, whatever its name."""
    (tmp_path / "lines.txt").write_text(f"# asked\n{SARA}  # by phone\n+965 9876 5433;\n", encoding="utf-8")
    assert run("suppress", "import", "lines.txt").out == "2 addresses added.\n"
    assert "by phone" in run("suppress", "check", SARA).out
    (tmp_path / "crm.csv").write_text(f"name;Handy\nSara;{OTHER}\n;\n", encoding="utf-8")
    refused = run("suppress", "import", "crm.csv")
    assert refused.code == 2
    assert "name, handy" in refused.err
    assert run("suppress", "import", "crm.csv", "--column", "handy", "--reason", "CRM").code == 0
    assert "CRM" in run("suppress", "check", OTHER).out
    assert run("suppress", "import", "-", stdin="someone@example.org\n").code == 0


def test_import_reports_every_bad_line_and_imports_nothing(run: Run, tmp_path: pathlib.Path) -> None:
    """All at once, by their lines."""
    (tmp_path / "bad.csv").write_text(
        f"mobile,added,reason\n{SARA},2026-05-03,ok\nnobody,,\n,,empty\n{OMAR},yesterday,\n", encoding="utf-8"
    )
    answer = run("suppress", "import", "bad.csv")
    assert answer.code == 2
    assert [f"line {number}" in answer.err for number in range(2, 6)] == [False, True, True, True]
    assert "nobody" not in answer.err
    assert run("suppress", "check", SARA).code == 0
    assert run("suppress", "import", "none.csv").code == 2


def test_a_list_that_can_not_be_read_is_exit_code_2(run: Run, kind: str, tmp_path: pathlib.Path) -> None:
    """And not that of a recipient who may be sent to."""
    if kind == "file":
        (tmp_path / "list.txt").unlink()
    else:
        (tmp_path / "state" / "suppressed.sqlite3").mkdir(parents=True)
    answer = run("suppress", "check", SARA)
    assert answer.code == 2
    assert "suppression list" in answer.err


def test_without_a_list_it_says_what_to_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either a file or a table."""
    monkeypatch.delenv("NOTIFYKIT_GUARD_SUPPRESSION_FILE", raising=False)
    monkeypatch.delenv("NOTIFYKIT_GUARD_SUPPRESSION_URL", raising=False)
    answer = run("suppress", "check", SARA)
    assert answer.code == 2
    assert "NOTIFYKIT_GUARD_SUPPRESSION_FILE" in answer.err
    assert run("suppress").code == 2
