"""HTML in a text: the gateway refuses it (ERR027; gateway facts, section 3.6), and a reader wants what it stands for.

A tag of a block becomes a line feed and a cell a space, so that words beside it stay apart; a link keeps its address
behind its words, or the edit says that it is lost; entities are decoded once. What only looks like a tag (``<sara@example.com>``, ``Dear <name>``,
``x<y and y>z``) keeps its words, and loses its brackets or gets a space behind ``<``.

Everything is found in one pass from left to right, and every ``<`` that stays and could open a tag, alone or together
with what is left behind a change, gets a space: so no tag can appear, however a hostile text nests them.
"""

from __future__ import annotations

import re
import string
from collections.abc import Container, Iterator, Mapping, Sequence
from html import unescape
from html.entities import html5
from html.parser import HTMLParser
from typing import Final

import attrs

from notifykit_kwtsms.text.characters import Change, apply, find_digits, find_emoji, find_hidden
from notifykit_kwtsms.text.links import KEEP, LOST, read_address, refuse_links, says

#: A tag, a declaration or what looks like one. Quotes toggle everywhere, not only behind ``=``: so at most three
#: attempts are alive at any position, and the search stays linear.
_CANDIDATE: Final = re.compile(r"""<(?:[/!?]?+[A-Za-z]|!(?:--|\[))(?:[^<>"']|"[^"]*+"|'[^']*+')*+>""")
_NAME: Final = re.compile(r"[A-Za-z][\w:.-]*", re.ASCII)
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S|www\.\S|\S+@\S+\.\S|\S+\.\S+/", re.ASCII)
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_OPENING: Final = re.compile(r"<(?=[A-Za-z/!?])")
_OPENERS: Final = frozenset(f"{string.ascii_letters}/!?")
_CLOSING_NAME: Final = re.compile(r"</([A-Za-z][\w:.-]*)", re.ASCII)
#: A longer tag is none: the standard library's parser takes quadratic time for some.
_LONGEST: Final = 5_000


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BLOCKS: Final = _names(
    "address article aside blockquote br body center dd details div dl dt fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 head header hr html li main nav ol p pre section summary table tbody tfoot thead title tr ul"
)
_CELLS: Final = frozenset(("td", "th"))
#: Signs that a phone takes for a part of the address that they follow.
_OF_ADDRESSES: Final = frozenset("/?&=#%+-_~@$*:")
#: Names that nobody writes between brackets but for HTML. Any other is a tag where something shows it: a closing tag of
#: that name, an attribute with its value, or ``/>``.
_SURELY_TAGS: Final = _names(
    "a abbr b big blockquote br body center dd del div dl dt em fieldset figcaption font h1 h2 h3 h4 h5 h6 head hr html "
    "i img ins kbd li meta nobr ol p pre q s script small span strike strong style sub sup table tbody td tfoot th thead "
    "tr tt u ul wbr"
)
#: Attributes that have no value. Any other word without one shows that it is no tag: ``a <b and c> d``.
_FLAGS: Final = _names(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled download hidden ismap loop "
    "multiple muted nohref noshade novalidate nowrap open readonly required reversed selected"
)
#: Elements whose content nobody reads.
_UNREAD: Final = frozenset(("script", "style"))


class _TagReader(HTMLParser):
    """Reads one tag, as the standard library understands it."""

    name: str | None = None
    attributes: Mapping[str, str | None]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.name, self.attributes = tag, dict(reversed(attrs))  # the first of two counts

    def handle_endtag(self, tag: str) -> None:
        self.name, self.attributes = tag, {}


@attrs.frozen
class _Tag:
    """A tag of a text."""

    start: int
    end: int
    #: The element in small letters; empty for a comment or a declaration.
    name: str = ""
    closing: bool = False
    #: The address that a link leads to; None where it is lost.
    address: str | None = ""


def find_tags(text: str, links: str = KEEP) -> list[Change]:
    """Return the changes after which a text has no HTML, and nothing that looks like it.

    :param links: ``keep`` for the addresses behind the words; ``refuse-lost`` or ``refuse`` for an error.
    :raises ContentRejected: if there is a link that is not allowed.
    """
    changes: list[Change] = []
    tags: list[_Tag] = []
    for found in _tags_and_words(text):
        if isinstance(found, _Tag):
            tags.append(found)
        else:
            changes += found
    refuse_links((tag.address for tag in tags), links)
    if tags:
        changes += _tag_changes(text, tags)
        spans = [(start, end) for start, end, *_ in changes]
        changes += _entity_changes(text, spans)
    changes.sort()
    return _without_openings(text, changes)


