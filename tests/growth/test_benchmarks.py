"""The tables of the docs are what a run of the benchmarks wrote, and their verdicts are those of their figures."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest

SOURCE = pathlib.Path(os.environ.get("NOTIFYKIT_SOURCE", pathlib.Path(__file__).parents[2]))


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The package, which is in no wheel; without a folder of the source on the path, which would hide what is installed."""
    if not (SOURCE / "benchmarks" / "__init__.py").exists():
        pytest.skip("there are no benchmarks beside these tests")
    spec = importlib.util.spec_from_file_location(
        "benchmarks", SOURCE / "benchmarks" / "__init__.py", submodule_search_locations=[str(SOURCE / "benchmarks")]
    )
    assert spec is not None
    package = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "benchmarks", package)
    yield package
    for name in [name for name in sys.modules if name.startswith("benchmarks.")]:
        del sys.modules[name]


@pytest.mark.usefixtures("benchmarks")
def test_the_tables_are_what_was_measured() -> None:
    """No figure is typed by hand: both tables follow from the results that lie beside the benchmarks."""
    model, writing, program = (
        importlib.import_module(f"benchmarks.{name}") for name in ("model", "writing", "__main__")
    )
    results = json.loads(writing.RESULTS.read_text(encoding="utf-8"))
    rows = [model.Row.from_json(reported) for reported in results["rows"]]
    assert [row.as_json() for row in rows] == results["rows"]
    measured = {row.benchmark for row in rows}
    # A benchmark that was added since the last whole run has no figures yet.
    assert {f"P{number}" for number in range(1, 13)} <= measured <= set(program.MODULES)
    for page, table in writing.tables(rows, results["machine"]).items():
        text = page.read_text(encoding="utf-8")
        assert (f"{writing.BEGIN}\n{table}\n{writing.END}" in text) or writing.BEGIN not in text
    assert {row.what for row in rows} >= set(writing.HEADLINES)


@pytest.mark.usefixtures("benchmarks")
def test_the_median_decides() -> None:
    """And the quartiles stand beside it; what can't be compared is no result."""
    model = importlib.import_module("benchmarks.model")
    value = model.Value.ratio([2.0, 4.0, 9.0], [1.0, 1.0, 1.0])
    assert (value.low, value.median, value.high) == (3.0, 4.0, 6.5)
    row = model.Row("P1", "work", "4 s", "1 s", "", value, model.Goal(">=", 4), "CPU")
    assert (row.met, row.spread) == (True, "4.00 × (3.00 to 6.50)")
    assert not model.Goal("<=", 3.9).met(value.median)
    assert (model.Goal("<=", 4).met(4.0), model.Goal("<", 4).met(4.0), str(model.Goal("<", 4))) == (
        True,
        False,
        "< 4 ×",
    )
    with pytest.raises(model.DisagreementError, match="not do the same work"):
        model.same("two sides", 200, 199)
