"""Links to unsubscribe: who made them, what they say, what they do, and that nobody gets another person's."""

from __future__ import annotations

import base64
import re
from typing import Any

import attrs
import pytest
from hypothesis import assume, given, strategies as st

from notifykit import ConfigError
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient
from notifykit.people import Preferences, PreferencesUnavailable, pages_of, preferences_of
from notifykit.people.guard import PreferenceGuard
from notifykit.people.unsubscribe import Subscription, UnsubscribeLinks
from notifykit.people.unsubscribe_page import MAX_BODY, UnsubscribePages
from tests.people.conftest import KEY, URL, Build, Keeps

LINKS = UnsubscribeLinks(KEY, URL)
SETTINGS = {"unsubscribe": {"url": URL, "key": KEY}}
FORM = "application/x-www-form-urlencoded"
ONE_CLICK = b"List-Unsubscribe=One-Click"
SARA, OMAR = "sara@example.com", "omar@example.com"

ids = st.text(min_size=1, max_size=30).filter(lambda text: "@" not in text and not re.search("[\ud800-\udfff]", text))


# --- tokens ---


@given(ids, st.sampled_from(["marketing", "أخبار", "a.b/c"]), st.none() | st.sampled_from(Channel))
def test_a_link_is_read_as_it_was_made(person: str, topic: str, channel: Channel | None) -> None:
    """By whoever has the key, for ever; it is one part of a path, as short as it can be."""
    token = LINKS.token(person, topic, channel)
    assert LINKS.read(token) == Subscription(person, topic, channel)
    assert re.fullmatch(r"1[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}", token)
    assert LINKS.link(person, topic, channel) == f"{URL}/{token}"


@given(st.data())
def test_an_altered_link_is_none(data: st.DataObject) -> None:
    """Whatever is put in, taken out or changed in it."""
    token = LINKS.token("u17", "marketing", Channel.EMAIL)
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(token))] * 2)))
    altered = token[:start] + data.draw(st.text(max_size=5)) + token[end:]
    assume(altered != token)
    assert LINKS.read(altered) is None


@pytest.mark.parametrize("junk", ["", ".", "1", "1.", "é.é", "\ud800", "1" * 100_000, "2W10.xxxxxxxxxxxxxxxxxxxxxx"])
def test_what_is_no_link_is_none(junk: str) -> None:
    """And no error."""
    assert LINKS.read(junk) is None


def test_a_link_of_another_key_or_version_is_none() -> None:
    """A body that says the same is signed by nobody else."""
    body, _, signature = LINKS.token("u17", "marketing").partition(".")
    assert UnsubscribeLinks("another-key-of-a-site", URL).read(f"{body}.{signature}") is None
    assert LINKS.read(f"2{body[1:]}.{signature}") is None
    other = base64.urlsafe_b64encode(b'["u18","marketing",""]').decode().rstrip("=")
    assert LINKS.read(f"1{other}.{signature}") is None


def test_a_link_has_no_address_and_never_switches_security_off() -> None:
    """Others see links: in logs, and where a message is passed on."""
    with pytest.raises(ValueError, match="no address"):
        LINKS.link(SARA, "marketing")
    with pytest.raises(ValueError, match="security"):
        LINKS.link("u17", "security")
    assert KEY not in repr(LINKS)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"url": URL, "key": "short"}, "5 characters.*secrets.token_urlsafe"),
        ({"url": URL}, "unsubscribe.key is missing"),
        ({"key": KEY}, "unsubscribe.url is missing"),
        ({"url": "http://shop.example/unsubscribe", "key": KEY}, "https"),
        ({"url": "shop.example", "key": KEY}, "no address of a page"),
        ({"url": f"{URL}?a=b", "key": KEY}, "no address of a page"),
    ],
)
def test_settings_that_can_not_work_are_an_error_at_the_start(build: Build, given_: dict[str, str], words: str) -> None:
    """Each says what to write, and none shows the key."""
    with pytest.raises(ConfigError, match=words) as caught:
        build(Keeps(), unsubscribe=given_)
    assert KEY not in str(caught.value)


def test_links_without_a_store_are_an_error_at_the_start(build: Build) -> None:
    """Nobody could unsubscribe."""
    with pytest.raises(ConfigError, match="NOTIFYKIT_GUARD_PREFERENCES"):
        build(Keeps(), None, **SETTINGS)


# --- which message carries which link ---


