"""``kwtsms errors``: the gateway's codes, what they mean and what to do."""

from __future__ import annotations

from typing import Any

import click

from notifykit.cli.exit_codes import for_error
from notifykit.cli.options import ALIKE_CODES, common
from notifykit.suggest import did_you_mean
from notifykit_kwtsms.api.codes import CODES, Code
from notifykit_kwtsms.program.command import Answer, Command


@click.command("errors", cls=Command)
@click.argument("code", required=False)
@common
def errors(code: str | None) -> Answer:
    """List the gateway's error codes, or explain one: kwtsms errors ERR013.

    Needs no account and no network.
    """
    if code is None:
        return Answer([_data(known) for known in CODES.values()], [f"{c.name}  {c.meaning}" for c in CODES.values()])
    name = _name(code)
    found = CODES.get(name)
    if found is None:
        hint = did_you_mean(name, CODES, "", form=" Did you mean `kwtsms errors {}`?", least=ALIKE_CODES)
        raise click.BadParameter(f"The gateway documents no code {code!r}.{hint}", param_hint="CODE")
    return Answer(_data(found), _lines(found))


def _name(code: str) -> str:
    """Return ``ERR003`` for ``ERR003``, ``err3`` and ``3``."""
    word = code.strip().upper()
    digits = word.removeprefix("ERR")
    return f"ERR{int(digits):03}" if digits.isascii() and digits.isdigit() and len(digits) <= 3 else word


def _lines(code: Code) -> list[str]:
    waits = " and ".join(f"{wait:g}" for wait in code.waits)
    return [
        f"{code.name}  {code.meaning}",
        f"Do:      {code.action}",
        f"Again:   {f'after {waits} seconds' if waits else 'waiting does not help'}",
        f"Exit:    {int(for_error(code.as_error()))}",
    ]


def _data(code: Code) -> dict[str, Any]:
    return {
        "code": code.name,
        "meaning": code.meaning,
        "action": code.action,
        "about": code.scope.value,
        "waits": list(code.waits),
        "exit": int(for_error(code.as_error())),
    }
