"""What must stay flat or linear, by counting operations: the same number on every machine, however busy it is."""

from __future__ import annotations

import collections
import concurrent.futures
import functools
import gc
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs
import pytest

from notifykit import Batch, Notifier, PluginHost, Settings, Submission, hookimpl
from notifykit.sinks.jsonl import JsonlSink
from notifykit_kwtsms.text.cleaning import clean, clean_message
from notifykit_kwtsms.text.segments import measure
from notifykit_kwtsms.transport import capabilities

TEXT: Final = "Your code for MYAPP is 123456"
#: How far from a straight line a count may be, of the count.
SLACK: Final = 0.02


class Taking:
    """Takes everything at once, in requests as large as those of kwtSMS."""

    name = "taking"
    capabilities = attrs.evolve(capabilities(), live=False)

    def __init__(self) -> None:
        self.sent = 0
        self._lock = threading.Lock()

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Take it."""
        with self._lock:
            self.sent += len(batch)
        return Submission(str(batch.number), cost=float(len(batch)), test=True)

    def close(self) -> None:
        """Do nothing."""

    def __str__(self) -> str:
        return "taking://default"


def operations(work: Callable[[], object], *, threads: bool = False) -> int:
    """Return how many functions are called, of Python and of C, while something is done."""
    lock, counted = threading.Lock(), 0

    def count(frame: Any, event: str, argument: object) -> None:
        nonlocal counted
        if event in ("call", "c_call"):
            with lock:
                counted += 1

    gc.disable()  # what it finds to clean up is not this work's
    if threads:
        threading.setprofile(count)
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        gc.enable()
    return counted


def is_straight(sizes: Sequence[int], counts: Sequence[int]) -> bool:
    """Return whether counts lie on a line over three sizes of which each is twice the one before."""
    small, middle, large = counts
    assert [size // sizes[0] for size in sizes] == [1, 2, 4]
    return abs((large - middle) - 2 * (middle - small)) <= SLACK * large


def counts(work: Callable[[int], object], sizes: Sequence[int], *, threads: bool = False) -> list[int]:
    """Return the operations of some work at each size."""
    return [operations(functools.partial(work, size), threads=threads) for size in sizes]


def crowd(size: int) -> list[str]:
    return [f"9659{number:07}" if number % 4 else f"+965 9{number:07}" for number in range(size)]


def notifier(**parts: Any) -> Notifier:
    """Return a notifier with the installed plugins, or those that a test wants."""
    return Notifier(Taking(), **parts)


@pytest.mark.parametrize("way", ["send", "stream", "plan"])
def test_each_recipient_costs_the_same(way: str) -> None:
    """400, 800 and 1600 of them."""
    sizes = (400, 800, 1600)
    with notifier() as front:

        def work(size: int) -> None:
            done = getattr(front, way)(crowd(size), TEXT)
            if way == "stream":
                collections.deque(done, maxlen=0)

        work(400)
        assert is_straight(sizes, counts(work, sizes))


def test_rejected_and_repeated_recipients_cost_the_same() -> None:
    """A bad number and a duplicate between good ones."""
    sizes = (400, 800, 1600)
    with notifier() as front:

        def work(size: int) -> None:
            list(front.stream([number for one in crowd(size) for number in (one, "965", "96590000000")], TEXT))

        work(400)
        assert is_straight(sizes, counts(work, sizes))


def test_the_first_request_needs_no_more_recipients_than_go_into_it() -> None:
    """However many are behind them."""
    taken = 0

    def people() -> Iterator[str]:
        nonlocal taken
        for taken, number in enumerate(crowd(5_000), 1):  # noqa: B007 - how many were taken is what counts
            yield number

    with notifier() as front:
        receipts = front.stream(people(), TEXT)
        next(receipts)
        assert taken <= capabilities().batch_size + 1
        del receipts


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param("plain words ", id="ASCII"),
        pytest.param("رمز التحقق ١٢٣ ", id="Arabic"),
        pytest.param("<b>bold</b> 🎉👍🏽 \u200b’ ", id="mixed"),
        pytest.param("<", id="less-than"),
        pytest.param("<a<b>>", id="nested"),
        pytest.param("e\u0301\u0302", id="marks"),
        pytest.param("👨\u200d", id="joined"),
    ],
)
@pytest.mark.parametrize("done", [clean, clean_message, measure])
def test_each_character_costs_the_same(piece: str, done: Callable[[str], object]) -> None:
    """Cleaning with its edits, without them, and measuring: at most as many operations more as there are characters."""
    texts = [piece * (size // len(piece)) for size in (2_000, 4_000, 8_000)]
    done(texts[0])
    small, middle, large = (operations(functools.partial(done, text)) for text in texts)
    assert large - middle <= 2 * (middle - small) * (1 + SLACK) + 20


_INSIDE: Final = """\
import sys
from notifykit import Channel
from notifykit.cleaners.unicode import UnicodeCleaner
from notifykit_kwtsms.text.cleaning import CLEANERS
from notifykit_kwtsms.text.segments import measure

