"""The end of the road: receipts become a report, in the caller's order."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterable, Iterable

from notifykit.flow.trip import Prepared
from notifykit.models import Receipt, Report


def report(receipts: Iterable[Receipt], prepared: Prepared) -> Report:
    """Collect the receipts of one send.

    Where something breaks it off (Ctrl-C, or a broken plugin in strict mode), the exception takes what is known so far
    along as its ``report``: what the provider confirmed is not lost.
    """
    known: list[Receipt] = []
    try:
        known.extend(receipts)
    except BaseException as error:
        _hand_over(error, known, prepared)
        raise
    return _ordered(known, prepared)


async def report_async(receipts: AsyncIterable[Receipt], prepared: Prepared) -> Report:
    """Collect the receipts of one send from asyncio, as :func:`report` does."""
    known: list[Receipt] = []
    try:
        async for receipt in receipts:
            known.append(receipt)  # noqa: PERF401 - what is known must survive an exception
    except BaseException as error:
        _hand_over(error, known, prepared)
        raise
    return _ordered(known, prepared)


def _ordered(receipts: Iterable[Receipt], prepared: Prepared) -> Report:
    ordered = sorted(receipts, key=operator.attrgetter("position"))
    return Report(tuple(ordered), prepared.message, prepared.cleaned.edits, prepared.measurement)


def _hand_over(error: BaseException, known: Iterable[Receipt], prepared: Prepared) -> None:
    partial = _ordered(known, prepared)
    error.report = partial  # type: ignore[attr-defined]
    error.add_note(f"notifykit: broken off with {partial} so far; they are this exception's `report`")
