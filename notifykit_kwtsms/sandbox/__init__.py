"""An imitation of the kwtSMS gateway on this machine, for tests, demos and development."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifykit_kwtsms.sandbox.clock import Clock as Clock
    from notifykit_kwtsms.sandbox.embedded import Sandbox as Sandbox
    from notifykit_kwtsms.sandbox.faults.catalogue import FAULTS as FAULTS, Delay as Delay, Fault as Fault
    from notifykit_kwtsms.sandbox.faults.presets import PRESETS as PRESETS
    from notifykit_kwtsms.sandbox.gateway.requests import RequestRecord as RequestRecord
    from notifykit_kwtsms.sandbox.gateway.rules import Rules as Rules
    from notifykit_kwtsms.sandbox.gateway.service import Gateway as Gateway
    from notifykit_kwtsms.sandbox.http.app import create_app as create_app
    from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage as CapturedMessage
else:
    from notifykit.errors import ConfigError
    from notifykit.imports import lazy_attributes

    _load, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "clock": "Clock",
            "embedded": "Sandbox",
            "faults.catalogue": "Delay FAULTS Fault",
            "faults.presets": "PRESETS",
            "gateway.rules": "Rules",
            "gateway.service": "Gateway",
            "gateway.requests": "RequestRecord",
            "http.app": "create_app",
            "inbox.message": "CapturedMessage",
        },
    )

    def __getattr__(name: str) -> object:
        try:
            return _load(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "werkzeug":
                raise
            raise ConfigError('the sandbox needs Werkzeug: pip install "notifykit[sandbox]"') from error
