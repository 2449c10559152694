"""What can go wrong, and what is said about it."""

from __future__ import annotations

import contextlib
import copy
import pickle
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given, strategies as st

from notifykit.errors import (
    AuthFailed,
    ConfigError,
    ContentRejected,
    DestinationNotCovered,
    Exhausted,
    InvalidRecipient,
    MissingCredentials,
    NotEnoughCredit,
    NotifyError,
    NotReached,
    OutcomeUnknown,
    OutOfCredit,
    PluginError,
    ProviderUnavailable,
    RateLimited,
    Scope,
    SenderNotAllowed,
    TransportError,
    Unclassified,
    all_of,
)
from tests.models.strategies_models import any_text, every_kind_of_transport_error, transport_errors

#: Kind, what it is about, whether waiting helps, whether it is certain that nothing was sent.
KINDS = [
    (TransportError, Scope.TRANSPORT, False, True),
    (InvalidRecipient, Scope.RECIPIENT, False, True),
    (ContentRejected, Scope.CONTENT, False, True),
    (AuthFailed, Scope.ACCOUNT, False, True),
    (OutOfCredit, Scope.ACCOUNT, False, True),
    (NotEnoughCredit, Scope.ACCOUNT, False, True),
    (SenderNotAllowed, Scope.ACCOUNT, False, True),
    (DestinationNotCovered, Scope.ACCOUNT, False, True),
    (RateLimited, Scope.ACCOUNT, True, True),
    (ProviderUnavailable, Scope.TRANSPORT, False, True),
    (NotReached, Scope.NETWORK, True, True),
    (OutcomeUnknown, Scope.NETWORK, False, False),
    (Unclassified, Scope.TRANSPORT, False, True),
    (Exhausted, Scope.TRANSPORT, False, True),
]


@attrs.frozen(slots=False)
class PortalClosed(ProviderUnavailable):
    """What a stranger's transport may raise: a kind of its own, with a field of its own."""

    opens_at: str = "never"


def test_the_table_of_kinds_is_whole() -> None:
    """A kind that is added has to say what it is about here too."""
    assert {kind for kind, *_ in KINDS} == set(every_kind_of_transport_error())


@pytest.mark.parametrize(("kind", "scope", "retryable", "safe"), KINDS)
def test_every_kind_answers_the_four_questions(
    kind: type[TransportError], scope: Scope, retryable: bool, safe: bool
) -> None:
    """What it is about, whether waiting helps, whether sending again is safe, and what to do now."""
    error = kind("it broke")
    assert (error.scope, error.retryable, error.safe_to_resend) == (scope, retryable, safe)
    assert error.action.endswith(".")
    assert error.retry_after == (error.waits[0] if retryable else None)
    assert str(error) == f"it broke → {error.action}"


@pytest.mark.parametrize("scope", Scope)
def test_only_what_is_about_text_or_address_stays_where_it_is(scope: Scope) -> None:
    """A bad text or number is bad everywhere, so no other transport is tried for it."""
    assert scope.allows_failover is (scope not in (Scope.CONTENT, Scope.RECIPIENT))


@given(transport_errors())
def test_an_error_survives_a_pickle_and_a_copy_with_every_field(error: TransportError) -> None:
    """It travels between processes without losing what the provider said."""
    ways = [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for twin in (*ways, copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert attrs.astuple(twin, recurse=False) == attrs.astuple(error, recurse=False)
        assert str(twin) == str(error)
        assert twin.args == error.args


def test_a_plugins_kind_of_error_keeps_its_own_fields_in_a_pickle() -> None:
    """A subclass with one field more needs no code for it."""
    twin = pickle.loads(pickle.dumps(PortalClosed("closed", code="503", waits=(60.0,), opens_at="nine")))
    assert (twin.detail, twin.code, twin.waits, twin.opens_at) == ("closed", "503", (60.0,), "nine")


@given(st.lists(any_text(10), max_size=5))
def test_a_config_error_keeps_every_problem_once_and_in_order(problems: list[str]) -> None:
    """All of them are in ``problems`` and in the text, also behind a pickle."""
    error = ConfigError(iter(problems))
    assert error.problems == tuple(dict.fromkeys(problems))
    assert all(problem in str(error) for problem in problems)
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), twin.problems, str(twin)) == (ConfigError, error.problems, str(error))


def test_problems_of_one_kind_keep_it_together_and_behind_a_pickle() -> None:
    """What is missing is missing; together with another problem it is one of several."""
    missing = MissingCredentials(["no name", "no password"])
    twin = pickle.loads(pickle.dumps(all_of([missing])))
    assert (type(twin), twin.problems) == (MissingCredentials, missing.problems)
    assert type(all_of([missing, ConfigError("x")])) is ConfigError
    assert all_of([missing, ConfigError("x")]).problems == ("no name", "no password", "x")


def test_a_single_problem_is_a_plain_sentence() -> None:
    """A list of one would only be harder to read."""
    assert str(ConfigError("the sender is missing")) == "the sender is missing"
    assert ConfigError("the sender is missing").problems == ("the sender is missing",)
    assert str(ConfigError(["a", "b"])) == "2 settings need attention:\n  - a\n  - b"


@given(any_text(10), any_text(10))
def test_a_plugin_error_names_the_plugin_behind_a_pickle_too(plugin: str, detail: str) -> None:
    """Its name and what is wrong are fields and text."""
    twin = pickle.loads(pickle.dumps(PluginError(plugin, detail)))
    assert (twin.plugin, twin.detail) == (plugin, detail)
    assert str(twin) == f"plugin {plugin!r}: {detail}"


def test_errors_are_what_callers_of_older_code_catch() -> None:
    """A transport's error is a RuntimeError, wrong settings are a ValueError, and everything is a NotifyError."""
    assert issubclass(TransportError, RuntimeError)
    assert issubclass(ConfigError, ValueError)
    assert not issubclass(ConfigError, TransportError)
    assert all(issubclass(kind, NotifyError) for kind in (TransportError, ConfigError, PluginError))


def test_the_text_of_an_error_has_the_code_and_the_action() -> None:
    """What the provider calls it, what happened, and what a person does now."""
    assert str(NotReached("no answer", "ERR1", action="Wait.")) == "ERR1: no answer → Wait."
    assert str(NotReached("no answer", action="")) == "no answer"


@contextlib.contextmanager
def _a_block() -> Iterator[None]:
    yield


@pytest.mark.parametrize("kind", every_kind_of_transport_error())
def test_an_error_is_frozen_and_can_still_be_raised(kind: type[TransportError]) -> None:
    """Its fields can't change; its cause, its notes and its way through ``with`` blocks are Python's to write."""
    cause = OSError("reset")
    with pytest.raises(kind) as caught, _a_block():  # noqa: PT012
        try:
            raise cause
        except OSError as error:
            raise kind("it broke") from error
    caught.value.add_note("while testing")
    assert caught.value.__cause__ is cause
    assert caught.value.__notes__ == ["while testing"]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        caught.value.detail = "another story"  # type: ignore[misc]


def test_an_unclassified_error_is_never_retried() -> None:
    """Neither a code that is new nor an answer that got lost brings waits of its own."""
    assert not Unclassified("ERR999").retryable
    assert not OutcomeUnknown("timeout").retryable
    assert [kind for kind in every_kind_of_transport_error() if not kind.safe_to_resend] == [OutcomeUnknown]
