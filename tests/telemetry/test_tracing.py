"""Tracing within the engine: a message keeps its trace whatever becomes of it, and flushes are linked to it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from msgspec.structs import replace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from contracts.base import Message
from momo.actors.outbox import sent_by
from momo.broker.envelope import Envelope, seal
from momo.broker.identity import fresh_id
from momo.dlq.letter import read
from momo.telemetry import hops
from tests.engine.counter import ADD, CALL, TOLD, add, call, calls, counters, told
from tests.engine.engine import Engine, working
from tests.engine.letters import decoded
from tests.waiting import eventually

TRACE_ID, CALLER = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
SAMPLED = f"00-{TRACE_ID:032x}-{CALLER:016x}-01"
UNSAMPLED = f"{SAMPLED[:-1]}0"


def traced(message: Message, traceparent: str = SAMPLED, attempt: int = 1) -> Envelope:
    return replace(seal(message, message_id=fresh_id(), traceparent=traceparent), attempt=attempt)


def named(exported: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exported.get_finished_spans() if span.name == name]


async def test_a_sampled_message_is_traced_to_what_it_sends_and_the_next_service(
    engine: Engine, exported: InMemorySpanExporter
) -> None:
    async with working(engine.settings, counters()):
        await engine.send(traced(add(1, 5, "tell")))
        await eventually(lambda: named(exported, f"process {TOLD.name}"))
        await eventually(lambda: named(exported, f"publish {TOLD.key}"))
    [first], [sent], [last] = (
        named(exported, name)
        for name in (f"process {ADD.name}", f"publish {TOLD.key}", f"process {TOLD.name}")
    )  # fmt: skip
    assert [span.context.trace_id for span in (first, sent, last)] == [TRACE_ID] * 3
    assert [span.kind for span in (first, sent, last)] == [SpanKind.CONSUMER, SpanKind.PRODUCER, SpanKind.CONSUMER]
    assert [span.parent and span.parent.span_id for span in (first, sent, last)] == [
        CALLER,
        first.context.span_id,
        sent.context.span_id,
    ]
    assert first.attributes is not None
    assert first.attributes["momo.outcome"] == "done"


async def test_a_flush_is_linked_with_the_sampled_among_its_messages(
    engine: Engine, exported: InMemorySpanExporter
) -> None:
    # before there is a worker: they wait together, and the first flush of all takes the one that comes alone
    await engine.send(*(traced(add(1), SAMPLED if n in {3, 4} else UNSAMPLED) for n in range(8)))
    async with working(engine.settings, counters()):
        await eventually(lambda: engine.count("inbox"))
        await eventually(lambda: len(named(exported, f"process {ADD.name}")) == 2)
    handled = {span.context.span_id: span for span in named(exported, f"process {ADD.name}")}
    flushes = {span.context.span_id: span for span in named(exported, "flush")}
    links = [(link.context.span_id, flush.context.span_id) for flush in flushes.values() for link in flush.links]
    back = [(span.context.span_id, link.context.span_id) for span in handled.values() for link in span.links]
    assert sorted(links) == sorted(back)
    assert {handled_id for handled_id, _ in links} == set(handled)
    assert all(flush.parent is None and flush.context.trace_id != TRACE_ID for flush in flushes.values())


async def test_what_is_not_sampled_makes_no_span_and_passes_its_traceparent_on(
    engine: Engine, exported: InMemorySpanExporter
) -> None:
    async with working(engine.settings, counters(), calls()):
        [sent] = await engine.send(traced(add(2, 5, "tell"), UNSAMPLED))
        await engine.send(traced(call(3), UNSAMPLED))
        await eventually(lambda: engine.total(told(2)))
        await eventually(lambda: engine.total(3))
    assert sent
    assert exported.get_finished_spans() == ()
    delivery = decoded(ADD, add(2), {"traceparent": UNSAMPLED}, message_id=sent)
    hops.begin([delivery])
    assert [envelope.traceparent for envelope in sent_by(delivery, [add(1)])] == [UNSAMPLED]


async def test_the_trace_goes_on_through_delay_dead_letter_and_replay(
    engine: Engine, exported: InMemorySpanExporter
) -> None:
    broken = True

    def fault(message: Message) -> None:
        if broken and getattr(message, "nickname", "") == "boom":
            raise ValueError("a secret")

    async with working(engine.settings, counters(fault)):
        [twice] = await engine.send(traced(add(1, 1, "boom")))
        [dead] = await engine.send(traced(add(2, 1, "boom"), attempt=3))
        await eventually(lambda: engine.depth(ADD.dead_letter_queue))
        broken = False
        await eventually(lambda: engine.total(1))
        letter = await (await engine.channel.get_underlay_channel()).basic_get(ADD.dead_letter_queue, no_ack=True)
        await engine.send(read(ADD, letter).replayed())
        await eventually(lambda: engine.total(2))
        await eventually(lambda: len(named(exported, f"process {ADD.name}")) == 4)
    for message_id, outcomes in ((twice, ["retried", "done"]), (dead, ["dead", "done"])):
        spans = [
            s
            for s in named(exported, f"process {ADD.name}")
            if (s.attributes or {})["messaging.message.id"] == message_id
        ]
        assert [(span.attributes or {})["momo.outcome"] for span in spans] == outcomes
        assert {(span.context.trace_id, span.parent and span.parent.span_id) for span in spans} == {(TRACE_ID, CALLER)}
        assert [span.status.is_ok for span in spans] == [False, True]
        assert "secret" not in "".join(span.to_json() for span in spans)


async def test_a_call_is_traced_and_what_it_learned_is_its_child(
    engine: Engine, exported: InMemorySpanExporter
) -> None:
    async with working(engine.settings, counters(), calls()):
        await engine.send(traced(call(3)))
        await eventually(lambda: named(exported, f"process {ADD.name}"))
    [called], [sent] = named(exported, f"process {CALL.name}"), named(exported, f"publish {ADD.key}")
    assert (called.parent and called.parent.span_id, sent.parent and sent.parent.span_id) == (
        CALLER,
        called.context.span_id,
    )


PROGRAM = """
import sys
import momo.worker, workers
from momo.telemetry import tracing
tracing.start("momo-worker")
loaded = {"opentelemetry.exporter", "opentelemetry.sdk.trace"} & set(sys.modules)
print(tracing.spans is not None, sorted(loaded))
"""


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("", "False []"),
        ("http://127.0.0.1:1/v1/traces", "True ['opentelemetry.exporter', 'opentelemetry.sdk.trace']"),
    ],
)
def test_only_a_process_that_is_told_of_a_collector_loads_the_sdk(endpoint: str, said: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = endpoint
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, env=environment, stdout=subprocess.PIPE)
    assert done.stdout.decode().strip() == said
