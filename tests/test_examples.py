"""The examples, run as scripts against the sandbox."""

from __future__ import annotations

import pathlib
import runpy
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
