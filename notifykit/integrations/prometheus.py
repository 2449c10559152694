"""``prometheus``: metrics of sends and jobs, for prometheus-client.

Switched on by name, ``sinks = ["logging", "prometheus"]``, or as an object, ``Notifier(…, sinks=[PrometheusSink()])``; then
your program serves its registry as it serves its own metrics. ``notifykit worker --metrics`` serves them itself.
No label has a number, a text or a DSN.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from notifykit.errors import ConfigError
from notifykit.events import AttemptFinished, Event, RecipientsFinished
from notifykit.integrations.labels import DURATIONS, WAITS, Figures, Labels, count_unknown, test_label
from notifykit.models.job import Backlog, JobState
from notifykit.settings.sources import Settings

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.multiprocess import MultiProcessCollector
    from prometheus_client.registry import Collector
except ImportError as error:
    raise ConfigError(
        'prometheus: these metrics need the library prometheus-client: pip install "notifykit[prometheus]"'
    ) from error

#: The folder in which several processes share their metrics, as prometheus-client has it.
_MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The metrics of one registry, each with its labels.

    :param registry: where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.labels = Labels()
        of_outcome = ("transport", "outcome", "code")
        with_test = ("transport", "test")
        self.messages = Counter(
            "notifykit_messages",
            "Recipients by final outcome; tries are not counted.",
            (*of_outcome, "test"),
            registry=registry,
        )
        self.unknown = Counter(
            "notifykit_unknown",
            "Recipients whose final outcome is unknown: look at the provider's side.",
            with_test,
            registry=registry,
        )
        self.attempts = Counter("notifykit_attempts", "Requests to providers.", of_outcome, registry=registry)
        self.duration = Histogram(
            "notifykit_attempt_duration_seconds",
            "Duration of a request to a provider.",
            ("transport", "outcome"),
            buckets=DURATIONS,
            registry=registry,
        )
        self.segments = Counter("notifykit_segments", "Segments that providers accepted.", with_test, registry=registry)
        self.cost = Counter("notifykit_cost", "Cost that providers named, in their unit.", with_test, registry=registry)
        self.balance = Gauge(
            "notifykit_balance",
            "Balance in the last answer that named one, in the provider's unit.",
            ("transport",),
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self.waits = Histogram(
            "notifykit_rate_limit_wait_seconds",
            "Waits of requests for the rate limit; those that did not wait are not in it.",
            ("transport",),
            buckets=WAITS,
            registry=registry,
        )

    _of: Final[weakref.WeakKeyDictionary[CollectorRegistry, Metrics]] = weakref.WeakKeyDictionary()
    _lock: Final = threading.Lock()

    @classmethod
    def of(cls, registry: CollectorRegistry) -> Metrics:
        """Return the metrics of a registry: all notifiers of a process share them."""
        with cls._lock:
            found = cls._of.get(registry)
            if found is None:
                found = cls._of[registry] = cls(registry)
            return found


class PrometheusSink:
    """Counts what happens in the metrics of a registry.

    :param registry: prometheus-client's own by default.
    """

    name = "prometheus"
    #: It only counts, so it needs no queue.
    background = False
    final_outcomes = True

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._metrics = Metrics.of(registry)

    def handle(self, event: Event) -> None:
        """Count one event."""
        if isinstance(event, RecipientsFinished):
            self._count_recipients(event)
        elif isinstance(event, AttemptFinished):
            self._count_attempt(event)

    def _count_recipients(self, event: RecipientsFinished) -> None:
        metrics = self._metrics
        transport = metrics.labels.transport(event.transport)
        test = test_label(event)
        for (outcome, code), numbers in event.counts.items():
            metrics.messages.labels(transport, outcome.value, metrics.labels.code(code), test).inc(numbers)
        metrics.unknown.labels(transport, test).inc(count_unknown(event))

    def _count_attempt(self, event: AttemptFinished) -> None:
        metrics, outcome = self._metrics, event.outcome.value
        transport = metrics.labels.transport(event.transport)
        metrics.attempts.labels(transport, outcome, metrics.labels.code(event.code)).inc()
        metrics.duration.labels(transport, outcome).observe(event.elapsed_ms / 1000)
        if event.waited:
            metrics.waits.labels(transport).observe(event.waited)
        figures = Figures.of(event)
        if figures.segments:
            metrics.segments.labels(transport, figures.test).inc(figures.segments)
        if figures.cost:
            metrics.cost.labels(transport, figures.test).inc(figures.cost)
        if event.balance is not None:
            metrics.balance.labels(transport).set(event.balance)


class JobsCollector(Collector):
    """Reads the jobs in the database when it is asked: ``notifykit_jobs`` and ``notifykit_job_oldest_seconds``.

    One process of all that share a database needs it: ``notifykit worker --metrics`` has it.

    :param backlog: returns what there is to do, as ``Notifier.backlog`` does. Where it raises a
        :class:`~notifykit.errors.ConfigError`, there are no metrics of jobs, and the others are served.
    """

    def __init__(self, backlog: Callable[[], Backlog]) -> None:
        self._backlog = backlog

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics of jobs."""
        try:
            backlog = self._backlog()
        except ConfigError:
            return
        states = GaugeMetricFamily("notifykit_jobs", "Jobs in the database by state.", labels=("state",))
        for state in JobState:
            states.add_metric((state.value,), backlog.states.get(state, 0))
        yield states
        yield GaugeMetricFamily(
            "notifykit_job_oldest_seconds",
            "Seconds since the oldest running job could start; 0 where none is running.",
            value=backlog.oldest or 0.0,
        )

    def describe(self) -> Iterable[Metric]:
        """Yield nothing: what is not there yet is not read when this is registered."""
        return ()


def served_registry() -> CollectorRegistry:
    """Return a registry of everything that this process serves: in multiprocess mode, of all processes.

    :raises ConfigError: if the folder of the multiprocess mode is not there.
    """
    registry = CollectorRegistry()
    if folder := os.environ.get(_MULTIPROCESS):
        if not os.path.isdir(folder):  # noqa: PTH112 - as prometheus-client looks
            raise ConfigError(f"{_MULTIPROCESS}: {folder} is no folder: make it, empty, before any process starts")
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    return registry


def notifykit_sinks(settings: Settings) -> list[PrometheusSink]:
    """Bring ``prometheus``."""
    return [PrometheusSink()]
