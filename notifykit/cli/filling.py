"""A template instead of a text: ``--template otp --var code=123456 --language ar``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import attrs
import click

from notifykit.pipeline.notifier import Notifier
from notifykit.templates.template import BadValues, TemplateError

_Function = TypeVar("_Function", bound=Callable[..., Any])

#: What an address may have between its letters, and a text of one word has not: ``a@example.com``, ``staff:fatima``.
_IN_ADDRESSES: Final = "@:"

_OPTIONS: Final = (
    click.option("--template", metavar="NAME", help="A template of the settings file instead of a text."),
    click.option(
        "--var",
        "variables",
        metavar="NAME=VALUE",
        multiple=True,
        help="The value of one of the template's variables. May be repeated.",
    ),
    click.option("--language", metavar="TAG", help="The language to write in, such as ar; else the template's own."),
)


@attrs.frozen
class Filling:
    """Which template is used, and what goes into it."""

    #: The template's name in the settings.
    template: str
    #: The values as they were typed.
    values: Mapping[str, str] = attrs.field(repr=", ".join)
    #: The language to write in; None for the template's own.
    language: str | None

    def text(self, notifier: Notifier) -> str:
        """Return the text.

        :raises click.UsageError: where values are missing, wrong or too long; it says what to type.
        :raises ConfigError: where there is no such template.
        """
        template = notifier.template(self.template)
        try:
            return template.render_from_text(self.values, self.language)
        except TemplateError as error:
            raise click.UsageError(self._cure(error)) from None

    def as_document(self, notifier: Notifier) -> dict[str, str]:
        """Return it for ``--json``, with the language that the text is in and without the values."""
        return {"template": self.template, "language": notifier.template(self.template).choose(self.language)}

    def _cure(self, error: TemplateError) -> str:
        lines = [f"The template {self.template} can't be filled:", *(f"  - {problem}" for problem in error.problems)]
        if isinstance(error, BadValues) and error.missing:
            lines.append(f"Add {' '.join(f'--var {name}=…' for name in error.missing)}")
        return "\n".join(lines)


def template_options(function: _Function) -> _Function:
    """Give a command the options that fill a template."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def filling_of(template: str | None, variables: Sequence[str], language: str | None) -> Filling | None:
    """Return what the options say; None where they name no template.

    :raises click.UsageError: where they don't go together, or a value has no name.
    """
    if template is None:
        if variables or language:
            raise click.UsageError("--var and --language fill a template: name it with --template.")
        return None
    values: dict[str, str] = {}
    for position, word in enumerate(variables, 1):
        variable, separator, value = word.partition("=")
        if not separator or not variable:
            # What was typed is not repeated: it may be the value alone.
            raise click.UsageError(f"--var no. {position} has no name: write --var NAME=VALUE.")
        if variable in values:
            raise click.UsageError(f"--var gives {variable} twice: leave one of them out.")
        values[variable] = value
    return Filling(template, values, language)


def looks_like_a_text(word: str) -> bool:
    """Return whether a word is no address, but a text that somebody meant to send."""
    return any(map(str.isalpha, word)) and not any(sign in word for sign in _IN_ADDRESSES)
