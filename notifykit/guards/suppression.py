"""``suppression``: recipients who unsubscribed get nothing.

Their addresses are in a file, one a line in any written form, with comments after ``#``; it is read again when it
changes. Or a callable knows them: ``Notifier(…, guards=[Suppression(is_unsubscribed)])``.
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
from notifykit.settings.files import NotUtf8, read_text
from notifykit.settings.sources import Settings

_NAME: Final = "suppression"
_SUPPRESSED: Final = Veto(
    _NAME,
    "The recipient is on the suppression list.",
    "Nothing to do; a recipient who subscribes again is taken off the list.",
)


class Suppression:
    """Holds back messages to suppressed recipients, as a callable knows them.

    :param suppressed: returns whether a canonical address is suppressed. If it raises, the message is held back. It is
        called from several threads.
    """

    name = _NAME

    def __init__(self, suppressed: Callable[[str], bool]) -> None:
        if not callable(suppressed):
            raise TypeError("Suppression takes a callable: it gets an address and returns whether that is suppressed")
        self._suppressed = suppressed

    def check(self, envelope: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Ask the callable."""
        answer = self._suppressed(envelope.recipient.address)
        if not isinstance(answer, bool):
            raise TypeError("the callable has to return True or False")
        return _SUPPRESSED if answer else None


class SuppressionFile:
    """Holds back messages to the addresses in a file. A file that can't be read holds back everything.

    :param path: the file.
    :param normalize: reads its addresses as the pipeline does.
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
            self._reload()
            if self._problem:
                return self._problem
            return _SUPPRESSED if envelope.recipient in self._list else None

    def _reload(self) -> None:
        """Read the file if it has changed."""
        try:
            status = self._file.stat()
            state = (status.st_mtime_ns, status.st_size, status.st_ino)
            if state != self._state:
                self._list, self._problem = self._read()
                self._state = state
        except (OSError, NotUtf8) as error:
            self._state = None
            self._problem = Veto(
                self.name,
                f"The suppression file can't be read ({type(error).__name__}).",
                f"Put {self._file.name} back, as UTF-8 and readable for this user; an empty file suppresses no address.",
            )

    def _read(self) -> tuple[AddressList, Veto | None]:
        addresses: set[str] = set()
        wrong: list[int] = []
        for number, line in enumerate(read_text(self._file).splitlines(), 1):
            written = line.partition("#")[0].strip().rstrip(",;")
            if written:
                try:
                    addresses.add(read_address(written, self._normalize).address.casefold())
                except ValueError:
                    wrong.append(number)
        known = AddressList(frozenset(addresses))
        if not wrong:
            return known, None
        lines = ", ".join(map(str, wrong[:5])) + (", …" if len(wrong) > 5 else "")
        return known, Veto(
            self.name,
            f"The suppression file has lines that are no addresses: {lines}.",
            f"Put them right in {self._file.name}: an address a line, # before a comment.",
        )


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[SuppressionFile]:
    """Return the guard if the settings name a file; a relative one starts at the folder of the settings."""
    file = options(settings)["suppression_file"]
    return [SuppressionFile(settings.sources.directory / file, normalize)] if file else []


def notifykit_about() -> About:
    """Return the settings."""
    return about("suppression_file")
