"""Loaded by the interpreter of a worker whose clock is wrong: its time of day jumps by up to an hour, either way."""

import os
import random
import time

_real = time.time
_dice = random.Random(f"{os.environ.get('CRASH_CLOCK_SEED', '0')}-{os.getpid()}")
_state = {"until": 0.0, "shift": 0.0}


def _shifted():
    now = time.monotonic()
    if now > _state["until"]:
        _state["until"] = now + _dice.uniform(1.0, 5.0)
        _state["shift"] = _dice.choice((-3600.0, 0.0, 3600.0, _dice.uniform(-3600.0, 3600.0)))
    return _real() + _state["shift"]


time.time = _shifted
