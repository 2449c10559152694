"""``suppression``: nobody is sent to who asked not to be.

The addresses are those of a file, one a line in any written form with comments behind ``#``; it is read again when it
changes. Or a callable says who they are: ``Notifier(…, guards=[Suppression(asked_not_to_be)])``.
"""

from __future__ import annotations

import os
import pathlib
import threading
from collections.abc import Callable
from typing import Final

from notifykit.guards.addresses import AddressList, Normalize, read_address
from notifykit.guards.options import about, options
from notifykit.models.receipt import Veto
from notifykit.models.recipient import Recipient
from notifykit.protocols import About, Counters, GuardContext
from notifykit.settings.sources import Settings

_NAME: Final = "suppression"
_SUPPRESSED: Final = Veto(
    _NAME,
    "The recipient asked not to be sent to.",
    "Leave it at that; whoever changes their mind is taken off the list.",
)


class Suppression:
    """Holds back what would go to somebody who asked not to be sent to.

    :param suppressed: returns, for a canonical address, whether its owner did. Where it raises, the message is held
        back. It is called from several threads.
    """

    name = _NAME

    def __init__(self, suppressed: Callable[[str], bool]) -> None:
        if not callable(suppressed):
            raise TypeError("Suppression takes a callable: one that says of an address whether it is suppressed")
        self._suppressed = suppressed

    def check(self, envelope: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Ask the callable."""
        answer = self._suppressed(envelope.recipient.address)
        if not isinstance(answer, bool):
            raise TypeError("the callable says True or False")
        return _SUPPRESSED if answer else None


class SuppressionFile:
    """Holds back what would go to an address in a file. A file that can't be read holds back everything.

    :param path: the file.
    :param normalize: reads its addresses as the road does.
    """

    name = _NAME

    def __init__(self, path: str | os.PathLike[str], normalize: Normalize) -> None:
        self._file = pathlib.Path(path).absolute()
        self._normalize = normalize
        self._lock = threading.Lock()
        self._state: tuple[int, int, int] | None = None
        self._list = AddressList(frozenset())
        self._problem: Veto | None = None

    def check(self, envelope: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Look the recipient up."""
        with self._lock:
            self._read_again()
            if self._problem:
                return self._problem
            return _SUPPRESSED if envelope.recipient in self._list else None

    def _read_again(self) -> None:
        """Read the file where it is not the one that was read."""
        try:
            status = self._file.stat()
            state = (status.st_mtime_ns, status.st_size, status.st_ino)
            if state != self._state:
                self._list, self._problem = self._read()
                self._state = state
        except (OSError, UnicodeDecodeError) as error:
            self._state = None
            self._problem = Veto(
                self.name,
                f"The file of those who asked not to be sent to can't be read ({type(error).__name__}).",
                f"Put {self._file.name} back, as UTF-8 and readable for this user; an empty file suppresses nobody.",
            )

    def _read(self) -> tuple[AddressList, Veto | None]:
        addresses = set()
        wrong: list[int] = []
        for number, line in enumerate(self._file.read_text(encoding="utf-8-sig").splitlines(), 1):
            written = line.partition("#")[0].strip().rstrip(",;")
            if written:
                try:
                    addresses.add(read_address(written, self._normalize).address.casefold())
                except ValueError:
                    wrong.append(number)
        if not wrong:
            return AddressList(frozenset(addresses)), None
        lines = ", ".join(map(str, wrong[:5])) + (", …" if len(wrong) > 5 else "")
        return AddressList(frozenset(addresses)), Veto(
            self.name,
            f"The file of those who asked not to be sent to has lines that are no addresses: {lines}.",
            f"Put them right in {self._file.name}: an address a line, # before a comment.",
        )


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[SuppressionFile]:
    """Bring ``suppression`` where the settings name a file; its folder is that of the settings."""
    file = options(settings)["suppression_file"]
    return [SuppressionFile(settings.sources.directory / file, normalize)] if file else []


def notifykit_about() -> About:
    """Tell of the settings."""
    return about("suppression_file")
