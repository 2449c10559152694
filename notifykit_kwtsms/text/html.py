"""HTML in a text: the gateway refuses it (ERR027; gateway facts, section 3.6), and a reader wants what it stands for.

A tag of a block becomes a line feed and a cell a space, so that words beside it stay apart; a link keeps its address
behind its words, or the edit says that it is lost; entities are decoded once. What only looks like a tag (``<sara@example.com>``, ``Dear <name>``,
``x<y and y>z``) keeps its words, and loses its brackets or gets a space behind ``<``.

Everything is found in one pass from left to right, and every ``<`` that stays and could open a tag, alone or together
with what is left behind a change, gets a space: so no tag can appear, however a hostile text nests them.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Container, Iterator, Mapping, Sequence
from html import unescape
from html.entities import html5
from typing import Final

import attrs

from notifykit_kwtsms.text.characters import Change, apply, find_digits, find_emoji, find_hidden
from notifykit_kwtsms.text.links import KEEP, LOST, read_address, refuse_links, says

#: A tag, a declaration or what looks like one: its sign, its name and the rest. Quotes toggle everywhere, not only
#: behind ``=``: so at most three attempts are alive at any position, and the search stays linear.
_CANDIDATE: Final = re.compile(
    r"""<([/!?]?+)([A-Za-z][\w:.-]*+|(?<=!)(?:--|\[))((?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>""", re.ASCII
)
#: A comment. It is searched for in front of the last ``-->`` only, so that the search stays linear.
_COMMENT: Final = re.compile(r"<!(?=--).*?-->", re.DOTALL)
#: The name of an attribute, and behind ``=`` its value as it is written.
_ATTRIBUTE: Final = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'<>]*+))?+""", re.ASCII)
_ATTRIBUTES: Final = re.compile(rf"(?:[\s/]*+{_ATTRIBUTE.pattern})*+[\s/]*+", re.ASCII)
#: The start of an address. The first ``@`` or dot is as good as any other, so the search is linear.
_ADDRESS: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*+:\S|www\.\S|[^\s@]++@\S[^\s.]*+\.\S|[^\s.]++\.\S[^\s/]*+/", re.ASCII
)
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
#: The signs of one word that would open a tag.
_OPENINGS: Final = re.compile(r"<(?=[A-Za-z/!?])(?:[^\s<>]++<(?=[A-Za-z/!?]))*+")
_OPENERS: Final = frozenset(f"{string.ascii_letters}/!?")


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BLOCKS: Final = _names(
    "address article aside blockquote br body center dd details div dl dt fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 head header hr html li main nav ol p pre section summary table tbody tfoot thead title tr ul"
)
_CELLS: Final = frozenset(("td", "th"))
#: Elements that keep the words beside them apart.
_APART: Final = _BLOCKS | _CELLS
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
#: Names behind ``<!`` that are HTML.
_DECLARATIONS: Final = frozenset(("--", "[", "doctype"))


@attrs.define(eq=False)
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
    tags, changes = _tags_and_words(text)
    refuse_links((tag.address for tag in tags), links)
    if tags:
        changes += _tag_changes(text, tags)
        changes.sort()
        changes += list(_entity_changes(text, changes))
    changes.sort()
    return _without_openings(text, changes) if "<" in apply(text, changes) else changes


def _tags_and_words(text: str) -> tuple[list[_Tag], list[Change]]:
    """Return the tags, and the changes that take the brackets off words that are no tags."""
    candidates = list(_candidates(text))
    closings = {match[2].lower(): match.start() for match in candidates if match.re is _CANDIDATE and match[1] == "/"}
    tags: list[_Tag] = []
    changes: list[Change] = []
    unread: _Tag | None = None
    for match in candidates:
        tag = _read_tag(match, closings)
        if unread is not None:
            if tag and tag.closing and tag.name == unread.name:
                unread.end = tag.end
                unread = None
        elif tag is None:
            changes += _bare_word(text, *match.span())
        else:
            tags.append(tag)
            if tag.name in _UNREAD and not tag.closing and closings.get(tag.name, 0) >= tag.end:
                unread = tag
    return tags, changes


def _candidates(text: str) -> Iterator[re.Match[str]]:
    """Yield each comment, and each tag or what looks like one."""
    position = 0
    for comment in _COMMENT.finditer(text, 0, text.rfind("-->") + 3):
        yield from _CANDIDATE.finditer(text, position, comment.start())
        yield comment
        position = comment.end()
    yield from _CANDIDATE.finditer(text, position)


def _read_tag(match: re.Match[str], closings: Container[str]) -> _Tag | None:
    """Return what may be a tag as one; None where it only looks like a tag.

    :param closings: the names that have a closing tag in the text.
    """
    start, end = match.span()
    if match.re is _COMMENT:
        return _Tag(start, end)
    sign, name, rest = match.groups()
    element = name.lower()
    if sign in ("!", "?"):
        return _Tag(start, end) if sign == "?" or element in _DECLARATIONS else None
    href, known = "", element in _SURELY_TAGS
    if rest or not known:
        glued = rest[:1] not in ("", "/") and not rest[0].isspace()
        if glued or _ADDRESS.match(name + rest):
            return None
        attributes = {} if sign else _read_attributes(rest)
        if attributes is None or not (known or element in closings or rest.endswith("/") or any(attributes.values())):
            return None
        href = attributes.get("href") or ""
    if element != "a" or not href:
        return _Tag(start, end, element, closing=sign == "/")
    address = read_address(unescape(href.strip("\"'")))
    # A sign that would open a tag is none in an address.
    return _Tag(start, end, element, address=address and _cleaned(address).replace("<", "%3C"))


def _read_attributes(text: str) -> Mapping[str, str | None] | None:
    """Return the attributes behind the name of a tag, the first of each name; None where words show that it is no tag."""
    if not _ATTRIBUTES.fullmatch(text):
        return None
    attributes: dict[str, str | None] = {}
    for match in _ATTRIBUTE.finditer(text):
        name, value = match[1].lower(), match[2]
        if value is None and name not in _FLAGS and "-" not in name:
            return None
        attributes.setdefault(name, value)
    return attributes


def _bare_word(text: str, start: int, end: int) -> tuple[Change, ...]:
    """Return the changes that take the brackets off a single word; none for anything else, such as a comparison."""
    inside = text[start + 1 : end - 1]
    if inside[0] in "/!?" or any(map(str.isspace, inside)) or any(sign in inside for sign in "\"'"):
        return ()
    glued = text[start - 1 : start].isalnum(), text[end : end + 1].isalnum()
    if any(glued) and not _ADDRESS.match(inside):
        return ()
    reason = "brackets that look like HTML"
    before, behind = (" " if each else "" for each in glued)
    return (start, start + 1, before, reason), (end - 1, end, behind, reason)


def _tag_changes(text: str, tags: Sequence[_Tag]) -> Iterator[Change]:
    """Yield the change of each row of tags with nothing between them, with what the row stood for."""
    links = _links_at(text, tags)
    for row in _rows(text, tags):
        addresses = [links[tag.start].address for tag in row if tag.start in links] if links else []
        yield _row_change(text, row, addresses)


def _rows(text: str, tags: Sequence[_Tag]) -> Iterator[list[_Tag]]:
    """Yield rows of tags with nothing between them, or, in a row with a block, nothing but white space."""
    row = [tags[0]]
    has_block = tags[0].name in _BLOCKS
    for before, tag in itertools.pairwise(tags):
        gap = text[before.end : tag.start]
        is_block = tag.name in _BLOCKS
        if gap and not (gap.isspace() and (has_block or is_block)):
            yield row
            row, has_block = [], False
        row.append(tag)
        has_block = has_block or is_block
    yield row


def _links_at(text: str, tags: Sequence[_Tag]) -> Mapping[int, _Tag]:
    """Return each link by the start of the tag in whose place its address is written.

    That is the tag that closes it, and its own where none does. It is left out where its words have the address.
    """
    places: dict[int, _Tag] = {}
    link: _Tag | None = None
    words: list[str] = []
    for before, tag in zip([None, *tags], tags, strict=False):
        if link is not None and before is not None:
            words += (" " if before.name in _APART else "", text[before.end : tag.start])
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


def _row_change(text: str, row: Sequence[_Tag], addresses: Sequence[str | None]) -> Change:
    """Return the change of a row of tags.

    :param addresses: those of the links that end in it; None for one that is lost.
    """
    start, end = row[0].start, row[-1].end
    names = [tag.name for tag in row]
    if not addresses and _APART.isdisjoint(names):
        return start, end, "", "HTML tag"
    address = " ".join(filter(None, addresses))
    if is_block := not _BLOCKS.isdisjoint(names):
        while text[start - 1 : start] == " ":
            start -= 1
        while text[end : end + 1] == " ":
            end += 1
    before, behind = text[start - 1 : start], text[end : end + 1]
    inner, gap = bool((before or address) and behind), ""
    if is_block and inner:
        breaks = max(1, names.count("br"))
        gap = "\n" * (breaks - (before == "\n") - (behind == "\n"))
    elif inner and not before.isspace() and not behind.isspace():
        # Behind an address, a letter would become a part of it.
        glued = address and (behind.isalnum() or behind in _OF_ADDRESSES)
        gap = " " if glued or not _CELLS.isdisjoint(names) else ""
    space = " " if address and before and not before.isspace() else ""
    return start, end, f"{space}{address}{gap}", LOST if None in addresses else "HTML tag"


def _entity_changes(text: str, others: Sequence[Change]) -> Iterator[Change]:
    """Yield the changes that decode entities where no other change is."""
    index = 0
    for match in _ENTITY.finditer(text):
        start, end = match.span()
        while index < len(others) and others[index][1] <= start:
            index += 1
        if index < len(others) and others[index][0] < end:
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
        if text.find("<", position, start) >= 0:
            signs = [match.span() for match in _OPENINGS.finditer(text, position, start)]
            if text[start - 1] == "<":
                signs.append((start - 1, start))
            result += [
                (first, behind, text[first:behind].replace("<", "< "), "a sign that looks like HTML")
                for first, behind in signs
                if first < last
            ]
        if reason:
            opens = after.endswith("<") and start < last and (end in starts or text[end : end + 1] in _OPENERS)
            result.append((start, end, after + " " if opens else after, reason))
        position = end
    return result
