"""Where a setting comes from, what it may be, and one error for everything that is wrong."""

from __future__ import annotations

import itertools
import os
import pathlib
import string
import zoneinfo
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from notifykit import Notifier
from notifykit.errors import ConfigError
from notifykit.redaction import STARS, Secret
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import (
    Field,
    Transports,
    Value,
    boolean,
    count,
    dsn,
    names,
    one_of,
    path,
    reference_problems,
    seconds,
    secret,
    text,
    transports,
)
from notifykit.settings.sources import FIELDS, Settings, Sources
from notifykit_kwtsms.settings import KwtSmsSettings
from tests.models.strategies_models import any_text, passwords

#: The file that the documentation of the first kwtSMS client shows.
SAMPLE_ENV: Final = """\
KWTSMS_USERNAME=your_api_user
KWTSMS_PASSWORD=your_api_pass
KWTSMS_SENDER_ID=YOUR-SENDERID   # use KWT-SMS for testing only
KWTSMS_TEST_MODE=1                # 1 = test (safe default), 0 = live
KWTSMS_LOG_FILE=kwtsms.log        # JSONL log path, set to "" to disable
"""
YES: Final = ("1", "true", "yes", "on")
NO: Final = ("0", "false", "no", "off")
#: Every place in order; the first that speaks wins.
PLACES: Final = ("argument", "environment", ".env", "notifykit.toml")
#: One setting of each kind that takes a word, with a word that none of them has by default.
WORDS: Final = ("sender", "log_file", "state_dir")
#: Settings that are tables of names: they stand in settings files and arguments, and in no variable.
TABLES: Final = ("transports", "templates", "footer")


def load(
    folder: pathlib.Path, arguments: dict[str, Any] | None = None, environment: dict[str, str] | None = None
) -> Settings:
    """Load settings from a folder and nowhere else."""
    return Settings.load(arguments, environment=environment or {}, directory=folder)


