"""What /metrics tells. One registry an application; a slice adds its own measures to `metrics.registry`."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.exposition import generate_latest

from store.session import Store

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counts by route template, so that no id becomes a label."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "supportled_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "supportled_request_seconds",
            "Time to the end of the answer",
            ("method", "route"),
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self._waiting = Gauge("supportled_writes_waiting", "Changes queued for the writer", registry=self.registry)

    def watch(self, store: Store) -> None:
        self._waiting.set_function(lambda: store.writer.waiting_count)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> tuple[bytes, str]:
        """The exposition and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE
