"""Addresses of e-mail, and that nothing in the pipeline changes the text of an e-mail."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st

from notifykit import MemoryTransport, Notifier, PluginHost, Recipient
from notifykit.models.message import Channel
from notifykit.models.recipient import Rejected
from notifykit.normalizers.email import EmailNormalizer, notifykit_normalizers

NORMALIZER = EmailNormalizer()
ANY_TEXT = st.text(
    st.one_of(st.sampled_from("a.B@<>\"' ,;:\r\n\t-_é١ß。＠[]()%\u200b\ud800mailto:"), st.characters(categories=None)),
    max_size=80,
)


def normalized(raw: str) -> Recipient | Rejected:
    answer = NORMALIZER.normalize(raw, Channel.EMAIL)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("a@b.example", "a@b.example"),
        ("  a@b.example\n", "a@b.example"),
        ("\u200ba@b.example\ufeff", "a@b.example"),
        ("Some.Body+tag@EXAMPLE.Com", "Some.Body+tag@example.com"),
        ("Some Body <a@b.example>", "a@b.example"),
        ('"Body, Some" <a@b.example>', "a@b.example"),
        ("Body, Some < a@b.example >", "a@b.example"),
        ("a@b.example <a@b.example>", "a@b.example"),
        ("<a@b.example>", "a@b.example"),
        ("mailto:a@b.example", "a@b.example"),
        ("MAILTO:a%2Bc@b.example?subject=Hi", "a+c@b.example"),
        ("a＠b.example", "a@b.example"),
        ("a@exämple.org", "a@xn--exmple-cua.org"),
        ("a@EXÄMPLE.org", "a@xn--exmple-cua.org"),
        ("a@例え。テスト", "a@xn--r8jz45g.xn--zckzah"),
        ("用户@example.org", "用户@example.org"),
        ("root@localhost", "root@localhost"),
        ("o'brien!#$%&*/=?^_`{|}~-@b.example", "o'brien!#$%&*/=?^_`{|}~-@b.example"),
        ("x" * 64 + "@b.example", "x" * 64 + "@b.example"),
    ],
)
def test_an_address_is_taken_however_it_is_set(raw, address):
    """Spaces, names and the case of the domain don't matter; what is before the @ is kept letter by letter."""
    assert normalized(raw) == Recipient(address, Channel.EMAIL)
    assert normalized(raw).raw == raw


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        (" \t\u200b", "empty"),
        ("ada", "no @"),
        ("96598765432", "no @"),
        ("@b.example", "before the @"),
        ("a@", "after the @"),
        ("a@b.example, c@d.example", "several"),
        ("a@b.example;c@d.example", "several"),
        ("a@b@c.example", "several"),
        ("c@d.example <a@b.example>", "several"),
        ("a b@c.example", "space"),
        ("a@b .example", "space"),
        ("a\x00b@c.example", "can't be seen"),
        ("a\u202eb@c.example", "can't be seen"),
        ("a\ud800@c.example", "can't be seen"),
        ("a@b.example\r\nBcc: c@d.example", "line end"),
        ("a\n@b.example", "line end"),
        ("mailto:a%0d%0aBcc@b.example", "line end"),
        ("x" * 65 + "@b.example", "too long"),
        ("é" * 33 + "@b.example", "too long"),
        ("x" * 64 + "@" + ".".join(["y" * 60] * 3) + ".example", "too long"),
        ("a@example", "no dot"),
        ("a@192.0.2.1", "no domain"),
        ("a@[192.0.2.1]", "no domain"),
        ("a@b..example", "no domain"),
        ("a@-b.example", "no domain"),
        ("a@b_c.example", "no domain"),
        ("a@" + "x" * 64 + ".example", "no domain"),
        ("a@℀.example", "no domain"),
        ("a@straße.example", "two versions"),
        (".a@b.example", "can't be there"),
        ("a..b@c.example", "can't be there"),
        ('"a"@b.example', "can't be there"),
        ("a@b.example>", "no domain"),
        ("Name <a@b.example", "space"),
    ],
)
def test_what_is_no_address_is_refused_with_its_reason(raw, reason):
    """And the reason does not repeat it."""
    answer = normalized(raw)
    assert isinstance(answer, Rejected), answer
    assert reason in answer.error.detail
    assert answer.error.action
    assert answer.raw == raw
    assert "example" not in answer.error.detail


