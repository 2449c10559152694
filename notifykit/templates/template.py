"""Texts with variables, in one language or several, checked when they are created and measured before they are sent.

Between braces is a name and nothing else: no attribute, no index, no format. A value is inserted as it is and not
parsed, so a form can't fetch or run anything. No error shows a value: it may be a secret code.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Self, TypeVar

import attrs

from notifykit.errors import ConfigError, collected
from notifykit.models.capabilities import Measurement
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient
from notifykit.suggest import did_you_mean
from notifykit.templates.parsing import (
    ANY,
    LANGUAGE,
    canonical,
    names_in,
    parse,
    prefix_of,
    read_languages,
    read_options,
    read_samples,
    read_types,
    shortened,
)
from notifykit.templates.values import rewrite_value, with_article, write_value
from notifykit.templates.variants import Variant, has_variants, language_problems, read_variants

_Anyone = TypeVar("_Anyone")

#: Pure: the size of a text; None if it does not matter.
Measure = Callable[[str], Measurement | None]

#: The names in a template's table that are no languages.
_OPTIONS: Final = ("text", "default", "segments", "variables", "samples")


class TemplateError(ConfigError):
    """A template that can't be used or filled. ``problems`` has every reason."""

    heading = "the template has {} problems:"


class BadValues(TemplateError):  # noqa: N818 - the name says what happened
    """Values that are missing, unknown to the template, or of another type."""

    #: The variables without a value.
    missing: tuple[str, ...]

    def __init__(self, problems: str | Iterable[str], missing: Iterable[str] = ()) -> None:
        super().__init__(problems)
        self.missing = tuple(missing)


class OverBudget(TemplateError):  # noqa: N818 - the name says what happened
    """A text that takes more segments than its template allows."""


class Rendered(str):
    """A text that a template was filled to, with the language that it is in."""

    #: The language, as the template names it.
    language: str

    def __new__(cls, text: str, language: str) -> Self:
        """Return the text with its language."""
        made = super().__new__(cls, text)
        made.language = language
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # its own arguments
        """Return what a copy is made with."""
        return str(self), self.language


