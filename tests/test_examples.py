"""The examples, run as a user runs them, against the sandbox."""

from __future__ import annotations

import csv
import os
import pathlib
import subprocess
import sys

import pytest

from notifykit_kwtsms.sandbox import Sandbox

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def _run(sandbox: Sandbox, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    environment = {**os.environ, **sandbox.env, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("+965 9876 5432", "We have sent you a code."),
        ("96545006001", "Your code should arrive in a moment."),
        ("96545000028", "Please wait 16 seconds"),
        ("22334455", "Please check the number."),
        ("96545000003", "We can't send codes at the moment."),
    ],
)
def test_a_one_time_code_says_the_right_thing_for_each_outcome(number, said):
    """What the person sees depends on what is known, and the operator's part goes elsewhere."""
    with Sandbox() as sandbox:
        told = _run(sandbox, "one_time_code.py", number)
    assert said in told.stdout, told.stderr
    assert ("KWTSMS_PASSWORD" in told.stderr) == (number == "96545000003")


def test_a_campaign_writes_down_what_happened_to_each_row(tmp_path):
    """Good rows, a bad one and a duplicate, each with its line."""
    people, results = tmp_path / "people.csv", tmp_path / "results.csv"
    people.write_text("name,mobile\nA,+965 9876 5432\nB,call me\nC,96598765432\nD,96598765433\n", encoding="utf-8")
    with Sandbox() as sandbox:
        told = _run(sandbox, "campaign.py", str(people), "mobile", "MYAPP is open until midnight.", str(results))
        assert sandbox.accepted("96598765432") == 1
    assert told.returncode == 0, told.stderr
    with results.open(encoding="utf-8") as written:
        rows = sorted(csv.DictReader(written), key=lambda row: int(row["row"]))
    assert [row["outcome"] for row in rows] == ["accepted", "rejected", "skipped", "accepted"]
