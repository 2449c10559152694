"""The kwtSMS API: one method an endpoint, and the one place that asks the gateway."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import attrs

from notifykit.errors import (
    AuthFailed,
    OutcomeUnknown,
    ProviderUnavailable,
    TransportError,
    Unclassified,
)
from notifykit.http import HttpAnswer, HttpClient, error_for_status
from notifykit.network import Network
from notifykit.redaction import Secret, SecretBytes, scrub
from notifykit_kwtsms.api.codes import error_for
from notifykit_kwtsms.api.facts import BALANCE, BASE_URL, COVERAGE, DLR, SEND, SENDERID, STATUS, VALIDATE, Endpoint

#: Whole numbers below it are the same as floats.
_EXACT: Final = 1 << 53


_CODE: Final = re.compile(r"ERR[0-9]{3}")


#: What to do where the gateway refuses without saying why.
_BLOCKED: Final = (
    "Check KWTSMS_USERNAME and KWTSMS_PASSWORD; if they are right, this machine's IP may be blocked for more than 5 "
    "requests a second: stop for a while, and see which other program sends from here."
)


def parse_body(body: bytes) -> Mapping[str, Any]:
    """Return the fields of the JSON object that a body is; none where it is something else."""
    try:
        fields = json.loads(body.decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def checked_fields(answer: HttpAnswer, fields: Mapping[str, Any], secrets: Iterable[Secret] = ()) -> Mapping[str, Any]:
    """Return the fields of an answer if it says OK.

    The HTTP status is only looked at where the body says nothing: errors come with 200, 400 and 403 (gateway facts,
    section 1.0).

    :param answer: the answer.
    :param fields: what :func:`parse_body` found in its body.
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


#: What stands for the password.
MASK: Final = "***"


def _counted(fields: Mapping[str, Any] | None) -> str:
    return "None" if fields is None else f"<{len(fields)}>"


@attrs.frozen
class Call:
    """One request, and what came of it."""

    #: The endpoint's name, ``send``.
    endpoint: str
    #: The fields that were sent, in their order; the password is :data:`MASK`.
    request: Mapping[str, str] = attrs.field(repr=_counted)
    #: The fields that came back, whatever they say; None where nothing readable did.
    answer: Mapping[str, Any] | None = attrs.field(repr=_counted)
    #: Why the call failed; None where the gateway said OK.
    failure: BaseException | None = None

    @property
    def ok(self) -> bool:
        """Whether the gateway said OK."""
        return self.failure is None

    @property
    def error(self) -> str | None:
        """Why there is no answer that means something; None where there is, though it may be a refusal."""
        if self.failure is None or str((self.answer or {}).get("result", "")).upper() == "ERROR":
            return None
        if isinstance(self.failure, TransportError):
            return f"{self.failure.code}: {self.failure.detail}"
        return type(self.failure).__name__


#: Hears each call, from the thread that made it. It must not raise.
Listener: TypeAlias = Callable[[Call], None]


_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


@attrs.frozen
class Balance:
    """What is left, and what was ever bought."""

    #: Points left; None where the gateway sent no number.
    available: float | None
    #: Points bought in all.
    purchased: float | None


@attrs.frozen
class Validation:
    """What the gateway thinks of numbers: form and route, not whether somebody has them."""

    #: Well-formed and routable on this account.
    ok: tuple[str, ...] = attrs.field(repr=False)
    #: Malformed.
    error: tuple[str, ...] = attrs.field(repr=False)
    #: No route: the country is not activated.
    no_route: tuple[str, ...] = attrs.field(repr=False)
    #: The whole answer as it came.
    fields: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class Sent:
    """What the gateway says about a request that it took."""

    #: One id for the whole request.
    message_id: str | None
    #: How many numbers it counted.
    numbers: int | None
    #: Points it charged.
    points: float | None
    #: Points left.
    balance: float | None
    #: The whole answer as it came, the server's time stamp in it: its zone is not known, so nothing computes with it.
    fields: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class Dispatch:
    """Where a message is inside the gateway. It says nothing about the handset."""

    #: The gateway's word: ``sent``, ``queued``, …
    status: str
    #: Its words about it.
    description: str | None
    #: The whole answer as it came.
    fields: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class Report:
    """What a network outside Kuwait said about one number."""

    #: The number.
    number: str = attrs.field(repr=False)
    #: Free words: nobody has a list of them.
    status: str


