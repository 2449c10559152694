"""Reading what arrived: threads, the log, the phone, Arabic, the queue, search, tags, and what is unread."""

from __future__ import annotations

import re

import pytest

from notifykit_kwtsms.sandbox import Sandbox
from tests.browser.conftest import NUMBER, OTHER, Inbox, call, expect

ARABIC = "رمز التحقق الخاص بك هو 739204، صالح لمدة 5 دقائق."


def test_an_empty_inbox_says_what_to_paste_and_shows_samples(inbox: Inbox) -> None:
    """The lines of the environment, and a button that sends messages to look at."""
    page = inbox.open().page
    empty = page.locator("#empty")
    expect(empty).to_contain_text("KWTSMS_USERNAME=sandbox")
    expect(empty).to_contain_text(f"{inbox.sandbox.url}/API/")
    page.get_by_role("button", name="Send a sample").click()
    expect(inbox.rows).to_have_count(3)
    expect(empty).not_to_contain_text("No messages yet")
    assert len(inbox.sandbox.messages) == 3


def test_the_tries_of_a_waiting_campaign_are_one_row(inbox: Inbox) -> None:
    """With the request that was accepted at last; the log has each of them, and a second campaign is another row."""
    both = f"{NUMBER},{OTHER}"
    inbox.send("campaign", both)
    inbox.sandbox.chaos("ERR013", times=2)
    for _ in range(3):
        inbox.send("campaign", both)
    inbox.open()
    expect(inbox.rows).to_have_count(2)
    expect(inbox.rows.nth(0)).to_contain_text("3 tries")
    expect(inbox.rows.nth(1)).not_to_contain_text("tries")
    inbox.view("Log")
    expect(inbox.rows).to_have_count(4)


def test_threads_are_numbers_and_the_log_is_every_request(inbox: Inbox) -> None:
    """Two numbers with three messages: two rows or three, the newest first."""
    for text, to in (("first", NUMBER), ("second", OTHER), ("third", NUMBER)):
        inbox.send(text, to)
    page = inbox.open().page
    expect(inbox.rows).to_have_count(2)
    expect(inbox.rows.nth(0)).to_contain_text("+965 9876 5432")
    expect(inbox.rows.nth(0)).to_contain_text("third")
    expect(inbox.rows.nth(1)).to_contain_text("second")
    inbox.view("Log")
    expect(inbox.rows).to_have_count(3)
    assert [re.sub(r"\s+", " ", text) for text in page.locator("#list .row-text").all_inner_texts()] == [
        "third",
        "second",
        "first",
    ]


def test_a_thread_is_the_conversation_as_the_phone_has_it(inbox: Inbox) -> None:
    """Bubbles from old to new under the sender's name, with the number below it."""
    inbox.send("one")
    inbox.send("two", sender="KWT-SMS")
    page = inbox.open().page
    inbox.choose("two")
    assert page.locator("#phone .bubble-text").all_inner_texts() == ["one", "two"]
    expect(page.locator("#phone .contact")).to_contain_text("KWT-SMS")
    expect(page.locator("#phone .contact")).to_contain_text("+965 9876 5432")
    expect(page).to_have_url(re.compile(r"#/m/2$"))


def test_a_link_to_a_message_opens_it(inbox: Inbox) -> None:
    """By its number in the inbox, and by the address of the newest match."""
    inbox.send("one", OTHER)
    inbox.send("two")
    inbox.open("m/1")
    expect(inbox.bubble("one")).to_be_visible()
    inbox.open("latest?q=to:96598765432")
    expect(inbox.bubble("two")).to_be_visible()


def test_a_request_to_many_is_one_row_that_unfolds(inbox: Inbox) -> None:
    """Its numbers appear below it, each opens the phone of that number."""
    inbox.send("campaign", [str(96590000000 + number) for number in range(12)])
    page = inbox.open().page
    expect(inbox.rows).to_have_count(1)
    expect(inbox.rows).to_contain_text("12 numbers")
    unfold = page.get_by_role("button", name="Numbers")
    unfold.click()
    expect(unfold).to_have_attribute("aria-expanded", "true")
    expect(inbox.rows).to_have_count(13)
    inbox.choose("+965 9000 0003")
    expect(page.locator("#phone .contact")).to_contain_text("+965 9000 0003")


