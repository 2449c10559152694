"""What the documented client brings to the road: its own normalizer and the kwtSMS cleaners, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from notifykit import Channel, Cleaner, Normalizer, PluginHost, Recipient, Rejected, Settings, hookimpl
from notifykit.errors import InvalidRecipient
from notifykit_kwtsms.phone.documented import validate_phone_input
from notifykit_kwtsms.phone.normalizer import KwtSmsNormalizer
from notifykit_kwtsms.text.cleaning import CLEANERS


@attrs.frozen
class DocumentedNormalizer:
    """Takes any 7 to 15 digits, whatever stands between them, as the documentation's own samples need."""

    #: What settings and listings call it.
    name = "kwtsms-documented"

    #: The country that completes local numbers, ``965`` or ``KW``; None completes none.
    default_country: str | None = None
    _local: KwtSmsNormalizer | None = attrs.field(init=False, repr=False, eq=False)

    @_local.default
    def _(self) -> KwtSmsNormalizer | None:
        if not self.default_country:
            return None
        return KwtSmsNormalizer(default_country=self.default_country, kuwait_rule="relaxed")

    def normalize(self, raw: str, channel: Channel) -> Recipient | Rejected | None:
        """Return the number, or a rejection; its documented words, which show the number, are added at the edge."""
        valid, _, digits = validate_phone_input(raw)
        if not valid:
            return Rejected(raw, InvalidRecipient("This is not a phone number."))
        completed = self._local.normalize(raw, channel) if self._local else None
        return completed if isinstance(completed, Recipient) else Recipient(digits, channel, raw=raw)


class _Stations:
    """The plugin."""

    def __init__(self, default_country: str | None) -> None:
        self._normalizer = DocumentedNormalizer(default_country)

    @hookimpl
    def notifykit_normalizers(self, settings: Settings) -> Sequence[Normalizer]:
        """Bring the documented reading of numbers."""
        return [self._normalizer]

    @hookimpl
    def notifykit_cleaners(self, settings: Settings) -> Sequence[Cleaner]:
        """Bring the cleaners of the framework's plugin."""
        return CLEANERS


def documented_host(default_country: str | None) -> PluginHost:
    """Return a host that has only what the documentation speaks of: no installed plugin changes what the client does.

    :param default_country: completes local numbers, ``965`` or ``KW``; None completes none.
    :raises ConfigError: where there is no such country.
    """
    host = PluginHost(entry_points=False, builtins=())
    host.register(_Stations(default_country), "kwtsms-documented")
    return host
