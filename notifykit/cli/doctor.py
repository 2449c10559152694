"""``notifykit doctor``: check versions, settings, files, network, transport and plugins, and say what to do."""

from __future__ import annotations

import collections
import importlib.metadata
import importlib.util
import itertools
import os
import pathlib
import platform
import stat
from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import click

import notifykit
from notifykit.cli.config import settings_files
from notifykit.cli.dry_run import configured_transport, load_settings, mode, plugin_host
from notifykit.cli.exit_codes import Exit
from notifykit.cli.nagios import NagiosState, nagios_option, print_state
from notifykit.cli.options import common, examples, global_options
from notifykit.cli.output import plural, print_json, print_line
from notifykit.errors import ConfigError
from notifykit.http.network import Network, find_authorities, find_proxy, tls_context
from notifykit.plugins import PluginHost, Status
from notifykit.protocols import Check, Health
from notifykit.settings.files import STREAMS
from notifykit.settings.folders import is_temporary, own_folder
from notifykit.settings.sources import Settings

_STYLES: Final = {Health.OK: "good", Health.WARN: "care", Health.FAIL: "bad"}
#: What a monitoring plugin says where a check ended so; the worst first.
_STATES: Final = {Health.FAIL: NagiosState.CRITICAL, Health.WARN: NagiosState.WARNING}
_DEPENDENCIES: Final = ("attrs", "click", "phonenumbers", "pluggy", "python-dotenv", "urllib3")
#: A module of each extra: it is there if the extra is installed.
_EXTRAS: Final = {"sandbox": "werkzeug"}


@click.command("doctor", epilog=examples("notifykit doctor", "notifykit doctor --online", "notifykit doctor --strict"))
@click.option("--online", is_flag=True, help="Ask the provider too: address, credentials, balance, sender.")
@click.option("--alert", is_flag=True, help="Send a test alert too.")
@click.option("--strict", is_flag=True, help="Exit with 3 if there are warnings.")
@nagios_option
@common
def doctor(online: bool, alert: bool, strict: bool, nagios: bool, as_json: bool) -> int:
    """Look at versions, settings, files, plugins and the account. The answer can be pasted: nothing in it is secret."""
    settings, checks = load_settings(), []
    for check in itertools.chain(
        doctor_checks(settings, plugin_host(), online=online), _test_alert(settings) if alert else ()
    ):
        checks.append(check)
        if not (as_json or nagios or (global_options().quiet and check.health is Health.OK)):
            print_line(f"{check.health:<5} {check.name:<20} {check.found}", _STYLES[check.health])
            if check.fix:
                print_line(f"{'':<26} → {check.fix}")
    if nagios:
        return _nagios(checks)
    found = {check.health for check in checks}
    if as_json:
        print_json("doctor", checks, ok=Health.FAIL not in found)
    if Health.FAIL in found:
        return Exit.FAILED
    return Exit.PARTLY if strict and Health.WARN in found else Exit.OK


def _test_alert(settings: Settings) -> Iterator[Check]:
    from notifykit.alerts.settings import send_test

    yield from send_test(settings)


def _nagios(checks: Sequence[Check]) -> int:
    """Print the answer of a monitoring plugin: failures are critical."""
    counts = collections.Counter(check.health for check in checks)
    state = next((s for health, s in _STATES.items() if counts[health]), NagiosState.OK)
    worst = [check for health in _STATES for check in checks if check.health is health]
    lines = [f"{check.name}: {check.found}{f' → {check.fix}' if check.fix else ''}" for check in worst]
    sentence = f"{len(checks)} checks, {counts[Health.FAIL]} failed, {plural(counts[Health.WARN], 'warning')}"
    data = [f"failed={counts[Health.FAIL]};;1", f"warnings={counts[Health.WARN]};1"]
    return print_state(
        "notifykit", state, f"{sentence}{f': {worst[0].name}: {worst[0].found}' if worst else ''}", data, lines
    )


