"""``webhook``: posts every batch as JSON to an HTTP endpoint of your own.

``webhook://user:password@host/path?bearer=TOKEN`` posts over HTTPS; ``webhook+http://`` over plain HTTP. The body is
``{"v": 1, "id", "channel", "sender", "subject", "text", "to": [...], "tags": [...], "idempotency_key"}``.
Any 2xx status accepts the batch; a JSON body may say more: ``{"message_id": "…", "rejected": {"ADDRESS": "why"}}``.

Path and query are kept out of everything that is shown or logged.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Final
from urllib.parse import quote, urlencode

from notifykit.dsn import Dsn
from notifykit.errors import (
    AuthFailed,
    ConfigError,
    ContentRejected,
    InvalidRecipient,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    TransportError,
)
from notifykit.http import HttpAnswer, HttpClient
from notifykit.masking import Secret, scrub
from notifykit.models import Batch, Capabilities, Channel, Submission
from notifykit.network import Network
from notifykit.protocols import BuildContext
from notifykit.settings import Field, secret, text

_FIELDS: Final = (
    Field("bearer", secret, help="The token for an Authorization header."),
    Field("sender", text, help="The sender's name where a message has none."),
)
CAPABILITIES: Final = Capabilities(channels=frozenset(Channel), batch_size=200, idempotent=True, subjects=True)


class WebhookTransport:
    """Posts batches to one URL.

    :param url: where to; its path is part of the secret and never shown.
    :param authorization: the value of an Authorization header.
    :param sender: the sender's name where a message has none.
    :param network: the proxy and the certificates.
    """

    name = "webhook"
    capabilities = CAPABILITIES

    def __init__(
        self,
        url: str,
        *,
        authorization: Secret | None = None,
        sender: str | None = None,
        network: Network | None = None,
    ) -> None:
        self._client = HttpClient(url, network=network)
        self._authorization = authorization
        self._sender = sender
        bare = url.partition("?")[0].replace("https://", "webhook://", 1).replace("http://", "webhook+http://", 1)
        self._shown = str(Dsn.parse(bare))

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Post one batch."""
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": quote(batch.idempotency_key),
        }
        if self._authorization:
            headers["Authorization"] = self._authorization.reveal()
        body = {
            "v": 1,
            "id": batch.id,
            "channel": batch.message.channel.value,
            "sender": batch.message.sender or self._sender,
            "subject": batch.message.subject,
            "text": batch.message.text,
            "to": [recipient.address for recipient in batch.recipients],
            "tags": list(batch.message.tags),
            "idempotency_key": batch.message.idempotency_key,
        }
        # Half a surrogate is spelled \ud800, which is how JSON spells it too.
        octets = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
        answer = self._client.post("", octets, headers, timeout)
        if 200 <= answer.status < 300:
            return _submission(answer, batch)
        raise _refusal(answer)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __str__(self) -> str:
        return self._shown


def _submission(answer: HttpAnswer, batch: Batch) -> Submission:
    said: Any = {}
    warnings: tuple[str, ...] = ()
    if answer.body:
        try:
            said = json.loads(answer.body)
        except ValueError:
            warnings = ("The endpoint accepted with a body that is not JSON.",)
    if not isinstance(said, dict):
        said = {}
    refused, odd = _refused(said.get("rejected"), batch)
    message_id = said.get("message_id")
    return Submission(
        None if message_id is None else str(message_id), refused=refused, warnings=(*warnings, *odd), fields=said
    )


def _refused(said: object, batch: Batch) -> tuple[dict[str, TransportError], tuple[str, ...]]:
    """Read whom the endpoint refused: an object of reasons by address, or a list of addresses."""
    if said is None:
        return {}, ()
    reasons = said if isinstance(said, dict) else dict.fromkeys(map(str, said)) if isinstance(said, list) else None
    if reasons is None:
        return {}, ("The endpoint rejected something in a form that is not documented, so who it was is not known.",)
    addresses = {recipient.address for recipient in batch.recipients}
    refused: dict[str, TransportError] = {}
    odd = False
    for given, why in reasons.items():
        address = next((known for known in (given, given.removeprefix("+")) if known in addresses), None)
        if address is None:
            odd = True
            continue
        words = scrub(str(why), address, batch.message.text, batch.message.subject or "") if why else None
        refused[address] = InvalidRecipient("The endpoint refused this recipient.", provider_words=words)
    return refused, ("The endpoint rejected somebody who is not in the batch.",) if odd else ()


def _refusal(answer: HttpAnswer) -> TransportError:
    status = answer.status
    code = f"HTTP{status}"
    if status in (401, 403):
        return AuthFailed(
            f"The endpoint answered {status}.", code, action="Check the token or password of the webhook."
        )
    if status == 429:
        return RateLimited("The endpoint says that it is asked too often.", code, waits=answer.waits)
    if status == 503 and answer.turned_away:
        return ProviderUnavailable("The endpoint says that it is not available.", code, waits=answer.waits)
    if status in (400, 413, 422):
        return ContentRejected(f"The endpoint answered {status} to this message.", code)
    if status < 200 or status >= 500:  # below 200 nothing is the last word
        return OutcomeUnknown(f"The endpoint, or something before it, failed with {status}.", code)
    advice = "Check the webhook's address; redirects are not followed, because they could carry the token away."
    return ProviderUnavailable(f"The endpoint answered {status}.", code, action=advice)


def build(dsn: Dsn, context: BuildContext) -> WebhookTransport:
    """Build the transport from a DSN and the settings.

    :raises ConfigError: with every problem.
    """
    if dsn.host == "default":
        raise ConfigError("webhook: say where to post: webhook://host/path, or webhook+http://host/path without TLS")
    own = {name: value for name, value in dsn.options.items() if name in {field.name for field in _FIELDS}}
    rest = urlencode({name: value for name, value in dsn.options.items() if name not in own})
    values = context.settings.section("webhook", _FIELDS, own)
    authorization = None
    if values["bearer"].value:
        authorization = Secret(f"Bearer {values['bearer'].value.reveal()}")
    elif dsn.user:
        pair = f"{dsn.user}:{dsn.password.reveal() if dsn.password else ''}"
        authorization = Secret(f"Basic {base64.b64encode(pair.encode()).decode('ascii')}")
    scheme = "http" if dsn.scheme == "webhook+http" else "https"
    host = f"[{dsn.host}]" if ":" in dsn.host else dsn.host
    url = f"{scheme}://{host}{f':{dsn.port}' if dsn.port else ''}{dsn.path}" + (f"?{rest}" if rest else "")
    return WebhookTransport(
        url,
        authorization=authorization,
        sender=values["sender"].value or context.settings.sender,
        network=context.settings.network,
    )