#: Both are read at once, because the phone may be drawn again at any time.
_MARK_IS_INSIDE = """() => {
  const find = (name) => document.querySelector(`#phone ${name}`)?.getBoundingClientRect();
  const [bubble, mark] = [find('.bubble'), find('.segment-mark')];
  return bubble && mark && mark.height > 0 && mark.left >= bubble.left - 1 && mark.left <= bubble.right + 1
    && mark.top >= bubble.top - 1 && mark.top <= bubble.bottom + 1;
}"""


def test_segment_boundaries_are_marked_where_the_phone_would_cut(inbox: Inbox) -> None:
    """One thin mark for each segment but the first, inside the bubble, and the count beside the time."""
    texts = [("a" * 160, 1), ("a" * 161, 2), ("a" * 400, 3), ("ش" * 71, 2), ("😀" * 36, 2)]
    for number, (text, _) in enumerate(texts):
        inbox.send(text, str(96590000000 + number))
    page = inbox.open().page
    for place, (text, segments) in enumerate(texts, 1):
        inbox.go(place)
        expect(page.locator("#phone .bubble-text")).to_have_text(text)
        expect(page.locator("#phone .segment-mark")).to_have_count(segments - 1)
        if segments == 1:
            continue
        expect(page.locator("#phone .meta")).to_contain_text(f"{segments} segments")
        page.wait_for_function(_MARK_IS_INSIDE)


def test_a_mark_stands_before_the_first_letter_of_the_next_segment(inbox: Inbox) -> None:
    """Its place is that of the 154th letter, measured in the document."""
    inbox.send("a" * 153 + "b" + "a" * 100)
    page = inbox.open("m/1").page
    page.locator("#phone .segment-mark").wait_for()
    apart = page.evaluate(
        """() => {
          const node = document.querySelector('#phone .bubble-text').firstChild;
          const range = document.createRange();
          range.setStart(node, 153);
          range.setEnd(node, 154);
          const letter = range.getClientRects()[0];
          const mark = document.querySelector('#phone .segment-mark').getBoundingClientRect();
          return [mark.left + mark.width / 2 - letter.left, mark.top - letter.top];
        }"""
    )
    assert abs(apart[0]) <= 3
    assert abs(apart[1]) <= 6


def test_delivery_is_shown_as_ticks_and_in_words(inbox: Inbox) -> None:
    """The bubble follows what becomes of the message, without a reload."""
    states = ("sent", "delivered", "failed", "expired", "blacklisted")
    for number in range(len(states)):
        inbox.send("Hi", str(96590000000 + number), test="0")
    page = inbox.open().page
    for place, state in enumerate(states, 1):
        inbox.go(place)
        ticks = page.locator("#phone .ticks")
        call(inbox.sandbox, "POST", f"/sandbox/dlr/{place}", {"state": state})
        expect(ticks).to_have_text(state.capitalize())
        expect(ticks.locator("svg")).to_have_attribute("aria-hidden", "true")


def test_a_feature_phone_has_seven_lines_and_no_pictures(inbox: Inbox) -> None:
    """Emoji become boxes; the choice survives a reload."""
    inbox.send("Hello 🎉 " + "word " * 60)
    page = inbox.open("m/1").page
    page.get_by_role("group", name="How the phone looks").get_by_role("button", name="Old phone").click()
    display = page.get_by_role("region", name="Display of seven lines")
    expect(display).to_contain_text("Hello ▯ word")
    lines = page.evaluate(
        """() => { const box = document.querySelector('.lcd-window'); const text = document.querySelector('.lcd-text');
        return box.clientHeight / parseFloat(getComputedStyle(text).lineHeight); }"""
    )
    assert 6.5 <= lines < 8
    page.reload()
    inbox.live()
    expect(page.get_by_role("region", name="Display of seven lines")).to_be_visible()