def doctor_checks(settings: Settings, host: PluginHost, *, online: bool) -> Iterator[Check]:
    """Yield the result of each check, plugins' own last."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _DEPENDENCIES)
    python = f"Python {platform.python_version()} on {platform.system()}"
    yield Check("versions", Health.OK, f"notifykit {notifykit.__version__}, {python}; {versions}")
    yield from _settings(settings)
    yield from _files(settings)
    yield from _network(settings)
    yield from _transport(settings)
    abouts = host.about()
    yield from _plugins(host)
    for extra, module in _EXTRAS.items():
        installed = importlib.util.find_spec(module) is not None
        found = f"{extra} is {'installed' if installed else 'not installed'}"
        yield Check("extras", Health.OK, found, None if installed else f'pip install "notifykit[{extra}]"')
    for name, about in abouts.items():
        try:
            yield from about.checks(settings, online=online)
        except Exception as error:  # a plugin may raise anything
            yield Check(name, Health.FAIL, f"its checks broke off with {type(error).__name__}", "notifykit plugins -v")


def _settings(settings: Settings) -> Iterator[Check]:
    for problem in settings.problems:
        yield Check("settings", Health.FAIL, problem, "notifykit config path says which files are read")
    if not settings.problems:
        origins = sorted({origin for origin in settings.origins.values() if origin != "default"})
        yield Check("settings", Health.OK, f"read from {', '.join(origins)}" if origins else "nothing but defaults")


def _files(settings: Settings) -> Iterator[Check]:
    dotenv = settings_files(settings)[0]
    if dotenv.is_file():
        if settings.sources.dotenv:
            yield Check(".env", Health.OK, f"{dotenv.name} sets {len(settings.sources.dotenv)} values")
        yield from _file_mode(dotenv, "file mode")
        yield from _git(dotenv)
    else:
        yield Check(".env", Health.OK, "there is none")
    state = own_folder()
    if not settings.state_dir and is_temporary(state):
        found = f"rate limits and what guards count are kept in {state}: a restart of the machine may empty it"
        yield Check("state", Health.WARN, found, "set NOTIFYKIT_STATE_DIR to a folder that this user can write to")
    if settings.log_file in STREAMS:
        yield Check("log", Health.OK, f"on the standard stream {settings.log_file}")
    elif settings.log_file:
        log = pathlib.Path(settings.log_file)
        if os.access(log if log.exists() else log.absolute().parent, os.W_OK):
            yield Check("log", Health.OK, f"{log.name} can be written")
        else:
            fix = "set NOTIFYKIT_LOG_FILE to another file"
            yield Check("log", Health.FAIL, f"{log.name} can't be written", fix)
        yield from _file_mode(log, "log mode")


def _file_mode(file: pathlib.Path, name: str) -> Iterator[Check]:
    if os.name != "posix" or not file.is_file():
        return
    bits = stat.S_IMODE(file.stat().st_mode)
    if bits & 0o077:
        found = f"{file.name} can be read by others (mode {bits:04o})"
        yield Check(name, Health.WARN, found, f"chmod 600 {file.name}")
    else:
        yield Check(name, Health.OK, f"{file.name} is its owner's alone ({bits:04o})")


def _git(dotenv: pathlib.Path) -> Iterator[Check]:
    """Warn if git would commit the file with the password."""
    folders = [dotenv.parent, *dotenv.parent.parents]
    root = next((number for number, folder in enumerate(folders) if (folder / ".git").exists()), None)
    if root is None:
        return
    ignored = {line.strip().lstrip("/") for folder in folders[: root + 1] for line in _lines(folder / ".gitignore")}
    if ignored & {dotenv.name, ".env", "*.env", ".env*"}:
        yield Check("git", Health.OK, f"{dotenv.name} is ignored by git")
    else:
        yield Check("git", Health.WARN, f"git does not ignore {dotenv.name}", f"echo {dotenv.name} >> .gitignore")


def _lines(file: pathlib.Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _network(settings: Settings) -> Iterator[Check]:
    """Check the proxy and the certificates of HTTPS connections; NO_PROXY may exclude a transport."""
    for name, describe in (("proxy", _proxy), ("certificates", _certificates)):
        try:
            yield Check(name, Health.OK, describe(settings.network))
        except ConfigError as error:
            yield Check(name, Health.FAIL, str(error), "notifykit config")


def _proxy(network: Network) -> str:
    proxy = find_proxy("https", "host.invalid", 443, network)
    return f"{proxy}{', with a user and a password' if proxy.credentials else ''}" if proxy else "none"


def _certificates(network: Network) -> str:
    found = str(find_authorities(network))
    tls_context(network)
    return f"{found}{f'; client certificate {network.client_cert}' if network.client_cert else ''}"


def _transport(settings: Settings) -> Iterator[Check]:
    # A name that can't be read is a problem of the settings, not a missing transport as well.
    known = tuple(problem for problem in settings.problems if problem.startswith("transports "))
    found = configured_transport(attrs.evolve(settings, problems=known))
    for problem in found.problems:
        if problem not in known:
            yield Check("transport", Health.FAIL, problem, "notifykit config")
    if found.transport is None and not found.problems:
        yield Check("transport", Health.WARN, "no transport is configured", "notifykit help environment")
    # Only names: people paste this, and a DSN may have a user in it.
    if found.transport is not None:
        yield Check("transport", Health.OK, f"{found.transport.name}, {mode(found.transport)}")
    for part in found.parts:
        yield Check("transport part", Health.OK, f"{part.name}, {mode(part)}")


def _plugins(host: PluginHost) -> Iterator[Check]:
    broken = [info for info in host.plugins if info.status is Status.BROKEN]
    for info in broken:
        reason = info.reason.splitlines()[0] if info.reason else "no reason given"
        fix = f"notifykit plugins -v, or leave it out: -p no:{info.name}"
        yield Check("plugins", Health.FAIL, f"{info.name} is broken: {reason}", fix)
    for info in host.plugins:
        if info.status is Status.SHADOWED:
            yield Check("plugins", Health.WARN, f"{info.name}: {info.reason}", "notifykit plugins")
    if not broken:
        yield Check("plugins", Health.OK, f"{sum(info.status is Status.OK for info in host.plugins)} work")