def spelled(words: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Draw one of these words in any case, with spaces around it."""
    cased = st.sampled_from(words).flatmap(lambda word: st.tuples(*(st.sampled_from((c, c.upper())) for c in word)))
    return st.builds("{}{}{}".format, st.sampled_from(("", " ")), cased.map("".join), st.sampled_from(("", " ", "\t")))


# --- reading one value ---


@given(spelled(YES), spelled(NO))
def test_a_yes_and_a_no_have_four_words_each(yes: str, no: str) -> None:
    """In any case, with spaces around."""
    assert boolean(yes) is True
    assert boolean(no) is False


@pytest.mark.parametrize(("value", "meaning"), [(True, True), (False, False), (1, True), (0, False)])
def test_a_settings_file_may_say_yes_and_no_in_its_own_way(value: object, meaning: bool) -> None:
    """TOML has booleans and numbers."""
    assert boolean(value) is meaning


@given(
    any_text()
    | st.integers()
    | st.floats()
    | st.lists(st.booleans())
    | st.sampled_from(["y", "n", "t", "f", "", "2", "١"])
)
def test_every_other_word_is_neither_yes_nor_no(value: object) -> None:
    """A typing slip never decides what is sent: it is a problem, not a quiet False or True."""
    if str(value).strip().lower() in (*YES, *NO):
        return
    with pytest.raises(ValueError, match="neither yes nor no"):
        boolean(value)


@pytest.mark.parametrize(
    "value", ["0", "-1", "nan", "inf", "1e999", "", "a", "1 s", True, None, [], 0, -2.5, float("nan")]
)
def test_a_length_of_time_is_above_zero_and_ends(value: object) -> None:
    """A timeout of zero, of ever or of nothing would not be one."""
    with pytest.raises(ValueError, match="seconds above zero"):
        seconds(value)


@pytest.mark.parametrize(
    "value", ["0", "-1", "2.5", 2.5, 0.5, "1e3", "", "many", True, None, float("inf"), float("nan")]
)
def test_a_count_is_whole_and_above_zero(value: object) -> None:
    """Half a recipient is a slip, not a number to round."""
    with pytest.raises(ValueError, match="whole number above zero"):
        count(value)


def test_numbers_are_read_from_texts_and_from_numbers() -> None:
    """The environment has only texts; a settings file and arguments have numbers."""
    assert [seconds("1.5"), seconds(2), seconds(" 3 ")] == [1.5, 2.0, 3.0]
    assert [count("10"), count(7), count(3.0)] == [10, 7, 3]


@given(st.lists(st.text(string.ascii_letters + "-_", min_size=1), max_size=5))
def test_names_are_a_list_or_one_text_with_commas(given: list[str]) -> None:
    """Empty ones between the commas don't count."""
    assert names(given) == tuple(given)
    assert names(" , ".join(given) + ",") == tuple(given)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (names, 5),
        (names, [1]),
        (names, {"a": 1}),
        (names, b"ab"),
        (text, 5),
        (text, None),
        (secret, 5),
        (path, 5),
        (dsn, 5),
        (dsn, "no such thing"),
        (dsn, ["memory"]),
        (transports, 5),
        (transports, "memory"),
        (transports, ["memory"]),
        (one_of("a", "b"), "c"),
        (one_of("a", "b"), 1),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_problem(read: Any, value: object) -> None:
    """A number where a text belongs is not quietly turned into one."""
    with pytest.raises(ValueError, match=r"^(is not |a transport is )"):
        read(value)


# --- where it comes from ---


@given(
    st.sampled_from(WORDS),
    st.sets(st.sampled_from(PLACES)),
    st.dictionaries(st.sampled_from(PLACES), st.sampled_from(["", "   "])),
)
def test_the_first_source_wins_and_is_the_origin(
    tmp_path_factory: pytest.TempPathFactory, name: str, speak: set[str], blank: dict[str, str]
) -> None:
    """Arguments, the environment, ``.env``, the settings file, the default: whichever of them say something."""
    folder = tmp_path_factory.mktemp("project")
    variable = f"NOTIFYKIT_{name.upper()}"
    said = {place: f"from-{place}" for place in speak}
    reported = {**blank, **said}
    if ".env" in reported:
        (folder / ".env").write_text(f'{variable}="{reported[".env"]}"\n')
    if "notifykit.toml" in reported:
        (folder / "notifykit.toml").write_text(f'{name} = "{reported["notifykit.toml"]}"\n')
    settings = load(
        folder,
        {name: reported.get("argument")},
        {variable: reported["environment"]} if "environment" in reported else {},
    )
    winner = next((place for place in PLACES if place in said), None)
    assert settings.problems == ()
    assert getattr(settings, name) == (said[winner] if winner else None)
    assert settings.origins[name] == (winner or "default")


@given(st.permutations(range(4)), st.integers(0, 15))
def test_a_plugins_own_settings_have_the_same_order_behind_its_dsn(order: list[int], silent: int) -> None:
    """DSN, environment by each of its names, ``.env``, the plugin's table, the default."""
    field = Field("sender", text, "default", ("ACME_SENDER_ID", "ACME_SENDER"))
    said = {place: f"from-{place}" for place in order if not silent & (1 << place)}
    dsn_says, environment, dotenv, table = (said.get(place) for place in range(4))
    sources = Sources(
        environment={"ACME_SENDER": environment} if environment else {},
        dotenv={"ACME_SENDER_ID": dotenv} if dotenv else {},
        table={"acme": {"sender": table} if table else {}},
        table_name="notifykit.toml",
    )
    found = Settings(sources=sources).section("acme", [field], {"sender": dsn_says} if dsn_says else {})["sender"]
    winner = min(said, default=4)
    origins = ["DSN", "environment", ".env", "notifykit.toml", "default"]
    assert found == Value(said.get(winner, "default"), origins[winner])


def test_of_several_variables_the_first_that_is_set_counts() -> None:
    """A newer name wins over the one that it replaces, in the environment and in ``.env``."""
    field = Field("sender", text, environment=("ACME_SENDER_ID", "ACME_SENDER"))
    both = {"ACME_SENDER": "old", "ACME_SENDER_ID": "new"}
    for sources in (Sources(environment=both), Sources(dotenv=both)):
        assert Settings(sources=sources).section("acme", [field])["sender"].value == "new"
    blank = Sources(environment={"ACME_SENDER_ID": " ", "ACME_SENDER": "old"})
    assert Settings(sources=blank).section("acme", [field])["sender"].value == "old"


def test_every_setting_has_a_place_in_the_object_and_a_default_that_agrees(tmp_path: pathlib.Path) -> None:
    """A value that is not set is the same whether it was looked for or not."""
    loaded, built = load(tmp_path), Settings()
    for field in FIELDS:
        assert getattr(loaded, field.name) == getattr(built, field.name) == field.default
        assert loaded.origins[field.name] == "default"
        assert field.help.endswith(".")
        assert field.environment == (() if field.name in TABLES else (f"NOTIFYKIT_{field.name.upper()}",))


def test_the_environment_is_read_and_never_changed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``.env`` fills the settings, not the environment of everything that is started from here."""
    monkeypatch.setenv("NOTIFYKIT_TIMEOUT", "3")
    (tmp_path / ".env").write_text("NOTIFYKIT_SENDER=ME\nACME_TOKEN=x\n")
    before = dict(os.environ)
    settings = Settings.load(directory=tmp_path).check()
    settings.section("acme", [Field("token", secret, environment=("ACME_TOKEN",))])
    assert (settings.timeout, settings.sender) == (3.0, "ME")
    assert dict(os.environ) == before


def test_an_argument_of_none_is_not_given(tmp_path: pathlib.Path) -> None:
    """So that callers can hand on what they were not given."""
    assert load(tmp_path, {"sender": None}, {"NOTIFYKIT_SENDER": "ME"}).sender == "ME"


# --- settings files ---


def test_the_nearest_settings_file_upwards_counts(tmp_path: pathlib.Path) -> None:
    """One project's settings never leak into another; ``notifykit.toml`` goes before ``pyproject.toml``."""
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    (tmp_path / "notifykit.toml").write_text('sender = "TOP"\ntimeout = 5\n')
    (tmp_path / "a" / "pyproject.toml").write_text('[tool.notifykit]\nsender = "MIDDLE"\n')
    (inner / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    settings = load(inner).check()
    assert (settings.sender, settings.timeout) == ("MIDDLE", 15.0)
    assert settings.origins["sender"] == "pyproject.toml"
    assert settings.sources.directory == tmp_path / "a"
    (tmp_path / "a" / "notifykit.toml").write_text('sender = "NEAR"\n')
    assert load(inner).check().sender == "NEAR"
    assert load(tmp_path).check().sender == "TOP"


def test_a_folder_above_is_not_this_folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``..`` does not give the settings of the current folder."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "notifykit.toml").write_text('sender = "INNER"\n')
    monkeypatch.chdir(inner)
    assert load(pathlib.Path()).sender == "INNER"
    assert load(pathlib.Path("..")).sender is None


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("notifykit.toml", "sender = \n", "notifykit.toml can't be read: TOMLDecodeError"),
        ("notifykit.toml", b"\xff", "notifykit.toml is not UTF-8 text: save it as UTF-8"),
        ("pyproject.toml", "[tool\n", "pyproject.toml can't be read: TOMLDecodeError"),
        ("pyproject.toml", "[tool]\nnotifykit = 5\n", "tool.notifykit (pyproject.toml) is not a table"),
        ("notifykit.toml", 'sender = ["a"]\n', "sender (notifykit.toml) is not a text"),
        ("notifykit.toml", "[sender]\nx = 1\n", "sender (notifykit.toml) is not a text"),
        ("notifykit.toml", 'sendr = "x"\n', "sendr (notifykit.toml) is not a setting: did you mean sender?"),
        ("notifykit.toml", "qqqq = 1\n", "qqqq (notifykit.toml) is not a setting: there are allow, ca_file"),
        ("notifykit.toml", "strict = 2\n", "strict (notifykit.toml) is neither yes nor no"),
        (
            "notifykit.toml",
            "[transport]\nmain = 'memory'\n",
            "transport (notifykit.toml): a table has the name of one composite",
        ),
        ("notifykit.toml", "transports = 'memory'\n", "transports (notifykit.toml) is not a table"),
        ("notifykit.toml", "[transprots]\na = 'b'\n", "transprots (notifykit.toml) is not a setting: did you mean tr"),
        ("notifykit.toml", "[transports]\nA = 'b'\n", "transports (notifykit.toml): 'A' can't be a name"),
        ("notifykit.toml", "[transports]\na = 5\n", "transports (notifykit.toml): a is not a text"),
        ("notifykit.toml", "[transports]\na = 'f(b'\n", "transports (notifykit.toml): a: f: the closing bracket"),
        (".env", "NOTIFYKIT_SENDER='ME\n", ".env line 1 can't be read"),
        (".env", 'A=1\nNOTIFYKIT_SENDER="ME\n', ".env line 2 can't be read"),
        (".env", 'NOTIFYKIT_SENDER="ME"x\n', ".env line 1 can't be read"),
        (".env", "NOTIFYKIT_STRICT 1\n", ".env line 1 can't be read"),
        (".env", b"NOTIFYKIT_SENDER=\xff\n", ".env is not UTF-8 text: save it as UTF-8"),
    ],
)
def test_a_file_that_cant_be_understood_is_a_problem(
    tmp_path: pathlib.Path, name: str, content: str | bytes, problem: str
) -> None:
    """It says which file, which line where there is one, and what is wrong; nothing of it is guessed."""
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = load(tmp_path)
    assert len(settings.problems) == 1
    assert settings.problems[0].startswith(problem)
    assert settings.sender is None
    assert settings.strict is False


