"""Hypothesis strategies for the values of the pipeline: numbers, texts, messages, answers, events.

The numbers are random mobile numbers, and people may have them: send to them by stand-ins and test servers only.
"""

from __future__ import annotations

import datetime
import itertools
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
from hypothesis import strategies as st

import notifykit.errors
import notifykit.events
from notifykit.errors import DestinationNotCovered, Exhausted, InvalidRecipient, NotReached, Scope, TransportError
from notifykit.events import Event, LoggedRecipient
from notifykit.models.capabilities import Measurement
from notifykit.models.delivery import DeliveryState
from notifykit.models.message import Channel, Edit, Message
from notifykit.models.plan import Batch, Plan
from notifykit.models.receipt import Outcome, Receipt, SkipReason, Submission
from notifykit.models.recipient import Recipient
from notifykit.redaction import redact_address, text_shape

if TYPE_CHECKING:
    from types import ModuleType

    from hypothesis.strategies import SearchStrategy

_Kind = TypeVar("_Kind")


@attrs.frozen
class MobileShape:
    """What mobile numbers of a country look like."""

    #: The country calling code.
    code: str
    #: What may stand behind it: the first digits of mobile numbers.
    starts: tuple[str, ...]
    #: How many digits follow the code.
    length: int


#: Mobile numbers by ISO 3166 code of their country (national numbering plans, as the ITU-T publishes them). Each is
#: narrower than its plan, never wider.
COUNTRIES: Final[Mapping[str, MobileShape]] = {
    "KW": MobileShape("965", ("4", "5", "6", "9"), 8),
    "SA": MobileShape("966", ("50", "53", "54", "55", "56", "58", "59"), 9),
    "AE": MobileShape("971", ("50", "52", "54", "55", "56", "58"), 9),
    "BH": MobileShape("973", ("33", "36", "39"), 8),
    "QA": MobileShape("974", ("33", "55", "66", "77"), 8),
    "OM": MobileShape("968", ("91", "92", "95", "99"), 8),
    "EG": MobileShape("20", ("10", "11", "12", "15"), 10),
    "JO": MobileShape("962", ("77", "78", "79"), 9),
    "IQ": MobileShape("964", ("75", "77", "78", "79"), 10),
    "LB": MobileShape("961", ("70", "71", "76", "78", "79", "81"), 8),
    "IN": MobileShape("91", ("6", "7", "8", "9"), 10),
    "PK": MobileShape("92", ("30", "31", "33", "34"), 10),
    "PH": MobileShape("63", ("90", "91", "92", "99"), 10),
    "TR": MobileShape("90", ("50", "53", "54", "55"), 10),
    "GB": MobileShape("44", ("740", "741", "746", "757", "771", "795"), 10),
    "DE": MobileShape("49", ("151", "160", "170", "171", "175"), 10),
    "FR": MobileShape("33", ("6", "7"), 9),
    "US": MobileShape("1", ("2122", "3053", "4154", "6176"), 10),
}

#: Characters of one septet, and those of two (3GPP TS 23.038, section 6.2.1).
GSM7_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENDED: Final = "\f^{}\\[~]|€"
_ARABIC: Final = "ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئةى،؟"
_OUTSIDE_GSM7: Final = f"{_ARABIC}٠١٢٣٤٥٦٧٨٩پچکگőșčłдж世界“”’—…😀👍"
#: Units that one segment holds alone, and each of several (3GPP TS 23.040, section 9.2.3.24.1).
_ROOM: Final = {"gsm7": (160, 153), "ucs2": (70, 67)}

_SEPARATORS: Final = (" ", "-", ".", "\u00a0", "\u2009", "\u2011", "\u2013", "/", "  ")
_MARKS: Final = ("\u200e", "\u200f", "\u202a", "\u202c", "\u200b", "\u2066", "\u2069", "\ufeff")
_DIGITS: Final = ("0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹")


