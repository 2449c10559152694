"""An order as the store keeps it, and what makes two orders the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from notifykit.durable.dedupe import Seen
from notifykit.durable.serialization import Placed, dump
from notifykit.errors import ConfigError
from notifykit.models.job import JobSpec
from notifykit.models.message import Channel, Message
from notifykit.models.receipt import Outcome, Receipt, SkipReason
from notifykit.models.recipient import Recipient, Rejected
from notifykit.pipeline.intercept import intercept
from notifykit.protocols import Transport

#: An order of at most so many recipients goes ahead of larger ones, unless it says something else.
MOST_URGENT: Final = 10
URGENT: Final = 1
BULK: Final = 100


def options_of(order: JobSpec, *, live: bool) -> dict[str, Any]:
    """Return what an order says besides text and recipients.

    :param live: whether the transport that it was given for reaches people.
    """
    message = order.message
    return {
        "live": live,
        "channel": message.channel.value,
        "sender": message.sender,
        "tags": list(message.tags),
        "via": order.via,
        "idempotency_key": message.idempotency_key,
        "at_least_once": order.at_least_once,
        "move_unknown": order.move_unknown,
    }


def diverted(transport: Transport) -> bool:
    """Return whether what is sent through a transport just now goes elsewhere, as in a test: the same has to hold later."""
    return intercept(transport) is not None


def body_of(order: JobSpec) -> str:
    """Return text and subject."""
    return dump({"text": order.message.text, "subject": order.message.subject})


def message_of(row: Mapping[str, Any], number: int) -> Message:
    """Return the message of one batch. Its ids are the same at every try, so that providers can recognise it."""
    options, body = json.loads(row["options"]), json.loads(row["body"])
    key = options["idempotency_key"]
    return Message(
        body["text"],
        Channel(options["channel"]),
        options["sender"],
        tuple(options["tags"]),
        f"{key}-{number + 1}" if key is not None else f"{row['id']}-{number + 1}" if options["at_least_once"] else None,
        subject=body["subject"],
        id=f"{row['id']}-{number + 1}",
    )


class Fingerprint:
    """What an order is, in hashes: enough to tell two apart and to say where they differ, without showing either."""

    def __init__(self, order: JobSpec, *, live: bool) -> None:
        self._parts = {
            "text": _hash(order.message.text),
            "subject": _hash(order.message.subject or ""),
            **{name: value for name, value in options_of(order, live=live).items() if name != "idempotency_key"},
        }
        self._people = hashlib.blake2b(digest_size=16)
        self._count = 0

    def seeing(self, people: Iterable[Recipient | Rejected]) -> Iterator[Recipient | Rejected]:
        """Let recipients go by, and note them."""
        for who in people:
            address = who.raw if isinstance(who, Rejected) else who.address
            self._people.update(address.encode("utf-8", "replace") + b"\0")
            self._count += 1
            yield who

    def __str__(self) -> str:
        return dump({**self._parts, "recipients": self._count, "list": self._people.hexdigest()})


def differences(key: str, before: str, now: str) -> ConfigError:
    """Return what to say to somebody who gives the key of another order."""
    old, new = json.loads(before), json.loads(now)
    told = []
    for name in new:
        if old.get(name) == new[name]:
            continue
        if name in ("text", "subject"):
            told.append(f"the {name} is another one")
        elif name == "list":
            told.append("the recipients are others, or in another order")
        else:
            told.append(f"{name}: {old.get(name)!r} then, {new[name]!r} now")
    return ConfigError(
        f"key: {key!r} is the key of another job: {'; '.join(told)}. Give this one another key, or look at the other: "
        f"notifykit jobs {key}"
    )


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def duplicates(piece: Iterable[Placed], seen: Seen) -> list[Receipt]:
    """Return receipts for those who stand earlier in the order too."""
    return [
        Receipt(position, who, Outcome.SKIPPED, skipped=SkipReason.DUPLICATE)
        for position, who in piece
        if isinstance(who, Recipient) and seen.again(who.address)
    ]


def placed(people: Iterable[Recipient | Rejected], size: int) -> Iterator[list[Placed]]:
    """Yield recipients in pieces, each with its position."""
    piece: list[Placed] = []
    for one in enumerate(people):
        piece.append(one)
        if len(piece) == size:
            yield piece
            piece = []
    if piece:
        yield piece
