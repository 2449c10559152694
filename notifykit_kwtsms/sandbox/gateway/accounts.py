"""The fake accounts: what they may do, their balance, and how a program is set up to use one."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode, urlsplit

import attrs

from notifykit.redaction import Secret
from notifykit_kwtsms.api.facts import QUEUE_LIMIT, SHARED_SENDER
from notifykit_kwtsms.sandbox.models import HIDDEN, NotFoundError, json_fields, parse, show_count
from notifykit_kwtsms.sandbox.numbers import BY_PREFIX

#: The default account. Both are public: they open nothing but a sandbox.
USERNAME: Final = "sandbox"
PASSWORD: Final = "sandboxpassword"  # noqa: S105
#: Its transactional sender.
SENDER: Final = "MY-APP"


def _networks(addresses: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if addresses is None:
        return None
    return tuple(str(ipaddress.ip_network(address, strict=False)) for address in addresses)


def _is_points(instance: Account, attribute: attrs.Attribute[Any], value: float) -> None:
    if not 0 <= value < float("inf"):
        raise ValueError(f"{attribute.name} is a number of points from 0 up")


@attrs.frozen
class Account:
    """One account of the gateway. Points are credits: one a segment and number inside Kuwait."""

    #: Its JSON form keeps the names of the fields.
    json_separator: ClassVar[str] = "_"

    #: Its API user name.
    username: str
    #: Its API password.
    password: Secret = attrs.field(factory=lambda: Secret(PASSWORD), metadata=HIDDEN)
    #: Its balance in points.
    balance: float = attrs.field(default=150, validator=_is_points)
    #: Points ever bought.
    purchased: float = attrs.field(default=1000, validator=_is_points)
    #: Registered sender names; case matters.
    senders: tuple[str, ...] = (SHARED_SENDER, SENDER)
    #: The senders among them that people can opt out of.
    promotional: frozenset[str] = frozenset({SHARED_SENDER})
    #: Country codes it can send to.
    prefixes: tuple[str, ...] = ("965",)
    #: Points a segment by number prefix, where it is not 1.
    prices: Mapping[str, float] = attrs.field(factory=dict)
    #: Numbers that opted out: a promotional message to them is paid for and never delivered.
    dnd: frozenset[str] = attrs.field(default=frozenset(), repr=show_count)
    #: Messages its queue can hold (ERR013 beyond).
    queue_limit: int = attrs.field(default=QUEUE_LIMIT, validator=attrs.validators.ge(0))
    #: Addresses and networks that may use it (ERR024 otherwise); None is any.
    ip_list: tuple[str, ...] | None = attrs.field(default=None, converter=_networks)
    #: Whether it is blocked (ERR005).
    blocked: bool = False
    #: Whether it was ever given API access (ERR004).
    api_access: bool = True
    #: Whether API access is switched on (ERR001).
    api_enabled: bool = True

    def admits(self, client: str) -> bool:
        """Whether a request may come from this IP address."""
        if self.ip_list is None:
            return True
        try:
            address = ipaddress.ip_address(client)
        except ValueError:
            # A WSGI server on a Unix socket gives no address, and what has none is on no list.
            return False
        return any(address in ipaddress.ip_network(network) for network in self.ip_list)


#: The five accounts of gateway facts, section 9.13. All have the one password.
SEED: Final = (
    Account(USERNAME),
    Account("worldwide", prefixes=tuple(BY_PREFIX), prices={"966": 2, "971": 2, "44": 3, "1": 3}),
    Account("nocredit", balance=0),
    Account("lockdown", ip_list=("203.0.113.7",)),
    Account("blocked", blocked=True),
)


#: What a person may change on an account, with its type.
CHANGEABLE: Final = {field.name: kind for _, field, kind in json_fields(Account) if field.name != "username"}


class Accounts:
    """All accounts, changed under one lock, which is also the lock that makes accepting a message atomic."""

    def __init__(
        self, accounts: tuple[Account, ...] = SEED, changed: Callable[[Account], None] = lambda account: None
    ) -> None:
        """Call ``changed`` after a change by a person; what a message costs stands in the message."""
        self.lock = threading.RLock()
        self._changed = changed
        self._seed = accounts
        self._accounts = {account.username: account for account in accounts}

    def get(self, username: str) -> Account | None:
        """Return an account as it is now, or None where there is none of this name."""
        with self.lock:
            return self._accounts.get(username)

    def names(self) -> tuple[str, ...]:
        """Return the user names."""
        return tuple(self._accounts)

    def change(self, username: str, /, **fields: Any) -> Account:
        """Change fields of an account and return it. Another field, or another type, is a :class:`ValueError`."""
        unknown = sorted(fields.keys() - CHANGEABLE)
        if unknown:
            raise ValueError(
                f"an account has no {', '.join(unknown)} to change; it has {', '.join(sorted(CHANGEABLE))}"
            )
        with self.lock:
            account = self._set(username, {name: parse(CHANGEABLE[name], fields[name], name) for name in fields})
            self._changed(account)
            return account

    def charge(self, username: str, points: float) -> float:
        """Take points off an account and return its balance."""
        with self.lock:
            # Prices may be fractions; four places keep a sum of them what a person would write.
            balance = round(self._accounts[username].balance - points, 4)
            self._set(username, {"balance": balance})
            return balance

    def refund(self, username: str, points: float) -> None:
        """Give points back to an account."""
        with self.lock:
            self.charge(username, -points)
            self._changed(self._accounts[username])

    def reset(self) -> None:
        """Put every account back to what it was at the start."""
        with self.lock:
            self._accounts = {account.username: account for account in self._seed}

    def _set(self, username: str, fields: Mapping[str, Any]) -> Account:
        account = attrs.evolve(self._accounts[username], **fields)
        self._accounts[username] = account
        return account


class AccountHandle:
    """Reads and changes one account of a running sandbox: ``sandbox.account.balance = 0``.

    Its attributes are the fields of :class:`Account` but the password.
    """

    def __init__(self, accounts: Accounts, username: str) -> None:
        vars(self).update(_accounts=accounts, username=username)

    def read(self) -> Account:
        """Return the whole account as it is now."""
        account: Account | None = self._accounts.get(self.username)
        if account is None:
            names = ", ".join(self._accounts.names())
            raise NotFoundError(f"this sandbox has no account {self.username!r}; it has {names}")
        return account

    def change(self, **fields: Any) -> Account:
        """Change several fields at once and return the account."""
        self.read()
        account: Account = self._accounts.change(self.username, **fields)
        return account

    def __getattr__(self, name: str) -> Any:
        if name not in CHANGEABLE:
            raise AttributeError(f"an account has no {name}")
        return getattr(self.read(), name)

    def __setattr__(self, name: str, value: object) -> None:
        self.change(**{name: value})

    def __repr__(self) -> str:
        return f"<AccountHandle {self.username}>"


def sender_of(account: Account) -> str:
    """Return the sender to use: one without opt-outs, if there is one."""
    reliable = [sender for sender in account.senders if sender not in account.promotional]
    return next(iter((*reliable, *account.senders)), "")


def environment(account: Account, api_url: str) -> dict[str, str]:
    """Return the variables for a program, in test mode."""
    return {
        "KWTSMS_USERNAME": account.username,
        "KWTSMS_PASSWORD": account.password.reveal(),
        "KWTSMS_SENDER_ID": sender_of(account),
        "KWTSMS_TEST_MODE": "1",
        "KWTSMS_BASE_URL": api_url,
    }


def dsn(account: Account, url: str) -> str:
    """Return ``kwtsms://user:password@127.0.0.1:8965?sender=MY-APP&test=1``."""
    login = f"{quote(account.username, safe='')}:{quote(account.password.reveal(), safe='')}"
    options = urlencode({"sender": sender_of(account), "test": "1"})
    return f"kwtsms://{login}@{urlsplit(url).netloc}?{options}"
