"""How fast a provider may be asked. It stands alone: whoever only asks for a balance needs no more of the models."""

from __future__ import annotations

import attrs


@attrs.frozen
class Pace:
    """How fast a provider lets one account ask."""

    #: Requests started in a second.
    per_second: float
    #: What shares the limit, the account for one; the same key is the same limit on the whole machine.
    key: str
