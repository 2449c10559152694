"""The cleaners, one by one and together."""

from __future__ import annotations

import pathlib
import re
import sys
import unicodedata

import pytest
from hypothesis import example, given

from notifykit.models.message import Channel, Edit, replay
from notifykit_kwtsms.sandbox.texts import has_tags
from notifykit_kwtsms.text.cleaning import (
    CLEANERS,
    DIGITS,
    EMOJI,
    HIDDEN_CHARACTERS,
    TAGS,
    TextCleaner,
    clean,
    clean_message,
)
from notifykit_kwtsms.text.links import LOST
from tests.kwtsms.text.strategies_text import (
    EMOJI_SEQUENCES,
    OTHER_PICTOGRAPHS,
    PLAIN,
    SPELLED,
    TAG,
    is_arabic_digit,
    is_hidden,
    is_odd_space,
    is_pictograph,
    texts,
)

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1)]

each_cleaner = pytest.mark.parametrize("cleaner", CLEANERS, ids=lambda cleaner: cleaner.name)


def changes(cleaner: TextCleaner, text: str) -> list[tuple[str, str, str]]:
    """Return what a cleaner's edits say: before, after, reason."""
    return [(edit.before, edit.after, edit.reason) for edit in cleaner.clean(text).edits]


class TestTogether:
    @pytest.mark.parametrize(
        ("text", "cleaned"),
        [
            ("Your OTP is: ١٢٣٤٥٦ 🎉", "Your OTP is: 123456 "),
            ("🎉", ""),
            ("Hello 🎉 World", "Hello  World"),
            ("<b>كود</b>: ۱۲۳", "كود: 123"),
            ("code 1️⃣2️⃣3️⃣", "code 123"),
            ("<\u200bb>x", "x"),
            ("<\u2139>x", "x"),
            ("↔<b>↔", "<-><->"),
            ("<٣", "<3"),
            ("a\r\u200b\nb", "a\n\nb"),
            ("می\u200c😀خواهم", "می خواهم"),
            ("", ""),
        ],
    )
    def test_whole_texts(self, text: str, cleaned: str) -> None:
        """A cleaned text is one that the gateway can deliver."""
        assert clean(text).text == cleaned

    def test_the_order(self) -> None:
        """Joiners are removed with their emoji, and a hidden character does not protect a tag."""
        assert [cleaner.name for cleaner in CLEANERS] == [
            "kwtsms-emoji",
            "kwtsms-hidden",
            "kwtsms-digits",
            "kwtsms-html",
        ]

    @given(texts)
    @example("</<b>b>")
    @example("<<b>/b>b>")
    @example("<!-- <b>x</b> --></<?>i>")
    def test_twice_is_once(self, text: str) -> None:
        """Cleaning a cleaned text changes nothing and says so."""
        once = clean(text).text
        again = clean(once)
        assert again.text is once
        assert again.edits == ()

    @given(texts)
    def test_the_edits_are_the_whole_truth(self, text: str) -> None:
        """The edits, applied to the text, give the cleaned one; each names the old text and is a change."""
        cleaned = clean(text)
        assert replay(text, cleaned.edits) == cleaned.text
        assert all(edit.before != edit.after for edit in cleaned.edits)

    @given(texts)
    def test_text_alone(self, text: str) -> None:
        """The fast way to the text alone leads to the same text."""
        assert clean_message(text) == clean(text).text

    @given(texts)
    def test_nothing_forbidden_stays(self, text: str) -> None:
        """No emoji, no hidden character, no odd space or line end, no Arabic digit and no tag remains."""
        cleaned = clean(text).text
        for character in cleaned:
            assert not is_pictograph(character)
            assert not is_hidden(character)
            assert not is_odd_space(character)
            assert not is_arabic_digit(character)
        assert not TAG.search(cleaned)
        cleaned.encode()

    @given(texts)
    def test_letters_stay(self, text: str) -> None:
        """Outside of tags, letters, marks and Latin digits of every script stay, in their order."""

        def words(text: str) -> str:
            return "".join(c for c in text if c.isalpha() and not is_pictograph(c) and not is_hidden(c))

        without_brackets = text.translate(dict.fromkeys(map(ord, ["<", ">", *SPELLED]), " "))
        assert words(clean(without_brackets).text) == words(without_brackets)

    @pytest.mark.parametrize("text", PLAIN)
    def test_plain_text_is_returned_itself(self, text: str) -> None:
        """What needs no cleaning comes back as the same object, without edits."""
        cleaned = clean(text)
        assert cleaned.text is text
        assert cleaned.edits == ()


