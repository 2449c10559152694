"""Variables that nobody filled in, which every recipient would read: ``Dear {Name}``, ``Dear Name``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

#: ``{name}``, ``{{name}}``, ``${name}``, ``{0}``, ``{}``, ``%(name)s``, as the usual template languages have them.
_VARIABLE: Final = re.compile(r"\$?\{\{?\s?(?:[^\W\d][\w.-]{0,40}|\d{0,2})\s?\}\}?|%\([^\W\d]\w{0,40}\)[sd]")
#: A text with more of them gets no more names into its warning.
_MOST_NAMED: Final = 3


def unfilled(text: str) -> str | None:
    """Return a sentence about the variables that stand in a finished text; None where there are none."""
    found = list(dict.fromkeys(match[0] for match in _VARIABLE.finditer(text)))
    if not found:
        return None
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    names, stand = ", ".join(found[:_MOST_NAMED]), "stands" if len(found) == 1 else "stand"
    return f"{names}{more} {stand} in the text, and everybody would read it so: a template fills in variables."


def named_like_variables(values: Mapping[str, object]) -> str | None:
    """Return a sentence about values that are their variable's own name; None where there are none.

    One text goes to all recipients: ``--var name=Name`` does not take the column ``Name``, as a campaign does.
    """
    found = [name for name, value in values.items() if str(value).strip(" {}<>[]%$").casefold() == name.casefold()]
    if not found:
        return None
    names = ", ".join(found[:_MOST_NAMED])
    return (
        f"The value of {names} is the variable's own name, and everybody would read it: give the value itself. "
        "A column of a table is no value here: `notifykit campaign` gives each row its own."
    )
