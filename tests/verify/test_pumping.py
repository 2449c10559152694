"""A robot that asks for codes to be paid for them: it costs no more than the page states."""

from __future__ import annotations

import pathlib
import re

import pytest

from benchmarks.code_pumping import STATED, pump

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.slow
def test_two_thousand_numbers_cost_a_fifth_of_what_is_stated_for_ten(tmp_path: pathlib.Path) -> None:
    """From 200 addresses, in two hours: they are two prefixes, and after the first hour both are held."""
    cost, answers = pump(2_000, 200, 2, tmp_path)
    assert cost == answers["sent"] == STATED / 5
    assert answers == {"sent": 40, "per_prefix": 1960, "conversion": 2000}


def test_the_page_states_it() -> None:
    """The same number of points."""
    page = (ROOT / "docs" / "how-to" / "one-time-codes.md").read_text(encoding="utf-8")
    assert re.search(rf"at most {STATED} points", page)
