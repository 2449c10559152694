"""A transport in one line: ``kwtsms://user:password@default?sender=MY-APP&test=1``, or several in brackets.

``failover(kwtsms, webhook://host/path)?rest=30`` is a composite: a transport that is made of others. Composites nest. A
part may have a label: ``weighted(3 => kwtsms, 1 => webhook://host)``. Only the composite knows what its labels mean.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import attrs

from notifykit.errors import ConfigError, collected
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
        return _composite(text) if _COMPOSITE.match(text) else _leaf(text)

    @classmethod
    def read(cls, value: object) -> Dsn:
        """Read a transport of a settings file: a text, or a table for a composite.

        ``{ failover = ["kwtsms", "webhook://host"], rest = 30 }`` is ``failover(kwtsms, webhook://host)?rest=30``.
        A part with a label is a table with ``via``: ``{ weight = 3, via = "kwtsms" }`` is ``3 => kwtsms``, and
        ``{ country = "KW", tag = "otp", via = "kwtsms" }`` is ``country=KW&tag=otp => kwtsms``. The value of ``via``, like
        each item of the list, may be a table again.

        :raises ConfigError: with everything that is wrong; the message never repeats a value.
        """
        return _read(value, _Place())

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


def _leaf(text: str, place: _Place | None = None) -> Dsn:
    """Read a bare name, or a DSN that starts with a scheme.

    :param place: where it stands between brackets; None where it is the whole.
    :raises ConfigError: if it is neither.
    """
    if _NAME.fullmatch(text):
        return Dsn(text)
    scheme, separator, _ = text.partition("://")
    if not separator or not _NAME.fullmatch(scheme):
        if place is None:
            raise ConfigError(f"{_WHAT_IT_IS}, or several like 'failover(kwtsms, webhook://host)'")
        raise ConfigError(f"{place}: {_WHAT_IT_IS}; inside one there are {_HOW_TO_WRITE_STRUCTURE}")
    what = f"the {scheme} DSN" if place is None else str(place)
    try:
        _refuse_ambiguous(text)
        parts = urlsplit(text)
        port = parts.port
        pairs = _pairs(parts.query)
    except ValueError:
        and_structure = f"; between brackets also {_HOW_TO_WRITE_STRUCTURE}" if place else ""
        raise ConfigError(f"{what} can't be read: {_HOW_TO_WRITE_IT}{and_structure}") from None
    host, path = parts.hostname or "default", parts.path
    if ":" in host:
        host = unquote(host)  # the zone of an IPv6 address, %25eth0 (RFC 6874)
    return Dsn(
        scheme=parts.scheme,
        host=_decode_structure(host) if place else host,
        port=port,
        user=unquote(parts.username) if parts.username else None,
        password=Secret(unquote(parts.password)) if parts.password else None,
        path=_decode_structure(path) if place else path,
        options=_options(pairs, what),
    )


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))


def _options(pairs: Sequence[tuple[str, str]], what: object) -> dict[str, str]:
    options = dict(pairs)
    if len(options) < len(pairs):
        raise ConfigError(f"{what} has an option twice: leave one of them")
    return options


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

    @property
    def prefix(self) -> str:
        """What stands before a problem of this part."""
        return f"{self}: " if self.numbers else ""


@attrs.define
class _Piece:
    """The text between two commas."""

    #: What is before its bracket: a label with an arrow behind it, if it has one, and a DSN or a name.
    before: list[str] = attrs.field(factory=list)
    #: The pieces in the brackets; None without brackets.
    inside: list[_Piece] | None = None
    #: What is after the closing bracket.
    after: list[str] = attrs.field(factory=list)

    def add(self, word: str) -> None:
        (self.before if self.inside is None else self.after).append(word)


def _composite(text: str) -> Dsn:
    place = _Place(text.partition("(")[0].strip())
    problems: list[str] = []
    top = _split(text, place, problems)
    with collected(problems):
        dsn = _build("".join(top.before).strip(), top, place)
    if problems:
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
        if index % 2 == 0 or word == "=>":
            piece.add(word)
        elif word == "(":
            if len(path) > MOST_NESTED:
                raise ConfigError(f"{place}: brackets are nested more than {MOST_NESTED} deep")
            path.append(_Piece())
            if piece.inside is None:
                piece.inside = [path[-1]]
            else:  # a second pair of brackets is read only to find its end
                piece.add(word)
        elif len(path) == 1:
            if word == ")":
                raise ConfigError(f"{place}: a closing bracket has no opening one; inside a DSN it is written %29")
            piece.add(word)
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


def _build(text: str, piece: _Piece, place: _Place) -> Dsn:
    """Return the DSN of a piece, whose text is a DSN, or the name before its bracket."""
    if piece.inside is None:
        return _leaf(text, place)
    problems: list[str] = []
    if not _NAME.fullmatch(text):
        problems.append(
            f"{place}: before a bracket is the name of a transport, like failover; "
            f"inside a DSN there are {_HOW_TO_WRITE_STRUCTURE}"
        )
    with collected(problems):
        parts = _build_parts(piece.inside, place)
    after, pairs = "".join(piece.after).strip(), []
    try:
        if _STRUCTURE.search(after) or (after and not after.startswith("?")):
            raise ValueError
        _refuse_ambiguous(f"://{after}")
        pairs = _pairs(after.removeprefix("?"))
    except ValueError:
        problems.append(f"{place}: {_HOW_TO_WRITE_OPTIONS}")
    with collected(problems):
        options = _options(pairs, place)
    if problems:
        raise ConfigError(problems)
    return Dsn(text, options=options, parts=parts)


def _build_parts(pieces: Sequence[_Piece], place: _Place) -> tuple[Part, ...]:
    problems: list[str] = []
    parts: list[Part] = []
    empty: list[int] = []
    for number, piece in enumerate(pieces, 1):
        *labels, text = (written.strip() for written in "".join(piece.before).split("=>"))
        here = place / number
        if not (labels or text) and piece.inside is None:
            empty.append(number)
            continue
        label = labels[0] if labels else None
        if label is not None and not (label and label.isprintable()):
            problems.append(f"{here}: before => is a label in one line; without one, leave the => out")
            label = None
        with collected(problems):
            if len(labels) > 1:
                raise ConfigError(f"{here} has => twice: inside a label or a DSN it is written =%3E")
            parts.append(Part(_build(text, piece, here), label and _decode_structure(label)))
    if len(empty) == len(pieces) == 1:
        problems.append(f"{place} has nothing in its brackets: write transports there, with commas between them")
    elif empty:
        numbers = ", ".join(map(str, empty[:_MOST_LISTED])) + (", …" if len(empty) > _MOST_LISTED else "")
        what = "part" if len(empty) == 1 else "parts"
        problems.append(f"{place} has a comma with no transport beside it: there is nothing in {what} {numbers}")
    if problems:
        raise ConfigError(problems)
    return tuple(parts)


def _read(value: object, place: _Place) -> Dsn:
    if isinstance(value, Dsn):
        return value
    if isinstance(value, Mapping):
        return _read_table(value, place)
    problems: list[str] = []
    with collected(problems, place.prefix):
        if isinstance(value, str):
            return Dsn.parse(value)
        raise ConfigError(f"{_WHAT_IT_IS}, or a table")
    raise ConfigError(problems)


def _read_table(table: Mapping[object, object], place: _Place) -> Dsn:
    lists = [(name, items) for name, items in table.items() if isinstance(items, list | tuple)]
    if len(lists) != 1 or not isinstance(lists[0][0], str) or not _NAME.fullmatch(lists[0][0]):
        raise ConfigError(
            f"{place.prefix}a table has the name of one composite with the list of its parts, and its options, "
            'like { failover = ["kwtsms", "webhook://host"], rest = 30 }'
        )
    name, items = str(lists[0][0]), lists[0][1]
    place = place if place.name else attrs.evolve(place, name=name)
    if len(place.numbers) >= MOST_NESTED:
        raise ConfigError(f"{place}: tables are nested more than {MOST_NESTED} deep")
    problems = [] if items else [f"{place} has nothing in its list: write transports there"]
    options = _scalars(table, name, f"an option of {place}", problems)
    parts: list[Part] = []
    for number, item in enumerate(items, 1):
        with collected(problems):
            parts.append(_read_part(item, place / number))
    with collected(problems, f"{place}: "):  # texts in tables may be nested too
        dsn = Dsn(name, options=options, parts=tuple(parts))
    if problems:
        raise ConfigError(problems)
    return dsn


def _read_part(item: object, place: _Place) -> Part:
    if not isinstance(item, Mapping) or "via" not in item:
        return Part(_read(item, place))
    problems: list[str] = []
    with collected(problems):
        dsn = _read(item["via"], place)
    given = _scalars(item, "via", f"a condition of {place}", problems)
    if not problems:
        label = "&".join(f"{_encode_label(name)}={_encode_label(text)}" for name, text in given.items())
        if given.keys() == {"weight"}:
            label = _encode_label(given["weight"])
        with collected(problems, f"{place}: "):
            return Part(dsn, label if given else None)
    raise ConfigError(problems)


def _scalars(table: Mapping[Any, object], but: str, what: str, problems: list[str]) -> dict[str, str]:
    """Return the values of a table but one as texts: true is 1 and false is 0, as in a DSN."""
    found: dict[str, str] = {}
    for name, value in table.items():
        if name == but:
            continue
        if isinstance(name, str) and isinstance(value, str | int | float):
            # A number may be too long for a text, and a text may have lone surrogates.
            with contextlib.suppress(ValueError):
                text = str(int(value)) if isinstance(value, bool) else str(value)
                f"{name}{text}".encode()
                found[name] = text
                continue
        problems.append(f"{what} is not a text, a number, or yes or no")
    return found


def _encode_label(text: str) -> str:
    """Return a text with the structure of conditions, and characters that can't be seen, percent-encoded."""
    return "".join(c if c.isprintable() and c not in "%&=+ " else quote(c, safe="") for c in text)
