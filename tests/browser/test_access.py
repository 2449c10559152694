"""Who can use the page: WCAG 2.2 AA by axe-core in both themes with every panel open, and what axe can't see."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import NUMBER, OTHER, Inbox, expect, violations

TABS = ["Phone", "Encoding", "Edits", "Request", "Response", "Delivery", "Raw"]


@pytest.fixture
def inbox(inbox: Inbox) -> Inbox:
    """The page without motion."""
    inbox.page.emulate_media(reduced_motion="reduce")
    return inbox


def _believable(inbox: Inbox) -> None:
    """Something of everything: accepted, refused, with a fault, Arabic, long, for many, test and live."""
    inbox.send("Your MyApp code is 481920. See https://example.com/x")
    inbox.send("رمز التحقق الخاص بك هو 739204", OTHER, test="0")
    inbox.send("It’s almost time – " + "your table for four is ready at 20:30. " * 4, "96566001122", sender="KWT-SMS")
    inbox.send("<b>refused</b>", "96566001123")
    inbox.send("A fault on the wire 🎉", "96545004006")
    inbox.send("campaign", [str(96590000000 + number) for number in range(20)], headers={"X-Notifykit-Tag": "spring"})
    inbox.sandbox.chaos("dribble", to="96500000000", times=None)


def test_an_empty_inbox_has_no_barrier(inbox: Inbox) -> None:
    """What to paste, and the button for a sample."""
    inbox.open()
    expect(inbox.page.get_by_role("button", name="Send a sample")).to_be_visible()
    assert violations(inbox.page) == []


def test_no_list_has_a_barrier(inbox: Inbox) -> None:
    """With something selected, so that the bar is there, and a search on."""
    _believable(inbox)
    page = inbox.open().page
    found = {}
    for view in ("Threads", "Log", "Queue"):
        inbox.view(view)
        page.get_by_role("checkbox").first.click()
        page.get_by_role("searchbox").fill("-has:fault")
        expect(page.locator("#search-state")).to_be_visible()
        expect(page.get_by_role("group", name="What is selected")).to_be_visible()
        found[view] = violations(page)
    assert found == {"Threads": [], "Log": [], "Queue": []}


@pytest.mark.parametrize("messages", [(1, 2), (3, 4), (5, 6)])
def test_no_tab_of_the_inspector_has_a_barrier(inbox: Inbox, messages: tuple[int, ...]) -> None:
    """Each tab about each kind of message; the first with the page around it, which stays the same for the others."""
    _believable(inbox)
    page = inbox.open().page
    found = {}
    for message in messages:
        inbox.go(message)
        for name in TABS:
            inbox.tab(name).wait_for()
            inbox.settled(message)
            if barriers := violations(page, None if name == TABS[0] else "#inspector"):
                found[message, name] = barriers
    assert found == {}


def test_the_old_phone_has_no_barrier(inbox: Inbox) -> None:
    """Seven lines in another colour."""
    _believable(inbox)
    page = inbox.open("m/3").page
    page.get_by_role("button", name="Old phone").click()
    page.get_by_role("region", name="Display of seven lines").wait_for()
    assert violations(page) == []


def test_the_phone_in_the_other_colours_has_no_barrier(inbox: Inbox) -> None:
    """A dark phone on a light page, and the other way round, with larger text."""
    _believable(inbox)
    page = inbox.open("m/3").page
    page.get_by_role("button", name="Swap colours").click()
    page.get_by_role("button", name="Larger text").click()
    assert violations(page) == []


def test_no_panel_has_a_barrier(inbox: Inbox) -> None:
    """Each at the side of the page, which is looked at with the first of them."""
    _believable(inbox)
    page = inbox.open("m/3").page
    found = {}
    for panel in ("Account", "Chaos", "Settings", "Help"):
        dialog = inbox.panel(panel)
        dialog.get_by_role("heading", level=3).first.wait_for()
        found[panel] = violations(page, None if panel == "Account" else "#dialog")
        inbox.press("Escape")
        expect(dialog).to_be_hidden()
    assert found == {"Account": [], "Chaos": [], "Settings": [], "Help": []}


def test_a_sentence_with_an_undo_has_no_barrier(inbox: Inbox) -> None:
    """While it is there: it stays for who points at it."""
    _believable(inbox)
    page = inbox.open().page
    inbox.press("j")
    inbox.settled(6)
    inbox.press("#")
    expect(page.locator("#toast")).to_be_visible()
    page.locator("#toast").hover()
    assert violations(page) == []
    expect(page.locator("#toast")).to_be_visible()


@pytest.mark.parametrize("width", [320, 700, 1000])
def test_three_columns_fold_and_nothing_is_cut_off(inbox: Inbox, width: int) -> None:
    """No sideways scrolling from 320 pixels up; list, phone and inspector are reached one after the other."""
    _believable(inbox)
    page = inbox.page
    page.set_viewport_size({"width": width, "height": 800})
    inbox.open()
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    inbox.choose("MyApp")
    assert page.evaluate(wide) <= 0
    expect(inbox.bubble("MyApp")).to_be_visible()
    details = page.get_by_role("button", name="Details")
    if details.is_visible():
        details.click()
    expect(page.get_by_role("tab", name="Encoding")).to_be_visible()
    assert page.evaluate(wide) <= 0
    assert violations(page) == []


def test_the_page_is_usable_from_right_to_left(inbox: Inbox) -> None:
    """With the switch for the direction the columns change sides, numbers stay from left to right, and axe is content."""
    _believable(inbox)
    page = inbox.open("m/2").page
    inbox.bubble("رمز").wait_for()
    side = "() => document.getElementById('list').getBoundingClientRect().left"
    left = page.evaluate(side)
    inbox.panel("Settings").get_by_label("Direction of the page").select_option("rtl")
    inbox.press("Escape")
    page.wait_for_function(f"(before) => ({side})() > before + 400", arg=left)
    assert page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    number = page.locator("#phone .contact-note bdi")
    assert number.evaluate("node => getComputedStyle(node).direction") == "ltr"
    assert violations(page) == []


def test_new_messages_are_said_once_for_many(inbox: Inbox) -> None:
    """One polite region; the list itself is not live."""
    page = inbox.open().page
    page.evaluate(
        """() => { window.__said = []; const region = document.getElementById('announcer');
        new MutationObserver(() => region.textContent && window.__said.push(region.textContent))
        .observe(region, { childList: true, characterData: true, subtree: true }); }"""
    )
    for number in range(10):
        inbox.send(f"number {number}", str(96590000000 + number))
    page.wait_for_function("() => window.__said.some((words) => words.endsWith('new messages'))")
    said = [words for words in page.evaluate("window.__said") if "new message" in words]
    assert len(said) <= 2
    assert sum(int(words.split()[0]) for words in said) <= 10
    assert page.locator("[aria-live]").count() == 1
    assert page.locator("#list[aria-live], #list [aria-live], [role=log]").count() == 0
    expect(page.locator("#announcer")).to_have_attribute("aria-live", "polite")


def test_nothing_moves_for_who_asked_for_it(inbox: Inbox) -> None:
    """With reduced motion no transition and no animation lasts, whatever happens on the page."""
    page = inbox.page
    _believable(inbox)
    inbox.open("m/1")
    inbox.panel("Chaos")
    inbox.press("Escape")
    inbox.press("j", "b", "t")
    inbox.send("one more", "96590000009")
    longest = page.evaluate(
        """() => { const seconds = (words) => Math.max(...words.split(',').map((part) => parseFloat(part) * (part.includes('ms') ? 1 : 1000)));
        return Math.max(...[...document.querySelectorAll('*')].flatMap((node) => [null, '::before', '::after'].map((part) => {
          const style = getComputedStyle(node, part);
          return Math.max(seconds(style.transitionDuration), style.animationName === 'none' ? 0 : seconds(style.animationDuration));
        }))); }"""
    )
    assert longest <= 10
    assert page.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_meaning_is_never_by_colour_alone(inbox: Inbox) -> None:
    """Encodings, refusals, faults and test messages are words too."""
    _believable(inbox)
    inbox.open()
    inbox.view("Log")
    words = " ".join(inbox.page.locator("#list .badges").all_inner_texts())
    for word in ("Unicode", "ERR027", "Fault", "Test"):
        assert word in words
    inbox.choose("MyApp")
    expect(inbox.tab("Encoding")).to_contain_text("GSM-7")


def test_the_open_message_and_the_pressed_buttons_are_announced(inbox: Inbox) -> None:
    """By their states, for who does not see them."""
    _believable(inbox)
    page = inbox.open().page
    inbox.choose("MyApp")
    expect(page.locator("#list [aria-current=true]")).to_have_count(1)
    expect(page.get_by_role("group", name="View").locator("[aria-pressed=true]")).to_have_count(1)
    expect(page.get_by_role("tab", selected=True)).to_have_count(1)
    for name in ("Blur", "Theme", "Account", "Chaos", "Settings", "Help"):
        expect(
            page.get_by_role("navigation", name="Panels").get_by_role("button", name=re.compile(name))
        ).to_be_visible()


def test_forced_colours_leave_the_bubble_an_edge(inbox: Inbox) -> None:
    """In high contrast a bubble and the current row are not only a background."""
    inbox.send("Hi", NUMBER)
    inbox.page.emulate_media(forced_colors="active")
    page = inbox.open("m/1").page
    page.locator("#phone .bubble").wait_for()
    edges = page.evaluate(
        """() => ['#phone .bubble', '#list [aria-current=true]'].map((place) => {
        const style = getComputedStyle(document.querySelector(place));
        return parseFloat(style.borderTopWidth) + parseFloat(style.outlineWidth) * (style.outlineStyle !== 'none');
        })"""
    )
    assert edges[0] > 0


def test_text_of_200_percent_still_fits(inbox: Inbox) -> None:
    """Rows grow with the letters: no text of a row stands outside of it."""
    _believable(inbox)
    page = inbox.open().page
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.evaluate("window.dispatchEvent(new Event('resize'))")
    inbox.send("one more", "96590000009")
    expect(inbox.row("one more")).to_have_count(1)
    cut = page.evaluate(
        """() => [...document.querySelectorAll('#list li.row')].filter((row) => {
          const box = row.getBoundingClientRect();
          return [...row.querySelectorAll('.row-title, .row-text')].some((part) => part.getBoundingClientRect().bottom > box.bottom + 1);
        }).length"""
    )
    assert cut == 0
