"""A transport in one line."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

import attrs
import pytest
from hypothesis import given, strategies as st

from notifykit.dsn import Dsn
from notifykit.errors import ConfigError
from notifykit.masking import STARS, Secret
from tests.ground.strategies_ground import any_text, dsns, passwords

SECRET_NAMES = [
    "password",
    "token",
    "bearer",
    "key",
    "secret",
    "signature",
    "api_key",
    "access_token",
    "AuthToken",
    "sig",
]
#: All that is said about a kwtSMS DSN that can't be read.
WRITE_IT_LIKE_THIS = (
    "the kwtsms DSN can't be read: write scheme://user:password@host:port/path?option=value, "
    "with %40 for @, %2F for /, %3A for :, %3F for ? and %23 for # inside a password or another part"
)


def without_secrets(dsn: Dsn) -> Dsn:
    """Return what a DSN may say about itself."""
    words = ("auth", "bearer", "cred", "key", "pass", "pwd", "secret", "sig", "token")
    options = {name: value for name, value in dsn.options.items() if not any(word in name.lower() for word in words)}
    return attrs.evolve(dsn, password=None, path="", options=options)


def written(dsn: Dsn) -> str:
    """Return a DSN in full, as a person would have to write it."""
    user = quote(dsn.user or "", safe="")
    password = f":{quote(dsn.password.reveal(), safe='')}" if dsn.password else ""
    host = f"[{dsn.host}]" if ":" in dsn.host else dsn.host
    port = "" if dsn.port is None else f":{dsn.port}"
    options = f"?{urlencode(dsn.options)}" if dsn.options else ""
    return f"{dsn.scheme}://{user}{password}{'@' if user or password else ''}{host}{port}{dsn.path}{options}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("memory", Dsn("memory")),
        (" kwtsms\n", Dsn("kwtsms")),
        ("webhook+http", Dsn("webhook+http")),
        ("memory://", Dsn("memory")),
        ("memory://default", Dsn("memory")),
        (
            "kwtsms://user:password@default?sender=MY-APP&test=1",
            Dsn("kwtsms", user="user", password=Secret("password"), options={"sender": "MY-APP", "test": "1"}),
        ),
        ("kwtsms://u:p%40%2F%3A%3F%23@h", Dsn("kwtsms", "h", user="u", password=Secret("p@/:?#"))),
        ("kwtsms://u:p@ss:word@h", Dsn("kwtsms", "h", user="u", password=Secret("p@ss:word"))),
        ("webhook://EXAMPLE.com:8443/a/b", Dsn("webhook", "example.com", 8443, path="/a/b")),
        ("webhook://[::1]:80/x", Dsn("webhook", "::1", 80, path="/x")),
        ("memory://?like=", Dsn("memory", options={"like": ""})),
        ("kwtsms://:p@default", Dsn("kwtsms", password=Secret("p"))),
        ("mail://u:p@h?from=a%40b.c", Dsn("mail", "h", user="u", password=Secret("p"), options={"from": "a@b.c"})),
    ],
)
def test_a_dsn_is_read_into_its_parts(text: str, expected: Dsn) -> None:
    """A bare name, a whole DSN, and everything between; percent signs stand for what has a meaning."""
    assert Dsn.parse(text) == expected


@given(dsns())
def test_a_dsn_that_is_written_in_full_is_read_in_full(dsn: Dsn) -> None:
    """Whatever stands in a user name, a password or an option."""
    assert Dsn.parse(written(dsn)) == dsn


@given(dsns())
def test_what_a_dsn_says_about_itself_is_a_dsn_without_the_secrets(dsn: Dsn) -> None:
    """Read again it is the same transport, up to the password, the path and the secret options."""
    assert Dsn.parse(str(dsn)) == without_secrets(dsn)
    assert str(Dsn.parse(str(dsn))) == str(dsn)


@given(passwords(), st.sampled_from(SECRET_NAMES))
def test_a_dsn_shows_no_secret_wherever_it_stands(secret: str, name: str) -> None:
    """Neither as the password, nor in the path, nor in an option that is named like a secret."""
    text = f"hook://user:{quote(secret, safe='')}@host/{quote(secret, safe='')}?{urlencode({name: secret, 'sender': 'ME'})}"
    dsn = Dsn.parse(text)
    assert dsn.password == Secret(secret)
    assert dsn.options[name] == secret
    for shown in (str(dsn), repr(dsn), f"{dsn}", f"{dsn!r}", repr([dsn])):
        for form in (secret, quote(secret, safe=""), urlencode({"": secret})[1:]):
            assert form not in shown
    assert str(dsn) == "hook://user@host?sender=ME"
    assert STARS in repr(dsn)


@given(st.text("abc123/?#@:&= ", max_size=12))
def test_half_a_password_never_becomes_a_host_or_an_option(password: str) -> None:
    """Whoever forgets the percent signs gets an error, or the whole password, and nobody else sees a piece of it."""
    try:
        dsn = Dsn.parse(f"kwtsms://user:{password}@default?sender=ME&test=1")
    except ConfigError as error:
        told = str(error)
    else:
        told = ""
        assert dsn.user == "user"
        assert (dsn.password or Secret("")).reveal() == password
        assert (dsn.host, dsn.port, dsn.options) == ("default", None, {"sender": "ME", "test": "1"})
    assert told in ("", WRITE_IT_LIKE_THIS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "Memory",
        "KWTSMS://u:hunter22@h",
        "://u:hunter22@h",
        "kwtsms:u:hunter22@h",
        "kwt sms://u:hunter22@h",
        "9mm://u:hunter22@h",
        "kwtsms://u:hunter22@h:port",
        "kwtsms://u:hunter22@h:65536",
        "kwtsms://u:hunter22@h:-1",
        "kwtsms://u:hunter22@h:١٢",
        "kwtsms://u:hunter22@[::1",
        "kwtsms://u:hunter22@[nonsense]",
        "kwtsms://u:hunter22@h?test",
        "kwtsms://u:hunter22@h?test=1&",
        "kwtsms://u:hunter22@h#test=1",
        "kwtsms://u:hunter22#x@h?test=1",
        "kwtsms://u:12#hunter22@h?test=1",
        "kwtsms://u:12/hunter22@h?test=1",
        "kwtsms://u:12?hunter22@h?test=1",
        "kwtsms://u:@/hunter22@h?test=1",
        "kwtsms://u:hunter22@h/@name",
        "kwtsms://u:hunter22@h?from=a@b.c",
        "kwtsms://u:hun\tter22@h",
        "kwtsms://u:hunter22\n@h",
        "kwtsms://u:hunter22\udcff@h",
        "kwtsms://u:hunter22@h\u2100.com",
        "kwtsms://u:hunter22@h\x00",
    ],
)
def test_a_dsn_that_is_none_is_a_problem_that_does_not_repeat_it(text: str) -> None:
    """One sentence that says how to write it, and nothing of the password in it or behind it."""
    with pytest.raises(ConfigError) as caught:
        Dsn.parse(text)
    assert not re.search("hunter|ter22", str(caught.value))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "://user:password@" in str(caught.value)


@given(any_text() | st.builds("{}://{}:{}@{}?{}".format, st.just("kwtsms"), *[any_text(8)] * 4))
def test_any_text_is_a_dsn_or_a_config_error(text: str) -> None:
    """Never another exception, and what was read can always be shown, read again and built from."""
    try:
        dsn = Dsn.parse(text)
    except ConfigError:
        return
    assert Dsn.parse(str(dsn)).scheme == dsn.scheme
    assert dsn.host
    assert str(dsn).encode()
    assert repr(dsn)


def test_an_option_that_is_given_twice_is_an_error() -> None:
    """Nobody can tell whether ``test=1&test=0`` means test or live."""
    with pytest.raises(ConfigError, match="an option twice"):
        Dsn.parse("kwtsms://u:p@default?test=1&test=0")
