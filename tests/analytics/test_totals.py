"""What is counted of a log: parts add up to the whole, whatever is in it, and sends read back as they were."""

from __future__ import annotations

import datetime
import gc
import gzip
import json
import pathlib
import random
import sys
import tracemalloc
import zoneinfo
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from notifykit import Notifier
from notifykit.analytics import LogFiles, Totals, counts, find_files, people, read_totals
from notifykit.analytics.balance import forecast
from notifykit.analytics.radar import Destination
from notifykit.pipeline.clock import VirtualClock
from notifykit.redaction import redact_address
from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.analytics.log_rows import ATTEMPTS, ROWS

UTC = datetime.UTC


def figures(totals: Totals) -> dict[str, Any]:
    """Everything that is counted, to compare."""
    totals.done()
    return {
        "tables": {
            name: {key: (row.as_document(), dict(+row.live), row.segments) for key, row in table.sorted().items()}
            for name, table in totals.tables.items()
        },
        "balance": sorted(
            (key, hour.last, hour.balance, round(hour.cost, 6), hour.unknown)
            for key, hour in totals.balance.hours.items()
        ),
        "latency": dict(totals.latency.buckets),
        "people": dict(totals.people.rows),
        "errors": dict(totals.errors),
        "lost": {name: count for name, count in totals.lost.items() if count},
        "delivery": {name: count for name, count in totals.delivery.items() if count},
        "codes": dict(totals.codes),
        "countries": dict(totals.countries),
        "radar": {key: count for key, count in totals.radar.counts.items() if count},
        "deliveries": (
            dict(totals.deliveries.times),
            dict(totals.deliveries.waiting),
            totals.deliveries.accepted,
            {request: sorted(ends) for request, ends in totals.deliveries.early.items()},
            totals.deliveries.failed,
        ),
        "rest": (totals.retries, totals.rows, totals.foreign, totals.span),
    }


@settings(max_examples=30, deadline=None)
@given(ROWS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_any_partition_of_a_log_adds_up_to_the_whole(rows: list[Any], parts: int, chance: random.Random) -> None:
    """Rows are dealt out to several parts in any way; the parts are merged in any order."""
    dealt: list[list[Any]] = [[] for _ in range(parts)]
    for row in rows:
        chance.choice(dealt).append(row)
    merged = Totals(UTC)
    chance.shuffle(dealt)
    for part in dealt:
        merged.merge(read_totals(part, UTC))
    assert figures(merged) == figures(read_totals(rows, UTC))


@settings(max_examples=30, deadline=None)
@given(st.lists(ATTEMPTS, max_size=30))
def test_redaction_changes_no_count(rows: list[Any]) -> None:
    """A log with hashes and redacted numbers has the counts of one with numbers in clear."""
    redacted = [{**row, "to": redact_address(row["to"]), "to_hash": f"hash of {row['to']}"} for row in rows]
    clear, hidden = figures(read_totals(rows, UTC)), figures(read_totals(redacted, UTC))
    assert sorted(count for count, _ in clear.pop("people").values()) == sorted(
        count for count, _ in hidden.pop("people").values()
    )
    assert clear == hidden


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_every_dimension_has_the_same_sum(rows: list[Any]) -> None:
    """But tags: a message may have several."""
    tables = read_totals(rows, UTC).tables
    sums = {
        name: (sum(row.messages for row in table.rows.values()), round(sum(row.cost for row in table.rows.values()), 6))
        for name, table in tables.items()
        if name not in ("tag", "forced")
    }
    assert len(set(sums.values())) == 1, sums


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(max_size=4), st.recursive(st.none() | st.text(max_size=3) | st.floats(), st.lists)))
def test_no_row_breaks_the_count(row: dict[str, Any]) -> None:
    """Anything may stand in a file."""
    for more in ({}, {"event": "attempt_finished", "outcome": "accepted"}, {"endpoint": "send"}):
        for key in ("ts", "tags", "code", "cost", "request", "response", "forced", "segments"):
            totals = read_totals([{**more, key: next(iter(row.values()), [{}]), **row}], UTC)
            assert totals.rows == 1