@each_cleaner
class TestEach:
    @given(text=texts)
    def test_the_edits_are_the_whole_truth(self, cleaner: TextCleaner, text: str) -> None:
        """The edits, made on the text, give the cleaned one, and stand in order without overlap."""
        cleaned = cleaner.clean(text)
        assert replay(text, cleaned.edits) == cleaned.text
        assert cleaned.text is text or cleaned.edits
        position = 0
        for edit in cleaned.edits:
            assert position <= edit.start < edit.end <= len(text)
            assert edit.before == text[edit.start : edit.end] != edit.after
            assert edit.cleaner == cleaner.name
            assert edit.reason
            position = edit.end

    @given(text=texts)
    def test_twice_is_once(self, cleaner: TextCleaner, text: str) -> None:
        """A cleaner leaves its own work alone."""
        once = cleaner.clean(text).text
        assert cleaner.clean(once).text is once

    @pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.PUSH])
    def test_sms_only(self, cleaner: TextCleaner, channel: Channel) -> None:
        """Other channels support emoji and markup: their texts stay as they are."""
        text = "<b>٣</b>\u200b 🎉"
        cleaned = cleaner.clean(text, channel)
        assert cleaned.text is text
        assert cleaned.edits == ()


class TestEmoji:
    @pytest.mark.parametrize("sequence", EMOJI_SEQUENCES)
    def test_a_sequence_is_one_edit(self, sequence: str) -> None:
        """What people see as one emoji is one edit, and the spaces beside it stay."""
        assert EMOJI.clean(f"a {sequence} b").text == "a  b"
        assert changes(EMOJI, f"a {sequence} b") == [(sequence, "", "emoji")]

    def test_neighbours_are_edits_of_their_own(self) -> None:
        """Two emoji are two edits; four flag letters are two flags."""
        assert [edit.before for edit in EMOJI.clean("😀👍🏽🇰🇼🇸🇦").edits] == ["😀", "👍🏽", "🇰🇼", "🇸🇦"]

    @pytest.mark.parametrize("key", "0123456789#*")
    @pytest.mark.parametrize("box", ["\u20e3", "\ufe0f\u20e3"])
    def test_keycaps_keep_their_key(self, key: str, box: str) -> None:
        """A keycap becomes its key: losing the digits of a code would be worse."""
        assert changes(EMOJI, key + box) == [(key + box, key, "keycap emoji")]

    @pytest.mark.parametrize(
        ("text", "cleaned"),
        [
            *SPELLED.items(),
            *((sign + "\ufe0f", plain) for sign, plain in SPELLED.items()),
            ("✓ Paid ✗ Refunded ★★★☆☆", "√ Paid x Refunded ***"),
            ("❶ go ❷ pay", "1 go 2 pay"),
            ("©️ ®️ ™️", "© ® ™"),
            ("😀\u200d", ""),
            ("x\u20e3", "x"),
            ("⚿☎♠", ""),
        ],
    )
    def test_what_is_text_stays_text(self, text: str, cleaned: str) -> None:
        """Emoji that stand for digits, letters or marks become these, and signs only lose what made them emoji."""
        assert EMOJI.clean(text).text == cleaned

    @pytest.mark.parametrize(
        "text", [*"©®™→←↑↓⇒─│╔漢字ﷺﻼﹰ①Ⓐ№°•…", "1#*", "1\ufb00", "\U0001d400", "\U0001fb00", "\U00020000"]
    )
    def test_not_emoji(self, text: str) -> None:
        """Signs, plain arrows, box drawing, Han, presentation forms and letters beyond the BMP stay."""
        assert EMOJI.clean(text).text is text

    @pytest.mark.slow
    def test_every_character(self) -> None:
        """Of all characters exactly the pictographs, the selectors and the tags are removed."""
        for character in EVERY_CHARACTER:
            code = ord(character)
            removed = (
                is_pictograph(character)
                or 0xFE00 <= code <= 0xFE0F
                or 0xE0000 <= code <= 0xE007F
                or 0xE0100 <= code <= 0xE01EF
            )
            assert (EMOJI.clean(character).text != character) == removed, f"U+{code:04X}"

    def test_pictographs_are_symbols(self) -> None:
        """No letter of any script is among the pictographs, but the three that are emoji."""
        letters = {c for c in OTHER_PICTOGRAPHS if unicodedata.category(c).startswith("L")}
        assert letters == {"ℹ"}


