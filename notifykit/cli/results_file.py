"""The table of results on disk: written when a job is followed, and for ``notifykit jobs results``."""

from __future__ import annotations

import functools
import pathlib
import time
from collections.abc import Sequence
from typing import Final

import click

from notifykit.campaigns.files import TableError
from notifykit.campaigns.results import (
    ResultColumns,
    RowCost,
    columns_of,
    require_writable,
    result_rows,
    write_results,
)
from notifykit.campaigns.tables import WORKBOOK, workbook_library
from notifykit.cli.output import note, warn
from notifykit.models.job import Progress
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient
from notifykit.pipeline.capabilities import is_composite, lead
from notifykit.pipeline.notifier import Notifier
from notifykit.protocols.engine import Job

#: The least seconds between two times that the table is written.
_EVERY: Final = 3.0
#: How many times as long as writing takes passes until it is written again.
_SHARE: Final = 10
#: Seconds more where no row got an outcome: only delivery reports may have come.
_REPORTS_ONLY: Final = 30.0
#: Texts that were measured last.
_MEASURED: Final = 256


def row_cost(notifier: Notifier) -> RowCost:
    """Return what texts take up and cost through a notifier's transport."""

    @functools.lru_cache(_MEASURED)
    def segments(text: str, channel: Channel) -> int | None:
        size = notifier.measure(text, channel=channel)
        return size.segments if size else None

    def price(recipient: Recipient, segments: int) -> float | None:
        transport = notifier.transport
        leaf = lead(transport, recipient.channel) if is_composite(transport) else transport
        known = leaf.capabilities.price
        return known(recipient, segments) if known else None

    return RowCost(segments, price)


class ResultsFile:
    """Writes the results of a job to a file, as often as that makes sense.

    :param file: where they go.
    :param columns: those of the table; without them they are looked for in the job.
    """

    def __init__(self, file: pathlib.Path, notifier: Notifier, columns: Sequence[str] | None = None) -> None:
        self._file = file
        self._cost = row_cost(notifier)
        self._columns = ResultColumns.beside(columns) if columns is not None else None
        self._next = time.monotonic()
        self._done: int | None = None
        self._failed = False

    def follow(self, job: Job, progress: Progress) -> None:
        """Write the results again where something changed and some seconds have passed."""
        done = progress.total - progress.left
        began = time.monotonic()
        if began < self._next + (_REPORTS_ONLY if done == self._done else 0.0):
            return
        self._done = done
        try:
            self._write(job)
        except OSError as error:
            if not self._failed:
                warn(f"{self._file} can't be written ({error.strerror}); the campaign goes on.")
            self._failed = True
        took = time.monotonic() - began
        self._next = time.monotonic() + max(_EVERY, took * _SHARE)

    def finish(self, job: Job) -> None:
        """Write the results a last time, and say where they are.

        :raises click.ClickException: if they can't be written; another command writes them elsewhere.
        """
        try:
            self._write(job)
        except OSError as error:
            raise click.ClickException(
                f"{self._file} can't be written ({error.strerror}). Next: notifykit jobs results {job.key} --output FILE"
            ) from None
        note(
            f"Results: {self._file}. Delivery reports come later: notifykit jobs results {job.key} --output {self._file}"
        )

    def _write(self, job: Job) -> None:
        if self._columns is None:
            self._columns = ResultColumns.beside(columns_of(job.rows()))
        write_results(self._file, result_rows(job.rows(), self._columns, self._cost))


def results_path(name: str, table: pathlib.Path | None = None) -> pathlib.Path:
    """Return where results go.

    :param table: the table that came in, which they must not overwrite.
    :raises click.UsageError: if they can't be written there.
    """
    file = pathlib.Path(name)
    if table is not None and file.exists() and table.exists() and file.samefile(table):
        raise click.UsageError(f"{name} is the table itself: give the results another name.")
    try:
        require_writable(file)
        if file.suffix.lower() == WORKBOOK:
            workbook_library(name)
    except TableError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"{name} can't be written: {error.strerror}.") from None
    return file
