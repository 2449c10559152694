"""Delivery reports that are posted: who may, and what is read."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlencode

import pytest

from notifykit import ConfigError
from notifykit.integrations.delivery_reports import MAX_BODY, TOLERANCE, ReportEndpoint, ReportError, sign
from notifykit_kwtsms import delivery_report

SECRET: Final = "correct horse battery staple"
NOW: Final = 1_780_000_000.0
FIELDS: Final = {"msg-id": "f4c841adee210f31", "mobile": "966558724477", "status": "DELIVERED"}
BODY: Final = json.dumps(FIELDS).encode()


@pytest.fixture
def endpoint() -> ReportEndpoint:
    return ReportEndpoint(SECRET, delivery_report, clock=lambda: NOW)


def _status(endpoint: ReportEndpoint, body: bytes = BODY, **proof: str) -> int:
    with pytest.raises(ReportError) as refused:
        endpoint.read(body, **proof)
    assert SECRET not in str(refused.value)
    assert "966558724477" not in str(refused.value)
    return refused.value.status


def test_a_signed_report_is_read(endpoint: ReportEndpoint) -> None:
    """A signature stands for the body and the time."""
    report = endpoint.read(BODY, signature=sign(BODY, SECRET, NOW))
    assert (report.message_id, report.address, report.state) == ("f4c841adee210f31", "966558724477", "delivered")


def test_a_report_with_the_secret_in_its_path_is_read(endpoint: ReportEndpoint) -> None:
    """A provider that can't sign is given a URL that nobody else knows."""
    assert endpoint.read(BODY, path_secret=SECRET).state == "delivered"


def test_a_form_is_read(endpoint: ReportEndpoint) -> None:
    """Providers post either form."""
    form = urlencode(FIELDS).encode()
    report = endpoint.read(form, content_type="application/x-www-form-urlencoded; charset=utf-8", path_secret=SECRET)
    assert report.state == "delivered"


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1=",
        "t=,v1=",
        "t=soon,v1=00",
        f"t={NOW:.0f}",
        f"t={NOW:.0f},v1=é",
        sign(BODY, SECRET, NOW)[:-1],
        sign(BODY, SECRET[:-1], NOW),
        sign(BODY + b" ", SECRET, NOW),
        sign(BODY, SECRET, NOW - TOLERANCE - 1),
        sign(BODY, SECRET, NOW + TOLERANCE + 1),
    ],
)
def test_what_is_not_signed_is_not_there(endpoint: ReportEndpoint, signature: str) -> None:
    """Neither a wrong signature, nor that of another body or time, and the path's secret does not mend it."""
    assert _status(endpoint, signature=signature) == 404
    assert _status(endpoint, signature=signature, path_secret=SECRET) == 404


@pytest.mark.parametrize("guess", [None, "", SECRET[:-1], "é"])
def test_a_wrong_secret_is_not_there(endpoint: ReportEndpoint, guess: str | None) -> None:
    """Nobody learns that reports are taken here."""
    with pytest.raises(ReportError) as refused:
        endpoint.read(BODY, path_secret=guess)
    assert refused.value.status == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 20_000, b"{}", b'{"status": 3}'])
def test_a_report_that_says_nothing_is_refused(endpoint: ReportEndpoint, body: bytes) -> None:
    """With everything that is wrong with it."""
    assert _status(endpoint, body, path_secret=SECRET) == 400


def test_a_body_without_end_is_not_read(endpoint: ReportEndpoint) -> None:
    """Before anything else is done with it."""
    assert _status(endpoint, b" " * (MAX_BODY + 1), path_secret=SECRET) == 413


def test_a_short_secret_is_refused() -> None:
    """It could be guessed."""
    with pytest.raises(ConfigError, match=r"15 characters.*secrets\.token_urlsafe"):
        ReportEndpoint("x" * 15, delivery_report)
    assert SECRET not in repr(ReportEndpoint(SECRET, delivery_report))
