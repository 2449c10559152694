"""P13: 10,000 messages without a rate limit: a webhook and a mail server on this machine, messages a second.

Each message has a text of its own and is one call of `send`, one request or one mail. One thread sends them, then 16
threads at once that share one notifier, then 16 tasks of one `AsyncNotifier`. Peers do it in the same way; where one
knows no asyncio, its 16 threads stand against our tasks. What they can keep, they keep: django-anymail its HTTP
session, one in each thread; apprise its targets, without the pause of 5.5 seconds between two mails. A side that takes
longer than some seconds for its share of the 10,000 sends fewer: apprise reads the list of certificates for every mail.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import itertools
import json
import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from benchmarks.bench import Bench, Side
from benchmarks.gateway import Gateway, running
from benchmarks.model import Goal, Row, Value, same

AGAINST_APPRISE: Final = Goal(">=", 3)
AGAINST_LOOPS: Final = Goal(">=", 2)
_MESSAGES: Final = 10_000
#: The most seconds of one turn, and how many turns there are at most where a rough answer will do.
_TURN: Final = 1.0
_QUICK_TURN: Final = 0.2
_QUICK_ROUNDS: Final = 3
#: How many threads or tasks send at once.
_AT_ONCE: Final = 16
#: Messages of each thread in the check of equal work, and before it.
_CHECKED: Final = 2
_WARM: Final = 2
_SENDER: Final = "shop@example.com"
_TO: Final = "customer@example.org"
_SUBJECT: Final = "Your order"
#: What a thread does for one message: it takes the text and returns whether the message was accepted.
_Send = Callable[[str], bool]
_Work = tuple[Callable[[int], None], Callable[[], Any]]
#: The sides of each kind of server, with the environment, the function and the case that they run.
_PEERS: Final = {
    "webhook": {
        "apprise": ("apprise", "apprise", AGAINST_APPRISE),
        "django-anymail": ("anymail", "anymail", AGAINST_LOOPS),
    },
    "SMTP": {
        "apprise": ("apprise", "apprise", AGAINST_APPRISE),
        "smtplib, a connection each": ("ours", "connecting_loop", AGAINST_LOOPS),
        "smtplib, one connection": ("ours", "loop", AGAINST_LOOPS),
    },
}


def ours(case: str, context: dict[str, Any]) -> _Work:
    from notifykit import AsyncNotifier, Notifier

    options: dict[str, Any] = {"channel": "email", "subject": _SUBJECT}
    dsn = f"smtp://127.0.0.1:{context['port']}?from={_SENDER.replace('@', '%40')}"
    if case == "webhook":
        dsn = f"webhook+http://127.0.0.1:{context['port']}/messages"
    if context["mode"] == "asyncio":
        awaited = AsyncNotifier(dsn)

        async def send_async(text: str) -> bool:
            return len((await awaited.send(_TO, text, **options)).accepted) == 1

        return _tasks(send_async)
    notifier = Notifier(dsn)

    def send(text: str) -> bool:
        return len(notifier.send(_TO, text, **options).accepted) == 1

    return _threads(context["mode"], lambda: send)


def apprise(case: str, context: dict[str, Any]) -> _Work:
    from apprise import Apprise

    url = f"mailto://127.0.0.1:{context['port']}?from={_SENDER}&to={_TO}&format=text"
    if case == "webhook":
        url = f"json://127.0.0.1:{context['port']}/messages"
    targets = Apprise()
    assert targets.add(url)
    targets[0].request_rate_per_sec = 0
    if context["mode"] == "asyncio":

        async def send_async(text: str) -> bool:
            return bool(await targets.async_notify(text, _SUBJECT))

        return _tasks(send_async)
    return _threads(context["mode"], lambda: lambda text: bool(targets.notify(text, _SUBJECT)))


def anymail(case: str, context: dict[str, Any]) -> _Work:
    """Send through the backend for Resend, whose requests are plain JSON and whose address is a setting."""
    from django.conf import settings
    from django.core.mail import EmailMessage, get_connection

    settings.configure(ANYMAIL={"RESEND_API_KEY": "secret", "RESEND_API_URL": f"http://127.0.0.1:{context['port']}/"})

    def opened() -> _Send:
        connection = get_connection("anymail.backends.resend.EmailBackend")
        connection.open()

        def send(text: str) -> bool:
            return bool(connection.send_messages([EmailMessage(_SUBJECT, text, _SENDER, [_TO])]) == 1)

        return send

    return _threads(context["mode"], opened)


def loop(case: str, context: dict[str, Any]) -> _Work:
    """Send every mail of a thread over one connection."""
    import smtplib

    def opened() -> _Send:
        connection = smtplib.SMTP("127.0.0.1", context["port"], local_hostname="localhost")
        return lambda text: not connection.send_message(_mail(text))

    return _threads(context["mode"], opened)


def connecting_loop(case: str, context: dict[str, Any]) -> _Work:
    """Open a connection for every mail."""
    import smtplib

    def send(text: str) -> bool:
        with smtplib.SMTP("127.0.0.1", context["port"], local_hostname="localhost") as connection:
            return not connection.send_message(_mail(text))

    return _threads(context["mode"], lambda: send)


def floor(case: str, context: dict[str, Any]) -> _Work:
    """Return the least that a message needs: a connection that is kept, and a request or mail made by hand."""
    import smtplib

    import urllib3

    headers = {"Content-Type": "application/json"}

    def opened() -> _Send:
        if case == "webhook":
            pool = urllib3.connection_from_url(f"http://127.0.0.1:{context['port']}")

            def post(text: str) -> bool:
                body = json.dumps({"to": [_TO], "subject": _SUBJECT, "text": text})
                answer = pool.urlopen("POST", "/messages", body=body, headers=headers, retries=False, redirect=False)
                return bool(json.loads(answer.data)["id"])

            return post
        connection = smtplib.SMTP("127.0.0.1", context["port"], local_hostname="localhost")
        header = f"From: {_SENDER}\r\nTo: {_TO}\r\nSubject: {_SUBJECT}\r\n\r\n"
        return lambda text: not connection.sendmail(_SENDER, [_TO], header + text)

    return _threads(context["mode"], opened)


def _mail(text: str) -> Any:
    import email.message
    import email.utils

    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = _SENDER, _TO, _SUBJECT
    mail["Date"] = email.utils.localtime()
    mail["Message-ID"] = email.utils.make_msgid(domain="example.com")
    mail.set_content(text)
    return mail


def _threads(mode: str, opened: Callable[[], _Send]) -> _Work:
    """Return the work of one thread or of several; each calls ``opened`` once for what it sends with."""
    how_many = 1 if mode == "1 thread" else _AT_ONCE
    texts = [_texts(index) for index in range(how_many)]
    sends = [opened() for _ in range(how_many)]
    accepted = [0] * how_many

    def of_one(index: int, times: int) -> None:
        for text in itertools.islice(texts[index], times):
            accepted[index] += sends[index](text)

    def work(times: int) -> None:
        if how_many == 1:
            of_one(0, times)
            return
        with ThreadPoolExecutor(how_many) as pool:
            list(pool.map(of_one, range(how_many), [times] * how_many))

    return work, lambda: sum(accepted)


def _tasks(send: Callable[[str], Awaitable[bool]]) -> _Work:
    """Return the work of several tasks on one event loop, which is kept."""
    runner = asyncio.Runner()
    texts = [_texts(index) for index in range(_AT_ONCE)]
    accepted = 0

    async def of_one(index: int, times: int) -> None:
        nonlocal accepted
        for text in itertools.islice(texts[index], times):
            done = await send(text)
            accepted += done

    async def of_all(times: int) -> None:
        await asyncio.gather(*(of_one(index, times) for index in range(_AT_ONCE)))

    return (lambda times: runner.run(of_all(times))), lambda: accepted


def _texts(thread: int) -> Iterator[str]:
    """Yield the texts that one thread sends, the same for every side."""
    return (f"Order {thread}-{number} has left the shop. It arrives tomorrow." for number in itertools.count())


def measure(bench: Bench) -> Iterator[Row]:
    for kind in _PEERS:
        with running(smtp=kind == "SMTP") as gateway:
            yield from _rows(bench, gateway, kind, ("1 thread",))
            yield from _rows(bench, gateway, kind, (f"{_AT_ONCE} threads", "asyncio"))


def _rows(bench: Bench, gateway: Gateway, kind: str, modes: Sequence[str]) -> Iterator[Row]:
    """Measure one kind of server with every side, in all modes, in turn."""
    at_once = 1 if modes[0] == "1 thread" else _AT_ONCE
    sides: dict[tuple[str, str], Side] = {}
    for mode in modes:
        context = {"port": gateway.port, "mode": mode, "warm": _WARM}
        names = {"ours": ("ours", "ours"), "floor": ("ours", "floor")}
        names |= {peer: (environment, function) for peer, (environment, function, _) in _PEERS[kind].items()}
        for name, (environment, function) in names.items():
            if mode != "asyncio" or name in ("ours", "apprise"):
                sides[name, mode] = Side(environment, "p13_throughput", function, kind, context)
    rounds, seconds = (_QUICK_ROUNDS, _QUICK_TURN) if bench.quick else (bench.rounds, _TURN)
    times = math.ceil(_MESSAGES / rounds / at_once)
    with bench.workers(*sides.values()) as workers:
        gateway.statistics()
        same(f"P13, {kind}", *(_sent(worker, gateway, kind, at_once) for worker in workers))
        before = sum(worker.evidence for worker in workers)
        compared = bench.compare(workers, clock="wall", seconds=seconds, rounds=rounds, times=times)
        accepted = sum(worker.evidence for worker in workers) - before
        same(f"P13, {kind}: accepted", accepted, gateway.statistics()["requests"])
    taken = dict(zip(sides, compared, strict=True))
    least = taken["floor", modes[0]]
    for mode, (peer, (_, _, goal)) in itertools.product(modes, _PEERS[kind].items()):
        we, they = taken["ours", mode], taken.get((peer, mode), taken[peer, modes[0]])
        yield Row(
            "P13",
            f"{kind}, {mode}, against {peer}",
            f"{at_once / Value.of(we).median:,.0f} a second",
            f"{at_once / Value.of(they).median:,.0f} a second",
            f"{Value.ratio(they, least).median:.1f} ×",
            Value.ratio(they, we),
            goal,
            "time",
            "" if (peer, mode) in taken else f"{peer} knows no asyncio: its {modes[0]}",
        )


def _sent(worker: Any, gateway: Gateway, kind: str, at_once: int) -> object:
    """Return how many messages a side says were accepted, and what the server received."""
    before = worker.evidence
    worker.work(_CHECKED)
    statistics = gateway.statistics()
    received = sorted(_read(kind, body) for body in statistics["bodies"])
    same(f"P13, {kind}: accepted", at_once * _CHECKED, worker.evidence - before, statistics["requests"])
    return received


def _read(kind: str, body: str) -> tuple[str, str]:
    """Return subject and text of a message: each side's requests name them in its own way."""
    if kind == "webhook":
        fields = json.loads(body)
        return fields.get("subject") or fields["title"], fields.get("message") or fields["text"]
    mail = email.message_from_string(body, policy=email.policy.default)
    assert mail["To"].addresses[0].addr_spec == _TO
    return str(mail["Subject"]), mail.get_content().strip()
