"""Delivery reports that a provider posts to a web server: checked, then read. The frameworks' views are made with it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import attrs

from notifykit.errors import ConfigError
from notifykit.models.delivery import DeliveryReport

#: The header of a signed report: ``t=`` seconds since 1970, UTC, and ``v1=`` what `sign` makes.
SIGNATURE_HEADER: Final = "X-Notifykit-Signature"
#: Seconds that the time of a signature may differ from now.
TOLERANCE: Final = 300.0
#: The largest body that is read, in bytes.
MAX_BODY: Final = 64 * 1024
#: The shortest secret, in characters.
MIN_SECRET: Final = 16


class ReportError(Exception):
    """A posted report that is not taken.

    :param status: the HTTP status of the answer.
    :param reason: the sentence of the answer. It repeats nothing of the secret or the report.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


def sign(body: bytes, secret: str, at: float | None = None) -> str:
    """Return the header's value for a body.

    :param at: seconds since 1970, UTC; now by default.
    """
    moment = int(time.time() if at is None else at)
    digest = hmac.digest(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={digest.hex()}"


@attrs.frozen
class ReportEndpoint:
    """Checks and reads what is posted as a delivery report.

    A provider that can sign sends the header `SIGNATURE_HEADER`. One that can't, as kwtSMS, has the secret in the path of the
    URL that it is given. Either proves that the sender knows the secret; a report without a proof is answered with 404,
    as if nothing were there.

    :raises ConfigError: if the secret is too short to be one.
    """

    #: What only the provider and this server know.
    secret: str = attrs.field(repr=False)
    #: Reads the posted fields; raises ValueError with everything that is wrong with them, as
    #: ``notifykit_kwtsms.delivery_report`` does.
    parse: Callable[[Mapping[str, Any]], DeliveryReport]
    #: Seconds since 1970, UTC.
    clock: Callable[[], float] = time.time

    def __attrs_post_init__(self) -> None:
        if len(self.secret) < MIN_SECRET:
            raise ConfigError(
                f"The secret of the delivery reports has {len(self.secret)} characters. Give it at least {MIN_SECRET}: "
                "python -c 'import secrets; print(secrets.token_urlsafe())' makes one."
            )

    def read(
        self, body: bytes, *, content_type: str = "", signature: str | None = None, path_secret: str | None = None
    ) -> DeliveryReport:
        """Return the report in a request.

        :param content_type: of the request: JSON, or a form.
        :param signature: the value of `SIGNATURE_HEADER`, if there is one. It is then the only proof that counts.
        :param path_secret: what stands in the URL in the place of the secret.
        :raises ReportError: with the status and the sentence to answer with.
        """
        if len(body) > MAX_BODY:
            raise ReportError(413, f"A report has at most {MAX_BODY} bytes.")
        if not self._is_proven(body, signature, path_secret):
            raise ReportError(404, "There is nothing here.")
        try:
            return self.parse(_fields(body, content_type))
        except ValueError as error:
            raise ReportError(400, str(error)) from None

    def _is_proven(self, body: bytes, signature: str | None, path_secret: str | None) -> bool:
        if signature is None:
            return hmac.compare_digest((path_secret or "").encode(), self.secret.encode())
        parts = dict(part.strip().partition("=")[::2] for part in signature.split(","))
        try:
            moment = int(parts.get("t", ""))
        except ValueError:
            return False
        expected = sign(body, self.secret, moment)
        given = f"t={moment},v1={parts.get('v1', '')}"
        return hmac.compare_digest(given.encode(), expected.encode()) and abs(self.clock() - moment) <= TOLERANCE


def _fields(body: bytes, content_type: str) -> Mapping[str, Any]:
    text = body.decode("utf-8", "replace")
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise ValueError("The body is not a JSON object.")  # noqa: TRY004 - it is the value that was posted
    return fields