def test_sends_read_back_as_their_reports_said(tmp_path: pathlib.Path) -> None:
    """Through the real transport, over a socket: accepted, rejected, excluded, a batch, a test, and a retry."""
    log = tmp_path / "sends.jsonl"
    said: dict[str, int] = dict.fromkeys(counts.OUTCOMES, 0)
    cost = 0.0
    with Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox:
        for dsn in (sandbox.dsn.replace("test=1", "test=0"), sandbox.dsn):
            with Notifier.from_settings(dsn, log_file=str(log), directory=tmp_path) as notifier:
                for to, text in (
                    ("96598765432", "Hello"),
                    ("96545000010", "refused"),
                    (["96598765432", "96598765433", "96598765433", "no number"], "It’s ready"),
                ):
                    report = notifier.send(to, text, tags=["t"])
                    for receipt in report:
                        said[receipt.outcome.value] += 1
                    if "test=0" in dsn:
                        cost += report.cost or 0
    totals = read_totals(LogFiles([log]))
    found = dict.fromkeys(said, 0)
    for row in totals.tables["code"].rows.values():
        for name in found:
            found[name] += row.live[name] + row.tests[name]
    assert found == said
    assert sum(row.cost for row in totals.tables["day"].rows.values()) == cost > 0
    assert totals.foreign == 0
    assert totals.tables["forced"].rows["’ right single quotation mark"].live["accepted"] == 2


def test_a_queue_that_was_full_once_is_one_message(tmp_path: pathlib.Path) -> None:
    """The row of the retry takes back the refused try, wherever the log is cut."""
    log = tmp_path / "sends.jsonl"
    with (
        Sandbox(rules=Rules(rate_limit=None, same_number_gap=0)) as sandbox,
        Notifier.from_settings(sandbox.dsn, log_file=str(log), directory=tmp_path, clock=VirtualClock()) as notifier,
    ):
        sandbox.chaos("ERR013", endpoint="send")
        report = notifier.send(["96598765432", "96598765433"], "Hello")
        assert len(report.accepted) == 2
    totals = read_totals(LogFiles([log]))
    assert {code: row.messages for code, row in totals.tables["code"].sorted().items()} == {"accepted": 2}
    assert totals.retries == 2


def test_files_are_read_rotated_and_packed(tmp_path: pathlib.Path) -> None:
    """A torn line and a packed file without its end are counted, and lose nothing else."""
    row = {"ts": "2026-06-01T10:00:00Z", "event": "attempt_finished", "outcome": "accepted", "to": "9"}
    line = json.dumps(row) + "\n"
    log = tmp_path / "app.log"
    log.write_text(line + line[:20])
    (tmp_path / "app.log.1").write_text(line + "\n[1]\n")
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress((line * 2).encode()))
    (tmp_path / "app.log.3.gz").write_bytes(gzip.compress(line.encode())[:-9])
    (tmp_path / "app.log.txt").write_text(line)
    files = LogFiles(find_files(log))
    totals = read_totals(files)
    assert totals.tables["code"].rows["accepted"].messages in (4, 5)
    assert files.torn == 3


def test_days_are_those_of_the_zone() -> None:
    """Also where a zone is off by three quarters of an hour."""
    row = {"event": "attempt_finished", "outcome": "accepted", "to": "9", "ts": "2026-06-01T21:20:00.000Z"}
    for zone, day, hour in (
        ("Asia/Kuwait", "2026-06-02", "00"),
        ("Asia/Kathmandu", "2026-06-02", "03"),
        ("UTC", "2026-06-01", "21"),
    ):
        tables = read_totals([row], zoneinfo.ZoneInfo(zone)).tables
        assert (list(tables["day"].rows), list(tables["hour"].rows)) == ([day], [hour])


