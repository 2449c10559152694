"""``kwtsms``: carries SMS through the kwtSMS gateway."""

from __future__ import annotations

import hashlib
from typing import Final
from urllib.parse import urlencode, urlsplit

from notifykit import Batch, BuildContext, Capabilities, Channel, Dsn, Pace, Recipient, Secret, Submission
from notifykit_kwtsms.api.gateway import Gateway, Sent
from notifykit_kwtsms.api.limits import BASE_URL, NUMBERS_PER_REQUEST, SHARED_SENDER
from notifykit_kwtsms.settings import KwtSmsSettings
from notifykit_kwtsms.text.check import check
from notifykit_kwtsms.text.segments import measure

_TEST_NOTICE: Final = (
    "Test mode: messages are queued at kwtSMS and charged, and reach no phone. "
    "Delete them at kwtsms.com → Account → Queue to get the points back; KWTSMS_TEST_MODE=0 sends for real."
)
_SHARED_NOTICE: Final = (
    "KWT-SMS is the shared sender for trying things out: it is slow, and some Kuwaiti networks block it. "
    "Set KWTSMS_SENDER_ID to a sender of your own."
)


def price(recipient: Recipient, segments: int) -> float | None:
    """Return the points for one recipient: one a segment in Kuwait; elsewhere the prices are not public."""
    return float(segments) if recipient.country == "KW" else None


def capabilities() -> Capabilities:
    """Return what the gateway can do, whatever the account."""
    return Capabilities(
        channels=frozenset({Channel.SMS}),
        batch_size=NUMBERS_PER_REQUEST,
        test_mode=True,
        measure=measure,
        check=check,
        price=price,
    )


class KwtSmsTransport:
    """Sends through one account.

    :param username: the API user.
    :param password: the API password.
    :param settings: everything else.
    """

    name = "kwtsms"

    def __init__(self, username: str, password: Secret, settings: KwtSmsSettings) -> None:
        self._settings = settings
        self._username = username
        #: The account itself, for balance, sender IDs, coverage, status and delivery reports.
        self.gateway = Gateway(username, password, settings.base_url)
        general = capabilities()
        self.capabilities = Capabilities(
            channels=general.channels,
            batch_size=general.batch_size,
            test_mode=True,
            measure=general.measure,
            check=general.check,
            price=general.price,
            pace=Pace(settings.rate, _account(username, settings.base_url)),
            notices=_notices(settings),
        )

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Make one ``send`` request."""
        sent = self.gateway.send(
            sender=batch.message.sender or self._settings.sender,
            numbers=[recipient.address for recipient in batch.recipients],
            text=batch.message.text,
            timeout=timeout,
            test=self._settings.test,
        )
        return Submission(
            message_id=sent.message_id,
            cost=sent.points,
            balance=sent.balance,
            test=self._settings.test,
            warnings=_departures(sent, batch),
            fields=sent.fields,
        )

    def close(self) -> None:
        """Close the connections."""
        self.gateway.close()

    def __str__(self) -> str:
        parts = urlsplit(self._settings.base_url)
        host = "default" if self._settings.base_url == BASE_URL else parts.netloc
        options = urlencode({"sender": self._settings.sender, "test": int(self._settings.test)})
        return f"kwtsms://{host}?{options}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


def build(dsn: Dsn, context: BuildContext) -> KwtSmsTransport:
    """Build the transport from a DSN and the settings.

    :raises ConfigError: with every problem, missing credentials among them.
    """
    settings = KwtSmsSettings.of(context.settings, dsn)
    return KwtSmsTransport(*settings.credentials(), settings)


def _account(username: str, base_url: str) -> str:
    """Name what shares a pace without naming the account in clear."""
    return f"kwtsms-{hashlib.sha256(f'{username}@{base_url}'.encode()).hexdigest()}"


def _notices(settings: KwtSmsSettings) -> tuple[str, ...]:
    if settings.test:
        return (_TEST_NOTICE,)
    return (_SHARED_NOTICE,) if settings.sender == SHARED_SENDER else ()


def _departures(sent: Sent, batch: Batch) -> tuple[str, ...]:
    """Say where the answer is not what the gateway promises: it was taken all the same."""
    departures = []
    if not sent.message_id:
        departures.append("The gateway gave no message id: status and reports can't be asked for.")
    if sent.numbers is not None and sent.numbers != len(batch):
        departures.append(
            f"The gateway counted {sent.numbers} of {len(batch)} numbers and does not say which: "
            "`validate` them to find out."
        )
    return tuple(departures)
