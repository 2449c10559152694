"""The inspector: why a message cost what it cost, what was said on the wire, and what becomes of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from notifykit_kwtsms.sandbox import Sandbox
from notifykit_kwtsms.sandbox.gateway import service
from notifykit_kwtsms.sandbox.segments import count_text
from tests.browser.conftest import NUMBER, OTHER, Inbox, call, expect

if TYPE_CHECKING:
    import pytest

#: Texts with the words of their meter.
METERS = [
    ("a" * 143, "GSM-7 143/160", "17 left"),
    ("a" * 300, "GSM-7 300 → 2 segments of 153", "6 left"),
    ("ش" * 20, "Unicode 20/70", "50 left"),
    ("ش" * 71, "Unicode 71 → 2 segments of 67", "63 left"),
    ("[]{}", "GSM-7 8/160", "152 left"),
    ("😀", "Unicode 2/70", "68 left"),
]


def test_the_meter_says_how_full_the_segments_are(inbox: Inbox) -> None:
    """Septets and UTF-16 units, not characters."""
    for text, _, _ in METERS:
        inbox.send(text)
    inbox.open("m/1")
    panel = inbox.tab("Encoding")
    for place, (_, words, left) in enumerate(METERS, 1):
        inbox.go(place)
        expect(panel.locator(".meter-words")).to_contain_text(words)
        expect(panel.locator(".meter-words")).to_contain_text(left)
        expect(panel.get_by_role("img", name="units used")).to_be_visible()


def test_each_character_that_forced_unicode_is_listed_with_its_cure(inbox: Inbox) -> None:
    """Glyph, code point, name, place, nearest GSM-7 form, and what replacing all of them would save."""
    text = "It’s almost time – your table for four is ready at 20:30. Show this message at the door."
    inbox.send(text)
    page = inbox.open("m/1").page
    panel = inbox.tab("Encoding")
    rows = panel.locator("table.forced tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("U+2019")
    expect(rows.nth(0)).to_contain_text("right single quotation mark")
    expect(rows.nth(0).locator("td").nth(0)).to_have_text(str(text.index("’") + 1))
    expect(rows.nth(0).locator("td").nth(1)).to_have_text("'")
    expect(rows.nth(1).locator("td").nth(1)).to_have_text("-")
    expect(panel).to_contain_text("saves 1 segment, 1 point")
    # The characters are marked by highlights, so that nothing stands between the letters.
    assert page.evaluate("() => [...CSS.highlights.get('forced')].map((range) => range.toString())").count("’") == 2
    rows.nth(1).get_by_role("button").click()
    assert page.evaluate("() => [...CSS.highlights.get('forced-current')].map((range) => range.toString())") == ["–"]


def test_one_character_that_alone_costs_a_segment_says_so(inbox: Inbox) -> None:
    """Its own row has what replacing it saves."""
    inbox.send("a" * 90 + "’")
    inbox.open("m/1")
    expect(inbox.tab("Encoding").locator("table.forced tbody tr")).to_contain_text("1 segment")


def test_every_cleaner_edit_is_shown_before_and_after(inbox: Inbox) -> None:
    """Emoji, hidden characters and Arabic digits, each with its reason; what can't be seen by its code point."""
    inbox.send("رمزك ١٢٣٤ 🎉\u200b")
    inbox.open("m/1")
    panel = inbox.tab("Edits")
    expect(panel.get_by_text("As it arrived")).to_be_visible()
    expect(panel.get_by_text("Cleaned", exact=True)).to_be_visible()
    edits = panel.locator("ol.edits > li")
    assert edits.count() >= 3
    whole = panel.locator("ol.edits").inner_text()
    assert "1234" in whole or all(digit in whole for digit in "1234")
    assert "🎉" in whole
    assert "U+200B" in whole
    assert "removed" in whole
    expect(panel.locator(".quote-text").nth(1)).to_contain_text("1234")


def test_a_text_that_needs_no_cleaning_says_so(inbox: Inbox) -> None:
    """Instead of an empty list."""
    inbox.send("Your code is 123456")
    inbox.open("m/1")
    expect(inbox.tab("Edits")).to_contain_text("Nothing to clean")


def test_the_request_is_shown_without_the_password(inbox: Inbox) -> None:
    """Nowhere on the page, in no answer that the page got, and not in the raw form."""
    inbox.send("Hi")
    inbox.open("m/1")
    panel = inbox.tab("Request")
    expect(panel).to_contain_text("/API/send/")
    expect(panel).to_contain_text('"password": "****"')
    expect(panel).to_contain_text("127.0.0.1")
    expect(inbox.tab("Raw")).to_contain_text('"msg-id"')
    for name in ("Request", "Response", "Raw", "Phone"):
        assert "sandboxpassword" not in inbox.tab(name).inner_html()
    for path in ("messages", "messages/1", "requests", "stats"):
        assert "sandboxpassword" not in json.dumps(call(inbox.sandbox, "GET", f"/sandbox/{path}"))


def test_the_response_is_shown_with_its_status(inbox: Inbox) -> None:
    """The accepted one and the refused one."""
    inbox.send("Hi")
    inbox.send("Hi", "96545000013")
    inbox.open("m/1")
    panel = inbox.tab("Response")
    expect(panel).to_contain_text("HTTP 200")
    expect(panel).to_contain_text('"points-charged": 1')
    inbox.open("m/2")
    expect(panel).to_contain_text("HTTP 400")
    expect(panel).to_contain_text("ERR013")


