"""What the models cost of which a send has one for each recipient: ``python -m benchmarks.objects``.

It compares plain forms of a recipient and of a receipt: with its nine fields, or with a result that all recipients of a
batch shares. A shared result makes a receipt cheaper to build and dearer to read. Over a million recipients (P7) that
saves 7 %, too little for a receipt that is harder to make, to change and to look at. For each form it prints the
nanoseconds for one object, in the fastest of several rounds, and the bytes that one keeps, fields not counted.
"""

from __future__ import annotations

import functools
import timeit
import tracemalloc
from typing import Any, Final, NamedTuple

import attrs

from notifykit import Channel, Outcome, Receipt, Recipient

_TIMES: Final = 100_000
_ROUNDS: Final = 9
_RECIPIENT: Final = Recipient("96590000001", country="KW")
#: What the forms are made from.
_VALUES: Final = {"sms": Channel.SMS, "address": "96590000001", "who": _RECIPIENT, "accepted": Outcome.ACCEPTED}
_FIVE: Final = [field.name for field in attrs.fields(Recipient)]
_NINE: Final = [field.name for field in attrs.fields(Receipt)]
_PERSON: Final = "make(address, sms, 'KW', None, address)"
_made: Final = functools.partial(attrs.make_class, slots=True, weakref_slot=False)


def forms() -> dict[str, tuple[type[Any], str]]:
    """Return the forms by name: the class, and the call of it."""
    receipt = "make(7, who, accepted, None, None, None, None, (), 1)"
    return {
        "a recipient: as it is": (Recipient, "make(address, sms, 'KW', raw=address)"),
        "a recipient: frozen, without keywords": (_made("R", _FIVE, frozen=True), _PERSON),
        "a recipient: frozen, without slots": (attrs.make_class("R", _FIVE, frozen=True, slots=False), _PERSON),
        "a recipient: a named tuple": (NamedTuple("R", [(name, Any) for name in _FIVE]), _PERSON),  # type: ignore[dict-item]
        "a recipient: not frozen": (_made("R", _FIVE), _PERSON),
        "a receipt: as it is": (Receipt, "make(7, who, accepted, None, None, None, (), 1)"),
        "a receipt: frozen, without slots": (attrs.make_class("R", _NINE, frozen=True, slots=False), receipt),
        "a receipt: frozen, with a shared result": (
            _made("R", ["position", "recipient", "result"], frozen=True),
            "make(7, who, accepted)",
        ),
    }


def nanoseconds() -> dict[str, float]:
    """Return the time for one object of each form."""
    found = dict.fromkeys(forms(), float("inf"))
    for _ in range(_ROUNDS):
        for name, (make, call) in forms().items():
            taken = timeit.timeit(call, number=_TIMES, globals={**_VALUES, "make": make})
            found[name] = min(found[name], taken / _TIMES * 1e9)
    return found


def size(make: type[Any], call: str) -> float:
    """Return the bytes that one object keeps."""
    one = eval(f"lambda: {call}", {**_VALUES, "make": make})
    kept: list[Any] = [None] * _TIMES
    tracemalloc.start()
    for place in range(_TIMES):
        kept[place] = one()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / _TIMES


if __name__ == "__main__":
    costs = nanoseconds()
    for form, how in forms().items():
        print(f"{form:<42}{costs[form]:6.0f} ns {size(*how):5.0f} bytes")
