"""A transport in one line: ``kwtsms://user:password@default?sender=MY-APP&test=1``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import attrs

from notifykit.errors import ConfigError
from notifykit.masking import Secret

_NAME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
_SECRET_OPTIONS: Final = frozenset({"bearer", "key", "password", "secret", "signature", "token"})


@attrs.frozen
class Dsn:
    """The parts of a DSN. Its ``str`` is a DSN too, without the password, the path and other secrets."""

    #: Which transport: ``kwtsms``, ``memory``, ``webhook+http``.
    scheme: str
    #: The host; ``default`` stands for the transport's own.
    host: str = "default"
    #: The port; None stands for the scheme's own.
    port: int | None = None
    #: The account's user name.
    user: str | None = None
    #: The account's password.
    password: Secret | None = None
    #: The path on the host. It is not shown: webhook addresses keep tokens there.
    path: str = attrs.field(default="", repr=False)
    #: What stands behind the question mark.
    options: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str) -> Dsn:
        """Read a DSN, or a bare transport name such as ``memory``.

        :raises ConfigError: where it is neither; the message never repeats the text.
        """
        text = text.strip()
        if _NAME.fullmatch(text):
            return cls(text)
        scheme, separator, _ = text.partition("://")
        if not separator or not _NAME.fullmatch(scheme):
            raise ConfigError("a transport is a name like 'kwtsms' or a DSN like 'kwtsms://user:password@default?test=1'")
        try:
            parts = urlsplit(text)
            port = parts.port
            options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        except ValueError:
            raise ConfigError(
                f"the {scheme} DSN can't be read: write scheme://user:password@host:port/path?option=value, "
                "with %40 for @, %2F for / and %3A for : inside the password"
            ) from None
        return cls(
            scheme=scheme,
            host=parts.hostname or "default",
            port=port,
            user=unquote(parts.username) if parts.username else None,
            password=Secret(unquote(parts.password)) if parts.password else None,
            path=parts.path,
            options=options,
        )

    def __str__(self) -> str:
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        shown = {name: value for name, value in self.options.items() if name not in _SECRET_OPTIONS}
        return f"{self.scheme}://{user}{host}{port}" + (f"?{urlencode(shown)}" if shown else "")