class TestHidden:
    @pytest.mark.parametrize(
        ("text", "edits"),
        [
            ("a\u200bb", [("\u200b", "", "hidden character")]),
            ("\ufeffa\u00ad\u2060b", [("\ufeff", "", "hidden character"), ("\u00ad\u2060", "", "hidden character")]),
            ("a\x00\x1f\x7fb", [("\x00\x1f\x7f", "", "hidden character")]),
            ("a\r\nb", [("\r\n", "\n", "line end")]),
            ("a\r\n\nb", [("\r\n", "\n", "line end")]),
            ("a\r\r\n\x0bb", [("\r\r\n\x0b", "\n\n\n", "line end")]),
            ("a\u2028b\x85", [("\u2028", "\n", "line end"), ("\x85", "\n", "line end")]),
            ("a\u00a0\u3000b", [("\u00a0\u3000", "  ", "unusual space")]),
            (
                "\r\u00a0\u200b",
                [("\r", "\n", "line end"), ("\u00a0", " ", "unusual space"), ("\u200b", "", "hidden character")],
            ),
            ("a\ud83d\ude00b", [("\ud83d\ude00", "", "hidden character")]),
            ("a\nb", []),
            ("Price\t5", [("\t", " ", "unusual space")]),
            ("a\u2800b", [("\u2800", " ", "unusual space")]),
            ("Fatma\ufffd", []),
        ],
    )
    def test_edits(self, text: str, edits: list[tuple[str, str, str]]) -> None:
        """A run of one kind is one edit, and the reason says which kind."""
        assert changes(HIDDEN_CHARACTERS, text) == edits

    @pytest.mark.parametrize(
        ("text", "cleaned"),
        [
            ("می\u200cخواهم", "می خواهم"),
            ("می\u200b\u200c\u200dخواهم", "می خواهم"),
            ("مِ\u200cخ", "مِ خ"),
            ("a\u200cb", "ab"),
            ("\u200cخ", "خ"),
            ("خ\u200c", "خ"),
            ("خ\u200c b", "خ b"),
            ("خ\u200c،", "خ،"),
            ("\u200c", ""),
            ("می\u200bخواهم", "میخواهم"),
        ],
    )
    def test_the_zero_width_non_joiner(self, text: str, cleaned: str) -> None:
        """Between Arabic letters it separates a word's parts and becomes a space; elsewhere it is removed."""
        assert HIDDEN_CHARACTERS.clean(text).text == cleaned

    @pytest.mark.slow
    def test_every_character(self) -> None:
        """Of all characters exactly the hidden ones are removed, and the odd spaces and line ends become plain ones."""
        for character in EVERY_CHARACTER:
            expected = character
            if character in "\r\v\f\x85\u2028\u2029":
                expected = "\n"
            elif is_odd_space(character):
                expected = " "
            elif is_hidden(character):
                expected = ""
            if expected != HIDDEN_CHARACTERS.clean(character).text:
                # A later Unicode may have given a meaning to what this Python calls unassigned.
                assert unicodedata.category(character) == "Cn", f"U+{ord(character):04X}"

    @pytest.mark.parametrize("sign", "\u0600\u0605\u06dd\u070f\u0890\u08e2\U000110bd")
    def test_signs_that_are_drawn_stay(self, sign: str) -> None:
        """The number signs of Arabic are format characters for Unicode, and visible."""
        assert HIDDEN_CHARACTERS.clean(sign + "٣").text == sign + "٣"


