"""What only the gateway counts, and the middleware that counts it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from momo.broker.envelope import Envelope
from momo.broker.publisher import Publisher, PublishError
from momo.lag.backlog import Backlog
from momo.telemetry import tracing
from momo.telemetry.exposition import Together, exposed


class Metrics:
    """One set for one application, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # requests answered, by method, route template (never the address itself) and status
        self.requests = Counter(
            "momo_http_requests_total", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        # seconds from the request's arrival to its answer; `Prefer: wait` is part of it
        self.seconds = Histogram(
            "momo_http_request_seconds",
            "Time to answer.",
            ["method", "route"],
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )
        # commands handed to the broker, by routing key and whether the broker confirmed them
        self.published = Counter(
            "momo_gateway_published_total", "Commands published.", ["key", "result"], registry=self.registry
        )
        # seconds, by queue: how old the oldest command is that waits, and how long one that comes now would
        self.age = Gauge(
            "momo_gateway_queue_age_seconds", "Age of the oldest waiting command.", ["queue"], registry=self.registry
        )
        self.wait = Gauge(
            "momo_gateway_queue_wait_seconds",
            "What a command that comes now has before it, at the drain rate of late.",
            ["queue"],
            registry=self.registry,
        )
        # commands turned away because their queue lags, by queue
        self.shed = Counter("momo_gateway_shed_total", "Commands turned away.", ["queue"], registry=self.registry)
        # HTTP requests that are not answered yet
        self.under_way = Gauge("momo_gateway_requests_under_way", "Requests under way.", registry=self.registry)
        # open WebSockets of this process
        self.sockets = Gauge("momo_gateway_sockets", "Open sockets.", registry=self.registry)

    def watch_sockets(self, count: Callable[[], float]) -> None:
        self.sockets.set_function(count)

    def watch_requests(self, count: Callable[[], float]) -> None:
        self.under_way.set_function(count)

    def watch_lag(self, queue: str, lag: Backlog) -> None:
        self.age.labels(queue).set_function(lambda: lag.age)
        self.wait.labels(queue).set_function(lambda: lag.wait)
        self.shed.labels(queue)  # from the start: no rate sees the first event of a counter that appears with it

    def exposed(self, accept: str) -> tuple[bytes, str]:
        """With what every process counts, as text, and its content type, for a request with this `Accept` header."""
        return exposed(accept, Together(self.registry, REGISTRY))

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Counts HTTP requests."""

        @lru_cache
        def line(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
            return self.requests.labels(method, route, str(status)), self.seconds.labels(method, route)

        async def measured(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            status = 500
            began = time.perf_counter()

            async def watching(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            try:
                await app(scope, receive, watching)
            finally:
                # an address without a route has no template: all of them are one line
                route = scope.get("path_template") or "unrouted"
                method = scope["method"]
                request, seconds = line(method, route, status)
                request.inc()
                trace = tracing.current_trace()
                seconds.observe(time.perf_counter() - began, {"trace_id": trace} if trace else None)

        return measured


class CountingPublisher(Publisher):
    """A Publisher whose messages are counted. `confirmed` hears of those that the broker has taken."""

    def __init__(
        self, url: str, *, name: str, metrics: Metrics, confirmed: Callable[[Sequence[Envelope]], None]
    ) -> None:
        super().__init__(url, name=name, confirmed=confirmed)
        self._published = metrics.published

    async def publish(self, envelopes: Sequence[Envelope], *, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        try:
            await super().publish(envelopes, timeout=timeout)
        except PublishError:
            self._count(envelopes, "failed")
            raise
        self._count(envelopes, "confirmed")

    def _count(self, envelopes: Sequence[Envelope], result: str) -> None:
        for envelope in envelopes:
            self._published.labels(envelope.type, result).inc()