def test_arabic_runs_from_right_to_left_with_codes_from_left_to_right(inbox: Inbox) -> None:
    """Direction, language and alignment of the bubble; the code is isolated and reads as it was sent."""
    inbox.send(ARABIC)
    inbox.send("Your code is 739204")
    page = inbox.open("m/1").page
    arabic = page.locator("#phone .bubble-text").first
    assert arabic.evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert arabic.evaluate("node => getComputedStyle(node).textAlign") in ("start", "right")
    expect(arabic).to_have_attribute("lang", "ar")
    english = page.locator("#phone .bubble-text").nth(1)
    assert english.evaluate("node => getComputedStyle(node).direction") == "ltr"
    assert english.get_attribute("lang") != "ar"
    code = arabic.locator("bdi")
    expect(code).to_have_text("739204")
    assert code.evaluate("node => getComputedStyle(node).direction") == "ltr"
    # The first letter of the sentence stands further right than the last one of its line.
    first, last = arabic.evaluate(
        """node => { const place = (start) => { const range = document.createRange();
        range.setStart(node.firstChild, start); range.setEnd(node.firstChild, start + 1);
        return range.getBoundingClientRect().left; }; return [place(0), place(8)]; }"""
    )
    assert first > last
    # Digits of the code go up from left to right.
    digits = code.evaluate(
        """node => [...node.textContent].map((_, place) => { const range = document.createRange();
        range.setStart(node.firstChild, place); range.setEnd(node.firstChild, place + 1);
        return range.getBoundingClientRect().left; })"""
    )
    assert digits == sorted(digits)


def test_arabic_letters_are_joined(inbox: Inbox) -> None:
    """A word in a bubble is as wide as the shaped word, and narrower than its letters side by side; also when marked."""
    word = "التحقق"
    inbox.send(f"{word} " * 12)
    page = inbox.open("m/1").page
    page.locator("#phone .segment-mark").first.wait_for()
    shown, shaped, apart = page.evaluate(
        """(word) => {
          const text = document.querySelector('#phone .bubble-text');
          const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
          const range = document.createRange();
          const node = walker.nextNode();
          range.setStart(node, 0);
          range.setEnd(node, word.length);
          const probe = (words) => {
            const span = document.createElement('span');
            span.lang = 'ar';
            span.dir = 'rtl';
            span.style.position = 'absolute';
            span.style.whiteSpace = 'pre';
            span.textContent = words;
            text.append(span);
            const { width } = span.getBoundingClientRect();
            span.remove();
            return width;
          };
          return [range.getBoundingClientRect().width, probe(word), probe([...word].join('\\u200c'))];
        }""",
        word,
    )
    assert shown == pytest.approx(shaped, rel=0.02)
    assert shown < apart * 0.97


def test_the_queue_holds_test_messages_and_deleting_gives_the_credits_back(inbox: Inbox) -> None:
    """Dashed in the phone, in a folder of their own; the balance rises and the message stays, marked as deleted."""
    inbox.send("test one")
    inbox.send("live one", OTHER, test="0")
    page = inbox.open().page
    inbox.view("Queue")
    expect(inbox.rows).to_have_count(1)
    expect(inbox.rows).to_contain_text("test one")
    inbox.choose("test one")
    assert (
        page.locator("#phone .bubble-row.test .bubble").evaluate("n => getComputedStyle(n).borderTopStyle") == "dashed"
    )
    expect(inbox.stat("balance")).to_have_text("148")
    page.get_by_role("button", name=re.compile("^Delete to recover 1 credit")).click()
    expect(inbox.rows).to_have_count(0)
    expect(inbox.stat("balance")).to_have_text("149")
    assert inbox.sandbox.account.balance == 149
    inbox.view("Log")
    expect(inbox.rows).to_have_count(2)
    assert inbox.sandbox.gateway.queue("sandbox") == ()


def test_the_whole_queue_can_be_emptied(inbox: Inbox) -> None:
    """One button below the list of the folder."""
    for number in range(3):
        inbox.send(f"number {number}", str(96590000000 + number))
    page = inbox.open().page
    inbox.view("Queue")
    page.locator("#list-foot").get_by_role("button").click()
    expect(inbox.rows).to_have_count(0)
    expect(inbox.stat("balance")).to_have_text("150")


