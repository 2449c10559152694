"""How numbers, addresses, passwords and texts are shown.

Everything in a ``repr``, a log line, an error or an event passes through one of these functions first.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import secrets
import tempfile
import unicodedata
from typing import Final

from notifykit.errors import ConfigError

STARS: Final = "****"
#: Fewer digits than this are hidden whole: the others would give the number away.
_SHORTEST_SHOWN: Final = 11
_DIGIT_RUN: Final = re.compile(r"\+?\d(?:[\W_]{0,3}\d){5,}")
#: What is behind the @ is shown only where it is a domain: a text that happens to hold an @ is hidden whole.
_EMAIL: Final = re.compile(r"(\S)\S+@([\w-]+(?:\.[\w-]+)+)")


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
    """Return an address as a log may show it: ``965****5432``, ``a****@example.com``, else only stars."""
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


def scrub(text: str, *secrets: str) -> str:
    """Return someone else's words without our secrets: each one given, and anything that looks like a number.

    For texts that we did not write ourselves: a provider's description, the message of a foreign exception.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, STARS)
    return _DIGIT_RUN.sub(STARS, text)


_KEY_FILE: Final = ".notifykit.key"
_KEY_SIZE: Final = 32


def key_beside(directory: pathlib.Path) -> bytes:
    """Return the key in a folder; make one where there is none.

    :raises ConfigError: where it can't be used.
    """
    file = directory / _KEY_FILE
    try:
        if not file.exists():
            _make_key(file)
        key = bytes.fromhex(file.read_text(encoding="ascii"))
        if len(key) != _KEY_SIZE:
            raise ValueError("not a key")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"hash_key: {_KEY_FILE} beside the settings can't be used ({type(error).__name__}): "
            "delete it to get a new one, or set NOTIFYKIT_HASH_KEY"
        ) from error
    return key


def _make_key(file: pathlib.Path) -> None:
    """Make a key that appears whole or not at all, once, also where other processes make one at the same time."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=_KEY_FILE, encoding="ascii") as draft:
        draft.write(secrets.token_bytes(_KEY_SIZE).hex())
        draft.flush()
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, file)
