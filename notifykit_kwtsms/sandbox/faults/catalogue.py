"""The catalogue of faults: what can go wrong on the wire, and when; and how one waits for its request."""

from __future__ import annotations

import enum
import random
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from notifykit_kwtsms.api.facts import ENDPOINTS
from notifykit_kwtsms.sandbox.models import HIDDEN


class Point(enum.StrEnum):
    """When a fault happens."""

    #: The request is read; the gateway has not processed it, and nothing is charged.
    RECEIVE = "receive"
    #: The gateway has done its work: what it accepted stays accepted, only the answer suffers.
    ACCEPT = "accept"


@attrs.frozen
class FaultKind:
    """One way of failing."""

    #: Its name.
    name: str
    #: What it does, in a sentence.
    meaning: str
    #: When it can happen; the first is the default.
    points: tuple[Point, ...] = attrs.field(metadata={"json": "after"})
    #: Whether it needs the connection itself, so that it works on the sandbox's own server only.
    raw: bool = attrs.field(default=False, metadata=HIDDEN)
    #: Whether at least a status line gets through.
    answers: bool = attrs.field(default=True, metadata=HIDDEN)
    #: Seconds: how long a hang lasts, how long one byte takes; for the others, how late they come.
    delay: float = attrs.field(default=0.0, metadata=HIDDEN)


_BOTH = (Point.RECEIVE, Point.ACCEPT)
_BOTH_LATE = (Point.ACCEPT, Point.RECEIVE)
_LATE = (Point.ACCEPT,)
_EARLY = (Point.RECEIVE,)
_KINDS = (
    FaultKind("reset", "The connection is reset after the request was read.", _BOTH, raw=True, answers=False),
    FaultKind("close", "The connection is closed without an answer.", _BOTH, raw=True, answers=False),
    FaultKind(
        "hang",
        "No answer comes for a long time, then the connection is closed.",
        _BOTH,
        raw=True,
        answers=False,
        delay=30.0,
    ),
    FaultKind(
        "half-head", "The connection is closed in the middle of the headers.", _BOTH_LATE, raw=True, answers=False
    ),
    FaultKind("half-body", "Content-Length promises more than what comes before the end.", _BOTH_LATE, raw=True),
    FaultKind("dribble", "The body comes a byte at a time.", _LATE, raw=True, delay=0.15),
    FaultKind("dribble-head", "Status line, headers and body come a byte at a time.", _LATE, raw=True, delay=0.15),
    FaultKind("slow", "The answer is right and late.", _LATE, delay=1.0),
    FaultKind("html-200", "A maintenance page, with HTTP 200.", _BOTH),
    FaultKind("empty-200", "HTTP 200 without a body.", _BOTH),
    FaultKind("broken-json", "HTTP 200 and half of a JSON object.", _BOTH_LATE),
    FaultKind("json-list", "HTTP 200 and JSON that is not an object.", _BOTH),
    FaultKind("not-utf8", "HTTP 200 and bytes that are no text.", _BOTH),
    FaultKind("json-403", "HTTP 403 with the gateway's JSON for ERR003.", _EARLY),
    FaultKind("html-403", "HTTP 403 with a web page: what a firewall answers.", _BOTH),
    FaultKind("html-502", "HTTP 502 with a proxy's web page.", _BOTH),
    FaultKind("empty-503", "HTTP 503 with Retry-After and no body.", _BOTH),
    FaultKind("html-504", "HTTP 504 with a proxy's web page.", _BOTH),
    FaultKind("no-msg-id", "OK without a msg-id.", _LATE),
    FaultKind("wrong-count", "OK, with another count of numbers than was sent.", _LATE),
    FaultKind("string-numbers", 'Numbers come as strings: "149".', _LATE),
    FaultKind("extra-keys", "Unknown keys, some of them nested.", _LATE),
    FaultKind("bom", "A byte order mark stands before the JSON.", _LATE),
    FaultKind("gzip", "The body is compressed though the client did not ask for it.", _LATE),
    FaultKind("redirect", "HTTP 301 to plain http.", _EARLY),
    FaultKind("big-body", "A body of more than 1 MiB.", _BOTH),
    FaultKind("stale", "The connection is closed after a good answer without saying so.", _LATE, raw=True),
    FaultKind("double-answer", "The answer comes twice, the second one unasked.", _LATE, raw=True),
)

