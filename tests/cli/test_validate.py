"""``notifykit validate``: here by the rules of countries, at the gateway by its routes."""

from __future__ import annotations

import csv
import pathlib

from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run


def test_good_numbers_are_ok(run: Run) -> None:
    """As they were given, as they would be sent to, and where they are."""
    answer = run("validate", "96598765432", "+965 9876 5433")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "OK        96598765432          96598765432  KW",
        "OK        +965 9876 5433       96598765433  KW",
    ]


def test_bad_numbers_have_their_reason_and_make_the_exit_code(run: Run) -> None:
    """And what to do about each."""
    answer = run("validate", "96598765432", "98765432", "abc")
    assert answer.code == 3
    assert (
        "rejected  98765432             This looks like a Kuwait mobile number without its country code." in answer.out
    )
    assert "→ Give the country code" in answer.out
    assert "rejected  abc" in answer.out
    assert "1 number OK, 2 rejected" in answer.err


def test_json_has_every_number(run: Run) -> None:
    """With reason and advice."""
    answer = run("validate", "96598765432", "abc", "--json")
    assert (answer.code, answer.document["ok"]) == (3, False)
    assert [number["ok"] for number in answer.data["numbers"]] == [True, False]
    assert answer.data["numbers"][1]["advice"] == "Give a telephone number."


def test_many_bad_numbers_are_ten_on_the_screen_and_all_in_a_table(run: Run, tmp_path: pathlib.Path) -> None:
    """321 of them don't push the summary off the screen."""
    people = tmp_path / "people.txt"
    people.write_text("96598765432\n" + "98765432\n" * 321)
    answer = run("validate", "--to-file", str(people))
    assert answer.code == 3
    assert answer.out.count("rejected  ") == 10
    assert "1 number OK, 321 rejected: the first 10 are shown, --rejected FILE writes all" in answer.err
    table = tmp_path / "rejected.csv"
    answer = run("validate", "--to-file", str(people), "--rejected", str(table))
    assert f"all of them are in {table}" in answer.err
    with table.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == 321
    assert rows[0]["given"] == "98765432"
    assert "without its country code" in rows[0]["reason"]
    assert rows[0]["suggestion"] == "96598765432"
    assert table.stat().st_mode & 0o777 == 0o600
    assert len(run("validate", "--to-file", str(people), "--json").data["numbers"]) == 322


def test_the_table_of_rejected_numbers_never_replaces_the_list(run: Run, tmp_path: pathlib.Path) -> None:
    """And a folder that is not there is an error."""
    people = tmp_path / "people.txt"
    people.write_text("abc\n")
    answer = run("validate", "--to-file", str(people), "--rejected", str(people))
    assert (answer.code, people.read_text()) == (2, "abc\n")
    assert "would overwrite" in answer.err
    answer = run("validate", "abc", "--rejected", str(tmp_path / "nowhere" / "x.csv"))
    assert answer.code == 2
    assert "can't be written" in answer.err


def test_numbers_come_from_standard_input_and_files_too(run: Run, tmp_path: pathlib.Path) -> None:
    """As everywhere."""
    assert run("validate", "-", stdin="96598765432\n").code == 0
    (tmp_path / "people.csv").write_text("name,mobile\nA,96598765432\nB,abc\n")
    answer = run("validate", "--to-file", str(tmp_path / "people.csv"), "--column", "mobile")
    assert answer.code == 3
    answer = run("validate")
    assert answer.code == 2
    assert "There is nothing to validate" in answer.err


def test_the_gateway_is_asked_only_where_that_is_said(gateway: Sandbox, run: Run) -> None:
    """And only about numbers that pass here; a country without a route is its word."""
    assert run("validate", "966551234567").code == 0
    assert gateway.requests == ()
    answer = run("validate", "96598765432", "966551234567", "abc", "--remote")
    assert answer.code == 3
    assert "OK        96598765432" in answer.out
    assert "ERR026" in answer.out
    assert len(gateway.requests) == 1


def test_a_transport_that_can_not_be_asked_says_so(run: Run) -> None:
    """Instead of calling everything good."""
    answer = run("validate", "96598765432", "--remote", "--via", "memory")
    assert answer.code == 2
    assert "leave out --remote" in answer.err


def test_credentials_that_are_wrong_are_an_error_of_their_own(gateway: Sandbox, run: Run, monkeypatch) -> None:
    """With the code, the cure, and the next command."""
    monkeypatch.setenv("KWTSMS_PASSWORD", "wrong-one")
    answer = run("validate", "96598765432", "--remote")
    assert answer.code == 4
    assert "ERR003" in answer.err
    assert answer.err.endswith("Next: notifykit explain ERR003\n") or answer.err.endswith("Next: notifykit doctor\n")
    assert "wrong-one" not in answer.out + answer.err


def test_a_number_without_its_country_code_is_offered_with_it(gateway: Sandbox, run: Run) -> None:
    """By both commands that look at numbers, and in the document."""
    assert "Did you mean 96598765432?" in run("validate", "9876 5432").out
    assert "Did you mean 96598765432?" in run("explain", "9876 5432").out
    assert '"suggestion": "96598765432"' in run("validate", "9876 5432", "--json").out


def test_a_number_that_may_be_no_mobile_number_is_ok_with_a_notice(run: Run, monkeypatch) -> None:
    """Unless its country is strict."""
    answer = run("validate", "+39 06 1234 5678")
    assert answer.code == 0
    assert "notice: This number of +39 (IT) is a landline" in answer.out
    (verdict,) = run("validate", "+39 06 1234 5678", "--json").data["numbers"]
    assert (verdict["ok"], verdict["country"], len(verdict["notices"])) == (True, "IT", 1)
    monkeypatch.setenv("KWTSMS_STRICT_COUNTRIES", "EG, it")
    answer = run("validate", "+39 06 1234 5678")
    assert answer.code == 3
    assert "strict_countries" in answer.out
    monkeypatch.setenv("KWTSMS_STRICT_COUNTRIES", "Italy")
    assert "strict_countries: 'ITALY' is not the ISO code of a country" in run("validate", "96598765432").err
