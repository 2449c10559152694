"""Run one clause of a contract as pytest would, and return its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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


def check_caught(contract: type[Contract], mutants: Mutants, clause: str) -> None:
    """Every wrong one of a clause is found out by it, with a message that says what to do."""
    assert mutants[clause]
    for mutant in mutants[clause]:
        broken = verdict(mutant, clause)
        assert broken is not None, f"{clause} does not notice {mutant.__name__}"
        assert broken.clause == clause
        assert "this promise is broken: " in str(broken)
        assert "  do:    " in str(broken)


def check_complete(contract: type[Contract], mutants: Mutants) -> None:
    """Every clause has a wrong one, and a sentence that says what is promised."""
    assert set(contract.clauses()) == set(mutants)
    for clause in contract.clauses():
        assert getattr(contract, clause).__doc__.strip().endswith(".")