class ApiClient:
    """One account at the gateway. Every method raises :class:`~notifykit.errors.TransportError`.

    :param username: the API user.
    :param password: the API password.
    :param base_url: the address, with its last slash.
    :param listener: hears each call.
    :param turn: called before each question; it returns when the account may ask. The gateway counts questions and
        sends together, and blocks an IP for more than five a second. Sends are paced by the road.
    :param network: the proxy and the certificates.
    """

    def __init__(
        self,
        username: str,
        password: Secret,
        base_url: str,
        listener: Listener | None = None,
        turn: Callable[[], None] | None = None,
        network: Network | None = None,
    ) -> None:
        self._client = HttpClient(base_url, network=network)
        self._username = username
        self._password = password
        self._listener = listener
        self._turn = turn

    def balance(self, timeout: float) -> Balance:
        """Ask for the balance, in points."""
        fields = self._ask(BALANCE, {}, timeout)
        return Balance(number(fields.get("available")), number(fields.get("purchased")))

    def senderids(self, timeout: float) -> tuple[str, ...]:
        """Ask for the sender IDs of the account."""
        return _texts(self._ask(SENDERID, {}, timeout).get("senderid"))

    def coverage(self, timeout: float) -> tuple[str, ...]:
        """Ask for the country prefixes that are active. Both names of the list that sources give are read."""
        fields = self._ask(COVERAGE, {}, timeout)
        return _texts(fields.get("prefixes", fields.get("coverage")))

    def validate(self, numbers: Iterable[str], timeout: float) -> Validation:
        """Ask what the gateway thinks of at most 200 numbers."""
        fields = self._ask(VALIDATE, {"mobile": ",".join(numbers)}, timeout)
        buckets = fields.get("mobile")
        if not isinstance(buckets, Mapping):
            buckets = {}
        return Validation(_texts(buckets.get("OK")), _texts(buckets.get("ER")), _texts(buckets.get("NR")), fields)

    def send(self, sender: str, numbers: Iterable[str], text: str, timeout: float, *, test: bool) -> Sent:
        """Send one text to at most 200 numbers.

        :raises OutcomeUnknown: where nobody can tell whether it was sent.
        """
        asked = {"sender": sender, "mobile": ",".join(numbers), "message": text, "test": "1" if test else "0"}
        fields = self._call(SEND, asked, timeout)
        numbers_counted = number(fields.get("numbers"))
        message_id = fields.get("msg-id")
        return Sent(
            message_id=str(message_id) if message_id else None,
            numbers=None if numbers_counted is None else int(numbers_counted),
            points=number(fields.get("points-charged")),
            balance=number(fields.get("balance-after")),
            fields=fields,
        )

    def status(self, message_id: str, timeout: float) -> Dispatch:
        """Ask where a message is."""
        fields = self._ask(STATUS, {"msgid": message_id}, timeout)
        description = fields.get("description")
        return Dispatch(str(fields.get("status", "")), None if description is None else str(description), fields)

    def delivery_reports(self, message_id: str, timeout: float) -> tuple[Report, ...]:
        """Ask for delivery reports: there are none for Kuwait, and none elsewhere before five minutes."""
        reports = self._ask(DLR, {"msgid": message_id}, timeout).get("report")
        return tuple(
            Report(str(report.get("Number", "")), str(report.get("Status", "")))
            for report in (reports if isinstance(reports, list) else ())
            if isinstance(report, Mapping)
        )

    def connect(self, timeout: float) -> None:
        """Open a connection for the next request, unless one is idle."""
        self._client.connect(timeout)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, endpoint: Endpoint, fields: Mapping[str, str], timeout: float) -> Mapping[str, Any]:
        """Call an endpoint that only answers questions: a lost answer costs nothing there, so asking again is safe."""
        if self._turn:
            self.connect(timeout)
            self._turn()
        try:
            return self._call(endpoint, fields, timeout)
        except OutcomeUnknown as error:
            raise ProviderUnavailable(
                f"No readable answer to the question for {endpoint.name}.",
                error.code,
                action="Ask again; nothing is sent or charged by asking.",
            ) from error

    def _call(self, endpoint: Endpoint, fields: Mapping[str, str], timeout: float) -> Mapping[str, Any]:
        asked = {"username": self._username, "password": self._password.reveal(), **fields}
        body = SecretBytes(json.dumps(asked).encode("ascii"))
        del asked  # a traceback shows variables
        heard: Mapping[str, Any] = {}
        try:
            answer = self._client.post(f"{endpoint.name}/", body, _HEADERS, timeout)
            heard = parse_body(answer.body)
            said = checked_fields(answer, heard, self._secrets(fields))
        except BaseException as error:
            self._tell(endpoint, fields, heard, error)
            raise
        self._tell(endpoint, fields, heard, None)
        return said

    def _secrets(self, fields: Mapping[str, str]) -> Iterator[Secret]:
        """Yield what must not be in the words of an error, where there is one."""
        yield self._password
        yield Secret(self._username)
        yield from (Secret(fields[name]) for name in ("message", "mobile") if fields.get(name))

    def _tell(
        self, endpoint: Endpoint, fields: Mapping[str, str], heard: Mapping[str, Any], failure: BaseException | None
    ) -> None:
        if self._listener:
            asked = {"username": self._username, "password": MASK, **fields}
            self._listener(Call(endpoint.name, asked, heard or None, failure))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
