"""Frozen models by the million.

A frozen attrs instance is filled by one call a field. An instance of a subclass that is not frozen and adds nothing is
filled by plain assignments, and then made one of the model: in a fifth of the time. ``benchmarks/objects.py`` holds the
comparison that decided.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def thawed(model: type[Any]) -> Callable[[], Any]:
    """Return what makes an instance of a frozen model with nothing in it yet, which takes assignments.

    Whoever makes one fills in every field and then assigns the model to its ``__class__``: from then on it is frozen
    like any other. Defaults, converters and validators don't run, so it is for the road, which knows what it fills in.

    :param model: a frozen attrs class with slots.
    """
    as_any_object = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")}
    made: Callable[[], Any] = type(model.__name__, (model,), {"__slots__": (), **as_any_object})
    return made
