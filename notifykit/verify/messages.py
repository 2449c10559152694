"""The message with the code: a text in the person's language, in one segment, and lines that phones and browsers read.

The longest of the texts below that fits into one segment is used. ``@domain #code`` is the last line, as WebOTP wants it;
the hash of an Android app stands above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from notifykit.errors import ConfigError
from notifykit.models.capabilities import Measurement
from notifykit.redaction import Secret
from notifykit.templates.template import Template
from notifykit.verify.codes import ALPHABETS
from notifykit.verify.settings import VerifySettings

#: Returns the size of a text; None if the transport does not measure.
Measure = Callable[[str], Measurement | None]

#: The built-in texts, the longest first. The code is in front, where a lock screen shows it.
_TEXTS: Final = (
    Template(
        {
            "en": "{code} is your code for {app}. Do not give it to anyone.",
            "ar": "{code} هو رمزك في {app}. لا تعطه لأحد.",
        }
    ),
    Template({"en": "{code} is your code for {app}.", "ar": "{code} هو رمزك في {app}"}),
    Template({"en": "{code} {app} code", "ar": "{code} رمز {app}"}),
)
_TEXTS_WITHOUT_NAME: Final = (
    Template({"en": "{code} is your code. Do not give it to anyone.", "ar": "{code} هو رمزك. لا تعطه لأحد."}),
    Template({"en": "{code} is your code.", "ar": "{code} هو رمزك"}),
    Template({"en": "{code}", "ar": "{code}"}),
)
#: UTF-16 units of an application's name that fit with every language and setting of :data:`LONGEST_DOMAINS`.
LONGEST_NAME: Final = 20
#: Characters of a domain that fit with such a name and a code of 6, without an Android hash and with one.
LONGEST_DOMAINS: Final = (24, 12)


@attrs.frozen
class CodeMessage:
    """Writes the message.

    :raises ConfigError: if a text takes more than one segment, or the template has no place for the code.
    """

    #: The settings.
    settings: VerifySettings
    #: The template of the settings; None for the built-in texts.
    template: Template | None
    #: Returns the size of a text.
    measure: Measure = attrs.field(repr=False)
    #: The template for each language.
    _chosen: dict[str, Template] = attrs.field(init=False, factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        problems: list[str] = []
        if self.template is not None:
            unknown = [name for name in self.template.variables if name not in ("code", "app")]
            if "code" not in self.template.variables:
                problems.append(f"verify.template: {self.settings.template} has no {{code}}")
            if unknown:
                problems.append(f"verify.template: there are values of code and app, and none of {', '.join(unknown)}")
        for language in () if problems else self._templates[0].languages:
            found = next((one for one in self._templates if self._fits(one, language)), None)
            if found is None:
                problems.append(self._too_long(language))
            else:
                self._chosen[language] = found
        if problems:
            raise ConfigError(problems)

    @property
    def _templates(self) -> Sequence[Template]:
        if self.template is not None:
            return (self.template,)
        return _TEXTS if self.settings.app else _TEXTS_WITHOUT_NAME

    def text(self, code: Secret, language: str | None) -> str:
        """Return the message for a reader of a language, ``ar`` or ``ar-KW``."""
        chosen = self._templates[0].choose(language or self.settings.language)
        return self._written(self._chosen[chosen], chosen, code.reveal())

    def _written(self, template: Template, language: str, code: str) -> str:
        values = {"code": code, "app": self.settings.app}
        text = template.render(language, **{name: values[name] for name in template.variables})
        return "\n".join((text, *self._lines(code)))

    def _lines(self, code: str) -> Iterator[str]:
        if self.settings.android_hash:
            yield self.settings.android_hash
        if self.settings.domain:
            yield f"@{self.settings.domain} #{code}"

    def _fits(self, template: Template, language: str) -> bool:
        # All characters of both alphabets take the same room.
        code = ALPHABETS[self.settings.alphabet][-1] * self.settings.length
        size = self.measure(self._written(template, language, code))
        return size is None or size.segments == 1

    def _too_long(self, language: str) -> str:
        parts = ["the template"] if self.template else []
        parts += [f"verify.{name}" for name in ("app", "domain", "android_hash") if getattr(self.settings, name)]
        return (
            f"verify: the message in {language} takes more than one segment, and each is paid for: shorten "
            f"{' or '.join(parts)}; a name of {LONGEST_NAME} characters fits with a domain of {LONGEST_DOMAINS[0]}, or with "
            f"one of {LONGEST_DOMAINS[1]} and android_hash"
        )
