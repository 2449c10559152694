"""The codes that people were sent and have not typed yet."""

import secrets

from django.core.cache import cache
from django.utils.crypto import constant_time_compare, salted_hmac

#: Seconds in which a code is valid.
LIFETIME = 300
#: How many wrong codes are allowed.
TRIES = 5


def keep(code: str) -> str:
    """Keep a code until it is typed or too old, and return the ticket that it is asked for by."""
    ticket = secrets.token_urlsafe()
    cache.set_many({f"code:{ticket}": _sealed(ticket, code), f"tries:{ticket}": 0}, LIFETIME)
    return ticket


def take(ticket: str, code: str) -> bool:
    """Return whether a code is right, once; where it is too old, or was guessed at too often, it never is."""
    try:
        tries = cache.incr(f"tries:{ticket}")
    except ValueError:  # it is not there
        return False
    right = constant_time_compare(cache.get(f"code:{ticket}", ""), _sealed(ticket, code))
    # Of two who come with the right code at the same time, one deletes it.
    return tries <= TRIES and right and cache.delete(f"code:{ticket}")


def _sealed(ticket: str, code: str) -> str:
    return salted_hmac(ticket, code, algorithm="sha256").hexdigest()