@attrs.frozen(init=False)
class Template:
    """One message with variables, in one language or several, for every channel or by channel.

    :param texts: the text, or a mapping of languages to texts. ``{name}`` is a variable, ``{{`` and ``}}`` are braces. With
        ``channels`` it is for the channels that have none of their own, and may be left out.
    :param variables: a mapping of all variables to their types: ``str``, ``int``, ``float``, ``decimal.Decimal``,
        ``datetime.date``, ``datetime.time``, ``datetime.datetime``, or the name of one of them. Without it each
        variable that the text has is a ``str``.
    :param samples: a mapping of variables to the longest value that is expected, or to a list of such values.
    :param segments: the most segments that any text may take; every variable needs a sample then.
    :param default: the language for all who read none of the others; the first by default.
    :param measure: returns the size of a text; ``Notifier.template`` gives that of its transport. Without it nothing
        is checked against ``segments``.
    :param channels: by channel a text, texts by language, or a mapping of ``text`` and ``subject`` (e-mail) or ``title``
        (push) to those. ``segments`` is then about the SMS.
    :raises TemplateError: with everything that is wrong.
    :raises OverBudget: with every language whose longest text takes more segments than ``segments``.
    """

    #: The text of each language, the first first; the one of a template without languages is that of ``und``.
    texts: Mapping[str, str] = attrs.field(repr=", ".join, hash=False)
    #: The type of each variable.
    variables: Mapping[str, type] = attrs.field(
        repr=lambda variables: ", ".join(f"{name}: {kind.__name__}" for name, kind in variables.items()), hash=False
    )
    #: The sample values of variables.
    samples: Mapping[str, tuple[Any, ...]] = attrs.field(repr=", ".join, hash=False)
    #: The most segments that any text may take; None for no limit.
    segments: int | None
    #: The language for all who read none of the others.
    default: str
    #: Returns the size of a text; None if it is not measured.
    measure: Measure | None = attrs.field(repr=False, eq=False)
    #: What it says on each channel; empty where its text is that of every channel.
    channels: Mapping[Channel, Variant[Template]] = attrs.field(repr=False, hash=False)
    #: The pieces of each text: words, a variable's name, words, a variable's name, …, words.
    _pieces: Mapping[str, tuple[str, ...]] = attrs.field(
        init=False,
        repr=False,
        eq=False,
        default=attrs.Factory(
            lambda self: {language: parse(text, []) for language, text in self.texts.items()}, takes_self=True
        ),
    )

    def __init__(
        self,
        texts: str | Mapping[str, str] | None = None,
        *,
        variables: Mapping[str, type | str] | None = None,
        samples: Mapping[str, Any] | None = None,
        segments: int | None = None,
        default: str | None = None,
        measure: Measure | None = None,
        channels: Mapping[Any, Any] | None = None,
    ) -> None:
        if channels:
            parts = _Parts(variables, samples, segments, default, measure)
            base, variants = parts.read(texts, channels)
            kept = (base.texts, base.variables, base.samples, base.segments, base.default, measure)
            self.__attrs_init__(*kept, variants)
            return
        problems: list[str] = []
        known = read_languages(texts, problems)
        used = {language: names_in(language, text, problems) for language, text in known.items()}
        types = read_types(used, variables, problems)
        if default is not None and canonical(default) not in known:
            problems.append(f"default is {default!r:.40}, and there are texts for {', '.join(known) or 'no language'}")
        tuples = read_samples(samples, types, problems)
        if segments is not None:
            if type(segments) is not int or segments < 1:
                problems.append("segments is not a whole number above zero")
            if lacking := [name for name in types if name not in tuples]:
                problems.append(f"segments is checked against samples, and there is none of {', '.join(lacking)}")
        if problems:
            raise TemplateError(problems)
        self.__attrs_init__(known, types, tuples, segments, canonical(default or next(iter(known))), measure, {})
        if segments is not None and measure is not None:
            over = [problem for language in known if (problem := self._over(language, self.longest(language)))]
            if over:
                raise OverBudget(over)

    @classmethod
    def from_table(cls, table: object) -> Template:
        """Return the template of a settings file: a text, or a table with texts by language and options.

        The options are ``default``, ``segments``, ``variables`` (names of types) and ``samples``; ``text`` is the only
        text of a template without languages. Samples of types that the file does not have are texts: ``price = "12.500"``.
        ``sms``, ``email`` and ``push`` are texts of these channels.

        :raises TemplateError: with everything that is wrong.
        """
        if isinstance(table, Template):
            return table
        if isinstance(table, str):
            return cls(table)
        if not isinstance(table, Mapping):
            raise TemplateError(f"it is {with_article(type(table))}: give a text, or a table")
        problems: list[str] = []
        channels = {name: table[name] for name in (Channel if has_variants(table) else ()) if name in table}
        table = {name: part for name, part in table.items() if name not in channels}
        options = {name: table[name] for name in _OPTIONS if name in table}
        texts = {name: text for name, text in table.items() if name not in options}
        unknown = [name for name in texts if not LANGUAGE.fullmatch(canonical(str(name)))]
        for name in unknown:
            problems.append(f"{name} is neither a language nor an option: {did_you_mean(str(name), _OPTIONS)}")
            del texts[name]
        if "text" in options and texts:
            problems.append(f"text is for a template without languages, and there is one for {', '.join(texts)}")
        elif "text" in options:
            texts = {ANY: options["text"]}
        options.pop("text", None)
        try:
            template = cls(
                None if channels and not texts else texts, channels=channels, **read_options(options, problems)
            )
        except TemplateError as error:
            # If the only text is missing because its name is misspelt, the rest is a consequence.
            raise TemplateError((*problems, *(() if unknown and not texts else error.problems))) from None
        if problems:
            raise TemplateError(problems)
        return template

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it has texts for, in order."""
        return tuple(self.texts)

    def has(self, language: str) -> bool:
        """Return whether readers of a language get a text of their own, and not that of ``default`` for want of one."""
        return self._own(language) is not None

    def choose(self, language: str | None) -> str:
        """Return the template's language for a reader of a language.

        ``ar-KW`` and ``ar_KW.UTF-8`` get ``ar`` if there is no ``ar-kw``; None and languages without a text get
        ``default``.
        """
        if not isinstance(language, str | None):
            raise TypeError(f"language is a {type(language).__name__}: give a str such as 'ar'")
        return self._own(language or "") or self.default

    def _own(self, language: str) -> str | None:
        tag = canonical(language)
        while tag and tag not in self.texts:
            tag = tag.rpartition("-")[0]
        return tag or None

    def render(self, language: str | None = None, /, **values: Any) -> str:
        """Return the text for a reader of a language, with the values inserted as they are.

        Numbers are written with all their digits and never as ``1e+22``, dates as ``2026-12-31``, times as ``09:30``
        (with seconds if they are not zero). For another form give a ``str``.

        :raises BadValues: with every variable that is missing, unknown or of another type. No value is shown.
        :raises OverBudget: if the text takes more than ``segments``, and the template is measured.
        """
        return self._filled(self.choose(language), values, write_value)

    def render_for(self, recipient: Recipient, /, **values: Any) -> str:
        """Return the text for a recipient, by the recipient's ``language``. It raises what :meth:`render` does."""
        return self.render(recipient.language, **values)

    def render_from_text(self, values: Mapping[str, str], language: str | None = None) -> str:
        """Return the text as :meth:`render` does, with values that are texts, as a command line or a form has them.

        They are read as values of the variables' types. It raises what :meth:`render` does.
        """
        return self._filled(self.choose(language), values, rewrite_value)

    def by_language(self, recipients: Iterable[_Anyone]) -> dict[str, list[_Anyone]]:
        """Return the recipients by the language that they get, in the order in which languages are needed.

        A recipient without ``language``, such as a bare number, gets ``default``.
        """
        found: dict[str, list[_Anyone]] = {}
        for recipient in recipients:
            found.setdefault(self.choose(getattr(recipient, "language", None)), []).append(recipient)
        return found

    def longest(self, language: str | None = None) -> str:
        """Return the text with the samples that make it longest.

        :raises BadValues: if a variable has no sample.
        """
        chosen = self.choose(language)
        if missing := [name for name in self.variables if name not in self.samples]:
            raise BadValues((f"there is no sample of {name}" for name in missing), missing)
        texts = [self._joined(chosen, values) for values in self._extremes()]
        return max(texts, key=self._weight)

    def measured_by(self, measure: Measure) -> Template:
        """Return the same template with ``segments`` checked: at once with its samples, and each time it is rendered.

        :param measure: pure; ``Capabilities.measure`` of a transport. ``Notifier.template`` gives one that cleans the
            text first, as sending does.
        :raises OverBudget: with every language whose longest text takes more segments than ``segments``.
        """
        if not self.channels:
            return attrs.evolve(self, measure=measure)
        measured = Template.__new__(Template)
        variants = {c: Variant(v.text.measured_by(measure), v.title) for c, v in self.channels.items()}
        kept = (self.texts, self.variables, self.samples, self.segments, self.default, measure)
        measured.__attrs_init__(*kept, variants)
        return measured

    def for_channel(self, channel: Channel) -> Variant[Template]:
        """Return the text of a channel with its subject or title.

        :raises TemplateError: if there is no text for it.
        """
        if not self.channels:
            return Variant(self)
        if channel not in self.channels:
            raise TemplateError(f"there is no text for {channel}: add it to the template")
        return self.channels[channel]

    def render_channels(
        self, channels: Iterable[Channel], language: str | None, values: Mapping[str, Any], *, from_text: bool = False
    ) -> dict[Channel, tuple[str, str | None]]:
        """Return the text for each channel with its subject or title, None without one; values as :meth:`render` takes them.

        :param from_text: take values that are texts, as :meth:`render_from_text` does.
        :raises TemplateError: if there is no text for a channel.
        :raises BadValues: with every variable that is missing, unknown or of another type. No value is shown.
        :raises OverBudget: if the text of the SMS takes more than ``segments``, and the template is measured.
        """
        chosen: dict[Channel, Variant[Template]] = {}
        lacking: list[str] = []
        for channel in channels:
            with collected(lacking):
                chosen[channel] = self.for_channel(channel)
        if lacking:
            raise TemplateError(lacking)
        known = {name for v in self.channels.values() for part in (v.text, v.title) if part for name in part.variables}
        known |= set(self.variables)
        problems = [
            f"{shortened(name)} is no variable: {did_you_mean(name, known)}" for name in values if name not in known
        ]
        missing: list[str] = []

        def written(part: Template) -> str:
            own = {name: values[name] for name in part.variables if name in values}
            try:
                return part.render_from_text(own, language) if from_text else part.render(language, **own)
            except BadValues as error:
                problems.extend(error.problems)
                missing.extend(error.missing)
                return ""

        found = {c: (written(v.text), written(v.title) if v.title else None) for c, v in chosen.items()}
        if problems:
            raise BadValues(dict.fromkeys(problems), dict.fromkeys(missing))
        return found

    def _filled(self, language: str, values: Mapping[str, Any], write: Callable[[type, object], str]) -> str:
        written: dict[str, str] = {}
        problems: list[str] = []
        missing = [name for name in self.variables if name not in values]
        problems += [f"{name} is missing: give {with_article(self.variables[name])}" for name in missing]
        for name, value in values.items():
            if name not in self.variables:
                problems.append(f"{shortened(name)} is no variable: {did_you_mean(name, self.variables)}")
                continue
            try:
                written[name] = write(self.variables[name], value)
            except ValueError as error:
                problems.append(f"{name} {error}")
        if problems:
            raise BadValues(problems, missing)
        text = self._joined(language, written)
        if problem := self._over(language, text):
            raise OverBudget(problem)
        return text if language == ANY else Rendered(text, language)

    def _joined(self, language: str, written: Mapping[str, str]) -> str:
        pieces = self._pieces[language]
        return "".join(written[piece] if index % 2 else piece for index, piece in enumerate(pieces))

    def _extremes(self) -> Iterator[dict[str, str]]:
        """Yield sets of samples, one of which makes the largest text, whatever the encodings.

        One character can change the encoding of the whole text. So the longest samples are not enough: the longest
        sample of each encoding is tried too, one at a time among the longest.
        """
        written = {
            name: [write_value(kind, sample) for sample in self.samples[name]] for name, kind in self.variables.items()
        }
        longest = {name: max(texts, key=_units) for name, texts in written.items()}
        yield longest
        yield {name: max(texts, key=self._weight) for name, texts in written.items()}
        for name, texts in written.items():
            by_encoding: dict[str | None, list[str]] = {}
            for text in texts:
                size = self.measure(text) if self.measure else None
                by_encoding.setdefault(size.encoding if size else None, []).append(text)
            for alike in by_encoding.values():
                yield longest | {name: max(alike, key=_units)}

    def _weight(self, text: str) -> tuple[int, int, int]:
        size = self.measure(text) if self.measure else None
        return (size.segments, size.units, _units(text)) if size else (0, 0, _units(text))

    def _over(self, language: str, text: str) -> str | None:
        """Return why a text is too long; None if it is not, or if it is not measured."""
        if self.segments is None or self.measure is None:
            return None
        size, most = self.measure(text), self.segments
        if size is None or size.segments <= most:
            return None

        def is_over(kept: int) -> bool:
            assert self.measure is not None
            part = self.measure(text[:kept])
            return part is not None and part.segments > most

        excess = len(text) - bisect.bisect_left(range(len(text)), True, key=is_over) + 1
        return (
            f"{prefix_of(language)}the text takes {size.segments} segments of {size.encoding} ({size.units} units), and segments "
            f"allows {most}: it is {excess} character{'s' * (excess != 1)} too long"
        )


