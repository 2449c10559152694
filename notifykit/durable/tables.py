"""The store's tables: the same on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()
_ID: Final = sa.String(40)

#: One row a job. Until ``key`` is set it is being written, and nobody sees it.
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
    sa.Column("total", sa.Integer, nullable=False, default=0),
    sa.Column("batches", sa.Integer, nullable=False, default=0),
    #: What the order says besides text and recipients, as JSON without anything of them.
    sa.Column("options", sa.Text, nullable=False),
    #: A fingerprint of each part of the order, as JSON.
    sa.Column("fingerprint", sa.Text, nullable=False, default="{}"),
    #: Text and subject, as JSON; null once they are forgotten.
    sa.Column("body", sa.Text),
)

#: One row a request's worth of recipients.
batches: Final = sa.Table(
    "notifykit_batches",
    METADATA,
    sa.Column("job", _ID, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(8), nullable=False),
    #: Which ticket is valid: each has its own number.
    sa.Column("run", sa.Integer, nullable=False, default=0),
    #: Tries that ended so far.
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    #: Who works on it: another one for each execution.
    sa.Column("owner", _ID),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("accepted", sa.Integer, nullable=False, default=0),
    sa.Column("rejected", sa.Integer, nullable=False, default=0),
    sa.Column("unknown", sa.Integer, nullable=False, default=0),
    sa.Column("skipped", sa.Integer, nullable=False, default=0),
    sa.Column("cost", sa.Float),
    sa.Column("ended", sa.Float),
    #: Why everybody without a receipt was skipped: ``cancelled``.
    sa.Column("verdict", sa.String(12)),
)
sa.Index("notifykit_batches_state", batches.c.job, batches.c.state)
sa.Index("notifykit_batches_ended", batches.c.ended)

#: The large part of a batch, apart so that counting never reads it.
contents: Final = sa.Table(
    "notifykit_contents",
    METADATA,
    sa.Column("job", _ID, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    #: Recipients with their positions, as JSON; null once they are forgotten.
    sa.Column("recipients", sa.Text),
    #: Receipts so far, as JSON.
    sa.Column("receipts", sa.Text),
)

#: One row a request: written before it leaves, completed by its answer. This is the fence.
exchanges: Final = sa.Table(
    "notifykit_exchanges",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("job", _ID, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("owner", _ID, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("transport", sa.Text, nullable=False),
    sa.Column("positions", sa.Text, nullable=False),
    sa.Column("claimed", sa.Float, nullable=False),
    sa.Column("answered", sa.Float),
    #: What it meant for each recipient, as JSON, until that is among the receipts of the batch.
    sa.Column("receipts", sa.Text),
)
sa.Index("notifykit_exchanges_batch", exchanges.c.job, exchanges.c.number, exchanges.c.state)

#: When each recipient was last sent to, for rules about the time between two messages.
spacing: Final = sa.Table(
    "notifykit_spacing",
    METADATA,
    sa.Column("address", sa.String(320), primary_key=True),
    sa.Column("free", sa.Float, nullable=False),
)

#: When a request last started, for each rate limit.
paces: Final = sa.Table(
    "notifykit_paces",
    METADATA,
    sa.Column("key", sa.String(80), primary_key=True),
    sa.Column("last", sa.Float, nullable=False),
)
