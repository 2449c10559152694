"""The report of a log in a browser: no script, no barrier, no sideways scrolling on a phone, and all of it on paper."""

from __future__ import annotations

import datetime
import pathlib
import zoneinfo
from typing import TYPE_CHECKING

import pytest

from docs.report_pictures import month
from notifykit.analytics import Totals, read_totals
from notifykit.report import render_page
from tests.analytics.log_rows import HOSTILE
from tests.browser.conftest import Watch, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

LANGUAGES = ["en", "ar"]


@pytest.fixture(scope="module", name="totals")
def _totals() -> Totals:
    rows = list(month())
    extra = {
        **rows[0],
        "sender": HOSTILE,
        "tags": [HOSTILE * 9],
        "country": "W" * 200,
        "error": HOSTILE,
        "code": "W" * 90,
    }
    return read_totals([*rows, extra, {**extra, "outcome": "rejected"}], zoneinfo.ZoneInfo("Asia/Kuwait"))


@pytest.fixture(name="page")
def _page(page: Page, watch: Watch) -> Page:
    """A page that may ask for nothing but its own file; what it complains of is an error."""
    watch.origin = "file://"
    return page


def show(page: Page, folder: pathlib.Path, totals: Totals, language: str = "en") -> None:
    """Open the report as a person does who got it by mail."""
    file = folder / "report.html"
    file.write_text(render_page(totals, language=language, warnings=["1 line could not be read"]), encoding="utf-8")
    page.goto(file.as_uri())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_has_no_barrier(page: Page, totals: Totals, tmp_path: pathlib.Path, language: str) -> None:
    """By axe-core, with every table open; of a long table the first rows and the last one, which are made alike."""
    show(page, tmp_path, totals, language)
    page.evaluate(
        """() => { for (const one of document.querySelectorAll('details')) one.open = true;
        for (const table of document.querySelectorAll('table')) [...table.rows].slice(8, -1).forEach((row) => row.remove()); }"""
    )
    assert violations(page) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phone_shows_it_without_sideways_scrolling(
    page: Page, totals: Totals, tmp_path: pathlib.Path, language: str
) -> None:
    """With tables open: a wide one scrolls by itself."""
    page.set_viewport_size({"width": 320, "height": 640})
    show(page, tmp_path, totals, language)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    wide = "[...document.querySelectorAll('section')].filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.id)"
    assert page.evaluate(wide) == []


def test_nothing_runs(page: Page, totals: Totals, tmp_path: pathlib.Path) -> None:
    """There is no script, and foreign words are words."""
    show(page, tmp_path, totals)
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.body.innerText").count("<script>alert(1)</script>") > 0


def test_paper_shows_every_table(page: Page, totals: Totals, tmp_path: pathlib.Path) -> None:
    """Closed on the screen, open in print, and light whatever the screen is."""
    show(page, tmp_path, totals)
    shown = "[...document.querySelectorAll('table')].filter((one) => one.checkVisibility({contentVisibilityAuto: true}) && one.getBoundingClientRect().height > 0).length"
    tables = page.evaluate("document.querySelectorAll('table').length")
    assert tables > 10
    assert page.evaluate(shown) == 0
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_function(f"(tables) => {shown} === tables", arg=tables)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_arabic_runs_from_right_to_left(page: Page, totals: Totals, tmp_path: pathlib.Path) -> None:
    """The axis too: the first day is at the right."""
    show(page, tmp_path, totals, "ar")
    assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    first, last = (
        page.evaluate(f"document.querySelectorAll('#messages rect.accepted')[{index}].getBoundingClientRect().x")
        for index in (0, 20)
    )
    assert first > last


def test_an_empty_report_says_so(page: Page, tmp_path: pathlib.Path) -> None:
    """And nothing else."""
    show(page, tmp_path, read_totals([], datetime.UTC))
    assert "There is nothing to show" in page.inner_text("main")
