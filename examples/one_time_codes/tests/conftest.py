"""An account that does not exist, and a client of each of the three applications."""

from collections.abc import Callable, Iterator

import pytest

#: Posts a form: path and fields; returns status, document and headers.
Post = Callable[..., tuple[int, dict, dict]]


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    for name, value in {"USERNAME": "test", "PASSWORD": "test", "SENDER_ID": "MYAPP", "TEST_MODE": "0"}.items():
        monkeypatch.setenv(f"KWTSMS_{name}", value)
    monkeypatch.setenv("NOTIFYKIT_STATE_DIR", str(tmp_path))


def _flask() -> Iterator[Post]:
    app = pytest.importorskip("flask_codes").app

    def post(path: str, **fields: str) -> tuple[int, dict, dict]:
        answer = app.test_client().post(path, data=fields)
        return answer.status_code, answer.json, dict(answer.headers)

    yield post


def _fastapi() -> Iterator[Post]:
    from fastapi.testclient import TestClient

    from fastapi_codes import app

    # The address of the client is that of the connection; TestClient has none.
    with TestClient(app, client=("203.0.113.9", 50000)) as client:

        def post(path: str, **fields: str) -> tuple[int, dict, dict]:
            answer = client.post(path, params=fields)
            headers = {name.title(): value for name, value in answer.headers.items()}
            return answer.status_code, answer.json(), headers

        yield post


def _django() -> Iterator[Post]:
    import json

    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(ROOT_URLCONF="django_codes", ALLOWED_HOSTS=["*"], SECRET_KEY="test")  # noqa: S106
        django.setup()
    from django.test import Client

    def post(path: str, **fields: str) -> tuple[int, dict, dict]:
        answer = Client().post(path, fields)
        return answer.status_code, json.loads(answer.content), dict(answer.headers)

    yield post


@pytest.fixture(params=[_flask, _fastapi, _django])
def post(request: pytest.FixtureRequest) -> Iterator[Post]:
    """Give a client of each application."""
    yield from request.param()
