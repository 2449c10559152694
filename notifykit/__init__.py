"""Send a notification, and know what happened to it.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for typing's, whose import takes longer than all of this
if TYPE_CHECKING:
    from notifykit.deliveries import (
        Delivery as Delivery,
        DeliveryReport as DeliveryReport,
        DeliveryState as DeliveryState,
    )
    from notifykit.dsn import Dsn as Dsn
    from notifykit.errors import (
        AuthFailed as AuthFailed,
        ConfigError as ConfigError,
        ContentRejected as ContentRejected,
        DestinationNotCovered as DestinationNotCovered,
        Exhausted as Exhausted,
        InvalidRecipient as InvalidRecipient,
        MissingCredentials as MissingCredentials,
        NotifyError as NotifyError,
        NotReached as NotReached,
        OutcomeUnknown as OutcomeUnknown,
        OutOfCredit as OutOfCredit,
        PluginError as PluginError,
        ProviderUnavailable as ProviderUnavailable,
        RateLimited as RateLimited,
        Scope as Scope,
        SenderNotAllowed as SenderNotAllowed,
        TransportError as TransportError,
        Unclassified as Unclassified,
    )
    from notifykit.flow.aio import AsyncNotifier as AsyncNotifier
    from notifykit.flow.clock import SystemClock as SystemClock, VirtualClock as VirtualClock
    from notifykit.flow.notifier import Notifier as Notifier
    from notifykit.flow.retrying import RetryPolicy as RetryPolicy
    from notifykit.hookspecs import hookimpl as hookimpl
    from notifykit.jobs import JobState as JobState, Progress as Progress, Settlement as Settlement
    from notifykit.masking import Secret as Secret
    from notifykit.models import (
        Attempt as Attempt,
        Batch as Batch,
        Capabilities as Capabilities,
        Channel as Channel,
        Cleaned as Cleaned,
        Edit as Edit,
        Measurement as Measurement,
        Message as Message,
        Outcome as Outcome,
        Pace as Pace,
        Plan as Plan,
        Receipt as Receipt,
        Recipient as Recipient,
        Rejected as Rejected,
        Report as Report,
        SkipReason as SkipReason,
        Submission as Submission,
        Veto as Veto,
        replay as replay,
    )
    from notifykit.plugins import PluginHost as PluginHost
    from notifykit.protocols import (
        Book as Book,
        BuildContext as BuildContext,
        Cleaner as Cleaner,
        Clock as Clock,
        Guard as Guard,
        Normalizer as Normalizer,
        Parcel as Parcel,
        Sink as Sink,
        Transport as Transport,
        TransportFactory as TransportFactory,
    )
    from notifykit.settings import Settings as Settings
    from notifykit.templates import (
        BadValues as BadValues,
        OverBudget as OverBudget,
        Template as Template,
        TemplateError as TemplateError,
    )
    from notifykit.transports.composites.failover import Failover as Failover
    from notifykit.transports.composites.fanout import FanOut as FanOut
    from notifykit.transports.composites.rotation import RoundRobin as RoundRobin, Weighted as Weighted
    from notifykit.transports.composites.route import Route as Route
    from notifykit.transports.memory import MemoryTransport as MemoryTransport

    __version__: str
else:
    from notifykit.lazy import lazy_attributes

    _load, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "abilities": "Capabilities Measurement",
            "deliveries": "Delivery DeliveryReport DeliveryState",
            "dsn": "Dsn",
            "edits": "Cleaned Edit replay",
            "errors": "AuthFailed ConfigError ContentRejected DestinationNotCovered Exhausted InvalidRecipient "
            "MissingCredentials NotReached NotifyError OutOfCredit OutcomeUnknown PluginError ProviderUnavailable RateLimited "
            "Scope SenderNotAllowed TransportError Unclassified",
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
        },
    )
    __all__ += ("__version__",)

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            return version("notifykit")
        return _load(name)