class TestDigits:
    @pytest.mark.parametrize(
        ("text", "edits"),
        [
            ("٠١٢٣٤٥٦٧٨٩", [("٠١٢٣٤٥٦٧٨٩", "0123456789", "Arabic-Indic digits")]),
            ("۰۱۲۳۴۵۶۷۸۹", [("۰۱۲۳۴۵۶۷۸۹", "0123456789", "Persian digits")]),
            ("a٣b۴", [("٣", "3", "Arabic-Indic digits"), ("۴", "4", "Persian digits")]),
            ("٠٠7", [("٠٠", "00", "Arabic-Indic digits")]),
            ("१२", []),
            ("123", []),
        ],
    )
    def test_edits(self, text: str, edits: list[tuple[str, str, str]]) -> None:
        """A number is one edit; only the digits of the Arabic script are changed."""
        assert changes(DIGITS, text) == edits


class TestTags:
    @pytest.mark.parametrize(
        ("text", "cleaned"),
        [
            ("<p>Code: 4711</p><p>2 minutes valid</p>", "Code: 4711\n2 minutes valid"),
            ("123<br>456", "123\n456"),
            ("a <br/> b", "a\nb"),
            ("a<br><BR>b", "a\n\nb"),
            ("a<br>\nb", "a\nb"),
            ("<ul>\n  <li>one</li>\n  <li>two</li>\n</ul>", "one\ntwo"),
            ("<tr><td>Price</td><td>5</td></tr><tr><td>Sum</td><td>6</td></tr>", "Price 5\nSum 6"),
            ("<h1>Hi</h1>there<hr>you", "Hi\nthere\nyou"),
            ("x<p><td> <td><p>y", "x\ny"),
            ("<b>Hi</b> <i>you</i>", "Hi you"),
            ("</b >Hi<!-- <b>x</b> --><?xml?><!DOCTYPE html><![CDATA[x]]>", "Hi"),
            ("<name>Sara</name><x y='1'><z/>", "Sara"),
            ("<code>4711</code>", "4711"),
            ("<style>p {}</style><script>if (a<b) x='</p>'</script>Hi", "Hi"),
            ("<script>Hi", "Hi"),
            ('<img title="a > b" hidden>Hi', "Hi"),
            ("<SPAN Class=x\n data-y TITLE = 'a \"b\"'/>Hi", "Hi"),
            (f'<img src="data:image/png;base64,{"A" * 20_000}">Hi', "Hi"),
            ("<x y=''>Hi", "Hi"),
            ("<!-->Hi<!-- > -->", "Hi"),
        ],
    )
    def test_tags_become_what_they_stand_for(self, text: str, cleaned: str) -> None:
        """A block is a line of its own and a cell a word of its own; the rest of HTML is removed."""
        assert TAGS.clean(text).text == cleaned

    @pytest.mark.parametrize(
        ("text", "cleaned"),
        [
            ('<a href="https://x.example/?a=1&amp;b=2">here</a>, now', "here https://x.example/?a=1&b=2, now"),
            ('<p><a href="https://x.example/">Pay</a></p><p>now</p>', "Pay https://x.example/\nnow"),
            ('<a href="https://x.example/i">go</a>now', "go https://x.example/i now"),
            ('<a href="https://x.example/"><img src="x"></a>', "https://x.example/"),
            ('<a href="http://www.x.example/">x.example</a>', "x.example"),
            (
                '<a href="mailto:sara@x.example">us</a> <a href="tel:+9651800000">call</a>',
                "us sara@x.example call +9651800000",
            ),
            ('<a href="#top">up</a><a name="top"></a>', "up"),
            ('<a href="//x.example/p">Pay</a>', "Pay https://x.example/p"),
            ('<a href="www.x.example">Pay</a>', "Pay www.x.example"),
            ('<a href="x.example/pay">Pay</a>', "Pay x.example/pay"),
            ('<a href="x.example:8443">Pay</a>', "Pay x.example:8443"),
            ('<a href="mailto:a%40x.example?subject=Hi">us</a>', "us a@x.example"),
            ('<a href="SMS:+965%201800000?body=hi">us</a>', "us +9651800000"),
            ('<a href="geo:29.3,47.9">map</a>', "map geo:29.3,47.9"),
            ('<a href="intent://scan/#Intent;end">go</a>', "go intent://scan/#Intent;end"),
            ('<a href="https://x.example/1" href="https://x.example/2">go</a>', "go https://x.example/1"),
            ("<a href=https://x.example/?a=1 target=_blank>go</a>", "go https://x.example/?a=1"),
            ("<A title=\"href='https://x.example/1'\"HREF = 'https://x.example/2' >go</A >", "go https://x.example/2"),
            # Never closed: in front of its words.
            ('<a href="https://x.example/">Pay', "https://x.example/ Pay"),
            ('Now <a href="https://x.example/"><p>Pay', "Now https://x.example/\nPay"),
            ('<a href="/pay"><a href="https://x.example/">/?', "https://x.example/ /?"),
            (
                '<a href="https://x.example/1">a <a href="https://x.example/2">b</a>',
                "https://x.example/1 a b https://x.example/2",
            ),
            # Around no words.
            ('Hi<a href="https://x.example/1"></a><a href="tel:180"></a>ho', "Hi https://x.example/1 180 ho"),
            ('<a href="https://x.example/"><img alt="https://x.example/"></a>', "https://x.example/"),
            # Words that are another address.
            ('<a href="https://a.co">a.com/pay</a>', "a.com/pay https://a.co"),
            ('<a href="https://x.example/Ab">x.example/ab</a>', "x.example/ab https://x.example/Ab"),
            ('<a href="https://x.example/Ab">(see X.example/<b>Ab</b>).</a>', "(see X.example/Ab)."),
            ('<a href="tel:+9651800000">+965 1800 000</a>', "+965 1800 000"),
            ('<a href="javascript:go()">go</a>', "go"),
            ('<a href="https://x.example/<b>">go</a>', "go https://x.example/%3Cb>"),
            ('<a href="https://x.example/😀٣">go</a>', "go https://x.example/3"),
        ],
    )
    def test_links_keep_their_address(self, text: str, cleaned: str) -> None:
        """A reader can't press the words of a link: its address follows them, if they do not say it."""
        assert TAGS.clean(text).text == cleaned

    @pytest.mark.parametrize(
        "href",
        [
            "/pay/7",
            "pay.html",
            "?id=7",
            "./x",
            "https:7",
            "https://",
            "file:///c/x",
            "cid:1",
            "C:/pay",
            "mailto:",
            "{url}",
        ],
    )
    def test_an_address_that_is_lost(self, href: str) -> None:
        """What only the page knows is of no use on a phone, and the edit at the link's end says so."""
        text = f'<b>Pay</b> <a href="{href}">here</a>'
        assert TAGS.clean(text).text == "Pay here"
        assert [edit.reason for edit in TAGS.clean(text).edits] == ["HTML tag"] * 3 + [LOST]
        assert TAGS.clean(f'<a href="{href}">here').edits[0].reason == LOST

    @pytest.mark.parametrize("href", ["", "#", "#top", "javascript:go()"])
    def test_a_link_that_leads_nowhere(self, href: str) -> None:
        """There is no address that could be lost."""
        assert {edit.reason for edit in TAGS.clean(f'<a href="{href}">here</a>').edits} == {"HTML tag"}

    @pytest.mark.parametrize(
        ("text", "cleaned"),
        [
            ("<b>Tom &amp; Jerry&#39;s&nbsp;5</b>", "Tom & Jerry's 5"),
            ("<b>&amp;amp; &#x26;lt;</b>", "&amp; &lt;"),
            ("<br>&lt;b&gt; &lt;&#98;&gt; &lt;3", "< b> < b> <3"),
            ("<b>a&#128512;&zwj;&#1635;&#0;b</b>", "a3\ufffdb"),
            ("<b>?a=1&copy=2 &unknown; &</b>", "?a=1&copy=2 &unknown; &"),
            ("Tom &amp; Jerry <3 a > b", "Tom &amp; Jerry <3 a > b"),
        ],
    )
    def test_entities_are_decoded_once(self, text: str, cleaned: str) -> None:
        """Where a text is HTML, and what comes out is cleaned too."""
        assert TAGS.clean(text).text == cleaned
        assert clean(cleaned).text == cleaned

    @pytest.mark.parametrize(
        ("text", "cleaned"),
        [
            ("Pay at <https://pay.example.com/i/123>.", "Pay at https://pay.example.com/i/123."),
            ("See<https://x.example/>now", "See https://x.example/ now"),
            ("<sara@example.com>", "sara@example.com"),
            ("<www.x.example/a> <x.example/a>", "www.x.example/a x.example/a"),
            ("Dear <name>, your <code>", "Dear name, your code"),
            ("x<y and y>z", "x< y and y>z"),
            ("if a <b and c> d", "if a < b and c> d"),
            ("Dear <first name>", "Dear < first name>"),
            ("List<String> x", "List< String> x"),
            ("<b don't> you're", "< b don't> you're"),
            ("</3 you> </ b> <!wow!>", "< /3 you> < / b> < !wow!>"),
            ("if a <b <i>c</i>", "if a < b c"),
            ("<<b>b>x", "< b>x"),
            ("</<b>b>x", "< /b>x"),
            ("1 <<b>2</b>", "1 < 2"),
            ("<<<<b>b>b>b>", "<<< b>b>b>"),
            ("<a<b<c>d>e>f", "< a< b< c>d>e>f"),
            ("<//<b>b>", "< //b>"),
            ("<b =x> <b x'y'> <b 'x'>", "< b =x> < b x'y'> < b 'x'>"),
            (f"<b/{'.' * 20_000}>", f"b/{'.' * 20_000}"),
            (f"<b/{'@' * 20_000}>", f"b/{'@' * 20_000}"),
        ],
    )
    def test_what_is_no_tag_keeps_its_words(self, text: str, cleaned: str) -> None:
        """An address or a word loses its brackets; in any other case the sign gets a space, so that nobody reads a tag."""
        assert TAGS.clean(text).text == cleaned

    @pytest.mark.parametrize(
        "text",
        [
            "a < b and c > d",
            "<3",
            "x < 5",
            "1<2>1",
            "<>",
            "< b>",
            "<٣>",
            "<ع>",
            "->",
            "<-",
            "<->",
            "<<>>",
            "a<b",
            "a > b <c",
            "<1>",
        ],
    )
    def test_comparisons_stay(self, text: str) -> None:
        """Signs of comparison, hearts and arrows are not tags."""
        assert TAGS.clean(text).text is text

    def test_the_reasons(self) -> None:
        """Tags that touch are one edit, as are signs in one word; an edit says whether it was HTML or only looked like it."""
        assert changes(TAGS, "<b><i>x</i></b>&amp;") == [
            ("<b><i>", "", "HTML tag"),
            ("</i></b>", "", "HTML tag"),
            ("&amp;", "&", "HTML entity"),
        ]
        assert changes(TAGS, "<name> x<y z>") == [
            ("<", "", "brackets that look like HTML"),
            (">", "", "brackets that look like HTML"),
            ("<", "< ", "a sign that looks like HTML"),
        ]
        assert changes(TAGS, "a<b<c/<d e<f g>") == [
            ("<b<c/<", "< b< c/< ", "a sign that looks like HTML"),
            ("<", "< ", "a sign that looks like HTML"),
        ]
        assert TAGS.clean("a<x <b> y>c").edits == (
            Edit(start=1, end=2, before="<", after="< ", reason="a sign that looks like HTML", cleaner="kwtsms-html"),
            Edit(start=4, end=7, before="<b>", after="", reason="HTML tag", cleaner="kwtsms-html"),
        )

    @given(texts)
    def test_no_tag_is_left(self, text: str) -> None:
        """Whatever is removed, what remains does not come together to a new tag."""
        cleaned = TAGS.clean(text).text
        assert not TAG.search(cleaned)
        assert not has_tags(cleaned)  # the sandbox's own rule