@pytest.mark.parametrize("content", ["tool = 5\n", "[[tool]]\nnotifykit = 1\n", "[project]\nname = 'x'\n"])
def test_a_pyproject_without_our_table_is_ignored(tmp_path: pathlib.Path, content: str) -> None:
    """Where it says nothing about this project, there is nothing to say about it."""
    (tmp_path / "pyproject.toml").write_text(content)
    assert load(tmp_path).problems == ()


def test_another_env_file_has_to_exist(tmp_path: pathlib.Path) -> None:
    """A named file has to exist; the default one need not."""
    missing = Settings.load(environment={}, directory=tmp_path, env_file="production.env")
    assert missing.problems == ("production.env does not exist",)
    (tmp_path / "production.env").write_text("NOTIFYKIT_SENDER=ME\n")
    found = Settings.load(environment={}, directory=tmp_path, env_file="production.env").check()
    assert (found.sender, found.origins["sender"]) == ("ME", "production.env")


# --- .env ---


def dotenv(folder: pathlib.Path, content: str) -> dict[str, str]:
    """Return what a ``.env`` file says."""
    (folder / ".env").write_text(content, encoding="utf-8")
    settings = load(folder).check()
    return dict(settings.sources.dotenv)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=pass#word", "pass#word"),
        ("A=#password", "#password"),
        ("A='pass #word'", "pass #word"),
        ('A="pass #word" # a comment', "pass #word"),
        ("A=word # a comment", "word"),
        ("A=   # only a comment", ""),
        ("A=", ""),
        ('A=""', ""),
        ("export A=b", "b"),
        ("A = b ", "b"),
        ("A=$HOME ${HOME} `date` %d", "$HOME ${HOME} `date` %d"),
        ("A='a\"b'", 'a"b'),
        ("A=a'b", "a'b"),
        ("\ufeffA=b", "b"),
        ("A=b\r", "b"),
        ("A=١٢", "١٢"),
        ("A=x\nA=y", "y"),
    ],
)
def test_a_line_of_the_env_file_means_what_people_expect(tmp_path: pathlib.Path, line: str, value: str) -> None:
    """A hash inside a value stays, one behind a space starts a comment, and nothing is expanded."""
    assert dotenv(tmp_path, f"{line}\n") == {"A": value}