def _kinds(module: ModuleType, base: type[_Kind]) -> tuple[type[_Kind], ...]:
    classes = [thing for thing in vars(module).values() if isinstance(thing, type) and issubclass(thing, base)]
    return tuple(kind for kind in classes if kind is not base)


# --- numbers and other addresses ---


@st.composite
def numbers(draw: st.DrawFn, country: str | None = None) -> str:
    """Draw a mobile number in its canonical form: the country code, then the number, digits only.

    :param country: ISO 3166 code of its country, one of :data:`COUNTRIES`; any of them where none is given.
    """
    if country is not None and country.upper() not in COUNTRIES:
        raise ValueError(f"there are no numbers of {country!r}: choose one of {', '.join(sorted(COUNTRIES))}")
    shape = COUNTRIES[country.upper()] if country else draw(st.sampled_from(list(COUNTRIES.values())))
    start = draw(st.sampled_from(shape.starts))
    rest = shape.length - len(start)
    return shape.code + start + draw(st.text("0123456789", min_size=rest, max_size=rest))


@st.composite
def messy(draw: st.DrawFn, number: str) -> str:
    """Draw a way in which people write a number that they know with its country code.

    With ``+``, ``00`` or neither in front; with spaces, dashes, dots or slashes between groups; the country code in
    brackets; in Arabic-Indic or Persian digits; with marks that steer right-to-left text, and spaces around.

    :param number: digits, the country code first.
    """
    code = next((shape.code for shape in COUNTRIES.values() if number.startswith(shape.code)), number[:3])
    groups, rest = [code], number[len(code) :]
    while rest:
        size = draw(st.integers(2, 4))
        size = size if len(rest) - size != 1 else len(rest)
        groups.append(rest[:size])
        rest = rest[size:]
    sign = draw(st.sampled_from(("+", "00", "", "+ ", "\uff0b")))
    # A single dot could make a decimal number of it, and several a date: dots stand between all groups or nowhere.
    between = draw(st.sampled_from(("", *_SEPARATORS))) if len(groups) > 2 else draw(st.sampled_from(("", " ", "-")))
    if draw(st.booleans()):
        groups[0] = f"({sign}{groups[0]})" if draw(st.booleans()) else f"{sign}({groups[0]})"
    else:
        groups[0] = f"{sign}{groups[0]}"
    written = between.join(groups).translate(str.maketrans("0123456789", draw(st.sampled_from(_DIGITS))))
    for mark in draw(st.lists(st.sampled_from(_MARKS), max_size=3)):
        place = draw(st.integers(0, len(written)))
        written = written[:place] + mark + written[place:]
    return draw(st.sampled_from(("", " ", "\t"))) + written + draw(st.sampled_from(("", " ", "\u00a0")))


def messy_numbers(country: str | None = None) -> SearchStrategy[str]:
    """Draw a mobile number as a person may type it: :func:`numbers` through :func:`messy`."""
    return numbers(country).flatmap(messy)


def emails() -> SearchStrategy[str]:
    """Draw a plain e-mail address at a reserved domain (RFC 2606)."""
    local = st.text("abcdefghijklmnopqrstuvwxyz0123456789_+-", min_size=1, max_size=20)
    domains = st.sampled_from(("example.com", "example.org", "mail.example.net", "shop.example"))
    return st.builds("{}@{}".format, st.lists(local, min_size=1, max_size=2).map(".".join), domains)


def addresses(channel: Channel | str = Channel.SMS) -> SearchStrategy[str]:
    """Draw a canonical address of a channel."""
    tokens = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_:", min_size=1, max_size=40)
    return {Channel.SMS: numbers(), Channel.EMAIL: emails(), Channel.PUSH: tokens}[Channel(channel)]