def test_rows_before_a_moment_are_left_out() -> None:
    """To the second, whatever zone a row's time is in."""
    row = {"event": "attempt_finished", "outcome": "accepted", "to": "9"}
    rows = [
        {**row, "ts": ts}
        for ts in ("2026-06-01T10:00:00Z", "2026-06-01T12:59:59+03:00", "2026-06-01T13:00:01+03:00", "x")
    ]
    since = datetime.datetime(2026, 6, 1, 10, tzinfo=UTC)
    assert read_totals(rows, UTC, since).tables["day"].rows["2026-06-01"].messages == 2


@pytest.mark.slow
def test_memory_is_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds are reached and said; the sums stay right."""
    monkeypatch.setattr(people, "_MOST_PEOPLE", 100)

    def rows(count: int) -> Any:
        for number in range(count):
            yield {
                "ts": f"2026-06-01T10:{number % 60:02}:00Z",
                "event": "attempt_finished",
                "outcome": "accepted",
                "sender": f"S{number}",
                "to": f"9{number}",
            }

    gc.collect()
    tracemalloc.start()
    read_totals(rows(5000), UTC)
    _, small = tracemalloc.get_traced_memory()
    gc.collect()  # nothing of the first log, and of other tests, counts for the second
    tracemalloc.reset_peak()
    totals = read_totals(rows(15_000), UTC)
    _, large = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert large < 1.6 * small  # three times as many rows; when garbage is collected makes some difference
    assert sum(row.messages for row in totals.tables["sender"].rows.values()) == 15_000
    assert len(totals.tables["sender"].rows) == 2001
    assert len(totals.bounds) == 2


def test_spending_of_others_and_refills_are_seen() -> None:
    """A balance that falls by more than our messages cost, and one that rises."""
    row = {"event": "attempt_finished", "outcome": "accepted", "to": "9", "transport": "kwtsms", "cost": 1}
    said = [(1, 100), (2, 99), (3, 78), (4, 577)]
    totals = read_totals([{**row, "ts": f"2026-06-01T{hour:02}:00:00Z", "balance": left} for hour, left in said], UTC)
    steps = list(totals.balance.steps())
    assert [(step.foreign, step.refill) for step in steps] == [(0, 0), (0, 0), (20, 0), (0, 500)]


def test_a_forecast_is_the_median_of_the_last_days() -> None:
    """The newest day may not be over, so it does not count; days without messages do."""
    costs = {f"2026-06-{day:02}": 10.0 for day in range(1, 15)} | {"2026-06-15": 500.0}
    found = forecast(100.0, costs)
    assert found is not None
    assert (found.daily, found.days, found.lasts(found.daily)) == (10.0, 14, 10.0)
    quiet = forecast(100.0, {"2026-05-01": 3.0, "2026-06-15": 1.0})
    assert quiet is not None
    assert quiet.lasts(quiet.daily) is None


def test_a_line_that_the_quick_reader_refuses_is_read_by_the_other(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are no UTF-8 and NaN are read with and without orjson; what is torn is not."""
    row = b'{"ts":"2026-06-01T10:00:00Z","event":"attempt_finished","outcome":"accepted","to":"9","sender":%s}'
    log = tmp_path / "app.log"
    log.write_bytes(b"\n".join(row % value for value in (b'"A"', b'"\xff"', b"NaN", b'"B')))
    for missing in (False, True):
        if missing:
            monkeypatch.setitem(sys.modules, "orjson", None)
        files = LogFiles([log])
        assert sorted(read_totals(files, UTC).tables["sender"].rows) == ["A", "nan", "\ufffd"]
        assert (files.lines, files.torn) == (4, 1)


def destinations(rows: list[dict[str, Any]]) -> list[Destination]:
    """What the radar of a log has."""
    totals = read_totals(rows, UTC)
    return totals.radar.destinations(totals.span)


