"""Faults that wait for their request, and the presets."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from notifykit_kwtsms.sandbox import FAULTS, PRESETS, Clock, Delay, Fault
from notifykit_kwtsms.sandbox.faults.active import ActiveFaults
from notifykit_kwtsms.sandbox.faults.catalogue import Firing, Point
from notifykit_kwtsms.sandbox.faults.presets import preset

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox import Sandbox
    from tests.sandbox.conftest import Client

KUWAIT, OTHER = "96598765432", "96599999999"


@pytest.fixture
def clock() -> Clock:
    """A clock to advance."""
    return Clock()


@pytest.fixture
def faults(clock: Clock) -> ActiveFaults:
    """No fault is active yet."""
    return ActiveFaults(clock, random.Random(1))


def _fired(faults: ActiveFaults, count: int, endpoint: str = "send", number: str = KUWAIT) -> list[bool]:
    return [faults.fire(endpoint, [number]) is not None for _ in range(count)]


def test_a_fault_fires_once_by_default(faults: ActiveFaults) -> None:
    """Like a trap: it must be set again."""
    faults.add(Fault("reset"))
    assert _fired(faults, 3) == [True, False, False]
    assert faults.active() == ()


def test_a_fault_without_an_end_fires_until_it_is_cleared(faults: ActiveFaults) -> None:
    """Where times is None."""
    faults.add(Fault("reset", times=None))
    assert all(_fired(faults, 5))
    faults.clear()
    assert not any(_fired(faults, 1))


def test_skip_lets_the_first_ones_pass(faults: ActiveFaults) -> None:
    """Then it fires as often as it may."""
    faults.add(Fault("reset", skip=2, times=2))
    assert _fired(faults, 5) == [False, False, True, True, False]


def test_nth_fires_on_that_one_only(faults: ActiveFaults) -> None:
    """Counted from 1."""
    faults.add(Fault("reset", nth=3))
    assert _fired(faults, 4) == [False, False, True, False]


def test_only_matching_requests_count(faults: ActiveFaults) -> None:
    """Endpoint and a glob over the numbers."""
    faults.add(Fault("reset", endpoint="send", to="9659876*", nth=2))
    assert not any(_fired(faults, 2, "balance"))
    assert not any(_fired(faults, 2, number=OTHER))
    assert _fired(faults, 2) == [False, True]


def test_a_fault_heals_by_itself(faults: ActiveFaults, clock: Clock) -> None:
    """Its time to live is virtual."""
    faults.add(Fault("reset", times=None, ttl=60))
    assert _fired(faults, 1) == [True]
    clock.advance(60)
    assert _fired(faults, 1) == [False]


def test_a_seed_makes_every_run_the_same(faults: ActiveFaults) -> None:
    """Roughly as often as the probability says, and twice in the same order."""
    runs = []
    for _ in range(2):
        faults.replace(Fault("reset", times=None, probability=0.3, seed=7))
        runs.append(_fired(faults, 200))
    assert runs[0] == runs[1]
    assert 35 < sum(runs[0]) < 85


def test_the_first_that_fires_wins_and_all_count(faults: ActiveFaults) -> None:
    """A second fault for the second request needs no care for the first."""
    faults.add(Fault("reset"), Fault("close", nth=2))
    does = [faults.fire("send", [KUWAIT]) for _ in range(3)]
    assert [firing.do if firing else None for firing in does] == ["reset", "close", None]


def test_an_active_fault_has_its_counters(faults: ActiveFaults, clock: Clock) -> None:
    """Seen, fired and the time left."""
    faults.add(Fault("reset", times=2, skip=1, ttl=60))
    _fired(faults, 2)
    clock.advance(10)
    (active,) = faults.active()
    assert (active.seen, active.fired) == (2, 1)
    assert active.expires_in == pytest.approx(50, abs=1)
    faults.clear(active.id)
    assert faults.active() == ()


def test_a_firing_takes_the_kinds_own_point_and_delay(faults: ActiveFaults) -> None:
    """What is missing is the default of the catalogue."""
    faults.add(Fault("hang"), Fault("hang", after="accept", delay=0.5), Fault("ERR013"))
    assert [faults.fire("send", []) for _ in range(3)] == [
        Firing("hang", Point.RECEIVE, 30.0, "armed"),
        Firing("hang", Point.ACCEPT, 0.5, "armed"),
        Firing("ERR013", Point.RECEIVE, 0.0, "armed"),
    ]


@pytest.mark.parametrize(
    ("delay", "low", "high"),
    [(0.2, 0.2, 0.2), ({"uniform": [0.1, 0.3]}, 0.1, 0.3), ({"lognormal": [0.2, 0.5]}, 0.01, 4.0), (None, None, None)],
)
def test_delays_are_fixed_or_drawn(delay: Any, low: float | None, high: float | None) -> None:
    """Three forms, and none."""
    read = Fault("slow", delay=delay).delay
    if low is None or high is None:
        assert read is None
    else:
        assert read is not None
        assert all(low <= read.draw(random.Random(seed)) <= high for seed in range(50))


@pytest.mark.parametrize(
    "wrong",
    [
        {"do": "explode"},
        {"do": "ERR13"},
        {"do": "reset", "endpoint": "report"},
        {"do": "dribble", "after": "receive"},
        {"do": "ERR013", "after": "accept"},
        {"do": "reset", "after": "lunch"},
        {"do": "reset", "nth": 0},
        {"do": "reset", "times": 0},
        {"do": "reset", "skip": -1},
        {"do": "reset", "probability": 1.5},
        {"do": "reset", "ttl": 0},
        {"do": "reset", "delay": -1},
        {"do": "reset", "delay": 1e9},
        {"do": "reset", "delay": {"gauss": [1, 2]}},
        {"do": "reset", "delay": "soon"},
        {"do": "reset", "colour": "red"},
        {"do": "reset", "match": {"number": 1}},
        {"do": "reset", "match": 3},
        {"do": "reset", "probability": "often"},
        {},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """With a sentence, in the JSON form as in Python."""
    with pytest.raises(ValueError, match=r"."):
        Fault.from_json(wrong)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset"),
        Fault("hang", "send", "9659*", 2, None, 0.5, 7, 1, Delay("uniform", 0.1, 0.2), "accept", 60.0),
        Fault("ERR013", delay=0.5),
    ],
)
def test_the_json_form_reads_back(fault: Fault) -> None:
    """What is shown can be sent."""
    assert Fault.from_json(fault.to_json()) == fault


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_named_in_any_spelling(name: str) -> None:
    """Flaky Wi-Fi is flaky-wifi is FLAKY WIFI."""
    assert preset(name.casefold().replace(" ", "-")) == preset(name.upper()) == PRESETS[name]


def test_the_six_presets_are_there() -> None:
    """And a seventh is refused."""
    names = ["Calm", "Slow evening", "Ramadan queue", "Flaky Wi-Fi", "Out of credit", "Gateway down"]
    assert list(PRESETS) == names
    with pytest.raises(ValueError, match="Calm"):
        preset("storm")


def test_a_preset_replaces_the_active_faults(client: Client, sandbox: Sandbox) -> None:
    """And Calm ends it."""
    sandbox.chaos("html-504")
    sandbox.chaos("gateway down")
    assert [client("balance").status for _ in range(3)] == [502] * 3
    sandbox.chaos("Calm")
    assert client("balance").status == 200


def test_out_of_credit_and_a_full_queue_are_the_gateways_own_answers(client: Client, sandbox: Sandbox) -> None:
    """Sends fail, the balance can still be asked for."""
    sandbox.chaos("Out of credit")
    assert (client.send(KUWAIT).code, client("balance").status) == ("ERR010", 200)
    sandbox.chaos("Ramadan queue")
    codes = [client.send(KUWAIT).code for _ in range(30)]
    assert set(codes) == {"ERR013", None}


def test_an_active_fault_hits_the_number_it_is_for(client: Client, sandbox: Sandbox) -> None:
    """Through the whole stack: after acceptance, then never again."""
    sandbox.chaos("reset", to="9659999*", after="accept")
    assert client.send(KUWAIT).status == 200
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.send(f"{KUWAIT},{OTHER}")
    assert client.send(OTHER).status == 200
    assert sandbox.accepted(OTHER) == 2
    assert sandbox.messages[1].fault == "reset after accept (armed)"
    assert sandbox.faults == ()


def test_calm_disarms(client: Client, sandbox: Sandbox) -> None:
    """Before it fired."""
    sandbox.chaos(Fault(FAULTS[0]))
    sandbox.calm()
    assert client("balance").status == 200
