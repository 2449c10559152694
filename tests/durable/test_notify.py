"""Notifying people: on both databases, over real sockets, with several workers, and through the command line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from notifykit import (
    AsyncNotifier,
    Batch,
    Capabilities,
    Channel,
    ChannelState,
    ConfigError,
    ContentRejected,
    DeliveryReport,
    Notifier,
    OutcomeUnknown,
    Person,
    Submission,
    Verdict,
)
from notifykit_kwtsms.sandbox import Sandbox
from tests.durable.conftest import MakeNotifier, Recorder, Store, live, spawn, until

SARA = Person("u17", sms="+965 9876 5432", email="sara@example.com", push="apprise-tag:sara", language="ar")
EVERY: Any = Capabilities(channels=frozenset(Channel), subjects=True)
ORDER = ("push", "sms", "email")


def recorder(answers: dict[str, Any] | None = None) -> Recorder:
    """Return a transport for all channels: an error for a channel is raised, everything else is accepted."""

    def answer(batch: Batch, before: int) -> Submission | None:
        error = (answers or {}).get(batch.message.channel.value)
        if error is not None:
            raise error
        return None

    return Recorder(answer, EVERY)


def channels(transport: Recorder) -> list[str]:
    """Return the channels that were sent on, in order."""
    return [batch.message.channel.value for batch in transport.batches]


def test_the_next_channel_is_taken_where_one_was_rejected(
    smoke_store: Store, notifiers: Callable[..., Notifier]
) -> None:
    """And no other after it was accepted; the receipt has a row for each."""
    transport = recorder({"push": ContentRejected("No such device.")})
    notifier = notifiers(smoke_store, transport)
    receipt = notifier.notify(SARA, text="Ready", order=ORDER, key="order-1").wait(60)
    assert receipt.verdict is Verdict.ACCEPTED
    assert [row.state for row in receipt.channels] == [
        ChannelState.REJECTED,
        ChannelState.ACCEPTED,
        ChannelState.NOT_TRIED,
    ]
    assert channels(transport) == ["push", "sms"]
    assert notifier.job("order-1:sms").progress().accepted == 1


def test_delivered_is_waited_for_and_the_provider_is_asked(
    smoke_store: Store, notifiers: Callable[..., Notifier]
) -> None:
    """A pushed report ends it at once; without one the provider is asked when the time is over."""
    transport = recorder()
    notifier = notifiers(smoke_store, transport)
    handle = notifier.notify(SARA, text="Ready", order=ORDER, until="delivered", within=3600, key="order-2")
    until(lambda: handle.receipt()["push"].state is ChannelState.ACCEPTED)
    sent = handle.receipt()["push"].receipt
    assert sent is not None
    assert sent.message_id is not None
    notifier.record_delivery_report(DeliveryReport(sent.message_id, sent.to, "delivered"))
    receipt = handle.wait(60)
    assert receipt.verdict is Verdict.DELIVERED
    assert "arrived by push" in receipt.advice
    assert channels(transport) == ["push"]


def test_unknown_ends_it_unless_the_caller_says_otherwise(connect: MakeNotifier) -> None:
    """Nobody gets it twice by accident; the advice says what a person does."""
    transport = recorder({"push": OutcomeUnknown("Nothing came back.")})
    notifier = connect(transport)
    receipt = notifier.notify(SARA, text="Ready", order=ORDER, key="order-3").wait(60)
    assert receipt.verdict is Verdict.UNKNOWN
    assert "jobs settle order-3:push" in receipt.advice
    moved = notifier.notify(SARA, text="Ready", order=ORDER, move_unknown=True, key="order-4").wait(60)
    assert moved.verdict is Verdict.ACCEPTED
    assert channels(transport) == ["push", "push", "sms"]


def test_the_same_key_is_the_same_notification(connect: MakeNotifier) -> None:
    """Other content is refused, with what differs and no text or address in it."""
    transport = recorder()
    notifier = connect(transport)
    for _ in range(3):
        notifier.notify(SARA, text="Ready", order=ORDER, key="order-5").wait(60)
    assert channels(transport) == ["push"]
    with pytest.raises(ConfigError) as caught:
        notifier.notify(
            Person("u17", sms="96598765433"), text="Late", order=ORDER, until="delivered", within=9, key="order-5"
        )
    words = str(caught.value)
    assert "until: 'accepted' then, 'delivered' now" in words
    assert "sms within" in words
    assert not re.search("9876|sara|Ready|Late", words)
    with pytest.raises(KeyError, match="no notification"):
        notifier.notification("order-6")


def test_cancelling_takes_no_more_channel(connect: MakeNotifier) -> None:
    """What was not sent is skipped."""
    transport = recorder()
    notifier = connect(transport, workers="separate")
    handle = notifier.notify(SARA, text="Ready", order=ORDER, key="order-7")
    receipt = handle.cancel()
    assert receipt.verdict is Verdict.CANCELLED
    assert receipt.finished is not None
    notifier.work()
    assert notifier.job("order-7:push").wait(60).skipped == 1
    assert transport.batches == []


def test_a_cancellation_that_others_prevent_is_an_error(connect: MakeNotifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody believes that it is cancelled while it goes on."""
    handle = connect(recorder(), workers="separate").notify(SARA, text="Ready", order=ORDER, key="order-8")
    monkeypatch.setattr("notifykit.durable.notifications._TRIES", 0)
    with pytest.raises(ConfigError, match="it is not cancelled: call cancel again"):
        handle.cancel()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"order": ["fax", "sms", "sms"]}, ["'fax' is none of", "sms twice"]),
        ({"order": []}, ["order is empty"]),
        ({"until": "read", "within": {"sms": -1, "letter": 3}}, ["until is none", "has 'letter'", "sms is -1"]),
        ({"until": "delivered", "within": {"sms": 3}}, ["how long a report about push is waited for"]),
    ],
)
def test_what_cannot_be_meant_is_said_at_once(connect: MakeNotifier, wrong: dict[str, Any], words: list[str]) -> None:
    """All of it in one error, before anything is stored."""
    with pytest.raises(ValueError, match=r"order|until") as caught:
        connect(recorder()).notify(SARA, **{"text": "Ready", "order": ORDER, **wrong})
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_key_that_another_job_has_rejects_the_channel(connect: MakeNotifier) -> None:
    """And takes the next one: that job is not this person's."""
    transport = recorder()
    notifier = connect(transport)
    notifier.submit("96550000000", "Other", key="order-8:push", channel="push").wait(60)
    receipt = notifier.notify(SARA, text="Ready", order=ORDER, key="order-8").wait(60)
    assert receipt["push"].state is ChannelState.REJECTED
    assert "another job" in str(receipt)
    assert receipt["sms"].state is ChannelState.ACCEPTED


