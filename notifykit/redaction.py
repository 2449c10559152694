"""How numbers, addresses, passwords and texts are shown.

Everything in a ``repr``, a log line, an error or an event passes through one of these functions first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

STARS: Final = "****"
#: A secret of so many characters is hardly a part of another word.
_LONG: Final = 8
#: Fewer digits than this are hidden whole: the others would give the number away.
_SHORTEST_SHOWN: Final = 11
_DIGIT_RUN: Final = re.compile(r"\+?\d(?:[\W_]{0,3}\d){5,}")
# The next four are texts: few programs use them, and compiling takes longer than importing this module.
#: Four digits and more are a code, also with a space or a hyphen between them.
_CODE: Final = r"(?<!ERR)(?<!\d)(?<!\\u)\+?(?:\d[ -]?){3,}\d"
_QUOTED: Final = (
    "(?<!\\w)(?:" + "|".join(f"{a}[^{b}\\n]{{1,300}}{b}" for a, b in ("''", '""', "``", "“”", "‘’", "«»")) + ")(?!\\w)"
)
_EMAIL_INSIDE: Final = r"(?<![^\s@<>])[^\s@<>]+@[^\s@<>]+"
#: Letters and digits mixed, as in passwords and keys; and base64, by its capitals or its end.
_MIXED: Final = (
    r"(?a)(?<![A-Za-z0-9\\+/_-])(?:(?=[A-Za-z+_-]*\d)(?=[\d+_-]*[A-Za-z])[A-Za-z0-9+_-]{8,}={0,2}"
    r"|(?=(?:[A-Z0-9+/_-]*[a-z0-9]+[A-Z]){3})[A-Za-z0-9+/_-]{12,}={0,2}|[A-Za-z0-9+/_-]{6,}={1,2}(?!\w))"
)
#: General categories Cc, Zl and Zp, the marks that change the direction of what follows, and surrogates.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
#: A number that is redacted already.
_REDACTED: Final = re.compile(rf"[0-9]{{3}}{re.escape(STARS)}[0-9]{{4}}")
#: What is behind the @ is shown only where it is a domain: a text that happens to hold an @ is hidden whole.
_EMAIL: Final = re.compile(r"(\S)\S+@([\w-]+(?:\.[\w-]+)+)")


#: Digits that may be a number of a person, in words that should have none.
_NUMBER: Final = re.compile(r"\+?\d{7,}")


class Secret:
    """A password, a token or a DSN: it can be used, but not shown.

    ``repr``, ``str`` and formatting give stars; :meth:`reveal` gives the text to the one line that needs it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret('{STARS}')"

    def __str__(self) -> str:
        return STARS

    def __format__(self, spec: str) -> str:
        return format(STARS, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        return hmac.compare_digest(
            self._text.encode("utf-8", "surrogatepass"), other._text.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)


class SecretBytes(bytes):
    """A request body: bytes on the wire, a length in a traceback."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes, not shown>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def redact_address(address: str) -> str:
    """Return an address as a log may show it: ``965****5432``, ``a****@example.com``, else only stars.

    One that is redacted already stays as it is.
    """
    if _REDACTED.fullmatch(address):
        return address
    if address.isascii() and address.isdigit():
        return f"{address[:3]}{STARS}{address[-4:]}" if len(address) >= _SHORTEST_SHOWN else STARS
    email = _EMAIL.fullmatch(address)
    return f"{email[1]}{STARS}@{email[2]}" if email and not _DIGIT_RUN.search(email[2]) else STARS


def describe_text(text: str) -> str:
    """Return how long a text is, for a ``repr`` that may not show it."""
    return f"<{len(text)} characters>"


def text_shape(text: str) -> str:
    """Return a text with every letter as ``x`` and every digit as ``9``: its form without its words.

    Letters outside ASCII, and the marks on them, become ``ء``, so that the shape still shows the encoding.
    """
    return text.translate(_SHAPES)


class _Shapes(dict[int, str]):
    """The shape of each character so far."""

    def __missing__(self, code: int) -> str:
        shape = self[code] = _shape_of(chr(code))
        return shape


def _shape_of(character: str) -> str:
    if character.isascii():
        return "9" if character.isdigit() else "x" if character.isalpha() else character
    kind = unicodedata.category(character)[0]
    return "9" if kind == "N" else "ء" if kind in "LM" else character


_SHAPES: Final = _Shapes()


#: So many names are kept of one text.
_MOST_NAMES: Final = 8


def character_names(characters: Iterable[str]) -> tuple[str, ...]:
    """Return names of characters, each once, from which no text can be read: a letter or a digit has its script's."""
    return tuple(sorted(set(map(_character_name, set(characters))))[:_MOST_NAMES])


def _character_name(character: str) -> str:
    category, name = unicodedata.category(character), unicodedata.name(character, "")
    if category[0] in "LMN":
        script = name.split("-INDIC DIGIT", 1)[0].split(" ", 1)[0].title() or "Other"
        return f"{script} {'digits' if category[0] == 'N' else 'letters'}"
    code = name.lower() or f"U+{ord(character):04X}"
    return code if category[0] in "CZ" else f"{character} {code}"


def one_line(text: str) -> str:
    """Return someone else's words in one line that nothing in them can break, turn around or erase.

    Control characters, line ends, marks of direction and lone surrogates become escapes, which in JSON are the same text.
    """
    return _UNPRINTABLE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    short = {9: "\\t", 10: "\\n", 13: "\\r"}.get(code)
    return short or (f"\\x{code:02x}" if code < 0x20 else f"\\u{code:04x}")


def without_numbers(text: str) -> str:
    """Return the words of an error in one line and without what may be a number: they have none, but a plugin's may."""
    return _NUMBER.sub(STARS, one_line(text))


def without_secrets(text: str, *secrets: str, stars: str = STARS) -> str:
    """Return a text without some secrets, whatever their capitals, and without their base64.

    One of fewer than eight characters is hidden only where it stands as a word of its own: it may be a part of many words.

    :param stars: what replaces them.
    """
    forms = {form for secret in secrets if secret.strip() for form in _forms(secret.strip())}
    if not forms:
        return text
    longest_first = sorted(forms, key=len, reverse=True)
    words = (
        rf"(?<![^\W_]){re.escape(form)}(?![^\W_])" if len(form) < _LONG else re.escape(form) for form in longest_first
    )
    either = "|".join(words)
    return re.sub(either, lambda _: stars, text, flags=re.IGNORECASE)


def _forms(secret: str) -> Iterator[str]:
    import base64

    yield secret
    raw = secret.encode("utf-8", "surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode("ascii")
        yield encode(raw).decode("ascii").rstrip("=")


def scrub(text: str, *secrets: str) -> str:
    """Return someone else's words as a log or a terminal may show them: in one line, and redacted by their shape.

    Hidden is what is quoted, what looks like an address, a code, a token or a number, also where it is escaped as HTML or
    in a URL, and each secret that is given, where it stands as a word of its own. For words that we did not write
    ourselves: a provider's description, the message of a foreign exception.
    """
    if "&" in text or "%" in text:
        import html
        import urllib.parse

        text = urllib.parse.unquote(html.unescape(text), errors="replace")
    text = without_secrets(text, *secrets)
    for shape in (_QUOTED, _EMAIL_INSIDE, _DIGIT_RUN, _CODE, _MIXED):
        text = re.sub(shape, STARS, text)
    return one_line(text)
