"""The kwtSMS API: one method for each endpoint, and the one place that sends requests to the gateway."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from notifykit.errors import AuthFailed, NotReached, OutcomeUnknown, ProviderUnavailable, TransportError, Unclassified
from notifykit.http import UNCLEAR, HttpAnswer, HttpClient, error_for_status
from notifykit.http.network import Network
from notifykit.redaction import Secret, SecretBytes
from notifykit_kwtsms.api.codes import error_for
from notifykit_kwtsms.api.facts import BALANCE, BASE_URL, COVERAGE, DLR, SEND, SENDERID, STATUS, VALIDATE, Endpoint

#: What replaces the password in logs.
REDACTED: Final = "***"
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_ASK_AGAIN: Final = "Ask again; nothing is sent or charged by asking."
#: Whole numbers below it are exact as floats too.
_EXACT: Final = 1 << 53
_CODE: Final = re.compile(r"ERR[0-9]{3}")
_BLOCKED: Final = (
    "Check KWTSMS_USERNAME and KWTSMS_PASSWORD; if they are right, this machine's IP may be blocked for more than 5 "
    "requests a second: stop for a while, and see which other program sends from here."
)


class AnswerFields(dict[str, Any]):
    """The fields of an answer: exact for the caller, and only their number in a traceback that shows variables."""

    def __repr__(self) -> str:
        return f"<{len(self)} fields>"


def parse_body(body: bytes) -> Mapping[str, Any]:
    """Return the fields of a JSON object; none where the body is something else."""
    try:
        fields = json.loads(body.decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return AnswerFields()
    return AnswerFields(fields) if isinstance(fields, dict) else AnswerFields()


def checked_fields(answer: HttpAnswer, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of an answer that says OK.

    The HTTP status decides only where the body says nothing: errors come with 200, 400 and 403 (gateway facts,
    section 1.0).

    :param answer: the HTTP answer.
    :param fields: what :func:`parse_body` found in its body.
    :raises TransportError: for every other answer; :class:`OutcomeUnknown` where its meaning is unclear.
    """
    result = str(fields.get("result", "")).upper()
    if result == "OK":
        return fields
    if result == "ERROR":
        raise _gateway_error(fields)
    raise _status_error(answer)


def _gateway_error(fields: Mapping[str, Any]) -> TransportError:
    code, description = fields.get("code"), fields.get("description")
    known = isinstance(code, str) and _CODE.fullmatch(code)
    words = " ".join(str(part) for part in ((description,) if known else (code, description)) if part)
    if known:
        return error_for(str(code), words or None)
    return Unclassified("The gateway answered with an error that has no code.", provider_words=words or None)


def _status_error(answer: HttpAnswer) -> TransportError:
    status, code = answer.status, f"HTTP{answer.status}"
    if status == 429 and not answer.turned_away:  # with a page in the body, it may be from a proxy behind the gateway
        return OutcomeUnknown(f"The gateway, or a proxy before it, failed with {status}.", code)
    if 300 <= status < 500 and status not in (401, 403, 407, 429, *UNCLEAR):
        redirect = " It is a redirect, which is not followed: it could carry the password away." if status < 400 else ""
        return ProviderUnavailable(
            f"The gateway's address answered {status}, so it is not the gateway.{redirect}",
            code,
            action=f"Check KWTSMS_BASE_URL; without it, the gateway is at {BASE_URL}.",
        )
    error = error_for_status(answer, "The gateway")
    if error is None:
        what = _describe(answer.body)
        return OutcomeUnknown(
            f"The gateway's answer can't be read: {what}, not the JSON that it documents.", "unreadable"
        )
    return attrs.evolve(error, action=_BLOCKED) if isinstance(error, AuthFailed) else error


