"""An imitation of the kwtSMS gateway on this machine, for tests, demos and development."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from notifykit.errors import ConfigError

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox.clock import Clock
    from notifykit_kwtsms.sandbox.embedded import Sandbox
    from notifykit_kwtsms.sandbox.faults.catalogue import FAULTS, Delay, Fault
    from notifykit_kwtsms.sandbox.faults.presets import PRESETS
    from notifykit_kwtsms.sandbox.gateway.rules import Rules
    from notifykit_kwtsms.sandbox.gateway.service import Gateway
    from notifykit_kwtsms.sandbox.gateway.traffic import RequestRecord
    from notifykit_kwtsms.sandbox.http.app import create_app
    from notifykit_kwtsms.sandbox.inbox.captured import CapturedMessage

__all__ = [
    "FAULTS",
    "PRESETS",
    "CapturedMessage",
    "Clock",
    "Delay",
    "Fault",
    "Gateway",
    "RequestRecord",
    "Rules",
    "Sandbox",
    "create_app",
]

_HOMES = {
    "FAULTS": "faults.catalogue",
    "PRESETS": "faults.presets",
    "CapturedMessage": "inbox.captured",
    "Clock": "clock",
    "Delay": "faults.catalogue",
    "Fault": "faults.catalogue",
    "Gateway": "gateway.service",
    "RequestRecord": "gateway.traffic",
    "Rules": "gateway.rules",
    "Sandbox": "embedded",
    "create_app": "http.app",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for, so that nobody pays for a server who doesn't use one."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "werkzeug":
            raise
        raise ConfigError('the sandbox needs Werkzeug: pip install "notifykit[sandbox]"') from error
