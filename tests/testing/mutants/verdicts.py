"""Run one clause of a contract as pytest would, and return its verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from notifykit.testing.contracts import BrokenPromise, Contract

#: Wrong ones, by the clause that has to find them out.
Mutants = Mapping[str, Sequence[type[Contract]]]


def held(contract: type[Contract], method: str, made: Any, /, **more: Any) -> type[Contract]:
    """Return a contract about things of another kind.

    :param method: the method that returns one.
    :param made: what makes one.
    :param more: other attributes of the contract.
    """
    return type(getattr(made, "__name__", "Mutant"), (contract,), {method: lambda self, *given: made(*given), **more})


def verdict(contract: type[Contract], clause: str) -> BrokenPromise | None:
    """Return what a clause complains of; None where it is content."""
    judge = contract()
    with judge.prepared():
        try:
            getattr(judge, clause)()
        except BrokenPromise as broken:
            return broken
    return None


def clause_tests(
    contract: type[Contract], healthy: type[Contract], mutants: Mutants, inherited: Sequence[str] = ()
) -> tuple[Callable[[str], None], Callable[[str], None], Callable[[], None]]:
    """Return three tests: each wrong one is found out, the right one passes, and every clause has a wrong one.

    :param inherited: the clauses that have their wrong ones in the tests of another contract.
    """
    own = [clause for clause in contract.clauses() if clause not in inherited]

    @pytest.mark.parametrize("clause", own)
    def test_a_wrong_one_is_found_out(clause: str) -> None:
        """By the clause that it breaks, with a message that says what to do."""
        assert mutants[clause]
        for mutant in mutants[clause]:
            broken = verdict(mutant, clause)
            assert broken is not None, f"{clause} does not notice {mutant.__name__}"
            assert broken.clause == clause
            assert "this promise is broken: " in str(broken)
            assert "  do:    " in str(broken)

    @pytest.mark.parametrize("clause", contract.clauses())
    def test_a_right_one_passes(clause: str) -> None:
        """No clause asks for more than the protocol."""
        assert verdict(healthy, clause) is None

    def test_every_clause_has_a_wrong_one() -> None:
        """A clause that nothing breaks would say nothing; each has a sentence that says what is promised."""
        assert set(own) == set(mutants)
        for clause in own:
            assert getattr(contract, clause).__doc__.strip().endswith(".")

    return test_a_wrong_one_is_found_out, test_a_right_one_passes, test_every_clause_has_a_wrong_one
