"""The report: foreign words are escaped, nothing runs, empty logs are said to be empty, and Arabic is whole."""

from __future__ import annotations

import html.parser
import pathlib
import re
import zoneinfo
from typing import Any

import pytest

import notifykit.report
from docs.report_pictures import month
from notifykit.analytics import read_totals
from notifykit.http.network import network_errors
from notifykit.report import render_page
from notifykit.report.arabic import ARABIC
from notifykit.report.cures import ARABIC_CURES
from notifykit.report.words import Words
from notifykit_kwtsms.plugin import notifykit_about
from tests.analytics.log_rows import HOSTILE

KUWAIT = zoneinfo.ZoneInfo("Asia/Kuwait")
#: What closes no element.
VOID = {"meta", "br", "rect", "polyline", "circle"}


class Page(html.parser.HTMLParser):
    """The elements and the texts of a page; it is well formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID or (tag == "rect" and not self.get_starttag_text().endswith("/>")):  # type: ignore[union-attr]
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag == "circle":
            return
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


@pytest.fixture(scope="module", name="rows")
def _rows() -> list[dict[str, Any]]:
    return list(month())


@pytest.fixture(scope="module", name="english")
def _english(rows: list[dict[str, Any]]) -> str:
    return render_page(read_totals(rows, KUWAIT))


def test_every_part_has_a_sentence_a_plot_and_a_table(english: str) -> None:
    """For all that a month's log says."""
    sections = re.findall(r'<section id="([a-z-]+)"(.*?)</section>', english)
    assert [name for name, _ in sections] == [
        *("messages", "points", "balance", "errors", "scopes", "week", "latency", "segments", "characters"),
        *("by-sender", "by-tag", "by-country", "delivery", "delivery-times", "codes", "radar", "recipients"),
    ]
    for _, body in sections:
        assert re.search(r'<p class="says">[^<]*\d', body)
        assert "<svg" in body or '<ul class="bars">' in body
        assert re.search(r"<details><summary>Table</summary>.*<tbody><tr>", body)


def test_the_page_asks_for_nothing_and_runs_nothing(english: str) -> None:
    """No script, no link, no address, no handler."""
    page = Page(english)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "img", "iframe", "a", "object", "base", "form"})
    assert [name for _, given in page.tags for name in given if name.startswith("on") or name in ("src", "href")] == []
    assert "url(" not in english
    assert "@import" not in english
    assert "http:" not in english
    assert "https:" not in english


def test_the_figures_are_those_of_the_log(rows: list[dict[str, Any]], english: str) -> None:
    """Counted by hand; a test costs nothing."""
    attempts = [row for row in rows if row["event"] == "attempt_finished" and not row["test"]]
    assert f"<dd>{len(attempts):,}</dd>" in english
    assert f"<dd>{sum(row['cost'] for row in attempts):,}</dd>" in english
    assert "1,280 points" in english  # what somebody else spent
    assert "5,000 points in 1 time" in english


def test_the_worst_day_of_errors_and_the_hour_of_a_pump_are_said(english: str) -> None:
    """On 23 June the queue was full; on 25 June, at three at night, somebody pumped messages to another country."""
    scopes = re.search(r'<section id="scopes".*?</section>', english)
    assert scopes is not None
    assert "most of the errors are about the recipient" in scopes[0]
    assert "The worst day was 23 Jun 2026" in scopes[0]
    pump = re.search(r'<section id="radar".*?</section>', english)
    assert pump is not None
    assert "Hours that stand out: 4. The most: GB 447 on 25 Jun 2026 at 03:00, with 6" in pump[0]
    assert pump[0].count('<rect class="rejected"') == 3  # two hours beside each other have one bar
    times = re.search(r'<section id="delivery-times".*?</section>', english)
    assert times is not None
    assert re.search(r"Half of the messages were delivered within 5(\.\d)? s", times[0])


def test_a_code_without_a_scope_has_that_of_its_plugin() -> None:
    """Rows of the documented client have none."""
    row = {"endpoint": "send", "ts": "2026-06-01T10:00:00Z", "request": {"mobile": "96598765432"}, "ok": False}
    totals = read_totals([{**row, "response": {"code": "ERR010", "description": "Zero balance."}}], KUWAIT)
    assert "errors are about the account" in render_page(totals, scopes={"ERR010": "account"})
    assert "errors are about the other" in render_page(totals)


