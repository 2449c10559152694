"""What an integration says where the library that it is for is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("library", "extra"),
    [("flask", "flask"), ("fastapi", "fastapi"), ("celery", "celery,durable"), ("django", "django")],
)
def test_importing_an_integration_without_its_library_says_what_to_install(library: str, extra: str) -> None:
    """In an interpreter that does not have it."""
    script = f"import sys; sys.modules['{library}'] = None; import notifykit.integrations.{library}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode
    assert f'pip install "notifykit[{extra}]"' in done.stderr
