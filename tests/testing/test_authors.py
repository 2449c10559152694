"""What the author of a plugin sees: the page's examples pass, and failures say what to do."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.slow

#: The settings of a user with a busy machine: Hypothesis reads the sources of a project while it draws for the first time,
#: and calls a strategy slow that waited for that.
CALM = """\
from hypothesis import HealthCheck, settings

settings.register_profile("calm", max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")
"""
PAGE = pathlib.Path(__file__).parents[2] / "docs" / "how-to" / "test-a-plugin.md"


def run(folder: pathlib.Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a project of its own, without our settings and our conftest."""
    (folder / "conftest.py").write_text(CALM, encoding="utf-8")
    (folder / "test_mine.py").write_text(textwrap.dedent(code), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        *(
            word
            for name in ("cacheprovider", "playwright", "randomly", "schemathesis")
            for word in ("-p", f"no:{name}")
        ),
        *options,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_page_s_examples_keep_their_contracts(tmp_path):
    """All of them are in one file; warnings are errors, and the base classes are no tests."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    done = run(tmp_path, "\n".join(blocks), "-W", "error", "-vv")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("TestStaff", "TestQuotes", "TestPigeon", "TestTail"):
        assert f"test_mine.py::{name}::test_it_has_a_name" in done.stdout
    assert "Contract::" not in done.stdout


def test_a_failure_says_what_was_promised_and_what_to_do(tmp_path):
    """In a subclass of a subclass, with the smallest case, and without the kit's own frames."""
    done = run(
        tmp_path,
        """
        from hypothesis import settings
        from notifykit import Cleaned
        from notifykit.testing.contracts import CleanerContract

        settings.register_profile("mine", max_examples=20, deadline=1)
        settings.load_profile("mine")

        class Shouts:
            name = "shouts"

            def clean(self, text, channel):
                return Cleaned(text.upper())

        class TestShouts(CleanerContract):
            cleans = {"a": "A"}

            def cleaner(self):
                return Shouts()

        class TestShoutsAgain(TestShouts):
            leaves = ("A",)
        """,
        "--tb=short",
        "-k",
        "replay or examples_hold",
    )
    assert done.returncode == 1
    for name in ("TestShouts", "TestShoutsAgain"):
        assert f"{name}: this promise is broken: Replaying the edits on the text gives the cleaned text" in done.stdout
        assert f"FAILED test_mine.py::{name}::test_the_edits_replay" in done.stdout
        assert f"FAILED test_mine.py::{name}::test_the_examples_hold" not in done.stdout
    assert "do:    Make an Edit for every change, and none for what you did not do." in done.stdout
    assert "HealthCheck" not in done.stdout
    assert "base.py:" not in done.stdout


@pytest.mark.parametrize(
    ("contract", "method"),
    [
        ("NormalizerContract", "normalizer"),
        ("CleanerContract", "cleaner"),
        ("TransportContract", "transport"),
        ("WireContract", "transport_to"),
        ("SinkContract", "sink"),
    ],
)
def test_a_contract_about_nothing_says_what_is_missing(contract, method):
    """The error names the method."""
    from notifykit.testing import contracts

    nothing = getattr(contracts, contract)()
    with nothing.prepared(), pytest.raises(NotImplementedError, match=rf"def {method}\(self"):
        nothing.test_it_has_a_name() if hasattr(nothing, "test_it_has_a_name") else nothing.transport()
