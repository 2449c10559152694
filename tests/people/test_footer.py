"""The last line of marketing: in the language of the text, once, and counted by everything that counts."""

from __future__ import annotations

import copy
import pathlib
import pickle

import pytest
from hypothesis import given, strategies as st

from notifykit import ConfigError, Notifier, Settings
from notifykit.templates.footer import Footer
from notifykit.templates.template import Template
from tests.people.conftest import Build, Keeps

LINES = {"en": "Reply STOP to 96500", "ar": "أرسل قف إلى 96500", "fr": "Répondez STOP"}
FOOTER = Footer.of(LINES)
SARA = "96550000001"


def test_it_is_added_in_the_language_of_the_text() -> None:
    """That of the template, of the caller, or of the letters."""
    template = Template({"en": "Offer", "fr": "Offre", "ar": "Offer"})
    assert FOOTER.add(template.render("fr"), ["marketing"]) == f"Offre\n{LINES['fr']}"
    assert FOOTER.add(template.render("ar-KW"), ["marketing"]) == f"Offer\n{LINES['ar']}"
    assert FOOTER.add("Offer", ["marketing"], "fr-CA") == f"Offer\n{LINES['fr']}"
    assert FOOTER.add("عرض خاص", ["marketing"]) == f"عرض خاص\n{LINES['ar']}"
    assert FOOTER.add("Offer\n\n", ["marketing"]) == f"Offer\n{LINES['en']}"


@given(
    st.text(max_size=50),
    st.lists(st.sampled_from(["marketing", "orders", "security"])),
    st.sampled_from([None, *LINES]),
)
def test_it_is_there_once_and_for_its_topics_alone(text: str, tags: list[str], language: str | None) -> None:
    """Adding it again changes nothing."""
    found = FOOTER.add(text, tags, language)
    assert FOOTER.add(found, tags, language) == found
    if not text.strip() or "marketing" not in tags:
        assert found == text
    else:
        assert sum(found.count(line) for line in LINES.values()) == 1
        assert found.startswith(text.rstrip())


def test_send_plan_and_job_agree(build: Build) -> None:
    """Cleaned, measured and priced with it."""
    transport = Keeps()
    with build(transport, footer={**LINES, "topics": ["marketing", "news"]}) as notifier:
        plan = notifier.plan(SARA, "Offer", tags="news")
        notifier.send(SARA, "Offer", tags="news")
        list(notifier.stream(SARA, "Offer", tags="marketing"))
        notifier.submit(SARA, "Offer", tags="marketing").wait(60)
        (chunk,) = notifier.iter_plans(SARA, "Offer", tags="marketing")
        notifier.send(SARA, "Order", tags="orders")
    texts = [batch.message.text for batch in transport.batches]
    assert texts == [f"Offer\n{LINES['en']}"] * 3 + ["Order"]
    assert plan.message.text == chunk.message.text == texts[0]


def test_it_is_for_sms_unless_other_channels_are_named(build: Build) -> None:
    """Nobody can reply STOP to a push notification."""
    for channels, expected in ((None, "Offer"), (["email"], f"Offer\n{LINES['en']}")):
        footer = {"en": LINES["en"], **({"channels": channels} if channels else {})}
        with build(Keeps(), footer=footer) as notifier:
            plan = notifier.plan("sara@example.com", "Offer", channel="email", tags="marketing")
            assert plan.message.text == expected
            assert (notifier.plan(SARA, "Offer", tags="marketing").message.text == "Offer") is (channels is not None)


def test_braces_of_a_line_are_characters() -> None:
    """A line has no variables."""
    assert Footer.of({"en": "{STOP} }"}).add("Offer", ["marketing"]) == "Offer\n{STOP} }"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("STOP", "is not a table"),
        ({}, "no text"),
        ({"en": 3}, "en is not a line of text"),
        ({"english!": "STOP"}, "no language"),
        ({"en": "STOP", "topics": 3}, "topics is not a list"),
        ({"en": "STOP", "channels": "pigeon"}, "channels has pigeon: there are sms"),
    ],
)
def test_a_footer_that_can_not_be_read_is_an_error(table: object, words: str) -> None:
    """At the start."""
    with pytest.raises(ConfigError, match=words):
        Settings.load({"footer": table}, environment={}).check()


def test_it_stands_in_a_settings_file(tmp_path: pathlib.Path) -> None:
    """As a table of languages."""
    (tmp_path / "notifykit.toml").write_text('[footer]\nen = "Reply STOP"\n', encoding="utf-8")
    with Notifier.from_settings("memory", directory=tmp_path, environment={}) as notifier:
        assert notifier.plan(SARA, "Offer", tags="marketing").message.text == "Offer\nReply STOP"
        assert str(notifier.settings.footer) == "en for marketing by sms"


def test_a_rendered_text_keeps_its_language_in_copies() -> None:
    """Through a queue too."""
    text = Template({"ar": "عرض"}).render()
    for copied in (copy.copy(text), pickle.loads(pickle.dumps(text))):
        assert (copied, copied.language) == ("عرض", "ar")  # type: ignore[attr-defined]


def test_a_tag_in_capital_letters_has_it_too() -> None:
    """The law does not look at the letters."""
    assert FOOTER.add("Offer", ["Marketing"]).endswith(LINES["en"])
