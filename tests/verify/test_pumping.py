"""A robot that asks for codes to be paid for them: it costs no more than the page states."""

from __future__ import annotations

import pathlib
import re

import pytest

from benchmarks.code_pumping import STATED, pump

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.slow
def test_ten_thousand_numbers_of_one_prefix_cost_what_is_stated(tmp_path: pathlib.Path) -> None:
    """From 200 addresses, in two hours: after the first, all prefixes are held."""
    cost, answers = pump(10_000, 200, 2, tmp_path)
    assert cost == answers["sent"] == STATED
    assert answers["conversion"] == 10_000


def test_a_thousand_numbers_cost_a_tenth_of_it(tmp_path: pathlib.Path) -> None:
    """They are one prefix."""
    cost, answers = pump(1_000, 200, 2, tmp_path)
    assert cost == answers["sent"] == STATED / 10
    assert answers == {"sent": 20, "per_prefix": 980, "conversion": 1000}


def test_the_page_states_it() -> None:
    """The same number of points."""
    page = (ROOT / "docs" / "how-to" / "one-time-codes.md").read_text(encoding="utf-8")
    assert re.search(rf"at most {STATED} points", page)
