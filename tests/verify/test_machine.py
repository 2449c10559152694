"""Any sequence of starts, checks, waits, failures and crashes: no code is accepted that must not be, and no limit is passed."""

from __future__ import annotations

import datetime
import pathlib
import tempfile
from typing import Any

import attrs
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from notifykit import (
    AuthFailed,
    Batch,
    MemoryTransport,
    Notifier,
    OutcomeUnknown,
    Settings,
    Submission,
    Verifier,
    VirtualClock,
)
from notifykit.guards.options import Limit
from notifykit.redaction import Secret
from notifykit.verify import MemoryStore, Store, VerifySettings
from tests.verify.conftest import HASH_KEY, host, wrong

PEOPLE = ("96550000001", "96550000002")
PURPOSES = ("login", "payment")
CLIENTS = ("203.0.113.9", "2001:db8::1", None)
LIFETIME, GUESSES, GUESSES_PER_DAY, DAY = 600, 5, 8, 86_400
LIMITS = {
    "per_number": (Limit(3, 3600), Limit(4, 86_400)),
    "per_prefix": (Limit(5, 3600),),
    "per_client": (Limit(4, 3600),),
    "per_country": (Limit(7, 3600),),
    "points": (Limit(6, 3600),),
}
RULES = VerifySettings(app="MYAPP", guesses_per_day=GUESSES_PER_DAY, conversion_codes=100, **LIMITS)  # type: ignore[arg-type]
HOST = host()
PAIRS = st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PURPOSES))


@attrs.define
class Known:
    """What the test knows of the code of a number for a purpose."""

    #: The code; None after one that nobody got.
    code: str | None = None
    #: When it was sent first.
    since: float = 0.0
    #: Wrong guesses since.
    guesses: int = 0
    #: Whether it was accepted.
    used: bool = False


