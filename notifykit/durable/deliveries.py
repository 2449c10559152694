"""What delivery reports said about messages, kept beside the jobs: by the provider's id and the canonical address."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs
import sqlalchemy as sa

from notifykit.durable.database import Database
from notifykit.durable.tables import deliveries, jobs
from notifykit.models.delivery import Delivery, DeliveryReport
from notifykit.models.receipt import Receipt

#: The most message ids in one query.
IDS_PER_QUERY: Final = 400

#: Deliveries by message id and canonical address; None for what was said of all recipients of a request.
Deliveries: TypeAlias = Mapping[tuple[str, str | None], Delivery]


def record_reports(database: Database, reports: Iterable[DeliveryReport], now: float) -> None:
    """Store reports. A delivery only goes forward: the same ones again, or in another order, change nothing."""
    by_key: dict[tuple[str, str], list[DeliveryReport]] = {}
    for report in reports:
        by_key.setdefault((report.message_id, report.address or ""), []).append(report)
    if not by_key:
        return
    with database.begin() as db:
        for (message_id, address), some in sorted(by_key.items()):  # in order, so that no two transactions deadlock
            key = {"message_id": message_id, "address": address}
            db.execute(database.insert(deliveries).values(**key, reports=[], touched=now).on_conflict_do_nothing())
            this = (deliveries.c.message_id == message_id) & (deliveries.c.address == address)
            stored = db.execute(sa.select(deliveries.c.reports).where(this).with_for_update()).scalar_one()
            before = read_delivery(message_id, address, stored)
            after = functools.reduce(Delivery.record, some, before)
            if after is not before:
                rows = [report_row(report) for report in after.reports]
                db.execute(deliveries.update().where(this).values(reports=rows, touched=now))


def read_deliveries(
    database: Database, message_ids: Iterable[str], addresses: Iterable[str] | None = None
) -> Deliveries:
    """Return what is known of some requests.

    :param addresses: only of these, and of all recipients of a request; None for whatever is known.
    """
    where: sa.ColumnElement[bool] = deliveries.c.message_id.in_(sorted(set(message_ids)))
    if addresses is not None:
        where &= deliveries.c.address.in_(["", *addresses])
    columns = (deliveries.c.message_id, deliveries.c.address, deliveries.c.reports)
    with database.read() as db:
        rows = db.execute(sa.select(*columns).where(where)).all()
    return {(row.message_id, row.address or None): read_delivery(*row) for row in rows}


def read_deliveries_of(database: Database, receipts: Sequence[Receipt]) -> Deliveries:
    """Return what is known of the recipients of some receipts, ``IDS_PER_QUERY`` at most."""
    sent = [(receipt.message_id, receipt.to) for receipt in receipts if receipt.message_id is not None]
    if not sent:
        return {}
    return read_deliveries(database, (message_id for message_id, _ in sent), {address for _, address in sent})


def delivery_of(receipt: Receipt | None, known: Deliveries) -> Delivery | None:
    """Return what is known about the recipient of a receipt; None where nothing is."""
    if receipt is None or receipt.message_id is None:
        return None
    found = known.get((receipt.message_id, receipt.to))
    of_all = known.get((receipt.message_id, None))
    if of_all is not None:
        found = functools.reduce(Delivery.record, of_all.reports, found or Delivery(receipt.message_id, receipt.to))
    return found


def prune_deliveries(db: sa.Connection, now: float, keep_jobs: float, keep_bodies: float) -> None:
    """Delete deliveries that are as old as the texts and addresses that are deleted.

    Those of a job whose texts are still there stay with it: its reports came after it was submitted.
    """
    oldest = sa.select(sa.func.min(jobs.c.created)).where(jobs.c.body.is_not(None)).scalar_subquery()
    touched = deliveries.c.touched
    is_old = (touched < now - keep_bodies) & (touched < sa.func.coalesce(oldest, now))
    db.execute(deliveries.delete().where(is_old | (touched < now - keep_jobs)))


def read_delivery(message_id: str, address: str | None, rows: Iterable[Mapping[str, Any]]) -> Delivery:
    """Return the delivery whose reports :func:`report_row` returned."""
    who = address or None
    reports = (
        DeliveryReport(message_id, who, **{**row, "at": row["at"] and datetime.datetime.fromisoformat(row["at"])})
        for row in rows
    )
    return Delivery(message_id, who, tuple(reports))


def report_row(report: DeliveryReport) -> dict[str, Any]:
    """Return a report as it is stored: what it is of, its message id and address, is stored beside it."""
    row = attrs.asdict(report, filter=attrs.filters.exclude("message_id", "address"))
    return {**row, "state": report.state.value, "at": report.at and report.at.isoformat()}
