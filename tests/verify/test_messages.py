"""The message: the language of the person, one segment whatever the name, and lines for browsers and Android apps."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from hypothesis import assume, example, given, strategies as st

from notifykit import ConfigError, Notifier, Verifier
from notifykit.redaction import Secret
from notifykit.verify import VerifySettings
from notifykit.verify.messages import LONGEST_DOMAINS, LONGEST_NAME
from tests.verify.conftest import NUMBER, host

HASH = "FA+9qCX9VSu"


def notifier(**more: Any) -> Notifier:
    """Return a notifier that measures as the gateway does."""
    return Notifier("memory://default?like=kwtsms", host=host(), **more)


def message(reader: str | None, **settings: Any) -> str:
    """Return the text for a reader of a language."""
    verifier = Verifier(notifier(), settings=VerifySettings(**settings))
    return verifier._message.text(Secret("123456"), reader)


def test_the_text_is_in_the_language_of_the_person() -> None:
    """English for all who read neither, or what the settings say."""
    english, arabic = (
        "123456 is your code for MYAPP. Do not give it to anyone.",
        "123456 هو رمزك في MYAPP. لا تعطه لأحد.",
    )
    for language, text in (("en", english), ("ar", arabic), ("ar-KW", arabic), ("en_GB", english), ("fr", english)):
        assert message(language, app="MYAPP") == text
    assert message(None, app="MYAPP") == english
    assert message(None, app="MYAPP", language="ar") == arabic


def test_browsers_and_android_apps_find_the_code() -> None:
    """WebOTP wants its line last; the hash of the app stands above it, and all is at most 140 bytes."""
    text = message("en", app="MYAPP", domain="example.com", android_hash=HASH)
    assert text.splitlines()[-2:] == [HASH, "@example.com #123456"]
    assert len(text.encode()) <= 140
    assert message("en", domain="example.com").splitlines()[-1] == "@example.com #123456"


def test_without_a_name_the_text_has_none() -> None:
    """As where neither ``app`` nor ``sender`` is set."""
    assert message("en") == "123456 is your code. Do not give it to anyone."
    assert message("ar") == "123456 هو رمزك. لا تعطه لأحد."


#: What a name may be made of: all that a phone can show.
NAMES = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), min_size=1, max_size=LONGEST_NAME
).map(str.strip).filter(bool)  # fmt: skip


@example(name="م" * LONGEST_NAME, language="ar", android=True, data=None)
@example(name="م" * LONGEST_NAME, language="en", android=True, data=None)
@example(name="€" * LONGEST_NAME, language="en", android=False, data=None)
@example(name="ﷺ" * LONGEST_NAME, language="en", android=False, data=None)
@example(name="𝔐" * (LONGEST_NAME // 2), language="ar", android=False, data=None)
@given(name=NAMES, language=st.sampled_from(["en", "ar", "ar-KW", "fr", None]), android=st.booleans(), data=st.data())
def test_no_language_and_no_name_makes_it_two_segments(
    name: str, language: str | None, android: bool, data: st.DataObject | None
) -> None:
    """Up to the lengths that the page states, measured as the gateway measures; with the longest domain too."""
    assume(len(name.encode("utf-16-le")) // 2 <= LONGEST_NAME)
    longest = LONGEST_DOMAINS[android]
    with_domain = "x" * (longest - 3) + ".kw"
    domain = data.draw(st.sampled_from([None, with_domain])) if data else with_domain
    verifier = Verifier(
        notifier(), settings=VerifySettings(app=name, domain=domain, android_hash=HASH if android else None)
    )
    text = verifier._message.text(Secret("909090"), language)
    measured = verifier.notifier.measure(text)
    assert measured
    assert measured.segments == 1
    assert text.startswith("909090")
    assert domain is None or text.endswith(f"\n@{domain} #909090")


def test_what_would_take_two_segments_is_an_error_at_the_start() -> None:
    """It says in which language, and what to shorten."""
    with pytest.raises(ConfigError) as caught:
        Verifier(notifier(), settings=VerifySettings(app="x" * 40, domain="a-very-long-domain-name.example.com"))
    (problem,) = caught.value.problems
    assert "in ar takes more than one segment" in problem
    assert "shorten verify.app or verify.domain" in problem


def write(folder: pathlib.Path, text: str) -> None:
    (folder / "notifykit.toml").write_text(text, encoding="utf-8")


def test_a_template_of_the_settings_takes_their_place(tmp_path: pathlib.Path) -> None:
    """In its own languages; the lines below it stay."""
    write(
        tmp_path,
        '[templates.otp]\nfr = "{code} : votre code {app}"\nur = "{code} {app}"\n'
        '[verify]\ntemplate = "otp"\napp = "MYAPP"\ndomain = "example.com"\nlanguage = "fr"\n',
    )
    with Notifier.from_settings("memory", directory=tmp_path, environment={}, host=host()) as made:
        verifier = Verifier(made)
        assert verifier._message.text(Secret("123456"), "en") == "123456 : votre code MYAPP\n@example.com #123456"
        assert verifier._message.text(Secret("123456"), "ur") == "123456 MYAPP\n@example.com #123456"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ('"Welcome to {app}"', "otp has no {code}"),
        ('"{code} {name}"', "none of name"),
        (f'"{"long " * 40} {{code}}"', "in und takes more than one segment"),
    ],
)
def test_a_template_that_can_not_be_used_is_an_error(tmp_path: pathlib.Path, template: str, problem: str) -> None:
    """When the verifier is made, not when a person waits."""
    write(tmp_path, f'[templates]\notp = {template}\n[verify]\ntemplate = "otp"\n')
    with (
        Notifier.from_settings("memory://default?like=kwtsms", directory=tmp_path, environment={}, host=host()) as made,
        pytest.raises(ConfigError) as caught,
    ):
        Verifier(made)
    assert problem in str(caught.value)


def test_the_language_of_the_recipient_is_used(tmp_path: pathlib.Path) -> None:
    """Where the call names none."""
    from notifykit import Recipient

    made = notifier()
    verifier = Verifier(made, settings=VerifySettings(app="MYAPP"), clock=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTIFYKIT_STATE_DIR", str(tmp_path))
        prepared = verifier._prepare(Recipient(NUMBER, country="KW", language="ar"), None, None, None, None, "sms")
    assert prepared.language == "ar"  # type: ignore[union-attr]