class CodeMachine(RuleBasedStateMachine):
    """A person, an attacker and a provider that fails, against the rules written down a second time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock(datetime.datetime(2026, 3, 1, 12, 0, 7, tzinfo=datetime.UTC))
        self.transport = MemoryTransport()
        self.store = self.new_store()
        self.known = {(person, purpose): Known() for person in PEOPLE for purpose in PURPOSES}
        self.old: dict[tuple[str, str], set[str]] = {pair: set() for pair in self.known}
        #: Every message that may have left: when, to whom, for whom.
        self.left: list[tuple[float, str, str | None]] = []
        self.wrong: dict[str, list[float]] = {person: [] for person in PEOPLE}
        self.restart()

    def new_store(self) -> Store:
        """Return where the codes are kept."""
        return MemoryStore()

    def restart(self) -> None:
        """Begin a new process: nothing is remembered but what is stored."""
        self.notifier = Notifier(
            self.transport, host=HOST, clock=self.clock, settings=Settings(hash_key=Secret(HASH_KEY), sinks=())
        )
        self.verifiers = {
            purpose: Verifier(self.notifier, purpose=purpose, settings=RULES, store=self.store) for purpose in PURPOSES
        }

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    def valid(self, pair: tuple[str, str]) -> bool:
        known = self.known[pair]
        alive = known.code is not None and not known.used and known.guesses < GUESSES
        return alive and self.now < known.since + LIFETIME

    @rule(
        pair=PAIRS,
        client=st.sampled_from(CLIENTS),
        answer=st.sampled_from(["taken", "taken", "taken", "unknown", "failed", "crash"]),
        new=st.sampled_from([False, False, False, True]),
        pause=st.sampled_from([0, 30, 120]),
    )
    def start(self, pair: tuple[str, str], client: str | None, answer: str, new: bool, pause: int) -> None:
        self.clock.advance(pause)
        person, purpose = pair
        before = len(self.transport.batches)

        def die(batch: Batch) -> Submission:
            raise KeyboardInterrupt

        if answer == "unknown":
            self.transport.answer(OutcomeUnknown("The connection broke off."))
        elif answer == "failed":
            self.transport.answer(AuthFailed("The password is wrong."))
        elif answer == "crash":
            self.transport.answer(die)
        started = None
        try:
            started = self.verifiers[purpose].start(person, client=client, new=new)
        except KeyboardInterrupt:
            self.restart()
        self.transport._answers.clear()
        tried = self.transport.batches[before:]
        assert len(tried) <= 1
        if not tried:
            assert started
            assert started.status in ("wait", "blocked")
            return
        if answer == "failed":
            assert started
            assert started.status == "failed"
            return
        assert started is None or started.status == {"taken": "sent", "unknown": "unknown"}[answer]
        code = tried[0].message.text.split()[0]
        known = self.known[pair]
        if known.code is not None and self.valid(pair) and not new:
            assert code == known.code, "a resend has the same code"
            assert started is None or started.resend
        else:
            assert started is None or not started.resend
            if known.code:
                self.old[pair].add(known.code)
            self.known[pair] = Known(code, self.now)
            self.old[pair].discard(code)
        self.left.append((self.now, person, client))

    @rule(pair=PAIRS, seconds=st.sampled_from([0, 1, 29, 30, 60, 120, 299, 300]))
    def wait(self, pair: tuple[str, str], seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(pair=PAIRS, past=st.sampled_from([-1, -0.25, 0, 0.25, 1]))
    def wait_for_the_end_of_a_code(self, pair: tuple[str, str], past: float) -> None:
        self.clock.advance(self.known[pair].since + LIFETIME + past - self.now)

    @rule(hours=st.sampled_from([1, 24]))
    def wait_long(self, hours: int) -> None:
        self.clock.advance(hours * 3600 + 61 * 24)

    @rule()
    def crash(self) -> None:
        self.restart()

    def check(self, pair: tuple[str, str], typed: str) -> Any:
        person, purpose = pair
        now, known, was_valid = self.now, self.known[pair], self.valid(pair)
        checked = self.verifiers[purpose].check(person, typed)
        today = [moment for moment in self.wrong[person] if moment > now - DAY]
        if checked.ok:
            assert was_valid
            assert typed == known.code
            assert len(today) < GUESSES_PER_DAY
            known.used = True
        elif checked.reason != "too_many":
            assert len(today) < GUESSES_PER_DAY
            alive = known.code is not None and now < known.since + LIFETIME
            assert known.guesses < GUESSES or not alive, "one guess too many"
            known.guesses += 1
            self.wrong[person].append(now)
        return checked

    @rule(pair=PAIRS)
    def check_the_code(self, pair: tuple[str, str]) -> None:
        code, valid = self.known[pair].code, self.valid(pair)
        if code is not None:
            # A bucket may count a little longer than a day, never shorter: only then must the code be taken.
            longer = [moment for moment in self.wrong[pair[0]] if moment > self.now - DAY * (1 + 1 / 60)]
            checked = self.check(pair, code)
            assert checked.ok or not valid or len(longer) >= GUESSES_PER_DAY

    @rule(pair=PAIRS, times=st.integers(1, GUESSES + 1))
    def guess(self, pair: tuple[str, str], times: int) -> None:
        for _ in range(times):
            self.check(pair, wrong(self.known[pair].code or "000000"))

    @precondition(lambda self: any(self.old.values()))
    @rule(pair=PAIRS, data=st.data())
    def check_an_old_code(self, pair: tuple[str, str], data: st.DataObject) -> None:
        old = sorted(self.old[pair] - {self.known[pair].code or ""})
        if old:
            assert not self.check(pair, data.draw(st.sampled_from(old))).ok

    @rule(pair=PAIRS, other=PAIRS)
    def check_the_code_of_another(self, pair: tuple[str, str], other: tuple[str, str]) -> None:
        code = self.known[other].code
        if pair != other and code is not None and code != self.known[pair].code:
            assert not self.check(pair, code).ok

    @invariant()
    def no_limit_is_passed(self) -> None:
        """In no window that ends now: those before were looked at when they did."""
        for limit_name, limits in LIMITS.items():
            for limit in limits:
                recent = [entry for entry in self.left if entry[0] > self.now - limit.window]
                counts: dict[Any, int] = {}
                for _, person, client in recent:
                    subject = {"per_number": person, "per_prefix": person[:-3], "per_client": client}.get(
                        limit_name, ""
                    )
                    if subject is not None:
                        counts[subject] = counts.get(subject, 0) + 1
                assert max(counts.values(), default=0) <= limit.most, limit_name

    def teardown(self) -> None:
        self.store.close()


TestCodeMachine = CodeMachine.TestCase
TestCodeMachine.settings = settings(max_examples=30, stateful_step_count=50, deadline=None)


def test_the_same_machine_on_a_file() -> None:
    """With fewer sequences."""

    class FileMachine(CodeMachine):
        def new_store(self) -> Store:
            from notifykit.verify.database import DatabaseStore

            self.folder = tempfile.TemporaryDirectory()
            state = Settings(state_dir=str(pathlib.Path(self.folder.name) / "state"))
            return DatabaseStore(state)

        def teardown(self) -> None:
            super().teardown()
            self.folder.cleanup()

    run_state_machine_as_test(FileMachine, settings=settings(max_examples=10, stateful_step_count=40, deadline=None))  # type: ignore[no-untyped-call]
