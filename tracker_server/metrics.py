"""The tracker's numbers in the text format of Prometheus.

A collector of our own reads plain integers when somebody asks. The library's counters
take a lock at each step, and the CPU of a view is what the tracker is measured by.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tracker_server.meter import Answers, Counter, Histogram, ServerMeter, StoreMeter

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the numbers of one process come from."""

    version: str
    answers: Answers
    server: ServerMeter
    streams: Callable[[], int]
    store: StoreMeter
    beats_repeated: Counter
    """Heartbeats that were known to change nothing before they reached the database."""
    waiting: Callable[[], int]
    max_waiting: int
    is_ready: Callable[[], bool]
    active: Callable[[], int | None]
    """Active sessions, ``None`` while the database does not answer."""


class Metrics:
    """What ``GET /metrics`` says, from a registry of its own."""

    def __init__(self, sources: Sources) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Tracker(sources))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """Return all of them, as of now."""
        return generate_latest(self._registry)


class _Tracker(Collector):
    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> Iterator[Metric]:
        """Name nothing: what is registered beside this has names of its own."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield InfoMetricFamily("tracker", "What runs here.", {"version": self._sources.version})
        yield from self._server()
        yield from self._messages()
        yield from self._counting()
        yield from self._storing()
        yield from self._state()

    def _server(self) -> Iterator[Metric]:
        server = self._sources.server
        yield GaugeMetricFamily("tracker_connections", "Open connections.", server.connections)
        yield GaugeMetricFamily("tracker_streams", "Open streams.", self._sources.streams())
        yield _by_reason(
            "tracker_requests_refused",
            "Requests, or their bodies, that the server itself refused, and why.",
            server.refused,
        )
        yield _by_reason(
            "tracker_connections_cut", "Connections that the server ended, and why.", server.cut
        )

    def _messages(self) -> Iterator[Metric]:
        given = CounterMetricFamily(
            "tracker_messages",
            "Requests to the collect endpoint by kind of message and status of the answer.",
            labels=("kind", "status"),
        )
        for labels, counter in self._sources.answers.given.items():
            value = counter.value()
            if value:
                given.add_metric(labels, value)
        yield given
        yield _by_reason(
            "tracker_dropped",
            "Those of them that were not counted, and why.",
            {reason: n.value() for reason, n in self._sources.answers.dropped.items()},
        )

    def _counting(self) -> Iterator[Metric]:
        store = self._sources.store
        yield CounterMetricFamily(
            "tracker_views_counted", "Page views that were counted.", store.views_counted
        )
        yield CounterMetricFamily(
            "tracker_views_repeated",
            "Views that were none: a page load sent again, or a page seen within the window.",
            store.views_repeated,
        )
        yield CounterMetricFamily(
            "tracker_beats_repeated",
            "Heartbeats within the window, which write nothing.",
            store.beats_repeated + self._sources.beats_repeated.value(),
        )
        yield CounterMetricFamily(
            "tracker_sessions_written",
            "Rows of active sessions inserted, changed or deleted by messages.",
            store.sessions_written,
        )

    def _storing(self) -> Iterator[Metric]:
        store = self._sources.store
        yield _histogram("tracker_batch_messages", "Messages to a commit.", store.batch_messages)
        yield _histogram(
            "tracker_commit_seconds",
            "From the begin of a batch's transaction to the end of its commit.",
            store.commit_seconds,
        )
        yield _histogram(
            "tracker_lock_seconds",
            "From the begin of a transaction until it holds the database's lock.",
            store.lock_seconds,
        )
        yield _by_reason(
            "tracker_storage_failures",
            "Transactions that were not committed; none is tried again by the tracker itself.",
            store.failures,
            label="cause",
        )

    def _state(self) -> Iterator[Metric]:
        sources = self._sources
        yield GaugeMetricFamily(
            "tracker_waiting_messages", "Messages that wait for the disk.", sources.waiting()
        )
        yield GaugeMetricFamily(
            "tracker_max_waiting_messages", "How many may wait.", sources.max_waiting
        )
        yield GaugeMetricFamily(
            "tracker_ready", "1 while messages are stored.", int(sources.is_ready())
        )
        active = sources.active()
        if active is not None:
            yield GaugeMetricFamily(
                "tracker_active_sessions", "Sessions seen within the timeout.", active
            )


def _by_reason(
    name: str, help_text: str, numbers: Mapping[str, int], label: str = "reason"
) -> Metric:
    family = CounterMetricFamily(name, help_text, labels=(label,))
    for reason, number in numbers.items():
        family.add_metric((reason,), number)
    return family


def _histogram(name: str, help_text: str, histogram: Histogram) -> Metric:
    buckets = [
        ("+Inf" if bound == float("inf") else f"{bound:g}", number)
        for bound, number in histogram.up_to()
    ]
    return HistogramMetricFamily(name, help_text, buckets=buckets, sum_value=histogram.sum)
