"""Send a notification, and know what happened to it.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from notifykit.dsn import Dsn
    from notifykit.errors import (
        AuthFailed,
        ConfigError,
        ContentRejected,
        DestinationNotCovered,
        InvalidRecipient,
        MissingCredentials,
        NotifyError,
        NotReached,
        OutcomeUnknown,
        OutOfCredit,
        PluginError,
        ProviderUnavailable,
        RateLimited,
        Scope,
        SenderNotAllowed,
        TransportError,
        Unclassified,
    )
    from notifykit.flow.aio import AsyncNotifier
    from notifykit.flow.clock import SystemClock, VirtualClock
    from notifykit.flow.notifier import Notifier
    from notifykit.flow.retrying import RetryPolicy
    from notifykit.hookspecs import hookimpl
    from notifykit.masking import Secret
    from notifykit.models import (
        Attempt,
        Batch,
        Capabilities,
        Channel,
        Cleaned,
        Edit,
        Measurement,
        Message,
        Outcome,
        Pace,
        Plan,
        Receipt,
        Recipient,
        Rejected,
        Report,
        SkipReason,
        Submission,
        replay,
    )
    from notifykit.plugins import PluginHost
    from notifykit.protocols import BuildContext, Cleaner, Clock, Normalizer, Sink, Transport, TransportFactory
    from notifykit.settings import Settings
    from notifykit.transports.memory import MemoryTransport

__all__ = (
    # the front objects
    "Notifier",
    "AsyncNotifier",
    # what flows
    "Message",
    "Channel",
    "Recipient",
    "Rejected",
    "Cleaned",
    "Edit",
    "Measurement",
    "Plan",
    "Batch",
    "Submission",
    "Attempt",
    "Outcome",
    "SkipReason",
    "Receipt",
    "Report",
    "replay",
    # what goes wrong
    "NotifyError",
    "ConfigError",
    "MissingCredentials",
    "PluginError",
    "TransportError",
    "InvalidRecipient",
    "ContentRejected",
    "AuthFailed",
    "OutOfCredit",
    "SenderNotAllowed",
    "DestinationNotCovered",
    "RateLimited",
    "ProviderUnavailable",
    "NotReached",
    "OutcomeUnknown",
    "Unclassified",
    "Scope",
    # for plugins
    "hookimpl",
    "Normalizer",
    "Cleaner",
    "Transport",
    "TransportFactory",
    "BuildContext",
    "Capabilities",
    "Pace",
    "Sink",
    "PluginHost",
    # settings, time and stand-ins
    "Settings",
    "Dsn",
    "Secret",
    "RetryPolicy",
    "Clock",
    "SystemClock",
    "VirtualClock",
    "MemoryTransport",
    "__version__",
)

_HOMES = {
    "dsn": "Dsn",
    "errors": "AuthFailed ConfigError ContentRejected DestinationNotCovered InvalidRecipient MissingCredentials NotifyError "
    "NotReached OutcomeUnknown OutOfCredit PluginError ProviderUnavailable RateLimited Scope SenderNotAllowed TransportError "
    "Unclassified",
    "flow.aio": "AsyncNotifier",
    "flow.clock": "SystemClock VirtualClock",
    "flow.notifier": "Notifier",
    "flow.retrying": "RetryPolicy",
    "hookspecs": "hookimpl",
    "masking": "Secret",
    "models": "Attempt Batch Capabilities Channel Cleaned Edit Measurement Message Outcome Pace Plan Receipt Recipient "
    "Rejected Report SkipReason Submission replay",
    "plugins": "PluginHost",
    "protocols": "BuildContext Cleaner Clock Normalizer Sink Transport TransportFactory",
    "settings": "Settings",
    "transports.memory": "MemoryTransport",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("notifykit")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
