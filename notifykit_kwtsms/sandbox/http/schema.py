"""The routes of the sandbox's API, what their requests bring, and the OpenAPI document that is made of them."""

from __future__ import annotations

import contextlib
import inspect
import math
import re
import typing
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeVar

import attrs

from notifykit_kwtsms.sandbox.faults.catalogue import Fault
from notifykit_kwtsms.sandbox.gateway.accounts import CHANGEABLE, SENDER
from notifykit_kwtsms.sandbox.models import Schema, Schemas, json_fields, parse

F = TypeVar("F", bound=Callable[..., Any])
Scalar = str | float | bool | None

JSON: Final = "application/json"
JSON_LINES: Final = "application/x-ndjson"
TEXT: Final = "text/plain"
#: Entries of one answer.
LONGEST_LIST: Final = 1000
#: Real seconds that a long poll lasts at most.
LONGEST_POLL: Final = 60.0


@attrs.frozen
class NewMessage:
    """A message to send as the default account does; the gateway looks at the values."""

    #: A number, or several.
    to: Scalar | tuple[Scalar, ...] = ""
    #: The text.
    text: Scalar = ""
    #: The sender.
    sender: Scalar = SENDER
    #: Whether it is a test.
    test: Scalar = True
    #: Labels.
    tags: tuple[str, ...] | None = None


