"""``webhook``: posts every batch as JSON to an HTTP endpoint of your own.

``webhook://user:password@host/path?bearer=TOKEN`` posts over HTTPS; ``webhook+http://`` over plain HTTP. The body is
``{"v": 1, "id", "channel", "sender", "subject", "text", "to": [...], "tags": [...], "idempotency_key"}``.
Any 2xx status accepts the batch; a JSON body may say more: ``{"message_id": "…", "rejected": {"ADDRESS": "why"}}``.

Path and query are kept out of everything that is shown or logged.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote, urlencode

from notifykit.errors import ConfigError, InvalidRecipient, TransportError
from notifykit.http import HttpAnswer, HttpRequest, HttpTransport
from notifykit.http.network import Network, basic_authorization, url_host
from notifykit.models.capabilities import Capabilities
from notifykit.models.message import Channel
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import BuildContext
from notifykit.redaction import Secret, scrub
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import Field, secret, text

_FIELDS: Final = (
    Field("bearer", secret, help="The token for an Authorization header."),
    Field("sender", text, help="The sender's name where a message has none."),
)
CAPABILITIES: Final = Capabilities(channels=frozenset(Channel), batch_size=200, idempotent=True, subjects=True)


class WebhookTransport(HttpTransport):
    """Posts batches to one URL.

    :param url: where to; its path is part of the secret and never shown.
    :param authorization: the value of an Authorization header.
    :param sender: the sender's name where a message has none.
    :param network: the proxy and the certificates.
    """

    name = "webhook"
    capabilities = CAPABILITIES
    provider = "The endpoint"

    def __init__(
        self,
        url: str,
        *,
        authorization: Secret | None = None,
        sender: str | None = None,
        network: Network | None = None,
    ) -> None:
        try:
            headers = {"Authorization": authorization.reveal()} if authorization else None
            super().__init__(url, headers=headers, network=network)
            bare = url.partition("?")[0].replace("https://", "webhook://", 1).replace("http://", "webhook+http://", 1)
            self._shown = str(Dsn.parse(bare))
        finally:
            del url, headers  # an error's frames must not hold them
        self._sender = sender

    def request(self, batch: Batch) -> HttpRequest:
        """Return the batch as JSON."""
        message = batch.message
        body = {
            "v": 1,
            "id": batch.id,
            "channel": message.channel.value,
            "sender": message.sender or self._sender,
            "subject": message.subject,
            "text": message.text,
            "to": [recipient.address for recipient in batch.recipients],
            "tags": list(message.tags),
            "idempotency_key": message.idempotency_key,
        }
        return HttpRequest.json(body, headers={"Idempotency-Key": quote(batch.idempotency_key)})

    def read(self, answer: HttpAnswer, batch: Batch) -> Submission:
        """Return what the endpoint says of the batch: any 2xx took it, whatever the body."""
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

    def __str__(self) -> str:
        return self._shown


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
        password = dsn.password.reveal() if dsn.password else ""
        authorization = Secret(basic_authorization(f"{dsn.user}:{password}"))
        del password
    scheme = "http" if dsn.scheme == "webhook+http" else "https"
    url = f"{scheme}://{url_host(dsn.host)}{f':{dsn.port}' if dsn.port else ''}{dsn.path}" + (
        f"?{rest}" if rest else ""
    )
    try:
        return WebhookTransport(
            url,
            authorization=authorization,
            sender=values["sender"].value or context.settings.sender,
            network=context.settings.network,
        )
    finally:
        del own, rest, url, values  # an error's frames must not hold them