@given(passwords())
def test_a_quoted_password_comes_out_as_it_went_in(tmp_path_factory: pytest.TempPathFactory, password: str) -> None:
    """Whatever characters it has, with the quotes and the backslash escaped."""
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    assert dotenv(tmp_path_factory.mktemp("env"), f"A='{quoted}' # the password\n") == {"A": password}


def test_the_documented_sample_means_test_mode(tmp_path: pathlib.Path) -> None:
    """Byte for byte, with its comments behind the values: sent as a test, under that sender, with that log."""
    (tmp_path / ".env").write_bytes(SAMPLE_ENV.encode())
    own = KwtSmsSettings.of(load(tmp_path).check())
    assert own.test is True
    assert (own.sender, own.log_file) == ("YOUR-SENDERID", "kwtsms.log")
    assert own.credentials() == ("your_api_user", Secret("your_api_pass"))


@pytest.mark.parametrize("said", ["2", "live", "nein", "1 0", "-0", "True!", "tru", "0x0", "#0"])
def test_a_test_mode_that_cant_be_understood_is_a_problem_and_never_live(tmp_path: pathlib.Path, said: str) -> None:
    """A typing slip costs nothing."""
    (tmp_path / ".env").write_text(SAMPLE_ENV.replace("TEST_MODE=1", f"TEST_MODE={said}"))
    with pytest.raises(ConfigError, match="KWTSMS_TEST_MODE"):
        KwtSmsSettings.of(load(tmp_path))


def test_live_has_to_be_set(tmp_path: pathlib.Path) -> None:
    """Zero in the sample's place is live; the line taken out is a test again."""
    (tmp_path / ".env").write_text(SAMPLE_ENV.replace("TEST_MODE=1", "TEST_MODE=0"))
    assert KwtSmsSettings.of(load(tmp_path)).test is False
    (tmp_path / ".env").write_text("".join(line for line in SAMPLE_ENV.splitlines(True) if "TEST" not in line))
    assert KwtSmsSettings.of(load(tmp_path)).test is True


# --- secrets ---

TOKEN: Final = Field("token", secret, environment=("ACME_TOKEN",))


def token(environment: dict[str, str], dotenv: dict[str, str] | None = None) -> Value:
    """Resolve one secret setting."""
    return Settings(sources=Sources(environment=environment, dotenv=dotenv or {})).section("acme", [TOKEN])["token"]


