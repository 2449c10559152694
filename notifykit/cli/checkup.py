"""What ``notifykit doctor`` looks at in the framework itself."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pathlib
import platform
import stat
from collections.abc import Iterator
from typing import Final

import attrs

import notifykit
from notifykit.cli.config import places
from notifykit.cli.rehearsal import mode
from notifykit.errors import ConfigError
from notifykit.http.network import find_authorities, find_proxy, tls_context
from notifykit.pipeline.capabilities import leaves
from notifykit.pipeline.notifier import Notifier
from notifykit.plugins import PluginHost, Status
from notifykit.protocols import Check, Health
from notifykit.settings.sources import Settings

#: What extras bring, by a module that is there where they are.
_EXTRAS: Final = {"sandbox": "werkzeug"}


def checkup(settings: Settings, host: PluginHost, *, online: bool) -> Iterator[Check]:
    """Yield what was found, plugins' own checks last."""
    yield _versions()
    yield from _settings(settings)
    yield from _files(settings)
    yield from _network(settings)
    yield from _transport(settings, host)
    about = host.about()
    yield from _plugins(host)
    yield from _extras()
    for name, told in about.items():
        try:
            yield from told.checks(settings, online=online)
        except Exception as error:  # a plugin may raise anything
            yield Check(name, Health.FAIL, f"its checks broke off with {type(error).__name__}", "notifykit plugins -v")


def _versions() -> Check:
    names = ("attrs", "click", "phonenumbers", "pluggy", "python-dotenv", "urllib3")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    found = f"notifykit {notifykit.__version__}, Python {platform.python_version()} on {platform.system()}; {versions}"
    return Check("versions", Health.OK, found)


def _settings(settings: Settings) -> Iterator[Check]:
    for problem in settings.problems:
        yield Check("settings", Health.FAIL, problem, "notifykit config path says which files are read")
    if not settings.problems:
        origins = sorted({origin for origin in settings.origins.values() if origin != "default"})
        yield Check("settings", Health.OK, f"read from {', '.join(origins)}" if origins else "nothing but defaults")


def _files(settings: Settings) -> Iterator[Check]:
    dotenv = places(settings)[0]
    if dotenv.is_file():
        if settings.sources.dotenv:
            found = f"{dotenv.name} sets {len(settings.sources.dotenv)} values"
            yield Check(".env", Health.OK, found)
        yield from _mode(dotenv, "file mode")
        yield from _in_git(dotenv)
    else:
        yield Check(".env", Health.OK, "there is none")
    if settings.log_file:
        yield _log(pathlib.Path(settings.log_file))
        yield from _mode(pathlib.Path(settings.log_file), "log mode")


def _mode(file: pathlib.Path, name: str) -> Iterator[Check]:
    if os.name != "posix" or not file.is_file():
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        found = f"{file.name} can be read by others (mode {mode:04o})"
        yield Check(name, Health.WARN, found, f"chmod 600 {file.name}")
    else:
        yield Check(name, Health.OK, f"{file.name} is its owner's alone ({mode:04o})")


def _in_git(dotenv: pathlib.Path) -> Iterator[Check]:
    """Warn where a repository would take in the file with the password."""
    folders = [dotenv.parent, *dotenv.parent.parents]
    root = next((folder for folder in folders if (folder / ".git").exists()), None)
    if root is None:
        return
    inside = folders[: folders.index(root) + 1]
    ignored = {line.strip().lstrip("/") for folder in inside for line in _lines(folder / ".gitignore")}
    if ignored & {dotenv.name, ".env", "*.env", ".env*"}:
        yield Check("git", Health.OK, f"{dotenv.name} is ignored by git")
    else:
        yield Check("git", Health.WARN, f"git does not ignore {dotenv.name}", f"echo {dotenv.name} >> .gitignore")


def _lines(file: pathlib.Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _log(file: pathlib.Path) -> Check:
    target = file if file.exists() else file.absolute().parent
    if os.access(target, os.W_OK):
        return Check("log", Health.OK, f"{file.name} can be written")
    return Check("log", Health.FAIL, f"{file.name} can't be written", "set NOTIFYKIT_LOG_FILE to another file")


def _network(settings: Settings) -> Iterator[Check]:
    """Say which proxy and which certificates HTTPS connections use; a transport may differ, by NO_PROXY."""
    network = settings.network
    try:
        proxy = find_proxy("https", "host.invalid", 443, network)
        found = f"{proxy}{', with a user and a password' if proxy.credentials else ''}" if proxy else "none"
        yield Check("proxy", Health.OK, found)
    except ConfigError as error:
        yield Check("proxy", Health.FAIL, str(error), "notifykit config")
    try:
        found = str(find_authorities(network))
        tls_context(network)
        with_client = f"; client certificate {network.client_cert}" if network.client_cert else ""
        yield Check("certificates", Health.OK, f"{found}{with_client}")
    except ConfigError as error:
        yield Check("certificates", Health.FAIL, str(error), "notifykit config")


def _transport(settings: Settings, host: PluginHost) -> Iterator[Check]:
    # Names that can't be read may well be those that are missing: that is no second problem.
    known = tuple(problem for problem in settings.problems if problem.startswith("transports "))
    quiet = attrs.evolve(settings, log_file=None, sinks=(), problems=known)
    try:
        factories = host.registry(quiet).transports
        chosen = settings.transport or next((f.schemes[0] for f in factories.values() if f.configured(settings)), None)
        if chosen is None:
            yield Check(
                "transport", Health.WARN, "nothing says what carries the messages", "notifykit help environment"
            )
            return
        with Notifier(chosen, settings=quiet, host=host) as notifier:
            yield Check("transport", Health.OK, f"{notifier.transport.name}, {mode(notifier.transport)}")
            # Only names: people paste this, and a DSN may have a user in it.
            for leaf in leaves(notifier.transport):
                if leaf is not notifier.transport:
                    yield Check("transport part", Health.OK, f"{leaf.name}, {mode(leaf)}")
    except ConfigError as error:
        for problem in error.problems:
            if problem not in known:
                yield Check("transport", Health.FAIL, problem, "notifykit config")


def _plugins(host: PluginHost) -> Iterator[Check]:
    broken = [info for info in host.plugins if info.status is Status.BROKEN]
    for info in broken:
        found = f"{info.name} is broken: {(info.reason or '').splitlines()[0] if info.reason else 'no reason given'}"
        yield Check("plugins", Health.FAIL, found, f"notifykit plugins -v, or leave it out: -p no:{info.name}")
    for info in host.plugins:
        if info.status is Status.SHADOWED:
            yield Check("plugins", Health.WARN, f"{info.name}: {info.reason}", "notifykit plugins")
    if not broken:
        yield Check("plugins", Health.OK, f"{sum(info.status is Status.OK for info in host.plugins)} work")


def _extras() -> Iterator[Check]:
    for extra, module in _EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        found = f"{extra} is {'installed' if there else 'not installed'}"
        yield Check("extras", Health.OK, found, None if there else f'pip install "notifykit[{extra}]"')
