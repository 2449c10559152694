"""What the sandbox's models share: their JSON form, its check and its JSON Schema, and what a repr may show.

A model is a frozen attrs class. Its fields and their types are the one declaration that :func:`to_json`,
:func:`from_json` and :class:`Schemas` work from.
"""

from __future__ import annotations

import datetime
import enum
import types
import typing
from collections.abc import Mapping, Sized
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
}
_UNIONS: Final = (Union, types.UnionType)
_ARRAYS: Final = (tuple, list, frozenset)
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
    """Return a model, or anything that it is made of, as what ``json.dumps`` takes."""
    if attrs.has(type(value)):
        return {name: to_json(getattr(value, field.name)) for name, field, _ in json_fields(type(value))}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: to_json(content) for name, content in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    return [to_json(item) for item in value] if isinstance(value, (tuple, list)) else value


def from_json(model: type[T], value: object, *, complete: bool = False) -> T:
    """Build a model from its JSON form.

    :param complete: require every field and ignore others; by default fields may be missing where they have a default,
        and an unknown one is an error.
    :raises ValueError: with a sentence that names the field that is wrong.
    """
    if not isinstance(value, Mapping):
        raise ValueError("this is an object in JSON")
    fields = json_fields(model)
    unknown = sorted(set(value) - {name for name, _, _ in fields})
    if unknown and not complete:
        names = ", ".join(sorted(name for name, _, _ in fields))
        raise ValueError(f"there is no {', '.join(unknown)} here, only {names}")
    missing = [name for name, field, _ in fields if name not in value and (complete or field.default is attrs.NOTHING)]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing")
    found = {field.name: _parse(kind, value[name], name, complete) for name, field, kind in fields if name in value}
    return model(**found)


def _parse(kind: Any, value: Any, name: str, complete: bool) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _parse(arguments[0], value, name, complete)
    if origin in _UNIONS:
        for choice in arguments:
            try:
                return _parse(choice, value, name, complete)
            except ValueError:
                continue
    elif origin in _ARRAYS and isinstance(value, list):
        return origin(_parse(arguments[0], item, name, complete) for item in value)
    elif origin is Mapping and isinstance(value, dict):
        return {text: _parse(arguments[1], content, name, complete) for text, content in value.items()}
    elif kind is Any or (origin is Literal and value in arguments):
        return value
    elif kind is datetime.datetime and isinstance(value, str):
        moment = datetime.datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    elif origin is None and attrs.has(kind):
        return from_json(kind, value, complete=complete)
    elif origin is None and _is_scalar(kind, value):
        return value
    raise ValueError(f"{name} is {_describe(kind)}")


def _is_scalar(kind: Any, value: object) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float)) if kind is float else isinstance(value, kind)


def _describe(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _describe(arguments[0])
    if origin in _UNIONS:
        return " or ".join(map(_describe, arguments))
    if origin in _ARRAYS:
        return f"a list, each item {_describe(arguments[0])}"
    if origin is Literal:
        return " or ".join(arguments)
    return _SCALARS[kind][0] if kind in _SCALARS else "an object"


class Schemas:
    """JSON Schema of types. Each model that is met becomes a component with the name of its class."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, kind: Any, *, closed: bool = False) -> Schema:
        """Return the schema of a type.

        :param closed: for what a request sends: fields with a default may be missing, and no others are taken.
        """
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is Annotated:
            schema = self.of(arguments[0])
            for extra in arguments[1:]:
                schema |= {"description": extra} if isinstance(extra, str) else extra
            return schema
        if origin in _UNIONS:
            return {"anyOf": [self.of(choice) for choice in arguments]}
        if origin in _ARRAYS:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is Mapping:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if origin is Literal:
            return {"type": "string", "enum": list(arguments)}
        if kind is Any:
            return {}
        if issubclass(kind, enum.StrEnum):
            return {"type": "string", "enum": list(kind)}
        return self.model(kind, closed) if attrs.has(kind) else dict(_SCALARS[kind][1])

    def model(self, model: type, closed: bool) -> Schema:
        """Return a reference to the schema of a model, which is made at the first call."""
        name = model.__name__
        if name not in self.components:
            self.components[name] = {}  # It may refer to itself.
            fields = json_fields(model)
            schema: Schema = {"type": "object", "properties": {name: self.of(kind) for name, _, kind in fields}}
            needed = [name for name, field, _ in fields if not closed or field.default is attrs.NOTHING]
            schema |= {"required": needed} if needed else {}
            schema |= {"additionalProperties": False} if closed else {}
            self.components[name] = schema
        return {"$ref": f"#/components/schemas/{name}"}