@given(passwords(), st.sampled_from(["", "\n", "\r\n"]))
def test_a_secret_may_be_in_a_file_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, password: str, end: str
) -> None:
    """Containers mount them; the line's end is not part of it."""
    file = tmp_path_factory.mktemp("run") / "token"
    file.write_bytes(f"{password}{end}".encode())
    found = token({"ACME_TOKEN_FILE": str(file)}, {"ACME_TOKEN": "from .env"})
    assert found == Value(Secret(password), "environment")
    assert password not in f"{found} {found!r}"


def test_the_variable_itself_wins_over_the_file_of_the_secret(tmp_path: pathlib.Path) -> None:
    """The file is asked only where the variable says nothing, and only for secrets."""
    (tmp_path / "token").write_text("from the file")
    named = {"ACME_TOKEN_FILE": str(tmp_path / "token")}
    assert token({**named, "ACME_TOKEN": "said"}).value == Secret("said")
    assert token({**named, "ACME_TOKEN": ""}).value == Secret("from the file")
    plain = Field("sender", text, environment=("ACME_TOKEN",))
    assert Settings(sources=Sources(environment=named)).section("acme", [plain])["sender"].value is None


@pytest.mark.parametrize("name", ["missing", ".", "no\0ne"])
def test_a_secret_file_that_cant_be_read_is_a_problem(tmp_path: pathlib.Path, name: str) -> None:
    """It names the variable, not the path."""
    with pytest.raises(ConfigError, match=r"^ACME_TOKEN_FILE names a file that can't be read: [A-Za-z]+$"):
        token({"ACME_TOKEN_FILE": f"{tmp_path}/{name}"})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_secret_file_may_have_a_byte_order_mark(tmp_path: pathlib.Path, encoding: str) -> None:
    """Windows' programs write one; it is no part of the password."""
    (tmp_path / "token").write_text("s3cret\n", encoding=encoding)
    assert token({"ACME_TOKEN_FILE": str(tmp_path / "token")}).value == Secret("s3cret")


def test_a_secret_file_in_another_encoding_says_how_to_save_it(tmp_path: pathlib.Path) -> None:
    """And shows nothing of it."""
    (tmp_path / "token").write_bytes("pässword".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"^ACME_TOKEN_FILE names a file that is not UTF-8 text: save it as UTF-8$"):
        token({"ACME_TOKEN_FILE": str(tmp_path / "token")})


