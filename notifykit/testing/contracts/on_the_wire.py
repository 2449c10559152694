"""What every transport promises that talks to a server: an honest outcome, whatever the server does."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from notifykit.errors import TransportError
from notifykit.models.receipt import Submission
from notifykit.protocols import Transport
from notifykit.testing.contracts.http_wire import HttpWire
from notifykit.testing.contracts.server import Act, Exchange, Server, Wire, saying, slammed
from notifykit.testing.contracts.transport import TransportContract

#: What a send came to: a submission, or what it raised.
Came = Submission | Exception


class WireContract(TransportContract):
    """Subclass it, and say how your transport is pointed at a server, and what your provider's yes looks like.

    ``def transport_to(self, url): return Mine(url)`` and ``def yes(self, request): return http_answer('{"id": 1}')``.
    Name in :meth:`no` the answers by which your provider says that it took nothing.
    """

    #: What is spoken.
    wire: ClassVar[Wire] = HttpWire()
    #: Whether any success counts as the provider's yes, whatever its body says.
    any_success_is_yes: ClassVar[bool] = False
    #: The timeout that silent and dribbling servers are met with, in seconds.
    short: ClassVar[float] = 0.2
    #: Seconds that a send may take beyond its timeout.
    slack: ClassVar[float] = 3.0

    def transport_to(self, url: str) -> Transport:
        """Return a new one of your transports that sends to a server.

        :param url: where the server is: ``http://127.0.0.1:PORT``, without a slash behind.
        """
        raise NotImplementedError("say what is tested: def transport_to(self, url): return MyTransport(url)")

    def yes(self, request: bytes) -> bytes:
        """Return what your provider says when it took everything, as it goes over the wire.

        :param request: the request that it answers.
        """
        raise NotImplementedError("say what your provider answers: def yes(self, request): return http_answer('…')")

    def no(self) -> Mapping[str, bytes]:
        """Return answers by which your provider says that it took nothing, each under a name for failures."""
        return {}

    def reads(self, request: bytes) -> Sequence[tuple[str, str]] | None:
        """Return the addresses in a request, each with the text, in their order; None where you can't say.

        :param request: as it came.
        """
        return None

    def quotes(self, request: bytes) -> Mapping[str, bytes]:
        """Return answers in your provider's form that repeat parts of the request, such as reasons for a refusal."""
        return {}

    def transport(self) -> Transport:
        """Return a transport to a server that takes everything."""
        self._server = self.serving()
        return self.transport_to(self._server.url)

    def arrived(self, transport: Transport) -> Sequence[tuple[str, str]] | None:
        """Return what the server read."""
        read = [self.reads(request) for request in self._server.requests]
        return None if None in read else [one for some in read for one in some or ()]

    # --- the clauses ---

    def test_the_provider_s_yes_is_a_submission(self) -> None:
        """A yes is a Submission, and stands for exactly one request."""
        server = self.serving()
        came = self._send(server)
        self.promise(
            isinstance(came, Submission) and len(server.requests) == 1,
            "the provider's yes to one request is a Submission",
            "Read the answer, or correct yes() of the contract.",
            given=self.yes(server.requests[0]) if server.requests else "no request came",
            got=(came, f"{len(server.requests)} requests"),
        )

    def test_the_provider_s_no_is_certain(self) -> None:
        """Where the provider says that it took nothing, the error says that sending again is safe."""
        for name, octets in self.no().items():
            came = self._send(self.serving(saying(octets)))
            self.promise(
                isinstance(came, TransportError) and came.safe_to_resend,
                "the provider's no is a TransportError that says that nothing was sent",
                "Raise the class that fits, or take the answer out of no().",
                given=(name, octets),
                got=came,
            )

    def test_nobody_listening_is_certain(self) -> None:
        """No connection, no message: the error says that sending again is safe."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        came = self._came(self._closing(self.transport_to(self.wire.url(port))))
        self.promise(
            isinstance(came, TransportError) and came.safe_to_resend,
            "where nobody listens, certainly nothing was sent",
            "Raise NotReached where no connection comes about.",
            got=came,
        )

    def test_a_slammed_door_is_no_yes(self) -> None:
        """A server that hangs up before it has read anything has taken nothing."""
        for reset in (False, True):
            with slammed(reset=reset) as server:
                came = self._came(self._closing(self.transport_to(self.wire.url(server.port))))
            self.promise(
                isinstance(came, Exception),
                "a connection that is closed at once is no yes",
                "Raise OutcomeUnknown, or NotReached where you know that nothing left.",
                given="a reset" if reset else "a close",
                got=came,
            )

    def test_a_lost_answer_is_unknown(self) -> None:
        """The request was read, and no readable answer came: nobody knows whether it was sent."""
        for name, act in self.wire.lost(self.yes(self._sample())).items():
            self._is_unknown(name, self._send(self.serving(act)))

    def test_an_answer_that_says_nothing_is_unknown(self) -> None:
        """A proxy's error page, or a success without the provider's word, leaves it open whether it was sent."""
        for name, octets in self.wire.unreadable().items():
            if octets not in self.no().values():
                self._is_unknown(name, self._send(self.serving(saying(octets))))
        for name, octets in self.wire.polite().items():
            came = self._send(self.serving(saying(octets)))
            if not (self.any_success_is_yes and isinstance(came, Submission)):
                self._is_unknown(name, came)

    def test_a_refusal_is_no_yes(self) -> None:
        """Redirects and refusals are never taken for a yes, whoever gives them."""
        for name in self.wire.refused(0):
            with self._redirecting(name) as server:
                came = self._came(self._closing(self.transport_to(server.url)))
            self.promise(
                isinstance(came, Exception),
                "a redirect or a refusal is no yes",
                "Return a Submission only for your provider's yes.",
                given=name,
                got=came,
            )

    def test_a_redirect_is_not_followed(self) -> None:
        """A redirect would carry the password and the message to somebody else."""
        for name in self.wire.refused(0):
            with self._redirecting(name) as server:
                self._came(self._closing(self.transport_to(server.url)))
            self.promise(
                len(server.requests) <= 1,
                "redirects are not followed",
                "Switch them off in your HTTP library, or use notifykit.http.HttpClient.",
                given=name,
                got=f"{len(server.requests)} requests",
            )

    def test_an_interim_answer_is_not_the_last(self) -> None:
        """Behind "100 Continue" and its like comes the answer; until then nothing is refused."""
        for name, octets in self.wire.interim(self.yes(self._sample())).items():
            came = self._send(self.serving(saying(octets)))
            self.promise(
                not (isinstance(came, TransportError) and came.safe_to_resend),
                "an interim answer is not the provider's last word",
                "Read on behind a 1xx, or raise OutcomeUnknown.",
                given=name,
                got=came,
            )

    def test_a_request_arrives_at_most_once(self) -> None:
        """``send`` makes one request, whatever happens to it: the road decides over another try."""
        for name, act in {
            **self.wire.lost(self.yes(self._sample())),
            **{name: saying(octets) for name, octets in {**self.wire.unreadable(), **self.wire.refused(9)}.items()},
        }.items():
            server = self.serving(act)
            self._send(server)
            self.promise(
                len(server.requests) <= 1,
                "one send is one request",
                "Switch off retries in your HTTP library, for connection errors too.",
                given=name,
                got=f"{len(server.requests)} requests",
            )

    def test_a_connection_that_went_stale_is_no_riddle(self) -> None:
        """A kept connection that the server closed meanwhile costs no message and doubles none."""

        def once(exchange: Exchange) -> bool:
            exchange.connection.sendall(self.yes(exchange.request))
            return False

        server = self.serving(once)
        transport = self._closing(self.transport_to(server.url))
        came = [self._came(transport)]
        time.sleep(0.02)  # the server's close is on its way
        came.append(self._came(transport))
        taken = sum(isinstance(one, Submission) for one in came)
        lied = any(isinstance(one, TransportError) and one.safe_to_resend for one in came)
        self.promise(
            taken <= len(server.requests) <= 2 and not (lied and len(server.requests) == 2) and taken,
            "a stale connection neither loses nor doubles a message",
            "Look whether a kept connection is still open before you use it, and do not repeat the request by yourself.",
            got=(came, f"{len(server.requests)} requests"),
        )

    def test_the_timeout_is_kept(self) -> None:
        """A server that says nothing, or a byte now and then, holds nobody up: the outcome is unknown in time."""
        faults = list(self.wire.late(self.yes(self._sample())).items())
        servers = [self.serving(act) for _, act in faults]
        transports = [self._closing(self.transport_to(server.url)) for server in servers]

        def work(number: int) -> tuple[Came | None, float]:
            began = time.monotonic()
            came: list[Came] = []
            asking = threading.Thread(
                target=lambda: came.append(self._came(transports[number], self.short)), daemon=True
            )
            asking.start()
            asking.join(self.short + self.slack)
            return came[0] if came else None, time.monotonic() - began

        for (name, _), (came, took) in zip(faults, self.together("threads", work, len(faults)), strict=True):
            self.promise(
                came is not None,
                f"a timeout of {self.short:g} s is kept",
                "Count every read against one deadline for the whole exchange: a timeout for each starts anew with "
                "each byte. notifykit.http.HttpClient does that.",
                given=name,
                got=f"no answer after {took:.2f} s",
            )
            if came is not None:
                self._is_unknown(name, came)

    def test_a_server_that_quotes_the_request_gives_nothing_away(self) -> None:
        """Servers repeat what they were sent; no event, log, error or receipt passes that on."""
        sample = self._sample()
        for name in {**self.wire.quoting(sample), **self.quotes(sample)}:
            act = self._quoting(name)
            server = self.serving(act)
            transport = self._closing(self.transport_to(server.url))
            report, told = self._sent(transport, [person.address for person in self._recipients()])
            self._tells_nothing(report, told)

    def test_errors_pickle(self) -> None:
        """What a send raises travels to other processes, and is the same there."""
        acts = {
            **self.wire.lost(self.yes(self._sample())),
            **{name: saying(octets) for name, octets in self.no().items()},
        }
        for name, act in acts.items():
            came = self._send(self.serving(act))
            if isinstance(came, TransportError):
                copy = self.pickled(came, "an error")
                cure = "Use plain values in errors."
                self.promise(
                    repr(copy) == repr(came), "a copy that was pickled is the same", cure, given=name, got=copy
                )

    # --- for clauses ---

    def serving(self, act: Act | None = None) -> Server:
        """Return a running server, closed after the test.

        :param act: what it does with a request that it has read; by default it says yes.
        """

        def agreeing(exchange: Exchange) -> bool:
            exchange.connection.sendall(self.yes(exchange.request))
            return True

        return self._opened.enter_context(Server(self.wire, act or agreeing))

    @contextlib.contextmanager
    def _redirecting(self, name: str) -> Iterator[Server]:
        """Run a server that answers the first request by a refusal, and everything behind it with yes."""

        def act(exchange: Exchange) -> bool:
            first = len(server.requests) == 1
            octets = self.wire.refused(server.port)[name] if first else self.yes(exchange.request)
            exchange.connection.sendall(octets)
            return True

        with Server(self.wire, act) as server:
            yield server

    def _quoting(self, name: str) -> Act:
        def act(exchange: Exchange) -> bool:
            request = exchange.request
            exchange.connection.sendall({**self.wire.quoting(request), **self.quotes(request)}[name])
            return True

        return act

    def _sample(self) -> bytes:
        """Return a request of the transport, as a server reads it."""
        server = self.serving()
        self._send(server)
        return server.requests[0] if server.requests else b""

    def _send(self, server: Server) -> Came:
        return self._came(self._closing(self.transport_to(server.url)))

    def _came(self, transport: Transport, timeout: float | None = None) -> Came:
        try:
            answer: object = transport.send(self.batch(size=1), timeout or self.timeout)
        except Exception as error:  # what it raised is what it came to
            return error
        return answer if isinstance(answer, Submission) else TypeError(f"a {type(answer).__name__} is no Submission")

    def _is_unknown(self, name: str, came: Came) -> None:
        certain = isinstance(came, TransportError) and came.safe_to_resend
        self.promise(
            not isinstance(came, Submission) and not certain,
            "where the request was read and no answer can be, the outcome is unknown",
            "Raise OutcomeUnknown for everything that goes wrong after the request may have left.",
            given=name,
            got=came,
        )
