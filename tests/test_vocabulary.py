"""One vocabulary, the field's: words that the code once had of its own do not come back."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Iterator
from typing import Final

import pytest

ROOT: Final = pathlib.Path(os.environ.get("NOTIFYKIT_SOURCE", pathlib.Path(__file__).parents[1]))
#: What is read: code, texts, docs, tests, and the page of the sandbox.
FOLDERS: Final = ("notifykit", "notifykit_kwtsms", "tests", "docs", "examples", "benchmarks")
SUFFIXES: Final = frozenset({".py", ".md", ".tmpl", ".js", ".css", ".html", ".toml"})

#: The words, and those that are used instead of them.
WORDS: Final = {
    "road|roads": "pipeline",
    "station|stations": "stage, component",
    "house|houses": "components",
    "assembly": "components",
    "trip|trips|ride|rides": "context, state",
    "convoy": "scheduler",
    "patiently|carrying": "attempt_with_retries, attempts",
    "driving": "runner",
    "fitting": "adapt, capabilities",
    "leg|legs": "assignment",
    "hear|hears|heard|hearing": "record_delivery_report, received, result",
    "told|tell|tells|telling": "emit, report, say",
    "ledger|parcel|fuse": "counter store, counted, circuit",
    "abilities": "capabilities",
    "pace|paces|paced|pacing|pacer|unpaced": "rate limit",
    "joining": "merge_receipts",
    "detour|divert|diverting|diversion": "intercept",
    "masking|masked|veiled": "redaction, redacted",
    "purse": "balance",
    "set aside|sets aside|setting aside": "quarantined, excluded",
    "desk|desks|door|doors": "handlers, gateway_app",
    "journal|tally|trash": "change_log, metrics, deleted",
    "manner|wish|wording|endings": "GlobalOptions, SendOptions, messages, exit_codes",
    "checkup|survey|rehearsal|savings": "doctor_checks, plan_summary, dry_run, suggestions",
    "packing": "serialization",
    "came about|come about|comes about": "was made",
}
#: Where one of them is right all the same: the end of a path, the line's text, and why.
ALLOWED: Final = (
    ("tests/test_vocabulary.py", "", "this list"),
    ("docs/inbox_picture.py", "", "messages of a shop"),
    ("page/phone.js", "Show this message at the door", "a message of a restaurant"),
    ("test_inspector.py", "Show this message at the door", "a message of a restaurant"),
    ("tests/models/test_redaction.py", "the old house", "a text that is no address"),
    (".py", "journal_mode", "a setting of SQLite"),
    (".py", ".tell()", "a method of files"),
    ("sandbox/http/views.py", "avings", "a field of the JSON, which stays"),
    ("sandbox/page/encoding_tabs.js", "savings", "a field of the JSON, which stays"),
    ("tests/sandbox/test_inbox_api.py", "savings", "a field of the JSON, which stays"),
)
_PATTERN: Final = re.compile(rf"(?<![A-Za-z])(?<!round )(?:{'|'.join(WORDS)})(?![a-z])", re.IGNORECASE)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")


def _files() -> Iterator[pathlib.Path]:
    yield from (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml", "tox.ini"))
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES and "node_modules" not in path.parts:
                yield path


def _found(name: str, text: str) -> Iterator[str]:
    text = f"{name}\n{text}"
    lines = text.splitlines()
    for match in _PATTERN.finditer(_CAMEL.sub(" ", text)):
        number = match.string.count("\n", 0, match.start())
        if not any(name.endswith(end) and part in lines[number] for end, part, _ in ALLOWED):
            better = next(better for words, better in WORDS.items() if re.fullmatch(words, match[0], re.IGNORECASE))
            yield f"{name}:{number}: {match[0]!r}, better: {better}"


@pytest.mark.skipif(not (ROOT / "notifykit").is_dir(), reason="the source is not there")
def test_no_word_comes_back() -> None:
    """In names of files, identifiers, comments, texts and docs."""
    files = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in _files()}
    assert len(files) > 500
    assert [line for name, text in files.items() for line in _found(name, text)] == []


@pytest.mark.parametrize("word", [word for words in WORDS for word in words.split("|")])
def test_each_word_is_found(word: str) -> None:
    """In prose, in a name of several words, and in the name of a file."""
    name = word.replace(" ", "_")
    for line in (f"A {word}.", f"def open_{name}():", f"class Next{name.title()}:"):
        assert list(_found("module.py", line)), line
    assert list(_found(f"notifykit/{name}.py", ""))
