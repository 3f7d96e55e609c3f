"""Spans of requests, messages sent, their handling, flushes and calls to others, named as OpenTelemetry does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace

from aiohttp import ClientSession, TraceConfig, TraceRequestEndParams, TraceRequestExceptionParams
from aiohttp import TraceRequestStartParams as Started
from msgspec.structs import replace
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags, Tracer

from contracts.base import Message
from contracts.topology import KEYS, exchange_of
from momo.broker.delivery import Delivery
from momo.broker.envelope import Envelope
from momo.broker.identity import text_of_id
from momo.telemetry.traceparent import parsed, sampled

NANOSECONDS = 1_000_000_000
SPOKEN = frozenset({"v1", "payments", "orders", "confirm", "cancel"})
"""Parts of a path that say what is asked; any other says about whom, and a payment's key is nobody else's business."""


class Spans:
    """Makes the spans of one process. What is not sampled costs a glance at its traceparent."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def request(self, method: str, traceparent: str) -> Iterator[Span]:
        """A request to this process; what it does meanwhile belongs to it."""
        with self._tracer.start_as_current_span(
            method,
            _context(traceparent),
            SpanKind.SERVER,
            {"http.request.method": method},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    def answered(self, span: Span, method: str, route: str, status: int) -> None:
        """A request was answered."""
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                failed(span, str(status))

    @contextmanager
    def publishing(self, envelope: Envelope) -> Iterator[Envelope]:
        """`envelope` with the traceparent of the span that lasts as long as its publishing."""
        if not trace.get_current_span().is_recording():
            now = trace.get_current_span().get_span_context()
            yield replace(envelope, traceparent=traceparent_of(now)) if now.is_valid else envelope
            return
        span = self._sending(envelope.type, envelope.message_id, envelope.correlation_id, None)
        with trace.use_span(span, end_on_exit=True, record_exception=False):
            yield replace(envelope, traceparent=traceparent_of(span.get_span_context()))

    def handle(self, delivery: Delivery) -> None:
        """Begins the span of handling `delivery` anew, if it is sampled; one without a trace begins its own."""
        delivery.span = None
        if delivery.traceparent and not sampled(delivery.traceparent):
            return
        queue = delivery.queue
        span = self._tracer.start_span(
            f"process {queue.name}",
            _context(delivery.traceparent),
            SpanKind.CONSUMER,
            {
                "messaging.system": "rabbitmq",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": f"{queue.exchange}:{queue.key}:{queue.name}",
                "messaging.message.id": text_of_id(delivery.message_id),
                "messaging.message.conversation_id": delivery.correlation_id,
                "momo.attempt": delivery.attempt,
                "momo.waited_ms": max(0, int(delivery.taken * 1000) - delivery.due_ms),
            },
            start_time=int(delivery.taken * NANOSECONDS),
        )
        delivery.span = Handling(self, span, delivery)

    @contextmanager
    def flushing(self, lane: str, batch: Sequence[Delivery]) -> Iterator[None]:
        """A flush is a trace of its own, with links to and from its messages that are sampled, if there are any."""
        handled = [delivery.span.span for delivery in batch if delivery.span and delivery.span.span.is_recording()]
        if not handled:
            yield
            return
        span = self._tracer.start_span(
            "flush",
            Context(),
            attributes={"momo.lane": lane, "messaging.batch.message_count": len(batch)},
            links=[Link(one.get_span_context()) for one in handled],
        )
        for one in handled:
            one.add_link(span.get_span_context())
        try:
            yield
        except BaseException as error:
            failed(span, type(error).__name__)
            raise
        finally:
            span.end()

    def current_trace(self) -> str:
        now = trace.get_current_span().get_span_context()
        return trace.format_trace_id(now.trace_id) if now.trace_flags.sampled else ""

    def client(self) -> TraceConfig:
        """For an aiohttp session: each request is a span of what it is made for."""
        config = TraceConfig()

        async def begin(_: ClientSession, context: SimpleNamespace, asked: Started) -> None:
            path = "/".join(part if not part or part in SPOKEN else "{}" for part in asked.url.path.split("/"))
            if not trace.get_current_span().get_span_context().is_valid:
                context.span = trace.INVALID_SPAN  # it is made for nothing that is traced
                return
            attributes: dict[str, str | int] = {
                "http.request.method": asked.method,
                "url.template": path,
                "server.address": asked.url.host or "",
                "server.port": asked.url.port or 0,
            }
            context.span = self._tracer.start_span(f"{asked.method} {path}", None, SpanKind.CLIENT, attributes)

        async def end(_: ClientSession, context: SimpleNamespace, answered: TraceRequestEndParams) -> None:
            status = answered.response.status
            context.span.set_attribute("http.response.status_code", status)
            if status >= 400:
                failed(context.span, str(status))
            context.span.end()

        async def fail(_: ClientSession, context: SimpleNamespace, broken: TraceRequestExceptionParams) -> None:
            failed(context.span, type(broken.exception).__name__)
            context.span.end()

        config.on_request_start.append(begin)
        config.on_request_end.append(end)
        config.on_request_exception.append(fail)
        return config

    def sending(self, parent: Span, message: Message, message_id: str, correlation_id: str) -> Span:
        """Begins the span of a message that handling another sends."""
        return self._sending(KEYS[type(message)], message_id, correlation_id, trace.set_span_in_context(parent))

    def _sending(self, key: str, message_id: str, correlation_id: str, context: Context | None) -> Span:
        return self._tracer.start_span(
            f"publish {key}",
            context,
            SpanKind.PRODUCER,
            {
                "messaging.system": "rabbitmq",
                "messaging.operation.name": "publish",
                "messaging.operation.type": "send",
                "messaging.destination.name": f"{exchange_of(key)}:{key}",
                "messaging.message.id": message_id,
                "messaging.message.conversation_id": correlation_id,
            },
        )


class Handling:
    """The span of one attempt at a message, with those of the messages that it sends. Spans that are never ended, such
    as a flush's that runs again, are never exported."""

    def __init__(self, spans: Spans, span: Span, delivery: Delivery) -> None:
        self.span = span
        self._spans = spans
        self._correlation_id = delivery.correlation_id
        self._sent: dict[str, Span] = {}

    def current(self) -> AbstractContextManager[Span]:
        """What is done within belongs to it."""
        return trace.use_span(self.span, record_exception=False, set_status_on_exception=False)

    def sends(self, message: Message, message_id: str) -> str:
        """The traceparent of a message that is sent."""
        span = self._spans.sending(self.span, message, message_id, self._correlation_id)
        self._sent[message_id] = span
        return traceparent_of(span.get_span_context())

    def end(self, outcome: str, refusal: str = "") -> None:
        """It is handled: `done`, `refused` by that type of problem, or `postponed`."""
        self.span.set_attribute("momo.outcome", outcome)
        if refusal:
            self.span.set_attribute("momo.refusal", refusal)
        self.span.end()

    def fail(self, outcome: str, error: BaseException) -> None:
        """It raised `error`, and is tried again or dead. Only the error's type is told: its text may hold anything."""
        self.span.set_attribute("momo.outcome", outcome)
        failed(self.span, type(error).__name__)
        self.span.end()

    def published(self, error: Exception | None = None) -> None:
        """What it sends is confirmed, or for the relay to publish because of `error`."""
        for span in self._sent.values():
            if error is not None:
                failed(span, type(error).__name__)
            span.end()


def failed(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


def traceparent_of(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & 1:02x}"


def _context(traceparent: str) -> Context:
    """What a span's parent is, from afar; for what is no traceparent there is none."""
    found = parsed(traceparent)
    if found is None:
        return Context()
    trace_id, span_id, flags = found
    remote = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(flags))
    return trace.set_span_in_context(NonRecordingSpan(remote), Context())
