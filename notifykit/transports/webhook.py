"""``webhook``: posts every batch as JSON to an HTTP endpoint of your own.

``webhook://user:password@host/path?bearer=TOKEN`` posts over HTTPS; ``webhook+http://`` over plain HTTP. The body is
``{"v": 1, "id", "channel", "sender", "subject", "text", "to": [...], "tags": [...], "idempotency_key"}``.
Any 2xx status accepts the batch; a JSON body may say more: ``{"message_id": "…", "rejected": {"ADDRESS": "why"}}``. Where it
repeats the ``id`` as ``"batch_id"``, an answer to another batch is noticed, and the outcome is unknown.

Path and query are kept out of everything that is shown or logged.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import quote, urlencode

import attrs

from notifykit.errors import ConfigError, InvalidRecipient, OutcomeUnknown, TransportError
from notifykit.http import HttpAnswer, HttpRequest, HttpTransport
from notifykit.http.network import Network, basic_authorization
from notifykit.models.capabilities import Capabilities
from notifykit.models.message import Channel
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import BuildContext
from notifykit.redaction import Secret
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import Field, path, proxy, secret, text

_FIELDS: Final = (
    Field("bearer", secret, help="The token for an Authorization header."),
    Field("sender", text, help="The sender's name if a message has none."),
    Field("ca_file", path, help="Certificates to trust instead of this machine's."),
    Field("client_cert", path, help="A PEM file with the client's certificate and its key."),
    Field("proxy", proxy, help="The proxy, or none."),
)
#: A header's value: printable ASCII without spaces.
_TOKEN: Final = re.compile(r"[!-~]+")
CAPABILITIES: Final = Capabilities(channels=frozenset(Channel), batch_size=200, idempotent=True, subjects=True)


class WebhookTransport(HttpTransport):
    """Posts batches to one URL.

    :param url: the endpoint; its path is part of the secret and never shown.
    :param authorization: the value of an Authorization header.
    :param sender: the sender's name if a message has none.
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
            super().__init__(url, headers=headers, sender=sender, network=network)
        finally:
            del url, headers  # an error's frames must not hold them

    def request(self, batch: Batch) -> HttpRequest:
        """Return the batch as JSON."""
        message = batch.message
        body = {
            "v": 1,
            "id": batch.id,
            "channel": message.channel.value,
            "sender": message.sender or self.sender,
            "subject": message.subject,
            "text": message.text,
            "to": [recipient.address for recipient in batch.recipients],
            "tags": list(message.tags),
            "idempotency_key": message.idempotency_key,
        }
        return HttpRequest.json(body, headers={"Idempotency-Key": quote(batch.idempotency_key)})

    def read(self, answer: HttpAnswer, batch: Batch) -> Submission:
        """Return the submission: any 2xx status accepted the batch, whatever the body."""
        fields: Any = {}
        warnings: tuple[str, ...] = ()
        if answer.body:
            try:
                fields = json.loads(answer.body)
            except ValueError:
                warnings = ("The endpoint accepted with a body that is not JSON.",)
        if not isinstance(fields, dict):
            fields = {}
        if fields.get("batch_id", batch.id) != batch.id:
            raise OutcomeUnknown("The endpoint's answer is one to another batch.", "other_answer")
        refused, odd = _refused(fields.get("rejected"), batch)
        message_id = fields.get("message_id")
        return Submission(
            None if message_id is None else str(message_id),
            refused=refused,
            warnings=(*warnings, *odd),
            fields=fields,
        )


def _refused(rejected: object, batch: Batch) -> tuple[dict[str, TransportError], tuple[str, ...]]:
    """Return the refused recipients and warnings; they are an object of reasons by address, or a list of addresses."""
    if rejected is None:
        return {}, ()
    if isinstance(rejected, list):
        rejected = dict.fromkeys(map(str, rejected))
    if not isinstance(rejected, dict):
        return {}, ("The endpoint rejected recipients in a form that is not documented, so which is not known.",)
    addresses = {recipient.address for recipient in batch.recipients}
    refused: dict[str, TransportError] = {}
    odd = False
    for given, why in rejected.items():
        address = next((known for known in (given, given.removeprefix("+")) if known in addresses), None)
        if address is None:
            odd = True
            continue
        words = str(why) if why else None
        refused[address] = InvalidRecipient("The endpoint refused this recipient.", provider_words=words)
    return refused, ("The endpoint rejected an address that is not in the batch.",) if odd else ()


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
        if not _TOKEN.fullmatch(values["bearer"].value.reveal()):
            raise ConfigError(
                "webhook.bearer is no token: it has a space or a character that is not ASCII; write the token alone, "
                "without the word Bearer"
            )
        authorization = Secret(f"Bearer {values['bearer'].value.reveal()}")
    elif dsn.user:
        password = dsn.password.reveal() if dsn.password else ""
        authorization = Secret(basic_authorization(f"{dsn.user}:{password}"))
        del password
    given = {name: values[name].value for name in ("proxy", "ca_file", "client_cert") if values[name].value}
    url = WebhookTransport.url_of(dsn, "") + (f"?{rest}" if rest else "")
    try:
        return WebhookTransport(
            url,
            authorization=authorization,
            sender=values["sender"].value or context.settings.sender,
            network=attrs.evolve(context.settings.network, **given),
        )
    finally:
        del own, rest, url, values, given  # an error's frames must not hold them
