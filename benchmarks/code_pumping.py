"""How much a robot that asks for one-time codes can make an application spend: ``python -m benchmarks.code_pumping``.

A robot asks for a code for each of 10,000 numbers that begin with 9655000, from 200 addresses, once an hour for a day, and
types none. The sandbox charges as the gateway does. The settings are the defaults.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import tempfile

from notifykit import Notifier, Verifier, VirtualClock
from notifykit.redaction import Secret
from notifykit.verify import VerifySettings
from notifykit.verify.database import DatabaseStore
from notifykit_kwtsms.sandbox import Rules, Sandbox

#: Points that the defaults let it cost: 20 messages an hour for each 1,000 numbers, before the prefix is held.
STATED = 200


def pump(numbers: int, addresses: int, hours: int, folder: pathlib.Path) -> tuple[float, collections.Counter[str]]:
    """Return the points that it cost, and how often each rule answered."""
    clock, answers = VirtualClock(), collections.Counter[str]()
    with Sandbox(rules=Rules(rate_limit=None), keep=1) as sandbox:
        sandbox.account.change(balance=100_000)
        notifier = Notifier.from_settings(
            environment={**sandbox.env, "KWTSMS_RATE": "4"},
            directory=folder,
            state_dir=str(folder),
            hash_key=Secret("a key for this run"),
            sinks=[],
            clock=clock,
        )
        before = sandbox.account.balance
        with (
            notifier,
            Verifier(notifier, settings=VerifySettings(), store=DatabaseStore(notifier.settings)) as verifier,
        ):
            for _ in range(hours):
                for place in range(numbers):
                    address = f"203.0.{place % addresses // 100}.{place % addresses % 100}"
                    started = verifier.start(str(96550000000 + place), client=address)
                    answers[started.rule or started.status] += 1
                clock.advance(3600)
        return before - sandbox.account.balance, answers


def main() -> None:
    """Print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=10_000)
    parser.add_argument("--addresses", type=int, default=200)
    parser.add_argument("--hours", type=int, default=24)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cost, answers = pump(chosen.numbers, chosen.addresses, chosen.hours, pathlib.Path(folder))
    print(f"{cost:g} points; at most {STATED} are stated")
    for answer, count in answers.most_common():
        print(f"{count:>8} {answer}")
    if cost > STATED:
        raise SystemExit("It costs more than is stated.")


if __name__ == "__main__":
    main()
