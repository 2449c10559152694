"""Templates: what is wrong is said when they are made, and values are put in as they are."""

from __future__ import annotations

import datetime
import decimal
import enum
import itertools
import pathlib
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import assume, example, given, strategies as st

from notifykit import (
    BadValues,
    Channel,
    ConfigError,
    Measurement,
    Notifier,
    OverBudget,
    PluginHost,
    Recipient,
    Settings,
    Template,
    TemplateError,
)
from notifykit.settings.fields import Templates
from notifykit.templates.template import ANY
from notifykit_kwtsms.text.segments import measure
from tests.models.strategies_models import any_text

KWTSMS = "memory://default?like=kwtsms"
NAMES = st.sampled_from(["code", "name", "_x", "طلب", "self", "language", "class", "values"])
KINDS: tuple[type, ...] = (
    str,
    int,
    float,
    decimal.Decimal,
    datetime.date,
    datetime.time,
    datetime.datetime,
)
VALUES = st.one_of(
    any_text(),
    st.integers(),
    st.integers(10**399, 10**401),
    st.floats(),
    st.decimals(),
    st.just(decimal.Decimal("1E+999999")),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.booleans(),
    st.none(),
    st.lists(st.integers()),
    st.binary(),
)
TEXTS = any_text().filter(lambda text: "{" not in text and "}" not in text)


def problems_of(*arguments: Any, **options: Any) -> tuple[str, ...]:
    """Return what is wrong with a template."""
    with pytest.raises(TemplateError) as caught:
        Template(*arguments, **options)
    return caught.value.problems


# --- braces ---


@given(any_text())
def test_a_text_with_its_braces_doubled_is_itself(text: str) -> None:
    """Whatever is in it, and nothing of it is a variable."""
    assume(text.strip())
    template = Template(text.replace("{", "{{").replace("}", "}}"))
    assert dict(template.variables) == {}
    assert template.render() == text


@given(st.lists(st.tuples(TEXTS, NAMES), min_size=1), TEXTS, st.data())
def test_values_replace_their_names(parts: list[tuple[str, str]], end: str, data: st.DataObject) -> None:
    """In every place, and exactly as they were given: a value with braces is no template."""
    values = {name: data.draw(any_text() | st.sampled_from(["{code}", "{{", "}", "{0}", "%s"])) for _, name in parts}
    template = Template("".join(f"{text}{{{name}}}" for text, name in parts) + end)
    assert set(template.variables) == set(values)
    assert template.render(**values) == "".join(f"{text}{values[name]}" for text, name in parts) + end


@given(any_text() | st.text("{}ab .!:[]0", max_size=12))
@example("{a.b}")
@example("{{{a}}}")
def test_any_text_is_a_template_or_an_error_with_a_reason(text: str) -> None:
    """Never anything else; and what is a template can be filled."""
    try:
        template = Template(text)
    except TemplateError:
        return
    assert all(name.isidentifier() for name in template.variables)
    assert "§" in template.render(**dict.fromkeys(template.variables, "§")) or not template.variables


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hi {name", "{ at character 4 is never closed"),
        ("Hi name}", "} at character 8 is never opened"),
        ("{a{b}", "{ at character 1 is never closed"),
        ("{user.password}", "{user.password} at character 1 is no variable"),
        ("{rows[0]}", "{rows[0]} at character 1 is no variable"),
        ("{price:>10}", "{price:>10} at character 1 is no variable"),
        ("{name!r}", "{name!r} at character 1 is no variable"),
        ("{}", "{} at character 1 is no variable"),
        ("{0}", "{0} at character 1 is no variable"),
        ("{ code }", "{ code } at character 1 is no variable"),
    ],
)
def test_only_a_name_is_allowed_between_braces(text: str, said: str) -> None:
    """So that no template fetches what it was not given."""
    (problem,) = problems_of(text)
    assert problem.startswith(said)


def test_a_long_mistake_is_not_repeated_in_full() -> None:
    """Nor one that would move the cursor."""
    assert all(len(problem) < 140 for problem in problems_of({"en": "{" + "x " * 500 + "}", "ar": "{\x1b[31m}"}))
    assert not any("\x1b" in problem for problem in problems_of("{\x1b[31m}"))


# --- what is wrong with a template ---


