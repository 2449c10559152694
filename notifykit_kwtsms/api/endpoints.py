"""The seven endpoints (gateway facts, section 1). There is no eighth: ``report`` does not exist."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Endpoint:
    """One address below ``/API/``."""

    #: The last part of its path.
    name: str
    #: The fields it needs besides ``username`` and ``password``.
    fields: tuple[str, ...] = ()


BALANCE: Final = Endpoint("balance")
SENDERID: Final = Endpoint("senderid")
COVERAGE: Final = Endpoint("coverage")
VALIDATE: Final = Endpoint("validate", ("mobile",))
SEND: Final = Endpoint("send", ("sender", "mobile", "message"))
STATUS: Final = Endpoint("status", ("msgid",))
DLR: Final = Endpoint("dlr", ("msgid",))

ENDPOINTS: Final = {endpoint.name: endpoint for endpoint in (BALANCE, SENDERID, COVERAGE, VALIDATE, SEND, STATUS, DLR)}
