"""Rows as texts: where values come from, why a row is rejected, and what names of two scripts need."""

from __future__ import annotations

import pytest

from notifykit import Notifier
from notifykit.campaigns.bindings import Binding, BindingError
from notifykit.campaigns.direction import isolated, marked
from notifykit.campaigns.rendering import TURNED, RowRenderer
from notifykit.models.message import Channel
from notifykit.templates.template import Template

COLUMNS = ("Name", "Mobile", "Lang", "Code")
ROW = {"Name": "Sara", "Mobile": "96598765432", "Lang": "ar", "Code": "00123"}
EID = Template({"en": "Happy Eid {name}", "ar": "عيد مبارك يا {name}"})


def renderer(template: Template = EID, **options: object) -> RowRenderer:
    """Return a renderer of rows with the usual columns."""
    given = {"to": "Mobile", "variables": {"name": "@Name"}, **options}
    return RowRenderer(template, COLUMNS, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "cells", "value"),
    [
        ("@Name", {"Name": " Sara "}, "Sara"),
        ("@Name", {"Name": " "}, None),
        ("@Name", {}, None),
        ("@Name", {"Name": "#N/A"}, None),
        ("@Name|friend", {"Name": ""}, "friend"),
        ("@Name|", {}, ""),
        ("@Name|a|b", {}, "a|b"),
        ("friend", {}, "friend"),
        ("@@sara", {}, "@sara"),
        ("@Name", {"Name": '="007"'}, "007"),
    ],
)
def test_a_binding_says_where_a_value_comes_from(written: str, cells: dict[str, str], value: str | None) -> None:
    """A column, a default, or one word for all."""
    assert Binding.parse(written).value(cells) == value


def test_each_row_has_its_words_and_its_language() -> None:
    """Leading zeros stay."""
    rows = renderer(language="@Lang")
    assert rows.render(ROW).text == "عيد مبارك يا Sara"
    assert rows.render(ROW | {"Lang": "en-GB"}).text == "Happy Eid Sara"
    assert rows.render(ROW | {"Lang": ""}).text == "Happy Eid Sara"
    assert renderer(language="ar").render(ROW).language == "ar"
    own = RowRenderer(Template("{code}: {Name}"), COLUMNS, to="mobile")
    assert own.render(ROW).text == "00123: Sara"


def test_a_language_without_a_text_is_said() -> None:
    """The row gets the default, and a sentence."""
    (notice,) = renderer(language="@Lang").render(ROW | {"Lang": "عربي"}).notices
    assert notice == "The language of the row is none of en, ar: it gets en."


def test_a_row_without_a_value_is_rejected_with_the_name_of_the_variable() -> None:
    """The error is one for all such rows, and says what to do."""
    rows = renderer()
    first, second = (rows.render(ROW | {"Name": ""}) for _ in range(2))
    assert first.error is second.error
    assert first.error is not None
    assert str(first.error) == (
        "variable: The row has no value for name (column Name). → Fill in the cell, or give a default: name=@Name|word"
    )
    assert first.text == ""


def test_a_value_of_the_wrong_kind_is_rejected_without_showing_it() -> None:
    """The type is the template's."""
    found = renderer(Template("{count} left", variables={"count": "int"}), variables={"count": "@Code"}).render(ROW)
    assert found.error is not None
    assert "starts with a zero" in found.error.detail
    assert "00123" not in repr(found) + str(found.error)


def test_a_text_over_its_budget_is_a_rejected_row() -> None:
    """Measured as the transport measures it."""
    with Notifier("memory://?like=kwtsms") as notifier:
        made = Template("Hi {name}", segments=1, samples={"name": "Sara"})
        rows = renderer(notifier.template(made))
        assert rows.render(ROW).error is None
        over = rows.render(ROW | {"Name": "x" * 160}).error
    assert over is not None
    assert over.code == "segments"


def test_a_date_is_no_number() -> None:
    """Its digits would be somebody's."""
    error = renderer().render(ROW | {"Mobile": "2026-12-31"}).error
    assert error is not None
    assert "is a date" in error.detail
    assert "Format the column as text" in error.action


def test_everything_that_does_not_fit_is_said_at_once() -> None:
    """With the name that was probably meant, and before any row."""
    with pytest.raises(BindingError) as caught:
        RowRenderer(
            Template("{name} {code} {shop}"),
            COLUMNS,
            to="Mobil",
            language="@Language",
            variables={"nam": "x", "name": "@Nmae", "code": "@"},
        )
    said = str(caught.value)
    for words in (
        "'nam' is no variable of the text: did you mean name?",
        "name: there is no column 'Nmae': did you mean Name?",
        "code has no column behind the @",
        "shop has no value: bind it to a column with shop=@Column",
        "the addresses: there is no column 'Mobil': did you mean Mobile?",
        "the language: there is no column 'Language': did you mean Lang?",
    ):
        assert words in said, words


@pytest.mark.parametrize(
    ("words", "values", "shown"),
    [
        ("أهلا {} في المتجر", ["Sara"], "أهلا Sara في المتجر"),
        ("{}، طلبك جاهز", ["Sara"], "\u2068Sara\u2069، طلبك جاهز"),
        ("أهلا {} في المتجر", ["Sara (VIP)"], "أهلا \u2068Sara (VIP)\u2069 في المتجر"),
        ("أهلا {}، {}", ["Sara", "Ali"], "أهلا \u2068Sara\u2069، \u2068Ali\u2069"),
        ("Hello {}: 5 orders", ["سارة"], "Hello \u2068سارة\u2069: 5 orders"),
        ("Hello {}, welcome", ["سارة"], "Hello سارة, welcome"),
        ("أهلا {}", ["سارة"], "أهلا سارة"),
        ("Hello {}", ["Sara!"], "Hello Sara!"),
    ],
)
def test_isolates_are_only_where_they_change_what_is_seen(words: str, values: list[str], shown: str) -> None:
    """First in a text of the other script, with a sign at the edge, or beside its like."""
    assert isolated(words.format(*map(marked, values))) == shown


def test_an_sms_has_no_isolates_and_a_text_that_is_turned_is_said() -> None:
    """The cleaner would remove them; an e-mail keeps them."""
    template = Template({"ar": "{name}، عيد مبارك"})
    sms = renderer(template).render(ROW)
    assert sms.text == "Sara، عيد مبارك"
    assert sms.notices == (TURNED,)
    assert renderer(template).render(ROW | {"Name": "سارة"}).notices == ()
    mail = renderer(template, channel=Channel.EMAIL).render(ROW)
    assert mail.text == "\u2068Sara\u2069، عيد مبارك"
    assert mail.notices == ()


def test_isolates_do_not_reach_the_gateway_in_an_sms() -> None:
    """The fact that the choice rests on."""
    with Notifier("memory://?like=kwtsms") as notifier:
        plan = notifier.plan("96598765432", "\u2068Sara\u2069، عيد مبارك")
    assert plan.message.text == "Sara، عيد مبارك"
    assert {edit.cleaner for edit in plan.edits} == {"kwtsms-hidden"}


def test_a_subject_has_variables_too() -> None:
    """With the same values."""
    found = renderer(subject="For {name}", channel=Channel.EMAIL).render(ROW)
    assert found.subject == "For Sara"
    assert "Sara" not in repr(found)
