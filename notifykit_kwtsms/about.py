"""What the ``notifykit`` program can tell of this plugin: its settings, its codes, its checks, its pages of help."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from notifykit import Settings, TransportError
from notifykit.protocols import About, Check
from notifykit_kwtsms.settings import FIELDS, SECTION

_MAGIC_NUMBERS: Final = """\
Numbers of 965 4500 NNNN belong to nobody. The sandbox (`notifykit sandbox`) reads them as orders; the real gateway
does not know them.

  96545000000            accepted, and delivered a second later
  965450000NN            the whole request is refused with ERR0NN: 96545000003 with ERR003
  965450010NN            accepted; only this number is left out, with ERR0NN
  9654500200N            delivery: 0 delivered, 1 failed, 2 expired, 3 blacklisted, 4 switched off and then delivered,
                         5 stuck in the queue, 6 unknown id, 7 report not ready, 8 report twice, 9 report early
  96545003SSS            the answer comes SSS x 100 ms late
  9654500400N            the line breaks: 0 reset before the message is taken, 1 reset after, 2 close, 3 hang,
                         4 half a body, 5 dribble, 6 an HTML page, 7 broken JSON, 8 an error with 403, 9 an empty 503
  96545005NNN            the first NNN tries find the queue full (ERR013), then it works
  96545006NNN            the first NNN tries are taken and their answers lost: the outcome is unknown

A sender called ERR008 is refused with ERR008, and so on.
"""


def _codes() -> Sequence[TransportError]:
    from notifykit_kwtsms.api.codes import CODES

    return [code.as_error() for code in CODES.values()]


def _checks(settings: Settings, *, online: bool) -> Iterable[Check]:
    from notifykit_kwtsms.checks import checks

    return checks(settings, online=online)


ABOUT: Final = About(
    section=SECTION,
    fields=FIELDS,
    codes=_codes,
    checks=_checks,
    topics={"magic-numbers": lambda: _MAGIC_NUMBERS},
)