def test_each_recipient_gets_their_own_link_and_no_other(build: Build) -> None:
    """In one batch too; who is not known, and who shares an address, gets none."""
    transport = Keeps()
    with build(transport, **SETTINGS) as notifier:
        guard = preferences_of(notifier)
        for person, address in (("u1", SARA), ("u2", OMAR), ("u3", "both@x.example"), ("u4", "both@x.example")):
            guard.store.set(Preferences(person, addresses={"email": address}))
        people = [SARA, OMAR, "both@x.example", "stranger@x.example"]
        report = notifier.send(people, "News", channel="email", tags="marketing")
        notifier.send([SARA], "Order", channel="email", tags="orders")
        notifier.send([SARA], "Sign in", channel="email", tags=["marketing", "security"])
        notifier.send([SARA], "Hello", channel="email")
    first, second, *others = transport.links
    assert guard.links is not None
    assert first is not None
    assert second is not None
    assert guard.links.read(first.rpartition("/")[2]) == Subscription("u1", "marketing", Channel.EMAIL)
    assert guard.links.read(second.rpartition("/")[2]) == Subscription("u2", "marketing", Channel.EMAIL)
    assert others == [None] * 5
    assert URL not in repr(report.receipts)


def test_a_link_that_a_caller_brings_is_not_taken(build: Build) -> None:
    """It could be anybody's."""
    transport = Keeps()
    with build(transport) as notifier:
        notifier.send(
            Recipient(SARA, Channel.EMAIL, unsubscribe=f"{URL}/other"), "News", channel="email", tags="marketing"
        )
    assert transport.links == [None]


def test_a_redirected_message_has_not_the_link_of_whom_it_was_for(build: Build) -> None:
    """The developer who gets it could unsubscribe a customer."""
    transport = Keeps()
    guard = {"redirect": OMAR}
    with build(transport, guard=guard, **SETTINGS) as notifier:
        preferences_of(notifier).store.set(Preferences("u1", addresses={"email": SARA}))
        assert notifier.send(SARA, "News", channel="email", tags="marketing").accepted
    assert (transport.reached, transport.links) == ([OMAR], [None])


def test_a_job_keeps_no_link_on_disk(build: Build, tmp_path: Any) -> None:
    """It is made when the message is sent."""
    transport = Keeps()
    with build(transport, **SETTINGS) as notifier:
        preferences_of(notifier).store.set(Preferences("u1", addresses={"email": SARA}))
        job = notifier.submit([SARA], "News", channel="email", tags="marketing", key="news")
        job.wait(60)
        assert [receipt.outcome for receipt in job.receipts()] == ["accepted"]
    assert transport.links[0] is not None
    token = transport.links[0].rpartition("/")[2].encode()
    files = [file for file in (tmp_path / "state").iterdir() if file.is_file()]
    assert any(b"notifykit_" in file.read_bytes() for file in files)
    assert not any(token in file.read_bytes() for file in files)


# --- the page ---


class Memory:
    """A store in memory, for one person."""

    def __init__(self, known: Preferences | None = None, error: Exception | None = None) -> None:
        self.known = known
        self.error = error

    def get(self, person: str) -> Preferences | None:
        """Return the person."""
        if self.error:
            raise self.error
        return self.known

    def change(self, person: str, change: Any) -> Preferences:
        """Change the person."""
        if self.error:
            raise self.error
        self.known = change(self.known or Preferences(person))
        return self.known


def pages(store: Any) -> UnsubscribePages:
    return UnsubscribePages(LINKS, store)


TOKEN = LINKS.token("u17", "marketing", Channel.EMAIL)


def multipart(**fields: str) -> tuple[bytes, str]:
    """Return a form as mail programs post it."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    return "".join([*parts, "--edge--\r\n"]).encode(), "multipart/form-data; boundary=edge"


def test_looking_at_the_page_changes_nothing() -> None:
    """Programs that look for viruses open every link of a message."""
    store = Memory()
    page = pages(store).get(TOKEN)
    assert store.known is None
    assert page.status == 200
    assert "Do you want to get no more messages about offers and news by e-mail?" in page.html
    assert '<form method="post">' in page.html
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ONE_CLICK, FORM),
        (b"action=stop", f"{FORM}; charset=utf-8"),
        multipart(**{"List-Unsubscribe": "One-Click"}),
        multipart(action="stop"),
    ],
)
def test_a_post_unsubscribes_and_a_second_one_changes_nothing_more(body: bytes, kind: str) -> None:
    """One click in a mail program (RFC 8058), in either form, or the button."""
    store = Memory()
    for _ in range(2):
        page = pages(store).post(TOKEN, body, kind)
        assert page.status == 200
        assert store.known == Preferences("u17", off={("marketing", "email")})
    assert "You get no more messages" in page.html
    assert 'value="resume"' in pages(store).get(TOKEN).html


def test_the_same_page_subscribes_again() -> None:
    """By its other button."""
    store = Memory(Preferences("u17", topics_off={"marketing"}))
    page = pages(store).post(TOKEN, b"action=resume", FORM)
    assert "again" in page.html
    assert store.known == Preferences("u17", off={("marketing", "sms"), ("marketing", "push")})


def test_a_channel_that_is_off_altogether_is_said() -> None:
    """The page can't switch it on, and does not say that it did."""
    store = Memory(Preferences("u17", channels_off={"email"}))
    page = pages(store).post(TOKEN, b"action=resume", FORM)
    assert "All messages by e-mail are switched off" in page.html
    assert "<button" not in page.html


