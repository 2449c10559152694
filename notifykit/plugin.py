"""Everything that a plugin is written with, in one import: all names of :mod:`notifykit`, and those for authors.

``from notifykit.plugin import Field, HttpTransport, hookimpl``. A name is loaded when it is first used. The tests of a
plugin take theirs from :mod:`notifykit.testing.contracts`.
"""

from __future__ import annotations

import notifykit

TYPE_CHECKING = False  # as in notifykit: a plugin is imported at every start
if TYPE_CHECKING:
    from notifykit import *  # noqa: F403 - type checkers take these for names of this module too
    from notifykit.cli.options import LazyCommand as LazyCommand
    from notifykit.events import (
        AttemptFinished as AttemptFinished,
        BatchExcluded as BatchExcluded,
        BatchFinished as BatchFinished,
        CircuitOpened as CircuitOpened,
        DeliveryChanged as DeliveryChanged,
        Event as Event,
        FailedOver as FailedOver,
        LoggedRecipient as LoggedRecipient,
        MessagePlanned as MessagePlanned,
        PluginFailed as PluginFailed,
        RecipientExcluded as RecipientExcluded,
        RetryScheduled as RetryScheduled,
        SendFinished as SendFinished,
    )
    from notifykit.http import (
        HttpAnswer as HttpAnswer,
        HttpClient as HttpClient,
        HttpRequest as HttpRequest,
        HttpTransport as HttpTransport,
        error_for_status as error_for_status,
    )
    from notifykit.http.network import Network as Network
    from notifykit.models.capabilities import ForcedCharacter as ForcedCharacter
    from notifykit.models.job import (
        JobRow as JobRow,
        JobSpec as JobSpec,
        Row as Row,
        StopRule as StopRule,
    )
    from notifykit.plugins.functions import find_edits as find_edits
    from notifykit.protocols import (
        About as About,
        Assignment as Assignment,
        Check as Check,
        Composite as Composite,
        Connectable as Connectable,
        Health as Health,
        KnowsBalance as KnowsBalance,
        KnowsDeliveries as KnowsDeliveries,
        KnowsNumbers as KnowsNumbers,
        ShowsRequests as ShowsRequests,
    )
    from notifykit.protocols.engine import (
        Engine as Engine,
        EngineFactory as EngineFactory,
        Job as Job,
    )
    from notifykit.redaction import (
        redact_address as redact_address,
        scrub as scrub,
    )
    from notifykit.settings.fields import (
        Field as Field,
        boolean as boolean,
        count as count,
        names as names,
        one_of as one_of,
        path as path,
        seconds as seconds,
        secret as secret,
        text as text,
    )
    from notifykit.suggest import did_you_mean as did_you_mean
    from notifykit.transports.composites.base import CompositeTransport as CompositeTransport
else:
    from notifykit.imports import lazy_attributes

    _load, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "cli.options": "LazyCommand",
            "events": "AttemptFinished BatchExcluded BatchFinished CircuitOpened DeliveryChanged Event FailedOver LoggedRecipient "
            "MessagePlanned PluginFailed RecipientExcluded RetryScheduled SendFinished",
            "http": "HttpAnswer HttpClient HttpRequest HttpTransport error_for_status",
            "models.capabilities": "ForcedCharacter",
            "models.job": "JobRow JobSpec Row StopRule",
            "http.network": "Network",
            "plugins.functions": "find_edits",
            "protocols": "About Assignment Check Composite Connectable Health KnowsBalance KnowsDeliveries "
            "KnowsNumbers ShowsRequests",
            "protocols.engine": "Engine EngineFactory Job",
            "redaction": "redact_address scrub",
            "settings.fields": "Field boolean count names one_of path seconds secret text",
            "suggest": "did_you_mean",
            "transports.composites.base": "CompositeTransport",
        },
        "notifykit",
    )
    __all__ += tuple(name for name in notifykit.__all__ if name != "__version__")

    def __getattr__(name: str) -> object:
        return getattr(notifykit, name) if name in notifykit.__all__ else _load(name)