pieces = ("<", "<a", "</", "<b>", "e\\u0301", "a\\u200b", "\\U0001f468\\u200d", "\\U0001f1f0", "\\u0663", "\\ud83d")
for size in (30, int(sys.argv[1])):  # the short ones make what is made once
    texts = [piece * (size // len(piece)) for piece in pieces]
    texts += [text + ">" for text in texts] + ["a" + "\\u0301" * size, "<b" * (size // 3) + ">" * (size // 3)]
    for text in texts:
        for cleaner in (UnicodeCleaner(), *CLEANERS):
            text = cleaner.clean(text, Channel.SMS).text
        measure(text)
"""


@pytest.mark.slow
def test_patterns_do_not_look_back_over_a_hostile_text() -> None:
    """What a pattern does inside is no function call: its instructions are counted, for one length and for twice it."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        pytest.skip("there is no valgrind on this machine to count instructions with")

    paths = os.pathsep.join(filter(None, sys.path))
    variables = {"PYTHONHASHSEED": "0", "PYTHONPATH": paths, "PATH": os.environ.get("PATH", os.defpath)}

    def said(size: int, *program: str) -> str:
        command = [*program, sys.executable, "-c", _INSIDE, str(size)]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env=variables).stderr

    def instructions(size: int) -> int:
        counted = said(size, valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null")
        return int(counted.rpartition("Collected : ")[2].split()[0])

    said(30)  # modules are compiled now, and not in one of the runs that are compared
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        nothing, once, twice = pool.map(instructions, (30, 2_000, 4_000))
    assert twice - nothing <= 2.2 * (once - nothing)


def test_plugins_cost_a_send_nothing() -> None:
    """Hooks are called while a notifier is made, and a send makes none however many plugins there are."""

    class Silent:
        @hookimpl
        def notifykit_sinks(self, settings: Settings) -> list[Any]:
            return []

    def counted(plugins: int) -> tuple[int, int]:
        def host() -> PluginHost:
            made = PluginHost(entry_points=False)
            for number in range(plugins):
                made.register(Silent(), f"silent-{number}")
            return made

        made = operations(lambda: host().registry(Settings()))
        with notifier(host=host()) as front:
            list(front.stream(crowd(200), TEXT))
            return made, operations(lambda: list(front.stream(crowd(200), TEXT)))

    counted(0)
    reported = [counted(plugins) for plugins in (10, 20, 40)]
    assert len({sending for _, sending in reported}) == 1
    # pluggy compares each plugin with all others: that is little beside what a plugin costs, and stays so.
    few, some, many = (making for making, _ in reported)
    assert many - some <= 1.15 * 2 * (some - few)


def test_each_sink_costs_the_same() -> None:
    """Whether it is the second or the eighth."""

    class Counting:
        background = False  # a thread that waits for another one counts more or less

        def __init__(self, number: int) -> None:
            self.name = f"counting-{number}"

        def handle(self, event: object) -> None:
            """Ignore it."""

    def counted(sinks: int) -> int:
        with notifier(
            host=PluginHost(entry_points=False), sinks=[Counting(number) for number in range(sinks)]
        ) as front:
            list(front.stream(crowd(1), TEXT))
            return operations(lambda: list(front.stream(crowd(1), TEXT)))

    assert is_straight((2, 4, 8), [counted(sinks) for sinks in (2, 4, 8)])


def test_each_row_of_the_log_costs_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A row for each recipient."""
    sizes = (200, 400, 800)
    file = tmp_path_factory.mktemp("log") / "sends.jsonl"
    sink = JsonlSink(file)
    with notifier(sinks=[sink]) as front:

        def work(size: int) -> None:
            list(front.stream(crowd(size), TEXT))

        work(200)
        assert is_straight(sizes, counts(work, sizes))
    sink.close()
    assert file.read_bytes().count(b'"attempt_finished"') == 200 + sum(sizes)


def test_threads_cost_a_send_nothing() -> None:
    """Each of one, two and four threads does for its sends what one thread alone does."""
    with notifier() as front:

        def sends() -> None:
            for _ in range(10):
                front.send("96598000123", TEXT)

        def together(count: int) -> None:
            threads = [threading.Thread(target=sends) for _ in range(count)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        sends()
        called = counts(together, (2, 4, 8), threads=True)
        assert isinstance(front.transport, Taking)
        assert front.transport.sent == 10 * (1 + 2 + 4 + 8)
        assert is_straight((2, 4, 8), called)


def test_the_counting_counts() -> None:
    """A quadratic loop is not straight, so that these tests could fail."""

    def pairs(size: int) -> int:
        return sum(abs(one - other) for one in range(size) for other in range(size))

    def alone(size: int) -> int:
        return sum(map(abs, range(size)))

    sizes = (20, 40, 80)
    assert not is_straight(sizes, counts(pairs, sizes))
    assert is_straight(sizes, counts(alone, sizes))