@pytest.mark.parametrize("name", [".env", "notifykit.toml", "pyproject.toml"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_settings_file_with_a_byte_order_mark_is_read(tmp_path: pathlib.Path, name: str, encoding: str) -> None:
    """PowerShell and Notepad write UTF-16."""
    content = {".env": "NOTIFYKIT_SENDER=ME\r\n", "notifykit.toml": "sender = 'ME'\r\n"}
    content["pyproject.toml"] = "[tool.notifykit]\r\nsender = 'ME'\r\n"
    (tmp_path / name).write_text(content[name], encoding=encoding, newline="")
    assert load(tmp_path).check().sender == "ME"


def test_nothing_is_said_to_be_missing_where_a_file_cant_be_read(tmp_path: pathlib.Path) -> None:
    """It may stand in that file."""
    (tmp_path / ".env").write_bytes("KWTSMS_USERNAME=u\nKWTSMS_PASSWORD=pässword\n".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        Notifier.from_settings("kwtsms", directory=tmp_path, environment={})
    assert caught.value.problems == (".env is not UTF-8 text: save it as UTF-8",)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("“pass”", "has curly quotes around it: write straight ones, or none"),
        ("pass\u200bword", "holds a character that can't be seen, U+200B: type it again by hand"),
        ("\ufeffpassword", "holds a character that can't be seen, U+FEFF: type it again by hand"),
    ],
)
def test_what_a_word_processor_adds_to_a_value_is_named(tmp_path: pathlib.Path, value: str, problem: str) -> None:
    """A gateway would only say that the password is wrong; the value itself is not shown."""
    (tmp_path / ".env").write_text(f"NOTIFYKIT_HASH_KEY={value}\n", encoding="utf-8")
    assert load(tmp_path).problems == (f"NOTIFYKIT_HASH_KEY (.env) {problem}",)


def test_a_variable_in_small_letters_is_named(tmp_path: pathlib.Path) -> None:
    """Names of variables are case-sensitive on most systems."""
    (tmp_path / ".env").write_text("notifykit_sender=ME\n")
    assert load(tmp_path).problems == ("notifykit_sender (.env) is not a setting: did you mean NOTIFYKIT_SENDER?",)


@pytest.mark.parametrize("value", ["tcp://10.0.0.1:25", "udp://[fd00::1]:25"])
def test_a_service_of_kubernetes_is_no_setting(tmp_path: pathlib.Path, value: str) -> None:
    """A service with the name notifykit-smtp sets this variable in every container."""
    port = Field("port", count, environment=("NOTIFYKIT_SMTP_PORT",))
    found = load(tmp_path, environment={"NOTIFYKIT_SMTP_PORT": value, "NOTIFYKIT_SMTP_SERVICE_HOST": "10.0.0.1"})
    assert found.check().section("smtp", [port])["port"] == Value(None, "default")


def test_a_zone_is_a_name_of_the_database(tmp_path: pathlib.Path) -> None:
    """An error has the name that was probably meant."""
    assert load(tmp_path, environment={"NOTIFYKIT_ZONE": "Asia/Kuwait"}).check().zone == zoneinfo.ZoneInfo(
        "Asia/Kuwait"
    )
    (problem,) = load(tmp_path, environment={"NOTIFYKIT_ZONE": "Asia/Kuwayt"}).problems
    assert problem == "NOTIFYKIT_ZONE (environment) is no time zone: did you mean Asia/Kuwait?"


@given(passwords())
def test_no_settings_object_shows_a_secret(password: str) -> None:
    """Wherever it was found: as a value, in its source, in the DSN, in a problem of its neighbours."""
    settings = Settings.load(
        {"hash_key": password, "transport": Dsn("acme", user="u", password=Secret(password)), "timeout": "soon"},
        environment={"ACME_TOKEN": password, "KWTSMS_PASSWORD": password},
    )
    own = settings.section("acme", [TOKEN])
    for thing in (settings, settings.sources, own, own["token"], KwtSmsSettings.of(settings)):
        assert password not in repr(thing)
        assert password not in str(thing)
    assert str(own["token"]) == STARS
    assert password not in "".join(settings.problems)


# --- one error for all of it ---


def test_every_problem_of_every_place_is_reported_at_once(tmp_path: pathlib.Path) -> None:
    """Not one after the other, and every good value is kept."""
    (tmp_path / ".env").write_text("NOTIFYKIT_LOG_BODY=loud\nBROKEN='\nNOTIFYKIT_SENDER=ME\n")
    (tmp_path / "notifykit.toml").write_text('strict = "perhaps"\nnonsense = 1\n')
    settings = load(
        tmp_path, {"timeout": -1, "sendr": "x"}, {"NOTIFYKIT_DEADLINE": "soon", "NOTIFYKIT_DISABLE": "a, b"}
    )
    with pytest.raises(ConfigError) as caught:
        settings.check()
    reported = caught.value.problems
    for place in (
        "NOTIFYKIT_LOG_BODY (.env) is not one of none, shape, full",
        ".env line 2",
        "strict (notifykit.toml) is neither",
        "nonsense (notifykit.toml) is not a setting",
        "timeout (argument) is not a number of seconds",
        "sendr (argument) is not a setting: did you mean sender?",
        "NOTIFYKIT_DEADLINE (environment) is not",
    ):
        assert len([problem for problem in reported if problem.startswith(place)]) == 1, (place, reported)
    assert len(reported) == 7
    assert (settings.sender, settings.disable) == ("ME", ("a", "b"))
    assert (settings.timeout, settings.deadline, settings.strict) == (15.0, None, False)


@given(st.dictionaries(st.sampled_from([name for field in FIELDS for name in field.environment]), any_text()))
def test_no_environment_makes_loading_raise(environment: dict[str, str]) -> None:
    """What can't be understood is reported with its place."""
    settings = Settings.load(environment=environment)
    for problem in settings.problems:
        assert problem.split(" ")[0] in environment
        assert "(environment)" in problem


@pytest.mark.parametrize(
    ("table", "options", "problem"),
    [
        ({"acme": {"tokn": "x"}}, {}, "tokn (notifykit.toml [acme]) is not a setting: did you mean token?"),
        ({"acme": 5}, {}, "acme (notifykit.toml) is not a table"),
        ({"acme": {"token": 5}}, {}, "acme.token (notifykit.toml) is not a text"),
        ({}, {"tokken": "x"}, "tokken (DSN) is not a setting: did you mean token?"),
    ],
)
def test_a_plugins_table_and_options_are_checked_by_its_fields(
    table: dict[str, Any], options: dict[str, str], problem: str
) -> None:
    """A slip in a name is reported with the name that is near; nothing is ignored."""
    settings = Settings(sources=Sources(table=table, table_name="notifykit.toml"))
    with pytest.raises(ConfigError) as caught:
        settings.section("acme", [TOKEN], options)
    assert caught.value.problems == (problem,)


def test_the_tables_of_plugins_are_not_settings_of_the_framework(tmp_path: pathlib.Path) -> None:
    """They are for the plugin to read, under its own name."""
    (tmp_path / "notifykit.toml").write_text('sender = "ME"\n[acme]\ntoken = "t"\n')
    settings = load(tmp_path).check()
    found = settings.section("acme", [TOKEN])["token"]
    assert (found.value, found.origin) == (Secret("t"), "notifykit.toml")


def test_settings_that_are_fine_check_to_themselves(tmp_path: pathlib.Path) -> None:
    """So that loading and checking are one line."""
    settings = load(tmp_path, {"transport": "memory"})
    assert settings.check() is settings
    assert settings.transport == Dsn("memory")


def test_a_name_without_a_value_is_a_problem(tmp_path: pathlib.Path) -> None:
    """``NOTIFYKIT_STRICT`` alone on its line is a slip, and not the default."""
    (tmp_path / ".env").write_text("NOTIFYKIT_STRICT\nANOTHER\n")
    problems = Settings.load(environment={}, directory=tmp_path).problems
    assert problems == ("NOTIFYKIT_STRICT (.env) has no value: write NOTIFYKIT_STRICT=…, or take the line out",)


# --- transports ---


def test_a_transport_may_be_a_table(tmp_path: pathlib.Path) -> None:
    """It is read into the same Dsn as the text that says it, whatever stands in it."""
    (tmp_path / "pyproject.toml").write_text(
        "[tool.notifykit]\n"
        "transport = { route = [\n"
        '  { country = "KW", tag = "otp", via = "kwtsms" }, { size = "2-", via = { failover = ["a", "b"], rest = 30 } },\n'
        '  { via = { weighted = [ { weight = 3, via = "c" }, { weight = 1, via = "webhook://host" } ] } } ] }\n'
    )
    found = load(tmp_path).check()
    assert found.transport == Dsn.parse(
        "route(country=KW&tag=otp => kwtsms, size=2- => failover(a, b)?rest=30, weighted(3 => c, 1 => webhook://host))"
    )
    assert found.origins["transport"] == "pyproject.toml"
    assert load(tmp_path, {"transport": {"fanout": ["a", "b"]}}).transport == Dsn.parse("fanout(a, b)")
    assert load(tmp_path, {}, {"NOTIFYKIT_TRANSPORT": "fanout(a, b)"}).transport == Dsn.parse("fanout(a, b)")


def test_transports_have_names_in_settings_files_and_arguments(tmp_path: pathlib.Path) -> None:
    """As texts and as tables, in their order; an argument speaks for all of them."""
    (tmp_path / "notifykit.toml").write_text(
        'transport = "main"\n[transports]\nmain = { failover = ["kuwait", "backup"] }\n'
        'kuwait = "kwtsms://default?sender=MY-APP"\nbackup = "webhook://u:p@host/secret"\nalso = "main"\n'
    )
    found = load(tmp_path).check()
    assert found.transport == Dsn("main")
    assert list(found.transports) == ["main", "kuwait", "backup", "also"]
    assert found.transports["main"] == Dsn.parse("failover(kuwait, backup)")
    assert found.transports["backup"].path == "/secret"
    assert found.origins["transports"] == "notifykit.toml"
    assert "secret" not in f"{found.transports}{found.transports!r}{found!r}"
    assert str(found.transports) == (
        "main = failover(kuwait, backup); kuwait = kwtsms://default?sender=MY-APP; backup = webhook://u@host; also = main"
    )
    said = load(tmp_path, {"transports": {"only": Dsn("memory")}}).check()
    assert dict(said.transports) == {"only": Dsn("memory")}
    assert said.origins["transports"] == "argument"


def test_a_name_means_its_transport_and_nothing_else_does() -> None:
    """Through other names too; whatever has a host, options or brackets is what it says."""
    settings = load(pathlib.Path(), {"transports": {"a": "b", "b": "memory://?like=x", "c": "memory"}}).check()
    assert settings.named(Dsn("a")) == settings.named(Dsn("b")) == Dsn("memory", options={"like": "x"})
    assert settings.named(Dsn("c")) == settings.named(Dsn("memory")) == Dsn("memory")
    for other in (Dsn("a", "host"), Dsn("a", options={"x": "1"}), Dsn.parse("a(b)"), Dsn("default")):
        assert settings.named(other) == other


@pytest.mark.parametrize(
    ("given", "reported"),
    [
        ({"a": "a"}, ["a → a is a circle"]),
        ({"a": "b", "b": "c", "c": "a"}, ["a → b → c → a is a circle"]),
        ({"x": "b", "b": "c", "c": "b"}, ["b → c → b is a circle"]),
        ({"a": "f(m, g(2 => b))", "b": "h(a)?x=1"}, ["a → b → a is a circle"]),
        ({"a": "b", "b": "a", "c": "d", "d": "c"}, ["a → b → a is a circle", "c → d → c is a circle"]),
        ({"a": "f(b, c)", "b": "a", "c": "a"}, ["a → b → a is a circle", "a → c → a is a circle"]),
        ({"a": "f(b, b)", "b": "c", "c": "memory", "d": "f(a, b, c)"}, []),
        ({"a": "a://host", "b": "f(b://host)"}, []),
    ],
)
def test_names_that_refer_to_each_other_in_a_circle_are_a_problem(given: dict[str, str], reported: list[str]) -> None:
    """Each cycle is reported once, from the name that comes first."""
    found = load(pathlib.Path(), {"transports": given})
    starts = [f"transports (argument): {circle}" for circle in reported]
    assert sorted(problem.split(":", 2)[0] for problem in found.problems) == ["transports (argument)"] * len(reported)
    assert {problem.partition(" is a circle")[0] + " is a circle" for problem in found.problems} == set(starts)
    assert len(reference_problems({name: Dsn.parse(text) for name, text in given.items()})) == len(reported)
    by_hand = Settings(transports={name: Dsn.parse(text) for name, text in given.items()})
    if "a" in given and "a → b" in "".join(reported) and not by_hand.transports["a"].parts:
        with pytest.raises(ConfigError, match="a → b"):
            by_hand.named(Dsn("a"))


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefm"), min_size=1, max_size=3), max_size=6)
)
def test_there_is_a_cycle_if_a_name_can_be_reached_from_itself(given: dict[str, list[str]]) -> None:
    """And only then: a name that is not reported can be followed to its end."""
    table = {name: Dsn("f", parts=[Dsn(inner) for inner in inside]) for name, inside in given.items()}
    reached = {name: set(inside) for name, inside in given.items()}
    for _ in given:
        for inside in reached.values():
            inside |= {further for found in inside & set(given) for further in reached[found]}
    around = {name for name, inside in reached.items() if name in inside}
    reported = reference_problems(table)
    assert bool(reported) == bool(around)
    for problem in reported:
        circle = problem.partition(" is a circle")[0].split(" → ")
        assert set(circle) <= around
        assert circle[0] == circle[-1]
        assert all(after in given[before] for before, after in itertools.pairwise(circle))


