"""The store's tables: the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from notifykit.durable.serialization import (
    dump,
    dump_receipts,
    dump_recipients,
    load_receipts,
    load_recipients,
)


class Damaged(SQLAlchemyError):  # noqa: N818 - it says what is the case
    """What the database holds is not what was written to it: the file is malformed."""


class Encoded(sa.TypeDecorator[Any]):
    """A value that is kept as JSON text; None is NULL.

    Not ``sa.JSON``: PostgreSQL refuses the NaN and Infinity that Python writes.

    :param encode: makes the text.
    :param decode: reads it.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, encode: Callable[[Any], str] = dump, decode: Callable[[str], Any] = json.loads) -> None:
        super().__init__()
        self.encode = encode
        self.decode = decode

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        """Return the text of a value."""
        return None if value is None else self.encode(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        """Return the value of a text."""
        try:
            return None if value is None else self.decode(value)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise Damaged(f"a stored value can't be read ({type(error).__name__})") from None


METADATA: Final = sa.MetaData()
_ID: Final = sa.String(40)
_RECIPIENTS: Final = Encoded(dump_recipients, load_recipients)
_RECEIPTS: Final = Encoded(dump_receipts, load_receipts)


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, default=0)


#: One row per job. A row without ``key`` is still being written, and no query for jobs returns it.
jobs: Final = sa.Table(
    "notifykit_jobs",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("key", sa.String(200), unique=True, nullable=True),
    sa.Column("touched", sa.Float, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("starts", sa.Float, nullable=False),
    sa.Column("expires", sa.Float),
    sa.Column("finished", sa.Float),
    sa.Column("paused", sa.Boolean, nullable=False, default=False),
    sa.Column("cancelled", sa.Boolean, nullable=False, default=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("queue", sa.String(80), nullable=False),
    _counter("total"),
    _counter("batches"),
    #: Everything but text and recipients.
    sa.Column("options", Encoded, nullable=False),
    #: Hashes that distinguish two submissions with one key.
    sa.Column("fingerprint", Encoded, nullable=False, default=dict),
    #: Text and subject; NULL after ``keep_bodies``.
    sa.Column("body", Encoded),
    #: Why it was paused by itself.
    sa.Column("reason", sa.Text),
    #: How many recipients of each outcome ``stop_if`` counts, since the last time that the job was resumed.
    sa.Column("judged", Encoded),
)

#: One row per batch: the recipients of one request.
batches: Final = sa.Table(
    "notifykit_batches",
    METADATA,
    sa.Column("job", _ID, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(8), nullable=False),
    #: The fencing token: only the task with this number is valid.
    _counter("run"),
    #: Tries that have ended.
    _counter("tries"),
    #: The execution that claimed the batch; each has an id of its own.
    sa.Column("owner", _ID),
    #: The task in the queue that took the batch along after others of its partition; NULL where it has its own.
    sa.Column("carrier", sa.String(80)),
    sa.Column("size", sa.Integer, nullable=False),
    _counter("accepted"),
    _counter("rejected"),
    _counter("unknown"),
    _counter("skipped"),
    sa.Column("cost", sa.Float),
    sa.Column("ended", sa.Float),
    #: Why every recipient without a receipt was skipped: ``cancelled``.
    sa.Column("verdict", sa.String(12)),
)
sa.Index("notifykit_batches_next", batches.c.job, batches.c.state, batches.c.number)
sa.Index("notifykit_batches_ended", batches.c.ended)

#: The large columns of a batch, in a table of their own so that counting never reads them.
contents: Final = sa.Table(
    "notifykit_contents",
    METADATA,
    sa.Column("job", _ID, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    #: Recipients with their positions; NULL after ``keep_bodies``.
    sa.Column("recipients", _RECIPIENTS),
    #: Receipts so far.
    sa.Column("receipts", _RECEIPTS),
    #: Text and subject of a batch of rows, and the cells of each row; NULL after ``keep_bodies``.
    sa.Column("body", Encoded),
    sa.Column("cells", Encoded),
)

#: One row per request: written before it is sent, completed by its result. This is the fence.
requests: Final = sa.Table(
    "notifykit_requests",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("job", _ID, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("owner", _ID, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("transport", sa.Text, nullable=False),
    sa.Column("positions", Encoded, nullable=False),
    sa.Column("started", sa.Float, nullable=False),
    sa.Column("completed", sa.Float),
    #: The receipts of its recipients, until they are merged into those of the batch.
    sa.Column("receipts", _RECEIPTS),
)
sa.Index("notifykit_requests_batch", requests.c.job, requests.c.number, requests.c.state)

#: Until when each address must not be sent to again.
spacing: Final = sa.Table(
    "notifykit_spacing",
    METADATA,
    sa.Column("address", sa.String(320), primary_key=True),
    sa.Column("free", sa.Float, nullable=False),
    #: The job and the number of the batch that reserved it.
    sa.Column("holder", sa.String(60), nullable=False),
)

#: What delivery reports said, by message id and canonical address; the address is empty for all recipients of a request.
deliveries: Final = sa.Table(
    "notifykit_deliveries",
    METADATA,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("reports", Encoded, nullable=False),
    #: When a report last said something new.
    sa.Column("touched", sa.Float, nullable=False),
)
sa.Index("notifykit_deliveries_touched", deliveries.c.touched)

#: When a request last started, per rate limit.
rate_limits: Final = sa.Table(
    "notifykit_rate_limits",
    METADATA,
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("last", sa.Float, nullable=False),
)
