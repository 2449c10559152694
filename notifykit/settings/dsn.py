"""A transport in one line: ``kwtsms://user:password@default?sender=MY-APP&test=1``, or several in brackets.

``failover(kwtsms, webhook://host/path)?rest=30`` is a composite: a transport that is made of others. Composites nest. A
part may have a label: ``weighted(3 => kwtsms, 1 => webhook://host)``. Only the composite knows what its labels mean.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import attrs

from notifykit.errors import ConfigError
from notifykit.redaction import Secret

#: How deep composites may be nested.
MOST_NESTED: Final = 20
#: The most empty parts whose numbers an error lists.
_MOST_LISTED: Final = 10

_NAME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
#: The beginning of a composite; ``webhook://host/a(b)`` is none.
_COMPOSITE: Final = re.compile(rf"{_NAME.pattern} *\(")
_STRUCTURE: Final = re.compile(r"(=>|[(),])")
#: Options whose names hold one of these are not shown: ``api_key``, ``access_token``, ``sig``.
_SECRET_OPTION: Final = re.compile(r"auth|bearer|cred|key|pass|pwd|secret|sig|token", re.IGNORECASE)
#: The characters of the structure, ``>`` because of ``=>``. In a label, a host or a path they are percent-encoded; a text
#: that looks like that already gets ``25`` after its percent sign.
_STRUCTURAL: Final = re.compile(r"[,()>]")
_STRUCTURAL_ENCODED: Final = re.compile(r"%((?:25)*)(2C|28|29|3E)", re.IGNORECASE)

_WHAT_IT_IS: Final = "a transport is a name like 'kwtsms' or a DSN like 'kwtsms://user:password@default?test=1'"
_HOW_TO_WRITE_IT: Final = (
    "write scheme://user:password@host:port/path?option=value, "
    "with %40 for @, %2F for /, %3A for :, %3F for ? and %23 for # inside a password or another part"
)
_HOW_TO_WRITE_STRUCTURE: Final = "%2C for a comma, %28 and %29 for brackets and %3E for >"
_HOW_TO_WRITE_OPTIONS: Final = (
    "after the closing bracket only options are allowed, like ?rest=30&name=value, "
    f"with {_HOW_TO_WRITE_STRUCTURE}, %40 for @ and %23 for # in them"
)


def _as_label(given: str | None) -> str | None:
    return given if given is None else given.strip()


@attrs.frozen
class Part:
    """One of the transports of a composite.

    :raises ConfigError: if the label is empty, or has characters that can't be seen.
    """

    #: The transport.
    dsn: Dsn
    #: Its label, ``3`` or ``country=KW&tag=otp``, as it was written; None for none.
    label: str | None = attrs.field(default=None, converter=_as_label)

    def __attrs_post_init__(self) -> None:
        if self.label is not None and not (self.label and self.label.isprintable()):
            raise ConfigError("a label is a text in one line: without one, leave the => out")


def _as_parts(given: Iterable[Part | Dsn]) -> tuple[Part, ...]:
    return tuple(part if isinstance(part, Part) else Part(part) for part in given)


@attrs.frozen
class Dsn:
    """The parts of a DSN. Its ``str`` is a DSN too, without the password, the path and other secrets.

    :raises ConfigError: if a composite has a host, an account or a path, or is nested too deep.
    """

    #: The transport: ``kwtsms``, ``memory``, ``webhook+http``, ``failover``.
    scheme: str
    #: The host; ``default`` for the transport's own.
    host: str = "default"
    #: The port; None for the scheme's own.
    port: int | None = None
    #: The account's user name.
    user: str | None = None
    #: The account's password.
    password: Secret | None = None
    #: The path on the host, as it was written. It is not shown: webhook addresses have tokens there.
    path: str = attrs.field(default="", repr=False)
    #: The options after the question mark. They count for equality, not for the hash.
    options: Mapping[str, str] = attrs.field(factory=dict, repr=False, hash=False)
    #: The transports in its brackets, in order; a Dsn alone is a part without a label.
    parts: tuple[Part, ...] = attrs.field(default=(), converter=_as_parts)
    _depth: int = attrs.field(init=False, default=0, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if not self.parts:
            return
        if (self.host, self.port, self.user, self.password, self.path) != ("default", None, None, None, ""):
            raise ConfigError("a composite has no host, account or path of its own")
        depth = 1 + max(part.dsn.depth for part in self.parts)
        if depth > MOST_NESTED:
            raise ConfigError(f"composites are nested more than {MOST_NESTED} deep")
        object.__setattr__(self, "_depth", depth)

    @classmethod
    def parse(cls, text: str) -> Dsn:
        """Read a DSN, a bare transport name such as ``memory``, or a composite such as ``failover(kwtsms, memory)``.

        :raises ConfigError: if it is none of them, with everything that is wrong; the message never repeats the text.
        """
        text = text.strip()
        if _COMPOSITE.match(text):
            return _composite(text)
        if _NAME.fullmatch(text):
            return cls(text)
        scheme, separator, _ = text.partition("://")
        if not separator or not _NAME.fullmatch(scheme):
            raise ConfigError(f"{_WHAT_IT_IS}, or several like 'failover(kwtsms, webhook://host)'")
        return _single(text, f"the {scheme} DSN")

    @classmethod
    def read(cls, value: object) -> Dsn:
        """Read a transport of a settings file: a text, or a table for a composite.

        ``{ failover = ["kwtsms", "webhook://host"], rest = 30 }`` is ``failover(kwtsms, webhook://host)?rest=30``.
        A part with a label is a table with ``via``: ``{ weight = 3, via = "kwtsms" }`` is ``3 => kwtsms``, and
        ``{ country = "KW", tag = "otp", via = "kwtsms" }`` is ``country=KW&tag=otp => kwtsms``. The value of ``via``, like
        each item of the list, may be a table again.

        :raises ConfigError: with everything that is wrong; the message never repeats a value.
        """
        problems: list[str] = []
        dsn = _read(value, problems, _Place())
        if dsn is None or problems:
            raise ConfigError(problems)
        return dsn

    @staticmethod
    def may_be_named(name: str) -> bool:
        """Return whether a text could be a transport's name: small letters, digits, ``+``, ``.`` and ``-``."""
        return _NAME.fullmatch(name) is not None

    @property
    def depth(self) -> int:
        """How deep composites are nested in it: 0 for a transport that is none."""
        return self._depth

    @property
    def is_name(self) -> bool:
        """Whether it is only a name: that of a transport, or one that the settings give to a transport."""
        return self == Dsn(self.scheme)

    def reveal(self) -> str:
        """Return the whole DSN, with passwords, paths and secret options. Not for logs."""
        return self._written(secrets=True)

    def __str__(self) -> str:
        return self._written(secrets=False)

    def _written(self, *, secrets: bool) -> str:
        shown = {name: text for name, text in self.options.items() if secrets or not _SECRET_OPTION.search(name)}
        options = f"?{urlencode(shown)}" if shown else ""
        if self.parts:
            inside = ", ".join(_written_part(part, secrets=secrets) for part in self.parts)
            return f"{self.scheme}({inside}){options}"
        password = f":{quote(self.password.reveal(), safe='')}" if secrets and self.password else ""
        account = f"{quote(self.user or '', safe='')}{password}"
        host = f"[{self.host.replace('%', '%25')}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        path = self.path if secrets else ""
        return f"{self.scheme}://{account}{'@' if account else ''}{host}{port}{path}{options}"


def _written_part(part: Part, *, secrets: bool) -> str:
    label = "" if part.label is None else f"{_encode_structure(part.label)} => "
    dsn = part.dsn
    if not dsn.parts:
        dsn = attrs.evolve(dsn, host=_encode_structure(dsn.host), path=_encode_structure(dsn.path))
    written = dsn._written(secrets=secrets)  # noqa: SLF001 - its own class
    return label + (dsn.scheme if written == f"{dsn.scheme}://default" else written)


def _encode_structure(text: str) -> str:
    text = _STRUCTURAL_ENCODED.sub(r"%25\1\2", text)
    return _STRUCTURAL.sub(lambda found: quote(found[0], safe=""), text)


def _decode_structure(text: str) -> str:
    return _STRUCTURAL_ENCODED.sub(lambda found: f"%{found[1][2:]}{found[2]}" if found[1] else unquote(found[0]), text)


def _single(text: str, what: str, *, between_brackets: bool = False) -> Dsn:
    """Read a DSN that starts with a scheme and has no parts.

    :param what: its name in errors.
    """
    try:
        _refuse_ambiguous(text)
        parts = urlsplit(text)
        port = parts.port
        options = _read_options(parts.query)
    except ValueError:
        and_structure = f"; between brackets also {_HOW_TO_WRITE_STRUCTURE}" if between_brackets else ""
        raise ConfigError(f"{what} can't be read: {_HOW_TO_WRITE_IT}{and_structure}") from None
    if options is None:
        raise ConfigError(f"{what} has an option twice: leave one of them")
    host, path = parts.hostname or "default", parts.path
    if ":" in host:
        host = unquote(host)  # the zone of an IPv6 address, %25eth0 (RFC 6874)
    return Dsn(
        scheme=parts.scheme,
        host=_decode_structure(host) if between_brackets else host,
        port=port,
        user=unquote(parts.username) if parts.username else None,
        password=Secret(unquote(parts.password)) if parts.password else None,
        path=_decode_structure(path) if between_brackets else path,
        options=options,
    )


def _read_options(query: str) -> dict[str, str] | None:
    """Return the options, or None if one is there twice.

    :raises ValueError: if they can't be read.
    """
    given = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    options = dict(given)
    return options if len(options) == len(given) else None


def _refuse_ambiguous(text: str) -> None:
    """Raise a ValueError if ``urlsplit`` would drop a part, or take half a password for the host or an option."""
    _, *after_host = re.split("[/?]", text.partition("://")[2])
    if not text.isprintable() or "#" in text or any("@" in part for part in after_host):
        raise ValueError


@attrs.frozen
class _Place:
    """A place in a composite, for errors. It has no names of inner transports: they may be half a password."""

    #: The outermost composite's name; None if it has no readable one.
    name: str | None = None
    #: The numbers of the parts that lead to it, each from 1.
    numbers: tuple[int, ...] = ()

    def __truediv__(self, number: int) -> _Place:
        return _Place(self.name, (*self.numbers, number))

    def __str__(self) -> str:
        name = self.name or "the transport"
        return f"part {'.'.join(map(str, self.numbers))} of {name}" if self.numbers else name


@attrs.define
class _Piece:
    """The text between two commas, split at its structure."""

    #: The text before ``=>``.
    label: str | None = None
    #: The DSN, or the name before the bracket.
    text: str = ""
    #: The pieces in the brackets; None without brackets.
    inside: list[_Piece] | None = None
    #: The text after the closing bracket.
    after: str = ""
    #: Whether there is a second ``=>``.
    twice: bool = False
    #: Whether there is structure after the closing bracket.
    odd: bool = False

    def add_text(self, text: str) -> None:
        if self.inside is None and not self.twice:
            self.text = text
        elif not self.odd:
            self.after = text

    def add_arrow(self) -> None:
        if self.inside is not None:
            self.odd = True
        elif self.label is not None:
            self.twice = True
        else:
            self.label, self.text = self.text, ""


def _composite(text: str) -> Dsn:
    place = _Place(text.partition("(")[0].strip())
    problems: list[str] = []
    dsn = _build(_split(text, place, problems), place, problems)
    if dsn is None or problems:
        raise ConfigError(problems)
    return dsn


def _split(text: str, place: _Place, problems: list[str]) -> _Piece:
    """Split a text at its brackets, commas and arrows, in one pass from left to right.

    :raises ConfigError: if brackets are nested too deep, or closed too often.
    """
    top = _Piece()
    #: The piece that is being read, after those that contain it.
    path = [top]
    words = _STRUCTURE.split(text)
    for index, word in enumerate(words):
        piece = path[-1]
        if index % 2 == 0:
            piece.add_text(word.strip())
        elif word == "(":
            if len(path) > MOST_NESTED:
                raise ConfigError(f"{place}: brackets are nested more than {MOST_NESTED} deep")
            piece.odd |= piece.inside is not None
            path.append(_Piece())
            # A second pair of brackets is read only to find its end.
            piece.inside = piece.inside or [path[-1]]
        elif word == "=>":
            piece.add_arrow()
        elif len(path) == 1:
            if word == ")":
                raise ConfigError(f"{place}: a closing bracket has no opening one; inside a DSN it is written %29")
            piece.odd = True
        elif word == ")":
            path.pop()
        else:
            path[-1] = _Piece()
            assert path[-2].inside is not None, "it was opened"
            path[-2].inside.append(path[-1])
    if len(path) > 1:
        missing = "the closing bracket is" if len(path) == 2 else f"{len(path) - 1} closing brackets are"
        problems.append(f"{place}: {missing} missing; an opening bracket inside a DSN is written %28")
    return top


def _build(piece: _Piece, place: _Place, problems: list[str]) -> Dsn | None:
    """Return the DSN of a piece, or None with the problems added."""
    if piece.twice:
        problems.append(f"{place} has => twice: inside a label or a DSN it is written =%3E")
        return None
    if piece.inside is None:
        return _leaf(piece.text, place, problems)
    before = len(problems)
    if not _NAME.fullmatch(piece.text):
        problems.append(
            f"{place}: before a bracket is the name of a transport, like failover; "
            f"inside a DSN there are {_HOW_TO_WRITE_STRUCTURE}"
        )
    parts = _build_parts(piece.inside, place, problems)
    options: dict[str, str] | None = {}
    query = piece.after.removeprefix("?")
    try:
        if piece.odd or (piece.after and query == piece.after):
            raise ValueError
        _refuse_ambiguous(f"://{piece.after}")
        options = _read_options(query)
    except ValueError:
        problems.append(f"{place}: {_HOW_TO_WRITE_OPTIONS}")
    if options is None:
        problems.append(f"{place} has an option twice: leave one of them")
    return None if options is None or len(problems) > before else Dsn(piece.text, options=options, parts=parts)


def _build_parts(pieces: Sequence[_Piece], place: _Place, problems: list[str]) -> tuple[Part, ...]:
    parts: list[Part] = []
    empty: list[int] = []
    for number, piece in enumerate(pieces, 1):
        if not piece.text and piece.inside is None and piece.label is None:
            empty.append(number)
            continue
        if piece.label is not None and not (piece.label and piece.label.isprintable()):
            problems.append(f"{place / number}: before => is a label in one line; without one, leave the => out")
            piece.label = None
        dsn = _build(piece, place / number, problems)
        if dsn is not None:
            parts.append(Part(dsn, piece.label and _decode_structure(piece.label)))
    if len(empty) == len(pieces) == 1:
        problems.append(f"{place} has nothing in its brackets: write transports there, with commas between them")
    elif empty:
        numbers = ", ".join(map(str, empty[:_MOST_LISTED])) + (", …" if len(empty) > _MOST_LISTED else "")
        what = "part" if len(empty) == 1 else "parts"
        problems.append(f"{place} has a comma with no transport beside it: there is nothing in {what} {numbers}")
    return tuple(parts)


def _leaf(text: str, place: _Place, problems: list[str]) -> Dsn | None:
    if _NAME.fullmatch(text):
        return Dsn(text)
    scheme, separator, _ = text.partition("://")
    if not separator or not _NAME.fullmatch(scheme):
        problems.append(f"{place}: {_WHAT_IT_IS}; inside one there are {_HOW_TO_WRITE_STRUCTURE}")
        return None
    try:
        return _single(text, str(place), between_brackets=True)
    except ConfigError as error:
        problems += error.problems
        return None


def _read(value: object, problems: list[str], place: _Place) -> Dsn | None:
    """Return the DSN of a value of a settings file, or None with the problems added."""
    if isinstance(value, Mapping):
        return _read_table(value, problems, place)
    try:
        if isinstance(value, str):
            return Dsn.parse(value)
        if isinstance(value, Dsn):
            return value
        raise ConfigError(f"{_WHAT_IT_IS}, or a table")
    except ConfigError as error:
        problems += (f"{place}: {problem}" if place.numbers else problem for problem in error.problems)
        return None


def _read_table(table: Mapping[object, object], problems: list[str], place: _Place) -> Dsn | None:
    before = len(problems)
    lists = [(name, items) for name, items in table.items() if isinstance(items, list | tuple)]
    if len(lists) != 1 or not isinstance(lists[0][0], str) or not _NAME.fullmatch(lists[0][0]):
        where = f"{place}: " if place.numbers else ""
        problems.append(
            f"{where}a table has the name of one composite with the list of its parts, and its options, "
            'like { failover = ["kwtsms", "webhook://host"], rest = 30 }'
        )
        return None
    name, items = str(lists[0][0]), lists[0][1]
    place = place if place.name else attrs.evolve(place, name=name)
    if len(place.numbers) >= MOST_NESTED:
        problems.append(f"{place}: tables are nested more than {MOST_NESTED} deep")
        return None
    if not items:
        problems.append(f"{place} has nothing in its list: write transports there")
    given = {key: value for key, value in table.items() if key != name}
    options = {str(key): _scalar(key, value, f"an option of {place}", problems) for key, value in given.items()}
    parts = [_read_part(item, problems, place / number) for number, item in enumerate(items, 1)]
    try:
        dsn = Dsn(name, options=options, parts=tuple(part for part in parts if part is not None))
    except ConfigError as error:  # texts in tables may be nested too
        problems += (f"{place}: {problem}" for problem in error.problems)
    return None if len(problems) > before else dsn


def _read_part(item: object, problems: list[str], place: _Place) -> Part | None:
    if not isinstance(item, Mapping) or "via" not in item:
        dsn = _read(item, problems, place)
        return None if dsn is None else Part(dsn)
    dsn = _read(item["via"], problems, place)
    before = len(problems)
    pairs = [
        (key, _scalar(key, value, f"a condition of {place}", problems)) for key, value in item.items() if key != "via"
    ]
    if dsn is None or len(problems) > before:
        return None
    if [key for key, _ in pairs] == ["weight"]:
        label = _encode_label(pairs[0][1])
    else:
        label = "&".join(f"{_encode_label(key)}={_encode_label(value)}" for key, value in pairs)
    try:
        return Part(dsn, label if pairs else None)
    except ConfigError as error:
        problems += (f"{place}: {problem}" for problem in error.problems)
        return None


def _scalar(key: object, value: object, what: str, problems: list[str]) -> str:
    """Return a value of a table as text: true is 1 and false is 0, as in a DSN."""
    if isinstance(key, str) and isinstance(value, str | int | float):
        with contextlib.suppress(
            ValueError
        ):  # a number may be too long for a text, and a text may have lone surrogates
            text = str(int(value)) if isinstance(value, bool) else str(value)
            f"{key}{text}".encode()
            return text
    problems.append(f"{what} is not a text, a number, or yes or no")
    return ""


def _encode_label(text: str) -> str:
    """Return a text with the structure of conditions, and characters that can't be seen, percent-encoded."""
    return "".join(c if c.isprintable() and c not in "%&=+ " else quote(c, safe="") for c in text)
