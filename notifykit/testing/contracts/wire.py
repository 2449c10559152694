"""What every transport promises that talks to a server: an honest outcome, whatever the server does."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from notifykit.errors import TransportError
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import Transport
from notifykit.testing.contracts.base import clause
from notifykit.testing.contracts.http_server import Behaviour, HttpWire, Server, ServerRequest, closing_server, saying
from notifykit.testing.contracts.transport import TransportContract, is_certain


class WireContract(TransportContract):
    """Subclass it, and say how your transport is pointed at a server, and what your provider's yes looks like.

    ``def transport_to(self, url): return Mine(url)`` and ``def yes(self, request): return http_answer('{"id": 1}')``.
    Name in :meth:`no` the answers by which your provider says that it accepted nothing.
    """

    #: The protocol.
    wire: ClassVar[HttpWire] = HttpWire()
    #: Whether any success counts as the provider's yes, whatever its body says.
    any_success_is_yes: ClassVar[bool] = False
    #: The timeout for silent and slow servers, in seconds.
    short: ClassVar[float] = 0.2
    #: Seconds that a send may take beyond its timeout.
    slack: ClassVar[float] = 3.0

    def transport_to(self, url: str) -> Transport:
        """Return a new one of your transports that sends to a server.

        :param url: the server's address: ``http://127.0.0.1:PORT``, without a slash at the end.
        """
        raise NotImplementedError("say what is tested: def transport_to(self, url): return MyTransport(url)")

    def yes(self, request: bytes) -> bytes:
        """Return your provider's answer when it accepted everything, in bytes.

        :param request: the request that it answers.
        """
        raise NotImplementedError("say what your provider answers: def yes(self, request): return http_answer('…')")

    def no(self) -> Mapping[str, bytes]:
        """Return answers by which your provider says that it accepted nothing, each under a name for failures."""
        return {}

    def reads(self, request: bytes) -> Sequence[tuple[str, str]] | None:
        """Return the addresses in a request, each with the text, in their order; None where you can't say.

        :param request: the request, in bytes.
        """
        return None

    def quotes(self, request: bytes) -> Mapping[str, bytes]:
        """Return answers in your provider's form that repeat parts of the request, such as reasons for a refusal."""
        return {}

    def transport(self) -> Transport:
        """Return a transport to a server that accepts everything."""
        self._server = self.serving()
        return self.transport_to(self._server.url)

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]] | None:
        """Return what the server read."""
        read = [self.reads(request) for request in self._server.requests]
        return None if None in read else [one for some in read for one in some or ()]

    # --- the clauses ---

    @clause("Read the answer, or correct yes() of the contract.")
    def test_the_provider_s_yes_is_a_submission(self) -> None:
        """The provider's yes to one request is a Submission."""
        server = self.serving()
        result = self._send_to(server)
        given = self.yes(server.requests[0]) if server.requests else "no request came"
        right = isinstance(result, Submission) and len(server.requests) == 1
        self.promise(right, given=given, got=(result, f"{len(server.requests)} requests"))

    @clause("Raise the class that matches, or take the answer out of no().")
    def test_the_provider_s_no_is_certain(self) -> None:
        """The provider's no is a TransportError that says that sending again is safe."""
        for name, octets in self.no().items():
            result = self._send_to(self.serving(saying(octets)))
            self.promise(is_certain(result), given=(name, octets), got=result)

    @clause("Raise NotReached where the connection fails.")
    def test_a_failed_connection_is_certain(self) -> None:
        """Where no server listens, the error says that sending again is safe."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        result = self._send(self.transport_to(self.wire.url(port)))
        self.promise(is_certain(result), got=result)

    @clause("Raise OutcomeUnknown, or NotReached where you know that nothing was sent.")
    def test_a_connection_closed_at_once_is_no_yes(self) -> None:
        """A connection that is closed or reset before the server read anything is no yes."""
        for reset in (False, True):
            with closing_server(reset=reset) as server:
                result = self._send_to(server)
            self.promise(isinstance(result, Exception), given="a reset" if reset else "a close", got=result)

    @clause("Raise OutcomeUnknown for everything that goes wrong after the request may have been sent.")
    def test_a_lost_answer_is_unknown(self) -> None:
        """Where the request was read and no readable answer comes, the outcome is unknown."""
        for name, behaviour in self.wire.lost(self._yes()).items():
            self._must_be_unknown(name, self._send_to(self.serving(behaviour)))

    @clause("Raise OutcomeUnknown for every answer without your provider's yes or no.")
    def test_an_answer_that_says_nothing_is_unknown(self) -> None:
        """After a proxy's error page, or a success without the provider's word, the outcome is unknown."""
        for name, octets in {**self.wire.unreadable(), **self.wire.polite()}.items():
            result = self._send_to(self.serving(saying(octets)))
            allowed = self.any_success_is_yes and name in self.wire.polite() and isinstance(result, Submission)
            if not allowed and octets not in self.no().values():
                self._must_be_unknown(name, result)

    @clause("Return a Submission only for your provider's yes.")
    def test_a_refusal_is_no_yes(self) -> None:
        """A redirect or a refusal is no yes."""
        for name in self.wire.refused(0):
            with self._redirecting(name) as server:
                result = self._send_to(server)
            self.promise(isinstance(result, Exception), given=name, got=result)

    @clause("Switch redirects off in your HTTP library, or use notifykit.http.HttpClient.")
    def test_a_redirect_is_not_followed(self) -> None:
        """A redirect is not followed: it would give the password and the message to another server."""
        for name in self.wire.refused(0):
            with self._redirecting(name) as server:
                self._send_to(server)
            self._must_be_one_request(name, server)

    @clause("Read on after a 1xx, or raise OutcomeUnknown.")
    def test_an_interim_answer_is_not_the_last(self) -> None:
        """An interim answer such as "100 Continue" is no refusal: the answer comes after it."""
        for name, octets in self.wire.interim(self._yes()).items():
            result = self._send_to(self.serving(saying(octets)))
            self.promise(not is_certain(result), given=name, got=result)

    @clause("Switch off retries in your HTTP library, for connection errors too.")
    def test_a_request_arrives_at_most_once(self) -> None:
        """One send is one request, whatever happens to it: the pipeline decides about another try."""
        answers = {**self.wire.unreadable(), **self.wire.refused(9)}
        behaviours = {**self.wire.lost(self._yes()), **{name: saying(octets) for name, octets in answers.items()}}
        for name, behaviour in behaviours.items():
            server = self.serving(behaviour)
            self._send_to(server)
            self._must_be_one_request(name, server)

    @clause(
        "Look whether a kept connection is still open before you use it, and do not repeat the request by yourself."
    )
    def test_a_stale_connection_is_handled(self) -> None:
        """A kept connection that the server closed meanwhile loses no message and doubles none."""

        def once(request: ServerRequest) -> bool:
            request.connection.sendall(self.yes(request.octets))
            return False

        server = self.serving(once)
        transport = self.closing(self.transport_to(server.url))
        results = [self._result(transport, self.batch())]
        time.sleep(0.02)  # the server's close is on its way
        results.append(self._result(transport, self.batch()))
        accepted, requests = sum(isinstance(one, Submission) for one in results), len(server.requests)
        wrong = any(map(is_certain, results)) and requests == 2
        right = accepted <= requests <= 2 and not wrong and accepted
        self.promise(right, got=(results, f"{requests} requests"))

    @clause(
        "Count every read against one deadline for the whole exchange: a timeout for each starts anew with each byte. "
        "notifykit.http.HttpClient does that."
    )
    def test_the_timeout_is_kept(self) -> None:
        """The timeout is kept with a server that says nothing, or a byte now and then, and the outcome is unknown."""
        faults = list(self.wire.late(self._yes()).items())
        servers = [self.serving(behaviour) for _, behaviour in faults]
        transports = [self.closing(self.transport_to(server.url)) for server in servers]

        def work(number: int) -> tuple[object, float]:
            began = time.monotonic()
            results: list[object] = []
            send = threading.Thread(
                target=lambda: results.append(self._result(transports[number], self.batch(), self.short)), daemon=True
            )
            send.start()
            send.join(self.short + self.slack)
            return results[0] if results else None, time.monotonic() - began

        for (name, _), (result, took) in zip(faults, self.in_threads(work, len(faults)), strict=True):
            self.promise(result is not None, given=(name, f"{self.short:g} s"), got=f"no answer after {took:.2f} s")
            self._must_be_unknown(name, result)

    @clause("Let a provider's words go through notifykit.redaction.scrub.")
    def test_a_server_that_quotes_the_request_gives_nothing_away(self) -> None:
        """Servers repeat what they were sent; no event, log, error or receipt shows it."""
        sample = self._sample()
        for name in {**self.wire.quoting(sample), **self.quotes(sample)}:
            transport = self.closing(self.transport_to(self.serving(self._quoting(name)).url))
            self._must_hide_people(*self._sent(transport, [person.address for person in self._recipients()]))

    @clause("Use plain values in errors.")
    def test_errors_pickle(self) -> None:
        """What a send raises pickles, and the copy is the same."""
        answers = {name: saying(octets) for name, octets in self.no().items()}
        for name, behaviour in {**self.wire.lost(self._yes()), **answers}.items():
            result = self._send_to(self.serving(behaviour))
            if isinstance(result, TransportError):
                copy = self.pickled(result, "an error")
                self.promise(repr(copy) == repr(result), given=name, got=copy)

    # --- for clauses ---

    def serving(self, behaviour: Behaviour | None = None) -> Server:
        """Return a running server, closed after the test.

        :param behaviour: what it does with a request that it has read; by default it says yes.
        """

        def agree(request: ServerRequest) -> bool:
            request.connection.sendall(self.yes(request.octets))
            return True

        return self._opened.enter_context(Server(self.wire, behaviour or agree))

    @contextlib.contextmanager
    def _redirecting(self, name: str) -> Iterator[Server]:
        """Run a server that answers the first request by a refusal, and all later ones with yes."""

        def redirect(request: ServerRequest) -> bool:
            first = len(server.requests) == 1
            request.connection.sendall(self.wire.refused(server.port)[name] if first else self.yes(request.octets))
            return True

        with Server(self.wire, redirect) as server:
            yield server

    def _quoting(self, name: str) -> Behaviour:
        def quote(request: ServerRequest) -> bool:
            octets = request.octets
            request.connection.sendall({**self.wire.quoting(octets), **self.quotes(octets)}[name])
            return True

        return quote

    def _sample(self) -> bytes:
        server = self.serving()
        self._send_to(server)
        return server.requests[0] if server.requests else b""

    def _yes(self) -> bytes:
        return self.yes(self._sample())

    def _send(self, transport: Transport) -> object:
        return self._result(self.closing(transport), self.batch())

    def _send_to(self, server: Server) -> object:
        return self._send(self.transport_to(server.url))

    def _result(self, transport: Transport, batch: Batch, timeout: float | None = None) -> object:
        result = super()._result(transport, batch, timeout)
        known = isinstance(result, Submission | Exception)
        return result if known else TypeError(f"a {type(result).__name__} is no Submission")

    def _must_be_one_request(self, name: str, server: Server) -> None:
        self.promise(len(server.requests) <= 1, given=name, got=f"{len(server.requests)} requests")

    def _must_be_unknown(self, name: str, result: object) -> None:
        self.promise(not isinstance(result, Submission) and not is_certain(result), given=name, got=result)
