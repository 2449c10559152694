"""``kwtsms``: carries SMS through the kwtSMS gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import attrs

from notifykit import Capabilities, Channel, OutcomeUnknown, Submission
from notifykit.redaction import STARS
from notifykit_kwtsms.api import endpoints
from notifykit_kwtsms.api.codes import error_for
from notifykit_kwtsms.api.limits import BASE_URL, NUMBERS_PER_REQUEST, SAME_NUMBER_GAP, SHARED_SENDER
from notifykit_kwtsms.gate import gateway_of, rate_limit_of
from notifykit_kwtsms.settings import KwtSmsSettings
from notifykit_kwtsms.text.check import check
from notifykit_kwtsms.text.segments import measure

if TYPE_CHECKING:
    from notifykit import Batch, BuildContext, Clock, DeliveryReport, Dsn, Receipt, Recipient, Secret, TransportError
    from notifykit_kwtsms.api.calls import Listener
    from notifykit_kwtsms.api.gateway import Sent

_TEST_NOTICE: Final = (
    "Test mode: messages are queued at kwtSMS and charged, and reach no phone. "
    "Delete them at kwtsms.com → Account → Queue to get the points back; KWTSMS_TEST_MODE=0 sends for real."
)
_TEST_ADVICE: Final = "Test mode: it is queued at kwtSMS and reaches no phone; KWTSMS_TEST_MODE=0 sends for real."
_LOOK: Final = (
    "It may have been sent. Look for this number and time at kwtsms.com, in the queue and in the archive of the account, "
    "before you send it again."
)
_MALFORMED: Final = "ERR025"
_NO_ROUTE: Final = "ERR026"
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
        reports=True,
        encodings=("gsm7", "ucs2"),
        spacing=SAME_NUMBER_GAP,
        measure=measure,
        check=check,
        price=price,
        unit="point",
    )


class KwtSmsTransport:
    """Sends through one account.

    :param username: the API user.
    :param password: the API password.
    :param settings: everything else.
    :param listener: hears each call to the gateway.
    :param clock: the time by which questions to the gateway wait for their turn; None asks at once.
    :param state_dir: where processes share the rate limit.
    """

    name = "kwtsms"

    def __init__(
        self,
        username: str,
        password: Secret,
        settings: KwtSmsSettings,
        listener: Listener | None = None,
        clock: Clock | None = None,
        state_dir: str | None = None,
    ) -> None:
        self._settings = settings
        self._shown = _shown(settings)
        #: The account itself, for balance, sender IDs, coverage, status and delivery reports.
        self.gateway = gateway_of(username, password, settings, listener, clock, state_dir)
        # Test messages may follow each other: the gap counts for those that reach a phone.
        gap = 0.0 if settings.test else SAME_NUMBER_GAP
        self.capabilities = attrs.evolve(
            capabilities(),
            live=not settings.test,
            rate_limit=rate_limit_of(username, settings),
            spacing=gap,
            notices=_notices(settings),
        )

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Make one ``send`` request."""
        sender = batch.message.sender or self._settings.sender
        try:
            sent = self.gateway.send(
                sender=sender,
                numbers=[recipient.address for recipient in batch.recipients],
                text=batch.message.text,
                timeout=timeout,
                test=self._settings.test,
            )
        except OutcomeUnknown as error:
            raise attrs.evolve(error, action=_LOOK) from error.__cause__
        return Submission(
            message_id=sent.message_id,
            cost=sent.points,
            balance=sent.balance,
            test=self._settings.test,
            warnings=_warnings(sent, batch, sender, test=self._settings.test),
            advice=_TEST_ADVICE if self._settings.test else None,
            fields=sent.fields,
        )

    def connect(self, timeout: float) -> None:
        """Open a connection for the next request, unless one is idle."""
        self.gateway.connect(timeout)

    def balance(self, timeout: float) -> float | None:
        """Ask for the points that are left."""
        return self.gateway.balance(timeout).available

    def refusals(self, recipients: Sequence[Recipient], timeout: float) -> Mapping[str, TransportError]:
        """Ask which of at most 200 numbers are malformed, or have no route on this account."""
        answer = self.gateway.validate([recipient.address for recipient in recipients], timeout)
        malformed, unrouted = error_for(_MALFORMED), error_for(_NO_ROUTE)
        return dict.fromkeys(answer.error, malformed) | dict.fromkeys(answer.no_route, unrouted)

    def deliveries(self, receipts: Sequence[Receipt], timeout: float) -> Sequence[DeliveryReport]:
        """Ask ``status`` where a request is, and ``dlr`` for numbers outside Kuwait once it was passed on.

        Kuwait's networks report nothing: ``sent`` is the last that is said of a number there. A message that is stuck
        in the queue, as every test message is in the end, is ``undelivered``.

        :raises TransportError: where there is no answer, and ERR029 or ERR020 where nobody knows the message id.
        """
        from notifykit_kwtsms.delivery import ask

        message_id = receipts[0].message_id
        return ask(self.gateway, message_id, receipts, timeout) if message_id else ()

    def describe(self, batch: Batch) -> str:
        """Return the ``send`` request as it would leave, with the account and the numbers redacted."""
        import json

        body = {
            "username": STARS,
            "password": STARS,
            "sender": batch.message.sender or self._settings.sender,
            "mobile": ",".join(map(str, batch.recipients)),
            "message": batch.message.text,
            "test": "1" if self._settings.test else "0",
        }
        parts = urlsplit(f"{self._settings.base_url}{endpoints.SEND.name}/")
        head = f"POST {parts.path} HTTP/1.1\nHost: {parts.netloc}\nContent-Type: application/json"
        return f"{head}\nAccept: application/json\n\n{json.dumps(body, ensure_ascii=False, indent=2)}"

    def close(self) -> None:
        """Close the connections."""
        self.gateway.close()

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


def build(dsn: Dsn, context: BuildContext) -> KwtSmsTransport:
    """Build the transport from a DSN and the settings.

    :raises ConfigError: with every problem, missing credentials among them.
    """
    settings = KwtSmsSettings.of(context.settings, dsn)
    credentials = settings.credentials()
    return KwtSmsTransport(*credentials, settings, clock=context.clock, state_dir=context.settings.state_dir)


def _shown(settings: KwtSmsSettings) -> str:
    """Return the DSN that would build the transport, without the account."""
    host = "default" if settings.base_url == BASE_URL else urlsplit(settings.base_url).netloc
    return f"kwtsms://{host}?{urlencode({'sender': settings.sender, 'test': int(settings.test)})}"


def _notices(settings: KwtSmsSettings) -> tuple[str, ...]:
    if settings.test:
        return (_TEST_NOTICE,)
    return (_SHARED_NOTICE,) if settings.sender == SHARED_SENDER else ()


def _warnings(sent: Sent, batch: Batch, sender: str, *, test: bool) -> tuple[str, ...]:
    """Return where the answer is not what the gateway promises, and whether a live message may not arrive."""
    warnings = []
    if not sent.message_id:
        warnings.append("The gateway gave no message id: status and reports can't be asked for.")
    if sent.numbers is not None and sent.numbers != len(batch.recipients):
        warnings.append(
            f"The gateway counted {sent.numbers} of {len(batch.recipients)} numbers and does not say which: "
            "`validate` them to find out."
        )
    if sender == SHARED_SENDER and not test:
        warnings.append(_SHARED_NOTICE)
    return tuple(warnings)
