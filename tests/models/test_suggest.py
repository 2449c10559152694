"""What is suggested in place of a name that is not known."""

from __future__ import annotations

import pytest

from notifykit.suggest import closest, did_you_mean

NAMES = ("send", "preview", "--dry-run")


@pytest.mark.parametrize(
    ("word", "name"),
    [("sned", "send"), ("SEND", "send"), ("dryrun", "--dry-run"), ("-dry-run", "--dry-run"), ("qqq", None), ("", None)],
)
def test_the_closest_name_is_found_whatever_its_case_and_its_dashes(word, name):
    """And none where nothing is like it."""
    assert closest(word, NAMES) == name


def test_how_alike_they_have_to_be_can_be_said():
    """Codes look alike without being meant."""
    assert closest("ERR999", ["ERR029"]) == "ERR029"
    assert closest("ERR999", ["ERR029"], 0.7) is None


def test_without_a_name_that_is_like_it_the_names_are_listed():
    """Unless something else is to be said."""
    assert did_you_mean("sned", iter(NAMES)) == "did you mean send?"
    assert did_you_mean("sned", NAMES, form="Did you mean `notifykit {}`?") == "Did you mean `notifykit send`?"
    assert did_you_mean("qqq", iter(NAMES)) == "there are send, preview, --dry-run"
    assert did_you_mean("qqq", ()) == "there are none"
    assert did_you_mean("qqq", NAMES, "") == ""
