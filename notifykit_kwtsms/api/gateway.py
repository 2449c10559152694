"""The gateway's seven endpoints, a method each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from notifykit.errors import OutcomeUnknown, ProviderUnavailable
from notifykit.http import HttpClient
from notifykit.http.network import Network
from notifykit.redaction import Secret, SecretBytes
from notifykit_kwtsms.api import answers, endpoints
from notifykit_kwtsms.api.calls import MASK, Call, Listener
from notifykit_kwtsms.api.endpoints import Endpoint

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


class Gateway:
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
        fields = self._ask(endpoints.BALANCE, {}, timeout)
        return Balance(answers.number(fields.get("available")), answers.number(fields.get("purchased")))

    def senderids(self, timeout: float) -> tuple[str, ...]:
        """Ask for the sender IDs of the account."""
        return _texts(self._ask(endpoints.SENDERID, {}, timeout).get("senderid"))

    def coverage(self, timeout: float) -> tuple[str, ...]:
        """Ask for the country prefixes that are active. Both names of the list that sources give are read."""
        fields = self._ask(endpoints.COVERAGE, {}, timeout)
        return _texts(fields.get("prefixes", fields.get("coverage")))

    def validate(self, numbers: Iterable[str], timeout: float) -> Validation:
        """Ask what the gateway thinks of at most 200 numbers."""
        fields = self._ask(endpoints.VALIDATE, {"mobile": ",".join(numbers)}, timeout)
        buckets = fields.get("mobile")
        if not isinstance(buckets, Mapping):
            buckets = {}
        return Validation(_texts(buckets.get("OK")), _texts(buckets.get("ER")), _texts(buckets.get("NR")), fields)

    def send(self, sender: str, numbers: Iterable[str], text: str, timeout: float, *, test: bool) -> Sent:
        """Send one text to at most 200 numbers.

        :raises OutcomeUnknown: where nobody can tell whether it was sent.
        """
        asked = {"sender": sender, "mobile": ",".join(numbers), "message": text, "test": "1" if test else "0"}
        fields = self._call(endpoints.SEND, asked, timeout)
        numbers_counted = answers.number(fields.get("numbers"))
        message_id = fields.get("msg-id")
        return Sent(
            message_id=str(message_id) if message_id else None,
            numbers=None if numbers_counted is None else int(numbers_counted),
            points=answers.number(fields.get("points-charged")),
            balance=answers.number(fields.get("balance-after")),
            fields=fields,
        )

    def status(self, message_id: str, timeout: float) -> Dispatch:
        """Ask where a message is."""
        fields = self._ask(endpoints.STATUS, {"msgid": message_id}, timeout)
        description = fields.get("description")
        return Dispatch(str(fields.get("status", "")), None if description is None else str(description), fields)

    def delivery_reports(self, message_id: str, timeout: float) -> tuple[Report, ...]:
        """Ask for delivery reports: there are none for Kuwait, and none elsewhere before five minutes."""
        reports = self._ask(endpoints.DLR, {"msgid": message_id}, timeout).get("report")
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
            heard = answers.fields_of(answer.body)
            said = answers.read(answer, heard, self._secrets(fields))
        except BaseException as error:
            if self._listener:
                self._listener(self._logged(endpoint, fields, heard, error))
            raise
        if self._listener:
            self._listener(self._logged(endpoint, fields, heard, None))
        return said

    def _secrets(self, fields: Mapping[str, str]) -> Iterator[Secret]:
        """Yield what must not be in the words of an error, where there is one."""
        yield self._password
        yield Secret(self._username)
        yield from (Secret(fields[name]) for name in ("message", "mobile") if fields.get(name))

    def _logged(
        self, endpoint: Endpoint, fields: Mapping[str, str], heard: Mapping[str, Any], failure: BaseException | None
    ) -> Call:
        asked = {"username": self._username, "password": MASK, **fields}
        return Call(endpoint.name, asked, heard or None, failure)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
