"""The examples, run as scripts against the sandbox."""

from __future__ import annotations

import csv
import os
import pathlib
import runpy
import subprocess
import sys

import pytest

from notifykit_kwtsms.sandbox import Sandbox

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


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
def test_a_one_time_code_says_the_right_thing_for_each_outcome(number, said, monkeypatch, capsys):
    """The person sees what is known, and the operator's part goes to standard error."""
    script = str(EXAMPLES / "one_time_code.py")
    with Sandbox() as sandbox:
        for name, value in sandbox.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", [script, number])
        runpy.run_path(script, run_name="__main__")
    out, err = capsys.readouterr()
    assert said in out
    assert ("KWTSMS_PASSWORD" in err) == (number == "96545000003")


def test_a_campaign_writes_down_what_happened_to_each_row(tmp_path):
    """Good rows, a bad one and a duplicate, each with its line; in a process of its own, as a user runs it."""
    people, results = tmp_path / "people.csv", tmp_path / "results.csv"
    people.write_text("name,mobile\nA,+965 9876 5432\nB,call me\nC,96598765432\nD,96598765433\n", encoding="utf-8")
    arguments = [str(people), "mobile", "MYAPP is open until midnight.", str(results)]
    with Sandbox() as sandbox:
        done = subprocess.run(
            [sys.executable, str(EXAMPLES / "campaign.py"), *arguments],
            env={**os.environ, **sandbox.env, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert sandbox.accepted("96598765432") == 1
    assert done.returncode == 0, done.stderr
    with results.open(encoding="utf-8") as written:
        rows = sorted(csv.DictReader(written), key=lambda row: int(row["row"]))
    assert [row["outcome"] for row in rows] == ["accepted", "rejected", "skipped", "accepted"]
