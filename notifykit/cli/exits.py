"""Exit codes: what a script may rely on."""

from __future__ import annotations

import enum
from typing import Final


class Exit(enum.IntEnum):
    """How a command ended."""

    #: All accepted, all valid, all well.
    OK = 0
    #: Nothing was accepted, or any other failure.
    FAILED = 1
    #: The command line or the settings can't be used, or a question could not be asked.
    USAGE = 2
    #: Some were accepted and some not, or some numbers are not valid.
    PARTLY = 3
    #: The account's credentials or permissions, or there are no credentials.
    CREDENTIALS = 4
    #: The provider could not be reached; certainly not sent.
    NOT_REACHED = 5
    #: It may have been sent: look before you send again.
    UNKNOWN = 6
    #: Not enough credit, or above the limit of what may be spent, with a yes or at all.
    CREDIT = 7
    #: Too much at once: a batch after all tries, a single send that is told to wait.
    RATE = 8
    #: A plugin failed or is missing: no other brings what was named.
    PLUGIN = 9
    #: Ctrl-C.
    INTERRUPTED = 130


#: The same for people: ``notifykit help exit-codes``.
MEANINGS: Final = {
    Exit.OK: "all accepted, all valid, all well",
    Exit.FAILED: "nothing was accepted, or any other failure",
    Exit.USAGE: "the command line or the settings can't be used, or a question could not be asked",
    Exit.PARTLY: "some were accepted and some not, or some numbers are not valid",
    Exit.CREDENTIALS: "the account's user name, password, permission or IP address: wrong or missing",
    Exit.NOT_REACHED: "the provider could not be reached: certainly not sent",
    Exit.UNKNOWN: "it may have been sent: look before you send again",
    Exit.CREDIT: "not enough credit, above --max-cost and not confirmed, or held back by spend_cap",
    Exit.RATE: "too much at once: a batch after all tries, a single send that is told to wait",
    Exit.PLUGIN: "a plugin failed or is missing: none brings the transport that was named",
    Exit.INTERRUPTED: "Ctrl-C",
}
