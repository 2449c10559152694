"""JSON of the sandbox: written, read and described from one declaration each; and what a repr may show.

A model is a frozen attrs class: :func:`encode`, :func:`from_json` and :class:`Schemas` work from its fields and their
types. A :class:`View` is what the API shows of an object: fields with their types and where each comes from.
"""

from __future__ import annotations

import contextlib
import datetime
import enum
import functools
import json
import operator
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Annotated, Any, Final, Literal, TypeVar, Union

import attrs

from notifykit.redaction import redact_address

T = TypeVar("T")
Schema = dict[str, Any]
#: In the metadata of a field: it has no place in the JSON form.
HIDDEN: Final = {"json": None}

_SCALARS: Final[dict[Any, tuple[str, Schema]]] = {
    str: ("a text", {"type": "string"}),
    int: ("a whole number", {"type": "integer"}),
    float: ("a number", {"type": "number"}),
    bool: ("true or false", {"type": "boolean"}),
    datetime.datetime: ("a date and time such as 2026-11-22T10:00:00+00:00", {"type": "string", "format": "date-time"}),
    type(None): ("null", {"type": "null"}),
    Any: ("anything", {}),
}
_UNIONS: Final = (Union, types.UnionType)
_ARRAYS: Final = (tuple, list, frozenset, set)
_FIELDS: Final[dict[type, tuple[tuple[str, attrs.Attribute[Any], Any], ...]]] = {}


class NotFoundError(LookupError):
    """The sandbox has nothing of that name."""


def show_count(value: Sized) -> str:
    """Return how many things are in a collection, in place of the things."""
    return str(len(value))


def show_number(number: str | None) -> str:
    """Return a number with stars; None stays None."""
    return str(number) if number is None else redact_address(number)


def show_numbers(numbers: tuple[str, ...]) -> str:
    """Return numbers with stars."""
    return "(" + ", ".join(redact_address(number) for number in numbers) + ")"


def json_fields(model: type) -> tuple[tuple[str, attrs.Attribute[Any], Any], ...]:
    """Return JSON name, attribute and type of each field of a model.

    A name is that of the field with ``-`` for ``_``, unless the model sets ``json_separator`` or the field's metadata
    say something else under ``json``.
    """
    if model not in _FIELDS:
        hints = typing.get_type_hints(model, include_extras=True)
        separator = getattr(model, "json_separator", "-")
        named = [
            (field.metadata.get("json", field.name.replace("_", separator)), field) for field in attrs.fields(model)
        ]
        _FIELDS[model] = tuple((name, field, hints[field.name]) for name, field in named if name is not None)
    return _FIELDS[model]


def to_json(value: Any) -> Any:
    """Return a model, or another value that JSON does not have, as one that it has; what is inside may be models again."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    return {name: getattr(value, field.name) for name, field, _ in json_fields(type(value))}


#: Returns a value, models and all, as one line of JSON. ASCII, because a text may hold half of a surrogate pair.
encode: Final = json.JSONEncoder(separators=(",", ":"), default=to_json).encode


def from_json(model: type[T], value: object, *, complete: bool = False) -> T:
    """Build a model from its JSON form.

    :param complete: require every field and ignore others; by default fields may be missing where they have a default,
        and an unknown one is an error.
    :raises ValueError: if a field is missing, unknown or of the wrong type.
    :raises TypeError: if it is no object.
    """
    if not isinstance(value, Mapping):
        raise TypeError("the body is a JSON object")
    fields = json_fields(model)
    unknown = sorted(set(value) - {name for name, _, _ in fields})
    if unknown and not complete:
        names = ", ".join(sorted(name for name, _, _ in fields))
        raise ValueError(f"there is no {', '.join(unknown)} here, only {names}")
    missing = [name for name, field, _ in fields if name not in value and (complete or field.default is attrs.NOTHING)]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing")
    found = {field.name: parse(kind, value[name], name, complete) for name, field, kind in fields if name in value}
    return model(**found)


def parse(kind: Any, value: Any, name: str, complete: bool = False) -> Any:
    """Return a value of a type from its JSON form, or as it is; the name is for the error.

    :raises ValueError: if it is of another type.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is None:
        return _parse_plain(kind, value, name, complete)
    if origin is Annotated:
        return parse(arguments[0], value, name, complete)
    if origin in _UNIONS:
        for choice in arguments:
            with contextlib.suppress(ValueError):
                return parse(choice, value, name, complete)
    elif origin in _ARRAYS and isinstance(value, _ARRAYS):
        return origin(parse(arguments[0], item, name, complete) for item in value)
    elif origin is Mapping and isinstance(value, dict):
        return {text: parse(arguments[1], content, name, complete) for text, content in value.items()}
    elif origin is Literal and value in arguments:
        return value
    raise ValueError(f"{name} is {_describe(kind)}")


