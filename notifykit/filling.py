"""Frozen models by the million.

A frozen attrs instance is filled by one call a field; its unfrozen twin, with the same slots, by plain assignments, in
a third of the time. ``benchmarks/objects.py`` holds the comparison that decided.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs


def filler(model: type[Any]) -> Callable[..., Any]:
    """Return what builds instances of a frozen model from all of its fields, by position and in their order.

    It fills an instance of a twin and makes that one of the model: from then on it is frozen like any other. Converters
    and validators don't run, so it is for the road, which knows what it fills in.

    :param model: a frozen attrs class with slots, without one for weak references: those stand in the way of a twin.
    """

    def freeze(self: Any) -> None:
        self.__class__ = model

    twin: Callable[..., Any] = attrs.make_class(
        model.__name__,
        [field.name for field in attrs.fields(model)],
        class_body={"__attrs_post_init__": freeze},
        slots=True,
        weakref_slot=False,
        eq=False,
        repr=False,
    )
    return twin
