"""The keyboard map, every key of it, and its switch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Inbox, Watch, call, expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from notifykit_kwtsms.sandbox import Sandbox


@pytest.fixture
def three(inbox: Inbox) -> Inbox:
    """Three threads; the newest is on top."""
    for number, text in enumerate(("Your code is 111111", "two", "three")):
        inbox.send(text, str(96590000000 + number))
    inbox.open()
    expect(inbox.rows).to_have_count(3)
    return inbox


def _open(inbox: Inbox) -> str:
    """Return the number of the message that is open."""
    return str(inbox.page.evaluate("location.hash")).removeprefix("#/m/").removeprefix("#/")


def test_j_and_k_go_up_and_down(three: Inbox) -> None:
    """From row to row, with the focus, and no further than the ends."""
    three.press("j")
    assert _open(three) == "3"
    three.press("j", "j")
    assert _open(three) == "1"
    three.press("j")
    assert _open(three) == "1"
    three.press("k")
    assert _open(three) == "2"
    expect(three.page.locator("li.row a:focus")).to_contain_text("two")
    expect(three.bubble("two")).to_be_visible()


def test_arrows_do_the_same_in_the_list(three: Inbox) -> None:
    """Home and End too."""
    three.press("j", "ArrowDown")
    assert _open(three) == "2"
    three.press("ArrowUp")
    assert _open(three) == "3"
    three.press("End")
    assert _open(three) == "1"
    three.press("Home")
    assert _open(three) == "3"


def test_enter_opens_and_escape_goes_back(three: Inbox) -> None:
    """The focus is on the row again."""
    three.link("two").focus()
    three.press("Enter")
    expect(three.bubble("two")).to_be_visible()
    three.press("Escape")
    expect(three.bubble("two")).to_have_count(0)
    assert _open(three) == ""


def test_slash_searches_and_escape_leaves(three: Inbox) -> None:
    """The slash itself is not typed."""
    three.press("/")
    field = three.page.get_by_role("searchbox")
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    three.page.keyboard.type("two jx#")
    expect(field).to_have_value("two jx#")
    assert len(three.sandbox.messages) == 3


def test_o_copies_the_code(three: Inbox) -> None:
    """Of the open message."""
    three.choose("code")
    three.press("o")
    expect(three.page.locator("#toast")).to_contain_text("copied")
    assert three.page.evaluate("navigator.clipboard.readText()") == "111111"


def test_x_selects_and_shift_x_selects_a_range(three: Inbox) -> None:
    """The boxes show it."""
    three.press("j", "x")
    expect(three.page.locator("#list input:checked")).to_have_count(1)
    three.press("j", "j", "Shift+X")
    expect(three.page.locator("#list input:checked")).to_have_count(3)
    three.press("x")
    expect(three.page.locator("#list input:checked")).to_have_count(2)
    three.press("Escape")
    expect(three.page.locator("#list input:checked")).to_have_count(0)


def test_m_marks_read_and_unread(three: Inbox) -> None:
    """Of the row with the focus."""
    three.press("j")
    expect(three.page).to_have_title(re.compile(r"^\(2\)"))
    three.press("m")
    expect(three.page).to_have_title(re.compile(r"^\(3\)"))
    three.press("m")
    expect(three.page).to_have_title(re.compile(r"^\(2\)"))


def test_hash_deletes_and_u_takes_it_back(three: Inbox) -> None:
    """No dialog; the next row is open."""
    three.press("j")
    three.settled(3)
    three.press("#")
    expect(three.rows).to_have_count(2)
    three.settled(2)
    assert _open(three) == "2"
    expect(three.page.locator("#toast")).to_contain_text("1 message deleted")
    three.press("u")
    expect(three.rows).to_have_count(3)
    assert len(three.sandbox.messages) == 3


def test_undo_is_offered_for_five_seconds(sandbox: Sandbox, apart: Page) -> None:
    """Then the sentence goes away, and the key does nothing."""
    watch = Watch(sandbox.url)
    watch.follow(apart)
    inbox = Inbox(apart, sandbox, watch)
    for number in range(3):
        inbox.send("Hi", str(96590000000 + number))
    apart.clock.install()
    inbox.open()
    expect(inbox.rows).to_have_count(3)
    inbox.press("j")
    inbox.settled(3)
    inbox.press("#")
    expect(apart.locator("#toast")).to_be_visible()
    inbox.settled(2)
    apart.clock.fast_forward(5500)
    expect(apart.locator("#toast")).to_be_hidden()
    inbox.press("u")
    expect(inbox.rows).to_have_count(2)
    assert len(sandbox.messages) == 2
    watch.judge(apart)


def test_d_forces_the_next_delivery_state(inbox: Inbox) -> None:
    """Of the open message, as the inspector shows at once."""
    inbox.send("Hi")
    inbox.open("m/1")
    steps = inbox.tab("Delivery").locator("ol.timeline > li:not(.planned)")
    expect(steps).to_have_count(len(inbox.sandbox.messages[0].timeline))
    before = steps.count()
    inbox.press("d")
    expect(steps).to_have_count(before + 1)
    timeline = inbox.sandbox.messages[0].timeline
    assert len(timeline) == before + 1
    assert timeline[-1].forced


def test_e_and_r_open_their_panels(three: Inbox) -> None:
    """Encoding; request, then response."""
    three.press("j", "e")
    expect(three.page.get_by_role("tabpanel", name="Encoding")).to_be_visible()
    three.press("r")
    expect(three.page.get_by_role("tabpanel", name="Request")).to_be_visible()
    three.press("r")
    expect(three.page.get_by_role("tabpanel", name="Response")).to_be_visible()


def test_c_a_and_question_mark_open_panels(three: Inbox) -> None:
    """And close them; so does Esc, and the focus is where it was."""
    three.press("j")
    before = three.focused()
    assert before
    for key, name in (("c", "Chaos"), ("a", "Account"), ("?", "Help")):
        three.press(key)
        dialog = three.page.get_by_role("dialog", name=name)
        expect(dialog).to_be_visible()
        three.press(key)
        expect(dialog).to_be_hidden()
        three.press(key)
        expect(dialog).to_be_visible()
        three.press("Escape")
        expect(dialog).to_be_hidden()
        assert three.focused() == before


def test_b_blurs_and_t_changes_the_theme(three: Inbox) -> None:
    """And once more takes it back."""
    root = three.page.locator("html")
    three.press("b")
    expect(root).to_have_attribute("data-blur", "on")
    three.press("b")
    expect(root).to_have_attribute("data-blur", "off")
    seen = set()
    for _ in range(3):
        three.press("t")
        seen.add(root.get_attribute("data-theme"))
    assert seen == {"auto", "light", "dark"}


def test_the_help_lists_every_key(three: Inbox) -> None:
    """What it shows is what works here."""
    dialog = three.panel("Help")
    shown = set(dialog.locator("kbd").all_inner_texts())
    assert {"j", "k", "Enter", "Esc", "/", "o", "x", "m", "#", "u", "d", "e", "r", "c", "b", "t", "?"} <= shown


def test_letters_can_be_switched_off(three: Inbox) -> None:
    """Then none of them does anything, and arrows, Enter and Esc still do."""
    three.panel("Settings").get_by_label("Single letters are shortcuts").uncheck()
    three.press("Escape")
    three.link("three").focus()
    three.press("j", "x", "#", "m", "b", "t", "c", "a", "e", "d", "?", "/")
    assert _open(three) == ""
    assert len(three.sandbox.messages) == 3
    expect(three.page.locator("#list input:checked")).to_have_count(0)
    expect(three.page.locator("html")).to_have_attribute("data-blur", "off")
    expect(three.page.get_by_role("dialog")).to_have_count(0)
    three.press("ArrowDown")
    assert _open(three) == "2"
    three.page.reload()
    three.live()
    three.press("b")
    expect(three.page.locator("html")).to_have_attribute("data-blur", "off")


def test_keys_of_the_browser_are_left_alone(three: Inbox) -> None:
    """With Ctrl or Alt a letter is no shortcut."""
    three.press("Control+b", "Alt+b")
    expect(three.page.locator("html")).to_have_attribute("data-blur", "off")


def test_the_focus_stays_while_the_list_grows(three: Inbox) -> None:
    """New rows come above and below; the one with the focus keeps it."""
    three.press("j", "j")
    expect(three.page.locator("li.row a:focus")).to_contain_text("two")
    for number in range(5):
        three.send(f"new {number}", str(96590000100 + number))
    expect(three.rows).to_have_count(8)
    expect(three.page.locator("li.row a:focus")).to_contain_text("two")
    assert _open(three) == "2"


def test_the_focus_moves_on_when_its_row_is_deleted_elsewhere(three: Inbox) -> None:
    """It is not lost to the top of the document."""
    three.press("j", "j")
    three.settled(2)
    call(three.sandbox, "DELETE", "/sandbox/messages?ids=2")
    expect(three.rows).to_have_count(2)
    assert three.page.evaluate("document.activeElement !== document.body")


def test_every_control_is_reached_with_tab(three: Inbox) -> None:
    """From the skip links through search, list, phone and inspector, and round again; nothing is a trap."""
    three.choose("code")
    page = three.page
    page.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(80):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "() => { const e = document.activeElement; return e === document.body ? 'body' : e.id || e.className || e.tagName; }"
            )
        )
    for part in ("skip", "query", "row-link", "panel"):
        assert any(part in name for name in seen), (part, seen)
