"""Celery: a task that sends, at most once, although Celery delivers it at least once.

The task is acknowledged late, so that no task is lost with its worker. What makes that safe is the store of
:doc:`jobs </how-to/durable>`: the task writes each request to it before it is sent. A task that is delivered again sends
what was certainly not sent. What may have been sent is *unknown*, and is not sent again.
"""

from __future__ import annotations

import datetime
import logging
import time
import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from notifykit.errors import ConfigError, NotifyError, needs_extra
from notifykit.integrations.per_process import PerProcess
from notifykit.models.job import JobSpec
from notifykit.models.receipt import Outcome, Receipt
from notifykit.pipeline.notifier import Notifier
from notifykit.pipeline.stages import normalize
from notifykit.settings.sources import Settings

with needs_extra("celery,durable"):
    from celery import Celery, Task, shared_task, signals
    from celery.worker.request import Request
    from kombu.utils.objects import cached_property

_log = logging.getLogger("notifykit.celery")

#: What logs, monitors and result backends have in place of a task's arguments.
_HIDDEN: Final = "(…)"
#: The header of a message: seconds since 1970 until which it may be sent.
_UNTIL: Final = "notifykit_until"
#: The most seconds until a task is tried again: Redis delivers a task again that waits for longer than an hour.
_LONGEST_WAIT: Final = 900.0
#: Seconds that a task may take besides its one request: the rate limit, the guards, the store.
_BESIDES: Final = 30.0
#: Brokers that no other machine can reach, and hosts that are this machine.
_LOCAL_BROKERS: Final = frozenset({"memory", "filesystem"})
_LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})

#: The notifier of each application in this process.
_NOTIFIERS: Final[weakref.WeakKeyDictionary[Celery, PerProcess[Notifier]]] = weakref.WeakKeyDictionary()


def get_notifier(app: Celery) -> Notifier:
    """Return the notifier of this process. ``app.conf.notifykit`` has settings for it, by their names.

    It is made when it is first used, which is after Celery forked, and closed when the process ends.

    :raises ConfigError: with everything that is wrong with the settings.
    """
    if app not in _NOTIFIERS:
        settings = dict(app.conf.get("notifykit") or {})
        _NOTIFIERS.setdefault(app, PerProcess(lambda: Notifier.from_settings(**settings)))
    return _NOTIFIERS[app].get()


class _Again(Exception):  # noqa: N818 - it says what happens
    """What was certainly not sent is to be tried again."""

    def __init__(self, seconds: float, cause: NotifyError | None) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.cause = cause


