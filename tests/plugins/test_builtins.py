"""The framework's own plugins: each row of the table leads to what it names."""

from __future__ import annotations

import contextlib
import pathlib
import pkgutil
import subprocess
import sys

import pytest

from notifykit import ConfigError, Notifier, PluginHost, Settings
from notifykit.plugins import BUILTINS

GUARDS = {location.replace(":", ".").rpartition(".")[2] for location in BUILTINS if ".guards." in location}


def settings(folder: pathlib.Path, **environment: str) -> Settings:
    """Return settings that come from an environment alone."""
    return Settings.load(environment=environment, directory=folder)


def test_every_plugin_loads_and_none_of_its_hooks_is_unknown() -> None:
    """Under the name in the table, from the module beside it."""
    host = PluginHost(entry_points=False, strict=True)
    assert {info.location for info in host.plugins} == set(BUILTINS)
    assert all(info.hooks for info in host.plugins)
    for module in BUILTINS:
        optional = module.startswith("notifykit.integrations.")  # its library may be missing
        with contextlib.suppress(ConfigError) if optional else contextlib.nullcontext():
            assert pkgutil.resolve_name(module).__doc__


def test_every_factory_finds_its_transport() -> None:
    """What the table names is there: those that need nothing are built."""
    registry = PluginHost(entry_points=False).registry(Settings())
    assert set(registry.transports) == {
        *("apprise", "console", "failover", "fanout", "file", "memory", "null", "roundrobin", "route", "smtp", "smtps"),
        *("webhook", "webhook+http", "weighted"),
    }
    for scheme, factory in registry.transports.items():
        assert factory.takes_parts == (scheme in {"failover", "fanout", "roundrobin", "route", "weighted"})
        if factory.capabilities is not None:
            assert factory.capabilities().batch_size >= 1
    for dsn in ("memory", "console", "null", "failover(memory, null)", "fanout(memory, null)", "route(channel=sms => memory)", "weighted(3 => memory, 1 => null)", "roundrobin(memory, null)"):  # fmt: skip
        with Notifier(dsn, host=PluginHost(entry_points=False)) as notifier:
            assert notifier.plan("96598765432", "hello").batches


def test_every_guard_says_what_its_settings_are() -> None:
    """As ``notifykit config`` lists them."""
    host = PluginHost(entry_points=False)
    about = host.about()
    assert set(about) >= GUARDS
    assert all(about[name].section == "guard" for name in GUARDS)


def test_loading_them_imports_no_transport_and_writes_nothing() -> None:
    """A program that sends to memory does not load SMTP; a library is silent where logging is not configured."""
    code = (
        "import sys\n"
        "from notifykit import PluginHost, Settings\n"
        "PluginHost(entry_points=False, disable=['missing']).registry(Settings())\n"
        "print(*(name for name in sys.modules if name.startswith('notifykit.transports.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout.split(), done.stderr) == ([], "")


def test_guards_come_in_where_the_settings_say_so(tmp_path: pathlib.Path) -> None:
    """The environment first, what counts last."""
    wanted = settings(
        tmp_path,
        NOTIFYKIT_ENVIRONMENT="staging",
        NOTIFYKIT_GUARD_VOLUME_CAP="5/1h",
        NOTIFYKIT_GUARD_SPEND_CAP="5/1h",
        NOTIFYKIT_GUARD_COOL_DOWN="15s",
    )
    guards = PluginHost(entry_points=False).registry(wanted).guards
    assert [guard.name for guard in guards] == ["environment", "cool_down", "volume_cap", "spend_cap"]
    assert PluginHost(entry_points=False).registry(settings(tmp_path, NOTIFYKIT_STATE_DIR="x")).guards == ()


@pytest.mark.parametrize("place", ["environment", "dotenv", "table", "argument"])
def test_a_slip_in_the_settings_of_guards_is_an_error(place: str, tmp_path: pathlib.Path) -> None:
    """Wherever it stands, also where nothing else is said about guards."""
    environment, arguments = {}, {}
    if place == "environment":
        environment = {"NOTIFYKIT_GUARD_COOLDOWN": "15s"}
    elif place == "dotenv":
        (tmp_path / ".env").write_text("NOTIFYKIT_GAURD_COOL_DOWN=15s\n")
    elif place == "table":
        (tmp_path / "notifykit.toml").write_text('[guard]\ncooldown = "15s"\n')
    else:
        arguments = {"guard": {"cooldown": "15s"}}
    given = Settings.load(arguments, environment=environment, directory=tmp_path)
    with pytest.raises(ConfigError, match=r"(?i)cool_?down .*is not a setting: did you mean"):
        PluginHost(entry_points=False).registry(given)
