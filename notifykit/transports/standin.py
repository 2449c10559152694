"""What stand-ins for a real transport have in common: they plan as it would."""

from __future__ import annotations

from typing import Final

import attrs

from notifykit.errors import ConfigError
from notifykit.models.capabilities import Capabilities
from notifykit.models.message import Channel
from notifykit.protocols import BuildContext
from notifykit.settings.dsn import Dsn

#: What a stand-in can do that imitates nobody.
ANYTHING: Final = Capabilities(channels=frozenset(Channel), batch_size=200, subjects=True, idempotent=True, live=False)


def capabilities_like(dsn: Dsn, context: BuildContext) -> Capabilities:
    """Return the capabilities of the transport that ``?like=`` names, or of the first that can measure texts.

    RateLimit, notices, reports and the channels are not imitated: nobody has to wait for a stand-in, nothing is delivered
    that could be asked about, and it carries everything, subjects too.

    :raises ConfigError: where there is no transport of that name.
    """
    unknown = set(dsn.options) - {"like"}
    if unknown:
        raise ConfigError(f"{dsn.scheme}: {', '.join(sorted(unknown))} is not an option; there is only like=NAME")
    like = dsn.options.get("like")
    model = context.imitate(like)
    if model is None and like is not None:
        raise ConfigError(f"{dsn.scheme}: there is no transport {like!r} to be like")
    if model is None or not model.live:  # like another stand-in: that one imitates somebody itself
        model = context.imitate(None) or ANYTHING
    return attrs.evolve(
        model,
        channels=frozenset(Channel),
        subjects=True,
        reports=False,
        rate_limit=None,
        notices=(),
        live=False,
    )
