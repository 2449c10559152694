"""A transport in one line."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

import attrs
import pytest
from hypothesis import given, strategies as st

from notifykit.errors import ConfigError
from notifykit.redaction import STARS, Secret
from notifykit.settings.dsn import MOST_NESTED, Dsn, Part
from tests.models.strategies_models import TYPED, any_text, dsns, passwords

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


def test_the_zone_of_an_address_is_read_and_written_as_a_url_has_it() -> None:
    """`%25` in the text, `%` for the resolver."""
    dsn = Dsn.parse("smtp://[fe80::1%25eth0]:25")
    assert dsn.host == "fe80::1%eth0"
    assert dsn.reveal() == "smtp://[fe80::1%25eth0]:25"


def without_secrets(dsn: Dsn) -> Dsn:
    """Return what a DSN may say about itself."""
    words = ("auth", "bearer", "cred", "key", "pass", "pwd", "secret", "sig", "token")
    options = {name: value for name, value in dsn.options.items() if not any(word in name.lower() for word in words)}
    parts = [Part(without_secrets(part.dsn), part.label) for part in dsn.parts]
    return attrs.evolve(dsn, password=None, path="", options=options, parts=parts)


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
def test_str_of_a_dsn_is_a_dsn_without_the_secrets(dsn: Dsn) -> None:
    """Read again it is the same transport, up to the password, the path and the secret options."""
    assert Dsn.parse(str(dsn)) == without_secrets(dsn)
    assert str(Dsn.parse(str(dsn))) == str(dsn)


@given(passwords(), st.sampled_from(SECRET_NAMES))
def test_a_dsn_shows_no_secret_in_any_part(secret: str, name: str) -> None:
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
    """Without percent signs it is an error, or the whole password, and no piece of it is shown."""
    try:
        dsn = Dsn.parse(f"kwtsms://user:{password}@default?sender=ME&test=1")
    except ConfigError as error:
        reported = str(error)
    else:
        reported = ""
        assert dsn.user == "user"
        assert (dsn.password or Secret("")).reveal() == password
        assert (dsn.host, dsn.port, dsn.options) == ("default", None, {"sender": "ME", "test": "1"})
    assert reported in ("", WRITE_IT_LIKE_THIS)


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
    """It is not clear whether ``test=1&test=0`` means test or live."""
    with pytest.raises(ConfigError, match="an option twice"):
        Dsn.parse("kwtsms://u:p@default?test=1&test=0")


# --- transports that are made of others ---

#: Half of what has a meaning in a DSN, what looks as if it were written with percent signs, and letters of other scripts.
ODD: Final = [
    "%2C",
    "%252c",
    "%",
    "%3E",
    "=>",
    ",",
    "(",
    ")",
    ">",
    "=",
    "&",
    "+",
    ":",
    " ",
    "é",
    "رمز",
    "٣",
    "😀",
    "a",
    "b/c",
]
NAMES: Final = st.from_regex(r"[a-z][a-z0-9+.-]{0,8}", fullmatch=True)
#: Paths as they stand in addresses, with everything that means nothing there and much between brackets.
PATHS: Final = st.lists(st.sampled_from(ODD).filter(lambda text: text != " "), max_size=5).map(
    lambda pieces: f"/{' '.join(pieces)}" if pieces else ""
)
LABELS: Final = st.lists(st.sampled_from(ODD) | st.text(TYPED, max_size=5), min_size=1, max_size=5).map("".join)


@st.composite
def leaves(draw: st.DrawFn) -> Dsn:
    """Draw a DSN without parts: one that says only a name, or one with anything in it."""
    if draw(st.booleans()):
        return Dsn(draw(NAMES))
    return attrs.evolve(draw(dsns()), path=draw(PATHS))


def parts_of(inner: st.SearchStrategy[Dsn]) -> st.SearchStrategy[list[Part]]:
    """Draw what stands in brackets."""
    labels = st.none() | LABELS.filter(lambda label: bool(label.strip()))
    return st.lists(st.builds(Part, inner, labels), min_size=1, max_size=4)


def composites() -> st.SearchStrategy[Dsn]:
    """Draw a DSN of any depth."""
    options = st.dictionaries(st.text(TYPED, min_size=1, max_size=8), st.text(TYPED, max_size=12), max_size=3)
    return st.recursive(
        leaves(),
        lambda inner: st.builds(
            lambda name, parts, given: Dsn(name, options=given, parts=parts), NAMES, parts_of(inner), options
        ),
        max_leaves=6,
    )


def nested(depth: int, inner: str = "memory") -> str:
    """Return a text with that many brackets in each other."""
    return "failover(" * depth + inner + ")" * depth


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fanout(a, b)", Dsn("fanout", parts=[Dsn("a"), Dsn("b")])),
        (" fanout ( a,b ) ", Dsn("fanout", parts=[Dsn("a"), Dsn("b")])),
        ("fanout(\n  a,\n  b\n)\n?rest=30\n", Dsn("fanout", options={"rest": "30"}, parts=[Dsn("a"), Dsn("b")])),
        (
            "failover(kwtsms://u:p%2C@default?sender=X, webhook://host/path)?rest=30&x=a%2Cb",
            Dsn(
                "failover",
                options={"rest": "30", "x": "a,b"},
                parts=[
                    Dsn("kwtsms", user="u", password=Secret("p,"), options={"sender": "X"}),
                    Dsn("webhook", "host", path="/path"),
                ],
            ),
        ),
        (
            "weighted(3 => kwtsms, 1=>webhook://host)",
            Dsn("weighted", parts=[Part(Dsn("kwtsms"), "3"), Part(Dsn("webhook", "host"), "1")]),
        ),
        (
            "route(country=KW&tag=otp => kwtsms, prefix=96655&size=2- => roundrobin(a, b), webhook://host)",
            Dsn(
                "route",
                parts=[
                    Part(Dsn("kwtsms"), "country=KW&tag=otp"),
                    Part(Dsn("roundrobin", parts=[Dsn("a"), Dsn("b")]), "prefix=96655&size=2-"),
                    Dsn("webhook", "host"),
                ],
            ),
        ),
        ("route(tag=a%2Cb%3D%28%29=%3E => x)", Dsn("route", parts=[Part(Dsn("x"), "tag=a,b%3D()=>")])),
        ("f(webhook://h/a%2Cb%28c%29)", Dsn("f", parts=[Dsn("webhook", "h", path="/a,b(c)")])),
        ("f(webhook://h/a%252Cb%25)", Dsn("f", parts=[Dsn("webhook", "h", path="/a%2Cb%25")])),
        ("f(webhook://a%2Cb)", Dsn("f", parts=[Dsn("webhook", "a,b")])),
        ("f(webhook://[::1]:80/x)", Dsn("f", parts=[Dsn("webhook", "::1", 80, path="/x")])),
        ("webhook://h/a(b),c=>d", Dsn("webhook", "h", path="/a(b),c=>d")),
    ],
)
def test_a_composite_is_read_into_its_parts(text: str, expected: Dsn) -> None:
    """Names, DSNs and composites, with labels in front and options behind; a DSN outside brackets is what it was."""
    assert Dsn.parse(text) == expected
    assert hash(Dsn.parse(text)) == hash(expected)
    assert Dsn.parse(expected.reveal()) == expected


@given(composites())
def test_what_is_revealed_is_read_as_the_same(dsn: Dsn) -> None:
    """Whatever stands in users, passwords, hosts, paths, options and labels, however deep."""
    again = Dsn.parse(dsn.reveal())
    assert again == dsn
    assert hash(again) == hash(dsn)
    assert again.reveal() == dsn.reveal()


@given(composites())
def test_str_of_a_composite_is_itself_without_the_secrets(dsn: Dsn) -> None:
    """At every depth; what has no secrets is read as the same."""
    bare = without_secrets(dsn)
    assert Dsn.parse(str(dsn)) == bare
    assert Dsn.parse(str(bare)) == bare
    assert str(bare) == str(dsn)


@given(passwords(), st.sampled_from(SECRET_NAMES), st.integers(1, MOST_NESTED))
def test_a_composite_shows_no_secret_of_its_parts(secret: str, name: str, depth: int) -> None:
    """Only :meth:`Dsn.reveal` does."""
    leaf = Dsn(
        "hook", "host", user="u", password=Secret(secret), path=f"/{quote(secret, safe='')}", options={name: secret}
    )
    dsn = leaf
    for _ in range(depth):
        dsn = Dsn("failover", options={name: secret, "rest": "1"}, parts=[Dsn("memory"), Part(dsn, "3")])
    for shown in (str(dsn), repr(dsn), f"{dsn}", repr([dsn])):
        for form in (secret, quote(secret, safe=""), urlencode({"": secret})[1:]):
            assert form not in shown
    assert "hook://u@host" in str(dsn)
    assert quote(secret, safe="") in dsn.reveal()
    assert Dsn.parse(dsn.reveal()) == dsn


def test_equality_of_composites_is_by_content() -> None:
    """Order, labels, options and what the parts say all count."""
    same = [Dsn.parse("f(a, 2 => b?x)".replace("?x", "://h?x=1")) for _ in range(2)]
    assert len({*same}) == 1
    others = [
        "f(a, 2 => b://h?x=2)",
        "f(2 => b://h?x=1, a)",
        "f(a, b://h?x=1)",
        "f(a, 2 => b://h?x=1)?y=1",
        "g(a, 2 => b://h?x=1)",
    ]
    assert len({*same, *map(Dsn.parse, others)}) == 6


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("f()", ["f has nothing in its brackets"]),
        ("f( )", ["f has nothing in its brackets"]),
        ("f(a,)", ["f has a comma with no transport beside it: there is nothing in part 2"]),
        ("f(,a,,b)", ["f has a comma with no transport beside it: there is nothing in parts 1, 3"]),
        ("f(a, g(b,))", ["part 2 of f has a comma with no transport beside it: there is nothing in part 2"]),
        ("f(a", ["f: the closing bracket is missing"]),
        ("f(a, g(b", ["f: 2 closing brackets are missing"]),
        ("f(a))", ["f: a closing bracket has no opening one"]),
        ("f(a)b", ["f: after the closing bracket only options are allowed"]),
        ("f(a)(b)", ["f: after the closing bracket only options are allowed"]),
        ("f(a), b", ["f: after the closing bracket only options are allowed"]),
        ("f(a) => b", ["f: after the closing bracket only options are allowed"]),
        ("f(a)?x=1,2", ["f: after the closing bracket only options are allowed"]),
        ("f(a)?x", ["f: after the closing bracket only options are allowed"]),
        ("f(a)?x=u@h", ["f: after the closing bracket only options are allowed"]),
        ("f(a)?x=1#y", ["f: after the closing bracket only options are allowed"]),
        ("f(a)?x=1&x=2", ["f has an option twice"]),
        ("f(g(a)?x=1&x=1)", ["part 1 of f has an option twice"]),
        ("f(a://h?x=1&x=1)", ["part 1 of f has an option twice"]),
        ("f(a => b => c)", ["part 1 of f has => twice"]),
        ("f(a => b => g(c))", ["part 1 of f has => twice"]),
        ("f( => a)", ["part 1 of f: before => is a label"]),
        ("f(3 => )", ["part 1 of f: a transport is a name"]),
        ("f(\u200f => a)", ["part 1 of f: before => is a label"]),
        ("f(A)", ["part 1 of f: a transport is a name"]),
        ("f(a b)", ["part 1 of f: a transport is a name"]),
        ("f(a?x=1)", ["part 1 of f: a transport is a name"]),
        ("f((a))", ["part 1 of f: before a bracket is the name"]),
        ("f(a, webhook://h/x(y))", ["part 2 of f: before a bracket is the name"]),
        (
            "f(a://h:port, b, g(c://h#, D))",
            ["part 1 of f can't be read", "part 3.1 of f can't be read", "part 3.2 of f: a"],
        ),
        ("f(A, , g(a)?x)?y", ["part 1 of f: a", "part 3 of f: after", "f has a comma", "f: after"]),
        ("F(a)", ["a transport is a name like 'kwtsms'"]),
        ("f?x=1(a)", ["a transport is a name like 'kwtsms'"]),
        ("3 => f(a)", ["a transport is a name like 'kwtsms'"]),
        ("(a)", ["a transport is a name like 'kwtsms'"]),
        ("a, b", ["a transport is a name like 'kwtsms'"]),
        (nested(MOST_NESTED + 1), ["failover: brackets are nested more than 20 deep"]),
    ],
)
def test_all_that_is_wrong_with_a_composite_is_reported_at_once(text: str, problems: list[str]) -> None:
    """Each with the number of the part that it is about, and how to write it."""
    with pytest.raises(ConfigError) as caught:
        Dsn.parse(text)
    reported = caught.value.problems
    assert len(reported) == len(problems), reported
    for problem, start in zip(reported, problems, strict=True):
        assert problem.startswith(start), reported


@given(
    st.lists(
        st.sampled_from([*"(),=>?&#@ \n%", "=>", "f(", "a", "b://", "u:sW0rd@h", "?x=", "é", "\ud800", "\0"]),
        max_size=30,
    )
)
def test_any_text_with_brackets_is_a_dsn_or_a_config_error(pieces: list[str]) -> None:
    """Never another exception, never a piece of the text in it, and what was read can be shown and read again."""
    text = f"failover({''.join(pieces)}"
    try:
        dsn = Dsn.parse(text)
    except ConfigError as error:
        reported = f"{error}{error!r}{error.__cause__}"
        assert "sW0rd" not in reported
    else:
        assert Dsn.parse(dsn.reveal()) == dsn
        assert str(dsn).encode()
        assert "sW0rd" not in f"{dsn}{dsn!r}"


@given(passwords())
def test_a_password_without_its_percent_signs_never_comes_apart_between_brackets(password: str) -> None:
    """It is an error that shows none of it, or it is the whole password."""
    try:
        dsn = Dsn.parse(f"failover(kwtsms://user:{password}@default, memory)")
    except ConfigError as error:
        reported = str(error)
        assert "§" not in reported
    else:
        # What happens to be an escape is read as one, as everywhere.
        assert dsn.parts[0].dsn.password == Secret(unquote(password))
        assert dsn.parts[1:] == (Part(Dsn("memory")),)


@pytest.mark.parametrize(
    "text",
    [
        "f(" * 20_000,
        "f(" + "(" * 20_000,
        "f" + "()" * 20_000,
        "f(a" + ")" * 20_000,
        "f(a" + "," * 50_000,
        "f(" + "a," * 50_000 + "a)",
        "f(" + "=>" * 50_000 + ")",
        "f(" + "a=>" * 50_000 + "a)",
        "f(a)?" + "=>," * 50_000,
        "f(a" + ",g(b),g(" * 20_000,
        "f(" + "%25" * 50_000 + "2C=>a)",
        "f(a://h/" + "%25" * 50_000 + "2C)",
        "a" * 200_000,
        "a" + " " * 200_000 + "!",
        "f(a" + "=" * 200_000 + ")",
    ],
    ids=range(15),
)
def test_a_text_that_was_made_to_hurt_is_read_at_once(text: str) -> None:
    """However many brackets, commas and arrows there are: no recursion, and no time that grows with their square."""
    began = time.process_time()
    with contextlib.suppress(ConfigError):
        Dsn.parse(text)
    assert time.process_time() - began < 5


def test_a_dsn_that_is_built_is_as_sound_as_one_that_is_read() -> None:
    """What could not be written is refused: a composite with a host, a label that is not shown, too many levels."""
    with pytest.raises(ConfigError, match="no host, account or path"):
        Dsn("failover", "host", parts=[Dsn("memory")])
    for label in ("", "  ", "a\nb", "\u200f"):
        with pytest.raises(ConfigError, match="a label is a text in one line"):
            Part(Dsn("memory"), label)
    assert Part(Dsn("memory"), " 3 ") == Part(Dsn("memory"), "3")
    deepest = Dsn.parse(nested(MOST_NESTED))
    assert deepest.depth == MOST_NESTED
    assert attrs.evolve(deepest, scheme="fanout").depth == MOST_NESTED
    with pytest.raises(ConfigError, match="more than 20 deep"):
        Dsn("failover", parts=[deepest])


def test_only_a_bare_name_is_a_name() -> None:
    """With a host, options or parts it means a transport, and never a name in the settings."""
    assert [
        Dsn.parse(text).is_name for text in ("memory", "memory://", "memory://h", "memory://?x=1", "memory(a)")
    ] == [
        True,
        True,
        False,
        False,
        False,
    ]


# --- tables ---


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"failover": ["kwtsms", "webhook://host"], "rest": 30}, "failover(kwtsms, webhook://host)?rest=30"),
        ({"f": ("a",), "x": True, "y": False, "z": 2.5, "s": "a b"}, "f(a)?x=1&y=0&z=2.5&s=a+b"),
        (
            {"weighted": [{"weight": 3, "via": "kwtsms"}, {"weight": 1, "via": "webhook://host"}]},
            "weighted(3 => kwtsms, 1 => webhook://host)",
        ),
        (
            {
                "route": [
                    {"country": "KW", "tag": "otp", "via": "kwtsms"},
                    {"size": "2-", "via": {"failover": ["a", {"fanout": ["b", "c"]}], "rest": 5}},
                    {"prefix": 965, "via": "roundrobin(d, e)"},
                    {"via": "webhook://host"},
                    Dsn("f"),
                ]
            },
            "route(country=KW&tag=otp=>kwtsms,size=2-=>failover(a,fanout(b,c))?rest=5,prefix=965=>roundrobin(d,e),webhook://host,f)",
        ),
        ({"route": [{"tag": "a&b=c,(d)+e %", "via": "a"}]}, "route(tag=a%26b%3Dc%2C%28d%29%2Be%20%25 => a)"),
        ({"route": [{"tag": "رمز\u200f", "via": "a"}]}, "route(tag=رمز%E2%80%8F => a)"),
    ],
)
def test_a_table_is_the_same_as_its_text(table: dict[str, Any], text: str) -> None:
    """TOML gives the very same Dsn."""
    assert Dsn.read(table) == Dsn.parse(text)
    assert Dsn.read(text) == Dsn.parse(text)
    assert Dsn.read(Dsn.parse(text)) == Dsn.parse(text)


@given(
    st.dictionaries(NAMES.filter(lambda key: key not in ("via", "weight")), st.text(max_size=8), min_size=1, max_size=4)
)
def test_a_condition_of_a_table_can_be_read_back_from_the_label(conditions: dict[str, str]) -> None:
    """Whatever its values hold, and through a text as well."""
    from urllib.parse import parse_qsl

    dsn = Dsn.read({"route": [{**conditions, "via": "memory"}]})
    assert Dsn.parse(str(dsn)) == dsn
    label = dsn.parts[0].label
    assert label is not None
    assert dict(parse_qsl(label, keep_blank_values=True, strict_parsing=True)) == conditions


def test_all_that_is_wrong_with_a_table_is_reported_at_once() -> None:
    """Each with the number of the part that it is about, and no value repeated."""
    hunter = "kwtsms://u:hunter22@h:port"
    table = {
        "failover": [
            hunter,
            5,
            {"via": hunter},
            {"route": [{"tag": [], "via": "b"}, {"tag": None, "via": {}}]},
            {"x": hunter},
            {"failover": ["a"], "fanout": ["b"]},
            {"Failover": ["a"]},
            {"via": {"failover": []}},
            {"size": 10**5000, "via": "a"},
        ],
        "rest": {"a": hunter},
    }
    with pytest.raises(ConfigError) as caught:
        Dsn.read(table)
    reported = caught.value.problems
    starts = [
        "an option of failover is not a text",
        "part 1 of failover: the kwtsms DSN can't be read",
        "part 2 of failover: a transport is a name",
        "part 3 of failover: the kwtsms DSN can't be read",
        "a condition of part 4.1 of failover is not",
        "part 4.2 of failover: a table has the name of one composite",
        "a condition of part 4.2 of failover is not",
        "part 5 of failover: a table has",
        "part 6 of failover: a table has",
        "part 7 of failover: a table has",
        "part 8 of failover has nothing in its list",
        "a condition of part 9 of failover is not",
    ]
    assert [problem[: len(start)] for problem, start in zip(reported, starts, strict=True)] == starts
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("wrap", [lambda inner: {"f": [inner]}, lambda inner: {"f": [{"x": 1, "via": inner}]}])
def test_tables_are_nested_only_so_deep(wrap: Any) -> None:
    """Thousands of them are one problem, and texts inside count with them."""
    table: Any = "memory"
    for _ in range(MOST_NESTED):
        table = wrap(table)
    assert Dsn.read(table).depth == MOST_NESTED
    for _ in range(5_000):
        table = wrap(table)
    with pytest.raises(ConfigError, match="more than 20 deep"):
        Dsn.read(table)
    with pytest.raises(ConfigError, match="more than 20 deep"):
        Dsn.read({"f": [nested(MOST_NESTED)]})


@given(
    st.recursive(
        any_text(8) | st.none() | st.integers() | st.floats(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["via", "f", "g", "weight", "A", ""]), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_any_value_is_a_dsn_or_a_config_error(value: object) -> None:
    """Never another exception, and what was read can be written as text and read again."""
    try:
        dsn = Dsn.read(value)
    except ConfigError:
        return
    assert Dsn.parse(dsn.reveal()) == dsn