@attrs.frozen
class MessageChanges:
    """How to mark and tag messages; what is None stays as it is."""

    #: Whether they count as unread.
    unread: bool | None = None
    #: Labels in place of all others.
    tags: tuple[str, ...] | None = None
    #: Labels to add.
    add_tags: tuple[str, ...] | None = None
    #: Labels to take away.
    remove_tags: tuple[str, ...] | None = None

    def retag(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """Return the tags of a message that has these."""
        kept = dict.fromkeys((*(before if self.tags is None else self.tags), *(self.add_tags or ())))
        return tuple(tag for tag in kept if tag not in (self.remove_tags or ()))


@attrs.frozen
class Undo:
    """Which deletion to undo."""

    #: What the deletion answered.
    undo: str


@attrs.frozen
class ClockAdvance:
    """How far the clock jumps."""

    #: Seconds.
    advance: Annotated[float, {"minimum": 0}]


@attrs.frozen
class DeliveryChange:
    """What becomes of a message."""

    #: The state; None for the next one.
    state: str | None = None
    #: The number; None for all.
    number: Scalar = None


@attrs.frozen
class Parameter:
    """Something that may stand behind the question mark."""

    #: What it means.
    words: str
    #: Its type.
    kind: Any = str
    #: Its value where it is missing.
    default: Any = None
    #: Brings a value within its limits.
    limit: Callable[[Any], Any] = lambda value: value

    def read(self, name: str, text: str | None) -> Any:
        """Return the value that stands in a request.

        :raises ValueError: if it is of another type.
        """
        if text is None:
            return self.default
        kind = typing.get_args(self.kind)[0] if typing.get_origin(self.kind) is Annotated else self.kind
        value: object = text
        if kind in (int, float):
            with contextlib.suppress(ValueError):  # The check that follows names what is wrong.
                value = kind(text)
        return self.limit(parse(self.kind, value, name))


def _real_seconds(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("timeout is a number of seconds")
    return min(max(value, 0.0), LONGEST_POLL)


#: What a handler may take from behind the question mark, by the name of its argument.
PARAMETERS: Final = {
    "q": Parameter("A search: to: sender: text: id: tag: is: has: encoding: segments: cost: code: …", default=""),
    "to": Parameter("A number that it went to, exactly."),
    "text": Parameter("A part of the text."),
    "ids": Parameter("Ids with commas between them, instead of a search."),
    "limit": Parameter("Entries, 1000 at most.", int, 50, lambda value: min(max(value, 1), LONGEST_LIST)),
    "before": Parameter("Begin behind this one: `next` of the answer before.", int, 0),
    "timeout": Parameter(
        "Real seconds to wait, 60 at most.", Annotated[float, {"maximum": LONGEST_POLL}], 0.0, _real_seconds
    ),
    "username": Parameter("Another account than the default one."),
    "batches": Parameter(
        "fold makes one row of a request to several numbers, unfold one for each number.",
        Literal["fold", "unfold"],
        "fold",
    ),
    "after": Parameter(
        "The number of the last event that was received.", Annotated[str, {"type": "integer", "minimum": 0}]
    ),
}
#: Arguments of handlers that are made of several parameters.
GROUPS: Final = {"search": ("q", "to", "text"), "selection": ("q", "to", "text", "ids")}


@attrs.frozen(eq=False)
class Route:
    """One path and method of the API."""

    #: The path, as Werkzeug's rules write it.
    path: str
    #: The method.
    method: str
    #: The handler, a method of :class:`~notifykit_kwtsms.sandbox.http.api.Api`.
    handler: Callable[..., Any]
    #: The type or the schema of its body.
    body: Any
    #: What it answers, see :meth:`Schemas.of`; a mapping is an object with these fields. None where it is not JSON.
    gives: Any = None
    #: The content type of its answer.
    content_type: str = JSON
    #: The status of the answer where all is well.
    status: int = 200
    #: The statuses of its errors.
    errors: tuple[int, ...] = ()
    #: Whether it may be asked without the token.
    public: bool = False
    #: Whether a person's browser opens it.
    on_screen: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of what the handler takes."""
        return tuple(inspect.signature(self.handler).parameters)[1:]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what may stand behind the question mark."""
        return tuple(one for name in self.arguments for one in GROUPS.get(name, (name,)) if one in PARAMETERS)


ROUTES: Final[list[Route]] = []


def route(rule: str, *, takes: Any = None, **options: Any) -> Callable[[F], F]:
    """Let a method of the API answer ``GET /path``.

    Its arguments say what it needs: ``request``, ``body`` (checked by its type), parts of the path, and names of
    :data:`PARAMETERS` and :data:`GROUPS`. It returns what becomes JSON, or a response. ``takes`` is the schema of a
    body that the method checks by itself; the options are fields of :class:`Route`.
    """
    method, path = rule.split()

    def register(handler: F) -> F:
        ROUTES.append(Route(path, method, handler, takes or typing.get_type_hints(handler).get("body"), **options))
        return handler

    return register


_REQUESTS: Final = Schemas()
_FAULT_FIELDS: Final = {name: kind for name, _, kind in json_fields(Fault)}
_MATCH: Final = _REQUESTS.closed({name: _FAULT_FIELDS[name] for name in ("endpoint", "to", "nth")})
#: The schemas of bodies that the objects behind the API check by themselves.
ACCOUNT_CHANGES: Final = _REQUESTS.closed(CHANGEABLE)
FAULTS: Final = _REQUESTS.closed({**_FAULT_FIELDS, "delay": {}, "faults": [{"type": "object"}], "match": _MATCH})

_IN_PATH: Final = re.compile(r"<(?:(?P<kind>int):)?(?P<name>\w+)>")
_ERRORS: Final = {
    400: "Something in the request is wrong.",
    403: "The gateway refuses.",
    404: "There is no such thing.",
    413: "The body is too long, or doesn't say how long it is.",
    503: "Not now.",
}


def document(version: str, root: str = "") -> dict[str, Any]:
    """Return the OpenAPI document; ``root`` is where the sandbox is mounted."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for one in ROUTES:
        paths.setdefault(_IN_PATH.sub(r"{\g<name>}", one.path), {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "notifykit sandbox",
            "version": version,
            "description": "The inbox and the switches of an imitation of the kwtSMS gateway.",
        },
        "servers": [{"url": root or "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(one: Route, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{one.method.lower()}_{one.handler.__name__.strip('_')}",
        "summary": (one.handler.__doc__ or "").partition("\n")[0],
        "responses": _responses(one, schemas),
    }
    parameters: list[dict[str, Any]] = [
        {
            "name": found["name"],
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0} if found["kind"] else {"type": "string", "minLength": 1},
        }
        for found in _IN_PATH.finditer(one.path)
    ]
    for name in one.parameters:
        about = PARAMETERS[name]
        parameters.append({"name": name, "in": "query", "description": about.words, "schema": schemas.of(about.kind)})
    if parameters:
        operation["parameters"] = parameters
    if one.body is bytes:
        operation["requestBody"] = {"required": True, "content": {JSON_LINES: {"schema": {"type": "string"}}}}
    elif one.body is not None:
        schema = one.body if isinstance(one.body, dict) else schemas.request(one.body)
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    if one.public:
        operation["security"] = [{}]
    return operation


def _responses(one: Route, schemas: Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if one.status != 302:
        schema = schemas.object(one.gives) if isinstance(one.gives, dict) else schemas.of(one.gives or str)
        content = {"content": {one.content_type: {} if one.content_type == JSON_LINES else {"schema": schema}}}
    found: dict[str, Any] = {str(one.status): {"description": "All is well.", **content}}
    error: Schema = schemas.object({"error": str})
    # The gateway refuses in its own form.
    refusal = {"anyOf": [error, schemas.object(one.gives)]} if 403 in one.errors else error
    for status in sorted({*one.errors, 413}):
        schema = error if status == 413 else refusal
        found[str(status)] = {"description": _ERRORS[status], "content": {JSON: {"schema": schema}}}
    return found
