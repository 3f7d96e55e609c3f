"""The export of spans: OpenTelemetry's SDK, batching in a thread of its own, and done with in time at the end."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from momo.telemetry.spans import Spans

LAST_SPANS_SECONDS = 3.0


class Linked(Sampler):
    """Samples what links to something sampled, such as the flush of a sampled message; else as `inner` says."""

    def __init__(self, inner: Sampler) -> None:
        self._inner = inner

    def should_sample(  # noqa: PLR0917 - the SDK calls it so
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if any(link.context.trace_flags.sampled for link in links or ()):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"Linked({self._inner.get_description()})"


def exporting(name: str) -> Spans:
    """Spans that are exported as the environment says, by the service `name` unless it names one."""
    resource = Resource.create()
    if str(resource.attributes.get("service.name", "unknown_service")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": name}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.sampler = Linked(provider.sampler)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    atexit.register(_shut_down, provider)
    return Spans(provider.get_tracer("momo"))


def _shut_down(provider: TracerProvider) -> None:
    """Exports what is left; a collector that does not answer holds the end of the process only for so long."""
    last = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
    last.start()
    last.join(LAST_SPANS_SECONDS)
