"""An account that does not exist, and a client with the application's lifespan around it."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient


@pytest.fixture(scope="session", autouse=True)
def _settings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KWTSMS_USERNAME", "test")
        environment.setenv("KWTSMS_PASSWORD", "test")
        environment.setenv("KWTSMS_SENDER_ID", "MYAPP")
        # A live account, so that pytest stops whatever no outbox takes.
        environment.setenv("KWTSMS_TEST_MODE", "0")
        environment.setenv("REPORTS_SECRET", "only-the-provider-knows")
        yield


@pytest.fixture
def client() -> Iterator[TestClient]:
    """Give a client of the running application."""
    from app import app

    with TestClient(app) as client:
        yield client