def _describe(body: bytes) -> str:
    """Return what a body is that is no JSON object."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "it is empty"
    if start.startswith(b"<"):
        return "it is a page of HTML or XML"
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return "it is broken JSON" if start[:1] in b"{[" else "it is a text"
    names = {list: "a JSON list", str: "a JSON text", bool: "true or false", type(None): "null"}
    return "it is JSON without a result" if isinstance(found, dict) else f"it is {names.get(type(found), 'a number')}"


def parse_number(value: object) -> float | None:
    """Return a number that came as a number or as text, a whole one as an int; None for anything else."""
    if type(value) is int and -_EXACT < value < _EXACT:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value.replace(",", "")) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _count(fields: Mapping[str, Any] | None) -> str:
    return "None" if fields is None else f"<{len(fields)}>"


@attrs.frozen
class ApiCall:
    """One request and its result, for a log."""

    #: The endpoint's name, ``send``.
    endpoint: str
    #: The fields that were sent, in their order; the password is :data:`REDACTED`.
    request: Mapping[str, str] = attrs.field(repr=_count)
    #: The fields of the answer, also of a refusal; None where nothing readable came back.
    answer: Mapping[str, Any] | None = attrs.field(repr=_count)
    #: Why the call failed; None where the gateway said OK.
    failure: BaseException | None = None

    @property
    def ok(self) -> bool:
        """Whether the gateway said OK."""
        return self.failure is None

    @property
    def error(self) -> str | None:
        """Why there is no meaningful answer; None where there is one, though it may be a refusal."""
        if self.failure is None or str((self.answer or {}).get("result", "")).upper() == "ERROR":
            return None
        if isinstance(self.failure, TransportError):
            return f"{self.failure.code}: {self.failure.detail}"
        return type(self.failure).__name__


@attrs.frozen
class Balance:
    """The points of an account."""

    #: Points left; None where the gateway sent no number.
    available: float | None
    #: Points bought in all.
    purchased: float | None


@attrs.frozen
class Validation:
    """Numbers by the gateway's check of form and route. It does not check whether a number is in use."""

    #: Well-formed and routable on this account.
    ok: tuple[str, ...] = attrs.field(repr=False)
    #: Malformed.
    error: tuple[str, ...] = attrs.field(repr=False)
    #: No route: the country is not activated.
    no_route: tuple[str, ...] = attrs.field(repr=False)
    #: All fields of the answer.
    fields: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class SendResult:
    """The gateway's answer to a request that it accepted."""

    #: One id for the whole request.
    message_id: str | None
    #: How many numbers it counted.
    numbers: int | None
    #: Points charged.
    points: float | None
    #: Points left.
    balance: float | None
    #: All fields of the answer. The zone of its time stamp is not known, so do not compute with it.
    fields: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class MessageStatus:
    """Where a message is inside the gateway. It says nothing about the handset."""

    #: The gateway's word: ``sent``, ``queued``, …
    status: str
    #: Its description.
    description: str | None
    #: All fields of the answer.
    fields: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class NetworkReport:
    """The delivery report of a network outside Kuwait for one number."""

    #: The number.
    number: str = attrs.field(repr=False)
    #: Free text: the gateway documents no list.
    status: str


