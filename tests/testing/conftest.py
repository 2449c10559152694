"""What runs of pytest within the tests have in common."""

from __future__ import annotations

from typing import Final

#: The options of a run whose subject is the project's plugin: others that are installed take seconds to load.
OURS_ALONE: Final = tuple(
    word
    for plugin in ("cacheprovider", "hypothesispytest", "playwright", "randomly", "schemathesis")
    for word in ("-p", f"no:{plugin}")
)