def test_texts_and_addresses_go_and_the_states_stay(connect: MakeNotifier) -> None:
    """After ``keep_bodies``; after ``keep_jobs`` there is no notification any more."""
    notifier = connect(recorder({"push": ContentRejected("No.")}))
    handle = notifier.notify(SARA, text="Ready", order=ORDER, key="order-9")
    handle.wait(60)
    engine: Any = notifier._components.engine()
    days = 86_400.0
    now = engine.clock()
    engine.clock = lambda: now + 8 * days
    for store in (engine.store, engine.notifications.store):
        store.prune(90 * days, 7 * days)
    found = engine.notifications.store.read("order-9")
    assert not found.recipients
    assert not found.body
    receipt = handle.receipt()
    assert [row.state.value for row in receipt.channels] == ["rejected", "accepted", "not tried"]
    assert receipt["sms"].receipt is None
    engine.clock = lambda: now + 91 * days
    engine.notifications.store.prune(90 * days, 7 * days)
    with pytest.raises(KeyError):
        handle.receipt()


def test_an_asynchronous_notifier_does_it_too(store: Store) -> None:
    """With the same arguments; ``submit`` does not wait there either."""
    transport = recorder()

    async def notify() -> Verdict:
        async with AsyncNotifier.from_settings(
            transport, environment=store.environment, directory=store.folder.parent
        ) as notifier:
            handle = notifier.notify(SARA, text="Ready", all=True, key="order-10")
            return (await asyncio.to_thread(handle.wait, 60)).verdict

    assert asyncio.run(notify()) is Verdict.ACCEPTED
    assert sorted(channels(transport)) == ["email", "push", "sms"]


