"""Sends whose text differs by recipient: rows of a table are rendered, planned one by one, and submitted as one job."""

from __future__ import annotations

import datetime
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from notifykit.errors import ConfigError
from notifykit.models.capabilities import Measurement
from notifykit.models.job import JobSpec, Row, StopRule
from notifykit.models.message import Channel, Edit, Message
from notifykit.models.plan import Batch
from notifykit.models.receipt import Outcome, Receipt
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.capabilities import price
from notifykit.pipeline.components import Components, Via
from notifykit.pipeline.context import Prepared, SendContext
from notifykit.pipeline.stages import clean, guard, normalize
from notifykit.protocols.engine import Job
from notifykit.settings.dsn import Dsn
from notifykit.templates.template import Template, TemplateError

if TYPE_CHECKING:
    from notifykit.campaigns.rendering import RowRenderer

#: Texts that were measured last: rows of one campaign often have the same.
_PREPARED: Final = 256


@attrs.frozen
class PlannedRow:
    """What a send would make of one row."""

    #: The row with its text.
    row: Row
    #: The text after cleaning; empty for a row that is rejected.
    text: str = attrs.field(default="", repr=False)
    #: What the cleaners changed.
    edits: tuple[Edit, ...] = ()
    #: The size of the text; None where it is not sent, or the transport does not measure.
    measurement: Measurement | None = None
    #: What it costs at most; None if that is not known.
    cost: float | None = None
    #: Why it would be rejected, or held back by a guard; None where it would be sent.
    receipt: Receipt | None = None
    #: What a person should know about it, each a sentence without values.
    notices: tuple[str, ...] = ()


