"""Read recipients and texts from the command line: arguments, standard input, files and templates."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import click

from notifykit.cli.options import option_group, read_stdin
from notifykit.cli.output import warn
from notifykit.cli.tables import check_addresses, read_addresses
from notifykit.models.message import Channel
from notifykit.normalizers.phone import split_addresses
from notifykit.pipeline.notifier import Notifier
from notifykit.templates.parsing import named_like_variables
from notifykit.templates.template import BadValues, TemplateError

#: Options of commands that read recipients from a file.
file_options: Final = option_group(
    click.option("--to-file", metavar="FILE", help="A file with a number a line, or a table; - is standard input."),
    click.option("--column", metavar="NAME", help="The column of the table that has the numbers."),
)
#: Options of commands that take a template in place of a text.
template_options: Final = option_group(
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
#: The option of commands that work with a transport.
via_option: Final = click.option("--via", metavar="NAME|DSN", help="Another transport than the settings say.")
#: Options of commands that send: the transport, the sender and the channel.
sending_options: Final = option_group(
    via_option,
    click.option("--sender", metavar="NAME", help="The sender's name; upper and lower case count."),
    click.option(
        "--channel", type=click.Choice(list(map(str, Channel))), default="sms", show_default=True, help="The medium."
    ),
)
tag_option: Final = click.option(
    "--tag", "tags", metavar="TAG", multiple=True, help="A label for events and logs. May be repeated."
)
move_unknown_option: Final = click.option(
    "--move-unknown", is_flag=True, help="Let a failover go on after an unknown outcome: people may get it twice."
)
no_progress_option: Final = click.option("--no-progress", is_flag=True, help="Do not say how far it is.")
#: The option of commands that read the text from a file.
message_file_option: Final = click.option(
    "--message-file", metavar="FILE", help="A file with the text; - is standard input."
)


def confirm_options(thing: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds the options about the question before something is sent: ``send``, ``campaign``."""
    return option_group(
        click.option("--yes", is_flag=True, help="Answer yes to every question."),
        click.option(
            "--max-cost",
            type=click.FloatRange(min=0),
            default=10.0,
            show_default=True,
            help=f"What a live {thing} may cost before the question warns of it, and a no exits with 7.",
        ),
    )


@attrs.frozen
class Recipients:
    """Addresses that can be read more than once; a file is read again each time and never kept in memory."""

    #: Addresses that were typed or piped in.
    given: tuple[str, ...] = attrs.field(default=(), repr=False)
    #: A file with more of them.
    file: pathlib.Path | None = None
    #: The column of the file; None for a file with one address a line.
    column: str | None = None

    def __iter__(self) -> Iterator[str]:
        yield from self.given
        if self.file is not None:
            yield from read_addresses(self.file, self.column)


def read_recipients(words: Sequence[str], file: str | None, column: str | None) -> Recipients:
    """Return the recipients that a command line names.

    :param words: arguments; commas separate several addresses in one, and ``-`` reads standard input.
    :raises click.UsageError: if there are none, or the file can't be used.
    """
    if column and not file:
        raise click.UsageError("--column says which column of a file: give the file with --to-file.")
    given = [part for word in words for part in _parts(word)]
    path = None
    if file == "-":
        given += _lines(read_stdin())
    elif file is not None:
        path = pathlib.Path(file)
        if path.exists() and not path.is_file():  # a pipe can be read only once
            given += read_addresses(path, column, warn)
            path = None
        else:
            check_addresses(path, column)
    if not given and path is None:
        raise click.UsageError("There are no recipients: give numbers, - for standard input, or --to-file.")
    return Recipients(tuple(given), path, column)


def _parts(word: str) -> list[str]:
    if word == "-":
        return _lines(read_stdin())
    return split_addresses(word)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@attrs.frozen
class FilledTemplate:
    """A template of the settings with the values that were typed."""

    #: The template's name in the settings.
    name: str
    #: The values as they were typed.
    values: Mapping[str, str] = attrs.field(repr=", ".join)
    #: The language to write in; None for the template's own.
    language: str | None

    def render(self, notifier: Notifier, channel: Channel) -> tuple[str, str | None]:
        """Return the text of a channel, and its subject or title; None without one.

        :raises click.UsageError: if values are missing, wrong or too long, with what to type.
        :raises ConfigError: if there is no such template.
        """
        template = notifier.template(self.name)
        if warning := named_like_variables(self.values):
            warn(warning)
        try:
            return template.render_channels((channel,), self.language, self.values, from_text=True)[channel]
        except TemplateError as error:
            lines = [f"The template {self.name} can't be filled:", *(f"  - {problem}" for problem in error.problems)]
            if isinstance(error, BadValues) and error.missing:
                lines.append(f"Add {' '.join(f'--var {name}=…' for name in error.missing)}")
            raise click.UsageError("\n".join(lines)) from None

    def as_document(self, notifier: Notifier, channel: Channel) -> dict[str, str]:
        """Return it for ``--json``, with the language of the text and without the values."""
        text = notifier.template(self.name).for_channel(channel).text
        return {"template": self.name, "language": text.choose(self.language)}


def filled_template(options: Mapping[str, Any]) -> FilledTemplate | None:
    """Return the template that the options name with its values, or None.

    :raises click.UsageError: if the options don't go together, or a value has no name.
    """
    name, variables, language = options["template"], options["variables"], options["language"]
    if name is None:
        if variables or language:
            raise click.UsageError("--var and --language fill a template: name it with --template.")
        return None
    return FilledTemplate(name, read_variables(variables), language)


def read_variables(words: Sequence[str]) -> dict[str, str]:
    """Return the values of ``--var`` by their names.

    :raises click.UsageError: if one has no name, or a name comes twice.
    """
    values: dict[str, str] = {}
    for position, word in enumerate(words, 1):
        variable, separator, value = word.partition("=")
        if not separator or not variable:
            # What was typed is not repeated: it may be the value alone.
            raise click.UsageError(f"--var no. {position} has no name: write --var NAME=VALUE.")
        if variable in values:
            raise click.UsageError(f"--var gives {variable} twice: leave one of them out.")
        values[variable] = value
    return values
