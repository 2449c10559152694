"""How a frozen model is best built by the million: ``python -m benchmarks.objects``.

The comparison that decided for :mod:`notifykit.filling`: nanoseconds for one recipient, whose five fields are known, in
the fastest of several rounds, all in one run.
"""

from __future__ import annotations

import functools
import timeit
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import attrs

from notifykit import Channel, Recipient
from notifykit.models import new_recipient

_TIMES: Final = 100_000
_ROUNDS: Final = 9
_NAMES: Final = [field.name for field in attrs.fields(Recipient)]
_FIELDS: Final = ("96590000001", Channel.SMS, "KW", None, "96590000001")


def by_class(address: str, channel: Channel, country: str, language: None, raw: str) -> Recipient:
    """Call the class, which fills the fields through ``object.__setattr__``."""
    return Recipient(address, channel, country, language=language, raw=raw)


def by_descriptors() -> Callable[..., Any]:
    """Fill an empty instance through the descriptors of its slots."""
    empty = functools.partial(object.__new__, Recipient)
    set_address, set_channel, set_country, set_language, set_raw = (getattr(Recipient, name).__set__ for name in _NAMES)

    def new(address: str, channel: Channel, country: str, language: None, raw: str) -> Recipient:
        made: Recipient = empty()
        set_address(made, address)
        set_channel(made, channel)
        set_country(made, country)
        set_language(made, language)
        set_raw(made, raw)
        return made

    return new


def by_twin() -> Callable[..., Any]:
    """Let the ``__init__`` of an unfrozen class with the same slots fill them, and change the class then."""

    def freeze(self: Any) -> None:
        self.__class__ = Recipient

    return attrs.make_class(
        "Recipient", _NAMES, class_body={"__attrs_post_init__": freeze}, slots=True, weakref_slot=False
    )


def candidates() -> dict[str, Callable[..., Any]]:
    """Return the ways to build a recipient; each takes its fields in order."""
    return {
        "attrs.frozen": by_class,
        "attrs.frozen, without slots": attrs.make_class("Loose", _NAMES, frozen=True, slots=False),
        "a named tuple": NamedTuple("Tuple", [(name, Any) for name in _NAMES]),  # type: ignore[dict-item]
        "its slots' descriptors": by_descriptors(),
        "a twin that freezes": by_twin(),
        "thawed, filled, frozen": new_recipient,
        "attrs.define, not frozen": attrs.make_class("Open", _NAMES, slots=True),
    }


def measure() -> dict[str, float]:
    """Return nanoseconds for one object of each way."""
    ways = candidates()
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(_ROUNDS):
        for name, build in ways.items():
            taken = timeit.timeit(
                "build(a, b, c, d, e)", number=_TIMES, globals=dict(zip("abcde", _FIELDS, strict=True), build=build)
            )
            found[name] = min(found[name], taken / _TIMES * 1e9)
    return found


if __name__ == "__main__":
    costs = measure()
    for way, cost in sorted(costs.items(), key=lambda pair: pair[1]):
        print(f"{way:<28} {cost:6.0f} ns  {cost / costs['attrs.frozen']:5.2f} x")