def typed_addresses(channel: Channel | str = Channel.SMS) -> SearchStrategy[str]:
    """Draw what a person may type for an address: a good one in some spelling, a wrong one, or anything at all."""
    around = st.sampled_from(("", " ", "\u200f", "\n"))
    good = (
        messy_numbers()
        if Channel(channel) is Channel.SMS
        else st.builds("{0}{1}{0}".format, around, addresses(channel))
    )
    nearly = st.text("0123456789٠١٢۰۱+-(). @,;#*x\u200e\u00a0", max_size=20)
    others = st.one_of(numbers(), emails(), addresses(Channel.PUSH))
    return st.one_of(good, nearly, others, any_text())


# --- texts ---


def any_text(max_size: int = 40) -> SearchStrategy[str]:
    """Draw any text at all: half surrogates, NUL, control characters, marks of direction, and often digits."""
    anything = st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None)
    likely = st.sampled_from(
        "0123456789٠١٢٣۳ +-().@<>&=\"'\\abcEéا\u0301\u0316\ud83d\ude00😀\u200d\u200e\u202e\x00\r\n\t"
    )
    # As an alphabet the two would be taken for one, and what is likely would be as rare as the rest.
    return st.lists(st.one_of(likely, anything), max_size=max_size).map("".join)


@st.composite
def texts(draw: st.DrawFn, encoding: str | None = None, segments: int | None = None) -> str:
    """Draw a text that an SMS can carry as it is.

    :param encoding: ``gsm7`` for texts of the GSM alphabet, ``ucs2`` for those that need the other; None for either.
    :param segments: how many segments it takes up; None for any number up to three.
    """
    kind = encoding or draw(st.sampled_from(("gsm7", "ucs2")))
    if kind not in _ROOM:
        raise ValueError(f"there is no encoding {kind!r}: it is gsm7 or ucs2")
    count = segments if segments is not None else draw(st.integers(1, 3))
    if count < 1:
        raise ValueError(f"a text takes up one segment at least, and not {count}")
    single, part = _ROOM[kind]
    # A character of two units is not cut in two, so each of several segments may be one unit short.
    least, most = (1, single) if count == 1 else (max(single, part * (count - 1)) + 1, (part - 1) * count)
    likely = st.sampled_from(GSM7_BASIC) | st.sampled_from(GSM7_BASIC + GSM7_EXTENDED)
    alphabet = likely if kind == "gsm7" else st.sampled_from(_OUTSIDE_GSM7) | likely
    units = draw(st.integers(least, min(most, least + 40) if segments is None else most))
    pattern = draw(st.text(alphabet, min_size=1, max_size=24))
    if kind == "ucs2":
        pattern = draw(st.sampled_from(_ARABIC)) + pattern
    # The pattern is repeated; spaces fill the end where its next character has no room.
    text = ""
    for character in itertools.cycle(pattern):
        size = units_of(character, kind)
        if size > units:
            break
        text, units = text + character, units - size
    return text + " " * units