def test_foreign_words_are_escaped(rows: list[dict[str, Any]]) -> None:
    """Whatever a sender, a tag, a code, a country or a number is made of."""
    attempt = next(row for row in rows if row["event"] == "attempt_finished")
    hostile = {
        **attempt,
        **dict.fromkeys(("sender", "code", "error", "country", "transport", "to", "encoding"), HOSTILE),
        "outcome": "rejected",
        "tags": [HOSTILE],
        "forced": [HOSTILE],
    }
    accepted = {**hostile, "outcome": "accepted", "test": False}
    totals = read_totals([hostile, accepted, {**hostile, "test": False}], KUWAIT)
    for language in ("en", "ar"):
        page = render_page(totals, language=language, cures={HOSTILE: HOSTILE}, warnings=[HOSTILE])
        assert "script" not in {tag for tag, _ in Page(page).tags}
        assert "\u202e" not in page
        assert "alert(1)" in page
    assert render_page(totals, show_numbers=True).count("<script") == 0


def test_an_empty_log_has_a_page_that_says_so() -> None:
    """In both languages; tests alone are no bill."""
    assert "There is nothing to show" in render_page(read_totals([]))
    assert "لا يوجد ما يُعرض" in render_page(read_totals([]), language="ar")


def test_numbers_are_hidden_unless_they_are_asked_for() -> None:
    """The documented client's log has them in clear."""
    row = {
        "ts": "2026-06-01T10:00:00+00:00",
        "endpoint": "send",
        "request": {"mobile": "96598765432", "message": "Code 481920 لك", "test": "0"},
        "response": {"points-charged": 1},
        "ok": True,
    }
    totals = read_totals([row], KUWAIT)
    page = render_page(totals)
    assert "96598765432" not in page
    assert "965****5432" in page
    assert "481920" not in page
    assert "Arabic letters" in page
    assert "96598765432" in render_page(totals, show_numbers=True)
    assert "96598765432" not in repr(totals)


def test_arabic_has_every_word_and_its_own_digits(rows: list[dict[str, Any]], english: str) -> None:
    """No sentence of ours is left in English, and no number of ours has Latin digits."""
    page = render_page(read_totals(rows, KUWAIT), language="ar")
    assert '<html lang="ar" dir="rtl">' in page
    ours = {text for text in Page(english).texts if text in ARABIC}
    assert ours
    assert ours & set(Page(page).texts) == set()
    # What is foreign stands in <bdi>: codes, senders, tags, redacted numbers.
    rest = re.sub(r"<style>.*?</style>|<bdi>.*?</bdi>|<[^>]*>", " ", page)
    assert re.findall(r"[0-9][0-9.,]*", re.sub(r"ERR\d+|GSM-7", "", rest)) == []


def test_every_sentence_of_the_report_has_its_arabic() -> None:
    """Found in the code, also those that no log of these tests brings about."""
    folder = pathlib.Path(notifykit.report.__file__).parent
    said = set()
    for file in folder.glob("*.py"):
        said |= set(re.findall(r'words\(\s*"((?:[^"\\]|\\.)+)"', file.read_text("utf-8")))
    assert len(said) > 60
    assert said - set(ARABIC) == set()
    for english, arabic in ARABIC.items():
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", arabic))


def test_every_known_code_has_its_cure_in_arabic() -> None:
    """Those of connections and of kwtSMS; the words of other plugins stay as they are."""
    codes = {error.code for error in (*network_errors(), *notifykit_about().codes())}
    assert codes - set(ARABIC_CURES) == set()


@pytest.mark.parametrize(
    ("amount", "words"),
    [(1, "رسالة واحدة"), (2, "رسالتان"), (7, "٧ رسائل"), (11, "١١ رسالة"), (100, "١٠٠ رسالة"), (1204, "١٬٢٠٤ رسائل")],
)
def test_arabic_counts_as_arabic_does(amount: int, words: str) -> None:
    """One, two, few and many have forms of their own."""
    assert Words("ar").count(amount, "message") == words


def test_english_numbers() -> None:
    """In the singular where there is one, and no rare error is 0 %."""
    words = Words()
    assert words.count(1, "message") == "1 message"
    assert words.count(1200, "message") == "1,200 messages"
    assert (words.percent(1, 3), words.percent(1, 9000), words.percent(8999, 9000)) == ("33 %", "0.011 %", "99.9 %")
    assert (words.day("2026-06-01"), words.day("2026-06"), words.day("<x>")) == ("1 Jun", "Jun 2026", "<x>")