# --- over sockets ---


class Inbox:
    """Keeps what a mail server was given."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail."""
        self.mails.append(envelope.content)
        return "250 2.0.0 Ok: queued as A1B2C3D4"


class AnyPort(Controller):
    """Takes whatever port is free."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def test_each_channel_gets_its_text_through_its_transport(connect: MakeNotifier, sandbox: Sandbox) -> None:
    """An SMS to the gateway, an e-mail to a mail server, chosen by the route of the settings."""
    inbox = Inbox()
    controller = AnyPort(inbox, hostname="127.0.0.1", port=0)
    controller.start()
    mail = f"smtp://127.0.0.1:{controller.port}?from=shop%40example.com"
    route = f"route(channel=email => {mail}, channel=push => memory, {live(sandbox)})"
    said = {
        "order-ready": {
            "sms": {"en": "Order {number} is ready", "ar": "طلبك {number} جاهز"},
            "email": {"subject": "Order {number}", "text": {"en": "Come and get it", "ar": "تفضل"}},
            "push": {"title": "Shop", "text": "{number}"},
        }
    }
    try:
        notifier = connect(route, templates=said)
        handle = notifier.notify(SARA, template="order-ready", values={"number": "4711"}, all=True, key="order-11")
        receipt = handle.wait(60)
    finally:
        controller.stop()
    assert {row.state for row in receipt.channels} == {ChannelState.ACCEPTED}
    (sms,) = sandbox.messages
    assert sms.text == "طلبك 4711 جاهز"
    (content,) = inbox.mails
    assert b"Subject: Order 4711" in content


# --- processes ---

_NOTIFY = """
import itertools, os, sys
from sqlalchemy import event
from notifykit import Notifier, Person
from notifykit.models.person import ChannelState
from tests.durable.conftest import host

deadly, key = int(sys.argv[1]), sys.argv[2]
with Notifier.from_settings(sys.argv[3], host=host()) as notifier:
    engine = notifier._components.engine()
    count = itertools.count(1)

    def strike(*_):
        if next(count) == deadly:
            os._exit(9)

    event.listen(engine._database.engine, "before_cursor_execute", strike)
    person = Person("u17", sms="96598765432", email="no address", push="tag:sara")
    print(notifier.notify(person, text="Ready", order=["email", "sms", "push"], key=key).wait(60))
"""


@pytest.mark.crash
def test_a_process_that_is_killed_at_any_statement_goes_on(store: Store, sandbox: Sandbox) -> None:
    """Claim: whatever was written when it died, the next process ends the notification, and the person gets it once."""
    killed, sent = 0, 0
    for deadly in (10, 30, 50, 70):
        key = f"order-{deadly}"
        first = spawn(store, _NOTIFY, str(deadly), key, live(sandbox))
        first.communicate(timeout=180)
        killed += first.returncode == 9
        second = spawn(store, _NOTIFY, "0", key, live(sandbox))
        out, err = second.communicate(timeout=180)
        assert second.returncode == 0, err.decode()
        arrived = len(sandbox.messages) - sent
        sent += arrived
        assert arrived <= 1, out.decode()
        assert (b"sms: accepted" in out and arrived == 1) or b"sms: unknown" in out, out.decode()
        assert b"push: " not in out
    assert killed > 1