def test_a_burst_to_one_country_is_remarkable_and_an_ordinary_day_is_not() -> None:
    """Each hour is compared with the destination's own hours; a retry and a test do not count."""
    row = {"event": "attempt_finished", "outcome": "accepted", "to": "965****5432", "country": "KW"}
    rows = [
        {**row, "ts": f"2026-06-{day:02}T{hour:02}:{n:02}:00Z"}
        for day in range(1, 8)
        for hour in range(24)
        for n in range(10 + hour)
    ]
    assert not any(one.alarms for one in destinations(rows))
    burst = [{**row, "to": "447****1234", "country": "GB", "ts": f"2026-06-05T03:{n:02}:00Z"} for n in range(40)]
    first, second = destinations([*rows, *burst, {**burst[0], "test": True}])
    assert (first.name, first.country, first.messages, first.alarms) == ("GB 447", "GB", 40, ["2026-06-05T03"])
    assert (first.median, first.limit) == (0, 20)
    assert (second.name, second.alarms) == ("KW 965", [])
    again = [{**one, "event": "retry_scheduled"} for one in burst]
    assert destinations([*rows, *burst, *again])[0].name == "KW 965"


def _delivered(seconds: list[float | None], ends: str = "12:00:00") -> Totals:
    """Messages that were accepted at ten, and delivered so many seconds later; None for no final report."""
    rows: list[dict[str, Any]] = []
    for number, after in enumerate(seconds):
        at = {"event": "attempt_finished", "outcome": "accepted", "to": "9", "msg_id": f"m{number}"}
        rows.append({**at, "ts": "2026-06-01T10:00:00.000Z"})
        report = {"event": "delivery_changed", "id": f"m{number}", "ts": f"2026-06-01T{ends}.000Z"}
        rows.append({**report, "before": None, "state": "sent"})
        if after is not None:
            happened = datetime.datetime(2026, 6, 1, 10, tzinfo=UTC) + datetime.timedelta(seconds=after)
            rows.append({**report, "before": "sent", "state": "delivered", "happened": happened.isoformat()})
    return read_totals(rows, UTC)


def test_the_time_to_delivery_is_that_of_the_provider() -> None:
    """From the row of the request to what the report says that happened; the row's own time where it says nothing."""
    totals = _delivered([1, 2, 4, 60])
    curve = totals.deliveries.curve("2026-06-01T12:00:00Z")
    assert curve is not None
    assert (curve.delivered, curve.failed, curve.waiting) == (4, 0, 0)
    assert [round(share, 2) for _, share in curve.points] == [0.25, 0.5, 0.75, 1.0]
    assert curve.quantile(0.5) == pytest.approx(2, rel=0.03)
    assert curve.quantile(1) == pytest.approx(60, rel=0.03)


def test_what_has_no_final_report_yet_is_not_failed() -> None:
    """Two of four were on their way for two hours: the share of those that are delivered stays a half, and not lower."""
    curve = _delivered([1, 2, None, None]).deliveries.curve("2026-06-01T12:00:00Z")
    assert curve is not None
    assert (curve.delivered, curve.waiting) == (2, 2)
    assert curve.points[-1][1] == 0.5
    # A moment after they were accepted nothing is known of them: what is known is that the others were delivered.
    young = _delivered([1, 2, None, None]).deliveries.curve("2026-06-01T10:00:00.5Z")
    assert young is not None
    assert young.points[-1][1] == 1.0
    assert read_totals([], UTC).deliveries.curve("") is None


def test_errors_are_counted_by_day_and_what_they_are_about() -> None:
    """Rows without a scope keep their code, so that the report can look it up."""
    row = {"event": "attempt_finished", "outcome": "rejected", "to": "9", "ts": "2026-06-01T10:00:00Z"}
    rows = [{**row, "scope": "account", "code": "ERR010"}, {**row, "code": "ERR025"}, {**row, "outcome": "accepted"}]
    found = read_totals(rows, UTC).tables["scope"].sorted()
    assert {name: counts.messages for name, counts in found.items()} == {
        "2026-06-01 ?ERR025": 1,
        "2026-06-01 account": 1,
        "2026-06-01 none": 1,
    }


def test_times_are_exact_within_three_percent() -> None:
    """Whatever their size."""
    row = {"event": "attempt_finished", "outcome": "accepted", "to": "9", "ts": "2026-06-01T10:00:00Z"}
    for time in (0.4, 3, 47.5, 212, 30_000):
        assert read_totals([{**row, "elapsed_ms": time}], UTC).latency.quantile(0.5) == pytest.approx(time, rel=0.03)