def test_every_problem_is_listed() -> None:
    """At once, each with what to do."""
    found = problems_of(
        {"en": "{code} } {nam}", "ar": "{code}", "arabic": "x", "EN": "y", "fr": "", "de": 5},
        variables={"code": "integer", "name": str, "price": decimal.Decimal},
        samples={"cod": "1", "price": [], "name": 5},
        segments=0,
        default="it",
    )
    expected = (
        "'arabic' is no language",
        "en has two texts",
        "fr: the text is empty",
        "de: the text is an int",
        "en: } at character 8",
        "variables: the type of code is integer",
        "{nam} is not in variables: did you mean name?",
        "variables has name, and no text uses it",
        "variables has price, and no text uses it",
        "ar: the text has no {nam}, and that of en has",
        "default is 'it', and there are texts for en, ar",
        "samples has cod, which is no variable: did you mean code?",
        "samples: the list of price is empty",
        "samples: name is an int: give a str",
        "segments is not a whole number above zero",
        "segments is checked against samples, and there is none of code",
    )
    assert len(found) == len(expected)
    assert all(problem.startswith(start) for problem, start in zip(found, expected, strict=True))


@pytest.mark.parametrize("kind", [list, bool, object, "list", "", 5, [], Recipient])
def test_a_type_that_has_no_form_in_a_text_is_refused(kind: Any) -> None:
    """Rather than written as Python would show it."""
    (problem,) = problems_of("{x}", variables={"x": kind})
    assert problem.startswith("variables: the type of x is")
    assert "datetime" in problem


@pytest.mark.parametrize("kind", KINDS)
def test_a_type_may_be_named(kind: type) -> None:
    """As settings files do, whatever its case."""
    for named in (kind, kind.__name__, kind.__name__.upper()):
        assert dict(Template("{x}", variables={"x": named}).variables) == {"x": kind}


@pytest.mark.parametrize("segments", [0, -1, True, 1.0, "1"])
def test_a_budget_is_a_whole_number_above_zero(segments: Any) -> None:
    """And no True, which is 1 by accident."""
    assert problems_of("x", segments=segments) == ("segments is not a whole number above zero",)


def test_an_empty_mapping_of_texts_is_an_error() -> None:
    """An empty table is a slip."""
    assert problems_of({}) == ("there is no text",)


@pytest.mark.parametrize(
    "arguments", [{"texts": 5}, {"texts": "x", "variables": ["a"]}, {"texts": "x", "samples": "a"}]
)
def test_another_type_of_argument_is_a_type_error(arguments: Any) -> None:
    """As everywhere in Python."""
    with pytest.raises(TypeError, match="is a"):
        Template(**arguments)


def test_a_template_is_frozen_and_shows_no_text() -> None:
    """Nor a sample: both may be nobody else's business."""
    template = Template({"en": "Secret {code}", "ar": "سر {code}"}, samples={"code": "123456"})
    assert repr(template) == ("Template(texts=en, ar, variables=code: str, samples=code, segments=None, default='en')")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        template.default = "ar"  # type: ignore[misc]
    assert template == Template(template.texts, samples={"code": ["123456"]})
    assert hash(template) == hash(pickle.loads(pickle.dumps(template)))


def test_errors_pickle_and_know_what_is_missing() -> None:
    """Worker processes send them home."""
    with pytest.raises(BadValues) as caught:
        Template("{a} {b}").render(a=5)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.problems, again.missing) == (str(caught.value), caught.value.problems, ("b",))
    assert isinstance(again, ConfigError)
    assert isinstance(again, ValueError)


# --- values ---


@given(st.dictionaries(NAMES, st.sampled_from(KINDS)), st.dictionaries(NAMES | any_text(5), VALUES))
def test_filling_raises_nothing_but_its_own_error(kinds: dict[str, type], values: dict[str, Any]) -> None:
    """Which lists each variable that is missing, and never shows a value."""
    template = Template("x" + "".join(f"{{{name}}}" for name in kinds), variables=kinds)
    for render in (lambda: template.render(**values), lambda: template.render_from_text(values)):
        try:
            text, error = render(), None
        except BadValues as raised:
            text, error = "", raised
        missing = [name for name in kinds if name not in values]
        assert (list(error.missing) if error else []) == missing
        assert text.startswith("x") if error is None else len(error.problems) >= max(1, len(missing))


def test_everything_that_is_wrong_with_the_values_is_listed_without_them() -> None:
    """Missing, unknown, of another type: one error."""
    template = Template("{name} {code} {sum} {day}", variables={"name": str, "code": str, "sum": int, "day": "date"})
    with pytest.raises(BadValues) as caught:
        template.render(nam="4711-secret", code=4711, sum=True)
    assert caught.value.problems == (
        "name is missing: give a str",
        "day is missing: give a date",
        "nam is no variable: did you mean name?",
        "code is an int: give a str",
        "sum is a bool: give an int",
    )
    assert caught.value.missing == ("name", "day")
    assert "4711" not in str(caught.value)


