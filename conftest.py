"""README and documentation are tests: their Python runs, against the sandbox where they send."""

from __future__ import annotations

import gc
import os
import pathlib
import tempfile
from collections.abc import Generator, Iterator

import pytest
from sybil import Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from notifykit_kwtsms.sandbox import Rules, Sandbox

#: Files that take longest, most of them because they start processes: they begin first, so that no worker is left with
#: one of them at the end.
_FIRST = (
    "test_pytest_plugin.py",
    "test_submit.py",
    "test_example_projects.py",
    "test_durable_send.py",
    "test_live_sends.py",
    "test_scaffold.py",
    "test_first_plugin.py",
    "test_third_party.py",
    "test_jobs.py",
    "test_authors.py",
    "test_demo.py",
    "test_output.py",
)


@pytest.fixture(scope="module", name="gateway")
def _gateway() -> Iterator[None]:
    """Set up a shell: an empty folder, and the environment that a sandbox prints to paste."""
    kept, folder = dict(os.environ), pathlib.Path.cwd()
    with Sandbox(rules=Rules(rate_limit=None)) as sandbox, tempfile.TemporaryDirectory() as empty:
        os.environ |= {**sandbox.env, "NOTIFYKIT_STATE_DIR": f"{empty}/state", "KWTSMS_RATE": "4"}
        os.chdir(empty)
        try:
            yield
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ |= kept


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many tests run at once: they wait for servers and processes as long as they count."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_finish() -> None:
    """Leave thousands of tests and their modules, which live to the end, out of every garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """Keep the blocks of a page in order, and begin with what takes longest, whatever shuffles the tests."""
    yield
    items.sort(key=lambda item: _FIRST.index(item.path.name) if item.path.name in _FIRST else len(_FIRST))
    places = [index for index, item in enumerate(items) if isinstance(item, SybilItem)]
    blocks = sorted((items[index] for index in places), key=lambda item: (item.path, item.example.line))
    for index, block in zip(places, blocks, strict=True):
        items[index] = block


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["*.md"],
    fixtures=["gateway"],
).pytest()
