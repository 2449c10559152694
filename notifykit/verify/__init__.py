"""One-time codes: sent, checked once, and limited so that nobody can guess them or make a form spend your money."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifykit.verify.async_verifier import AsyncVerifier as AsyncVerifier
    from notifykit.verify.results import Checked as Checked, Started as Started, Traffic as Traffic
    from notifykit.verify.settings import VerifySettings as VerifySettings
    from notifykit.verify.store import MemoryStore as MemoryStore, Store as Store
    from notifykit.verify.verifier import Verifier as Verifier
else:
    from notifykit.imports import lazy_attributes

    __getattr__, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "async_verifier": "AsyncVerifier",
            "results": "Checked Started Traffic",
            "settings": "VerifySettings",
            "store": "MemoryStore Store",
            "verifier": "Verifier",
        },
    )
