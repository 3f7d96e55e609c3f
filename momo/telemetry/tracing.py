"""Tracing: on where the standard environment says where spans go (OTLP over HTTP); else traceparents just travel on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from momo.broker.delivery import Delivery
from momo.broker.envelope import Envelope

if TYPE_CHECKING:
    from aiohttp import TraceConfig

    from momo.telemetry.spans import Spans

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

spans: Spans | None = None
"""What makes this process' spans; None while it makes none."""


def start(name: str) -> None:
    """Traces from now on, where the environment names an endpoint: as the service `name` unless it says otherwise.

    OpenTelemetry's other variables hold too: `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`, `OTEL_BSP_*` and their like.
    """
    global spans  # noqa: PLW0603 - a process traces or it does not
    if spans is None and any(os.environ.get(endpoint) for endpoint in ENDPOINTS):
        from momo.telemetry.export import exporting  # noqa: PLC0415 - a process that does not trace spares itself the SDK

        spans = exporting(name)


@contextmanager
def publishing(envelope: Envelope) -> Iterator[Envelope]:
    """`envelope` for publishing within what is traced now, with the span of that as its parent."""
    if spans is None:
        yield envelope
    else:
        with spans.publishing(envelope) as traced:
            yield traced


def flushing(lane: str, batch: Sequence[Delivery]) -> AbstractContextManager[None]:
    """A flush of `lane`, which is traced where one of `batch` is."""
    return spans.flushing(lane, batch) if spans is not None else nullcontext()


def during(delivery: Delivery) -> AbstractContextManager[object]:
    """What is done within is done for `delivery`."""
    return delivery.span.current() if delivery.span is not None else nullcontext()


def current_trace() -> str:
    """The id of the sampled trace that what runs now belongs to, or an empty string."""
    return spans.current_trace() if spans is not None else ""


def client_traces() -> Sequence[TraceConfig]:
    """What makes aiohttp trace its requests."""
    return [spans.client()] if spans is not None else []
