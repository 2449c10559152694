"""The verifier: sends one-time codes, and says whether what a person typed is right."""

from __future__ import annotations

from typing import Any, Self

from notifykit.models.message import Channel
from notifykit.pipeline.components import Via
from notifykit.pipeline.notifier import Notifier
from notifykit.verify.base import VerifierBase
from notifykit.verify.results import Checked, Started


class Verifier(VerifierBase):
    """Sends one-time codes and checks them. Safe to share between threads.

    >>> verifier = Verifier(notifier, purpose="login")  # doctest: +SKIP
    >>> verifier.start("+965 9876 5432", client="203.0.113.9", language="ar").status  # doctest: +SKIP
    'sent'
    >>> verifier.check("+965 9876 5432", "١٢٣٤٥٦").ok  # doctest: +SKIP
    True
    """

    notifier: Notifier

    def start(
        self,
        number: str,
        *,
        client: Any = None,
        language: str | None = None,
        via: Via | None = None,
        to: str | None = None,
        channel: Channel | str = Channel.SMS,
        sender: str | None = None,
        new: bool = False,
    ) -> Started:
        """Send a code to a number, or the same code again while it is valid, and return what happened.

        The message is counted in every limit before it is sent, in one step for all processes. A message that certainly
        was not sent is not counted. After an unknown outcome the code is valid, and the message stays counted.

        :param number: a telephone number, however it is written.
        :param client: the address of who asks, IPv4 or IPv6: without it ``per_client`` limits nothing.
        :param language: the person's language, ``ar`` or ``ar-KW``.
        :param via: another transport for this message: the same code over it is the answer to "it never came".
        :param to: another address of the same person, such as an e-mail address with ``channel="email"``.
        :param channel: the medium of ``to``.
        :param sender: the sender's name; without one the transport's own.
        :param new: send another code, and make the one before void.
        :raises ValueError: if ``client`` is no IP address.
        :raises ConfigError: if ``via`` can't be used, or the store can't be opened.
        :raises StoreUnavailable: if the store can't be used. Before the message is sent nothing happened; afterwards it
            stays counted, and the code is valid.
        """
        begun = self._begin(number, client, language, via, to, channel, new=new)
        if isinstance(begun, Started):
            return begun
        (receipt,) = self.notifier.send(sender=sender, via=via, **self._sending(*begun))
        return self._finish(*begun, receipt)

    def check(self, number: str, code: str) -> Checked:
        """Return whether a person typed the code that was sent to a number. It is right once.

        Each wrong code is counted, in one step for all processes. The answer for a number that never asked is the same as
        for one that did, and takes the same time.

        :param number: the number, however it is written.
        :param code: what was typed: digits of any script, with spaces or dashes.
        :raises StoreUnavailable: if the store can't be used: then nothing is right.
        """
        return self._check(number, code)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
