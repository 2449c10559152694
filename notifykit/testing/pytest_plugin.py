"""The plugin of pytest: an outbox for tests that ask for one, and no live sends for the others.

Every run of pytest in an environment with notifykit loads this module. So it imports pytest, the rules and the standard
library only; the fixtures and the first send load the rest.
"""

from __future__ import annotations

import dataclasses
import importlib.machinery
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

from notifykit.testing import rules
from notifykit.testing.rules import Rules

if TYPE_CHECKING:
    from notifykit.pipeline.clock import VirtualClock
    from notifykit.pipeline.intercept import Interception
    from notifykit.pipeline.notifier import Notifier
    from notifykit.protocols import Transport
    from notifykit.testing.notifier import Plugins
    from notifykit.testing.outbox import Outbox
    from notifykit.testing.script import Script

#: The module through which every send is intercepted.
_INTERCEPT: Final = "notifykit.pipeline.intercept"
#: The arguments of ``@pytest.mark.notify``, and the fixture that applies them.
_MARKS: Final = ("script", "strict", "live")
_MARKED: Final = "_notify_marked"

#: The environment, the rules and the blocked sends from before the run.
_before: Final = pytest.StashKey[tuple[dict[str, str | None], Rules | None, int]]()
_blocked: Final = pytest.StashKey[list[tuple[str, str]]]()
_interrupted: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the settings."""
    parser.getgroup("notifykit").addoption(
        "--notifykit-live",
        action="store_true",
        help="Let tests send notifications for real where no outbox takes them.",
    )
    parser.addini("notifykit_live", "forbid (the default) or allow: what tests send for real.", default="forbid")
    parser.addini(
        "notifykit_strict",
        "Whether a message that was not asserted fails a test with an outbox.",
        type="bool",
        default=False,
    )


# --- the rules of a run ---


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Apply the rules before the first of the tests' files is imported."""
    _begin(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Apply the rules once all options are known."""
    config.addinivalue_line(
        "markers",
        "notify(script=[...], strict=True, live=True): what the provider answers; fail for messages that were not "
        "asserted; let this test send for real where no outbox takes it.",
    )
    setting = _setting(config)
    if setting not in ("forbid", "allow"):
        raise pytest.UsageError(f"notifykit_live is forbid or allow, not {setting!r}")
    _begin(config)
    _set_live(live=_live(config))


def pytest_report_header(config: pytest.Config) -> str:
    """Say what may be sent."""
    strict = ", strict" if config.getini("notifykit_strict") else ""
    return f"notifykit: live sends {'allowed' if _live(config) else 'forbidden'}{strict}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Apply a marker before the fixtures are set up."""
    _repair_environment()
    names: list[str] | None = getattr(item, "fixturenames", None)
    # The parameters of a test share the list, and not all of them need have the marker: the fixture looks at it.
    if item.get_closest_marker("notify") and names is not None and _MARKED not in names:
        names.insert(0, _MARKED)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """Pass the rules to processes that the test starts, also where a fixture has cleared the environment."""
    _repair_environment()


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remember of a test that it did not run to its end: it failed, was skipped, or is expected to fail."""
    if call.excinfo is not None:
        item.stash[_interrupted] = True


def _setting(config: pytest.Config) -> str:
    return str(config.getini("notifykit_live")).strip().lower()


def _live(config: pytest.Config) -> bool:
    # The first files of the tests are imported before the options are complete.
    early = getattr(config, "known_args_namespace", None)
    option = config.getoption("notifykit_live", False) or getattr(early, "notifykit_live", False)
    return bool(option) or _setting(config) == "allow"


def _begin(config: pytest.Config) -> None:
    """Apply the rules of a run, once; they end with it, also where it never runs a test."""
    if _before in config.stash:
        return
    names = (rules.RULES, rules.INTERCEPTOR, rules.OWNER)
    config.stash[_before] = {name: os.environ.get(name) for name in names}, rules.held, len(_blocked_list())
    os.environ.pop(rules.OWNER, None)
    rules.hold(Rules.new(live=_live(config)))
    _repair_environment()
    config.add_cleanup(lambda: _end(config))
    if _INTERCEPT in sys.modules:
        sys.modules[_INTERCEPT].set_interceptor(_intercept)
    elif _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def _end(config: pytest.Config) -> None:
    """Restore everything; threads that outlive the run still send nothing for real."""
    environment, outer, blocked = config.stash[_before]
    del _blocked_list()[blocked:]
    ended = rules.held
    rules.hold(outer)
    for name, value in environment.items():
        rules.set_variable(name, value)
    if _FINDER in sys.meta_path and outer is None:
        sys.meta_path.remove(_FINDER)
    if environment[rules.INTERCEPTOR] is not None or _INTERCEPT not in sys.modules:
        return
    interceptor = None
    threads = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    if threads and ended is not None and not ended.live:
        from notifykit.testing.processes import forbid_in

        interceptor = forbid_in(threads, ended)
    sys.modules[_INTERCEPT].set_interceptor(interceptor)


def _set_live(*, live: bool) -> None:
    if rules.held is not None:
        rules.apply(dataclasses.replace(rules.held, live=live))


def _repair_environment() -> None:
    if rules.held is not None:
        os.environ.update(rules.held.variables())


class _Finder:
    """Sets the interceptor as soon as the module that sends is imported, whatever the environment says then."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the one module."""
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if name == _INTERCEPT else None
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            if rules.held is not None:
                module.set_interceptor(_intercept)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one loader
        return spec


_FINDER: Final = _Finder()


def _intercept(transport: Transport) -> Interception | None:
    from notifykit.testing.processes import intercept

    return intercept(transport)


# --- the live sends that were blocked, also where the error was caught ---


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Pass on what was blocked in a worker of xdist."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["notifykit_blocked"] = [list(pair) for pair in _blocked_here(session.config)]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect what was blocked in a worker of xdist."""
    output = getattr(node, "workeroutput", None) or {}
    node.config.stash.setdefault(_blocked, []).extend(tuple(pair) for pair in output.get("notifykit_blocked", ()))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List the live sends that were blocked."""
    found = [*config.stash.get(_blocked, []), *_blocked_here(config)]
    if found:
        terminalreporter.section("notifykit: live sends that were blocked")
        for test, transport in dict.fromkeys(found):
            terminalreporter.line(f"{test}: {transport}")


def _blocked_here(config: pytest.Config) -> list[tuple[str, str]]:
    return _blocked_list()[config.stash[_before][2] :]


def _blocked_list() -> list[tuple[str, str]]:
    processes = sys.modules.get("notifykit.testing.processes")
    return processes.blocked if processes is not None else []


# --- fixtures ---


def _marks(node: Any) -> dict[str, Any]:
    """Return the arguments of a test's markers; the nearest marker wins."""
    found: dict[str, Any] = {}
    for mark in node.iter_markers("notify"):
        unknown = sorted(set(mark.kwargs) - set(_MARKS))
        if mark.args or unknown:
            wrong = ", ".join((*map(repr, mark.args), *unknown))
            pytest.fail(f"@pytest.mark.notify takes {', '.join(_MARKS)} by their names, and not {wrong}", pytrace=False)
        found = {**mark.kwargs, **found}
    return found


@pytest.fixture
def _notify_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Apply the markers of a test."""
    marks = _marks(request.node)
    allows = bool(marks.get("live")) and rules.held is not None and not rules.held.live
    if allows:
        _set_live(live=True)
    if marks.get("strict") or "script" in marks:
        request.getfixturevalue("notify_outbox")
    yield
    if allows:
        _set_live(live=False)


@pytest.fixture
def notify_clock() -> VirtualClock:
    """Give the time of the test's messages: it passes only when a send waits, or by ``notify_clock.advance(16)``."""
    from notifykit.testing.clock import TestClock

    return TestClock()


@pytest.fixture
def verify_clock(notify_outbox: Outbox, notify_clock: VirtualClock) -> VirtualClock:
    """Give the time of one-time codes, the same as ``notify_clock``: ``verify_clock.advance(600)`` ends a code."""
    return notify_clock


@pytest.fixture
def notify_plugins() -> Plugins:
    """Choose the plugins of ``notifier``: ``notify_plugins.register(plugin)``, ``notify_plugins.only("kwtsms")``."""
    from notifykit.testing.notifier import Plugins

    return Plugins()


@pytest.fixture
def notify_outbox(
    request: pytest.FixtureRequest, notify_clock: VirtualClock, notify_plugins: Plugins
) -> Iterator[Outbox]:
    """Capture all messages that are sent during the test: nothing is sent for real."""
    from notifykit.testing.outbox import Outbox

    marks = _marks(request.node)
    strict = marks.get("strict", request.config.getini("notifykit_strict"))
    with Outbox(clock=notify_clock, plugins=notify_plugins, script=marks.get("script", ())) as outbox:
        yield outbox
    # A test that was interrupted did not get to its assertions.
    if strict and outbox.unasserted and not request.node.stash.get(_interrupted, False):
        pytest.fail(outbox.unasserted_failure(), pytrace=False)


@pytest.fixture
def notify_script(notify_outbox: Outbox) -> Script:
    """Say what the provider answers: ``notify_script.reject("96598765432", code="ERR025").queue_full(times=2)``."""
    return notify_outbox.script


@pytest.fixture
def notifier(notify_outbox: Outbox) -> Notifier:
    """Give a notifier that sends into ``notify_outbox``, with ``notify_plugins`` and ``notify_clock``."""
    return notify_outbox.notifier
