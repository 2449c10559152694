"""Alerts: a sink that sends a message through another transport where something needs a person."""

from __future__ import annotations

TYPE_CHECKING = False  # as in notifykit: every notifier looks at the settings of alerts, and few use them
if TYPE_CHECKING:
    from notifykit.alerts.counts import Count as Count, Counts as Counts
    from notifykit.alerts.rules import (
        Alert as Alert,
        BalanceBelow as BalanceBelow,
        CircuitOpen as CircuitOpen,
        ErrorShare as ErrorShare,
        Refusals as Refusals,
        Rule as Rule,
        UnknownOutcomes as UnknownOutcomes,
    )
    from notifykit.alerts.sink import AlertSink as AlertSink
else:
    from notifykit.imports import lazy_attributes

    __getattr__, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "counts": "Count Counts",
            "rules": "Alert BalanceBelow CircuitOpen ErrorShare Refusals Rule UnknownOutcomes",
            "sink": "AlertSink",
        },
    )
