"""``kwtsms``: the transport that sends SMS through the kwtSMS gateway."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import attrs

from notifykit import Capabilities, Channel, OutcomeUnknown, Submission, SystemClock
from notifykit.rate_limit import rate_limiter
from notifykit.redaction import STARS
from notifykit_kwtsms.api.client import ApiClient
from notifykit_kwtsms.api.codes import error_for
from notifykit_kwtsms.api.facts import BASE_URL, NUMBERS_PER_REQUEST, QUEUE_LIMIT, SAME_NUMBER_GAP, SEND, SHARED_SENDER
from notifykit_kwtsms.settings import KwtSmsSettings
from notifykit_kwtsms.text.cleaning import check, warn
from notifykit_kwtsms.text.segments import measure

if TYPE_CHECKING:
    from notifykit import Batch, BuildContext, Clock, DeliveryReport, Dsn, Receipt, Recipient, Secret, TransportError
    from notifykit_kwtsms.api.client import ApiCall, SendResult

_TEST_NOTICE: Final = (
    "Test mode: messages are queued at kwtSMS and charged, and reach no phone. "
    "Delete them at kwtsms.com → Account → Queue to get the points back; KWTSMS_TEST_MODE=0 sends for real."
)
_TEST_ADVICE: Final = "Test mode: it is queued at kwtSMS and reaches no phone; KWTSMS_TEST_MODE=0 sends for real."
#: The zone of the account's pages; Kuwait has no summer time (gateway facts, section 3.9).
_ZONE: Final = datetime.timezone(datetime.timedelta(hours=3))
_UNKNOWN_ACTION: Final = (
    "It may have been sent. Look for this number at kwtsms.com, about {:%Y-%m-%d %H:%M} in Kuwait (UTC+3), in the queue and "
    "in the archive of the account, before you send it again."
)
_SHARED_NOTICE: Final = (
    "KWT-SMS is the shared sender for trying things out: it is slow, and some Kuwaiti networks block it. "
    "Set KWTSMS_SENDER_ID to a sender of your own."
)


def price(recipient: Recipient, segments: int) -> float | None:
    """Return the points for one recipient: one per segment in Kuwait; other prices are not public."""
    return float(segments) if recipient.country == "KW" else None


def capabilities() -> Capabilities:
    """Return what the gateway can do, for any account."""
    return Capabilities(
        channels=frozenset({Channel.SMS}),
        batch_size=NUMBERS_PER_REQUEST,
        test_mode=True,
        reports=True,
        encodings=("gsm7", "ucs2"),
        spacing=SAME_NUMBER_GAP,
        measure=measure,
        check=check,
        warn=functools.partial(warn, default_sender=SHARED_SENDER),
        price=price,
        unit="point",
    )


class KwtSmsTransport:
    """Sends through one account.

    :param username: the API user.
    :param password: the API password.
    :param settings: everything else.
    :param on_call: called with each request to the gateway, for a log.
    :param clock: the time, by which queries wait for the rate limit; None is the system's, and does not wait.
    :param state_dir: the folder in which processes share the rate limit.
    """

    name = "kwtsms"

    def __init__(
        self,
        username: str,
        password: Secret,
        settings: KwtSmsSettings,
        on_call: Callable[[ApiCall], None] | None = None,
        clock: Clock | None = None,
        state_dir: str | None = None,
    ) -> None:
        self._settings = settings
        #: The provider's host, for traces; an account in the address is not part of it.
        self.server = urlsplit(settings.base_url).netloc.rpartition("@")[2]
        host = "default" if settings.base_url == BASE_URL else urlsplit(settings.base_url).netloc
        self._dsn = f"kwtsms://{host}?{urlencode({'sender': settings.sender, 'test': int(settings.test)})}"
        self._clock = clock or SystemClock()
        limit = settings.rate_limit(username)
        wait = rate_limiter(limit, clock, state_dir).acquire if clock else None
        #: The account: balance, sender IDs, coverage, status and delivery reports.
        self.api = ApiClient(username, password, settings.base_url, on_call, wait, settings.network)
        notices = (_SHARED_NOTICE,) if settings.sender == SHARED_SENDER else ()
        self.capabilities = attrs.evolve(
            capabilities(),
            live=not settings.test,
            warn=functools.partial(warn, default_sender=settings.sender),
            rate_limit=limit,
            queue_limit=QUEUE_LIMIT if settings.test else None,
            spacing=0.0 if settings.test else SAME_NUMBER_GAP,  # the gateway does not check it for test messages
            notices=(_TEST_NOTICE,) if settings.test else notices,
        )

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Make one ``send`` request."""
        sender, test = batch.message.sender or self._settings.sender, self._settings.test
        started = self._clock.now()
        try:
            result = self.api.send(
                sender=sender,
                numbers=[recipient.address for recipient in batch.recipients],
                text=batch.message.text,
                timeout=timeout,
                test=test,
            )
        except OutcomeUnknown as error:
            action = _UNKNOWN_ACTION.format(started.astimezone(_ZONE))
            raise attrs.evolve(error, action=action) from error.__cause__
        return Submission(
            message_id=result.message_id,
            cost=result.points,
            balance=result.balance,
            test=test,
            warnings=_warnings(result, batch, sender, test=test),
            advice=_TEST_ADVICE if test else None,
            fields=result.fields,
        )

    def connect(self, timeout: float) -> None:
        """Open a connection for the next request, unless one is idle."""
        self.api.client.connect(timeout)

    def balance(self, timeout: float) -> float | None:
        """Return the points left."""
        return self.api.balance(timeout).available

    def refusals(self, recipients: Sequence[Recipient], timeout: float) -> Mapping[str, TransportError]:
        """Return the errors of those of at most 200 numbers that are malformed or have no route on this account."""
        found = self.api.validate([recipient.address for recipient in recipients], timeout)
        return dict.fromkeys(found.error, error_for("ERR025")) | dict.fromkeys(found.no_route, error_for("ERR026"))

    def deliveries(self, receipts: Sequence[Receipt], timeout: float) -> Sequence[DeliveryReport]:
        """Return the delivery reports of one request, from ``status`` and, for numbers outside Kuwait, from ``dlr``.

        Networks in Kuwait give no reports: ``sent`` is the last state of a number there. A message that is stuck in the
        queue, as every test message finally is, is ``undelivered``.

        :raises TransportError: without an answer; with ERR029 or ERR020 where the message id is unknown.
        """
        from notifykit_kwtsms.delivery import fetch_reports

        message_id = receipts[0].message_id
        return fetch_reports(self.api, message_id, receipts, timeout) if message_id else ()

    def describe(self, batch: Batch) -> str:
        """Return the ``send`` request of a batch, with the account and the numbers redacted."""
        import json

        body = {
            "username": STARS,
            "password": STARS,
            "sender": batch.message.sender or self._settings.sender,
            "mobile": ",".join(map(str, batch.recipients)),
            "message": batch.message.text,
            "test": "1" if self._settings.test else "0",
        }
        parts = urlsplit(f"{self._settings.base_url}{SEND.name}/")
        head = f"POST {parts.path} HTTP/1.1\nHost: {parts.netloc}\nContent-Type: application/json"
        return f"{head}\nAccept: application/json\n\n{json.dumps(body, ensure_ascii=False, indent=2)}"

    def close(self) -> None:
        """Close the connections."""
        self.api.close()

    def __str__(self) -> str:
        """Return the DSN that would build the transport, without the account."""
        return self._dsn

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


def build(dsn: Dsn, context: BuildContext) -> KwtSmsTransport:
    """Build the transport from a DSN and the settings.

    :raises ConfigError: with every problem, missing credentials among them.
    """
    settings = KwtSmsSettings.of(context.settings, dsn)
    credentials = settings.credentials()
    return KwtSmsTransport(*credentials, settings, clock=context.clock, state_dir=context.settings.state_dir)


def _warnings(result: SendResult, batch: Batch, sender: str, *, test: bool) -> tuple[str, ...]:
    """Return warnings about a request that was accepted: what the answer lacks, and a sender that may not arrive."""
    warnings = []
    if not result.message_id:
        warnings.append("The gateway gave no message id: status and reports can't be asked for.")
    count = len(batch.recipients)
    if result.numbers is not None and result.numbers != count:
        warnings.append(
            f"The gateway counted {result.numbers} of {count} numbers and does not say which: `validate` them to find out."
        )
    if sender == SHARED_SENDER and not test:
        warnings.append(_SHARED_NOTICE)
    return tuple(warnings)
