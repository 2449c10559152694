"""One request to the gateway as whoever keeps a log hears of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from notifykit.errors import TransportError

#: What stands for the password.
MASK: Final = "***"


def _counted(fields: Mapping[str, Any] | None) -> str:
    return "None" if fields is None else f"<{len(fields)}>"


@attrs.frozen
class Call:
    """One request, and what came of it."""

    #: The endpoint's name, ``send``.
    endpoint: str
    #: The fields that were sent, in their order; the password is :data:`MASK`.
    request: Mapping[str, str] = attrs.field(repr=_counted)
    #: The fields that came back, whatever they say; None where nothing readable did.
    answer: Mapping[str, Any] | None = attrs.field(repr=_counted)
    #: Why the call failed; None where the gateway said OK.
    failure: BaseException | None = None

    @property
    def ok(self) -> bool:
        """Whether the gateway said OK."""
        return self.failure is None

    @property
    def error(self) -> str | None:
        """Why there is no answer that means something; None where there is, though it may be a refusal."""
        if self.failure is None or str((self.answer or {}).get("result", "")).upper() == "ERROR":
            return None
        if isinstance(self.failure, TransportError):
            return f"{self.failure.code}: {self.failure.detail}"
        return type(self.failure).__name__


#: Hears each call, from the thread that made it. It must not raise.
Listener: TypeAlias = Callable[[Call], None]
