"""The document for programs: it is what the sandbox does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from notifykit_kwtsms.sandbox import Gateway
from notifykit_kwtsms.sandbox.http import app
from notifykit_kwtsms.sandbox.http.desks.desk import Desk
from notifykit_kwtsms.sandbox.http.desks.inbox import InboxDesk
from notifykit_kwtsms.sandbox.http.desks.live import LiveDesk
from notifykit_kwtsms.sandbox.http.desks.switches import SwitchDesk
from notifykit_kwtsms.sandbox.http.openapi import document
from notifykit_kwtsms.sandbox.http.routes import ROUTES
from notifykit_kwtsms.sandbox.http.shapes import SHAPES

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client

DESKS: tuple[type[Desk], ...] = (InboxDesk, LiveDesk, SwitchDesk)


def answered() -> set[tuple[str, str]]:
    """Return every path and method that leads to a desk."""
    found = set()
    for rule in app._MAP.iter_rules():
        if rule.endpoint in ("index", "file") or rule.endpoint.startswith("gateway"):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            found.add((re.sub(r"<(?:int:)?(\w+)>", r"{\1}", rule.rule), method))
    return found


def test_every_path_is_in_the_document_and_no_other() -> None:
    """A path that is not told can't be found; one that is told has to be there."""
    told = {(path, method.upper()) for path, methods in document()["paths"].items() for method in methods}
    assert told == answered()


def test_every_method_of_a_desk_has_a_route() -> None:
    """And every route its method, once."""
    methods = {
        name: desk for desk in DESKS for name in vars(desk) if not name.startswith("_") and callable(vars(desk)[name])
    }
    assert {route.name for route in ROUTES} == set(methods)
    assert len(methods) == sum(not name.startswith("_") for desk in DESKS for name in vars(desk))


def test_every_shape_is_used_and_every_name_leads_to_one() -> None:
    """A shape nobody refers to has been forgotten."""
    used = set(re.findall(r"#/components/schemas/(\w+)", str(document())))
    assert used == set(SHAPES)


def test_it_is_served_for_where_it_is_mounted(client: Client) -> None:
    """With the prefix as its server."""
    assert client.request("GET", "/openapi.json").json == document()
    assert document("/__sms__")["servers"] == [{"url": "/__sms__"}]


def test_every_operation_has_a_name_of_its_own() -> None:
    """Programs are generated from them."""
    names = [one["operationId"] for methods in document()["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names))


def test_the_sandbox_answers_as_the_document_says() -> None:
    """Asked by a program that makes requests up from the document, right ones and wrong ones."""
    schemathesis = pytest.importorskip("schemathesis", reason="install schemathesis to check the document")
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis import checks

    gateway = Gateway()
    loaded = schemathesis.openapi.from_wsgi("/openapi.json", app.App(gateway))
    held = [
        checks.not_a_server_error,
        *checks.CHECKS.get_by_names(
            [
                "status_code_conformance",
                "content_type_conformance",
                "response_schema_conformance",
                "unsupported_method",
            ]
        ),
    ]
    # The one has no end, the other is no JSON; both have tests of their own.
    apart = {("/sandbox/events", "GET"), ("/sandbox/import", "POST")}
    seen = set()

    for operation in (result.ok() for result in loaded.get_all_operations()):
        where = (operation.path, operation.method.upper())
        seen.add(where)
        if where in apart:
            continue

        @given(case=operation.as_strategy())
        @settings(max_examples=15, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        def ask(case: Any) -> None:
            if isinstance(case.query, dict):
                case.query.pop("timeout", None)
            case.call_and_validate(checks=held)

        ask()
    # The document itself is not among what it is asked about.
    assert seen == answered() - {("/openapi.json", "GET")}
