"""The dashboard for Grafana and the alerts of the page: each query uses metrics and labels that are really served."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any, Final

import attrs
import pytest

pytest.importorskip("prometheus_client", reason='metrics need the extra "prometheus"')
pytest.importorskip("dbos", reason='jobs need the extra "durable"')
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from notifykit import Notifier
from notifykit.integrations.prometheus import JobsCollector, PrometheusSink
from notifykit.models.job import JobState
from notifykit.pipeline.clock import VirtualClock
from notifykit_kwtsms.sandbox import Rules, Sandbox

DOCS: Final = pathlib.Path(__file__).parents[2] / "docs"
DASHBOARD: Final = json.loads((DOCS / "notifykit-dashboard.json").read_text(encoding="utf-8"))
PAGE: Final = (DOCS / "how-to" / "metrics-and-traces.md").read_text(encoding="utf-8")
#: What a person on call looks for, by words in a panel's title.
WANTED: Final = ("by outcome", "by code", "Unknown", "Duration", "Balance", "a day", "by state", "oldest", "rate limit")
_SELECTOR: Final = re.compile(r"(notifykit_[a-z_]+)(?:\{([^}]*)\})?")
_MATCHER: Final = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_BY: Final = re.compile(r"\b(?:by|on|without)\s*\(([^)]*)\)")


@attrs.frozen
class Served:
    """What a real scrape has."""

    #: The labels of each sample name.
    labels: dict[str, set[str]]
    #: The values of each label.
    values: dict[str, set[str]]
    #: The names of the metrics without suffixes.
    families: set[str]


@pytest.fixture(name="served", scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Sends of every kind to the sandbox, a job, and a scrape."""
    folder, registry = tmp_path_factory.mktemp("served"), CollectorRegistry()
    environment = {"NOTIFYKIT_STATE_DIR": str(folder), "NOTIFYKIT_WORKERS": "separate"}
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        sandbox.account.change(balance=10_000)
        dsn = sandbox.dsn.replace("test=1", "test=0")
        with Notifier.from_settings(
            dsn, sinks=[PrometheusSink(registry)], clock=VirtualClock(), environment=environment, directory=folder
        ) as notifier:
            notifier.send([*(f"9655{n:07d}" for n in range(401)), "abc", "96550000000"], "Hello")
            for number in ("96545000010", "96545004002"):
                notifier.send(number, "Hello")
            notifier.submit("96598765432", "Hello")
            registry.register(JobsCollector(notifier.backlog))
            scraped = generate_latest(registry).decode()
    labels: dict[str, set[str]] = {}
    values: dict[str, set[str]] = {}
    families = set()
    for family in text_string_to_metric_families(scraped):
        families.add(family.name)
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
            for name, value in sample.labels.items():
                values.setdefault(name, set()).add(value)
    return Served(labels, values, {name for name in families if not name.endswith("_created")})


def _queries() -> Iterator[tuple[str, str, str]]:
    """Yield each query of the dashboard, with where it is and its legend."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"], target["legendFormat"]


def _alerts() -> Iterator[tuple[str, str, str]]:
    (block,) = re.findall(r"^```promql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        if line and not line.startswith("#"):
            yield f"alert: {line}", line, ""


QUERIES: Final = [*_queries(), *_alerts()]


@pytest.mark.parametrize(("where", "expression", "legend"), QUERIES, ids=[where for where, _, _ in QUERIES])
def test_a_query_uses_what_is_served(served: Served, where: str, expression: str, legend: str) -> None:
    """Each name, each label, and each value of an outcome or a state."""
    selectors = _SELECTOR.findall(expression)
    assert selectors, where
    grouped = {label.strip() for labels in _BY.findall(expression) for label in labels.split(",")}
    for name, matchers in selectors:
        assert name in served.labels, f"{where}: there is no metric {name}"
        found = _MATCHER.findall(matchers)
        assert len(found) == len([part for part in matchers.split(",") if part.strip()]), f"{where}: {matchers}"
        used = {label for label, _, _ in found} | grouped
        assert used <= served.labels[name], f"{where}: {name} has no label {used - served.labels[name]}"
        for label, _, value in found:
            if label in ("outcome", "state"):
                assert set(value.split("|")) <= served.values[label]
        is_counter = name.endswith(("_total", "_count", "_bucket"))
        assert is_counter == bool(re.search(rf"(?:rate|increase)\({name}\b", expression)), f"{where}: rate or no rate"
    assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= grouped, f"{where}: its legend has a label that is summed away"
    for opened, closed in ("()", "{}", "[]"):
        assert expression.count(opened) == expression.count(closed), where


def test_every_metric_is_in_the_dashboard(served: Served) -> None:
    """And in the table of the page, with its labels."""
    shown = {name for _, expression, _ in _queries() for name, _ in _SELECTOR.findall(expression)}
    table = dict(re.findall(r"^\| `(notifykit_[a-z_]+)` \| (.*?) \|", PAGE, re.MULTILINE))
    for family in served.families:
        assert any(name.startswith(family) for name in shown), f"no panel shows {family}"
        name = next(name for name in (family, f"{family}_total") if name in table)
        samples = [labels - {"le"} for sample, labels in served.labels.items() if sample.startswith(family)]
        assert set(re.findall(r"`(\w+)`", table[name])) == set.union(*samples)
    assert len(table) == len(served.families)
    assert served.values["state"] == {state.value for state in JobState}


def test_the_dashboard_has_the_panels_that_a_person_on_call_looks_for() -> None:
    """Each with a sentence that says what it shows."""
    titles = [panel["title"] for panel in DASHBOARD["panels"]]
    assert [word for word in WANTED if not any(word in title for title in titles)] == []
    for panel in DASHBOARD["panels"]:
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
    durations = next(panel for panel in DASHBOARD["panels"] if panel["title"].startswith("Duration"))
    assert [target["legendFormat"] for target in durations["targets"]] == ["p50", "p95", "p99"]


def test_the_dashboard_can_be_imported_with_any_prometheus() -> None:
    """The source of data is an input, ids are unique, and no panel lies on another."""
    (given,) = DASHBOARD["__inputs"]
    assert (given["type"], given["pluginId"]) == ("datasource", "prometheus")
    assert DASHBOARD["id"] is None
    sources: list[Any] = [*DASHBOARD["panels"], *DASHBOARD["templating"]["list"]]
    sources += [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
    assert {source["datasource"]["uid"] for source in sources} == {f"${{{given['name']}}}"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    required = {plugin["id"] for plugin in DASHBOARD["__requires"] if plugin["type"] == "panel"}
    assert {panel["type"] for panel in DASHBOARD["panels"]} == required
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert all(0 <= x < 24 for x, _ in cells)
        taken |= cells
