"""Reading what a template is made of: languages, variables between braces, their types, and samples.

And finding variables that nobody filled in, which every recipient would read: ``Dear {Name}``, ``Dear Name``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from notifykit.suggest import did_you_mean
from notifykit.templates.values import KINDS, KINDS_BY_NAME, read_value, with_article, write_value

#: The language of a text that is the same for all recipients: the language tag for "undetermined".
ANY: Final = "und"
#: ``ar``, ``en-gb``, ``zh-hant``.
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")
_BRACES: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
#: The most characters between braces that an error repeats.
_MOST_SHOWN: Final = 30
#: ``{name}``, ``{{name}}``, ``${name}``, ``{0}``, ``{}``, ``%(name)s``, as the usual template languages have them.
_UNFILLED: Final = re.compile(r"\$?\{\{?\s?(?:[^\W\d][\w.-]{0,40}|\d{0,2})\s?\}\}?|%\([^\W\d]\w{0,40}\)[sd]")
#: A text with more of them gets no more names into its warning.
_MOST_NAMED: Final = 3


def canonical(language: str) -> str:
    """Return a language tag in small letters with hyphens; that of a locale such as ``ar_KW.UTF-8``."""
    return re.split(r"[.@]", language.strip(), maxsplit=1)[0].replace("_", "-").lower()


def shortened(words: str) -> str:
    """Return words of a text, shortened for an error."""
    short = words if len(words) <= _MOST_SHOWN else f"{words[: _MOST_SHOWN - 1]}…"
    return short if short.isprintable() else "…"


def read_languages(texts: object, problems: list[str]) -> dict[str, str]:
    """Return the text of each language, by its canonical tag."""
    if isinstance(texts, str):
        texts = {ANY: texts}
    if not isinstance(texts, Mapping):
        raise TypeError(f"texts is a {type(texts).__name__}: give a text, or a mapping of languages to texts")
    found: dict[str, str] = {}
    for language, text in texts.items():
        tag = canonical(language) if isinstance(language, str) else ""
        if not LANGUAGE.fullmatch(tag):
            problems.append(f"{language!r:.40} is no language: write a tag such as ar or en-GB")
        elif tag in found:
            problems.append(f"{tag} has two texts")
        elif not isinstance(text, str):
            problems.append(f"{prefix_of(tag)}the text is {with_article(type(text))}: give a str")
        elif not text.strip():
            problems.append(f"{prefix_of(tag)}the text is empty")
        else:
            found[tag] = text
    if not texts:
        problems.append("there is no text")
    return found


def prefix_of(language: str) -> str:
    """Return what stands before a problem of a language's text."""
    return "" if language == ANY else f"{language}: "


def names_in(language: str, text: str, problems: list[str]) -> tuple[str, ...]:
    """Return the variables of a text in order, each once."""
    wrong: list[str] = []
    pieces = parse(text, wrong)
    problems += [f"{prefix_of(language)}{problem}" for problem in wrong]
    return tuple(dict.fromkeys(pieces[1::2]))


def parse(text: str, problems: list[str]) -> tuple[str, ...]:
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
                f"{{{shortened(name)}}} {place} is no variable: only a name is allowed between braces, such as {{name}}"
            )
        else:
            pieces += (name, "")
    pieces[-1] += text[position:]
    return tuple(pieces)


def read_types(
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
            called = shortened(kind) if isinstance(kind, str) else getattr(kind, "__name__", type(kind).__name__)
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
                problems.append(f"{prefix_of(language)}the text has no {{{name}}}, and that of {others} has")
    return found


def read_samples(
    samples: Mapping[str, Any] | None, variables: Mapping[str, type], problems: list[str]
) -> dict[str, tuple[Any, ...]]:
    """Return the samples of each variable, checked by its type."""
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


def read_options(table: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
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


def unfilled(text: str) -> str | None:
    """Return a sentence about the variables that stand in a finished text; None where there are none."""
    found = list(dict.fromkeys(match[0] for match in _UNFILLED.finditer(text)))
    if not found:
        return None
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    names, stand = ", ".join(found[:_MOST_NAMED]), "stands" if len(found) == 1 else "stand"
    return f"{names}{more} {stand} in the text, and everybody would read it so: a template fills in variables."


def named_like_variables(values: Mapping[str, object]) -> str | None:
    """Return a sentence about values that are their variable's own name; None where there are none.

    One text goes to all recipients: ``--var name=Name`` does not take the column ``Name``, as a campaign does.
    """
    found = [name for name, value in values.items() if str(value).strip(" {}<>[]%$").casefold() == name.casefold()]
    if not found:
        return None
    names = ", ".join(found[:_MOST_NAMED])
    return (
        f"The value of {names} is the variable's own name, and everybody would read it: give the value itself. "
        "A column of a table is no value here: `notifykit campaign` gives each row its own."
    )