class ApiClient:
    """One account at the gateway. Every method raises :class:`~notifykit.errors.TransportError`.

    :param username: the API user.
    :param password: the API password.
    :param base_url: the address, with its last slash.
    :param on_call: called with each :class:`ApiCall`, in the thread that made it. It must not raise.
    :param wait_for_slot: called before each query; it returns when the rate limit (the setting ``rate``, two a second by
        default) allows the query. The gateway counts queries and sends together, and blocks an IP above five a second. The
        pipeline limits the rate of sends.
    :param network: the proxy and the certificates.
    """

    def __init__(
        self,
        username: str,
        password: Secret,
        base_url: str,
        on_call: Callable[[ApiCall], None] | None = None,
        wait_for_slot: Callable[[], None] | None = None,
        network: Network | None = None,
    ) -> None:
        #: The connections.
        self.client = HttpClient(base_url, network=network)
        self._username = username
        self._password = password
        self._on_call = on_call
        self._wait_for_slot = wait_for_slot

    def balance(self, timeout: float) -> Balance:
        """Return the balance, in points."""
        fields = self._query(BALANCE, {}, timeout)
        return Balance(parse_number(fields.get("available")), parse_number(fields.get("purchased")))

    def senderids(self, timeout: float) -> tuple[str, ...]:
        """Return the sender IDs of the account."""
        return _texts(self._query(SENDERID, {}, timeout).get("senderid"))

    def coverage(self, timeout: float) -> tuple[str, ...]:
        """Return the active country prefixes, under either of the two names that sources give the list."""
        fields = self._query(COVERAGE, {}, timeout)
        return _texts(fields.get("prefixes", fields.get("coverage")))

    def validate(self, numbers: Iterable[str], timeout: float) -> Validation:
        """Return the gateway's check of at most 200 numbers."""
        fields = self._query(VALIDATE, {"mobile": ",".join(numbers)}, timeout)
        groups = fields.get("mobile")
        groups = groups if isinstance(groups, Mapping) else {}
        return Validation(_texts(groups.get("OK")), _texts(groups.get("ER")), _texts(groups.get("NR")), fields)

    def send(self, sender: str, numbers: Iterable[str], text: str, timeout: float, *, test: bool) -> SendResult:
        """Send one text to at most 200 numbers.

        :raises OutcomeUnknown: if it may have been sent.
        """
        request = {"sender": sender, "mobile": ",".join(numbers), "message": text, "test": "1" if test else "0"}
        fields = self._call(SEND, request, timeout)
        count = parse_number(fields.get("numbers"))
        message_id = fields.get("msg-id")
        return SendResult(
            message_id=str(message_id) if message_id else None,
            numbers=None if count is None else int(count),
            points=parse_number(fields.get("points-charged")),
            balance=parse_number(fields.get("balance-after")),
            fields=fields,
        )

    def status(self, message_id: str, timeout: float) -> MessageStatus:
        """Return where a message is inside the gateway."""
        fields = self._query(STATUS, {"msgid": message_id}, timeout)
        description = fields.get("description")
        return MessageStatus(str(fields.get("status", "")), None if description is None else str(description), fields)

    def delivery_reports(self, message_id: str, timeout: float) -> tuple[NetworkReport, ...]:
        """Return the delivery reports: there are none for Kuwait, and none elsewhere before five minutes."""
        reports = self._query(DLR, {"msgid": message_id}, timeout).get("report")
        return tuple(
            NetworkReport(str(report.get("Number", "")), str(report.get("Status", "")))
            for report in (reports if isinstance(reports, list) else ())
            if isinstance(report, Mapping)
        )

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _query(self, endpoint: Endpoint, fields: Mapping[str, str], timeout: float) -> Mapping[str, Any]:
        """Call an endpoint that sends nothing: after a lost answer, it is safe to call it again."""
        try:
            if self._wait_for_slot:
                self.client.connect(timeout)
                self._wait_for_slot()
            return self._call(endpoint, fields, timeout)
        except OutcomeUnknown as error:
            detail = f"No readable answer from {endpoint.name}: {error.detail[0].lower()}{error.detail[1:]}"
            raise ProviderUnavailable(detail, error.code, action=_ASK_AGAIN) from error
        except NotReached as error:
            # Its advice is about a message, which a query has not.
            cure, about_message, _ = error.action.partition("; nothing was sent")
            raise attrs.evolve(error, action=f"{cure}. {_ASK_AGAIN}" if about_message else error.action) from error

    def _call(self, endpoint: Endpoint, fields: Mapping[str, str], timeout: float) -> Mapping[str, Any]:
        request = {"username": self._username, "password": self._password.reveal(), **fields}
        body = SecretBytes(json.dumps(request).encode("ascii"))
        del request  # a traceback shows variables
        received: Mapping[str, Any] = {}
        failure: BaseException | None = None
        try:
            answer = self.client.post(f"{endpoint.name}/", body, _HEADERS, timeout)
            received = parse_body(answer.body)
            return checked_fields(answer, received)
        except BaseException as error:
            failure = error
            raise
        finally:
            if self._on_call:
                account = {"username": self._username, "password": REDACTED}
                self._on_call(ApiCall(endpoint.name, {**account, **fields}, received or None, failure))
            del failure  # it refers to this frame