@attrs.frozen
class _Parts:
    """Makes the texts of a template by channel, each with the variables and samples that it uses."""

    variables: Mapping[str, type | str] | None
    samples: Mapping[str, Any] | None
    segments: int | None
    default: str | None
    measure: Measure | None
    #: The variables of all texts so far.
    used: dict[str, None] = attrs.field(init=False, factory=dict)

    def make(self, channel: Channel, part: str, texts: Any) -> Template:
        """Return a text of a channel as a template of its own."""
        languages = texts if isinstance(texts, Mapping) else {ANY: texts}
        names = {name for t in languages.values() if isinstance(t, str) for name in parse(t, [])[1::2]}
        self.used.update(dict.fromkeys(names))
        variables, samples = (
            given and {n: given[n] for n in given if n in names} for given in (self.variables, self.samples)
        )
        is_sms = channel is Channel.SMS
        default = self.default if isinstance(texts, Mapping) else None
        return Template(
            texts,
            variables=variables,
            samples=samples,
            segments=self.segments if is_sms else None,
            default=default,
            measure=self.measure if is_sms else None,
        )

    def read(self, texts: Any, channels: Mapping[Any, Any]) -> tuple[Template, dict[Channel, Variant[Template]]]:
        """Return the text that ``render`` fills, and what is said on each channel.

        :raises TemplateError: with everything that is wrong.
        """
        problems: list[str] = []
        found = read_variants(channels, self.make, problems)
        base = next((found[channel].text for channel in (Channel.SMS, *found) if channel in found), None)
        if texts is not None:
            with collected(problems):
                base = self.make(Channel.PUSH if Channel.SMS in channels else Channel.SMS, "text", texts)
        places = {f"{c}: {name}": part.languages for c, v in found.items() for name, part in v.parts(c)}
        if texts is not None and base is not None:
            places = {"text": base.languages, **places}
        problems += language_problems(places)
        for option in ("variables", "samples"):
            unused = [name for name in getattr(self, option) or () if name not in self.used]
            problems += [f"{option} has {name}, and no text uses it" for name in unused]
        if problems or base is None:
            raise TemplateError(problems)
        if texts is not None:
            found = {channel: found.get(channel, Variant(base)) for channel in Channel}
        return base, found


def _units(text: str) -> int:
    """Return the number of UTF-16 units; an emoji has two."""
    return len(text) + sum(character > "\uffff" for character in text)