def test_names_lead_to_names_only_so_far() -> None:
    """A chain of thousands is one problem, and no recursion; brackets on the way count with them."""
    chain = {f"a{index}": f"a{index + 1}" for index in range(3_000)}
    assert [
        problem.split(":")[0] for problem in reference_problems({name: Dsn.parse(text) for name, text in chain.items()})
    ] == ["a2978"]
    assert reference_problems({f"a{index}": Dsn(f"a{index + 1}") for index in range(20)}) == []
    deep = {"a": Dsn.parse("f(" * 12 + "b" + ")" * 12), "b": Dsn.parse("f(" * 12 + "c" + ")" * 12)}
    assert [problem.split(":")[0] for problem in reference_problems(deep)] == ["a"]
    assert [problem.split(":")[0] for problem in reference_problems({**deep, "c": Dsn("memory")})] == ["a"]


def test_all_that_is_wrong_with_the_transports_is_reported_at_once(tmp_path: pathlib.Path) -> None:
    """Names, values and circles; no value is repeated."""
    (tmp_path / "notifykit.toml").write_text(
        '[transports]\nUpper = "memory"\n"with space" = "memory"\na = "kwtsms://u:hunter22@h:port"\nb = 5\nc = "c"\n'
        'd = { failover = ["x://u:hunter22@h#", {}] }\n'
    )
    found = load(tmp_path)
    assert [problem.removeprefix("transports (notifykit.toml): ")[:12] for problem in found.problems] == [
        "'Upper' can'",
        "'with space'",
        "a: the kwtsm",
        "b is not a t",
        "d: part 1 of",
        "d: part 2 of",
        "c → c is a c",
    ]
    assert "hunter" not in "".join(found.problems)
    assert dict(found.transports) == {}


def test_the_transports_can_not_be_changed() -> None:
    """They are shared by everything that was built from them."""
    given = {"a": Dsn("memory")}
    found = Transports(given)
    given["b"] = Dsn("memory")
    assert list(found) == ["a"]
    assert not hasattr(found, "__setitem__")
    assert found == {"a": Dsn("memory")}
    assert str(Transports()) == "-"
