"""The kwtSMS gateway (Kuwait) for notifykit, and its documented client.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for typing's, whose import costs more than this whole package
if TYPE_CHECKING:
    from typing import Any

    from notifykit_kwtsms.client.aio import AsyncKwtSMS
    from notifykit_kwtsms.client.message import clean_message
    from notifykit_kwtsms.client.sync import KwtSMS
    from notifykit_kwtsms.client.webhook import delivery_report, parse_webhook
    from notifykit_kwtsms.phone.documented import (
        find_country_code,
        normalize_phone,
        validate_phone_format,
        validate_phone_input,
    )

__all__ = (
    "KwtSMS",
    "AsyncKwtSMS",
    "normalize_phone",
    "validate_phone_input",
    "validate_phone_format",
    "find_country_code",
    "clean_message",
    "parse_webhook",
    "delivery_report",
)

_HOME = {
    "KwtSMS": "client.sync",
    "AsyncKwtSMS": "client.aio",
    "normalize_phone": "phone.documented",
    "validate_phone_input": "phone.documented",
    "validate_phone_format": "phone.documented",
    "find_country_code": "phone.documented",
    "clean_message": "client.message",
    "parse_webhook": "client.webhook",
    "delivery_report": "client.webhook",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
