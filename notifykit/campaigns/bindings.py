"""Where the values of a text come from: a column of the row, a word of its own where that is empty, or one word for all.

``@Name`` is the column Name, ``@Name|friend`` has a default for a missing or empty cell, ``@@`` begins a word with an @, and
everything else is a word for all rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from notifykit.campaigns.tables import plain
from notifykit.errors import ConfigError
from notifykit.suggest import did_you_mean

#: What a spreadsheet shows in a cell whose formula failed.
_FAILED: Final = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"})


class BindingError(ConfigError):
    """Variables and columns that do not fit. ``problems`` has every one of them."""

    heading = "The text and the table do not fit:"


@attrs.frozen
class Binding:
    """The source of one value."""

    #: The column; None for one word for all rows.
    column: str | None
    #: The word for all rows, or for those whose cell is missing or empty; None where these have no value.
    word: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Binding:
        """Return the binding that ``@Column``, ``@Column|default`` or a word stands for.

        :raises ValueError: if there is no name behind the @; the message follows the variable's name.
        """
        if text.startswith("@@"):
            return cls(None, text[1:])
        if not text.startswith("@"):
            return cls(None, text)
        column, bar, default = text[1:].partition("|")
        if not column.strip():
            raise ValueError("has no column behind the @: write @Column, or @@ for a word that begins with one")
        return cls(column.strip(), default if bar else None)

    def value(self, cells: Mapping[str, str]) -> str | None:
        """Return the value for a row; None where it has none."""
        if self.column is None:
            return self.word
        cell = plain(cells.get(self.column, ""))
        return self.word if not cell or cell in _FAILED else cell


def find_column(name: str, columns: Iterable[str]) -> str | None:
    """Return the column of a name; where none has it exactly, the only one that differs in upper and lower case."""
    columns = tuple(columns)
    if name in columns:
        return name
    alike = [column for column in columns if column.strip().casefold() == name.strip().casefold()]
    return alike[0] if len(alike) == 1 else None


def no_column(name: str, columns: Iterable[str]) -> str:
    """Return the sentence about a column that is not there."""
    columns = tuple(columns)
    there = did_you_mean(name, columns, f"there are: {', '.join(columns) or 'none'}")
    return f"there is no column {name!r:.60}: {there}"


def bind(
    variables: Iterable[str],
    given: Mapping[str, str],
    columns: Iterable[str],
    problems: list[str],
) -> dict[str, Binding]:
    """Return the source of each variable: the one that is given, else the column of its name.

    :param variables: those that the text has.
    :param given: ``@Column``, ``@Column|default`` or a word, by the variable's name.
    :param columns: those that the rows have.
    :param problems: gets a sentence for each that does not fit.
    """
    variables, columns = tuple(variables), tuple(columns)
    for name in given:
        if name not in variables:
            there = did_you_mean(name, variables, f"there are: {', '.join(variables) or 'none'}")
            problems.append(f"{name!r:.60} is no variable of the text: {there}")
    found: dict[str, Binding] = {}
    for name in variables:
        if name not in given:
            column = find_column(name, columns)
            if column is None:
                hint = did_you_mean(name, columns, "", form=" (or @{}?)")
                problems.append(f"{name} has no value: bind it to a column with {name}=@Column{hint}, or to a word")
            found[name] = Binding(column)
            continue
        try:
            found[name] = resolved(Binding.parse(given[name]), columns)
        except ValueError as error:
            problems.append(f"{name} {error}" if not isinstance(error, BindingError) else f"{name}: {error}")
    return found


def resolved(binding: Binding, columns: Iterable[str]) -> Binding:
    """Return a binding with its column as the rows spell it.

    :raises BindingError: if they have no such column.
    """
    if binding.column is None:
        return binding
    column = find_column(binding.column, columns)
    if column is None:
        raise BindingError(no_column(binding.column, columns))
    return attrs.evolve(binding, column=column)
