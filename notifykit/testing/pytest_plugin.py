"""The plugin for pytest: an outbox for tests that ask for one, and no live sends for those that don't.

Every run of everybody who has notifykit installed loads this module. So it imports pytest and the standard library
only; the rest is loaded by the fixtures, and by the first send.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from notifykit.pipeline.clock import VirtualClock
    from notifykit.pipeline.intercept import Interception
    from notifykit.pipeline.notifier import Notifier
    from notifykit.protocols import Transport
    from notifykit.testing.outbox import Outbox
    from notifykit.testing.plugging import Plugins
    from notifykit.testing.script import Script

# These four are written down elsewhere too, in modules that are too heavy to be loaded here; a test compares them.
_RULES: Final = "NOTIFYKIT_TESTING"
_DIVERSION: Final = "NOTIFYKIT_INTERCEPTOR"
_OWNER: Final = "NOTIFYKIT_OWNER"
_LOOK: Final = "notifykit.testing.diverting:look"
#: Has every send looked at.
_DETOUR: Final = "notifykit.pipeline.intercept"

#: What ``@pytest.mark.notify`` takes.
_MARKS: Final = ("script", "strict", "live")
#: The fixture that does it.
_MARKED: Final = "_notify_marked"
_WAYS: Final = ("forbid", "allow")
_LONGEST_FOLDER: Final = 70

_before: Final = pytest.StashKey[dict[str, str | None]]()
_blocked: Final = pytest.StashKey[list[tuple[str, str]]]()
_broke_off: Final = pytest.StashKey[bool]()

#: The rules of this process's run, as JSON; None outside of one. The environment repeats them for processes that tests
#: start. Here it is not asked: tests clear it, and put back copies of it that they made under other rules.
said: str | None = None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the settings."""
    group = parser.getgroup("notifykit")
    group.addoption(
        "--notifykit-live",
        action="store_true",
        help="Let tests send notifications for real where no outbox takes them.",
    )
    parser.addini("notifykit_live", "forbid (the default) or allow: what tests send for real.", default="forbid")
    parser.addini(
        "notifykit_strict",
        "Whether a message that nobody asserted fails a test with an outbox.",
        type="bool",
        default=False,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Tell this process what may be sent, before the first of the tests' own files is imported."""
    _begin(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Tell this process, and those that tests start, what may be sent."""
    config.addinivalue_line(
        "markers",
        "notify(script=[...], strict=True, live=True): what the provider answers; fail for messages that nobody asserted; "
        "let this test send for real where no outbox takes it.",
    )
    live = _allowed(config)
    _begin(config)
    _say_live(live=live)


def pytest_report_header(config: pytest.Config) -> str:
    """Say what may be sent."""
    strict = ", strict" if config.getini("notifykit_strict") else ""
    return f"notifykit: live sends {'allowed' if _allowed(config) else 'forbidden'}{strict}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Do what a marker asks for, before the fixtures are set up."""
    _repeat()
    if item.get_closest_marker("notify") is None:
        return
    names: list[str] | None = getattr(item, "fixturenames", None)
    # The parameters of a test share the list, and not all of them need have the mark: the fixture looks at it.
    if names is not None and _MARKED not in names:
        names.insert(0, _MARKED)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """Tell processes that the test starts what may be sent, also where a fixture has cleared the environment."""
    _repeat()


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remember of a test that it did not come to its end: it failed, was skipped, or is expected to fail."""
    if call.excinfo is not None:
        item.stash[_broke_off] = True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what was blocked in this worker."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["notifykit_blocked"] = [list(pair) for pair in _blocked_here()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what was blocked in a worker."""
    output = getattr(node, "workeroutput", None) or {}
    node.config.stash.setdefault(_blocked, []).extend(tuple(pair) for pair in output.get("notifykit_blocked", ()))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell which live sends were blocked, also where the error was caught."""
    found = [*config.stash.get(_blocked, []), *_blocked_here()]
    if found:
        terminalreporter.section("notifykit: live sends that were blocked")
        for test, transport in dict.fromkeys(found):
            terminalreporter.line(f"{test}: {transport}")


@pytest.fixture
def _notify_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Do what the markers of a test ask for."""
    marks = _marks(request.node)
    opens = bool(marks.get("live")) and said is not None and not json.loads(said)["live"]
    if opens:
        _say_live(live=True)
    if marks.get("strict") or "script" in marks:
        request.getfixturevalue("notify_outbox")
    yield
    if opens:
        _say_live(live=False)


@pytest.fixture
def notify_clock() -> VirtualClock:
    """Give the time of the test's messages: it passes only when somebody waits, or by ``notify_clock.advance(16)``."""
    from notifykit.testing.clock import TestClock

    return TestClock()


@pytest.fixture
def notify_plugins() -> Plugins:
    """Choose the plugins of ``notifier``: ``notify_plugins.register(plugin)``, ``notify_plugins.only("kwtsms")``."""
    from notifykit.testing.plugging import Plugins

    return Plugins()


@pytest.fixture
def notify_outbox(
    request: pytest.FixtureRequest, notify_clock: VirtualClock, notify_plugins: Plugins
) -> Iterator[Outbox]:
    """Take the messages that the test sends, whoever sends them and however: nothing leaves."""
    from notifykit.testing.outbox import Outbox

    marks = _marks(request.node)
    strict = marks.get("strict", request.config.getini("notifykit_strict"))
    outbox = Outbox(clock=notify_clock, plugins=notify_plugins, script=marks.get("script", ()))
    with outbox:
        yield outbox
    # What a test did not come to assert, because it broke off before, is no news.
    if strict and not request.node.stash.get(_broke_off, False):
        said = outbox.left_over()
        if said:
            pytest.fail(said, pytrace=False)


@pytest.fixture
def notify_script(notify_outbox: Outbox) -> Script:
    """Say what the provider answers: ``notify_script.reject("96598765432", code="ERR025").queue_full(times=2)``."""
    return notify_outbox.script


@pytest.fixture
def notifier(notify_outbox: Outbox) -> Notifier:
    """Give a notifier that sends into ``notify_outbox``, with ``notify_plugins`` and ``notify_clock``."""
    return notify_outbox.notifier


def _allowed(config: pytest.Config) -> bool:
    way = str(config.getini("notifykit_live")).strip().lower()
    if way not in _WAYS:
        raise pytest.UsageError(f"notifykit_live is {' or '.join(_WAYS)}, not {way!r}")
    return _asked_for(config) or way == "allow"


def _asked_for(config: pytest.Config) -> bool:
    # The first files of the tests are imported before the options are complete.
    early = getattr(config, "known_args_namespace", None)
    return bool(config.getoption("notifykit_live", False) or getattr(early, "notifykit_live", False))


def _begin(config: pytest.Config) -> None:
    """Lay down the rules of a run, once; they end with it, also where it never gets to its tests."""
    if _before in config.stash:
        return
    way = str(config.getini("notifykit_live")).strip().lower()
    rules = {
        "pid": os.getpid(),
        "live": _asked_for(config) or way == "allow",
        "address": _address(),
        "key": secrets.token_hex(32),
        "servers": [],
    }
    outer = said
    config.stash[_before] = {name: os.environ.get(name) for name in (_RULES, _DIVERSION, _OWNER)}
    os.environ.pop(_OWNER, None)
    _say(json.dumps(rules))
    config.add_cleanup(lambda: _end(config, outer))
    if _DETOUR in sys.modules:
        _divert(on=True)
    elif _AT_IMPORT not in sys.meta_path:
        sys.meta_path.insert(0, _AT_IMPORT)


def _end(config: pytest.Config, outer: str | None) -> None:
    """Leave everything as it was; only threads that outlive the run send nothing for real, as before."""
    global said
    relay = sys.modules.get("notifykit.testing.relay")
    if relay is not None:
        relay.RELAY.stop()
    ended, said = said, outer
    for name, value in config.stash[_before].items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if _AT_IMPORT in sys.meta_path and outer is None:
        sys.meta_path.remove(_AT_IMPORT)
    if config.stash[_before][_DIVERSION] is None and _DETOUR in sys.modules:
        _divert(on=False, ended=ended)


def _say(text: str) -> None:
    """Let these rules hold, here and in processes that are started from now on."""
    global said  # noqa: PLW0603 - the environment is not to be relied on
    said = text
    _repeat()


def _repeat() -> None:
    if said is not None and (os.environ.get(_RULES) != said or _DIVERSION not in os.environ):
        os.environ |= {_RULES: said, _DIVERSION: _LOOK}


class _AtImport:
    """Has sends looked at from the moment that anything is loaded that can send, whatever the environment says then."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find one module, and have it set_interceptor once it is loaded."""
        if name != _DETOUR:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            if said is not None:
                module.set_interceptor(_look)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one loader
        return spec


_AT_IMPORT: Final = _AtImport()


def _look(transport: Transport) -> Interception | None:
    from notifykit.testing.diverting import look

    return look(transport)


def _marks(node: Any) -> dict[str, Any]:
    """Return what the markers of a test say, the nearest first."""
    said: dict[str, Any] = {}
    for mark in node.iter_markers("notify"):
        unknown = sorted(set(mark.kwargs) - set(_MARKS))
        if mark.args or unknown:
            wrong = ", ".join((*map(repr, mark.args), *unknown))
            pytest.fail(f"@pytest.mark.notify takes {', '.join(_MARKS)} by their names, and not {wrong}", pytrace=False)
        said = {**mark.kwargs, **said}
    return said


def _say_live(*, live: bool) -> None:
    # Somebody else may have written into it meanwhile.
    if said is not None:
        _say(json.dumps({**json.loads(said), "live": live}))


def _divert(*, on: bool, ended: str | None = None) -> None:
    from notifykit.pipeline.intercept import set_interceptor

    if on:
        set_interceptor(_look)
        return
    left = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    if left and ended is not None and not json.loads(ended)["live"]:
        from notifykit.testing.diverting import only_of

        set_interceptor(only_of(left, ended))
    else:
        set_interceptor(None)


def _blocked_here() -> Iterable[tuple[str, str]]:
    diverting = sys.modules.get("notifykit.testing.diverting")
    return diverting.blocked if diverting is not None else ()


def _address() -> str:
    name = f"notifykit-{secrets.token_hex(8)}"
    if os.name == "nt":
        return rf"\\.\pipe\{name}"
    folder = tempfile.gettempdir()
    return os.path.join(folder if len(folder) <= _LONGEST_FOLDER else "/tmp", name)  # noqa: S108, PTH118 - not a file
