"""Send a notification, and know what happened to it.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for typing's, whose import takes longer than all of this
if TYPE_CHECKING:
    from notifykit.errors import (
        AuthFailed as AuthFailed,
        ConfigError as ConfigError,
        ContentRejected as ContentRejected,
        DestinationNotCovered as DestinationNotCovered,
        Exhausted as Exhausted,
        InvalidRecipient as InvalidRecipient,
        MissingCredentials as MissingCredentials,
        NotEnoughCredit as NotEnoughCredit,
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
    from notifykit.hookspecs import hookimpl as hookimpl
    from notifykit.models.capabilities import (
        Capabilities as Capabilities,
        Measurement as Measurement,
        RateLimit as RateLimit,
    )
    from notifykit.models.delivery import (
        Delivery as Delivery,
        DeliveryReport as DeliveryReport,
        DeliveryState as DeliveryState,
    )
    from notifykit.models.job import JobState as JobState, Progress as Progress, Settlement as Settlement
    from notifykit.models.message import (
        Channel as Channel,
        Cleaned as Cleaned,
        Edit as Edit,
        Message as Message,
        replay as replay,
    )
    from notifykit.models.person import (
        ChannelReceipt as ChannelReceipt,
        ChannelState as ChannelState,
        Person as Person,
        PersonReceipt as PersonReceipt,
        Verdict as Verdict,
    )
    from notifykit.models.plan import Batch as Batch, Plan as Plan
    from notifykit.models.receipt import (
        Attempt as Attempt,
        Outcome as Outcome,
        Receipt as Receipt,
        Report as Report,
        SkipReason as SkipReason,
        Submission as Submission,
        Veto as Veto,
    )
    from notifykit.models.recipient import Recipient as Recipient, Rejected as Rejected
    from notifykit.pipeline.async_notifier import AsyncNotifier as AsyncNotifier
    from notifykit.pipeline.clock import SystemClock as SystemClock, VirtualClock as VirtualClock
    from notifykit.pipeline.notifications import Notification as Notification
    from notifykit.pipeline.notifier import Notifier as Notifier
    from notifykit.pipeline.retry import RetryPolicy as RetryPolicy
    from notifykit.plugins import PluginHost as PluginHost
    from notifykit.protocols import (
        BuildContext as BuildContext,
        Cleaner as Cleaner,
        Clock as Clock,
        Counters as Counters,
        Guard as Guard,
        GuardContext as GuardContext,
        Normalizer as Normalizer,
        Sink as Sink,
        Transport as Transport,
        TransportFactory as TransportFactory,
    )
    from notifykit.protocols.engine import Job as Job
    from notifykit.redaction import Secret as Secret
    from notifykit.settings.dsn import Dsn as Dsn
    from notifykit.settings.sources import Settings as Settings
    from notifykit.templates.template import (
        BadValues as BadValues,
        OverBudget as OverBudget,
        Template as Template,
        TemplateError as TemplateError,
    )
    from notifykit.transports.composites.failover import Failover as Failover
    from notifykit.transports.composites.fanout import FanOut as FanOut
    from notifykit.transports.composites.round_robin import RoundRobin as RoundRobin, Weighted as Weighted
    from notifykit.transports.composites.route import Route as Route
    from notifykit.transports.stubs import MemoryTransport as MemoryTransport
    from notifykit.verify.async_verifier import AsyncVerifier as AsyncVerifier
    from notifykit.verify.results import Checked as Checked, Started as Started
    from notifykit.verify.verifier import Verifier as Verifier

    __version__: str
else:
    from notifykit.imports import lazy_attributes

    _load, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "errors": "AuthFailed ConfigError ContentRejected DestinationNotCovered Exhausted InvalidRecipient "
            "MissingCredentials NotEnoughCredit NotReached NotifyError OutOfCredit OutcomeUnknown PluginError ProviderUnavailable RateLimited "
            "Scope SenderNotAllowed TransportError Unclassified",
            "hookspecs": "hookimpl",
            "models.capabilities": "Capabilities Measurement RateLimit",
            "models.delivery": "Delivery DeliveryReport DeliveryState",
            "models.job": "JobState Progress Settlement",
            "models.message": "Channel Cleaned Edit Message replay",
            "models.person": "ChannelReceipt ChannelState Person PersonReceipt Verdict",
            "models.plan": "Batch Plan",
            "models.receipt": "Attempt Outcome Receipt Report SkipReason Submission Veto",
            "models.recipient": "Recipient Rejected",
            "pipeline.async_notifier": "AsyncNotifier",
            "pipeline.clock": "SystemClock VirtualClock",
            "pipeline.notifications": "Notification",
            "pipeline.notifier": "Notifier",
            "pipeline.retry": "RetryPolicy",
            "plugins": "PluginHost",
            "protocols": "BuildContext Cleaner Clock Counters GuardContext Guard Normalizer Sink Transport TransportFactory",
            "protocols.engine": "Job",
            "redaction": "Secret",
            "settings.dsn": "Dsn",
            "settings.sources": "Settings",
            "templates.template": "BadValues OverBudget Template TemplateError",
            "transports.composites.failover": "Failover",
            "transports.composites.fanout": "FanOut",
            "transports.composites.round_robin": "RoundRobin Weighted",
            "transports.composites.route": "Route",
            "transports.stubs": "MemoryTransport",
            "verify.async_verifier": "AsyncVerifier",
            "verify.results": "Checked Started",
            "verify.verifier": "Verifier",
        },
    )
    __all__ += ("__version__",)

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            return version("notifykit")
        return _load(name)
