"""Reading what the gateway says: the body before the status, and numbers in whatever form they come."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from notifykit.errors import (
    AuthFailed,
    OutcomeUnknown,
    ProviderUnavailable,
    TransportError,
    Unclassified,
)
from notifykit.http import HttpAnswer, error_for_status
from notifykit.redaction import Secret, scrub
from notifykit_kwtsms.api.codes import error_for
from notifykit_kwtsms.api.limits import BASE_URL

#: Whole numbers below it are the same as floats.
_EXACT: Final = 1 << 53
_CODE: Final = re.compile(r"ERR[0-9]{3}")
#: What to do where the gateway refuses without saying why.
_BLOCKED: Final = (
    "Check KWTSMS_USERNAME and KWTSMS_PASSWORD; if they are right, this machine's IP may be blocked for more than 5 "
    "requests a second: stop for a while, and see which other program sends from here."
)


def fields_of(body: bytes) -> Mapping[str, Any]:
    """Return the fields of the JSON object that a body is; none where it is something else."""
    try:
        fields = json.loads(body.decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def read(answer: HttpAnswer, fields: Mapping[str, Any], secrets: Iterable[Secret] = ()) -> Mapping[str, Any]:
    """Return the fields of an answer if it says OK.

    The HTTP status is only looked at where the body says nothing: errors come with 200, 400 and 403 (gateway facts,
    section 1.0).

    :param answer: the answer.
    :param fields: what :func:`fields_of` found in its body.
    :param secrets: what the provider's words are scrubbed of.
    :raises TransportError: for every other answer; :class:`OutcomeUnknown` where it can't be told what it means.
    """
    result = str(fields.get("result", "")).upper()
    if result == "OK":
        return fields
    if result == "ERROR":
        raise _refusal(fields, secrets)
    raise _from_status(answer)


def _refusal(fields: Mapping[str, Any], secrets: Iterable[Secret]) -> TransportError:
    code, words = fields.get("code"), fields.get("description")
    known = isinstance(code, str) and _CODE.fullmatch(code)
    said = " ".join(str(part) for part in ((words,) if known else (code, words)) if part)
    scrubbed = scrub(said, *(secret.reveal() for secret in secrets)) if said else None
    if known:
        return error_for(str(code), scrubbed)
    return Unclassified("The gateway answered with an error that has no code.", provider_words=scrubbed)


def number(value: object) -> float | None:
    """Return a number that came as a number or as a text, a whole one as an int; None for anything else."""
    if type(value) is int and -_EXACT < value < _EXACT:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read_number = float(value.replace(",", "")) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(read_number):
        return None
    return int(read_number) if read_number.is_integer() else read_number


def _from_status(answer: HttpAnswer) -> TransportError:
    status, code = answer.status, f"HTTP{answer.status}"
    if status == 429 and not answer.turned_away:  # with a page behind it, it may be a proxy's, after the gateway
        return OutcomeUnknown(f"The gateway, or something before it, failed with {status}.", code)
    if 300 <= status < 500 and status not in (401, 403, 407, 429):
        redirect = " It is a redirect, which is not followed: it could carry the password away." if status < 400 else ""
        return ProviderUnavailable(
            f"The gateway's address answered {status}, so it is not the gateway.{redirect}",
            code,
            action=f"Check KWTSMS_BASE_URL; without it, the gateway is at {BASE_URL}.",
        )
    error = error_for_status(answer, "The gateway")
    if error is None:
        return OutcomeUnknown("The gateway's answer can't be read: it is not the JSON that it documents.", "unreadable")
    return attrs.evolve(error, action=_BLOCKED) if isinstance(error, AuthFailed) else error
