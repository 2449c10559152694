"""``--template``: a text of the settings, filled on the command line."""

from __future__ import annotations

import pathlib

import pytest

from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run

ONE = "96598765432"
TWO = "96598765433"
SETTINGS = """
[templates]
hello = "Hello {name}, you have {count} messages"

[templates.otp]
en = "Your code for MYAPP is {code}"
ar = "رمزك لتطبيق MYAPP هو {code}"
segments = 1
samples = { code = "123456" }

[templates.bill]
text = "{sum} KWD until {day}"
variables = { sum = "Decimal", day = "date" }
"""


@pytest.fixture(name="file", autouse=True)
def _settings_file() -> pathlib.Path:
    """Every test's own folder has the templates."""
    file = pathlib.Path("notifykit.toml")
    file.write_text(SETTINGS, encoding="utf-8")
    return file


def texts(gateway: Sandbox) -> list[str]:
    """Return the texts that the gateway took."""
    return [message.text for message in gateway.messages]


def test_a_template_is_sent_in_the_language_that_is_asked_for(gateway: Sandbox, run: Run) -> None:
    """Or in its own; every word before the options is a recipient."""
    assert run("send", ONE, "--template", "otp", "--var", "code=0123", "--language", "ar-KW").code == 0
    assert run("send", ONE, TWO, "--template", "otp", "--var", "code={x}=%s").code == 0
    assert texts(gateway) == ["رمزك لتطبيق MYAPP هو 0123", "Your code for MYAPP is {x}=%s"]
    assert list(gateway.messages[1].numbers) == [ONE, TWO]


def test_values_are_read_by_the_types_of_their_variables(gateway: Sandbox, run: Run) -> None:
    """As they were typed: nothing is rounded."""
    assert run("send", ONE, "--template", "bill", "--var", "sum=12.500", "--var", "day=2026-12-31").code == 0
    assert texts(gateway) == ["12.500 KWD until 2026-12-31"]


def test_recipients_come_from_wherever_they_come_from(gateway: Sandbox, run: Run) -> None:
    """A file, or standard input."""
    pathlib.Path("people.txt").write_text(f"{ONE}\n{TWO}\n")
    assert run("send", "--to-file", "people.txt", "--template", "otp", "--var", "code=1").code == 0
    assert run("send", "-", "--template", "otp", "--var", "code=2", stdin=f"{ONE}\n").code == 0
    assert [list(message.numbers) for message in gateway.messages] == [[ONE, TWO], [ONE]]
    assert run("send", "--template", "otp", "--var", "code=1").code == 2


@pytest.mark.parametrize("command", [("send", ONE), ("preview",)])
def test_what_is_missing_is_listed_with_what_to_add(gateway: Sandbox, run: Run, command: tuple[str, ...]) -> None:
    """All of it at once; no value is shown, and nothing is sent."""
    answer = run(*command, "--template", "hello", "--var", "nam=4711")
    assert (answer.code, answer.out) == (2, "")
    assert "name is missing: give a str" in answer.err
    assert "count is missing: give a str" in answer.err
    assert "nam is no variable: did you mean name?" in answer.err
    assert "Add --var name=… --var count=…" in answer.err
    assert "4711" not in answer.err
    assert gateway.requests == ()


def test_a_value_of_another_type_is_said_with_how_to_write_it(gateway: Sandbox, run: Run) -> None:
    """In JSON too, and never with the value."""
    answer = run("send", ONE, "--template", "bill", "--var", "sum=12,5", "--var", "day=tomorrow", "--json")
    assert answer.code == 2
    assert answer.document["error"]["kind"] == "UsageError"
    assert "sum is no Decimal: write it like 12.500" in answer.document["error"]["message"]
    assert "day is no date: write it like 2026-12-31" in answer.document["error"]["message"]
    assert "tomorrow" not in answer.out + answer.err
    assert gateway.requests == ()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("send", ONE, "Hello", "--template", "otp", "--var", "code=1"), "The template is the text"),
        (("send", ONE, "Your code is 12", "--template", "otp", "--var", "code=1"), "The template is the text"),
        (("send", ONE, "--message-file", "x", "--template", "otp", "--var", "code=1"), "The template is the text"),
        (("preview", "Hello", "--template", "otp", "--var", "code=1"), "or --template"),
        (("preview", "--message-file", "x", "--template", "otp"), "or --template"),
        (("preview", "--template", "otp", "--var", "123456"), "--var no. 1 has no name: write --var NAME=VALUE"),
        (("preview", "--template", "otp", "--var", "code=1", "--var", "=2"), "--var no. 2 has no name"),
        (("preview", "--template", "otp", "--var", "code=1", "--var", "code=2"), "--var gives code twice"),
        (("preview", "Hello", "--var", "code=1"), "name it with --template"),
        (("send", ONE, "Hello", "--language", "ar"), "name it with --template"),
        (("preview", "--template", "opt", "--var", "code=1"), "did you mean otp?"),
    ],
)
def test_a_command_line_that_means_two_things_is_not_used(
    gateway: Sandbox, run: Run, words: tuple[str, ...], said: str
) -> None:
    """It says what to leave out or to add, and repeats no value."""
    answer = run(*words)
    assert answer.code == 2
    assert said in answer.err
    assert "123456" not in answer.err
    assert gateway.requests == ()