def units_of(text: str, encoding: str) -> int:
    """Return how many septets or UTF-16 units a text has in an encoding that can carry it."""
    if encoding == "gsm7":
        return len(text) + sum(character in GSM7_EXTENDED for character in text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


# --- messages, batches, plans ---


@st.composite
def messages(draw: st.DrawFn, channel: Channel | str | None = None) -> Message:
    """Draw a message.

    :param channel: the medium; any where none is given.
    """
    medium = Channel(channel) if channel else draw(st.sampled_from(Channel))
    text = draw(texts() if medium is Channel.SMS else st.text(min_size=1, max_size=60).filter(str.strip))
    return Message(
        text,
        medium,
        draw(st.none() | st.sampled_from(("KWT-SMS", "ACME", "My Shop"))),
        subject=None if medium is Channel.SMS else draw(st.none() | st.text("abc défاب", min_size=1, max_size=20)),
        tags=tuple(draw(st.lists(st.sampled_from(("otp", "news", "order")), max_size=2, unique=True))),
        idempotency_key=draw(st.none() | st.text("abcdef0123456789-", min_size=1, max_size=20)),
    )


@st.composite
def recipients(draw: st.DrawFn, channel: Channel | str = Channel.SMS) -> Recipient:
    """Draw a recipient of a channel."""
    medium = Channel(channel)
    if medium is not Channel.SMS:
        return Recipient(draw(addresses(medium)), medium)
    country = draw(st.sampled_from(sorted(COUNTRIES)))
    return Recipient(
        draw(numbers(country)),
        medium,
        draw(st.sampled_from((country, None))),
        language=draw(st.sampled_from((None, "ar"))),
    )


@st.composite
def batches(draw: st.DrawFn, size: int = 10, channel: Channel | str = Channel.SMS) -> Batch:
    """Draw a batch of one message.

    :param size: the most recipients.
    """
    people = draw(st.lists(recipients(channel), min_size=1, max_size=size, unique_by=lambda person: person.address))
    start = draw(st.integers(0, 400))
    places = range(start, start + len(people))
    return Batch(draw(messages(channel)), tuple(people), tuple(places), draw(st.integers(1, 5)))


@st.composite
def plans(draw: st.DrawFn, channel: Channel | str = Channel.SMS) -> Plan:
    """Draw a plan: batches, excluded recipients, and a text with the edits that led to it."""
    message = draw(messages(channel))
    people = draw(st.lists(recipients(channel), max_size=12, unique_by=lambda person: person.address))
    size = draw(st.integers(1, 5))
    measured = Measurement("ucs2", len(message.text), 1) if message.channel is Channel.SMS else None
    parts = [range(start, min(start + size, len(people))) for start in range(0, len(people), size)]
    cut = tuple(
        Batch(message, tuple(people[place] for place in part), tuple(part), number, measured)
        for number, part in enumerate(parts, 1)
    )
    excluded = tuple(
        Receipt(len(people) + place, person, Outcome.SKIPPED, skipped=SkipReason.DUPLICATE)
        for place, person in enumerate(draw(st.lists(recipients(channel), max_size=2)))
    )
    removed = draw(st.sampled_from(("", "😀", "\u200e")))
    edits = (Edit(0, len(removed), removed, "", "emoji", "cleaner"),) if removed else ()
    cost = draw(st.none() | st.integers(0, 100).map(float))
    warnings = draw(st.sampled_from(((), ("It is a test.",))))
    return Plan(message, edits, measured, cut, excluded, cost, warnings)


# --- what a transport returns or raises ---

#: The kinds of error that a transport raises.
ERRORS: Final[tuple[type[TransportError], ...]] = _kinds(notifykit.errors, TransportError)


@st.composite
def errors(draw: st.DrawFn, kinds: Sequence[type[TransportError]] = ERRORS) -> TransportError:
    """Draw an error that a transport may raise.

    :param kinds: which.
    """
    optional: dict[str, SearchStrategy[Any]] = {
        "code": st.sampled_from(("ERR013", "HTTP503", "timeout", "550 5.1.1")),
        "provider_words": st.sampled_from(("try later", "****", "غير صحيح")),
        "waits": st.lists(st.floats(0, 3600), max_size=3).map(tuple),
        "scope": st.sampled_from(Scope),
    }
    kind = draw(st.sampled_from(kinds))
    detail = st.sampled_from(("It was refused.", "لا", "Down."))
    fields: dict[str, Any] = draw(st.fixed_dictionaries({"detail": detail}, optional=optional))
    if kind is Exhausted:
        others = [other for other in kinds if other is not Exhausted] or [NotReached]
        fields["causes"] = tuple(draw(st.lists(errors(others), max_size=2)))
    return kind(**fields)


@st.composite
def submissions(draw: st.DrawFn, to: Sequence[str] = ()) -> Submission:
    """Draw what a provider may say about a batch that it accepted.

    :param to: the canonical addresses of the batch: some of them may be refused, never all.
    """
    known = list(dict.fromkeys(to))
    refused = draw(st.lists(st.sampled_from(known), max_size=len(known) - 1, unique=True)) if len(known) > 1 else []
    return Submission(
        message_id=draw(st.none() | st.text("0123456789abcdef", min_size=1, max_size=32)),
        cost=draw(st.none() | st.floats(0, 1e4)),
        balance=draw(st.none() | st.floats(-10, 1e6)),
        test=draw(st.booleans()),
        refused={address: draw(errors((InvalidRecipient, DestinationNotCovered))) for address in refused},
        warnings=draw(st.sampled_from(((), ("The provider gave no message id.",)))),
    )


def answers(to: Sequence[str] = ()) -> SearchStrategy[Submission | TransportError]:
    """Draw what a transport may answer to a batch: a submission to return, or an error to raise.

    :param to: the canonical addresses of the batch.
    """
    return st.one_of(submissions(to), errors())


# --- events ---


def event_kinds() -> tuple[type[Event], ...]:
    """Return every kind of event that the framework emits."""
    return _kinds(notifykit.events, Event)


def logged_recipients() -> SearchStrategy[LoggedRecipient]:
    """Draw a recipient as a log may know it."""
    return st.builds(
        LoggedRecipient,
        to=addresses().map(redact_address) | emails().map(redact_address),
        to_hash=st.none() | st.text("0123456789abcdef", min_size=24, max_size=24),
        country=st.none() | st.sampled_from(sorted(COUNTRIES)),
        outcome=st.sampled_from(Outcome),
        code=st.none() | st.sampled_from(("ERR013", "HTTP503", "timeout")),
    )


#: What is drawn for a field by its name, where its type says too little.
_BY_NAME: Final[Mapping[str, SearchStrategy[Any]]] = {
    "at": st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1), timezones=st.just(datetime.UTC)),
    "id": st.text("0123456789abcdef", min_size=32, max_size=32),
    "batch": st.text("0123456789abcdef-", min_size=1, max_size=34),
    "to": st.none() | addresses().map(redact_address),
    "transport": st.sampled_from(("memory://default", "kwtsms://default?sender=ACME&test=1", "failover(a, b)")),
    "tags": st.lists(st.sampled_from(("otp", "news", "طلب")), max_size=2).map(tuple),
    "recipients": st.lists(logged_recipients(), min_size=1, max_size=3).map(tuple),
    "recipient": logged_recipients(),
}
_BY_TYPE: Final[Mapping[object, SearchStrategy[Any]]] = {
    str: any_text(20).map(text_shape),
    int: st.integers(0, 10**6),
    float: st.floats(0, 10**9),
    bool: st.booleans(),
    type(None): st.none(),
    Outcome: st.sampled_from(Outcome),
    DeliveryState: st.sampled_from(DeliveryState),
    datetime.datetime: _BY_NAME["at"],
}


@st.composite
def events(draw: st.DrawFn, *kinds: type[Event]) -> Event:
    """Draw an event as a sink is given it: redacted, every field filled with something that it may hold.

    :param kinds: which; any that the framework has where none are given.
    """
    kind = draw(st.sampled_from(kinds or event_kinds()))
    types = typing.get_type_hints(kind)
    fields = {field.name: draw(_field(field.name, types[field.name])) for field in attrs.fields(kind)}
    if fields.get("to", "") is None and "to_hash" in fields:
        fields["to_hash"] = None
    return kind(**fields)


def _field(name: str, kind: Any) -> SearchStrategy[Any]:
    optional = type(None) in typing.get_args(kind)
    known = _BY_TYPE.get(kind) if name not in _BY_NAME or (name == "transport" and optional) else _BY_NAME[name]
    return known if known is not None else _of_type(kind)


def _of_type(kind: Any) -> SearchStrategy[Any]:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (tuple, Sequence):
        return st.lists(_field("", inner[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(_field("", inner[0]), _field("", inner[1]), max_size=3)
    return st.one_of([_field("", one) for one in inner]) if inner else st.from_type(kind)
