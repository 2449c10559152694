"""Templates with texts by channel: in the settings and by hand, checked together, every problem at once."""

from __future__ import annotations

from typing import Any

import pytest

from notifykit import BadValues, Channel, ConfigError, Notifier, OverBudget, Template, TemplateError

ORDER: dict[str, Any] = {
    "variables": {"number": "str", "sum": "Decimal"},
    "default": "en",
    "sms": {"en": "Order {number} is ready", "ar": "طلبك {number} جاهز"},
    "email": {
        "subject": {"en": "Your order {number}", "ar": "طلبك {number}"},
        "text": {"en": "Order {number} is ready: {sum} KWD", "ar": "طلبك {number} جاهز: {sum} د.ك"},
    },
    "push": {"title": "Shop", "text": {"ar": "{number} جاهز", "en": "{number} is ready"}},
}
ALL = tuple(Channel)


def by_hand(table: dict[str, Any]) -> Template:
    """Return the template of a table, made by a caller."""
    options = {name: table[name] for name in ("variables", "default") if name in table}
    return Template(channels={name: table[name] for name in ("sms", "email", "push")}, **options)


@pytest.mark.parametrize("make", [Template.from_table, by_hand])
def test_each_channel_has_its_text_in_each_language(make: Any) -> None:
    """From a table and by hand; a title without languages is for all of them."""
    found = make(ORDER).render_channels(ALL, "ar-KW", {"number": "4711", "sum": "12.500"} | {"sum": _decimal("12.500")})
    assert found == {
        Channel.SMS: ("طلبك 4711 جاهز", None),
        Channel.EMAIL: ("طلبك 4711 جاهز: 12.500 د.ك", "طلبك 4711"),
        Channel.PUSH: ("4711 جاهز", "Shop"),
    }
    english = make(ORDER).render_channels([Channel.PUSH], None, {"number": "1"})
    assert english == {Channel.PUSH: ("1 is ready", "Shop")}


def _decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


def test_render_gives_the_text_of_the_sms() -> None:
    """Whatever knows nothing of channels goes on as before."""
    template = Template.from_table(ORDER)
    assert template.render("en", number="1") == "Order 1 is ready"
    assert template.languages == ("en", "ar")


def test_a_text_for_all_channels_may_have_an_exception() -> None:
    """A table of today with a subject for its e-mail."""
    table = {"en": "Hi {name}", "ar": "مرحبا {name}", "email": {"subject": "Hello", "text": "Dear {name}"}}
    found = Template.from_table(table).render_channels(ALL, "ar", {"name": "Ada"})
    assert found == {
        Channel.SMS: ("مرحبا Ada", None),
        Channel.EMAIL: ("Dear Ada", "Hello"),
        Channel.PUSH: ("مرحبا Ada", None),
    }


def test_sms_is_a_language_too() -> None:
    """Skolt Sami: a table that has it beside other languages is what it was."""
    template = Template.from_table({"en": "Hello", "sms": "Tiõrv"})
    assert template.languages == ("en", "sms")
    assert template.render("sms") == "Tiõrv"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """Over all channels and languages."""
    table = {
        "variables": {"number": "str", "unused": "str"},
        "sms": {"en": "Order {number", "ar": "طلبك"},
        "email": {"text": {"en": "Order {nummer} is ready"}},
        "push": {"titel": "Shop", "text": {"en": "{number}", "ar": "{number}"}},
    }
    with pytest.raises(TemplateError) as caught:
        Template.from_table(table)
    assert caught.value.problems == (
        "sms: text: en: { at character 7 is never closed: write {{ for a brace",
        "email: there is no subject",
        "email: text: {nummer} is not in variables: there are none",
        "push: titel is not title or text: did you mean title?",
        "variables has unused, and no text uses it",
    )


def test_a_language_that_one_text_lacks_is_named() -> None:
    """With the texts that have it."""
    table = {"sms": {"en": "a", "ar": "ب"}, "email": {"subject": {"en": "s"}, "text": {"en": "a", "ar": "ب"}}}
    with pytest.raises(TemplateError) as caught:
        Template.from_table(table)
    assert caught.value.problems == ("email: subject: there is none for ar, and sms: text and email: text has one",)


def test_the_settings_say_which_template_is_wrong() -> None:
    """Beside everything else that is wrong with them."""
    said = {"order": {"email": {"text": "x"}}, "other": {"push": {"titel": "x", "text": "y"}}}
    with pytest.raises(ConfigError) as caught:
        Notifier.from_settings("memory", templates=said, environment={})
    found = " ".join(caught.value.problems)
    assert "order: email: there is no subject" in found
    assert "other: push: titel is not title or text" in found


def test_segments_are_those_of_the_sms() -> None:
    """Checked with its samples, and not with those of the e-mail."""
    long = "x" * 400
    table = {"segments": 1, "sms": "Code {code}", "email": {"subject": "s", "text": long + "{name}"}}
    samples = {"samples": {"code": "123456"}}
    with Notifier.from_settings("memory", templates={"fits": table | samples}, environment={}) as notifier:
        template = notifier.template("fits")
        assert notifier.template(template).render_channels([Channel.SMS], None, {"code": "1"})
        with pytest.raises(OverBudget):
            template.render_channels([Channel.SMS], None, {"code": long})
        assert template.render_channels([Channel.EMAIL], None, {"name": long})


def test_values_are_checked_over_all_channels() -> None:
    """Each problem once; a value that only another channel uses is no mistake."""
    template = Template.from_table(ORDER)
    with pytest.raises(BadValues) as caught:
        template.render_channels(ALL, "en", {"nummer": "1", "sum": 12.5})
    assert caught.value.problems == (
        "nummer is no variable: did you mean number?",
        "number is missing: give a str",
        "sum is a float: give a Decimal",
    )
    assert caught.value.missing == ("number",)


def test_a_channel_without_a_text_is_an_error() -> None:
    """Rather than a long e-mail sent as an SMS."""
    template = Template.from_table({"email": {"subject": "s", "text": "long"}})
    with pytest.raises(TemplateError, match="no text for sms"):
        template.render_channels(ALL, None, {})