#: What is typed, and which of the messages are found.
QUERIES = [
    ("to:96598765432", ["otp", "arabic", "long"]),
    ("to:9659999*", ["link", "refused"]),
    ("-to:96598765432", ["link", "refused"]),
    ("is:rejected", ["refused"]),
    ("is:live", ["long"]),
    ("has:otp", ["otp", "arabic"]),
    ("has:link", ["link"]),
    ("encoding:ucs2", ["arabic"]),
    ("encoding:gsm7 -is:rejected -has:link", ["otp", "long"]),
    ("segments:>1", ["long"]),
    ("cost:>1", ["long"]),
    ("code:ERR027", ["refused"]),
    ("sender:KWT-SMS", ["link"]),
    ("tag:spring", ["otp"]),
    ('"code is"', ["otp"]),
    ("!has:otp is:test", ["link", "refused"]),
    ("country:965 has:link", ["link"]),
    ("after:2h before:2100-01-01", ["otp", "arabic", "link", "long", "refused"]),
]


def test_the_search_knows_its_grammar(inbox: Inbox) -> None:
    """Typed into the field, and the list keeps what matches."""
    inbox.send("Your otp code is 123456", headers={"X-Notifykit-Tag": "spring"})
    inbox.send("arabic " + ARABIC)
    inbox.send("link https://example.com/x", OTHER, sender="KWT-SMS")
    inbox.send("long " + "word " * 40, test="0")
    inbox.send("refused <b>bold</b>", OTHER)
    page = inbox.open().page
    inbox.view("Log")
    expect(inbox.rows).to_have_count(5)
    field = page.get_by_role("searchbox")
    for query, found in QUERIES:
        # Nothing is found in between, so that what is looked at is the answer to this query.
        field.fill("code:ERR999")
        expect(inbox.rows).to_have_count(0)
        field.fill(query)
        expect(page.locator("#search-state")).to_have_text(f"{len(found)} found")
        expect(inbox.rows).to_have_count(len(found))
        texts = " ".join(page.locator("#list .row-text").all_inner_texts())
        assert all(word in texts for word in found), (query, texts)


def test_a_search_that_makes_no_sense_is_said(inbox: Inbox) -> None:
    """The sandbox's sentence below the field, and the list stays."""
    inbox.send("Hi")
    inbox.watch.expected.append("400 (Bad Request)")
    page = inbox.open().page
    field = page.get_by_role("searchbox")
    field.fill("colour:red")
    expect(page.locator("#search-state")).to_contain_text("colour")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(inbox.rows).to_have_count(1)
    field.fill("")
    expect(page.locator("#search-state")).to_be_hidden()


def test_a_search_goes_on_while_messages_arrive(inbox: Inbox) -> None:
    """What comes and matches appears, what doesn't match stays out."""
    inbox.send("Your code is 111111")
    page = inbox.open().page
    inbox.view("Log")
    page.get_by_role("searchbox").fill("has:otp")
    expect(inbox.rows).to_have_count(1)
    inbox.send("no digits", OTHER)
    inbox.send("Your code is 222222", OTHER)
    expect(inbox.rows).to_have_count(2)
    page.get_by_role("button", name="Codes", exact=True).click()
    expect(inbox.rows).to_have_count(3)


def test_tags_are_given_taken_and_found(inbox: Inbox) -> None:
    """From the request's header, by hand in the inspector, and as a search term."""
    inbox.send("Hi", headers={"X-Notifykit-Tag": "signup"})
    inbox.send("Ho", OTHER)
    page = inbox.open("m/1").page
    panel = inbox.tab("Phone")
    expect(panel.locator(".tag")).to_have_count(1)
    panel.get_by_label("Add a tag").fill("spring sale")
    panel.get_by_label("Add a tag").press("Enter")
    expect(panel.locator(".tag")).to_have_count(2)
    assert set(inbox.sandbox.messages[0].tags) == {"signup", "spring sale"}
    panel.get_by_role("button", name="Remove the tag signup").click()
    expect(panel.locator(".tag")).to_have_count(1)
    page.get_by_role("searchbox").fill('tag:"spring sale"')
    expect(inbox.rows).to_have_count(1)


