"""What the service counts, in Prometheus's form."""

import prometheus_client
from prometheus_client import Counter, Gauge, Histogram

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The counters of one service, in a registry of its own."""

    def __init__(self) -> None:
        registry = prometheus_client.CollectorRegistry()
        self._registry = registry
        for collector in (prometheus_client.ProcessCollector, prometheus_client.PlatformCollector):
            collector(registry=registry)
        self.requests = Counter(
            "service_requests_total",
            "Requests answered.",
            ["route", "method", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "service_request_seconds",
            "Seconds from a request's first line to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "service_requests_in_flight", "Requests being answered.", registry=registry
        )
        self.ready = Gauge(
            "service_ready",
            "1 if requests are taken, 0 while starting or draining.",
            registry=registry,
        )
        self.bytes_held = Gauge(
            "service_request_bytes", "Memory counted for bodies and images.", registry=registry
        )
        self.waiting = Gauge(
            "service_images_waiting", "Images in a model's queue.", ["model"], registry=registry
        )
        self.batch_size = Histogram(
            "service_batch_size", "Images of a batch.", ["model"], buckets=_SIZES, registry=registry
        )
        self.batch_seconds = Histogram(
            "service_batch_seconds",
            "Seconds that the network takes for a batch.",
            ["model"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.model_version = Gauge(
            "service_model_version", "How often an export was loaded.", ["model"], registry=registry
        )
        self.reload_failures = Counter(
            "service_model_reload_failures_total",
            "Exports that changed and could not be loaded; the one before them went on.",
            ["model"],
            registry=registry,
        )

    def text(self) -> bytes:
        """Returns everything, as Prometheus reads it."""
        return prometheus_client.generate_latest(self._registry)
