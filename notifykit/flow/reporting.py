"""The end of the road: receipts become a report, in the caller's order."""

from __future__ import annotations

import operator
from collections.abc import Iterable

from notifykit.flow.trip import Prepared
from notifykit.models import Receipt, Report


def report(receipts: Iterable[Receipt], prepared: Prepared) -> Report:
    """Collect the receipts of one send."""
    ordered = sorted(receipts, key=operator.attrgetter("position"))
    return Report(tuple(ordered), prepared.message, prepared.cleaned.edits, prepared.measurement)
