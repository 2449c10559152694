"""The settings of the account: from a DSN, arguments, the environment, ``.env`` or ``[tool.notifykit.kwtsms]``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs

from notifykit.errors import MissingCredentials
from notifykit.http.network import Network, is_loopback, url_host
from notifykit.models.capabilities import RateLimit
from notifykit.settings.fields import Field, boolean, names, one_of, path, secret, text
from notifykit_kwtsms.api.facts import ADVISED_PER_SECOND, BASE_URL, BLOCKED_ABOVE_PER_SECOND, SHARED_SENDER
from notifykit_kwtsms.text.links import KEEP, LINK_RULES

if TYPE_CHECKING:
    from notifykit.redaction import Secret
    from notifykit.settings.dsn import Dsn
    from notifykit.settings.sources import Settings

SECTION: Final = "kwtsms"
_SOURCES: Final = (
    "put it into the environment or .env, which Notifier.from_settings() reads and Notifier(…) does not, or use "
    "kwtsms://user:password@default as the transport"
)
_MOST_PER_SECOND: Final = BLOCKED_ABOVE_PER_SECOND - 1


def base_url(value: object) -> str:
    """Return the gateway's address. Every request holds the password, so plain HTTP is for this machine only."""
    address = text(value)
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"is not an address like {BASE_URL}")
    if parts.username or parts.password:
        raise ValueError("must not hold a user name or password: they have settings of their own")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must start with https:// unless it is this machine: it carries the password")
    return address if address.endswith("/") else f"{address}/"


def rate(value: object) -> float:
    """Return requests started per second: at most one fewer than get the IP blocked, because networks bunch them up."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = 0.0
    if 0 < number <= _MOST_PER_SECOND:
        return number
    raise ValueError(f"is not a number above 0 and at most {_MOST_PER_SECOND}: with more, the gateway may block the IP")


USERNAME: Final = Field("username", text, environment=("KWTSMS_USERNAME",), help="The API user, not the website login.")
FIELDS: Final = (
    USERNAME,
    Field("password", secret, environment=("KWTSMS_PASSWORD",), help="The API password."),
    Field("sender", text, None, ("KWTSMS_SENDER_ID", "KWTSMS_SENDER"), help="The sender ID, case sensitive."),
    Field("test", boolean, True, ("KWTSMS_TEST_MODE",), help="1 queues only; 0 sends for real."),
    Field(
        "log_file", path, "kwtsms.log", ("KWTSMS_LOG_FILE",), empty_counts=True, help="The log of the KwtSMS client."
    ),
    Field("base_url", base_url, BASE_URL, ("KWTSMS_BASE_URL",), help="Another gateway: the sandbox."),
    Field("rate", rate, ADVISED_PER_SECOND, ("KWTSMS_RATE",), help="Requests started in a second, on this machine."),
    Field("default_country", text, None, ("KWTSMS_DEFAULT_COUNTRY",), help="Completes local numbers: 965 or KW."),
    Field(
        "kuwait_rule",
        one_of("strict", "relaxed"),
        "strict",
        ("KWTSMS_KUWAIT_RULE",),
        help="strict checks each country's rule; relaxed takes any 7 to 15 digits.",
    ),
    Field(
        "strict_countries",
        names,
        (),
        ("KWTSMS_STRICT_COUNTRIES",),
        help="Countries abroad of which only mobile numbers are taken: EG, IN. Others pass with a notice.",
    ),
    Field(
        "links",
        one_of(*LINK_RULES),
        KEEP,
        ("KWTSMS_LINKS",),
        help="keep writes the address of a link in HTML behind its words; refuse-lost or refuse is an error.",
    ),
)


@attrs.frozen
class KwtSmsSettings:
    """The settings of this plugin, resolved."""

    #: The API user.
    username: str | None
    #: The API password.
    password: Secret | None
    #: The sender ID of messages without one.
    sender: str
    #: Whether messages are queued and not delivered.
    test: bool
    #: The log of the ``KwtSMS`` client; empty for none.
    log_file: str
    #: The gateway's address, with its last slash.
    base_url: str
    #: Requests started in a second.
    rate: float
    #: The country of local numbers; None refuses them.
    default_country: str | None
    #: ``strict`` or ``relaxed``.
    kuwait_rule: str
    #: ISO 3166 codes of countries abroad of which only mobile numbers are accepted.
    strict_countries: tuple[str, ...]
    #: ``keep``, ``refuse-lost`` or ``refuse``: what happens to a link in HTML.
    links: str
    #: The proxy and the certificates.
    network: Network

    @classmethod
    def of(cls, settings: Settings, dsn: Dsn | None = None) -> KwtSmsSettings:
        """Return the settings; credentials may be missing.

        :raises ConfigError: with every problem.
        """
        values = {name: value.value for name, value in settings.section(SECTION, FIELDS, _overrides(dsn)).items()}
        values["sender"] = values["sender"] or settings.sender or SHARED_SENDER
        return cls(**values, network=settings.network)

    def rate_limit(self, username: str) -> RateLimit:
        """Return the rate limit of an account, which all who ask the gateway for it share."""
        # The key names the account, but not in clear.
        account = hashlib.sha256(f"{username}@{self.base_url}".encode()).hexdigest()
        return RateLimit(self.rate, f"kwtsms-{account}")

    def credentials(self, how: str = _SOURCES) -> tuple[str, Secret]:
        """Return user name and password.

        :param how: where to give them, for the error: a sentence with ``{name}`` and ``{variable}``.
        :raises MissingCredentials: if one is missing.
        """
        if self.username and self.password:
            return self.username, self.password
        wanted = (
            ("username", self.username, "It is the API user (kwtsms.com → Account → API), not your login."),
            ("password", self.password, "It is the API password (kwtsms.com → Account → API), not the website's."),
        )
        missing = []
        for name, value, hint in wanted:
            variable = f"KWTSMS_{name.upper()}"
            if not value:
                missing.append(f"{variable} is missing: {how.format(name=name, variable=variable)}. {hint}")
        raise MissingCredentials(missing)


def is_configured(settings: Settings) -> bool:
    """Return whether an API user is set."""
    values, _ = settings.sources.resolve([USERNAME], SECTION)
    return bool(values["username"].value)


def _overrides(dsn: Dsn | None) -> dict[str, Any]:
    if dsn is None:
        return {}
    given: dict[str, Any] = {**dsn.options, "username": dsn.user, "password": dsn.password}
    if dsn.host != "default":
        scheme = "http" if is_loopback(dsn.host) else "https"
        given["base_url"] = f"{scheme}://{url_host(dsn.host)}{f':{dsn.port}' if dsn.port else ''}/API/"
    return {name: value for name, value in given.items() if value is not None}
