"""The interface for programs: an OpenAPI document made of the table of routes."""

from __future__ import annotations

import re
from typing import Any, Final

from notifykit_kwtsms.sandbox.http.routes import JSON, LINES, ROUTES, Route
from notifykit_kwtsms.sandbox.http.shapes import SHAPES, TEXT, WHOLE, ref
from notifykit_kwtsms.sandbox.http.stats import version

_IN_PATH = re.compile(r"<(?:(?P<kind>int):)?(?P<name>\w+)>")
_WORDS: Final = {
    400: "Something was said wrong.",
    403: "The gateway refuses.",
    404: "There is no such thing.",
    413: "The body is too long, or doesn't say how long it is.",
    503: "Not now.",
}


def document(root: str = "") -> dict[str, Any]:
    """Return the document; ``root`` is where the sandbox is mounted."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(_IN_PATH.sub(r"{\g<name>}", route.path), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "notifykit sandbox",
            "version": version(),
            "description": "The inbox and the switches of an imitation of the kwtSMS gateway.",
        },
        "servers": [{"url": root or "/"}],
        "paths": paths,
        "components": {
            "schemas": SHAPES,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{route.name.strip('_')}",
        "summary": route.words,
        "responses": _responses(route),
    }
    parameters = [
        {"name": found["name"], "in": "path", "required": True, "schema": _path_shape(found["kind"])}
        for found in _IN_PATH.finditer(route.path)
    ]
    parameters += [
        {"name": one.name, "in": "query", "description": one.words, "schema": one.shape} for one in route.parameters
    ]
    if parameters:
        operation["parameters"] = parameters
    if route.takes or route.takes_type != JSON:
        shape = ref(route.takes) if route.takes else TEXT
        operation["requestBody"] = {"required": True, "content": {route.takes_type: {"schema": shape}}}
    if route.public:
        operation["security"] = [{}]
    return operation


def _path_shape(kind: str | None) -> dict[str, Any]:
    return WHOLE | {"minimum": 0} if kind else TEXT | {"minLength": 1}


def _responses(route: Route) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.status != 302:
        shape = ref(route.gives) if route.gives else {"type": "object"} if route.gives_type == JSON else TEXT
        content = {"content": {route.gives_type: {"schema": shape}}}
        if route.gives_type == LINES:
            content = {"content": {LINES: {}}}
    found: dict[str, Any] = {str(route.status): {"description": "All is well.", **content}}
    # The gateway says no in its own words.
    refusal = {"anyOf": [ref("Error"), ref("Gateway")]} if route.gives == "Gateway" else ref("Error")
    for status in sorted({*route.errors, 413}):
        shape = ref("Error") if status == 413 else refusal
        found[str(status)] = {"description": _WORDS[status], "content": {JSON: {"schema": shape}}}
    return found