class TestHostileTexts:
    @pytest.mark.parametrize("size", [20_000, 40_000])
    @pytest.mark.parametrize(
        ("unit", "end", "rest"),
        [
            ("<", "", None),
            ("<", ">", None),
            ("<a", "", None),
            ("<1", ">", None),
            ("</", "1>", "< /"),
            ("<a '\"", ">", "< a '\""),
            ("<!--", "-->", ""),
            ("<script>", "</script>", ""),
            ("x<br>", "y", "x\n"),
            ("<x>", "", "x"),
            ("<a =", ">", "< a ="),
            ("<b>&amp;", "", "&"),
            (">", "", None),
            ("a<b>", "", "a"),
            ("<b>", "", ""),
            ("😀", "", ""),
            ("\U0001f1e6", "", ""),
            ("😀\u200d", "", ""),
            ("\u200d", "", ""),
            ("1\ufe0f\u20e3", "", "1"),
            ("a\u200b", "", "a"),
            ("a\u0301", "", None),
            ("\u034f", "", ""),
            ("\r", "", "\n"),
            ("٣", "", "3"),
            ("خ\u200c", "خ", "خ "),
        ],
        ids=ascii,
    )
    def test_long_ones_come_out_right(self, unit: str, end: str, rest: str | None, size: int) -> None:
        """Hostile texts are cleaned fast, and correctly."""
        times = size // len(unit)
        text = unit * times + end
        expected = text if rest is None else rest * times + ("" if end in ("-->", "</script>") else end)
        cleaned = clean(text)
        assert cleaned.text == expected == clean_message(text)
        assert replay(text, cleaned.edits) == expected

    @pytest.mark.parametrize("depth", [6_000, 12_000])
    @pytest.mark.parametrize(
        ("opening", "closing"), [("<", "b>"), ("<a", ">"), ("<b>", "</b>"), ("<<b>", "1>"), ("</<b", ">")]
    )
    def test_deep_ones_leave_no_tag(self, opening: str, closing: str, depth: int) -> None:
        """However deep tags are nested, none remains, and the edits are still right."""
        text = opening * depth + closing * depth
        cleaned = clean(text)
        assert not has_tags(cleaned.text)
        assert clean(cleaned.text).text is cleaned.text
        assert replay(text, cleaned.edits) == cleaned.text


def _signs_of_the_page() -> dict[str, str]:
    """Return each sign that the page about texts names, and what becomes of it."""
    page = (pathlib.Path(__file__).parents[3] / "docs/explanation/text.md").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for line in page.splitlines():
        given, becomes, *_ = [*line.strip("| ").split(" | "), ""]
        groups = [re.findall("`([^`a-zA-Z&<>]+)`", group) for group in given.split(", ")]
        signs = [sign for group in groups for sign in group]
        plain = re.findall("`([^`]+)`", becomes)
        if becomes == "nothing" or becomes.startswith("stay"):
            found |= {sign: sign if becomes.startswith("stay") else "" for sign in signs}
        elif len(plain) == len(signs):
            found |= zip(signs, plain, strict=True)
        elif len(plain) == len(groups):
            found |= {sign: after for group, after in zip(groups, plain, strict=True) for sign in group}
    return {sign: after for sign, after in found.items() if len(sign) == 1}


def test_the_page_says_what_the_code_does() -> None:
    """Of every sign that it names."""
    signs = _signs_of_the_page()
    assert set("❶🆗✓❌★♥↔➜⬅☎☆↕©←→") <= signs.keys()
    assert {sign: clean_message(sign) for sign in signs} == signs