def test_the_error_of_a_template_without_variables() -> None:
    """Instead of an empty list."""
    with pytest.raises(BadValues, match="code is no variable: there are none"):
        Template("Hello").render(code="1")


class _Word(enum.Enum):
    HELLO = "hello"


class _Colour(str, enum.Enum):  # noqa: UP042 - the older kind, whose str is the member's name
    RED = "red"


class _Level(enum.IntEnum):
    HIGH = 3


class _Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError("nobody asks it")

    __format__ = __repr__ = __str__  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        (str, "", ""),
        (str, "  {code}\n", "  {code}\n"),
        (str, _Colour.RED, "red"),
        (str, _Loud("as it is"), "as it is"),
        (int, -5, "-5"),
        (int, 1_000_000, "1000000"),
        (int, _Level.HIGH, "3"),
        (float, 12.5, "12.5"),
        (float, 1e22, "10000000000000000000000"),
        (float, 1e-7, "0.0000001"),
        (float, 3, "3"),
        (float, 3.0, "3"),
        (decimal.Decimal, decimal.Decimal("12.500"), "12.500"),
        (decimal.Decimal, decimal.Decimal("1E+3"), "1000"),
        (datetime.date, datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.time, datetime.time(9, 30), "09:30"),
        (datetime.time, datetime.time(9, 30, 5, 7), "09:30:05"),
        (datetime.datetime, datetime.datetime(2026, 1, 2, 9, 30), "2026-01-02 09:30"),
        (datetime.datetime, datetime.datetime(2026, 1, 2, 9, 30, 1), "2026-01-02 09:30:01"),
    ],
)
def test_a_value_is_written_as_people_do(kind: type, value: object, written: str) -> None:
    """Without powers of ten, names of members and microseconds; what writes itself is not asked."""
    template = Template("<{x}>", variables={"x": kind})
    assert template.render(x=value) == f"<{written}>"
    assert template.render_from_text({"x": written}) == f"<{written}>"


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (str, _Word.HELLO, "x is a _Word: give a str"),
        (str, None, "x is a NoneType: give a str"),
        (int, 1.0, "x is a float: give an int"),
        (int, 10**400, "x has more than 400 digits"),
        (float, float("nan"), "x is not a finite number"),
        (float, float("inf"), "x is not a finite number"),
        (float, decimal.Decimal(1), "x is a Decimal: give a float"),
        (decimal.Decimal, 1.5, "x is a float: give a Decimal"),
        (decimal.Decimal, decimal.Decimal("1E+500"), "x has more than 400 digits"),
        (decimal.Decimal, decimal.Decimal("1E-500"), "x has more than 400 digits"),
        (decimal.Decimal, decimal.Decimal("sNaN"), "x is not a finite number"),
        (datetime.date, datetime.datetime(2026, 1, 1), "x is a datetime: give a date"),
        (datetime.datetime, datetime.date(2026, 1, 1), "x is a date: give a datetime"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: type, value: object, said: str) -> None:
    """Python's own kinship does not count where it would write something else."""
    with pytest.raises(BadValues) as caught:
        Template("{x}", variables={"x": kind}).render(x=value)
    assert caught.value.problems == (said,)


def test_a_time_zone_that_raises_is_a_problem_of_the_value() -> None:
    """It may be anybody's code."""

    class Broken(datetime.tzinfo):
        def utcoffset(self, moment: datetime.datetime | None) -> datetime.timedelta:
            raise RuntimeError("secret")

    with pytest.raises(BadValues) as caught:
        Template("{x}", variables={"x": "time"}).render(x=datetime.time(9, tzinfo=Broken()))
    assert caught.value.problems == ("x can't be written: RuntimeError",)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("int", "soon", "x is no int: write it like 42"),
        ("int", "1.5", "x is no int: write it like 42"),
        ("int", "0123", "x starts with a zero, which an int loses: make the variable a str"),
        ("float", "1,5", "x is no float: write it like 12.5"),
        ("float", "nan", "x is not a finite number"),
        ("Decimal", "", "x is no Decimal: write it like 12.500"),
        ("date", "31.12.2026", "x is no date: write it like 2026-12-31"),
        ("time", "9", "x is no time: write it like 09:30"),
        ("datetime", "tomorrow", "x is no datetime: write it like 2026-12-31 09:30"),
    ],
)
def test_a_text_that_is_no_value_is_refused(kind: str, text: str, said: str) -> None:
    """With one that is; a code never loses its zeros without an error."""
    with pytest.raises(BadValues) as caught:
        Template("{x}", variables={"x": kind}).render_from_text({"x": text})
    assert caught.value.problems == (said,)