KINDS: Final[Mapping[str, FaultKind]] = {kind.name: kind for kind in _KINDS}
#: The names of all wire faults. Besides them, a fault can do any error code: ``ERR013``.
FAULTS: Final[tuple[str, ...]] = tuple(KINDS)

_CODE = re.compile(r"ERR[0-9]{3}", re.ASCII)
#: Seconds that a delay can be at most.
_LONGEST: Final = 3600.0


@attrs.frozen
class Delay:
    """How long something takes, in real seconds: always the same, or drawn for each firing."""

    #: ``fixed`` (first is the length), ``uniform`` (between first and second), ``lognormal`` (median and sigma).
    kind: str = attrs.field(default="fixed", validator=attrs.validators.in_(("fixed", "uniform", "lognormal")))
    #: Seconds.
    first: float = attrs.field(default=0.0, validator=(attrs.validators.ge(0), attrs.validators.le(_LONGEST)))
    #: Seconds, or sigma.
    second: float = attrs.field(default=0.0, validator=(attrs.validators.ge(0), attrs.validators.le(_LONGEST)))

    def draw(self, rng: random.Random) -> float:
        """Return seconds for one firing."""
        if self.kind == "uniform":
            return rng.uniform(self.first, self.second)
        if self.kind == "lognormal":
            return min(self.first * rng.lognormvariate(0, self.second), _LONGEST)
        return self.first


def read_delay(value: object) -> Delay | None:
    """Read ``0.2``, ``{"uniform": [0.1, 0.3]}`` or ``{"lognormal": [0.2, 0.5]}``; None stays None."""
    if value is None or isinstance(value, Delay):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Delay("fixed", float(value))
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, numbers),) = value.items()
        if isinstance(numbers, (list, tuple)) and len(numbers) == 2:
            return Delay(str(kind), float(numbers[0]), float(numbers[1]))
    raise ValueError('a delay is seconds, {"uniform": [from, to]} or {"lognormal": [median, sigma]}')


def _check_name(instance: Fault, attribute: attrs.Attribute[str], value: str) -> None:
    if value not in KINDS and not _CODE.fullmatch(value):
        raise ValueError(f"no such fault: {value!r}; there are {', '.join(FAULTS)} and the error codes, ERR013 for one")


