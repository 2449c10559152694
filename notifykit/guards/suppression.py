"""``suppression``: recipients who unsubscribed get nothing.

Their addresses are in a file, one a line in any written form, with comments after ``#``; it is read again when it
changes. Or they are in a table of a database. Or a callable knows them:
``Notifier(…, guards=[Suppression(is_unsubscribed)])``. The command ``notifykit suppress`` changes a file and a table.
"""

from __future__ import annotations

import os
import pathlib
import threading
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any, Final, Protocol

from notifykit.errors import NotifyError, needs_extra
from notifykit.guards.addresses import AddressList, Normalize, read_address, written_address
from notifykit.guards.options import about, options
from notifykit.models.receipt import Veto
from notifykit.models.recipient import Recipient
from notifykit.protocols import About, Counters, GuardContext
from notifykit.redaction import Secret
from notifykit.settings.files import NotUtf8, read_text
from notifykit.settings.sources import Settings

_NAME: Final = "suppression"
_REPAIR: Final = "Look whether the database runs."
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


class SuppressionTable:
    """Holds back messages to the addresses in a table. One that can't be read holds back everything.

    :param table: finds an address, as ``SuppressionTable`` of :mod:`notifykit.durable.suppressions` does.
    """

    name = _NAME

    def __init__(self, table: Table) -> None:
        self._table = table

    def check(self, envelope: GuardContext, counters: Counters) -> Veto | Recipient | None:
        """Look the recipient up."""
        try:
            return _SUPPRESSED if self._table.find(written_address(envelope.recipient)) else None
        except NotifyError as error:
            return Veto(self.name, getattr(error, "detail", str(error)), getattr(error, "action", _REPAIR))

    def close(self) -> None:
        """Close the connections."""
        self._table.close()


class Table(Protocol):
    """A table of suppressed addresses."""

    def find(self, address: str) -> object:
        """Return the entry of an address; None where there is none.

        :raises NotifyError: if the table can't be read.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def open_table(url: Secret, settings: Settings) -> Any:
    """Return the list in a database: a ``SuppressionTable`` of :mod:`notifykit.durable.suppressions`.

    :raises ConfigError: if the URL is none, or the extra is missing.
    """
    with needs_extra("durable", "guard.suppression_url", "python -m pip"):
        return resolve_name("notifykit.durable.suppressions:SuppressionTable")(url.reveal(), settings)


def notifykit_guards(settings: Settings, normalize: Normalize) -> list[SuppressionFile | SuppressionTable]:
    """Return the guards if the settings name a list; the path of a file starts at the folder of the settings."""
    given = options(settings)
    file, url = given["suppression_file"], given["suppression_url"]
    found: list[SuppressionFile | SuppressionTable] = []
    if file:
        found.append(SuppressionFile(settings.sources.directory / file, normalize))
    if url:
        found.append(SuppressionTable(open_table(url, settings)))
    return found


def notifykit_about() -> About:
    """Return the settings."""
    return about("suppression_file", "suppression_url")
