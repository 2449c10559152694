"""The inbox: what it keeps, what it shows, and waiting for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given, strategies as st

from notifykit_kwtsms.sandbox import Clock, Sandbox
from notifykit_kwtsms.sandbox.gateway.requests import Call
from notifykit_kwtsms.sandbox.gateway.service import Gateway
from notifykit_kwtsms.sandbox.inbox.message import CapturedMessage
from notifykit_kwtsms.sandbox.inbox.search import parse
from notifykit_kwtsms.sandbox.inbox.store import Totals
from notifykit_kwtsms.sandbox.models import NotFoundError
from notifykit_kwtsms.sandbox.texts import find_code, find_links, gets_stuck

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client

KUWAIT, OTHER = "96598765432", "96599999999"


def _send(gateway: Gateway, mobile: str = KUWAIT, message: str = "Hi", **fields: str) -> str:
    login = {"username": "sandbox", "password": "sandboxpassword", "sender": "MY-APP", "test": "1"}
    call = Call("send", "127.0.0.1", {**login, "mobile": mobile, "message": message, **fields})
    msg_id = gateway.handle(call).msg_id
    assert msg_id is not None
    return msg_id


@pytest.fixture
def gateway() -> Gateway:
    """A gateway without HTTP."""
    return Gateway()


def test_a_message_keeps_what_a_page_needs(client: Client, sandbox: Sandbox) -> None:
    """Analysis, request without the password, response, timeline, tags."""
    response = client.send(
        KUWAIT, "Your code is 123456: https://example.com/a.", headers={"X-Notifykit-Tag": "otp, login"}
    )
    (message,) = sandbox.messages
    assert (message.id, message.msg_id, message.to) == (1, response.json["msg-id"], KUWAIT)
    assert (message.otp, message.links, message.tags) == ("123456", ("https://example.com/a",), ("otp", "login"))
    assert (message.encoding, message.segments, message.points, message.balance_after) == ("gsm7", 1, 1, 149)
    assert message.request.fields["password"] == "****"
    assert message.request.headers["content-type"] == "application/json"
    assert message.response is not None
    assert message.response.body == response.json
    assert (message.unread, message.fault, message.state) == (True, None, "queued")


def test_nothing_of_a_message_shows_in_its_repr(client: Client, sandbox: Sandbox) -> None:
    """Numbers are redacted, texts counted, the password is nowhere."""
    client.send(f"{KUWAIT},1234567", "Your code is 987654")
    shown = repr(sandbox.messages) + repr(sandbox) + repr(sandbox.account.read()) + repr(sandbox.messages[0].request)
    shown += repr(sandbox.messages[0].timeline) + repr(sandbox.messages[0].dropped) + repr(sandbox.requests)
    for secret in (KUWAIT, "1234567", "987654", "sandboxpassword"):
        assert secret not in shown
    assert "965****5432" in shown


def test_the_password_is_nowhere_in_memory_of_the_message(client: Client, sandbox: Sandbox) -> None:
    """Not in the fields, not in the headers, right or wrong."""
    secrets = {"Authorization": "Bearer tralala", "Cookie": "tralala", "X-Sandbox-Token": "tralala"}
    client.send(KUWAIT, password="wrongtralala", headers=secrets)
    request = sandbox.refused[0].request
    assert "tralala" not in f"{dict(request.fields)}{dict(request.headers)}"


def test_only_the_newest_are_kept(gateway: Gateway) -> None:
    """The oldest go first, and their ids are unknown from then on."""
    small = Gateway(keep=2)
    ids = [_send(small) for _ in range(3)]
    assert [message.msg_id for message in small.store.all()] == ids[1:]
    assert small.store.get(ids[0]) is None
    assert small.accepted(KUWAIT) == 3


_ACTIONS: dict[str, Callable[[Gateway], object]] = {
    "send": _send,
    "send Unicode to two": lambda gateway: _send(gateway, f"{KUWAIT},{OTHER}", "كود " * 30),
    "refuse": lambda gateway: gateway.refuse(Call("send", "127.0.0.1", {"mobile": KUWAIT, "message": "Hi"}), "ERR013"),
    "read": lambda gateway: gateway.store.update_all(lambda message: message.id % 2 == 0, unread=False),
    "recover": lambda gateway: gateway.empty_queue(),
    "wait": lambda gateway: gateway.clock.advance(400),
    "copy": lambda gateway: gateway.store.adopt(
        attrs.evolve(message, msg_id=f"{message.msg_id}x") for message in gateway.store.all()[:2]
    ),
    "delete and restore": lambda gateway: gateway.store.restore(gateway.store.discard(_some).undo or ""),
    "delete": lambda gateway: gateway.store.delete(_some),
}


def _some(message: CapturedMessage) -> bool:
    return message.id % 3 < 2


@given(st.lists(st.sampled_from(sorted(_ACTIONS)), max_size=12))
def test_the_totals_are_the_sums_over_what_is_there(actions: list[str]) -> None:
    """Whatever happened to the messages."""
    gateway = Gateway(keep=5)
    for action in actions:
        with contextlib.suppress(NotFoundError):  # There was nothing to delete, so there is nothing to restore.
            _ACTIONS[action](gateway)
    expected = Totals(sequence=gateway.store.sequence)
    for message in gateway.store.all():
        expected.count(message, 1)
    assert gateway.store.totals() == expected


def test_an_inbox_keeps_something() -> None:
    """Zero would be an inbox that loses everything."""
    with pytest.raises(ValueError, match="at least one"):
        Sandbox(keep=0)


def test_waiting_finds_what_is_there_and_what_comes(gateway: Gateway) -> None:
    """The newest match now, or the first that arrives."""
    first = _send(gateway)
    found = gateway.store.wait(lambda message: message.msg_id == first, 0)
    assert found is not None
    timer = threading.Timer(0.02, _send, (gateway, OTHER))
    timer.start()
    assert gateway.store.wait(lambda message: OTHER in message.numbers, 5) is not None
    timer.join()


def test_waiting_ends_without_a_match(gateway: Gateway) -> None:
    """None after the time, or when the store closes."""
    assert gateway.store.wait(lambda message: True, 0.01) is None
    timer = threading.Timer(0.02, gateway.store.close)
    timer.start()
    assert gateway.store.wait(lambda message: True, 30) is None
    timer.join()


def test_every_change_is_logged(gateway: Gateway) -> None:
    """A reader of the live inbox continues from where it was."""
    msg_id = _send(gateway)
    gateway.store.update(msg_id, unread=False, retag=lambda tags: ("seen",))
    gateway.store.force(msg_id, "delivered")
    gateway.store.delete(lambda message: True)
    assert [(change.kind, change.message) for change in gateway.store.changes()] == [
        ("new", 1),
        ("update", 1),
        ("dlr", 1),
        ("delete", 1),
    ]
    assert gateway.store.changes(after=gateway.store.sequence, timeout=0.01) == ()
    assert [change.sequence for change in gateway.store.changes(after=3)] == [4]


def test_a_forced_state_ends_the_plan(gateway: Gateway) -> None:
    """For one number, the others go their way; dlr follows."""
    gateway.accounts.change("sandbox", prefixes=("965", "966"))
    msg_id = _send(gateway, "966558724477,966558724478", test="0")
    gateway.store.force(msg_id, "failed", "966558724477")
    gateway.clock.advance(301)
    message = gateway.store.get(msg_id)
    assert message is not None
    assert (message.state_of("966558724477"), message.state_of("966558724478")) == ("failed", "delivered")
    assert [(event.state, event.forced) for event in message.timeline if event.number == "966558724477"] == [
        ("sent", False),
        ("failed", True),
    ]


def test_what_is_not_there_can_not_be_touched(gateway: Gateway) -> None:
    """An unknown name is an error."""
    msg_id = _send(gateway)
    for touch in (
        lambda: gateway.store.update("0" * 32),
        lambda: gateway.store.force(7, "sent"),
        lambda: gateway.store.force(msg_id, "sent", OTHER),
        lambda: gateway.unqueue("0" * 32),
        lambda: gateway.store.all()[0].state_of(OTHER),
    ):
        with pytest.raises(NotFoundError):
            touch()
    assert gateway.store.get("9" * 5000) is None


def test_deleting_from_the_queue_brings_the_credits_back(gateway: Gateway) -> None:
    """Once, for test messages, and the place in the queue is free again."""
    gateway.accounts.change("sandbox", queue_limit=1)
    msg_id = _send(gateway, message="a" * 161)
    account = gateway.accounts.get("sandbox")
    assert account is not None
    assert account.balance == 148
    assert gateway.unqueue(msg_id) == 2
    with pytest.raises(NotFoundError):
        gateway.unqueue(msg_id)
    account = gateway.accounts.get("sandbox")
    assert account is not None
    assert account.balance == 150
    assert gateway.queue() == ()
    message = gateway.store.get(msg_id)
    assert message is not None
    assert message.state == "deleted"


def test_a_reset_is_a_fresh_start_with_new_ids(client: Client, sandbox: Sandbox) -> None:
    """Everything but the ids begins again."""
    first = client.send(KUWAIT).json["msg-id"]
    sandbox.account.change(balance=3, blocked=True)
    sandbox.chaos("reset")
    sandbox.clock.advance(100)
    sandbox.reset()
    assert (sandbox.messages, sandbox.requests, sandbox.faults, sandbox.clock.offset) == ((), (), (), 0)
    assert sandbox.accepted(KUWAIT) == 0
    assert client("balance").json["available"] == 150
    assert client.send(KUWAIT).json["msg-id"] != first


def test_a_seed_makes_the_ids_the_same() -> None:
    """And None makes them new."""
    assert _send(Gateway(seed=5)) == _send(Gateway(seed=5)) != _send(Gateway(seed=6))
    assert _send(Gateway(seed=None)) != _send(Gateway(seed=None))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [1, 2, 3, 4]),
        (f"to:{KUWAIT}", [1, 3, 4]),
        ("to:9659999*", [2, 3]),
        ("country:965", [1, 2, 3, 4]),
        ("sender:KWT-SMS", [2]),
        ("code", [1]),
        ("CODE", [1]),
        ('"your code"', [1]),
        ('text:"your code"', [1]),
        ("id:2", [2]),
        ("is:test", [1, 3, 4]),
        ("is:live", [2]),
        ("is:accepted", [1, 2, 3]),
        ("is:rejected", [4]),
        ("is:unread", [2, 3, 4]),
        ("is:read", [1]),
        ("-is:read", [2, 3, 4]),
        ("!is:read", [2, 3, 4]),
        ("encoding:ucs2", [2]),
        ("segments:>1", [3]),
        ("segments:1", [1, 2, 4]),
        ("segments:<=1 -is:rejected", [1, 2]),
        ("cost:>=2", [3]),
        ("cost:=0", [4]),
        ("code:ERR009", [4]),
        ("has:otp", [1]),
        ("has:link", [2]),
        ("has:dropped", [3]),
        ("has:fault", []),
        ("fault:reset", []),
        ("tag:vip", [1]),
        ("account:sandbox", [1, 2, 3, 4]),
        ("state:refused", [4]),
        ("before:2000-01-01", []),
        ("after:2000-01-01T00:00:00+03:00", [1, 2, 3, 4]),
        ("is:test has:otp", [1]),
        ("id:1,3", [1, 3]),
        ("encoding:unicode", [2]),
        ("country:kw", [1, 2, 3, 4]),
        ("country:SA", []),
        ("sender:KWT*", [2]),
        ("tag:v*", [1]),
        ("is:tagged", [1]),
        ("has:tag", [1]),
        ("is:queued", [1, 3]),
        ("is:batch", [3]),
        ("has:arabic", [2]),
        ("units:>100", [3]),
        ("after:5m", [1, 2, 3, 4]),
        ("before:1d", []),
        ("https://example.com", [2]),
        ("to:965[9]8765432", []),
    ],
)
def test_the_query_language_finds_what_it_says(gateway: Gateway, query: str, found: list[int]) -> None:
    """Every key, both signs of negation, quotes."""
    _send(gateway, message="Your code is 1234")
    _send(gateway, OTHER, "مرحبا https://example.com", sender="KWT-SMS", test="0")
    _send(gateway, f"{KUWAIT},{OTHER},1", "a" * 161)
    with pytest.raises(AssertionError):
        _send(gateway, message="")
    gateway.store.update(1, unread=False, retag=lambda tags: ("vip",))
    matches = parse(query)
    assert [message.id for message in gateway.store.all() if matches(message)] == found


@pytest.mark.parametrize(
    "query", ["colour:red", "is:happy", "has:wings", "segments:many", "before:lunch", "to:", 'to:""', "encoding:x"]
)
def test_a_query_that_makes_no_sense_is_refused(query: str) -> None:
    """Rather than finding nothing."""
    with pytest.raises(ValueError, match=r"."):
        parse(query)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Your code is 1234", "1234"),
        ("12345678 is it", "12345678"),
        ("123456789 is a number", None),
        ("123 is short", None),
        ("رمز التحقق ١٢٣٤٥٦", "123456"),
        ("ID7741X", "7741"),
        ("", None),
    ],
)
def test_a_code_is_a_run_of_four_to_eight_digits(text: str, code: str | None) -> None:
    """In whatever digits it was written."""
    assert find_code(text) == code


def test_links_are_found_without_their_full_stop() -> None:
    """And never fetched."""
    assert find_links("see http://a.example/x?y=1, or HTTPS://B.example.") == (
        "http://a.example/x?y=1",
        "HTTPS://B.example",
    )


@pytest.mark.parametrize("text", ["plain", "tab\tand\nline", "عربي", "€ ^ { }", "ñ é"])
def test_ordinary_texts_do_not_stick(text: str) -> None:
    """Only pictures and hidden characters do."""
    assert not gets_stuck(text)


def test_the_clock_only_goes_forward() -> None:
    """And is UTC."""
    clock = Clock()
    before = clock.utc()
    clock.advance(16)
    assert 16 <= (clock.utc() - before).total_seconds() < 20
    assert str(before.tzinfo) == "UTC"
    for wrong in (-1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="forward"):
            clock.advance(wrong)
    clock.reset()
    assert clock.offset == 0
