"""``prometheus``: metrics of sends and jobs, for prometheus-client.

Switched on by name, ``sinks = ["logging", "prometheus"]``, or as an object, ``Notifier(…, sinks=[PrometheusSink()])``; then
your program serves its registry as it serves its own metrics. ``notifykit worker --metrics`` serves them itself.
No label has a number, a text or a DSN.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from notifykit.errors import ConfigError
from notifykit.events import Event
from notifykit.integrations.labels import INSTRUMENTS, Instrument, Labels, measurements
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
    """The metrics of one registry.

    :param registry: where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._labels = Labels()
        self._record = {instrument.name: _registered(instrument, registry) for instrument in INSTRUMENTS}

    def count(self, event: Event) -> None:
        """Count one event."""
        for name, amount, labels in measurements(event, self._labels):
            self._record[name](amount, labels)

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


def _registered(instrument: Instrument, registry: CollectorRegistry) -> Callable[[float, Mapping[str, str]], None]:
    """Return what records an amount under its labels."""
    seconds = "_seconds" if instrument.unit == "s" else ""
    about = f"notifykit_{instrument.name.replace('.', '_')}{seconds}", instrument.description, instrument.labels
    if instrument.buckets:
        histogram = Histogram(*about, buckets=instrument.buckets, registry=registry)
        return lambda amount, labels: histogram.labels(**labels).observe(amount)
    if instrument.gauge:
        gauge = Gauge(*about, registry=registry, multiprocess_mode="mostrecent")
        return lambda amount, labels: gauge.labels(**labels).set(amount)
    counter = Counter(*about, registry=registry)
    return lambda amount, labels: counter.labels(**labels).inc(amount)


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
        self._metrics.count(event)


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
