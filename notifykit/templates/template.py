"""Texts with variables, in one language or several, checked when they are created and measured before they are sent.

Between braces is a name and nothing else: no attribute, no index, no format. A value is inserted as it is and not
parsed, so a form can't fetch or run anything. No error shows a value: it may be a secret code.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Self, TypeVar

import attrs

from notifykit.errors import ConfigError
from notifykit.models.capabilities import Measurement
from notifykit.models.recipient import Recipient
from notifykit.suggest import did_you_mean
from notifykit.templates.values import KINDS, KINDS_BY_NAME, read_value, rewrite_value, with_article, write_value

_Anyone = TypeVar("_Anyone")

#: The language of a text that is the same for all recipients: the language tag for "undetermined".
ANY: Final = "und"
#: Pure: the size of a text; None if it does not matter.
Measure = Callable[[str], Measurement | None]

#: ``ar``, ``en-gb``, ``zh-hant``.
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")
_BRACES: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
#: The most characters between braces that an error repeats.
_MOST_SHOWN: Final = 30
#: The names in a template's table that are no languages.
_OPTIONS: Final = ("text", "default", "segments", "variables", "samples")


class TemplateError(ConfigError):
    """A template that can't be used or filled. ``problems`` has every reason."""

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        return f"the template has {len(self.problems)} problems:\n{lines}"


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
    """One message with variables, in one language or several.

    :param texts: the text, or a mapping of languages to texts. ``{name}`` is a variable, ``{{`` and ``}}`` are braces.
    :param variables: a mapping of all variables to their types: ``str``, ``int``, ``float``, ``decimal.Decimal``,
        ``datetime.date``, ``datetime.time``, ``datetime.datetime``, or the name of one of them. Without it each
        variable that the text has is a ``str``.
    :param samples: a mapping of variables to the longest value that is expected, or to a list of such values.
    :param segments: the most segments that any text may take; every variable needs a sample then.
    :param default: the language for all who read none of the others; the first by default.
    :param measure: returns the size of a text; ``Notifier.template`` gives that of its transport. Without it nothing
        is checked against ``segments``.
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
    #: The pieces of each text: words, a variable's name, words, a variable's name, …, words.
    _pieces: Mapping[str, tuple[str, ...]] = attrs.field(
        init=False,
        repr=False,
        eq=False,
        default=attrs.Factory(
            lambda self: {language: _parsed(text, []) for language, text in self.texts.items()}, takes_self=True
        ),
    )

    def __init__(
        self,
        texts: str | Mapping[str, str],
        *,
        variables: Mapping[str, type | str] | None = None,
        samples: Mapping[str, Any] | None = None,
        segments: int | None = None,
        default: str | None = None,
        measure: Measure | None = None,
    ) -> None:
        problems: list[str] = []
        known = _languages(texts, problems)
        used = {language: _names(language, text, problems) for language, text in known.items()}
        types = _types(used, variables, problems)
        if default is not None and _canonical(default) not in known:
            problems.append(f"default is {default!r:.40}, and there are texts for {', '.join(known) or 'no language'}")
        tuples = _samples(samples, types, problems)
        if segments is not None:
            if type(segments) is not int or segments < 1:
                problems.append("segments is not a whole number above zero")
            if lacking := [name for name in types if name not in tuples]:
                problems.append(f"segments is checked against samples, and there is none of {', '.join(lacking)}")
        if problems:
            raise TemplateError(problems)
        self.__attrs_init__(known, types, tuples, segments, _canonical(default or next(iter(known))), measure)
        if segments is not None and measure is not None:
            over = [problem for language in known if (problem := self._over(language, self.longest(language)))]
            if over:
                raise OverBudget(over)

    @classmethod
    def from_table(cls, table: object) -> Template:
        """Return the template of a settings file: a text, or a table with texts by language and options.

        The options are ``default``, ``segments``, ``variables`` (names of types) and ``samples``; ``text`` is the only
        text of a template without languages. Samples of types that the file does not have are texts: ``price = "12.500"``.

        :raises TemplateError: with everything that is wrong.
        """
        if isinstance(table, Template):
            return table
        if isinstance(table, str):
            return cls(table)
        if not isinstance(table, Mapping):
            raise TemplateError(f"it is {with_article(type(table))}: give a text, or a table")
        problems: list[str] = []
        options = {name: table[name] for name in _OPTIONS if name in table}
        texts = {name: text for name, text in table.items() if name not in options}
        unknown = [name for name in texts if not _LANGUAGE.fullmatch(_canonical(str(name)))]
        for name in unknown:
            problems.append(f"{name} is neither a language nor an option: {did_you_mean(str(name), _OPTIONS)}")
            del texts[name]
        if "text" in options and texts:
            problems.append(f"text is for a template without languages, and there is one for {', '.join(texts)}")
        elif "text" in options:
            texts = {ANY: options["text"]}
        options.pop("text", None)
        try:
            template = cls(texts, **_read_options(options, problems))
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

    def choose(self, language: str | None) -> str:
        """Return the template's language for a reader of a language.

        ``ar-KW`` and ``ar_KW.UTF-8`` get ``ar`` if there is no ``ar-kw``; None and languages without a text get
        ``default``.
        """
        if not isinstance(language, str | None):
            raise TypeError(f"language is a {type(language).__name__}: give a str such as 'ar'")
        tag = _canonical(language or "")
        while tag and tag not in self.texts:
            tag = tag.rpartition("-")[0]
        return tag or self.default

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
        return attrs.evolve(self, measure=measure)

    def _filled(self, language: str, values: Mapping[str, Any], write: Callable[[type, object], str]) -> str:
        written: dict[str, str] = {}
        problems: list[str] = []
        missing = [name for name in self.variables if name not in values]
        problems += [f"{name} is missing: give {with_article(self.variables[name])}" for name in missing]
        for name, value in values.items():
            if name not in self.variables:
                problems.append(f"{_shown(name)} is no variable: {did_you_mean(name, self.variables)}")
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
            f"{_of(language)}the text takes {size.segments} segments of {size.encoding} ({size.units} units), and segments "
            f"allows {most}: it is {excess} character{'s' * (excess != 1)} too long"
        )


def _canonical(language: str) -> str:
    """Return a language tag in small letters with hyphens; that of a locale such as ``ar_KW.UTF-8``."""
    return re.split(r"[.@]", language.strip(), maxsplit=1)[0].replace("_", "-").lower()


def _units(text: str) -> int:
    """Return the number of UTF-16 units; an emoji has two."""
    return len(text) + sum(character > "\uffff" for character in text)


def _shown(words: str) -> str:
    """Return words of a text, shortened for an error."""
    short = words if len(words) <= _MOST_SHOWN else f"{words[: _MOST_SHOWN - 1]}…"
    return short if short.isprintable() else "…"


def _languages(texts: object, problems: list[str]) -> dict[str, str]:
    if isinstance(texts, str):
        texts = {ANY: texts}
    if not isinstance(texts, Mapping):
        raise TypeError(f"texts is a {type(texts).__name__}: give a text, or a mapping of languages to texts")
    found: dict[str, str] = {}
    for language, text in texts.items():
        tag = _canonical(language) if isinstance(language, str) else ""
        if not _LANGUAGE.fullmatch(tag):
            problems.append(f"{language!r:.40} is no language: write a tag such as ar or en-GB")
        elif tag in found:
            problems.append(f"{tag} has two texts")
        elif not isinstance(text, str):
            problems.append(f"{_of(tag)}the text is {with_article(type(text))}: give a str")
        elif not text.strip():
            problems.append(f"{_of(tag)}the text is empty")
        else:
            found[tag] = text
    if not texts:
        problems.append("there is no text")
    return found


def _of(language: str) -> str:
    return "" if language == ANY else f"{language}: "


def _names(language: str, text: str, problems: list[str]) -> tuple[str, ...]:
    """Return the variables of a text in order, each once."""
    wrong: list[str] = []
    pieces = _parsed(text, wrong)
    problems += [f"{_of(language)}{problem}" for problem in wrong]
    return tuple(dict.fromkeys(pieces[1::2]))


def _parsed(text: str, problems: list[str]) -> tuple[str, ...]:
    """Return the pieces of a text: words, a name, words, a name, …, words."""
    pieces = [""]
    position = 0
    for found in _BRACES.finditer(text):
        pieces[-1] += text[position : found.start()]
        position = found.end()
        place, name = f"at character {found.start() + 1}", found[1]
        if name is None and len(found[0]) > 1:
            pieces[-1] += found[0][0]
        elif name is None:
            what = "closed" if found[0] == "{" else "opened"
            problems.append(f"{found[0]} {place} is never {what}: write {found[0] * 2} for a brace")
        elif not name.isidentifier():
            problems.append(
                f"{{{_shown(name)}}} {place} is no variable: only a name is allowed between braces, such as {{name}}"
            )
        else:
            pieces += (name, "")
    pieces[-1] += text[position:]
    return tuple(pieces)


def _types(
    used: Mapping[str, tuple[str, ...]], variables: Mapping[str, type | str] | None, problems: list[str]
) -> dict[str, type]:
    """Return the type of each variable; a problem for each that is not declared, or not used everywhere."""
    found: dict[str, type] = {}
    everywhere = tuple(dict.fromkeys(name for names in used.values() for name in names))
    if variables is None:
        found = dict.fromkeys(everywhere, str)
    elif not isinstance(variables, Mapping):
        raise TypeError(f"variables is a {type(variables).__name__}: give a mapping of names to types")
    for name, kind in (variables or {}).items():
        known = KINDS_BY_NAME.get((kind if isinstance(kind, str) else getattr(kind, "__name__", "")).lower())
        if known is None or (known is not kind and not isinstance(kind, str)):
            called = _shown(kind) if isinstance(kind, str) else getattr(kind, "__name__", type(kind).__name__)
            types = ", ".join(kind.__name__ for kind in KINDS)
            problems.append(f"variables: the type of {name} is {called}, and not one of {types}")
        found[name] = known or str
    undeclared = [name for name in everywhere if name not in found]
    problems += [f"{{{name}}} is not in variables: {did_you_mean(name, found)}" for name in undeclared]
    unused = [name for name in found if used and name not in everywhere]
    problems += [f"variables has {name}, and no text uses it" for name in unused]
    for language, names in used.items():
        for name in everywhere:
            if name not in names:
                others = ", ".join(other for other, has in used.items() if name in has)
                problems.append(f"{_of(language)}the text has no {{{name}}}, and that of {others} has")
    return found


def _samples(
    samples: Mapping[str, Any] | None, variables: Mapping[str, type], problems: list[str]
) -> dict[str, tuple[Any, ...]]:
    if not isinstance(samples, Mapping | None):
        raise TypeError(f"samples is a {type(samples).__name__}: give a mapping of variables to values")
    found: dict[str, tuple[Any, ...]] = {}
    for name, given in (samples or {}).items():
        found[name] = tuple(given) if isinstance(given, list | tuple) else (given,)
        if name not in variables:
            problems.append(f"samples has {name}, which is no variable: {did_you_mean(name, variables)}")
            continue
        if not found[name]:
            problems.append(f"samples: the list of {name} is empty")
        for sample in found[name]:
            try:
                write_value(variables[name], sample)
            except ValueError as error:
                problems.append(f"samples: {name} {error}")
    return found


def _read_options(table: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Return the options of a settings file, with samples read by the types of the variables."""
    options = dict(table)
    for option in ("variables", "samples"):
        if not isinstance(options.get(option, {}), Mapping):
            problems.append(f"{option} is not a table")
            del options[option]
    default = options.get("default", "")
    if not isinstance(default, str):
        problems.append("default is not a language")
        del options["default"]
    samples: dict[str, Any] = {}
    for name, given in options.get("samples", {}).items():
        named = options.get("variables", {}).get(name, "str")
        kind = KINDS_BY_NAME.get(named.lower(), str) if isinstance(named, str) else str
        samples[name] = []
        for sample in given if isinstance(given, list) else [given]:
            try:
                samples[name].append(read_value(kind, sample) if isinstance(sample, str) else sample)
            except ValueError as error:
                problems.append(f"samples: {name} {error}")
                # It has a sample, although none that can be measured: that is one problem.
                options.pop("segments", None)
    return options | {"samples": {name: read for name, read in samples.items() if read or not options["samples"][name]}}
