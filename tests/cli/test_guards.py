"""Guards on the command line: who is held back, in words, in ``--json`` and in exit codes."""

from __future__ import annotations

import json
import pathlib

import pytest

from tests.cli.conftest import Run

SETTINGS = """
transport = "memory://default?like=kwtsms"
environment = "staging"

[guard]
allow = ["9655000*"]
"""
ALLOWED, OTHER = "96550000001", "96560000001"


@pytest.fixture(name="set_up", autouse=True)
def _set_up():
    def write(more: str = "", settings: str = SETTINGS) -> None:
        pathlib.Path("notifykit.toml").write_text(f"{settings}{more}\n", encoding="utf-8")

    write()
    return write


def test_a_dry_run_says_who_would_be_held_back_and_what_to_do(run: Run):
    """In words, with an exit code for "partly"."""
    answer = run("send", ALLOWED, OTHER, "Hello", "--dry-run")
    assert answer.code == 3
    assert "would send  1 recipient" in answer.out
    assert "held back   1 recipient by environment: This is staging" in answer.out
    assert "NOTIFYKIT_GUARD_ALLOW" in answer.out


def test_the_plan_has_the_vetoes_as_json(run: Run):
    """Each reason once, with how many recipients it is about."""
    answer = run("send", ALLOWED, OTHER, "96560000002", "Hello", "--dry-run", "--json")
    assert answer.data["held_back"] == 2
    ((veto),) = answer.data["vetoes"]
    assert (veto["guard"], veto["recipients"], veto["retry_after"]) == ("environment", 2, None)


def test_a_long_dry_run_counts_a_cap_once(run: Run, set_up):
    """Over all the pieces that the list is looked at in."""
    set_up('volume_cap = "70/1h"\n')
    pathlib.Path("people.txt").write_text("\n".join(f"9655000{n:04d}" for n in range(6000)), encoding="utf-8")
    answer = run("send", "--to-file", "people.txt", "Hello", "--dry-run", "--json")
    assert (answer.data["recipients"], answer.data["held_back"], answer.data["cost"]) == (70, 5930, 70)


def test_a_send_says_who_was_held_back_and_when_it_would_pass(run: Run, set_up):
    """And exits as where nothing was accepted."""
    set_up('cool_down = "1h"\n')
    assert run("send", ALLOWED, "Hello").code == 0
    answer = run("send", ALLOWED, "Hello again")
    assert answer.code == 1
    assert "held back by cool_down: The recipient was sent a message less than 1 hour ago." in answer.out
    assert "It would pass in 60 min." in answer.out
    document = run("send", ALLOWED, "Hello again", "--json")
    (receipt,) = document.data["receipts"]
    assert receipt["veto"]["guard"] == "cool_down"
    assert 3500 < receipt["retry_after"] <= 3600


def test_a_spend_cap_exits_with_the_code_of_the_cost_limit(run: Run, set_up):
    """As ``--max-cost`` does, whether it is a plan or a send; where some pass, it is partly."""
    set_up('spend_cap = "0.5/1h"\n')
    assert run("send", ALLOWED, "Hello", "--dry-run").code == 7
    assert run("send", ALLOWED, "Hello").code == 7
    set_up('spend_cap = "1/1h"\n')
    assert run("send", ALLOWED, "96550000002", "Hello").code == 3


def test_guards_are_listed_and_can_be_switched_off_for_one_command(run: Run, set_up):
    """By their names, with their settings."""
    set_up('cool_down = ["15s", "otp=60s"]\n')
    brought = {info["name"]: info["brings"] for info in json.loads(run("plugins", "--json").out)["data"]}
    assert brought["environment"] == ["guard:environment"]
    assert (brought["cool_down"], brought["quiet_hours"]) == (["guard:cool_down"], [])
    assert run("config", "get", "guard.cool_down").out.strip() == "15s, otp=60s"
    assert run("config", "get", "guard.cool_down", "--json").data["value"] == ["15s", "otp=60s"]
    assert "NOTIFYKIT_GUARD_SPEND_CAP" in run("help", "environment").out
    run("send", ALLOWED, "Hello")
    assert run("send", ALLOWED, "Hello").code == 1
    assert run("-p", "no:cool_down", "send", ALLOWED, "Hello").code == 0


@pytest.mark.parametrize("command", [("preview", "Hello", "--to", OTHER), ("validate", OTHER), ("explain", OTHER)])
def test_commands_that_send_nothing_hold_no_message_back(run: Run, command):
    """They are about texts and numbers."""
    assert run(*command).code == 0


def test_a_slip_for_production_is_said_and_nothing_is_sent(run: Run, set_up):
    """With the exit code of settings that can't be used."""
    set_up(settings=SETTINGS.replace("staging", "prodution"))
    answer = run("send", OTHER, "Hello")
    assert answer.code == 2
    assert "looks like production" in answer.err