def _check_endpoint(instance: Fault, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    if value is not None and value not in ENDPOINTS:
        raise ValueError(f"no such endpoint: {value!r}; there are {', '.join(ENDPOINTS)}")


def _check_point(instance: Fault, attribute: attrs.Attribute[Point | None], value: Point | None) -> None:
    kind = KINDS.get(instance.do)
    if value is not None and kind is not None and value not in kind.points:
        raise ValueError(f"{instance.do} can only happen after {' or '.join(kind.points)}")
    if value is Point.ACCEPT and kind is None:
        raise ValueError(f"{instance.do} refuses the request, so it can only happen after {Point.RECEIVE}")


#: Checks a number that counts from 1, or None.
_COUNT: Final[Any] = attrs.validators.optional(attrs.validators.ge(1))


@attrs.frozen
class Fault:
    """A fault that waits for its request."""

    #: What happens: a name of :data:`FAULTS`, or an error code.
    do: str = attrs.field(validator=_check_name)
    #: The endpoint it waits for; None for any.
    endpoint: str | None = attrs.field(default=None, validator=_check_endpoint)
    #: A glob that one of the request's numbers must match; None for any request.
    to: str | None = None
    #: Fire on this matching request only, counted from 1; None for each.
    nth: int | None = attrs.field(default=None, validator=_COUNT)
    #: How many times it fires; None until it is cleared.
    times: int | None = attrs.field(default=1, validator=_COUNT)
    #: The chance that it fires, 0 to 1.
    probability: float = attrs.field(default=1.0, validator=(attrs.validators.ge(0), attrs.validators.le(1)))
    #: Makes probability and delay the same in each run; None takes the sandbox's own random numbers.
    seed: int | None = None
    #: Matching requests that pass first.
    skip: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    #: Real seconds, see :class:`FaultKind`; None takes the kind's own.
    delay: Delay | None = attrs.field(default=None, converter=read_delay)
    #: When it happens; None takes the kind's own.
    after: Point | None = attrs.field(default=None, converter=attrs.converters.optional(Point), validator=_check_point)
    #: Virtual seconds until it expires; None for ever.
    ttl: float | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.gt(0)))
    #: The preset it comes from, if any.
    preset: str | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Fault:
        """Read the JSON form, in which ``endpoint``, ``to`` and ``nth`` may stand below ``match``."""
        fields: dict[str, Any] = dict(value)
        match = fields.pop("match", {})
        if not (isinstance(match, Mapping) and set(match) <= {"endpoint", "to", "nth"}):
            raise ValueError("match is an object of endpoint, to and nth")
        fields |= match
        unknown = sorted(set(fields) - set(attrs.fields_dict(cls)))
        if unknown or "do" not in fields:
            raise ValueError(f"a fault has do and no {', '.join(unknown)}" if unknown else "a fault needs do")
        try:
            return cls(**fields)
        except TypeError as error:
            raise ValueError(f"a field of the fault has the wrong type: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        fields = attrs.asdict(self, recurse=False)
        if self.delay:
            fixed = self.delay.kind == "fixed"
            fields["delay"] = self.delay.first if fixed else {self.delay.kind: [self.delay.first, self.delay.second]}
        match = {name: fields.pop(name) for name in ("endpoint", "to", "nth")}
        return {"match": {name: value for name, value in match.items() if value is not None}, **fields}


@attrs.frozen
class Firing:
    """A fault that happens now, to one request."""

    #: What happens.
    do: str
    #: When.
    after: Point
    #: Real seconds, see :class:`FaultKind`.
    delay: float
    #: What made it happen: ``header``, ``magic`` or ``armed``.
    source: str

    @property
    def code(self) -> str | None:
        """The error code, if the fault is one."""
        return None if self.do in KINDS else self.do

    @property
    def raw(self) -> bool:
        """Whether it needs the connection itself."""
        return self.do in KINDS and KINDS[self.do].raw


def firing(do: str, source: str, after: Point | None = None, delay: float | None = None) -> Firing:
    """Return a firing with the kind's own point and delay where none are given."""
    kind = KINDS.get(do)
    if kind is None:
        return Firing(do, Point.RECEIVE, delay or 0.0, source)
    return Firing(do, after or kind.points[0], kind.delay if delay is None else delay, source)


def describe(fault: Firing) -> str:
    """Return a fault as the inbox shows it: ``close after accept (magic)``."""
    return f"{fault.do} after {fault.after} ({fault.source})"


def from_header(value: str) -> Firing:
    """Read ``X-Sandbox-Fault``: ``reset``, or ``hang; after=accept; delay=0.2``."""
    name, *pairs = (part.strip() for part in value.split(";"))
    options = dict(part.partition("=")[::2] for part in pairs if part)
    if unknown := sorted(set(options) - {"after", "delay"}):
        raise ValueError(f"X-Sandbox-Fault has after and delay, and no {', '.join(unknown)}")
    delay = float(options["delay"]) if "delay" in options else None
    fault = Fault(name, after=options.get("after"), delay=delay)
    return firing(fault.do, "header", fault.after, delay)
