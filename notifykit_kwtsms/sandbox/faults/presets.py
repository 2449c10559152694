"""Presets: whole situations that are activated by their name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from notifykit_kwtsms.sandbox.faults.catalogue import Delay, Fault

_FAULTS: Final[Mapping[str, tuple[Fault, ...]]] = {
    "Calm": (),
    "Slow evening": (Fault("slow", delay=Delay("lognormal", 0.8, 0.6)),),
    "Ramadan queue": (Fault("ERR013", endpoint="send", probability=0.5),),
    "Flaky Wi-Fi": (
        Fault("reset", probability=0.08),
        Fault("close", probability=0.06, after="accept"),
        Fault("half-body", probability=0.04, after="accept"),
        Fault("slow", probability=0.3, delay=Delay("uniform", 0.1, 1.5)),
    ),
    "Out of credit": (Fault("ERR010", endpoint="send"),),
    "Gateway down": (Fault("html-502"),),
}
#: Whole situations, by name. Each replaces the active faults.
PRESETS: Final[Mapping[str, tuple[Fault, ...]]] = {
    name: tuple(attrs.evolve(fault, times=None, preset=name) for fault in faults) for name, faults in _FAULTS.items()
}


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


_BY_PLAIN_NAME: Final = {_plain(name): faults for name, faults in PRESETS.items()}


def preset(name: str) -> tuple[Fault, ...]:
    """Return the faults of a preset; ``Flaky Wi-Fi`` and ``flaky-wifi`` name the same one."""
    if not is_preset(name):
        raise ValueError(f"no such preset: {name!r}; there are {', '.join(PRESETS)}")
    return _BY_PLAIN_NAME[_plain(name)]


def is_preset(name: str) -> bool:
    """Whether a name means a preset."""
    return _plain(name) in _BY_PLAIN_NAME