class SendRequest(Request):  # type: ignore[misc]
    """A task in a worker whose arguments are shown nowhere, not to ``celery inspect`` either."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Also where the message was made by ``app.send_task``, which knows nothing of this class.
        self._argsrepr = self._kwargsrepr = _HIDDEN
        self._request_dict["argsrepr"] = self._request_dict["kwargsrepr"] = _HIDDEN

    def info(self, safe: bool = False) -> dict[str, Any]:
        """Return what is shown of the task."""
        shown: dict[str, Any] = super().info(safe=True)
        return shown

    @cached_property
    def _context(self) -> Any:
        # With the setting ``result_extended`` the result has the arguments of a task that was killed.
        context = super()._context
        context.args, context.kwargs = _HIDDEN, {}
        return context


class SendTask(Task):  # type: ignore[misc]
    """The base of tasks that send: ``@app.task(bind=True, base=SendTask)``, and ``self.send(…)`` in them, once.

    Arguments are JSON, and stand in no log, no event and no result of Celery. ``expires`` is kept by the store and not by
    Celery, so that a task which comes too late still says what became of it.
    """

    abstract = True
    Request = SendRequest
    serializer = "json"
    acks_late = True
    reject_on_worker_lost = True
    acks_on_timeout = False
    #: The errors say how often it makes sense.
    max_retries = None
    soft_time_limit: float | None = 60
    time_limit: float | None = 90

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Put the task into the queue; the arguments are Celery's."""
        expires = options.pop("expires", None) or self.expires
        if expires is not None:
            options["headers"] = {**(options.get("headers") or {}), _UNTIL: _moment(expires)}
        return super().apply_async(args, kwargs, **options | {"argsrepr": _HIDDEN, "kwargsrepr": _HIDDEN})

    def _get_exec_options(self) -> dict[str, Any]:
        return {name: value for name, value in super()._get_exec_options().items() if name != "expires"}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task. Where something is to be tried again, the broker waits for it, and no worker does."""
        if self.request.called_directly:
            raise RuntimeError(f"{self.name} is a task: call {self.name}.delay(…), or notifier.send(…) without Celery")
        self.request.args, self.request.kwargs = _HIDDEN, {}
        try:
            return self.run(*args, **kwargs)
        except _Again as again:
            seconds, cause = again.seconds, again.cause
        raise self.retry(args, kwargs, countdown=min(seconds, _LONGEST_WAIT), exc=cause)

    def send(
        self,
        to: str | Sequence[str],
        text: str,
        *,
        key: str | None = None,
        sender: str | None = None,
        via: str | None = None,
        channel: str = "sms",
        tags: str | Iterable[str] = (),
        subject: str | None = None,
        move_unknown: bool = False,
    ) -> str | dict[str, int]:
        """Send a text, once for this task, however often Celery delivers it.

        :param to: a number, or a list of them.
        :param key: what it is about, such as ``order-17``: two tasks with one key send once. Without one, the task's id.
        :param via: a transport's name in the settings.
        :return: the outcome, or how many recipients had each one.
        :raises ConfigError: if the settings are wrong, or the key is that of another message.
        """
        # In a list, what was typed is one number: "98765432,98765433" would be two.
        people = [to] if isinstance(to, str) else list(to)
        key = key or f"celery-{self.request.id}"
        components = get_notifier(self.app)._components  # noqa: SLF001 - the notifier is this package's
        engine = _engine(components)
        until = (self.request.headers or {}).get(_UNTIL)
        left = None if until is None else until - time.time()
        if left is not None and left <= 0 and not _is_known(engine, key):
            _log.warning("task %s came too late: nothing was sent", self.request.id)
            return _summary([Outcome.SKIPPED] * len(people), isinstance(to, str))
        message = components.message(text, sender, channel, tags, None, subject)
        recipients = normalize(people, message, components.context(via, None, window=None))
        expires_in = None if left is None else max(left, 0.001)
        job, wait = engine.attempt(JobSpec(recipients, message, key, via, None, expires_in, move_unknown=move_unknown))
        receipts = list(job.receipts())
        if wait is not None:
            raise _Again(wait, next((receipt.error for receipt in receipts if receipt.error), None))
        self._log_failures(key, receipts)
        return _summary([receipt.outcome for receipt in receipts], isinstance(to, str))

    def _log_failures(self, key: str, receipts: Iterable[Receipt]) -> None:
        """Log once for each error, and never for each number, what a person has to do something about."""
        failed = Counter(
            (r.outcome, str(r.error)) for r in receipts if r.outcome in (Outcome.REJECTED, Outcome.UNKNOWN)
        )
        for (outcome, error), count in failed.items():
            what = "may have been sent, and are not sent again" if outcome is Outcome.UNKNOWN else "were not sent"
            _log.warning("task %s: %d messages %s: %s (notifykit jobs %s)", self.request.id, count, what, error, key)


@shared_task(bind=True, base=SendTask, name="notifykit.send")  # type: ignore[untyped-decorator]
def send(self: SendTask, to: str | Sequence[str], text: str, **options: Any) -> str | dict[str, int]:
    """Send a text; the arguments are those of :meth:`SendTask.send`."""
    return self.send(to, text, **options)


def _engine(components: Any) -> Any:
    engine = components.engine()
    if not hasattr(engine, "attempt"):
        raise ConfigError(f"{type(engine).__name__} can't send for Celery: switch the plugin that brings it off")
    return engine


def _is_known(engine: Any, key: str) -> bool:
    try:
        engine.job(key)
    except KeyError:
        return False
    return True


def _summary(outcomes: Sequence[Outcome], single: bool) -> str | dict[str, int]:
    if single:
        return outcomes[0].value
    return {outcome.value: outcomes.count(outcome) for outcome in Outcome if outcome in outcomes}


def _moment(expires: Any) -> float:
    """Return when Celery's ``expires`` is, in seconds since 1970: it is a time, or seconds from now."""
    if isinstance(expires, str):
        expires = datetime.datetime.fromisoformat(expires)
    if isinstance(expires, datetime.datetime):
        return (expires if expires.tzinfo else expires.replace(tzinfo=datetime.UTC)).timestamp()
    return time.time() + float(expires)


