"""Delivery reports of the provider."""

import pytest

PATH = "/reports/only-the-provider-knows"


def test_what_became_of_a_code(client, notify_outbox):
    client.post("/codes", json={"mobile": "+966 55 872 4477"})
    report = {"msg-id": notify_outbox.one().message_id, "mobile": "966558724477", "status": "DELIVERED"}
    assert client.post(PATH, json=report).json() == {"state": "delivered"}
    # One that comes late changes nothing.
    assert client.post(PATH, json={**report, "status": "PENDING"}).json() == {"state": "delivered"}


def test_only_the_provider_is_believed(client):
    report = {"msg-id": "f4c841adee210f31", "mobile": "966558724477", "status": "DELIVERED"}
    assert client.post("/reports/guessed", json=report).status_code == 404


@pytest.mark.parametrize("report", [{}, {"msg-id": "f4c841adee210f31"}, {"status": "DELIVERED"}])
def test_what_is_no_report_is_said(client, report):
    answer = client.post(PATH, json=report)
    assert answer.status_code == 400
    assert answer.json()["detail"]
