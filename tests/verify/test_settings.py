"""The settings of one-time codes: read from files and the environment, with an error for each that can't be understood."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import attrs
import pytest

from notifykit import ConfigError, MemoryTransport, Notifier, Settings, Verifier
from notifykit.guards.options import Limit
from notifykit.verify import MemoryStore, VerifySettings
from notifykit.verify.settings import FIELDS
from tests.verify.conftest import NUMBER, host

ROOT = pathlib.Path(__file__).parents[2]


def read(folder: pathlib.Path, table: str = "", **environment: str) -> VerifySettings:
    (folder / "notifykit.toml").write_text(table, encoding="utf-8")
    settings = Settings.load(environment=environment, directory=folder)
    return VerifySettings.of(settings, host())


def test_the_defaults_are_the_same_with_and_without_settings(tmp_path: pathlib.Path) -> None:
    """So that one list may be read for the other."""
    assert read(tmp_path) == VerifySettings()
    assert {field.name for field in FIELDS} == {field.name for field in attrs.fields(VerifySettings)}


def test_values_come_from_the_table_and_the_environment(tmp_path: pathlib.Path) -> None:
    """The environment wins."""
    table = '[verify]\nlength = 8\nwaits = ["20s", "1m"]\nper_number = "2/1h"\ncountries = ["KW", "+966"]\nlifetime = "5m"\n'
    found = read(tmp_path, table, NOTIFYKIT_VERIFY_LENGTH="4", NOTIFYKIT_VERIFY_CONVERSION="0")
    assert (found.length, found.waits, found.per_number) == (4, (20, 60), (Limit(2, 3600),))
    assert (found.countries, found.lifetime, found.conversion) == (("KW", "966"), 300, 0)


def test_the_country_is_the_default_country_of_the_plugin(tmp_path: pathlib.Path) -> None:
    """Else Kuwait; and the name is the sender."""
    assert read(tmp_path).countries == ("KW",)
    assert read(tmp_path, KWTSMS_DEFAULT_COUNTRY="966").countries == ("966",)
    assert read(tmp_path, KWTSMS_DEFAULT_COUNTRY="966", NOTIFYKIT_VERIFY_COUNTRIES="KW").countries == ("KW",)
    assert read(tmp_path, NOTIFYKIT_SENDER="MY-SHOP").app == "MY-SHOP"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("length", "3"), ("length", "11"), ("alphabet", "emoji"), ("lifetime", "0"), ("guesses", "0"), ("waits", "10s, 60s"),
        ("waits", " , "), ("per_number", "many"), ("points", "0/1h"), ("countries", "Kuwait"), ("conversion", "1"),
        ("conversion", "-0.1"), ("conversion", "half"), ("domain", "https://example.com"), ("domain", "example"),
        ("android_hash", "short"),
    ],
)  # fmt: skip
def test_what_can_not_be_understood_is_an_error(tmp_path: pathlib.Path, name: str, value: str) -> None:
    """It names the variable."""
    variable = f"NOTIFYKIT_VERIFY_{name.upper()}"
    with pytest.raises(ConfigError, match=variable):
        read(tmp_path, **{variable: value})


def test_all_problems_are_said_at_once(tmp_path: pathlib.Path) -> None:
    """A name that is no setting among them."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, '[verify]\nlength = 3\nlifetme = "5m"\n', NOTIFYKIT_VERIFY_GUESSES="x")
    assert len(caught.value.problems) == 3


def test_machines_that_share_codes_need_one_key(tmp_path: pathlib.Path) -> None:
    """A file of one of them would make the codes of the others wrong."""
    from notifykit.verify.codes import Keyring

    settings = Settings.load(environment={}, directory=tmp_path)
    with pytest.raises(ConfigError, match="NOTIFYKIT_HASH_KEY"):
        Keyring.of(settings, shared=True)
    one, other = (Keyring.of(settings, shared=False) for _ in range(2))
    assert one == other, "the key file of the log"
    assert (tmp_path / ".notifykit.key").stat().st_mode & 0o777 == 0o600


def test_a_change_of_the_key_makes_codes_wrong_and_sends_others(tmp_path: pathlib.Path) -> None:
    """A resend never sends a code that would not be taken."""
    store = MemoryStore()
    transport = MemoryTransport()
    with Notifier(transport, host=host(), clock=None) as notifier:
        first = Verifier(notifier, store=store, settings=VerifySettings(waits=(15.0,)))
        first.start(NUMBER)
        longer = Verifier(notifier, store=store, settings=VerifySettings(length=8))
        assert longer.check(NUMBER, transport.batches[0].message.text.split()[0]).ok, "what was sent stays right"


def test_the_name_is_lazy_and_sqlalchemy_is_not_needed_to_import_it() -> None:
    """A program that sends no codes pays nothing."""
    code = (
        "import sys, notifykit\n"
        "assert not [name for name in sys.modules if name.startswith('notifykit.verify')]\n"
        "from notifykit import Notifier, Verifier\n"
        "Verifier(Notifier('memory'))\n"
        "print(*(name for name in ('sqlalchemy', 'dbos', 'urllib3', 'click') if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT
    )
    assert done.stdout.split() == []


def test_without_sqlalchemy_the_error_says_what_to_install(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the first code is asked for."""
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    for name in ("notifykit.verify.database", "notifykit.durable.database"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with Notifier("memory", host=host()) as notifier, pytest.raises(ConfigError, match=r"notifykit\[durable\]"):
        Verifier(notifier).start(NUMBER)