# --- languages ---


TWO = Template({"en": "Hello", "ar": "مرحبا"})


@pytest.mark.parametrize(
    ("language", "chosen"),
    [
        ("ar", "ar"),
        ("AR", "ar"),
        ("ar-KW", "ar"),
        ("ar_KW", "ar"),
        ("ar_KW.UTF-8", "ar"),
        ("ar-Arab-KW", "ar"),
        ("en-GB", "en"),
        ("arz", "en"),
        ("fr", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_a_language_falls_back_to_a_wider_one_and_then_to_the_default(language: str | None, chosen: str) -> None:
    """However a browser, a phone or a shell spells it."""
    assert TWO.choose(language) == chosen
    assert TWO.render(language) == TWO.texts[chosen]
    assert TWO.render_for(Recipient("96598765432", language=language)) == TWO.texts[chosen]


def test_the_default_is_the_first_unless_it_is_given() -> None:
    """In any spelling; the narrowest text that there is wins."""
    template = Template({"en_US": "Color", "en": "Colour", "ar": "لون"}, default="AR")
    assert template.languages == ("en-us", "en", "ar")
    assert [template.choose(language) for language in ("en-US", "en-GB", "fr")] == ["en-us", "en", "ar"]


@given(any_text())
def test_every_language_is_written_to_in_one_of_the_template_s(language: str) -> None:
    """What a stranger's phone says about itself is never an error."""
    assert TWO.choose(language) in TWO.languages


def test_a_language_is_a_text() -> None:
    """A Recipient in its place is a slip."""
    with pytest.raises(TypeError, match="language is a Recipient"):
        TWO.render(Recipient("96598765432"))  # type: ignore[arg-type]


def test_recipients_are_grouped_by_the_language_that_they_are_written_to() -> None:
    """In the order in which they came; a bare number gets the default."""
    people = [Recipient(f"9659876543{n}", language=tag) for n, tag in enumerate(["ar", None, "ar-KW", "fr"])]
    found = TWO.by_language([*people, "96598765439"])
    assert list(found) == ["ar", "en"]
    assert found == {"ar": [people[0], people[2]], "en": [people[1], people[3], "96598765439"]}
    assert Template("Hello").by_language(people) == {ANY: people}


def test_a_recipient_keeps_the_language_in_the_pipeline() -> None:
    """The normalizer knows the number, the caller the person."""
    with Notifier("memory") as notifier:
        plan = notifier.plan([Recipient("+965 9876 5432", language="ar"), "96598765433"], "x")
        assert [(r.address, r.language) for r in plan.recipients] == [("96598765432", "ar"), ("96598765433", None)]


# --- the budget ---


def test_each_language_over_the_budget_is_listed_with_what_is_too_much() -> None:
    """Against the longest samples, before anybody pays."""
    texts = {"en": "{name}: " + "x" * 150, "ar": "{name}: " + "س" * 70, "fr": "{name}"}
    assert Template(texts, samples={"name": ["Ada", "Abdulrahman"]}, segments=2, measure=measure)
    template = Template(texts, samples={"name": ["Ada", "Abdulrahman"]}, segments=1)
    with pytest.raises(OverBudget) as caught:
        template.measured_by(measure)
    assert caught.value.problems == (
        "en: the text takes 2 segments of gsm7 (163 units), and segments allows 1: it is 3 characters too long",
        "ar: the text takes 2 segments of ucs2 (83 units), and segments allows 1: it is 13 characters too long",
    )


def test_an_arabic_name_makes_a_latin_text_longer() -> None:
    """The longest sample is not the dearest: a shorter one may force another encoding."""
    with pytest.raises(OverBudget, match="75 units"):
        Template("{name}" + "x" * 71, samples={"name": ["Abdulrahman", "خالد"]}, segments=1, measure=measure)


SAMPLES = st.lists(st.text("aé€سש😀", max_size=90), min_size=1, max_size=3)


def _repeated(parts: list[tuple[str, int]]) -> str:
    return "".join(text * times for text, times in parts)


@given(st.tuples(SAMPLES, SAMPLES), st.text("a€س", max_size=60))
def test_no_other_samples_together_take_up_more(samples: tuple[list[str], list[str]], words: str) -> None:
    """As the whole product of them would say."""
    template = Template(f"x{words}{{a}}{{b}}", samples={"a": samples[0], "b": samples[1]}, measure=measure)
    every = [measure(template.render(a=a, b=b)) for a, b in itertools.product(*samples)]
    longest = measure(template.longest())
    assert longest.segments == max(size.segments for size in every)


@given(st.integers(1, 4), st.lists(st.tuples(any_text(9), st.integers(1, 80))).map(_repeated))
def test_so_many_characters_too_long_is_what_it_is(budget: int, text: str) -> None:
    """Without them it is short enough, with one of them it is not."""
    budget = min(budget, measure(text).segments - 1)
    assume(budget > 0)
    template = Template("{x}", samples={"x": ""}, segments=budget, measure=measure)
    with pytest.raises(OverBudget) as caught:
        template.render(x=text)
    too_many = int(caught.value.problems[0].rpartition("it is ")[2].split()[0])
    assert measure(text[:-too_many]).segments <= budget < measure(text[: len(text) - too_many + 1]).segments


def test_a_value_longer_than_its_sample_is_found_when_it_comes() -> None:
    """The text is not shown."""
    template = Template("Hi {name}", samples={"name": "Abdulrahman"}, segments=1, measure=measure)
    assert template.render(name="x" * 157) == "Hi " + "x" * 157
    with pytest.raises(OverBudget) as caught:
        template.render(name="x" * 158)
    assert "xxx" not in str(caught.value)
    assert "it is 1 character too long" in str(caught.value)


def test_without_a_measure_nothing_is_too_long() -> None:
    """As with transports to which length does not matter."""
    template = Template("x" * 999, segments=1)
    assert template.render() == template.measured_by(lambda text: None).render() == "x" * 999


def test_a_template_without_samples_has_no_longest_text() -> None:
    """It says of which variable."""
    with pytest.raises(BadValues) as caught:
        Template("{a} {b}", samples={"a": "1"}).longest()
    assert caught.value.missing == ("b",)


def test_the_longest_text_is_known_without_measuring() -> None:
    """By its UTF-16 units: an emoji has two."""
    assert Template("{a}", samples={"a": ["xxx", "😀😀"]}).longest() == "😀😀"


# --- with a notifier ---


def test_a_notifier_measures_what_it_would_send() -> None:
    """After cleaning: an emoji that is removed costs nothing."""
    with Notifier(KWTSMS) as notifier:
        assert notifier.measure("Hi 🎉") == measure("Hi ")
        template = notifier.template(Template("Hi {name}🎉", samples={"name": "x" * 157}, segments=1))
        assert template.render(name="x") == "Hi x🎉"
        with pytest.raises(OverBudget):
            notifier.template(Template("Hi {name}", samples={"name": "x" * 158}, segments=1))
    with Notifier("webhook://example.com/hook") as notifier:
        assert notifier.measure("Hi", channel=Channel.SMS) is None
        assert notifier.measure("Hi", via=KWTSMS) == measure("Hi")


def test_the_settings_templates_are_measured_when_the_notifier_is_made() -> None:
    """And every problem is reported with the others."""
    said = {"en": "x" * 161, "segments": 1}
    with pytest.raises(ConfigError) as caught:
        Notifier.from_settings(KWTSMS, templates={"long": said, "fine": "Hi"}, timeout="soon")
    assert len(caught.value.problems) == 2
    assert any(
        problem.startswith("templates: long: en: the text takes 2 segments") for problem in caught.value.problems
    )
    with Notifier.from_settings("webhook://example.com/hook", templates={"long": said}) as notifier:
        assert notifier.template("long").render() == "x" * 161


def test_a_template_is_found_by_its_name() -> None:
    """Or the name that was meant is."""
    with Notifier.from_settings(KWTSMS, templates={"otp": "Code {code}", "welcome": TWO}) as notifier:
        assert notifier.template("otp").render(code="0123") == "Code 0123"
        assert notifier.template("welcome") == TWO
        with pytest.raises(ConfigError, match="did you mean otp"):
            notifier.template("opt")
        with pytest.raises(TypeError, match="named by a str"):
            notifier.template(5)  # type: ignore[arg-type]
    with Notifier(KWTSMS) as notifier, pytest.raises(ConfigError, match="there are none"):
        notifier.template("otp")


def test_a_measure_that_raises_does_not_stop_the_text() -> None:
    """The transport is a plugin, and may raise anything."""

    def broken(text: str) -> Measurement:
        raise RuntimeError(text)

    class Broken:
        name = "broken"

        def __init__(self) -> None:
            self.capabilities = attrs.evolve(notifier.transport.capabilities, measure=broken)

        def send(self, *_: object) -> None:
            raise NotImplementedError

    with Notifier("null", host=PluginHost(entry_points=False)) as notifier:
        with Notifier(Broken(), host=PluginHost(entry_points=False)) as other:  # type: ignore[arg-type]
            assert other.template(Template("x" * 999, segments=1)).render() == "x" * 999


# --- settings files ---


def loaded(folder: pathlib.Path, content: str) -> Settings:
    """Return the settings of a folder with this settings file."""
    (folder / "notifykit.toml").write_text(content, encoding="utf-8")
    return Settings.load(environment={}, directory=folder)


def test_a_settings_file_has_templates(tmp_path: pathlib.Path) -> None:
    """As a line, as one text with options, or as a text for each language."""
    settings = loaded(
        tmp_path,
        """
        [templates]
        hello = "Hello {name}"

        [templates.otp]
        en = "Your code is {code}"
        ar = "رمزك {code}"
        default = "ar"
        segments = 1
        samples = { code = "123456" }

        [templates.bill]
        text = "{sum} KWD until {day}"
        variables = { sum = "Decimal", day = "date" }
        samples = { sum = ["12.500", "1250.000"], day = 2026-12-31 }
        """,
    )
    assert settings.problems == ()
    assert str(settings.templates) == "hello (und); otp (en, ar); bill (und)"
    assert settings.origins["templates"] == "notifykit.toml"
    assert settings.templates == {
        "hello": Template("Hello {name}"),
        "otp": Template(
            {"en": "Your code is {code}", "ar": "رمزك {code}"}, default="ar", segments=1, samples={"code": "123456"}
        ),
        "bill": Template(
            "{sum} KWD until {day}",
            variables={"sum": decimal.Decimal, "day": datetime.date},
            samples={
                "sum": [decimal.Decimal("12.500"), decimal.Decimal("1250.000")],
                "day": datetime.date(2026, 12, 31),
            },
        ),
    }


def test_every_problem_of_every_template_is_listed_with_the_others(tmp_path: pathlib.Path) -> None:
    """Where it stands, and what was probably meant."""
    settings = loaded(
        tmp_path,
        """
        timeout = "soon"

        [templates]
        broken = "Hi {name"
        number = 5

        [templates.otp]
        en = "{code}"
        defualt = "en"

        [templates.lost]
        message = "Hi"

        [templates.both]
        text = "Hi"
        en = "Hi"
        variables = "code"
        default = 5

        [templates.bill]
        text = "{sum}"
        variables = { sum = "int" }
        segments = 1
        samples = { sum = ["one", "01"] }
        """,
    )
    start = "templates (notifykit.toml): "
    assert [problem.removeprefix(start) for problem in settings.problems if problem.startswith(start)] == [
        "broken: { at character 4 is never closed: write {{ for a brace",
        "number: it is an int: give a text, or a table",
        "otp: defualt is neither a language nor an option: did you mean default?",
        "lost: message is neither a language nor an option: there are text, default, segments, variables, samples",
        "both: text is for a template without languages, and there is one for en",
        "both: variables is not a table",
        "both: default is not a language",
        "bill: samples: sum is no int: write it like 42",
        "bill: samples: sum starts with a zero, which an int loses: make the variable a str",
    ]
    assert len(settings.problems) == 10
    assert settings.templates == Templates()


def test_templates_are_a_table() -> None:
    """And say so where they are not; nothing of this is read from the environment."""
    (problem,) = Settings.load({"templates": "otp"}, environment={}).problems
    assert problem.startswith("templates (argument) is not a table")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | any_text(8) | st.dates(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["en", "ar", "text", "default", "segments", "variables", "samples", "a"]) | any_text(5),
                inner | st.sampled_from(["Hi {a}", "int", 1, {"a": "int"}, {"a": [5, "x"]}]),
                max_size=6,
            )
        ),
        max_leaves=12,
    )
)
def test_any_table_is_a_template_or_an_error_with_reasons(table: object) -> None:
    """Whatever somebody wrote into a settings file."""
    problems: tuple[str, ...] = ()
    try:
        made = Template.from_table(table)
    except TemplateError as error:
        problems = error.problems
    assert problems or made.languages
