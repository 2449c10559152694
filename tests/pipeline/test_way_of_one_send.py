"""The way of one send, as docs/explanation/pipeline.md describes it, traced over a real connection."""

from __future__ import annotations

import json
import os
import pathlib
import re
import sys
from types import FrameType
from typing import Any, Final

import attrs
import pytest

import notifykit
from notifykit import Notifier
from tests.transports.wire import answer, scripted

ROOT: Final = pathlib.Path(notifykit.__file__).parent.parent
PAGE: Final = pathlib.Path(__file__).parents[2] / "docs" / "explanation" / "pipeline.md"
#: The most functions that one send may enter, and the most modules that they may be in.
FUNCTIONS: Final = 100
MODULES: Final = 32
#: The most functions on the stack when the request is sent, and the most modules that they may be in.
SPINE: Final = 12
SPINE_MODULES: Final = 7

_OK: Final = {
    "result": "OK",
    "msg-id": "f4c841adee210f31307633ceaebff2ec",
    "numbers": 1,
    "points-charged": 1,
    "balance-after": 180,
    "unix-timestamp": 1684763355,
}
#: The name of a function, and its file.
Step = tuple[str, str]


@attrs.define
class Trace:
    """The functions of this project that a call enters, in order."""

    #: Each function that was entered, also where a generator goes on.
    steps: list[Step] = attrs.field(factory=list)
    #: The functions on the stack when urllib3 was called.
    spine: list[Step] = attrs.field(factory=list)

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Take note of a function that is entered; comprehensions and code made by attrs are none."""
        if event != "call":
            return
        step = _step(frame)
        if step:
            self.steps.append(step)
        elif not self.spine and frame.f_code.co_name == "urlopen":
            outer: FrameType | None = frame
            while outer is not None:
                self.spine = [*filter(None, (_step(outer),)), *self.spine]
                outer = outer.f_back


def _step(frame: FrameType) -> Step | None:
    code = frame.f_code
    file = pathlib.Path(code.co_filename)
    if code.co_name.startswith("<") or not file.is_relative_to(ROOT):
        return None
    path = file.relative_to(ROOT).as_posix()
    # The test kit intercepts sends in tests, and nowhere else.
    is_ours = path.startswith("notifykit") and not path.startswith("notifykit/testing/")
    return (code.co_qualname, path) if is_ours else None


@pytest.fixture(name="trace", scope="module")
def _trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """Trace a send of a notifier over the connection of its first one: that of five which enters the fewest functions."""
    state = tmp_path_factory.mktemp("state")
    with scripted(answer(json.dumps(_OK).encode())) as wire:
        environment = {
            "KWTSMS_USERNAME": "user",
            "KWTSMS_PASSWORD": "password",
            "KWTSMS_BASE_URL": f"{wire.url}/API/",
            "KWTSMS_SENDER_ID": "SHOP",
            "KWTSMS_TEST_MODE": "0",
            "NOTIFYKIT_STATE_DIR": str(state),
        }
        with Notifier.from_settings("kwtsms://", environment=environment, directory=state) as notifier:
            assert notifier.send("96598765432", "Your code is 123456").accepted
            traces = [_traced(notifier, f"9659876543{number}", state) for number in range(3, 8)]
        assert wire.connections == 1
    # On a busy machine a request may leave late, and takes its turn again.
    return min(traces, key=lambda trace: len(set(trace.steps)))


def _traced(notifier: Notifier, number: str, state: pathlib.Path) -> Trace:
    for file in state.glob("rate-*"):
        os.truncate(file, 0)  # so that the rate limit lets it start at once
    trace, before = Trace(), sys.getprofile()
    sys.setprofile(trace)
    try:
        report = notifier.send(number, "Your code is 123456")
    finally:
        sys.setprofile(before)
    assert report.accepted
    return trace


def _blocks() -> list[list[Step]]:
    """Return the blocks of the page whose lines are a function and its file, without the indentation."""
    blocks = re.findall(r"^```text\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [[tuple(line.split()) for line in block.splitlines()] for block in blocks]
    return [[(line[0], line[1]) for line in block] for block in lines if all(len(line) == 2 for line in block)]


def test_the_page_has_the_way_of_one_send(trace: Trace) -> None:
    """Each function of its list is entered, in this order."""
    way, _ = _blocks()
    entered = iter(trace.steps)
    assert [step for step in way if step not in entered] == []


def test_the_page_has_the_way_to_the_connection(trace: Trace) -> None:
    """From the caller to urllib3, each function is on the stack once."""
    _, spine = _blocks()
    assert trace.spine == spine
    assert len(set(spine)) == len(spine) <= SPINE
    assert len({file for _, file in spine}) <= SPINE_MODULES


def test_one_send_enters_few_functions(trace: Trace) -> None:
    """A reader who follows one message meets no more than these."""
    entered = set(trace.steps)
    assert len(entered) <= FUNCTIONS, "\n".join(" ".join(step) for step in sorted(entered))
    assert len({file for _, file in entered}) <= MODULES, sorted({file for _, file in entered})


def test_every_stage_is_entered_from_its_own_line(trace: Trace) -> None:
    """In the order of ``Notifier.send``."""
    stages = ["normalize", "clean", "guard", "plan_batches", "deliver", "run", "report"]
    names = [name for name, file in trace.steps if file.startswith("notifykit/pipeline/")]
    assert [names.index(stage) for stage in stages] == sorted(names.index(stage) for stage in stages)
