"""``apprise``: hands messages to the services that the Apprise library knows. Needs the extra ``apprise``.

Apprise has a URL for each target, with the target's own address and password in it. So a recipient here is no address
but a name: the tag of one or several targets, or ``all``. Targets come from ``NOTIFYKIT_APPRISE_URLS`` or
``[tool.notifykit.apprise] urls``, each ``URL`` or ``tag,tag=URL``; from a configuration file of Apprise, with
``apprise://default?config=…``; or, percent-encoded, from the path of a DSN: ``apprise://default/json%3A%2F%2Flocalhost``.

Apprise says of each target yes or no. Yes from all that a tag stands for is accepted. No covers a refusal and a lost
answer alike, so a single no makes the outcome unknown: nothing here can promise that it was not sent.
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
from notifykit.settings.fields import Field, path

if TYPE_CHECKING:
    from apprise import NotifyBase

#: The recipient that stands for every target.
EVERYBODY: Final = "all"
#: The tag of a target that gets every message, whomever it is for: Apprise's own rule.
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


_FIELDS: Final = (
    Field(
        "urls", _urls, None, ("NOTIFYKIT_APPRISE_URLS",), help="Targets, each URL or tag,tag=URL, with spaces between."
    ),
    Field("config", path, None, ("NOTIFYKIT_APPRISE_CONFIG",), help="A configuration file of Apprise with targets."),
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
    #: The names that it answers to, in lower case.
    tags: frozenset[str] = frozenset()

    def answers_to(self, name: str) -> bool:
        """Return whether a message to this name is for it."""
        return name == EVERYBODY or name in self.tags or ALWAYS in self.tags


class AppriseTransport:
    """Hands each message to the targets that its recipient stands for, all at the same time.

    :param targets: where messages can go.
    :param shown: the options of its DSN that may be seen.
    """

    name = "apprise"
    capabilities = CAPABILITIES

    def __init__(self, targets: Iterable[Target], shown: str = "") -> None:
        self._targets = tuple(targets)
        self._shown = f"apprise://default{f'?{shown}' if shown else ''}"
        self._closed = False

    def send(self, batch: Batch, timeout: float) -> Submission:
        """Hand over one message.

        Apprise has timeouts of its own for each read; whoever has not answered when ours has passed is left behind in
        a thread of its own, and the outcome is unknown.
        """
        if self._closed:
            raise NotReached(
                "The transport is closed.", "closed", action="Send before you close the notifier.", waits=()
            )
        problem = _check(batch.message)
        if problem:
            raise problem
        (recipient,) = batch.recipients
        targets = [target for target in self._targets if target.answers_to(recipient.address.lower())]
        if not targets:
            raise InvalidRecipient(
                "No Apprise target has this tag.",
                action=f"Give a tag that one of the targets has, or {EVERYBODY!r} for all of them.",
            )
        answers = _ask(targets, batch.message, timeout)
        counts = {"targets": len(targets), "took_it": sum(answer is True for answer in answers)}
        if counts["took_it"] == len(targets):
            return Submission(advice=_advice(len(targets)), fields=counts)
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


def _advice(number: int) -> str:
    return f"Apprise says that {_counted(number)} took it; it gives no id to ask by."


def _ask(targets: list[Target], message: Message, timeout: float) -> list[bool]:
    """Ask every target and return the answers that came in time, in the order in which they came."""
    ends = time.monotonic() + timeout
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
    for target in targets:
        # A thread that is still busy must not keep the program from ending.
        threading.Thread(target=_notify, args=(target, message, answers), name="notifykit-apprise", daemon=True).start()
    heard: list[bool] = []
    while len(heard) < len(targets):
        try:
            heard.append(answers.get(timeout=max(0.0, ends - time.monotonic())))
        except queue.Empty:
            break
    return heard


def _notify(target: Target, message: Message, answers: queue.SimpleQueue[bool]) -> None:
    import apprise

    taken = False
    try:
        with _silence():
            # One target at a time: of several together, Apprise gives one answer for all.
            one = apprise.Apprise()
            one.add(target.service)
            taken = bool(
                one.notify(
                    body=message.text,
                    title=message.subject or "",
                    body_format=apprise.NotifyFormat.TEXT,
                    interpret_escapes=False,
                )
            )
    except Exception:  # noqa: S110 - a service may raise anything, and its words may hold its password
        pass
    finally:
        answers.put(taken)


_ours: contextvars.ContextVar[bool] = contextvars.ContextVar("notifykit_apprise", default=False)


class _Silence(logging.Filter):
    """Drops what is logged on our behalf: Apprise and its HTTP library write addresses, texts and paths with tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is somebody else's."""
        return not _ours.get()


_SILENCE: Final = _Silence()
_TALKATIVE: Final = ("apprise", "urllib3.connectionpool", "requests")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Let nothing be logged by Apprise within the block; a program's own use of Apprise is not touched."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_SILENCE)  # a filter that is there already is not added again
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


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
        # It names files of its own to read, which may be anywhere; only this one was meant.
        config = apprise.AppriseConfig(insecure_includes=False, recursion=0)
        config.add(str(file.resolve()))
        whole = apprise.Apprise()
        whole.add(config)
        found = list(whole.find())
    if not found:
        problems.append(f"apprise.config: {name} has no target that Apprise understands")
    yield from map(_target, found)


def _target(service: Any) -> Target:
    # Some versions try a target again by themselves, after a lost answer too: then it would come twice.
    if getattr(service, "retry", 0):
        service.retry = 0
    return Target(service, frozenset(str(tag).lower() for tag in service.tags))


def build(dsn: Dsn, context: BuildContext) -> AppriseTransport:
    """Build the transport from a DSN and the settings.

    :raises ConfigError: with every problem, and where the library is not installed.
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
    """Tell of the settings of ``apprise``."""
    return About("apprise", _FIELDS)
