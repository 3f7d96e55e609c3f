"""One trace from a request to the notice at a socket, over processes and services, as a collector gets it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import aiohttp
import msgspec
import pytest_asyncio
from prometheus_client.openmetrics import parser

from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.servers import Servers
from momo.local.stage import MOMO, prepare, process
from tests.flows.members import Stage
from tests.telemetry.collector import Collector, Seen, collecting
from tests.waiting import eventually

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
TRACE_ID, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FLOW = (
    ("server", "POST /api/v2/meetings/{meeting_id}/join"),
    ("producer", "publish meeting.join"),
    ("consumer", "process meeting.join.queue"),
    ("producer", "publish payment.register"),
    ("consumer", "process payment.register.queue"),
)
PAYING = (
    ("server", "POST /api/v2/payments/confirm"),
    ("producer", "publish payment.confirm"),
    ("consumer", "process payment.confirm.queue"),
    ("producer", "publish payment.charge"),
    ("consumer", "process payment.charge.queue"),
    ("producer", "publish payment.settle"),
    ("consumer", "process payment.settle.queue"),
    ("producer", "publish payment.completed"),
    ("consumer", "process payment.completed.queue"),
    ("producer", "publish meeting.joined"),
    ("consumer", "process meeting.joined.queue"),
    ("producer", "publish notification.create"),
    ("consumer", "process notification.create.queue"),
    ("producer", "publish notification.send"),
    ("consumer", "process notification.send.queue"),
)
TOSS = ("client", "POST /v1/payments/confirm")


class Traced(msgspec.Struct):
    """A whole MOMO whose processes send their spans to `collector`, after a member's paid join under one trace."""

    stage: Stage
    collector: Collector
    worker: str
    payment_key: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def joined(servers: Servers) -> AsyncIterator[Traced]:
    settings = await prepare(servers, "traced")
    worker = msgspec.structs.replace(settings, metrics_port=free_port())
    async with collecting() as collector, AsyncExitStack() as stack:
        # who brings no trace is not sampled
        program = (*collector.environment(OTEL_TRACES_SAMPLER="parentbased_always_off"), *MOMO)
        for where, command in ((settings, "toss-sandbox"), (settings, "serve"), (settings, "relay"), (worker, "work")):
            await stack.enter_async_context(process(where, command, program=program))
        address = f"http://{settings.host}:{settings.port}"
        await until_ready(f"{address}/health/ready")
        client = await stack.enter_async_context(aiohttp.ClientSession(address))
        stage = Stage(settings, client)
        host, member = await stage.member(), await stage.member()
        meeting = await host.opens(capacity=3, fee=5_000)
        member.headers["traceparent"] = f"00-{TRACE_ID}-{CALLER}-01"
        async with member.listens() as notices:
            payment = await stage.checkout(await member.joins(meeting))
            assert (await member.post("/payments/confirm", payment)).status == 200
            await notices.until("meeting.joined")
        await eventually(lambda: found(collector, PAYING))
        probes = f"http://{settings.host}:{worker.metrics_port}"
        yield Traced(stage, collector, probes, payment["paymentKey"])


def found(collector: Collector, flow: tuple[tuple[str, str], ...]) -> list[Seen]:
    """The chain of spans of which each is the parent of the next, the first the caller's child; empty if broken."""
    chains: list[list[Seen]] = [[]]
    for step in flow:
        chains = [
            [*chain, span]
            for chain in chains
            for span in collector.of(TRACE_ID)
            if (span.kind, span.name) == step and span.parent_id == (chain[-1].span_id if chain else CALLER)
        ]
    return chains[0] if chains else []


async def test_join_and_payment_are_one_trace_in_which_each_step_is_the_child_of_the_one_before(joined: Traced) -> None:
    joining, paying = found(joined.collector, FLOW), found(joined.collector, PAYING)
    assert (len(joining), len(paying)) == (len(FLOW), len(PAYING))
    assert {span.service for span in joining} == {"momo-gateway", "momo-worker"}
    for cause, effect in [*itertools.pairwise(joining), *itertools.pairwise(paying)]:
        assert cause.began <= effect.began + 1_000_000, "clocks of two processes differ by less than a millisecond"
    assert not any(span.failed for span in joined.collector.of(TRACE_ID))


async def test_the_call_to_toss_is_a_child_of_the_effect_and_shows_no_payment_key(joined: Traced) -> None:
    effect = found(joined.collector, PAYING)[4]
    [call] = [span for span in joined.collector.of(TRACE_ID) if (span.kind, span.name) == TOSS]
    sandbox = urlsplit(joined.stage.settings.toss_url)
    assert call.parent_id == effect.span_id
    assert (call.attributes["server.port"], call.attributes["http.response.status_code"]) == (sandbox.port, 200)
    assert joined.payment_key not in repr(joined.collector.spans)


async def test_flushes_are_traces_of_their_own_linked_with_their_messages(joined: Traced) -> None:
    decided = found(joined.collector, FLOW)[2]
    flushes = [span for span in joined.collector.spans if span.name == "flush"]
    [flush] = [span for span in flushes if (TRACE_ID, decided.span_id) in span.links]
    assert (flush.trace_id, flush.span_id) in decided.links
    assert flush.trace_id != TRACE_ID
    assert flush.began <= decided.began + 5_000_000
    assert flush.attributes["messaging.batch.message_count"] >= 1


async def test_nothing_is_traced_that_nobody_asked_for(joined: Traced) -> None:
    flushes = {span.trace_id for span in joined.collector.spans if span.name == "flush"}
    assert {span.trace_id for span in joined.collector.spans} == {TRACE_ID, *flushes}


async def test_metrics_of_worker_and_gateway_name_the_trace_as_an_example(joined: Traced) -> None:
    for address, metric in (
        (joined.worker, "momo_critical_time_seconds"),
        (str(joined.stage.client._base_url), "momo_http_request_seconds"),
    ):
        async with joined.stage.client.get(f"{address.rstrip('/')}/metrics", headers=OPENMETRICS) as answer:
            text = await answer.text()
        families = {f.name: f for f in parser.text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
        examples = {sample.exemplar.labels["trace_id"] for sample in families[metric].samples if sample.exemplar}
        assert examples == {TRACE_ID}
        assert "momo_breaker_state" in families


async def test_a_span_is_called_by_its_route_and_shows_no_address(joined: Traced) -> None:
    secret = "canary-of-a-calendar"
    headers = {"traceparent": f"00-{TRACE_ID}-{CALLER}-01"}
    await joined.stage.request("GET", f"/api/v2/meetings/calendar/{secret}.ics?token={secret}", **headers)
    await joined.stage.request("GET", "/api/v2/meetings/77", **headers)
    await eventually(lambda: any(s.name == "GET /api/v2/meetings/{meeting_id}" for s in joined.collector.spans))
    assert secret not in repr(joined.collector.spans)
