"""Rows as texts: each row's language, values and size, and why a row can't be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from notifykit.campaigns.bindings import Binding, BindingError, bind, find_column, no_column, resolved
from notifykit.campaigns.direction import first_direction, is_turned, isolated, marked
from notifykit.campaigns.tables import plain
from notifykit.errors import InvalidRecipient, collected
from notifykit.models.message import Channel
from notifykit.redaction import describe_text, redact_address
from notifykit.templates.parsing import ANY
from notifykit.templates.template import BadValues, OverBudget, Template

#: The column of languages that is not missed where there is none.
DEFAULT_LANGUAGE: Final = "language"
#: A cell that was formatted as a date: its digits would be another number.
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?|\d{1,2}/\d{1,2}/\d{4}")
_DATE_CELL: Final = InvalidRecipient(
    "The cell of the address is a date.",
    "cell",
    action="Format the column as text in the spreadsheet (in Excel: Format Cells, Number, Text), and enter the number again.",
)
_OVER_BUDGET: Final = InvalidRecipient(
    "The text of this row takes more segments than the template allows.",
    "segments",
    action="Shorten the values of the row, or raise `segments` of the template.",
)
#: What is said once about all texts that a value in front turns around.
TURNED: Final = (
    "A name of the other script stands first in the text, so a phone may show the whole text in the wrong direction: let "
    "the template begin with a word of its own language."
)


@attrs.frozen
class Rendered:
    """What a row came to."""

    #: The address as it stands in the row.
    address: str = attrs.field(repr=redact_address)
    #: The text; empty where there is an error.
    text: str = attrs.field(repr=describe_text)
    #: The subject, or the title.
    subject: str | None = attrs.field(default=None, repr=lambda subject: str(subject and describe_text(subject)))
    #: The language that the row asks for; None where it asks for none.
    language: str | None = None
    #: The language that the text is in; None where the template has only one text.
    written_in: str | None = None
    #: Why the row can't be sent; None where it can.
    error: InvalidRecipient | None = None
    #: What a person should know about the row, each a sentence without values.
    notices: tuple[str, ...] = ()


class RowRenderer:
    """Makes the text of each row.

    :param template: the text with its variables, measured where its segments are limited; that of the channel is taken.
    :param columns: those that the rows have.
    :param to: the column of the addresses; an @ in front does not count.
    :param language: the column of the language, ``@Column|default``, or a language of the template for all rows; None for the
        template's own.
    :param variables: the source of each variable; without one it is the column of its name.
    :param subject: the subject, which may have the same variables; None for the template's own.
    :param channel: the medium.
    :raises BindingError: with everything that does not fit.
    :raises TemplateError: if the template has no text for the channel.
    """

    def __init__(
        self,
        template: Template,
        columns: Iterable[str],
        *,
        to: str,
        language: str | None = None,
        variables: Mapping[str, str] | None = None,
        subject: str | None = None,
        channel: Channel = Channel.SMS,
    ) -> None:
        columns = tuple(columns)
        problems: list[str] = []
        variant = template.for_channel(channel)
        template = variant.text
        self._template, self._isolates = template, channel is not Channel.SMS
        self._subject = variant.title if subject is None else inline_template(subject, problems)
        self._to = find_column(to.removeprefix("@"), columns)
        if self._to is None:
            problems.append(f"the addresses: {no_column(to.removeprefix('@'), columns)}")
        names = dict.fromkeys((*template.variables, *(self._subject.variables if self._subject else ())))
        self._bindings = bind(names, variables or {}, columns, problems)
        self._language = self._source_of_language(language, columns, problems)
        if problems:
            raise BindingError(problems)
        self._errors: dict[Any, InvalidRecipient] = {}
        self._words = {tag: first_direction(re.sub(r"\{[^{}]*\}", "", text)) for tag, text in template.texts.items()}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the text; empty where it has only one text."""
        return () if self._template.languages == (ANY,) else self._template.languages

    def _source_of_language(self, language: str | None, columns: tuple[str, ...], problems: list[str]) -> Binding:
        if language is None:
            return Binding(None)
        if not language.startswith("@"):
            column = find_column(language, columns)
            if column is not None or language == DEFAULT_LANGUAGE:
                return Binding(column)
            if self._template.has(language) or not self.languages:
                return Binding(None, language)
            problems.append(
                f"the language: {language!r:.60} is neither one of {', '.join(self.languages)} nor a column"
            )
            return Binding(None)
        try:
            return resolved(Binding.parse(language), columns)
        except BindingError as error:
            problems.append(f"the language: {error}")
        except ValueError as error:
            problems.append(f"the language {error}")
        return Binding(None)

    def render(self, cells: Mapping[str, str]) -> Rendered:
        """Return what a row came to. Nothing is raised for its content."""
        address = plain(cells.get(self._to or "", ""))
        if _DATE.fullmatch(address):
            return Rendered(address, "", error=_DATE_CELL)
        language = self._language.value(cells) or None
        values = {name: binding.value(cells) for name, binding in self._bindings.items()}
        missing = tuple(name for name, value in values.items() if value is None)
        if missing:
            return Rendered(address, "", error=self._error(missing, self._missing))
        notices: list[str] = []
        chosen = self._template.choose(language)
        if language is not None and self.languages and not self._template.has(language):
            notices.append(f"The language of the row is none of {', '.join(self.languages)}: it gets {chosen}.")
        try:
            text = self._filled(self._template, values, language)
            subject = self._filled(self._subject, values, language) if self._subject else None
        except OverBudget:
            return Rendered(address, "", error=_OVER_BUDGET)
        except BadValues as error:
            return Rendered(address, "", error=self._error(error.problems, _is_wrong))
        if not self._isolates and is_turned(self._words[chosen], text):
            notices.append(TURNED)
        written_in = chosen if self.languages else None
        return Rendered(address, text, subject, language, written_in, notices=tuple(notices))

    def _filled(self, template: Template, values: Mapping[str, str | None], language: str | None) -> str:
        own = {name: values[name] or "" for name in template.variables}
        if self._isolates:
            own = {name: marked(v) if template.variables[name] is str else v for name, v in own.items()}
            return isolated(template.render_from_text(own, language))
        return template.render_from_text(own, language)

    def _error(self, key: Any, make: Any) -> InvalidRecipient:
        """Return the error of a row, the same one for all rows with the same reason."""
        found: InvalidRecipient | None = self._errors.get(key)
        if found is None:
            found = self._errors[key] = make(key)
        return found

    def _missing(self, names: tuple[str, ...]) -> InvalidRecipient:
        said = " and ".join(f"{name} (column {self._bindings[name].column})" for name in names)
        default = f"{names[0]}=@{self._bindings[names[0]].column}|word"
        return InvalidRecipient(
            f"The row has no value for {said}.",
            "variable",
            action=f"Fill in the cell, or give a default: {default}",
        )


def inline_template(text: str, problems: list[str]) -> Template:
    """Return a text with ``{Name}`` in it as a template.

    :param problems: gets what is wrong with it; the template is then of no use.
    """
    with collected(problems):
        return Template(text)
    return Template("-")


def _is_wrong(problems: tuple[str, ...]) -> InvalidRecipient:
    return InvalidRecipient(
        f"A value of the row does not fit: {'; '.join(problems)}.", "variable", action="Mend the cell in the table."
    )
