"""P15: the sandbox's inbox with 100,000 messages, in Debian's Chromium: first paint, search, a new message, memory.

The server is `notifykit sandbox` in a process of its own. First paint is from the navigation to the first row in the
document, and the search from the last key to the one row that it finds; a new message is timed from before the request
to the row in the document, by the clock of the machine. Memory is what the server has in the end. The peer would be
Mailpit, which is no Python package and so is not installed here.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import pathlib
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.bench import Bench, Side
from benchmarks.environments import ROOT, report
from benchmarks.model import Goal, Row, Value, same, seconds

PAINT: Final = Goal("<=", 1.0, " s")
SEARCH: Final = Goal("<=", 0.2, " s")
NEW: Final = Goal("<=", 0.1, " s")
MEMORY: Final = Goal("<=", 300, " MiB")
_MESSAGES: Final = 100_000
#: Messages in one import, whose size is limited.
_AT_ONCE: Final = 600
_NUMBERS: Final = 20_000
_PATIENCE: Final = 120_000
#: Messages that come while the page is open, in each round, and the seconds between two: the gateway takes two a second.
_NEW: Final = 3
_PAUSE: Final = 0.6
_NO_PEER: Final = "mailpit: not on the package index"
#: Sets `window.__shown` to the time in milliseconds when a row with some words is in the document, and `window.__typed`
#: to that of the last key: Playwright waits for the page before it types.
_SHOWN: Final = """
(words) => {
  const list = document.getElementById('list');
  const found = () => [...list.querySelectorAll('li.row .row-text')].some((row) => row.textContent.includes(words));
  window.__shown = window.__typed = null;
  document.getElementById('query').addEventListener('input', () => { window.__typed = Date.now(); }, { capture: true });
  const look = () => { if (window.__shown === null && found()) window.__shown = Date.now(); };
  new MutationObserver(look).observe(list, { subtree: true, childList: true, characterData: true });
  look();
}
"""
_PAINTED: Final = """
addEventListener('DOMContentLoaded', () => {
  const look = () => { if (!window.__painted && document.querySelector('li.row')) window.__painted = performance.now(); };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
});
"""
#: Whether every message is there: a row for each number.
_ALL: Final = "(rows) => document.querySelector('#list li.row')?.getAttribute('aria-setsize') === String(rows)"


def page(case: str, context: dict[str, Any]) -> tuple[Callable[[int], None], Callable[[], Any]]:
    """Fill a sandbox, and measure its page in so many rounds."""
    sys.path.append(str(ROOT))
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, FLAGS, post, start

    taken: dict[str, list[float]] = {"paint": [], "search": [], "new": []}
    process = start("--keep", str(2 * context["messages"]), port=context["port"])
    try:
        post(process.url, "An order", _number(0))
        _fill(process.port, context["messages"])
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
            for turn in range(context["rounds"]):
                view = browser.new_page(viewport={"width": 1440, "height": 900})
                view.add_init_script(_PAINTED)
                view.goto(process.url)
                painted = view.wait_for_function("() => window.__painted", timeout=_PATIENCE)
                taken["paint"].append(painted.json_value() / 1000)
                view.wait_for_function(_ALL, arg=min(_NUMBERS, context["messages"]), timeout=_PATIENCE)
                taken["new"] += [
                    _timed(view, f"News {turn} {n}.", lambda text: post(process.url, text, _number(0)))
                    for n in range(_NEW)
                ]
                # The newest of its number, whose row has its words.
                words = f"Order {context['messages'] - 1000 + turn} "
                taken["search"].append(_timed(view, words, functools.partial(view.fill, "#query")))
                view.close()
            browser.close()
        total = _asked(process.port, "GET", "/sandbox/messages?limit=1")["total"]
        status = pathlib.Path(f"/proc/{process.running.pid}/status").read_text(encoding="ascii")
        memory = int(status.partition("VmRSS:")[2].split()[0]) / 1024
    finally:
        process.end(hard=True)
    return (lambda times: None), lambda: {"taken": taken, "total": total, "memory": memory}


def _timed(view: Any, words: str, act: Callable[[str], object]) -> float:
    """Return the seconds from an act, or from the last key that it pressed, to a row with these words."""
    time.sleep(_PAUSE)
    view.evaluate(_SHOWN, words)
    began = time.time() * 1000
    act(words)
    shown = view.wait_for_function("() => window.__shown", timeout=_PATIENCE).json_value()
    return float(shown - (view.evaluate("window.__typed") or began)) / 1000


def _number(index: int) -> str:
    return f"9655{index:07}"


def _fill(port: int, many: int) -> None:
    """Import messages that look like the one that is there."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as line:
        line.request("GET", "/sandbox/export")
        one = json.loads(line.getresponse().read())
    for first in range(1, many, _AT_ONCE):
        lines = [json.dumps(_like(one, number)) for number in range(first, min(first + _AT_ONCE, many))]
        taken = _asked(port, "POST", "/sandbox/import", "\n".join(lines))
        same("P15: messages taken", len(lines), taken["imported"])


def _like(one: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a message with a number, a text and an id of its own."""
    to, text, name = _number(number % _NUMBERS), f"Order {number} has left the shop: code {number:06}", f"{number:032x}"
    fields = {**one["request"]["fields"], "mobile": to, "message": text}
    response = {**one["response"], "body": {**one["response"]["body"], "msg-id": name}}
    changed = {"msg-id": name, "to": [to], "text": text, "response": response}
    return {**one, **changed, "request": {**one["request"], "fields": fields}}


def _asked(port: int, method: str, path: str, body: str | None = None) -> Any:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as line:
        line.request(method, path, body, {"Content-Type": "application/jsonl"})
        return json.loads(line.getresponse().read())


def measure(bench: Bench) -> Iterator[Row]:
    if shutil.which("chromium") is None and shutil.which("chromium-browser") is None:
        report("P15: there is no chromium on this machine, so there are no rows of it")
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    context = {"port": port, "messages": _MESSAGES, "rounds": 3 if bench.quick else 5, "warm": 0}
    with bench.workers(Side("browser", "p15_inbox", "page", context=context)) as (worker,):
        found = worker.evidence
    same("P15: messages", _MESSAGES + context["rounds"] * _NEW, found["total"])
    for name, what, goal in (
        ("paint", "first paint", PAINT),
        ("search", "a search", SEARCH),
        ("new", "a new message", NEW),
    ):
        value = Value.of(found["taken"][name])
        yield _row(what, seconds(value.median), value, goal, "time")
    memory = found["memory"]
    yield _row("memory of the server", f"{memory:.0f} MiB", Value.exactly(memory), MEMORY, "memory")


def _row(what: str, ours: str, value: Value, goal: Goal, counted: str) -> Row:
    return Row("P15", f"the inbox with {_MESSAGES:,} messages: {what}", ours, _NO_PEER, "", value, goal, counted)
