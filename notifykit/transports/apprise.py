"""``apprise``: hands messages to the services that the Apprise library knows. Needs the extra ``apprise``.

Apprise has a URL for each target, with the target's own address and password in it. So a recipient is a tag of one or
several targets, or ``all``. Targets come from ``NOTIFYKIT_APPRISE_URLS`` or
``[tool.notifykit.apprise] urls``, each ``URL`` or ``tag,tag=URL``; from a configuration file of Apprise, with
``apprise://default?config=…``; or, percent-encoded, from the path of a DSN: ``apprise://default/json%3A%2F%2Flocalhost``.

Apprise returns yes or no for each target. Yes from all targets of a tag is accepted. No may be a refusal or a lost
answer, so a single no makes the outcome unknown.
"""

from __future__ import annotations

import contextlib
import contextvars
import importlib.util
import logging
import pathlib
import queue
import re
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlencode

import attrs

from notifykit.errors import (
    ConfigError,
    ContentRejected,
    InvalidRecipient,
    NotReached,
    OutcomeUnknown,
    TransportError,
)
from notifykit.models.capabilities import Capabilities
from notifykit.models.message import Channel, Message
from notifykit.models.plan import Batch
from notifykit.models.receipt import Submission
from notifykit.protocols import About, BuildContext
from notifykit.redaction import Secret
from notifykit.settings.dsn import Dsn
from notifykit.settings.fields import Field, path, section_fields

if TYPE_CHECKING:
    from apprise import NotifyBase

#: The recipient for every target.
ALL_TARGETS: Final = "all"
#: The tag of a target that gets every message, for any recipient: Apprise's own rule.
ALWAYS: Final = "always"

_TAGGED: Final = re.compile(r"(?:(?P<tags>[\w.,;-]+)=)?(?P<url>[a-z][a-z0-9+.-]*://?.*)", re.IGNORECASE | re.DOTALL)
_BETWEEN_TAGS: Final = re.compile("[,;]")
_MISSING: Final = 'apprise: this transport needs the Apprise library: pip install "notifykit[apprise]"'
_LOOK: Final = "It may have been sent. Look at the targets before you send it again."


def _urls(value: object) -> Secret:
    """Read targets: a list, or one text with spaces or line ends between them. None of it is ever shown."""
    if isinstance(value, Secret):
        return value
    parts = value.split() if isinstance(value, str) else value
    if isinstance(parts, list | tuple) and all(isinstance(part, str) for part in parts):
        return Secret("\n".join(part.strip() for part in parts if part.strip()))
    raise ValueError("is not a list of Apprise URLs")


_FIELDS: Final = section_fields(
    "apprise",
    Field("urls", _urls, help="Targets, each URL or tag,tag=URL, with spaces between."),
    Field("config", path, help="A configuration file of Apprise with targets."),
)


def _check(message: Message) -> TransportError | None:
    """Refuse a message with nothing in it: Apprise does not send that."""
    if not message.text.strip() and not (message.subject or "").strip():
        return ContentRejected("There is nothing in this message.", action="Write a text.")
    return None


CAPABILITIES: Final = Capabilities(channels=frozenset({Channel.PUSH}), senders=False, subjects=True, check=_check)


@attrs.frozen
class Target:
    """One service that Apprise can reach."""

    #: The service, as Apprise built it. It holds passwords.
    service: NotifyBase = attrs.field(repr=False)
    #: Its tags, in lower case.
    tags: frozenset[str] = frozenset()

    def matches(self, tag: str) -> bool:
        """Return whether a message to a tag is for it."""
        return tag == ALL_TARGETS or tag in self.tags or ALWAYS in self.tags