def test_the_next_delivery_state_is_forced_by_a_button(inbox: Inbox) -> None:
    """The timeline grows, with the mark of a person's hand; the gateway's own status follows."""
    inbox.send("Hi")
    inbox.open("m/1")
    panel = inbox.tab("Delivery")
    timeline = panel.locator("ol.timeline > li:not(.planned)")
    before = timeline.count()
    panel.get_by_role("button", name=re.compile("^Next:")).click()
    expect(timeline).to_have_count(before + 1)
    expect(timeline.last).to_contain_text("Forced")
    assert inbox.sandbox.messages[0].timeline[-1].forced
    panel.get_by_role("button", name="Make it: Failed").click()
    expect(timeline.last).to_contain_text("Failed")
    assert inbox.sandbox.messages[0].state == "failed"


def test_one_number_of_several_is_forced_by_itself(inbox: Inbox) -> None:
    """The others keep their state."""
    inbox.send("Hi", [NUMBER, OTHER], test="0")
    inbox.open("m/1")
    panel = inbox.tab("Delivery")
    panel.get_by_label("For").select_option(OTHER)
    panel.get_by_role("button", name="Make it: Delivered").click()
    expect(panel.locator("ol.timeline > li").filter(has_text="Delivered")).to_contain_text("+965 9999 9999")
    message = inbox.sandbox.messages[0]
    assert message.state_of(OTHER) == "delivered"
    assert message.state_of(NUMBER) != "delivered"


def test_both_counts_of_points_agree(inbox: Inbox) -> None:
    """Two segments to two numbers are four."""
    inbox.send("a" * 161, [NUMBER, OTHER])
    inbox.open("m/1")
    panel = inbox.tab("Phone")
    expect(panel.locator(".cost-value").nth(0)).to_have_text("4")
    expect(panel.locator(".cost-value").nth(1)).to_have_text("4")
    expect(panel).to_contain_text("They agree")


def test_points_that_differ_are_red_and_said_in_words(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that miscounts: red, the words beside it, and a badge in the list."""
    monkeypatch.setattr(service, "count_text", lambda text: count_text(text + "a" * 160))
    inbox.send("Hi")
    monkeypatch.undo()
    assert inbox.sandbox.messages[0].points == 2
    page = inbox.open("m/1").page
    panel = inbox.tab("Phone")
    expect(panel).to_contain_text("The two differ")
    expect(panel.locator(".cost-value").nth(0)).to_have_text("2")
    expect(panel.locator(".cost-value").nth(1)).to_have_text("1")
    reds = page.evaluate(
        """() => { const box = document.querySelector('.costs.differ');
        const own = (node, name) => getComputedStyle(node)[name].match(/[0-9.]+/g).slice(0, 3).map(Number);
        const parts = [box, ...box.querySelectorAll('*')];
        return parts.flatMap((node) => [own(node, 'color'), own(node, 'borderTopColor'), own(node, 'backgroundColor')]); }"""
    )
    assert any(red > green + 60 and red > blue + 60 for red, green, blue in reds)
    expect(inbox.rows.first).to_contain_text("Points differ")


def test_a_fault_of_a_magic_number_is_named_on_its_message(inbox: Inbox) -> None:
    """In the list as a word, in the inspector with its meaning and where it came from."""
    for to in ("96545004001", "96545004006", "96545006001", "96545003001"):
        inbox.send("Hi", to)
    inbox.open()
    expect(inbox.rows.filter(has_text="Fault")).to_have_count(4)
    messages = inbox.sandbox.gateway.store.all()
    assert len({message.fault for message in messages}) == 4
    for message in messages:
        inbox.go(message.id)
        panel = inbox.tab("Phone")
        expect(panel).to_contain_text("Fault:")
        expect(panel).to_contain_text("by a magic number")
        assert message.fault is not None
        expect(inbox.tab("Response")).to_contain_text(message.fault)


def test_an_active_fault_is_named_on_its_message(inbox: Inbox, sandbox: Sandbox) -> None:
    """By the chaos that it came from, while the page looks on."""
    inbox.open()
    sandbox.chaos("broken-json", after="accept")
    inbox.send("Hi")
    expect(inbox.rows).to_have_count(1)
    inbox.choose("Hi")
    expect(inbox.tab("Phone")).to_contain_text("by chaos")
    expect(inbox.tab("Phone")).to_contain_text("broken-json")


def test_wasted_units_and_segments_are_spelled_out(inbox: Inbox) -> None:
    """A pair that doesn't fit leaves a unit behind, and the text of each segment is listed."""
    inbox.send("a" * 66 + "😀" + "ب" * 40)
    inbox.open("m/1")
    panel = inbox.tab("Encoding")
    expect(panel.locator("ol.segments > li")).to_have_count(2)
    expect(panel.locator("ol.segments > li").first).to_contain_text("1 unit wasted")


def test_the_check_finds_what_carriers_mind(inbox: Inbox) -> None:
    """Sentences about the text, not only numbers."""
    inbox.send("Your code is 123456 🎉 see https://example.com", sender="KWT-SMS")
    inbox.open("m/1")
    checks = inbox.tab("Phone").locator(".checks li")
    assert checks.count() >= 2