@given(ANY_TEXT)
@settings(max_examples=200)
def test_nothing_raises_and_what_is_taken_can_be_sent(raw):
    """Every text gets an answer, and an accepted one is short, on one line, and its own canonical form."""
    answer = normalized(raw)
    if isinstance(answer, Recipient):
        address = answer.address
        local, _, domain = address.rpartition("@")
        assert normalized(address).address == address
        assert domain.isascii()
        assert domain == domain.lower()
        assert len(address.encode()) <= 254
        assert len(local.encode()) <= 64
        assert not any(character.isspace() for character in address)


@given(st.emails())
@settings(max_examples=100)
def test_addresses_as_the_standard_has_them(address):
    """Taken, with only the domain in lower case; a domain of one part stays refused."""
    local, _, domain = address.rpartition("@")
    answer = normalized(address)
    assert isinstance(answer, Recipient), answer
    assert answer.address == f"{local}@{domain.lower()}"


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.PUSH])
def test_other_channels_are_for_other_normalizers(channel):
    """None passes the address on."""
    assert NORMALIZER.normalize("a@b.example", channel) is None


@pytest.mark.parametrize(
    "hostile", [" " * 50_000 + "x", "<" * 50_000, "a@" * 50_000, "a." * 50_000, "\u200b" * 50_000 + "a \u200b"]
)
def test_a_hostile_text_is_read_in_no_time(hostile):
    """Not squared."""
    began = time.perf_counter()
    normalized(hostile)
    assert time.perf_counter() - began < 10


def test_it_is_brought():
    """By its name."""
    assert [normalizer.name for normalizer in notifykit_normalizers()] == ["email"]


# --- in the pipeline ---

E_MAIL_TEXT = st.text(
    st.one_of(
        st.sampled_from("<b>&amp;\t\r\n 😀١٢٣۴é\u0301e\u0301ﷺ—“”\u200b\u200f\ufeff\x00"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=80,
)


@pytest.fixture(scope="module", name="notifier")
def _notifier():
    with Notifier(MemoryTransport(), host=PluginHost()) as notifier:
        yield notifier


@given(text=E_MAIL_TEXT)
@settings(deadline=None)
def test_no_cleaner_changes_the_text_of_an_e_mail(notifier, text):
    """With every plugin that comes along: emoji, HTML, Arabic digits, tabs and accents stay character by character."""
    report = notifier.send("a@b.example", text, channel="email")
    assert len(report.accepted) == 1
    assert notifier.transport.batches[-1].message.text == text
    assert notifier.plan("a@b.example", text, channel="email").edits == ()


def test_only_half_a_character_is_taken_out(notifier):
    """It can't be encoded."""
    notifier.send("a@b.example", "e\u0301\ud800😀", channel="email")
    assert notifier.transport.batches[-1].message.text == "e\u0301😀"
    plan = notifier.plan("a@b.example", "\ud800", channel="email")
    assert [edit.reason for edit in plan.edits] == ["half of a character"]


@pytest.mark.parametrize("to", ["A@B.Example", Recipient("A@B.Example", Channel.EMAIL), "Name <A@B.Example>"])
def test_an_address_passes_as_text_and_as_recipient(notifier, to):
    """One made by hand is checked as well."""
    notifier.send(to, "Hi", channel="email")
    assert notifier.transport.batches[-1].recipients[0].address == "A@b.example"


def test_two_spellings_of_one_address_are_one_recipient(notifier):
    """The second is skipped."""
    report = notifier.send(["a@b.example", "Name <a@B.EXAMPLE>"], "Hi", channel="email")
    assert [receipt.outcome.value for receipt in report.receipts] == ["accepted", "skipped"]