class AppriseTransport:
    """Hands each message to the targets that have its recipient as a tag, all at the same time.

    :param targets: the services that messages can go to.
    :param shown: the options of its DSN that are not secret.
    """

    name = "apprise"
    capabilities = CAPABILITIES

    def __init__(self, targets: Iterable[Target], shown: str = "") -> None:
        self._targets = tuple(targets)
        self._shown = f"apprise://default{f'?{shown}' if shown else ''}"
        self._closed = False

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Hand over one message.

        Apprise has timeouts of its own for each read. A target that has not answered when ours has passed continues in
        its own thread, and the outcome is unknown.
        """
        if self._closed:
            raise NotReached(
                "The transport is closed.", "closed", action="Send before you close the notifier.", waits=()
            )
        problem = _check(batch.message)
        if problem:
            raise problem
        (recipient,) = batch.recipients
        targets = [target for target in self._targets if target.matches(recipient.address.lower())]
        if not targets:
            raise InvalidRecipient(
                "No Apprise target has this tag.",
                action=f"Give a tag that one of the targets has, or {ALL_TARGETS!r} for all of them.",
            )
        answers = _ask(targets, batch.message, timeout)
        counts = {"targets": len(targets), "took_it": sum(answers)}
        if counts["took_it"] == len(targets):
            advice = f"Apprise says that {_counted(len(targets))} took it; it gives no id to ask by."
            return Submission(advice=advice, fields=counts)
        silent = len(targets) - len(answers)
        raise OutcomeUnknown(
            f"{counts['took_it']} of {_counted(len(targets))} took it"
            + (f", {silent} did not answer in time" if silent else "")
            + "; Apprise does not say whether the rest was refused or its answer was lost.",
            "timeout" if silent else "failed",
            action=_LOOK,
        )

    def close(self) -> None:
        """Send nothing any more: Apprise keeps no connections."""
        self._closed = True

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


def _counted(number: int) -> str:
    return f"{number} {'target' if number == 1 else 'targets'}"


def _ask(targets: list[Target], message: Message, timeout: float) -> list[bool]:
    """Ask every target and return the answers that came in time."""
    ends = time.monotonic() + timeout
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
    for target in targets:
        # A daemon thread does not keep the program from ending.
        threading.Thread(target=_notify, args=(target, message, answers), name="notifykit-apprise", daemon=True).start()
    received: list[bool] = []
    with contextlib.suppress(queue.Empty):
        while len(received) < len(targets):
            received.append(answers.get(timeout=max(0.0, ends - time.monotonic())))
    return received


def _notify(target: Target, message: Message, answers: queue.SimpleQueue[bool]) -> None:
    import apprise

    taken = False
    try:
        # A service may raise anything, and its words may hold its password.
        with contextlib.suppress(Exception), _silence():
            # One target at a time: for several, Apprise returns one answer for all.
            one = apprise.Apprise()
            one.add(target.service)
            text = apprise.NotifyFormat.TEXT
            taken = bool(one.notify(message.text, message.subject or "", body_format=text, interpret_escapes=False))
    finally:
        answers.put(taken)


_is_ours: contextvars.ContextVar[bool] = contextvars.ContextVar("notifykit_apprise", default=False)


class _Silence(logging.Filter):
    """Drops records of our own calls: Apprise and its HTTP library log addresses, texts and paths with tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is of another call."""
        return not _is_ours.get()


_SILENCE: Final = _Silence()
_LOGGERS: Final = ("apprise", "urllib3.connectionpool", "requests")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Drop what Apprise logs within the block; other uses of Apprise in the program still log."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_SILENCE)  # a filter that is there already is not added again
    token = _is_ours.set(True)
    try:
        yield
    finally:
        _is_ours.reset(token)


def _of_urls(urls: Iterable[str], problems: list[str]) -> Iterator[Target]:
    import apprise

    for number, given in enumerate(urls, 1):
        read = _TAGGED.fullmatch(given)
        tags = [tag for tag in _BETWEEN_TAGS.split((read and read["tags"]) or "") if tag]
        service = None
        if read:
            with _silence(), contextlib.suppress(Exception):
                service = apprise.Apprise.instantiate(read["url"], tag=tags, suppress_exceptions=True)
        if service is None:
            problems.append(
                f"apprise: target {number} is no URL that Apprise understands: write URL or tag,tag=URL; `apprise "
                "--dry-run URL` says more"
            )
        else:
            yield _target(service)


def _of_file(name: str, problems: list[str]) -> Iterator[Target]:
    import apprise

    file = pathlib.Path(name).expanduser()
    if not file.is_file():
        problems.append(f"apprise.config: {name} is no file")
        return
    found: list[NotifyBase] = []
    with _silence(), contextlib.suppress(Exception):
        # A configuration can include other files; only this one was named.
        config = apprise.AppriseConfig(insecure_includes=False, recursion=0)
        config.add(str(file.resolve()))
        whole = apprise.Apprise()
        whole.add(config)
        found = list(whole.find())
    if not found:
        problems.append(f"apprise.config: {name} has no target that Apprise understands")
    yield from map(_target, found)


def _target(service: Any) -> Target:
    # Some versions try a target again after a lost answer: then the message would come twice.
    if getattr(service, "retry", 0):
        service.retry = 0
    return Target(service, frozenset(str(tag).lower() for tag in service.tags))


def build(dsn: Dsn, context: BuildContext) -> AppriseTransport:
    """Build the transport from a DSN and the settings.

    :raises ConfigError: with every problem, and if the library is not installed.
    """
    problems: list[str] = []
    if dsn.host != "default" or dsn.port or dsn.user or dsn.password:
        problems.append(
            "apprise: the host of this DSN is always default: give targets in NOTIFYKIT_APPRISE_URLS, or percent-encoded "
            "behind apprise://default/"
        )
    values = context.settings.section("apprise", _FIELDS, dsn.options)
    urls = [unquote(part) for part in dsn.path.split("/") if part]
    if not urls and not (dsn.options.get("config")) and values["urls"].value:
        urls = values["urls"].value.reveal().split("\n")
    config = values["config"].value if dsn.options.get("config") or not dsn.path.strip("/") else None
    if importlib.util.find_spec("apprise") is None:
        raise ConfigError([_MISSING, *problems])
    targets = [*_of_urls(urls, problems), *(_of_file(config, problems) if config else ())]
    if not targets and not problems:
        problems.append(
            "apprise: there is no target: set NOTIFYKIT_APPRISE_URLS to Apprise URLs, or NOTIFYKIT_APPRISE_CONFIG to a "
            "configuration file of Apprise"
        )
    if problems:
        raise ConfigError(problems)
    shown = {name: value for name, value in dsn.options.items() if name == "config"}
    return AppriseTransport(targets, urlencode(shown))


def notifykit_about() -> About:
    """Return the settings of ``apprise``."""
    return About("apprise", _FIELDS)
