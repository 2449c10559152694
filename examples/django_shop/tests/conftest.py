"""An account that does not exist, and a database in memory."""

import os
from collections.abc import Iterator

import django
import pytest
from django.test.utils import setup_databases, setup_test_environment, teardown_databases, teardown_test_environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django.setup()


@pytest.fixture(scope="session", autouse=True)
def _settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KWTSMS_USERNAME", "test")
        environment.setenv("KWTSMS_PASSWORD", "test")
        environment.setenv("KWTSMS_SENDER_ID", "MYAPP")
        # A live account, so that pytest stops whatever no outbox takes.
        environment.setenv("KWTSMS_TEST_MODE", "0")
        environment.setenv("NOTIFYKIT_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield
        from notifykit.integrations.django import notifiers

        notifiers.close()


@pytest.fixture(scope="session", autouse=True)
def _database() -> Iterator[None]:
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(databases, verbosity=0)
    teardown_test_environment()
