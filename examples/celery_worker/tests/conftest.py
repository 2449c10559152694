"""An account that does not exist, a broker and a result backend in memory, and a worker in a thread."""

from collections.abc import Iterator

import pytest
from celery.contrib.testing.worker import start_worker

import tasks


@pytest.fixture(scope="session", autouse=True)
def _settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    tasks.app.conf.update(
        broker_url="memory://",
        result_backend="cache+memory://",
        broker_transport_options={"polling_interval": 0.01},
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KWTSMS_USERNAME", "test")
        environment.setenv("KWTSMS_PASSWORD", "test")
        environment.setenv("KWTSMS_SENDER_ID", "MYAPP")
        # A live account, so that pytest stops whatever no outbox takes.
        environment.setenv("KWTSMS_TEST_MODE", "0")
        environment.setenv("NOTIFYKIT_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def worker() -> Iterator[None]:
    """Give a real worker, which takes tasks from the broker."""
    with start_worker(tasks.app, perform_ping_check=False):
        yield


@pytest.fixture
def eager() -> Iterator[None]:
    """Let tasks run where they are called, their retries at once."""
    tasks.app.conf.task_always_eager = True
    yield
    tasks.app.conf.task_always_eager = False