def _parse_plain(kind: Any, value: Any, name: str, complete: bool) -> Any:
    if attrs.has(kind) and isinstance(value, Mapping):
        return from_json(kind, value, complete=complete)
    if kind is datetime.datetime and isinstance(value, str):
        moment = datetime.datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    if kind is not Any and not _is_scalar(kind, value):
        raise ValueError(f"{name} is {_describe(kind)}")
    return value


def _is_scalar(kind: Any, value: object) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float)) if kind is float else isinstance(value, kind)


def _describe(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _describe(arguments[0])
    if origin in _UNIONS:
        return " or ".join(_describe(choice) for choice in arguments if choice is not type(None))
    if origin in _ARRAYS:
        return f"a list, each item {_describe(arguments[0])}"
    if origin is Literal:
        return " or ".join(arguments)
    return _SCALARS[kind][0] if kind in _SCALARS else "an object"


class View:
    """A JSON object that shows another object. It is called with that object, and with more that its functions need.

    Each field is given as its type, and then holds the attribute of its name, or as type and function of the arguments.
    A type may be another view, or a list with one.
    """

    def __init__(self, name: str, fields: Mapping[str, Any], extends: View | None = None) -> None:
        self.name = name
        self.fields: dict[str, Any] = {**(extends.fields if extends else {}), **fields}
        self._readers = {
            name: field[1] if isinstance(field, tuple) else _attribute(name) for name, field in self.fields.items()
        }

    def __call__(self, source: Any, *context: Any) -> dict[str, Any]:
        """Return the object."""
        return {name: read(source, *context) for name, read in self._readers.items()}

    def __or__(self, other: None) -> Maybe:
        return Maybe(self)


@attrs.frozen
class Maybe:
    """A view, or null."""

    #: The view.
    view: View


def _attribute(name: str) -> Callable[..., Any]:
    attribute = name.replace("-", "_")
    return lambda source, *context: getattr(source, attribute)


class Schemas:
    """JSON Schema of types and views. Each model or view that is met becomes a component of its name."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type; a ready one stays as it is."""
        if isinstance(kind, dict):
            return kind
        if isinstance(kind, Maybe):
            return {"anyOf": [self.of(kind.view), {"type": "null"}]}
        if isinstance(kind, list):
            return {"type": "array", "items": self.of(kind[0])}
        return self.view(kind) if isinstance(kind, View) else self._of_type(kind)

    def object(self, fields: Mapping[str, Any]) -> Schema:
        """Return the schema of an object that has all of these fields, each a type, or type and function."""
        shapes = {name: self.of(field[0] if isinstance(field, tuple) else field) for name, field in fields.items()}
        return {"type": "object", "properties": shapes, "required": list(shapes)}

    def closed(self, fields: Mapping[str, Any], needed: Iterable[str] = ()) -> Schema:
        """Return the schema of an object in a request, which has no fields but these."""
        shapes = {name: self.of(kind) for name, kind in fields.items()}
        schema: Schema = {"type": "object", "properties": shapes, "additionalProperties": False}
        return schema | ({"required": list(needed)} if needed else {})

    def request(self, model: type) -> Schema:
        """Return the schema of a model that a request sends: fields with a default may be missing."""
        fields = json_fields(model)
        needed = [name for name, field, _ in fields if field.default is attrs.NOTHING]
        return self._component(model.__name__, self.closed({name: kind for name, _, kind in fields}, needed))

    def view(self, view: View) -> Schema:
        """Return the schema of a view."""
        return self._component(view.name, self.object(view.fields))

    def _component(self, name: str, schema: Schema) -> Schema:
        self.components[name] = schema
        return {"$ref": f"#/components/schemas/{name}"}

    def _of_type(self, kind: Any) -> Schema:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is Annotated:
            extras = ({"description": extra} if isinstance(extra, str) else extra for extra in arguments[1:])
            return functools.reduce(operator.or_, extras, self.of(arguments[0]))
        if origin in _UNIONS:
            return {"anyOf": [self.of(choice) for choice in arguments]}
        if origin is Mapping or origin in _ARRAYS:
            what, content = ("object", "additionalProperties") if origin is Mapping else ("array", "items")
            return {"type": what, content: self.of(arguments[origin is Mapping])}
        if origin is Literal or (origin is None and isinstance(kind, enum.EnumType)):
            return {"type": "string", "enum": list(arguments or kind)}
        if attrs.has(kind):
            fields = {name: kind for name, _, kind in json_fields(kind)}
            return self._component(kind.__name__, self.object(fields))
        return dict(_SCALARS[kind][1])
