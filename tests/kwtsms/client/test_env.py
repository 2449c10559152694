"""Where the settings come from."""

from __future__ import annotations

import pathlib

import pytest

from notifykit_kwtsms.api.facts import BASE_URL

CREDENTIALS = "KWTSMS_USERNAME=u\nKWTSMS_PASSWORD=p\n"


@pytest.fixture(name="load")
def _load(build):
    """Make a client from a ``.env`` file with this content."""

    def load(content: str = CREDENTIALS):
        pathlib.Path(".env").write_text(content, encoding="utf-8")
        return build(lambda cls: cls.from_env())

    return load


@pytest.mark.parametrize(
    ("line", "log_file"),
    [
        ("KWTSMS_LOG_FILE=", ""),
        ('KWTSMS_LOG_FILE=""', ""),
        ("KWTSMS_LOG_FILE=''", ""),
        ('KWTSMS_LOG_FILE="my log.jsonl"', "my log.jsonl"),
        ("KWTSMS_LOG_FILE='a#b=c'", "a#b=c"),
        ("KWTSMS_LOG_FILE=a#b", "a#b"),
        ("# KWTSMS_LOG_FILE=no", "kwtsms.log"),
        ("", "kwtsms.log"),
    ],
)
def test_values_are_read_as_dotenv_reads_them(load, line, log_file):
    """Quotes, comments and equals signs; an empty log file is none."""
    assert load(CREDENTIALS + line).log_file == log_file


def test_the_environment_wins(load, monkeypatch):
    """Over the file, an empty log file included."""
    monkeypatch.setenv("KWTSMS_SENDER_ID", "FROM-ENV")
    monkeypatch.setenv("KWTSMS_LOG_FILE", "")
    sms = load(f"{CREDENTIALS}KWTSMS_SENDER_ID=FROM-FILE\nKWTSMS_LOG_FILE=x.log\n")
    assert (sms.sender_id, sms.log_file) == ("FROM-ENV", "")


def test_the_environment_alone_is_enough(build, monkeypatch):
    """A file that is not there says nothing, whatever it is called; it does not make another one be read."""
    pathlib.Path(".env").write_text("KWTSMS_SENDER_ID=OTHER", encoding="utf-8")
    monkeypatch.setenv("KWTSMS_USERNAME", "u")
    monkeypatch.setenv("KWTSMS_PASSWORD", "p")
    assert build(lambda cls: cls.from_env(env_file="not-there.env")).sender_id == "KWT-SMS"
    assert build(lambda cls: cls.from_env(".env")).sender_id == "OTHER"


def test_another_file(build, tmp_path):
    """By its name or its path."""
    file = tmp_path / "production.env"
    file.write_text(CREDENTIALS + "KWTSMS_TEST_MODE=0", encoding="utf-8")
    assert not build(lambda cls: cls.from_env(file)).test_mode
    assert not build(lambda cls: cls.from_env(env_file=str(file))).test_mode


def test_the_gateway_can_be_another(load):
    """``KWTSMS_BASE_URL``; without it, kwtsms.com."""
    assert load().base_url == BASE_URL
    assert load(CREDENTIALS + "KWTSMS_BASE_URL=http://127.0.0.1:8965/API").base_url == "http://127.0.0.1:8965/API/"


def test_without_a_word_it_is_test_mode(load):
    """Live mode has to be chosen."""
    assert load().test_mode
    assert not load(CREDENTIALS + "KWTSMS_TEST_MODE=0").test_mode


@pytest.mark.parametrize("word", ["maybe", "2", "live"])
def test_a_test_mode_that_can_not_be_understood_is_an_error(load, word):
    """It never means live."""
    with pytest.raises(ValueError, match="KWTSMS_TEST_MODE"):
        load(f"{CREDENTIALS}KWTSMS_TEST_MODE={word}")


def test_missing_credentials_are_a_value_error(build):
    """From wherever they should have come, and both are named."""
    with pytest.raises(ValueError, match=r"(?s)KWTSMS_USERNAME.*KWTSMS_PASSWORD"):
        build(lambda cls: cls.from_env())
    with pytest.raises(ValueError, match="KWTSMS_USERNAME"):
        build(lambda cls: cls("", "p"))
    with pytest.raises(ValueError, match="KWTSMS_PASSWORD"):
        build(lambda cls: cls("u", ""))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "ftp://x/"),
        ("base_url", "http://www.kwtsms.com/API/"),
        ("test_mode", "maybe"),
        ("timeout", 0),
        ("log_file", 5),
        ("sender_id", 5),
    ],
)
def test_an_argument_that_can_not_be_used_is_a_value_error(build, name, value):
    """It is named; plain HTTP to somewhere else would show the password."""
    with pytest.raises(ValueError, match=name):
        build(lambda cls: cls("u", "p", **{name: value}))


def test_local_numbers_are_completed_only_where_a_country_is_set(sandbox, build, monkeypatch):
    """``KWTSMS_DEFAULT_COUNTRY`` is the framework's setting; the documentation knows none."""
    for name, value in {**sandbox.env, "KWTSMS_LOG_FILE": ""}.items():
        monkeypatch.setenv(name, value)
    assert build(lambda cls: cls.from_env()).send("98765432", "Hello")["code"] == "ERR025"
    monkeypatch.setenv("KWTSMS_DEFAULT_COUNTRY", "965")
    sms = build(lambda cls: cls.from_env())
    assert sms.send("9876 5432", "Hello")["result"] == "OK"
    assert sandbox.messages[0].numbers == ("96598765432",)
    assert sms.validate("98765432")["ok"] == ["96598765432"]
    monkeypatch.setenv("KWTSMS_USERNAME", "worldwide")
    monkeypatch.setenv("KWTSMS_DEFAULT_COUNTRY", "CN")
    assert build(lambda cls: cls.from_env()).send("+12125551234", "Hello")["result"] == "OK"
    assert sandbox.messages[1].numbers == ("12125551234",)  # read again, these digits are a local Chinese number
    monkeypatch.setenv("KWTSMS_DEFAULT_COUNTRY", "nowhere")
    with pytest.raises(ValueError, match="default_country"):
        build(lambda cls: cls.from_env())


def test_an_empty_variable_is_not_set(load, monkeypatch):
    """Compose files write them so: test mode stays the default, and the file's value is not hidden."""
    monkeypatch.setenv("KWTSMS_TEST_MODE", "")
    assert load().test_mode
    assert not load(f"{CREDENTIALS}KWTSMS_TEST_MODE=0\n").test_mode
    monkeypatch.setenv("NOTIFYKIT_STRICT", " ")
    assert load(f"{CREDENTIALS}KWTSMS_TEST_MODE=\n").test_mode
