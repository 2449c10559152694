"""How a program is told to talk to the sandbox: environment variables and a DSN."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from notifykit_kwtsms.sandbox.gateway.accounts import Account


def sender_of(account: Account) -> str:
    """Return the sender to use: one that nobody can opt out of, if there is one."""
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
