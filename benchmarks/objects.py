"""How a frozen model is best built by the million: ``python -m benchmarks.objects``.

The comparison that decided for :mod:`notifykit.filling`: nanoseconds for one receipt, whose nine fields are known, in the
fastest of several rounds, all in one run.
"""

from __future__ import annotations

import functools
import timeit
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import attrs

from notifykit import Outcome, Receipt, Recipient
from notifykit.models import new_receipt

_TIMES: Final = 100_000
_ROUNDS: Final = 9


def candidates() -> dict[str, Callable[..., Any]]:
    """Return the ways to build a receipt; each takes its fields in order."""
    names = [field.name for field in attrs.fields(Receipt)]
    return {
        "attrs.frozen": Receipt,
        "attrs.frozen, without slots": attrs.make_class("Loose", names, frozen=True, slots=False),
        "a named tuple": NamedTuple("Tuple", [(name, Any) for name in names]),  # type: ignore[dict-item]
        "a twin that freezes": new_receipt,
        "attrs.define, not frozen": attrs.make_class("Open", names, slots=True),
    }


def measure() -> dict[str, float]:
    """Return nanoseconds for one object of each way."""
    who, accepted = Recipient("96590000001"), Outcome.ACCEPTED
    every = (7, who, accepted, None, None, None, None, (), 1)
    positional = (7, who, accepted, None, None, None, (), 1)  # the veto is given by name only
    found = dict.fromkeys(candidates(), float("inf"))
    for _ in range(_ROUNDS):
        for name, build in candidates().items():
            fields = positional if build is Receipt else every
            taken = timeit.timeit(functools.partial(build, *fields), number=_TIMES)
            found[name] = min(found[name], taken / _TIMES * 1e9)
    return found


if __name__ == "__main__":
    costs = measure()
    for way, cost in sorted(costs.items(), key=lambda pair: pair[1]):
        print(f"{way:<28} {cost:6.0f} ns  {cost / costs['attrs.frozen']:5.2f} x")