def problems_of(app: Celery) -> list[str]:
    """Return why tasks that send are not safe, or can't work, in a worker of this application."""
    if not any(isinstance(task, SendTask) for task in app.tasks.values()):
        return []
    try:
        with Notifier.from_settings(**dict(app.conf.get("notifykit") or {})) as notifier:
            settings = notifier.settings
    except ConfigError as error:
        return list(error.problems)
    return [*_store_problems(app, settings), *_limit_problems(app, settings.timeout)]


def _store_problems(app: Celery, settings: Settings) -> list[str]:
    try:
        import dbos  # noqa: F401 - only whether it is there

        from notifykit.durable.database import FIELDS, SECTION, DurableSettings

        stored = DurableSettings.of(settings)
    except ImportError as error:
        missing = f'{error.name} is missing: pip install "notifykit[durable]"'
        return [f"acks_late: a task that is delivered again is only safe with a store of what was sent, and {missing}"]
    except ConfigError as error:
        return list(error.problems)
    named = settings.section(SECTION, FIELDS)["database_url"].value is not None
    urls = app.conf.broker_read_url or app.conf.broker_url or ""
    brokers = urls.split(";") if isinstance(urls, str) else urls
    if stored.file is None or named or all(_is_local(url) for url in brokers):
        return []
    here = (
        f"acks_late: the broker may deliver a task again on another machine, which can't read {stored.file}. Set "
        "NOTIFYKIT_DATABASE_URL to a PostgreSQL database that all workers share; where every worker is on this machine, "
        f"say so: NOTIFYKIT_DATABASE_URL=sqlite:///{stored.file}"
    )
    return [here]


def _is_local(broker: str) -> bool:
    parts = urlsplit(broker)
    return parts.scheme.partition("+")[0] in _LOCAL_BROKERS or (parts.hostname or "") in _LOCAL_HOSTS


def _limit_problems(app: Celery, timeout: float) -> list[str]:
    tasks = [task for task in app.tasks.values() if isinstance(task, SendTask)]
    least = timeout + _BESIDES
    return [
        f"{task.name}: {name} is {limit:g}: give {least:g} seconds at least, so that a request (timeout: {timeout:g} s) is "
        "not cut off before its answer"
        for task in tasks
        for name, limit in (("soft_time_limit", task.soft_time_limit), ("time_limit", task.time_limit))
        if limit is not None and limit < least
    ]


@signals.worker_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _check(sender: Any = None, **_: Any) -> None:
    """Let no worker start that could send twice, or lose something: the queue keeps the tasks."""
    problems = problems_of(sender.app) if sender else []
    if problems:
        raise SystemExit(f"notifykit: this worker does not start:\n{ConfigError(problems)}")


@signals.worker_process_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
@signals.worker_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
def _close(**_: Any) -> None:
    """Close the notifiers of this process: pools end their processes without the functions of ``atexit``."""
    for notifier in list(_NOTIFIERS.values()):
        notifier.close()