def test_unread_is_counted_in_the_title_and_on_the_icon(inbox: Inbox) -> None:
    """Opening reads; the title and the icon of the page follow."""
    inbox.send("alpha")
    inbox.send("beta", OTHER)
    page = inbox.open().page
    expect(page).to_have_title(re.compile(r"^\(2\)"))
    icon = page.locator("link[rel=icon]")
    unread = icon.get_attribute("href")
    inbox.choose("alpha")
    expect(page).to_have_title(re.compile(r"^\(1\)"))
    inbox.choose("beta")
    expect(page).to_have_title(re.compile(r"^(?!\()"))
    assert icon.get_attribute("href") != unread
    assert [message.unread for message in inbox.sandbox.messages] == [False, False]


def test_the_code_is_copied_by_its_button(inbox: Inbox) -> None:
    """Latin digits in the clipboard, also from Arabic ones."""
    inbox.send("رمزك ١٢٣٤٥٦")
    page = inbox.open("m/1").page
    page.locator("#phone").get_by_role("button", name=re.compile("^Copy the code")).click()
    inbox.until("() => document.getElementById('announcer').textContent.includes('copied')")
    assert page.evaluate("navigator.clipboard.readText()") == "123456"


def test_several_are_selected_with_shift_and_deleted_with_a_way_back(inbox: Inbox) -> None:
    """No dialog: they are gone at once, and Undo brings them back, in their places."""
    for number in range(6):
        inbox.send(f"number {number}", str(96590000000 + number))
    page = inbox.open().page
    page.get_by_role("checkbox").nth(1).click()
    page.get_by_role("checkbox").nth(4).click(modifiers=["Shift"])
    bulk = page.get_by_role("group", name="What is selected")
    expect(bulk).to_contain_text("4")
    expect(page.locator("#list input:checked")).to_have_count(4)
    bulk.get_by_role("button", name=re.compile("^Delete")).click()
    expect(inbox.rows).to_have_count(2)
    inbox.until("() => document.getElementById('bulk').hidden")
    page.locator("#toast").get_by_role("button", name=re.compile("^Undo")).click()
    expect(inbox.rows).to_have_count(6)
    assert [re.sub(r"\s+", " ", text) for text in page.locator("#list .row-text").all_inner_texts()] == [
        f"number {number}" for number in (5, 4, 3, 2, 1, 0)
    ]
    assert len(inbox.sandbox.messages) == 6


def test_several_are_read_at_once(inbox: Inbox) -> None:
    """By the bar that appears with a selection."""
    for number in range(3):
        inbox.send(f"number {number}", str(96590000000 + number))
    page = inbox.open().page
    page.get_by_role("checkbox").nth(0).click()
    page.get_by_role("checkbox").nth(2).click(modifiers=["Shift"])
    page.get_by_role("group", name="What is selected").get_by_role("button", name=re.compile("[Rr]ead")).first.click()
    expect(page).to_have_title(re.compile(r"^(?!\()"))
    assert [message.unread for message in inbox.sandbox.messages] == [False, False, False]


def test_numbers_and_codes_are_blurred_for_a_picture(inbox: Inbox) -> None:
    """Every place that shows one has the filter on it; the choice survives a reload."""
    inbox.send("Your code is 123456")
    page = inbox.open("m/1").page
    blurred = """() => [...document.querySelectorAll('.row-title, #phone .contact-note bdi, #phone .code')]
      .map((node) => getComputedStyle(node).filter)"""
    assert set(page.evaluate(blurred)) == {"none"}
    inbox.press("b")
    inbox.until(f"() => ({blurred})().every((filter) => filter.includes('blur'))")
    page.reload()
    inbox.live()
    inbox.bubble("code").wait_for()
    assert all("blur" in found for found in page.evaluate(blurred))
    assert "123456" not in page.title()


def test_messages_of_other_machines_carry_their_warnings(inbox: Inbox, sandbox: Sandbox) -> None:
    """A refusal with its code and words, left-out numbers with theirs."""
    inbox.send("<b>no</b>")
    inbox.send("mixed", [OTHER, "123"])
    page = inbox.open("m/1").page
    expect(inbox.tab("Phone")).to_contain_text("ERR027")
    expect(page.locator("#phone .meta").first).to_contain_text("Refused · ERR027")
    inbox.open("m/2")
    expect(inbox.tab("Phone")).to_contain_text("ERR025")