@pytest.mark.parametrize(
    ("body", "kind"), [(b"", FORM), (b"action=", FORM), (b"x" * (MAX_BODY + 1), FORM), (b"\xff", "multipart/form-data")]
)
def test_a_post_that_says_nothing_changes_nothing(body: bytes, kind: str) -> None:
    """It is answered with the page that asks."""
    store = Memory()
    assert pages(store).post(TOKEN, body, kind).status == 400
    assert store.known is None


def test_the_page_is_in_the_persons_language() -> None:
    """Arabic from the right."""
    page = pages(Memory(Preferences("u17", language="ar-KW"))).get(TOKEN)
    assert '<html lang="ar" dir="rtl">' in page.html
    assert "إيقاف هذه الرسائل" in page.html


def test_a_wrong_link_gets_a_page_that_says_what_to_do() -> None:
    """In both languages; nobody learns who exists."""
    store = Memory()
    for answer in (pages(store).get(TOKEN[:-1]), pages(store).post(f"{TOKEN}x", ONE_CLICK, FORM)):
        assert answer.status == 404
        assert "Copy the whole link" in answer.html
        assert "انسخ الرابط" in answer.html
    assert store.known is None


def test_a_store_that_fails_is_no_unsubscription(caplog: pytest.LogCaptureFixture) -> None:
    """The mail program learns that it has to try again."""
    page = pages(Memory(error=PreferencesUnavailable("The disk is gone.", "Put it back."))).post(TOKEN, ONE_CLICK, FORM)
    assert page.status == 503
    assert "Nothing was changed" in page.html
    assert "The disk is gone." in caplog.text


def test_a_topic_can_not_bring_markup() -> None:
    """It is a setting of the site, and may have any character."""
    page = pages(Memory()).get(LINKS.token("u17", "<script>alert(1)</script>"))
    assert "<script>" not in page.html


def test_what_the_page_switched_off_is_not_sent(build: Build) -> None:
    """From the next message on, by the same notifier."""
    transport = Keeps()
    with build(transport, **SETTINGS) as notifier:
        preferences_of(notifier).store.set(Preferences("u1", addresses={"email": SARA}))
        notifier.send(SARA, "News 1", channel="email", tags="marketing")
        token = str(transport.links[0]).rpartition("/")[2]
        assert pages_of(notifier).post(token, ONE_CLICK, FORM).status == 200
        assert notifier.send(SARA, "News 2", channel="email", tags="marketing").skipped
        assert notifier.send(SARA, "Order", channel="email", tags="orders").accepted


def test_without_links_there_is_no_page(build: Build) -> None:
    """The error says which settings are missing."""
    with build(Keeps()) as notifier, pytest.raises(ConfigError, match="NOTIFYKIT_UNSUBSCRIBE_KEY"):
        pages_of(notifier)
    with build(Keeps(), None) as notifier, pytest.raises(ConfigError, match="NOTIFYKIT_GUARD_PREFERENCES"):
        pages_of(notifier)
    assert PreferenceGuard(Memory()).links is None  # type: ignore[arg-type]


@pytest.mark.parametrize("token", [TOKEN, LINKS.token("u17", "marketing")])
def test_an_address_that_is_not_stored_is_said_in_the_log(token: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody would be held back: the person is deleted, or was never stored."""
    store = Memory()
    assert pages(store).post(token, ONE_CLICK, FORM).status == 200
    (said,) = caplog.messages
    assert "store it with store.change" in said
    assert "u17" not in said
    caplog.clear()
    store.change("u17", lambda before: attrs.evolve(before, addresses={"email": SARA}))
    assert pages(store).post(token, ONE_CLICK, FORM).status == 200
    assert caplog.messages == []