def _tags_and_words(text: str) -> Iterator[_Tag | tuple[Change, Change]]:
    """Yield each tag, and the changes that take the brackets off a word that is no tag."""
    closings = {match[1].lower(): match.start() for match in _CLOSING_NAME.finditer(text)}
    unread: _Tag | None = None
    for start, end in _candidates(text):
        tag = _read_tag(text[start:end], start, closings)
        if unread is not None:
            if tag and tag.closing and tag.name == unread.name:
                yield attrs.evolve(unread, end=end)
                unread = None
        elif tag is None:
            if brackets := _bare_word(text, start, end):
                yield brackets
        elif tag.name in _UNREAD and not tag.closing and closings.get(tag.name, 0) >= end:
            unread = tag
        else:
            yield tag
    if unread is not None:
        yield unread


def _candidates(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each comment, each script and each tag, or what looks like one, starts and ends."""
    comments = text.rfind("-->")
    comment = text.find("<!--", 0, comments + 1)
    position = 0
    while True:
        match = _CANDIDATE.search(text, position, len(text) if comment < 0 else comment)
        if match:
            yield match.span()
            position = match.end()
        elif comment >= 0:
            position = text.index("-->", comment) + 3
            yield comment, position
            comment = text.find("<!--", position, comments + 1)
        else:
            return


def _read_tag(tag: str, start: int, closings: Container[str]) -> _Tag | None:
    """Return what may be a tag as one; None where it only looks like a tag.

    :param closings: the names that have a closing tag in the text.
    """
    end = start + len(tag)
    if tag.startswith(("<!--", "<![", "<?")) or tag[:9].lower() == "<!doctype":
        return _Tag(start, end)
    inside = tag[1:-1]
    closing = inside.startswith("/")
    name = _NAME.match(inside, 1 if closing else 0)
    after = inside[name.end() : name.end() + 1] if name else ""
    if not name or len(tag) > _LONGEST or not (after.isspace() or after in ("", "/")) or _ADDRESS.match(inside):
        return None
    element = name[0].lower()
    attributes: Mapping[str, str | None] = {}
    if inside[name.end() :].strip("/ "):
        reader = _TagReader()
        reader.feed(tag)
        if reader.name is None:
            return None
        element, attributes = reader.name, reader.attributes
    valued = any(value is not None for value in attributes.values())
    words = any(value is None and key not in _FLAGS and "-" not in key for key, value in attributes.items())
    sure = element in _SURELY_TAGS or element in closings or valued or inside.endswith("/")
    if words or not sure:
        return None
    address = read_address(attributes.get("href") or "") if element == "a" else ""
    # A sign that would open a tag is none in an address.
    shown = address and _cleaned(address).replace("<", "%3C")
    return _Tag(start, end, element, closing, shown)


def _bare_word(text: str, start: int, end: int) -> tuple[Change, Change] | None:
    """Return the changes that take the brackets off a single word; None for anything else, such as a comparison."""
    inside = text[start + 1 : end - 1]
    if inside[0] in "/!?" or any(map(str.isspace, inside)) or any(sign in inside for sign in "\"'"):
        return None
    glued = text[start - 1 : start].isalnum(), text[end : end + 1].isalnum()
    if any(glued) and not _ADDRESS.match(inside):
        return None
    reason = "brackets that look like HTML"
    before, behind = (" " if each else "" for each in glued)
    return (start, start + 1, before, reason), (end - 1, end, behind, reason)


def _tag_changes(text: str, tags: Sequence[_Tag]) -> Iterator[Change]:
    """Yield the change of each row of tags with nothing between them, with what the row stood for."""
    links = _links_at(text, tags)
    row: list[_Tag] = []
    for tag, following in zip(tags, [*tags[1:], None], strict=True):
        row.append(tag)
        if following is None or not _in_one_row(text, row, following):
            found = [links[each.start].address for each in row if each.start in links]
            yield _row_change(text, row, " ".join(filter(None, found)), lost=None in found)
            row = []


def _links_at(text: str, tags: Sequence[_Tag]) -> Mapping[int, _Tag]:
    """Return each link by the start of the tag in whose place its address is written.

    That is the tag that closes it, and its own where none does. It is left out where its words have the address.
    """
    places: dict[int, _Tag] = {}
    link: _Tag | None = None
    words: list[str] = []
    for before, tag in zip([None, *tags], tags, strict=False):
        if link is not None and before is not None:
            apart = before.name in _BLOCKS or before.name in _CELLS
            words += (" " if apart else "", text[before.end : tag.start])
        if tag.name != "a":
            continue
        if tag.closing and link is not None:
            del places[link.start]
            if link.address is None or not says(unescape("".join(words)), link.address):
                places[tag.start] = link
            link = None
        elif not tag.closing and tag.address != "":
            places[tag.start] = link = tag
            words = []
        elif not tag.closing:
            link = None
    return places


def _in_one_row(text: str, row: Sequence[_Tag], following: _Tag) -> bool:
    """Return whether a tag follows a row: at once, or with nothing but white space beside a block."""
    gap = text[row[-1].end : following.start]
    return not gap or (gap.isspace() and (following.name in _BLOCKS or row[-1].name in _BLOCKS))


def _row_change(text: str, row: Sequence[_Tag], address: str, *, lost: bool) -> Change:
    """Return the change of a row of tags.

    :param address: the addresses of the links that end in it.
    :param lost: whether one of them ends in it without an address.
    """
    start, end = row[0].start, row[-1].end
    if is_block := any(tag.name in _BLOCKS for tag in row):
        while text[start - 1 : start] == " ":
            start -= 1
        while text[end : end + 1] == " ":
            end += 1
    before, behind = text[start - 1 : start], text[end : end + 1]
    inner, gap = bool((before or address) and behind), ""
    if is_block and inner:
        breaks = max(1, sum(tag.name == "br" for tag in row))
        gap = "\n" * (breaks - (before == "\n") - (behind == "\n"))
    elif inner and not before.isspace() and not behind.isspace():
        # Behind an address, a letter would become a part of it.
        glued = address and (behind.isalnum() or behind in _OF_ADDRESSES)
        gap = " " if glued or any(tag.name in _CELLS for tag in row) else ""
    space = " " if address and before and not before.isspace() else ""
    return start, end, f"{space}{address}{gap}", LOST if lost else "HTML tag"


def _entity_changes(text: str, spans: list[tuple[int, int]]) -> Iterator[Change]:
    """Yield the changes that decode entities outside the spans."""
    spans = sorted(spans)
    index = 0
    for match in _ENTITY.finditer(text):
        start, end = match.span()
        while index < len(spans) and spans[index][1] <= start:
            index += 1
        if index < len(spans) and spans[index][0] < end:
            continue
        if match[0][1] == "#" or match[0][1:] in html5:
            yield start, end, _cleaned(unescape(match[0])), "HTML entity"


def _cleaned(text: str) -> str:
    """Return what was written as HTML as the cleaners before this one would have left it."""
    for find in (find_emoji, find_hidden, find_digits):
        text = apply(text, find(text))
    return text


def _without_openings(text: str, changes: list[Change]) -> list[Change]:
    """Return the changes with a space behind each ``<`` that would open a tag after them.

    It would where a letter, ``/``, ``!``, ``?`` or a change follows, and somewhere a ``>``, or an entity that may be one.
    """
    starts = {start for start, *_ in changes}
    last = max(text.rfind(">"), max((start for start, _, after, _ in changes if ">" in after), default=-1))
    result: list[Change] = []
    position = 0
    for start, end, after, reason in [*changes, (len(text), len(text), "", "")]:
        signs = [match.start() for match in _OPENING.finditer(text, position, start)]
        if start > position and text[start - 1] == "<":
            signs.append(start - 1)
        result += [(sign, sign + 1, "< ", "a sign that looks like HTML") for sign in signs if sign < last]
        if reason:
            opens = after.endswith("<") and start < last and (end in starts or text[end : end + 1] in _OPENERS)
            result.append((start, end, after + " " if opens else after, reason))
        position = end
    return result
