"""Building a composite from its DSN: ``name(part, label => part)?option=value``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from notifykit.dsn import Dsn
from notifykit.errors import ConfigError
from notifykit.protocols import BuildContext, Transport
from notifykit.settings import Field


def parts(dsn: Dsn, context: BuildContext) -> list[Transport]:
    """Build the parts of a composite that gives them no labels.

    :raises ConfigError: where one has a label, and for everything that is wrong with the parts.
    """
    found = labelled(dsn, context)
    given = [label for label, _ in found if label is not None]
    if given:
        raise ConfigError(f"{dsn.scheme}: its parts have no labels, so leave out what stands in front of each =>")
    return [part for _, part in found]


def labelled(dsn: Dsn, context: BuildContext) -> list[tuple[str | None, Transport]]:
    """Build the parts of a composite, each with its label.

    :raises ConfigError: for everything that is wrong with the parts.
    """
    problems: list[str] = []
    built: list[tuple[str | None, Transport]] = []
    for number, part in enumerate(dsn.parts, 1):
        try:
            built.append((part.label, context.build(part.dsn)))
        except ConfigError as error:
            problems += [f"{dsn.scheme}, part {number}: {problem}" for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return built


def options(dsn: Dsn, context: BuildContext, fields: Sequence[Field]) -> dict[str, Any]:
    """Return the options of a composite; its table in the settings file says what holds where the DSN is silent.

    :raises ConfigError: with every problem.
    """
    values = context.settings.section(dsn.scheme, fields, dsn.options)
    return {name: value.value for name, value in values.items()}