class RowSends:
    """The part of a notifier that sends rows."""

    _components: Components

    def submit_rows(
        self,
        rows: Iterable[Mapping[str, object]],
        *,
        template: str | Template | None = None,
        text: str | None = None,
        to: str = "to",
        language: str | None = "language",
        variables: Mapping[str, str] | None = None,
        key: str | None = None,
        at: datetime.datetime | None = None,
        expires_in: float | None = None,
        urgent: bool | None = None,
        at_least_once: bool = False,
        sender: str | None = None,
        via: str | None = None,
        channel: Channel | str = Channel.SMS,
        tags: str | Iterable[str] = (),
        idempotency_key: str | None = None,
        subject: str | None = None,
        move_unknown: bool = False,
        spread: float | None = None,
        stop_if: str | StopRule | None = None,
        connection: Any = None,
    ) -> Job:
        """Have each row sent with its own text in the background: when this returns, the whole table is safe on disk.

        A row that can't be sent, because a value is missing or the number is wrong, is a rejected recipient of the job. The rows
        may be an iterator of any length; memory stays constant. The other arguments are those of ``submit``. As that does, it
        writes to disk before it returns: for a long table in a coroutine call it by ``asyncio.to_thread``.

        :param rows: mappings of columns to cells: texts, numbers, dates or None. The first one has all columns.
        :param template: the name of a template in the settings, or one that you made.
        :param text: a text with ``{Column}`` in it, in place of a template.
        :param to: the column of the addresses.
        :param language: the column of the languages, ``@Column|ar`` with a default, or a language of the template for all;
            rows without one get the template's default.
        :param variables: the source of each variable: ``@Column``, ``@Column|default`` for missing and empty cells, or a word
            for all rows. A variable that is not in it has the column of its name.
        :param subject: the subject or title, which may have the same variables; without one that of the template.
        :param spread: seconds after the start over which the requests begin evenly.
        :param stop_if: when the job pauses by itself: ``"rejected > 5%"``, ``"unknown > 20"``.
        :raises ConfigError: with every variable and column that does not fit, and what ``submit`` raises it for.
        :raises TypeError: if a cell or an argument is of the wrong kind.
        :raises ValueError: if a time has no zone or is not in the future, or ``stop_if`` can't be understood.
        """
        require_job_options(via, at, expires_in)
        if spread is not None and not spread > 0:
            raise ValueError("spread is a number of seconds above zero")
        rule = StopRule.parse(stop_if) if isinstance(stop_if, str) else stop_if
        message = self._components.message("", sender, channel, tags, idempotency_key)
        # A worker cleans each text; here only the addresses are normalized.
        context = self._components.context(via, None, window=None)
        renderer, cells = self._renderer(rows, template, text, to, language, variables, subject, message.channel)
        rendered = (row for row, _ in self._rendered(cells, renderer, message, context))
        spec = JobSpec(
            (),
            message,
            key,
            via,
            at,
            expires_in,
            urgent,
            at_least_once,
            move_unknown,
            rows=rendered,
            spread=spread,
            stop_if=rule,
        )
        return self._components.engine().submit(spec, connection)

    def plan_rows(
        self,
        rows: Iterable[Mapping[str, object]],
        *,
        template: str | Template | None = None,
        text: str | None = None,
        to: str = "to",
        language: str | None = "language",
        variables: Mapping[str, str] | None = None,
        sender: str | None = None,
        via: Via | None = None,
        channel: Channel | str = Channel.SMS,
        tags: str | Iterable[str] = (),
        subject: str | None = None,
        at: datetime.datetime | None = None,
    ) -> Iterator[PlannedRow]:
        """Yield what :meth:`submit_rows` would make of each row, in constant memory. Nothing is sent.

        Guards are asked, and what they reserve is forgotten. Duplicates are not looked for.

        :param at: when it is to be sent, with a zone: guards judge by that time; None for now.
        :raises ConfigError: with every variable and column that does not fit.
        """
        message = self._components.message("", sender, channel, tags, None)
        context = self._components.context(via, None, window=None, dry_run=True, at=at)
        renderer, cells = self._renderer(rows, template, text, to, language, variables, subject, message.channel)

        @functools.lru_cache(_PREPARED)
        def prepare(text: str, subject: str | None) -> Prepared:
            return clean(attrs.evolve(message, text=text, subject=subject), context)

        for row, notices in self._rendered(cells, renderer, message, context):
            if isinstance(row.recipient, Rejected):
                yield PlannedRow(
                    row, receipt=Receipt(0, row.recipient, Outcome.REJECTED, row.recipient.error), notices=notices
                )
                continue
            yield _planned(row, prepare(row.text, row.subject), context, notices)

    def _renderer(
        self,
        rows: Iterable[Mapping[str, object]],
        template: str | Template | None,
        text: str | None,
        to: str,
        language: str | None,
        variables: Mapping[str, str] | None,
        subject: str | None,
        channel: Channel,
    ) -> tuple[RowRenderer, Iterator[Mapping[str, str]]]:
        """Return what renders rows, and the rows with their cells as texts."""
        from notifykit.campaigns.rendering import RowRenderer, inline_template
        from notifykit.campaigns.tables import cell_text

        if (template is None) == (text is None):
            raise TypeError("give a template, or a text with {Column} in it")
        problems: list[str] = []
        chosen = self._components.template(template) if template is not None else inline_template(text or "", problems)
        if problems:
            raise TemplateError(problems)

        def cells() -> Iterator[Mapping[str, str]]:
            for number, row in enumerate(rows, 1):
                if not isinstance(row, Mapping):
                    raise TypeError(f"row {number} is a {type(row).__name__}: give mappings of columns to cells")
                try:
                    yield {str(name): cell_text(cell) for name, cell in row.items()}
                except TypeError as error:
                    raise TypeError(f"row {number}: {error}") from None

        found = cells()
        columns: Iterable[str] | None = getattr(rows, "columns", None)
        if columns is None:
            first = next(found, None)
            if first is None:
                raise ConfigError("there are no rows")
            columns, found = tuple(first), itertools.chain((first,), found)
        renderer = RowRenderer(
            chosen, columns, to=to, language=language, variables=variables, subject=subject, channel=channel
        )
        return renderer, found

    def _rendered(
        self, rows: Iterable[Mapping[str, str]], renderer: RowRenderer, message: Message, context: SendContext
    ) -> Iterator[tuple[Row, tuple[str, ...]]]:
        """Yield each row with its recipient and its text, and what a person should know about it."""
        footer = self._components.settings.footer
        for cells in rows:
            rendered = renderer.render(cells)
            (recipient,) = normalize((rendered.address,), message, context)
            if rendered.error is not None:
                recipient = Rejected(rendered.address, rendered.error)
            elif rendered.language and isinstance(recipient, Recipient):
                recipient = attrs.evolve(recipient, language=rendered.language)
            text = "" if isinstance(recipient, Rejected) else rendered.text
            if footer is not None:
                language = rendered.written_in or rendered.language
                text = footer.add(text, message.tags, language, channel=message.channel)
            yield Row(recipient, text, rendered.subject, cells), rendered.notices


def require_job_options(via: object, at: datetime.datetime | None, expires_in: float | None) -> None:
    """Raise where a job can't have these options.

    :raises TypeError: if ``via`` is no name of the settings.
    :raises ValueError: if a time has no zone, or seconds are not above zero.
    """
    if via is not None and not (isinstance(via, str) and Dsn.parse(via).is_name):
        raise TypeError("via is a transport's name in the settings: a job stores no objects and no passwords")
    if at is not None and at.tzinfo is None:
        raise ValueError("at has no time zone: write datetime.datetime(…, tzinfo=…)")
    if expires_in is not None and not expires_in > 0:
        raise ValueError("expires_in is a number of seconds above zero")


def _planned(row: Row, prepared: Prepared, context: SendContext, notices: tuple[str, ...]) -> PlannedRow:
    assert isinstance(row.recipient, Recipient), "the others are rejected"
    (answer,) = guard((row.recipient,), prepared, context)
    recipient = row.recipient if isinstance(answer, Receipt) else answer[1]
    batch = Batch(prepared.message, (recipient,), (0,), measurement=prepared.measurement)
    receipt = answer if isinstance(answer, Receipt) else None
    cost = price(context.transport, batch) if receipt is None else None
    notices = (*notices, *prepared.adapted.warnings, *recipient.notices)
    return PlannedRow(row, prepared.message.text, prepared.cleaned.edits, prepared.measurement, cost, receipt, notices)
