"""Sentry: a breadcrumb for each attempt, an issue for each error code, and nothing secret. Needs the extra ``sentry``.

``sentry_sdk.init(…, integrations=[NotifykitIntegration()])`` is all: it sees every notifier of the process, whenever it was
made.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from notifykit.errors import ConfigError, Scope
from notifykit.events import AttemptFinished, BatchExcluded, CircuitOpened, Event, FailedOver, RequestStarted
from notifykit.integrations.labels import Labels
from notifykit.models.receipt import Outcome
from notifykit.pipeline.tracing import observe
from notifykit.redaction import STARS, scrub, without_numbers
from notifykit.sinks.logging import fields_of

try:
    _sentry: Any = importlib.import_module("sentry_sdk")
    _integrations: Any = importlib.import_module("sentry_sdk.integrations")
    _logging: Any = importlib.import_module("sentry_sdk.integrations.logging")
    _scope: Any = importlib.import_module("sentry_sdk.scope")
except ImportError:
    raise ConfigError('NotifykitIntegration needs the SDK of Sentry: pip install "notifykit[sentry]"') from None

_CATEGORY: Final = "notifykit"
_IN_BREADCRUMBS: Final = (AttemptFinished, BatchExcluded, CircuitOpened, FailedOver)
#: What is of one message or recipient alone, or names an account.
_LEFT_OUT: Final = frozenset({"to", "sender", "msg_id", "transport", "inside", "instead_of"})
_OURS: Final = ("notifykit", "notifykit_kwtsms")
_labels: Final = Labels()
#: Their records would be issues and breadcrumbs of their own.
_LOGGERS: Final = ("notifykit.send", "notifykit.transport.*")


class NotifykitIntegration(_integrations.Integration):  # type: ignore[misc]  # the SDK may be missing
    """Gives Sentry what happens to messages.

    Each attempt is a breadcrumb. An attempt that is rejected or unknown and not tried again is an event, unless the
    error is about a single recipient; its fingerprint is the error's code and the transport, so that a night of one error
    is one issue. In a transaction each request is a span; the HTTP request in it is not recorded, because the path of a
    webhook may be a secret. No event has the local variables of notifykit's frames; where such a frame is in an
    event, strings and numbers in the variables of other frames are hidden.
    """

    identifier = "notifykit"

    @staticmethod
    def setup_once() -> None:
        """Watch every notifier of the process."""
        observe(_Observer())
        for name in _LOGGERS:
            _logging.ignore_logger(name)
        _scope.add_global_event_processor(_hide_variables)


class _Observer:
    name = "sentry"

    def handle(self, event: Event) -> None:
        """Record an event, where Sentry is set up with the integration."""
        if not isinstance(event, _IN_BREADCRUMBS) or not _is_on():
            return
        fields = {name: value for name, value in fields_of(event).items() if name not in _LEFT_OUT}
        transport = "" if isinstance(event, BatchExcluded) else _labels.transport(event.transport)
        fields |= {"transport": transport, "code": _labels.code(event.code)}
        words = (event.name, transport, str(fields.get("outcome", "")))
        message = " ".join(filter(None, words))
        _sentry.add_breadcrumb(category=_CATEGORY, message=message, level=_level(event), data=fields)
        if isinstance(event, AttemptFinished) and event.error is not None and event.again is None:
            _capture(event, transport)

    @contextlib.contextmanager
    def around_request(self, event: RequestStarted) -> Iterator[None]:
        """Make a request a span, and keep the HTTP request in it from being recorded."""
        if not _is_on():
            yield
            return
        with contextlib.ExitStack() as stack:
            if _sentry.get_current_span() is not None:
                span = stack.enter_context(_sentry.start_span(op="queue.publish", origin="auto.notifykit"))
                span.description = f"send {_labels.transport(event.transport)}"
            stack.enter_context(_sentry.isolation_scope())
            _sentry.get_current_scope().span = None
            yield

    def job_context(self) -> Mapping[str, str]:
        """Return nothing to store with a job."""
        return {}

    def around_job(self, context: Mapping[str, str]) -> contextlib.AbstractContextManager[None]:
        """Enter nothing around the try of a job."""
        return contextlib.nullcontext()


def _capture(event: AttemptFinished, transport: str) -> None:
    """Send an event to Sentry, unless the error is about a single recipient."""
    if event.outcome not in (Outcome.REJECTED, Outcome.UNKNOWN) or event.scope == Scope.RECIPIENT:
        return
    what = _labels.code(event.code or event.error_type)
    tags = {"code": what, "transport": transport, "outcome": str(event.outcome), "scope": event.scope}
    context = {"action": event.action, "attempt": event.attempt, "numbers": len(event.recipients), "test": event.test}
    _sentry.capture_event(
        {
            "level": _level(event),
            "logger": "notifykit",
            "message": without_numbers(f"{transport}: {what}: {event.error}"),
            "fingerprint": [what, transport],
            "tags": {f"notifykit.{name}": value for name, value in tags.items()},
            "contexts": {"notifykit": {k: without_numbers(v) if isinstance(v, str) else v for k, v in context.items()}},
            # With attach_stacktrace the SDK would add the frames of this thread.
            "threads": {"values": []},
        }
    )


def _level(event: Event) -> str:
    if not isinstance(event, AttemptFinished):
        return "warning"
    # An attempt that another one follows, or that is a composite's, is not the last one.
    followed = event.again is not None or event.inside is not None
    return "info" if event.error is None else "warning" if followed else "error"


def _is_on() -> bool:
    return _sentry.get_client().get_integration(NotifykitIntegration) is not None


def _hide_variables(event: Any, hint: Any) -> Any:
    """Hide the variables of an event before it is sent; a processor of events, which runs first.

    The SDK adds frames to an event after it was processed, and before it is scrubbed: so the scrubber hides them.
    """
    options = _sentry.get_client().options
    if _is_on() and not isinstance(options.get("event_scrubber"), _Scrubber):
        options["event_scrubber"] = _Scrubber(options.get("event_scrubber"))
    return event


class _Scrubber:
    """Hides variables, and then does what the scrubber of the program does."""

    def __init__(self, scrubber: Any) -> None:
        self._scrubber = scrubber

    def scrub_event(self, event: dict[str, Any]) -> None:
        """Hide what may hold a number, a text or a password in an event with a frame of notifykit."""
        traces = [*_values(event, "exception"), *_values(event, "threads"), event]
        if any(_is_ours(frame) for trace in traces for frame in _frames(trace)):
            for trace in traces:
                _scrub_trace(trace)
        if self._scrubber:
            self._scrubber.scrub_event(event)


def _scrub_trace(trace: dict[str, Any]) -> None:
    frames = list(_frames(trace))
    for frame in frames:
        if _is_ours(frame):
            frame.pop("vars", None)
        elif "vars" in frame:
            frame["vars"] = _hidden(frame["vars"])
    # What another library or a plugin raised inside of notifykit may have in its words what was sent.
    foreign = not str(trace.get("module")).startswith(_OURS)
    if foreign and isinstance(trace.get("value"), str) and any(map(_is_ours, frames)):
        trace["value"] = scrub(trace["value"])


def _hidden(value: Any) -> Any:
    """Return variables, as the SDK has written them, without what is quoted and what looks like a number."""
    if isinstance(value, Mapping):
        return {scrub(str(name)): _hidden(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    return scrub(value) if isinstance(value, str) else STARS


def _is_ours(frame: Mapping[str, Any]) -> bool:
    return str(frame.get("module")).partition(".")[0] in _OURS


def _frames(trace: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    return (trace.get("stacktrace") or {}).get("frames") or ()


def _values(event: Mapping[str, Any], kind: str) -> Iterable[dict[str, Any]]:
    return (event.get(kind) or {}).get("values") or ()
