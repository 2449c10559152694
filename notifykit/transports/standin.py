"""What stand-ins for a real transport have in common: they plan as it would."""

from __future__ import annotations

import attrs

from notifykit.dsn import Dsn
from notifykit.errors import ConfigError
from notifykit.models import Capabilities, Channel
from notifykit.protocols import BuildContext


def capabilities_like(dsn: Dsn, context: BuildContext) -> Capabilities:
    """Return the capabilities of the transport that ``?like=`` names, or of the first that can measure texts.

    Pace, notices and the channels are not imitated: nobody has to wait for a stand-in, and it carries everything.

    :raises ConfigError: where there is no transport of that name.
    """
    unknown = set(dsn.options) - {"like"}
    if unknown:
        raise ConfigError(f"{dsn.scheme}: {', '.join(sorted(unknown))} is not an option; there is only like=NAME")
    like = dsn.options.get("like")
    model = context.imitate(like)
    if model is None and like is not None:
        raise ConfigError(f"{dsn.scheme}: there is no transport {like!r} to be like")
    model = model or Capabilities(batch_size=200)
    return attrs.evolve(model, channels=frozenset(Channel), pace=None, notices=(), test_mode=True, live=False)
