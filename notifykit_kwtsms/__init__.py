"""The kwtSMS gateway (Kuwait) for notifykit, and its documented client.

Names are loaded on first use, so that importing the package is fast.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for typing's, whose import takes longer than all of this
if TYPE_CHECKING:
    from notifykit_kwtsms.client.aio import AsyncKwtSMS as AsyncKwtSMS
    from notifykit_kwtsms.client.sync import KwtSMS as KwtSMS
    from notifykit_kwtsms.client.webhook import delivery_report as delivery_report, parse_webhook as parse_webhook
    from notifykit_kwtsms.phone.documented import (
        find_country_code as find_country_code,
        normalize_phone as normalize_phone,
        validate_phone_format as validate_phone_format,
        validate_phone_input as validate_phone_input,
    )
    from notifykit_kwtsms.text.cleaning import clean_message as clean_message
else:
    from notifykit.imports import lazy_attributes

    __getattr__, __dir__, __all__ = lazy_attributes(
        __name__,
        {
            "client.aio": "AsyncKwtSMS",
            "text.cleaning": "clean_message",
            "client.sync": "KwtSMS",
            "client.webhook": "delivery_report parse_webhook",
            "phone.documented": "find_country_code normalize_phone validate_phone_format validate_phone_input",
        },
    )