def test_a_value_that_breaks_the_budget_is_not_sent(gateway: Sandbox, run: Run) -> None:
    """It says how much is too much."""
    answer = run("send", ONE, "--template", "otp", "--var", f"code={'9' * 138}")
    assert answer.code == 2
    assert (
        "the text takes 2 segments of gsm7 (161 units), and segments allows 1: it is 1 character too long" in answer.err
    )
    assert "999" not in answer.err
    assert gateway.requests == ()


def test_a_template_over_its_budget_is_an_error_before_anything_is_sent(
    gateway: Sandbox, run: Run, file: pathlib.Path
) -> None:
    """Listed with what else is wrong with the settings."""
    file.write_text(SETTINGS.replace('"123456"', f'"{"9" * 150}"'), encoding="utf-8")
    answer = run("send", ONE, "Hello")
    assert answer.code == 2
    assert "templates: otp: en: the text takes 2 segments" in answer.err
    assert "templates: otp: ar: the text takes 3 segments" in answer.err
    assert gateway.requests == ()


def test_preview_shows_the_filled_text(run: Run) -> None:
    """And says in JSON which template and which language it is."""
    assert "Your code for MYAPP is 0123" in run("preview", "--template", "otp", "--var", "code=0123").out
    data = run("preview", "--template", "otp", "--var", "code=1", "--language", "AR_kw", "--json").data
    assert (data["text"], data["template"], data["language"]) == ("رمزك لتطبيق MYAPP هو 1", "otp", "ar")


def test_a_dry_run_shows_the_filled_text(gateway: Sandbox, run: Run) -> None:
    """As of any other text."""
    data = run("send", ONE, "--template", "otp", "--var", "code=1", "--dry-run", "--json").data
    assert (data["text"], data["template"], data["language"]) == ("Your code for MYAPP is 1", "otp", "en")
    assert "template" not in run("send", ONE, "Hello", "--dry-run", "--json").data
    assert gateway.requests == ()


def test_the_settings_show_names_and_languages(run: Run) -> None:
    """And no text."""
    answer = run("config", "get", "templates")
    assert answer.out == "hello (und); otp (en, ar); bill (und)\n"


def test_a_value_that_is_the_variables_own_name_is_warned_of(gateway: Sandbox, run: Run) -> None:
    """A column of a table is no value: everybody would read "Hello Name"."""
    answer = run("send", ONE, "--template", "hello", "--var", "name=Name", "--var", "count=2")
    assert (answer.code, texts(gateway)) == (0, ["Hello Name, you have 2 messages"])
    assert "The value of name is the variable's own name" in answer.err
    assert "own name" not in run("send", ONE, "--template", "hello", "--var", "name=Sara", "--var", "count=2").err


@pytest.mark.parametrize("variable", ["{Name}", "{{name}}", "${name}", "{0}", "{}", "%(name)s"])
def test_a_variable_that_is_left_in_a_text_is_warned_of(gateway: Sandbox, run: Run, variable: str) -> None:
    """By a send, its dry run, a preview and explain, and in JSON."""
    said = f"{variable} stands in the text, and everybody would read it so"
    text = f"Dear {variable}, {{we}} % {{ open }}"[:-14]
    assert said in run("send", ONE, text).err
    assert [message.text for message in gateway.messages] == [text]
    assert said in run("send", ONE, text, "--dry-run").err
    assert said in run("preview", text).out
    assert said in run("explain", "--as", "message", text).out
    assert any(said in warning for warning in run("send", ONE, text, "--json").document["warnings"])


@pytest.mark.parametrize("text", ['{"a": 1}', "100% (sure)", "a {b c} d", "f(x) = {1, 2}", "Hello"])
def test_other_braces_are_no_variables(gateway: Sandbox, run: Run, text: str) -> None:
    """A set or JSON is what somebody wrote."""
    assert "everybody would read it" not in run("send", ONE, text).err


def test_a_channel_gets_its_own_text_and_subject(run: Run, file: pathlib.Path) -> None:
    """A subject that was typed goes before; a channel without a text is an error that names it."""
    file.write_text(
        "[templates.order.sms]\ntext = 'Ready: {number}'\n[templates.order.email]\n"
        "subject = 'Order {number}'\ntext = 'Hello {name}, order {number} is ready.'\n",
        encoding="utf-8",
    )
    words = ("send", "sara@example.com", "--via", "console", "--channel", "email", "--template", "order")
    filled = (*words, "--var", "number=7", "--var", "name=Sara")
    first = run(*filled)
    assert first.code == 0
    assert "Hello Sara, order 7 is ready." in first.out + first.err
    assert "Order 7" in first.out + first.err
    other = run(*filled, "--subject", "Mine")
    assert "Mine" in other.out + other.err
    assert "Order 7" not in other.out + other.err
    assert "Add --var name=…" in run(*words, "--var", "number=7").err
    push = run("send", ONE, "--via", "console", "--channel", "push", "--template", "order", "--var", "number=7")
    assert push.code == 2
    assert "there is no text for push" in push.err
    assert "Ready: 7" in run("preview", "--template", "order", "--var", "number=7").out
