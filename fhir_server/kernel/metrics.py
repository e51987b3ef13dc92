"""What Prometheus may ask: requests by interaction and status, their time, how many are in flight.

Several workers: `fhir-server serve --workers N` gives them one folder (`PROMETHEUS_MULTIPROC_DIR`),
each writes its own files there, and any worker that is asked adds all of them up.

https://prometheus.github.io/client_python/multiprocess/
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The server's metrics, in a registry of their own. Labels are from small fixed sets, never from content."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "fhir_server_requests", "Requests answered.", ("interaction", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "fhir_server_request_seconds",
            "Seconds from a request's head to its answer's end.",
            ("interaction",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "fhir_server_requests_in_flight",
            "Requests being answered now.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        # Looking a child up by its labels takes a lock and a tuple of strings; a dict is cheaper.
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def answered(self, interaction: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        children = self._children.get((interaction, status))
        if children is None:
            children = (self._requests.labels(interaction, str(status)), self._seconds.labels(interaction))
            self._children[(interaction, status)] = children
        children[0].inc()
        children[1].observe(seconds)

    def exposition(self) -> bytes:
        """Return the metrics of all workers in Prometheus' text form."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
