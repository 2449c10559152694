"""The document for programs: it is what the sandbox does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from notifykit_kwtsms.sandbox import Gateway
from notifykit_kwtsms.sandbox.http import app
from notifykit_kwtsms.sandbox.http.api import Api
from notifykit_kwtsms.sandbox.http.schema import ROUTES, Route, document
from notifykit_kwtsms.sandbox.http.stats import version

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client


def handled() -> set[tuple[str, str]]:
    """Return every path and method that leads to a handler of the API."""
    found = set()
    for rule in app.MAP.iter_rules():
        if isinstance(rule.endpoint, Route):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                found.add((re.sub(r"<(?:int:)?(\w+)>", r"{\1}", rule.rule), method))
    return found


def test_every_path_is_in_the_document_and_no_other() -> None:
    """A path that is not in it can't be found; one that is has to be there."""
    listed = {(path, method.upper()) for path, methods in document("1")["paths"].items() for method in methods}
    assert listed == handled()


def test_every_handler_has_a_route() -> None:
    """And every route a handler."""
    methods = {name for name, value in vars(Api).items() if not name.startswith("_") and callable(value)} - {"handle"}
    assert {route.handler.__name__ for route in ROUTES} == methods


def test_every_schema_is_used_and_every_name_leads_to_one() -> None:
    """A schema that nothing refers to has been forgotten."""
    whole = document("1")
    used = set(re.findall(r"#/components/schemas/(\w+)", str(whole)))
    assert used == set(whole["components"]["schemas"])


def test_it_is_served_for_where_it_is_mounted(client: Client) -> None:
    """With the prefix as its server."""
    assert client.request("GET", "/openapi.json").json == document(version())
    assert document("1", "/__sms__")["servers"] == [{"url": "/__sms__"}]


def test_every_operation_has_a_name_of_its_own() -> None:
    """Programs are generated from them."""
    names = [one["operationId"] for methods in document("1")["paths"].values() for one in methods.values()]
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
        @settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        def ask(case: Any) -> None:
            if isinstance(case.query, dict):
                case.query.pop("timeout", None)
            case.call_and_validate(checks=held)

        ask()
    # The document itself is not among what it is asked about.
    assert seen == handled() - {("/openapi.json", "GET")}
