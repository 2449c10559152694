"""Send a notification, and know what happened to it.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for typing's, whose import costs more than this whole package
if TYPE_CHECKING:
    from typing import Any

    from notifykit.deliveries import Delivery, DeliveryReport, DeliveryState
    from notifykit.dsn import Dsn
    from notifykit.errors import (
        AuthFailed,
        ConfigError,
        ContentRejected,
        DestinationNotCovered,
        Exhausted,
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
    from notifykit.jobs import JobState, Progress, Settlement
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
        Veto,
        replay,
    )
    from notifykit.plugins import PluginHost
    from notifykit.protocols import (
        Book,
        BuildContext,
        Cleaner,
        Clock,
        Guard,
        Normalizer,
        Parcel,
        Sink,
        Transport,
        TransportFactory,
    )
    from notifykit.settings import Settings
    from notifykit.templates import BadValues, OverBudget, Template, TemplateError
    from notifykit.transports.composites.failover import Failover
    from notifykit.transports.composites.fanout import FanOut
    from notifykit.transports.composites.rotation import RoundRobin, Weighted
    from notifykit.transports.composites.route import Route
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
    "Veto",
    "Receipt",
    "Report",
    "replay",
    "Template",
    # what is heard later
    "Delivery",
    "DeliveryState",
    "DeliveryReport",
    # what goes wrong
    "NotifyError",
    "ConfigError",
    "MissingCredentials",
    "PluginError",
    "TemplateError",
    "BadValues",
    "OverBudget",
    "TransportError",
    "InvalidRecipient",
    "ContentRejected",
    "AuthFailed",
    "OutOfCredit",
    "SenderNotAllowed",
    "DestinationNotCovered",
    "Exhausted",
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
    "Guard",
    "Parcel",
    "Book",
    "Transport",
    "TransportFactory",
    "BuildContext",
    "Capabilities",
    "Pace",
    "Sink",
    "PluginHost",
    # transports made of others
    "Failover",
    "RoundRobin",
    "Weighted",
    "Route",
    "FanOut",
    # sends that are kept on disk
    "JobState",
    "Progress",
    "Settlement",
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
    "abilities": "Capabilities Measurement",
    "deliveries": "Delivery DeliveryReport DeliveryState",
    "dsn": "Dsn",
    "edits": "Cleaned Edit replay",
    "errors": "AuthFailed ConfigError ContentRejected DestinationNotCovered Exhausted InvalidRecipient MissingCredentials NotifyError "
    "NotReached OutcomeUnknown OutOfCredit PluginError ProviderUnavailable RateLimited Scope SenderNotAllowed TransportError "
    "Unclassified",
    "flow.aio": "AsyncNotifier",
    "flow.clock": "SystemClock VirtualClock",
    "flow.notifier": "Notifier",
    "flow.retrying": "RetryPolicy",
    "hookspecs": "hookimpl",
    "jobs": "JobState Progress Settlement",
    "letters": "Channel Message Recipient Rejected",
    "masking": "Secret",
    "models": "Attempt Batch Outcome Plan Receipt Report SkipReason Submission Veto",
    "pace": "Pace",
    "plugins": "PluginHost",
    "protocols": "Book BuildContext Cleaner Clock Guard Normalizer Parcel Sink Transport TransportFactory",
    "settings": "Settings",
    "templates": "BadValues OverBudget Template TemplateError",
    "transports.composites.failover": "Failover",
    "transports.composites.fanout": "FanOut",
    "transports.composites.rotation": "RoundRobin Weighted",
    "transports.composites.route": "Route",
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
